#include "emulator/threads/schema.hpp"

#include "emulator/http/refusal.hpp"
#include "text/utf8.hpp"
#include <corun/headers.hpp>

#include <algorithm>
#include <limits>

namespace corun::emulator::schema {
namespace {

std::string kind_of(const json& value) {
    if (value.is_null()) return "null";
    if (value.is_object()) return "an object";
    if (value.is_array()) return "an array";
    if (value.is_boolean()) return "a boolean";
    if (value.is_number_integer()) return "an integer";
    if (value.is_number()) return "a decimal";
    return "a string";
}

void expect(bool right, const json& value, const std::string& path, const std::string& wanted) {
    if (right) return;
    throw bad_request(
        "Invalid type for '" + path + "': expected " + wanted + ", but got " + kind_of(value) + " instead.", path,
        "invalid_type");
}

std::string below(const std::string& path, const std::string& name) {
    return path.empty() ? name : path + "." + name;
}

std::string quoted(const std::vector<std::string>& names) {
    std::string text;
    for (std::size_t i = 0; i != names.size(); ++i) {
        if (i) text += i + 1 == names.size() ? ", and " : ", ";
        text += "'" + names[i] + "'";
    }
    return text;
}

[[noreturn]] void invalid_value(const std::string& value, const std::string& path,
                                const std::vector<std::string>& right) {
    throw bad_request("Invalid value: '" + value + "'. Supported values are: " + quoted(right) + ".", path,
                      "invalid_value");
}

[[noreturn]] void missing(const std::string& path) {
    throw bad_request("Missing required parameter: '" + path + "'.", path, "missing_required_parameter");
}

}  // namespace

check any() {
    return [](const json&, const std::string&) {};
}

check string(std::size_t max_length) {
    return [=](const json& value, const std::string& path) {
        expect(value.is_string(), value, path, "a string");
        if (max_length == 0) return;
        if (const auto length = utf8::count_characters(value.get_ref<const std::string&>()); length > max_length)
            throw bad_request("Invalid '" + path + "': string too long. Expected a string with maximum length " +
                                  std::to_string(max_length) + ", but got a string with length " +
                                  std::to_string(length) + " instead.",
                              path, "string_above_max_length");
    };
}

check boolean() {
    return [](const json& value, const std::string& path) { expect(value.is_boolean(), value, path, "a boolean"); };
}

check integer(std::int64_t min, std::int64_t max) {
    return [=](const json& value, const std::string& path) {
        expect(value.is_number_integer(), value, path, "an integer");
        const auto number = value.get<std::int64_t>();
        if (number < min || number > max)
            throw bad_request("Invalid '" + path + "': integer " + (number < min ? "below minimum" : "above maximum") +
                                  " value. Expected a value " + (number < min ? ">= " : "<= ") +
                                  std::to_string(number < min ? min : max) + ", but got " + std::to_string(number) +
                                  " instead.",
                              path, number < min ? "integer_below_min_value" : "integer_above_max_value");
    };
}

check number(double min, double max) {
    return [=](const json& value, const std::string& path) {
        expect(value.is_number(), value, path, "a decimal");
        const auto number = value.get<double>();
        if (number < min || number > max)
            throw bad_request("Invalid '" + path + "': decimal " + (number < min ? "below minimum" : "above maximum") +
                                  " value. Expected a value " + (number < min ? ">= " : "<= ") +
                                  text_of(number < min ? min : max) + ", but got " + text_of(value) + " instead.",
                              path, number < min ? "decimal_below_min_value" : "decimal_above_max_value");
    };
}

check one_of(std::vector<std::string> values) {
    return [values = std::move(values)](const json& value, const std::string& path) {
        expect(value.is_string(), value, path, "a string");
        const auto& text = value.get_ref<const std::string&>();
        if (std::find(values.begin(), values.end(), text) == values.end()) invalid_value(text, path, values);
    };
}

check array(check item, std::size_t max_items) {
    return [item = std::move(item), max_items](const json& value, const std::string& path) {
        expect(value.is_array(), value, path, "an array");
        if (max_items && value.size() > max_items)
            throw bad_request("Invalid '" + path + "': array too long. Expected an array with maximum length " +
                                  std::to_string(max_items) + ", but got an array with length " +
                                  std::to_string(value.size()) + " instead.",
                              path, "array_above_max_length");
        for (std::size_t i = 0; i != value.size(); ++i) item(value[i], path + "[" + std::to_string(i) + "]");
    };
}

check map(check inner) {
    return [inner = std::move(inner)](const json& value, const std::string& path) {
        expect(value.is_object(), value, path, "an object");
        for (const auto& [key, item] : value.items()) inner(item, below(path, key));
    };
}

check metadata() {
    return nullable([pairs = map(string(512))](const json& value, const std::string& path) {
        pairs(value, path);
        if (value.size() > 16)
            throw bad_request("Invalid '" + path +
                                  "': too many properties. Expected an object with at most 16 "
                                  "properties, but got an object with " +
                                  std::to_string(value.size()) + " properties instead.",
                              path, "object_above_max_properties");
        for (const auto& [key, item] : value.items())
            if (utf8::count_characters(key) > 64)
                throw bad_request("Invalid '" + path +
                                      "': property name too long. Expected a name with maximum length "
                                      "64.",
                                  path, "string_above_max_length");
    });
}

check nullable(check inner) {
    return [inner = std::move(inner)](const json& value, const std::string& path) {
        if (!value.is_null()) inner(value, path);
    };
}

check string_or(check text, check other) {
    return [text = std::move(text), other = std::move(other)](const json& value, const std::string& path) {
        (value.is_string() ? text : other)(value, path);
    };
}

check object(std::vector<member> members) {
    return [members = std::move(members)](const json& value, const std::string& path) {
        expect(value.is_object(), value, path.empty() ? "body" : path, "an object");
        for (const auto& [key, item] : value.items()) {
            const auto found = std::find_if(members.begin(), members.end(),
                                            [&name = key](const member& one) { return one.name == name; });
            const std::string name = below(path, key);
            if (found == members.end())
                throw bad_request("Unknown parameter: '" + name + "'.", name, "unknown_parameter");
            found->test(item, name);
        }
        for (const auto& one : members)
            if (one.required && !value.contains(one.name)) missing(below(path, one.name));
    };
}

check by_type(std::vector<std::pair<std::string, check>> types) {
    return [types = std::move(types)](const json& value, const std::string& path) {
        expect(value.is_object(), value, path, "an object");
        const auto type = value.find("type");
        if (type == value.end()) missing(below(path, "type"));
        expect(type->is_string(), *type, below(path, "type"), "a string");
        const auto& text = type->get_ref<const std::string&>();
        for (const auto& [name, inner] : types)
            if (name == text) return inner(value, path);
        std::vector<std::string> names;
        for (const auto& [name, inner] : types) names.push_back(name);
        invalid_value(text, below(path, "type"), names);
    };
}

check headers() {
    return [fields = map(string())](const json& value, const std::string& path) {
        fields(value, path);
        for (const auto& [name, item] : value.items()) {
            const auto& text = item.get_ref<const std::string&>();
            const bool has_control_character = std::any_of(
                text.begin(), text.end(), [](unsigned char c) { return (c < 0x20 && c != '\t') || c == 0x7f; });
            if (!is_header_name(name) || has_control_character)
                throw bad_request("Invalid '" + path + "': " +
                                      (has_control_character ? "a value holds a control character."
                                                             : "a name is not one of an HTTP header."),
                                  path, "invalid_value");
        }
    };
}

namespace {

using members = std::vector<member>;
using types = std::vector<std::pair<std::string, check>>;

check with_type(members rest) {
    rest.push_back(required("type", string()));
    return object(std::move(rest));
}

check tool(bool mcp) {
    const check connections = array(object(members{required("connection_id", string())}), 1);
    const check searches = array(object(members{required("connection_id", string()),
                                                {"instance_name", string()},
                                                {"market", nullable(string())},
                                                {"set_lang", nullable(string())},
                                                {"count", nullable(integer(1, 50))},
                                                {"freshness", nullable(string())}}),
                                 1);
    const check binding = object(members{
        required("type", one_of({"storage_queue"})),
        required("storage_queue",
                 object(members{required("queue_service_endpoint", string()), required("queue_name", string())}))});
    const check function = object(members{required("name", string(64)),
                                          {"description", nullable(string())},
                                          {"parameters", nullable(map(any()))},
                                          {"strict", nullable(boolean())}});
    types all;
    all.emplace_back("code_interpreter", with_type({}));
    all.emplace_back("file_search",
                     with_type(members{{"file_search", object(members{{"max_num_results", integer(1, 50)},
                                                                      {"ranking_options", map(any())}})}}));
    all.emplace_back("function", with_type(members{required("function", function)}));
    all.emplace_back(
        "bing_grounding",
        with_type(members{required("bing_grounding", object(members{required("search_configurations", searches)}))}));
    all.emplace_back("bing_custom_search",
                     with_type(members{required("bing_custom_search",
                                                object(members{required("search_configurations", searches)}))}));
    for (const char* name : {"fabric_dataagent", "sharepoint_grounding"})
        all.emplace_back(name,
                         with_type(members{required(name, object(members{required("connections", connections)}))}));
    all.emplace_back("azure_ai_search", with_type({}));
    all.emplace_back("openapi",
                     with_type(members{required("openapi", object(members{required("name", string()),
                                                                          {"description", nullable(string())},
                                                                          required("spec", any()),
                                                                          required("auth", map(any())),
                                                                          {"default_params", nullable(array(string()))},
                                                                          {"functions", nullable(array(any()))}}))}));
    all.emplace_back(
        "azure_function",
        with_type(members{required("azure_function",
                                   object(members{required("function", function), required("input_binding", binding),
                                                  required("output_binding", binding)}))}));
    all.emplace_back("connected_agent",
                     with_type(members{required("connected_agent",
                                                object(members{required("id", string()), required("name", string()),
                                                               required("description", string())}))}));
    all.emplace_back("deep_research",
                     with_type(members{required(
                         "deep_research", object(members{required("deep_research_model", string()),
                                                         required("bing_grounding_connections", connections)}))}));
    all.emplace_back("browser_automation",
                     with_type(members{required(
                         "browser_automation",
                         object(members{required("connection", object(members{required("id", string())}))}))}));
    if (mcp)
        all.emplace_back("mcp", with_type(members{required("server_label", string()),
                                                  required("server_url", string()),
                                                  {"allowed_tools", nullable(array(string()))}}));
    return by_type(std::move(all));
}

check approval() {
    const check names = [](const json& value, const std::string& path) {
        (value.is_array() ? array(string()) : object(members{required("tool_names", array(string()))}))(value, path);
    };
    const check by_tool = [lists = object(members{{"always", names}, {"never", names}})](const json& value,
                                                                                         const std::string& path) {
        lists(value, path);
        if (value.empty())
            throw bad_request("Invalid '" + path + "': expected 'always' or 'never', but got an empty object instead.",
                              path, "invalid_value");
    };
    return nullable(string_or(one_of({"always", "never"}), by_tool));
}

check tool_resources(bool mcp) {
    members all;
    all.emplace_back("code_interpreter", nullable(object(members{{"file_ids", nullable(array(string(), 20))},
                                                                 {"data_sources", nullable(array(any()))}})));
    all.emplace_back("file_search", nullable(object(members{{"vector_store_ids", nullable(array(string(), 1))},
                                                            {"vector_stores", nullable(array(any(), 1))}})));
    all.emplace_back(
        "azure_ai_search",
        nullable(object(members{{"indexes", nullable(array(object(members{{"index_connection_id", nullable(string())},
                                                                          {"index_name", nullable(string())},
                                                                          {"query_type", nullable(string())},
                                                                          {"top_k", nullable(integer(1, 50))},
                                                                          {"filter", nullable(string())},
                                                                          {"index_asset_id", nullable(string())}}),
                                                           1))}})));
    if (mcp)
        all.emplace_back("mcp", nullable(array(object(members{required("server_label", string()),
                                                              required("headers", headers()),
                                                              {"require_approval", approval()}}))));
    return nullable(object(std::move(all)));
}

check response_format() {
    types all;
    all.emplace_back("text", with_type({}));
    all.emplace_back("json_object", with_type({}));
    all.emplace_back("json_schema",
                     with_type(members{required("json_schema", object(members{required("name", string()),
                                                                              {"description", nullable(string())},
                                                                              required("schema", map(any())),
                                                                              {"strict", nullable(boolean())}}))}));
    return nullable(string_or(one_of({"auto"}), by_type(std::move(all))));
}

check tool_choice() {
    return nullable(string_or(
        one_of({"none", "auto"}),
        object(members{required("type", one_of({"function", "code_interpreter", "file_search", "bing_grounding",
                                                "fabric_dataagent", "sharepoint_grounding", "azure_ai_search",
                                                "bing_custom_search", "connected_agent", "deep_research", "mcp"})),
                       {"function", object(members{required("name", string())})}})));
}

check message() {
    const check detail = one_of({"auto", "low", "high"});
    types blocks;
    blocks.emplace_back("text", with_type(members{required("text", string(1'500'000))}));
    blocks.emplace_back("image_file",
                        with_type(members{required("image_file", object(members{required("file_id", string()),
                                                                                {"detail", nullable(detail)}}))}));
    blocks.emplace_back("image_url",
                        with_type(members{required(
                            "image_url", object(members{required("url", string()), {"detail", nullable(detail)}}))}));
    types uses;
    uses.emplace_back("code_interpreter", with_type({}));
    uses.emplace_back("file_search", with_type({}));
    return object(
        members{required("role", one_of({"user", "assistant"})),
                required("content", string_or(string(1'500'000), array(by_type(std::move(blocks))))),
                {"attachments", nullable(array(object(members{{"file_id", nullable(string())},
                                                              {"data_source", nullable(map(any()))},
                                                              required("tools", array(by_type(std::move(uses))))})))},
                {"metadata", metadata()}});
}

members agent_members(bool mcp) {
    return members{{"model", string()},
                   {"name", nullable(string(256))},
                   {"description", nullable(string(512))},
                   {"instructions", nullable(string(256'000))},
                   {"tools", nullable(array(tool(mcp), 128))},
                   {"tool_resources", tool_resources(mcp)},
                   {"temperature", nullable(number(0, 2))},
                   {"top_p", nullable(number(0, 1))},
                   {"response_format", response_format()},
                   {"metadata", metadata()}};
}

members run_members(bool mcp) {
    constexpr auto most = std::numeric_limits<std::int64_t>::max();
    return members{required("assistant_id", string()),
                   {"model", nullable(string())},
                   {"instructions", nullable(string(256'000))},
                   {"tools", nullable(array(tool(mcp), 128))},
                   {"tool_resources", tool_resources(mcp)},
                   {"stream", nullable(boolean())},
                   {"temperature", nullable(number(0, 2))},
                   {"top_p", nullable(number(0, 1))},
                   {"max_prompt_tokens", nullable(integer(256, most))},
                   {"max_completion_tokens", nullable(integer(256, most))},
                   {"truncation_strategy", nullable(object(members{required("type", one_of({"auto", "last_messages"})),
                                                                   {"last_messages", nullable(integer(1, most))}}))},
                   {"tool_choice", tool_choice()},
                   {"response_format", response_format()},
                   {"parallel_tool_calls", nullable(boolean())},
                   {"metadata", metadata()}};
}

}  // namespace

bodies::bodies(bool mcp) {
    members agent = agent_members(mcp);
    update_agent = object(agent);
    agent.front().required = true;
    create_agent = object(std::move(agent));

    create_thread = object(members{
        {"messages", nullable(array(message()))}, {"tool_resources", tool_resources(mcp)}, {"metadata", metadata()}});
    update_thread = object(members{{"tool_resources", tool_resources(mcp)}, {"metadata", metadata()}});
    create_message = message();

    members run = run_members(mcp);
    run.emplace_back("additional_instructions", nullable(string(256'000)));
    run.emplace_back("additional_messages", nullable(array(message())));
    create_run = object(std::move(run));
    run = run_members(mcp);
    run.emplace_back("thread", nullable(create_thread));
    create_thread_and_run = object(std::move(run));

    members submission{
        {"tool_outputs",
         nullable(array(object(members{{"tool_call_id", nullable(string())}, {"output", nullable(string())}})))},
        {"stream", nullable(boolean())}};
    if (mcp)
        submission.emplace_back("tool_approvals", nullable(array(object(members{required("tool_call_id", string()),
                                                                                required("approve", boolean()),
                                                                                {"headers", nullable(headers())}}))));
    submit = object(std::move(submission));
    metadata_only = object(members{{"metadata", metadata()}});
}

}  // namespace corun::emulator::schema
