// The items of an input: messages, calls and their outputs.
#include "emulator/responses/body_parts.hpp"

#include <algorithm>

namespace corun::emulator::schema {
namespace {

check content_part() {
    const check detail = nullable(one_of({"low", "high", "auto", "original"}));
    const check breakpoint =
        nullable(object(members{required("mode", one_of({"explicit"})), {"ttl", one_of({"30m", "12h"})}}));
    types all;
    all.emplace_back("input_text",
                     typed_object(members{required("text", string()), {"prompt_cache_breakpoint", breakpoint}}));
    all.emplace_back("input_image", typed_object(members{{"image_url", nullable(string())},
                                                         {"file_id", nullable(string())},
                                                         {"detail", detail},
                                                         {"prompt_cache_breakpoint", breakpoint}}));
    all.emplace_back("input_file", typed_object(members{{"file_id", nullable(string())},
                                                        {"filename", nullable(string())},
                                                        {"file_data", nullable(string())},
                                                        {"file_url", nullable(string())},
                                                        {"detail", detail},
                                                        {"prompt_cache_breakpoint", breakpoint}}));
    const check audio = object(members{required("data", string()), required("format", one_of({"mp3", "wav"}))});
    all.emplace_back("input_audio", typed_object(members{required("input_audio", audio)}));
    all.emplace_back("input_video", typed_object(members{required("video_url", string())}));
    all.emplace_back("output_text", typed_object(members{required("text", string()),
                                                         {"annotations", array(opaque())},
                                                         {"logprobs", nullable(array(opaque()))}}));
    all.emplace_back("refusal", typed_object(members{required("refusal", string())}));
    return by_type(std::move(all));
}

void add_mcp_items(types& all) {
    const check id = nullable(string());
    all.emplace_back(
        "mcp_list_tools",
        typed_object(members{
            required("server_label", string()), required("tools", array(opaque())), {"id", id}, {"error", any()}}));
    all.emplace_back("mcp_approval_request",
                     typed_object(members{required("id", string()), required("name", string()),
                                          required("arguments", string()), required("server_label", string())}));
    all.emplace_back("mcp_approval_response", typed_object(members{required("approval_request_id", string()),
                                                                   required("approve", boolean()),
                                                                   {"id", id},
                                                                   {"reason", nullable(string())}}));
    all.emplace_back("mcp_call", typed_object(members{required("id", string()),
                                                      required("name", string()),
                                                      required("arguments", string()),
                                                      required("server_label", string()),
                                                      {"approval_request_id", nullable(string())},
                                                      {"output", nullable(string())},
                                                      {"error", any()},
                                                      {"status", nullable(string())}}));
}

/// The types of input items, each with its check; `message` is the first.
types item_types() {
    const check id = nullable(string());
    const check status = nullable(one_of({"in_progress", "completed", "incomplete"}));
    const check output = string_or(string(), array(content_part()));
    const check caller = nullable(opaque());
    types all;
    all.emplace_back("message", object(members{required("role", one_of({"user", "assistant", "system", "developer"})),
                                               required("content", string_or(string(), array(content_part()))),
                                               {"type", string()},
                                               {"id", id},
                                               {"status", status},
                                               {"phase", nullable(one_of({"commentary", "final_answer"}))}}));
    all.emplace_back("function_call", typed_object(members{required("call_id", string(64)),
                                                           required("name", string()),
                                                           required("arguments", string()),
                                                           {"id", id},
                                                           {"status", status},
                                                           {"namespace", nullable(string())},
                                                           {"async", boolean()},
                                                           {"caller", caller}}));
    all.emplace_back("custom_tool_call", typed_object(members{required("call_id", string(64)),
                                                              required("name", string()),
                                                              required("input", string()),
                                                              {"id", id},
                                                              {"status", status},
                                                              {"namespace", nullable(string())},
                                                              {"async", boolean()},
                                                              {"caller", caller}}));
    for (const char* name : {"function_call_output", "custom_tool_call_output"})
        all.emplace_back(name, typed_object(members{required("call_id", string(64)),
                                                    required("output", output),
                                                    {"id", id},
                                                    {"status", status},
                                                    {"name", nullable(string())},
                                                    {"namespace", nullable(string())},
                                                    {"caller", caller}}));
    all.emplace_back("reasoning", typed_object(members{required("summary", array(opaque())),
                                                       {"id", id},
                                                       {"content", nullable(array(opaque()))},
                                                       {"encrypted_content", nullable(string())},
                                                       {"status", status}}));
    add_mcp_items(all);
    all.emplace_back(
        "compaction",
        typed_object(members{required("encrypted_content", string()), {"id", id}, {"created_by", nullable(string())}}));
    all.emplace_back("item_reference", object(members{required("id", string()), {"type", nullable(string())}}));
    for (const char* name :
         {"file_search_call", "web_search_call", "code_interpreter_call", "image_generation_call", "computer_call",
          "computer_call_output", "local_shell_call", "local_shell_call_output", "shell_call", "shell_call_output",
          "apply_patch_call", "apply_patch_call_output", "tool_search_call", "tool_search_output", "additional_tools",
          "configuration_update", "compaction_trigger", "program", "program_output"})
        all.emplace_back(name, opaque());
    return all;
}

/// A message needs no type, nor does a reference.
check input_item() {
    const types all = item_types();
    const check typed = by_type(all);
    const check message = all.front().second;
    const check reference =
        std::find_if(all.begin(), all.end(), [](const auto& one) { return one.first == "item_reference"; })->second;
    return [typed, message, reference](const json& value, const std::string& path) {
        if (value.is_object() && get(value, "type").is_null())
            return (value.contains("role") || !value.contains("id") ? message : reference)(value, path);
        typed(value, path);
    };
}

}  // namespace

check input_items(std::size_t max_items) {
    return array(input_item(), max_items);
}

check input() {
    return string_or(string(), input_items());
}

}  // namespace corun::emulator::schema
