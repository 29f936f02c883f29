#include "values/retry_delay.hpp"

#include "text/ascii.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

namespace corun::detail {
namespace {

using std::chrono::milliseconds;

// It also keeps sums and products within their types.
constexpr milliseconds longest = std::chrono::hours(24);

void skip_spaces(std::string_view& text) noexcept {
    while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
}

/// The unit that begins `text`, which then begins behind it.
std::optional<milliseconds> take_unit(std::string_view& text) noexcept {
    using namespace std::chrono_literals;
    constexpr std::array<std::pair<std::string_view, milliseconds>, 16> units{{
        {"milliseconds", 1ms},
        {"millisecond", 1ms},
        {"ms", 1ms},
        {"seconds", 1s},
        {"second", 1s},
        {"secs", 1s},
        {"sec", 1s},
        {"s", 1s},
        {"minutes", 1min},
        {"minute", 1min},
        {"mins", 1min},
        {"min", 1min},
        {"m", 1min},
        {"hours", 1h},
        {"hour", 1h},
        {"h", 1h},
    }};
    std::size_t size = 0;
    while (size != text.size() && ascii::is_letter(text[size])) ++size;
    for (const auto& [name, length] : units) {
        if (name.size() != size || ascii::find_ignoring_case(text.substr(0, size), name) != 0) continue;
        text.remove_prefix(size);
        return length;
    }
    return std::nullopt;
}

/// Reads `1m30.5s` and the like; a mere number is one of seconds where `bare` allows it.
std::optional<milliseconds> delay_at(std::string_view rest, bool bare) noexcept {
    std::optional<milliseconds> total;
    for (const std::string_view filler : {"about ", "approximately ", "at least "})
        if (ascii::find_ignoring_case(rest, filler) == 0) rest.remove_prefix(filler.size());
    for (;;) {
        skip_spaces(rest);
        double number = 0;
        const auto [stop, code] =
            std::from_chars(rest.data(), rest.data() + rest.size(), number, std::chars_format::fixed);
        if (code != std::errc() || !(number >= 0)) return total;
        rest.remove_prefix(static_cast<std::size_t>(stop - rest.data()));
        skip_spaces(rest);
        auto unit = take_unit(rest);
        if (!unit && bare && !total && (rest.empty() || std::string_view(".,;)!").find(rest.front()) != rest.npos))
            unit = std::chrono::seconds(1);
        if (!unit) return total;
        const double ms = std::min(number * static_cast<double>(unit->count()), static_cast<double>(longest.count()));
        total = std::min(longest, total.value_or(milliseconds(0)) + milliseconds(static_cast<milliseconds::rep>(ms)));
    }
}

}  // namespace

std::optional<milliseconds> retry_delay_in(std::string_view message) noexcept {
    struct row {
        std::string_view words;
        bool bare = false;
    };
    constexpr row rows[] = {
        {"again in "},          {"retry after ", true}, {"retry in "},     {"again after ", true},
        {"retry-after:", true}, {"retry_after:", true}, {"please wait "},  {"wait for "},
        {"resets in "},         {"reset after "},       {"available in "},
    };
    for (const row& each : rows) {
        const std::size_t at = ascii::find_ignoring_case(message, each.words);
        if (at == message.npos) continue;
        if (const auto delay = delay_at(message.substr(at + each.words.size()), each.bare)) return delay;
    }
    return std::nullopt;
}

std::optional<milliseconds> retry_delay_in(std::string_view number, milliseconds unit) noexcept {
    double value = 0;
    const auto [stop, code] = std::from_chars(number.data(), number.data() + number.size(), value);
    const bool is_whole = !number.empty() && code == std::errc() && stop == number.data() + number.size();
    if (!is_whole || !(value >= 0)) return std::nullopt;
    const double ms = std::min(value * static_cast<double>(unit.count()), static_cast<double>(longest.count()));
    return milliseconds(static_cast<milliseconds::rep>(ms));
}

}  // namespace corun::detail
