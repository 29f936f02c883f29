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

/// The output of a program.
struct process_output {
    process_output() = default;

    std::string out, error;
    bool timed_out = false;
    bool truncated = false;  ///< It wrote more than allowed; the rest is lost.
};

/// Runs a program in a process group of its own, without input. The program is searched for in PATH unless its name
/// contains a slash. Completes when the program has closed both its outputs, when `timeout` has passed (0: no limit),
/// or when it has written more than `max_bytes` to one output; the process group is then killed. Throws
/// `std::system_error` if the program cannot be started. Cancellation kills it.
asio::awaitable<process_output> run_process(asio::any_io_executor executor, std::shared_ptr<net::clock> clock,
                                            std::vector<std::string> command, std::chrono::milliseconds timeout,
                                            std::size_t max_bytes);

}  // namespace corun::identity
