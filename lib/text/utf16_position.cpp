#include "text/utf16_position.hpp"

#include "text/utf8.hpp"

#include <algorithm>
#include <cstring>

namespace corun::detail {
namespace {

using utf8::replacement_character;

}  // namespace

void utf16_position::append(std::string_view piece) noexcept {
    for (const char byte : piece) units_ += utf8::utf16_units(byte);
    const std::size_t taken = std::min(piece.size(), tail_.size());
    const std::size_t kept = std::min(tail_size_, tail_.size() - taken);
    std::memmove(tail_.data(), tail_.data() + (tail_size_ - kept), kept);
    piece.copy(tail_.data() + kept, taken, piece.size() - taken);
    tail_size_ = kept + taken;
}

bool utf16_position::ends_as(std::string_view delivered) const noexcept {
    std::string_view tail(tail_.data(), tail_size_);
    while (!tail.empty() && utf8::is_continuation(tail.front())) tail.remove_prefix(1);
    // The whole text has the character of which a half arrived: only what precedes it can be compared.
    if (const std::size_t half = tail.rfind(replacement_character); half != tail.npos) return true;
    return delivered.ends_with(tail);
}

std::string utf16_position::rest_of(std::string_view whole) const {
    std::uint64_t units = 0;
    std::size_t at = 0;
    for (; at != whole.size(); ++at) {
        const std::size_t more = utf8::utf16_units(whole[at]);
        if (more == 0) continue;
        if (units >= units_) break;
        units += more;
    }
    if (!ends_as(whole.substr(0, at))) return {};
    std::string rest(units > units_ ? replacement_character : std::string_view());
    rest += whole.substr(at);
    return rest;
}

}  // namespace corun::detail
