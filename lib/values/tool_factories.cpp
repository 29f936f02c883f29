// The values that are JSON texts already when the caller makes them.
#include <corun/error.hpp>
#include <corun/options.hpp>
#include <corun/response_format.hpp>
#include <corun/tools.hpp>

#include <nlohmann/json.hpp>

#include <string_view>
#include <utility>

namespace corun {
namespace {

using document = nlohmann::ordered_json;

[[noreturn]] void refuse(std::string_view what, std::string_view why) {
    throw error(errc::invalid_argument, std::string(what) + " " + std::string(why));
}

std::string dump(const document& value, std::string_view what) {
    try {
        return value.dump();
    } catch (const document::type_error&) {
        refuse(what, "holds text that is not valid UTF-8");
    }
}

document parse_object(const std::string& text, std::string_view what) {
    document parsed = document::parse(text, nullptr, false);
    if (!parsed.is_object()) refuse(what, "is not a JSON object");
    return parsed;
}

void set_unless_empty(document& object, const char* key, std::string value) {
    if (!value.empty()) object[key] = std::move(value);
}

void check_range(int value, int least, int most, std::string_view what) {
    if (value < least || value > most)
        refuse(what, "must be from " + std::to_string(least) + " to " + std::to_string(most));
}

document with(const char* key, document value) {
    document object = document::object();
    object[key] = std::move(value);
    return object;
}

document list_of(document only) {
    document list = document::array();
    list.push_back(std::move(only));
    return list;
}

/// `{"type":type,type:body}`.
document typed(const char* type, document body) {
    document object = with("type", type);
    object[type] = std::move(body);
    return object;
}

tool make_tool(const char* type, document body, std::string name = {}) {
    return json_tool(type, dump(typed(type, std::move(body)), type), std::move(name));
}

tool make_bare_tool(const char* type) {
    return json_tool(type, with("type", type).dump());
}

document connections(std::string connection_id) {
    return list_of(with("connection_id", std::move(connection_id)));
}

tool make_bing_tool(const char* type, bing_search search, std::string instance_name) {
    document configuration = with("connection_id", std::move(search.connection_id));
    set_unless_empty(configuration, "instance_name", std::move(instance_name));
    set_unless_empty(configuration, "market", std::move(search.market));
    set_unless_empty(configuration, "set_lang", std::move(search.set_lang));
    if (search.count) {
        check_range(*search.count, 1, 50, "bing_search::count");
        configuration["count"] = *search.count;
    }
    set_unless_empty(configuration, "freshness", std::move(search.freshness));
    return make_tool(type, with("search_configurations", list_of(std::move(configuration))));
}

document to_json(openapi_auth auth) {
    switch (auth.type()) {
        case openapi_auth::kind::connection: {
            document object = with("type", "connection");
            object["security_scheme"] = with("connection_id", auth.value());
            return object;
        }
        case openapi_auth::kind::managed_identity: {
            document object = with("type", "managed_identity");
            object["security_scheme"] = with("audience", auth.value());
            return object;
        }
        case openapi_auth::kind::anonymous:
            break;
    }
    return with("type", "anonymous");
}

document to_json(storage_queue queue) {
    document place = with("queue_service_endpoint", std::move(queue.queue_service_endpoint));
    place["queue_name"] = std::move(queue.queue_name);
    return typed("storage_queue", std::move(place));
}

}  // namespace

tool code_interpreter() {
    return make_bare_tool("code_interpreter");
}

tool file_search(std::optional<int> max_num_results, std::optional<ranking_options> ranking) {
    document options = document::object();
    if (max_num_results) {
        check_range(*max_num_results, 1, 50, "file_search: max_num_results");
        options["max_num_results"] = *max_num_results;
    }
    if (ranking) {
        if (!(ranking->score_threshold >= 0 && ranking->score_threshold <= 1))
            refuse("ranking_options::score_threshold", "must be from 0 to 1");
        document& object = options["ranking_options"] = with("ranker", std::move(ranking->ranker));
        object["score_threshold"] = ranking->score_threshold;
    }
    return options.empty() ? make_bare_tool("file_search") : make_tool("file_search", std::move(options));
}

tool azure_ai_search() {
    return make_bare_tool("azure_ai_search");
}

tool bing_grounding(bing_search search) {
    return make_bing_tool("bing_grounding", std::move(search), {});
}

tool bing_custom_search(bing_search search, std::string instance_name) {
    return make_bing_tool("bing_custom_search", std::move(search), std::move(instance_name));
}

tool openapi(std::string name, std::string description, std::string spec, openapi_auth auth,
             std::vector<std::string> default_params) {
    document body = with("name", name);
    set_unless_empty(body, "description", std::move(description));
    body["spec"] = parse_object(spec, "openapi: spec");
    body["auth"] = to_json(std::move(auth));
    if (!default_params.empty()) body["default_params"] = std::move(default_params);
    return make_tool("openapi", std::move(body), std::move(name));
}

tool azure_function(function_tool function, storage_queue input, storage_queue output) {
    document definition = with("name", function.name);
    set_unless_empty(definition, "description", std::move(function.description));
    definition["parameters"] = parse_object(function.parameters, "azure_function: function.parameters");
    document body = with("function", std::move(definition));
    body["input_binding"] = to_json(std::move(input));
    body["output_binding"] = to_json(std::move(output));
    return make_tool("azure_function", std::move(body), std::move(function.name));
}

tool connected_agent(std::string agent_id, std::string name, std::string description) {
    document body = with("id", std::move(agent_id));
    body["name"] = name;
    body["description"] = std::move(description);
    return make_tool("connected_agent", std::move(body), std::move(name));
}

tool fabric_dataagent(std::string connection_id) {
    return make_tool("fabric_dataagent", with("connections", connections(std::move(connection_id))));
}

tool sharepoint_grounding(std::string connection_id) {
    return make_tool("sharepoint_grounding", with("connections", connections(std::move(connection_id))));
}

tool deep_research(std::string model, std::string bing_connection_id) {
    document body = with("deep_research_model", std::move(model));
    body["bing_grounding_connections"] = connections(std::move(bing_connection_id));
    return make_tool("deep_research", std::move(body));
}

tool browser_automation(std::string connection_id) {
    return make_tool("browser_automation", with("connection", with("id", std::move(connection_id))));
}

tool_resources& tool_resources::set_code_interpreter(std::vector<std::string> file_ids) {
    if (file_ids.size() > 20) refuse("tool_resources::set_code_interpreter", "takes at most 20 files");
    other["code_interpreter"] = dump(with("file_ids", std::move(file_ids)), "tool_resources::set_code_interpreter");
    return *this;
}

tool_resources& tool_resources::set_file_search(std::vector<std::string> vector_store_ids) {
    if (vector_store_ids.size() > 1) refuse("tool_resources::set_file_search", "takes at most 1 vector store");
    other["file_search"] =
        dump(with("vector_store_ids", std::move(vector_store_ids)), "tool_resources::set_file_search");
    return *this;
}

tool_resources& tool_resources::set_azure_ai_search(azure_ai_search_index index) {
    document object = document::object();
    set_unless_empty(object, "index_connection_id", std::move(index.index_connection_id));
    set_unless_empty(object, "index_name", std::move(index.index_name));
    set_unless_empty(object, "query_type", std::move(index.query_type));
    if (index.top_k) object["top_k"] = *index.top_k;
    set_unless_empty(object, "filter", std::move(index.filter));
    set_unless_empty(object, "index_asset_id", std::move(index.index_asset_id));
    other["azure_ai_search"] = dump(with("indexes", list_of(std::move(object))), "tool_resources::set_azure_ai_search");
    return *this;
}

tool_choice::tool_choice(std::string json) : json_(std::move(json)) {}

tool_choice tool_choice::none() {
    return tool_choice(R"("none")");
}
tool_choice tool_choice::automatic() {
    return tool_choice(R"("auto")");
}
tool_choice tool_choice::of_type(std::string type) {
    return tool_choice(dump(with("type", std::move(type)), "tool_choice::of_type"));
}
tool_choice tool_choice::function(std::string name) {
    return tool_choice(dump(typed("function", with("name", std::move(name))), "tool_choice::function"));
}
tool_choice tool_choice::from_json(std::string json) {
    return tool_choice(std::move(json));
}

response_format::response_format(std::string json) : json_(std::move(json)) {}

response_format response_format::automatic() {
    return response_format(R"("auto")");
}
response_format response_format::text() {
    return response_format(R"({"type":"text"})");
}
response_format response_format::json_object() {
    return response_format(R"({"type":"json_object"})");
}
response_format response_format::json_schema(std::string name, std::string schema, std::string description) {
    document body = with("name", std::move(name));
    set_unless_empty(body, "description", std::move(description));
    body["schema"] = parse_object(schema, "response_format::json_schema: schema");
    return response_format(dump(typed("json_schema", std::move(body)), "response_format::json_schema"));
}
response_format response_format::from_json(std::string json) {
    return response_format(std::move(json));
}

truncation_strategy::truncation_strategy(std::string json) : json_(std::move(json)) {}

truncation_strategy truncation_strategy::automatic() {
    return truncation_strategy(R"({"type":"auto"})");
}
truncation_strategy truncation_strategy::last_messages(int count) {
    if (count < 1) refuse("truncation_strategy::last_messages", "must be at least 1");
    document object = with("type", "last_messages");
    object["last_messages"] = count;
    return truncation_strategy(object.dump());
}

}  // namespace corun
