// The bodies of requests of the threads protocol.
#include "emulator/threads/threads_schema.hpp"

#include "emulator/http/api_error.hpp"

#include <limits>

namespace corun::emulator::schema {
namespace {

using members = std::vector<member>;
using types = std::vector<std::pair<std::string, check>>;

check connections() {
    return array(object(members{required("connection_id", string())}), 1);
}

check searches() {
    return array(object(members{required("connection_id", string()),
                                {"instance_name", string()},
                                {"market", nullable(string())},
                                {"set_lang", nullable(string())},
                                {"count", nullable(integer(1, 50))},
                                {"freshness", nullable(string())}}),
                 1);
}

check queue_binding() {
    return object(members{required("type", one_of({"storage_queue"})),
                          required("storage_queue", object(members{required("queue_service_endpoint", string()),
                                                                   required("queue_name", string())}))});
}

check function_definition() {
    return object(members{required("name", string(64)),
                          {"description", nullable(string())},
                          {"parameters", nullable(map(any()))},
                          {"strict", nullable(boolean())}});
}

check tool(bool mcp) {
    types all;
    all.emplace_back("code_interpreter", typed_object({}));
    all.emplace_back("file_search",
                     typed_object(members{{"file_search", object(members{{"max_num_results", integer(1, 50)},
                                                                         {"ranking_options", map(any())}})}}));
    all.emplace_back("function", typed_object(members{required("function", function_definition())}));
    all.emplace_back("bing_grounding",
                     typed_object(members{
                         required("bing_grounding", object(members{required("search_configurations", searches())}))}));
    all.emplace_back("bing_custom_search",
                     typed_object(members{required("bing_custom_search",
                                                   object(members{required("search_configurations", searches())}))}));
    for (const char* name : {"fabric_dataagent", "sharepoint_grounding"})
        all.emplace_back(
            name, typed_object(members{required(name, object(members{required("connections", connections())}))}));
    all.emplace_back("azure_ai_search", typed_object({}));
    all.emplace_back(
        "openapi",
        typed_object(members{required("openapi", object(members{required("name", string()),
                                                                {"description", nullable(string())},
                                                                required("spec", any()),
                                                                required("auth", map(any())),
                                                                {"default_params", nullable(array(string()))},
                                                                {"functions", nullable(array(any()))}}))}));
    all.emplace_back("azure_function",
                     typed_object(members{
                         required("azure_function", object(members{required("function", function_definition()),
                                                                   required("input_binding", queue_binding()),
                                                                   required("output_binding", queue_binding())}))}));
    all.emplace_back("connected_agent",
                     typed_object(members{required("connected_agent",
                                                   object(members{required("id", string()), required("name", string()),
                                                                  required("description", string())}))}));
    all.emplace_back("deep_research",
                     typed_object(members{required(
                         "deep_research", object(members{required("deep_research_model", string()),
                                                         required("bing_grounding_connections", connections())}))}));
    all.emplace_back("browser_automation",
                     typed_object(members{required(
                         "browser_automation",
                         object(members{required("connection", object(members{required("id", string())}))}))}));
    if (mcp)
        all.emplace_back("mcp", typed_object(members{required("server_label", string()),
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
    all.emplace_back("text", typed_object({}));
    all.emplace_back("json_object", typed_object({}));
    all.emplace_back("json_schema",
                     typed_object(members{required("json_schema", object(members{required("name", string()),
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
    blocks.emplace_back("text", typed_object(members{required("text", string(1'500'000))}));
    blocks.emplace_back("image_file",
                        typed_object(members{required("image_file", object(members{required("file_id", string()),
                                                                                   {"detail", nullable(detail)}}))}));
    blocks.emplace_back("image_url",
                        typed_object(members{required(
                            "image_url", object(members{required("url", string()), {"detail", nullable(detail)}}))}));
    types uses;
    uses.emplace_back("code_interpreter", typed_object({}));
    uses.emplace_back("file_search", typed_object({}));
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

request_bodies::request_bodies(bool mcp) {
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
