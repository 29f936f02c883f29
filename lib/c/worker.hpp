#pragma once
#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
#include <asio/executor_work_guard.hpp>
#include <asio/io_context.hpp>
#include <asio/use_future.hpp>

#include <thread>
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

    /// Runs `work` in the worker's thread, and blocks until it has completed. Not for that thread itself.
    template <class T>
    T wait(asio::awaitable<T> work) {
        return asio::co_spawn(io_, std::move(work), asio::use_future).get();
    }

private:
    asio::io_context io_;
    asio::executor_work_guard<asio::io_context::executor_type> work_{io_.get_executor()};
    std::thread thread_{[this] { io_.run(); }};
};

}  // namespace corun::c
