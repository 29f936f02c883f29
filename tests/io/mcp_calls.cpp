// Calls of tools over the client of MCP servers, and the faults of servers.
#include "async/wait.hpp"
#include "emulated.hpp"
#include "mcp_peer.hpp"

#include <asio/bind_cancellation_slot.hpp>
#include <asio/cancellation_signal.hpp>
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cstdlib>
#include <deque>

namespace {

using namespace corun;
using namespace corun::test;
using json = mcp_peer::json;
using names = std::vector<std::string>;
using namespace std::chrono_literals;
using connection = std::shared_ptr<raw_connection>;

const headers no_headers;

struct modern_server : mcp_peer {
    modern_server() : mcp_peer(mcp::era::modern) {}
};
struct legacy_server : mcp_peer {
    legacy_server() : mcp_peer(mcp::era::legacy) {}
};

/// The session of a test that has spoken already.
mcp::session opened(mcp_peer& peer, mcp::server_options options = mcp_peer::settings()) {
    mcp::session one = peer.session(std::move(options));
    (void)peer.run(one.list_tools(mcp_peer::token("a")));
    peer.requests.clear();
    return one;
}

asio::awaitable<mcp::tool_result> reserve(const mcp::session& one, mcp::call_options options = {}) {
    return one.call_tool("reserve_seat", R"({"seat":"14A"})", mcp_peer::token("a"), std::move(options));
}

/// The error of an operation that is refused before anything is sent.
template <class Operation>
std::error_code refusal_of(Operation operation) {
    try {
        (void)operation();
    } catch (const error& failure) {
        return failure.code();
    }
    return {};
}

std::string sse_event(std::string_view data, std::string_view more = {}) {
    return std::string(more) + "data: " + std::string(data) + "\n\n";
}

/// A call whose response is these events, with the answer last; the server leaves the stream open.
mcp_peer::player left_open(std::function<std::string(const raw_request&)> events) {
    return [events = std::move(events)](connection peer, raw_request request) -> asio::awaitable<bool> {
        const connection open = peer;
        std::string head = response_head(200, "text/event-stream; charset=utf-8", "Transfer-Encoding: chunked\r\n\r\n");
        co_await open->write(std::move(head));
        std::string text = events(request);
        co_await open->write_chunk(std::move(text));
        co_await open->wait_for_peer();
        co_return false;
    };
}

mcp_peer::player silent() {
    return [](connection peer, raw_request) -> asio::awaitable<bool> {
        const connection open = peer;
        co_await open->wait_for_peer();
        co_return false;
    };
}

}  // namespace

BOOST_AUTO_TEST_SUITE(mcp_calls)

BOOST_FIXTURE_TEST_CASE(a_failure_of_the_tool_is_a_result, modern_server) {
    const mcp::session one = opened(*this);
    on["tools/call"] = [](const raw_request& r) {
        json failed = text_result("no such seat");
        failed["isError"] = true;
        failed["structuredContent"] = {{"code", 7}};
        return result(r, failed);
    };
    mcp::tool_result failed = run(reserve(one));
    BOOST_TEST(failed.is_error);
    BOOST_TEST(failed.text() == "no such seat");
    BOOST_TEST(failed.structured_content == R"({"code":7})");
    BOOST_TEST(!failed.error_code.has_value());
    for (const auto& [status, code] : {std::pair{200, -32602}, {400, -32602}, {404, -32601}, {400, -32021}}) {
        on["tools/call"] = [status = status, code = code](const raw_request& r) {
            return failure(r, status, code, "not like this");
        };
        failed = run(reserve(one));
        BOOST_TEST(failed.is_error);
        BOOST_TEST(failed.error_code.value() == code);
        BOOST_TEST(failed.text() == "not like this");
    }
}

