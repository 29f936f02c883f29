#pragma once
#include "protocol/reconcile_checks.hpp"
#include "text/escape.hpp"
#include <corun/error.hpp>
#include <corun/options.hpp>
#include <corun/prompt_agent.hpp>
#include <corun/tools.hpp>

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

/// When the service takes two tools for one. `Tool` is `tool` or `prompt_tool`.
namespace corun::reconcile {

inline const mcp_tool* as_mcp(const tool& value) noexcept {
    return std::get_if<mcp_tool>(&value);
}
inline const prompt_mcp_tool* as_mcp(const prompt_tool& value) noexcept {
    return std::get_if<prompt_mcp_tool>(&value);
}

template <class Tool>
std::string name_of(const Tool& value) {
    if (const auto* server = as_mcp(value)) return "MCP server " + detail::quote(server->server_label);
    if (const auto* function = std::get_if<function_tool>(&value)) return "function " + detail::quote(function->name);
    return "tool " + detail::quote(type_of(value));
}

/// Types of which one agent may have several.
template <class Tool>
struct repeatable_types;
template <>
struct repeatable_types<tool> {
    static constexpr std::string_view names[] = {"openapi", "azure_function", "connected_agent"};
};
template <>
struct repeatable_types<prompt_tool> {
    static constexpr std::string_view names[] = {"openapi",
                                                 "azure_function",
                                                 "custom",
                                                 "namespace",
                                                 "a2a",
                                                 "a2a_preview",
                                                 "memory_search_preview",
                                                 "work_iq_preview",
                                                 "fabric_iq_preview",
                                                 "web_iq_preview",
                                                 "capture_structured_outputs"};
};

template <class Tool>
bool may_repeat(std::string_view type) noexcept {
    const auto& names = repeatable_types<Tool>::names;
    return std::find(std::begin(names), std::end(names), type) != std::end(names);
}

/// Compares MCP tools by label, functions by name, others by type, and by name where a type may repeat.
template <class Tool>
bool same_identity(const Tool& a, const Tool& b) noexcept {
    if (a.index() != b.index()) return false;
    if (const auto* server = as_mcp(a)) return server->server_label == as_mcp(b)->server_label;
    if (const auto* function = std::get_if<function_tool>(&a)) return function->name == std::get<function_tool>(b).name;
    const auto& one = std::get<json_tool>(a);
    const auto& other = std::get<json_tool>(b);
    if (one.type != other.type || !may_repeat<Tool>(one.type)) return one.type == other.type;
    // The caller's raw JSON has no name.
    return one.name.empty() || other.name.empty() ? one.json == other.json : one.name == other.name;
}

template <class Tool>
void refuse_duplicate_labels(const std::vector<Tool>& tools, const std::string& where) {
    for (auto a = tools.begin(); a != tools.end(); ++a)
        if (as_mcp(*a) != nullptr)
            for (auto b = tools.begin(); b != a; ++b)
                if (same_identity(*a, *b))
                    throw error(errc::duplicate_server_label, where + " have two MCP servers with the label " +
                                                                  detail::quote(as_mcp(*a)->server_label) +
                                                                  "; use a unique label for each MCP server");
}

/// `errc::conflicting_tool_definition` unless both define the server alike.
template <class Server>
void refuse_conflict(const Server& of_run, const Server& of_agent) {
    const bool same_url = of_run.server_url == of_agent.server_url;
    if (same_url && same_allowed_tools(of_run.allowed_tools, of_agent.allowed_tools)) return;
    throw error(errc::conflicting_tool_definition, "run_options::tools and the agent define the label " +
                                                       detail::quote(of_run.server_label) + " with different " +
                                                       (same_url ? "allowed_tools" : "server_url") +
                                                       "; use the agent's definition, or another label");
}

/// Adds the MCP servers whose labels are not among `servers` yet.
template <class Tool>
void add_servers(std::vector<mcp_tool>& servers, const std::vector<Tool>& tools) {
    for (const Tool& value : tools)
        if (const auto* server = as_mcp(value))
            if (std::none_of(servers.begin(), servers.end(),
                             [server](const mcp_tool& known) { return has_label(known, server->server_label); }))
                servers.emplace_back(server->server_label, server->server_url, server->allowed_tools);
}

/// Sorts the run's tools. Returns the new ones, and calls `leave_out(tool, agent's tool)` for those that the agent has.
/// `errc::invalid_argument` when the run has one twice, `errc::duplicate_server_label`,
/// `errc::conflicting_tool_definition`.
template <class Tool, class LeaveOut>
std::vector<Tool> take_tools(const std::vector<Tool>& of_agent, std::vector<Tool> of_run, const run_options& options,
                             LeaveOut leave_out) {
    refuse_duplicate_labels(of_agent, "the agent's tools");
    refuse_duplicate_labels(of_run, "run_options::tools");
    for (const local_function& function : options.functions) of_run.emplace_back(function.definition);
    std::vector<Tool> added;
    for (auto value = of_run.begin(); value != of_run.end(); ++value) {
        const auto same = [&](const Tool& other) { return same_identity(other, *value); };
        if (std::any_of(of_run.begin(), value, same))
            throw error(errc::invalid_argument, std::string("run_options::tools") +
                                                    (options.functions.empty() ? " has" : " and functions have") +
                                                    " the " + name_of(*value) + " twice");
        const auto known = std::find_if(of_agent.begin(), of_agent.end(), same);
        if (known == of_agent.end()) {
            added.push_back(*value);
            continue;
        }
        if (const auto* server = as_mcp(*value)) refuse_conflict(*server, *as_mcp(*known));
        leave_out(*value, *known);
    }
    return added;
}

}  // namespace corun::reconcile
