#include "characters.hpp"

#include <wchar.h>

#include <algorithm>
#include <clocale>

namespace corun::cli::markdown {
namespace {

/// The system knows the width of every character, in a locale of UTF-8, which every Debian has.
int width_of(char32_t code) {
    static const locale_t utf8 = ::newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr);
    if (utf8 == nullptr) return 1;
    const locale_t before = ::uselocale(utf8);
    const int width = ::wcwidth(static_cast<wchar_t>(code));
    ::uselocale(before);
    return std::max(width, 0);
}

}  // namespace

character first_character(std::string_view text) {
    const auto byte = [&text](std::size_t at) { return static_cast<unsigned char>(text[at]); };
    const unsigned char first = byte(0);
    if (first < 0x80) return {1, first < 0x20 ? 0 : 1, first};
    const std::size_t size = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : first >= 0xc2 ? 2 : 1;
    if (size == 1 || size > text.size()) return {};
    char32_t code = first & (0xffU >> (size + 1));
    for (std::size_t at = 1; at < size; ++at) {
        if ((byte(at) & 0xc0) != 0x80) return {};
        code = code << 6 | (byte(at) & 0x3fU);
    }
    return {size, width_of(code), code};
}

int columns_of(std::string_view text) {
    int columns = 0;
    while (!text.empty()) {
        const character each = first_character(text);
        columns += each.columns;
        text.remove_prefix(each.bytes);
    }
    return columns;
}

}  // namespace corun::cli::markdown
