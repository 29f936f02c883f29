#include "async/attempt.hpp"

#include "async/cancellation.hpp"
#include "async/wakeup.hpp"
#include "drive.hpp"

#include <asio/bind_cancellation_slot.hpp>
#include <asio/cancellation_signal.hpp>
#include <boost/test/unit_test.hpp>

#include <memory>
#include <stdexcept>
#include <string>
#include <system_error>

namespace {

using namespace corun;
using detail::attempt;
using detail::result;

asio::awaitable<std::string> succeed(std::string value) {
    co_return value;
}
asio::awaitable<std::unique_ptr<int>> succeed_with_movable(int value) {
    co_return std::make_unique<int>(value);
}
asio::awaitable<std::string> fail(std::string message) {
    const std::runtime_error failure(message);
    throw failure;
    co_return message;
}
asio::awaitable<void> succeed_without_value(std::shared_ptr<bool> done) {
    *done = true;
    co_return;
}
asio::awaitable<void> fail_without_value() {
    const std::runtime_error failure("failed");
    throw failure;
    co_return;
}

std::string message_of(const std::exception_ptr& failure) {
    try {
        if (failure) std::rethrow_exception(failure);
    } catch (const std::exception& exception) {
        return exception.what();
    }
    return "none";
}

asio::awaitable<std::string> describe(asio::awaitable<std::string> operation) {
    result<std::string> outcome = co_await attempt(std::move(operation));
    std::string text = outcome.has_value() ? "value: " : "failure: " + message_of(outcome.failure());
    try {
        text += outcome.take();
    } catch (const std::runtime_error& failure) {
        text += std::string(", thrown again: ") + failure.what();
    }
    if (outcome.has_value() && outcome.failure()) text += ", and a failure";
    co_return text;
}

asio::awaitable<std::unique_ptr<int>> attempt_movable(int value) {
    result<std::unique_ptr<int>> outcome = co_await attempt(succeed_with_movable(value));
    co_return outcome.take();
}

asio::awaitable<void> wait_until_cancelled(std::shared_ptr<detail::wakeup> never) {
    const auto waiting = never;
    co_await waiting->wait();
    co_await detail::throw_if_cancelled();
}

/// Whether the coroutine went on after the attempt, and how the attempt failed.
asio::awaitable<std::string> attempt_to_wait(std::shared_ptr<detail::wakeup> never) {
    const result<void> waited = co_await attempt(wait_until_cancelled(std::move(never)));
    const auto state = co_await asio::this_coro::cancellation_state;
    std::string text = detail::is_cancelled(state) ? "cancelled" : "not cancelled";
    try {
        waited.take();
    } catch (const std::system_error& failure) {
        if (failure.code() == asio::error::operation_aborted) text += ", operation_aborted";
    }
    co_return text;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(attempts)

BOOST_AUTO_TEST_CASE(gives_the_value) {
    asio::io_context io;
    BOOST_TEST(test::await(io, describe(succeed("text"))) == "value: text");
}

BOOST_AUTO_TEST_CASE(gives_the_failure) {
    asio::io_context io;
    BOOST_TEST(test::await(io, describe(fail("reason"))) == "failure: reason, thrown again: reason");
}

BOOST_AUTO_TEST_CASE(moves_the_value) {
    asio::io_context io;
    const auto moved = test::await(io, attempt_movable(7));
    BOOST_REQUIRE(moved);
    BOOST_TEST(*moved == 7);
}

BOOST_AUTO_TEST_CASE(tells_success_and_failure_without_a_value) {
    asio::io_context io;
    const auto done = std::make_shared<bool>(false);
    const result<void> succeeded = test::await(io, attempt(succeed_without_value(done)));
    BOOST_TEST(*done);
    BOOST_TEST(succeeded.has_value());
    BOOST_TEST(!succeeded.failure());
    BOOST_CHECK_NO_THROW(succeeded.take());

    const result<void> failed = test::await(io, attempt(fail_without_value()));
    BOOST_TEST(!failed.has_value());
    BOOST_TEST(message_of(failed.failure()) == "failed");
    BOOST_CHECK_THROW(failed.take(), std::runtime_error);
}

BOOST_AUTO_TEST_CASE(a_cancelled_operation_is_a_failure_and_the_coroutine_goes_on) {
    asio::io_context io;
    asio::cancellation_signal signal;
    std::string outcome;
    asio::co_spawn(io, attempt_to_wait(std::make_shared<detail::wakeup>(io.get_executor())),
                   asio::bind_cancellation_slot(signal.slot(), [&](std::exception_ptr failure, std::string text) {
                       outcome = failure ? "thrown" : std::move(text);
                   }));
    test::run_ready(io);
    BOOST_TEST(outcome.empty());
    signal.emit(asio::cancellation_type::terminal);
    test::run_ready(io);
    BOOST_TEST(outcome == "cancelled, operation_aborted");
}

BOOST_AUTO_TEST_SUITE_END()
