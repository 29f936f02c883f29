#include "protocol/responses/requests.hpp"

#include "protocol/responses/agent_members.hpp"
#include "protocol/responses/objects.hpp"
#include "text/escape.hpp"
#include <corun/error.hpp>

#include <algorithm>
#include <utility>

namespace corun::codec::responses {
namespace {

// Hidden by those of this protocol.
using codec::to_json;

const wiped_string* string_in(const body& object, const char* key) {
    if (!object.is_object()) return nullptr;
    const auto found = object.find(key);
    return found != object.end() && found->is_string() ? &found->get_ref<const wiped_string&>() : nullptr;
}

/// A format for an answer, which the threads protocol nests one level deeper; null for `auto`.
body to_format(const response_format& format, const std::string& owner) {
    body value = parse(format.json(), owner + "::response_format");
    if (value.is_string()) return nullptr;
    const wiped_string* const type = string_in(value, "type");
    if (type == nullptr || *type != "json_schema" || !value.contains("json_schema")) return value;
    body flat = body::object();
    flat["type"] = "json_schema";
    if (value["json_schema"].is_object())
        for (auto& [key, member] : value["json_schema"].get_ref<body::object_t&>()) flat[key] = std::move(member);
    return flat;
}

void set_format(body& object, const std::optional<response_format>& format, const std::string& owner) {
    if (!format) return;
    if (body value = to_format(*format, owner); !value.is_null()) object["text"]["format"] = std::move(value);
}

void set_tool_choice(body& object, const std::optional<tool_choice>& choice, const std::string& owner) {
    if (!choice) return;
    body value = parse(choice->json(), owner + "::tool_choice");
    // `{"type":"function","function":{"name":...}}` is flat here.
    if (value.is_object() && value.contains("function")) {
        if (const wiped_string* const name = string_in(value["function"], "name")) {
            body flat = body::object();
            flat["type"] = "function";
            flat["name"] = *name;
            value = std::move(flat);
        }
    }
    object["tool_choice"] = std::move(value);
}

void set_truncation(body& object, const std::optional<truncation_strategy>& strategy) {
    if (!strategy) return;
    const body value = parse(strategy->json(), "run_options::truncation_strategy");
    const wiped_string* const type = string_in(value, "type");
    if (type == nullptr || *type != "auto")
        refuse("run_options::truncation_strategy",
               "is not supported in the Responses protocol, except for automatic()");
    object["truncation"] = "auto";
}

struct tool_writer {
    body operator()(const prompt_mcp_tool& tool) const {
        body object = body::object();
        object["type"] = "mcp";
        object["server_label"] = text(tool.server_label);
        set_unless_empty(object, "server_url", tool.server_url);
        if (!tool.allowed_tools.empty()) object["allowed_tools"] = strings(tool.allowed_tools);
        if (!tool.headers.empty()) object["headers"] = to_json(tool.headers);
        set_unless_empty(object, "authorization", tool.authorization.reveal());
        if (tool.require_approval) object["require_approval"] = to_json(*tool.require_approval);
        set_unless_empty(object, "project_connection_id", tool.project_connection_id);
        set_unless_empty(object, "connector_id", tool.connector_id);
        set_unless_empty(object, "tunnel_id", tool.tunnel_id);
        set_unless_empty(object, "server_description", tool.server_description);
        set_if(object, "defer_loading", tool.defer_loading);
        if (!tool.allowed_callers.empty()) object["allowed_callers"] = strings(tool.allowed_callers);
        add_extra(object, tool.extra_json, "prompt_mcp_tool::extra_json of " + tool.server_label);
        return object;
    }
    body operator()(const function_tool& tool) const {
        body object = body::object();
        object["type"] = "function";
        object["name"] = text(tool.name);
        set_unless_empty(object, "description", tool.description);
        // Not optional in this protocol.
        object["parameters"] =
            parse_object(tool.parameters.empty() ? R"({"type":"object","properties":{}})" : tool.parameters.text(),
                         "function_tool::parameters of " + tool.name);
        set_if(object, "strict", tool.strict);
        if (!tool.output_schema.empty())
            object["output_schema"] = parse_object(tool.output_schema, "function_tool::output_schema of " + tool.name);
        set_if(object, "async", tool.async);
        set_if(object, "defer_loading", tool.defer_loading);
        if (!tool.allowed_callers.empty()) object["allowed_callers"] = strings(tool.allowed_callers);
        return object;
    }
    body operator()(const json_tool& tool) const { return to_json(tool); }
};

body to_json(const std::vector<prompt_tool>& tools) {
    if (tools.size() > 128) refuse("tools", "contains more than 128 tools");
    body list = body::array();
    for (const prompt_tool& each : tools) list.push_back(std::visit(tool_writer{}, each));
    return list;
}

void check_ranges(const std::optional<double>& temperature, const std::optional<double>& top_p,
                  const std::string& owner) {
    check_range(temperature, 0, 2, owner + "::temperature");
    check_range(top_p, 0, 1, owner + "::top_p");
}

bool is_plain_text(const message& value) {
    return value.role == "user" && value.phase.empty() && value.content.size() == 1 &&
           value.content.front().type == content_block::kind::text;
}

void set_agent(body& request, const agent_reference& agent) {
    if (agent.name.empty()) refuse("agent_reference::name", "is empty");
    body reference = body::object();
    reference["type"] = "agent_reference";
    reference["name"] = text(agent.name);
    set_unless_empty(reference, "version", agent.version);
    request[agent.key == agent_key::agent ? "agent" : "agent_reference"] = std::move(reference);
}

void refuse_beside_agent(const run_options& options) {
    for (const detail::agent_member& each : detail::agent_members)
        if (each.is_set(options))
            throw error(errc::not_allowed_with_agent,
                        "run_options::" + std::string(each.name) +
                            " can be set only by the stored agent; change the agent, send its whole definition "
                            "(reconcile_policy::inline_definition), or allow corun to leave it out "
                            "(reconcile_policy::drop_not_allowed)");
}

/// What the definition says, or the run in its place.
void set_definition(body& request, const response_request& response) {
    const run_options& options = response.options;
    prompt_agent_definition of_run = response.definition;
    if (options.model) of_run.model = *options.model;
    if (options.instructions) of_run.instructions = *options.instructions;
    if (options.additional_instructions)
        of_run.instructions += (of_run.instructions.empty() ? "" : "\n") + *options.additional_instructions;
    if (of_run.model.empty()) refuse("prompt_agent_definition::model", "is empty");
    // Without an agent there is nothing that fills them in.
    if (!of_run.structured_inputs.empty())
        refuse("prompt_agent_definition::structured_inputs", "require a stored agent");
    check_ranges(options.temperature, options.top_p, "run_options");
    if (options.temperature) of_run.temperature = options.temperature;
    if (options.top_p) of_run.top_p = options.top_p;
    if (options.response_format) of_run.response_format = options.response_format;
    if (options.tool_choice) of_run.tool_choice = options.tool_choice;
    const body definition = definition_body(of_run);
    for (auto& [key, value] : definition.get_ref<const body::object_t&>()) request[key] = value;
    if (options.max_completion_tokens && *options.max_completion_tokens < 1)
        refuse("run_options::max_completion_tokens",
               "is " + std::to_string(*options.max_completion_tokens) + "; it must be at least 1");
    set_if(request, "max_output_tokens", options.max_completion_tokens);
    set_if(request, "parallel_tool_calls", options.parallel_tool_calls);
    set_truncation(request, options.truncation_strategy);
}

void set_structured_inputs(body& request, const response_request& response) {
    const auto set_input = [&request](const std::string& name, std::string_view json) {
        const std::string member = "run_options::structured_inputs[" + detail::quote(name) + "]";
        if (name.empty()) refuse(member, "has no name");
        set(request["structured_inputs"], name, parse(json, member));
    };
    for (const auto& [name, json] : response.options.structured_inputs) set_input(name, json);
    for (const auto& [name, json] : response.structured_inputs) set_input(name, json.reveal());
}

/// Members of a request, which `extra_json` may not set, be they set or not.
constexpr std::string_view request_members[] = {
    "agent_reference",      "agent",   "model",
    "instructions",         "tools",   "conversation",
    "previous_response_id", "input",   "stream",
    "background",           "store",   "structured_inputs",
    "temperature",          "top_p",   "max_output_tokens",
    "parallel_tool_calls",  "text",    "truncation",
    "tool_choice",          "include", "metadata",
};

body to_json(const response_request& response) {
    const run_options& options = response.options;
    if (options.max_prompt_tokens)
        refuse("run_options::max_prompt_tokens", "is not supported in the Responses protocol");
    body request = body::object();
    if (response.agent) {
        refuse_beside_agent(options);
        set_agent(request, *response.agent);
    } else {
        set_definition(request, response);
    }
    if (!response.conversation.empty() && !response.previous_response_id.empty())
        refuse("run_options::previous_response_id", "cannot be used for a run in a thread");
    set_unless_empty(request, "conversation", response.conversation);
    set_unless_empty(request, "previous_response_id", response.previous_response_id);
    request["input"] = to_input(response);
    request["stream"] = response.stream;
    set_if(request, "background", response.background);
    set_if(request, "store", response.store);
    set_structured_inputs(request, response);
    if (!options.include.empty()) {
        std::vector<std::string> include = options.include;
        std::replace(include.begin(), include.end(), std::string(file_search_result_content),
                     std::string("file_search_call.results"));
        request["include"] = strings(include);
    }
    if (!options.metadata.empty()) request["metadata"] = to_json(options.metadata, "run_options");
    set_response_options(request, options);
    add_extra(request, options.extra_json, "run_options::extra_json", [](std::string_view key) {
        return std::find(std::begin(request_members), std::end(request_members), key) != std::end(request_members);
    });
    return request;
}

body to_version(const prompt_agent_definition& agent) {
    if (agent.model.empty()) refuse("prompt_agent_definition::model", "is empty");
    body definition = body::object();
    definition["kind"] = agent.kind.empty() ? "prompt" : text(agent.kind);
    const body members = definition_body(agent);
    for (auto& [key, value] : members.get_ref<const body::object_t&>()) definition[key] = value;
    body version = body::object();
    set_unless_empty(version, "description", agent.description);
    if (!agent.metadata.empty()) version["metadata"] = to_json(agent.metadata, "prompt_agent_definition");
    version["definition"] = std::move(definition);
    return version;
}

body to_conversation(const thread_definition& conversation) {
    if (!conversation.tool_resources.empty())
        refuse("thread_definition::tool_resources", "are not supported in conversations; set them in the tools");
    body object = body::object();
    for (const message& each : conversation.messages) object["items"].push_back(to_item(each));
    if (!conversation.metadata.empty()) object["metadata"] = to_json(conversation.metadata, "thread_definition");
    return object;
}

}  // namespace

agent_reference::agent_reference(std::string agent_name, std::string agent_version)
    : name(std::move(agent_name)), version(std::move(agent_version)) {}

body to_json(const prompt_tool& tool) {
    return std::visit(tool_writer{}, tool);
}

body to_content(const content_block& block, bool input) {
    body object = body::object();
    switch (block.type) {
        case content_block::kind::text:
            object["type"] = input ? "input_text" : "output_text";
            object["text"] = text(block.value);
            break;
        case content_block::kind::image_url:
            object["type"] = "input_image";
            object["image_url"] = text(block.value);
            break;
        case content_block::kind::image_file:
            object["type"] = "input_image";
            object["file_id"] = text(block.value);
            break;
        case content_block::kind::file:
            object["type"] = "input_file";
            object["file_id"] = text(block.value);
            break;
        case content_block::kind::file_url:
            object["type"] = "input_file";
            object["file_url"] = text(block.value);
            break;
        case content_block::kind::file_data:
            if (block.filename.empty()) refuse("content_block::filename", "is empty");
            object["type"] = "input_file";
            object["filename"] = text(block.filename);
            object["file_data"] = text(block.value);
            break;
        case content_block::kind::audio:
            if (block.format.empty()) refuse("content_block::format", "is empty");
            object["type"] = "input_audio";
            object["input_audio"]["data"] = text(block.value);
            object["input_audio"]["format"] = text(block.format);
            break;
        case content_block::kind::video:
            object["type"] = "input_video";
            object["video_url"] = text(block.value);
            break;
    }
    set_unless_empty(object, "detail", block.detail);
    return object;
}

body to_input(const response_request& response) {
    const run_options& options = response.options;
    const std::vector<message>& before = options.additional_messages;
    if (before.empty() && options.input_items.empty() && response.answers.empty() && response.messages.size() == 1 &&
        is_plain_text(response.messages.front()) && response.messages.front().attachments.empty())
        return text(response.messages.front().content.front().value);
    body input = body::array();
    add_answers(input, response.answers, response.action);
    if (!options.input_items.empty()) {
        body items = parse(options.input_items, "run_options::input_items");
        if (!items.is_array()) refuse("run_options::input_items", "is not a JSON array");
        for (body& each : items) input.push_back(std::move(each));
    }
    for (const message& each : before) input.push_back(to_item(each));
    for (const message& each : response.messages) input.push_back(to_item(each));
    // A consent is asked for elsewhere, and has no answer.
    const bool goes_on = !response.previous_response_id.empty() || !response.action.other_calls.empty();
    if (input.empty() && !goes_on) refuse("the input of a response", "is empty");
    return input;
}

body to_item(const message& value) {
    if (!value.attachments.empty())
        refuse("message::attachments",
               "are not supported in the Responses protocol; add files to the agent's code_interpreter or "
               "file_search tool");
    if (!value.metadata.empty()) refuse("message::metadata", "is not supported in the Responses protocol");
    body item = body::object();
    item["type"] = "message";
    item["role"] = text(value.role);
    set_unless_empty(item, "phase", value.phase);
    if (is_plain_text(value)) {
        item["content"] = text(value.content.front().value);
        return item;
    }
    body content = body::array();
    for (const content_block& block : value.content) content.push_back(to_content(block, value.role != "assistant"));
    item["content"] = std::move(content);
    return item;
}

body definition_body(const prompt_agent_definition& agent) {
    constexpr const char* owner = "prompt_agent_definition";
    check_ranges(agent.temperature, agent.top_p, owner);
    body object = body::object();
    set_unless_empty(object, "model", agent.model);
    set_unless_empty(object, "instructions", agent.instructions);
    if (!agent.tools.empty()) object["tools"] = to_json(agent.tools);
    set_if(object, "temperature", agent.temperature);
    set_if(object, "top_p", agent.top_p);
    set_format(object, agent.response_format, owner);
    set_tool_choice(object, agent.tool_choice, owner);
    if (!agent.reasoning.empty())
        object["reasoning"] = parse_object(agent.reasoning, "prompt_agent_definition::reasoning");
    for (const auto& [name, input] : agent.structured_inputs) {
        const std::string member = "structured_input " + name;
        body declared = body::object();
        set_unless_empty(declared, "description", input.description);
        if (!input.default_value.empty())
            declared["default_value"] = parse(input.default_value, member + "::default_value");
        if (!input.schema.empty()) declared["schema"] = parse_object(input.schema, member + "::schema");
        if (input.required) declared["required"] = true;
        set(object["structured_inputs"], name, std::move(declared));
    }
    add_extra(object, agent.extra_json, "prompt_agent_definition::extra_json",
              [](std::string_view key) { return key == "kind"; });
    return object;
}

encoded_request encode_response(const response_request& response) {
    body request = to_json(response);
    encoded_request encoded;
    encoded.body = encode(request);
    redact(request, {"headers", "authorization", "structured_inputs"});
    encoded.shown = std::string(dump(request, 2));
    return encoded;
}

secret encode_agent(const prompt_agent_definition& agent) {
    if (agent.name.empty()) refuse("prompt_agent_definition::name", "is empty");
    body object = body::object();
    object["name"] = text(agent.name);
    const body version = to_version(agent);
    for (auto& [key, value] : version.get_ref<const body::object_t&>()) object[key] = value;
    return encode(object);
}

secret encode_agent_version(const prompt_agent_definition& agent) {
    return encode(to_version(agent));
}

secret encode_conversation(const thread_definition& conversation) {
    return encode(to_conversation(conversation));
}

secret encode_items(const std::vector<message>& messages) {
    body object = body::object();
    object["items"] = body::array();
    for (const message& each : messages) object["items"].push_back(to_item(each));
    return encode(object);
}

secret encode_conversation_changes(const thread_definition& conversation) {
    if (!conversation.messages.empty())
        refuse("thread_definition::messages", "are no change of a conversation; create items");
    return encode(to_conversation(conversation));
}

}  // namespace corun::codec::responses
