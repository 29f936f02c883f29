#include "redact/redact.hpp"

#include <algorithm>
#include <charconv>

namespace corun::detail {
namespace {

constexpr std::size_t shortest = 3;
/// Of JSON three times in a string of JSON; more would let a long row of them cost time.
constexpr std::size_t most_backslashes = 7;
constexpr std::size_t longest_escape = most_backslashes + 5;

/// The UTF-16 unit that `text` begins with, written `uXXXX` as after a backslash in JSON, else -1.
int unit_of(std::string_view text) noexcept {
    if (text.size() < 5 || text[0] != 'u') return -1;
    int unit = 0;
    const auto [stop, code] = std::from_chars(text.data() + 1, text.data() + 5, unit, 16);
    return code == std::errc() && stop == text.data() + 5 ? unit : -1;
}

/// How many bytes of `text`, from its beginning, spell `value`; 0 when they spell something else.
/// Sets `cut` when all of `text` may be the beginning of it.
///
/// Of an escaped character beyond ASCII it is not looked at which one it is.
std::size_t spelling(std::string_view text, std::string_view value, bool& cut) noexcept {
    if (value.size() < shortest) return 0;
    std::size_t at = 0;
    for (std::size_t i = 0; i < value.size();) {
        if (at == text.size() || (text[at] == '\\' && text.size() - at < longest_escape)) cut = true;
        if (at == text.size()) return 0;
        const auto byte = static_cast<unsigned char>(value[i]);
        std::size_t after = at;  // the backslashes
        while (after < text.size() && after - at < most_backslashes && text[after] == '\\') ++after;
        const int unit = after == at ? -1 : unit_of(text.substr(after));

        if (unit == byte && byte < 0x80) {
            at = after + 5;
            ++i;
        } else if (text[at] == value[i]) {
            ++at;
            ++i;
        } else if (after < text.size() && text[after] == value[i]) {
            at = after + 1;
            ++i;
        } else if (unit >= 0x80 && byte >= 0x80) {
            at = after + 5;
            ++i;
            // The first unit of a pair leaves the other bytes of the character, 10xxxxxx, to the second.
            const bool first_of_pair = unit >= 0xd800 && unit < 0xdc00;
            while (!first_of_pair && i < value.size() && (static_cast<unsigned char>(value[i]) & 0xc0) == 0x80) ++i;
        } else {
            return 0;
        }
    }
    return at;
}

std::string_view without_scheme(std::string_view value) noexcept {
    const std::size_t blank = value.find(' ');
    if (blank == value.npos) return {};
    value.remove_prefix(std::min(value.find_first_not_of(' ', blank), value.size()));
    return value;
}

}  // namespace

void redactor::add(const secret& header_value) {
    secrets_.push_back(header_value);
}

void redactor::add(const redactor& other) {
    secrets_.insert(secrets_.end(), other.secrets_.begin(), other.secrets_.end());
}

std::string redactor::redacted(std::string_view text, std::size_t limit) const {
    std::string shown;
    (void)redact(text, limit, true, shown);
    return shown;
}

std::string redactor::take_redacted(std::string& text, bool last) const {
    std::string shown;
    text.erase(0, redact(text, text.npos, last, shown));
    return shown;
}

/// Appends to `shown`; returns how much of `text` that stands for.
std::size_t redactor::redact(std::string_view text, std::size_t limit, bool last, std::string& shown) const {
    std::size_t at = 0;
    limit = std::min(limit, text.size());
    while (at < limit) {
        std::size_t hidden = 0;
        bool cut = false;
        for (const secret& each : secrets_)
            for (const std::string_view value : {each.reveal(), without_scheme(each.reveal())})
                hidden = std::max(hidden, spelling(text.substr(at), value, cut));
        if (cut && !last) break;
        if (hidden > 0)
            shown += "***";
        else
            shown += text[at];
        at += std::max<std::size_t>(hidden, 1);
    }
    return at;
}

void redactor::redact(diagnostics& details) const {
    for (std::string* text :
         {&details.message, &details.request_id, &details.service_code, &details.service_message, &details.body})
        *text = redacted(*text);
}

void redactor::redact(last_error& said) const {
    for (std::string* text : {&said.code, &said.message}) *text = redacted(*text);
}

}  // namespace corun::detail
