#pragma once
#include "c/last_failure.hpp"

#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
#include <asio/executor_work_guard.hpp>
#include <asio/io_context.hpp>
#include <asio/use_future.hpp>

#include <exception>
#include <optional>
#include <thread>
#include <type_traits>
#include <utility>

namespace corun::c {

/// An io_context in a thread of its own. The destructor waits until its work is done.
class worker {
public:
    worker() = default;
    worker(const worker&) = delete;
    worker& operator=(const worker&) = delete;
    ~worker() {
        work_.reset();
        thread_.join();
    }

    [[nodiscard]] asio::io_context::executor_type get_executor() noexcept { return io_.get_executor(); }

    /// Runs `work` in the worker's thread, and blocks until it has completed. Not for that thread itself. An exception
    /// stays in its thread, and is a `failure` here.
    template <class T>
    T wait(asio::awaitable<T> work) {
        std::optional<failure> failed;
        if constexpr (std::is_void_v<T>) {
            asio::co_spawn(io_, guard(std::move(work), failed), asio::use_future).get();
            if (failed) throw *std::move(failed);
        } else {
            std::optional<T> result;
            asio::co_spawn(io_, guard(assign(std::move(work), result), failed), asio::use_future).get();
            if (failed) throw *std::move(failed);
            return *std::move(result);
        }
    }

private:
    static asio::awaitable<void> guard(asio::awaitable<void> work, std::optional<failure>& failed) {
        try {
            co_await std::move(work);
        } catch (...) {
            failed = failure_of(std::current_exception());
        }
    }
    template <class T>
    static asio::awaitable<void> assign(asio::awaitable<T> work, std::optional<T>& result) {
        result = co_await std::move(work);
    }

    asio::io_context io_;
    asio::executor_work_guard<asio::io_context::executor_type> work_{io_.get_executor()};
    std::thread thread_{[this] { io_.run(); }};
};

}  // namespace corun::c
