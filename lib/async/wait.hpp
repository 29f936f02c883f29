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

/// Completes at that time. Cancellation ends it at once.
asio::awaitable<void> sleep_until(std::shared_ptr<net::clock> clock, net::time_point when);

template <class T>
const std::string& status_of(const T& seen) noexcept {
    return seen.status;
}
inline const std::string& status_of(const thread_run& seen) noexcept {
    return seen.status_text;
}

/// Calls `look()` (an awaitable) until `done` says yes of what it gave, and gives that. Failures
/// that may pass are looked past, a few in a row. Once `timeout` has passed, a reading that is under
/// way is dropped, and `errc::total_timeout` names `what`, how it stood, and what the last reading
/// failed with if it did. 0 is no limit; one below has passed already.
template <class T, class Look, class Done>
asio::awaitable<T> wait_until(std::shared_ptr<net::clock> clock, std::chrono::milliseconds timeout, std::string what,
                              Look look, Done done) {
    using std::chrono::milliseconds;
    constexpr int most_failures = 3;
    const auto executor = co_await asio::this_coro::executor;
    const net::time_point started = clock->now();
    // A time that the clock never comes to is no limit either.
    const bool bounded =
        timeout.count() != 0 && timeout < std::chrono::floor<milliseconds>(net::time_point::max() - started);
    const net::time_point end = bounded ? started + std::max(timeout, milliseconds{0}) : net::time_point::max();
    std::string status;
    std::optional<error> failure;
    int failures = 0;
    net::time_point now = started;
    backoff pauses(milliseconds{500}, milliseconds{8'000});
    while (now < end) {
        try {
            const milliseconds left = bounded ? std::chrono::ceil<milliseconds>(end - now) : milliseconds{0};
            auto reading = task<T>::start(executor, look());
            std::optional<T> seen = co_await task<T>::outcome_within(std::move(reading), clock, left);
            if (!seen) break;
            if (done(*seen)) co_return std::move(*seen);
            status = status_of(*seen);
            failure.reset();
            failures = 0;
        } catch (const error& problem) {
            if (!is_retryable(problem.code()) || ++failures > most_failures) throw;
            failure = problem;
        }
        now = clock->now();
        net::time_point next = now + pauses.next();
        if (failure && failure->retry_after()) next = std::max(next, now + *failure->retry_after());
        co_await sleep_until(clock, std::min(next, end));
        now = clock->now();
    }
    what += status.empty() ? " could not be read in time" : " is still " + quote(status);
    if (failure) what += "; the last reading failed: " + std::string(failure->what());
    throw error(errc::total_timeout, std::move(what));
}

}  // namespace corun::detail
