#include "run/poll_schedule.hpp"

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <utility>

namespace {

using namespace corun;
using namespace std::chrono_literals;
using run::poll_schedule;

const run::time_point start{};

error failure(std::chrono::milliseconds retry_after = 0ms) {
    diagnostics details;
    if (retry_after.count() > 0) details.retry_after = retry_after;
    return error(errc::connection_lost, std::move(details));
}

}  // namespace

BOOST_AUTO_TEST_SUITE(schedule_of_polls)

BOOST_AUTO_TEST_CASE(the_first_poll_is_at_once_and_the_delays_double_up_to_two_seconds) {
    poll_schedule polls(1min, start);
    BOOST_TEST((polls.delay() == 0ms));
    for (const auto expected : {250ms, 500ms, 1000ms, 2000ms, 2000ms}) {
        polls.poll_begins();
        BOOST_TEST((polls.delay() == expected));
    }
}

BOOST_AUTO_TEST_CASE(news_shorten_the_delay_and_their_absence_does_not) {
    poll_schedule polls(1min, start);
    for (int i = 0; i != 4; ++i) polls.poll_begins();
    polls.succeeded(false, start);
    BOOST_TEST((polls.delay() == 2000ms));
    polls.succeeded(true, start);
    BOOST_TEST((polls.delay() == 250ms));
}

BOOST_AUTO_TEST_CASE(while_the_caller_takes_no_events_the_delay_is_not_zero) {
    poll_schedule polls(1min, start);
    polls.held_back();
    BOOST_TEST((polls.delay() == 250ms));
    for (int i = 0; i != 2; ++i) polls.poll_begins();
    polls.held_back();
    BOOST_TEST((polls.delay() == 1000ms));
}

BOOST_AUTO_TEST_CASE(a_refused_resumption_is_followed_by_a_poll_at_once) {
    poll_schedule polls(1min, start);
    polls.poll_begins();
    polls.resumption_refused();
    BOOST_TEST((polls.delay() == 0ms));
}

BOOST_AUTO_TEST_CASE(a_failure_that_may_pass_is_polled_again_until_the_service_was_out_of_reach_too_long) {
    poll_schedule polls(10s, start);
    polls.poll_begins();
    BOOST_TEST(polls.failed(failure(), true, start + 9'999ms));
    BOOST_TEST((polls.delay() == 250ms));
    BOOST_TEST(!polls.failed(failure(), true, start + 10s));
    BOOST_TEST(!polls.failed(failure(), false, start));
}

BOOST_AUTO_TEST_CASE(an_answer_of_the_service_puts_giving_up_off) {
    poll_schedule polls(10s, start);
    polls.succeeded(false, start + 8s);
    BOOST_TEST(polls.failed(failure(), true, start + 17s));
    BOOST_TEST(!polls.failed(failure(), true, start + 18s));
}

BOOST_AUTO_TEST_CASE(the_services_delay_is_kept_when_it_is_longer) {
    poll_schedule polls(1min, start);
    polls.poll_begins();
    BOOST_TEST(polls.failed(failure(5s), true, start));
    BOOST_TEST((polls.delay() == 5s));
    polls.resumption_refused();
    polls.poll_begins();
    BOOST_TEST(polls.failed(failure(100ms), true, start));
    BOOST_TEST((polls.delay() == 250ms));
}

BOOST_AUTO_TEST_SUITE_END()
