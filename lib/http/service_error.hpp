#pragma once
#include "net/transport.hpp"
#include "redact/redact.hpp"
#include <corun/error.hpp>

#include <cstddef>
#include <string_view>

namespace corun::detail {

/// How much of an error response's body is read.
inline constexpr std::size_t max_error_body = std::size_t{64} << 10;

/// The error that a response stands for: one without a 2xx status, or a success of another media type than
/// `expected_type`. `body` may be truncated. Contains none of `secrets`.
[[nodiscard]] error service_error(const net::response_head& head, std::string_view body, std::string_view expected_type,
                                  const redactor& secrets);

/// The id that the service gave a request, from the header fields of its response; may be empty.
[[nodiscard]] std::string_view request_id_of(const net::response_head& head) noexcept;

}  // namespace corun::detail
