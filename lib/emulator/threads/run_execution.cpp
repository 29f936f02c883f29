#include "emulator/threads/run_execution.hpp"

#include "emulator/http/api_error.hpp"
#include "emulator/model.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

namespace corun::emulator {
namespace {

/// The plan of the model for a run.
std::deque<step> plan_of(const std::vector<script>& scripts, const run& run) {
    model_view view;
    view.message = run.user_message;
    view.tools_allowed = get(run.object, "tool_choice") != "none";
    view.reply_schema = get(get(get(run.object, "response_format"), "json_schema"), "schema");
    for (const auto& tool : get(run.object, "tools"))
        if (get_string(tool, "type") == "function") view.functions.push_back(get_string(get(tool, "function"), "name"));
    for (const auto& server : run.servers) {
        auto& tools = view.servers.emplace_back(server.label, std::vector<std::string>{}).second;
        for (const auto& [name, tool] : server.tools.items()) tools.push_back(name);
    }
    return plan_for(scripts, view);
}

/// The blocks of a message that a step scripts.
json blocks_of(const step& scripted) {
    if (scripted.type() == step::kind::message) return json::parse(scripted.text());
    json blocks = json::array();
    json& block = blocks.emplace_back();
    block["type"] = "text";
    block["text"]["value"] = scripted.text();
    block["text"]["annotations"] = json::array();
    return blocks;
}

/// The beginning and the end of the JSON of a text delta, which is written often: only the text changes.
std::pair<std::string, std::string> text_delta(const record& message, std::size_t index, bool with_role) {
    std::string begin = R"({"id":")" + message.id + R"(","object":"thread.message.delta","delta":{)";
    if (with_role) begin += R"("role":"assistant",)";
    begin += R"("content":[{"index":)" + std::to_string(index) + R"(,"type":"text","text":{"value":)";
    return {std::move(begin), with_role ? R"(,"annotations":[]}}]}})" : "}}]}}"};
}

/// The delta of an annotation.
json annotation_delta(std::size_t block, std::size_t number, const json& annotation) {
    json numbered;
    numbered["index"] = number;
    numbered.update(annotation);
    json delta;
    delta["index"] = block;
    delta["type"] = "text";
    delta["text"]["annotations"] = json::array();
    delta["text"]["annotations"].push_back(std::move(numbered));
    return delta;
}

}  // namespace

run_execution::run_execution(std::shared_ptr<threads_engine> engine, const std::shared_ptr<run>& run, event_sink sink)
    : script_interpreter(engine->environment, run, std::move(sink)),
      engine_(std::move(engine)),
      run_(*run),
      events_(*engine_, run_, sink_) {}

bool run_execution::is_interrupted() const {
    return run_.status() == "cancelling" || run_.has_ended();
}

asio::awaitable<void> run_execution::send_keepalive() {
    sink_.put_frame("keepalive", environment_->options.keepalive_frame);
    co_return;
}

asio::awaitable<void> run_execution::perform() {
    const bool is_new = run_.calls.empty();
    if (is_new)
        co_await begin();
    else
        co_await resume();
    co_await follow_plan();
}

asio::awaitable<void> run_execution::begin() {
    if (run_.created_thread) {
        json object = engine_->shown(*engine_->threads.find(get_string(run_.object, "thread_id")));
        co_await events_.emit("thread.created", std::move(object));
    }
    co_await events_.emit_run("created");
    co_await enter_status("queued");
    co_await enter_status("in_progress");
    if (run_.fails_at_once) throw run_failure(run_.fails_at_once->first, run_.fails_at_once->second);
    co_await list_tools();
    run_.plan = plan_of(environment_->scripts, run_);
}

asio::awaitable<void> run_execution::resume() {
    if (is_interrupted()) throw interrupted{};
    const bool has_approved = std::any_of(run_.calls.begin(), run_.calls.end(),
                                          [](const tool_call& call) { return call.is_mcp() && !call.output; });
    if (!has_approved) {
        co_await complete_calls();
    } else if (environment_->options.premature_step_completed) {
        record early(run_.current_step->object);
        end_step(early, "completed", environment_->now());
        co_await events_.emit_step("completed", early);
    }
    co_await enter_status("queued");
    co_await enter_status("in_progress");
    if (!has_approved) co_return;
    co_await call_servers();
    co_await complete_calls();
}

asio::awaitable<void> run_execution::conclude(std::optional<run_failure> failure, bool was_interrupted) {
    // Everything gets its last state before any event is sent: the client may not read.
    std::vector<std::pair<std::string, json>> events;
    const std::int64_t now = environment_->now();
    const auto end_current_step = [&](const std::string& status) {
        if (!run_.current_step) return;
        end_step(*run_.current_step, status, now);
        events.emplace_back("thread.run.step." + status, events_.shown(*run_.current_step));
    };
    if (failure) {
        json error;
        error["code"] = failure->code;
        error["message"] = failure->what();
        if (run_.current_step) run_.current_step->object["last_error"] = error;
        end_current_step("failed");
        run_.object["last_error"] = std::move(error);
        end("failed");
        events.emplace_back("thread.run.failed", engine_->shown(run_));
    } else if (was_interrupted) {
        const std::string status = run_.status() == "expired" ? "expired" : "cancelled";
        if (const auto message = run_.current_message) {
            message->object["status"] = "incomplete";
            message->object["incomplete_at"] = now;
            message->object["incomplete_details"]["reason"] = "run_" + status;
            events.emplace_back("thread.message.incomplete", message->object);
        }
        end_current_step(status);
        if (status == "cancelled") events.emplace_back("thread.run.cancelling", engine_->shown(run_));
        end(status);
        events.emplace_back("thread.run." + status, engine_->shown(run_));
    }
    for (auto& [event, data] : events) co_await events_.emit(event, std::move(data));
    if (sink_.put("done", "[DONE]")) co_await sink_.flush();
}

asio::awaitable<void> run_execution::enter_status(std::string status) {
    const bool is_news = run_.status() != status;
    if (is_news) co_await enter_stage();
    run_.set_status(status, environment_->now());
    co_await events_.emit_run(status);
}

void run_execution::end(const std::string& status) {
    run_.current_step.reset();
    run_.current_message.reset();
    run_.calls.clear();
    run_.set_status(status, environment_->now());
}

asio::awaitable<void> run_execution::complete() {
    co_await enter_stage();
    end("completed");
    co_await events_.emit_run("completed");
}

asio::awaitable<void> run_execution::end_incomplete(std::string reason) {
    co_await enter_stage();
    run_.object["incomplete_details"]["reason"] = reason;
    end("incomplete");
    co_await events_.emit_run("incomplete");
}

asio::awaitable<void> run_execution::hold() {
    const auto expires_at = get(run_.object, "expires_at").get<std::int64_t>();
    for (;;) {
        const auto left = std::max<std::int64_t>(expires_at - environment_->now(), 0);
        auto wait = wait_for(environment_->context, std::chrono::seconds(left));
        co_await meanwhile(std::move(wait));
        engine_->expire(run_);
        if (run_.has_ended()) throw interrupted{};
    }
}

asio::awaitable<bool> run_execution::require_action(std::string type, json details) {
    json action;
    action["type"] = type;
    action[type] = std::move(details);
    co_await require(std::move(action));
    co_return false;
}

asio::awaitable<void> run_execution::require(json action) {
    co_await enter_stage();
    run_.object["required_action"] = std::move(action);
    run_.set_status("requires_action", environment_->now());
    // From here on the run belongs to whoever submits or cancels, even while its stream still ends.
    run_.worker.reset();
    co_await events_.emit_run("requires_action");
}

asio::awaitable<void> run_execution::show_activity(json activity) {
    json details;
    details["type"] = "activities";
    details["activities"] = json::array();
    details["activities"].push_back(std::move(activity));
    co_await enter_stage();
    const auto step = add_step("activities", std::move(details));
    end_step(*step, "completed", environment_->now());
    co_await events_.emit_step("created", *step);
}

std::shared_ptr<record> run_execution::add_step(const std::string& type, json details) {
    json object;
    object["id"] = environment_->make_id("step_");
    object["object"] = "thread.run.step";
    object["type"] = type;
    for (const char* name : {"assistant_id", "thread_id"}) object[name] = get(run_.object, name);
    object["run_id"] = run_.id;
    object["status"] = "in_progress";
    object["step_details"] = std::move(details);
    object["last_error"] = nullptr;
    object["created_at"] = environment_->now();
    for (const char* name : {"expired_at", "completed_at", "cancelled_at", "failed_at", "usage"})
        object[name] = nullptr;
    object["metadata"] = json::object();
    auto added = std::make_shared<record>(std::move(object));
    run_.steps.add(added);
    return added;
}

std::shared_ptr<record> run_execution::add_message() {
    json object;
    object["id"] = environment_->make_id("msg_");
    object["object"] = "thread.message";
    object["created_at"] = environment_->now();
    for (const char* name : {"assistant_id", "thread_id"}) object[name] = get(run_.object, name);
    object["run_id"] = run_.id;
    object["status"] = "in_progress";
    for (const char* name : {"incomplete_details", "incomplete_at", "completed_at"}) object[name] = nullptr;
    object["role"] = "assistant";
    object["content"] = json::array();
    object["attachments"] = json::array();
    object["metadata"] = json::object();
    auto added = std::make_shared<record>(std::move(object));
    engine_->threads.find(get_string(run_.object, "thread_id"))->messages.add(added);
    return added;
}

asio::awaitable<bool> run_execution::say(step scripted) {
    const json blocks = blocks_of(scripted);
    co_await enter_stage();
    const auto message = add_message();
    json details;
    details["type"] = "message_creation";
    details["message_creation"]["message_id"] = message->id;
    const auto step = add_step("message_creation", std::move(details));
    run_.current_step = step;
    run_.current_message = message;
    co_await events_.emit_step("created", *step);
    co_await events_.emit_step("in_progress", *step);
    co_await events_.emit_message("created", *message);
    co_await events_.emit_message("in_progress", *message);

    const std::size_t tokens_before = run_.output_tokens;
    bool is_whole = true;
    for (std::size_t i = 0; i != blocks.size() && is_whole; ++i) {
        json block = blocks[i];
        if (get(block, "type") == "text") {
            is_whole = co_await say_text(*message, i, std::move(block), scripted.count());
            continue;
        }
        json delta;
        delta["index"] = i;
        delta.update(block);
        message->object["content"].push_back(std::move(block));
        co_await events_.emit_content_delta(*message, std::move(delta));
    }

    co_await enter_stage();
    message->object["status"] = is_whole ? "completed" : "incomplete";
    message->object[is_whole ? "completed_at" : "incomplete_at"] = environment_->now();
    if (!is_whole) message->object["incomplete_details"]["reason"] = "max_tokens";
    run_.current_message.reset();
    co_await events_.emit_message(is_whole ? "completed" : "incomplete", *message);

    end_step(*step, "completed", environment_->now());
    step->object["usage"] = usage_of(run_.input_tokens, run_.output_tokens - tokens_before);
    run_.current_step.reset();
    co_await events_.emit_step("completed", *step);
    if (!is_whole) co_await end_incomplete("max_completion_tokens");
    co_return is_whole;
}

/// Returns false when the text is cut off.
asio::awaitable<bool> run_execution::say_text(record& message, std::size_t index, json block, std::size_t count) {
    token_stream tokens(filled_in(get_string(get(block, "text"), "value"), run_.user_message, run_.outputs), count);
    const bool is_whole = tokens.limit(get(run_.object, "max_completion_tokens"), run_.output_tokens);
    delta_writer write =
        [this, json = text_delta(message, index, environment_->options.role_in_deltas)](const std::string& token) {
            return sink_.put("thread.message.delta", json.first + text_of(token) + json.second);
        };
    if (get(get(block, "text"), "annotations").is_null()) block["text"]["annotations"] = json::array();
    std::string text;
    const auto keep = [&] {
        block["text"]["value"] = text;
        message.object["content"].push_back(block);
    };
    try {
        co_await stream_tokens(std::move(tokens), std::move(write), text);
    } catch (...) {
        keep();
        throw;
    }
    keep();
    if (!is_whole) co_return false;

    std::size_t number = 0;
    const json annotations = get(get(block, "text"), "annotations");
    for (const auto& annotation : annotations) {
        json delta = annotation_delta(index, number++, annotation);
        co_await events_.emit_content_delta(message, std::move(delta));
    }
    co_return true;
}

}  // namespace corun::emulator
