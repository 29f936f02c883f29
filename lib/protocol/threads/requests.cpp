#include "json/body.hpp"
#include "protocol/threads/codec.hpp"
#include "text/escape.hpp"
#include <corun/error.hpp>

#include <algorithm>
#include <memory>
#include <utility>
#include <variant>

namespace corun::codec::threads {
namespace {

// Hidden by those below.
using codec::to_json;

void check_tokens(const std::optional<int>& value, const std::string& member) {
    if (value && *value < 256) refuse(member, "is " + std::to_string(*value) + "; it must be at least 256");
}

body to_json(const content_block& block) {
    body image = body::object();
    body object = body::object();
    switch (block.type) {
        case content_block::kind::text:
            object["type"] = "text";
            object["text"] = text(block.value);
            return object;
        case content_block::kind::image_url:
            image["url"] = text(block.value);
            set_unless_empty(image, "detail", block.detail);
            object["type"] = "image_url";
            object["image_url"] = std::move(image);
            return object;
        case content_block::kind::image_file:
            image["file_id"] = text(block.value);
            set_unless_empty(image, "detail", block.detail);
            object["type"] = "image_file";
            object["image_file"] = std::move(image);
            return object;
        case content_block::kind::file:
        case content_block::kind::file_url:
        case content_block::kind::file_data:
            refuse("content_block::file",
                   "is not supported in the threads protocol; upload the file, and add it to message::attachments");
        case content_block::kind::audio:
        case content_block::kind::video:
            refuse("content_block::audio and video", "are not supported in the threads protocol");
    }
    return object;
}

body to_json(const message& value) {
    body object = body::object();
    if (!value.phase.empty()) refuse("message::phase", "is not supported in the threads protocol");
    object["role"] = text(value.role);
    if (value.content.size() == 1 && value.content.front().type == content_block::kind::text) {
        object["content"] = text(value.content.front().value);
    } else {
        body blocks = body::array();
        for (const content_block& block : value.content) blocks.push_back(to_json(block));
        object["content"] = std::move(blocks);
    }
    if (!value.attachments.empty()) {
        body files = body::array();
        for (const attachment& file : value.attachments) {
            body readers = body::array();
            for (const std::string& reader : file.tools) {
                body tool_type = body::object();
                tool_type["type"] = text(reader);
                readers.push_back(std::move(tool_type));
            }
            body entry = body::object();
            if (file.data_source) {
                entry["data_source"]["uri"] = text(file.data_source->uri);
                entry["data_source"]["type"] = text(file.data_source->type);
            } else {
                entry["file_id"] = text(file.file_id);
            }
            entry["tools"] = std::move(readers);
            files.push_back(std::move(entry));
        }
        object["attachments"] = std::move(files);
    }
    if (!value.metadata.empty()) object["metadata"] = to_json(value.metadata, "message");
    return object;
}

void refuse_members_of_responses(const function_tool& tool) {
    const std::pair<const char*, bool> members[] = {{"output_schema", !tool.output_schema.empty()},
                                                    {"async", tool.async.has_value()},
                                                    {"defer_loading", tool.defer_loading.has_value()},
                                                    {"allowed_callers", !tool.allowed_callers.empty()}};
    for (const auto& [name, is_set] : members)
        if (is_set)
            refuse("function_tool::" + std::string(name) + " of " + tool.name,
                   "is not supported in the threads protocol");
}

struct tool_writer {
    body operator()(const mcp_tool& tool) const {
        body object = body::object();
        object["type"] = "mcp";
        object["server_label"] = text(tool.server_label);
        object["server_url"] = text(tool.server_url);
        if (!tool.allowed_tools.empty()) object["allowed_tools"] = strings(tool.allowed_tools);
        return object;
    }
    body operator()(const function_tool& tool) const {
        refuse_members_of_responses(tool);
        body function = body::object();
        function["name"] = text(tool.name);
        set_unless_empty(function, "description", tool.description);
        if (!tool.parameters.empty())
            function["parameters"] = parse_object(tool.parameters, "function_tool::parameters of " + tool.name);
        set_if(function, "strict", tool.strict);
        body object = body::object();
        object["type"] = "function";
        object["function"] = std::move(function);
        return object;
    }
    body operator()(const json_tool& tool) const { return codec::to_json(tool); }
};

body to_json(const std::vector<tool>& tools) {
    if (tools.size() > 128) refuse("tools", "contains more than 128 tools");
    body list = body::array();
    for (const tool& each : tools) list.push_back(std::visit(tool_writer{}, each));
    return list;
}

body to_json(const tool_resources& resources) {
    body object = body::object();
    for (const auto& [kind, json] : resources.other)
        set(object, kind, parse(json, "tool_resources::other[\"" + kind + "\"]"));
    if (resources.mcp.empty()) return object;
    body servers = body::array();
    for (const mcp_tool_resource& resource : resources.mcp) {
        body server = body::object();
        server["server_label"] = text(resource.server_label);
        server["headers"] = to_json(resource.headers);
        if (resource.require_approval) server["require_approval"] = to_json(*resource.require_approval);
        servers.push_back(std::move(server));
    }
    object["mcp"] = std::move(servers);
    return object;
}

body to_json(const std::vector<message>& first, const std::vector<message>& second) {
    body list = body::array();
    for (const message& each : first) list.push_back(to_json(each));
    for (const message& each : second) list.push_back(to_json(each));
    return list;
}

/// The members of a run's request, and who else says them. `extra_json` may not, be they set or
/// not: it would pass by what looks after them.
constexpr std::pair<std::string_view, std::string_view> members_of_a_run[] = {
    {"assistant_id", "the agent"},
    {"stream", "agent::run_stream and agent::create_run"},
    {"thread", "the thread and the message"},
    {"additional_messages", "run_options::additional_messages"},
    {"model", "run_options::model"},
    {"instructions", "run_options::instructions"},
    {"additional_instructions", "run_options::additional_instructions"},
    {"tools", "run_options::tools"},
    {"tool_resources", "mcp_headers and run_options::require_approval"},
    {"temperature", "run_options::temperature"},
    {"top_p", "run_options::top_p"},
    {"max_prompt_tokens", "run_options::max_prompt_tokens"},
    {"max_completion_tokens", "run_options::max_completion_tokens"},
    {"parallel_tool_calls", "run_options::parallel_tool_calls"},
    {"response_format", "run_options::response_format"},
    {"truncation_strategy", "run_options::truncation_strategy"},
    {"tool_choice", "run_options::tool_choice"},
    {"metadata", "run_options::metadata"},
};

void check(const run_options& options) {
    check_range(options.temperature, 0, 2, "run_options::temperature");
    check_range(options.top_p, 0, 1, "run_options::top_p");
    check_tokens(options.max_prompt_tokens, "run_options::max_prompt_tokens");
    check_tokens(options.max_completion_tokens, "run_options::max_completion_tokens");
}

body to_json(const run_request& run) {
    const run_options& options = run.options;
    check(options);
    body request = body::object();
    request["assistant_id"] = text(run.agent_id);
    request["stream"] = run.stream;

    body messages = to_json(options.additional_messages, run.messages);
    if (!run.creates_thread) {
        if (!messages.empty()) request["additional_messages"] = std::move(messages);
    } else if (!messages.empty()) {
        request["thread"]["messages"] = std::move(messages);
    }
    if (run.creates_thread && !run.thread_metadata.empty())
        request["thread"]["metadata"] = to_json(run.thread_metadata, "the thread");

    set_if(request, "model", options.model);
    set_if(request, "instructions", options.instructions);
    if (run.creates_thread && options.additional_instructions)
        refuse("run_options::additional_instructions", "requires an existing thread");
    set_if(request, "additional_instructions", options.additional_instructions);
    if (run.tools) request["tools"] = to_json(*run.tools);
    if (!run.tool_resources.empty()) request["tool_resources"] = to_json(run.tool_resources);
    set_if(request, "temperature", options.temperature);
    set_if(request, "top_p", options.top_p);
    set_if(request, "max_prompt_tokens", options.max_prompt_tokens);
    set_if(request, "max_completion_tokens", options.max_completion_tokens);
    set_if(request, "parallel_tool_calls", options.parallel_tool_calls);
    set_parsed(request, "response_format", options.response_format, "run_options");
    set_parsed(request, "truncation_strategy", options.truncation_strategy, "run_options");
    set_parsed(request, "tool_choice", options.tool_choice, "run_options");
    if (!options.metadata.empty()) request["metadata"] = to_json(options.metadata, "run_options");

    if (options.extra_json.empty()) return request;
    body extra = parse_object(options.extra_json, "run_options::extra_json");
    for (auto& [key, value] : extra.get_ref<body::object_t&>()) {
        for (const auto& [member, owner] : members_of_a_run)
            if (member == std::string_view(key))
                refuse("run_options::extra_json",
                       "sets \"" + std::string(member) + "\"; use " + std::string(owner) + " instead");
        request[key] = std::move(value);
    }
    return request;
}

/// What an agent is created from and what it is changed by: the same members, all but one optional.
body to_json(const agent_definition& agent) {
    check_range(agent.temperature, 0, 2, "agent_definition::temperature");
    check_range(agent.top_p, 0, 1, "agent_definition::top_p");
    body object = body::object();
    set_unless_empty(object, "model", agent.model);
    set_unless_empty(object, "name", agent.name);
    set_unless_empty(object, "description", agent.description);
    set_unless_empty(object, "instructions", agent.instructions);
    if (!agent.tools.empty()) object["tools"] = to_json(agent.tools);
    if (!agent.tool_resources.empty()) object["tool_resources"] = to_json(agent.tool_resources);
    set_if(object, "temperature", agent.temperature);
    set_if(object, "top_p", agent.top_p);
    set_parsed(object, "response_format", agent.response_format, "agent_definition");
    if (!agent.metadata.empty()) object["metadata"] = to_json(agent.metadata, "agent_definition");
    return object;
}

}  // namespace

encoded_request encode_run(const run_request& run) {
    body request = to_json(run);
    encoded_request encoded;
    encoded.body = encode(request);
    redact(request, {"headers"});
    encoded.shown = std::string(dump(request, 2));
    return encoded;
}

secret encode_agent(const agent_definition& agent) {
    if (agent.model.empty()) refuse("agent_definition::model", "is empty");
    return encode(to_json(agent));
}

secret encode_agent_changes(const agent_definition& agent) {
    return encode(to_json(agent));
}

secret encode_thread(const thread_definition& thread) {
    body object = body::object();
    if (!thread.messages.empty()) object["messages"] = to_json(thread.messages, {});
    if (!thread.tool_resources.empty()) object["tool_resources"] = to_json(thread.tool_resources);
    if (!thread.metadata.empty()) object["metadata"] = to_json(thread.metadata, "thread_definition");
    return encode(object);
}

secret encode_thread_changes(const thread_definition& thread) {
    body object = body::object();
    if (!thread.tool_resources.empty()) object["tool_resources"] = to_json(thread.tool_resources);
    if (!thread.metadata.empty()) object["metadata"] = to_json(thread.metadata, "thread_definition");
    return encode(object);
}

secret encode_without_mcp(const tool_resources& stored, bool empty_mcp) {
    body kept = body::object();
    for (const auto& [kind, json] : stored.other) set(kept, kind, parse(json, "tool_resources::other"));
    if (empty_mcp) kept["mcp"] = body::array();
    body object = body::object();
    object["tool_resources"] = std::move(kept);
    return encode(object);
}

secret encode_message(const message& value) {
    return encode(to_json(value));
}

secret encode_metadata(const metadata& pairs, std::string_view owner) {
    body object = body::object();
    object["metadata"] = to_json(pairs, owner);
    return encode(object);
}

secret encode_submission(const submission& answers, bool stream) {
    body object = body::object();
    for (const tool_output& output : answers.outputs()) {
        body entry = body::object();
        entry["tool_call_id"] = text(output.tool_call_id);
        const auto* const of_call = std::get_if<std::string>(&output.output.value());
        if (of_call == nullptr)
            refuse("submission::output of " + detail::quote(output.tool_call_id),
                   "must be a text in the threads protocol");
        entry["output"] = text(*of_call);
        object["tool_outputs"].push_back(std::move(entry));
    }
    for (const tool_approval& approval : answers.approvals()) {
        body entry = body::object();
        entry["tool_call_id"] = text(approval.tool_call_id);
        entry["approve"] = approval.approve;
        if (!approval.reason.empty())
            refuse("submission::deny of " + detail::quote(approval.tool_call_id),
                   "has a reason, which is not supported in the threads protocol");
        if (!approval.headers.empty()) entry["headers"] = to_json(approval.headers);
        object["tool_approvals"].push_back(std::move(entry));
    }
    object["stream"] = stream;
    return encode(object);
}

}  // namespace corun::codec::threads
