#pragma once

#include <string>
#include <string_view>

namespace corun::cli {

/// The text without control characters, which a terminal would obey, and without those that change the direction of
/// what follows. Line feeds and tabs stay.
[[nodiscard]] std::string printable(std::string_view text);

/// The beginning of a text as one line without control characters, of at most `limit` bytes.
[[nodiscard]] std::string one_line(std::string_view text, std::size_t limit = 160);

}  // namespace corun::cli