BOOST_AUTO_TEST_CASE(an_observer_gets_a_record_of_each_message) {
    for (const mcp::era era : {mcp::era::modern, mcp::era::legacy}) {
        mcp_peer peer(era);
        names methods;
        mcp::server_options options = mcp_peer::settings();
        options.observer.on_request = [&methods](const request_record& request) {
            methods.push_back(request.rpc_method + " " + std::to_string(request.status));
        };
        const mcp::session one = opened(peer, std::move(options));
        (void)peer.run(reserve(one));
        BOOST_TEST_CONTEXT((era == mcp::era::modern ? "modern" : "legacy")) {
            BOOST_TEST(std::count(methods.begin(), methods.end(), "tools/list 200") == 1);
            BOOST_TEST(std::count(methods.begin(), methods.end(), "tools/call 200") == 1);
            if (era == mcp::era::legacy)
                BOOST_TEST(std::count(methods.begin(), methods.end(), "notifications/initialized 202") == 1);
        }
    }
}

BOOST_FIXTURE_TEST_CASE(arguments_must_be_an_object, modern_server) {
    const mcp::session one = opened(*this);
    for (const char* wrong : {"[]", "7", "\"a\"", "{", "{}}", "nonsense"})
        BOOST_TEST(refusal_of([&] { return one.call_tool("t", wrong, no_headers); }) == errc::invalid_argument, wrong);
    BOOST_TEST(requests.empty());
    for (const char* none : {"", "null", " {} \n"}) {
        (void)run(one.call_tool("reserve_seat", none, no_headers));
        BOOST_TEST(message_of(last("tools/call"))["params"]["arguments"] == json::object());
    }
}

BOOST_FIXTURE_TEST_CASE(a_stream_left_open_ends_with_the_answer, modern_server) {
    const mcp::session one = opened(*this);
    play["tools/call"] = left_open([](const raw_request& r) {
        return ":\n\n" + sse_event("", "id: 1\n") + sse_event(R"({"jsonrpc":"2.0","method":"notifications/message"})") +
               sse_event(R"({"jsonrpc":"2.0","id":99,"result":{"content":[]}})") + sse_event("{}", "event: other\n") +
               sse_event("nonsense") + sse_event(result_text(r, text_result("done")));
    });
    const auto began = clock->now();
    BOOST_TEST(run(reserve(one)).text() == "done");
    BOOST_TEST((clock->now() == began));
}

BOOST_FIXTURE_TEST_CASE(a_ping_in_mid_call_is_answered_while_the_call_goes_on, legacy_server) {
    const mcp::session one = opened(*this);
    play["tools/call"] = [this](connection peer, raw_request request) -> asio::awaitable<bool> {
        const connection open = peer;
        std::string head = response_head(200, "text/event-stream", "Transfer-Encoding: chunked\r\n\r\n");
        co_await open->write(std::move(head));
        for (const char* asked : {R"({"jsonrpc":"2.0","id":"p","method":"ping"})",
                                  R"({"jsonrpc":"2.0","id":7,"method":"elicitation/create","params":{}})"}) {
            const std::size_t answers = count("answer");
            std::string ping = sse_event(asked);
            co_await open->write_chunk(std::move(ping));
            while (count("answer") == answers) co_await asio::post(io, asio::use_awaitable);
        }
        std::string answer = sse_event(result_text(request, text_result("done")));
        co_await open->write_chunk(std::move(answer));
        co_await open->wait_for_peer();
        co_return false;
    };
    BOOST_TEST(run(reserve(one)).text() == "done");
    BOOST_TEST(methods() == names({"tools/call", "answer", "answer"}));
    BOOST_TEST(message_of(requests[1]) == json::parse(R"({"jsonrpc":"2.0","id":"p","result":{}})"));
    BOOST_TEST(message_of(requests[2])["error"]["code"] == -32601);
    BOOST_TEST(message_of(requests[2])["id"] == 7);
    for (const raw_request& each : requests) {
        BOOST_TEST(each.field("authorization") == "Bearer " + planted_secret("a"));
        BOOST_TEST(each.field("mcp-session-id") == "session-1");
    }
}

