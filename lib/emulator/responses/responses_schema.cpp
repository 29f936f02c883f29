// The bodies of requests for responses, conversations and agent versions.
#include "emulator/responses/responses_schema.hpp"

#include "emulator/http/api_error.hpp"
#include "text/ascii.hpp"
#include <corun/headers.hpp>

#include <algorithm>
#include <limits>
#include <set>

namespace corun::emulator::schema {
namespace {

using members = std::vector<member>;
using types = std::vector<std::pair<std::string, check>>;

/// An object whose members are not checked.
check opaque() {
    return map(any());
}

check not_negative() {
    return integer(0, std::numeric_limits<std::int64_t>::max());
}

bool is_label_character(char c) {
    return ascii::is_alphanumeric(c) || c == '-' || c == '_';
}

check server_label() {
    return [](const json& value, const std::string& path) {
        string()(value, path);
        const auto& label = value.get_ref<const std::string&>();
        if (label.empty() || !ascii::is_letter(label.front()) ||
            !std::all_of(label.begin(), label.end(), is_label_character))
            throw bad_request(
                "Invalid '" + path + "': '" + label +
                    "'. Expected to start with a letter and consist of only letters, digits, '-' and '_'.",
                path, "invalid_value");
    };
}

/// As an agent stores it, a label may be made from structured inputs.
check templated(check inner) {
    return [inner = std::move(inner)](const json& value, const std::string& path) {
        if (value.is_string() && value.get_ref<const std::string&>().find("{{") != std::string::npos) return;
        inner(value, path);
    };
}

check tool_filter() {
    return object(members{{"tool_names", array(string())}, {"read_only", boolean()}});
}

check mcp_tool(bool in_project, bool stored) {
    const check allowed = [names = array(string()), filter = tool_filter()](const json& value,
                                                                            const std::string& path) {
        (value.is_array() ? names : filter)(value, path);
    };
    const check by_tool = object(members{{"always", nullable(tool_filter())}, {"never", nullable(tool_filter())}});
    members all{required("server_label", stored ? templated(server_label()) : server_label()),
                {"server_url", string()},
                {"connector_id", string()},
                {"server_description", nullable(string())},
                {"authorization", nullable(string())},
                {"headers", nullable(headers())},
                {"allowed_tools", nullable(allowed)},
                {"require_approval", nullable(string_or(one_of({"always", "never"}), by_tool))},
                {"defer_loading", boolean()},
                {"allowed_callers", nullable(array(string()))},
                {"tunnel_id", string()}};
    if (in_project) {
        all.emplace_back("project_connection_id", nullable(string()));
        all.emplace_back("tool_configs", opaque());
    }
    return [shape = typed_object(std::move(all))](const json& value, const std::string& path) {
        shape(value, path);
        const char* servers[] = {"server_url", "connector_id", "project_connection_id", "tunnel_id"};
        if (std::none_of(std::begin(servers), std::end(servers),
                         [&](const char* name) { return !get(value, name).is_null(); }))
            throw bad_request("Missing required parameter: '" + path + ".server_url'.", path + ".server_url",
                              "missing_required_parameter");
        const json& fields = get(value, "headers");
        for (const auto& [name, field] : fields.items())
            if (equal_ignoring_case(name, "authorization") && !get(value, "authorization").is_null())
                throw bad_request("Only one of 'authorization' and the header 'Authorization' can be given.",
                                  path + ".authorization", "mutually_exclusive_parameters");
    };
}

check tool(bool in_project, bool stored) {
    types all;
    all.emplace_back("function", typed_object(members{required("name", string(64)),
                                                      {"description", nullable(string())},
                                                      {"parameters", nullable(opaque())},
                                                      {"strict", nullable(boolean())},
                                                      {"defer_loading", boolean()},
                                                      {"allowed_callers", nullable(array(string()))},
                                                      {"output_schema", nullable(opaque())}}));
    all.emplace_back("mcp", mcp_tool(in_project, stored));
    all.emplace_back("custom", typed_object(members{required("name", string()),
                                                    {"description", nullable(string())},
                                                    {"format", opaque()},
                                                    {"defer_loading", boolean()},
                                                    {"allowed_callers", nullable(array(string()))}}));
    all.emplace_back("code_interpreter", typed_object(members{{"container", string_or(string(), opaque())},
                                                              {"allowed_callers", nullable(array(string()))}}));
    for (const char* name :
         {"file_search", "web_search", "web_search_2025_08_26", "web_search_preview", "web_search_preview_2025_03_11",
          "image_generation", "computer", "computer_use_preview", "local_shell", "shell", "apply_patch", "namespace",
          "tool_search", "programmatic_tool_calling"})
        all.emplace_back(name, opaque());
    if (in_project)
        for (const char* name :
             {"bing_grounding", "bing_custom_search_preview", "fabric_dataagent_preview",
              "sharepoint_grounding_preview", "azure_ai_search", "azure_function", "openapi",
              "browser_automation_preview", "capture_structured_outputs", "a2a_preview", "memory_search_preview"})
            all.emplace_back(name, opaque());
    return by_type(std::move(all));
}

check tools(bool in_project, bool stored) {
    return nullable([list = array(tool(in_project, stored), 128)](const json& value, const std::string& path) {
        list(value, path);
        std::set<std::string> labels;
        for (std::size_t i = 0; i != value.size(); ++i) {
            const std::string label = get_string(value[i], "server_label");
            if (!label.empty() && !labels.insert(label).second)
                throw bad_request("Duplicate server label: '" + label + "'.",
                                  path + "[" + std::to_string(i) + "].server_label", "invalid_value");
        }
    });
}

check tool_choice() {
    types all;
    all.emplace_back("function", typed_object(members{required("name", string())}));
    all.emplace_back("custom", typed_object(members{required("name", string())}));
    all.emplace_back("mcp", typed_object(members{required("server_label", string()), {"name", nullable(string())}}));
    all.emplace_back("allowed_tools", typed_object(members{required("mode", one_of({"auto", "required"})),
                                                           required("tools", array(opaque()))}));
    for (const char* name : {"file_search", "web_search", "web_search_preview", "code_interpreter", "image_generation",
                             "computer", "computer_use_preview", "shell", "apply_patch"})
        all.emplace_back(name, typed_object({}));
    return nullable(string_or(one_of({"none", "auto", "required"}), by_type(std::move(all))));
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
    return nullable(object(members{{"effort", nullable(one_of({"none", "minimal", "low", "medium", "high", "xhigh"}))},
                                   {"summary", summary},
                                   {"generate_summary", summary}}));
}

check content_part() {
    const check detail = nullable(one_of({"low", "high", "auto", "original"}));
    types all;
    all.emplace_back("input_text", typed_object(members{required("text", string())}));
    all.emplace_back(
        "input_image",
        typed_object(members{{"image_url", nullable(string())}, {"file_id", nullable(string())}, {"detail", detail}}));
    all.emplace_back("input_file", typed_object(members{{"file_id", nullable(string())},
                                                        {"filename", nullable(string())},
                                                        {"file_data", nullable(string())},
                                                        {"file_url", nullable(string())},
                                                        {"detail", detail}}));
    all.emplace_back("output_text", typed_object(members{required("text", string()),
                                                         {"annotations", array(opaque())},
                                                         {"logprobs", nullable(array(opaque()))}}));
    all.emplace_back("refusal", typed_object(members{required("refusal", string())}));
    return by_type(std::move(all));
}

/// The types of input items, each with its check; `message` is the first.
types item_types() {
    const check id = nullable(string());
    const check status = nullable(one_of({"in_progress", "completed", "incomplete"}));
    const check output = string_or(string(), array(content_part()));
    types all;
    all.emplace_back("message", object(members{required("role", one_of({"user", "assistant", "system", "developer"})),
                                               required("content", string_or(string(), array(content_part()))),
                                               {"type", string()},
                                               {"id", id},
                                               {"status", status},
                                               {"phase", nullable(string())}}));
    all.emplace_back("function_call", typed_object(members{required("call_id", string(64)),
                                                           required("name", string()),
                                                           required("arguments", string()),
                                                           {"id", id},
                                                           {"status", status},
                                                           {"namespace", nullable(string())}}));
    all.emplace_back("custom_tool_call", typed_object(members{required("call_id", string(64)),
                                                              required("name", string()),
                                                              required("input", string()),
                                                              {"id", id},
                                                              {"status", status}}));
    for (const char* name : {"function_call_output", "custom_tool_call_output"})
        all.emplace_back(
            name, typed_object(members{
                      required("call_id", string(64)), required("output", output), {"id", id}, {"status", status}}));
    all.emplace_back("reasoning", typed_object(members{required("summary", array(opaque())),
                                                       {"id", id},
                                                       {"content", nullable(array(opaque()))},
                                                       {"encrypted_content", nullable(string())},
                                                       {"status", status}}));
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
    all.emplace_back("item_reference", object(members{required("id", string()), {"type", nullable(string())}}));
    for (const char* name :
         {"file_search_call", "web_search_call", "code_interpreter_call", "image_generation_call", "computer_call",
          "computer_call_output", "local_shell_call", "local_shell_call_output", "shell_call", "shell_call_output",
          "apply_patch_call", "apply_patch_call_output", "tool_search_call", "tool_search_output", "compaction"})
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

check input_items(std::size_t max_items = 0) {
    return array(input_item(), max_items);
}

check input() {
    return string_or(string(), input_items());
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
    const members own{{"input", input()},
                      {"conversation", nullable(string_or(string(), object(members{required("id", string())})))},
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
                      {"service_tier", nullable(one_of({"auto", "default", "flex", "scale", "priority"}))},
                      {"safety_identifier", nullable(string(64))},
                      {"prompt", nullable(opaque())},
                      {"prompt_cache_key", nullable(string())},
                      {"prompt_cache_retention", nullable(one_of({"in_memory", "24h"}))},
                      {"context_management", nullable(array(opaque()))},
                      {"user", nullable(string())}};
    all.insert(all.end(), own.begin(), own.end());
    if (in_project) {
        all.emplace_back("agent_reference", nullable(agent));
        all.emplace_back("agent", nullable(agent));
        all.emplace_back("structured_inputs", nullable(map(any())));
    }
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
    prompt.emplace_back("rai_config", nullable(opaque()));
    prompt.emplace_back("structured_inputs", nullable(map(object(members{{"description", nullable(string())},
                                                                         {"default_value", any()},
                                                                         {"schema", nullable(opaque())},
                                                                         {"required", nullable(boolean())}}))));
    const check definition_of_kind = [shape = object(std::move(prompt))](const json& value, const std::string& path) {
        if (value.is_object() && get(value, "kind").is_string()) one_of({"prompt"})(value["kind"], path + ".kind");
        shape(value, path);
    };
    return {
        required("definition", definition_of_kind), {"description", nullable(string(512))}, {"metadata", metadata()}};
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
      create_conversation(object(members{{"items", nullable(input_items(20))}, {"metadata", metadata()}})),
      update_conversation(object(members{required("metadata", metadata())})),
      create_items(object(members{required("items", input_items(20))})),
      create_version(object(version())) {
    members named = version();
    named.push_back(required("name", agent_name()));
    create_agent = object(std::move(named));
}

}  // namespace corun::emulator::schema
