#pragma once
#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
#include <asio/io_context.hpp>

#include <exception>
#include <utility>

namespace interop {

/// Runs the context until it has nothing left to do, and throws what a coroutine threw.
class runner {
public:
    explicit runner(asio::io_context& io) : io_(io) {}

    template <class Awaitable, class Handler>
    void spawn(Awaitable what, Handler handler) {
        asio::co_spawn(io_, std::move(what), std::move(handler));
    }
    void spawn(asio::awaitable<void> what) {
        spawn(std::move(what), [this](std::exception_ptr problem) { note(problem); });
    }
    void note(std::exception_ptr problem) {
        if (problem) problem_ = problem;
    }
    void finish() {
        io_.restart();
        io_.run();
        if (problem_) std::rethrow_exception(problem_);
    }

private:
    asio::io_context& io_;
    std::exception_ptr problem_;
};

}  // namespace interop
