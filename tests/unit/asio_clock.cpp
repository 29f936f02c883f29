#include "async/asio_clock.hpp"

#include "drive.hpp"

#include <asio/io_context.hpp>
#include <boost/test/unit_test.hpp>

#include <chrono>
#include <ctime>
#include <optional>

namespace {

using namespace corun;
using namespace std::chrono_literals;

/// By how much the coarse clock may lag behind; 0 where there is none.
std::chrono::nanoseconds lag() {
    timespec time{};
#ifdef CLOCK_MONOTONIC_COARSE
    ::clock_getres(CLOCK_MONOTONIC_COARSE, &time);
#endif
    return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(asio_clocks)

BOOST_AUTO_TEST_CASE(is_close_to_the_steady_clock_and_not_ahead) {
    asio::io_context io;
    const auto clock = detail::make_clock(io.get_executor());
    const auto before = std::chrono::steady_clock::now();
    const net::time_point now = clock->now();
    BOOST_CHECK(now <= std::chrono::steady_clock::now());
    BOOST_CHECK(before - now < 1s);
}

BOOST_AUTO_TEST_CASE(a_timer_allows_for_the_lag_of_the_clock) {
    asio::io_context io;
    const auto clock = detail::make_clock(io.get_executor());
    const auto timer = clock->make_timer();
    const net::time_point when = clock->now() + 5ms;
    std::optional<net::time_point> called;
    timer->expires_at(when, [&] { called = std::chrono::steady_clock::now(); });
    test::run_until(io, [&] { return called.has_value(); });
    BOOST_CHECK(*called >= when + lag());
}

BOOST_AUTO_TEST_CASE(a_timer_that_is_cancelled_set_again_or_destroyed_is_silent) {
    asio::io_context io;
    const auto clock = detail::make_clock(io.get_executor());
    auto timer = clock->make_timer();
    int first = 0, second = 0;
    timer->expires_at(clock->now(), [&] { ++first; });
    timer->cancel();
    test::run_ready(io);
    timer->expires_at(clock->now() + 1h, [&] { ++first; });
    timer->expires_at(clock->now(), [&] { ++second; });
    test::run_until(io, [&] { return second == 1; });
    timer->expires_at(clock->now() + 1h, [&] { ++first; });
    timer.reset();
    test::run_ready(io);
    BOOST_TEST(first == 0);
    BOOST_TEST(second == 1);
    BOOST_TEST(io.stopped());
}

BOOST_AUTO_TEST_SUITE_END()
