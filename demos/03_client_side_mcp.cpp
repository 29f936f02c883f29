// corun calls the MCP server itself: the AI service receives the server's tools as functions, and never a token.
#include "main.hpp"
#include <corun/corun.hpp>

#include <iostream>
#include <optional>
#include <string>

namespace {

asio::awaitable<void> stream_run(corun::agent agent, corun::mcp_headers headers, std::string label) {
    corun::run_options options;
    options.default_approval = corun::mcp_approval::never();
    options.mcp_callers[label] = corun::mcp_caller::client;  // the one difference

    corun::event_stream stream = co_await agent.run_stream("Book seat 14A, please: through corun.", headers, options);
    std::cout << stream.report() << '\n';
    while (std::optional<corun::event> event = co_await stream.next()) {
        if (const auto* listed = event->get_if<corun::events::mcp_tools_listed>()) {
            std::cout << "corun has listed " << listed->list.server_label << ':';
            for (const auto& tool : listed->list.tools) std::cout << ' ' << tool.name;
            std::cout << '\n';
        }
        if (const auto* call = event->get_if<corun::events::mcp_call>())
            std::cout << "corun has called " << call->call.name << call->call.arguments << " -> "
                      << call->call.output.value_or(call->error.value_or("")) << '\n';
        if (const auto* delta = event->get_if<corun::events::text_delta>()) std::cout << delta->text << std::flush;
        if (const auto* failed = event->get_if<corun::events::run_failed>(); failed && failed->run.last_error)
            std::cout << failed->run.last_error->message;
    }
    std::cout << '\n';
}

asio::awaitable<void> story(demo::backend& backend) {
    corun::client client{co_await asio::this_coro::executor, backend.endpoint(), backend.credential(),
                         backend.options()};
    corun::agent agent = co_await backend.make_agent(client);
    co_await stream_run(agent, backend.mcp_headers(), backend.mcp_label());
    if (!backend.emulated()) co_return;
    std::cout << "\nWhat the MCP server received:\n";
    backend.show_mcp_calls();
    std::cout << "\nRequests to the AI service with a token of the MCP server: " << backend.requests_with_mcp_tokens()
              << " of " << backend.requests() << '\n';
}

}  // namespace

int main() {
    return demo::run("client_side_mcp", story);
}
