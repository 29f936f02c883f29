// Requests for responses: routes, and the checks before anything happens.
#include "emulator/responses/responses.hpp"

#include <algorithm>
#include <charconv>
#include <iterator>

namespace corun::emulator {
namespace {

bool is_function_call(const json& item) {
    const json& type = get(item, "type");
    return type == "function_call" || type == "custom_tool_call";
}
bool is_function_output(const json& item) {
    const json& type = get(item, "type");
    return type == "function_call_output" || type == "custom_tool_call_output";
}

json or_default(const json& body, const char* name, json otherwise) {
    const json& value = get(body, name);
    return value.is_null() ? std::move(otherwise) : value;
}

std::string text_of_content(const json& content) {
    if (content.is_string()) return content.get<std::string>();
    std::string text;
    for (const auto& part : content) text += get_string(part, "text");
    return text;
}

/// A tool as responses show it: with what was left out.
json shown_tool(const json& given) {
    json tool;
    tool["type"] = get(given, "type");
    if (get(given, "type") == "function") {
        for (const char* name : {"description", "name", "parameters"}) tool[name] = get(given, name);
        tool["strict"] = or_default(given, "strict", true);
    } else if (get(given, "type") == "mcp") {
        for (const char* name : {"allowed_tools", "headers"}) tool[name] = get(given, name);
        tool["require_approval"] = or_default(given, "require_approval", "always");
        for (const char* name : {"server_description", "server_label", "server_url"}) tool[name] = get(given, name);
    }
    for (const auto& [name, value] : given.items())
        if (!tool.contains(name)) tool[name] = value;
    return tool;
}

std::optional<std::int64_t> number_of(const std::string& text) {
    std::int64_t number = 0;
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
    if (text.empty() || parsed.ec != std::errc{} || parsed.ptr != text.data() + text.size()) return std::nullopt;
    return number;
}

/// What the step of a script is that makes such an item; nothing for items that no step makes.
bool makes(step::kind kind, const json& item) {
    using enum step::kind;
    const std::string type = get_string(item, "type");
    if (type == "message") return kind == reply || kind == message || kind == refusal;
    if (is_function_call(item)) return kind == call_function;
    if (type == "mcp_approval_request" || type == "mcp_call") return kind == call_mcp;
    if (type == "reasoning") return kind == reasoning;
    if (type.ends_with("_call")) return kind == call_tool;
    return kind == activity || kind == require_action;
}
bool made_by_model(const json& item) {
    const std::string type = get_string(item, "type");
    if (type == "message") return get(item, "role") == "assistant";
    return type != "mcp_list_tools" && type != "mcp_approval_response" && !type.ends_with("_output") &&
           !(type == "mcp_call" && !get(item, "approval_request_id").is_null());
}

}  // namespace

bool response::ended() const {
    const std::string now = status();
    return now != "queued" && now != "in_progress";
}

const json* response_server::tool(const std::string& name) const {
    const json& names = allowed.is_array() ? allowed : get(allowed, "tool_names");
    if (names.is_array() && std::find(names.begin(), names.end(), name) == names.end()) return nullptr;
    for (const auto& one : tools) {
        if (get(one, "name") != name) continue;
        const bool too_much = get(allowed, "read_only") == true && get(get(one, "annotations"), "read_only") != true;
        return too_much ? nullptr : &one;
    }
    return nullptr;
}

bool response_server::asks_for_approval(const std::string& name) const {
    const json* one = tool(name);
    return needs_approval(name, one && get(get(*one, "annotations"), "read_only") == true);
}

std::vector<json>::const_iterator after_user_message(const std::vector<json>& context) {
    return std::find_if(context.rbegin(), context.rend(),
                        [](const json& item) { return get(item, "type") == "message" && get(item, "role") == "user"; })
        .base();
}

responses::responses(std::shared_ptr<core> of) : core_(std::move(of)), agents_(*core_), conversations_(*core_) {}

bool responses::owns(const call& what) {
    return agent_versions::owns(what) ||
           (what.segments.size() > 2 && what.segments[0] == "openai" && what.segments[1] == "v1");
}

void responses::serve(const call& what, answering to) {
    if (what.is("POST", {"openai", "v1", "responses"})) return create(what, std::move(to));
    if (what.is("GET", {"openai", "v1", "responses", "*"})) return retrieve(what, std::move(to));
    const json body = plain(what);
    to.answer(200, body, {});
}

json responses::plain(const call& what) {
    if (agent_versions::owns(what)) return agents_.answer(what);
    if (conversations::owns(what)) return conversations_.answer(what);
    if (what.is("POST", {"openai", "v1", "responses", "*", "cancel"})) return cancel(*find(what.segments[3]));
    if (what.is("DELETE", {"openai", "v1", "responses", "*"})) {
        const auto found = find(what.segments[3]);
        if (!found->ended()) interrupt(*found, "cancelled");
        responses_.erase(found->id);
        return deleted(found->id, "response");
    }
    if (what.is("GET", {"openai", "v1", "responses", "*", "input_items"})) {
        check_include(what);
        return page_or_refuse(find(what.segments[3])->input, page_of(what), "item", all,
                              [](const record& one) { return one.object; });
    }
    json model;
    model["id"] = "emulated";
    model["object"] = "model";
    model["created"] = 1'700'000'000;
    model["owned_by"] = "system";
    if (what.is("GET", {"openai", "v1", "models"})) {
        json list;
        list["object"] = "list";
        list["data"] = json::array();
        list["data"].push_back(std::move(model));
        return list;
    }
    if (what.is("GET", {"openai", "v1", "models", "*"})) {
        // Any model is there: what it does is in the scripts.
        model["id"] = what.segments[3];
        return model;
    }
    throw gateway_error(404, "404", "Resource not found");
}

std::shared_ptr<response> responses::find(const std::string& id) const {
    auto found = responses_.find(id);
    if (!found) throw no_such("Response", id);
    return found;
}

json responses::shown(const response& what) const {
    json object = what.object;
    for (auto& tool : object["tools"]) redact(tool, core_->options.echo_headers);
    return object;
}

json responses::cancel(response& what) {
    if (!what.background) throw bad_request("Cannot cancel a synchronous response.");
    if (!what.ended()) interrupt(what, "cancelled");
    return shown(what);
}

void responses::create(const call& what, answering to) {
    const json body = body_of(what, (what.in_project ? bodies_ : plain_bodies_).create_response);
    const auto made = make(what, body);
    if (made->stored) responses_.add(made);
    if (made->in) made->in->locked = true;
    to.set_run_id(made->id);
    if (made->streaming && made->background) {
        send_events(made, -1, to.begin_stream());
        return work(made, {}, {});
    }
    if (made->streaming) {
        event_sink sink = to.begin_stream();
        watch(made, to.exchange);
        return work(made, std::move(sink), {});
    }
    if (made->background) {
        const json object = shown(*made);
        to.answer(200, object, {});
        return work(made, {}, {});
    }
    watch(made, to.exchange);
    work(made, {}, std::move(to));
}

void responses::retrieve(const call& what, answering to) {
    check_include(what);
    const auto found = find(what.segments[3]);
    found->was_read = true;
    if (found->next_stage) found->next_stage->cancel();
    const std::string stream = what.parameter("stream");
    if (!stream.empty()) schema::one_of({"true", "false"})(stream, "stream");
    if (stream != "true") {
        const json object = shown(*found);
        return to.answer(200, object, {});
    }
    const std::string from = what.parameter("starting_after");
    const auto after = from.empty() ? std::optional<std::int64_t>(-1) : number_of(from);
    if (!after)
        throw bad_request("Invalid type for 'starting_after': expected an integer, but got a string instead.",
                          "starting_after", "invalid_type");
    if (!found->retrievable_as_stream)
        throw bad_request("Only a response that was created with 'background' and 'stream' can be streamed.", "stream");
    to.set_run_id(found->id);
    send_events(found, *after, to.begin_stream());
}

void responses::check_body(const call& what, const json& body) const {
    const service_options& options = core_->options;
    const char* both[] = {"agent_reference", "agent"};
    for (const char* key : both) {
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
    if (what.in_project && !options.listed_tools_as_input && get(body, "input").is_array())
        for (const auto& item : body["input"])
            if (get(item, "type") == "mcp_list_tools")
                throw invalid_payload("The provided data does not match the expected schema", "/");
}

/// What the response works with: the request's own definition, or its agent's.
json responses::definition_of(const json& body, json& agent) const {
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

std::shared_ptr<response> responses::make(const call& what, const json& body) {
    check_body(what, body);
    json agent;
    const json definition = definition_of(body, agent);
    const bool background = get(body, "background") == true;

    std::shared_ptr<response> previous;
    if (const json& id = get(body, "previous_response_id"); !id.is_null()) {
        previous = responses_.find(id.get<std::string>());
        if (!previous)
            throw bad_request("Previous response with id '" + id.get<std::string>() + "' not found.",
                              "previous_response_id", "previous_response_not_found");
        if (!previous->ended())
            throw bad_request("Previous response with id '" + previous->id + "' is still in progress.",
                              "previous_response_id");
    }
    std::shared_ptr<conversation> in;
    if (const json& where = get(body, "conversation"); !where.is_null()) {
        in = conversations_.find(where.is_string() ? where.get<std::string>() : get_string(where, "id"));
        if (in->locked)
            throw bad_request(
                "Another process is currently operating on this conversation. Please retry in a few seconds.", nullptr,
                "conversation_locked");
    }

    json object;
    object["id"] = core_->make_id("resp_");
    object["object"] = "response";
    object["created_at"] = core_->now();
    object["status"] = background ? "queued" : "in_progress";
    object["background"] = background;
    object["completed_at"] = nullptr;
    if (what.in_project) object["content_filters"] = nullptr;
    if (in) object["conversation"]["id"] = in->id;
    if (!agent.is_null()) object[get(body, "agent").is_null() ? "agent_reference" : "agent"] = std::move(agent);
    for (const char* name : {"error", "incomplete_details"}) object[name] = nullptr;
    object["instructions"] = get(definition, "instructions");
    for (const char* name : {"max_output_tokens", "max_tool_calls"}) object[name] = get(body, name);
    object["model"] = get(definition, "model");
    object["output"] = json::array();
    object["parallel_tool_calls"] = or_default(body, "parallel_tool_calls", true);
    for (const char* name : {"previous_response_id", "prompt_cache_key", "prompt_cache_retention"})
        object[name] = get(body, name);
    object["reasoning"]["effort"] = get(get(definition, "reasoning"), "effort");
    object["reasoning"]["summary"] = get(get(definition, "reasoning"), "summary");
    object["safety_identifier"] = get(body, "safety_identifier");
    object["service_tier"] = or_default(body, "service_tier", "auto");
    object["store"] = or_default(body, "store", true);
    object["temperature"] = or_default(definition, "temperature", 1.0);
    json text_format;
    text_format["type"] = "text";
    object["text"]["format"] = or_default(get(definition, "text"), "format", std::move(text_format));
    object["text"]["verbosity"] = or_default(get(definition, "text"), "verbosity", "medium");
    object["tool_choice"] = or_default(definition, "tool_choice", "auto");
    object["tools"] = json::array();
    for (const auto& tool : get(definition, "tools")) object["tools"].push_back(shown_tool(tool));
    object["top_logprobs"] = or_default(body, "top_logprobs", 0);
    object["top_p"] = or_default(definition, "top_p", 1.0);
    object["truncation"] = or_default(body, "truncation", "disabled");
    object["usage"] = nullptr;
    object["user"] = get(body, "user");
    object["metadata"] = or_default(body, "metadata", json::object());

    auto made = std::make_shared<response>(std::move(object), core_->context);
    made->previous = std::move(previous);
    made->in = std::move(in);
    made->background = background;
    made->streaming = get(body, "stream") == true;
    made->stored = get(body, "store") != false;
    made->retrievable_as_stream = made->stored && ((made->background && made->streaming) ||
                                                   core_->options.stream_retrieval == stream_retrieval::any);
    made->obfuscated = core_->options.obfuscation && get(get(body, "stream_options"), "include_obfuscation") != false;
    for (const auto& wanted : get(body, "include")) {
        made->with_results = made->with_results || wanted == "file_search_call.results";
        made->with_encrypted_reasoning = made->with_encrypted_reasoning || wanted == "reasoning.encrypted_content";
    }
    bind_servers(*made, get(definition, "tools"));

    const items before = context_of(*made);
    const json& input = get(body, "input");
    if (input.is_string()) {
        json said;
        said["role"] = "user";
        said["content"] = input;
        json item = kept_item(*core_, said);
        made->input.add(std::make_shared<record>(std::move(item)));
    } else {
        for (const auto& given : input) {
            json item = input_item(given);
            const std::string id = get_string(item, "id");
            const bool is_there =
                made->input.find(id) ||
                std::any_of(before.begin(), before.end(), [&](const json& one) { return get(one, "id") == id; });
            if (is_there)
                throw bad_request(
                    "Duplicate item found with id " + id + ". Remove duplicate items from your input and try again.",
                    "input");
            made->input.add(std::make_shared<record>(std::move(item)));
        }
    }
    check_input(*made, before);
    if (made->in) made->before = before;
    items context = before;
    for (const auto& [place, item] : made->input.items()) context.push_back(item->object);
    look_back(*made, context);
    return made;
}

/// The item itself, where the input only refers to one.
json responses::input_item(const json& given) const {
    const bool refers =
        get(given, "type") == "item_reference" || (get(given, "type").is_null() && !given.contains("role"));
    if (!refers) return kept_item(*core_, given);
    const std::string id = get_string(given, "id");
    if (const auto found = conversations_.find_item(id)) return found->object;
    for (const auto& [place, one] : responses_.items()) {
        if (const auto found = one->input.find(id)) return found->object;
        for (const auto& item : one->object["output"])
            if (get(item, "id") == id) return item;
    }
    throw no_such("Item", id);
}

void responses::bind_servers(response& what, const json& tools) const {
    if (get(what.object, "tool_choice") == "none") return;
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
        what.servers.push_back(std::move(server));
    }
}

responses::items responses::context_of(const response& what) const {
    items context;
    if (what.in)
        for (const auto& [place, item] : what.in->items.items()) context.push_back(item->object);
    std::vector<const response*> chain;
    for (const response* one = what.previous.get(); one; one = one->previous.get()) chain.push_back(one);
    for (auto one = chain.rbegin(); one != chain.rend(); ++one) {
        context.insert(context.end(), (*one)->before.begin(), (*one)->before.end());
        for (const auto& [place, item] : (*one)->input.items()) context.push_back(item->object);
        for (const auto& item : (*one)->object["output"]) context.push_back(item);
    }
    return context;
}

void responses::check_input(response& what, const items& before) const {
    std::vector<std::string> calls, answered;
    const auto is_in = [](const std::vector<std::string>& list, const std::string& id) {
        return std::find(list.begin(), list.end(), id) != list.end();
    };
    std::vector<json> requests;
    const auto look_at = [&](const json& item) {
        if (is_function_call(item)) calls.push_back(get_string(item, "call_id"));
        if (is_function_output(item)) answered.push_back(get_string(item, "call_id"));
        if (get(item, "type") == "mcp_approval_request") requests.push_back(item);
        if (get(item, "type") == "mcp_approval_response") answered.push_back(get_string(item, "approval_request_id"));
    };
    for (const auto& item : before) look_at(item);
    for (const auto& [place, one] : what.input.items()) {
        const json& item = one->object;
        if (is_function_output(item) && !is_in(calls, get_string(item, "call_id")))
            throw bad_request(
                std::string("No tool call found for ") +
                    (get(item, "type") == "function_call_output" ? "function call output" : "custom tool call output") +
                    " with call_id " + get_string(item, "call_id") + ".",
                "input");
        if (get(item, "type") == "mcp_approval_response") {
            const std::string id = get_string(item, "approval_request_id");
            const auto request = std::find_if(requests.begin(), requests.end(),
                                              [&](const json& asked) { return get(asked, "id") == id; });
            if (request == requests.end())
                throw bad_request("No approval request found for approval response with id '" + id + "'.", "input");
            if (is_in(answered, id))
                throw bad_request("The approval request with id '" + id + "' has been answered before.", "input");
            const bool has_server = std::any_of(what.servers.begin(), what.servers.end(), [&](const auto& server) {
                return server.label == get_string(*request, "server_label");
            });
            if (!has_server)
                throw bad_request("No MCP server with label '" + get_string(*request, "server_label") +
                                      "' is among the tools of the request that approves its call.",
                                  "tools");
            what.approvals.emplace_back(id, *request, get(item, "approve") == true);
        }
        look_at(item);
    }
    for (const auto& id : calls)
        if (!is_in(answered, id)) throw bad_request("No tool output found for function call " + id + ".", "input");
}

void responses::look_back(response& what, const items& context) const {
    const auto recent = after_user_message(context);
    if (recent != context.begin()) what.user_message = text_of_content(get(*std::prev(recent), "content"));
    what.recent.assign(recent, context.end());
    what.input_tokens = words(get_string(what.object, "instructions"));
    for (const auto& item : context) {
        what.input_tokens += words(text_of_content(get(item, "content")));
        if (get(item, "type") != "mcp_list_tools" || !get(item, "error").is_null()) continue;
        for (auto& server : what.servers)
            if (server.label == get_string(item, "server_label") && !core_->options.lists_tools_each_time) {
                server.is_listed = true;
                server.tools = get(item, "tools");
            }
    }
    json last_type;
    for (const auto& item : what.recent) {
        const json& type = get(item, "type");
        if (is_function_call(item)) what.outputs.clear();
        if (is_function_output(item) || type == "mcp_call") {
            // Outputs that follow each other are of one round.
            if (type != last_type) what.outputs.clear();
            if (!what.outputs.empty()) what.outputs += '\n';
            const bool has_failed = type == "mcp_call" && get(item, "output").is_null();
            what.outputs += text_of_content(get(item, has_failed ? "error" : "output"));
        }
        last_type = type;
    }
}

void responses::make_plan(response& what) const {
    model_view view;
    view.message = what.user_message;
    const json& choice = get(what.object, "tool_choice");
    view.tools_allowed = choice != "none";
    for (const auto& tool : what.object["tools"])
        if (get(tool, "type") == "function" || get(tool, "type") == "custom")
            view.functions.push_back(get_string(tool, "name"));
    if (get(choice, "type") == "function" || get(choice, "type") == "custom")
        view.chosen_function = get_string(choice, "name");
    else if (choice == "required" && !view.functions.empty())
        view.chosen_function = view.functions.front();
    for (const auto& server : what.servers) {
        auto& tools = view.servers.emplace_back(server.label, std::vector<std::string>{}).second;
        for (const auto& tool : server.tools)
            if (const std::string name = get_string(tool, "name"); server.tool(name)) tools.push_back(name);
    }
    what.plan = plan_for(core_->scripts, view);
    // The model goes on after what it did since the message: each item stands for the step that made it.
    for (const auto& item : what.recent) {
        if (!made_by_model(item)) continue;
        const auto done =
            std::find_if(what.plan.begin(), what.plan.end(), [&](const step& one) { return makes(one.type(), item); });
        if (done != what.plan.end()) what.plan.erase(what.plan.begin(), std::next(done));
    }
}

}  // namespace corun::emulator
