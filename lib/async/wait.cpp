#include "async/wait.hpp"

#include "async/cancellation.hpp"
#include "async/wakeup.hpp"

#include <asio/this_coro.hpp>

namespace corun::detail {

asio::awaitable<void> sleep_until(std::shared_ptr<net::clock> clock, net::time_point when) {
    const auto executor = co_await asio::this_coro::executor;
    const auto expired = std::make_shared<wakeup>(executor);
    const std::unique_ptr<net::timer> timer = clock->make_timer();
    timer->expires_at(when, [weak = std::weak_ptr<wakeup>(expired)] {
        if (const auto alive = weak.lock()) alive->notify();
    });
    co_await expired->wait();
    co_await throw_if_cancelled();
}

}  // namespace corun::detail
