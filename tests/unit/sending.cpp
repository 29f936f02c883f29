#include "stream/sending.hpp"

#include "step_fixture.hpp"

#include <asio/bind_cancellation_slot.hpp>
#include <asio/cancellation_signal.hpp>
#include <boost/test/unit_test.hpp>

namespace {

using namespace corun;
using namespace corun::test;
using namespace std::chrono_literals;

struct fixture : step_fixture {
    using step_fixture::step_fixture;

    void send() {
        detail::run_call call;
        call.path = "/runs";
        call.query = "a=1";
        call.body = secret("{}");
        start(detail::send(stream, std::move(call)));
    }
    void send_once() {
        detail::run_call call;
        call.path = "/runs";
        start(detail::send_once(stream, "id-1", 3, std::move(call)));
    }
};

struct without_looking : fixture {
    without_looking() : fixture({}, settings()) {}
    static client_options settings() {
        client_options result = defaults();
        result.reattach.enabled = false;
        return result;
    }
};

struct with_limits : fixture {
    with_limits() : fixture({}, settings()) {}
    static client_options settings() {
        client_options result = defaults();
        result.retry.max_retries = 0;
        result.reattach.enabled = false;
        result.idle_timeout = 10s;
        result.event_timeout = 0s;
        result.total_timeout = 60s;
        return result;
    }
};

struct cancelled_when_abandoned : fixture {
    cancelled_when_abandoned() : fixture(cancelling()) {}
    static run_options cancelling() {
        run_options result;
        result.on_abandon = abandoned_run::cancelled;
        return result;
    }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(sending)

BOOST_FIXTURE_TEST_CASE(a_request_is_sent_when_its_response_has_begun, fixture) {
    send();
    BOOST_TEST(path() == "/runs?api-version=" + context->api->options.api_version + "&a=1");
    BOOST_TEST(transfer().request.method == "POST");
    BOOST_TEST(transfer().request.streams);
    BOOST_TEST((transfer().request.connect_timeout == context->api->options.connect_timeout));
    BOOST_TEST(transfer().request.context.attempt == 1);
    BOOST_TEST((stream->fsm.existence() == run::existence::possible));
    BOOST_TEST(!outcome.has_value());
    accept();
    BOOST_REQUIRE(outcome.has_value());
    BOOST_TEST(!*outcome);
    BOOST_TEST((phase() == run::phase::streaming));
    BOOST_TEST(logged("before_send") == 1u);
    BOOST_TEST(transport->starts == 1);
}

BOOST_FIXTURE_TEST_CASE(a_request_that_did_not_arrive_is_sent_again_after_its_delay, fixture) {
    send();
    end(errc::connect_failed);
    BOOST_TEST((stream->fsm.existence() == run::existence::none));
    BOOST_TEST(!outcome.has_value());
    BOOST_TEST(transport->starts == 1);
    wait(999ms);
    BOOST_TEST(transport->starts == 1);
    wait(1ms);
    BOOST_TEST(transport->starts == 2);
    BOOST_TEST(transfer().request.context.attempt == 2);
    BOOST_TEST(logged("find_run") == 0u);
    accept();
    BOOST_TEST(outcome.value() == std::error_code());
}

BOOST_FIXTURE_TEST_CASE(a_refusal_is_the_error_with_what_the_service_said, fixture) {
    send();
    refuse(400, R"({"error":{"code":"bad_thing","message":"no"}})");
    BOOST_TEST(outcome.value() == errc::bad_request);
    BOOST_TEST(what.find("bad_thing") != std::string::npos);
    BOOST_TEST((stream->fsm.existence() == run::existence::none));
    BOOST_TEST((phase() == run::phase::sending));
    BOOST_TEST(!stream->fsm.failure());
    BOOST_TEST(transport->current() == nullptr);
}

BOOST_FIXTURE_TEST_CASE(a_lost_request_is_looked_for_and_found, fixture) {
    send();
    protocol->finds.push_back([] { return true; });
    end(errc::connection_lost);
    BOOST_TEST((stream->fsm.existence() == run::existence::possible));
    wait(1s);
    BOOST_TEST(outcome.value() == std::error_code());
    BOOST_TEST(logged("find_run") == 1u);
    BOOST_TEST(transport->starts == 1);
    BOOST_TEST(stream->fsm.cause() == errc::connection_lost);
    BOOST_TEST((stream->fsm.existence() == run::existence::known));
}

BOOST_FIXTURE_TEST_CASE(a_lost_request_that_was_not_carried_out_is_sent_again, fixture) {
    send();
    protocol->finds.push_back([] { return false; });
    end(errc::connection_lost);
    wait(1s);
    BOOST_TEST(transport->starts == 2);
    BOOST_TEST((phase() == run::phase::sending));
    accept();
    BOOST_TEST(outcome.value() == std::error_code());
    BOOST_TEST((phase() == run::phase::streaming));
}

BOOST_FIXTURE_TEST_CASE(where_it_cannot_be_told_whether_it_was_carried_out_the_error_says_so, fixture) {
    for (const bool out_of_reach : {false, true}) {
        make();
        send();
        protocol->finds.push_back([out_of_reach]() -> std::optional<bool> {
            if (out_of_reach) throw failed_with(errc::connect_failed);
            return std::nullopt;
        });
        end(errc::connection_lost);
        wait(1s);
        BOOST_TEST(outcome.value() == errc::connection_lost);
        BOOST_TEST(what.find("whether the request was carried out") != std::string::npos);
        BOOST_TEST(what.find("mark_runs") == std::string::npos);
    }
    make();
    protocol->set_mark_would_help();
    send();
    protocol->finds.push_back([] { return std::nullopt; });
    end(errc::connection_lost);
    wait(1s);
    BOOST_TEST(what.find("found only with reattach_policy::mark_runs") != std::string::npos);
}

BOOST_FIXTURE_TEST_CASE(after_an_error_of_the_server_nothing_is_sent_again, fixture) {
    send();
    protocol->finds.push_back([] { return false; });
    refuse(500);
    wait(1s);
    BOOST_TEST(outcome.value() == errc::server_failed);
    BOOST_TEST(transport->starts == 1);
}

BOOST_FIXTURE_TEST_CASE(without_permission_to_look_a_lost_request_is_the_error, without_looking) {
    send();
    end(errc::connection_lost);
    BOOST_TEST(outcome.value() == errc::connection_lost);
    BOOST_TEST(what.find("whether the request was carried out") == std::string::npos);
    BOOST_TEST(logged("find_run") == 0u);
    BOOST_TEST((stream->fsm.existence() == run::existence::possible));
}

BOOST_FIXTURE_TEST_CASE(a_known_run_stays_known_while_its_answers_are_sent, fixture) {
    protocol->learn();
    stream->fsm.run_exists(run::existence::known);
    send();
    BOOST_TEST((stream->fsm.existence() == run::existence::known));
    refuse(404);
    BOOST_TEST(outcome.value() == errc::not_found);
    BOOST_TEST((stream->fsm.existence() == run::existence::known));
}

BOOST_FIXTURE_TEST_CASE(a_run_of_a_stream_that_is_not_found_again_is_not_known, fixture) {
    stream->fsm.run_exists(run::existence::known);
    send();
    BOOST_TEST((stream->fsm.existence() == run::existence::possible));
}

BOOST_FIXTURE_TEST_CASE(a_polled_run_is_created_and_then_polled, fixture) {
    context->threads.polls = true;
    protocol->polls.push_back(shows({{"last", "{}"}}));
    send();
    BOOST_TEST(!transfer().request.streams);
    refuse(200, R"({"id":1})");
    BOOST_TEST(outcome.value() == std::error_code());
    BOOST_TEST(logged("created {\"id\":1}") == 1u);
    BOOST_TEST((stream->fsm.existence() == run::existence::known));
    BOOST_TEST(logged("poll") == 1u);
    BOOST_TEST((phase() == run::phase::over));
    BOOST_TEST(take() == "last");
}

BOOST_FIXTURE_TEST_CASE(the_total_timeout_ends_an_attempt_and_the_run, with_limits) {
    send();
    for (int i = 0; i != 6; ++i) {
        wait(9s);
        transfer().head(100 + i, "text/plain");
    }
    BOOST_TEST(!outcome.has_value());
    wait(6s);
    BOOST_TEST(outcome.value() == errc::total_timeout);
    BOOST_TEST((phase() == run::phase::over));
}

BOOST_FIXTURE_TEST_CASE(silence_ends_an_attempt_but_not_the_run, with_limits) {
    send();
    wait(10s);
    BOOST_TEST(outcome.value() == errc::idle_timeout);
    BOOST_TEST((phase() == run::phase::sending));
    BOOST_TEST(transport->current() == nullptr);
}

BOOST_FIXTURE_TEST_CASE(a_delay_that_outlasts_the_total_timeout_ends_with_it, fixture) {
    client_options settings = defaults();
    settings.total_timeout = 500ms;
    context->api = detail::make_api_client(io.get_executor(), "https://service.example/p",
                                           credential::bearer("planted-secret-token"), settings, transport, clock);
    make();
    send();
    end(errc::connect_failed);
    wait(500ms);
    BOOST_TEST(stream->fsm.failure() == errc::total_timeout);
    wait(500ms);
    BOOST_TEST(outcome.value() == errc::total_timeout);
    BOOST_TEST(transport->starts == 1);
}

BOOST_FIXTURE_TEST_CASE(one_attempt_carries_its_number_and_its_id, fixture) {
    send_once();
    BOOST_TEST(transfer().request.context.attempt == 3);
    BOOST_TEST(transfer().request.headers.find("x-ms-client-request-id")->reveal() == "id-1");
    BOOST_TEST(stream->secrets.redacted("x planted-secret-token y") == "x *** y");
    accept();
    BOOST_TEST(outcome.value() == std::error_code());
}

BOOST_FIXTURE_TEST_CASE(an_accepted_response_that_breaks_off_at_once_was_accepted, fixture) {
    send_once();
    transfer().head(200, "text/event-stream");
    transfer().done(errc::connection_lost);
    run_ready(io);
    BOOST_TEST(outcome.value() == std::error_code());
    BOOST_TEST((phase() == run::phase::over));
}

BOOST_FIXTURE_TEST_CASE(a_stream_that_was_abandoned_sends_nothing, fixture) {
    stream->user = detail::stream_state::caller::gone;
    send_once();
    BOOST_TEST(outcome.value() == asio::error::operation_aborted);
    BOOST_TEST(transport->starts == 0);

    make();
    send_once();
    stream->user = detail::stream_state::caller::gone;
    stream->arrival.notify();
    run_ready(io);
    BOOST_TEST(outcome.value() == asio::error::operation_aborted);
}

BOOST_FIXTURE_TEST_CASE(an_attempt_whose_run_was_cancelled_meanwhile_is_aborted, fixture) {
    send_once();
    auto attempt = stream->response;
    stream->response = std::make_shared<detail::response_reader>(*stream);
    stream->arrival.notify();
    run_ready(io);
    BOOST_TEST(outcome.value() == asio::error::operation_aborted);
    attempt->close();
}

BOOST_FIXTURE_TEST_CASE(cancelling_drops_the_request, fixture) {
    asio::cancellation_signal signal;
    detail::run_call call;
    call.path = "/runs";
    asio::co_spawn(io, detail::send_once(stream, "id", 1, std::move(call)),
                   asio::bind_cancellation_slot(signal.slot(), [this](std::exception_ptr failure) { ended(failure); }));
    run_ready(io);
    BOOST_TEST(transport->current() != nullptr);
    signal.emit(asio::cancellation_type::terminal);
    run_ready(io);
    BOOST_TEST(outcome.value() == asio::error::operation_aborted);
    BOOST_TEST(transport->current() == nullptr);
}

BOOST_FIXTURE_TEST_CASE(cancelling_keeps_the_request_of_a_run_that_is_ended_then, cancelled_when_abandoned) {
    asio::cancellation_signal signal;
    detail::run_call call;
    call.path = "/runs";
    asio::co_spawn(io, detail::send_once(stream, "id", 1, std::move(call)),
                   asio::bind_cancellation_slot(signal.slot(), [this](std::exception_ptr failure) { ended(failure); }));
    run_ready(io);
    signal.emit(asio::cancellation_type::terminal);
    run_ready(io);
    BOOST_TEST(outcome.value() == asio::error::operation_aborted);
    BOOST_TEST(transport->current() != nullptr);
}

BOOST_AUTO_TEST_SUITE_END()
