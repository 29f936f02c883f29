#include "identity/token_response.hpp"

#include "json/reader.hpp"
#include "text/base64.hpp"

#include <array>
#include <charconv>
#include <cstdio>
#include <ctime>

namespace corun::identity {
namespace {

namespace json = codec::json;
using time_point = std::chrono::system_clock::time_point;

/// Within what a `time_point` of nanoseconds can hold, with room for sums.
constexpr std::int64_t latest = 8'000'000'000;

std::optional<std::int64_t> parse_seconds(std::string_view text) noexcept {
    std::int64_t seconds = 0;
    const auto [stop, code] = std::from_chars(text.data(), text.data() + text.size(), seconds);
    // Azure's older endpoints write a fraction.
    const std::string_view rest(stop, static_cast<std::size_t>(text.data() + text.size() - stop));
    const bool whole = rest.empty() || (rest.front() == '.' && rest.find_first_not_of("0123456789", 1) == rest.npos);
    if (code != std::errc() || !whole || seconds < 0 || seconds > latest) return std::nullopt;
    return seconds;
}

time_point at(std::int64_t seconds) noexcept {
    return time_point(std::chrono::seconds(seconds));
}

/// The text of a string or a number.
std::string scalar(json::value source) {
    std::string text;
    if (json::string_inside(source))
        json::read(source, text);
    else if (!json::is_null(source))
        text = json::token(source);
    return text;
}

/// `text` with the padding that simdjson reads beyond.
template <class Use>
bool with_members(std::string_view text, Use use) {
    std::string padded;
    padded.reserve(text.size() + simdjson::SIMDJSON_PADDING);
    padded = text;
    bool read = false;
    try {
        json::reader reader;
        json::each_member(reader.object(padded, simdjson::SIMDJSON_PADDING), std::move(use));
        read = true;
    } catch (const json::shape_error&) {
        // Its words tell of bytes of a text that may hold a token.
    }
    wipe(padded);
    return read;
}

}  // namespace

std::optional<token_response> decode_token(std::string_view json) {
    token_response response;
    const bool read = with_members(json, [&response](std::string_view key, json::value member) {
        if (key == "access_token" || key == "accessToken") {
            std::string text;
            json::read(member, text);
            response.token = secret(std::move(text));
        } else if (key == "token_type" || key == "tokenType") {
            json::read(member, response.type);
        } else if (key == "expires_in") {
            response.expires_in = parse_seconds(scalar(member));
        } else if (key == "expires_on") {
            response.expires_on = scalar(member);
        } else if (key == "expiresOn") {
            response.expires_on_local = scalar(member);
        } else if (key == "error") {
            json::read(member, response.error);
        } else if (key == "error_description") {
            json::read(member, response.error_description);
        }
    });
    if (!read) return std::nullopt;
    return response;
}

std::optional<time_point> parse_time(std::string_view text, bool local) {
    if (const auto seconds = parse_seconds(text)) return at(*seconds);
    const std::string copy(text);
    const int size = static_cast<int>(copy.size());
    std::tm parts{};
    std::array<char, 3> half{};
    int used = 0;
    // Not get_time: it reads as the process's locale writes.
    if (std::sscanf(copy.c_str(), "%4d-%2d-%2d%*1[T ]%2d:%2d:%2d%n", &parts.tm_year, &parts.tm_mon, &parts.tm_mday,
                    &parts.tm_hour, &parts.tm_min, &parts.tm_sec, &used) == 6) {
        if (used < size && copy[static_cast<std::size_t>(used)] == '.')
            used = static_cast<int>(copy.find_first_not_of("0123456789", static_cast<std::size_t>(used) + 1));
    } else if (std::sscanf(copy.c_str(), "%2d/%2d/%4d %2d:%2d:%2d %2[APM]%n", &parts.tm_mon, &parts.tm_mday,
                           &parts.tm_year, &parts.tm_hour, &parts.tm_min, &parts.tm_sec, half.data(), &used) == 7) {
        const std::string_view which = half.data();
        if (parts.tm_hour < 1 || parts.tm_hour > 12 || (which != "AM" && which != "PM")) return std::nullopt;
        parts.tm_hour = parts.tm_hour % 12 + (which == "PM" ? 12 : 0);
    } else {
        return std::nullopt;
    }
    const std::string_view zone =
        used < 0 ? std::string_view() : std::string_view(copy).substr(static_cast<std::size_t>(used));
    if (!zone.empty() && zone != "Z" && zone != "+00:00" && zone != " +00:00") return std::nullopt;
    const auto within = [](int value, int low, int high) { return value >= low && value <= high; };
    if (!within(parts.tm_year, 1970, 2200) || !within(parts.tm_mon, 1, 12) || !within(parts.tm_mday, 1, 31) ||
        !within(parts.tm_hour, 0, 23) || !within(parts.tm_min, 0, 59) || !within(parts.tm_sec, 0, 60))
        return std::nullopt;
    parts.tm_year -= 1900;
    parts.tm_mon -= 1;
    parts.tm_isdst = -1;
    const std::time_t seconds = local && zone.empty() ? std::mktime(&parts) : ::timegm(&parts);
    if (seconds < 0) return std::nullopt;
    return at(seconds);
}

std::optional<time_point> expiry_of_jwt(std::string_view token) {
    const std::size_t first = token.find('.');
    const std::size_t second = first == token.npos ? first : token.find('.', first + 1);
    if (second == token.npos || token.find('.', second + 1) != token.npos) return std::nullopt;
    const auto header = base64::decode_url(token.substr(0, first));
    auto payload = base64::decode_url(token.substr(first + 1, second - first - 1));
    const auto signature = base64::decode_url(token.substr(second + 1));
    if (!header || header->empty() || !payload || !signature || signature->empty()) return std::nullopt;
    std::optional<std::int64_t> expires;
    const bool read = with_members(*payload, [&expires](std::string_view key, json::value member) {
        if (key == "exp") expires = json::string_inside(member) ? std::nullopt : parse_seconds(scalar(member));
    });
    wipe(*payload);
    if (!read || !expires) return std::nullopt;
    return at(*expires);
}

}  // namespace corun::identity
