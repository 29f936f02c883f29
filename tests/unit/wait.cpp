#include "async/wait.hpp"

#include "drive.hpp"
#include "manual_clock.hpp"
#include <corun/files.hpp>

#include <asio/bind_cancellation_slot.hpp>
#include <asio/cancellation_signal.hpp>
#include <boost/test/unit_test.hpp>

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace {

using namespace corun;
using namespace corun::test;
using namespace std::chrono_literals;

struct outcome {
    outcome() = default;

    std::string status;  ///< `never` for a poll that does not complete.
    std::optional<error> failure;
};

outcome status(std::string text) {
    outcome result;
    result.status = std::move(text);
    return result;
}

outcome failure(errc code, std::optional<std::chrono::milliseconds> retry_after = {}) {
    diagnostics details;
    details.message = "no answer";
    details.retry_after = retry_after;
    outcome result;
    result.failure.emplace(code, std::move(details));
    return result;
}

/// Polls a vector store's batch whose states the test has written down.
struct fixture {
    static asio::awaitable<vector_store_batch> poll(std::shared_ptr<manual_clock> time, outcome now) {
        vector_store_batch batch;
        batch.status = now.status;
        if (now.status == "never") co_await detail::sleep_until(time, net::time_point::max());
        if (now.failure) throw error(*now.failure);
        co_return batch;
    }

    void start(std::chrono::milliseconds timeout) {
        const auto next = [this] {
            polls.push_back(std::chrono::duration_cast<std::chrono::milliseconds>(clock->now() - began));
            const outcome now = states.front();
            if (states.size() > 1) states.pop_front();
            return poll(clock, now);
        };
        const auto is_complete = [](const vector_store_batch& batch) { return batch.status == "completed"; };
        asio::co_spawn(
            io, detail::wait_until<vector_store_batch>(clock, timeout, "batch b_1", next, is_complete),
            asio::bind_cancellation_slot(signal.slot(), [this](std::exception_ptr e, vector_store_batch batch) {
                finished = true;
                last_status = batch.status;
                try {
                    if (e) std::rethrow_exception(e);
                } catch (const error& problem) {
                    code = problem.code();
                    message = problem.details().message;
                } catch (const std::system_error& problem) {
                    code = problem.code();
                }
            }));
        run_ready(io);
    }

    /// Lets time pass until it has finished.
    void finish() {
        while (!finished) {
            BOOST_REQUIRE(clock->advance_to_next());
            run_ready(io);
        }
    }

    asio::io_context io;
    std::shared_ptr<manual_clock> clock = std::make_shared<manual_clock>();
    net::time_point began = clock->now();
    std::deque<outcome> states;
    std::vector<std::chrono::milliseconds> polls;
    asio::cancellation_signal signal;
    bool finished = false;
    std::string last_status, message;
    std::error_code code;
};

std::vector<std::chrono::milliseconds> times(std::initializer_list<std::chrono::milliseconds> list) {
    return list;
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(waiting, fixture)

BOOST_AUTO_TEST_CASE(an_object_that_is_done_is_polled_once) {
    states = {status("completed")};
    start(0ms);
    BOOST_TEST(finished);
    BOOST_TEST(!code);
    BOOST_TEST(last_status == "completed");
    BOOST_TEST(polls.size() == 1u);
    BOOST_TEST(clock->pending() == 0u);
}

BOOST_AUTO_TEST_CASE(polls_back_off_from_half_a_second_to_eight) {
    states = std::deque<outcome>(7, status("in_progress"));
    states.push_back(status("completed"));
    start(0ms);
    finish();
    BOOST_TEST(last_status == "completed");
    BOOST_CHECK(polls == times({0ms, 500ms, 1'500ms, 3'500ms, 7'500ms, 15'500ms, 23'500ms, 31'500ms}));
}

BOOST_AUTO_TEST_CASE(three_failures_in_a_row_are_ignored) {
    const outcome failed = failure(errc::server_failed);
    states = {failed, failed, failed, status("in_progress"), failed, failed, failed, status("completed")};
    start(0ms);
    finish();
    BOOST_TEST(!code);
    BOOST_TEST(last_status == "completed");
}

BOOST_AUTO_TEST_CASE(the_fourth_failure_in_a_row_is_thrown) {
    states = {failure(errc::server_failed)};
    start(0ms);
    finish();
    BOOST_TEST(code == errc::server_failed);
    BOOST_TEST(polls.size() == 4u);
}

BOOST_AUTO_TEST_CASE(a_failure_that_will_not_pass_is_thrown_at_once) {
    states = {failure(errc::not_found)};
    start(0ms);
    BOOST_TEST(finished);
    BOOST_TEST(code == errc::not_found);
    BOOST_TEST(polls.size() == 1u);
}

BOOST_AUTO_TEST_CASE(a_failure_may_ask_for_a_longer_delay) {
    states = {failure(errc::rate_limited, 5s), failure(errc::rate_limited, 10ms), status("in_progress"),
              status("completed")};
    start(0ms);
    finish();
    BOOST_CHECK(polls == times({0ms, 5s, 6s, 8s}));
}

BOOST_AUTO_TEST_CASE(the_timeout_tells_the_last_status) {
    states = {status("in_progress")};
    start(600ms);
    finish();
    BOOST_TEST(code == errc::total_timeout);
    BOOST_TEST(message == "batch b_1 is still 'in_progress'");
    BOOST_CHECK(polls == times({0ms, 500ms}));
    BOOST_CHECK(clock->now() == began + 600ms);
}

BOOST_AUTO_TEST_CASE(the_timeout_tells_the_last_failure) {
    states = {status("in_progress"), failure(errc::server_failed)};
    start(600ms);
    finish();
    BOOST_TEST(code == errc::total_timeout);
    BOOST_TEST(message.starts_with("batch b_1 is still 'in_progress'; the last poll failed: "), message);
    BOOST_TEST(message.ends_with("no answer [server_failed]"), message);
}

BOOST_AUTO_TEST_CASE(a_failure_before_the_last_status_is_forgotten) {
    states = {failure(errc::server_failed), status("in_progress")};
    start(600ms);
    finish();
    BOOST_TEST(message == "batch b_1 is still 'in_progress'");
}

BOOST_AUTO_TEST_CASE(the_timeout_ends_a_poll) {
    states = {status("never")};
    start(100ms);
    BOOST_TEST(!finished);
    finish();
    BOOST_TEST(code == errc::total_timeout);
    BOOST_TEST(message == "batch b_1 could not be read in time");
    BOOST_CHECK(clock->now() == began + 100ms);
}

BOOST_AUTO_TEST_CASE(a_negative_timeout_has_expired) {
    states = {status("completed")};
    start(-1ms);
    BOOST_TEST(finished);
    BOOST_TEST(code == errc::total_timeout);
    BOOST_TEST(polls.empty());
}

BOOST_AUTO_TEST_CASE(a_timeout_beyond_the_clock_is_none) {
    states = {status("in_progress"), status("completed")};
    start(std::chrono::milliseconds::max());
    finish();
    BOOST_TEST(last_status == "completed");
}

BOOST_AUTO_TEST_CASE(can_be_cancelled_during_a_delay) {
    states = {status("in_progress")};
    start(0ms);
    BOOST_TEST(clock->pending() == 1u);
    signal.emit(asio::cancellation_type::terminal);
    run_ready(io);
    BOOST_TEST(finished);
    BOOST_TEST(code == asio::error::operation_aborted);
    BOOST_TEST(clock->pending() == 0u);
}

BOOST_AUTO_TEST_CASE(runs_name_their_status_in_another_member) {
    thread_run run;
    run.status_text = "queued";
    BOOST_TEST(detail::status_of(run) == "queued");
}

BOOST_AUTO_TEST_SUITE_END()
