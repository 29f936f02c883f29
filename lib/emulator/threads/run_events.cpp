#include "emulator/threads/run_events.hpp"

#include <utility>

namespace corun::emulator {

asio::awaitable<void> run_events::emit(std::string event, json data) {
    if (sink_.is_open() && sink_.put(event, text_of(data))) co_await sink_.flush();
    co_return;
}

int run_events::copies_of(const std::string& event) const {
    const bool is_duplicated =
        event.ends_with(".created") || event.ends_with(".queued") || event.ends_with(".in_progress");
    return engine_.environment->options.duplicate_events && is_duplicated ? 2 : 1;
}

asio::awaitable<void> run_events::emit_run(std::string status) {
    const std::string event = "thread.run." + status;
    for (int i = 0; i != copies_of(event); ++i) {
        json object = engine_.shown(run_);
        co_await emit(event, std::move(object));
    }
}

asio::awaitable<void> run_events::emit_step(std::string event, const record& step) {
    const std::string name = "thread.run.step." + event;
    for (int i = 0; i != copies_of(name); ++i) {
        json object = shown(step);
        co_await emit(name, std::move(object));
    }
}

asio::awaitable<void> run_events::emit_message(std::string event, const record& message) {
    const std::string name = "thread.message." + event;
    for (int i = 0; i != copies_of(name); ++i) {
        json object = message.object;
        co_await emit(name, std::move(object));
    }
}

asio::awaitable<void> run_events::emit_content_delta(const record& message, json block) {
    json delta;
    delta["id"] = message.id;
    delta["object"] = "thread.message.delta";
    if (engine_.environment->options.role_in_deltas) delta["delta"]["role"] = "assistant";
    delta["delta"]["content"] = json::array();
    delta["delta"]["content"].push_back(std::move(block));
    co_await emit("thread.message.delta", std::move(delta));
}

asio::awaitable<void> run_events::emit_call_delta(std::size_t index, json call) {
    json numbered;
    numbered["index"] = index;
    numbered.update(call);
    json details;
    details["type"] = engine_.environment->options.mcp_delta_type && get(call, "type") == "mcp" ? "mcp" : "tool_calls";
    details["tool_calls"] = json::array();
    details["tool_calls"].push_back(std::move(numbered));
    if (!run_.with_results) drop_results(details);
    json delta;
    delta["id"] = run_.current_step->id;
    delta["object"] = "thread.run.step.delta";
    delta["delta"]["step_details"] = std::move(details);
    co_await emit("thread.run.step.delta", std::move(delta));
}

json run_events::shown(const record& step) const {
    // Streams say when a step expires, listings when it expired.
    json object;
    const json listed = shown_step(step, run_.with_results);
    for (const auto& [key, value] : listed.items())
        if (key == "expired_at" && engine_.environment->options.expires_at_in_streamed_steps)
            object["expires_at"] = get(run_.object, "expires_at");
        else
            object[key] = value;
    return object;
}

}  // namespace corun::emulator
