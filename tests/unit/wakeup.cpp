#include "async/wakeup.hpp"

#include "drive.hpp"

#include <asio/bind_cancellation_slot.hpp>
#include <asio/cancellation_signal.hpp>
#include <boost/test/unit_test.hpp>

#include <memory>
#include <optional>

namespace {

using namespace corun;

asio::awaitable<void> wait_for(std::shared_ptr<detail::wakeup> event) {
    const auto waiting = event;
    co_await waiting->wait();
}

struct waiter {
    explicit waiter(asio::io_context& io, std::shared_ptr<detail::wakeup> event) {
        asio::co_spawn(io, wait_for(std::move(event)),
                       asio::bind_cancellation_slot(signal.slot(), [this](std::exception_ptr e) {
                           done = true;
                           failure = e;
                       }));
        test::run_ready(io);
    }

    asio::cancellation_signal signal;
    std::exception_ptr failure;
    bool done = false;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(wakeups)

BOOST_AUTO_TEST_CASE(resumes_all_who_wait) {
    asio::io_context io;
    const auto event = std::make_shared<detail::wakeup>(io.get_executor());
    waiter first(io, event), second(io, event);
    BOOST_TEST(!first.done);
    event->notify();
    BOOST_TEST(!first.done);  // In a turn of its own.
    test::run_ready(io);
    BOOST_TEST(first.done);
    BOOST_TEST(second.done);
    BOOST_TEST(!first.failure);
    BOOST_TEST(!second.failure);
}

BOOST_AUTO_TEST_CASE(does_not_store_a_notification) {
    asio::io_context io;
    const auto event = std::make_shared<detail::wakeup>(io.get_executor());
    event->notify();
    waiter late(io, event);
    BOOST_TEST(!late.done);
    event->notify();
    test::run_ready(io);
    BOOST_TEST(late.done);
}

BOOST_AUTO_TEST_CASE(wakes_the_same_waiter_again) {
    asio::io_context io;
    const auto event = std::make_shared<detail::wakeup>(io.get_executor());
    for (int i = 0; i != 3; ++i) {
        waiter w(io, event);
        BOOST_TEST(!w.done);
        event->notify();
        test::run_ready(io);
        BOOST_TEST(w.done);
    }
}

BOOST_AUTO_TEST_CASE(cancellation_completes_the_wait_without_an_exception) {
    asio::io_context io;
    const auto event = std::make_shared<detail::wakeup>(io.get_executor());
    waiter cancelled(io, event), other(io, event);
    cancelled.signal.emit(asio::cancellation_type::terminal);
    test::run_ready(io);
    BOOST_TEST(cancelled.done);
    BOOST_TEST(!cancelled.failure);
    BOOST_TEST(!other.done);
    event->notify();
    test::run_ready(io);
    BOOST_TEST(other.done);
}

BOOST_AUTO_TEST_CASE(destroying_it_completes_the_wait) {
    asio::io_context io;
    std::optional<detail::wakeup> event(io.get_executor());
    bool done = false;
    asio::co_spawn(io, event->wait(), [&](std::exception_ptr e, const auto&) { done = !e; });
    test::run_ready(io);
    BOOST_TEST(!done);
    event.reset();
    test::run_ready(io);
    BOOST_TEST(done);
}

BOOST_AUTO_TEST_SUITE_END()
