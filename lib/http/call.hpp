#pragma once
#include "net/clock.hpp"
#include "net/transport.hpp"
#include <corun/export.hpp>

#include <asio/awaitable.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

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
    /// Reading pauses while more bytes than that wait for `call_handlers::on_body`.
    std::size_t high_water_bytes = std::size_t{256} << 10;
    std::chrono::milliseconds idle{0};
    std::chrono::milliseconds total{0};
};

/// Who wants to know of a call while it goes on. Called in the coroutine of the call, so they may do
/// what they like; what they throw ends the call.
struct call_handlers {
    call_handlers() = default;

    /// Takes the body of a success piece by piece; it is then not gathered. A success that does not
    /// say where its body ends is `errc::bad_response`: its end could not be told from a cut.
    std::function<void(std::string_view)> on_body;
    /// How many bytes of the request's source have been taken by now: ever more, though not every number.
    std::function<void(std::uint64_t)> on_sent;
};

/// Sends a request and gathers its response, whatever its status. Throws `corun::error` with the
/// codes of the network, `errc::idle_timeout` (bytes sent count as a sign of life too) and
/// `errc::total_timeout`. Cancellation drops the request. Exported for corun-emulator.
CORUN_API asio::awaitable<http_response> http_call(std::shared_ptr<net::transport> transport,
                                                   std::shared_ptr<net::clock> clock, net::request what,
                                                   call_limits limits, call_handlers handlers = {});

}  // namespace corun::detail
