#include "printable.hpp"

#include <algorithm>

namespace corun::cli {

namespace {

/// U+202A to U+202E, U+2066 to U+2069: they would change the order of what follows, such as a question behind a text.
bool is_change_of_direction(std::string_view text) {
    const std::string_view start = text.substr(0, 2);
    if (text.size() < 3 || (start != "\xe2\x80" && start != "\xe2\x81")) return false;
    const auto last = static_cast<unsigned char>(text[2]);
    return start == "\xe2\x80" ? last >= 0xaa && last <= 0xae : last >= 0xa6 && last <= 0xa9;
}

}  // namespace

std::string printable(std::string_view text) {
    std::string kept;
    kept.reserve(text.size());
    for (std::size_t at = 0; at < text.size(); ++at) {
        const auto byte = static_cast<unsigned char>(text[at]);
        const bool is_c0 = (byte < 0x20 && byte != '\n' && byte != '\t') || byte == 0x7f;
        // U+0080 to U+009F: terminals obey them as well.
        const bool is_c1 = byte == 0xc2 && at + 1 < text.size() && static_cast<unsigned char>(text[at + 1]) < 0xa0;
        const bool is_direction = is_change_of_direction(text.substr(at));
        if (!is_c0 && !is_c1 && !is_direction) kept += text[at];
        if (is_c1) at += 1;
        if (is_direction) at += 2;
    }
    return kept;
}

std::string one_line(std::string_view text, std::size_t limit) {
    std::string line = printable(text.substr(0, limit + 1));
    for (char& c : line)
        if (c == '\n' || c == '\t') c = ' ';
    while (!line.empty() && line.back() == ' ') line.pop_back();
    if (text.size() <= limit) return line;
    std::size_t end = std::min(limit, line.size());
    while (end > 0 && (static_cast<unsigned char>(line[end - 1]) & 0xc0) == 0x80) --end;
    if (end > 0 && static_cast<unsigned char>(line[end - 1]) >= 0xc0) --end;
    return line.substr(0, end) + "...";
}

}  // namespace corun::cli
