// A chat in the terminal: one thread, one run per line, tokens as they arrive. Calls to the MCP server wait for
// approval. Ctrl-C stops the answer; at the prompt it ends the chat.
#include "main.hpp"
#include "terminal.hpp"
#include <corun/corun.hpp>

#include <asio/this_coro.hpp>

#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <system_error>

namespace {

using terminal_ptr = std::shared_ptr<demo::terminal>;

/// Shows the run and asks for approvals. Returns false when it requires an action that this demo does not support.
asio::awaitable<bool> show(corun::event_stream& stream, terminal_ptr terminal) {
    while (std::optional<corun::event> event = co_await stream.next()) {
        if (const auto* delta = event->get_if<corun::events::text_delta>()) std::cout << delta->text << std::flush;
        if (const auto* failed = event->get_if<corun::events::run_failed>(); failed && failed->run.last_error)
            std::cout << "the run failed: " << failed->run.last_error->message;
        const auto* required = event->get_if<corun::events::action_required>();
        if (required == nullptr) continue;
        if (required->action.mcp_approvals.empty() || !required->action.function_calls.empty()) {
            std::cout << "the run waits for " << required->action.type << ", which this program does not do";
            co_return false;
        }
        corun::submission answers;
        for (const auto& call : required->action.mcp_approvals) {
            const bool approved = co_await demo::terminal::ask(
                terminal, "May " + call.server_label + " run " + call.name + call.arguments + "?");
            if (approved)
                answers.approve(call.id);
            else
                answers.deny(call.id);
        }
        co_await stream.submit(answers);
    }
    co_return true;
}

/// One turn of the conversation.
asio::awaitable<void> answer(corun::agent agent, corun::agent_thread thread, std::string line, demo::backend& backend,
                             terminal_ptr terminal) {
    const corun::mcp_header_provider provider =
        [&backend](corun::mcp_header_request) -> asio::awaitable<corun::mcp_headers> {
        co_return backend.mcp_headers();
    };
    corun::event_stream stream = co_await agent.run_stream(thread, line, provider);
    bool ended = false;
    try {
        ended = co_await show(stream, terminal);
    } catch (const std::system_error& problem) {
        if (problem.code() != asio::error::operation_aborted) throw;
    }
    if (ended) co_return;
    co_await asio::this_coro::reset_cancellation_state();
    std::cout << " (stopped)" << std::flush;
    co_await stream.cancel_run();
    // The thread accepts the next message when the run has ended.
    while (co_await stream.next()) continue;
}

asio::awaitable<void> chat(demo::backend& backend) {
    const auto executor = co_await asio::this_coro::executor;
    corun::client client{executor, backend.endpoint(), backend.credential(), backend.options()};
    const auto terminal = std::make_shared<demo::terminal>(executor);
    corun::agent agent = co_await backend.make_agent(client);
    corun::agent_thread thread = co_await backend.make_thread(client);

    std::cout << "Say something; an empty line ends.\n> " << std::flush;
    while (std::optional<std::string> line = co_await demo::terminal::read_line(terminal)) {
        if (line->empty()) break;
        try {
            co_await answer(agent, thread, *line, backend, terminal);
        } catch (const corun::error& problem) {
            std::cout << problem.what();
        }
        std::cout << "\n> " << std::flush;
    }
}

}  // namespace

int main() {
    return demo::run("chat", chat);
}
