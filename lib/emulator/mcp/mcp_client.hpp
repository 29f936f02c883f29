#pragma once
#include "emulator/json.hpp"
#include <corun/emulator/emulator.hpp>

#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>

#include <chrono>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

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

/// The outcome of an operation: tools or output, or else the problem.
struct mcp_result {
    mcp_result() = default;
    json tools;  ///< All of the server, as in its `tools/list`.
    mcp_output output;
    std::optional<mcp_error> problem;
};

/// The emulated service as a client of MCP servers: corun's own client, one session an operation.
class mcp_client {
public:
    /// Called for every request, with its JSON-RPC method, or `DELETE`, and its HTTP status.
    using observer = std::function<void(const std::string& method, int status)>;

    explicit mcp_client(asio::any_io_executor executor) : executor_(std::move(executor)) {}

    struct target {
        target() = default;
        std::string url;
        header_fields headers;
        std::chrono::milliseconds timeout{0};
        observer observe;
    };

    asio::awaitable<void> list_tools(mcp_result& result, target server);
    /// `arguments` is JSON text; anything but an object counts as one without members.
    asio::awaitable<void> call_tool(mcp_result& result, target server, std::string name, std::string arguments);

private:
    asio::any_io_executor executor_;
};

}  // namespace corun::emulator
