#include "protocol/definition_checks.hpp"

#include "protocol/reconcile_checks.hpp"
#include "text/escape.hpp"
#include <corun/error.hpp>

#include <set>
#include <string_view>
#include <variant>

namespace corun::reconcile {
namespace {

using detail::quote;

void refuse_stored_entries(const tool_resources& resources, const std::string& definition) {
    if (resources.other.contains("mcp"))
        throw error(errc::invalid_argument, definition +
                                                "::tool_resources.other contains \"mcp\"; pass mcp_headers and set "
                                                "run_options::require_approval for each run instead");
    if (resources.mcp.empty()) return;
    const auto label = [](const mcp_tool_resource& entry) { return quote(entry.server_label); };
    throw error(
        errc::invalid_argument,
        definition + "::tool_resources.mcp (" + list(resources.mcp, label) +
            ") would be stored; for each run, pass headers as mcp_headers and set run_options::require_approval");
}

}  // namespace

void refuse_duplicate_labels(const std::vector<tool>& tools, const std::string& where) {
    std::set<std::string_view> labels;
    for (const tool& each : tools) {
        const auto* server = std::get_if<mcp_tool>(&each);
        if (server != nullptr && !labels.insert(server->server_label).second)
            throw error(errc::duplicate_server_label, where + " have two MCP servers with the label " +
                                                          quote(server->server_label) +
                                                          "; use a unique label for each MCP server");
    }
}

void validate(const agent_definition& definition) {
    refuse_stored_entries(definition.tool_resources, "agent_definition");
    validate_tools(definition.tools, "agent_definition::tools");
    refuse_duplicate_labels(definition.tools, "agent_definition::tools");
}

void validate(const thread_definition& definition) {
    refuse_stored_entries(definition.tool_resources, "thread_definition");
}

}  // namespace corun::reconcile
