#include "stream/receiving.hpp"

#include "step_fixture.hpp"
#include "stream/sending.hpp"

#include <boost/test/unit_test.hpp>

namespace {

using namespace corun;
using namespace corun::test;
using namespace std::chrono_literals;

struct fixture : step_fixture {
    explicit fixture(run_options options = {}, client_options settings = without_second_chances())
        : step_fixture(std::move(options), std::move(settings)) {}

    static client_options without_second_chances() {
        client_options result = defaults();
        result.reattach.enabled = false;
        result.retry.max_retries = 0;
        return result;
    }

    /// A response is under way.
    void send() {
        detail::run_call call;
        call.path = "/runs";
        start(detail::send(stream, std::move(call)));
    }
    void open() {
        send();
        accept();
    }
};

struct small_events : fixture {
    small_events() : fixture({}, settings()) {}
    static client_options settings() {
        client_options result = without_second_chances();
        result.max_event_bytes = 100;
        result.high_water_bytes = 500;
        return result;
    }
};

struct with_handlers : fixture {
    with_handlers() : fixture(options()) {}
    static run_options options() {
        run_options result;
        result.on_mcp_approval = [](mcp_approval_request) -> asio::awaitable<bool> { co_return true; };
        return result;
    }
};

struct with_restarts : fixture {
    with_restarts() : fixture(options(), defaults()) {}
    static run_options options() {
        run_options result;
        result.rate_limit_restarts = 1;
        return result;
    }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(receiving)

BOOST_FIXTURE_TEST_CASE(events_wait_for_the_caller_in_order, fixture) {
    open();
    receive(frame("news") + frame("ping") + frame("again") + frame("text"));
    BOOST_TEST(stream->has_news());
    BOOST_TEST(take() == "news ping text");
    BOOST_TEST(!stream->has_news());
    BOOST_TEST((phase() == run::phase::streaming));
    BOOST_TEST(stream->response->bytes() > 0u);
}

BOOST_FIXTURE_TEST_CASE(arriving_events_wake_who_waits, fixture) {
    open();
    start(stream->arrival.wait());
    BOOST_TEST(!outcome.has_value());
    receive("event: ne");
    BOOST_TEST(!outcome.has_value());
    receive("ws\ndata: {}\n\n");
    BOOST_TEST(outcome.has_value());
}

BOOST_FIXTURE_TEST_CASE(the_last_event_ends_the_run_and_nothing_counts_after_it, fixture) {
    open();
    receive(frame("last") + frame("news"));
    BOOST_TEST((phase() == run::phase::over));
    BOOST_TEST(!stream->fsm.failure());
    BOOST_TEST(take() == "last");
    receive(frame("news"));
    BOOST_TEST(take().empty());
}

BOOST_FIXTURE_TEST_CASE(the_rest_of_a_response_is_read_for_a_while_and_then_dropped, fixture) {
    open();
    receive(frame("last"));
    BOOST_TEST(transport->current() != nullptr);
    wait(1'999ms);
    BOOST_TEST(transport->current() != nullptr);
    wait(1ms);
    BOOST_TEST(transport->current() == nullptr);
}

BOOST_FIXTURE_TEST_CASE(a_stream_without_an_end_of_the_run_failed, fixture) {
    open();
    receive(frame("news"));
    end();
    BOOST_TEST((phase() == run::phase::over));
    BOOST_TEST(stream->fsm.failure() == errc::premature_eof);
    BOOST_TEST(stream->has_news());

    make();
    open();
    receive(frame("end"));
    BOOST_TEST(stream->fsm.failure() == errc::premature_eof);
    BOOST_TEST(take().empty());

    make();
    open();
    receive(frame("error"));
    end(errc::connection_lost);
    BOOST_TEST(stream->fsm.failure() == errc::stream_failed);
    BOOST_TEST(take() == "error");
}

BOOST_FIXTURE_TEST_CASE(a_broken_connection_says_how_it_broke, fixture) {
    open();
    BOOST_TEST(stream->details.status == 200);
    BOOST_TEST(stream->details.request_id == "request-1");
    end(errc::connection_lost);
    BOOST_TEST(stream->fsm.failure() == errc::connection_lost);
    BOOST_TEST(stream->details.message == "played by the test");
    BOOST_TEST(stream->details.status == 200);
}

BOOST_FIXTURE_TEST_CASE(an_event_that_no_blank_line_ends_counts_if_its_data_is_complete, fixture) {
    open();
    receive("event: last\ndata: {\"a\":1}\n");
    end();
    BOOST_TEST(!stream->fsm.failure());
    BOOST_TEST(take() == "last");

    for (const std::error_code code : {std::error_code(), std::error_code(errc::connection_lost)}) {
        make();
        open();
        receive(code ? "event: last\ndata: {}\n" : "event: last\ndata: {\"a\":\n");
        end(code);
        BOOST_TEST(stream->fsm.failure() == (code ? errc::connection_lost : errc::premature_eof));
        BOOST_TEST(take().empty());
    }
}

BOOST_FIXTURE_TEST_CASE(a_response_that_is_no_event_stream_is_refused, fixture) {
    for (const char* type : {"application/json", "text/plain"}) {
        make();
        send();
        transfer().head(200, type);
        transfer().bytes("{}");
        BOOST_TEST(!stream->response->over());
        BOOST_TEST(!stream->response->refused());
        end();
        BOOST_TEST(stream->response->refused());
        BOOST_TEST(!stream->response->accepted());
        BOOST_TEST(outcome.value() == errc::unexpected_content_type);
        BOOST_TEST(stream->details.status == 0);
    }
    make();
    send();
    transfer().head(299, "Text/Event-Stream; charset=utf-8");
    run_ready(io);
    BOOST_TEST(stream->response->accepted());
    for (const int status : {199, 300}) {
        make();
        send();
        transfer().head(status, "text/event-stream");
        end();
        BOOST_TEST(!stream->response->accepted());
        BOOST_TEST(outcome.has_value());
    }
}

BOOST_FIXTURE_TEST_CASE(a_refusal_is_read_no_further_than_an_error_needs, fixture) {
    send();
    transfer().head(400, "text/plain");
    transfer().bytes(std::string(detail::max_error_body, 'x'));
    run_ready(io);
    BOOST_TEST(!outcome.has_value());
    transfer().bytes("y");
    run_ready(io);
    BOOST_TEST(outcome.value() == errc::bad_request);
    BOOST_TEST(transport->current() == nullptr);
}

BOOST_FIXTURE_TEST_CASE(the_services_clock_is_read_from_its_responses, fixture) {
    send();
    net::response_head head;
    head.status = 200;
    head.fields.emplace_back("Content-Type", "text/event-stream");
    head.fields.emplace_back("Date", "Sun, 06 Nov 1994 08:49:37 GMT");
    transfer().head(std::move(head));
    BOOST_TEST(context->api->time() < 784111777 + 60);
    BOOST_TEST(context->api->time() >= 784111777);
}

BOOST_FIXTURE_TEST_CASE(an_event_that_is_too_large_ends_the_stream, small_events) {
    open();
    receive("event: news\ndata: " + std::string(200, 'x'));
    BOOST_TEST(stream->fsm.failure() == errc::event_too_large);
    BOOST_TEST(stream->details.message == "an event is larger than 100 bytes");
    BOOST_TEST(transport->current() == nullptr);
}

BOOST_FIXTURE_TEST_CASE(reading_pauses_while_too_much_waits, small_events) {
    open();
    receive(frame("news", "{\"a\":1}"));
    const int per_event = static_cast<int>(stream->events.bytes());
    BOOST_TEST(!transfer().paused);
    for (int i = 0; i * per_event <= 500; ++i) receive(frame("news", "{\"a\":1}"));
    BOOST_TEST(transfer().paused);
    BOOST_TEST(transfer().pauses == 1);
    stream->drop_events();
    BOOST_TEST(!transfer().paused);
}

BOOST_FIXTURE_TEST_CASE(an_action_without_a_handler_waits_for_the_caller, fixture) {
    required_action action;
    action.mcp_approvals.emplace_back();
    open();
    protocol->set_action(std::move(action));
    receive(frame("action"));
    BOOST_TEST((phase() == run::phase::waiting));
    BOOST_TEST(take() == "action");
}

BOOST_FIXTURE_TEST_CASE(an_action_with_handlers_is_answered_once, with_handlers) {
    required_action action;
    action.mcp_approvals.emplace_back();
    open();
    protocol->set_action(std::move(action));
    receive(frame("action") + frame("action"));
    BOOST_TEST((phase() == run::phase::answering));
    BOOST_TEST(logged("answer 0") == 1u);
    BOOST_TEST(path().starts_with("/answers"));
    accept();
    receive(frame("last"));
    BOOST_TEST(take() == "action corun.approval_decided last");
    BOOST_TEST(!stream->fsm.failure());
}

BOOST_FIXTURE_TEST_CASE(nobody_answers_for_a_caller_who_has_left, with_handlers) {
    required_action action;
    action.mcp_approvals.emplace_back();
    open();
    protocol->set_action(std::move(action));
    stream->user = detail::stream_state::caller::stopping;
    receive(frame("action"));
    BOOST_TEST((phase() == run::phase::waiting));
    BOOST_TEST(take().empty());
}

BOOST_FIXTURE_TEST_CASE(a_run_can_be_found_as_soon_as_an_event_names_it, fixture) {
    open();
    BOOST_TEST((stream->fsm.existence() == run::existence::possible));
    receive(frame("news", "known"));
    BOOST_TEST((stream->fsm.existence() == run::existence::known));
}

BOOST_FIXTURE_TEST_CASE(an_end_that_nothing_follows_is_received_when_the_response_ends, fixture) {
    for (const char* last : {"[DONE]", "over"}) {
        BOOST_TEST_CONTEXT(last) {
            fixture here;
            here.open();
            here.protocol->end.emplace("last", "{}");
            here.receive(frame("news"));
            BOOST_TEST(here.take() == "news");
            if (last == std::string_view("over"))
                here.transport->current()->done();
            else
                here.receive(frame("end"));
            BOOST_TEST(here.take() == "last");
            BOOST_TEST((here.phase() == run::phase::over));
            BOOST_TEST(!here.stream->fsm.failure());
        }
    }
}

BOOST_FIXTURE_TEST_CASE(an_error_of_the_stream_may_begin_another_run, with_restarts) {
    open();
    receive(frame("error", R"({"code":"rate_limit_exceeded","message":"m"})"));
    BOOST_TEST((phase() == run::phase::restarting));
}

BOOST_FIXTURE_TEST_CASE(a_failure_that_may_pass_begins_another_run, with_restarts) {
    open();
    receive(frame("news", "known") + frame("failed", "rate_limit_exceeded"));
    BOOST_TEST((phase() == run::phase::restarting));
    BOOST_TEST(stream->failed.has_value());
    BOOST_TEST(take() == "news");
}

BOOST_FIXTURE_TEST_CASE(any_other_failure_is_the_end, with_restarts) {
    struct row {
        std::string events, delivered;
    };
    const row rows[] = {
        {frame("news", "known") + frame("failed", "server_error"), "news failed"},
        {frame("news", "known") + frame("failed", ""), "news failed"},
        {frame("news", "known") + frame("last"), "news last"},
        // It has written something, or is not known.
        {frame("news", "known") + frame("text") + frame("failed", "rate_limit_exceeded"), "news text failed"},
        {frame("failed", "rate_limit_exceeded"), "failed"},
    };
    for (const row& each : rows) {
        make();
        open();
        receive(each.events);
        BOOST_TEST((phase() == run::phase::over));
        BOOST_TEST(!stream->failed.has_value());
        BOOST_TEST(take() == each.delivered);
    }
}

BOOST_FIXTURE_TEST_CASE(the_end_of_a_response_frees_an_abandoned_stream, fixture) {
    open();
    receive(frame("last"));
    stream->user = detail::stream_state::caller::gone;
    stream->drain();
    const std::weak_ptr<detail::stream_state> alive = stream;
    auto* current = transport->current();
    BOOST_REQUIRE(current != nullptr);
    stream.reset();
    BOOST_TEST(!alive.expired());
    current->done({});
    run_ready(io);
    BOOST_TEST(alive.expired());
}

BOOST_FIXTURE_TEST_CASE(a_stream_that_is_not_ending_is_dropped_at_once, fixture) {
    open();
    stream->user = detail::stream_state::caller::gone;
    stream->drain();
    BOOST_TEST(transport->current() == nullptr);
    BOOST_TEST(clock->pending() == 0u);
}

BOOST_AUTO_TEST_SUITE_END()