BOOST_FIXTURE_TEST_CASE(too_many_requests_of_the_server_end_the_call, modern_server) {
    const mcp::session one = opened(*this);
    play["tools/call"] = left_open([](const raw_request&) {
        std::string many;
        for (int i = 0; i != 101; ++i) many += sse_event(R"({"jsonrpc":"2.0","id":1,"method":"ping"})");
        return many;
    });
    BOOST_TEST(failure_of(*this, reserve(one)).code() == errc::bad_response);
}

BOOST_FIXTURE_TEST_CASE(answers_without_an_id_and_in_an_array_are_understood, legacy_server) {
    const mcp::session one = opened(*this);
    on["tools/call"] = [](const raw_request&) {
        return whole_response(400, "application/json",
                              R"({"jsonrpc":"2.0","id":null,"error":{"code":-32602,"message":"no"}})");
    };
    BOOST_TEST(run(reserve(one)).error_code.value() == -32602);
    on["tools/call"] = [](const raw_request& r) {
        return whole_response(200, "application/json", "[" + result_text(r, text_result("done")) + "]");
    };
    BOOST_TEST(run(reserve(one)).text() == "done");
}

BOOST_AUTO_TEST_CASE(a_response_without_an_answer_is_a_lost_call_and_is_not_repeated) {
    for (const mcp::era era : {mcp::era::modern, mcp::era::legacy}) {
        mcp_peer peer(era);
        const mcp::session one = opened(peer);
        for (const std::string& response :
             {mcp_peer::stream(": nothing\n\n"),
              mcp_peer::stream(sse_event(R"({"jsonrpc":"2.0","id":77,"result":{}})")),
              std::string("HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n"), std::string()}) {
            peer.requests.clear();
            peer.on["tools/call"] = [&response](const raw_request&) {
                return response.empty() ? "Connection: close" : response;
            };
            const error failure = failure_of(peer, reserve(one));
            BOOST_TEST((failure.code() == errc::connection_lost || failure.code() == errc::bad_response));
            BOOST_TEST(peer.methods() == names({"tools/call"}));
        }
    }
}

BOOST_FIXTURE_TEST_CASE(a_legacy_stream_that_breaks_off_is_continued_after_the_delay_it_names, legacy_server) {
    const mcp::session one = opened(*this);
    std::string call_id;
    on["tools/call"] = [&call_id](const raw_request& r) {
        call_id = message_of(r)["id"].dump();
        return stream("id: e-1\nretry: 500\ndata:\n\n");
    };
    on["GET"] = [&call_id](const raw_request&) {
        return stream(sse_event(R"({"jsonrpc":"2.0","id":)" + call_id +
                                R"(,"result":{"content":[{"type":"text","text":"done"}]}})"));
    };
    const auto began = clock->now();
    BOOST_TEST(run(reserve(one)).text() == "done");
    BOOST_TEST((clock->now() - began == 500ms));
    BOOST_TEST(methods() == names({"tools/call", "GET"}));
    BOOST_TEST(requests[1].field("last-event-id") == "e-1");
    BOOST_TEST(requests[1].field("accept") == "text/event-stream");
    BOOST_TEST(requests[1].field("mcp-session-id") == "session-1");
    BOOST_TEST(requests[1].field("authorization") == "Bearer " + planted_secret("a"));
}

BOOST_FIXTURE_TEST_CASE(a_stream_that_brings_nothing_new_is_continued_three_times, legacy_server) {
    const mcp::session one = opened(*this);
    for (const char* method : {"tools/call", "GET"})
        on[method] = [](const raw_request&) { return stream("id: e-1\ndata:\n\n"); };
    const auto began = clock->now();
    BOOST_TEST(failure_of(*this, reserve(one)).code() == errc::connection_lost);
    BOOST_TEST(methods() == names({"tools/call", "GET", "GET", "GET"}));
    BOOST_TEST((clock->now() - began == 7s));
}

BOOST_FIXTURE_TEST_CASE(a_modern_stream_is_never_continued, modern_server) {
    const mcp::session one = opened(*this);
    on["tools/call"] = [](const raw_request&) { return stream("id: e-1\nretry: 1\ndata:\n\n"); };
    BOOST_TEST(failure_of(*this, reserve(one)).code() == errc::connection_lost);
    BOOST_TEST(methods() == names({"tools/call"}));
}

