// A conversation in the terminal: one thread, a run a line, tokens as they come.
#include "main.hpp"
#include <corun/corun.hpp>

#include <iostream>
#include <string>

asio::awaitable<void> chat(demo::backend& backend) {
    corun::client client{co_await asio::this_coro::executor, backend.endpoint(), backend.credential()};
    corun::agent agent = co_await backend.make_agent(client);
    corun::thread thread = co_await backend.make_thread(client);
    corun::run_options options;
    options.default_approval = corun::mcp_approval::never();

    std::cout << "Say something; an empty line ends.\n> " << std::flush;
    std::string line;
    while (std::getline(std::cin, line) && !line.empty()) {
        try {
            corun::event_stream stream = co_await agent.run_stream(thread, line, backend.mcp_headers(), options);
            while (std::optional<corun::event> event = co_await stream.next()) {
                if (const auto* delta = event->get_if<corun::text_delta>()) std::cout << delta->text << std::flush;
                if (const auto* failed = event->get_if<corun::run_failed>(); failed && failed->run.last_error)
                    std::cout << "the run failed: " << failed->run.last_error->message;
            }
        } catch (const corun::error& problem) {
            std::cout << problem.what();
        }
        std::cout << "\n> " << std::flush;
    }
}

int main() {
    return demo::run("chat", chat);
}
