// A run at work: the events it sends, in the order in which the service sends them.
#include "emulator/threads/core.hpp"

#include <asio/bind_cancellation_slot.hpp>
#include <asio/co_spawn.hpp>
#include <asio/experimental/awaitable_operators.hpp>
#include <asio/multiple_exceptions.hpp>
#include <asio/post.hpp>
#include <asio/redirect_error.hpp>
#include <asio/steady_timer.hpp>
#include <asio/this_coro.hpp>
#include <asio/use_awaitable.hpp>

#include <algorithm>
#include <chrono>
#include <optional>

namespace corun::emulator {

asio::awaitable<void> wait_for(asio::io_context& context, std::chrono::milliseconds time) {
    asio::steady_timer timer(context, time);
    co_await timer.async_wait(asio::use_awaitable);
}

asio::awaitable<void> alongside(asio::awaitable<void> what, asio::awaitable<void> other) {
    using namespace asio::experimental::awaitable_operators;
    try {
        co_await (std::move(what) || std::move(other));
    } catch (const asio::multiple_exceptions& both) {
        std::rethrow_exception(both.first_exception());
    }
}

void core::work(std::shared_ptr<run> what, event_sink sink) {
    // A signal for each coroutine: the last one may still be ending its stream when the next begins.
    const auto interrupt = std::make_shared<asio::cancellation_signal>();
    what->interrupt = interrupt;
    what->was_read = false;
    asio::co_spawn(context, drive(what, std::move(sink)),
                   asio::bind_cancellation_slot(interrupt->slot(),
                                                [self = shared_from_this(), what, interrupt](std::exception_ptr) {
                                                    if (what->interrupt == interrupt) what->interrupt.reset();
                                                }));
}

void core::cancel(std::shared_ptr<run> what) {
    set_status(*what, "cancelling");
    if (what->interrupt)
        what->interrupt->emit(asio::cancellation_type::terminal);
    else
        work(what, {});  // Only to end it: the client sees `cancelling` first.
}

asio::awaitable<void> core::drive(std::shared_ptr<run> what, event_sink sink) {
    const auto self = shared_from_this();
    std::optional<run_failure> failure;
    bool was_interrupted = false;
    try {
        // Whoever asked for the run is answered first.
        co_await asio::post(context, asio::use_awaitable);
        if (what->calls.empty())
            co_await begin(*what, sink);
        else
            co_await resume(*what, sink);
    } catch (const run_failure& problem) {
        failure = problem;
    } catch (const interrupted&) {
        was_interrupted = true;
    } catch (const std::system_error& problem) {
        was_interrupted = problem.code() == asio::error::operation_aborted;
        if (!was_interrupted) failure.emplace("server_error", went_wrong);
    } catch (const std::exception&) {
        failure.emplace("server_error", went_wrong);
    }
    if (stopped) co_return;
    co_await asio::this_coro::reset_cancellation_state();

    // Everything has its last state before the client is told of it, who may not read.
    std::vector<std::pair<std::string, json>> events;
    if (failure) {
        json error;
        error["code"] = failure->code;
        error["message"] = failure->what();
        if (what->step_under_way) {
            what->step_under_way->object["last_error"] = error;
            end_step(*what->step_under_way, "failed");
            events.emplace_back("thread.run.step.failed", shown_in_stream(*what, *what->step_under_way));
        }
        what->object["last_error"] = std::move(error);
        events.emplace_back("thread.run.failed", end(*what, "failed"));
    } else if (was_interrupted) {
        const std::string status = what->status() == "expired" ? "expired" : "cancelled";
        if (const auto message = what->message_under_way) {
            message->object["status"] = "incomplete";
            message->object["incomplete_at"] = now();
            message->object["incomplete_details"]["reason"] = "run_" + status;
            events.emplace_back("thread.message.incomplete", message->object);
        }
        if (what->step_under_way) {
            end_step(*what->step_under_way, status);
            events.emplace_back("thread.run.step." + status, shown_in_stream(*what, *what->step_under_way));
        }
        if (status == "cancelled") events.emplace_back("thread.run.cancelling", shown(*what));
        events.emplace_back("thread.run." + status, end(*what, status));
    }
    for (auto& [event, data] : events) co_await emit(sink, event, std::move(data));
    if (sink.put("done", "[DONE]")) co_await sink.flush();
    co_await sink.finish();
}

asio::awaitable<void> core::emit(event_sink& sink, std::string event, json data) {
    if (sink.is_open() && sink.put(event, text_of(data))) co_await sink.flush();
    co_return;
}

asio::awaitable<void> core::emit_run(run& what, event_sink& sink, std::string status) {
    const bool is_news = what.status() != status;
    if (is_news) co_await stage(what, sink);
    set_status(what, status);
    const bool twice = options.duplicate_events && (status == "queued" || status == "in_progress");
    for (int i = 0; i != 1 + twice; ++i) {
        json object = shown(what);
        co_await emit(sink, "thread.run." + status, std::move(object));
    }
}

asio::awaitable<void> core::emit_step(run& what, event_sink& sink, std::string event, const record& of) {
    const bool twice = options.duplicate_events && (event.ends_with(".created") || event.ends_with(".in_progress"));
    for (int i = 0; i != 1 + twice; ++i) {
        json object = shown_in_stream(what, of);
        co_await emit(sink, event, std::move(object));
    }
}

asio::awaitable<void> core::emit_message(event_sink& sink, std::string event, const record& of) {
    const bool twice = options.duplicate_events && (event.ends_with(".created") || event.ends_with(".in_progress"));
    for (int i = 0; i != 1 + twice; ++i) {
        json object = of.object;
        co_await emit(sink, event, std::move(object));
    }
}

asio::awaitable<void> core::stage(run& what, event_sink& sink) {
    const bool waits = options.stage_a_read && !sink.is_open() && !what.was_read;
    if (waits && what.status() != "cancelling" && !what.ended()) {
        what.next_stage.emplace(context, asio::steady_timer::time_point::max());
        std::error_code ignored;
        co_await what.next_stage->async_wait(asio::redirect_error(asio::use_awaitable, ignored));
        what.next_stage.reset();
    }
    what.was_read = false;
    if (what.status() == "cancelling" || what.ended() || stopped) throw interrupted{};
}

asio::awaitable<void> core::meanwhile(event_sink& sink, asio::awaitable<void> what) {
    const bool silent = options.keepalive.count() == 0 || !sink.is_open();
    if (silent) {
        co_await std::move(what);
        co_return;
    }
    co_await alongside(std::move(what), keep_alive(sink));
}

asio::awaitable<void> core::keep_alive(event_sink& sink) {
    asio::steady_timer timer(context);
    for (;;) {
        timer.expires_after(options.keepalive);
        co_await timer.async_wait(asio::use_awaitable);
        sink.put_frame("keepalive", options.keepalive_frame);
        co_await sink.flush();
    }
}

asio::awaitable<void> core::wait_until_expired(run& what) {
    const auto until = get(what.object, "expires_at").get<std::int64_t>();
    for (;;) {
        co_await wait_for(context, std::chrono::seconds(std::max<std::int64_t>(until - now(), 0)));
        expire(what);
        if (what.ended()) throw interrupted{};
    }
}

asio::awaitable<void> core::require_action(run& what, event_sink& sink, json action) {
    co_await stage(what, sink);
    what.object["required_action"] = std::move(action);
    set_status(what, "requires_action");
    // From here on the run is in the hands of whoever submits or cancels, however long its stream takes.
    what.interrupt.reset();
    json object = shown(what);
    co_await emit(sink, "thread.run.requires_action", std::move(object));
}

json core::end(run& what, const std::string& status) {
    what.step_under_way.reset();
    what.message_under_way.reset();
    what.calls.clear();
    set_status(what, status);
    return shown(what);
}

asio::awaitable<void> core::emit_end(run& what, event_sink& sink, std::string status) {
    json object = end(what, status);
    co_await emit(sink, "thread.run." + status, std::move(object));
}

asio::awaitable<void> core::begin(run& what, event_sink& sink) {
    const bool twice = options.duplicate_events;
    if (what.created_thread) {
        json object = shown(*threads.find(get_string(what.object, "thread_id")));
        co_await emit(sink, "thread.created", std::move(object));
    }
    for (int i = 0; i != 1 + twice; ++i) {
        json object = shown(what);
        co_await emit(sink, "thread.run.created", std::move(object));
    }
    co_await emit_run(what, sink, "queued");
    co_await emit_run(what, sink, "in_progress");
    if (what.fails_at_once) throw run_failure(what.fails_at_once->first, what.fails_at_once->second);
    co_await list_tools(what, sink);
    make_plan(what);
    co_await follow_plan(what, sink);
}

asio::awaitable<void> core::follow_plan(run& what, event_sink& sink) {
    while (!what.plan.empty()) {
        const step next = what.plan.front();
        const auto details = [&next] { return json::parse(next.text()); };
        switch (next.type()) {
            case step::kind::reply:
            case step::kind::message:
            case step::kind::refusal:
                what.plan.pop_front();
                co_await say(what, sink, next);
                if (what.ended()) co_return;
                break;
            case step::kind::activity: {
                what.plan.pop_front();
                json activity = details();
                co_await show_activity(what, sink, std::move(activity));
                break;
            }
            case step::kind::call_function:
            case step::kind::call_mcp:
            case step::kind::call_tool:
                if (const bool waits = co_await call_round(what, sink); waits) co_return;
                break;
            case step::kind::next_round:
            case step::kind::reasoning:
                what.plan.pop_front();
                break;
            case step::kind::require_action: {
                json action;
                action["type"] = next.name();
                action[next.name()] = details();
                co_await require_action(what, sink, std::move(action));
                co_return;
            }
            case step::kind::fail:
                throw run_failure(next.name(), next.text());
            case step::kind::incomplete:
                co_await stage(what, sink);
                what.object["incomplete_details"]["reason"] = next.text();
                co_await emit_end(what, sink, "incomplete");
                co_return;
            case step::kind::hold: {
                co_await sink.flush();
                auto wait = wait_until_expired(what);
                co_await meanwhile(sink, std::move(wait));
                break;
            }
        }
    }
    co_await stage(what, sink);
    co_await emit_end(what, sink, "completed");
}

asio::awaitable<void> core::say(run& what, event_sink& sink, step what_to_say) {
    json blocks = json::array();
    if (what_to_say.type() == step::kind::message) {
        blocks = json::parse(what_to_say.text());
    } else {
        json& block = blocks.emplace_back();
        block["type"] = "text";
        block["text"]["value"] = what_to_say.text();
        block["text"]["annotations"] = json::array();
    }

    co_await stage(what, sink);
    const auto message = new_message(what);
    json details;
    details["type"] = "message_creation";
    details["message_creation"]["message_id"] = message->id;
    const auto made = new_step(what, "message_creation", std::move(details));
    what.step_under_way = made;
    what.message_under_way = message;
    co_await emit_step(what, sink, "thread.run.step.created", *made);
    co_await emit_step(what, sink, "thread.run.step.in_progress", *made);
    co_await emit_message(sink, "thread.message.created", *message);
    co_await emit_message(sink, "thread.message.in_progress", *message);

    const std::size_t said_before = what.completion_tokens;
    bool whole = true;
    for (std::size_t i = 0; i != blocks.size() && whole; ++i) {
        json block = blocks[i];
        if (get(block, "type") == "text") {
            whole = co_await say_text(what, sink, *message, i, std::move(block), what_to_say.count());
            continue;
        }
        json delta;
        delta["index"] = i;
        delta.update(block);
        message->object["content"].push_back(std::move(block));
        co_await emit_content_delta(sink, *message, std::move(delta));
    }

    co_await stage(what, sink);
    message->object["status"] = whole ? "completed" : "incomplete";
    message->object[whole ? "completed_at" : "incomplete_at"] = now();
    if (!whole) message->object["incomplete_details"]["reason"] = "max_tokens";
    what.message_under_way.reset();
    co_await emit_message(sink, whole ? "thread.message.completed" : "thread.message.incomplete", *message);

    end_step(*made, "completed");
    made->object["usage"] = usage_of(what.prompt_tokens, what.completion_tokens - said_before);
    what.step_under_way.reset();
    co_await emit_step(what, sink, "thread.run.step.completed", *made);
    if (whole) co_return;
    co_await stage(what, sink);
    what.object["incomplete_details"]["reason"] = "max_completion_tokens";
    co_await emit_end(what, sink, "incomplete");
}

/// True when it could be said to the end.
asio::awaitable<bool> core::say_text(run& what, event_sink& sink, record& message, std::size_t index, json block,
                                     std::size_t count) {
    std::vector<std::string> tokens;
    if (count == 0) {
        tokens = tokens_of(filled_in(get_string(get(block, "text"), "value"), what.user_message, what.outputs));
        count = tokens.size();
    }
    const json& limit = get(what.object, "max_completion_tokens");
    bool whole = true;
    if (limit.is_number()) {
        const std::size_t left = limit.get<std::size_t>() - std::min(limit.get<std::size_t>(), what.completion_tokens);
        whole = count <= left;
        count = std::min(count, left);
    }

    // The delta is the hot event: only its text changes.
    std::string before = R"({"id":")" + message.id + R"(","object":"thread.message.delta","delta":{)";
    if (options.role_in_deltas) before += R"("role":"assistant",)";
    before += R"("content":[{"index":)" + std::to_string(index) + R"(,"type":"text","text":{"value":)";
    const std::string after = options.role_in_deltas ? R"(,"annotations":[]}}]}})" : "}}]}}";
    std::string said;
    if (get(get(block, "text"), "annotations").is_null()) block["text"]["annotations"] = json::array();
    const auto keep = [&] {
        block["text"]["value"] = said;
        message.object["content"].push_back(block);
    };
    try {
        for (std::size_t i = 0; i != count; ++i) {
            const std::string token = tokens.empty() ? (i ? " token" : "token") + std::to_string(i) : tokens[i];
            said += token;
            ++what.completion_tokens;
            if (sink.put("thread.message.delta", before + text_of(token) + after)) co_await sink.flush();
            if (options.pace.count() > 0) {
                co_await sink.flush();
                auto pace = wait_for(context, options.pace);
                co_await meanwhile(sink, std::move(pace));
            }
            if (what.status() == "cancelling" || what.ended()) throw interrupted{};
        }
    } catch (...) {
        keep();
        throw;
    }
    keep();
    if (!whole) co_return false;

    std::size_t number = 0;
    const json annotations = get(get(block, "text"), "annotations");
    for (const auto& annotation : annotations) {
        json numbered;
        numbered["index"] = number++;
        numbered.update(annotation);
        json delta;
        delta["index"] = index;
        delta["type"] = "text";
        delta["text"]["annotations"] = json::array();
        delta["text"]["annotations"].push_back(std::move(numbered));
        co_await emit_content_delta(sink, message, std::move(delta));
    }
    co_return true;
}

asio::awaitable<void> core::emit_content_delta(event_sink& sink, const record& message, json block) {
    json delta;
    delta["id"] = message.id;
    delta["object"] = "thread.message.delta";
    if (options.role_in_deltas) delta["delta"]["role"] = "assistant";
    delta["delta"]["content"] = json::array();
    delta["delta"]["content"].push_back(std::move(block));
    co_await emit(sink, "thread.message.delta", std::move(delta));
}

asio::awaitable<void> core::resume(run& what, event_sink& sink) {
    if (what.status() == "cancelling" || what.ended()) throw interrupted{};
    const bool has_approved = std::any_of(what.calls.begin(), what.calls.end(),
                                          [](const tool_call& call) { return call.is_mcp() && !call.output; });
    if (!has_approved) {
        co_await complete_calls(what, sink);
        co_await emit_run(what, sink, "queued");
        co_await emit_run(what, sink, "in_progress");
    } else {
        if (options.premature_step_completed) {
            record early(what.step_under_way->object);
            end_step(early, "completed");
            co_await emit_step(what, sink, "thread.run.step.completed", early);
        }
        co_await emit_run(what, sink, "queued");
        co_await emit_run(what, sink, "in_progress");
        co_await call_servers(what, sink);
        co_await complete_calls(what, sink);
    }
    co_await follow_plan(what, sink);
}

}  // namespace corun::emulator