BOOST_FIXTURE_TEST_CASE(lists_follow_cursors_of_which_an_empty_one_is_one, modern_server) {
    const mcp::session one = opened(*this);
    on["tools/list"] = [](const raw_request& r) {
        const json params = message_of(r)["params"];
        const std::string cursor = params.contains("cursor") ? params["cursor"].dump() : "none";
        json page{{"tools", json::array({{{"name", "tool " + cursor}}})}};
        if (cursor == "none") page["nextCursor"] = "";
        if (cursor == "\"\"") page["nextCursor"] = "é\"";
        if (cursor.size() > 4) page["nextCursor"] = nullptr;
        return result(r, page);
    };
    const mcp::tool_list list = run(one.list_tools(no_headers));
    BOOST_TEST(list.tools.size() == 3u);
    BOOST_TEST(list.tools[2].name == "tool \"é\\\"\"");
}

BOOST_FIXTURE_TEST_CASE(endless_lists_are_errors, modern_server) {
    mcp::server_options options = settings();
    options.max_pages = 5;
    options.max_tools = 100;
    const mcp::session one = opened(*this, options);
    int pages = 0;
    std::function<std::string()> cursor;
    int tools_on_a_page = 1;
    on["tools/list"] = [&](const raw_request& r) {
        json page{{"tools", json::array()}, {"nextCursor", cursor()}};
        for (int i = 0; i != tools_on_a_page; ++i)
            page["tools"].push_back({{"name", "t" + std::to_string(pages * 1000 + i)}});
        ++pages;
        return result(r, page);
    };
    cursor = [] { return "again"; };
    BOOST_TEST(failure_of(*this, one.list_tools(no_headers)).code() == errc::bad_response);
    BOOST_TEST(pages == 2);
    cursor = [&] { return std::to_string(pages); };
    pages = 0;
    BOOST_TEST(failure_of(*this, one.list_tools(no_headers)).code() == errc::response_too_large);
    BOOST_TEST(pages == 5);
    tools_on_a_page = 101;
    pages = 0;
    BOOST_TEST(failure_of(*this, one.list_tools(no_headers)).code() == errc::response_too_large);
    BOOST_TEST(pages == 1);
}

BOOST_FIXTURE_TEST_CASE(tools_that_cannot_be_called_are_left_out_and_named, modern_server) {
    tools = json::parse(R"([
        {"name":"a","inputSchema":{"type":"object","properties":{"r":{"type":"string","x-mcp-header":"Region"}}}},
        {"name":"b","inputSchema":{"type":"object","properties":{"r":{"type":"number","x-mcp-header":"Region"}}}},
        {"name":"a"}, {"title":"nameless"}, {"name":"slow","execution":{"taskSupport":"required"}},
        {"name":"c","inputSchema":null,"annotations":{"title":"C","readOnlyHint":true,"destructiveHint":"no"}}, 7])");
    const mcp::tool_list list = run(session().list_tools(no_headers));
    BOOST_TEST(list.tools.size() == 2u);
    BOOST_TEST(list.tools[1].name == "c");
    BOOST_TEST(list.tools[1].title == "C");
    BOOST_TEST(list.tools[1].input_schema == "");
    BOOST_TEST(list.tools[1].read_only.value());
    BOOST_TEST(!list.tools[1].destructive.has_value());
    BOOST_TEST(list.problems.size() == 4u);
    for (const char* named : {"'b': x-mcp-header", "'a' is listed twice", "without a name", "'slow'"})
        BOOST_TEST(std::any_of(list.problems.begin(), list.problems.end(),
                               [named](const std::string& each) { return each.find(named) != each.npos; }),
                   named);
}

