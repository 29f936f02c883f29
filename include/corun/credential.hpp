#pragma once
#include <corun/export.hpp>
#include <corun/secret.hpp>

#include <asio/awaitable.hpp>

#include <functional>
#include <memory>

namespace corun {

/// Where a client gets its token for the service. A cheap handle; copies share what is behind it.
class CORUN_API credential {
public:
    /// No credential: no `Authorization` header is sent.
    credential();
    /// A bearer token that the caller has.
    static credential bearer(secret token);
    /// A function asked for a bearer token before each request. It runs on the client's executor
    /// and caches as it likes. What it throws reaches the caller of the request as
    /// `errc::credential_failed`.
    static credential callback(std::function<asio::awaitable<secret>()> get_token);

    /// True unless default-constructed.
    explicit operator bool() const noexcept;
    /// The token to send now; empty without a credential.
    [[nodiscard]] asio::awaitable<secret> token() const;

private:
    struct state;
    std::shared_ptr<const state> state_;
};

}  // namespace corun
