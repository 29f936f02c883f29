#pragma once
#include <optional>
#include <string>
#include <string_view>

namespace corun::base64 {

/// RFC 4648, section 4, with padding.
std::string encode(std::string_view bytes);

/// base64url without padding (RFC 4648, section 5).
std::string encode_url(std::string_view bytes);

/// Decodes base64url without padding (RFC 4648, section 5). Nothing if `text` is malformed.
std::optional<std::string> decode_url(std::string_view text);

}  // namespace corun::base64
