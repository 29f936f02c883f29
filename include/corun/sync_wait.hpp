#pragma once
#include <corun/asio.hpp>

#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
#include <asio/io_context.hpp>
#include <asio/this_coro.hpp>

#include <exception>
#include <memory>
#include <optional>
#include <stdexcept>
#include <type_traits>
#include <utility>

namespace corun {

/// Runs `context` until `work` has completed, and returns its result. Use it where `io_context::run` does not return:
/// in tests while the emulator listens, and in programs that have other work on the context.
///
/// *Errors:* Rethrows what `work` throws. Throws `std::logic_error` if `context` is stopped first.
///
/// *Lifetime:* Other work of the context remains pending, and continues in the next call.
template <class T>
T sync_wait(asio::io_context& context, asio::awaitable<T> work) {
    // Shared: if this call ends early, the coroutine may still complete in a later one.
    struct outcome {
        std::exception_ptr failure;
        bool completed = false;
        std::optional<std::conditional_t<std::is_void_v<T>, bool, T>> value;
    };
    const auto end = std::make_shared<outcome>();
    const auto complete = [end](std::exception_ptr failure, auto&&... value) {
        end->failure = failure;
        end->completed = true;
        if (!failure) end->value.emplace(std::forward<decltype(value)>(value)...);
    };
    if constexpr (std::is_void_v<T>)
        asio::co_spawn(context, std::move(work), [complete](std::exception_ptr failure) { complete(failure); });
    else
        asio::co_spawn(context, std::move(work),
                       [complete](std::exception_ptr failure, T value) { complete(failure, std::move(value)); });

    context.restart();
    while (!end->completed)
        if (context.run_one() == 0) throw std::logic_error("the io_context was stopped before the coroutine completed");
    if (end->failure) std::rethrow_exception(end->failure);
    if constexpr (!std::is_void_v<T>) return std::move(*end->value);
}

/// Runs `work` on an `asio::io_context` of its own, in this thread, and returns its result. Completes when the context
/// has no more work: runs that are cancelled in the background have ended then.
///
/// *Errors:* Rethrows what `work` throws.
template <class T>
T sync_wait(asio::awaitable<T> work) {
    asio::io_context context;
    struct rest {
        asio::io_context& context;
        ~rest() { context.run(); }
    } const other_work{context};
    return sync_wait(context, std::move(work));
}

}  // namespace corun
