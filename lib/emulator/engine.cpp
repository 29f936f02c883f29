// A run at work: the events it sends, in the order in which the service sends them.
#include "emulator/core.hpp"
#include "emulator/refusal.hpp"

#include <asio/bind_cancellation_slot.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/steady_timer.hpp>
#include <asio/this_coro.hpp>
#include <asio/use_awaitable.hpp>

#include <algorithm>
#include <array>

namespace corun::emulator {
namespace {

/// The run fails, and says so.
struct run_failure : std::runtime_error {
    run_failure(std::string what_code, const std::string& message, bool in_tool = false)
        : std::runtime_error(message), code(std::move(what_code)), of_tool(in_tool) {}
    std::string code;
    bool of_tool;
};

/// The run was cancelled or has expired, or the service stops.
struct interrupted {};

/// Enough to fill a socket's buffer, so that the cost of a write is shared by many events.
constexpr std::size_t flush_at = 16 * 1024;

std::string replace_all(std::string text, std::string_view what, std::string_view by) {
    for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + by.size()))
        text.replace(at, what.size(), by);
    return text;
}

/// Words with the space before them, as models give them.
std::vector<std::string> tokens_of(const std::string& text) {
    std::vector<std::string> tokens;
    for (std::size_t begin = 0; begin < text.size();) {
        const std::size_t letter = text.find_first_not_of(' ', begin);
        const std::size_t end =
            letter == std::string::npos ? text.size() : std::min(text.find(' ', letter), text.size());
        tokens.push_back(text.substr(begin, end - begin));
        begin = end;
    }
    return tokens;
}

/// Arguments that a schema accepts: every required member, strings out of the message.
json arguments_for(const json& schema, const std::string& message) {
    json arguments = json::object();
    const json& properties = get(schema, "properties");
    for (const auto& required : get(schema, "required")) {
        if (!required.is_string()) continue;
        const auto name = required.get<std::string>();
        const json& property = get(properties, name.c_str());
        const std::string type = get_string(property, "type");
        if (const json& values = get(property, "enum"); values.is_array() && !values.empty())
            arguments[name] = values.front();
        else if (const json& otherwise = get(property, "default"); !otherwise.is_null())
            arguments[name] = otherwise;
        else if (type == "integer" || type == "number")
            arguments[name] = 1;
        else if (type == "boolean")
            arguments[name] = true;
        else if (type == "array")
            arguments[name] = json::array();
        else if (type == "object")
            arguments[name] = arguments_for(property, message);
        else
            arguments[name] = message;
    }
    return arguments;
}

std::string reason_of(int status) {
    switch (status) {
        case 400:
            return "Bad Request";
        case 401:
            return "Unauthorized";
        case 403:
            return "Forbidden";
        case 404:
            return "Not Found";
        case 405:
            return "Method Not Allowed";
        case 429:
            return "Too Many Requests";
        case 500:
            return "Internal Server Error";
        case 502:
            return "Bad Gateway";
        case 503:
            return "Service Unavailable";
        default:
            return "Error";
    }
}

/// The number in `tokens(number)`, if the message holds it.
std::optional<std::size_t> token_cue(const std::string& message) {
    const auto at = message.find("tokens(");
    if (at == std::string::npos) return std::nullopt;
    std::size_t count = 0, i = at + 7;
    for (; i < message.size() && message[i] >= '0' && message[i] <= '9' && count < 100'000'000; ++i)
        count = count * 10 + static_cast<std::size_t>(message[i] - '0');
    if (i == at + 7 || i == message.size() || message[i] != ')') return std::nullopt;
    return count;
}

}  // namespace

bool event_sink::put(const std::string& event, const std::string& data) {
    if (!exchange_ || end_ != stream_faults::end::none) return false;
    std::string frame;
    frame.reserve(event.size() + data.size() + 16);
    frame.append("event: ").append(event).append("\ndata: ").append(data).append("\n\n");
    end_ = faults_.pass(event, std::move(frame), buffer_);
    return buffer_.size() >= flush_at || end_ != stream_faults::end::none;
}

