#pragma once
#include "net/clock.hpp"
#include <corun/export.hpp>

#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>

#include <chrono>
#include <memory>

namespace corun::detail {

/// Time on an executor. Exported for corun-emulator.
CORUN_API std::shared_ptr<net::clock> make_clock(asio::any_io_executor executor);

/// Completes after that time. Cancellation: terminal, partial and total.
asio::awaitable<void> sleep_for(std::shared_ptr<net::clock> clock, std::chrono::milliseconds time);

}  // namespace corun::detail
