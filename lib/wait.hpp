#pragma once
#include "net/clock.hpp"
#include <corun/error.hpp>
#include <corun/files.hpp>

#include <asio/awaitable.hpp>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace corun::detail {

/// Completes at that time. Cancellation ends it at once.
asio::awaitable<void> sleep_until(std::shared_ptr<net::clock> clock, net::time_point when);

/// Calls `look()` (an awaitable) until `done` says yes of what it gave, and gives that. Failures
/// that may pass are looked past, a few in a row. `errc::total_timeout` names `what` and how it stood.
template <class T, class Look, class Done>
asio::awaitable<T> wait_until(std::shared_ptr<net::clock> clock, wait_options options, std::string what, Look look,
                              Done done) {
    constexpr int most_failures = 3;
    if (options.first_delay.count() <= 0)
        throw error(errc::invalid_argument, "wait_options::first_delay must be positive");
    const net::time_point started = clock->now();
    std::chrono::milliseconds delay = options.first_delay;
    std::string status;
    int failures = 0;
    while (true) {
        std::optional<error> failure;
        try {
            T seen = co_await look();
            if (done(seen)) co_return seen;
            status = seen.status;
            failures = 0;
        } catch (const error& problem) {
            if (!is_retryable(problem.code()) || ++failures > most_failures) throw;
            failure = problem;
        }
        const auto passed = clock->now() - started;
        if (options.timeout.count() > 0 && passed >= options.timeout) {
            if (failure) throw error(*failure);
            throw error(errc::total_timeout,
                        what + " is still '" + status + "' after " + std::to_string(options.timeout.count()) + " ms");
        }
        net::time_point next = clock->now() + delay;
        if (failure && failure->retry_after()) next = std::max(next, clock->now() + *failure->retry_after());
        if (options.timeout.count() > 0) next = std::min(next, started + options.timeout);
        co_await sleep_until(clock, next);
        delay = std::min(delay * 2, std::max(options.max_delay, options.first_delay));
    }
}

}  // namespace corun::detail
