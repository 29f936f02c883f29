// One run, one stream: it calls a function of this program, then tools of an MCP server, each after an approval, and
// each with a token created when it is needed.
#include "main.hpp"
#include "terminal.hpp"
#include <corun/corun.hpp>

#include <chrono>
#include <iostream>
#include <memory>
#include <optional>
#include <string>

namespace {

/// Prints what happens beside the text on a line of its own.
std::ostream& note(bool& in_text) {
    if (in_text) std::cout << '\n';
    in_text = false;
    return std::cout << "  ";
}

asio::awaitable<void> story(demo::backend& backend) {
    const auto executor = co_await asio::this_coro::executor;
    corun::client client{executor, backend.endpoint(), backend.credential(), backend.options()};
    // Handlers may outlive the stream, so they share what they use.
    const auto terminal = std::make_shared<demo::terminal>(executor);
    const auto in_text = std::make_shared<bool>(false);

    corun::local_function find_seats("find_seats", "The free seats of a row.",
                                     R"({"type":"object","properties":{"row":{"type":"integer"}},"required":["row"]})",
                                     [in_text](const corun::function_call& call) {
                                         note(*in_text)
                                             << "function   " << call.name << call.arguments << " runs here\n";
                                         return "14A and 14C";
                                     });
    std::vector<corun::tool> tools{find_seats.definition};
    corun::agent agent = co_await backend.make_agent(client, tools);
    corun::agent_thread thread = co_await backend.make_thread(client);

    corun::run_options options;
    options.functions.push_back(find_seats);
    options.on_mcp_approval = [&backend, terminal,
                               in_text](corun::mcp_approval_request request) -> asio::awaitable<bool> {
        note(*in_text);
        const bool approved =
            co_await demo::terminal::ask(terminal, "approval   " + request.server_label + " wants to run " +
                                                       request.name + request.arguments + ". May it?");
        backend.pass(std::chrono::minutes(10));  // A user who thinks for longer than a token is valid.
        co_return approved;
    };
    const corun::mcp_header_provider provider =
        [&backend, in_text](corun::mcp_header_request request) -> asio::awaitable<corun::mcp_headers> {
        using occasion = corun::mcp_header_request::occasion;
        note(*in_text) << "provider   a token for five minutes, "
                       << (request.why == occasion::run_start  ? "to begin with"
                           : request.why == occasion::approval ? "for an approved call"
                                                               : "for one that was refused")
                       << '\n';
        co_return backend.mcp_headers(std::chrono::minutes(5));
    };

    corun::event_stream stream =
        co_await agent.run_stream(thread, "Find me a free seat in row 14, and book it.", provider, options);
    while (std::optional<corun::event> event = co_await stream.next()) {
        if (const auto* delta = event->get_if<corun::events::text_delta>()) {
            if (!*in_text) std::cout << "  text       ";
            *in_text = true;
            std::cout << delta->text << std::flush;
        }
        if (const auto* call = event->get_if<corun::events::mcp_call>())
            note(*in_text) << "mcp call   " << call->call.name << " -> " << call->call.output.value_or("") << '\n';
        if (const auto* failed = event->get_if<corun::events::run_failed>(); failed && failed->run.last_error)
            note(*in_text) << "failed     " << failed->run.last_error->message << '\n';
    }

    std::cout << "\n\nWhat corun did:\n";
    for (const auto& line : stream.report().lines()) std::cout << "  row " << line.row << ": " << line.text << '\n';
    if (backend.emulated()) {
        std::cout << "\nWhat the MCP server got to see:\n";
        backend.show_mcp_calls();
    }
}

}  // namespace

int main() {
    return demo::run("tools", story);
}
