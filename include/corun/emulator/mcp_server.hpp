#pragma once
#include <corun/emulator/types.hpp>
#include <corun/export.hpp>

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
    std::uint16_t port = 0;  ///< 0 for a free one.
    std::string name = "corun-mcp";
    emulator::clock clock;       ///< By default the system's.
    bool require_token = true;   ///< Else no `Authorization` is needed.
    bool sessions = true;        ///< Issues and requires `Mcp-Session-Id`.
    bool event_streams = false;  ///< Responds with `text/event-stream` instead of JSON.
    std::size_t page_size = 0;   ///< Tools per page of `tools/list`; 0 for all.
    /// When so many calls are recorded, the older half is discarded. So are sessions that nobody ended.
    std::size_t recorded_requests = 10'000;
};

/// A request that an MCP server received.
struct CORUN_API mcp_call_record {
    mcp_call_record() = default;

    std::string method;         ///< JSON-RPC method, or `DELETE`.
    std::string authorization;  ///< The field `Authorization`, empty when absent.
    header_fields headers;
    std::string session;
    std::string body;
    int status = 0;  ///< Of the response.
};

/// A small MCP server (Streamable HTTP), protected by bearer tokens that expire.
///
/// *Lifetime:* It runs from construction until `stop` or destruction. The io_context must outlive it.
/// *Threads:* All use belongs to the thread that runs the io_context.
class CORUN_API mcp_server {
public:
    /// Gets the arguments as JSON text and returns the text of the result. Exceptions become the tool's error.
    using tool_handler = std::function<std::string(std::string_view arguments)>;

    /// *Errors:* Throws `std::system_error` when it cannot listen.
    explicit mcp_server(asio::io_context& context, mcp_server_options options = {});
    ~mcp_server();
    mcp_server(mcp_server&&) noexcept;
    mcp_server& operator=(mcp_server&&) noexcept;

    /// `http://127.0.0.1:<port>/mcp`.
    [[nodiscard]] std::string url() const;

    /// Accepts `Authorization: Bearer <token>` until then. A JWT also expires with its `exp`; its signature is not
    /// checked.
    void accept_token(std::string token,
                      std::chrono::system_clock::time_point until = std::chrono::system_clock::time_point::max());
    void revoke_token(std::string_view token);

    /// Adds a tool. `schema` is the JSON schema of the arguments, as text.
    ///
    /// *Errors:* Throws `std::invalid_argument` when the schema is not a JSON object.
    void add_tool(std::string name, std::string description, std::string_view schema, tool_handler handler);

    [[nodiscard]] const std::vector<mcp_call_record>& calls() const noexcept;
    /// Stops listening and closes every connection. Idempotent.
    void stop();

private:
    struct impl;
    std::shared_ptr<impl> impl_;
};

}  // namespace corun::emulator