BOOST_FIXTURE_TEST_CASE(annotated_arguments_are_headers_too, modern_server) {
    tools = json::parse(R"([{"name":"größe","inputSchema":{"type":"object","properties":{
        "r":{"type":"string","x-mcp-header":"Region"},"n":{"type":"integer","x-mcp-header":"Count"},
        "in":{"type":"object","properties":{"deep":{"type":"boolean","x-mcp-header":"Deep"}}}}}}])");
    const mcp::session one = opened(*this);
    (void)run(one.call_tool("größe", R"({"r":"Zürich","n":7,"in":{"deep":true},"x":"no"})", no_headers));
    BOOST_TEST(requests[0].field("mcp-name") == "=?base64?Z3LDtsOfZQ==?=");
    BOOST_TEST(requests[0].field("mcp-param-region") == "=?base64?WsO8cmljaA==?=");
    BOOST_TEST(requests[0].field("mcp-param-count") == "7");
    BOOST_TEST(requests[0].field("mcp-param-deep") == "true");
    (void)run(one.call_tool("größe", R"({"r":null,"n":7.5})", no_headers));
    for (const char* absent : {"mcp-param-region", "mcp-param-count", "mcp-param-deep"})
        BOOST_TEST(requests[1].head.find(absent) == std::string::npos);
}

BOOST_FIXTURE_TEST_CASE(after_a_header_mismatch_the_tools_are_listed_and_the_call_repeated_once, modern_server) {
    tools = json::parse(R"([{"name":"reserve_seat","inputSchema":{"type":"object","properties":{
        "seat":{"type":"string","x-mcp-header":"Seat"}}}}])");
    const mcp::session one = session();
    on["tools/call"] = [](const raw_request& r) {
        return r.field("mcp-param-seat") == "14A" ? result(r, text_result("done"))
                                                  : failure(r, 400, -32020, "Header mismatch");
    };
    BOOST_TEST(run(reserve(one)).text() == "done");
    BOOST_TEST(methods() == names({"server/discover", "tools/call", "tools/list", "tools/call"}));
    on["tools/call"] = [](const raw_request& r) { return failure(r, 400, -32020, "Header mismatch"); };
    requests.clear();
    BOOST_TEST(run(reserve(one)).error_code.value() == -32020);
    BOOST_TEST(count("tools/call") == 2u);
}

BOOST_FIXTURE_TEST_CASE(state_that_the_server_wants_back_is_returned_as_it_is, modern_server) {
    const mcp::session one = opened(*this);
    on["tools/call"] = [](const raw_request& r) {
        const json params = message_of(r)["params"];
        if (!params.contains("requestState"))
            return whole_response(200, "application/json",
                                  R"({"jsonrpc":"2.0","id":)" + message_of(r)["id"].dump() +
                                      R"(,"result":{"resultType":"input_required","requestState":"a\u00e9\/"}})");
        return result(r, text_result("done"));
    };
    BOOST_TEST(run(reserve(one)).text() == "done");
    BOOST_TEST(requests[1].body.find(R"("requestState":"a\u00e9\/")") != std::string::npos);
    BOOST_TEST(requests[1].body.find("inputResponses") == std::string::npos);
    BOOST_TEST(message_of(requests[0])["id"] != message_of(requests[1])["id"]);
}

BOOST_FIXTURE_TEST_CASE(questions_to_the_user_are_declined_and_others_end_the_call, modern_server) {
    const mcp::session one = opened(*this);
    on["tools/call"] = [](const raw_request& r) {
        if (message_of(r)["params"].contains("inputResponses")) return result(r, text_result("declined"));
        return result(r, json::parse(R"({"resultType":"input_required",
            "inputRequests":{"name":{"method":"elicitation/create","params":{}}}})"));
    };
    BOOST_TEST(run(reserve(one)).text() == "declined");
    const json params = message_of(requests[1])["params"];
    BOOST_TEST(params["inputResponses"] == json::parse(R"({"name":{"action":"decline"}})"));
    BOOST_TEST(!params.contains("requestState"));
    on["tools/call"] = [](const raw_request& r) {
        return result(r, json::parse(R"({"resultType":"input_required",
            "inputRequests":{"name":{"method":"sampling/createMessage"}}})"));
    };
    requests.clear();
    BOOST_TEST(run(reserve(one)).is_error);
    BOOST_TEST(requests.size() == 1u);
    on["tools/call"] = [](const raw_request& r) {
        return result(r, {{"resultType", "input_required"}, {"requestState", "again"}});
    };
    requests.clear();
    BOOST_TEST(run(reserve(one)).is_error);
    BOOST_TEST(requests.size() == 10u);
    on["tools/call"] = [](const raw_request& r) { return result(r, {{"resultType", "task"}, {"taskId", "1"}}); };
    BOOST_TEST(failure_of(*this, reserve(one)).code() == errc::bad_response);
}