asio::awaitable<void> event_sink::flush() {
    const auto exchange = exchange_;
    if (!exchange) co_return;
    bool gone = false;
    if (!buffer_.empty()) {
        try {
            co_await exchange->write(std::exchange(buffer_, {}));
        } catch (const std::system_error&) {
            gone = true;
        }
    }
    using end = stream_faults::end;
    if (end_ == end::cut || end_ == end::reset) exchange->abort(end_ == end::reset);
    if (end_ == end::stall && !gone)
        asio::co_spawn(
            *context_,
            [](std::shared_ptr<http::exchange> held) -> asio::awaitable<void> { co_await held->closed(); }(exchange),
            asio::detached);
    if (gone || end_ != end::none) exchange_.reset();
}

asio::awaitable<void> event_sink::finish() {
    const auto exchange = exchange_;
    co_await flush();
    if (exchange_) exchange->finish();
    exchange_.reset();
}

void core::work(std::shared_ptr<run> what, event_sink sink) {
    what->under_way = true;
    const auto slot = what->interrupt.slot();
    asio::co_spawn(context, drive(what, std::move(sink)),
                   asio::bind_cancellation_slot(
                       slot, [self = shared_from_this(), what](std::exception_ptr) { what->under_way = false; }));
}

void core::cancel(std::shared_ptr<run> what) {
    set_status(*what, "cancelling");
    if (what->under_way)
        what->interrupt.emit(asio::cancellation_type::terminal);
    else
        work(what, {});  // Only to end it: the client sees `cancelling` first.
}

asio::awaitable<void> core::drive(std::shared_ptr<run> what, event_sink sink) {
    const auto self = shared_from_this();
    std::optional<run_failure> failure;
    bool was_interrupted = false;
    try {
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
        if (!was_interrupted) failure.emplace("server_error", "Sorry, something went wrong.");
    } catch (const std::exception&) {
        failure.emplace("server_error", "Sorry, something went wrong.");
    }
    if (stopped) co_return;
    co_await asio::this_coro::reset_cancellation_state();

    if (failure) {
        json error;
        error["code"] = failure->code;
        error["message"] = failure->what();
        if (what->step_under_way) {
            what->step_under_way->object["last_error"] = error;
            end_step(*what->step_under_way, "failed");
            co_await emit_step(*what, sink, "thread.run.step.failed", *what->step_under_way);
        }
        what->object["last_error"] = std::move(error);
        co_await end(*what, sink, "failed");
    } else if (was_interrupted) {
        const std::string status = what->status() == "expired" ? "expired" : "cancelled";
        if (const auto message = what->message_under_way) {
            message->object["status"] = "incomplete";
            message->object["incomplete_at"] = now();
            message->object["incomplete_details"]["reason"] = "run_" + status;
            json shown_message = message->object;
            co_await emit(*what, sink, "thread.message.incomplete", std::move(shown_message));
        }
        if (what->step_under_way) {
            end_step(*what->step_under_way, status);
            co_await emit_step(*what, sink, "thread.run.step." + status, *what->step_under_way);
        }
        if (status == "cancelled") {
            json cancelling = shown(*what);
            co_await emit(*what, sink, "thread.run.cancelling", std::move(cancelling));
        }
        co_await end(*what, sink, status);
    }
    if (sink.put("done", "[DONE]")) co_await sink.flush();
    co_await sink.finish();
}

asio::awaitable<void> core::emit(run&, event_sink& sink, std::string event, json data) {
    if (sink.is_open() && sink.put(event, text_of(data))) co_await sink.flush();
    co_return;
}

