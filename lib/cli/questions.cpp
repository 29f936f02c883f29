#include "questions.hpp"

#include "event_view.hpp"
#include <corun/error.hpp>

#include <optional>
#include <utility>

namespace corun::cli {

std::unique_ptr<questions> questions::make(const asio::any_io_executor& executor, output& out,
                                           const std::string& approve, run_options& options) {
    if (!terminal_input::has_user()) return nullptr;
    options.answers_by_hand = true;
    options.on_mcp_approval = nullptr;
    return std::make_unique<questions>(executor, out, approve == "none");
}

questions::questions(const asio::any_io_executor& executor, output& out, bool denies)
    : keyboard_(executor), out_(out), denies_(denies) {}

asio::awaitable<submission> questions::answer(required_action action) {
    submission answers;
    for (const other_call& each : action.other_calls) {
        if (each.link.empty()) throw error(errc::action_required, "the run waits for " + each.type);
        (void)co_await keyboard_.ask("press Enter when you have consented at " + each.link + " ");
    }
    for (const mcp_approval_request& call : action.mcp_approvals) {
        const std::string line = call_line(call.server_label, call.name, call.arguments);
        bool approves = false;
        if (!denies_) approves = co_await keyboard_.confirm("allow " + line + "?");
        if (approves)
            answers.approve(call.id);
        else
            answers.deny(call.id);
        if (denies_) out_.notice("denied: " + line);
    }
    for (const function_call& call : action.function_calls) {
        const std::string line = call_line("", call.name, call.arguments);
        const std::optional<std::string> output = co_await keyboard_.ask("the output of " + line + ": ");
        answers.output(call.id, output.value_or(""));
    }
    co_return answers;
}

}  // namespace corun::cli
