// The shortest program that streams a run with its own headers for an MCP server.
#include "main.hpp"
#include <corun/corun.hpp>

#include <iostream>

asio::awaitable<void> quickstart(demo::backend& backend) {
    corun::client client{co_await asio::this_coro::executor, backend.endpoint(), backend.credential(),
                         backend.options()};
    corun::agent agent = co_await backend.make_agent(client);
    corun::agent_thread thread = co_await backend.make_thread(client);

    corun::mcp_headers headers = backend.mcp_headers();
    corun::run_options options;
    options.default_approval = corun::mcp_approval::never();

    auto stream = co_await agent.run_stream(thread, "Book seat 14A, please.", headers, options);
    while (auto event = co_await stream.next())
        if (auto* delta = event->get_if<corun::events::text_delta>()) std::cout << delta->text << std::flush;
    std::cout << '\n';
}

int main() {
    return demo::run("quickstart", quickstart);
}
