// The client of MCP servers: how it finds out the revision, and what a healthy server receives.
#include "emulated.hpp"
#include "mcp_peer.hpp"

#include <boost/test/unit_test.hpp>

#include <set>

namespace {

using namespace corun;
using namespace corun::test;
using json = mcp_peer::json;
using names = std::vector<std::string>;
using namespace std::chrono_literals;

const headers no_headers;

struct modern_server : mcp_peer {
    modern_server() : mcp_peer(mcp::era::modern) {}
};
struct legacy_server : mcp_peer {
    legacy_server() : mcp_peer(mcp::era::legacy) {}
};

}  // namespace

BOOST_AUTO_TEST_SUITE(mcp_sessions)

BOOST_FIXTURE_TEST_CASE(a_modern_server_is_asked_once_what_it_speaks, modern_server) {
    const mcp::server bookings = client();
    const mcp::session first(bookings), second(bookings);
    const mcp::tool_list list = run(first.list_tools(token("a")));
    BOOST_TEST(list.tools.size() == 1u);
    BOOST_TEST(list.tools[0].name == "reserve_seat");
    BOOST_TEST(list.tools[0].description == "Reserves one seat.");
    BOOST_TEST(json::parse(list.tools[0].input_schema)["type"] == "object");
    BOOST_TEST(list.problems.empty());
    const mcp::tool_result result = run(first.call_tool("reserve_seat", R"({"seat":"14A"})", token("a")));
    BOOST_TEST(result.text() == "seat 14A is yours");
    BOOST_TEST(!result.is_error);
    run(first.close(token("a")));
    (void)run(second.call_tool("reserve_seat", "{}", token("b")));
    BOOST_TEST(methods() == names({"server/discover", "tools/list", "tools/call", "tools/call"}));
    BOOST_TEST(first.revision() == "2026-07-28");
    BOOST_TEST(connections() == 1u);
}

BOOST_FIXTURE_TEST_CASE(every_modern_request_has_the_headers_and_the_metadata, modern_server) {
    const mcp::session one = session();
    (void)run(one.list_tools(token("a")));
    (void)run(one.call_tool("reserve_seat", R"({"seat":"14A","n":123456789012345678901234567890})", token("a")));
    BOOST_TEST(requests.size() == 3u);
    for (const raw_request& each : requests) {
        const json meta = message_of(each)["params"]["_meta"];
        BOOST_TEST(each.field("authorization") == "Bearer " + planted_secret("a"));
        BOOST_TEST(each.field("mcp-protocol-version") == "2026-07-28");
        BOOST_TEST(each.field("mcp-method") == method_of(each));
        BOOST_TEST(each.field("mcp-session-id").empty());
        BOOST_TEST(each.field("accept") == "application/json, text/event-stream");
        BOOST_TEST(each.field("content-type") == "application/json");
        BOOST_TEST(each.field("origin").empty());
        BOOST_TEST(meta["io.modelcontextprotocol/protocolVersion"] == "2026-07-28");
        BOOST_TEST(meta["io.modelcontextprotocol/clientCapabilities"] == json::object());
        BOOST_TEST(meta["io.modelcontextprotocol/clientInfo"]["name"] == "corun");
    }
    BOOST_TEST(last("tools/call").field("mcp-name") == "reserve_seat");
    // Arguments are sent as they are: a number keeps all its digits.
    BOOST_TEST(last("tools/call").body.find(R"("arguments":{"seat":"14A","n":123456789012345678901234567890})") !=
               std::string::npos);
}

BOOST_FIXTURE_TEST_CASE(a_legacy_session_is_opened_used_and_ended_with_the_headers, legacy_server) {
    const mcp::session one = session();
    (void)run(one.list_tools(token("a")));
    BOOST_TEST(run(one.call_tool("reserve_seat", "", token("a"))).text() == "seat 14A is yours");
    run(one.close(token("a")));
    BOOST_TEST(methods() == names({"server/discover", "initialize", "notifications/initialized", "tools/list",
                                   "tools/call", "DELETE"}));
    for (const raw_request& each : requests) BOOST_TEST(each.field("authorization") == "Bearer " + planted_secret("a"));
    BOOST_TEST(last("initialize").field("mcp-protocol-version").empty());
    BOOST_TEST(message_of(last("initialize"))["params"]["protocolVersion"] == "2025-11-25");
    BOOST_TEST(message_of(last("initialize"))["params"]["capabilities"] == json::object());
    for (const char* method : {"notifications/initialized", "tools/list", "tools/call", "DELETE"}) {
        BOOST_TEST(last(method).field("mcp-session-id") == "session-1");
        BOOST_TEST(last(method).field("mcp-protocol-version") == "2025-11-25");
        BOOST_TEST(last(method).field("mcp-method").empty());
    }
    BOOST_TEST(message_of(last("tools/call"))["params"] == json::parse(R"({"name":"reserve_seat","arguments":{}})"));
    BOOST_TEST(one.revision().empty() == false);
}

