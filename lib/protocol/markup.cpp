#include "protocol/markup.hpp"

#include "text/ascii.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>
#include <utility>

namespace corun::codec {
namespace {

constexpr std::string_view white_space = " \t\r\n\f";
constexpr std::size_t most_markup_texts = 8;

void append_utf8(std::string& out, std::uint32_t character) {
    const auto tail = [&](int shift) { out += static_cast<char>(0x80 | ((character >> shift) & 0x3f)); };
    if (character < 0x80) {
        out += static_cast<char>(character);
    } else if (character < 0x800) {
        out += static_cast<char>(0xc0 | (character >> 6));
        tail(0);
    } else if (character < 0x10000) {
        out += static_cast<char>(0xe0 | (character >> 12));
        tail(6);
        tail(0);
    } else {
        out += static_cast<char>(0xf0 | (character >> 18));
        tail(12);
        tail(6);
        tail(0);
    }
}

std::optional<std::uint32_t> named_character(std::string_view name) noexcept {
    constexpr std::pair<std::string_view, char> names[] = {{"amp", '&'},  {"lt", '<'},    {"gt", '>'},
                                                           {"quot", '"'}, {"apos", '\''}, {"nbsp", ' '}};
    for (const auto& [known, character] : names)
        if (name == known) return static_cast<unsigned char>(character);
    if (!name.starts_with('#')) return std::nullopt;
    name.remove_prefix(1);
    const bool hex = name.starts_with('x') || name.starts_with('X');
    if (hex) name.remove_prefix(1);
    std::uint32_t value = 0;
    const auto [stop, code] = std::from_chars(name.data(), name.data() + name.size(), value, hex ? 16 : 10);
    const bool valid = code == std::errc() && stop == name.data() + name.size() && value > 0 && value < 0x110000 &&
                       (value < 0xd800 || value > 0xdfff);
    return valid ? std::optional(value) : std::nullopt;
}

/// The text with its entities resolved and its white space collapsed.
std::string plain_text(std::string_view source) {
    std::string out;
    for (std::size_t at = 0; at < source.size();) {
        const std::size_t end = source[at] == '&' ? source.substr(0, at + 12).find(';', at) : source.npos;
        const auto character = end == source.npos ? std::nullopt : named_character(source.substr(at + 1, end - at - 1));
        if (character) {
            append_utf8(out, *character);
            at = end + 1;
        } else if (white_space.find(source[at]) != white_space.npos) {
            if (!out.empty() && out.back() != ' ') out += ' ';
            ++at;
        } else {
            out += source[at++];
        }
    }
    while (out.ends_with(' ')) out.pop_back();
    return out;
}

/// Reads a document piece by piece: a text or a tag.
class tag_reader {
public:
    explicit tag_reader(std::string_view document) noexcept : rest_(document) {}

    std::string_view text;
    std::string_view name;  ///< Of the tag, without its namespace.
    bool closes = false;    ///< `</name>`

    /// False at the end.
    bool next() noexcept {
        name = text = {};
        closes = false;
        if (rest_.empty()) return false;
        if (rest_.front() != '<') {
            text = rest_.substr(0, rest_.find('<'));
            rest_.remove_prefix(text.size());
        } else if (rest_.starts_with("<![CDATA[")) {
            text = skip_to("]]>", 9);
        } else if (rest_.starts_with("<!--")) {
            skip_to("-->", 4);
        } else {
            read_tag(skip_to(">", 1));
        }
        return true;
    }

private:
    std::string_view skip_to(std::string_view end, std::size_t from) noexcept {
        const std::size_t found = rest_.find(end, from);
        const std::string_view inside = rest_.substr(from, found == rest_.npos ? found : found - from);
        rest_.remove_prefix(found == rest_.npos ? rest_.size() : found + end.size());
        return inside;
    }

    void read_tag(std::string_view inside) noexcept {
        closes = inside.starts_with('/');
        if (closes) inside.remove_prefix(1);
        name = inside.substr(0, inside.find_first_of(" \t\r\n\f/"));
        name.remove_prefix(name.rfind(':') + 1);
    }

    std::string_view rest_;
};

bool is_any_of(std::string_view name, std::initializer_list<std::string_view> names) noexcept {
    return std::any_of(names.begin(), names.end(),
                       [name](std::string_view each) { return ascii::equal_ignoring_case(name, each); });
}

bool is_hidden(std::string_view name) noexcept {
    return is_any_of(name, {"script", "style"});
}

bool is_message(std::string_view name) noexcept {
    return is_any_of(name, {"message", "faultstring", "errormessage", "error_description", "description", "detail",
                            "details", "reason", "title", "h1", "pre"});
}

bool is_code(std::string_view name) noexcept {
    return is_any_of(name, {"code", "faultcode", "errorcode"});
}

}  // namespace

markup_error read_markup(std::string_view document) {
    markup_error result;
    std::string all, inside;
    std::string_view wanted, hidden;
    const auto add = [&result](const std::string& text) {
        if (!text.empty() && result.texts.size() < most_markup_texts) result.texts.push_back(text);
    };
    tag_reader tags(document);
    for (bool more = true; more;) {
        more = tags.next();
        if (hidden.empty()) {
            all.append(tags.text).append(" ");
            if (!wanted.empty()) inside.append(tags.text).append(" ");
        }
        if (!hidden.empty()) {
            if (tags.closes && ascii::equal_ignoring_case(tags.name, hidden)) hidden = {};
        } else if (is_hidden(tags.name) && !tags.closes) {
            hidden = tags.name;
        } else if (wanted.empty() && !tags.closes && (is_message(tags.name) || is_code(tags.name))) {
            wanted = tags.name;
        } else if (!wanted.empty() && (!more || (tags.closes && ascii::equal_ignoring_case(tags.name, wanted)))) {
            if (is_code(wanted))
                result.code = result.code.empty() ? plain_text(inside) : result.code;
            else
                add(plain_text(inside));
            wanted = {};
            inside.clear();
        }
    }
    if (result.texts.empty()) add(plain_text(all));
    return result;
}

}  // namespace corun::codec
