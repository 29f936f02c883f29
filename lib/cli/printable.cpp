#include "printable.hpp"

#include <algorithm>

namespace corun::cli {

std::string printable(std::string_view text) {
    std::string kept;
    kept.reserve(text.size());
    for (std::size_t at = 0; at < text.size(); ++at) {
        const auto byte = static_cast<unsigned char>(text[at]);
        const bool is_c0 = (byte < 0x20 && byte != '\n' && byte != '\t') || byte == 0x7f;
        // U+0080 to U+009F: terminals obey them as well.
        const bool is_c1 = byte == 0xc2 && at + 1 < text.size() && static_cast<unsigned char>(text[at + 1]) < 0xa0;
        if (is_c1) ++at;
        if (!is_c0 && !is_c1) kept += text[at];
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
