#pragma once
#include "net/clock.hpp"
#include "net/transport.hpp"
#include <corun/export.hpp>

#include <asio/awaitable.hpp>

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>

namespace corun::detail {

/// A whole response.
struct http_response {
    http_response() = default;

    net::response_head head;
    std::string body;
    bool truncated = false;  ///< The body was larger than allowed; this is its beginning.
};

struct call_limits {
    call_limits() = default;

    std::size_t max_bytes = std::size_t{64} << 20;
    std::chrono::milliseconds idle{0};
    std::chrono::milliseconds total{0};
};

/// Sends a request and gathers its response, whatever its status. Throws `corun::error` with the
/// codes of the network, `errc::idle_timeout` and `errc::total_timeout`. Cancellation drops the request. Exported for
/// corun-emulator.
CORUN_API asio::awaitable<http_response> http_call(std::shared_ptr<net::transport> transport,
                                                   std::shared_ptr<net::clock> clock, net::request what,
                                                   call_limits limits);

}  // namespace corun::detail
