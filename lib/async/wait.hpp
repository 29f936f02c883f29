#pragma once
#include "async/backoff.hpp"
#include "async/task.hpp"
#include "net/clock.hpp"
#include "text/escape.hpp"
#include <corun/error.hpp>
#include <corun/resources.hpp>

#include <asio/awaitable.hpp>
#include <asio/this_coro.hpp>

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace corun::detail {

/// Completes at `when`. Cancellation completes it at once with `operation_aborted`.
asio::awaitable<void> sleep_until(std::shared_ptr<net::clock> clock, net::time_point when);

template <class T>
const std::string& status_of(const T& object) noexcept {
    return object.status;
}
inline const std::string& status_of(const thread_run& run) noexcept {
    return run.status_text;
}

/// Polls an object with `poll()`, an awaitable, until `done(object)` is true; completes with the object. Polls every
/// 0.5 s, backing off to 8 s. Ignores up to three consecutive retryable failures.
///
/// After `timeout` it cancels a poll that is in progress, and fails with `errc::total_timeout`; the message names
/// `subject`, its last status, and the failure of the last poll. 0 disables the timeout; a negative one has expired.
template <class T, class Poll, class Done>
asio::awaitable<T> wait_until(std::shared_ptr<net::clock> clock, std::chrono::milliseconds timeout, std::string subject,
                              Poll poll, Done done) {
    using std::chrono::milliseconds;
    constexpr int max_failures = 3;
    const auto executor = co_await asio::this_coro::executor;
    const net::time_point started = clock->now();
    // A deadline beyond the range of the clock never comes.
    const bool bounded =
        timeout.count() != 0 && timeout < std::chrono::floor<milliseconds>(net::time_point::max() - started);
    const net::time_point end = bounded ? started + std::max(timeout, milliseconds{0}) : net::time_point::max();
    std::string status;
    std::optional<error> failure;
    int failures = 0;
    net::time_point now = started;
    backoff delays(milliseconds{500}, milliseconds{8'000});
    while (now < end) {
        try {
            const milliseconds left = bounded ? std::chrono::ceil<milliseconds>(end - now) : milliseconds{0};
            auto polling = task<T>::start(executor, poll());
            std::optional<T> object = co_await task<T>::outcome_within(std::move(polling), clock, left);
            if (!object) break;
            if (done(*object)) co_return std::move(*object);
            status = status_of(*object);
            failure.reset();
            failures = 0;
        } catch (const error& problem) {
            if (!is_retryable(problem.code()) || ++failures > max_failures) throw;
            failure = problem;
        }
        now = clock->now();
        net::time_point next = now + delays.next();
        if (failure && failure->retry_after()) next = std::max(next, now + *failure->retry_after());
        co_await sleep_until(clock, std::min(next, end));
        now = clock->now();
    }
    std::string message = subject + (status.empty() ? " could not be read in time" : " is still " + quote(status));
    if (failure) message += "; the last poll failed: " + std::string(failure->what());
    throw error(errc::total_timeout, std::move(message));
}

}  // namespace corun::detail
