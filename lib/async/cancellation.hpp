#pragma once
#include <asio/awaitable.hpp>
#include <asio/cancellation_state.hpp>
#include <asio/cancellation_type.hpp>
#include <asio/error.hpp>
#include <asio/this_coro.hpp>

#include <system_error>

namespace corun::detail {

/// Whether a coroutine has been cancelled: `is_cancelled(co_await asio::this_coro::cancellation_state)`. Not an
/// awaitable, because Asio throws when a cancelled coroutine awaits one.
[[nodiscard]] inline bool is_cancelled(const asio::cancellation_state& state) noexcept {
    return state.cancelled() != asio::cancellation_type::none;
}

/// Throws `std::system_error` with `operation_aborted` if the coroutine that awaits it has been cancelled: after waits
/// that do not report that themselves, such as `wakeup::wait`.
[[nodiscard]] inline asio::awaitable<void> throw_if_cancelled() {
    const asio::cancellation_state state = co_await asio::this_coro::cancellation_state;
    if (is_cancelled(state)) throw std::system_error(asio::error::operation_aborted);
}

}  // namespace corun::detail
