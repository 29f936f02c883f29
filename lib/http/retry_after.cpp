#include "http/retry_after.hpp"

#include "text/ascii.hpp"
#include "values/retry_delay.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>

namespace corun::detail {
namespace {

using namespace std::chrono_literals;

/// Whether `text` has a letter for each `a` of `format`, a digit for each `0`, and its other characters as they are.
bool has_format(std::string_view text, std::string_view format) noexcept {
    const auto matches = [](char c, char expected) {
        if (expected == 'a') return ascii::is_letter(c);
        if (expected == '0') return ascii::is_digit(c);
        return c == expected;
    };
    return std::equal(text.begin(), text.end(), format.begin(), format.end(), matches);
}

int number(std::string_view digits) noexcept {
    int value = 0;
    std::from_chars(digits.data(), digits.data() + digits.size(), value);
    return value;
}

}  // namespace

std::optional<std::int64_t> parse_http_date(std::string_view text) noexcept {
    constexpr std::string_view months = "JanFebMarAprMayJunJulAugSepOctNovDec";
    if (!has_format(text, "aaa, 00 aaa 0000 00:00:00 GMT")) return std::nullopt;
    const std::size_t month = months.find(text.substr(8, 3));
    if (month == months.npos || month % 3 != 0) return std::nullopt;
    const std::chrono::year_month_day date(std::chrono::year(number(text.substr(12, 4))),
                                           std::chrono::month(static_cast<unsigned>(month / 3 + 1)),
                                           std::chrono::day(static_cast<unsigned>(number(text.substr(5, 2)))));
    const int hour = number(text.substr(17, 2));
    const int minute = number(text.substr(20, 2));
    const int second = number(text.substr(23, 2));
    // A minute with a leap second has 61.
    if (!date.ok() || hour > 23 || minute > 59 || second > 60) return std::nullopt;
    const std::chrono::seconds time = std::chrono::sys_days(date).time_since_epoch() + std::chrono::hours(hour) +
                                      std::chrono::minutes(minute) + std::chrono::seconds(second);
    return time.count();
}

std::optional<std::chrono::milliseconds> retry_hint(const net::response_head& head, std::int64_t now) noexcept {
    for (const char* name : {"retry-after-ms", "x-ms-retry-after-ms"})
        if (const auto hint = detail::retry_delay_in(head.field(name), 1ms)) return hint;
    const std::string_view field = head.field("retry-after");
    if (const auto hint = detail::retry_delay_in(field, 1s)) return hint;
    const auto date = parse_http_date(field);
    if (!date) return std::nullopt;
    return std::clamp<std::chrono::seconds>(std::chrono::seconds(*date - now), 0s, 24h);
}

std::optional<bool> should_retry(const net::response_head& head) noexcept {
    const std::string_view field = head.field("x-should-retry");
    if (equal_ignoring_case(field, "true")) return true;
    if (equal_ignoring_case(field, "false")) return false;
    return std::nullopt;
}

}  // namespace corun::detail
