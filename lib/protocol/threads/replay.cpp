#include "protocol/threads/replay.hpp"

#include "protocol/threads/codec.hpp"

#include <algorithm>
#include <variant>

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

/// The same for one action, however its JSON is written: streams and readings differ in that.
std::string name_of(const required_action& action) {
    std::string name;
    for (const function_call& call : action.function_calls) name += call.id + '\n';
    for (const mcp_approval_request& call : action.mcp_approvals) name += call.id + '\n';
    for (const other_call& call : action.other_calls) name += call.id + '\n';
    return name.empty() ? action.raw : name;
}

/// A call to an MCP server may be shown as completed before it was made.
bool lacks_output(const run_step& step) {
    return std::any_of(step.tool_calls.begin(), step.tool_calls.end(),
                       [](const tool_call& call) { return call.type == "mcp" && !call.output; });
}

template <class... Cases>
struct overloaded : Cases... {
    using Cases::operator()...;
};
/// Clang 16 does not deduce it by itself.
template <class... Cases>
overloaded(Cases...) -> overloaded<Cases...>;

}  // namespace

bool is_same_action(const required_action& one, const required_action& other) {
    return name_of(one) == name_of(other);
}

replay::piece& replay::progress::at(std::int32_t index) {
    for (piece& each : pieces)
        if (each.index == index) return each;
    piece& made = pieces.emplace_back();
    made.index = index;
    return made;
}

replay::progress& replay::message(std::string_view id) {
    // Nearly always the same one as before.
    if (!latest_message_ || latest_message_->first != id) {
        auto found = messages_.find(id);
        if (found == messages_.end()) found = messages_.emplace(std::string(id), progress()).first;
        latest_message_ = &*found;
    }
    return latest_message_->second;
}

void replay::delivered(const corun::event& what) {
    if (const auto* delta = what.get_if<text_delta>()) {
        message(delta->message_id).at(delta->content_index).text.append(delta->text);
        return;
    }
    const auto end_message = [this](const thread_message& seen) {
        progress& known = message(seen.id);
        known.begun = known.ended = true;
        known.pieces = {};
    };
    const auto end_step = [this](const run_step& seen) {
        progress& known = steps_[seen.id];
        known.begun = known.ended = true;
        known.waits_for_output = false;
        known.lacks_output = lacks_output(seen);
        known.pieces = {};
    };
    const auto end_run = [this](const auto&) { over_ = true; };
    std::visit(overloaded{
                   [&](const annotation& said) { ++message(said.message_id).at(said.content_index).annotations; },
                   [&](const message_created& said) { message(said.message.id).begun = true; },
                   [&](const message_in_progress& said) {
                       progress& known = message(said.message.id);
                       known.begun = known.in_progress = true;
                   },
                   [&](const message_completed& said) { end_message(said.message); },
                   [&](const step_created& said) {
                       progress& known = steps_[said.step.id];
                       known.begun = true;
                       // A step that lists tools is whole when it is created.
                       if (said.step.type == "activities" && said.step.status == "completed") known.ended = true;
                   },
                   [&](const step_in_progress& said) {
                       progress& known = steps_[said.step.id];
                       known.begun = known.in_progress = true;
                   },
                   [&](const step_completed& said) { end_step(said.step); },
                   [&](const tool_call_delta& said) {
                       const auto found = steps_.find(said.step_id);
                       progress& known = found == steps_.end() ? steps_[std::string(said.step_id)] : found->second;
                       piece& call = known.at(said.index);
                       call.begun = true;
                       call.text.append(said.arguments);
                       if (said.type == "function") known.waits_for_output = true;
                   },
                   [&](const thread_created&) { thread_ = true; },
                   [&](const run_created&) { created_ = true; },
                   [&](const run_status& said) {
                       if (said.status == run_state::queued) queued_ = true;
                       if (said.status == run_state::in_progress) in_progress_ = true;
                       if (said.status == run_state::cancelling) cancelling_ = true;
                   },
                   [&](const action_required& said) { action_ = name_of(said.action); },
                   [&](const run_completed& said) { end_run(said); },
                   [&](const run_failed& said) { end_run(said); },
                   [&](const run_incomplete& said) { end_run(said); },
                   [&](const run_cancelled& said) { end_run(said); },
                   [&](const run_expired& said) { end_run(said); },
                   [](const auto&) {},
               },
               what.body());
}

