#include "redact/redact.hpp"

#include "text/utf8.hpp"

#include <algorithm>
#include <charconv>

namespace corun::detail {
namespace {

constexpr std::size_t shortest_secret = 3;
/// JSON three times in a string of JSON. A limit, so that a long row of backslashes costs little time.
constexpr std::size_t most_backslashes = 7;

/// The UTF-16 code unit that `text` begins with, written `uXXXX` as after a backslash in JSON; -1 if it does not.
int leading_unit(std::string_view text) noexcept {
    if (text.size() < 5 || text[0] != 'u') return -1;
    int unit = 0;
    const auto [stop, code] = std::from_chars(text.data() + 1, text.data() + 5, unit, 16);
    return code == std::errc() && stop == text.data() + 5 ? unit : -1;
}

/// The number of bytes at the beginning of `text` that are `value`, as it is or escaped as in JSON; 0 if they are not.
/// An escaped character beyond ASCII matches any other.
std::size_t match_escaped(std::string_view text, std::string_view value) noexcept {
    if (value.size() < shortest_secret) return 0;
    std::size_t at = 0;
    for (std::size_t i = 0; i < value.size();) {
        if (at == text.size()) return 0;
        const auto byte = static_cast<unsigned char>(value[i]);
        std::size_t escaped = at;  // behind the backslashes
        while (escaped < text.size() && escaped - at < most_backslashes && text[escaped] == '\\') ++escaped;
        const int unit = escaped == at ? -1 : leading_unit(text.substr(escaped));

        if (unit == byte && byte < 0x80) {
            at = escaped + 5;
            ++i;
        } else if (text[at] == value[i]) {
            ++at;
            ++i;
        } else if (escaped < text.size() && text[escaped] == value[i]) {
            at = escaped + 1;
            ++i;
        } else if (unit >= 0x80 && byte >= 0x80) {
            at = escaped + 5;
            ++i;
            // The first unit of a surrogate pair leaves the continuation bytes to the second.
            const bool first_of_pair = unit >= 0xd800 && unit < 0xdc00;
            while (!first_of_pair && i < value.size() && utf8::is_continuation(value[i])) ++i;
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
    first_bytes_.set('\\');
    for (const std::string_view value : {header_value.reveal(), without_scheme(header_value.reveal())})
        if (!value.empty()) first_bytes_.set(static_cast<unsigned char>(value.front()));
}

void redactor::add(const redactor& other) {
    secrets_.insert(secrets_.end(), other.secrets_.begin(), other.secrets_.end());
    first_bytes_ |= other.first_bytes_;
}

std::string redactor::redacted(std::string_view text, std::size_t limit) const {
    std::string shown;
    limit = std::min(limit, text.size());
    for (std::size_t at = 0; at < limit;) {
        std::size_t secret_size = 0;
        if (first_bytes_[static_cast<unsigned char>(text[at])])
            for (const secret& each : secrets_)
                for (const std::string_view value : {each.reveal(), without_scheme(each.reveal())})
                    secret_size = std::max(secret_size, match_escaped(text.substr(at), value));
        if (secret_size > 0)
            shown += "***";
        else
            shown += text[at];
        at += std::max<std::size_t>(secret_size, 1);
    }
    return shown;
}

void redactor::redact(diagnostics& details) const {
    for (std::string* text : {&details.message, &details.request_id, &details.service_code, &details.service_message,
                              &details.body, &details.challenge})
        *text = redacted(*text);
}

void redactor::redact(last_error& failure) const {
    for (std::string* text : {&failure.code, &failure.message}) *text = redacted(*text);
}

}  // namespace corun::detail
