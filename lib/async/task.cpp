#include "async/task.hpp"

#include <asio/bind_cancellation_slot.hpp>
#include <asio/co_spawn.hpp>
#include <asio/post.hpp>
#include <asio/this_coro.hpp>
#include <asio/use_awaitable.hpp>

#include <system_error>

namespace corun::detail {
namespace {

asio::awaitable<void> run_later(asio::any_io_executor executor, asio::awaitable<void> work) {
    asio::awaitable<void> operation = std::move(work);
    co_await asio::post(executor, asio::use_awaitable);
    co_await std::move(operation);
}

}  // namespace

void task_base::run(std::shared_ptr<task_base> self, asio::any_io_executor executor, asio::awaitable<void> work) {
    asio::cancellation_slot slot = self->cancellation_.slot();
    asio::co_spawn(executor, run_later(executor, std::move(work)),
                   asio::bind_cancellation_slot(slot, [self = std::move(self)](std::exception_ptr failure) {
                       self->finished_ = true;
                       self->failure_ = std::move(failure);
                       self->done_.notify();
                   }));
}

asio::awaitable<bool> task_base::wait(std::shared_ptr<task_base> self, std::shared_ptr<net::clock> clock,
                                      std::chrono::milliseconds limit) {
    auto expired = std::make_shared<bool>(false);
    std::unique_ptr<net::timer> timer;
    if (limit.count() > 0) {
        timer = clock->make_timer();
        timer->expires_at(clock->now() + limit, [expired, weak = std::weak_ptr<task_base>(self)] {
            *expired = true;
            if (auto alive = weak.lock()) alive->done_.notify();
        });
    }
    while (!self->finished_ && !*expired) {
        co_await self->done_.wait();
        const asio::cancellation_state state = co_await asio::this_coro::cancellation_state;
        if (is_cancelled(state)) {
            if (!self->shielded_) self->cancel();
            throw std::system_error(asio::error::operation_aborted);
        }
    }
    if (!self->finished_) self->cancel();
    co_return self->finished_;
}

}  // namespace corun::detail