asio::awaitable<void> core::emit_run(run& what, event_sink& sink, std::string status) {
    if (what.status() == "cancelling" || what.ended()) throw interrupted{};
    set_status(what, status);
    const bool twice = options.duplicate_events && (status == "queued" || status == "in_progress");
    for (int i = 0; i != 1 + twice; ++i) {
        json object = shown(what);
        co_await emit(what, sink, "thread.run." + status, std::move(object));
    }
}

asio::awaitable<void> core::emit_step(run& what, event_sink& sink, std::string event, const record& of) {
    const bool twice = options.duplicate_events && (event.ends_with(".created") || event.ends_with(".in_progress"));
    for (int i = 0; i != 1 + twice; ++i) {
        json object = shown_in_stream(what, of);
        co_await emit(what, sink, event, std::move(object));
    }
}

asio::awaitable<void> core::end(run& what, event_sink& sink, std::string status) {
    what.step_under_way.reset();
    what.message_under_way.reset();
    what.calls.clear();
    set_status(what, status);
    json object = shown(what);
    co_await emit(what, sink, "thread.run." + status, std::move(object));
}

asio::awaitable<void> core::begin(run& what, event_sink& sink) {
    const bool twice = options.duplicate_events;
    if (what.created_thread) {
        json object = shown(*threads.find(get_string(what.object, "thread_id")));
        co_await emit(what, sink, "thread.created", std::move(object));
    }
    for (int i = 0; i != 1 + twice; ++i) {
        json object = shown(what);
        co_await emit(what, sink, "thread.run.created", std::move(object));
    }
    co_await emit_run(what, sink, "queued");
    co_await emit_run(what, sink, "in_progress");
    if (what.fails_at_once) throw run_failure(what.fails_at_once->first, what.fails_at_once->second);
    co_await list_tools(what, sink);
    make_plan(what);
    co_await follow_plan(what, sink);
}

namespace {

std::shared_ptr<record> new_step(core& service, run& what, const std::string& type, json details) {
    json object;
    object["id"] = service.make_id("step_");
    object["object"] = "thread.run.step";
    object["type"] = type;
    for (const char* name : {"assistant_id", "thread_id"}) object[name] = get(what.object, name);
    object["run_id"] = what.id;
    object["status"] = "in_progress";
    object["step_details"] = std::move(details);
    object["last_error"] = nullptr;
    object["created_at"] = service.now();
    for (const char* name : {"expired_at", "completed_at", "cancelled_at", "failed_at", "usage"})
        object[name] = nullptr;
    object["metadata"] = json::object();
    auto made = std::make_shared<record>(std::move(object));
    what.steps.add(made);
    return made;
}

json usage_of(std::size_t prompt, std::size_t completion) {
    json usage;
    usage["prompt_tokens"] = prompt;
    usage["completion_tokens"] = completion;
    usage["total_tokens"] = prompt + completion;
    return usage;
}

json tool_calls_details(const run& what, bool with_calls) {
    json details;
    details["type"] = "tool_calls";
    details["tool_calls"] = json::array();
    if (with_calls)
        for (const auto& call : what.calls)
            details["tool_calls"].push_back(
                call.shown(call.is_function ? std::string{} : what.servers[call.server].label, true));
    return details;
}

}  // namespace

mcp_client::target core::target_of(run& what, const mcp_binding& server, header_fields headers) {
    mcp_client::target where;
    where.url = server.url;
    where.headers = headers;
    where.timeout = options.mcp_timeout;
    where.observe = [this, id = what.id, label = server.label, headers = std::move(headers)](const std::string& method,
                                                                                             int status) {
        recorded_mcp_request seen;
        seen.run_id = id;
        seen.server_label = label;
        seen.method = method;
        seen.headers = headers;
        seen.status = status;
        mcp_requests.push_back(std::move(seen));
    };
    return where;
}

