#pragma once
#include <algorithm>
#include <cstddef>
#include <cstring>
#include <string_view>

/// ASCII characters, independent of the process's locale.
namespace corun::ascii {

[[nodiscard]] constexpr bool is_digit(char c) noexcept {
    return c >= '0' && c <= '9';
}

[[nodiscard]] constexpr char lower(char c) noexcept {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

[[nodiscard]] constexpr bool is_letter(char c) noexcept {
    return lower(c) >= 'a' && lower(c) <= 'z';
}

[[nodiscard]] constexpr bool is_alphanumeric(char c) noexcept {
    return is_letter(c) || is_digit(c);
}

/// The length of the literal is a constant, so that these are a few instructions and no call: for each event of a
/// stream.
template <std::size_t Size>
[[nodiscard]] inline bool begins_with(std::string_view text, const char (&literal)[Size]) noexcept {
    return text.size() >= Size - 1 && std::memcmp(text.data(), literal, Size - 1) == 0;
}
template <std::size_t Size>
[[nodiscard]] inline bool equals(std::string_view text, const char (&literal)[Size]) noexcept {
    return text.size() == Size - 1 && std::memcmp(text.data(), literal, Size - 1) == 0;
}

inline constexpr std::string_view hex_digits = "0123456789abcdef";

/// The value of a hexadecimal digit of either case; -1 for any other character.
[[nodiscard]] constexpr int hex_value(char c) noexcept {
    if (is_digit(c)) return c - '0';
    const char digit = lower(c);
    return digit >= 'a' && digit <= 'f' ? digit - 'a' + 10 : -1;
}

[[nodiscard]] constexpr bool equal_ignoring_case(std::string_view a, std::string_view b) noexcept {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) { return lower(x) == lower(y); });
}

/// The offset of the first `part` in `text`; `npos` if there is none.
[[nodiscard]] constexpr std::size_t find_ignoring_case(std::string_view text, std::string_view part) noexcept {
    const auto found = std::search(text.begin(), text.end(), part.begin(), part.end(),
                                   [](char x, char y) { return lower(x) == lower(y); });
    return found == text.end() ? text.npos : static_cast<std::size_t>(found - text.begin());
}

/// `text` without the `blanks` at either end.
[[nodiscard]] constexpr std::string_view trim(std::string_view text, std::string_view blanks = " \t") noexcept {
    text.remove_prefix(std::min(text.find_first_not_of(blanks), text.size()));
    return text.substr(0, text.find_last_not_of(blanks) + 1);
}

/// The media type in the value of a `Content-Type` field, without its parameters.
[[nodiscard]] constexpr std::string_view media_type(std::string_view content_type) noexcept {
    return trim(content_type.substr(0, content_type.find(';')));
}

}  // namespace corun::ascii
