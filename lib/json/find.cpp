#include "json/find.hpp"

#include "json/cursor.hpp"

#include <cstddef>

namespace corun::codec::json {
namespace {

bool take_token(cursor& text, char c) noexcept {
    text.skip_whitespace();
    return text.take(c);
}

/// The inside of a string.
bool take_string(cursor& text, std::string_view& inside) noexcept {
    bool escaped = false;
    text.skip_whitespace();
    return text.take_string(inside, escaped);
}

/// The text of a value of any kind.
bool take_value(cursor& text, std::string_view& value) noexcept {
    text.skip_whitespace();
    if (text.at_end()) return false;
    const char* const first = text.position();
    std::size_t depth = 0;
    do {
        const char c = *text.position();
        if (std::string_view inside; c == '"') {
            if (!take_string(text, inside)) return false;
        } else if (c == '{' || c == '[') {
            ++depth;
            text.skip(1);
        } else if (c == '}' || c == ']') {
            if (depth == 0) break;
            --depth;
            text.skip(1);
        } else if (c == ',' && depth == 0) {
            break;
        } else {
            text.skip(1);
            // A number or a word goes on to what ends it.
            if (depth == 0)
                while (!text.at_end() && *text.position() > ' ' &&
                       std::string_view(",}]").find(*text.position()) == std::string_view::npos)
                    text.skip(1);
        }
    } while (!text.at_end() && depth != 0);
    value = {first, static_cast<std::size_t>(text.position() - first)};
    return depth == 0 && !value.empty();
}

}  // namespace

std::optional<std::string_view> find_member(std::string_view object, std::string_view key) noexcept {
    cursor rest(object);
    if (!take_token(rest, '{')) return std::nullopt;
    std::string_view name, value;
    do {
        if (!take_string(rest, name) || !take_token(rest, ':') || !take_value(rest, value)) return std::nullopt;
        if (name == key) return value;
    } while (take_token(rest, ','));
    return std::nullopt;
}

std::optional<std::string_view> find_only_member(std::string_view object, std::string_view key) noexcept {
    cursor rest(object);
    if (!take_token(rest, '{')) return std::nullopt;
    std::optional<std::string_view> found;
    std::string_view name, value;
    do {
        if (!take_string(rest, name) || !take_token(rest, ':') || !take_value(rest, value)) return std::nullopt;
        // A key with escapes may be this one.
        if (name.find('\\') != name.npos || (name == key && found)) return std::nullopt;
        if (name == key) found = value;
    } while (take_token(rest, ','));
    return take_token(rest, '}') ? found : std::nullopt;
}

std::optional<std::string_view> plain_string(std::optional<std::string_view> value) noexcept {
    if (!value || value->size() < 2 || value->front() != '"' || value->find('\\') != value->npos) return std::nullopt;
    return value->substr(1, value->size() - 2);
}

}  // namespace corun::codec::json
