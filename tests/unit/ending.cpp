#include "stream/ending.hpp"

#include "step_fixture.hpp"
#include "stream/sending.hpp"

#include <boost/test/unit_test.hpp>

namespace {

using namespace corun;
using namespace corun::test;
using namespace std::chrono_literals;

struct fixture : step_fixture {
    void begin(bool known = true) {
        detail::run_call call;
        call.path = "/runs";
        start(detail::send(stream, std::move(call)));
        accept();
        if (known) receive(frame("news", "known"));
        stream->user = detail::stream_state::caller::stopping;
    }
    void end_run() { start(detail::end_run(stream)); }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(ending)

BOOST_FIXTURE_TEST_CASE(a_run_is_cancelled_and_waited_for_with_growing_delays, fixture) {
    begin();
    for (int i = 0; i != 6; ++i) protocol->ends.push_back([] { return false; });
    protocol->ends.push_back([] { return true; });
    end_run();
    BOOST_TEST(transport->current() == nullptr);
    BOOST_TEST(logged("cancel") == 1u);
    std::size_t asked = 1;
    for (const auto delay : {100ms, 200ms, 400ms, 800ms, 1600ms, 2000ms}) {
        BOOST_TEST(logged("has_ended") == asked++);
        wait(delay - 1ms);
        BOOST_TEST(logged("has_ended") == asked - 1);
        wait(1ms);
    }
    BOOST_TEST(outcome.value() == std::error_code());
    BOOST_TEST(logged("has_ended") == 7u);
    BOOST_TEST(clock->pending() == 0u);
}

BOOST_FIXTURE_TEST_CASE(a_run_that_was_never_begun_needs_no_end, fixture) {
    end_run();
    BOOST_TEST(outcome.value() == std::error_code());
    BOOST_TEST(protocol->log.empty());
}

BOOST_FIXTURE_TEST_CASE(which_run_it_is_its_first_events_tell, fixture) {
    begin(false);
    protocol->ends.push_back([] { return true; });
    end_run();
    BOOST_TEST(logged("cancel") == 0u);
    receive(frame("news", "known"));
    BOOST_TEST(logged("find_run") == 0u);
    BOOST_TEST(logged("cancel") == 1u);
    BOOST_TEST(outcome.value() == std::error_code());
}

BOOST_FIXTURE_TEST_CASE(a_response_that_ends_before_it_names_the_run_is_followed_by_a_look, fixture) {
    for (const bool found : {true, false}) {
        make();
        begin(false);
        protocol->finds.push_back([found] { return found; });
        protocol->ends.push_back([] { return true; });
        end_run();
        end(errc::connection_lost);
        BOOST_TEST(logged("find_run") == 1u);
        BOOST_TEST(logged("cancel") == (found ? 1u : 0u));
        BOOST_TEST(outcome.value() == std::error_code());
    }
}

BOOST_FIXTURE_TEST_CASE(an_event_that_does_not_come_is_not_waited_for, fixture) {
    begin(false);
    protocol->finds.push_back([] { return false; });
    protocol->finds.push_back([] { return true; });
    protocol->ends.push_back([] { return true; });
    end_run();
    wait(99ms);
    BOOST_TEST(logged("find_run") == 0u);
    wait(1ms);
    BOOST_TEST(logged("find_run") == 1u);
    BOOST_TEST(!outcome.has_value());
    wait(100ms);
    BOOST_TEST(logged("find_run") == 2u);
    BOOST_TEST(logged("cancel") == 1u);
    BOOST_TEST(outcome.value() == std::error_code());
    BOOST_TEST(transport->current() == nullptr);
    BOOST_TEST(clock->pending() == 0u);
}

BOOST_FIXTURE_TEST_CASE(a_run_that_nobody_can_name_is_an_error_with_its_remedy, fixture) {
    for (const bool mark_would_help : {true, false}) {
        make();
        if (mark_would_help) protocol->set_mark_would_help();
        begin(false);
        protocol->finds.push_back([] { return std::nullopt; });
        end_run();
        wait(100ms);
        BOOST_TEST(logged("find_run") == 1u);
        wait(399ms);
        BOOST_TEST(!outcome.has_value());
        wait(1ms);
        BOOST_TEST(outcome.value() == errc::run_not_found);
        BOOST_TEST((what.find("reattach_policy::mark_runs") != std::string::npos) == mark_would_help);
        BOOST_TEST(logged("cancel") == 0u);
    }
    // Where no event can come, at once.
    make();
    begin(false);
    protocol->finds.push_back([] { return std::nullopt; });
    end_run();
    end(errc::connection_lost);
    BOOST_TEST(outcome.value() == errc::run_not_found);
}

BOOST_FIXTURE_TEST_CASE(a_run_to_cancel_is_named_by_an_event_or_found, fixture) {
    const auto identify = [this] { start(detail::identify_to_cancel(stream)); };
    begin();
    identify();
    BOOST_TEST(outcome.value() == std::error_code());

    make();
    begin(false);
    identify();
    BOOST_TEST(!outcome.has_value());
    receive(frame("news", "known"));
    BOOST_TEST(outcome.value() == std::error_code());
    BOOST_TEST(logged("find_run") == 0u);

    make();
    begin(false);
    protocol->finds.push_back([] { return true; });
    identify();
    wait(100ms);
    BOOST_TEST(outcome.value() == std::error_code());

    // The stream goes on.
    BOOST_TEST(transport->current() != nullptr);
    BOOST_TEST(logged("cancel") == 0u);
    BOOST_TEST(clock->pending() == 1u);
}

BOOST_FIXTURE_TEST_CASE(a_run_to_cancel_that_cannot_be_identified_is_an_error_within_the_limit_of_stop, fixture) {
    begin(false);
    for (int i = 0; i != 20; ++i) protocol->finds.push_back([] { return false; });
    start(detail::identify_to_cancel(stream));
    wait(context->api->options.stop_timeout - 1ms);
    BOOST_TEST(!outcome.has_value());
    wait(1ms);
    BOOST_TEST(outcome.value() == errc::run_not_found);

    make();
    begin(false);
    protocol->finds.push_back([] { return std::nullopt; });
    start(detail::identify_to_cancel(stream));
    wait(500ms);
    BOOST_TEST(outcome.value() == errc::run_not_found);
    BOOST_TEST(transport->current() != nullptr);
}

BOOST_FIXTURE_TEST_CASE(a_response_that_the_service_cannot_cancel_is_not_asked_for, fixture) {
    using way = detail::run_protocol::ending;
    for (const way ends_by : {way::not_supported, way::by_leaving}) {
        for (const bool known : {true, false}) {
            make();
            begin(known);
            protocol->ends_by = ends_by;
            start(detail::identify_to_cancel(stream));
            BOOST_TEST(outcome.value() == errc::not_cancellable);
            BOOST_TEST(what.find("stop()") != std::string::npos);
            BOOST_TEST(transport->current() != nullptr);
        }
    }
    // A response that waits has ended.
    make();
    begin();
    receive(frame("action"));
    protocol->ends_by = way::by_leaving;
    start(detail::identify_to_cancel(stream));
    BOOST_TEST(outcome.value() == std::error_code());
}

BOOST_FIXTURE_TEST_CASE(until_it_is_given_up_an_event_may_name_the_run, fixture) {
    begin(false);
    protocol->finds.push_back([] { return std::nullopt; });
    protocol->ends.push_back([] { return true; });
    end_run();
    wait(499ms);
    receive(frame("news", "known"));
    BOOST_TEST(logged("cancel") == 1u);
    BOOST_TEST(outcome.value() == std::error_code());
}

BOOST_FIXTURE_TEST_CASE(a_run_that_cannot_be_cancelled_is_left_at_once, fixture) {
    for (const bool known : {true, false}) {
        make();
        begin(known);
        protocol->ends_by = detail::run_protocol::ending::not_supported;
        end_run();
        BOOST_TEST(transport->current() == nullptr);
        BOOST_TEST(outcome.value() == errc::not_cancellable);
        BOOST_TEST(what.find("run_options::background") != std::string::npos);
        BOOST_TEST(logged("cancel") + logged("has_ended") + logged("find_run") == 0u);
    }
    make();
    begin();
    protocol->ends_by = detail::run_protocol::ending::not_supported;
    receive(frame("last"));
    end_run();
    BOOST_TEST(outcome.value() == std::error_code());
}

BOOST_FIXTURE_TEST_CASE(a_run_that_ends_with_its_connection_needs_no_request, fixture) {
    begin();
    protocol->ends_by = detail::run_protocol::ending::by_leaving;
    end_run();
    BOOST_TEST(transport->current() == nullptr);
    BOOST_TEST(outcome.value() == std::error_code());
    BOOST_TEST(logged("cancel") + logged("has_ended") + logged("find_run") == 0u);
}

BOOST_FIXTURE_TEST_CASE(an_abandoned_run_is_cancelled_only_while_it_waits, fixture) {
    for (const std::optional<bool> answered :
         {std::optional<bool>(false), std::optional<bool>(true), std::optional<bool>()}) {
        make();
        begin();
        receive(frame("action"));
        protocol->finds.push_back([answered] { return answered; });
        if (answered == false) protocol->ends.push_back([] { return true; });
        start(detail::end_abandoned_run(stream, run::abandonment::cancel_if_waiting));
        BOOST_TEST(outcome.value() == std::error_code());
        BOOST_TEST(logged("find_run") == 1u);
        BOOST_TEST(logged("cancel") == (answered == false ? 1u : 0u));
        BOOST_TEST(transport->current() == nullptr);
    }
}

BOOST_FIXTURE_TEST_CASE(a_request_that_was_dropped_is_looked_for_a_few_times, fixture) {
    // It was never answered.
    stream->fsm.run_exists(run::existence::possible);
    for (int i = 0; i != 4; ++i) protocol->finds.push_back([] { return false; });
    start(detail::end_abandoned_run(stream, run::abandonment::cancel));
    for (const auto delay : {100ms, 200ms, 400ms}) {
        BOOST_TEST(!outcome.has_value());
        wait(delay);
    }
    BOOST_TEST(logged("find_run") == 4u);
    BOOST_TEST(logged("cancel") == 0u);
    BOOST_TEST(outcome.value() == std::error_code());
}

BOOST_FIXTURE_TEST_CASE(a_run_that_has_ended_by_itself_is_not_cancelled, fixture) {
    begin();
    receive(frame("last"));
    BOOST_TEST(detail::has_ended(*stream));
    end_run();
    BOOST_TEST(logged("cancel") == 0u);
    BOOST_TEST(logged("has_ended") == 0u);
    BOOST_TEST(outcome.value() == std::error_code());

    make();
    begin();
    BOOST_TEST(!detail::has_ended(*stream));
    end(errc::connection_lost);
    BOOST_TEST(!detail::has_ended(*stream));
    make();
    begin();
    receive(frame("action"));
    BOOST_TEST(!detail::has_ended(*stream));
}

BOOST_FIXTURE_TEST_CASE(a_refused_cancellation_means_that_the_run_has_ended, fixture) {
    for (const errc code : {errc::bad_request, errc::conflict, errc::not_found}) {
        make();
        begin();
        protocol->cancels.push_back([code] { throw failed_with(code, 400); });
        protocol->ends.push_back([] { return true; });
        end_run();
        BOOST_TEST(outcome.value() == std::error_code());
    }
    make();
    begin();
    protocol->cancels.push_back([] { throw failed_with(errc::forbidden, 403); });
    end_run();
    BOOST_TEST(outcome.value() == errc::forbidden);
}

BOOST_FIXTURE_TEST_CASE(an_abandoned_run_is_ended_in_time_or_left, fixture) {
    begin();
    protocol->ends.push_back([] { return true; });
    start(detail::end_abandoned_run(stream, run::abandonment::cancel));
    BOOST_TEST(outcome.value() == std::error_code());

    make();
    begin();
    for (int i = 0; i != 1000; ++i) protocol->ends.push_back([] { return false; });
    start(detail::end_abandoned_run(stream, run::abandonment::cancel));
    const auto limit = context->api->options.stop_timeout;
    wait(limit - 1ms);
    BOOST_TEST(!outcome.has_value());
    wait(1ms);
    BOOST_TEST(outcome.value() == std::error_code());

    make();
    begin();
    protocol->cancels.push_back([] { throw failed_with(errc::forbidden, 403); });
    start(detail::end_abandoned_run(stream, run::abandonment::cancel));
    BOOST_TEST(outcome.value() == std::error_code());
}

BOOST_AUTO_TEST_SUITE_END()