BOOST_FIXTURE_TEST_CASE(without_a_session_object_each_operation_has_its_own, legacy_server) {
    const mcp::server bookings = client();
    (void)run(bookings.list_tools(token("a")));
    (void)run(bookings.call_tool("reserve_seat", "{}", token("b")));
    BOOST_TEST(methods() == names({"server/discover", "initialize", "notifications/initialized", "tools/list", "DELETE",
                                   "initialize", "notifications/initialized", "tools/call", "DELETE"}));
    BOOST_TEST(requests[4].field("authorization") == "Bearer " + planted_secret("a"));
    BOOST_TEST(requests[8].field("authorization") == "Bearer " + planted_secret("b"));
}

BOOST_AUTO_TEST_CASE(accepts_each_revision_that_the_server_chooses) {
    for (const char* chosen : {"2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"}) {
        legacy_server peer;
        peer.version = chosen;
        peer.session_id = "";
        const mcp::session one = peer.session();
        (void)peer.run(one.list_tools(no_headers));
        peer.run(one.close(no_headers));
        BOOST_TEST(one.revision() == chosen);
        BOOST_TEST(peer.last("tools/list").field("mcp-protocol-version") == chosen);
        BOOST_TEST(peer.count("DELETE") == 0u);
    }
}

BOOST_FIXTURE_TEST_CASE(a_revision_that_nobody_knows_ends_the_session, legacy_server) {
    version = "2031-01-01";
    const error failure = failure_of(*this, session().list_tools(token("a")));
    BOOST_TEST(failure.code() == errc::bad_response);
    BOOST_TEST(std::string(failure.what()).find("2031-01-01") != std::string::npos);
    run_until(io, [this] { return count("DELETE") == 1; });
    BOOST_TEST(last("DELETE").field("authorization") == "Bearer " + planted_secret("a"));
    BOOST_TEST(count("tools/list") == 0u);
}

// What servers that do not know `server/discover` answer.
BOOST_AUTO_TEST_CASE(any_other_answer_to_the_probe_means_a_legacy_server) {
    const std::string empty = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
    const std::function<std::string(const raw_request&)> answers[] = {
        [](const raw_request& r) { return mcp_peer::failure(r, 400, -32000, "Bad Request: Server not initialized"); },
        [](const raw_request& r) { return mcp_peer::failure(r, 400, -32600, "Missing session ID"); },
        [](const raw_request& r) { return mcp_peer::failure(r, 200, -32601, "Method not found"); },
        [](const raw_request& r) { return mcp_peer::failure(r, 404, -32601, "Method not found"); },
        [](const raw_request& r) { return mcp_peer::failure(r, 500, -32603, "Internal error"); },
        [](const raw_request& r) { return mcp_peer::failure(r, 400, -32020, "Header mismatch"); },
        [](const raw_request& r) {
            return mcp_peer::failure(r, 400, -32022, "?", {{"supported", {"2025-06-18"}}});
        },
        [](const raw_request& r) { return mcp_peer::result(r, json::object()); },
        [](const raw_request& r) {
            return mcp_peer::result(r, {{"supportedVersions", {"2025-11-25"}}});
        },
        [](const raw_request& r) {
            return mcp_peer::result(r, {{"supportedVersions", "2026-07-28"}});
        },
        [](const raw_request&) { return whole_response(200, "text/html", "<p>hello"); },
        [](const raw_request&) { return whole_response(200, "application/json", "nonsense"); },
        [](const raw_request&) { return whole_response(400, "text/plain", "no"); },
        [](const raw_request&) { return whole_response(406, "text/plain", ""); },
        [&empty](const raw_request&) { return empty; },
        [](const raw_request&) { return mcp_peer::stream(": nothing\n\n"); },
        [](const raw_request&) { return std::string("HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n"); },
    };
    for (const auto& answer : answers) {
        legacy_server peer;
        peer.on["server/discover"] = answer;
        const mcp::server bookings = peer.client();
        BOOST_TEST(peer.run(bookings.list_tools(no_headers)).tools.size() == 1u);
        (void)peer.run(bookings.list_tools(no_headers));
        BOOST_TEST(peer.count("server/discover") == 1u);
        BOOST_TEST(peer.count("initialize") == 2u);
    }
}

