#pragma once
#include <corun/export.hpp>
#include <corun/mcp/tool.hpp>
#include <corun/prompt_agent.hpp>
#include <corun/tools.hpp>

#include <string>
#include <string_view>
#include <vector>

/// Tools of MCP servers as functions that a model can call.
namespace corun::mcp {

/// The name of a tool's function: `bookings__reserve_seat`. It depends on the label and the tool's name alone, so that
/// an agent that stores the function and every run agree on it. Characters other than letters, digits, `_` and `-`
/// become `_`; a name that was changed, or has more than 64 characters, ends in a hash of both.
[[nodiscard]] CORUN_API std::string function_name(std::string_view server_label, std::string_view tool_name);

/// How the names of all functions of a server begin: `bookings__`.
[[nodiscard]] CORUN_API std::string function_prefix(std::string_view server_label);

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

/// What `set_functions` has changed: the names of functions.
struct CORUN_API function_changes {
    function_changes() = default;

    std::vector<std::string> added, changed, removed;  ///< The names.
    std::vector<std::string> problems;  ///< Why a tool has no function, or another schema: a sentence for each.

    [[nodiscard]] bool empty() const noexcept { return added.empty() && changed.empty() && removed.empty(); }
};

/// Makes the functions of a server among the tools of an agent those of its current tools, for the agent's next
/// version. Other tools stay as they are.
///
///     corun::prompt_agent_definition next = agent.prompt_definition();
///     if (!corun::mcp::set_functions(next.tools, "bookings", list).empty()) co_await agent.update(next);
CORUN_API function_changes set_functions(std::vector<prompt_tool>& tools, std::string_view server_label,
                                         const tool_list& list);

}  // namespace corun::mcp
