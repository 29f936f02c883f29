#include "emulator/threads/threads_api.hpp"

#include "emulator/http/api_error.hpp"

#include <algorithm>
#include <string>
#include <vector>

namespace corun::emulator {
namespace {

void reject_duplicate_labels(const json& body) {
    std::vector<std::string> labels;
    const json& tools = get(body, "tools");
    for (std::size_t i = 0; i != tools.size(); ++i) {
        if (get_string(tools[i], "type") != "mcp") continue;
        const std::string label = get_string(tools[i], "server_label");
        if (std::find(labels.begin(), labels.end(), label) != labels.end())
            throw bad_request("Duplicate server label: '" + label + "'. Each MCP tool must have its own.",
                              "tools[" + std::to_string(i) + "].server_label", "invalid_value");
        labels.push_back(label);
    }
}

void reject_while_active(const thread& thread, const std::string& beginning) {
    if (const auto active = thread.active_run())
        throw bad_request(beginning + thread.id + " while a run " + active->id + " is active.");
}

std::shared_ptr<record> find_message(const thread& thread, const api_request& request) {
    return find_or_throw(thread.messages, request.segments[3], "message");
}

}  // namespace

void check_api_version(const api_request& request) {
    const std::string version = request.parameter("api-version");
    if (version != "2025-05-01" && version != "2025-05-15-preview" && version != "v1")
        throw gateway_error(400, "BadRequest", "API version not supported");
}

const schema::request_bodies& bodies_for(const api_request& request) {
    static const schema::request_bodies without_mcp(false), with_mcp(true);
    return request.parameter("api-version") == "2025-05-01" ? without_mcp : with_mcp;
}

std::shared_ptr<thread> find_thread(threads_engine& engine, const api_request& request) {
    auto found = find_or_throw(engine.threads, request.segments[1], "thread");
    for (const auto& [place, run] : found->runs.items()) engine.expire(*run);
    if (const auto active = found->active_run(); active && request.method == "GET" && request.segments.size() > 2)
        active->note_read();
    return found;
}

std::optional<json> threads_api::serve(const api_request& request) {
    using api = threads_api;
    static constexpr route<json (api::*)(const api_request&)> routes[] = {
        {"POST", "assistants", &api::create_agent},
        {"GET", "assistants", &api::list_agents},
        {"GET", "assistants/*", &api::get_agent},
        {"POST", "assistants/*", &api::update_agent},
        {"DELETE", "assistants/*", &api::delete_agent},
        {"POST", "threads", &api::create_thread},
        {"GET", "threads", &api::list_threads},
        {"GET", "threads/*", &api::get_thread},
        {"POST", "threads/*", &api::update_thread},
        {"DELETE", "threads/*", &api::delete_thread},
        {"POST", "threads/*/messages", &api::create_message},
        {"GET", "threads/*/messages", &api::list_messages},
        {"GET", "threads/*/messages/*", &api::get_message},
        {"POST", "threads/*/messages/*", &api::update_message},
        {"DELETE", "threads/*/messages/*", &api::delete_message},
    };
    if (const auto handler = find_route(routes, request)) return (this->*handler)(request);
    return std::nullopt;
}

json threads_api::create_agent(const api_request& request) {
    const json body = body_of(request, bodies_for(request).create_agent);
    reject_duplicate_labels(body);
    return engine_->shown(*engine_->create_agent(body));
}

json threads_api::list_agents(const api_request& request) {
    return list_page(engine_->agents, page_of(request), "assistant", all,
                     [this](const agent& one) { return engine_->shown(one); });
}

json threads_api::get_agent(const api_request& request) {
    return engine_->shown(*find_or_throw(engine_->agents, request.segments[1], "assistant"));
}

json threads_api::update_agent(const api_request& request) {
    const auto agent = find_or_throw(engine_->agents, request.segments[1], "assistant");
    const json body = body_of(request, bodies_for(request).update_agent);
    reject_duplicate_labels(body);
    return engine_->update(*agent, body);
}

json threads_api::delete_agent(const api_request& request) {
    const auto agent = find_or_throw(engine_->agents, request.segments[1], "assistant");
    engine_->agents.erase(agent->id);
    return deleted(agent->id, "assistant.deleted");
}

json threads_api::create_thread(const api_request& request) {
    return engine_->shown(*engine_->create_thread(body_of(request, bodies_for(request).create_thread, false)));
}

json threads_api::list_threads(const api_request& request) {
    return list_page(engine_->threads, page_of(request), "thread", all,
                     [this](const thread& one) { return engine_->shown(one); });
}

json threads_api::get_thread(const api_request& request) {
    return engine_->shown(*find_thread(*engine_, request));
}

json threads_api::update_thread(const api_request& request) {
    const auto thread = find_thread(*engine_, request);
    return engine_->update(*thread, body_of(request, bodies_for(request).update_thread, false));
}

json threads_api::delete_thread(const api_request& request) {
    const auto thread = find_thread(*engine_, request);
    reject_while_active(*thread, "Can't delete ");
    engine_->threads.erase(thread->id);
    return deleted(thread->id, "thread.deleted");
}

json threads_api::create_message(const api_request& request) {
    const auto thread = find_thread(*engine_, request);
    const json body = body_of(request, bodies_for(request).create_message);
    reject_while_active(*thread, "Can't add messages to ");
    return engine_->shown(*engine_->add_message(*thread, body));
}

json threads_api::list_messages(const api_request& request) {
    const auto thread = find_thread(*engine_, request);
    const std::string run_id = request.parameter("run_id");
    const auto is_of_run = [&](const record& message) {
        return run_id.empty() || get(message.object, "run_id") == run_id;
    };
    return list_page(thread->messages, page_of(request), "message", is_of_run,
                     [this](const record& message) { return engine_->shown(message); });
}

json threads_api::get_message(const api_request& request) {
    return engine_->shown(*find_message(*find_thread(*engine_, request), request));
}

json threads_api::update_message(const api_request& request) {
    const auto message = find_message(*find_thread(*engine_, request), request);
    return engine_->update(*message, body_of(request, bodies_for(request).metadata_only));
}

json threads_api::delete_message(const api_request& request) {
    const auto thread = find_thread(*engine_, request);
    const auto message = find_message(*thread, request);
    thread->messages.erase(message->id);
    return deleted(message->id, "thread.message.deleted");
}

}  // namespace corun::emulator
