#include "emulator/threads/runs_api.hpp"

#include "emulator/http/api_error.hpp"
#include "emulator/threads/threads_api.hpp"
#include <corun/headers.hpp>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

namespace corun::emulator {
namespace {

/// Whether `include[]` asks for the content of search results, the only value that it has.
bool wants_results(const api_request& request) {
    bool wanted = false;
    for (const auto& [name, value] : request.query) {
        if (name != "include[]") continue;
        schema::one_of({"step_details.tool_calls[*].file_search.results[*].content"})(value, "include[0]");
        wanted = true;
    }
    return wanted;
}

using waiting_calls = std::map<std::string, tool_call*>;  // by id

waiting_calls waiting(run& run, step::kind kind) {
    waiting_calls found;
    for (auto& call : run.calls)
        if (call.waits && call.kind == kind) found.emplace(call.id, &call);
    return found;
}

/// Checks that a submission answers the calls that wait, and no others.
void check_submission(const waiting_calls& waiting, const json& submitted, const std::string& list) {
    if (waiting.empty() && !submitted.empty()) throw bad_request("The run does not wait for '" + list + "'.", list);
    if (!waiting.empty() && submitted.is_null())
        throw bad_request("Missing required parameter: '" + list + "'.", list, "missing_required_parameter");
    std::vector<std::string> expected, got;
    for (const auto& [id, call] : waiting) expected.push_back(id);
    for (const auto& one : submitted) got.push_back(get_string(one, "tool_call_id"));
    std::sort(got.begin(), got.end());
    if (expected != got)
        throw bad_request("Expected '" + list + "' for call_ids " + text_of(json(expected)) + ", got " +
                          text_of(json(got)) + ".");
}

void approve(tool_call& call, const json& approval, approval_headers how) {
    call.waits = false;
    call.denied = get(approval, "approve") != true;
    const json& headers = get(approval, "headers");
    if (headers.is_null() || how == approval_headers::ignore) return;
    if (how == approval_headers::replace) call.headers.clear();
    for (const auto& [name, value] : headers.items()) {
        std::erase_if(call.headers,
                      [&name = name](const auto& field) { return equal_ignoring_case(field.first, name); });
        call.headers.emplace_back(name, value.get<std::string>());
    }
}

}  // namespace

bool runs_api::serve(const api_request& request, const responder_ptr& responder) {
    using api = runs_api;
    static constexpr route<void (api::*)(const api_request&, const responder_ptr&)> starting[] = {
        {"POST", "threads/runs", &api::create_thread_and_run},
        {"POST", "threads/*/runs", &api::create_run},
        {"POST", "threads/*/runs/*/submit_tool_outputs", &api::submit},
    };
    static constexpr route<json (api::*)(const api_request&)> routes[] = {
        {"GET", "threads/*/runs", &api::list_runs},          {"GET", "threads/*/runs/*", &api::get_run},
        {"POST", "threads/*/runs/*", &api::update_run},      {"POST", "threads/*/runs/*/cancel", &api::cancel_run},
        {"GET", "threads/*/runs/*/steps", &api::list_steps}, {"GET", "threads/*/runs/*/steps/*", &api::get_step},
    };
    if (const auto handler = find_route(starting, request)) {
        (this->*handler)(request, responder);
        return true;
    }
    const auto handler = find_route(routes, request);
    if (handler) responder->respond((this->*handler)(request));
    return handler != nullptr;
}

std::shared_ptr<run> runs_api::find_run(const api_request& request) {
    return find_or_throw(find_thread(*engine_, request)->runs, request.segments[3], "run");
}

json runs_api::list_runs(const api_request& request) {
    return list_page(find_thread(*engine_, request)->runs, page_of(request), "run", all,
                     [this](const run& one) { return engine_->shown(one); });
}

json runs_api::get_run(const api_request& request) {
    return engine_->shown(*find_run(request));
}

json runs_api::update_run(const api_request& request) {
    const auto run = find_run(request);
    engine_->update(*run, body_of(request, bodies_for(request).metadata_only));
    return engine_->shown(*run);
}

json runs_api::cancel_run(const api_request& request) {
    const auto run = find_run(request);
    if (run->has_ended() || run->status() == "cancelling")
        throw bad_request("Cannot cancel run with status '" + run->status() + "'.");
    engine_->cancel(run);
    return engine_->shown(*run);
}

json runs_api::list_steps(const api_request& request) {
    const auto run = find_run(request);
    const auto view = [results = wants_results(request)](const record& step) { return shown_step(step, results); };
    return list_page(run->steps, page_of(request), "run step", all, view);
}

json runs_api::get_step(const api_request& request) {
    const auto step = find_or_throw(find_run(request)->steps, request.segments[5], "run step");
    return shown_step(*step, wants_results(request));
}

void runs_api::create_run(const api_request& request, const responder_ptr& responder) {
    const bool results = wants_results(request);
    const auto thread = find_or_throw(engine_->threads, request.segments[1], "thread");
    const json body = body_of(request, bodies_for(request).create_run);
    const auto agent = find_or_throw(engine_->agents, get_string(body, "assistant_id"), "assistant");
    for (const auto& [place, run] : thread->runs.items()) engine_->expire(*run);
    if (const auto active = thread->active_run())
        throw bad_request("Thread " + thread->id + " already has an active run " + active->id + ".");
    const bool streaming = get(body, "stream") == true;
    const auto created = engine_->create_run(*agent, *thread, body, streaming);
    created->with_results = results;
    start(created, streaming, *responder);
}

void runs_api::create_thread_and_run(const api_request& request, const responder_ptr& responder) {
    const bool results = wants_results(request);
    const json body = body_of(request, bodies_for(request).create_thread_and_run);
    const auto agent = find_or_throw(engine_->agents, get_string(body, "assistant_id"), "assistant");
    const auto thread = engine_->create_thread(get(body, "thread"));
    const bool streaming = get(body, "stream") == true;
    std::shared_ptr<run> created;
    try {
        created = engine_->create_run(*agent, *thread, body, streaming);
    } catch (const api_error&) {
        engine_->threads.erase(thread->id);
        throw;
    }
    created->created_thread = true;
    created->with_results = results;
    start(created, streaming, *responder);
}

void runs_api::start(const std::shared_ptr<run>& run, bool streaming, responder& responder) {
    responder.set_run_id(run->id);
    if (streaming) return engine_->start(run, responder.begin_stream());
    responder.respond(engine_->shown(*run));
    engine_->start(run, {});
}

void runs_api::submit(const api_request& request, const responder_ptr& responder) {
    const auto thread = find_or_throw(engine_->threads, request.segments[1], "thread");
    const auto run = find_or_throw(thread->runs, request.segments[3], "run");
    const json body = body_of(request, bodies_for(request).submit);
    engine_->expire(*run);
    if (run->status() != "requires_action")
        throw bad_request("Runs in status \"" + run->status() + "\" do not accept tool outputs.");
    const auto functions = waiting(*run, step::kind::call_function), servers = waiting(*run, step::kind::call_mcp);
    if (functions.empty() && servers.empty())
        throw bad_request("The run requires an action of type '" +
                          get_string(get(run->object, "required_action"), "type") +
                          "', which cannot be submitted here.");
    const json &outputs = get(body, "tool_outputs"), &approvals = get(body, "tool_approvals");
    check_submission(functions, outputs, "tool_outputs");
    check_submission(servers, approvals, "tool_approvals");
    for (const auto& one : outputs) {
        tool_call& call = *functions.at(get_string(one, "tool_call_id"));
        call.waits = false;
        call.output = get_string(one, "output");
    }
    for (const auto& one : approvals)
        approve(*servers.at(get_string(one, "tool_call_id")), one, engine_->environment->options.approval_headers);
    run->object["status"] = "queued";
    run->object["required_action"] = nullptr;
    start(run, get(body, "stream") == true, *responder);
}

}  // namespace corun::emulator
