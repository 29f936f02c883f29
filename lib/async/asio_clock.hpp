#pragma once
#include "net/clock.hpp"

#include <asio/any_io_executor.hpp>

#include <memory>

namespace corun::detail {

/// Time on an executor. Exported for corun-emulator.
std::shared_ptr<net::clock> make_clock(asio::any_io_executor executor);

}  // namespace corun::detail
