#include "emulated_http.hpp"
#include "server/http_server.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <functional>

namespace {

using namespace corun;
using namespace corun::test;
using emulator::approval_headers;
using emulator::conflict_when;
using emulator::precedence;
using emulator::rejection;
using emulator::step;
using emulator::tools_with_resources;
using names = std::vector<std::string>;
using std::chrono::seconds;

const names both_sessions{"initialize", "notifications/initialized", "tools/list", "DELETE",
                          "initialize", "notifications/initialized", "tools/call", "DELETE"};

struct mcp_fixture : emulated_http {
    http_request rpc(std::string message, std::string token = "good", std::string session = {}) const {
        http_request what(mcp->url());
        what.method = "POST";
        what.headers.emplace_back("Accept", "application/json, text/event-stream");
        what.headers.emplace_back("Content-Type", "application/json");
        if (!token.empty()) what.headers.emplace_back("Authorization", "Bearer " + token);
        if (!session.empty()) what.headers.emplace_back("Mcp-Session-Id", session);
        what.body = std::move(message);
        return what;
    }
    static std::string message(const std::string& method, const std::string& parameters = "{}") {
        return R"({"jsonrpc":"2.0","id":1,"method":")" + method + R"(","params":)" + parameters + "}";
    }
    std::string open_session() {
        return send(rpc(message("initialize", R"({"protocolVersion":"2025-06-18","capabilities":{}})")))
            .header("Mcp-Session-Id");
    }

