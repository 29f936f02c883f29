#include "run/replay.hpp"

#include "codec/threads.hpp"

#include <algorithm>

namespace corun::run {
namespace {

namespace wire = codec::threads;

struct observed_step {
    run_step step;
    std::string_view json;
};

struct observed_message {
    thread_message message;
    std::string_view json;
};

bool has_ended(const run_step& step) {
    return step.status == "completed" || step.status == "failed" || step.status == "cancelled" ||
           step.status == "expired";
}

bool has_ended(const thread_message& message) {
    return message.status == "completed" || message.status == "incomplete";
}

bool calls_functions(const run_step& step) {
    return std::any_of(step.tool_calls.begin(), step.tool_calls.end(),
                       [](const tool_call& call) { return call.type == "function"; });
}

}  // namespace

std::vector<replay::event> replay::observe(std::string_view run_json, const std::vector<std::string>& step_jsons,
                                           const std::vector<std::string>& message_jsons) {
    std::vector<event> events;
    const thread_run run = wire::decode_run(run_json);
    std::vector<observed_step> steps;
    for (const std::string& json : step_jsons) steps.push_back({wire::decode_step(json), json});
    std::vector<observed_message> messages;
    for (const std::string& json : message_jsons) messages.push_back({wire::decode_message(json), json});

    const auto tell = [&events](std::string name, std::string data) {
        events.push_back({std::move(name), std::move(data)});
    };
    const auto tell_run = [&](const char* status) {
        tell(std::string("thread.run.") + status, wire::at_status(run_json, status));
    };
    const auto tell_step_end = [&](const observed_step& seen) {
        tell("thread.run.step." + seen.step.status, std::string(seen.json));
    };
    const auto tell_message = [&](const observed_message& seen) {
        progress& known = messages_[seen.message.id];
        if (!known.begun) {
            tell("thread.message.created", wire::at_status(seen.json, "in_progress"));
            tell("thread.message.in_progress", wire::at_status(seen.json, "in_progress"));
            known.begun = true;
        }
        if (known.ended || !has_ended(seen.message)) return;
        tell("thread.message." + seen.message.status, std::string(seen.json));
        known.ended = true;
    };

    if (over_) return events;
    if (run.status != run_state::requires_action)
        answered_action_.clear();
    else if (run.required_action && run.required_action->raw == answered_action_)
        return events;
    if (!created_) tell("thread.run.created", wire::at_status(run_json, "queued"));
    created_ = true;
    // The outputs that were submitted complete their step before the run is queued again.
    for (const observed_step& seen : steps) {
        progress& known = steps_[seen.step.id];
        if (!known.waits_for_output || known.ended || !has_ended(seen.step)) continue;
        tell_step_end(seen);
        known.ended = true;
    }
    if (!queued_) tell_run("queued");
    queued_ = true;
    const bool started = run.status != run_state::queued &&
                         (run.started_at || !steps.empty() || run.status == run_state::in_progress ||
                          run.status == run_state::requires_action || run.status == run_state::completed);
    if (started && !in_progress_) {
        tell_run("in_progress");
        in_progress_ = true;
    }

    for (const observed_step& seen : steps) {
        progress& known = steps_[seen.step.id];
        const bool lists = seen.step.type == "activities";
        if (!known.begun) {
            tell("thread.run.step.created", lists ? std::string(seen.json) : wire::at_status(seen.json, "in_progress"));
            // A step that lists tools is whole when it is created.
            if (lists && seen.step.status == "completed")
                known.ended = true;
            else if (seen.step.type == "message_creation")
                tell("thread.run.step.in_progress", wire::at_status(seen.json, "in_progress"));
            known.begun = true;
        }
        for (const observed_message& message : messages)
            if (message.message.id == seen.step.message_id) tell_message(message);
        if (known.ended || !has_ended(seen.step)) continue;
        tell_step_end(seen);
        known.ended = true;
    }

    if (run.status == run_state::cancelling && !cancelling_) {
        tell_run("cancelling");
        cancelling_ = true;
    }
    if (run.status == run_state::requires_action && run.required_action) action_ = run.required_action->raw;
    if (run.status == run_state::requires_action && !only_the_end_) {
        for (const observed_step& seen : steps) steps_[seen.step.id].waits_for_output = calls_functions(seen.step);
        tell("thread.run.requires_action", std::string(run_json));
    }
    if (!is_terminal(run.status)) return events;
    for (const observed_message& seen : messages) tell_message(seen);
    tell("thread.run." + run.status_text, std::string(run_json));
    over_ = true;
    return events;
}

void replay::answered() {
    answered_action_ = action_;
    queued_ = false;
    in_progress_ = false;
}

void replay::tell_only_the_end() noexcept {
    created_ = queued_ = in_progress_ = only_the_end_ = true;
}

}  // namespace corun::run
