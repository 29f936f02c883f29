// The calls of a run: listing the tools of MCP servers, and rounds of calls.
#include "emulator/http/api_error.hpp"
#include "emulator/threads/run_execution.hpp"

#include <algorithm>
#include <utility>

namespace corun::emulator {
namespace {

/// The failure of a run whose MCP server failed during `activity`.
run_failure failure_of(const mcp_error& problem, const std::string& activity, mcp_failure naming) {
    if (naming == mcp_failure::anonymous) return {"server_error", went_wrong};
    std::string message = "MCP Connector error. Http status: 424, error details: Error " + activity + ". ";
    message += problem.description();
    return {"tool_server_error", message};
}

/// The tools of a server as steps show them: name -> {description, parameters}.
json shown_tools(const json& tools, const json& allowed) {
    json shown = json::object();
    for (const auto& tool : tools) {
        const std::string name = get_string(tool, "name");
        if (allowed.is_array() && std::find(allowed.begin(), allowed.end(), name) == allowed.end()) continue;
        json shown_tool;
        if (const json& description = get(tool, "description"); !description.is_null())
            shown_tool["description"] = description;
        shown_tool["parameters"] = get(tool, "inputSchema");
        shown[name] = std::move(shown_tool);
    }
    return shown;
}

/// The action that a run requires for the calls that wait; null when none does.
json action_for(const std::vector<tool_call>& calls) {
    json functions = json::array(), approvals = json::array();
    for (const auto& call : calls)
        if (call.waits) (call.is_function() ? functions : approvals).push_back(call.shown(false));
    if (functions.empty() && approvals.empty()) return nullptr;
    json action;
    action["type"] = functions.empty() ? "submit_tool_approval" : "submit_tool_outputs";
    if (!functions.empty()) action["submit_tool_outputs"]["tool_calls"] = std::move(functions);
    if (!approvals.empty()) action["submit_tool_approval"]["tool_calls"] = std::move(approvals);
    return action;
}

mcp_client::target target_of(environment& shared, const run& run, const mcp_binding& server, const tool_call* call) {
    recorded_mcp_request record;
    record.run_id = run.id;
    record.server_label = server.label;
    if (call) record.tool_call_id = call->id;
    record.headers = call ? call->headers : server.headers;
    return shared.mcp_target(server.url, std::move(record));
}

}  // namespace

asio::awaitable<void> run_execution::list_tools() {
    for (auto& server : run_.servers) {
        mcp_result result;
        auto listing = environment_->mcp.list_tools(result, target_of(*environment_, run_, server, nullptr));
        co_await meanwhile(std::move(listing));
        if (result.problem) {
            run_.current_step = add_step("tool_calls", tool_calls_details({}));
            throw failure_of(*result.problem, "retrieving tool list from MCP server: '" + server.label + "'",
                             environment_->options.mcp_failure);
        }
        server.tools = shown_tools(result.tools, server.allowed);
        json activity;
        activity["type"] = "mcp_list_tools";
        activity["id"] = environment_->make_id("mcpl_");
        activity["server_label"] = server.label;
        activity["tools"] = server.tools;
        co_await show_activity(std::move(activity));
    }
}

asio::awaitable<bool> run_execution::call_round(std::vector<step> round) {
    run_.calls.clear();
    for (const auto& scripted : round) run_.calls.push_back(make_call(*environment_, run_, scripted));

    co_await enter_stage();
    const auto step = add_step("tool_calls", tool_calls_details({}));
    run_.current_step = step;
    co_await events_.emit_step("created", *step);
    for (std::size_t i = 0; i != run_.calls.size(); ++i) {
        auto deltas = run_.calls[i].deltas(environment_->options.mcp_deltas == mcp_deltas::bare);
        for (auto& delta : deltas) co_await events_.emit_call_delta(i, std::move(delta));
    }
    step->object["step_details"] = tool_calls_details(run_.calls);

    co_await call_servers();
    json action = action_for(run_.calls);
    const bool waits = !action.is_null();
    if (waits) {
        step->object["step_details"] = tool_calls_details(run_.calls);
        co_await require(std::move(action));
    } else {
        co_await complete_calls();
    }
    co_return !waits;
}

asio::awaitable<void> run_execution::call_servers() {
    for (std::size_t i = 0; i != run_.calls.size(); ++i) {
        const tool_call call = run_.calls[i];
        if (!call.is_mcp() || call.waits || call.denied || call.output) continue;
        const mcp_binding& server = run_.servers[call.server];
        mcp_result result;
        auto calling = environment_->mcp.call_tool(result, target_of(*environment_, run_, server, &call), call.name,
                                                   call.arguments);
        co_await meanwhile(std::move(calling));
        if (result.problem)
            throw failure_of(*result.problem, "calling tool '" + call.name + "' of MCP server: '" + server.label + "'",
                             environment_->options.mcp_failure);
        run_.calls[i].output = result.output.text;
        if (environment_->options.mcp_deltas == mcp_deltas::bare) continue;
        json delta;
        delta["id"] = call.id;
        delta["type"] = "mcp";
        delta["arguments"] = call.arguments;
        delta["output"] = std::move(result.output.text);
        co_await events_.emit_call_delta(i, std::move(delta));
    }
}

asio::awaitable<void> run_execution::complete_calls() {
    const auto step = run_.current_step;
    co_await enter_stage();
    run_.outputs = outputs_of(run_.calls);
    step->object["step_details"] = tool_calls_details(run_.calls);
    end_step(*step, "completed", environment_->now());
    step->object["usage"] = usage_of(run_.input_tokens, run_.calls.size());
    run_.output_tokens += run_.calls.size();
    run_.current_step.reset();
    run_.calls.clear();
    co_await events_.emit_step("completed", *step);
}

}  // namespace corun::emulator
