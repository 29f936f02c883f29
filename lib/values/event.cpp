#include "text/escape.hpp"
#include <corun/event.hpp>

#include <ostream>

namespace corun {
namespace {

struct outcome_name {
    run_outcome outcome;
    run_state state;
    const char* name;
};

constexpr outcome_name outcome_names[] = {
    {run_outcome::completed, run_state::completed, "completed"},
    {run_outcome::failed, run_state::failed, "failed"},
    {run_outcome::incomplete, run_state::incomplete, "incomplete"},
    {run_outcome::cancelled, run_state::cancelled, "cancelled"},
    {run_outcome::expired, run_state::expired, "expired"},
};

/// The run that a body ends, and how.
struct end_finder {
    struct end {
        const thread_run* run = nullptr;
        run_outcome outcome = {};
    };

    end operator()(const events::run_completed& body) const noexcept { return {&body.run, run_outcome::completed}; }
    end operator()(const events::run_failed& body) const noexcept { return {&body.run, run_outcome::failed}; }
    end operator()(const events::run_incomplete& body) const noexcept { return {&body.run, run_outcome::incomplete}; }
    end operator()(const events::run_cancelled& body) const noexcept { return {&body.run, run_outcome::cancelled}; }
    end operator()(const events::run_expired& body) const noexcept { return {&body.run, run_outcome::expired}; }
    template <class Other>
    end operator()(const Other&) const noexcept {
        return {};
    }
};

end_finder::end find_end(const event& value) noexcept {
    return value.visit(end_finder());
}

/// Prints what a reader of a log wants to know of a body, each part after a space.
class body_printer {
public:
    explicit body_printer(std::ostream& out) : out_(out) {}

    void operator()(const events::text_delta& body) const { text(body.text); }
    void operator()(const events::refusal_delta& body) const { text(body.text); }
    void operator()(const events::reasoning_delta& body) const { text(body.text); }
    void operator()(const events::audio_delta& body) const { text(body.transcript); }
    void operator()(const events::part_completed& body) const { words(body.item_id, body.type); }
    void operator()(const events::oauth_consent_requested& body) const { words(body.server_label, body.link); }
    void operator()(const events::annotation& body) const { word(body.value.type); }
    void operator()(const events::image_delta& body) const { word(body.file_id); }
    void operator()(const events::image_partial& body) const { word(body.item_id); }
    void operator()(const events::thread_created& body) const { word(body.thread_id); }
    void operator()(const events::run_created& body) const { word(body.run_id); }
    void operator()(const events::run_status& body) const { words(body.run_id, body.status_text); }
    void operator()(const events::message_created& body) const { word(body.message.id); }
    void operator()(const events::message_in_progress& body) const { word(body.message.id); }
    void operator()(const events::message_completed& body) const {
        word(body.message.id);
        text(body.message.text());
    }
    void operator()(const events::step_created& body) const { words(body.step.id, body.step.type); }
    void operator()(const events::step_in_progress& body) const { words(body.step.id, body.step.type); }
    void operator()(const events::step_completed& body) const { words(body.step.id, body.step.type, body.step.status); }
    void operator()(const events::tool_call_delta& body) const {
        words(body.name, body.arguments, body.output, body.error_output);
    }
    void operator()(const events::mcp_tools_listed& body) const { word(body.list.server_label); }
    void operator()(const events::mcp_call& body) const { words(body.call.server_label, body.call.name); }
    void operator()(const events::action_required& body) const {
        word(body.action.type);
        for (const function_call& call : body.action.function_calls) word(call.name);
        for (const mcp_approval_request& call : body.action.mcp_approvals) words(call.server_label, call.name);
    }
    void operator()(const events::run_restarted& body) const { run(body.run); }
    void operator()(const events::reattached& body) const { words(body.run_id, body.cause.message()); }
    void operator()(const events::stream_error& body) const { words(body.code, body.message); }
    void operator()(const events::function_called& body) const { words(body.name, body.error.value_or("")); }
    void operator()(const events::approval_decided& body) const {
        words(body.server_label, body.name, body.approved ? "approved" : body.error.value_or("denied"), body.reason);
    }
    void operator()(const events::unknown&) const {}
    /// The events that end a run.
    template <class Ended>
    void operator()(const Ended& body) const {
        run(body.run);
    }

private:
    void word(std::string_view value) const {
        if (!value.empty()) out_ << ' ' << detail::escape(value);
    }
    template <class... Values>
    void words(const Values&... values) const {
        (word(values), ...);
    }
    void text(std::string_view value) const { out_ << ' ' << detail::quote(value); }
    void run(const thread_run& value) const {
        word(value.id);
        if (value.last_error) words(value.last_error->code, value.last_error->message);
        word(value.incomplete_reason);
    }

    std::ostream& out_;
};

}  // namespace

bool is_terminal(const event& value) noexcept {
    return ended_run(value) != nullptr;
}

const thread_run* ended_run(const event& value) noexcept {
    return find_end(value).run;
}

std::optional<run_outcome> outcome_of(const event& value) noexcept {
    const end_finder::end found = find_end(value);
    if (!found.run) return std::nullopt;
    return found.outcome;
}

std::optional<run_outcome> outcome_of(run_state state) noexcept {
    for (const outcome_name& entry : outcome_names)
        if (entry.state == state) return entry.outcome;
    return std::nullopt;
}

std::string_view to_string(run_outcome outcome) noexcept {
    for (const outcome_name& entry : outcome_names)
        if (entry.outcome == outcome) return entry.name;
    return "unknown";
}

std::ostream& operator<<(std::ostream& out, run_outcome outcome) {
    return out << to_string(outcome);
}

std::ostream& operator<<(std::ostream& out, const event& value) {
    out << (value.name().empty() ? "event" : detail::escape(value.name()));
    value.visit(body_printer(out));
    if (!value.problem().empty()) out << " (" << detail::escape(value.problem()) << ')';
    return out;
}

}  // namespace corun