asio::awaitable<void> core::list_tools(run& what, event_sink& sink) {
    for (auto& server : what.servers) {
        co_await sink.flush();
        json listed;
        std::optional<mcp_error> problem;
        try {
            auto where = target_of(what, server, server.headers);
            listed = co_await mcp_.list_tools(std::move(where));
        } catch (const mcp_error& error) {
            problem = error;
        }
        if (problem) {
            what.step_under_way = new_step(*this, what, "tool_calls", tool_calls_details(what, false));
            if (options.mcp_failure == mcp_failure::anonymous)
                throw run_failure("server_error", "Sorry, something went wrong.");
            std::string message =
                "MCP Connector error. Http status: 424, error details: Error retrieving tool list from "
                "MCP server: '" +
                server.label + "'. ";
            message += problem->status() ? "Http status code: " + std::to_string(problem->status()) + " (" +
                                               reason_of(problem->status()) + ")"
                                         : problem->what();
            throw run_failure("tool_server_error", message);
        }
        server.tools = json::object();
        for (const auto& tool : listed) {
            const std::string name = get_string(tool, "name");
            if (server.allowed.is_array() &&
                std::find(server.allowed.begin(), server.allowed.end(), name) == server.allowed.end())
                continue;
            json shown_tool;
            if (const json& description = get(tool, "description"); !description.is_null())
                shown_tool["description"] = description;
            shown_tool["parameters"] = get(tool, "inputSchema");
            server.tools[name] = std::move(shown_tool);
        }
        json activity;
        activity["type"] = "mcp_list_tools";
        activity["id"] = make_id("mcpl_");
        activity["server_label"] = server.label;
        activity["tools"] = server.tools;
        json details;
        details["type"] = "activities";
        details["activities"] = json::array();
        details["activities"].push_back(std::move(activity));
        const auto made = new_step(*this, what, "activities", std::move(details));
        end_step(*made, "completed");
        co_await emit_step(what, sink, "thread.run.step.created", *made);
    }
}

void core::make_plan(run& what) {
    const std::string& message = what.user_message;
    for (auto script = scripts.rbegin(); script != scripts.rend(); ++script)
        if (script->first.empty() || message.find(script->first) != std::string::npos) {
            what.plan.assign(script->second.begin(), script->second.end());
            break;
        }
    const bool tools_allowed = get(what.object, "tool_choice") != "none";
    if (what.plan.empty()) {
        if (const auto count = token_cue(message)) {
            what.plan.push_back(step::tokens(*count));
        } else if (tools_allowed) {
            for (const auto& tool : what.object["tools"])
                if (const std::string name = get_string(get(tool, "function"), "name");
                    get_string(tool, "type") == "function" && message.find(name) != std::string::npos)
                    what.plan.push_back(step::call_function(name));
            const mcp_binding* first = nullptr;
            for (const auto& server : what.servers)
                for (const auto& [name, tool] : server.tools.items()) {
                    if (!first) first = &server;
                    if (message.find(name) != std::string::npos)
                        what.plan.push_back(step::call_mcp(name, {}, server.label));
                }
            if (what.plan.empty() && first)
                what.plan.push_back(step::call_mcp(first->tools.begin().key(), {}, first->label));
        }
        if (what.plan.empty()) what.plan.push_back(step::reply("You said: {message}"));
    }
    const auto last = what.plan.back().type();
    if (last == step::kind::call_function || last == step::kind::call_mcp) what.plan.push_back(step::reply("{output}"));
}

asio::awaitable<void> core::follow_plan(run& what, event_sink& sink) {
    bool over = false;
    while (!what.plan.empty() && !over) {
        const step next = what.plan.front();
        switch (next.type()) {
            case step::kind::reply:
                what.plan.pop_front();
                co_await say(what, sink, next);
                over = what.ended();
                break;
            case step::kind::call_function:
            case step::kind::call_mcp: {
                const bool waits = co_await call_round(what, sink);
                over = waits;
                break;
            }
            case step::kind::fail:
                throw run_failure(next.name(), next.text());
            case step::kind::incomplete:
                what.object["incomplete_details"]["reason"] = next.text();
                co_await end(what, sink, "incomplete");
                over = true;
                break;
            case step::kind::hold: {
                co_await sink.flush();
                asio::steady_timer for_ever(context, asio::steady_timer::time_point::max());
                co_await for_ever.async_wait(asio::use_awaitable);
                break;
            }
        }
    }
    if (over) co_return;
    if (what.status() == "cancelling" || what.ended()) throw interrupted{};
    co_await end(what, sink, "completed");
}

