#include "protocol/responses/item_types.hpp"

#include <algorithm>
#include <iterator>

namespace corun::codec::responses {
namespace {

constexpr std::string_view call_suffix = "_call", output_suffix = "_call_output";

constexpr item_type item_types[] = {
    {"function_call", performer::caller, "function_call_output", "arguments"},
    {"custom_tool_call", performer::caller_unless_followed, "custom_tool_call_output", "input"},
    {"computer_call", performer::caller, "computer_call_output"},
    {"local_shell_call", performer::caller, "local_shell_call_output"},
    {"shell_call", performer::caller, "shell_call_output"},
    {"apply_patch_call", performer::caller, "apply_patch_call_output"},
    {"mcp_approval_request", performer::caller, "mcp_approval_response"},
    {oauth_consent_request, performer::caller},
    {"tool_search_call", performer::service, "tool_search_output"},
    {"mcp_call", performer::service, {}, "arguments"},
    {"code_interpreter_call", performer::service, {}, "code"},
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

bool is_call(std::string_view type) noexcept {
    return ends_with(type, call_suffix);
}

std::string_view call_type_of(std::string_view type) noexcept {
    return is_call(type) ? type.substr(0, type.size() - call_suffix.size()) : std::string_view();
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
