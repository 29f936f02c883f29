#include <corun/resources.hpp>

#include <algorithm>
#include <array>
#include <ostream>
#include <utility>

namespace corun {
namespace {

struct state_name {
    run_state state;
    std::string_view name;
};

constexpr std::array<state_name, 10> state_names{{
    {run_state::queued, "queued"},
    {run_state::in_progress, "in_progress"},
    {run_state::requires_action, "requires_action"},
    {run_state::cancelling, "cancelling"},
    {run_state::cancelled, "cancelled"},
    {run_state::failed, "failed"},
    {run_state::completed, "completed"},
    {run_state::incomplete, "incomplete"},
    {run_state::expired, "expired"},
    {run_state::unknown, "unknown"},
}};

}  // namespace

std::string_view to_string(run_state state) noexcept {
    const auto found = std::find_if(state_names.begin(), state_names.end(),
                                    [state](const state_name& entry) { return entry.state == state; });
    return found == state_names.end() ? "unknown" : found->name;
}

run_state parse_run_state(std::string_view text) noexcept {
    const auto found = std::find_if(state_names.begin(), state_names.end(),
                                    [text](const state_name& entry) { return entry.name == text; });
    return found == state_names.end() ? run_state::unknown : found->state;
}

std::ostream& operator<<(std::ostream& out, run_state state) {
    return out << to_string(state);
}

bool is_terminal(run_state state) noexcept {
    switch (state) {
        case run_state::cancelled:
        case run_state::failed:
        case run_state::completed:
        case run_state::incomplete:
        case run_state::expired:
            return true;
        case run_state::queued:
        case run_state::in_progress:
        case run_state::requires_action:
        case run_state::cancelling:
        case run_state::unknown:
            return false;
    }
    return false;
}

thread_message::thread_message() = default;
required_action::required_action() = default;
thread_run::thread_run() = default;
tool_call::tool_call() = default;
run_step::run_step() = default;
agent_definition::agent_definition() = default;
thread_definition::thread_definition() = default;

std::string thread_message::text() const {
    std::string all;
    for (const message_content& piece : content)
        if (piece.type == "text") all += piece.text;
    return all;
}

agent_definition::agent_definition(std::string model_name) : model(std::move(model_name)) {}

}  // namespace corun
