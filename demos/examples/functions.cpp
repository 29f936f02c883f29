#include <corun/corun.hpp>
#include <corun/sync_wait.hpp>

#include <iostream>
#include <stdexcept>

asio::awaitable<std::string> weather_in(std::string arguments) {
    co_return R"({"celsius":-3,"asked":)" + arguments + "}";
}

asio::awaitable<void> ask(std::string endpoint, std::string token, std::string agent_id, std::string mcp_token) {
    corun::client client{co_await asio::this_coro::executor, endpoint, corun::credential::bearer(token)};
    corun::agent agent = co_await client.get_agent(agent_id);
    corun::mcp_headers headers;
    headers.set("bookings", "Authorization", "Bearer " + mcp_token);

    corun::run_options options;
    options.functions.emplace_back(
        "get_weather", "The weather in a city.",
        R"({"type":"object","properties":{"city":{"type":"string"}},"required":["city"]})",
        [](corun::function_call call) -> asio::awaitable<std::string> {
            co_return co_await weather_in(call.arguments);  // arguments are JSON text; the output may be, too
        });
    options.on_mcp_approval = [](corun::mcp_approval_request call) -> asio::awaitable<bool> {
        co_return call.name != "pay";
    };
    options.reconcile.polling = true;  // the service does not stream a run with both new tools and MCP headers
    corun::run_result result = co_await agent.run("Is it cold in Oslo?", headers, options);
    std::cout << result.text() << '\n';
}

int main(int argc, char** argv) try {
    if (argc != 5) throw std::invalid_argument("usage: functions ENDPOINT TOKEN AGENT_ID MCP_TOKEN");
    corun::sync_wait(ask(argv[1], argv[2], argv[3], argv[4]));
} catch (const std::exception& failure) {
    std::cerr << failure.what() << '\n';
    return 1;
}
