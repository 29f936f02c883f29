// The bodies of requests for responses, conversations and agent versions.
#include "emulator/responses/responses_schema.hpp"

#include "emulator/http/api_error.hpp"
#include "emulator/responses/body_parts.hpp"

#include <algorithm>
#include <limits>

namespace corun::emulator::schema {
namespace {

check not_negative() {
    return integer(0, std::numeric_limits<std::int64_t>::max());
}

check text_format() {
    types formats;
    formats.emplace_back("text", typed_object({}));
    formats.emplace_back("json_object", typed_object({}));
    formats.emplace_back("json_schema", typed_object(members{required("name", string(64)),
                                                             required("schema", opaque()),
                                                             {"description", nullable(string())},
                                                             {"strict", nullable(boolean())}}));
    return nullable(object(members{{"format", nullable(by_type(std::move(formats)))},
                                   {"verbosity", nullable(one_of({"low", "medium", "high"}))}}));
}

check reasoning() {
    const check summary = nullable(one_of({"auto", "concise", "detailed"}));
    const check effort = one_of({"none", "minimal", "low", "medium", "high", "xhigh", "max"});
    return nullable(object(members{{"effort", nullable(effort)},
                                   {"summary", summary},
                                   {"generate_summary", summary},
                                   {"context", nullable(one_of({"auto", "current_turn", "all_turns"}))},
                                   {"mode", string()}}));
}

check conversation() {
    return nullable(string_or(string(), object(members{required("id", string())})));
}

check moderation() {
    const check side = nullable(object(members{required("mode", one_of({"score", "block"}))}));
    const check policy = nullable(object(members{{"input", side}, {"output", side}}));
    return nullable(object(members{required("model", string()), {"policy", policy}}));
}

check cache_retention() {
    return nullable(one_of({"in_memory", "24h"}));
}

check cache_options() {
    return nullable(object(members{{"comparison_response_id", nullable(string())},
                                   {"mode", one_of({"implicit", "explicit"})},
                                   {"prewarm", boolean()},
                                   {"ttl", one_of({"30m", "12h"})}}));
}

check image_options() {
    return object(members{{"context_compression", one_of({"auto", "enabled", "disabled"})}});
}

check context_management() {
    return nullable(
        array(object(members{required("type", string()), {"compact_threshold", nullable(not_negative())}})));
}

members definition(bool in_project, bool stored) {
    return {{"model", nullable(string())},
            {"instructions", nullable(string())},
            {"tools", tools(in_project, stored)},
            {"tool_choice", tool_choice()},
            {"temperature", nullable(number(0, 2))},
            {"top_p", nullable(number(0, 1))},
            {"text", text_format()},
            {"reasoning", reasoning()}};
}

members response(bool in_project) {
    members all = definition(in_project, false);
    const check agent = object(members{
        required("type", one_of({"agent_reference"})), required("name", string()), {"version", nullable(string())}});
    const members own{
        {"input", input()},
        {"conversation", conversation()},
        {"previous_response_id", nullable(string())},
        {"stream", nullable(boolean())},
        {"stream_options", nullable(object(members{{"include_obfuscation", boolean()}}))},
        {"store", nullable(boolean())},
        {"background", nullable(boolean())},
        {"metadata", metadata()},
        {"include", nullable(array(includable()))},
        {"max_output_tokens", nullable(integer(16, std::numeric_limits<std::int64_t>::max()))},
        {"max_tool_calls", nullable(not_negative())},
        {"parallel_tool_calls", nullable(boolean())},
        {"top_logprobs", nullable(integer(0, 20))},
        {"truncation", nullable(one_of({"auto", "disabled"}))},
        {"service_tier", nullable(one_of({"auto", "default", "flex", "scale", "priority", "fast", "ultrafast"}))},
        {"safety_identifier", nullable(string(64))},
        {"prompt", nullable(opaque())},
        {"prompt_cache_key", nullable(string())},
        {"prompt_cache_options", cache_options()},
        {"prompt_cache_retention", cache_retention()},
        {"context_management", context_management()},
        {"presence_penalty", nullable(number(-2, 2))},
        {"frequency_penalty", nullable(number(-2, 2))},
        {"moderation", moderation()},
        {"image", image_options()},
        {"access_programs", object(members{{"cyber", string()}})},
        {"user", nullable(string())}};
    all.insert(all.end(), own.begin(), own.end());
    if (in_project) {
        all.emplace_back("agent_reference", nullable(agent));
        all.emplace_back("agent", nullable(agent));
        all.emplace_back("structured_inputs", nullable(map(any())));
    }
    return all;
}

members compaction() {
    return {required("model", string()),
            {"input", nullable(input())},
            {"instructions", nullable(string())},
            {"previous_response_id", nullable(string())},
            {"prompt_cache_key", nullable(string())},
            {"prompt_cache_options", cache_options()},
            {"prompt_cache_retention", cache_retention()},
            {"image", image_options()},
            {"service_tier", nullable(one_of({"auto", "default", "fast", "flex", "priority"}))}};
}

members token_count(bool in_project) {
    members all = definition(in_project, false);
    const members own{{"input", nullable(input())},
                      {"conversation", conversation()},
                      {"previous_response_id", nullable(string())},
                      {"parallel_tool_calls", nullable(boolean())},
                      {"personality", string()},
                      {"truncation", one_of({"auto", "disabled"})}};
    all.insert(all.end(), own.begin(), own.end());
    return all;
}

check agent_name() {
    return [](const json& value, const std::string& path) {
        string(63)(value, path);
        const auto& name = value.get_ref<const std::string&>();
        const auto is_valid = [](char c) { return is_label_character(c) && c != '_'; };
        if (name.empty() || !std::all_of(name.begin(), name.end(), is_valid) || name.front() == '-' ||
            name.back() == '-')
            throw bad_request("Invalid '" + path +
                                  "': must start and end with alphanumeric characters, may contain hyphens in the "
                                  "middle, and must not exceed 63 characters.",
                              path, "invalid_value");
    };
}

members version() {
    members prompt = definition(true, true);
    prompt.front() = required("model", string());
    prompt.push_back(required("kind", string()));
    for (const char* name : {"rai_config", "harness"}) prompt.emplace_back(name, nullable(opaque()));
    prompt.emplace_back("skills", nullable(array(opaque())));
    prompt.emplace_back("structured_inputs", nullable(map(object(members{{"description", nullable(string())},
                                                                         {"default_value", any()},
                                                                         {"schema", nullable(opaque())},
                                                                         {"required", nullable(boolean())}}))));
    const check definition_of_kind = [shape = object(std::move(prompt))](const json& value, const std::string& path) {
        if (value.is_object() && get(value, "kind").is_string()) one_of({"prompt"})(value["kind"], path + ".kind");
        shape(value, path);
    };
    return {required("definition", definition_of_kind),
            {"description", nullable(string(512))},
            {"metadata", metadata()},
            {"draft", boolean()},
            {"blueprint_reference", nullable(opaque())},
            {"digital_worker_type", string()}};
}

}  // namespace

const std::vector<std::string> definition_members{"model",       "tools", "tool_choice", "parallel_tool_calls",
                                                  "temperature", "top_p", "text",        "reasoning"};

check includable() {
    return one_of({"file_search_call.results", "web_search_call.results", "web_search_call.action.sources",
                   "message.input_image.image_url", "computer_call_output.output.image_url",
                   "code_interpreter_call.outputs", "reasoning.encrypted_content", "message.output_text.logprobs"});
}

responses_bodies::responses_bodies(bool in_project)
    : create_response(object(response(in_project))),
      compact(object(compaction())),
      count_tokens(object(token_count(in_project))),
      create_conversation(object(members{{"items", nullable(input_items(20))}, {"metadata", metadata()}})),
      update_conversation(object(members{required("metadata", metadata())})),
      create_items(object(members{required("items", input_items(20))})),
      create_version(object(version())) {
    members named = version();
    named.push_back(required("name", agent_name()));
    named.emplace_back("state", one_of({"enabled"}));
    for (const char* name : {"agent_endpoint", "agent_card"}) named.emplace_back(name, nullable(opaque()));
    create_agent = object(std::move(named));
}

}  // namespace corun::emulator::schema