    /// A streaming run of an agent with the MCP server, with its own resources.
    std::vector<sse_event> stream_with(json tool_resources, const std::string& said = "reserve_seat 14A") {
        json body = run_body(make_agent(list(mcp_tool())), said);
        body["tool_resources"] = std::move(tool_resources);
        return stream("/threads/runs", body);
    }
    names mcp_methods() const {
        names methods;
        for (const auto& one : mcp->calls()) methods.push_back(one.method);
        return methods;
    }
    static json error_of(const std::vector<sse_event>& events) {
        return value_of(events, "thread.run.failed")["last_error"];
    }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(mcp_server, mcp_fixture)

BOOST_AUTO_TEST_CASE(gives_a_session_and_insists_on_it) {
    const raw_response opened =
        send(rpc(message("initialize", R"({"protocolVersion":"2025-03-26","capabilities":{}})")));
    BOOST_TEST(opened.status == 200);
    const std::string session = opened.header("Mcp-Session-Id");
    BOOST_TEST(!session.empty());
    BOOST_TEST(json::parse(opened.body)["result"]["protocolVersion"] == "2025-03-26");
    BOOST_TEST(send(rpc(R"({"jsonrpc":"2.0","method":"notifications/initialized"})", "good", session)).status == 202);
    BOOST_TEST(json::parse(send(rpc(message("ping"), "good", session)).body)["result"].empty());
    BOOST_TEST(send(rpc(message("ping"))).status == 400);
    BOOST_TEST(send(rpc(message("ping"), "good", "other")).status == 404);
    http_request end = rpc({}, "good", session);
    end.method = "DELETE";
    BOOST_TEST(send(end).status == 200);
    BOOST_TEST(send(rpc(message("ping"), "good", session)).status == 404);
}

BOOST_AUTO_TEST_CASE(answers_to_tokens_until_they_expire) {
    mcp->accept_token("short", now() + seconds(60));
    BOOST_TEST(send(rpc(message("initialize"), "")).status == 401);
    BOOST_TEST(send(rpc(message("initialize"), "")).header("WWW-Authenticate") == "Bearer realm=\"mcp\"");
    BOOST_TEST(send(rpc(message("initialize"), "wrong")).header("WWW-Authenticate") ==
               "Bearer realm=\"mcp\", error=\"invalid_token\"");
    pass(seconds(59));
    BOOST_TEST(send(rpc(message("initialize"), "short")).status == 200);
    pass(seconds(1));
    BOOST_TEST(send(rpc(message("initialize"), "short")).status == 401);
    mcp->revoke_token("good");
    BOOST_TEST(send(rpc(message("initialize"))).status == 401);
    BOOST_TEST(mcp->calls().back().authorization == "Bearer good");
    BOOST_TEST(mcp->calls().back().status == 401);
}

BOOST_AUTO_TEST_CASE(refuses_a_jwt_past_its_exp) {
    const std::string head = "eyJhbGciOiJub25lIn0.", signature = ".c2lnbmVk";
    const std::string expiring = head + "eyJleHAiOjE3NjYwMDAwNjB9" + signature;            // {"exp":1766000060}
    const std::string padded = head + "eyJleHAiOjE3NjYwMDAwNjAsImEiOiI_In0=" + signature;  // ... "a":"?"}
    const std::string endless = head + "eyJzdWIiOiJhbm5hIn0" + signature;                  // {"sub":"anna"}
    for (const auto& token : {expiring, padded, endless, std::string("a.b.c")}) mcp->accept_token(token);
    for (const auto& token : {expiring, padded, endless, std::string("a.b.c")})
        BOOST_TEST(send(rpc(message("initialize"), token)).status == 200);
    pass(seconds(60));
    for (const auto& [token, status] : {std::pair{expiring, 401}, std::pair{padded, 401}, std::pair{endless, 200},
                                        std::pair{std::string("a.b.c"), 200}})
        BOOST_TEST(send(rpc(message("initialize"), token)).status == status);
    json body = run_body(make_agent(list(mcp_tool())), "reserve_seat");
    body["tool_resources"] = resources(expiring);
    BOOST_TEST(value_of(stream("/threads/runs", body), "thread.run.failed")["last_error"]["code"] ==
               "tool_server_error");
}

BOOST_AUTO_TEST_CASE(compares_an_exp_of_any_size) {
    for (const auto& [claims, status] : {
             std::pair{"eyJleHAiOjk5OTk5OTk5OTl9", 200},                // {"exp":9999999999}
             std::pair{"eyJleHAiOjkyMjMzNzIwMzY4NTQ3NzU4MDd9", 200},    // {"exp":9223372036854775807}
             std::pair{"eyJleHAiOjE4NDQ2NzQ0MDczNzA5NTUxNjE1fQ", 200},  // {"exp":18446744073709551615}
             std::pair{"eyJleHAiOjFlMzAwfQ", 200},                      // {"exp":1e300}
             std::pair{"eyJleHAiOjE3NjYwMDAwNjAuNX0", 200},             // {"exp":1766000060.5}
             std::pair{"eyJleHAiOi0xZTMwMH0", 401},                     // {"exp":-1e300}
             std::pair{"eyJleHAiOjB9", 401},                            // {"exp":0}
         }) {
        const std::string token = "eyJhbGciOiJub25lIn0." + std::string(claims) + ".c2lnbmVk";
        mcp->accept_token(token);
        BOOST_TEST(send(rpc(message("initialize"), token)).status == status, claims);
    }
}

BOOST_AUTO_TEST_CASE(forgets_the_older_half_of_too_many_calls_and_sessions) {
    emulator::mcp_server_options options;
    options.clock = now;
    options.recorded_requests = 4;
    start_mcp(std::move(options));
    names sessions;
    for (int i = 0; i != 5; ++i) sessions.push_back(open_session());
    BOOST_TEST(mcp->calls().size() == 3u);
    BOOST_TEST(send(rpc(message("ping"), "good", sessions[1])).status == 404);
    BOOST_TEST(mcp->calls().size() == 2u + 2u);
    BOOST_TEST(mcp->calls().back().session == sessions[1]);
    for (std::size_t i = 2; i != 5; ++i) BOOST_TEST(send(rpc(message("ping"), "good", sessions[i])).status == 200);
}

BOOST_AUTO_TEST_CASE(refuses_what_is_not_the_protocol) {
    const std::string session = open_session();
    BOOST_TEST(send(rpc("nonsense", "good", session)).status == 400);
    BOOST_TEST(send(rpc(R"({"id":1,"method":"ping"})", "good", session)).status == 400);
    http_request json_only = rpc(message("ping"), "good", session);
    json_only.headers.front().second = "application/json";
    BOOST_TEST(send(json_only).status == 406);
    http_request reading = rpc({});
    reading.method = "GET";
    BOOST_TEST(send(reading).status == 405);
    BOOST_TEST(json::parse(send(rpc(message("dance"), "good", session)).body)["error"]["code"] == -32601);
    BOOST_TEST(
        json::parse(send(rpc(message("tools/call", R"({"name":"x"})"), "good", session)).body)["error"]["code"] ==
        -32602);
    BOOST_TEST(
        json::parse(send(rpc(message("tools/call", R"({"name":"reserve_seat","arguments":{}})"), "good", session))
                        .body)["error"]["message"] == "Missing argument: seat");
}

BOOST_AUTO_TEST_CASE(tells_a_tools_failure_as_its_answer) {
    const json result =
        json::parse(send(rpc(message("tools/call", R"({"name":"cancel_seat","arguments":{}})"), "good", open_session()))
                        .body)["result"];
    BOOST_TEST(result["isError"] == true);
    BOOST_TEST(result["content"][0]["text"] == "there is no such seat");
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_FIXTURE_TEST_SUITE(mcp_runs, mcp_fixture)

BOOST_AUTO_TEST_CASE(lists_and_calls_in_two_sessions_with_the_headers_of_the_run) {
    const auto events = stream_with(resources("good"));
    BOOST_TEST(mcp_methods() == both_sessions, boost::test_tools::per_element());
    for (const auto& call : mcp->calls()) BOOST_TEST(call.authorization == "Bearer good");
    BOOST_TEST(mcp->calls()[2].session == "session-1");
    BOOST_TEST(mcp->calls()[6].session == "session-2");
    BOOST_TEST(service->mcp_requests().size() == both_sessions.size());
    BOOST_TEST(service->mcp_requests().front().header("authorization") == "Bearer good");
    BOOST_TEST(service->mcp_requests().front().server_label == "bookings");

    BOOST_TEST(names_of(events) == (names{"thread.created",
                                          "thread.run.created",
                                          "thread.run.queued",
                                          "thread.run.in_progress",
                                          "thread.run.step.created",
                                          "thread.run.step.created",
                                          "thread.run.step.delta",
                                          "thread.run.step.delta",
                                          "thread.run.step.delta",
                                          "thread.run.step.completed",
                                          "thread.run.step.created",
                                          "thread.run.step.in_progress",
                                          "thread.message.created",
                                          "thread.message.in_progress",
                                          "thread.message.delta",
                                          "thread.message.delta",
                                          "thread.message.delta",
                                          "thread.message.completed",
                                          "thread.run.step.completed",
                                          "thread.run.completed",
                                          "done"}),
               boost::test_tools::per_element());
    const json listing = events[4].value();
    BOOST_TEST(listing["type"] == "activities");
    BOOST_TEST(listing["status"] == "completed");
    const json activity = listing["step_details"]["activities"][0];
    BOOST_TEST(activity["type"] == "mcp_list_tools");
    BOOST_TEST(activity["tools"]["reserve_seat"]["parameters"]["required"][0] == "seat");
    const json call = events[9].value()["step_details"]["tool_calls"][0];
    BOOST_TEST(call["type"] == "mcp");
    BOOST_TEST(call["server_label"] == "bookings");
    BOOST_TEST(call["arguments"] == R"({"seat":"reserve_seat 14A"})");
    BOOST_TEST(call["output"] == R"(reserved {"seat":"reserve_seat 14A"})");
    BOOST_TEST(call["output"] == text_of(events));
}

BOOST_AUTO_TEST_CASE(asks_for_approval_unless_the_run_says_never) {
    for (const char* approval : {"", "always"}) {
        const auto events = stream_with(resources("good", approval));
        const json run = value_of(events, "thread.run.requires_action");
        BOOST_TEST(run["required_action"]["type"] == "submit_tool_approval");
        BOOST_TEST(names_of(events).back() == "done");
        const json call = run["required_action"]["submit_tool_approval"]["tool_calls"][0];
        BOOST_TEST(call["type"] == "mcp");
        BOOST_TEST(call["name"] == "reserve_seat");
        BOOST_TEST(!call.contains("output"));
    }
    // By tool, in both spellings; a tool in no list asks.
    for (const char* by_tool : {R"({"never":{"tool_names":["reserve_seat"]}})", R"({"never":["reserve_seat"]})"}) {
        json with = resources("good");
        with["mcp"][0]["require_approval"] = json::parse(by_tool);
        BOOST_TEST(value_of(stream_with(with), "thread.run.completed")["status"] == "completed");
        BOOST_TEST(value_of(stream_with(with, "cancel_seat"), "thread.run.requires_action")["status"] ==
                   "requires_action");
    }
}

BOOST_AUTO_TEST_CASE(goes_on_after_an_approval_as_the_service_was_seen_to) {
    const json run = value_of(stream_with(resources("good", "always")), "thread.run.requires_action");
    json body;
    body["tool_approvals"] = list(json::object());
    body["tool_approvals"][0]["tool_call_id"] = run["required_action"]["submit_tool_approval"]["tool_calls"][0]["id"];
    body["tool_approvals"][0]["approve"] = true;
    const auto events = stream(path_of(run) + "/submit_tool_outputs", body);
    const names all = names_of(events);
    BOOST_TEST(names(all.begin(), all.begin() + 6) ==
                   (names{"thread.run.step.completed", "thread.run.queued", "thread.run.in_progress",
                          "thread.run.step.delta", "thread.run.step.completed", "thread.run.step.created"}),
               boost::test_tools::per_element());
    BOOST_TEST(!events[0].value()["step_details"]["tool_calls"][0].contains("output"));
    BOOST_TEST(events[4].value()["step_details"]["tool_calls"][0].contains("output"));
    BOOST_TEST(events[0].value()["id"] == events[4].value()["id"]);
    BOOST_TEST(all[all.size() - 2] == "thread.run.completed");
}

BOOST_AUTO_TEST_CASE(completes_a_step_once_when_it_is_told) {
    service->options().premature_step_completed = false;
    const json run = value_of(stream_with(resources("good", "always")), "thread.run.requires_action");
    json body = json::parse(R"({"tool_approvals":[{"approve":true}]})");
    body["tool_approvals"][0]["tool_call_id"] = run["required_action"]["submit_tool_approval"]["tool_calls"][0]["id"];
    const names all = names_of(stream(path_of(run) + "/submit_tool_outputs", body));
    BOOST_TEST(names(all.begin(), all.begin() + 5) ==
                   (names{"thread.run.queued", "thread.run.in_progress", "thread.run.step.delta",
                          "thread.run.step.completed", "thread.run.step.created"}),
               boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(says_as_much_in_deltas_as_it_is_told) {
    const auto deltas_of = [](const std::vector<sse_event>& events) {
        std::vector<json> deltas;
        for (const auto& event : events)
            if (event.name == "thread.run.step.delta") deltas.push_back(event.value()["delta"]["step_details"]);
        return deltas;
    };
    auto deltas = deltas_of(stream_with(resources("good")));
    BOOST_TEST(deltas.size() == 3u);
    BOOST_TEST(deltas[0]["type"] == "tool_calls");
    BOOST_TEST(deltas[0]["tool_calls"][0]["name"] == "reserve_seat");
    BOOST_TEST(deltas[0]["tool_calls"][0]["server_label"] == "bookings");
    BOOST_TEST(deltas[2]["tool_calls"][0].contains("output"));

    service->options().mcp_deltas = emulator::mcp_deltas::bare;
    service->options().mcp_delta_type = true;
    const auto events = stream_with(resources("good"));
    deltas = deltas_of(events);
    BOOST_TEST(deltas.size() == 2u);
    for (const auto& delta : deltas) {
        BOOST_TEST(delta["type"] == "mcp");
        BOOST_TEST(delta["tool_calls"][0].size() == 4u);  // index, id, type, arguments
    }
    BOOST_TEST(value_of(events, "thread.run.step.completed")["step_details"]["tool_calls"][0].contains("output"));
}

BOOST_AUTO_TEST_CASE(tells_the_model_of_a_denial) {
    const json run = value_of(stream_with(resources("good", "always")), "thread.run.requires_action");
    json body;
    body["tool_approvals"] = list(json::object());
    body["tool_approvals"][0]["tool_call_id"] = run["required_action"]["submit_tool_approval"]["tool_calls"][0]["id"];
    body["tool_approvals"][0]["approve"] = false;
    const auto events = stream(path_of(run) + "/submit_tool_outputs", body);
    BOOST_TEST(text_of(events) == "The call of reserve_seat was denied.");
    BOOST_TEST(mcp_methods().size() == 4u);
}

BOOST_AUTO_TEST_CASE(calls_with_the_headers_of_the_approval) {
    mcp->accept_token("short", now() + seconds(60));
    mcp->accept_token("fresh", now() + seconds(7200));
    for (const auto& [how, authorization, extra] : {std::tuple{approval_headers::replace, "Bearer fresh", ""},
                                                    std::tuple{approval_headers::extend, "Bearer fresh", "acme"},
                                                    std::tuple{approval_headers::ignore, "Bearer short", "acme"}}) {
        service->options().approval_headers = how;
        json with = resources("short", "always");
        with["mcp"][0]["headers"]["X-Tenant"] = "acme";
        const json run = value_of(stream_with(with), "thread.run.requires_action");
        json body = json::parse(R"({"tool_approvals":[{"approve":true,"headers":{"authorization":"Bearer fresh"}}]})");
        body["tool_approvals"][0]["tool_call_id"] =
            run["required_action"]["submit_tool_approval"]["tool_calls"][0]["id"];
        stream(path_of(run) + "/submit_tool_outputs", body);
        BOOST_TEST(service->mcp_requests().back().header("Authorization") == authorization);
        BOOST_TEST(service->mcp_requests().back().header("X-Tenant") == extra);
        BOOST_TEST(run["id"] == service->mcp_requests().back().run_id);
        BOOST_TEST(body["tool_approvals"][0]["tool_call_id"] == service->mcp_requests().back().tool_call_id);
        // The server got the run's own for the listing, and these for the call.
        const auto& calls = mcp->calls();
        BOOST_TEST(calls.size() >= both_sessions.size());
        for (std::size_t i = 0; i != both_sessions.size(); ++i) {
            const auto& one = calls[calls.size() - both_sessions.size() + i];
            BOOST_TEST(one.status < 300);
            BOOST_TEST(one.authorization == (i < 4 ? "Bearer short" : authorization));
            const auto tenant = std::find_if(one.headers.begin(), one.headers.end(),
                                             [](const auto& field) { return field.first == "X-Tenant"; });
            BOOST_TEST((tenant == one.headers.end() ? "" : tenant->second) == (i < 4 ? "acme" : extra));
        }
    }
}

BOOST_AUTO_TEST_CASE(fails_when_the_token_expires_between_list_and_call) {
    mcp->accept_token("short", now() + seconds(60));
    const json run = value_of(stream_with(resources("short", "always")), "thread.run.requires_action");
    pass(seconds(61));
    json body = json::parse(R"({"tool_approvals":[{"approve":true}]})");
    body["tool_approvals"][0]["tool_call_id"] = run["required_action"]["submit_tool_approval"]["tool_calls"][0]["id"];
    const auto events = stream(path_of(run) + "/submit_tool_outputs", body);
    BOOST_TEST(error_of(events)["code"] == "tool_server_error");
    BOOST_TEST(value_of(events, "thread.run.step.failed")["status"] == "failed");
    BOOST_TEST(get(path_of(run))["status"] == "failed");
}

BOOST_AUTO_TEST_CASE(fails_a_run_whose_server_refuses_the_list) {
    const std::string text =
        "MCP Connector error. Http status: 424, error details: Error retrieving tool list from MCP server: 'bookings'. "
        "Http status code: 401 (Unauthorized)";
    const auto events = stream_with(resources("bad"));
    const names all = names_of(events);
    BOOST_TEST(names(all.end() - 3, all.end()) == (names{"thread.run.step.failed", "thread.run.failed", "done"}),
               boost::test_tools::per_element());
    BOOST_TEST(error_of(events)["code"] == "tool_server_error");
    BOOST_TEST(error_of(events)["message"] == text);
    BOOST_TEST(value_of(events, "thread.run.step.failed")["last_error"]["message"] == text);

    service->options().mcp_failure = emulator::mcp_failure::anonymous;
    const json anonymous = error_of(stream_with(resources("bad")));
    BOOST_TEST(anonymous["code"] == "server_error");
    BOOST_TEST(anonymous["message"] == "Sorry, something went wrong.");
}

BOOST_AUTO_TEST_CASE(does_not_list_for_ever) {
    const auto fails_with = [&](const std::function<std::string(std::size_t page)>& cursor_of) {
        std::size_t pages = 0;
        corun::http::server endless(io, "127.0.0.1", 0, [&](std::shared_ptr<corun::http::exchange> exchange) {
            const json asked = json::parse(exchange->request.body, nullptr, false);
            json answer;
            answer["jsonrpc"] = "2.0";
            answer["id"] = asked.is_object() && asked.contains("id") ? asked["id"] : json(nullptr);
            answer["result"]["protocolVersion"] = "2025-06-18";
            answer["result"]["capabilities"]["tools"] = json::object();
            answer["result"]["tools"] = json::array();
            if (asked.is_object() && asked["method"] == "tools/list")
                answer["result"]["nextCursor"] = cursor_of(++pages);
            corun::http::fields head;
            head.emplace_back("Content-Type", "application/json");
            exchange->respond(200, std::move(head), answer.dump());
        });
        json tool = mcp_tool();
        tool["server_url"] = "http://127.0.0.1:" + std::to_string(endless.port()) + "/mcp";
        json body = run_body(make_agent(list(tool)), "Hi");
        body["tool_resources"] = resources("good");
        BOOST_TEST(error_of(stream("/threads/runs", body))["code"] == "tool_server_error");
        return pages;
    };
    BOOST_TEST(fails_with([](std::size_t) { return std::string("again"); }) == 2u);
    BOOST_TEST(fails_with([](std::size_t page) { return std::to_string(page % 2); }) == 3u);
    // A new cursor each time.
    BOOST_TEST(fails_with([](std::size_t page) { return std::to_string(page); }) == mcp::server_options().max_pages);
}

BOOST_AUTO_TEST_CASE(fails_a_run_whose_server_is_not_there) {
    const json tool = mcp_tool();
    mcp->stop();
    json body = run_body(make_agent(list(tool)), "Hi");
    body["tool_resources"] = resources("good");
    BOOST_TEST(error_of(stream("/threads/runs", body))["code"] == "tool_server_error");
}

BOOST_AUTO_TEST_CASE(shows_only_the_tools_that_are_allowed) {
    json tool = mcp_tool();
    tool["allowed_tools"] = list("cancel_seat");
    json body = run_body(make_agent(list(tool)), "reserve_seat");
    body["tool_resources"] = resources("good");
    const auto events = stream("/threads/runs", body);
    BOOST_TEST(value_of(events, "thread.run.step.created")["step_details"]["activities"][0]["tools"].size() == 1u);
    BOOST_TEST(text_of(events) == "there is no such seat");
}

BOOST_AUTO_TEST_CASE(understands_servers_of_every_kind) {
    for (const bool sessions : {true, false})
        for (const bool event_streams : {true, false})
            for (const std::size_t page_size : {std::size_t{0}, std::size_t{1}}) {
                emulator::mcp_server_options options;
                options.clock = now;
                options.sessions = sessions;
                options.event_streams = event_streams;
                options.page_size = page_size;
                mcp.reset();
                start_mcp(std::move(options));
                const auto events = stream_with(resources("good"));
                BOOST_TEST(names_of(events)[19] == "thread.run.completed");
                BOOST_TEST(
                    value_of(events, "thread.run.step.created")["step_details"]["activities"][0]["tools"].size() == 2u);
            }
}

BOOST_AUTO_TEST_CASE(runs_in_the_background_too) {
    json body = run_body(make_agent(list(mcp_tool())), "reserve_seat");
    body["tool_resources"] = resources("good");
    const json run = post("/threads/runs", body);
    run_until(io, [&] { return mcp->calls().size() == both_sessions.size(); });
    run_ready(io);
    BOOST_TEST(get(path_of(run))["status"] == "completed");
    BOOST_TEST(get(path_of(run) + "/steps")["data"].size() == 3u);
}

BOOST_AUTO_TEST_CASE(leaves_servers_alone_when_tools_are_not_wanted) {
    json body = run_body(make_agent(list(mcp_tool())), "reserve_seat");
    body["tool_choice"] = "none";
    BOOST_TEST(text_of(stream("/threads/runs", body)) == "You said: reserve_seat");
    BOOST_TEST(mcp->calls().empty());
}

BOOST_AUTO_TEST_CASE(refuses_resources_for_unknown_servers) {
    json body = run_body(make_agent(list(mcp_tool())), "x");
    body["tool_resources"] = resources("good", "never", "other");
    const raw_response response = send("POST", "/threads/runs", body.dump());
    BOOST_TEST(response.status == 400);
    BOOST_TEST(json::parse(response.body)["error"]["param"] == "tool_resources.mcp[0].server_label");
    BOOST_TEST(get("/threads")["data"].empty());
    json twice = list(mcp_tool());
    twice.push_back(mcp_tool());
    json agent;
    agent["model"] = "m";
    agent["tools"] = twice;
    BOOST_TEST(send("POST", "/assistants", agent.dump()).status == 400);
}

BOOST_AUTO_TEST_CASE(gives_headers_back_as_it_is_told) {
    const std::string agent = make_agent(list(mcp_tool()), resources("good"));
    const std::string thread = make_thread(resources("good"));
    for (const auto& [how, expected] :
         {std::pair{emulator::echo_headers::never, "null"},
          std::pair{emulator::echo_headers::redacted, R"({"Authorization":"***"})"},
          std::pair{emulator::echo_headers::full, R"({"Authorization":"Bearer good"})"}}) {
        service->options().echo_headers = how;
        for (const std::string& path : {"/assistants/" + agent, "/threads/" + thread}) {
            const json entry = get(path)["tool_resources"]["mcp"][0];
            BOOST_TEST(entry["server_label"] == "bookings");
            BOOST_TEST((entry.contains("headers") ? entry["headers"].dump() : "null") == expected);
        }
    }
    service->options().echo_headers = emulator::echo_headers::never;
    stream_with(resources("good"));
    BOOST_TEST(last.body.find("Bearer") == std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_FIXTURE_TEST_SUITE(mcp_disputes, mcp_fixture)

BOOST_AUTO_TEST_CASE(uses_stored_headers_or_not) {
    const std::string agent = make_agent(list(mcp_tool()), resources("good"));
    service->options().agent_level_approval_effective = true;
    BOOST_TEST(value_of(stream("/threads/runs", run_body(agent, "x")), "thread.run.completed")["status"] ==
               "completed");
    service->options().stored_headers_effective = false;
    BOOST_TEST(error_of(stream("/threads/runs", run_body(agent, "x")))["code"] == "tool_server_error");
    service->options().stored_headers_effective = true;
    service->options().agent_level_approval_effective = false;
    BOOST_TEST(value_of(stream("/threads/runs", run_body(agent, "x")), "thread.run.requires_action")["status"] ==
               "requires_action");
}

BOOST_AUTO_TEST_CASE(treats_resources_at_two_levels_as_it_is_told) {
    struct row {
        precedence how;
        conflict_when when;
        const char* stored;
        const char* of_run;
        const char* expected;  ///< The Authorization used; empty: the run fails as a conflict.
    };
    const row rows[] = {
        {precedence::conflict, conflict_when::any, "stale", "good", ""},
        {precedence::conflict, conflict_when::any, "good", "good", ""},
        {precedence::conflict, conflict_when::headers_differ, "stale", "good", ""},
        {precedence::conflict, conflict_when::headers_differ, "good", "good", "Bearer good"},
        {precedence::narrowest, conflict_when::any, "stale", "good", "Bearer good"},
        {precedence::merge, conflict_when::any, "stale", "good", "Bearer good"},
        {precedence::merge, conflict_when::any, "good", "", "Bearer good"},
    };
    for (const row& one : rows)
        for (const bool on_thread : {false, true}) {
            service->options().precedence = one.how;
            service->options().conflict_when = one.when;
            const json stored = resources(one.stored);
            const auto agent = make_agent(list(mcp_tool()), on_thread ? json::object() : stored);
            const auto thread = make_thread(on_thread ? stored : json::object());
            json body = run_in_thread(agent, "x");
            body["tool_resources"] = resources(one.of_run);
            const std::size_t before = mcp->calls().size();
            const auto events = stream("/threads/" + thread + "/runs", body);
            if (*one.expected) {
                BOOST_TEST(names_of(events)[names_of(events).size() - 2] == "thread.run.completed");
                BOOST_TEST(mcp->calls().back().authorization == one.expected);
            } else {
                BOOST_TEST(error_of(events)["code"] == "server_error");
                BOOST_TEST(error_of(events)["message"] == "Sorry, something went wrong.");
                BOOST_TEST(mcp->calls().size() == before);
            }
        }
    service->options().precedence = precedence::conflict;
    service->options().conflict_when = conflict_when::any;
    service->options().conflict_rejection = rejection::http_error;
    json body = run_body(make_agent(list(mcp_tool()), resources("good")), "x");
    body["tool_resources"] = resources("good");
    BOOST_TEST(send("POST", "/threads/runs", body.dump()).status == 500);
}

BOOST_AUTO_TEST_CASE(refuses_tools_beside_resources_in_streams_of_a_reused_agent) {
    const std::string agent = make_agent(list(mcp_tool()));
    json body = run_body(agent, "reserve_seat");
    body["tools"] = list(mcp_tool());
    body["tool_resources"] = resources("good");
    BOOST_TEST(stream("/threads/runs", body).size() > 10u);  // the agent's first run
    stream("/threads/runs", body);
    BOOST_TEST(last.status == 400);
    BOOST_TEST(send("POST", "/threads/runs", body.dump()).status == 200);  // without a stream
    service->options().tools_rejection = rejection::failed_run;
    BOOST_TEST(error_of(stream("/threads/runs", body))["code"] == "server_error");

    service->options().tools_with_resources = tools_with_resources::reject_duplicate_labels;
    service->options().tools_rejection = rejection::http_error;
    BOOST_TEST(stream("/threads/runs", body).size() > 10u);
    body["tools"].push_back(mcp_tool());
    stream("/threads/runs", body);
    BOOST_TEST(last.status == 400);
    service->options().tools_with_resources = tools_with_resources::accept;
    BOOST_TEST(stream("/threads/runs", body).size() > 10u);
}

BOOST_AUTO_TEST_CASE(finds_too_many_search_indexes) {
    const json index = json::parse(R"({"azure_ai_search":{"indexes":[{"index_name":"i"}]}})");
    const auto agent = make_agent(list(json::parse(R"({"type":"azure_ai_search"})")), index);
    json body = run_body(agent, "x");
    BOOST_TEST(value_of(stream("/threads/runs", body), "thread.run.completed")["status"] == "completed");
    body["tool_resources"] = index;
    BOOST_TEST(error_of(stream("/threads/runs", body))["code"] == "tool_user_error");
    // Wherever two of them are: here on the agent and its thread.
    const auto in_thread = [&] {
        return stream("/threads/" + make_thread(index) + "/runs", run_in_thread(agent, "x"));
    };
    const json error = error_of(in_thread());
    BOOST_TEST(error["code"] == "tool_user_error");
    BOOST_TEST(error["message"].get<std::string>().find("search_too_many_indexes") != std::string::npos);
    service->options().precedence = precedence::narrowest;
    BOOST_TEST(value_of(stream("/threads/runs", body), "thread.run.completed")["status"] == "completed");
    BOOST_TEST(value_of(in_thread(), "thread.run.completed")["status"] == "completed");
}

BOOST_AUTO_TEST_SUITE_END()
