#include <corun/corun.hpp>
#include <corun/sync_wait.hpp>

#include <iostream>
#include <stdexcept>

asio::awaitable<void> talk(std::string endpoint, std::string token, std::string agent_id, std::string mcp_token) {
    corun::client client{co_await asio::this_coro::executor, endpoint, corun::credential::bearer(token)};
    corun::agent agent = co_await client.get_agent(agent_id);

    corun::mcp_headers headers;  // for this run only
    headers.set("bookings", "Authorization", "Bearer " + mcp_token);
    corun::run_options options;
    options.default_approval = corun::mcp_approval::never();  // otherwise each MCP call waits for an approval

    auto stream = co_await agent.run_stream("Is seat 14A free?", headers, options);
    while (auto event = co_await stream.next()) {
        if (auto* delta = event->get_if<corun::events::text_delta>()) std::cout << delta->text << std::flush;
        if (corun::outcome_of(*event).value_or(corun::run_outcome::completed) != corun::run_outcome::completed)
            std::cerr << *event;  // failed, incomplete, cancelled or expired
    }
    std::cout << '\n';
}

int main(int argc, char** argv) try {
    if (argc != 5) throw std::invalid_argument("usage: talk ENDPOINT TOKEN AGENT_ID MCP_TOKEN");
    corun::sync_wait(talk(argv[1], argv[2], argv[3], argv[4]));
} catch (const std::exception& failure) {
    std::cerr << failure.what() << '\n';
    return 1;
}