BOOST_AUTO_TEST_CASE(a_refusal_says_nothing_of_the_revision) {
    for (const auto& [status, code] : {std::pair{401, errc::unauthorized},
                                       {403, errc::forbidden},
                                       {429, errc::rate_limited},
                                       {502, errc::server_failed},
                                       {503, errc::server_failed},
                                       {302, errc::unexpected_status},
                                       {308, errc::unexpected_status}}) {
        legacy_server peer;
        peer.on["server/discover"] = [status = status](const raw_request&) {
            return whole_response(
                status, "text/plain", "",
                "WWW-Authenticate: Bearer scope=\"seats\"\r\nLocation: http://127.0.0.1:1/mcp?t=1\r\n");
        };
        const error failure = failure_of(peer, peer.session().list_tools(mcp_peer::token("a")));
        BOOST_TEST(failure.code() == code);
        BOOST_TEST(failure.status() == status);
        BOOST_TEST(peer.requests.size() == 1u);
        BOOST_TEST(failure.details().challenge == "Bearer scope=\"seats\"");
        if (status < 400) BOOST_TEST(std::string(failure.what()).find("http://127.0.0.1:1;") != std::string::npos);
    }
}

BOOST_FIXTURE_TEST_CASE(a_server_of_newer_revisions_only_is_an_error_that_names_them, legacy_server) {
    on["server/discover"] = [](const raw_request& r) {
        return failure(r, 400, -32022, "?", {{"supported", {"2030-01-01", "2031-01-01"}}});
    };
    const error failed = failure_of(*this, session().list_tools(no_headers));
    BOOST_TEST(failed.code() == errc::bad_response);
    BOOST_TEST(std::string(failed.what()).find("2030-01-01, 2031-01-01") != std::string::npos);
    BOOST_TEST(count("initialize") == 0u);
}

BOOST_FIXTURE_TEST_CASE(a_probe_refused_for_the_version_it_has_is_sent_once_more, modern_server) {
    int refusals = 0;
    on["server/discover"] = [&refusals](const raw_request& r) {
        ++refusals;
        return failure(r, 400, -32022, "?", {{"supported", {"2026-07-28"}}});
    };
    BOOST_TEST(run(session().list_tools(no_headers)).tools.size() == 1u);
    BOOST_TEST(refusals == 2);
}

BOOST_FIXTURE_TEST_CASE(a_server_that_does_not_answer_the_probe_is_initialized_and_asked_again_later, legacy_server) {
    play["server/discover"] = [](std::shared_ptr<raw_connection> peer, raw_request) -> asio::awaitable<bool> {
        const auto waiting = peer;
        co_await waiting->wait_for_peer();
        co_return false;
    };
    const mcp::server bookings = client();
    const auto began = clock->now();
    (void)run(bookings.list_tools(no_headers));
    BOOST_TEST((clock->now() - began == 10s));
    (void)run(bookings.list_tools(no_headers));
    BOOST_TEST(count("server/discover") == 2u);
}

BOOST_FIXTURE_TEST_CASE(a_modern_server_can_refuse_initialize, modern_server) {
    on["server/discover"] = [](const raw_request&) { return whole_response(500, "text/plain", "starting"); };
    BOOST_TEST(run(session().list_tools(no_headers)).tools.size() == 1u);
    BOOST_TEST(methods() == names({"server/discover", "initialize", "tools/list"}));
}

BOOST_FIXTURE_TEST_CASE(a_server_that_becomes_modern_is_followed, legacy_server) {
    const mcp::server bookings = client();
    (void)run(bookings.list_tools(no_headers));
    on["initialize"] = [](const raw_request& r) {
        return failure(r, 400, -32022, "?", {{"supported", {"2026-07-28"}}});
    };
    requests.clear();
    (void)run(bookings.list_tools(no_headers));
    BOOST_TEST(methods() == names({"initialize", "tools/list"}));
    BOOST_TEST(last("tools/list").field("mcp-protocol-version") == "2026-07-28");
}

BOOST_FIXTURE_TEST_CASE(a_server_that_is_no_longer_modern_is_asked_again_once, modern_server) {
    const mcp::session one = session();
    (void)run(one.list_tools(no_headers));
    for (const char* method : {"tools/list", "server/discover"})
        on[method] = [](const raw_request& r) {
            return r.field("mcp-method").empty() ? result(r, {{"tools", json::array()}})
                                                 : failure(r, 400, -32000, "Server not initialized");
        };
    on["initialize"] = [](const raw_request& r) {
        return result(r, {{"protocolVersion", "2025-06-18"}, {"capabilities", {{"tools", json::object()}}}});
    };
    requests.clear();
    (void)run(one.list_tools(no_headers));
    BOOST_TEST(methods() ==
               names({"tools/list", "server/discover", "initialize", "notifications/initialized", "tools/list"}));
}

