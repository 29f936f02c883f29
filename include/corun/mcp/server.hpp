#pragma once
#include <corun/asio.hpp>
#include <corun/chrono.hpp>
#include <corun/export.hpp>
#include <corun/headers.hpp>
#include <corun/json_text.hpp>
#include <corun/mcp/tool.hpp>
#include <corun/observer.hpp>
#include <corun/options.hpp>

#include <asio/any_io_executor.hpp>

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>

/// A client of MCP servers (Model Context Protocol, Streamable HTTP), for the revisions 2026-07-28, 2025-11-25,
/// 2025-06-18 and 2025-03-26.
///
///     corun::mcp::server bookings(executor, "https://bookings.example/mcp");
///     corun::mcp::tool_list list = co_await bookings.list_tools(headers);
///     corun::mcp::tool_result result = co_await bookings.call_tool("reserve_seat", R"({"seat":"14A"})", headers);
///     std::cout << (result.is_error ? "It failed: " : "") << result.text();
///
/// The headers, such as `Authorization`, are an argument of each call. They are sent with every request of the call, to
/// the server's own scheme, host and port and to nothing else, and are not kept.
namespace corun::mcp {

/// Which revisions of the protocol a client speaks.
enum class revisions {
    automatic,  ///< Finds out with the first request (`server/discover`), and remembers it for the server.
    modern,     ///< 2026-07-28, which has no sessions.
    legacy,     ///< 2025-11-25 and before, which begin with `initialize`.
};

/// Durations of 0 disable the limit.
struct CORUN_API server_options {
    server_options();

    mcp::revisions revisions = mcp::revisions::automatic;  ///< Of the protocol.

    /// How long a connection may take.
    std::chrono::milliseconds connect_timeout = std::chrono::seconds{30};
    /// The longest duration of each request but calls of tools.
    std::chrono::milliseconds request_timeout = std::chrono::seconds{30};
    /// How long a call of a tool may take without any sign of progress (`call_options::on_progress`).
    std::chrono::milliseconds call_timeout = std::chrono::seconds{60};
    /// The longest duration of a call of a tool, whatever its progress.
    std::chrono::milliseconds total_timeout = std::chrono::minutes{10};
    /// For requests that the server has certainly not carried out: it could not be reached, or answered 429 or 503.
    retry_policy retry;

    std::size_t max_response_bytes = std::size_t{16} << 20;  ///< Of one JSON document or one event.
    std::size_t max_tools = 1'000;                           ///< Of `list_tools`; more are an error.
    std::size_t max_pages = 64;                              ///< Of `list_tools`; more are an error.
    /// For how long the sessions of one principal use a list of tools again: never longer than the server allows. The
    /// legacy revisions do not say, and 2026-07-28 forbids it by saying nothing. 0: not at all.
    std::chrono::milliseconds max_list_age = std::chrono::minutes{5};

    /// How the client introduces itself. By default, `corun` and its version.
    std::string client_name, client_version;
    /// As in `client_options`.
    std::string ca_file;
    std::optional<std::string> proxy;
    corun::observer observer;  ///< `on_request`, `on_retry` and `on_wire`.
};

/// Options of one call of a tool.
struct CORUN_API call_options {
    call_options() = default;

    /// Asks the server to report progress, and is called with each report, from the coroutine of the call.
    std::function<void(const progress&)> on_progress;
    /// Replace those of `server_options`.
    std::optional<std::chrono::milliseconds> call_timeout, total_timeout;
};

class session;

/// An MCP server. A cheap handle, which holds nothing of any user: one object can serve them all, concurrently.
///
/// `list_tools` and `call_tool` use a session of their own each. For several calls of one user, `session` saves
/// requests, and keeps what servers of the legacy revisions store in a session.
///
/// *Threads:* Not thread-safe. Use it on its executor, a single-threaded context or a strand.
class CORUN_API server {
public:
    /// *Errors:* Throws `errc::invalid_endpoint` if `url` is not an absolute http or https URL, and
    /// `errc::invalid_argument`.
    server(asio::any_io_executor executor, std::string url, server_options options = {});

    /// As `session::list_tools`.
    [[nodiscard]] asio::awaitable<tool_list> list_tools(headers fields) const;
    /// As `session::call_tool`.
    [[nodiscard]] asio::awaitable<tool_result> call_tool(std::string name, json_text arguments, headers fields,
                                                         call_options options = {}) const;

    [[nodiscard]] const std::string& url() const noexcept;

    struct state;
    explicit server(std::shared_ptr<state> shared) noexcept;

private:
    friend class session;
    friend struct server_access;
    std::shared_ptr<state> state_;
};

/// The use of an MCP server by one user, such as the calls of one run. Do not share it between users: servers of the
/// legacy revisions take a session as the user who has opened it.
///
/// It opens itself with the first request, and again if the server has lost it. Several calls can run concurrently.
///
/// *Errors:* Operations fail with `corun::error`:
/// - `errc::invalid_header` for malformed headers and for those that the protocol sets, and `errc::insecure_endpoint`
///   for headers to a server that is reached over plain http and is not loopback; before anything is sent;
/// - `errc::unauthorized` and `errc::forbidden`, with the server's `diagnostics::challenge`: call again with other
///   headers;
/// - `errc::mcp_error` if the server answers with a JSON-RPC error; its code is the `service_code`. For `call_tool`, it
///   is a result;
/// - `errc::unexpected_status` for redirects, which are not followed; `bad_response`, `response_too_large`,
///   `unexpected_content_type`, the codes of the network and of HTTP status codes.
///
/// *Cancellation:* Drops the request. Servers of the legacy revisions are told so.
///
/// *Lifetime:* A cheap handle; copies share the session.
///
/// *Threads:* As `server`.
class CORUN_API session {
public:
    /// `principal` names the user, such as the id of an account; never a token. Sessions of one server with the same
    /// principal use lists of tools again (`server_options::max_list_age`): `list_tools` then sends nothing. Without a
    /// name, each asks the server.
    explicit session(const server& server, std::string principal = {});

    /// All tools of the server.
    [[nodiscard]] asio::awaitable<tool_list> list_tools(headers fields) const;

    /// Calls a tool. `arguments` is a JSON object; an empty text means one without members. The call is sent once: if
    /// its answer is lost, it fails with `errc::connection_lost`, `premature_eof` or a timeout, and may have been
    /// carried out.
    ///
    /// *Errors:* Also `errc::invalid_argument` if `arguments` is not a JSON object.
    [[nodiscard]] asio::awaitable<tool_result> call_tool(std::string name, json_text arguments, headers fields,
                                                         call_options options = {}) const;

    /// Ends the session at the server, if there is one: best effort, within five seconds. Failures are ignored.
    [[nodiscard]] asio::awaitable<void> close(headers fields) const;

    /// The revision that is in use, such as `2026-07-28`; empty before the first request.
    [[nodiscard]] std::string revision() const;
    /// What the server says about its use; empty if nothing, or before the first request.
    [[nodiscard]] std::string instructions() const;

    struct state;

private:
    std::shared_ptr<state> state_;
};

}  // namespace corun::mcp
