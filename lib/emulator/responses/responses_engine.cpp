// A response at work: the events it sends, in the order in which the service sends them.
#include "emulator/responses/responses.hpp"

#include <asio/bind_cancellation_slot.hpp>
#include <asio/co_spawn.hpp>
#include <asio/post.hpp>
#include <asio/redirect_error.hpp>
#include <asio/this_coro.hpp>
#include <asio/use_awaitable.hpp>

#include <algorithm>
#include <chrono>
#include <utility>

namespace corun::emulator {

void responses::work(std::shared_ptr<response> what, event_sink sink, answering to) {
    const auto interrupt = std::make_shared<asio::cancellation_signal>();
    what->interrupt = interrupt;
    at_work_.insert(what);
    asio::co_spawn(core_->context, drive(what, std::move(sink), std::move(to)),
                   asio::bind_cancellation_slot(interrupt->slot(),
                                                [self = shared_from_this(), what, interrupt](std::exception_ptr) {
                                                    what->interrupt.reset();
                                                    self->at_work_.erase(what);
                                                }));
}

void responses::stop() {
    for (const auto& one : std::set<std::shared_ptr<response>>(at_work_))
        if (one->interrupt) one->interrupt->emit(asio::cancellation_type::terminal);
    for (const auto& [place, one] : responses_.items()) one->news.cancel();
}

void responses::end(response& what, const std::string& status) {
    json& object = what.object;
    object["status"] = status;
    for (auto& item : object["output"])
        if (get(item, "status") == "in_progress") item["status"] = "incomplete";
    if (what.in) what.in->locked = false;
    const bool has_ended_well = status == "completed" || status == "incomplete";
    if (!has_ended_well) return;
    if (status == "completed") object["completed_at"] = core_->now();
    if (object["service_tier"] == "auto") object["service_tier"] = "default";
    json usage;
    usage["input_tokens"] = what.input_tokens;
    usage["input_tokens_details"]["cached_tokens"] = 0;
    usage["output_tokens"] = what.output_tokens + what.reasoning_tokens;
    usage["output_tokens_details"]["reasoning_tokens"] = what.reasoning_tokens;
    usage["total_tokens"] = what.input_tokens + what.output_tokens + what.reasoning_tokens;
    object["usage"] = std::move(usage);
    if (!what.in) return;
    for (const auto& [place, item] : what.input.items()) what.in->items.add(item);
    for (const auto& item : object["output"]) what.in->items.add(std::make_shared<record>(item));
}

void responses::interrupt(response& what, const std::string& status) {
    end(what, status);
    if (what.interrupt) what.interrupt->emit(asio::cancellation_type::terminal);
}

void responses::watch(const std::shared_ptr<response>& what, const std::shared_ptr<http::exchange>& exchange) {
    if (core_->options.client_leaves != client_leaves::is_cancelled) return;
    asio::co_spawn(core_->context, exchange->closed(), [weak = weak_from_this(), exchange, what](std::exception_ptr) {
        const auto self = weak.lock();
        if (self && !what->ended() && !self->core_->stopped) self->interrupt(*what, "cancelled");
    });
}

asio::awaitable<void> responses::drive(std::shared_ptr<response> what, event_sink sink, answering to) {
    const auto self = shared_from_this();
    const auto of = core_;
    std::optional<response_failure> failure;
    bool was_interrupted = false;
    try {
        // Whoever asked for the response is answered first.
        co_await asio::post(of->context, asio::use_awaitable);
        co_await begin(*what, sink);
    } catch (const response_failure& problem) {
        failure = problem;
    } catch (const interrupted&) {
        was_interrupted = true;
    } catch (const std::system_error& problem) {
        was_interrupted = problem.code() == asio::error::operation_aborted;
        if (!was_interrupted) failure.emplace("server_error", went_wrong);
    } catch (const std::exception&) {
        failure.emplace("server_error", went_wrong);
    }
    if (of->stopped) co_return;
    co_await asio::this_coro::reset_cancellation_state();

    if (failure) {
        const bool is_throttled = failure->code == "rate_limit_exceeded";
        const bool tells_after = is_throttled && of->options.rate_limits == rate_limits::error_after_failed;
        if (!(what->streaming && tells_after)) {
            what->object["error"]["code"] = failure->code;
            what->object["error"]["message"] = failure->what();
        }
        end(*what, "failed");
        if (what->streaming && !failure->type.empty() && !is_throttled) co_await emit_error(*what, sink, *failure);
        co_await emit_response(*what, sink, "response.failed");
        if (what->streaming && tells_after) co_await emit_error(*what, sink, *failure);
    } else if (was_interrupted) {
        if (!what->ended()) end(*what, "cancelled");
        if (of->options.cancelled_event) co_await emit_response(*what, sink, "response.cancelled");
    }
    if (of->options.done_marker) {
        auto last = std::numeric_limits<std::int64_t>::max();
        if (put(*what, sink, "done", "data: [DONE]\n\n", last)) co_await sink.flush();
    }
    what->all_sent = true;
    what->news.cancel();
    if (to.answer && failure && failure->status != 200) {
        responses_.erase(what->id);
        json body = error_envelope(failure->what(), failure->type, failure->param, failure->code);
        header_fields more;
        const bool tells_when = failure->code == "rate_limit_exceeded" && of->options.retry_after.count() > 0;
        if (tells_when) more.emplace_back("Retry-After", std::to_string(of->options.retry_after.count()));
        to.answer(failure->status, body, std::move(more));
    } else if (to.answer) {
        const json object = shown(*what);
        to.answer(200, object, {});
    }
    co_await sink.finish();
}

void responses::send_events(std::shared_ptr<response> what, std::int64_t after, event_sink sink) {
    asio::co_spawn(core_->context, follow(std::move(what), after, std::move(sink)), [](std::exception_ptr) {});
}

asio::awaitable<void> responses::follow(std::shared_ptr<response> what, std::int64_t after, event_sink sink) {
    const auto self = shared_from_this();
    const auto& events = what->events;
    std::size_t next = 0;
    while (next != events.size() && events[next].sequence_number <= after) ++next;
    for (;;) {
        while (next != events.size() && sink.is_open()) {
            const std::string name = events[next].name;
            if (events[next].sequence_number > after && sink.put_frame(name, events[next].frame)) co_await sink.flush();
            ++next;
        }
        co_await sink.flush();
        if (core_->stopped || !sink.is_open()) co_return;
        if (next != events.size()) continue;
        if (what->all_sent) break;
        std::error_code ignored;
        co_await what->news.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
    }
    co_await sink.finish();
}

std::string responses::frame_of(const std::string& event, const std::string& data) const {
    std::string frame;
    frame.reserve(event.size() + data.size() + 16);
    if (core_->options.event_lines) frame.append("event: ").append(event).append("\n");
    return frame.append("data: ").append(data).append("\n\n");
}

bool responses::put(response& what, event_sink& sink, const std::string& event, std::string frame,
                    std::int64_t number) {
    if (what.retrievable_as_stream) {
        what.events.emplace_back(number, event, frame);
        what.news.cancel();
    }
    return sink.put_frame(event, std::move(frame));
}

asio::awaitable<void> responses::emit(response& what, event_sink& sink, std::string event, json data) {
    const std::int64_t number = what.sequence_number++;
    const bool is_for_nobody = !what.retrievable_as_stream && !sink.is_open();
    if (is_for_nobody) co_return;
    json whole;
    whole["type"] = event;
    whole["sequence_number"] = number;
    whole.update(data);
    if (put(what, sink, event, frame_of(event, text_of(whole)), number)) co_await sink.flush();
}

asio::awaitable<void> responses::emit_response(response& what, event_sink& sink, std::string event) {
    json data;
    data["response"] = shown(what);
    if (!core_->options.whole_output) data["response"]["output"] = json::array();
    co_await emit(what, sink, std::move(event), std::move(data));
}

asio::awaitable<void> responses::emit_of_item(response& what, event_sink& sink, std::string event, std::size_t index,
                                              json more) {
    json data;
    data["item_id"] = get(what.object["output"][index], "id");
    data["output_index"] = index;
    data.update(more);
    co_await emit(what, sink, std::move(event), std::move(data));
}

asio::awaitable<void> responses::emit_error(response& what, event_sink& sink, response_failure problem) {
    json data, about;
    about["type"] = problem.type;
    about["code"] = problem.code;
    about["message"] = problem.what();
    about["param"] = problem.param;
    const auto retry_after = core_->options.retry_after.count();
    const bool is_nested = core_->options.error_events == error_events::nested;
    if (retry_after > 0 && problem.code == "rate_limit_exceeded")
        about["headers"]["retry-after"] = std::to_string(retry_after);
    if (is_nested) {
        data["error"] = std::move(about);
    } else {
        for (const char* name : {"code", "message", "param"}) data[name] = about[name];
    }
    co_await emit(what, sink, "error", std::move(data));
}

asio::awaitable<void> responses::stage(response& what) {
    const bool waits = core_->options.stage_a_read && what.background && !what.streaming && !what.was_read;
    if (waits && !what.ended()) {
        what.next_stage.emplace(core_->context, asio::steady_timer::time_point::max());
        std::error_code ignored;
        co_await what.next_stage->async_wait(asio::redirect_error(asio::use_awaitable, ignored));
        what.next_stage.reset();
    }
    what.was_read = false;
    if (what.ended() || core_->stopped) throw interrupted{};
}

asio::awaitable<void> responses::meanwhile(response& what, event_sink& sink, asio::awaitable<void> that) {
    co_await sink.flush();
    const bool silent = core_->options.keepalive.count() == 0 || !what.streaming;
    if (silent)
        co_await std::move(that);
    else
        co_await alongside(std::move(that), keep_alive(what, sink));
    if (what.ended() || core_->stopped) throw interrupted{};
}

asio::awaitable<void> responses::keep_alive(response& what, event_sink& sink) {
    for (;;) {
        co_await wait_for(core_->context, core_->options.keepalive);
        if (core_->options.keepalive_frame.starts_with(':')) {
            const std::string frame = core_->options.keepalive_frame;
            if (put(what, sink, "keepalive", frame, what.sequence_number - 1)) co_await sink.flush();
        } else {
            co_await emit(what, sink, "keepalive", json::object());
        }
        co_await sink.flush();
    }
}

asio::awaitable<void> responses::begin(response& what, event_sink& sink) {
    co_await emit_response(what, sink, "response.created");
    if (what.background) {
        co_await emit_response(what, sink, "response.queued");
        co_await stage(what);
    }
    what.object["status"] = "in_progress";
    co_await emit_response(what, sink, "response.in_progress");
    co_await list_tools(what, sink);
    make_plan(what);
    co_await use_approvals(what, sink);
    co_await follow_plan(what, sink);
}

asio::awaitable<void> responses::list_tools(response& what, event_sink& sink) {
    for (auto& server : what.servers) {
        if (server.is_listed) continue;
        json item;
        item["id"] = core_->make_id("mcpl_");
        item["type"] = "mcp_list_tools";
        item["server_label"] = server.label;
        item["tools"] = json::array();
        const std::size_t index = co_await add_item(what, sink, std::move(item));
        co_await emit_of_item(what, sink, "response.mcp_list_tools.in_progress", index);
        mcp_answer answer;
        const bool can_be_reached = server.connection.empty();
        if (can_be_reached) {
            recorded_mcp_request seen;
            seen.run_id = what.id;
            seen.server_label = server.label;
            seen.headers = server.headers;
            auto asked = list_into(answer, core_->mcp, core_->mcp_target(server.url, std::move(seen)));
            co_await meanwhile(what, sink, std::move(asked));
        } else {
            answer.problem.emplace(0, "There is no connection '" + server.connection + "'.");
        }
        server.tools = json::array();
        if (answer.problem) {
            const std::string message =
                "Error retrieving tool list from MCP server: '" + server.label + "'. " + answer.problem->description();
            const bool goes_on = core_->options.listing_failure == listing_failure::goes_on;
            const bool is_named = core_->options.mcp_failure == mcp_failure::named;
            what.object["output"][index]["error"] = message;
            co_await emit_of_item(what, sink, "response.mcp_list_tools.failed", index);
            co_await finish_item(what, sink, index);
            if (goes_on) continue;
            response_failure failure(is_named ? "http_error" : "server_error", is_named ? message : went_wrong);
            failure.type = is_named ? "external_connector_error" : "server_error";
            failure.status = is_named ? 424 : 500;
            if (is_named) failure.param = "tools";
            throw failure;
        }
        for (const auto& tool : answer.tools) {
            json listed;
            listed["annotations"]["read_only"] = get(get(tool, "annotations"), "readOnlyHint") == true;
            listed["description"] = get(tool, "description");
            listed["input_schema"] = get(tool, "inputSchema");
            listed["name"] = get(tool, "name");
            server.tools.push_back(std::move(listed));
            // What is not allowed is not shown, either.
            if (!server.tool(get_string(tool, "name"))) server.tools.erase(server.tools.size() - 1);
        }
        what.object["output"][index]["tools"] = server.tools;
        co_await emit_of_item(what, sink, "response.mcp_list_tools.completed", index);
        co_await finish_item(what, sink, index);
    }
}

asio::awaitable<void> responses::use_approvals(response& what, event_sink& sink) {
    if (!what.approvals.empty()) what.outputs.clear();
    const auto approvals = what.approvals;
    for (const auto& one : approvals) {
        if (!one.approved) {
            what.add_output("The call of " + one.name + " was denied.");
            continue;
        }
        const auto server = std::find_if(what.servers.begin(), what.servers.end(),
                                         [&](const auto& known) { return known.label == one.label; });
        co_await call_server(what, sink, *server, one.name, one.arguments, one.approval);
    }
}

asio::awaitable<void> responses::follow_plan(response& what, event_sink& sink) {
    while (!what.plan.empty()) {
        const step next = what.plan.front();
        switch (next.type()) {
            case step::kind::call_function:
            case step::kind::call_mcp:
            case step::kind::call_tool: {
                const bool waits = co_await call_round(what, sink);
                if (waits) what.plan.clear();
                continue;
            }
            default:
                what.plan.pop_front();
        }
        switch (next.type()) {
            case step::kind::reply:
            case step::kind::message:
            case step::kind::refusal: {
                const bool whole = co_await say(what, sink, next);
                if (!whole) co_return;
                break;
            }
            case step::kind::reasoning:
                co_await think(what, sink, next.text());
                break;
            case step::kind::activity:
            case step::kind::require_action: {
                json item = json::parse(next.text());
                const bool waits = next.type() == step::kind::require_action;
                if (waits) item["type"] = next.name();
                co_await show_item(what, sink, std::move(item));
                if (waits) what.plan.clear();
                break;
            }
            case step::kind::fail: {
                response_failure failure(next.name(), next.text());
                const bool is_throttled = next.name() == "rate_limit_exceeded";
                if (is_throttled) {
                    failure.type = "too_many_requests";
                    failure.status = 429;
                }
                throw failure;
            }
            case step::kind::incomplete: {
                co_await stage(what);
                const bool is_filtered = next.text() == "content_filter";
                what.object["incomplete_details"]["reason"] = is_filtered ? "content_filter" : "max_output_tokens";
                end(what, "incomplete");
                co_await emit_response(what, sink, "response.incomplete");
                co_return;
            }
            case step::kind::hold: {
                auto for_ever = wait_for(core_->context, std::chrono::hours(24 * 365));
                co_await meanwhile(what, sink, std::move(for_ever));
                break;
            }
            default:
                break;
        }
    }
    co_await stage(what);
    end(what, "completed");
    co_await emit_response(what, sink, "response.completed");
}

/// True when the response has to wait for what the application says to a call.
asio::awaitable<bool> responses::call_round(response& what, event_sink& sink) {
    const step first = what.plan.front();
    const auto mixes = [](const step& one) {
        return one.type() == step::kind::call_function || one.type() == step::kind::call_mcp;
    };
    const auto is_of_round = [&](const step& next) {
        if (core_->options.mixed_rounds && mixes(first) && mixes(next)) return true;
        return next.type() == first.type() && (first.type() != step::kind::call_tool || next.name() == first.name());
    };
    const bool in_parallel = get(what.object, "parallel_tool_calls") != false;
    bool waits = false, goes_on = true;
    what.outputs.clear();
    while (goes_on) {
        const step scripted = what.plan.front();
        what.plan.pop_front();
        ++what.output_tokens;
        if (scripted.type() == step::kind::call_function) {
            co_await call_function(what, sink, scripted);
            waits = true;
        } else if (scripted.type() == step::kind::call_mcp) {
            const bool is_asked = co_await call_mcp(what, sink, scripted);
            waits = waits || is_asked;
        } else {
            co_await call_tool(what, sink, scripted);
        }
        goes_on = in_parallel && !what.plan.empty() && is_of_round(what.plan.front());
    }
    co_return waits;
}

}  // namespace corun::emulator
