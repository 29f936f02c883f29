#include "text/utf16_position.hpp"

#include <algorithm>
#include <cstring>

namespace corun::run {
namespace {

constexpr std::string_view replacement = "\xEF\xBF\xBD";  // U+FFFD

bool continues_character(char byte) noexcept {
    return (static_cast<unsigned char>(byte) & 0xC0) == 0x80;
}

/// UTF-16 code units of the character that this byte begins; none for the bytes after its first.
std::uint64_t units_of(char byte) noexcept {
    return static_cast<std::uint64_t>(!continues_character(byte)) + (static_cast<unsigned char>(byte) >= 0xF0);
}

}  // namespace

void text_position::append(std::string_view piece) noexcept {
    for (const char byte : piece) units_ += units_of(byte);
    const std::size_t taken = std::min(piece.size(), tail_.size());
    const std::size_t kept = std::min(tail_size_, tail_.size() - taken);
    std::memmove(tail_.data(), tail_.data() + (tail_size_ - kept), kept);
    piece.copy(tail_.data() + kept, taken, piece.size() - taken);
    tail_size_ = kept + taken;
}

bool text_position::ends_as(std::string_view delivered) const noexcept {
    std::string_view tail(tail_.data(), tail_size_);
    while (!tail.empty() && continues_character(tail.front())) tail.remove_prefix(1);
    // Halves of a pair stand whole in the whole text: what is in front of them has to do.
    if (const std::size_t half = tail.rfind(replacement); half != tail.npos) return true;
    return delivered.ends_with(tail);
}

std::string text_position::rest_of(std::string_view whole) const {
    std::uint64_t units = 0;
    std::size_t at = 0;
    for (; at != whole.size(); ++at) {
        const std::uint64_t more = units_of(whole[at]);
        if (more == 0) continue;
        if (units >= units_) break;
        units += more;
    }
    if (units < units_ || !ends_as(whole.substr(0, at))) return {};
    std::string rest(units > units_ ? replacement : std::string_view());
    rest += whole.substr(at);
    return rest;
}

}  // namespace corun::run