BOOST_FIXTURE_TEST_CASE(progress_is_reported_and_extends_the_time_of_a_call, legacy_server) {
    const mcp::session one = opened(*this);
    play["tools/call"] = [this](connection peer, raw_request request) -> asio::awaitable<bool> {
        const connection open = peer;
        std::string head = response_head(200, "text/event-stream", "Transfer-Encoding: chunked\r\n\r\n");
        co_await open->write(std::move(head));
        const std::string token = message_of(request)["params"]["_meta"]["progressToken"].dump();
        for (int i = 1; i != 4; ++i) {
            co_await detail::sleep_until(clock, clock->now() + 50s);
            std::string report =
                sse_event(R"({"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":)" + token +
                          R"(,"progress":)" + std::to_string(i) + R"(,"total":3,"message":"row"}})");
            co_await open->write_chunk(std::move(report));
        }
        std::string answer = sse_event(result_text(request, text_result("done")));
        co_await open->write_chunk(std::move(answer));
        co_return false;
    };
    std::vector<mcp::progress> reports;
    mcp::call_options options;
    options.on_progress = [&reports](const mcp::progress& report) { reports.push_back(report); };
    BOOST_TEST(run(reserve(one, options)).text() == "done");
    BOOST_TEST(reports.size() == 3u);
    BOOST_TEST(reports[2].value == 3);
    BOOST_TEST(reports[2].total.value() == 3);
    BOOST_TEST(reports[2].message == "row");
    options.total_timeout = 100s;
    BOOST_TEST(failure_of(*this, reserve(one, options)).code() == errc::total_timeout);
}

BOOST_FIXTURE_TEST_CASE(a_silent_call_times_out_keep_alives_or_not_and_a_legacy_server_is_told, legacy_server) {
    const mcp::session one = opened(*this);
    play["tools/call"] = silent();
    const auto began = clock->now();
    BOOST_TEST(failure_of(*this, reserve(one)).code() == errc::idle_timeout);
    BOOST_TEST((clock->now() - began == 60s));
    run_until(io, [this] { return count("notifications/cancelled") == 1; });
    BOOST_TEST(message_of(last("notifications/cancelled"))["params"]["requestId"] == message_of(requests[0])["id"]);
    BOOST_TEST(last("notifications/cancelled").field("authorization") == "Bearer " + planted_secret("a"));
    play["tools/call"] = [this](connection peer, raw_request) -> asio::awaitable<bool> {
        const connection open = peer;
        std::string head = response_head(200, "text/event-stream", "Transfer-Encoding: chunked\r\n\r\n");
        co_await open->write(std::move(head));
        for (bool there = true; there;) {
            co_await detail::sleep_until(clock, clock->now() + 10s);
            std::string comment = ": still there\n\n";
            there = co_await open->write_chunk(std::move(comment));
        }
        co_return false;
    };
    BOOST_TEST(failure_of(*this, reserve(one)).code() == errc::idle_timeout);
}

