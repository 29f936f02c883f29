#pragma once

#include "program.hpp"
#include <corun/mcp/server.hpp>

#include <string>

namespace corun::cli {

/// `corun mcp list SERVER` and `corun mcp call SERVER TOOL [ARGUMENTS]`.
[[nodiscard]] asio::awaitable<exit_code> list_mcp_tools(program& self);
[[nodiscard]] asio::awaitable<exit_code> call_mcp_tool(program& self);

/// The MCP servers of an agent, by label.
[[nodiscard]] std::map<std::string, std::string> mcp_urls(const agent& value);

/// A client of an MCP server, with the options of the connection.
[[nodiscard]] mcp::server make_mcp_server(program& self, const std::string& url);

}  // namespace corun::cli