asio::awaitable<void> core::say(run& what, event_sink& sink, step what_to_say) {
    const bool twice = options.duplicate_events;
    thread& where = *threads.find(get_string(what.object, "thread_id"));
    json object;
    object["id"] = make_id("msg_");
    object["object"] = "thread.message";
    object["created_at"] = now();
    object["assistant_id"] = get(what.object, "assistant_id");
    object["thread_id"] = where.id;
    object["run_id"] = what.id;
    object["status"] = "in_progress";
    for (const char* name : {"incomplete_details", "incomplete_at", "completed_at"}) object[name] = nullptr;
    object["role"] = "assistant";
    object["content"] = json::array();
    object["attachments"] = json::array();
    object["metadata"] = json::object();
    const auto message = std::make_shared<record>(std::move(object));
    where.messages.add(message);

    json details;
    details["type"] = "message_creation";
    details["message_creation"]["message_id"] = message->id;
    const auto made = new_step(*this, what, "message_creation", std::move(details));
    what.step_under_way = made;
    what.message_under_way = message;
    co_await emit_step(what, sink, "thread.run.step.created", *made);
    co_await emit_step(what, sink, "thread.run.step.in_progress", *made);
    const std::array<const char*, 2> first_events{"thread.message.created", "thread.message.in_progress"};
    for (const char* event : first_events)
        for (int i = 0; i != 1 + twice; ++i) {
            json shown_message = message->object;
            co_await emit(what, sink, event, std::move(shown_message));
        }

    std::vector<std::string> tokens;
    std::size_t count = what_to_say.count();
    if (count == 0) {
        std::string text = replace_all(what_to_say.text(), "{message}", what.user_message);
        tokens = tokens_of(replace_all(std::move(text), "{output}", what.outputs));
        count = tokens.size();
    }
    const json& limit = get(what.object, "max_completion_tokens");
    const bool too_long = limit.is_number() && count > limit.get<std::size_t>();
    if (too_long) count = limit.get<std::size_t>();

    // The delta is the hot event: only its text changes.
    std::string before = R"({"id":")" + message->id + R"(","object":"thread.message.delta","delta":{)";
    if (options.role_in_deltas) before += R"("role":"assistant",)";
    before += R"("content":[{"index":0,"type":"text","text":{"value":)";
    const std::string after = options.role_in_deltas ? R"(,"annotations":[]}}]}})" : "}}]}}";
    asio::steady_timer pace(context);
    std::string said;
    json content;
    content["type"] = "text";
    content["text"]["value"] = "";
    content["text"]["annotations"] = json::array();
    for (std::size_t i = 0; i != count; ++i) {
        const std::string token = tokens.empty() ? (i ? " token" : "token") + std::to_string(i) : tokens[i];
        said += token;
        ++what.completion_tokens;
        if (sink.put("thread.message.delta", before + text_of(token) + after)) co_await sink.flush();
        if (options.pace.count() > 0) {
            co_await sink.flush();
            pace.expires_after(options.pace);
            co_await pace.async_wait(asio::use_awaitable);
        }
        if (what.status() == "cancelling" || what.ended()) {
            content["text"]["value"] = said;
            message->object["content"].push_back(content);
            throw interrupted{};
        }
    }
    content["text"]["value"] = said;
    message->object["content"].push_back(content);
    message->object["status"] = too_long ? "incomplete" : "completed";
    message->object[too_long ? "incomplete_at" : "completed_at"] = now();
    if (too_long) message->object["incomplete_details"]["reason"] = "max_tokens";
    what.message_under_way.reset();
    json shown_message = message->object;
    co_await emit(what, sink, too_long ? "thread.message.incomplete" : "thread.message.completed",
                  std::move(shown_message));

    end_step(*made, "completed");
    made->object["usage"] = usage_of(what.prompt_tokens, count);
    what.step_under_way.reset();
    co_await emit_step(what, sink, "thread.run.step.completed", *made);
    if (too_long) {
        what.object["incomplete_details"]["reason"] = "max_completion_tokens";
        co_await end(what, sink, "incomplete");
    }
}

