#include "text/base64.hpp"

#include "text/ascii.hpp"

#include <cstddef>

namespace corun::base64 {
namespace {

int url_digit_value(char c) noexcept {
    if (ascii::is_digit(c)) return c - '0' + 52;
    if (ascii::is_letter(c)) return ascii::lower(c) - 'a' + (c == ascii::lower(c) ? 26 : 0);
    if (c == '-') return 62;
    return c == '_' ? 63 : -1;
}

}  // namespace

std::string encode(std::string_view bytes) {
    static constexpr char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string text;
    text.reserve((bytes.size() + 2) / 3 * 4);
    for (std::size_t i = 0; i < bytes.size(); i += 3) {
        const auto byte = [&](std::size_t at) {
            return at < bytes.size() ? static_cast<unsigned char>(bytes[at]) : 0u;
        };
        const unsigned bits = byte(i) << 16 | byte(i + 1) << 8 | byte(i + 2);
        text += digits[bits >> 18];
        text += digits[bits >> 12 & 63];
        text += i + 1 < bytes.size() ? digits[bits >> 6 & 63] : '=';
        text += i + 2 < bytes.size() ? digits[bits & 63] : '=';
    }
    return text;
}

std::string encode_url(std::string_view bytes) {
    std::string text = encode(bytes);
    while (text.ends_with('=')) text.pop_back();
    for (char& digit : text) digit = digit == '+' ? '-' : digit == '/' ? '_' : digit;
    return text;
}

std::optional<std::string> decode_url(std::string_view text) {
    // One digit is less than a byte.
    if (text.size() % 4 == 1) return std::nullopt;
    std::string bytes;
    bytes.reserve(text.size() * 3 / 4);
    unsigned bits = 0;
    int count = 0;
    for (const char c : text) {
        const int digit = url_digit_value(c);
        if (digit < 0) return std::nullopt;
        bits = (bits << 6 | static_cast<unsigned>(digit)) & 0xffff;
        count += 6;
        if (count < 8) continue;
        count -= 8;
        bytes += static_cast<char>(bits >> count & 0xff);
    }
    return bytes;
}

}  // namespace corun::base64
