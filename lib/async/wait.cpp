#include "async/wait.hpp"

#include <asio/redirect_error.hpp>
#include <asio/steady_timer.hpp>
#include <asio/this_coro.hpp>
#include <asio/use_awaitable.hpp>

namespace corun::detail {

asio::awaitable<void> sleep_until(std::shared_ptr<net::clock> clock, net::time_point when) {
    const auto executor = co_await asio::this_coro::executor;
    const auto wake_up = std::make_shared<asio::steady_timer>(executor, asio::steady_timer::time_point::max());
    const std::unique_ptr<net::timer> timer = clock->make_timer();
    timer->expires_at(when, [weak = std::weak_ptr<asio::steady_timer>(wake_up)] {
        if (const auto alive = weak.lock()) alive->cancel();
    });
    std::error_code woken;
    co_await wake_up->async_wait(asio::redirect_error(asio::use_awaitable, woken));
    const auto state = co_await asio::this_coro::cancellation_state;
    if (state.cancelled() != asio::cancellation_type::none) throw std::system_error(asio::error::operation_aborted);
}

}  // namespace corun::detail
