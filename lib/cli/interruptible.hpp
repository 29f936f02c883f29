#pragma once

#include "exit_code.hpp"
#include <corun/asio.hpp>

#include <asio/io_context.hpp>

#include <exception>

namespace corun::cli {

/// The user does not want to wait any longer.
class left_by_user : public std::exception {
public:
    [[nodiscard]] const char* what() const noexcept override { return "interrupted"; }
};

/// Runs `context` until `work` has completed, and what the library then does in the background, such as cancelling a
/// run that was abandoned; returns the result of `work`. The first Ctrl-C (SIGINT or SIGTERM) cancels the operation
/// that `work` waits for.
///
/// *Errors:* Rethrows what `work` throws. Throws `left_by_user` with the second Ctrl-C.
[[nodiscard]] exit_code run_interruptible(asio::io_context& context, asio::awaitable<exit_code> work);

}  // namespace corun::cli
