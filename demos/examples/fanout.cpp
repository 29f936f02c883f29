// Many users at once, each with a token of their own for the MCP server.
#include <corun/corun.hpp>
#include <corun/sync_wait.hpp>

#include <asio/co_spawn.hpp>

#include <iostream>
#include <stdexcept>

asio::awaitable<void> ask(corun::agent agent, int user) {
    corun::mcp_headers headers;
    headers.set("bookings", "Authorization", "Bearer token-" + std::to_string(user));
    corun::run_options options;
    options.default_approval = corun::mcp_approval::never();
    options.rate_limit_restarts = 3;
    corun::run_result result = co_await agent.run("I am user " + std::to_string(user), headers, options);
    std::cout << user << ": " << result.text() << '\n';
}

asio::awaitable<void> ask_all(std::string endpoint, std::string token, std::string agent_id, int users) {
    auto executor = co_await asio::this_coro::executor;
    corun::client client{executor, endpoint, corun::credential::bearer(token)};
    corun::agent agent = co_await client.get_agent(agent_id);
    for (int user = 1; user <= users; ++user)
        asio::co_spawn(executor, ask(agent, user), [user](std::exception_ptr failure) {
            try {
                if (failure) std::rethrow_exception(failure);
            } catch (const std::exception& problem) {
                std::cerr << user << ": " << problem.what() << '\n';
            }
        });
}

int main(int argc, char** argv) try {
    if (argc != 5) throw std::invalid_argument("usage: fanout ENDPOINT TOKEN AGENT_ID USERS");
    corun::sync_wait(ask_all(argv[1], argv[2], argv[3], std::stoi(argv[4])));
} catch (const std::exception& failure) {
    std::cerr << failure.what() << '\n';
    return 1;
}
