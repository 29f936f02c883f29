#pragma once
#include <corun/emulator/types.hpp>
#include <corun/export.hpp>
#include <corun/json_text.hpp>

#include <asio/io_context.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace corun::emulator {

struct CORUN_API mcp_server_options {
    mcp_server_options();

    std::string address = "127.0.0.1";
    std::uint16_t port = 0;  ///< 0: a free port.
    std::string name = "corun-mcp";
    emulator::clock clock;       ///< By default, the system's clock.
    bool require_token = true;   ///< Whether requests need `Authorization`.
    bool sessions = true;        ///< Issues and requires `Mcp-Session-Id`.
    bool event_streams = false;  ///< Responds with `text/event-stream` instead of JSON.
    std::size_t page_size = 0;   ///< Tools per page of `tools/list`; 0: all.
    /// The number of calls, and of open sessions, at which the older half is discarded.
    std::size_t recorded_requests = 10'000;
};

/// A request that an MCP server received.
struct CORUN_API mcp_call_record {
    mcp_call_record() = default;

    std::string method;         ///< JSON-RPC method, or `DELETE`.
    std::string authorization;  ///< The header field `Authorization`; empty if absent.
    header_fields headers;
    std::string session;
    std::string body;
    int status = 0;  ///< The status of the response.
};

/// A small MCP server (Streamable HTTP), protected by bearer tokens that expire.
///
/// *Lifetime:* It runs from construction until `stop` or destruction. The io_context must outlive it.
///
/// *Threads:* Not thread-safe. Use it in the thread that runs the io_context.
class CORUN_API mcp_server {
public:
    /// Receives the arguments as JSON text, and returns the text of the result. If it throws, the exception text is the
    /// tool's error.
    using tool_handler = std::function<std::string(std::string_view arguments)>;

    /// *Errors:* Throws `std::system_error` if it cannot listen.
    explicit mcp_server(asio::io_context& context, mcp_server_options options = {});
    ~mcp_server();
    mcp_server(mcp_server&&) noexcept;
    mcp_server& operator=(mcp_server&&) noexcept;

    /// `http://127.0.0.1:<port>/mcp`.
    [[nodiscard]] std::string url() const;

    /// Accepts `Authorization: Bearer <token>` until this time. A JWT also expires at its `exp`; its signature is not
    /// checked.
    void accept_token(std::string token,
                      std::chrono::system_clock::time_point until = std::chrono::system_clock::time_point::max());
    void revoke_token(std::string_view token);

    /// Adds a tool. `schema` is the JSON schema of the arguments.
    ///
    /// *Errors:* Throws `std::invalid_argument` if the schema is not a JSON object.
    void add_tool(std::string name, std::string description, json_text schema, tool_handler handler);

    [[nodiscard]] const std::vector<mcp_call_record>& calls() const noexcept;
    /// Stops listening and closes every connection. Idempotent.
    void stop();

private:
    struct impl;
    std::shared_ptr<impl> impl_;
};

}  // namespace corun::emulator