asio::awaitable<void> core::emit_call_delta(run& what, event_sink& sink, std::size_t index, json call) {
    json numbered;
    numbered["index"] = index;
    numbered.update(call);
    json delta;
    delta["id"] = what.step_under_way->id;
    delta["object"] = "thread.run.step.delta";
    delta["delta"]["step_details"]["type"] = "tool_calls";
    delta["delta"]["step_details"]["tool_calls"] = json::array();
    delta["delta"]["step_details"]["tool_calls"].push_back(std::move(numbered));
    co_await emit(what, sink, "thread.run.step.delta", std::move(delta));
}

asio::awaitable<bool> core::call_round(run& what, event_sink& sink) {
    const step::kind kind = what.plan.front().type();
    what.calls.clear();
    while (!what.plan.empty() && what.plan.front().type() == kind) {
        const step next = what.plan.front();
        what.plan.pop_front();
        tool_call call;
        call.id = make_id("call_");
        call.name = next.name();
        call.is_function = kind == step::kind::call_function;
        json schema;
        if (call.is_function) {
            call.waits = true;
            for (const auto& tool : what.object["tools"])
                if (get_string(get(tool, "function"), "name") == call.name)
                    schema = get(get(tool, "function"), "parameters");
        } else {
            const auto server = std::find_if(what.servers.begin(), what.servers.end(), [&](const mcp_binding& one) {
                return (next.label().empty() || one.label == next.label()) && one.tools.contains(call.name);
            });
            if (server == what.servers.end())
                throw run_failure("tool_user_error",
                                  "Error: no MCP server of this run has a tool '" + call.name + "'.");
            call.server = static_cast<std::size_t>(server - what.servers.begin());
            call.waits = server->needs_approval(call.name);
            call.headers = server->headers;
            schema = get(server->tools[call.name], "parameters");
        }
        call.arguments = next.text().empty() ? text_of(arguments_for(schema, what.user_message)) : next.text();
        what.calls.push_back(std::move(call));
    }

    const auto made = new_step(*this, what, "tool_calls", tool_calls_details(what, false));
    what.step_under_way = made;
    co_await emit_step(what, sink, "thread.run.step.created", *made);
    for (std::size_t i = 0; i != what.calls.size(); ++i) {
        const tool_call call = what.calls[i];
        json first;
        first["id"] = call.id;
        first["type"] = call.is_function ? "function" : "mcp";
        json& target = call.is_function ? first["function"] : first;
        target["name"] = call.name;
        if (!call.is_function) target["server_label"] = what.servers[call.server].label;
        target["arguments"] = "";
        if (call.is_function) target["output"] = nullptr;
        co_await emit_call_delta(what, sink, i, std::move(first));
        // Arguments of functions come in pieces, those of MCP tools whole.
        std::size_t half = call.arguments.size();
        if (call.is_function && half > 1) {
            half /= 2;
            while (half < call.arguments.size() && (static_cast<unsigned char>(call.arguments[half]) & 0xC0) == 0x80)
                ++half;
        }
        const std::array<std::string, 2> pieces{call.arguments.substr(0, half), call.arguments.substr(half)};
        for (const auto& text : pieces) {
            if (text.empty()) continue;
            json piece;
            if (!call.is_function) piece["id"] = call.id;
            piece["type"] = call.is_function ? "function" : "mcp";
            (call.is_function ? piece["function"] : piece)["arguments"] = text;
            co_await emit_call_delta(what, sink, i, std::move(piece));
        }
    }
    made->object["step_details"] = tool_calls_details(what, true);

    const bool waits =
        std::any_of(what.calls.begin(), what.calls.end(), [](const tool_call& call) { return call.waits; });
    co_await call_servers(what, sink);
    if (!waits) {
        co_await complete_calls(what, sink);
        co_return false;
    }
    made->object["step_details"] = tool_calls_details(what, true);
    const std::string action = what.calls.front().is_function ? "submit_tool_outputs" : "submit_tool_approval";
    json required;
    required["type"] = action;
    required[action]["tool_calls"] = json::array();
    for (const auto& call : what.calls)
        if (call.waits)
            required[action]["tool_calls"].push_back(
                call.shown(call.is_function ? std::string{} : what.servers[call.server].label, false));
    if (what.status() == "cancelling" || what.ended()) throw interrupted{};
    what.object["required_action"] = std::move(required);
    co_await emit_run(what, sink, "requires_action");
    co_return true;
}

