#pragma once
#include <corun/export.hpp>
#include <corun/mcp/tool.hpp>
#include <corun/tools.hpp>

#include <string>
#include <string_view>

/// Tools of MCP servers as functions that a model can call.
namespace corun::mcp {

/// The name of a tool's function: `bookings__reserve_seat`. It depends on the label and the tool's name alone, so that
/// an agent that stores the function and every run agree on it. Characters other than letters, digits, `_` and `-`
/// become `_`; a name that was changed, or has more than 64 characters, ends in a hash of both.
[[nodiscard]] CORUN_API std::string function_name(std::string_view server_label, std::string_view tool_name);

/// The function of a tool, with a schema that AI services accept. `problem` says what was changed in meaning; empty if
/// nothing.
struct CORUN_API tool_function {
    explicit tool_function(function_tool definition);

    function_tool definition;
    std::string problem;
};

/// *Errors:* Throws `errc::invalid_argument` if the tool cannot be a function: its schema is not JSON, is nested too
/// deeply, or refers to a document elsewhere.
[[nodiscard]] CORUN_API tool_function to_function(std::string_view server_label, const tool& value);

}  // namespace corun::mcp