BOOST_AUTO_TEST_CASE(a_cancelled_call_ends_at_once_and_only_a_legacy_server_is_told) {
    for (const mcp::era era : {mcp::era::legacy, mcp::era::modern}) {
        mcp_peer peer(era);
        const mcp::session one = opened(peer);
        bool closed = false;
        peer.play["tools/call"] = [&closed](connection open, raw_request) -> asio::awaitable<bool> {
            const connection waiting = open;
            co_await waiting->wait_for_peer();
            closed = true;
            co_return false;
        };
        asio::cancellation_signal cancel;
        std::error_code ended;
        asio::co_spawn(peer.io, reserve(one),
                       asio::bind_cancellation_slot(cancel.slot(), [&](std::exception_ptr failure, mcp::tool_result) {
                           try {
                               std::rethrow_exception(failure);
                           } catch (const std::system_error& problem) {
                               ended = problem.code();
                           }
                       }));
        run_until(peer.io, [&] { return peer.count("tools/call") == 1; });
        cancel.emit(asio::cancellation_type::terminal);
        run_until(peer.io, [&] { return ended && closed; });
        BOOST_TEST(ended == asio::error::operation_aborted);
        const std::size_t told = era == mcp::era::legacy ? 1 : 0;
        run_until(peer.io, [&] { return peer.count("notifications/cancelled") == told; });
        // The session goes on.
        peer.play.clear();
        BOOST_TEST(peer.run(reserve(one)).text() == "seat 14A is yours");
        BOOST_TEST(peer.count("notifications/cancelled") == told);
    }
}

BOOST_AUTO_TEST_CASE(answers_that_are_too_large_are_errors) {
    for (const bool as_stream : {false, true}) {
        modern_server peer;
        mcp::server_options options = mcp_peer::settings();
        options.max_response_bytes = 1000;
        const mcp::session one = opened(peer, options);
        peer.on["tools/call"] = [as_stream](const raw_request& r) {
            const std::string text = mcp_peer::result_text(r, mcp_peer::text_result(std::string(1000, 'a')));
            return as_stream ? mcp_peer::stream(sse_event(text)) : whole_response(200, "application/json", text);
        };
        BOOST_TEST(failure_of(peer, reserve(one)).code() == errc::response_too_large);
    }
}

BOOST_FIXTURE_TEST_CASE(answers_of_other_kinds_are_errors, modern_server) {
    const mcp::session one = opened(*this);
    const std::tuple<std::string, errc> cases[] = {
        {whole_response(200, "text/html", "<p>hello"), errc::unexpected_content_type},
        {whole_response(200, "application/json", "nonsense"), errc::bad_response},
        {whole_response(200, "application/json", R"({"jsonrpc":"2.0","id":1e9,"result":{}})"), errc::connection_lost},
        {whole_response(500, "text/plain", "crash"), errc::server_failed},
        {whole_response(307, "text/plain", "", "Location: http://127.0.0.1:1/\r\n"), errc::unexpected_status},
        {whole_response(403, "text/plain", ""), errc::forbidden},
    };
    for (const auto& [response, code] : cases) {
        requests.clear();
        on["tools/call"] = [&response = response](const raw_request&) { return response; };
        BOOST_TEST(failure_of(*this, reserve(one)).code() == code);
        BOOST_TEST(requests.size() == 1u);
    }
}

BOOST_FIXTURE_TEST_CASE(a_server_that_asks_to_wait_is_called_again, modern_server) {
    mcp::server_options options = settings();
    options.retry.max_retries = 2;
    const mcp::session one = opened(*this, options);
    int refusals = 2;
    on["tools/call"] = [&refusals](const raw_request& r) {
        if (refusals-- == 0) return result(r, text_result("done"));
        return whole_response(refusals == 1 ? 429 : 503, "text/plain", "", "Retry-After: 4\r\n");
    };
    const auto began = clock->now();
    BOOST_TEST(run(reserve(one)).text() == "done");
    BOOST_TEST((clock->now() - began == 8s));
    refusals = 9;
    BOOST_TEST(failure_of(*this, reserve(one)).code() == errc::server_failed);
    BOOST_TEST(count("tools/call") == 6u);
}

BOOST_FIXTURE_TEST_CASE(headers_that_the_protocol_sets_are_refused, modern_server) {
    const mcp::session one = session();
    for (const char* name : {"Accept", "content-type", "Host", "MCP-Protocol-Version", "mcp-session-id", "Mcp-Method",
                             "Mcp-Param-Region", "Last-Event-ID", "Transfer-Encoding", "a b", ""})
        BOOST_TEST(refusal_of([&] { return one.list_tools(headers(header(name, "x"))); }) == errc::invalid_header,
                   name);
    BOOST_TEST(refusal_of([&] { return one.list_tools(headers(header("X-A", "a\r\nb"))); }) == errc::invalid_header);
    BOOST_TEST(requests.empty());
}

