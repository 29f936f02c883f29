#pragma once
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

/// JSON as text: where a string ends, whether a text is JSON at all, what an escaped string says.
namespace corun::codec::json {

/// How deep arrays and objects may nest.
inline constexpr int max_depth = 512;

/// The offset of the first byte that makes `text` something else than one JSON value (RFC 8259)
/// with nothing but whitespace around it, `text.size()` when it ends too early; nothing when it
/// is one. Does not look at UTF-8.
enum class numbers {
    finite,  ///< As in the standard.
    any,     ///< `NaN`, `Infinity` and `-Infinity` too.
};
std::optional<std::size_t> find_error(std::string_view text, numbers allowed = numbers::finite) noexcept;

/// The first byte from `from` on that is a quote, a backslash or a control character; `end` when
/// there is none.
inline const char* skip_plain(const char* from, const char* end) noexcept {
    // Eight bytes at a time. The lowest mark of each of the three tests is exact, so that of their
    // union is too.
    if constexpr (std::endian::native == std::endian::little) {
        constexpr std::uint64_t ones = 0x0101010101010101, high = ones << 7;
        for (; end - from >= 8; from += 8) {
            std::uint64_t word;
            std::memcpy(&word, from, 8);
            const std::uint64_t quote = word ^ (ones * '"'), backslash = word ^ (ones * '\\');
            const std::uint64_t marks =
                (((quote - ones) & ~quote) | ((backslash - ones) & ~backslash) | ((word - ones * 0x20) & ~word)) & high;
            if (marks != 0) return from + std::countr_zero(marks) / 8;
        }
    }
    while (from != end && *from != '"' && *from != '\\' && static_cast<unsigned char>(*from) >= 0x20) ++from;
    return from;
}

/// The closing quote of the string whose first byte is at `from`, or the first byte at which it
/// goes wrong (which is never a quote; `end` when the string is not closed). Sets `escaped` when
/// the string holds an escape.
const char* skip_escaped(const char* from, const char* end) noexcept;
inline const char* find_string_end(const char* from, const char* end, bool& escaped) noexcept {
    from = skip_plain(from, end);
    escaped = from != end && *from == '\\';
    return escaped ? skip_escaped(from, end) : from;
}

/// Appends what the inside of a JSON string says. `inside` must have been found well-formed. Half
/// of a surrogate pair says U+FFFD: services cut emoji in two.
void append_unescaped(std::string& out, std::string_view inside);
/// The same for one of several strings that make a text: `half` is the first half of a pair with which the string
/// before it ended, or 0; afterwards, that with which this one ends. It is not appended before its other half is there.
void append_unescaped(std::string& out, std::string_view inside, char16_t& half);
/// The same into memory of `unescaped_bound(inside.size())` bytes. Returns how many it wrote.
std::size_t unescape(char* out, std::string_view inside, char16_t& half) noexcept;
/// An escape is never shorter than what it says; a half from before may become U+FFFD.
inline constexpr std::size_t unescaped_bound(std::size_t inside) noexcept {
    return inside + 3;
}

/// The text with U+FFFD, escaped, for every escape of half a surrogate pair: with it, parsers that
/// are strict about those read what services send.
std::string without_half_surrogates(std::string_view json);

}  // namespace corun::codec::json
