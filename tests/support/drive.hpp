#pragma once
#include "leaks.hpp"

#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
#include <asio/io_context.hpp>

#include <chrono>
#include <exception>
#include <optional>
#include <stdexcept>
#include <utility>

/// Runs what a test awaits, on the test's own io_context and thread.
namespace corun::test {

/// Runs handlers until `done()`. A test that waits for something that never comes fails here: no
/// handler at all became ready for a long time.
template <class Predicate>
void run_until(asio::io_context& io, Predicate done) {
    using namespace std::chrono_literals;
    while (!done()) {
        if (io.stopped()) io.restart();
        if (io.run_one_for(60s) == 0) throw std::runtime_error("stuck: nothing happens any more");
    }
}

/// Runs handlers that are ready now, and those that they make ready.
inline void run_ready(asio::io_context& io) {
    if (io.stopped()) io.restart();
    while (io.poll() != 0) {
    }
}

[[noreturn]] inline void rethrow(const std::exception_ptr& failure) {
    check_hides_secrets(failure);
    std::rethrow_exception(failure);
}

/// Runs a task to its end; throws what it throws.
inline void await(asio::io_context& io, asio::awaitable<void> task) {
    std::exception_ptr failure;
    bool done = false;
    asio::co_spawn(io, std::move(task), [&](std::exception_ptr e) {
        failure = e;
        done = true;
    });
    run_until(io, [&] { return done; });
    if (failure) rethrow(failure);
}

template <class T>
asio::awaitable<void> store_result(asio::awaitable<T> task, std::optional<T>* result) {
    T value = co_await std::move(task);
    result->emplace(std::move(value));
}

/// As above, and returns its result. `co_spawn` is instantiated for `void` alone: it is expensive to compile.
template <class T>
T await(asio::io_context& io, asio::awaitable<T> task) {
    std::optional<T> result;
    await(io, store_result(std::move(task), &result));
    return std::move(*result);
}

}  // namespace corun::test
