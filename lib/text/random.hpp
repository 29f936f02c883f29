#pragma once
#include <cstddef>
#include <string>

namespace corun::detail {

/// Random lower-case hexadecimal digits that nobody can guess.
[[nodiscard]] std::string random_hex(std::size_t digits);

/// A random UUID (RFC 9562, version 4).
[[nodiscard]] std::string random_uuid();

/// A random number from 0 to 1.
[[nodiscard]] double random_fraction();

}  // namespace corun::detail
