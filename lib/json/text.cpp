#include "json/text.hpp"

#include "json/cursor.hpp"
#include "text/ascii.hpp"

#include <algorithm>
#include <charconv>

namespace corun::codec::json {
namespace {

/// Walks over a text by the grammar of RFC 8259. Stops at the first byte that does not fit.
class checker {
public:
    checker(std::string_view text, numbers allowed) noexcept : text_(text), allowed_(allowed) {}

    bool document() noexcept {
        if (!value(0)) return false;
        text_.skip_whitespace();
        return text_.at_end();
    }
    const char* position() const noexcept { return text_.position(); }

private:
    bool value(int depth) noexcept {
        text_.skip_whitespace();
        if (text_.at_end()) return false;
        switch (*text_.position()) {
            case '{':
                return depth < max_depth && object(depth);
            case '[':
                return depth < max_depth && array(depth);
            case '"':
                return string();
            case 't':
                return literal("true");
            case 'f':
                return literal("false");
            case 'n':
                return literal("null");
            default:
                return number();
        }
    }

    bool object(int depth) noexcept {
        text_.skip(1);
        if (take_after_whitespace('}')) return true;
        do {
            text_.skip_whitespace();
            if (!string() || !take_after_whitespace(':') || !value(depth + 1)) return false;
        } while (take_after_whitespace(','));
        return take_after_whitespace('}');
    }

    bool array(int depth) noexcept {
        text_.skip(1);
        if (take_after_whitespace(']')) return true;
        do {
            if (!value(depth + 1)) return false;
        } while (take_after_whitespace(','));
        return take_after_whitespace(']');
    }

    bool string() noexcept {
        bool escaped = false;
        std::string_view inside;
        return text_.take_string(inside, escaped);
    }

    bool number() noexcept {
        if (allowed_ == numbers::any && text_.take("NaN")) return true;
        text_.take('-');
        if (allowed_ == numbers::any && text_.take("Infinity")) return true;
        if (!text_.take('0') && !digits()) return false;
        if (text_.take('.') && !digits()) return false;
        if (text_.take('e') || text_.take('E')) {
            if (!text_.take('+')) text_.take('-');
            return digits();
        }
        return true;
    }

    bool digits() noexcept {
        const char* const first = text_.position();
        while (!text_.at_end() && ascii::is_digit(*text_.position())) text_.skip(1);
        return text_.position() != first;
    }

    bool literal(std::string_view word) noexcept {
        for (const char c : word)
            if (!text_.take(c)) return false;
        return true;
    }

    bool take_after_whitespace(char c) noexcept {
        text_.skip_whitespace();
        return text_.take(c);
    }

    cursor text_;
    numbers allowed_;
};

/// The code unit of the four hexadecimal digits at `from`.
std::uint32_t code_unit(const char* from) noexcept {
    std::uint32_t unit = 0;
    for (int i = 0; i < 4; ++i) unit = unit << 4 | static_cast<std::uint32_t>(ascii::hex_value(from[i]));
    return unit;
}

std::uint32_t pair_of(std::uint32_t high, std::uint32_t low) noexcept {
    return 0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00);
}

bool is_second_half(std::uint32_t unit) noexcept {
    return unit >= 0xDC00 && unit < 0xE000;
}

/// The code unit that an escape at the beginning stands for, or 0.
std::uint32_t escaped_unit(std::string_view inside) noexcept {
    return inside.size() >= 6 && inside.starts_with("\\u") ? code_unit(inside.data() + 2) : 0;
}

/// The first half of the surrogate pair of the character at the beginning, or 0 where it has none.
std::uint32_t first_half_of_character(std::string_view text) noexcept {
    if (text.size() < 4 || static_cast<unsigned char>(text[0]) < 0xF0) return 0;
    const auto bits = [text](std::size_t i) { return static_cast<std::uint32_t>(text[i]) & 0x3F; };
    const std::uint32_t code_point =
        (static_cast<std::uint32_t>(text[0]) & 0x07) << 18 | bits(1) << 12 | bits(2) << 6 | bits(3);
    return 0xD800 + ((code_point - 0x10000) >> 10);
}

template <class Out>
void append_utf8(Out& out, std::uint32_t code_point) {
    const auto put = [&out](std::uint32_t byte) { out.push_back(static_cast<char>(byte)); };
    if (code_point < 0x80) {
        put(code_point);
    } else if (code_point < 0x800) {
        put(0xC0 | code_point >> 6);
        put(0x80 | (code_point & 0x3F));
    } else if (code_point < 0x10000) {
        put(0xE0 | code_point >> 12);
        put(0x80 | (code_point >> 6 & 0x3F));
        put(0x80 | (code_point & 0x3F));
    } else {
        put(0xF0 | code_point >> 18);
        put(0x80 | (code_point >> 12 & 0x3F));
        put(0x80 | (code_point >> 6 & 0x3F));
        put(0x80 | (code_point & 0x3F));
    }
}

/// Ends the character of which `half` is the first half. `inside` goes on behind it.
template <class Out>
void join_half(Out& out, std::string_view& inside, char16_t& half) {
    // An empty string neither has the other half nor says that there is none.
    if (half == 0 || inside.empty()) return;
    const std::uint32_t first = escaped_unit(inside);
    if (is_second_half(first)) {
        append_utf8(out, pair_of(half, first));
        inside.remove_prefix(6);
    } else {
        // The character may come once more, as a whole.
        const bool is_pair = first == half && is_second_half(escaped_unit(inside.substr(6)));
        if (!is_pair && first_half_of_character(inside) != half) append_utf8(out, 0xFFFD);
    }
    half = 0;
}

/// `Out` takes bytes as a string does.
template <class Out>
void unescape_to(Out& out, std::string_view inside, char16_t& half) {
    join_half(out, inside, half);
    const char* next = inside.data();
    const char* const end = next + inside.size();
    while (next != end) {
        const void* const found = std::memchr(next, '\\', static_cast<std::size_t>(end - next));
        const char* const backslash = found == nullptr ? end : static_cast<const char*>(found);
        out.append(next, backslash);
        if (backslash == end) return;
        next = backslash + 2;
        switch (backslash[1]) {
            case 'b':
                out.push_back('\b');
                break;
            case 'f':
                out.push_back('\f');
                break;
            case 'n':
                out.push_back('\n');
                break;
            case 'r':
                out.push_back('\r');
                break;
            case 't':
                out.push_back('\t');
                break;
            case 'u': {
                std::uint32_t code_point = code_unit(next);
                next += 4;
                if (code_point >= 0xD800 && code_point < 0xDC00 && end - next >= 6 && next[0] == '\\' &&
                    next[1] == 'u') {
                    const std::uint32_t low = code_unit(next + 2);
                    if (low >= 0xDC00 && low < 0xE000) {
                        code_point = pair_of(code_point, low);
                        next += 6;
                    }
                }
                if (code_point >= 0xD800 && code_point < 0xDC00 && next == end) {
                    half = static_cast<char16_t>(code_point);
                    return;
                }
                if (code_point >= 0xD800 && code_point < 0xE000) code_point = 0xFFFD;
                append_utf8(out, code_point);
                break;
            }
            default:
                out.push_back(backslash[1]);
                break;
        }
    }
}

/// Memory that is large enough.
struct char_output {
    void push_back(char c) noexcept { *end++ = c; }
    void append(const char* first, const char* last) noexcept { end = std::copy(first, last, end); }

