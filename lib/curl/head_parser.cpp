#include "curl/head_parser.hpp"

#include "text/ascii.hpp"

#include <charconv>

namespace corun::curl {
namespace {

/// More than any service sends; libcurl itself limits single fields only.
constexpr std::size_t max_head_bytes = std::size_t{256} << 10;

}  // namespace

bool head_parser::is_too_large() const noexcept {
    return bytes_ > max_head_bytes;
}

head_parser::result head_parser::add_line(std::string_view line) {
    bytes_ += line.size();
    if (is_too_large()) return result::rejected;
    // Trailers follow the body.
    if (complete_) return result::more;
    while (line.ends_with('\r') || line.ends_with('\n')) line.remove_suffix(1);
    if (line.starts_with("HTTP/")) {
        begin(line);
        return result::status_line;
    }
    if (line.empty()) return end();
    add_field(line);
    return result::more;
}

void head_parser::begin(std::string_view status_line) noexcept {
    head_ = net::response_head();
    http2_ = status_line.starts_with("HTTP/2");
    const std::size_t space = status_line.find(' ');
    if (space == status_line.npos) return;
    std::from_chars(status_line.data() + space + 1, status_line.data() + status_line.size(), head_.status);
}

head_parser::result head_parser::end() noexcept {
    if (head_.status < 200) return result::more;
    // Only a proxy sends this status, and only for a request that is not tunnelled.
    if (head_.status == 407) return result::rejected;
    complete_ = true;
    return result::complete;
}

void head_parser::add_field(std::string_view line) {
    const std::size_t colon = line.find(':');
    if (colon == line.npos) return;
    head_.fields.emplace_back(line.substr(0, colon), ascii::trim(line.substr(colon + 1)));
}

}  // namespace corun::curl
