#pragma once

#include "backend.hpp"

#include <asio/awaitable.hpp>
#include <asio/bind_cancellation_slot.hpp>
#include <asio/cancellation_signal.hpp>
#include <asio/co_spawn.hpp>
#include <asio/error.hpp>
#include <asio/io_context.hpp>
#include <asio/signal_set.hpp>
#include <asio/this_coro.hpp>

#include <csignal>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <system_error>
#include <utility>

namespace demo {

template <class Backend>
using program = asio::awaitable<void> (*)(Backend&);

template <class Backend>
asio::awaitable<void> run_and_clean_up(program<Backend> demo, Backend& service) {
    std::exception_ptr failure;
    try {
        co_await demo(service);
    } catch (...) {
        failure = std::current_exception();
    }
    // An interrupt ends the demo, not the clean-up.
    co_await asio::this_coro::reset_cancellation_state();
    co_await service.clean_up();
    if (failure) std::rethrow_exception(failure);
}

/// Each Ctrl-C cancels the operation that the demo is waiting for.
inline void cancel_on_interrupt(asio::signal_set& signals, asio::cancellation_signal& cancellation) {
    signals.async_wait([&signals, &cancellation](std::error_code code, int) {
        if (code) return;
        cancellation.emit(asio::cancellation_type::terminal);
        cancel_on_interrupt(signals, cancellation);
    });
}

/// Runs a demo to its end, and prints its error, if any. `Backend` is the service that it uses: `backend`, or its own.
template <class Backend>
int run(const char* name, program<Backend> demo) {
    try {
        asio::io_context io;
        Backend service(io);
        asio::signal_set signals(io, SIGINT, SIGTERM);
        asio::cancellation_signal cancellation;
        std::exception_ptr failure;
        asio::co_spawn(io, run_and_clean_up<Backend>(demo, service),
                       asio::bind_cancellation_slot(cancellation.slot(), [&](std::exception_ptr e) {
                           failure = e;
                           signals.cancel();
                           service.stop();
                       }));
        cancel_on_interrupt(signals, cancellation);
        io.run();
        if (failure) std::rethrow_exception(failure);
        return EXIT_SUCCESS;
    } catch (const std::system_error& e) {
        constexpr int interrupted = 128 + SIGINT;
        if (e.code() == asio::error::operation_aborted) {
            std::cerr << '\n' << name << ": interrupted\n";
            return interrupted;
        }
        std::cerr << name << ": " << e.what() << '\n';
        return EXIT_FAILURE;
    } catch (const std::exception& e) {
        std::cerr << name << ": " << e.what() << '\n';
        return EXIT_FAILURE;
    }
}

}  // namespace demo
