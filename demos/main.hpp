#pragma once

#include "backend.hpp"

#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
#include <asio/io_context.hpp>

#include <cstdlib>
#include <exception>
#include <iostream>
#include <utility>

namespace demo {

using program = asio::awaitable<void> (*)(backend&);

inline asio::awaitable<void> run_and_clean_up(program demo, backend& service) {
    std::exception_ptr failure;
    try {
        co_await demo(service);
    } catch (...) {
        failure = std::current_exception();
    }
    co_await service.clean_up();
    if (failure) std::rethrow_exception(failure);
}

/// Runs a demo to its end; an error that reaches this point is printed.
inline int run(const char* name, program demo) {
    try {
        asio::io_context io;
        backend service(io);
        std::exception_ptr failure;
        asio::co_spawn(io, run_and_clean_up(demo, service), [&](std::exception_ptr e) {
            failure = e;
            service.stop();
        });
        io.run();
        if (failure) std::rethrow_exception(failure);
        return EXIT_SUCCESS;
    } catch (const std::exception& e) {
        std::cerr << name << ": " << e.what() << '\n';
        return EXIT_FAILURE;
    }
}

}  // namespace demo
