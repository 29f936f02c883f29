// A conversation at the terminal: a thread, functions, approvals, and pieces of text as they arrive.
#include <corun/corun.hpp>
#include <corun/json.hpp>
#include <corun/sync_wait.hpp>

#include <iostream>
#include <stdexcept>

corun::run_options handlers() {
    corun::run_options options;
    options.functions.emplace_back("add", "Adds two numbers.",
                                   R"({"type":"object","properties":{"a":{"type":"number"},"b":{"type":"number"}}})",
                                   [](nlohmann::json numbers) -> nlohmann::json {
                                       return numbers.at("a").get<double>() + numbers.at("b").get<double>();
                                   });
    options.approvals_one_by_one = true;
    options.on_mcp_approval = [](corun::mcp_approval_request call) {
        std::cout << "[" << call.server_label << " wants to call " << call.name << call.arguments << ": y/n?] ";
        std::string answer;
        return std::getline(std::cin, answer) && answer == "y";
    };
    options.reconcile.ephemeral_agent = true;  // new functions beside MCP headers: a copy of the agent for each run
    return options;
}

void print(const corun::event& event) {
    if (auto* delta = event.get_if<corun::events::text_delta>()) std::cout << delta->text << std::flush;
    if (auto* call = event.get_if<corun::events::function_called>())
        std::cout << "[" << call->name << " = " << call->output << "] ";
    if (event.get_if<corun::events::reattached>()) std::cout << "[connection lost, resumed] ";
    if (auto* failed = event.get_if<corun::events::run_failed>())
        std::cout << "[" << failed->run.last_error->message << "]";
}

asio::awaitable<void> chat(std::string endpoint, std::string token, std::string agent_id, std::string mcp_token) {
    corun::client client{co_await asio::this_coro::executor, endpoint, corun::credential::bearer(token)};
    corun::agent agent = co_await client.get_agent(agent_id);
    corun::agent_thread thread = co_await client.create_thread();
    corun::mcp_headers headers;
    headers.set("bookings", "Authorization", "Bearer " + mcp_token);
    for (std::string line; std::getline(std::cin, line);) {
        corun::event_stream stream = co_await agent.run_stream(thread, line, headers, handlers());
        while (auto event = co_await stream.next()) print(*event);
        std::cout << '\n';
    }
}

int main(int argc, char** argv) try {
    if (argc != 5) throw std::invalid_argument("usage: chat ENDPOINT TOKEN AGENT_ID MCP_TOKEN");
    corun::sync_wait(chat(argv[1], argv[2], argv[3], argv[4]));
} catch (const std::exception& failure) {
    std::cerr << failure.what() << '\n';
    return 1;
}
