// Runs by their own ids, as JSON and plain event streams.
#include "gateway/commands.hpp"
#include "gateway/encoders/plain.hpp"
#include "gateway/request.hpp"
#include <corun/error.hpp>

#include <utility>

namespace corun::gateway {
namespace {

using shared_request = std::shared_ptr<request>;

std::string_view name_of(run::state state) {
    switch (state) {
        case run::state::running:
            return "running";
        case run::state::waiting:
            return "waiting";
        case run::state::ended:
            break;
    }
    return "ended";
}

asio::awaitable<std::shared_ptr<run>> run_of(shared_request from) {
    std::shared_ptr<run> found = co_await from->runs.find_run(from->by().id, from->path()[1]);
    if (!found) throw not_found();
    co_return found;
}

json described(run& shown) {
    json body = {{"id", shown.id()},
                 {"state", std::string(name_of(shown.current()))},
                 {"last_event_id", shown.log().size() == 0 ? "" : shown.log().id_of(shown.log().size() - 1).text()},
                 {"events", "/runs/" + shown.id() + "/events"}};
    if (shown.log().is_complete()) body["end"] = members_of(shown.log()[shown.log().size() - 1]);
    return body;
}

asio::awaitable<void> start_run(shared_request from) {
    const shared_request kept = std::move(from);
    const json body = kept->body();
    const std::string input = string_member(body, "input");
    if (input.empty()) throw bad_request("The member 'input' is missing.");
    std::string name = string_member(body, "conversation");
    question asked{message(input)};
    // Without a name, a conversation of its own.
    if (name.empty()) name = new_conversation_name();
    const std::shared_ptr<run> begun = co_await kept->runs.start(kept->by(), name, std::move(asked));
    if (kept->head().header("Accept").find("text/event-stream") != std::string_view::npos) {
        request::stream(kept, begun, std::make_shared<plain_encoder>(), 0);
        co_return;
    }
    json answer = described(*begun);
    answer["conversation"] = name;
    kept->respond(201, answer);
}

asio::awaitable<void> show_run(shared_request from) {
    const shared_request kept = std::move(from);
    const std::shared_ptr<run> shown = co_await run_of(kept);
    kept->respond(200, described(*shown));
}

asio::awaitable<void> run_events(shared_request from) {
    const shared_request kept = std::move(from);
    const std::shared_ptr<run> shown = co_await run_of(kept);
    std::string_view last = kept->head().header("Last-Event-ID");
    if (last.empty()) last = kept->parameter("after");
    std::size_t position = 0;
    if (const auto id = entry_id::parse(last)) position = shown->log().position_after(*id).value_or(0);
    if (shown->log().is_complete() && position == shown->log().size()) {
        // An `EventSource` that has read all of it comes back: 204 ends it.
        kept->respond(204, {}, {});
        co_return;
    }
    request::stream(kept, shown, std::make_shared<plain_encoder>(), position);
}

asio::awaitable<void> answer_run(shared_request from) {
    const shared_request kept = std::move(from);
    const std::shared_ptr<run> waiting = co_await run_of(kept);
    submission sent = answers_in(kept->body());
    co_await submit(waiting, std::move(sent));
    kept->respond(200, described(*waiting));
}

asio::awaitable<void> stop_run(shared_request from) {
    const shared_request kept = std::move(from);
    const std::shared_ptr<run> stopped = co_await run_of(kept);
    co_await stopped->stop();
    kept->respond(200, described(*stopped));
}

}  // namespace

asio::awaitable<void> submit(std::shared_ptr<run> waiting, submission answers) {
    const std::shared_ptr<run> kept = std::move(waiting);
    const required_action pending = kept->pending();
    if (kept->current() != run::state::waiting) throw refusal(409, "not_waiting", "Nothing waits for this answer.");
    std::size_t expected = pending.function_calls.size() + pending.mcp_approvals.size(), matched = 0;
    for (const function_call& each : pending.function_calls)
        for (const tool_output& output : answers.outputs()) matched += output.tool_call_id == each.id ? 1 : 0;
    for (const mcp_approval_request& each : pending.mcp_approvals)
        for (const tool_approval& approval : answers.approvals()) matched += approval.tool_call_id == each.id ? 1 : 0;
    if (matched != expected || answers.outputs().size() + answers.approvals().size() != expected)
        throw refusal(409, "incomplete_answers", "Answer all open questions, each once.");
    bool refused = false;
    try {
        co_await kept->answer(std::move(answers));
    } catch (const error& failure) {
        if (failure.code() == condition::network)
            throw refusal(502, "unavailable", "The AI service cannot be reached. Try again.");
        refused = true;
    }
    if (refused) throw refusal(409, "not_accepted", "The AI service did not accept the answer.");
}

std::vector<route> plain_routes() {
    return {
        {"POST", "/runs", error_style::json, &start_run},
        {"GET", "/runs/*", error_style::json, &show_run},
        {"GET", "/runs/*/events", error_style::json, &run_events},
        {"POST", "/runs/*/answers", error_style::json, &answer_run},
        {"POST", "/runs/*/stop", error_style::json, &stop_run},
    };
}

}  // namespace corun::gateway
