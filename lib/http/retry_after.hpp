#pragma once
#include "net/transport.hpp"

#include <chrono>
#include <cstdint>
#include <ctime>
#include <optional>
#include <string_view>

namespace corun::detail {

/// The time of an HTTP date, in seconds since 1970. Only its one current form, `Sun, 06 Nov 1994 08:49:37 GMT`
/// (RFC 9110, 5.6.7).
[[nodiscard]] std::optional<std::int64_t> parse_http_date(std::string_view text) noexcept;

/// How long a response asks the client to wait before the next attempt: `retry-after-ms`, `x-ms-retry-after-ms`, or
/// `retry-after` in seconds or as a date. Azure's own clients read these fields in this order. At most a day. `now` is
/// in seconds since 1970.
[[nodiscard]] std::optional<std::chrono::milliseconds> retry_hint(const net::response_head& head,
                                                                  std::int64_t now = std::time(nullptr)) noexcept;

/// Whether a response says that the request should be sent again, in `x-should-retry` as OpenAI's own clients read it.
[[nodiscard]] std::optional<bool> should_retry(const net::response_head& head) noexcept;

}  // namespace corun::detail
