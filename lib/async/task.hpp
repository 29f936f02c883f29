#pragma once
#include "async/cancellation.hpp"
#include "async/wakeup.hpp"
#include "net/clock.hpp"

#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>
#include <asio/bind_cancellation_slot.hpp>
#include <asio/cancellation_signal.hpp>
#include <asio/co_spawn.hpp>
#include <asio/post.hpp>
#include <asio/this_coro.hpp>
#include <asio/use_awaitable.hpp>

#include <chrono>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <utility>

namespace corun::detail {

/// The message of an exception.
inline std::string message_of(const std::exception_ptr& failure) {
    try {
        std::rethrow_exception(failure);
    } catch (const std::exception& exception) {
        return exception.what();
    } catch (...) {
        return "something that is not a std::exception was thrown";
    }
}

/// A coroutine that runs concurrently with those that wait for it. T is default-constructible.
template <class T>
class task {
public:
    /// The coroutine starts from a handler of its own, never within this call.
    static std::shared_ptr<task> start(asio::any_io_executor executor, asio::awaitable<T> work) {
        auto self = std::make_shared<task>(executor);
        asio::co_spawn(executor, run(executor, std::move(work)),
                       asio::bind_cancellation_slot(self->cancellation_.slot(), [self](std::exception_ptr e, T value) {
                           self->finished_ = true;
                           self->failure_ = std::move(e);
                           self->value_ = std::move(value);
                           self->done_.notify();
                       }));
        return self;
    }

    /// Completes with the task's value, or throws its exception. Cancelling this cancels the task, and does not wait
    /// until it has ended.
    static asio::awaitable<T> outcome(std::shared_ptr<task> self) {
        const bool finished = co_await wait(self, nullptr, std::chrono::milliseconds(0));
        (void)finished;
        co_return self->take();
    }

    /// The same; after `limit` (0: none) it cancels the task and completes with nothing.
    static asio::awaitable<std::optional<T>> outcome_within(std::shared_ptr<task> self,
                                                            std::shared_ptr<net::clock> clock,
                                                            std::chrono::milliseconds limit) {
        std::optional<T> value;
        if (co_await wait(self, std::move(clock), limit)) value = self->take();
        co_return value;
    }

    /// As `outcome`, but cancelling this does not cancel the task.
    static asio::awaitable<T> outcome_of_shielded(std::shared_ptr<task> self) {
        self->shielded_ = true;
        co_return co_await outcome(std::move(self));
    }

    [[nodiscard]] bool finished() const noexcept { return finished_; }

    /// Cancels the task. Not to be called from a callback of the transport.
    void cancel() {
        if (!finished_) cancellation_.emit(asio::cancellation_type::terminal);
    }

    explicit task(asio::any_io_executor executor) : done_(std::move(executor)) {}

private:
    static asio::awaitable<T> run(asio::any_io_executor executor, asio::awaitable<T> work) {
        asio::awaitable<T> operation = std::move(work);
        co_await asio::post(executor, asio::use_awaitable);
        co_return co_await std::move(operation);
    }

    /// False if the limit has passed before the task has finished.
    static asio::awaitable<bool> wait(std::shared_ptr<task> self, std::shared_ptr<net::clock> clock,
                                      std::chrono::milliseconds limit) {
        auto expired = std::make_shared<bool>(false);
        std::unique_ptr<net::timer> timer;
        if (limit.count() > 0) {
            timer = clock->make_timer();
            timer->expires_at(clock->now() + limit, [expired, weak = std::weak_ptr<task>(self)] {
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

    T take() {
        if (failure_) std::rethrow_exception(failure_);
        return std::move(value_);
    }

    asio::cancellation_signal cancellation_;
    wakeup done_;
    std::exception_ptr failure_;
    T value_{};
    bool finished_ = false;
    bool shielded_ = false;
};

}  // namespace corun::detail