asio::awaitable<void> core::call_servers(run& what, event_sink& sink) {
    for (std::size_t i = 0; i != what.calls.size(); ++i) {
        if (what.calls[i].is_function || what.calls[i].waits || what.calls[i].denied || what.calls[i].output) continue;
        co_await sink.flush();
        const tool_call call = what.calls[i];
        const mcp_binding& server = what.servers[call.server];
        std::optional<mcp_error> problem;
        std::string output;
        try {
            auto where = target_of(what, server, call.headers);
            output = co_await mcp_.call_tool(std::move(where), call.name, call.arguments);
        } catch (const mcp_error& error) {
            problem = error;
        }
        if (problem) {
            if (options.mcp_failure == mcp_failure::anonymous)
                throw run_failure("server_error", "Sorry, something went wrong.");
            std::string message = "MCP Connector error. Http status: 424, error details: Error calling tool '" +
                                  call.name + "' of MCP server: '" + server.label + "'. ";
            message += problem->status() ? "Http status code: " + std::to_string(problem->status()) + " (" +
                                               reason_of(problem->status()) + ")"
                                         : problem->what();
            throw run_failure("tool_server_error", message);
        }
        what.calls[i].output = output;
        json delta;
        delta["id"] = call.id;
        delta["type"] = "mcp";
        delta["arguments"] = call.arguments;
        delta["output"] = std::move(output);
        co_await emit_call_delta(what, sink, i, std::move(delta));
    }
}

asio::awaitable<void> core::complete_calls(run& what, event_sink& sink) {
    const auto made = what.step_under_way;
    what.outputs.clear();
    for (const auto& call : what.calls) {
        if (!what.outputs.empty()) what.outputs += '\n';
        what.outputs += call.denied ? "The call of " + call.name + " was denied." : call.output.value_or("");
    }
    made->object["step_details"] = tool_calls_details(what, true);
    end_step(*made, "completed");
    made->object["usage"] = usage_of(what.prompt_tokens, what.calls.size());
    what.completion_tokens += what.calls.size();
    what.step_under_way.reset();
    what.calls.clear();
    co_await emit_step(what, sink, "thread.run.step.completed", *made);
}

asio::awaitable<void> core::resume(run& what, event_sink& sink) {
    if (what.status() == "cancelling" || what.ended()) throw interrupted{};
    if (what.calls.front().is_function) {
        co_await complete_calls(what, sink);
        co_await emit_run(what, sink, "queued");
        co_await emit_run(what, sink, "in_progress");
    } else {
        const auto made = what.step_under_way;
        if (options.premature_step_completed) {
            record early(made->object);
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
