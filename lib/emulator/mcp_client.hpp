#pragma once
#include "emulator/json.hpp"
#include <corun/emulator/emulator.hpp>

#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>

namespace corun::emulator {

/// An MCP server did not do what it was asked.
class mcp_error : public std::runtime_error {
public:
    mcp_error(int status, const std::string& message) : std::runtime_error(message), status_(status) {}
    /// HTTP status; 0 when there was no answer.
    [[nodiscard]] int status() const noexcept { return status_; }

private:
    int status_;
};

/// The service as client of MCP servers: Streamable HTTP, a session for each thing it does.
class mcp_client {
public:
    /// Told of every request: JSON-RPC method and HTTP status.
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

    /// All tools of the server, as its `tools/list` gives them. Throws `mcp_error`.
    asio::awaitable<json> list_tools(target where);
    /// The text of a tool's answer; `arguments` is JSON text. Throws `mcp_error`.
    asio::awaitable<std::string> call_tool(target where, std::string name, std::string arguments);

private:
    struct impl;
    std::shared_ptr<impl> impl_;
};

}  // namespace corun::emulator
