#pragma once
#include "escape.hpp"
#include "net/clock.hpp"
#include <corun/error.hpp>
#include <corun/resources.hpp>

#include <asio/awaitable.hpp>

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
/// that may pass are looked past, a few in a row. `errc::total_timeout` names `what` and how it
/// stood once `timeout` has passed; 0 is no limit.
template <class T, class Look, class Done>
asio::awaitable<T> wait_until(std::shared_ptr<net::clock> clock, std::chrono::milliseconds timeout, std::string what,
                              Look look, Done done) {
    constexpr int most_failures = 3;
    constexpr std::chrono::milliseconds longest_pause{8'000};
    const net::time_point started = clock->now();
    const bool bounded = timeout.count() > 0;
    std::string status;
    int failures = 0;
    for (std::chrono::milliseconds pause{500};; pause = std::min(pause * 2, longest_pause)) {
        std::optional<error> failure;
        try {
            T seen = co_await look();
            if (done(seen)) co_return seen;
            status = status_of(seen);
            failures = 0;
        } catch (const error& problem) {
            if (!is_retryable(problem.code()) || ++failures > most_failures) throw;
            failure = problem;
        }
        const net::time_point now = clock->now();
        if (bounded && now >= started + timeout) {
            if (failure) throw error(*failure);
            throw error(errc::total_timeout, what + " is still " + quote(status));
        }
        net::time_point next = now + pause;
        if (failure && failure->retry_after()) next = std::max(next, now + *failure->retry_after());
        if (bounded) next = std::min(next, started + timeout);
        co_await sleep_until(clock, next);
    }
}

}  // namespace corun::detail
