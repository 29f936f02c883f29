#include "stream/reattaching.hpp"

#include "step_fixture.hpp"

#include <boost/test/unit_test.hpp>

namespace {

using namespace corun;
using namespace corun::test;
using namespace std::chrono_literals;

struct fixture : step_fixture {
    fixture() { lose(); }

    void lose(bool known = true) {
        make();
        if (known) protocol->learn();
        stream->fsm.response_accepted();
        stream->fsm.run_exists(run::existence::known);
        stream->events.push("news", "{}");
        stream->fsm.response_ended(errc::connection_lost);
    }
    void reattach() { start(detail::reattach(stream)); }
    /// As part of the run's life, which a response that ends takes up again.
    void live() {
        stream->settle();
        run_ready(io);
    }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(reattaching)

BOOST_FIXTURE_TEST_CASE(a_lost_run_is_polled_until_it_has_ended, fixture) {
    protocol->polls.push_back(shows({{"text", "{}"}}));
    protocol->polls.push_back(shows({}));
    protocol->polls.push_back(shows({{"last", "{}"}}));
    reattach();
    BOOST_TEST((protocol->log == std::vector<std::string>{"disconnect 1 0", "delivered news", "poll"}));
    BOOST_TEST((phase() == run::phase::polling));
    wait(249ms);
    BOOST_TEST(logged("poll") == 1u);
    wait(1ms);
    BOOST_TEST(logged("poll") == 2u);
    wait(499ms);
    BOOST_TEST(logged("poll") == 2u);
    wait(1ms);
    BOOST_TEST(outcome.value() == std::error_code());
    BOOST_TEST((phase() == run::phase::over));
    BOOST_TEST(!stream->fsm.failure());
    protocol->log.clear();
    BOOST_TEST(take() == "news corun.reattached text last");
    BOOST_TEST(protocol->log.empty());
}

BOOST_FIXTURE_TEST_CASE(what_is_found_wakes_who_waits_for_it, fixture) {
    protocol->polls.push_back(shows({{"text", "{}"}}));
    start(stream->arrival.wait());
    asio::co_spawn(io, detail::reattach(stream), [](std::exception_ptr) {});
    run_ready(io);
    BOOST_TEST(outcome.has_value());
}

BOOST_FIXTURE_TEST_CASE(a_run_whose_id_never_came_is_looked_for_first, fixture) {
    lose(false);
    protocol->finds.push_back([] { return false; });
    protocol->finds.push_back([] { return true; });
    protocol->polls.push_back(shows({{"last", "{}"}}));
    reattach();
    BOOST_TEST(logged("find_run") == 1u);
    BOOST_TEST(logged("poll") == 0u);
    wait(250ms);
    BOOST_TEST(logged("find_run") == 2u);
    BOOST_TEST(outcome.value() == std::error_code());
    BOOST_TEST(logged("poll") == 1u);
}

BOOST_FIXTURE_TEST_CASE(a_run_that_nobody_knows_is_given_up_with_what_it_was_lost_to, fixture) {
    lose(false);
    for (int i = 0; i != 100; ++i) protocol->finds.push_back([] { return false; });
    reattach();
    for (int i = 0; i != 200 && !outcome; ++i) wait(100ms);
    BOOST_TEST(outcome.value() == errc::connection_lost);
    BOOST_TEST(what.find("could not be found again") != std::string::npos);

    lose(false);
    protocol->finds.push_back([] { return std::nullopt; });
    reattach();
    BOOST_TEST(outcome.value() == errc::connection_lost);
}

BOOST_FIXTURE_TEST_CASE(a_service_out_of_reach_is_asked_again_and_then_given_up, fixture) {
    for (int i = 0; i != 100; ++i) protocol->polls.push_back(fails(errc::connect_failed));
    reattach();
    wait(9s);
    BOOST_TEST(!outcome.has_value());
    BOOST_TEST((phase() == run::phase::lost));
    wait(3s);
    BOOST_TEST(outcome.value() == errc::connection_lost);
    BOOST_TEST(what.find("could not be found again") != std::string::npos);
    BOOST_TEST(what.find(failed_with(errc::connect_failed).what()) != std::string::npos);
}

BOOST_FIXTURE_TEST_CASE(a_service_that_refuses_is_not_asked_again, fixture) {
    protocol->polls.push_back(fails(errc::forbidden, 403));
    reattach();
    BOOST_TEST(outcome.value() == errc::connection_lost);
}

BOOST_FIXTURE_TEST_CASE(a_poll_that_fails_for_good_is_the_failure_of_a_polled_run, fixture) {
    protocol->polls.push_back(shows({{"text", "{}"}}));
    protocol->polls.push_back(fails(errc::forbidden, 403));
    reattach();
    wait(250ms);
    BOOST_TEST(outcome.value() == errc::forbidden);
    BOOST_TEST(what.find("found again") == std::string::npos);
}

BOOST_FIXTURE_TEST_CASE(nothing_is_polled_while_the_caller_takes_no_events, fixture) {
    stream->fsm.backlog_changed(std::size_t{1} << 30, clock->now());
    protocol->polls.push_back(shows({{"last", "{}"}}));
    reattach();
    wait(10s);
    BOOST_TEST(logged("poll") == 0u);
    stream->fsm.backlog_changed(0, clock->now());
    wait(250ms);
    BOOST_TEST(logged("poll") == 1u);
    BOOST_TEST(outcome.value() == std::error_code());
}

BOOST_FIXTURE_TEST_CASE(too_many_polled_events_pause_the_polls, fixture) {
    std::vector<detail::polled_event> many;
    for (int i = 0; i != 4000; ++i) many.emplace_back("text", std::string(200, 'x'));
    protocol->polls.push_back(shows(std::move(many)));
    reattach();
    BOOST_TEST(stream->fsm.paused());
}

BOOST_FIXTURE_TEST_CASE(where_the_service_can_the_rest_is_streamed, fixture) {
    protocol->can_resume = true;
    live();
    BOOST_TEST(path().starts_with("/resume"));
    BOOST_TEST(transfer().request.method == "GET");
    accept();
    BOOST_TEST((phase() == run::phase::streaming));
    BOOST_TEST(logged("poll") == 0u);
    receive(frame("last"));
    BOOST_TEST(take() == "news corun.reattached last");
}

BOOST_FIXTURE_TEST_CASE(where_the_service_refuses_to_the_rest_is_polled_at_once, fixture) {
    protocol->can_resume = true;
    protocol->polls.push_back(shows({{"text", "{}"}}));
    protocol->polls.push_back(shows({{"last", "{}"}}));
    live();
    refuse(400);
    BOOST_TEST(logged("poll") == 1u);
    wait(250ms);
    BOOST_TEST((phase() == run::phase::over));
    BOOST_TEST(!stream->fsm.failure());
    BOOST_TEST(transport->starts == 1);
}

BOOST_FIXTURE_TEST_CASE(a_resumption_that_fails_for_a_while_is_tried_again, fixture) {
    protocol->can_resume = true;
    live();
    end(errc::connect_failed);
    BOOST_TEST((phase() == run::phase::lost));
    BOOST_TEST(!stream->fsm.reading());
    wait(250ms);
    BOOST_TEST(transport->starts == 2);
    accept();
    BOOST_TEST((phase() == run::phase::streaming));
}

BOOST_FIXTURE_TEST_CASE(an_action_that_is_polled_ends_the_polls, fixture) {
    protocol->polls.push_back(shows({{"action", "{}"}}));
    reattach();
    BOOST_TEST(outcome.value() == std::error_code());
    BOOST_TEST((phase() == run::phase::waiting));
}

BOOST_FIXTURE_TEST_CASE(the_run_that_was_found_is_named, fixture) {
    stream->details.message = "lost";
    detail::report_reattached(*stream);
    BOOST_TEST(stream->details.message.empty());
    std::error_code failure;
    std::string problem;
    event found;
    (void)stream->events.take(*stream->protocol, found, failure, problem);
    BOOST_REQUIRE(stream->events.take(*stream->protocol, found, failure, problem));
    BOOST_TEST(found.raw().find("run_1") != std::string::npos);
    BOOST_TEST(found.raw().find("thread_1") != std::string::npos);
}

BOOST_FIXTURE_TEST_CASE(what_is_polled_for_a_caller_who_has_left_is_dropped, fixture) {
    protocol->polls.push_back(shows({{"last", "{}"}}));
    protocol->polls.push_back(shows({}));
    stream->user = detail::stream_state::caller::stopping;
    reattach();
    BOOST_TEST((phase() == run::phase::lost));
    BOOST_TEST(!outcome.has_value());
}

BOOST_AUTO_TEST_SUITE_END()
