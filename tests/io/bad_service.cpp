// What a service gets wrong: each its own error, and nothing lost that had arrived.
#include "emulated.hpp"
#include "loopback_server.hpp"

#include <boost/test/unit_test.hpp>

#include <string>

namespace {

using namespace corun;
using namespace corun::test;
using namespace std::chrono_literals;
using emulator::fault;

/// What came of a run that broke: the text and the number of events before, and how it ended.
struct broken_run {
    broken_run() = default;

    std::string text;
    std::size_t events = 0;
    std::error_code code;
    diagnostics details;
};

asio::awaitable<broken_run> run_to_the_end(agent a, std::string text, run_options options) {
    broken_run came;
    event_stream stream = co_await a.run_stream(text, options);
    while (auto arrived = co_await stream.next(came.code)) {
        ++came.events;
        if (const auto* delta = arrived->get_if<events::text_delta>()) came.text += delta->text;
    }
    came.details = stream.details();
    co_return came;
}

struct bad : emulated {
    agent a = make_plain_agent();

    error refusal(int status, std::string body, emulator::header_fields fields = {}) {
        service->inject(fault::respond(status, std::move(body), std::move(fields)).on("POST", "/threads/runs"));
        return failure_of(io, a.run_stream("hi"));
    }
    broken_run broken(fault what, const run_options& options = {}) {
        service->inject(std::move(what));
        return await(io, run_to_the_end(a, "tokens(20)", options));
    }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(bad_service, bad)

BOOST_AUTO_TEST_CASE(statuses_are_errors_with_what_the_service_said) {
    BOOST_TEST(refusal(401, "").code() == errc::unauthorized);
    BOOST_TEST(refusal(403, "").code() == errc::forbidden);
    BOOST_TEST(refusal(500, "").code() == errc::server_failed);
    const error page = refusal(502, "<html><h1>Bad gateway</h1></html>");
    BOOST_TEST(page.code() == errc::server_failed);
    BOOST_TEST(page.status() == 502);
    BOOST_TEST(page.details().body.find("Bad gateway") != std::string::npos);
    const error missing = failure_of(io, client->get_agent("asst_nobody"));
    BOOST_TEST(missing.code() == errc::not_found);
    BOOST_TEST(!missing.service_message().empty());
    BOOST_TEST(!missing.request_id().empty());
}

BOOST_AUTO_TEST_CASE(every_form_of_retry_hint_is_read) {
    const auto hint = [&](emulator::header_fields fields) { return refusal(429, "", std::move(fields)).retry_after(); };
    BOOST_TEST((hint({{"Retry-After", "7"}}) == 7s));
    BOOST_TEST((hint({{"retry-after-ms", "250"}}) == 250ms));
    BOOST_TEST((hint({{"x-ms-retry-after-ms", "1500"}}) == 1500ms));
    BOOST_TEST((hint({{"Retry-After", "7"}, {"retry-after-ms", "250"}}) == 250ms));
    BOOST_TEST((hint({{"Retry-After", "Sun, 06 Nov 1994 08:49:37 GMT"}}) == 0ms));
    BOOST_TEST((hint({{"Retry-After", "Fri, 31 Dec 2100 23:59:59 GMT"}}) == 24h));
    BOOST_TEST((hint({{"Retry-After", "Fri, 31 Dec 9999 23:59:59 GMT"}}) == 24h));
    BOOST_TEST(!hint({{"Retry-After", "Fri, 31 Foo 2100 23:59:59 GMT"}}).has_value());
    BOOST_TEST(!hint({{"Retry-After", "Fri, 31 Dec 2100 23:59:59 GMT x"}}).has_value());
    BOOST_TEST(!hint({{"Retry-After", "soon"}}).has_value());
    BOOST_TEST(!hint({{"Retry-After", "-1"}}).has_value());
    BOOST_TEST(!hint({}).has_value());
}

BOOST_AUTO_TEST_CASE(a_wrong_token_is_unauthorized) {
    corun::client other(io.get_executor(), service->endpoint(), credential::bearer("planted-secret-wrong"), searched());
    const error failure = failure_of(io, other.get_agent(a.id()));
    BOOST_TEST(failure.code() == errc::unauthorized);
    BOOST_TEST(std::string(failure.what()).find("wrong") == std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_wrong_api_version_is_a_bad_request) {
    client_options options;
    options.api_version = "2020-01-01";
    corun::client other(io.get_executor(), service->endpoint(), credential::bearer(service->token()),
                        searched(options));
    const error failure = failure_of(io, other.get_agent(a.id()));
    BOOST_TEST(failure.code() == errc::bad_request);
    BOOST_TEST(failure.service_message().find("API version") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_stream_that_ends_early_in_any_way_is_an_error) {
    const broken_run cut = broken(fault::cut().after_events(12));
    BOOST_TEST(cut.code == errc::premature_eof);
    BOOST_TEST(cut.events == 12u);
    const broken_run reset = broken(fault::reset().after_events(12));
    BOOST_TEST(reset.code == errc::connection_lost);
    // A reset may overtake bytes in flight: how many events were read before it is not ours to say.
    BOOST_TEST(reset.events <= 12u);
    const broken_run quiet = broken(fault::omit("thread.run.completed"));
    BOOST_TEST(quiet.code == errc::premature_eof);
    BOOST_TEST(!quiet.text.empty());
}

BOOST_AUTO_TEST_CASE(without_the_done_event_a_completed_run_is_complete) {
    const broken_run fine = broken(fault::omit("done"));
    BOOST_TEST(!fine.code);
    BOOST_TEST(!fine.text.empty());
}

BOOST_AUTO_TEST_CASE(garbage_in_an_event_costs_that_event) {
    const auto garbage =
        fault::insert("event: thread.message.delta\ndata: {\"id\": nonsense\n\n").after("thread.message.created");
    const broken_run fine = broken(garbage);
    BOOST_TEST(!fine.code);
    BOOST_TEST(fine.text == broken(fault::omit("done")).text);
}

BOOST_AUTO_TEST_CASE(a_strict_run_fails_with_the_name_of_the_garbage_and_keeps_what_came_before) {
    run_options strict;
    strict.strict_events = true;
    const broken_run garbage = broken(
        fault::insert("event: thread.message.delta\ndata: {\"id\": nonsense\n\n").after("thread.message.created"),
        strict);
    BOOST_TEST(garbage.code == errc::bad_event);
    BOOST_TEST(garbage.events > 3u);
    BOOST_TEST(garbage.details.message.find("thread.message.delta") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_line_of_two_megabytes_is_delivered_whole_or_refused_by_its_size) {
    const std::string large(std::size_t{2} << 20, 'x');
    const std::string frame = "event: thread.surprise\ndata: {\"x\":\"" + large + "\"}\n\n";
    service->inject(fault::insert(frame).after("thread.message.created"));
    event_stream stream = await(io, a.run_stream("hi"));
    bool seen = false;
    for (const event& each : await(io, collect(stream))) {
        if (each.name() != "thread.surprise") continue;
        seen = true;
        BOOST_TEST(each.raw().size() == large.size() + 8);
        BOOST_TEST(each.get_if<events::unknown>());
    }
    BOOST_TEST(seen);

    client_options options;
    options.max_event_bytes = std::size_t{1} << 20;
    corun::client bounded(io.get_executor(), service->endpoint(), credential::bearer(service->token()),
                          searched(options));
    agent other = await(io, bounded.get_agent(a.id()));
    service->inject(fault::insert(frame).after("thread.message.created"));
    const broken_run refused = await(io, run_to_the_end(other, "hi", {}));
    BOOST_TEST(refused.code == errc::event_too_large);
    BOOST_TEST(refused.events > 3u);
}

BOOST_AUTO_TEST_CASE(a_stalled_stream_times_out_and_keeps_what_came_before) {
    run_options options;
    options.idle_timeout = 30ms;
    service->inject(fault::stall().after_events(5));
    const auto stalled = [](agent on, run_options with) -> asio::awaitable<broken_run> {
        broken_run came;
        event_stream stream = co_await on.run_stream("hi", mcp_headers(), with);
        while (auto arrived = co_await stream.next(came.code)) ++came.events;
        co_return came;
    };
    const broken_run came = await(io, stalled(a, options));
    BOOST_TEST(came.code == errc::idle_timeout);
    BOOST_TEST(came.events == 5u);
}

BOOST_AUTO_TEST_CASE(duplicates_keepalives_comments_and_unknown_events_do_no_harm) {
    service->options().duplicate_events = true;
    service->inject(fault::insert("event: keepalive\ndata:\n\n").before("thread.message.delta").times(fault::always));
    service->inject(fault::insert(": ping\n\n").before("thread.message.delta").times(fault::always));
    service->inject(fault::insert("event: thread.run.new_thing\ndata: {\"a\":1}\n\n")
                        .before("thread.message.completed")
                        .times(fault::always));
    const run_result result = await(io, a.run("one two three"));
    BOOST_TEST((result.status == run_state::completed));
    BOOST_TEST(result.messages.size() == 1u);
    BOOST_TEST(result.text().find("one two three") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(crlf_frames_are_the_same_events) {
    service->inject(fault::crlf());
    const run_result result = await(io, a.run("one two three"));
    BOOST_TEST(result.text().find("one two three") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_failed_run_is_an_event_and_from_run_an_error_with_what_had_arrived) {
    service->script("fail now",
                    {emulator::step::reply("Let me see."),
                     emulator::step::fail("rate_limit_exceeded", "Rate limit is exceeded. Try again in 22 seconds.")});
    const std::vector<event> events = await(io, collect(a.run_stream("fail now")));
    BOOST_REQUIRE(events.back().get_if<events::run_failed>());
    BOOST_REQUIRE(events.back().get_if<events::run_failed>()->run.last_error.has_value());
    BOOST_TEST(events.back().get_if<events::run_failed>()->run.last_error->code == "rate_limit_exceeded");
    try {
        (void)await(io, a.run("fail now"));
        BOOST_FAIL("it must throw");
    } catch (const run_error& failure) {
        BOOST_TEST(failure.code() == errc::run_failed);
        BOOST_TEST(failure.service_code() == "rate_limit_exceeded");
        BOOST_TEST(failure.result().text() == "Let me see.");
    }
}

BOOST_AUTO_TEST_CASE(a_secret_that_the_service_echoes_is_in_no_error) {
    // Those of the client and of the run, as they are and as JSON writes them.
    const std::string echoes[] = {service->token(), "planted-secret-mcp/1", "planted-secret-tenant",
                                  R"(planted-secret-mcp\/1)", R"(planted-secret-mcp\u002f1)"};
    mcp_headers headers = token("planted-secret-mcp/1");
    headers.set("bookings", "X-Tenant", "planted-secret-tenant");
    agent b = make_agent();
    for (const std::string& echoed : echoes) {
        BOOST_TEST_CONTEXT(echoed) {
            const std::string json =
                R"({"error":{"code":")" + echoed + R"(","message":"Invalid header value 'Bearer )" + echoed + R"('"}})";
            const auto hidden = [&](const error& failure, errc code) {
                BOOST_TEST(failure.code() == code);
                const diagnostics& said = failure.details();
                const std::string all = failure.what() + said.message + said.request_id + said.service_code +
                                        said.service_message + said.body;
                BOOST_TEST(all.find(echoed) == all.npos);
                BOOST_TEST(all.find("planted-secret-mcp") == all.npos);
                BOOST_TEST(all.find("***") != all.npos);
            };
            service->inject(fault::respond(400, json, {{"x-request-id", echoed}}).on("POST", "/threads/runs"));
            hidden(failure_of(io, b.run_stream("hi", headers)), errc::bad_request);
            service->inject(fault::respond(401, json).on("POST", "/threads/runs"));
            hidden(failure_of(io, b.run("hi", headers)), errc::unauthorized);
            service->inject(fault::respond(500, json).on("POST", "/threads/runs"));
            hidden(failure_of(io, b.create_run("hi", headers)), errc::server_failed);
            // A success, but a page.
            service->inject(fault::respond(200, "<p>" + echoed).on("POST", "/threads/runs"));
            hidden(failure_of(io, b.run_stream("hi", headers)), errc::unexpected_content_type);
            service->inject(fault::respond(200, "<p>" + echoed).on("POST", "/threads/runs"));
            hidden(failure_of(io, b.create_run("hi", headers)), errc::unexpected_content_type);
            // In the stream.
            service->inject(fault::insert("event: error\ndata: " + json + "\n\n").after("thread.run.created"));
            service->inject(fault::cut().after("thread.run.queued"));
            event_stream stream = await(io, b.run_stream("hi", headers));
            hidden(failure_of(io, collect(stream)), errc::stream_failed);
            service->inject(fault::respond(403, json).on("POST", "/threads/*/runs/*/cancel"));
            hidden(failure_of(io, stream.cancel_run()), errc::forbidden);
        }
    }
    service->inject(fault::respond(401, R"({"error":{"message":"bad token )" + service->token() + R"("}})")
                        .on("GET", "/assistants/*"));
    const error call = failure_of(io, client->get_agent(b.id()));
    BOOST_TEST(call.service_message() == "bad token ***");
    // Across the place where a long body is cut.
    service->inject(fault::respond(502, "<p>" + std::string(4090, 'x') + service->token()).on("GET", "/assistants/*"));
    BOOST_TEST(failure_of(io, client->get_agent(b.id())).details().body == "<p>" + std::string(4090, 'x') + "***");
}

BOOST_AUTO_TEST_CASE(a_secret_in_the_error_of_a_run_is_not_in_that_of_the_call) {
    service->script("fail now",
                    {emulator::step::fail("tool_server_error", "The server refused 'Bearer planted-secret-mcp-1'.")});
    mcp->accept_token("planted-secret-mcp-1");
    agent b = make_agent();
    try {
        (void)await(io, b.run("fail now", token("planted-secret-mcp-1")));
        BOOST_FAIL("it must throw");
    } catch (const run_error& failure) {
        BOOST_TEST(failure.code() == errc::run_failed);
        BOOST_TEST(failure.service_code() == "tool_server_error");
        BOOST_TEST(failure.service_message() == "The server refused '***'.");
        BOOST_TEST(std::string_view(failure.what()).find("planted-secret-mcp") == std::string_view::npos);
        BOOST_REQUIRE(failure.result().last_error.has_value());
        BOOST_TEST(failure.result().last_error->message == "The server refused '***'.");
    }
}

BOOST_AUTO_TEST_CASE(run_on_a_broken_stream_carries_what_had_arrived) {
    service->inject(fault::cut().after("thread.message.delta"));
    try {
        (void)await(io, a.run("tokens(20)"));
        BOOST_FAIL("it must throw");
    } catch (const run_error& failure) {
        BOOST_TEST(failure.code() == errc::premature_eof);
        BOOST_TEST(!failure.result().text().empty());
        BOOST_TEST(!failure.result().run_id.empty());
    }
}

BOOST_AUTO_TEST_CASE(a_json_call_refuses_pages_garbage_and_too_much) {
    struct answer {
        std::string type, body;
        errc expected;
    };
    const answer answers[] = {
        {"text/html", "<html>sign in</html>", errc::unexpected_content_type},
        {"application/json", "{\"id\":", errc::bad_response},
        {"application/json", "[]", errc::bad_response},
        {"application/json", "", errc::bad_response},
        {"application/json", "{\"id\":\"" + std::string(5000, 'x') + "\"}", errc::response_too_large},
    };
    for (const answer& each : answers) {
        loopback_server server(io, [&](std::shared_ptr<raw_connection> connection) -> asio::awaitable<void> {
            (void)co_await connection->read();
            co_await connection->write(whole_response(200, each.type, each.body));
        });
        client_options options;
        options.max_response_bytes = 4000;
        corun::client other(io.get_executor(), server.url(), credential::bearer("planted-secret-other"),
                            searched(options));
        BOOST_TEST(failure_of(io, other.get_agent("asst_1")).code() == each.expected, each.body.substr(0, 20));
    }
}

BOOST_AUTO_TEST_CASE(nobody_listening_is_connect_failed) {
    std::string gone = service->endpoint();
    service->stop();
    corun::client other(io.get_executor(), gone, credential::bearer("planted-secret-other"), searched());
    BOOST_TEST(failure_of(io, other.get_agent("asst_1")).code() == errc::connect_failed);
}

BOOST_AUTO_TEST_SUITE_END()
