#pragma once
#include "net/clock.hpp"
#include "net/transport.hpp"

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
    bool truncated = false;  ///< The body was larger than `call_limits::max_bytes`; this is its beginning.
};

/// What a part of a body was good for: see `call_handlers::on_part`.
enum class body_part {
    ignored,   ///< As if it had not arrived: it does not count as activity.
    progress,  ///< There is more to come.
    last,      ///< All that is needed has arrived.
};

/// Durations of 0 disable the limit.
struct call_limits {
    call_limits() = default;

    std::size_t max_bytes = std::size_t{64} << 20;  ///< Of a body that is gathered.
    /// Reading pauses while more than this many bytes wait for `call_handlers::on_body`.
    std::size_t high_water_bytes = std::size_t{256} << 10;
    std::chrono::milliseconds idle{0};
    std::chrono::milliseconds total{0};
};

/// Functions called during a call, from its coroutine, so they may block or start other calls. An exception that they
/// throw ends the call.
struct call_handlers {
    call_handlers() = default;

    /// Receives the body of a success (2xx) piece by piece; it is then not gathered. A success without `Content-Length`
    /// and `Transfer-Encoding` is `errc::bad_response`, because its end looks like a broken connection.
    std::function<void(std::string_view)> on_body;
    /// Instead of `on_body`, for a body that tells by itself where it ends: the call completes as soon as this returns
    /// `last`, and does not wait for the rest.
    std::function<body_part(const net::response_head&, std::string_view)> on_part;
    /// Receives the number of bytes that have been read from the request's source so far. It skips intermediate numbers
    /// when they change quickly.
    std::function<void(std::uint64_t)> on_sent;
};

/// Sends a request and gathers its response, whatever its status.
///
/// *Errors:* `corun::error` with the codes of the network, `errc::idle_timeout` (bytes sent count as activity) and
/// `errc::total_timeout`. *Cancellation* drops the request. Exported for corun-emulator.
asio::awaitable<http_response> http_call(std::shared_ptr<net::transport> transport, std::shared_ptr<net::clock> clock,
                                         net::request request, call_limits limits, call_handlers handlers = {});

}  // namespace corun::detail
