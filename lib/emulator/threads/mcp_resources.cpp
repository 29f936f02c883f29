#include "emulator/threads/mcp_resources.hpp"

#include "emulator/http/api_error.hpp"
#include <corun/headers.hpp>

#include <algorithm>
#include <set>

namespace corun::emulator {
namespace {

/// The entries for MCP servers in the `tool_resources` of a run, thread or agent.
const json& mcp_of(const json& object) {
    return get(get(object, "tool_resources"), "mcp");
}

header_fields headers_of(const json& entry) {
    header_fields fields;
    const json& headers = get(entry, "headers");
    if (headers.is_object())
        for (const auto& [name, value] : headers.items()) fields.emplace_back(name, value.get<std::string>());
    return fields;
}

bool same_headers(const header_fields& a, const header_fields& b) {
    return a.size() == b.size() && std::all_of(a.begin(), a.end(), [&](const auto& field) {
               return std::any_of(b.begin(), b.end(), [&](const auto& other) {
                   return equal_ignoring_case(field.first, other.first) && field.second == other.second;
               });
           });
}

void set_header(header_fields& fields, const std::string& name, const std::string& value) {
    for (auto& [key, current] : fields)
        if (equal_ignoring_case(key, name)) {
            current = value;
            return;
        }
    fields.emplace_back(name, value);
}

const json* entry_for(const json& entries, const std::string& label) {
    if (entries.is_array())
        for (const auto& entry : entries)
            if (get_string(entry, "server_label") == label) return &entry;
    return nullptr;
}

bool conflicts(const json& narrow, const json& broad, conflict_when when) {
    if (narrow.empty() || broad.empty()) return false;
    if (when == conflict_when::any) return true;
    return std::any_of(narrow.begin(), narrow.end(), [&](const json& entry) {
        const json* other = entry_for(broad, get_string(entry, "server_label"));
        return other && !same_headers(headers_of(entry), headers_of(*other));
    });
}

std::vector<std::string> labels_of(const json& tools) {
    std::vector<std::string> labels;
    for (const auto& tool : tools)
        if (get_string(tool, "type") == "mcp") labels.push_back(get_string(tool, "server_label"));
    return labels;
}

void check_labels(const json& entries, const std::vector<std::string>& labels) {
    for (std::size_t i = 0; i != entries.size(); ++i)
        if (const std::string label = get_string(entries[i], "server_label");
            std::find(labels.begin(), labels.end(), label) == labels.end())
            throw bad_request("No MCP tool with server label '" + label + "' is available to the run.",
                              "tool_resources.mcp[" + std::to_string(i) + "].server_label", "invalid_value");
}

void fail_at_once(run& run) {
    run.fails_at_once.emplace("server_error", went_wrong);
}

void check_tools_beside_resources(run& run, const run_origin& origin, const service_options& options,
                                  const std::vector<std::string>& labels) {
    const bool has_both = origin.streaming && !get(origin.body, "tools").empty() && !mcp_of(origin.body).empty();
    if (!has_both) return;
    const bool has_duplicates = std::set<std::string>(labels.begin(), labels.end()).size() != labels.size();
    const bool is_rejected =
        (options.tools_with_resources == tools_with_resources::reject_on_reuse && origin.agent.runs > 0) ||
        (options.tools_with_resources == tools_with_resources::reject_duplicate_labels && has_duplicates);
    if (!is_rejected) return;
    if (options.tools_rejection == rejection::http_error)
        throw bad_request("'tools' and 'tool_resources.mcp' cannot both be given for a streaming run of this agent.");
    fail_at_once(run);
}

void check_conflicts(run& run, const run_origin& origin, const service_options& options) {
    const json& of_run = mcp_of(origin.body);
    const bool is_conflict = options.precedence == precedence::conflict &&
                             (conflicts(of_run, mcp_of(origin.thread.object), options.conflict_when) ||
                              conflicts(of_run, mcp_of(origin.agent.object), options.conflict_when));
    if (!is_conflict) return;
    if (options.conflict_rejection == rejection::http_error)
        throw api_error(500, error_envelope(went_wrong, "server_error", nullptr, "server_error"));
    fail_at_once(run);
}

void check_search_indexes(run& run, const run_origin& origin, const service_options& options) {
    std::size_t indexes = 0;
    for (const json* level : {&origin.body, &origin.thread.object, &origin.agent.object})
        indexes += get(get(get(*level, "tool_resources"), "azure_ai_search"), "indexes").size();
    if (options.precedence != precedence::narrowest && indexes > 1)
        run.fails_at_once.emplace("tool_user_error",
                                  "Error: search_too_many_indexes; Too many indexes configured for Azure AI Search "
                                  "tool. Only one index can be attached to either the agent, thread, or run.");
}

mcp_binding binding_of(const json& tool, const run_origin& origin, const service_options& options) {
    mcp_binding server;
    server.label = get_string(tool, "server_label");
    server.url = get_string(tool, "server_url");
    server.allowed = get(tool, "allowed_tools");
    bool has_headers = false;
    for (const json* level : {&origin.body, &origin.thread.object, &origin.agent.object}) {
        const json* entry = entry_for(mcp_of(*level), server.label);
        if (!entry) continue;
        const bool is_stored = level != &origin.body;
        if (server.approval.is_null() && (!is_stored || options.agent_level_approval_effective))
            server.approval = get(*entry, "require_approval");
        if (is_stored && !options.stored_headers_effective) continue;
        if (has_headers && options.precedence != precedence::merge) continue;
        header_fields merged = headers_of(*entry);
        for (const auto& [name, value] : server.headers) set_header(merged, name, value);
        server.headers = std::move(merged);
        has_headers = true;
    }
    return server;
}

}  // namespace

void bind_mcp_servers(run& run, const run_origin& origin, const service_options& options) {
    const json& tools = get(run.object, "tools");
    const auto labels = labels_of(tools);
    check_labels(mcp_of(origin.body), labels);
    check_tools_beside_resources(run, origin, options, labels);
    check_conflicts(run, origin, options);
    check_search_indexes(run, origin, options);
    if (get(run.object, "tool_choice") == "none") return;
    for (const auto& tool : tools)
        if (get_string(tool, "type") == "mcp") run.servers.push_back(binding_of(tool, origin, options));
}

}  // namespace corun::emulator
