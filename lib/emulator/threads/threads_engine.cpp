#include "emulator/threads/threads_engine.hpp"

#include "emulator/model.hpp"
#include "emulator/threads/mcp_resources.hpp"
#include "emulator/threads/run_execution.hpp"

#include <utility>

namespace corun::emulator {
namespace {

/// The value that is stored for a member: lists and maps are never null.
json normalized(const std::string& name, const json& value) {
    if (name == "tools") {
        json tools = value.is_null() ? json::array() : value;
        for (auto& tool : tools)
            if (get_string(tool, "type") == "mcp" && !tool.contains("allowed_tools")) tool["allowed_tools"] = nullptr;
        return tools;
    }
    if (value.is_null() && (name == "tool_resources" || name == "metadata")) return json::object();
    if (value.is_null() && name == "response_format") return "auto";
    return value;
}

/// The text of a message: that of all its text blocks.
std::string text_of_message(const json& message) {
    std::string text;
    for (const auto& block : get(message, "content"))
        if (get_string(block, "type") == "text") text += get_string(get(block, "text"), "value");
    return text;
}

/// The content of a message as it is stored: a list of blocks.
json content_of(const json& content) {
    json blocks = json::array();
    const auto add_text = [&](const json& text) {
        json block;
        block["type"] = "text";
        block["text"]["value"] = text;
        block["text"]["annotations"] = json::array();
        blocks.push_back(std::move(block));
    };
    if (content.is_string()) add_text(content);
    if (content.is_array())
        for (const auto& block : content) {
            if (get_string(block, "type") == "text")
                add_text(get(block, "text"));
            else
                blocks.push_back(block);
        }
    return blocks;
}

/// The object of a new run.
json run_object(const environment& shared, std::string id, const agent& agent, const thread& thread, const json& body) {
    const auto own_or_agents = [&](const char* name) { return or_default(body, name, get(agent.object, name)); };
    json instructions = own_or_agents("instructions");
    if (const std::string more = get_string(body, "additional_instructions"); !more.empty())
        instructions = instructions.is_string() ? instructions.get<std::string>() + more : more;

    json auto_truncation;
    auto_truncation["type"] = "auto";
    auto_truncation["last_messages"] = nullptr;

    json object;
    object["id"] = std::move(id);
    object["object"] = "thread.run";
    object["created_at"] = shared.now();
    object["assistant_id"] = agent.id;
    object["thread_id"] = thread.id;
    object["status"] = "queued";
    object["started_at"] = nullptr;
    object["expires_at"] = shared.now() + shared.options.run_lifetime.count();
    for (const char* name : {"cancelled_at", "failed_at", "completed_at", "required_action", "last_error"})
        object[name] = nullptr;
    object["model"] = own_or_agents("model");
    object["instructions"] = std::move(instructions);
    object["tools"] = normalized("tools", own_or_agents("tools"));
    object["tool_resources"] = or_default(body, "tool_resources", json::object());
    object["metadata"] = or_default(body, "metadata", json::object());
    object["temperature"] = own_or_agents("temperature");
    object["top_p"] = own_or_agents("top_p");
    object["max_completion_tokens"] = get(body, "max_completion_tokens");
    object["max_prompt_tokens"] = get(body, "max_prompt_tokens");
    object["truncation_strategy"] = or_default(body, "truncation_strategy", std::move(auto_truncation));
    object["incomplete_details"] = nullptr;
    object["usage"] = nullptr;
    object["response_format"] = own_or_agents("response_format");
    object["tool_choice"] = or_default(body, "tool_choice", "auto");
    object["parallel_tool_calls"] = or_default(body, "parallel_tool_calls", true);
    return object;
}

}  // namespace

threads_engine::threads_engine(std::shared_ptr<emulator::environment> shared) : environment(std::move(shared)) {}

std::shared_ptr<agent> threads_engine::create_agent(const json& body) {
    json object;
    object["id"] = environment->make_id("asst_");
    object["object"] = "assistant";
    object["created_at"] = environment->now();
    for (const char* name : {"name", "description", "model", "instructions"}) object[name] = get(body, name);
    for (const char* name : {"tools", "tool_resources"}) object[name] = normalized(name, get(body, name));
    object["top_p"] = or_default(body, "top_p", 1.0);
    object["temperature"] = or_default(body, "temperature", 1.0);
    for (const char* name : {"response_format", "metadata"}) object[name] = normalized(name, get(body, name));
    auto created = std::make_shared<agent>(std::move(object));
    agents.add(created);
    return created;
}

std::shared_ptr<thread> threads_engine::create_thread(const json& body) {
    json object;
    object["id"] = environment->make_id("thread_");
    object["object"] = "thread";
    object["created_at"] = environment->now();
    for (const char* name : {"metadata", "tool_resources"}) object[name] = normalized(name, get(body, name));
    auto created = std::make_shared<thread>(std::move(object));
    threads.add(created);
    for (const auto& message : get(body, "messages")) add_message(*created, message);
    return created;
}

std::shared_ptr<record> threads_engine::add_message(thread& thread, const json& body) {
    json message;
    message["id"] = environment->make_id("msg_");
    message["object"] = "thread.message";
    message["created_at"] = environment->now();
    message["thread_id"] = thread.id;
    message["status"] = "completed";
    message["incomplete_details"] = nullptr;
    message["completed_at"] = environment->now();
    message["incomplete_at"] = nullptr;
    message["role"] = get(body, "role");
    message["content"] = content_of(get(body, "content"));
    message["assistant_id"] = nullptr;
    message["run_id"] = nullptr;
    message["attachments"] = or_default(body, "attachments", json::array());
    message["metadata"] = or_default(body, "metadata", json::object());
    auto added = std::make_shared<record>(std::move(message));
    thread.messages.add(added);
    return added;
}

std::shared_ptr<run> threads_engine::create_run(agent& agent, thread& thread, const json& body, bool streaming) {
    json object = run_object(*environment, environment->make_id("run_"), agent, thread, body);
    auto created = std::make_shared<run>(std::move(object));
    bind_mcp_servers(*created, run_origin(agent, thread, body, streaming), environment->options);

    for (const auto& message : get(body, "additional_messages")) add_message(thread, message);
    for (const auto& [place, message] : thread.messages.items()) {
        const std::string text = text_of_message(message->object);
        created->input_tokens += words(text);
        if (get(message->object, "role") == "user") created->user_message = text;
    }
    ++agent.runs;
    thread.runs.add(created);
    return created;
}

void threads_engine::start(const std::shared_ptr<run>& run, event_sink sink) {
    std::make_shared<run_execution>(shared_from_this(), run, std::move(sink))->start();
}

void threads_engine::cancel(const std::shared_ptr<run>& run) {
    run->set_status("cancelling", environment->now());
    if (run->worker.expired())
        start(run, {});  // Only to end it: the client sees `cancelling` first.
    else
        run->interrupt();
}

void threads_engine::expire(run& run) {
    const json& expires_at = get(run.object, "expires_at");
    const std::int64_t now = environment->now();
    if (run.has_ended() || !expires_at.is_number() || now < expires_at.get<std::int64_t>()) return;
    if (run.current_step) end_step(*run.current_step, "expired", now);
    if (run.current_message) {
        json& message = run.current_message->object;
        message["status"] = "incomplete";
        message["incomplete_at"] = now;
        message["incomplete_details"]["reason"] = "run_expired";
    }
    run.set_status("expired", now);
    run.interrupt();
}

json threads_engine::update(record& object, const json& body) {
    for (const auto& [name, value] : body.items())
        object.object[name] = name == "tool_resources" ? updated_resources(get(object.object, "tool_resources"), value)
                                                       : normalized(name, value);
    return shown(object);
}

json threads_engine::updated_resources(const json& stored, const json& update) const {
    const mcp_clearing clearing = environment->options.mcp_clearing;
    json result = clearing == mcp_clearing::by_empty_list ? stored : json::object();
    for (const auto& [kind, value] : update.items())
        if (kind != "mcp") result[kind] = value;
    const json& servers = get(update, "mcp");
    if (!servers.empty())
        result["mcp"] = servers;
    else if (clearing == mcp_clearing::by_empty_list && servers.is_array())
        result.erase("mcp");
    else if (clearing == mcp_clearing::never && !get(stored, "mcp").is_null())
        result["mcp"] = get(stored, "mcp");
    return result;
}

json threads_engine::shown(const record& object) const {
    const echo_headers echo = environment->options.echo_headers;
    json copy = object.object;
    if (echo == echo_headers::full) return copy;
    const auto resources = copy.find("tool_resources");
    if (resources == copy.end() || !resources->is_object() || !resources->contains("mcp")) return copy;
    for (auto& entry : (*resources)["mcp"]) {
        if (echo == echo_headers::never)
            entry.erase("headers");
        else if (entry.contains("headers"))
            for (auto& value : entry["headers"]) value = "***";
    }
    return copy;
}

json threads_engine::shown(const run& run) const {
    const service_options& options = environment->options;
    json object = shown(static_cast<const record&>(run));
    if (options.echo_headers == echo_headers::never) object["tool_resources"] = json::object();
    if (!options.null_required_action && object["required_action"].is_null()) object.erase("required_action");
    return object;
}

json shown_step(const record& step, bool with_results) {
    json object = step.object;
    if (!with_results) drop_results(object["step_details"]);
    return object;
}

}  // namespace corun::emulator
