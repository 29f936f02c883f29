#include "async/backoff.hpp"

#include <boost/test/unit_test.hpp>

namespace {

using namespace std::chrono_literals;
using corun::detail::backoff;

}  // namespace

BOOST_AUTO_TEST_SUITE(delays)

BOOST_AUTO_TEST_CASE(doubles_from_the_first_delay) {
    backoff delays(100ms);
    BOOST_TEST((delays.next() == 100ms));
    BOOST_TEST((delays.next() == 200ms));
    BOOST_TEST((delays.next() == 400ms));
}

BOOST_AUTO_TEST_CASE(stays_at_the_longest_delay) {
    backoff delays(500ms, 1'200ms);
    BOOST_TEST((delays.next() == 500ms));
    BOOST_TEST((delays.next() == 1'000ms));
    BOOST_TEST((delays.next() == 1'200ms));
    BOOST_TEST((delays.next() == 1'200ms));
}

BOOST_AUTO_TEST_CASE(reaches_the_longest_delay_exactly) {
    backoff delays(500ms, 1'000ms);
    (void)delays.next();
    BOOST_TEST((delays.next() == 1'000ms));
    BOOST_TEST((delays.next() == 1'000ms));
}

BOOST_AUTO_TEST_CASE(grows_by_the_given_factor) {
    backoff delays(1s, 100s, 4);
    BOOST_TEST((delays.next() == 1s));
    BOOST_TEST((delays.next() == 4s));
    BOOST_TEST((delays.next() == 16s));
    BOOST_TEST((delays.next() == 64s));
    BOOST_TEST((delays.next() == 100s));
}

BOOST_AUTO_TEST_CASE(the_first_delay_is_limited_too) {
    backoff delays(10s, 2s);
    BOOST_TEST((delays.next() == 2s));
    BOOST_TEST((delays.next() == 2s));
}

BOOST_AUTO_TEST_CASE(starts_over_after_reset) {
    backoff delays(10s, 20s);
    (void)delays.next();
    (void)delays.next();
    delays.reset();
    BOOST_TEST((delays.next() == 10s));
    BOOST_TEST((delays.next() == 20s));
}

BOOST_AUTO_TEST_CASE(does_not_overflow_without_a_limit) {
    backoff delays(1ms);
    for (int i = 0; i != 100; ++i) (void)delays.next();
    BOOST_TEST((delays.next() == std::chrono::milliseconds::max()));
}

BOOST_AUTO_TEST_SUITE_END()
