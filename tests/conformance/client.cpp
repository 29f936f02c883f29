// The client of the conformance tests: lists the tools of a server, and calls them.
//
//   mcp_conformance_client URL
//
// The tests say by the environment what they expect: MCP_CONFORMANCE_SCENARIO, and MCP_CONFORMANCE_CONTEXT, a JSON
// object, of which it knows `toolCalls` and `token`.
#include <corun/corun.hpp>
#include <corun/json.hpp>
#include <corun/sync_wait.hpp>

#include <chrono>
#include <cstdlib>
#include <iostream>
#include <string>

namespace {

std::string environment(const char* name) {
    const char* const value = std::getenv(name);
    return value ? value : "";
}

asio::awaitable<void> call(corun::mcp::session session, std::string name, std::string arguments,
                           corun::headers fields) {
    const corun::mcp::tool_result result = co_await session.call_tool(name, arguments, fields);
    std::cout << name << (result.is_error ? " failed: " : ": ") << result.text() << '\n';
}

asio::awaitable<void> play(std::string url) {
    const std::string scenario = environment("MCP_CONFORMANCE_SCENARIO");
    const nlohmann::json context = nlohmann::json::parse(environment("MCP_CONFORMANCE_CONTEXT"), nullptr, false);
    corun::headers fields;
    if (context.is_object() && context.contains("token"))
        fields.set("Authorization", "Bearer " + context.at("token").get<std::string>());
    corun::mcp::server_options options;
    // One scenario's server asks questions on a stream that a client need not open, and waits for the answer.
    options.call_timeout = std::chrono::seconds(5);
    corun::mcp::server server(co_await asio::this_coro::executor, url, options);
    corun::mcp::session session(server);
    const corun::mcp::tool_list list = co_await session.list_tools(fields);
    std::cout << session.revision() << ", " << list.tools.size() << " tools\n";
    for (const std::string& problem : list.problems) std::cout << problem << '\n';
    if (context.is_object() && context.contains("toolCalls")) {
        for (const auto& each : context.at("toolCalls")) {
            const std::string name = each.at("name"), arguments = each.at("arguments").dump();
            co_await call(session, name, arguments, fields);
        }
    } else if (scenario != "json-schema-ref-no-deref") {
        for (const corun::mcp::tool& tool : list.tools) {
            std::string arguments = R"({"a":2,"b":3})";
            // One tool wants to have the schema of another back.
            if (tool.name == "json_schema_echo") arguments = R"({"schema":)" + list.tools.front().input_schema + "}";
            co_await call(session, tool.name, arguments, fields);
        }
    }
    co_await session.close(fields);
}

}  // namespace

int main(int argc, char** argv) try {
    if (argc != 2) {
        std::cerr << "usage: mcp_conformance_client URL\n";
        return 2;
    }
    corun::sync_wait(play(argv[1]));
} catch (const std::exception& failure) {
    std::cerr << failure.what() << '\n';
    return 1;
}
