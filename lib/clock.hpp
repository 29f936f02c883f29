#pragma once
#include <corun/export.hpp>

#include <asio/any_io_executor.hpp>

#include <memory>

#include "net/clock.hpp"

namespace corun::detail {

/// Time on an executor. Exported for corun-emulator.
CORUN_API std::shared_ptr<net::clock> make_clock(asio::any_io_executor executor);

}  // namespace corun::detail
