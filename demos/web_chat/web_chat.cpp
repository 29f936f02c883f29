// A web chat: the page in this folder, the gateway, and behind it the emulator with an MCP server.
//
//   web_chat PAGES [PORT]       PAGES is the bundled page (demos/run.sh web_chat makes it)
//
// Two people can sign in. The MCP server knows them by tokens of their own, which only the gateway has.
#include <corun/corun.hpp>
#include <corun/emulator/emulator.hpp>
#include <corun/gateway/gateway.hpp>

#include <asio/io_context.hpp>
#include <asio/signal_set.hpp>

#include <chrono>
#include <cstdint>
#include <exception>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace {

using corun::emulator::step;

constexpr const char* plan = R"(## A weekend in Oslo

**Saturday** begins at the *Opera House*: walk up its roof, then along the harbour.

| Time | Place | Cost |
|---|---|---|
| 10:00 | Opera House | free |
| 13:00 | Mathallen | 200 kr |
| 16:00 | Vigeland Park | free |

1. Take the `F1` train from the airport.
2. Buy a 24-hour ticket.
3. Bring warm clothes.

> There is no bad weather, only bad clothing.

```text
OSL -> Oslo S   19 min
```

Ask me to *book a seat* when you are ready.)";

constexpr const char* seat_schema = R"({"type":"object","properties":{"seat":{"type":"string"}},"required":["seat"]})";
constexpr const char* empty_schema = R"({"type":"object","properties":{}})";

/// The user whose token came with the call that is being answered.
std::string caller_of(const corun::emulator::mcp_server& server) {
    const std::string user = server.calls().empty() ? std::string() : server.calls().back().user;
    return user == "anna" ? "Anna" : user == "berta" ? "Berta" : "nobody";
}

void add_tools(corun::emulator::mcp_server& server) {
    server.add_tool("reserve_seat", "Reserves a seat.", seat_schema, [&server](std::string_view) {
        return "Seat 14A is booked in the name of " + caller_of(server) + ".";
    });
    server.add_tool("who_am_i", "Says whose account this is.", empty_schema, [&server](std::string_view) {
        return "The booking server knows you as " + caller_of(server) + ".";
    });
    for (const char* user : {"anna", "berta"})
        server.accept_token(std::string("booking-token-of-") + user, std::chrono::system_clock::time_point::max(),
                            user);
}

void add_scripts(corun::emulator::service& service) {
    service.script("", {step::reply("You said: {message}\n\nTry *Book seat 14A for me*.")});
    service.script("Oslo",
                   {step::reasoning("The user wants a plan for two days. I suggest places that are close to each "
                                    "other, and say what they cost."),
                    step::reply(plan)});
    service.script("ook seat",
                   {step::call_mcp("reserve_seat", R"({"seat":"14A"})"), step::reply("{output} Have a good trip!")});
    service.script("Who am I", {step::call_mcp("who_am_i", "{}"), step::reply("{output}")});
    service.script("go wrong", {step::fail("rate_limit_exceeded", "capacity")});
    service.script("long story", {step::tokens(400)});
}

corun::agent make_agent(corun::client& client, const corun::emulator::mcp_server& mcp) {
    corun::prompt_agent_definition definition("gpt-4o");
    definition.name = "travel-desk";
    definition.instructions = "Answer travel questions.";
    definition.tools.emplace_back(corun::prompt_mcp_tool("bookings", mcp.url()));
    return client.local_agent(std::move(definition));
}

/// Signs in by a token, and says which headers the user's runs send to the MCP server.
std::optional<corun::gateway::user> sign_in(const corun::gateway::request_head& head) {
    for (const char* name : {"anna", "berta"}) {
        if (head.header("Authorization") != std::string("Bearer demo-") + name) continue;
        const std::string token = std::string("booking-token-of-") + name;
        return corun::gateway::user(name, corun::mcp_headers("bookings", {{"Authorization", "Bearer " + token}}));
    }
    return {};
}

void serve(const std::string& pages, std::uint16_t port) {
    asio::io_context context(1);
    corun::emulator::service_options service_options;
    service_options.pace = std::chrono::milliseconds(12);
    corun::emulator::service service(context, service_options);
    corun::emulator::mcp_server mcp(context);
    add_tools(mcp);
    add_scripts(service);

    corun::client_options client_options;
    client_options.protocol = corun::protocol::responses;
    corun::client client(context.get_executor(), service.endpoint(), corun::credential::bearer(service.token()),
                         client_options);
    corun::gateway::gateway_options options;
    options.port = port;
    options.pages = pages;
    options.secure_cookie = false;  // The demo has no https.
    options.run.background = true;
    options.sign_in = [](corun::gateway::request_head head) { return sign_in(head); };
    corun::gateway::gateway_server gateway(context, client, make_agent(client, mcp), options);
    std::cout << "Open " << gateway.url() << "\n" << std::flush;

    asio::signal_set signals(context, SIGINT, SIGTERM);
    signals.async_wait([&](std::error_code, int) {
        gateway.stop();
        service.stop();
        mcp.stop();
    });
    context.run();
}

}  // namespace

int main(int argc, char** argv) try {
    if (argc < 2) throw std::invalid_argument("usage: web_chat PAGES [PORT]");
    serve(argv[1], static_cast<std::uint16_t>(argc > 2 ? std::stoi(argv[2]) : 8080));
} catch (const std::exception& failure) {
    std::cerr << failure.what() << '\n';
    return 1;
}
