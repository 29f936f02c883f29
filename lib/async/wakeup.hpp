#pragma once
#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>
#include <asio/steady_timer.hpp>
#include <asio/use_awaitable.hpp>

#include <system_error>
#include <tuple>
#include <utility>

// Asio 1.24 moved it out of `experimental`, and a later version removed it there.
#if __has_include(<asio/as_tuple.hpp>)
#include <asio/as_tuple.hpp>
namespace corun::detail {
using asio::as_tuple;
}
#else
#include <asio/experimental/as_tuple.hpp>
namespace corun::detail {
using asio::experimental::as_tuple;
}
#endif

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
    /// none of these, and what it returns says nothing; a coroutine that is cancelled already cannot wait, and gets
    /// `operation_aborted` from Asio.
    [[nodiscard]] asio::awaitable<std::tuple<std::error_code>> wait() {
        return timer_.async_wait(detail::as_tuple(asio::use_awaitable));
    }

private:
    asio::steady_timer timer_;  ///< Never expires; cancelling it completes its waits.
};

}  // namespace corun::detail
