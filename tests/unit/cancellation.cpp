#include "async/cancellation.hpp"

#include "async/wakeup.hpp"
#include "drive.hpp"

#include <asio/bind_cancellation_slot.hpp>
#include <asio/cancellation_signal.hpp>
#include <boost/test/unit_test.hpp>

#include <memory>
#include <string>
#include <system_error>

namespace {

using namespace corun;

/// Waits, and tells how far it came.
asio::awaitable<void> wait_and_check(std::shared_ptr<detail::wakeup> event, std::shared_ptr<std::string> steps,
                                     bool asio_throws) {
    co_await asio::this_coro::throw_if_cancelled(asio_throws);
    const auto before = co_await asio::this_coro::cancellation_state;
    *steps += detail::is_cancelled(before) ? "cancelled " : "started ";
    co_await event->wait();
    const auto after = co_await asio::this_coro::cancellation_state;
    *steps += detail::is_cancelled(after) ? "cancelled " : "woken ";
    co_await detail::throw_if_cancelled();
    *steps += "passed";
}

struct waiting {
    explicit waiting(bool asio_throws = true) {
        asio::co_spawn(io, wait_and_check(event, steps, asio_throws),
                       asio::bind_cancellation_slot(signal.slot(), [this](std::exception_ptr e) {
                           done = true;
                           failure = e;
                       }));
        test::run_ready(io);
    }

    asio::io_context io;
    std::shared_ptr<detail::wakeup> event = std::make_shared<detail::wakeup>(io.get_executor());
    std::shared_ptr<std::string> steps = std::make_shared<std::string>();
    asio::cancellation_signal signal;
    std::exception_ptr failure;
    bool done = false;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(cancellation)

BOOST_AUTO_TEST_CASE(passes_when_not_cancelled) {
    waiting w;
    w.event->notify();
    test::run_ready(w.io);
    BOOST_TEST(w.done);
    BOOST_TEST(!w.failure);
    BOOST_TEST(*w.steps == "started woken passed");
}

BOOST_AUTO_TEST_CASE(throws_operation_aborted_when_cancelled) {
    // An application may have told Asio not to throw by itself.
    for (const bool asio_throws : {true, false}) {
        waiting w(asio_throws);
        w.signal.emit(asio::cancellation_type::terminal);
        test::run_ready(w.io);
        BOOST_TEST(w.done);
        BOOST_TEST(*w.steps == "started cancelled ");
        BOOST_REQUIRE(w.failure);
        BOOST_CHECK_EXCEPTION(std::rethrow_exception(w.failure), std::system_error,
                              [](const std::system_error& e) { return e.code() == asio::error::operation_aborted; });
    }
}

BOOST_AUTO_TEST_SUITE_END()
