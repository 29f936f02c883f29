#pragma once
#include "net/clock.hpp"

#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

namespace corun::identity {

/// What a program has written.
struct process_output {
    process_output() = default;

    std::string out, error;
    bool timed_out = false;
    bool truncated = false;  ///< It wrote more than allowed.
};

/// Runs a program, found in PATH unless its name has a slash, with nothing to read and in a process
/// group of its own. Completes when it has closed both its outputs, has taken longer than `limit`
/// (0: none) or has written more than `max_bytes` to one; what then still runs is killed. Throws
/// `std::system_error` when it cannot be started. Cancellation kills it.
asio::awaitable<process_output> run_process(asio::any_io_executor executor, std::shared_ptr<net::clock> clock,
                                            std::vector<std::string> command, std::chrono::milliseconds limit,
                                            std::size_t max_bytes);

}  // namespace corun::identity
