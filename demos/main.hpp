#pragma once

#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
#include <asio/io_context.hpp>

#include <cstdlib>
#include <exception>
#include <iostream>
#include <utility>

#include "backend.hpp"

namespace demo {

/// Runs a demo to its end; an error that reaches this point is printed.
inline int run(const char* name, asio::awaitable<void> (*demo)(backend&)) {
    try {
        asio::io_context io;
        backend service(io);
        std::exception_ptr failure;
        asio::co_spawn(io, demo(service), [&](std::exception_ptr e) {
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