/// What was missed of a message, and its end if it has come.
void replay::tell_message(std::vector<event>& events, const thread_message& seen, std::string_view json) {
    progress& known = message(seen.id);
    if (known.ended) return;
    if (!known.begun) events.push_back({"thread.message.created", wire::at_status(json, "in_progress")});
    known.begun = true;
    if (!known.in_progress) events.push_back({"thread.message.in_progress", wire::at_status(json, "in_progress")});
    known.in_progress = true;
    for (std::size_t i = 0; deltas_ && i != seen.content.size(); ++i) {
        const message_content& content = seen.content[i];
        if (content.type != "text") continue;
        piece& place = known.at(static_cast<std::int32_t>(i));
        const std::string rest = place.text.rest_of(content.text);
        if (rest.empty() && content.annotations.size() <= place.annotations) continue;
        events.push_back(
            {"thread.message.delta", wire::encode_message_delta(json, place.index, rest, place.annotations)});
        place.text.append(rest);
        place.annotations = std::max(place.annotations, content.annotations.size());
    }
    if (!has_ended(seen)) return;
    events.push_back({"thread.message." + seen.status, std::string(json)});
    known.ended = true;
    known.pieces = {};
}

/// What was missed of the arguments of a step's calls.
void replay::tell_calls(std::vector<event>& events, const run_step& seen, std::string_view json) {
    if (!deltas_) return;
    progress& known = steps_[seen.id];
    for (std::size_t i = 0; i != seen.tool_calls.size(); ++i) {
        piece& place = known.at(static_cast<std::int32_t>(i));
        const std::string rest = place.text.rest_of(seen.tool_calls[i].arguments);
        if (rest.empty() && place.begun) continue;
        std::string delta = wire::encode_call_delta(json, place.index, rest, !place.begun);
        if (!delta.empty()) events.push_back({"thread.run.step.delta", std::move(delta)});
        place.text.append(rest);
        place.begun = true;
    }
}

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

    if (over_) return events;
    if (run.status != run_state::requires_action)
        answered_action_.clear();
    else if (run.required_action && name_of(*run.required_action) == answered_action_)
        return events;
    if (!created_) tell("thread.run.created", wire::at_status(run_json, "queued"));
    created_ = true;
    // The outputs that were submitted complete their step before the run is queued again.
    for (const observed_step& seen : steps) {
        progress& known = steps_[seen.step.id];
        if (!known.waits_for_output || known.ended || !has_ended(seen.step)) continue;
        tell_calls(events, seen.step, seen.json);
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
            if (lists && seen.step.status == "completed") known.ended = true;
            known.begun = true;
        }
        if (!known.in_progress && !known.ended && seen.step.type == "message_creation")
            tell("thread.run.step.in_progress", wire::at_status(seen.json, "in_progress"));
        known.in_progress = true;
        for (const observed_message& message : messages)
            if (message.message.id == seen.step.message_id) tell_message(events, message.message, message.json);
        const bool output_came = known.ended && known.lacks_output && !lacks_output(seen.step);
        if (known.ended && !output_came) continue;
        if (!known.ended) tell_calls(events, seen.step, seen.json);
        if (!has_ended(seen.step)) continue;
        tell_step_end(seen);
        known.ended = true;
        known.lacks_output = lacks_output(seen.step);
        known.pieces = {};
    }

    if (run.status == run_state::cancelling && !cancelling_) {
        tell_run("cancelling");
        cancelling_ = true;
    }
    if (run.status == run_state::requires_action && run.required_action) action_ = name_of(*run.required_action);
    if (run.status == run_state::requires_action && !only_the_end_) {
        for (const observed_step& seen : steps) steps_[seen.step.id].waits_for_output = calls_functions(seen.step);
        tell("thread.run.requires_action", std::string(run_json));
    }
    if (!is_terminal(run.status)) return events;
    for (const observed_message& seen : messages) tell_message(events, seen.message, seen.json);
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
