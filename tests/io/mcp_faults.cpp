// The emulator's MCP server in both eras, what it refuses, and what it can do wrong; with the client of MCP servers.
#include "emulated.hpp"
#include "raw_http.hpp"
#include <corun/mcp/server.hpp>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

namespace {

using namespace corun;
using namespace corun::test;
using emulator::mcp_fault;
using namespace std::chrono_literals;

struct demo_server {
    explicit demo_server(bool modern) : demo_server(options_for(modern)) {}
    explicit demo_server(emulator::mcp_server_options options) : server(io, std::move(options)) {
        server.add_tool("reserve_seat", "Reserves one seat.", R"({"type":"object","required":["seat"]})",
                        [this](std::string_view) {
                            ++executed;
                            return std::string("done");
                        });
        server.accept_token("good", std::chrono::system_clock::time_point::max(), "anna");
        mcp::server_options settings;
        settings.retry.max_retries = 0;
        settings.call_timeout = 5s;
        client.emplace(io.get_executor(), server.url(), settings);
        session.emplace(*client);
    }
    static emulator::mcp_server_options options_for(bool modern) {
        emulator::mcp_server_options options;
        options.modern = modern;
        options.legacy = !modern;
        return options;
    }

    static headers bearer(const std::string& token = "good") {
        return headers(header("Authorization", "Bearer " + token));
    }
    mcp::tool_result reserve() { return await(io, session->call_tool("reserve_seat", R"({"seat":"14A"})", bearer())); }
    std::error_code failure_of_call() {
        return failure_of(io, session->call_tool("reserve_seat", R"({"seat":"1"})", bearer())).code();
    }
    [[nodiscard]] std::size_t calls(const std::string& method) const {
        return static_cast<std::size_t>(std::count_if(server.calls().begin(), server.calls().end(),
                                                      [&](const auto& call) { return call.method == method; }));
    }

    asio::io_context io;
    emulator::mcp_server server;
    std::optional<mcp::server> client;
    std::optional<mcp::session> session;
    int executed = 0;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(mcp_faults)

BOOST_AUTO_TEST_CASE(it_speaks_both_eras) {
    for (const bool modern : {false, true})
        for (const bool as_events : {false, true}) {
            emulator::mcp_server_options options = demo_server::options_for(modern);
            options.event_streams = as_events;
            demo_server one(options);
            BOOST_TEST(await(one.io, one.session->list_tools(demo_server::bearer())).tools.size() == 1u);
            BOOST_TEST(one.reserve().text() == "done");
            BOOST_TEST(one.session->revision() == (modern ? "2026-07-28" : "2025-06-18"));
            BOOST_TEST(one.calls("initialize") == (modern ? 0u : 1u));
            BOOST_TEST(one.server.calls().back().user == "anna");
            BOOST_TEST(await(one.io, one.session->call_tool("gone", "", demo_server::bearer())).error_code.value() ==
                       -32602);
        }
    demo_server both{emulator::mcp_server_options()};
    BOOST_TEST(both.reserve().text() == "done");
    BOOST_TEST(both.session->revision() == "2026-07-28");
}

BOOST_AUTO_TEST_CASE(a_modern_request_must_repeat_its_body_in_its_headers) {
    demo_server one(true);
    const std::string meta = R"("_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28",)"
                             R"("io.modelcontextprotocol/clientCapabilities":{}})";
    const auto send_call = [&](std::vector<std::pair<std::string, std::string>> fields, const std::string& parameters) {
        http_request call(one.server.url());
        call.method = "POST";
        call.headers = {{"Accept", "application/json, text/event-stream"},
                        {"Content-Type", "application/json"},
                        {"Authorization", "Bearer good"}};
        call.headers.insert(call.headers.end(), fields.begin(), fields.end());
        call.body = R"({"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"reserve_seat",)" + parameters +
                    R"("arguments":{"seat":"1"}}})";
        const raw_response answer = await(one.io, exchange_raw(std::move(call)));
        return std::to_string(answer.status) + " " + answer.body.substr(0, 200);
    };
    const std::pair<std::string, std::string> version{"MCP-Protocol-Version", "2026-07-28"},
        method{"Mcp-Method", "tools/call"}, name{"Mcp-Name", "reserve_seat"};
    BOOST_TEST(send_call({version, method, name}, meta + ",").starts_with("200"));
    // Blanks around a value are no part of it.
    const std::pair<std::string, std::string> padded{"Mcp-Name", " \t reserve_seat \t "};
    BOOST_TEST(send_call({version, method, padded}, meta + ",").starts_with("200"));
    for (const auto& [code, answer] :
         {std::pair{"-32020", send_call({version, name}, meta + ",")},
          {"-32020", send_call({version, method}, meta + ",")},
          {"-32602", send_call({version, method, name}, "")},
          {"-32022", send_call({{"MCP-Protocol-Version", "2027-01-01"}, method, name}, meta + ",")}}) {
        BOOST_TEST(answer.starts_with("400"), answer);
        BOOST_TEST(answer.find(code) != std::string::npos, answer);
    }
    BOOST_TEST(one.executed == 2);
}

BOOST_AUTO_TEST_CASE(a_modern_call_must_repeat_its_marked_arguments_in_its_headers) {
    demo_server one(true);
    one.server.add_tool("mark", "Marks.", R"({"type":"object","properties":{
        "region":{"type":"string","x-mcp-header":"Region"},"other":{"type":"string"},
        "in":{"type":"object","properties":{"count":{"type":"integer","x-mcp-header":"Count"}}}}})",
                        [](std::string_view) { return std::string("marked"); });
    using field_list = std::vector<std::pair<std::string, std::string>>;
    const auto status_of = [&](const std::string& arguments, const field_list& fields) {
        http_request call(one.server.url());
        call.method = "POST";
        call.headers = {{"Accept", "application/json, text/event-stream"},
                        {"Content-Type", "application/json"},
                        {"Authorization", "Bearer good"},
                        {"MCP-Protocol-Version", "2026-07-28"},
                        {"Mcp-Method", "tools/call"},
                        {"Mcp-Name", "mark"}};
        call.headers.insert(call.headers.end(), fields.begin(), fields.end());
        call.body = R"({"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"mark",)"
                    R"("_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28",)"
                    R"("io.modelcontextprotocol/clientCapabilities":{}},"arguments":)" +
                    arguments + "}}";
        const raw_response answer = await(one.io, exchange_raw(std::move(call)));
        BOOST_TEST((answer.status == 200 || answer.body.find("-32020") != std::string::npos), answer.body);
        return answer.status;
    };
    BOOST_TEST(status_of(R"({"other":"x"})", {}) == 200);
    BOOST_TEST(status_of(R"({"region":"eu"})", {{"mcp-param-region", "eu"}}) == 200);
    BOOST_TEST(status_of(R"({"region":"Zürich"})", {{"Mcp-Param-Region", "=?base64?WsO8cmljaA==?="}}) == 200);
    BOOST_TEST(status_of(R"({"in":{"count":7}})", {{"Mcp-Param-Count", "7"}}) == 200);
    BOOST_TEST(status_of(R"({"region":null})", {}) == 200);
    BOOST_TEST(status_of(R"({"region":"eu"})", {}) == 400);
    BOOST_TEST(status_of(R"({"region":"eu"})", {{"Mcp-Param-Region", "us"}}) == 400);
    BOOST_TEST(status_of(R"({"other":"x"})", {{"Mcp-Param-Region", "eu"}}) == 400);
    BOOST_TEST(status_of(R"({"other":"x"})", {{"Mcp-Param-Other", "x"}}) == 400);
    BOOST_TEST(status_of(R"({"in":{"count":7}})", {{"Mcp-Param-Count", "8"}}) == 400);
}

