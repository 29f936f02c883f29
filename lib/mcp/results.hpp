#pragma once
#include "mcp/rpc_message.hpp"
#include <corun/mcp/tool.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// The results of a server's methods.
namespace corun::mcp {

/// Of `initialize` and of `server/discover`.
struct server_description {
    server_description() = default;

    std::string version;                               ///< Of `initialize`.
    std::optional<std::vector<std::string>> versions;  ///< Of `server/discover`.
    std::string instructions;
    bool has_tools = false;
};
server_description decode_description(std::string_view result);

/// A page of `tools/list`.
struct tool_page {
    tool_page() = default;

    std::vector<tool> tools;
    std::vector<std::string> problems;
    std::optional<std::string> next_cursor;  ///< Absent at the end; an empty text is a cursor.
    std::optional<double> ttl_ms;            ///< Absent in the legacy revisions.
};
tool_page decode_tools(std::string_view result);

/// A request of the server inside the result of a call (2026-07-28).
struct input_request {
    input_request() = default;

    std::string key, method;
};

/// Of `tools/call`.
struct call_outcome {
    call_outcome() = default;

    std::string type;  ///< `resultType`; empty is `complete`.
    tool_result result;
    std::string request_state;  ///< As JSON; empty if there is none.
    std::vector<input_request> input_requests;
};
call_outcome decode_outcome(std::string_view result);

/// A result that says why there is none.
tool_result failed_result(std::string text);

}  // namespace corun::mcp
