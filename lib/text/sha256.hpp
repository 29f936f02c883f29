#pragma once
#include <string>
#include <string_view>

namespace corun::detail {

/// The SHA-256 digest (FIPS 180-4) as lower-case hexadecimal digits. For random secrets that are looked up by their
/// digest; passwords need a slow function.
[[nodiscard]] std::string sha256_hex(std::string_view bytes);

}  // namespace corun::detail