BOOST_AUTO_TEST_CASE(an_option_chooses_the_era_without_a_probe) {
    for (const mcp::era era : {mcp::era::modern, mcp::era::legacy}) {
        mcp_peer peer(era);
        mcp::server_options options = mcp_peer::settings();
        options.revisions = era == mcp::era::modern ? mcp::revisions::modern : mcp::revisions::legacy;
        (void)peer.run(peer.session(options).list_tools(no_headers));
        BOOST_TEST(peer.count("server/discover") == 0u);
        BOOST_TEST(peer.count("initialize") == (era == mcp::era::legacy ? 1u : 0u));
    }
}

BOOST_AUTO_TEST_CASE(no_streamable_http_here_is_an_error_that_says_so) {
    for (const int status : {404, 405}) {
        legacy_server peer;
        for (const char* method : {"server/discover", "initialize"})
            peer.on[method] = [status](const raw_request&) { return whole_response(status, "text/plain", ""); };
        const error failure = failure_of(peer, peer.session().list_tools(no_headers));
        BOOST_TEST(std::string(failure.what()).find("HTTP+SSE") != std::string::npos);
    }
}

BOOST_FIXTURE_TEST_CASE(a_lost_session_is_opened_again_once_and_the_request_repeated, legacy_server) {
    const mcp::session one = session();
    (void)run(one.list_tools(token("a")));
    session_id = "session-2";
    for (const auto& [status, code, text] :
         {std::tuple{404, -32001, "Session not found"}, {400, -32000, "Bad Request: No valid session ID provided"}}) {
        requests.clear();
        bool lost = true;
        on["tools/call"] = [&, status = status, code = code, text = text](const raw_request& r) {
            return std::exchange(lost, false) ? failure(r, status, code, text) : result(r, text_result("done"));
        };
        BOOST_TEST(run(one.call_tool("reserve_seat", "{}", token("a"))).text() == "done");
        BOOST_TEST(methods() == names({"tools/call", "initialize", "notifications/initialized", "tools/call"}));
        BOOST_TEST(last("initialize").field("mcp-session-id").empty());
        BOOST_TEST(last("tools/call").field("mcp-session-id") == "session-2");
    }
    requests.clear();
    on["tools/call"] = [](const raw_request&) { return whole_response(404, "text/plain", ""); };
    BOOST_TEST(failure_of(*this, one.call_tool("reserve_seat", "{}", token("a"))).code() == errc::not_found);
    BOOST_TEST(count("tools/call") == 2u);
}

BOOST_FIXTURE_TEST_CASE(a_session_survives_one_refused_token_but_not_two, legacy_server) {
    const mcp::session one = session();
    (void)run(one.list_tools(token("a")));
    on["tools/call"] = [](const raw_request& r) {
        return r.field("mcp-session-id") == "session-1" ? whole_response(401, "text/plain", "")
                                                        : result(r, text_result("done"));
    };
    session_id = "session-2";
    BOOST_TEST(failure_of(*this, one.call_tool("reserve_seat", "{}", token("a"))).code() == errc::unauthorized);
    BOOST_TEST(count("tools/call") == 1u);
    BOOST_TEST(run(one.call_tool("reserve_seat", "{}", token("b"))).text() == "done");
    BOOST_TEST(count("initialize") == 2u);
    BOOST_TEST(last("initialize").field("authorization") == "Bearer " + planted_secret("b"));
}

BOOST_FIXTURE_TEST_CASE(calls_at_once_open_one_session_and_keep_their_own_headers, legacy_server) {
    const mcp::session one = session();
    std::size_t answered = 0;
    for (int i = 0; i != 20; ++i) {
        auto calling = one.call_tool("reserve_seat", "{}", token(std::to_string(i)));
        asio::co_spawn(io, std::move(calling), [&answered](std::exception_ptr failure, mcp::tool_result) {
            if (failure) std::rethrow_exception(failure);
            ++answered;
        });
    }
    run_until(io, [&answered] { return answered == 20; });
    BOOST_TEST(count("initialize") == 1u);
    std::set<std::string> tokens;
    for (const raw_request& each : requests)
        if (method_of(each) == "tools/call") tokens.insert(each.field("authorization"));
    BOOST_TEST(tokens.size() == 20u);
}

BOOST_AUTO_TEST_SUITE_END()