BOOST_AUTO_TEST_CASE(headers_go_over_plain_http_to_this_machine_only) {
    asio::io_context io;
    const mcp::session far_away(mcp::server(io.get_executor(), "http://mcp.example/mcp"));
    BOOST_TEST(refusal_of([&] { return far_away.list_tools(mcp_peer::token("a")); }) == errc::insecure_endpoint);
    for (const char* url :
         {"", "mcp.example", "ftp://mcp.example", "https://a:b@mcp.example/", "https://mcp.example/#x"})
        BOOST_CHECK_EXCEPTION(mcp::server(io.get_executor(), url), error,
                              [](const error& failure) { return failure.code() == errc::invalid_endpoint; });
}

// Each call gets the answer to its own token. CORUN_MANY_CALLS=10000 makes so many; they need two open files each.
BOOST_AUTO_TEST_CASE(many_calls_at_once_never_cross) {
    const char* const wanted = std::getenv("CORUN_MANY_CALLS");
    const int calls = wanted ? std::atoi(wanted) : 500;
    // No listener takes more connections than this at once.
    constexpr int calls_per_server = 2000;
    asio::io_context io;
    std::deque<mcp_peer> servers;
    std::vector<mcp::server> clients;
    mcp::server_options options = mcp_peer::settings();
    options.revisions = mcp::revisions::modern;
    int done = 0, crossed = 0;
    for (int i = 0; i != calls; ++i) {
        if (i % calls_per_server == 0) {
            mcp_peer& added = servers.emplace_back(mcp::era::modern, &io);
            added.on["tools/call"] = [](const raw_request& r) {
                return mcp_peer::result(r, mcp_peer::text_result(r.field("authorization")));
            };
            clients.push_back(added.client(options));
        }
        const std::string user = "Bearer " + planted_secret(std::to_string(i));
        const mcp::session one(clients.back());
        auto calling = one.call_tool("echo", "{}", headers(header("Authorization", user)));
        asio::co_spawn(io, std::move(calling), [&, user](std::exception_ptr failure, mcp::tool_result answer) {
            if (failure) std::rethrow_exception(failure);
            crossed += answer.text() == user ? 0 : 1;
            ++done;
        });
    }
    run_until(io, [&] { return done == calls; });
    BOOST_TEST(crossed == 0);
}

// Cut anywhere, a call is answered, or lost and not repeated.
BOOST_AUTO_TEST_CASE(an_answer_cut_at_any_byte_is_there_or_lost_and_never_asked_for_twice) {
    for (const mcp::era era : {mcp::era::modern, mcp::era::legacy})
        for (const bool as_stream : {false, true}) {
            mcp_peer peer(era);
            const mcp::session one = opened(peer);
            std::string whole = "?";
            std::size_t answered = 0;
            for (std::size_t bytes = 0; bytes <= whole.size(); ++bytes) {
                peer.requests.clear();
                peer.play["tools/call"] = [&](connection open, raw_request r) -> asio::awaitable<bool> {
                    const connection cut = open;
                    const std::string text = mcp_peer::result_text(r, mcp_peer::text_result("done"));
                    whole =
                        as_stream ? mcp_peer::stream(sse_event(text)) : whole_response(200, "application/json", text);
                    std::string part = whole.substr(0, bytes);
                    co_await cut->write(std::move(part));
                    co_return false;
                };
                try {
                    BOOST_TEST(peer.run(reserve(one)).text() == "done");
                    ++answered;
                } catch (const error& failure) {
                    BOOST_TEST((failure.code() == errc::connection_lost || failure.code() == errc::bad_response));
                }
                BOOST_TEST(peer.methods() == names({"tools/call"}));
            }
            BOOST_TEST(answered >= 1u);
            BOOST_TEST(answered <= 3u);
        }
}

BOOST_AUTO_TEST_SUITE_END()
