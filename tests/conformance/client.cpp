// The client of the conformance tests: lists the tools of a server, and calls them.
//
//   mcp_conformance_client URL
//
// The tests say by the environment what they expect: MCP_CONFORMANCE_SCENARIO, and MCP_CONFORMANCE_CONTEXT, a JSON
// object, of which it knows `toolCalls`, `token`, and `client_id` with `client_secret` or `private_key_pem`.
#include "client_assertion.hpp"
#include <corun/corun.hpp>
#include <corun/json.hpp>
#include <corun/sync_wait.hpp>

#include <chrono>
#include <cstdlib>
#include <iostream>
#include <optional>
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

/// A token by client credentials, from the authorization server that the MCP server names when it refuses.
asio::awaitable<std::string> token_for(corun::mcp::session session, corun::mcp::server server, nlohmann::json context) {
    const asio::any_io_executor executor = co_await asio::this_coro::executor;
    std::optional<corun::mcp::challenge> challenge;
    corun::headers none;
    try {
        co_await session.list_tools(none);
    } catch (const corun::error& refused) {
        challenge = corun::mcp::parse_challenge(refused.details().challenge);
    }
    const corun::mcp::authorization_server found = co_await corun::mcp::discover_authorization(server, challenge);
    const std::string id = context.at("client_id");
    corun::oauth_client client(found.token_endpoint, id, corun::secret(context.value("client_secret", "")));
    if (context.contains("private_key_pem")) {
        client.method = corun::oauth_client::authentication::private_key_jwt;
        client.client_assertion = [id, audience = found.issuer,
                                   key = context.at("private_key_pem").get<std::string>()] {
            return client_assertion::make(id, audience, key);
        };
    }
    client.parameters["resource"] = found.resource;
    client.scope = found.scope;
    const corun::token_provider provider = corun::oauth_client_credentials(executor, client);
    const corun::secret token = co_await provider.token();
    co_return std::string(token.reveal());
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
    if (context.is_object() && (context.contains("client_secret") || context.contains("private_key_pem"))) {
        const std::string token = co_await token_for(session, server, context);
        fields.set("Authorization", "Bearer " + token);
    }
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
