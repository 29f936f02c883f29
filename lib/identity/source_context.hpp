#pragma once
#include "net/clock.hpp"
#include "net/transport.hpp"
#include <corun/error.hpp>
#include <corun/token_provider.hpp>

#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>

#include <functional>
#include <memory>
#include <string>
#include <utility>

namespace corun::identity {

/// What the sources of tokens have in common.
struct source_context {
    source_context() = default;

    [[nodiscard]] std::chrono::system_clock::time_point now() const { return options.clock(); }
    [[nodiscard]] std::string variable(const std::string& name) const { return options.environment(name); }

    asio::any_io_executor executor;
    std::shared_ptr<net::transport> transport;
    std::shared_ptr<net::transport> direct_transport;  ///< Without a proxy: for metadata services.
    std::shared_ptr<net::clock> clock;
    identity_options options;
};

using shared_context = std::shared_ptr<const source_context>;
/// Fetches a token. Fails with `errc::credential_failed`.
using fetch = token_handler;

/// The real one: libcurl, and time on `executor`.
[[nodiscard]] shared_context make_context(asio::any_io_executor executor, identity_options options);

/// A source is not configured on this machine, or does not respond: another one may be used instead.
class unavailable : public error {
public:
    explicit unavailable(std::string message) : error(errc::credential_failed, std::move(message)) {}
};

/// Caches the tokens of a source.
[[nodiscard]] token_provider make_provider(const shared_context& context, fetch source);

}  // namespace corun::identity
