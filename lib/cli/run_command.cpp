#include "run_command.hpp"

#include <corun/agent.hpp>
#include <corun/agent_thread.hpp>
#include <corun/json.hpp>

#include <asio/error.hpp>
#include <asio/this_coro.hpp>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include <iostream>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <utility>

namespace corun::cli {
namespace {

std::string question_of(const run_settings& options) {
    std::string question = options.question;
    if (question == "-" || (question.empty() && ::isatty(STDIN_FILENO) == 0))
        question.assign(std::istreambuf_iterator<char>(std::cin), {});
    if (question.find_first_not_of(" \t\r\n") == std::string::npos)
        throw usage_error("there is no question: write it behind 'run', or send it to standard input");
    return question;
}

std::unique_ptr<event_view> make_view(program& self, used_secrets used) {
    if (self.options.output.json) return std::make_unique<json_view>(self.out, std::move(used));
    return std::make_unique<text_view>(self.out, self.options.output.verbose,
                                       self.out.is_terminal() && !self.options.run.plain);
}

asio::awaitable<event_stream> start(program& self, client service, run_options options, used_secrets used) {
    const settings& values = self.options;
    agent chosen = co_await find_agent(service, values.connection);
    std::string question = question_of(values.run);
    mcp_header_source headers = make_mcp_headers(values.connection, std::move(used));
    if (values.run.thread.empty())
        co_return co_await chosen.run_stream(std::move(question), std::move(headers), std::move(options));
    agent_thread conversation = co_await service.get_thread(values.run.thread);
    co_return co_await chosen.run_stream(std::move(conversation), std::move(question), std::move(headers),
                                         std::move(options));
}

void explain(const event_stream& stream, output& out) {
    for (const reconcile_report::line& line : stream.report().lines())
        out.notice("row " + std::to_string(line.row) + ": " + line.text);
}

void conclude(program& self, const event_stream& stream, exit_code code) {
    if (self.options.output.json) {
        nlohmann::json end = to_json(stream.position());
        end["exit_code"] = static_cast<int>(code);
        self.out.line(json_line("corun.end", std::move(end)));
    } else if (self.options.output.verbose) {
        const std::string thread = stream.thread_id().empty() ? "" : "thread " + stream.thread_id() + ", ";
        self.out.notice(thread + "run " + stream.run_id());
    }
}

asio::awaitable<exit_code> stop(event_stream& stream, output& out) {
    out.notice("cancelling the run (Ctrl-C again leaves at once)");
    std::string problem;
    try {
        co_await stream.stop();
    } catch (const std::exception& failure) {
        problem = failure.what();
    }
    if (problem.empty())
        out.notice("the run is cancelled");
    else
        out.failure(problem);
    co_return exit_code::interrupted;
}

/// Lets the user answer. Returns the error of an interrupt.
asio::awaitable<std::error_code> submit(event_stream& stream, questions& user, const required_action& action) {
    std::error_code interrupt;
    try {
        const submission answers = co_await user.answer(action);
        co_await stream.submit(answers);
    } catch (const std::system_error& failure) {
        interrupt = failure.code();
        if (interrupt != asio::error::operation_aborted) throw;
    }
    co_return interrupt;
}

}  // namespace

asio::awaitable<exit_code> show_run(event_stream& stream, event_view& view, output& out, questions* user) {
    exit_code result = exit_code::failed;
    required_action action;
    std::error_code code;
    while (!code) {
        const std::optional<event> arrived = co_await stream.next(code);
        if (arrived) {
            view.show(*arrived);
            if (user != nullptr) user->on_shown(arrived->get_if<events::action_required>() != nullptr);
            if (const auto outcome = outcome_of(*arrived)) result = exit_code_of(*outcome);
            if (const auto* const waits = arrived->get_if<events::action_required>()) action = waits->action;
            continue;
        }
        view.complete();
        if (code || user == nullptr || !stream.waits_for_answers()) break;
        code = co_await submit(stream, *user, action);
        if (!code) out.status("waiting ...");
    }
    if (code == asio::error::operation_aborted) {
        co_await asio::this_coro::reset_cancellation_state();
        co_return co_await stop(stream, out);
    }
    if (code) throw error(code, stream.details());
    co_return result;
}

asio::awaitable<exit_code> run_question(program& self) {
    client service = make_client(self.context.get_executor(), self.options.connection);
    const auto used = std::make_shared<std::vector<secret>>();
    const std::unique_ptr<event_view> view = make_view(self, used);
    run_options options = make_run_options(self.options);
    const std::shared_ptr<questions> user = questions::make(self.context.get_executor(), options);
    event_stream stream = co_await start(self, service, std::move(options), used);
    if (self.options.output.verbose) explain(stream, self.out);
    const exit_code result = co_await show_run(stream, *view, self.out, user.get());
    conclude(self, stream, result);
    co_return result;
}

}  // namespace corun::cli
