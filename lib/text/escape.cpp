#include "text/escape.hpp"

#include "text/ascii.hpp"

namespace corun::detail {

std::string escape(std::string_view text) {
    std::string escaped;
    escaped.reserve(text.size());
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (c == '\r')
            escaped += "\\r";
        else if (c == '\n')
            escaped += "\\n";
        else if (c == '\t')
            escaped += "\\t";
        else if (byte < 0x20 || byte == 0x7f)
            (escaped += "\\x") += {ascii::hex_digits[byte >> 4], ascii::hex_digits[byte & 15]};
        else
            escaped += c;
    }
    return escaped;
}

std::string quote(std::string_view text) {
    return '\'' + escape(text) + '\'';
}

}  // namespace corun::detail
