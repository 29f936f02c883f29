#pragma once

#include <cstddef>
#include <string_view>

namespace corun::cli::markdown {

/// A character of a UTF-8 text: its bytes, how many columns of a terminal it takes, 0, 1 or 2, and its code point.
struct character {
    std::size_t bytes = 1;
    int columns = 1;
    char32_t code = 0;
};

/// The first character of a text that is not empty. A byte that is not UTF-8 counts as a character.
[[nodiscard]] character first_character(std::string_view text);

[[nodiscard]] constexpr bool is_space(char c) noexcept {
    return c == ' ' || c == '\n' || c == '\t';
}

/// How many columns the text takes.
[[nodiscard]] int columns_of(std::string_view text);

}  // namespace corun::cli::markdown
