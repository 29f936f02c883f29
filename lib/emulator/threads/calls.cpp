// The calls of a run: what it lists and calls, and what streams tell of it.
#include "emulator/threads/core.hpp"

#include <algorithm>
#include <iterator>
#include <optional>
#include <tuple>
#include <utility>

namespace corun::emulator {
namespace {

/// The run's failure when an MCP server did not do what it was asked.
run_failure failure_of(const mcp_error& problem, const std::string& asked, mcp_failure how) {
    if (how == mcp_failure::anonymous) return {"server_error", went_wrong};
    std::string message = "MCP Connector error. Http status: 424, error details: Error " + asked + ". ";
    message += problem.description();
    return {"tool_server_error", message};
}

json tool_calls_details(const run& what, bool with_calls) {
    json details;
    details["type"] = "tool_calls";
    details["tool_calls"] = json::array();
    if (with_calls)
        for (const auto& call : what.calls) details["tool_calls"].push_back(call.shown(true));
    return details;
}

}  // namespace

json tool_call::shown(bool in_step) const {
    json call;
    call["id"] = id;
    call["type"] = type;
    if (kind == step::kind::call_tool) {
        if (type == "mcp")
            call.update(details);
        else
            call[type] = details;
        return call;
    }
    json& target = is_function() ? call["function"] : call;
    target["name"] = name;
    target["arguments"] = arguments;
    if (in_step && output)
        target["output"] = *output;
    else if (in_step && is_function())
        target["output"] = nullptr;
    if (is_mcp()) target["server_label"] = label;
    return call;
}

std::vector<json> tool_call::deltas(bool only_arguments) const {
    std::vector<json> pieces;
    const auto add = [&](bool with_id) -> json& {
        json& piece = pieces.emplace_back();
        if (with_id) piece["id"] = id;
        piece["type"] = type;
        return piece;
    };
    if (is_function()) {
        json& first = add(true)["function"];
        first["name"] = name;
        first["arguments"] = "";
        first["output"] = nullptr;
        const auto [begin, rest] = halves_of(arguments);
        for (const auto& text : {begin, rest})
            if (!text.empty()) add(false)["function"]["arguments"] = text;
        return pieces;
    }
    if (is_mcp()) {
        json& first = add(true);
        if (!only_arguments) {
            first["name"] = name;
            first["server_label"] = label;
        }
        first["arguments"] = "";
        add(true)["arguments"] = arguments;  // Not in pieces, as was seen.
        return pieces;
    }
    const auto target = [this](json& piece) -> json& { return type == "mcp" ? piece : piece[type]; };
    // Search results are never without the rest.
    json first = json::object(), late = json::object();
    for (const auto& [key, value] : details.items())
        (key == "output" || key == "outputs" || details.contains("results") ? late : first)[key] = value;
    std::string rest;
    if (type == "code_interpreter" && get(first, "input").is_string())
        std::tie(first["input"].get_ref<std::string&>(), rest) = halves_of(get_string(first, "input"));
    json& begun = add(true);
    if (!first.empty()) target(begun).update(first);
    if (!rest.empty()) add(false)[type]["input"] = rest;
    if (late.empty()) return pieces;
    std::size_t index = 0;
    if (late.contains("outputs") && late["outputs"].is_array())
        for (auto& one : late["outputs"]) {
            json numbered;
            numbered["index"] = index++;
            numbered.update(one);
            one = std::move(numbered);
        }
    target(add(true)).update(late);
    return pieces;
}

mcp_client::target core::target_of(const run& what, const mcp_binding& server, const tool_call* call) {
    recorded_mcp_request seen;
    seen.run_id = what.id;
    seen.server_label = server.label;
    if (call) seen.tool_call_id = call->id;
    seen.headers = call ? call->headers : server.headers;
    return mcp_target(server.url, std::move(seen));
}

mcp_client::target core::mcp_target(std::string url, recorded_mcp_request seen) {
    mcp_client::target where;
    where.url = std::move(url);
    where.headers = seen.headers;
    where.timeout = options.mcp_timeout;
    where.observe = [this, seen = std::move(seen)](const std::string& method, int status) {
        if (mcp_requests.size() >= options.recorded_requests)
            mcp_requests.erase(mcp_requests.begin(), mcp_requests.begin() + std::ssize(mcp_requests) / 2);
        mcp_requests.push_back(seen);
        mcp_requests.back().method = method;
        mcp_requests.back().status = status;
    };
    return where;
}

asio::awaitable<void> core::show_activity(run& what, event_sink& sink, json activity) {
    json details;
    details["type"] = "activities";
    details["activities"] = json::array();
    details["activities"].push_back(std::move(activity));
    co_await stage(what, sink);
    const auto made = new_step(what, "activities", std::move(details));
    end_step(*made, "completed");
    co_await emit_step(what, sink, "thread.run.step.created", *made);
}

asio::awaitable<void> core::list_tools(run& what, event_sink& sink) {
    for (auto& server : what.servers) {
        co_await sink.flush();
        mcp_answer answer;
        auto asked = list_into(answer, mcp, target_of(what, server, nullptr));
        co_await meanwhile(sink, std::move(asked));
        if (answer.problem) {
            what.step_under_way = new_step(what, "tool_calls", tool_calls_details(what, false));
            throw failure_of(*answer.problem, "retrieving tool list from MCP server: '" + server.label + "'",
                             options.mcp_failure);
        }
        server.tools = json::object();
        for (const auto& tool : answer.tools) {
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
        co_await show_activity(what, sink, std::move(activity));
    }
}

asio::awaitable<void> core::emit_call_delta(run& what, event_sink& sink, std::size_t index, json call) {
    json numbered;
    numbered["index"] = index;
    numbered.update(call);
    json details;
    details["type"] = options.mcp_delta_type && get(call, "type") == "mcp" ? "mcp" : "tool_calls";
    details["tool_calls"] = json::array();
    details["tool_calls"].push_back(std::move(numbered));
    if (!what.with_results) drop_results(details);
    json delta;
    delta["id"] = what.step_under_way->id;
    delta["object"] = "thread.run.step.delta";
    delta["delta"]["step_details"] = std::move(details);
    co_await emit(sink, "thread.run.step.delta", std::move(delta));
}

asio::awaitable<bool> core::call_round(run& what, event_sink& sink) {
    const step first = what.plan.front();
    const auto is_of_round = [&](const step& next) {
        const auto mixes = [](const step& one) {
            return one.type() == step::kind::call_function || one.type() == step::kind::call_mcp;
        };
        if (options.mixed_rounds && mixes(first) && mixes(next)) return true;
        return next.type() == first.type() && (first.type() != step::kind::call_tool || next.name() == first.name());
    };
    const bool in_parallel = get(what.object, "parallel_tool_calls") != false;
    what.calls.clear();
    do {
        what.calls.push_back(make_call(what, what.plan.front()));
        what.plan.pop_front();
    } while (in_parallel && !what.plan.empty() && is_of_round(what.plan.front()));

    co_await stage(what, sink);
    const auto made = new_step(what, "tool_calls", tool_calls_details(what, false));
    what.step_under_way = made;
    co_await emit_step(what, sink, "thread.run.step.created", *made);
    for (std::size_t i = 0; i != what.calls.size(); ++i) {
        auto pieces = what.calls[i].deltas(options.mcp_deltas == mcp_deltas::bare);
        for (auto& piece : pieces) co_await emit_call_delta(what, sink, i, std::move(piece));
    }
    made->object["step_details"] = tool_calls_details(what, true);

    co_await call_servers(what, sink);
    json functions = json::array(), approvals = json::array();
    for (const auto& call : what.calls)
        if (call.waits) (call.is_function() ? functions : approvals).push_back(call.shown(false));
    if (functions.empty() && approvals.empty()) {
        co_await complete_calls(what, sink);
        co_return false;
    }
    made->object["step_details"] = tool_calls_details(what, true);
    json action;
    action["type"] = functions.empty() ? "submit_tool_approval" : "submit_tool_outputs";
    if (!functions.empty()) action["submit_tool_outputs"]["tool_calls"] = std::move(functions);
    if (!approvals.empty()) action["submit_tool_approval"]["tool_calls"] = std::move(approvals);
    co_await require_action(what, sink, std::move(action));
    co_return true;
}

asio::awaitable<void> core::call_servers(run& what, event_sink& sink) {
    for (std::size_t i = 0; i != what.calls.size(); ++i) {
        if (!what.calls[i].is_mcp() || what.calls[i].waits || what.calls[i].denied || what.calls[i].output) continue;
        co_await sink.flush();
        const tool_call call = what.calls[i];
        const mcp_binding& server = what.servers[call.server];
        mcp_answer answer;
        auto asked = call_into(answer, mcp, target_of(what, server, &call), call.name, call.arguments);
        co_await meanwhile(sink, std::move(asked));
        if (answer.problem)
            throw failure_of(*answer.problem, "calling tool '" + call.name + "' of MCP server: '" + server.label + "'",
                             options.mcp_failure);
        what.calls[i].output = answer.output.text;
        if (options.mcp_deltas == mcp_deltas::bare) continue;
        json delta;
        delta["id"] = call.id;
        delta["type"] = "mcp";
        delta["arguments"] = call.arguments;
        delta["output"] = std::move(answer.output.text);
        co_await emit_call_delta(what, sink, i, std::move(delta));
    }
}

asio::awaitable<void> core::complete_calls(run& what, event_sink& sink) {
    const auto made = what.step_under_way;
    co_await stage(what, sink);
    what.outputs.clear();
    for (const auto& call : what.calls) {
        if (!what.outputs.empty()) what.outputs += '\n';
        if (call.denied)
            what.outputs += "The call of " + call.name + " was denied.";
        else if (call.output)
            what.outputs += *call.output;
        else if (get(call.details, "output").is_string())
            what.outputs += get_string(call.details, "output");
        else
            what.outputs += text_of(call.details);
    }
    made->object["step_details"] = tool_calls_details(what, true);
    end_step(*made, "completed");
    made->object["usage"] = usage_of(what.prompt_tokens, what.calls.size());
    what.completion_tokens += what.calls.size();
    what.step_under_way.reset();
    what.calls.clear();
    co_await emit_step(what, sink, "thread.run.step.completed", *made);
}

}  // namespace corun::emulator
