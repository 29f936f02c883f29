#pragma once
#include "async/cancellation.hpp"
#include "async/wakeup.hpp"
#include "net/clock.hpp"

#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>
#include <asio/cancellation_signal.hpp>

#include <chrono>
#include <exception>
#include <memory>
#include <optional>
#include <string>
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

/// What tasks of all types have in common: compiled once.
class task_base {
public:
    [[nodiscard]] bool finished() const noexcept { return finished_; }

    /// Cancels the task. Not to be called from a callback of the transport.
    void cancel() {
        if (!finished_) cancellation_.emit(asio::cancellation_type::terminal);
    }

protected:
    explicit task_base(asio::any_io_executor executor) : done_(std::move(executor)) {}
    ~task_base() = default;

    static void run(std::shared_ptr<task_base> self, asio::any_io_executor executor, asio::awaitable<void> work);
    /// False if the limit has passed before the task has finished.
    static asio::awaitable<bool> wait(std::shared_ptr<task_base> self, std::shared_ptr<net::clock> clock,
                                      std::chrono::milliseconds limit);
    void shield() noexcept { shielded_ = true; }
    void throw_failure() const {
        if (failure_) std::rethrow_exception(failure_);
    }

private:
    asio::cancellation_signal cancellation_;
    wakeup done_;
    std::exception_ptr failure_;
    bool finished_ = false;
    bool shielded_ = false;
};

/// A coroutine that runs concurrently with those that wait for it. T is default-constructible.
template <class T>
class task : public task_base {
public:
    /// The coroutine starts from a handler of its own, never within this call.
    static std::shared_ptr<task> start(asio::any_io_executor executor, asio::awaitable<T> work) {
        auto self = std::make_shared<task>(executor);
        run(self, std::move(executor), keep_value(self, std::move(work)));
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
        self->shield();
        co_return co_await outcome(std::move(self));
    }

    explicit task(asio::any_io_executor executor) : task_base(std::move(executor)) {}

private:
    static asio::awaitable<void> keep_value(std::shared_ptr<task> self, asio::awaitable<T> work) {
        asio::awaitable<T> operation = std::move(work);
        T value = co_await std::move(operation);
        self->value_ = std::move(value);
    }

    T take() {
        throw_failure();
        return std::move(value_);
    }

    T value_{};
};

}  // namespace corun::detail
