#pragma once
#include "async/notifier.hpp"
#include "http/call.hpp"
#include "net/clock.hpp"
#include "net/transport.hpp"
#include "protocol/threads/codec.hpp"
#include "redact/redact.hpp"
#include "run/block_pool.hpp"
#include "text/url.hpp"
#include <corun/credential.hpp>
#include <corun/error.hpp>
#include <corun/options.hpp>

#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <string_view>

namespace corun::detail {

/// A request, and what of it an error must not show.
struct outgoing {
    outgoing() = default;

    net::request request;
    redactor secrets;
    secret token;                            ///< What the credential gave for it.
    std::optional<net::time_point> give_up;  ///< When its `total_timeout` ends, if not that much later than now.
};

/// Whether a call that may have been carried out may be sent again.
enum class repeat {
    by_method,  ///< Unless it is a POST.
    harmless,   ///< Also then.
};

/// What a client, its agents, threads and streams share: the way to one project endpoint.
class api_client {
public:
    /// Throws `errc::invalid_endpoint` and `errc::insecure_endpoint`.
    api_client(asio::any_io_executor executor, std::string_view endpoint, corun::credential credential,
               client_options options, std::shared_ptr<net::transport> transport, std::shared_ptr<net::clock> clock);

    /// One JSON call. Returns the body of a success; throws `corun::error` for anything else.
    /// `path` begins with a slash; `query` is empty or `key=value` pairs joined by `&`; `secrets` are
    /// those that the body holds. It is sent again as `retry_policy` says, and after a 401 once more
    /// if the credential can refresh its token: what is answered so was not carried out.
    static asio::awaitable<std::string> call(std::shared_ptr<api_client> self, std::string method, std::string path,
                                             std::string query = {}, secret body = {}, redactor secrets = {},
                                             repeat again = repeat::by_method);

    /// Sends what `make_request` made, once; otherwise as `call`. With `call_handlers::on_body` a success may
    /// be of any content type, and gives nothing.
    static asio::awaitable<std::string> send(std::shared_ptr<api_client> self, outgoing what,
                                             call_handlers handlers = {});

    /// A request with everything every request carries, asking the credential for its token.
    /// `request_id` is the same for every time that one request is sent.
    static asio::awaitable<outgoing> make_request(std::shared_ptr<api_client> self, std::string request_id,
                                                  std::string method, std::string path, std::string query, secret body,
                                                  redactor secrets);

    /// Whether another token can be had in place of one that was refused.
    [[nodiscard]] bool can_refresh() const noexcept { return credential_.can_refresh(); }
    /// To be called with what a 401 answers: its token is not used again, if another can be had.
    void refused(const secret& token) const noexcept { credential_.invalidate(token); }

    /// What a response says that is not a success, or a success of another type than `expected`, as
    /// an error. `body` may be its beginning only.
    [[nodiscard]] static error error_of(const net::response_head& head, std::string_view body,
                                        std::string_view expected, const redactor& secrets);

    [[nodiscard]] const std::string& endpoint() const noexcept { return endpoint_; }

    [[nodiscard]] bool speaks_responses() const noexcept { return options.protocol == protocol::responses; }
    /// Whether its endpoint ends in `/v1`, as those of OpenAI's own form do: they know no projects, agents, versions.
    [[nodiscard]] bool is_openai() const noexcept { return endpoint_.ends_with("/v1"); }
    /// Where responses and conversations are: nothing, or `/openai/v1` below a project.
    [[nodiscard]] std::string openai_path() const { return is_openai() ? "" : "/openai/v1"; }

    /// Tells the observer of a request that is about to be sent again.
    void tell_retry(const error& why, std::string_view request_id, int attempt, std::chrono::milliseconds delay,
                    std::string_view run_id = {}, std::string_view thread_id = {}) const noexcept;

    /// A fresh UUID.
    std::string new_request_id();
    /// From 0 to 1.
    double random();

    /// The time by the service's clock, in seconds since 1970, as far as its responses have told.
    [[nodiscard]] std::int64_t time() const noexcept;
    void note_time(const net::response_head& head) noexcept;

    const asio::any_io_executor executor;
    const detail::notifier notifier;  ///< Tells the client's observer.
    const std::shared_ptr<net::transport> transport;
    const std::shared_ptr<net::clock> clock;
    const client_options options;
    codec::threads::decoder decoder;
    const std::shared_ptr<run::block_pool> event_blocks = std::make_shared<run::block_pool>();  ///< Of all its streams.

private:
    std::string endpoint_;
    corun::credential credential_;
    std::string user_agent_;
    std::mt19937_64 random_;
    std::int64_t ahead_ = 0;  ///< How many seconds the service's clock is ahead of this machine's.
};

/// How much of the body of a response that is an error is worth reading.
inline constexpr std::size_t error_body_read = std::size_t{64} << 10;

/// After how long to try again, as its header fields say it. The forms and their order are those of Azure's own
/// clients.
[[nodiscard]] std::optional<std::chrono::milliseconds> retry_hint(const net::response_head& head);

/// The service's id of a request, as its response carries it.
[[nodiscard]] std::string_view request_id_of(const net::response_head& head) noexcept;

/// Throws `errc::invalid_argument` naming `call` where the other protocol is spoken.
void require_protocol(const api_client& of, protocol needed, std::string_view call);

/// `/threads/{id}` and the like: refuses an empty id with `errc::invalid_argument` naming `what`.
[[nodiscard]] std::string path_of(std::string_view collection, std::string_view id, std::string_view what);

}  // namespace corun::detail