    char* end;
};

}  // namespace

std::optional<std::size_t> find_error(std::string_view text, numbers allowed) noexcept {
    checker check(text, allowed);
    if (check.document()) return std::nullopt;
    return static_cast<std::size_t>(check.position() - text.data());
}

const char* skip_escaped(const char* from, const char* end) noexcept {
    while (from != end && *from == '\\') {
        if (end - from < 2) return end;
        if (from[1] == 'u') {
            if (end - from < 6) return end;
            for (int i = 2; i < 6; ++i)
                if (ascii::hex_value(from[i]) < 0) return from;
            from += 6;
        } else if (std::memchr("\"\\/bfnrt", from[1], 8) != nullptr) {
            from += 2;
        } else {
            return from;
        }
        from = skip_plain(from, end);
    }
    return from;
}

void append_unescaped(std::string& out, std::string_view inside) {
    char16_t half = 0;
    append_unescaped(out, inside, half);
    if (half != 0) append_utf8(out, 0xFFFD);
}

void append_unescaped(std::string& out, std::string_view inside, char16_t& half) {
    unescape_to(out, inside, half);
}

std::size_t unescape(char* out, std::string_view inside, char16_t& half) noexcept {
    char_output target{out};
    unescape_to(target, inside, half);
    return static_cast<std::size_t>(target.end - out);
}

std::string without_half_surrogates(std::string_view json) {
    std::string text(json);
    // The unit that the escape at `at` stands for, if there is an escape of one.
    const auto unit_at = [&text](std::size_t at) -> std::optional<unsigned> {
        if (text.size() - std::min(at, text.size()) < 6 || text[at] != '\\' || text[at + 1] != 'u') return std::nullopt;
        unsigned unit = 0;
        const auto [stop, code] = std::from_chars(text.data() + at + 2, text.data() + at + 6, unit, 16);
        if (code != std::errc() || stop != text.data() + at + 6) return std::nullopt;
        return unit;
    };
    const auto is_high = [](std::optional<unsigned> unit) { return unit && *unit >= 0xd800 && *unit < 0xdc00; };
    const auto is_low = [](std::optional<unsigned> unit) { return unit && *unit >= 0xdc00 && *unit < 0xe000; };
    for (std::size_t at = text.find('\\'); at != text.npos; at = text.find('\\', at)) {
        const std::optional<unsigned> unit = unit_at(at);
        if (is_high(unit) && is_low(unit_at(at + 6))) {
            at += 12;
        } else if (is_high(unit) || is_low(unit)) {
            text.replace(at + 2, 4, "fffd");
            at += 6;
        } else {
            at += 2;  // past the character that is escaped, which may be a backslash
        }
    }
    return text;
}

}  // namespace corun::codec::json
