#include "async/task.hpp"

#include "drive.hpp"
#include "manual_clock.hpp"

#include <asio/bind_cancellation_slot.hpp>
#include <asio/cancellation_signal.hpp>
#include <boost/test/unit_test.hpp>

#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <system_error>

namespace {

using namespace corun;
using namespace corun::test;
using namespace std::chrono_literals;
using detail::task;

/// A task that waits until the test lets it go on.
struct work {
    explicit work(asio::io_context& io) : go(std::make_shared<detail::wakeup>(io.get_executor())) {}

    std::shared_ptr<detail::wakeup> go;
    std::shared_ptr<bool> started = std::make_shared<bool>(false);
    std::shared_ptr<bool> cancelled = std::make_shared<bool>(false);
};

asio::awaitable<int> run(work state, int value, bool fails) {
    const auto executor = co_await asio::this_coro::executor;
    *state.started = true;
    co_await state.go->wait();
    const auto cancellation = co_await asio::this_coro::cancellation_state;
    *state.cancelled = detail::is_cancelled(cancellation);
    const std::runtime_error failure("failed");
    if (fails) throw failure;
    co_return value;
}

struct fixture {
    /// Awaits an outcome in a coroutine that the test may cancel.
    template <class T>
    void await_in_background(asio::awaitable<T> outcome) {
        asio::co_spawn(io, std::move(outcome),
                       asio::bind_cancellation_slot(signal.slot(), [this](std::exception_ptr e, T outcome_value) {
                           finished = true;
                           if (e) problem = detail::message_of(e);
                           if constexpr (std::is_same_v<T, int>)
                               value = outcome_value;
                           else
                               value = outcome_value.value_or(-1);
                       }));
        run_ready(io);
    }

    asio::io_context io;
    std::shared_ptr<manual_clock> clock = std::make_shared<manual_clock>();
    work state{io};
    asio::cancellation_signal signal;
    bool finished = false;
    int value = 0;
    std::string problem;
};

const std::string aborted = std::error_code(asio::error::operation_aborted).message();

}  // namespace

BOOST_FIXTURE_TEST_SUITE(tasks, fixture)

BOOST_AUTO_TEST_CASE(starts_from_a_handler_of_its_own) {
    const auto started = task<int>::start(io.get_executor(), run(state, 7, false));
    BOOST_TEST(!*state.started);
    run_ready(io);
    BOOST_TEST(*state.started);
    BOOST_TEST(!started->finished());
    state.go->notify();
    BOOST_TEST(await(io, task<int>::outcome(started)) == 7);
    BOOST_TEST(started->finished());
    BOOST_TEST(!*state.cancelled);
}

BOOST_AUTO_TEST_CASE(throws_what_the_coroutine_throws) {
    const auto started = task<int>::start(io.get_executor(), run(state, 7, true));
    await_in_background(task<int>::outcome(started));
    BOOST_TEST(!finished);
    state.go->notify();
    run_ready(io);
    BOOST_TEST(finished);
    BOOST_TEST(problem == "failed");
}

BOOST_AUTO_TEST_CASE(cancelling_the_outcome_cancels_the_task) {
    const auto started = task<int>::start(io.get_executor(), run(state, 7, false));
    await_in_background(task<int>::outcome(started));
    signal.emit(asio::cancellation_type::terminal);
    run_ready(io);
    BOOST_TEST(finished);
    BOOST_TEST(problem == aborted);
    BOOST_TEST(*state.cancelled);
}

BOOST_AUTO_TEST_CASE(cancelling_a_shielded_outcome_does_not_cancel_the_task) {
    const auto started = task<int>::start(io.get_executor(), run(state, 7, false));
    await_in_background(task<int>::outcome_of_shielded(started));
    signal.emit(asio::cancellation_type::terminal);
    run_ready(io);
    BOOST_TEST(finished);
    BOOST_TEST(problem == aborted);
    BOOST_TEST(!*state.cancelled);
    state.go->notify();
    BOOST_TEST(await(io, task<int>::outcome_of_shielded(started)) == 7);
    BOOST_TEST(!*state.cancelled);
}

BOOST_AUTO_TEST_CASE(a_limit_cancels_the_task) {
    const auto started = task<int>::start(io.get_executor(), run(state, 7, false));
    await_in_background(task<int>::outcome_within(started, clock, 10ms));
    clock->advance(9ms);
    run_ready(io);
    BOOST_TEST(!finished);
    BOOST_TEST(!*state.cancelled);
    clock->advance(1ms);
    run_ready(io);
    BOOST_TEST(finished);
    BOOST_TEST(problem == "");
    BOOST_TEST(value == -1);
    BOOST_TEST(*state.cancelled);
}

BOOST_AUTO_TEST_CASE(a_task_may_end_within_its_limit) {
    const auto started = task<int>::start(io.get_executor(), run(state, 7, false));
    await_in_background(task<int>::outcome_within(started, clock, 10ms));
    BOOST_TEST(clock->pending() == 1u);
    state.go->notify();
    run_ready(io);
    BOOST_TEST(value == 7);
    BOOST_TEST(clock->pending() == 0u);
}

BOOST_AUTO_TEST_CASE(a_limit_of_zero_is_none) {
    const auto started = task<int>::start(io.get_executor(), run(state, 7, false));
    await_in_background(task<int>::outcome_within(started, clock, 0ms));
    BOOST_TEST(clock->pending() == 0u);
    state.go->notify();
    run_ready(io);
    BOOST_TEST(value == 7);
}

BOOST_AUTO_TEST_CASE(can_be_cancelled_by_itself) {
    const auto started = task<int>::start(io.get_executor(), run(state, 7, false));
    run_ready(io);
    started->cancel();
    run_ready(io);
    BOOST_TEST(*state.cancelled);
    // Nothing happens once it has finished.
    started->cancel();
    BOOST_TEST(await(io, task<int>::outcome(started)) == 7);
}

BOOST_AUTO_TEST_CASE(exceptions_have_messages) {
    BOOST_TEST(detail::message_of(std::make_exception_ptr(std::runtime_error("text"))) == "text");
    BOOST_TEST(detail::message_of(std::make_exception_ptr(7)) == "something that is not a std::exception was thrown");
}

BOOST_AUTO_TEST_SUITE_END()