BOOST_AUTO_TEST_CASE(it_answers_this_machine_only) {
    demo_server one(true);
    const auto status_of = [&](const std::string& name, const std::string& value) {
        http_request ping(one.server.url());
        ping.method = "POST";
        ping.headers = {{name, value}, {"Authorization", "Bearer good"}};
        return await(one.io, exchange_raw(std::move(ping))).status;
    };
    BOOST_TEST(status_of("Origin", "http://evil.example") == 403);
    BOOST_TEST(status_of("Origin", "null") == 403);
    BOOST_TEST(status_of("Origin", "http://localhost:6274") != 403);
    BOOST_TEST(status_of("X-Other", "a") != 403);
}

BOOST_AUTO_TEST_CASE(a_session_is_of_one_user) {
    demo_server one(false);
    one.server.accept_token("fresh", std::chrono::system_clock::time_point::max(), "anna");
    one.server.accept_token("other", std::chrono::system_clock::time_point::max(), "ben");
    (void)one.reserve();
    BOOST_TEST(
        await(one.io, one.session->call_tool("reserve_seat", R"({"seat":"1"})", demo_server::bearer("fresh"))).text() ==
        "done");
    BOOST_TEST(
        failure_of(one.io, one.session->call_tool("reserve_seat", R"({"seat":"1"})", demo_server::bearer("other")))
            .code() == errc::forbidden);
}

BOOST_AUTO_TEST_CASE(each_fault_happens_once_and_the_client_survives_it) {
    for (const bool modern : {false, true}) {
        demo_server one(modern);
        (void)one.reserve();
        const auto fails_with = [&](mcp_fault fault, errc code) {
            const int before = one.executed;
            one.server.misbehave(fault);
            BOOST_TEST(one.failure_of_call() == code);
            BOOST_TEST(one.reserve().text() == "done");
            return one.executed - before;
        };
        BOOST_TEST(fails_with(mcp_fault::unauthorized, errc::unauthorized) == 1);
        BOOST_TEST(fails_with(mcp_fault::redirect, errc::unexpected_status) == 1);
        // It was carried out, and the client does not ask for it again.
        BOOST_TEST(fails_with(mcp_fault::no_answer, errc::connection_lost) == 2);
        BOOST_TEST(fails_with(mcp_fault::huge_result, errc::response_too_large) == 2);
        one.server.misbehave(mcp_fault::stream_left_open);
        BOOST_TEST(one.reserve().text() == "done");
        one.server.misbehave(mcp_fault::endless_cursors, 1000);
        BOOST_TEST(failure_of(one.io, one.session->list_tools(demo_server::bearer())).code() ==
                   errc::response_too_large);
        one.server.misbehave(mcp_fault::endless_cursors, 0);
        BOOST_TEST(await(one.io, one.session->list_tools(demo_server::bearer())).tools.size() == 1u);
        if (modern) continue;
        one.server.misbehave(mcp_fault::ping);
        BOOST_TEST(one.reserve().text() == "done");
        one.server.misbehave(mcp_fault::session_lost);
        const std::size_t opened = one.calls("initialize");
        BOOST_TEST(one.reserve().text() == "done");
        BOOST_TEST(one.calls("initialize") == opened + 1);
    }
}

BOOST_AUTO_TEST_SUITE_END()
