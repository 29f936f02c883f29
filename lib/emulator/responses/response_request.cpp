// What a request for a response says: the checks before anything happens, and the response that it makes.
#include "emulator/http/api_error.hpp"
#include "emulator/responses/response_context.hpp"
#include "emulator/responses/responses_engine.hpp"

#include <algorithm>
#include <string_view>
#include <utility>

namespace corun::emulator {
namespace {

/// A tool as responses show it, with defaults.
json shown_tool(const json& tool) {
    json shown;
    shown["type"] = get(tool, "type");
    if (get(tool, "type") == "function") {
        for (const char* name : {"description", "name", "parameters"}) shown[name] = get(tool, name);
        shown["strict"] = or_default(tool, "strict", true);
    } else if (get(tool, "type") == "mcp") {
        for (const char* name : {"allowed_tools", "headers"}) shown[name] = get(tool, name);
        shown["require_approval"] = or_default(tool, "require_approval", "always");
        for (const char* name : {"server_description", "server_label", "server_url"}) shown[name] = get(tool, name);
    }
    for (const auto& [name, value] : tool.items())
        if (!shown.contains(name)) shown[name] = value;
    return shown;
}

std::string conversation_id(const json& conversation) {
    return conversation.is_string() ? conversation.get<std::string>() : get_string(conversation, "id");
}

/// A format of text as responses show it, with defaults.
json shown_format(const json& format) {
    json shown = format.is_null() ? json::object() : format;
    if (format.is_null()) shown["type"] = "text";
    if (get(format, "type") != "json_schema") return shown;
    if (!shown.contains("description")) shown["description"] = nullptr;
    shown["strict"] = or_default(format, "strict", false);
    return shown;
}

/// A choice of tools as responses show it, with defaults.
json shown_choice(const json& choice) {
    if (choice.is_null()) return "auto";
    json shown = choice;
    if (get(choice, "type") == "allowed_tools") shown["mode"] = or_default(choice, "mode", "auto");
    return shown;
}

/// What a moderation by this model finds: nothing.
json moderation_result(const json& model) {
    json result;
    result["type"] = "moderation_result";
    result["model"] = model;
    result["flagged"] = false;
    for (const char* name : {"categories", "category_scores", "category_applied_input_types"})
        result[name] = json::object();
    return result;
}

/// The members that a response has only where the request has them.
void add_where_asked(json& object, const json& body) {
    if (const json& options = get(body, "prompt_cache_options"); !options.is_null()) {
        json& shown = object["prompt_cache_options"];
        shown["mode"] = or_default(options, "mode", "implicit");
        shown["ttl"] = or_default(options, "ttl", "30m");
        shown["comparison_response_id"] = get(options, "comparison_response_id");
    }
    if (const json& image = get(body, "image"); !image.is_null())
        object["image"]["context_compression"] =
            get(image, "context_compression") == "enabled" ? "enabled" : "disabled";
    if (const json& moderation = get(body, "moderation"); !moderation.is_null())
        for (const char* name : {"input", "output"})
            object["moderation"][name] = moderation_result(get(moderation, "model"));
    if (const json& prompt = get(body, "prompt"); !prompt.is_null()) object["prompt"] = prompt;
}

/// The object of a new response. `agent` is the reference to its agent, or null.
json response_object(std::string id, std::int64_t now, const json& body, const json& definition, json agent,
                     bool in_project) {
    const bool background = get(body, "background") == true;
    json object;
    object["id"] = std::move(id);
    object["object"] = "response";
    object["created_at"] = now;
    object["status"] = background ? "queued" : "in_progress";
    object["background"] = background;
    object["completed_at"] = nullptr;
    if (in_project) object["content_filters"] = nullptr;
    if (const json& conversation = get(body, "conversation"); !conversation.is_null())
        object["conversation"]["id"] = conversation_id(conversation);
    if (!agent.is_null()) object[get(body, "agent").is_null() ? "agent_reference" : "agent"] = std::move(agent);
    for (const char* name : {"error", "incomplete_details"}) object[name] = nullptr;
    object["instructions"] = get(definition, "instructions");
    for (const char* name : {"max_output_tokens", "max_tool_calls", "access_programs"}) object[name] = get(body, name);
    object["moderation"] = nullptr;
    object["model"] = get(definition, "model");
    object["output"] = json::array();
    object["parallel_tool_calls"] = or_default(body, "parallel_tool_calls", true);
    for (const char* name : {"previous_response_id", "prompt_cache_key", "prompt_cache_retention"})
        object[name] = get(body, name);
    for (const char* name : {"presence_penalty", "frequency_penalty"}) object[name] = or_default(body, name, 0.0);
    for (const char* name : {"effort", "summary"}) object["reasoning"][name] = get(get(definition, "reasoning"), name);
    object["safety_identifier"] = get(body, "safety_identifier");
    object["service_tier"] = or_default(body, "service_tier", "auto");
    object["store"] = or_default(body, "store", true);
    object["temperature"] = or_default(definition, "temperature", 1.0);
    object["text"]["format"] = shown_format(get(get(definition, "text"), "format"));
    object["text"]["verbosity"] = or_default(get(definition, "text"), "verbosity", "medium");
    object["tool_choice"] = shown_choice(get(definition, "tool_choice"));
    object["tools"] = json::array();
    for (const auto& tool : get(definition, "tools")) object["tools"].push_back(shown_tool(tool));
    object["top_logprobs"] = or_default(body, "top_logprobs", 0);
    object["top_p"] = or_default(definition, "top_p", 1.0);
    object["truncation"] = or_default(body, "truncation", "disabled");
    object["usage"] = nullptr;
    object["user"] = get(body, "user");
    add_where_asked(object, body);
    object["metadata"] = or_default(body, "metadata", json::object());
    return object;
}

response_options options_of(const json& body, const service_options& service) {
    response_options options;
    options.background = get(body, "background") == true;
    options.streaming = get(body, "stream") == true;
    options.stored = get(body, "store") != false;
    const bool is_logged =
        (options.background && options.streaming) || service.stream_retrieval == stream_retrieval::any;
    options.retrievable_as_stream = options.stored && is_logged;
    options.obfuscated = service.obfuscation && get(get(body, "stream_options"), "include_obfuscation") != false;
    for (const auto& managed : get(body, "context_management"))
        if (get(managed, "type") == "compaction" && get(managed, "compact_threshold").is_number())
            options.compact_threshold = managed["compact_threshold"].get<std::size_t>();
    for (const auto& included : get(body, "include")) {
        if (included == "file_search_call.results") options.with_results = true;
        if (included == "reasoning.encrypted_content") options.with_encrypted_reasoning = true;
    }
    return options;
}

std::vector<response_server> servers_of(const json& tools) {
    std::vector<response_server> servers;
    for (const auto& tool : tools) {
        if (get(tool, "type") != "mcp") continue;
        response_server server;
        server.label = get_string(tool, "server_label");
        server.url = get_string(tool, "server_url");
        for (const char* name : {"project_connection_id", "connector_id", "tunnel_id"})
            if (server.url.empty() && server.connection.empty()) server.connection = get_string(tool, name);
        server.allowed = get(tool, "allowed_tools");
        server.approval = get(tool, "require_approval");
        const json& fields = get(tool, "headers");
        for (const auto& [name, value] : fields.items()) server.headers.emplace_back(name, value.get<std::string>());
        if (const std::string token = get_string(tool, "authorization"); !token.empty())
            server.headers.emplace_back("Authorization", token.starts_with("Bearer ") ? token : "Bearer " + token);
        servers.push_back(std::move(server));
    }
    return servers;
}

void check_body(const api_request& request, const json& body, const service_options& options) {
    for (const char* key : {"agent_reference", "agent"}) {
        const bool is_known = options.agent_key == agent_key::either ||
                              (options.agent_key == agent_key::agent) == (key == std::string_view("agent"));
        if (!get(body, key).is_null() && !is_known)
            throw bad_request(std::string("Unknown parameter: '") + key + "'.", key, "unknown_parameter");
    }
    const bool has_agent = !get(body, "agent_reference").is_null() || !get(body, "agent").is_null();
    if (has_agent && options.agent_overrides == agent_overrides::refused)
        for (const auto& name : schema::definition_members)
            if (!get(body, name.c_str()).is_null()) throw invalid_payload("Not allowed when agent is specified.", name);
    if (!has_agent && get_string(body, "model").empty())
        throw bad_request("Missing required parameter: 'model'.", "model", "missing_required_parameter");
    const json &previous = get(body, "previous_response_id"), &conversation = get(body, "conversation");
    if (!previous.is_null() && !conversation.is_null())
        throw bad_request(
            "Mutually exclusive parameters: 'Ensure you are only providing one of: 'previous_response_id' or "
            "'conversation'.",
            nullptr, "mutually_exclusive_parameters");
    if (get(body, "input").is_null() && previous.is_null() && conversation.is_null() && get(body, "prompt").is_null())
        throw bad_request(
            "One of \"input\" or \"previous_response_id\" or 'prompt' or 'conversation_id' must be provided.", "input",
            "missing_required_parameter");
    if (get(body, "background") == true && get(body, "store") == false)
        throw bad_request("Background mode requires 'store' to be true.", "background");
    if (get(body, "stream") != true && !get(body, "stream_options").is_null())
        throw bad_request("The 'stream_options' parameter is only allowed when 'stream' is enabled.", "stream_options");
    if (request.in_project && !options.listed_tools_as_input && get(body, "input").is_array())
        for (const auto& item : body["input"])
            if (get(item, "type") == "mcp_list_tools")
                throw invalid_payload("The provided data does not match the expected schema", "/");
}

}  // namespace

json responses_engine::definition_of(const json& body, json& agent) const {
    const json& reference = get(body, get(body, "agent").is_null() ? "agent_reference" : "agent");
    json definition = body;
    if (!reference.is_null()) {
        const record& version = agents_.find(reference);
        agent["type"] = "agent_reference";
        agent["name"] = get(version.object, "name");
        agent["version"] = get(version.object, "version");
        for (const auto& name : schema::definition_members) definition.erase(name);
        for (const auto& [name, value] : version.object["definition"].items())
            if (get(definition, name.c_str()).is_null()) definition[name] = value;
        const json inputs = structured_inputs(version.object["definition"], get(body, "structured_inputs"));
        fill_in(definition, inputs);
    } else if (!get(body, "structured_inputs").is_null()) {
        fill_in(definition, body["structured_inputs"]);
    }
    return definition;
}

std::shared_ptr<response> responses_engine::find_previous(const json& body) const {
    const json& id = get(body, "previous_response_id");
    if (id.is_null()) return nullptr;
    auto previous = responses_.find(id.get<std::string>());
    if (!previous)
        throw bad_request("Previous response with id '" + id.get<std::string>() + "' not found.",
                          "previous_response_id", "previous_response_not_found");
    if (!previous->has_ended())
        throw bad_request("Previous response with id '" + previous->id + "' is still in progress.",
                          "previous_response_id");
    return previous;
}

std::shared_ptr<conversation> responses_engine::find_conversation(const json& body) const {
    const json& conversation = get(body, "conversation");
    if (conversation.is_null()) return nullptr;
    auto found = conversations_.find(conversation_id(conversation));
    if (found->locked)
        throw bad_request("Another process is currently operating on this conversation. Please retry in a few seconds.",
                          nullptr, "conversation_locked");
    return found;
}

std::shared_ptr<response> responses_engine::make(const api_request& request, const json& body) {
    check_body(request, body, environment_->options);
    json agent;
    const json definition = definition_of(body, agent);
    auto previous = find_previous(body);
    auto conversation = find_conversation(body);

    json object = response_object(environment_->make_id("resp_"), environment_->now(), body, definition,
                                  std::move(agent), request.in_project);
    auto created = std::make_shared<response>(std::move(object), environment_->context);
    created->previous = std::move(previous);
    created->conversation = std::move(conversation);
    created->options = options_of(body, environment_->options);
    if (get(created->object, "tool_choice") != "none") created->servers = servers_of(get(definition, "tools"));

    const std::vector<json> context = context_of(*created);
    add_input(*created, get(body, "input"), context);
    check_input(*created, context);
    if (created->conversation) created->inherited = context;
    read_context(*created, context, environment_->options.lists_tools_each_time);
    return created;
}

void responses_engine::add_input(response& response, const json& input, const std::vector<json>& context) const {
    if (input.is_string()) {
        json message;
        message["role"] = "user";
        message["content"] = input;
        response.input.add(std::make_shared<record>(stored_item(*environment_, message)));
        return;
    }
    for (const auto& given : input) {
        json item = input_item(given);
        const std::string id = get_string(item, "id");
        const bool is_duplicate =
            response.input.find(id) ||
            std::any_of(context.begin(), context.end(), [&](const json& other) { return get(other, "id") == id; });
        if (is_duplicate)
            throw bad_request(
                "Duplicate item found with id " + id + ". Remove duplicate items from your input and try again.",
                "input");
        response.input.add(std::make_shared<record>(std::move(item)));
    }
}

json responses_engine::input_item(const json& item) const {
    const bool refers =
        get(item, "type") == "item_reference" || (get(item, "type").is_null() && !item.contains("role"));
    if (!refers) return stored_item(*environment_, item);
    const std::string id = get_string(item, "id");
    if (const auto found = conversations_.find_item(id)) return found->object;
    for (const auto& [place, response] : responses_.items()) {
        if (const auto found = response->input.find(id)) return found->object;
        for (const auto& output : response->object["output"])
            if (get(output, "id") == id) return output;
    }
    throw not_found_by_id("Item", id);
}

}  // namespace corun::emulator
