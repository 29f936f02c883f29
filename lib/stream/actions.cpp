#include "stream/actions.hpp"

#include "async/task.hpp"
#include "protocol/common.hpp"
#include "protocol/reconcile_checks.hpp"
#include "stream/client_calls.hpp"
#include "stream/handler_calls.hpp"
#include "text/escape.hpp"

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace corun::detail {
namespace {

bool is_client_call(const run_context& run, const function_call& call) noexcept {
    return run.client && run.client->find(call.name) != nullptr;
}

/// Empty where nobody answers.
const function_handler& handler_of(const run_options& options, std::string_view function) noexcept {
    for (const local_function& known : options.functions)
        if (known.definition.name == function) return known.handler;
    return options.on_function_call;
}

/// A call of a function that the model invented would wait for ever: it fails, unless the caller answers by hand.
bool handlers_answer(const run_context& run, const function_call& call) noexcept {
    const run_options& options = *run.options;
    const bool has_functions = !options.functions.empty() || (run.client && !run.client->functions.empty());
    const bool answers_any = has_functions && !options.answers_by_hand;
    return answers_any || is_client_call(run, call) || handler_of(options, call.name);
}

/// Runs all of them side by side; completes when the last has, or throws the first failure in order.
/// Cancelling it cancels them.
template <class T>
asio::awaitable<std::vector<T>> all(asio::any_io_executor executor, std::vector<asio::awaitable<T>> work) {
    std::vector<T> outcomes;
    std::vector<std::shared_ptr<task<T>>> tasks;
    for (asio::awaitable<T>& each : work) tasks.push_back(task<T>::start(executor, std::move(each)));
    std::exception_ptr failure;
    for (const std::shared_ptr<task<T>>& each : tasks) {
        try {
            outcomes.push_back(co_await task<T>::outcome(each));
        } catch (...) {
            if (!failure) failure = std::current_exception();
        }
    }
    const auto state = co_await asio::this_coro::cancellation_state;
    if (state.cancelled() != asio::cancellation_type::none)
        for (const std::shared_ptr<task<T>>& each : tasks) each->cancel();
    if (failure) std::rethrow_exception(failure);
    co_return outcomes;
}

/// Runs one after the other, until one fails.
template <class T>
asio::awaitable<std::vector<T>> one_by_one(asio::any_io_executor executor, std::vector<asio::awaitable<T>> work) {
    std::vector<T> outcomes;
    for (asio::awaitable<T>& each : work) {
        auto current = task<T>::start(executor, std::move(each));
        outcomes.push_back(co_await task<T>::outcome(std::move(current)));
    }
    co_return outcomes;
}

asio::awaitable<std::vector<approval_decision>> decide(std::shared_ptr<stream_state> stream,
                                                       std::vector<mcp_approval_request> requests) {
    const run_options& options = *stream->run->options;
    asio::any_io_executor executor = stream->run->api->executor;
    std::vector<asio::awaitable<approval_decision>> decisions;
    for (mcp_approval_request& request : requests)
        decisions.push_back(ask_for_approval(stream, options.on_mcp_approval, std::move(request)));
    if (options.approvals_one_by_one) return one_by_one(std::move(executor), std::move(decisions));
    return all(std::move(executor), std::move(decisions));
}

/// Asks for the approvals of the tools that corun would call. Fills `denied`: the reasons, by the ids of the calls.
asio::awaitable<void> decide_client_calls(std::shared_ptr<stream_state> stream, std::vector<function_call> calls,
                                          std::map<std::string, std::string>* denied) {
    const std::vector<mcp_approval_request> requests = approvals_of(*stream->run, calls);
    const std::vector<approval_decision> decided = co_await decide(stream, requests);
    for (std::size_t i = 0; i != decided.size(); ++i)
        if (!decided[i].approves()) denied->emplace(requests[i].id, decided[i].reason());
}

asio::awaitable<call_output> denial(std::string reason) {
    call_output output =
        codec::encode_function_failure("The user denied the call." + (reason.empty() ? "" : " " + reason));
    co_return output;
}

/// Calls functions, and tools of MCP servers but those that are denied.
asio::awaitable<std::vector<call_output>> call_all(std::shared_ptr<stream_state> stream,
                                                   std::vector<function_call> calls,
                                                   std::map<std::string, std::string> denied) {
    const run_context& run = *stream->run;
    std::vector<function_call> approved;
    for (const function_call& call : calls)
        if (!denied.contains(call.id)) approved.push_back(call);
    co_await prepare_client_calls(stream, std::move(approved));
    std::vector<asio::awaitable<call_output>> work;
    for (const function_call& call : calls) {
        if (const auto refused = denied.find(call.id); refused != denied.end())
            work.push_back(denial(refused->second));
        else if (is_client_call(run, call))
            work.push_back(call_tool(stream, *run.client->find(call.name), call));
        else
            work.push_back(call_function(stream, handler_of(*run.options, call.name), call));
    }
    co_return co_await all(run.api->executor, std::move(work));
}

std::string names_of(const headers& fields) {
    std::string names;
    for (const header& field : fields) names += (names.empty() ? "" : ", ") + escape(field.name);
    return names;
}

/// The approvals among `answers` that carry no headers of their own, each with the call that it approves. Headers that
/// the caller gave are checked as those of the run are.
std::vector<std::pair<tool_approval*, const mcp_approval_request*>> without_headers(const run_context& run,
                                                                                    const required_action& action,
                                                                                    submission& answers) {
    std::vector<std::pair<tool_approval*, const mcp_approval_request*>> found;
    for (tool_approval& approval : answers.approvals()) {
        // Whether or not there is such a call.
        reconcile::validate(approval.headers, "the approval of " + quote(approval.tool_call_id));
        if (!approval.approve) continue;
        for (const mcp_approval_request& call : action.mcp_approvals) {
            if (call.id != approval.tool_call_id) continue;
            if (approval.headers.empty()) {
                found.emplace_back(&approval, &call);
                continue;
            }
            mcp_headers own;
            own.set(call.server_label, approval.headers);
            (void)reconcile::headers_for_approval(own, run.servers, call.server_label);
        }
    }
    return found;
}

}  // namespace

bool handlers_answer(const run_context& run, const required_action& action, bool mixed) {
    const run_options& options = *run.options;
    const bool has_calls = !action.function_calls.empty();
    const bool has_approvals = !action.mcp_approvals.empty();
    if (!(has_calls || has_approvals) || !action.other_calls.empty()) return false;
    if (has_calls && has_approvals && !mixed) return false;
    const bool asks = has_approvals || !approvals_of(run, action.function_calls).empty();
    if (asks && !options.on_mcp_approval) return false;
    return std::all_of(action.function_calls.begin(), action.function_calls.end(),
                       [&](const function_call& call) { return handlers_answer(run, call); });
}

asio::awaitable<submission> ask_handlers(std::shared_ptr<stream_state> stream, required_action action) {
    submission answers;
    std::map<std::string, std::string> denied;
    co_await decide_client_calls(stream, action.function_calls, &denied);
    std::vector<call_output> outputs = co_await call_all(stream, action.function_calls, denied);
    for (std::size_t i = 0; i != outputs.size(); ++i)
        answers.output(action.function_calls[i].id, std::move(outputs[i]));
    const std::vector<approval_decision> decided = co_await decide(stream, action.mcp_approvals);
    for (std::size_t i = 0; i != decided.size(); ++i) {
        const std::string& id = action.mcp_approvals[i].id;
        if (decided[i].approves())
            answers.approve(id);
        else
            answers.deny(id, decided[i].reason());
    }
    co_return answers;
}

asio::awaitable<submission> with_headers(std::shared_ptr<run_context> run, run_identity identity, submission answers,
                                         reconcile_report& report) {
    constexpr int approvals_row = 15;
    const auto approvals = without_headers(*run, identity.action, answers);
    if (approvals.empty()) co_return answers;
    const bool fresh = static_cast<bool>(run->provider);
    if (fresh) {
        mcp_header_request request;
        request.why = mcp_header_request::occasion::approval;
        request.run_id = std::move(identity.run_id);
        request.thread_id = std::move(identity.thread_id);
        std::vector<std::string>& labels = request.server_labels;
        for (const auto& [approval, call] : approvals) {
            request.approvals.push_back(*call);
            if (std::find(labels.begin(), labels.end(), call->server_label) == labels.end())
                labels.push_back(call->server_label);
        }
        run->headers = co_await ask_for_headers(run, std::move(request));
    }
    for (const auto& [approval, call] : approvals) {
        approval->headers = reconcile::headers_for_approval(run->headers, run->servers, call->server_label);
        if (approval->headers.empty()) continue;
        report.add(approvals_row, "The approval of " + quote(call->name) + " at MCP server " +
                                      quote(call->server_label) + " is sent with the headers " +
                                      names_of(approval->headers) + ", " +
                                      (fresh ? "fresh from their provider." : "those of the run."));
    }
    co_return answers;
}

}  // namespace corun::detail
