// The functions that make a tool, as JSON text.
#include "values/json_object.hpp"
#include <corun/tools.hpp>

#include <string_view>
#include <utility>

namespace corun {
namespace {

using namespace detail;

document list_of(document only) {
    document list = document::array();
    list.push_back(std::move(only));
    return list;
}

void check_range(int value, int least, int most, std::string_view subject) {
    if (value < least || value > most)
        throw_invalid_argument(subject, "must be from " + std::to_string(least) + " to " + std::to_string(most));
}

tool make_tool(const char* type, document body, std::string name = {}) {
    return json_tool(type, dump(typed_object(type, std::move(body)), type), std::move(name));
}

tool make_bare_tool(const char* type) {
    return json_tool(type, object_with("type", type).dump());
}

document connections(std::string connection_id) {
    return list_of(object_with("connection_id", std::move(connection_id)));
}

tool make_bing_tool(const char* type, bing_search search, std::string instance_name) {
    document configuration = object_with("connection_id", std::move(search.connection_id));
    set_unless_empty(configuration, "instance_name", std::move(instance_name));
    set_unless_empty(configuration, "market", std::move(search.market));
    set_unless_empty(configuration, "set_lang", std::move(search.set_lang));
    if (search.count) {
        check_range(*search.count, 1, 50, "bing_search::count");
        configuration["count"] = *search.count;
    }
    set_unless_empty(configuration, "freshness", std::move(search.freshness));
    return make_tool(type, object_with("search_configurations", list_of(std::move(configuration))));
}

document to_json(openapi_auth auth) {
    switch (auth.type()) {
        case openapi_auth::kind::connection: {
            document object = object_with("type", "connection");
            object["security_scheme"] = object_with("connection_id", auth.value());
            return object;
        }
        case openapi_auth::kind::managed_identity: {
            document object = object_with("type", "managed_identity");
            object["security_scheme"] = object_with("audience", auth.value());
            return object;
        }
        case openapi_auth::kind::anonymous:
            break;
    }
    return object_with("type", "anonymous");
}

document to_json(storage_queue queue) {
    document place = object_with("queue_service_endpoint", std::move(queue.queue_service_endpoint));
    place["queue_name"] = std::move(queue.queue_name);
    return typed_object("storage_queue", std::move(place));
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
            throw_invalid_argument("ranking_options::score_threshold", "must be from 0 to 1");
        document& object = options["ranking_options"] = object_with("ranker", std::move(ranking->ranker));
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

tool openapi(std::string name, std::string description, json_text spec, openapi_auth auth,
             std::vector<std::string> default_params) {
    document body = object_with("name", name);
    set_unless_empty(body, "description", std::move(description));
    body["spec"] = parse_object(spec, "openapi: spec");
    body["auth"] = to_json(std::move(auth));
    if (!default_params.empty()) body["default_params"] = std::move(default_params);
    return make_tool("openapi", std::move(body), std::move(name));
}

tool azure_function(function_tool function, storage_queue input, storage_queue output) {
    document definition = object_with("name", function.name);
    set_unless_empty(definition, "description", std::move(function.description));
    definition["parameters"] = parse_object(function.parameters, "azure_function: function.parameters");
    document body = object_with("function", std::move(definition));
    body["input_binding"] = to_json(std::move(input));
    body["output_binding"] = to_json(std::move(output));
    return make_tool("azure_function", std::move(body), std::move(function.name));
}

tool connected_agent(std::string agent_id, std::string name, std::string description) {
    document body = object_with("id", std::move(agent_id));
    body["name"] = name;
    body["description"] = std::move(description);
    return make_tool("connected_agent", std::move(body), std::move(name));
}

tool fabric_dataagent(std::string connection_id) {
    return make_tool("fabric_dataagent", object_with("connections", connections(std::move(connection_id))));
}

tool sharepoint_grounding(std::string connection_id) {
    return make_tool("sharepoint_grounding", object_with("connections", connections(std::move(connection_id))));
}

tool deep_research(std::string model, std::string bing_connection_id) {
    document body = object_with("deep_research_model", std::move(model));
    body["bing_grounding_connections"] = connections(std::move(bing_connection_id));
    return make_tool("deep_research", std::move(body));
}

tool browser_automation(std::string connection_id) {
    return make_tool("browser_automation", object_with("connection", object_with("id", std::move(connection_id))));
}

}  // namespace corun
