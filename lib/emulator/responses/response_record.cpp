#include "emulator/responses/response_record.hpp"

#include <algorithm>

namespace corun::emulator {

const json* response_server::tool(const std::string& name) const {
    const json& names = allowed.is_array() ? allowed : get(allowed, "tool_names");
    if (names.is_array() && std::find(names.begin(), names.end(), name) == names.end()) return nullptr;
    for (const auto& one : tools) {
        if (get(one, "name") != name) continue;
        const bool is_forbidden =
            get(allowed, "read_only") == true && get(get(one, "annotations"), "read_only") != true;
        return is_forbidden ? nullptr : &one;
    }
    return nullptr;
}

bool response_server::asks_for_approval(const std::string& name) const {
    const json* one = tool(name);
    return needs_approval(name, one && get(get(*one, "annotations"), "read_only") == true);
}

response::~response() {
    while (previous && previous.use_count() == 1) {
        auto older = std::move(previous->previous);
        previous = std::move(older);
    }
}

bool response::has_ended() const {
    const std::string now = status();
    return now != "queued" && now != "in_progress";
}

void response::end(const std::string& status, std::int64_t now) {
    object["status"] = status;
    for (auto& item : object["output"])
        if (get(item, "status") == "in_progress") item["status"] = "incomplete";
    if (conversation) conversation->locked = false;
    const bool has_ended_well = status == "completed" || status == "incomplete";
    if (!has_ended_well) return;
    if (status == "completed") object["completed_at"] = now;
    if (object["service_tier"] == "auto") object["service_tier"] = "default";
    object["usage"] = usage_of(*this);
    if (!conversation) return;
    for (const auto& [place, item] : input.items()) conversation->items.add(item);
    for (const auto& item : object["output"]) conversation->items.add(std::make_shared<record>(item));
}

json shown(const response& response, echo_headers echo) {
    json object = response.object;
    for (auto& tool : object["tools"]) redact(tool, echo);
    return object;
}

void redact(json& tool, echo_headers echo) {
    if (echo == echo_headers::full) return;
    if (echo == echo_headers::never && tool.contains("authorization")) tool.erase("authorization");
    if (echo == echo_headers::redacted && tool.contains("authorization")) tool["authorization"] = "***";
    if (!get(tool, "headers").is_object()) return;
    if (echo == echo_headers::never)
        tool["headers"] = nullptr;
    else
        for (auto& value : tool["headers"]) value = "***";
}

json usage_of(const response& response) {
    json usage;
    usage["input_tokens"] = response.input_tokens;
    usage["input_tokens_details"]["cached_tokens"] = 0;
    usage["input_tokens_details"]["cache_write_tokens"] = 0;
    usage["output_tokens"] = response.output_tokens + response.reasoning_tokens;
    usage["output_tokens_details"]["reasoning_tokens"] = response.reasoning_tokens;
    usage["total_tokens"] = response.input_tokens + response.output_tokens + response.reasoning_tokens;
    return usage;
}

json compaction_item(environment& shared) {
    json item;
    item["id"] = shared.make_id("cmp_");
    item["type"] = "compaction";
    item["encrypted_content"] = "gAAAAA" + std::string(24, 'x');
    return item;
}

bool is_user_message(const json& item) {
    return get(item, "type") == "message" && get(item, "role") == "user";
}

bool is_function_call(const json& item) {
    const json& type = get(item, "type");
    return type == "function_call" || type == "custom_tool_call";
}

bool is_function_output(const json& item) {
    const json& type = get(item, "type");
    return type == "function_call_output" || type == "custom_tool_call_output";
}

}  // namespace corun::emulator
