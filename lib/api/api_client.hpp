#pragma once
#include "api/endpoint.hpp"
#include "async/notifier.hpp"
#include "http/call.hpp"
#include "http/service_error.hpp"
#include "mcp/server_pool.hpp"
#include "net/clock.hpp"
#include "net/transport.hpp"
#include "protocol/resource_codec.hpp"
#include "redact/redact.hpp"
#include "run/block_pool.hpp"
#include <corun/credential.hpp>
#include <corun/error.hpp>
#include <corun/options.hpp>

#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace corun::detail {

/// A request with the secrets that an error about it must not show.
struct prepared_request {
    prepared_request() = default;

    net::request request;
    redactor secrets;
    secret token;                             ///< From the credential.
    std::optional<net::time_point> deadline;  ///< Of all its attempts; absent: `total_timeout` from now.
};

/// Whether a request may be repeated after an attempt that may have been carried out.
enum class repeat {
    by_method,   ///< Unless it is a POST.
    idempotent,  ///< Even if it is a POST.
};

/// The client of one endpoint, shared by its agents, threads and streams.
class api_client {
public:
    /// Throws `errc::invalid_endpoint`, `errc::insecure_endpoint` and, for its options, `errc::invalid_argument`.
    /// `resource_codec` is that of the protocol that the options name; `make_api_client` knows it.
    api_client(asio::any_io_executor executor, std::string_view endpoint, corun::credential credential,
               client_options options, const codec::resource_codec& resource_codec,
               std::shared_ptr<net::transport> transport, std::shared_ptr<net::clock> clock);

    /// A client of the same endpoint for the requests of one run, with its header fields and its tag; `self` if it has
    /// neither. Throws `errc::invalid_header`.
    static std::shared_ptr<api_client> for_run(std::shared_ptr<api_client> self, const run_options& run);

    /// One JSON call. Completes with the body of a success; throws `corun::error` for anything else. `path` begins
    /// with a slash; `query` is empty or `key=value` pairs joined by `&`; `secrets` are those in `body`. Retries as
    /// `retry_policy` says, and once after a 401 if the credential can refresh its token.
    static asio::awaitable<std::string> call(std::shared_ptr<api_client> self, std::string method, std::string path,
                                             std::string query = {}, secret body = {}, redactor secrets = {},
                                             repeat repeatable = repeat::by_method);

    /// Sends a request once; otherwise as `call`. With `call_handlers::on_body` a success may have any media type, and
    /// the result is empty.
    static asio::awaitable<std::string> send(std::shared_ptr<api_client> self, prepared_request prepared,
                                             call_handlers handlers = {});

    /// A request with the header fields that all requests have, and a token from the credential. All attempts of one
    /// request have the same `request_id`.
    static asio::awaitable<prepared_request> make_request(std::shared_ptr<api_client> self, std::string request_id,
                                                          std::string method, std::string path, std::string query,
                                                          secret body, redactor secrets);

    /// The error that a response other than the expected one is.
    [[nodiscard]] error response_error(const net::response_head& head, std::string_view body,
                                       std::string_view expected_type, const redactor& secrets) const;

    /// Whether the credential can replace a token that was rejected.
    [[nodiscard]] bool can_refresh() const noexcept { return credential_.can_refresh(); }
    /// Call it with the token of a request that was answered with 401.
    void reject_token(const secret& token) const noexcept { credential_.invalidate(token); }

    [[nodiscard]] const std::string& endpoint() const noexcept { return endpoint_; }

    /// An endpoint that ends in `/v1` is OpenAI's own kind.
    [[nodiscard]] codec::endpoint_kind kind() const noexcept {
        return endpoint_.ends_with("/v1") ? codec::endpoint_kind::openai : codec::endpoint_kind::project;
    }
    /// The path of the OpenAI API: empty, or `/openai/v1` below a project.
    [[nodiscard]] std::string openai_path() const { return kind() == codec::endpoint_kind::openai ? "" : "/openai/v1"; }

    /// Reports a retry to the observer.
    void notify_retry(const error& cause, std::string_view request_id, int attempt, std::chrono::milliseconds delay,
                      std::string_view run_id = {}, std::string_view thread_id = {}) const noexcept;

    /// The service's time in seconds since 1970, as far as its responses have shown it.
    [[nodiscard]] std::int64_t time() const noexcept;
    void note_time(const net::response_head& head) noexcept;

    const asio::any_io_executor executor;
    const detail::notifier notifier;
    const std::shared_ptr<net::transport> transport;
    const std::shared_ptr<net::clock> clock;
    const client_options options;
    const codec::resource_codec& resources;
    const std::shared_ptr<run::block_pool> event_blocks = std::make_shared<run::block_pool>();  ///< Of all streams.
    const std::shared_ptr<mcp::server_pool> mcp_servers;                                        ///< That corun calls.

private:
    static asio::awaitable<secret> get_token(std::shared_ptr<api_client> self);
    void add_token(prepared_request& prepared) const;
    [[nodiscard]] call_limits limits_of(const prepared_request& prepared) const;

    std::string endpoint_;
    corun::credential credential_;
    std::string user_agent_;
    headers request_headers_;
    std::string tag_;              ///< `run_options::tag`
    std::int64_t clock_skew_ = 0;  ///< Seconds that the service's clock is ahead of this machine's.
};

/// Throws `errc::invalid_argument`: the client's protocol has nothing for `call`.
[[noreturn]] void throw_unavailable(const api_client& api, std::string_view call);

/// A part of `api.resources` that `call` needs. Throws `errc::invalid_argument` if the protocol does not have it.
template <class T>
T require(const api_client& api, T part, std::string_view call) {
    if (!part) throw_unavailable(api, call);
    return part;
}

}  // namespace corun::detail
