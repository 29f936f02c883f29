#pragma once
#include <corun/chrono.hpp>
#include <corun/emulator/types.hpp>
#include <corun/export.hpp>
#include <corun/json_text.hpp>

#include <asio/io_context.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace corun::emulator {

/// How an emulated MCP server behaves.
struct CORUN_API mcp_server_options {
    mcp_server_options();

    std::string address = "127.0.0.1";
    std::uint16_t port = 0;  ///< 0: a free port.
    std::string name = "corun-mcp";
    emulator::clock clock;      ///< By default, the system's clock.
    bool require_token = true;  ///< Whether requests need `Authorization`.
    /// Which revisions of the protocol it speaks: 2026-07-28, and 2025-06-18 and 2025-03-26.
    bool modern = true, legacy = true;
    bool sessions = true;                   ///< Issues and requires `Mcp-Session-Id`, in the legacy revisions.
    bool event_streams = false;             ///< Responds with `text/event-stream` instead of JSON.
    std::size_t page_size = 0;              ///< Tools per page of `tools/list`; 0: all.
    std::chrono::milliseconds list_ttl{0};  ///< `ttlMs` of `tools/list` (2026-07-28).
    /// The number of calls, and of open sessions, at which the older half is discarded.
    std::size_t recorded_requests = 10'000;
};

/// What an MCP server can do wrong, to test its clients.
enum class mcp_fault {
    unauthorized,      ///< Answers 401, whatever the token.
    session_lost,      ///< Forgets the request's session, and answers 404.
    redirect,          ///< Answers 307 with another origin.
    no_answer,         ///< Carries the request out, and closes the connection.
    stream_left_open,  ///< Answers with an event stream that it does not end.
    ping,              ///< Answers with an event stream that begins with a ping, and waits for its answer.
    endless_cursors,   ///< Lists tools with a cursor, always a new one.
    huge_result,       ///< Answers a call with 32 MiB of text.
};

/// A request that an MCP server received.
struct CORUN_API mcp_call_record {
    mcp_call_record() = default;

    std::string method;         ///< JSON-RPC method, or `DELETE`.
    std::string authorization;  ///< The header field `Authorization`; empty if absent.
    std::string user;           ///< Of the token, as given to `mcp_server::accept_token`.
    header_fields headers;
    std::string session;  ///< The value of `Mcp-Session-Id`; empty if absent.
    std::string body;     ///< The JSON-RPC message.
    int status = 0;       ///< The status of the response.
};

/// A small MCP server (Streamable HTTP), protected by bearer tokens that expire. It answers 403 to a `Host` or an
/// `Origin` other than this machine's, and to a token in the session of another user.
///
/// *Lifetime:* It runs from construction until `stop` or destruction. The io_context must outlive it.
///
/// *Threads:* Not thread-safe. Use it in the thread that runs the io_context.
class CORUN_API mcp_server {
public:
    /// Receives the arguments as JSON text, and returns the text of the result. If it throws, the exception text is the
    /// tool's error.
    using tool_handler = std::function<std::string(std::string_view arguments)>;
    /// Receives the arguments as JSON text, and returns a JSON array of content blocks.
    using content_handler = std::function<json_text(std::string_view arguments)>;

    /// *Errors:* Throws `std::system_error` if it cannot listen.
    explicit mcp_server(asio::io_context& context, mcp_server_options options = {});
    ~mcp_server();
    mcp_server(mcp_server&&) noexcept;
    mcp_server& operator=(mcp_server&&) noexcept;

    /// `http://127.0.0.1:<port>/mcp`.
    [[nodiscard]] std::string url() const;

    /// Accepts `Authorization: Bearer <token>` until this time. A JWT also expires at its `exp`; its signature is not
    /// checked. Tokens of one user can share a session.
    void accept_token(std::string token,
                      std::chrono::system_clock::time_point until = std::chrono::system_clock::time_point::max(),
                      std::string user = {});
    /// Rejects this token from now on.
    void revoke_token(std::string_view token);

    /// Adds a tool. `schema` is the JSON schema of the arguments.
    ///
    /// *Errors:* Throws `std::invalid_argument` if the schema is not a JSON object.
    void add_tool(std::string name, std::string description, json_text schema, tool_handler handler);
    /// Adds a tool whose handler returns the result's `content`: a JSON array of blocks, such as
    /// `{"type":"image","data":"iVBORw0...","mimeType":"image/png"}`.
    void add_content_tool(std::string name, std::string description, json_text schema, content_handler handler);

    /// Does this wrong, the next `times` that a request gives occasion for it: for `unauthorized` and `redirect`, any
    /// request; for `session_lost`, one in a session; for `endless_cursors`, `tools/list`; otherwise `tools/call`.
    void misbehave(mcp_fault fault, std::size_t times = 1);

    [[nodiscard]] const std::vector<mcp_call_record>& calls() const noexcept;
    /// Stops listening and closes every connection. Idempotent.
    void stop();

private:
    struct impl;
    std::shared_ptr<impl> impl_;
};

}  // namespace corun::emulator
