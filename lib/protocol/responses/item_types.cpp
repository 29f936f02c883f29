#include "protocol/responses/item_types.hpp"

#include <algorithm>
#include <iterator>

namespace corun::codec::responses {
namespace {

constexpr std::string_view call_suffix = "_call", output_suffix = "_call_output", program = "program";

constexpr item_type item_types[] = {
    {"function_call", performer::caller, "function_call_output", "arguments"},
    {"custom_tool_call", performer::caller_unless_followed, "custom_tool_call_output", "input"},
    {"computer_call", performer::caller, "computer_call_output"},
    {"local_shell_call", performer::caller, "local_shell_call_output"},
    {"shell_call", performer::caller, "shell_call_output"},
    {"apply_patch_call", performer::caller, "apply_patch_call_output"},
    {"mcp_approval_request", performer::caller, approval_response},
    {oauth_consent_request, performer::caller},
    {"tool_search_call", performer::service, "tool_search_output"},
    {"mcp_call", performer::service, {}, "arguments"},
    {"code_interpreter_call", performer::service, {}, "code"},
    {program, performer::service, "program_output"},
    {"multi_agent_call", performer::service, "multi_agent_call_output"},
    // What is known of the others is how they are shown: by their name.
    {"message"},
    {"reasoning"},
    {"mcp_list_tools"},
    {"file_search_call"},
    {"web_search_call"},
    {"image_generation_call"},
    {"compaction"},
    {"additional_tools"},
    {"configuration_update"},
    {"agent_message"},
    // Foundry's.
    {"structured_outputs"},
    {"workflow_action"},
    {"memory_search_call"},
    {"memory_command_preview_call", performer::service, "memory_command_preview_call_output"},
    {"a2a_preview_call", performer::service, "a2a_preview_call_output"},
    {"azure_ai_search_call", performer::service, "azure_ai_search_call_output"},
    {"azure_function_call", performer::service, "azure_function_call_output"},
    {"bing_custom_search_preview_call", performer::service, "bing_custom_search_preview_call_output"},
    {"bing_grounding_call", performer::service, "bing_grounding_call_output"},
    {"browser_automation_preview_call", performer::service, "browser_automation_preview_call_output"},
    {"fabric_dataagent_preview_call", performer::service, "fabric_dataagent_preview_call_output"},
    {"openapi_call", performer::service, "openapi_call_output"},
    {"sharepoint_grounding_preview_call", performer::service, "sharepoint_grounding_preview_call_output"},
};

bool ends_with(std::string_view text, std::string_view end) noexcept {
    return text.size() > end.size() && text.ends_with(end);
}

}  // namespace

item_type item_type_of(std::string_view name) noexcept {
    for (const item_type& each : item_types)
        if (each.name == name) return each;
    return {name};
}

std::span<const item_type> known_item_types() noexcept {
    return item_types;
}

bool is_call(std::string_view type) noexcept {
    return ends_with(type, call_suffix) || type == program;
}

std::string_view call_type_of(std::string_view type) noexcept {
    if (type == program) return type;
    return is_call(type) ? type.substr(0, type.size() - call_suffix.size()) : std::string_view();
}

std::string answered_type_of(std::string_view type) {
    for (const item_type& each : item_types)
        if (!each.answer.empty() && each.answer == type) return std::string(each.name);
    constexpr std::string_view suffix = "_output";
    return std::string(ends_with(type, suffix) ? type.substr(0, type.size() - suffix.size()) : type);
}

bool is_answer(std::string_view type) noexcept {
    return ends_with(type, output_suffix) ||
           std::any_of(std::begin(item_types), std::end(item_types),
                       [type](const item_type& each) { return !each.answer.empty() && each.answer == type; });
}

std::string answer_type_of(std::string_view type) {
    const std::string_view known = item_type_of(type).answer;
    return known.empty() ? std::string(type) + "_output" : std::string(known);
}

std::string delta_name_of(const item_type& type) {
    return "response." + std::string(type.name) + '_' + std::string(type.text) + ".delta";
}

}  // namespace corun::codec::responses
