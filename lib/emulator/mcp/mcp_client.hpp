#pragma once
#include "emulator/json.hpp"
#include <corun/emulator/emulator.hpp>

#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>

namespace corun::emulator {

/// A request to an MCP server failed.
class mcp_error : public std::runtime_error {
public:
    mcp_error(int status, const std::string& message) : std::runtime_error(message), status_(status) {}
    /// HTTP status; 0 without an HTTP response.
    [[nodiscard]] int status() const noexcept { return status_; }
    /// As the service reports it: `Http status code: 401 (Unauthorized)`.
    [[nodiscard]] std::string description() const;

private:
    int status_;
};

/// The result of a tool call. `is_error` is the tool's own error, not one of the protocol.
struct mcp_output {
    mcp_output() = default;
    std::string text;
    bool is_error = false;
};

/// A client of MCP servers: Streamable HTTP, one session an operation.
class mcp_client {
public:
    /// Called for every request, with its JSON-RPC method and HTTP status.
    using observer = std::function<void(const std::string& method, int status)>;

    explicit mcp_client(asio::any_io_executor executor);
    ~mcp_client();

    struct target {
        target() = default;
        std::string url;
        header_fields headers;
        std::chrono::milliseconds timeout{0};
        observer observe;
    };

    /// All tools of the server, as in its `tools/list`. Throws `mcp_error`.
    asio::awaitable<json> list_tools(target server);
    /// Calls a tool; `arguments` is JSON text. Throws `mcp_error`.
    asio::awaitable<mcp_output> call_tool(target server, std::string name, std::string arguments);

private:
    struct impl;
    std::shared_ptr<impl> impl_;
};

/// The outcome of an operation: tools or output, or else the problem.
struct mcp_result {
    mcp_result() = default;
    json tools;
    mcp_output output;
    std::optional<mcp_error> problem;
};

asio::awaitable<void> list_into(mcp_result& result, mcp_client& client, mcp_client::target server);
asio::awaitable<void> call_into(mcp_result& result, mcp_client& client, mcp_client::target server, std::string name,
                                std::string arguments);

}  // namespace corun::emulator
