#pragma once
#include "drive.hpp"
#include "manual_clock.hpp"

#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
#include <asio/io_context.hpp>

#include <chrono>
#include <exception>
#include <optional>
#include <stdexcept>

/// Runs what a test awaits over real sockets, in virtual time: whenever nothing more happens on the io_context, time
/// goes on to what the library waits for next. So delays and timeouts pass at once, and in order.
namespace corun::test {

template <class Predicate>
void run_in_virtual_time(asio::io_context& io, manual_clock& clock, Predicate done) {
    using namespace std::chrono_literals;
    // What crosses the loopback interface takes a moment of real time.
    constexpr auto moment = 3ms;
    for (int idle = 0; !done();) {
        if (io.stopped()) io.restart();
        if (io.poll() != 0 || io.run_one_for(moment) != 0) {
            idle = 0;
        } else if (clock.advance_to_next()) {
            idle = 0;
        } else if (++idle == 2000) {
            throw std::runtime_error("stuck: nothing happens any more");
        }
    }
}

template <class T>
T await(asio::io_context& io, manual_clock& clock, asio::awaitable<T> task) {
    std::exception_ptr failure;
    std::optional<T> result;
    bool done = false;
    asio::co_spawn(io, std::move(task), [&](std::exception_ptr e, T value) {
        failure = e;
        result = std::move(value);
        done = true;
    });
    run_in_virtual_time(io, clock, [&] { return done; });
    if (failure) std::rethrow_exception(failure);
    return std::move(*result);
}

inline void await(asio::io_context& io, manual_clock& clock, asio::awaitable<void> task) {
    std::exception_ptr failure;
    bool done = false;
    asio::co_spawn(io, std::move(task), [&](std::exception_ptr e) {
        failure = e;
        done = true;
    });
    run_in_virtual_time(io, clock, [&] { return done; });
    if (failure) std::rethrow_exception(failure);
}

}  // namespace corun::test
