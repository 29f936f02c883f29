#include "questions.hpp"

#include "event_view.hpp"
#include <corun/error.hpp>

#include <asio/redirect_error.hpp>
#include <asio/use_awaitable.hpp>

#include <optional>
#include <utility>

namespace corun::cli {

std::shared_ptr<questions> questions::make(const asio::any_io_executor& executor, run_options& options) {
    if (!terminal_input::has_user()) return nullptr;
    auto user = std::make_shared<questions>(executor);
    options.answers_by_hand = true;
    // Calls that corun makes are approved by a handler only.
    const bool needs_handler = options.default_mcp_caller != mcp_caller::service && !options.on_mcp_approval;
    if (needs_handler)
        options.on_mcp_approval = [user](const mcp_approval_request& call) { return approve(user, call); };
    return user;
}

questions::questions(const asio::any_io_executor& executor)
    : keyboard_(executor), shown_(executor, asio::steady_timer::time_point::max()) {}

void questions::on_shown(bool is_action) {
    is_action_shown_ = is_action;
    if (is_action) shown_.cancel();
}

asio::awaitable<bool> questions::approve(std::shared_ptr<questions> self, mcp_approval_request call) {
    const std::shared_ptr<questions> user = std::move(self);
    std::error_code woken;
    if (!user->is_action_shown_) co_await user->shown_.async_wait(asio::redirect_error(asio::use_awaitable, woken));
    std::string question = "allow " + call_line(call.server_label, call.name, call.arguments) + "?";
    co_return co_await user->keyboard_.confirm(std::move(question));
}

asio::awaitable<submission> questions::answer(required_action action) {
    submission answers;
    for (const other_call& each : action.other_calls) {
        if (each.link.empty()) throw error(errc::action_required, "the run waits for " + each.type);
        (void)co_await keyboard_.ask("press Enter when you have consented at " + each.link + " ");
    }
    for (const mcp_approval_request& call : action.mcp_approvals) {
        std::string question = "allow " + call_line(call.server_label, call.name, call.arguments) + "?";
        const bool approves = co_await keyboard_.confirm(std::move(question));
        if (approves)
            answers.approve(call.id);
        else
            answers.deny(call.id);
    }
    for (const function_call& call : action.function_calls) {
        const std::string line = call_line("", call.name, call.arguments);
        const std::optional<std::string> output = co_await keyboard_.ask("the output of " + line + ": ");
        answers.output(call.id, output.value_or(""));
    }
    co_return answers;
}

}  // namespace corun::cli
