#pragma once
#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>
#include <asio/redirect_error.hpp>
#include <asio/steady_timer.hpp>
#include <asio/use_awaitable.hpp>

#include <system_error>
#include <utility>

namespace corun::detail {

/// A condition variable for the coroutines of one executor. As with any condition variable, wait in a loop that
/// checks the condition: a notification is not stored for later waits.
class wakeup {
public:
    explicit wakeup(asio::any_io_executor executor)
        : timer_(std::move(executor), asio::steady_timer::time_point::max()) {}

    /// Resumes every coroutine that is waiting now, each in a turn of its own. Does nothing if none is.
    void notify() noexcept { timer_.cancel(); }

    /// Completes with the next notification, when the coroutine is cancelled, or when this is destroyed. Throws for
    /// none of these; a coroutine that is cancelled already cannot wait, and gets `operation_aborted` from Asio.
    [[nodiscard]] asio::awaitable<void> wait() {
        std::error_code ignored;
        co_await timer_.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
    }

private:
    asio::steady_timer timer_;  ///< Never expires; cancelling it completes its waits.
};

}  // namespace corun::detail
