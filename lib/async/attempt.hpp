#pragma once
#include <asio/awaitable.hpp>

#include <exception>
#include <optional>
#include <type_traits>
#include <utility>

namespace corun::detail {

/// What an operation completed with: a value, or the exception that it threw.
template <class T>
class result {
public:
    explicit result(T value) : value_(std::move(value)) {}
    explicit result(std::exception_ptr failure) noexcept : failure_(std::move(failure)) {}

    [[nodiscard]] bool has_value() const noexcept { return value_.has_value(); }
    /// Null if there is a value.
    [[nodiscard]] const std::exception_ptr& failure() const noexcept { return failure_; }
    /// Moves the value out, or throws the failure.
    [[nodiscard]] T take() {
        if (failure_) std::rethrow_exception(failure_);
        return std::move(*value_);
    }

private:
    std::optional<T> value_;
    std::exception_ptr failure_;
};

template <>
class result<void> {
public:
    result() = default;
    explicit result(std::exception_ptr failure) noexcept : failure_(std::move(failure)) {}

    [[nodiscard]] bool has_value() const noexcept { return !failure_; }
    [[nodiscard]] const std::exception_ptr& failure() const noexcept { return failure_; }
    void take() const {
        if (failure_) std::rethrow_exception(failure_);
    }

private:
    std::exception_ptr failure_;
};

/// Completes with the outcome of `operation`, and throws none of its exceptions: a coroutine cannot await in a catch
/// clause. If the caller is cancelled meanwhile, the failure is `operation_aborted`; if it has been cancelled before,
/// Asio throws that instead, as for every `co_await`.
template <class T>
[[nodiscard]] asio::awaitable<result<T>> attempt(asio::awaitable<T> operation) {
    std::exception_ptr failure;
    try {
        if constexpr (std::is_void_v<T>) {
            co_await std::move(operation);
            co_return result<void>();
        } else {
            T value = co_await std::move(operation);
            co_return result<T>(std::move(value));
        }
    } catch (...) {
        failure = std::current_exception();
    }
    co_return result<T>(std::move(failure));
}

}  // namespace corun::detail
