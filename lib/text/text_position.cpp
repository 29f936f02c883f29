#include "text/text_position.hpp"

#include "text/utf8.hpp"

#include <algorithm>
#include <cstring>

namespace corun::detail {
namespace {

using utf8::replacement_character;

/// A polynomial of the bytes: cheap to go on with. Whoever finds two texts of one hash deceives only their own clients.
std::uint64_t hash_on(std::uint64_t hash, std::string_view bytes) noexcept {
    for (const char byte : bytes) hash = hash * 0x9e3779b97f4a7c15 + static_cast<unsigned char>(byte) + 1;
    return hash;
}

}  // namespace

void text_position::append(std::string_view piece) noexcept {
    size_ += piece.size();
    hash_ = hash_on(hash_, piece);
    for (const char byte : piece) units_ += utf8::utf16_units(byte);
    if (!has_replacements_) has_replacements_ = piece.find(replacement_character) != piece.npos;
    const std::size_t taken = std::min(piece.size(), tail_.size());
    const std::size_t kept = std::min<std::size_t>(tail_size_, tail_.size() - taken);
    std::memmove(tail_.data(), tail_.data() + (tail_size_ - kept), kept);
    piece.copy(tail_.data() + kept, taken, piece.size() - taken);
    tail_size_ = static_cast<std::uint8_t>(kept + taken);
}

bool text_position::ends_as(std::string_view delivered) const noexcept {
    std::string_view tail(tail_.data(), tail_size_);
    while (!tail.empty() && utf8::is_continuation(tail.front())) tail.remove_prefix(1);
    // The whole text has the character of which a half arrived: only what precedes it can be compared.
    if (const std::size_t half = tail.rfind(replacement_character); half != tail.npos) return true;
    return delivered.ends_with(tail);
}

std::optional<std::string> text_position::rest_of(std::string_view whole) const {
    if (whole.size() >= size_ && hash_on(0, whole.substr(0, size_)) == hash_) return std::string(whole.substr(size_));
    return has_replacements_ ? rest_by_units(whole) : std::nullopt;
}

std::optional<std::string> text_position::rest_by_units(std::string_view whole) const {
    std::uint64_t units = 0;
    std::size_t at = 0;
    for (; at != whole.size(); ++at) {
        const std::size_t more = utf8::utf16_units(whole[at]);
        if (more == 0) continue;
        if (units >= units_) break;
        units += more;
    }
    if (units < units_ || !ends_as(whole.substr(0, at))) return std::nullopt;
    std::string rest(units > units_ ? replacement_character : std::string_view());
    rest += whole.substr(at);
    return rest;
}

}  // namespace corun::detail
