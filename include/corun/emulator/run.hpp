#pragma once
#include <corun/asio.hpp>

#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
#include <asio/io_context.hpp>

#include <exception>
#include <optional>
#include <stdexcept>
#include <type_traits>
#include <utility>

namespace corun::emulator {

/// Runs `context` until `work` has completed, and returns its result: for tests, where `io_context::run` alone would
/// not return, because the emulator listens.
///
/// *Errors:* Rethrows what `work` throws. Throws `std::logic_error` if nothing is left that could complete it.
///
/// *Lifetime:* Other work of the context stays pending, and continues in the next call.
template <class T>
T run(asio::io_context& context, asio::awaitable<T> work) {
    std::exception_ptr failure;
    bool completed = false;
    std::optional<std::conditional_t<std::is_void_v<T>, bool, T>> result;
    const auto complete = [&](std::exception_ptr thrown, auto&&... value) {
        failure = thrown;
        completed = true;
        if (!failure) result.emplace(std::forward<decltype(value)>(value)...);
    };
    if constexpr (std::is_void_v<T>)
        asio::co_spawn(context, std::move(work), [&complete](std::exception_ptr thrown) { complete(thrown); });
    else
        asio::co_spawn(context, std::move(work),
                       [&complete](std::exception_ptr thrown, T value) { complete(thrown, std::move(value)); });

    context.restart();
    while (!completed)
        if (context.run_one() == 0) throw std::logic_error("the coroutine waits, and nothing is left to wake it");
    if (failure) std::rethrow_exception(failure);
    if constexpr (!std::is_void_v<T>) return std::move(*result);
}

}  // namespace corun::emulator
