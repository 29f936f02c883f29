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

/// An MCP server did not do what it was asked.
class mcp_error : public std::runtime_error {
public:
    mcp_error(int status, const std::string& message) : std::runtime_error(message), status_(status) {}
    /// HTTP status; 0 when there was no answer.
    [[nodiscard]] int status() const noexcept { return status_; }
    /// As the service tells of it: `Http status code: 401 (Unauthorized)`.
    [[nodiscard]] std::string description() const;

private:
    int status_;
};

/// What a tool gave. An error is the tool's own.
struct mcp_output {
    mcp_output() = default;
    std::string text;
    bool is_error = false;
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
    /// A tool's answer; `arguments` is JSON text. Throws `mcp_error`.
    asio::awaitable<mcp_output> call_tool(target where, std::string name, std::string arguments);

private:
    struct impl;
    std::shared_ptr<impl> impl_;
};

/// What an MCP server has answered.
struct mcp_answer {
    mcp_answer() = default;
    json tools;
    mcp_output output;
    std::optional<mcp_error> problem;
};

asio::awaitable<void> list_into(mcp_answer& answer, mcp_client& client, mcp_client::target where);
asio::awaitable<void> call_into(mcp_answer& answer, mcp_client& client, mcp_client::target where, std::string name,
                                std::string arguments);

}  // namespace corun::emulator
