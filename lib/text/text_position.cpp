#include "text/text_position.hpp"

#include "text/utf8.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

namespace corun::detail {
namespace {

using utf8::replacement_character;

constexpr std::size_t word_size = sizeof(std::uint64_t);

/// At most eight bytes, the first in the lowest bits.
std::uint64_t load_word(const char* from, std::size_t size) noexcept {
    const auto load = [from](std::size_t at, std::size_t bytes) {
        std::uint64_t value = 0;
        std::memcpy(&value, from + at, bytes);
        if constexpr (std::endian::native == std::endian::big) value = __builtin_bswap64(value);
        return value;
    };
    // Two loads of a constant size that overlap are cheaper than one of any size.
    if (size == word_size) return load(0, 8);
    if (size >= 4) return load(0, 4) | load(size - 4, 4) << 8 * (size - 4);
    if (size >= 2) return load(0, 2) | load(size - 2, 2) << 8 * (size - 2);
    return load(0, 1);
}

}  // namespace

/// Whoever finds two texts of one hash deceives only their own clients.
inline void text_position::add_word(std::uint64_t word) noexcept {
    hash_ = (hash_ ^ word) * 0x9e3779b97f4a7c15;
    hash_ ^= hash_ >> 32;
    latest_words_ = {latest_words_[1], word};
}

void text_position::append(std::string_view piece) noexcept {
    if (stored_) stored_->append(piece);
    std::size_t held = size_ % word_size;
    std::uint64_t all = 0;
    for (std::size_t at = 0, size = 0; at != piece.size(); at += size) {
        size = std::min(piece.size() - at, word_size);
        const std::uint64_t bytes = load_word(piece.data() + at, size);
        all |= bytes;
        word_ |= bytes << 8 * held;
        if (held + size >= word_size) {
            add_word(word_);
            word_ = held == 0 ? 0 : bytes >> 8 * (word_size - held);
        }
        held = (held + size) % word_size;
    }
    size_ += piece.size();
    const bool ascii = (all & 0x8080808080808080) == 0;
    if (ascii) {
        units_ += piece.size();
        return;
    }
    for (const char byte : piece) units_ += utf8::utf16_units(byte);
    if (!has_replacements_) has_replacements_ = piece.find(replacement_character) != piece.npos;
}

/// The last bytes: 16 of them, and up to seven more.
std::string text_position::tail() const {
    std::string bytes;
    const auto add = [&bytes](std::uint64_t word, std::size_t size) {
        for (std::size_t i = 0; i != size; ++i) bytes += static_cast<char>(word >> 8 * i);
    };
    for (const std::uint64_t word : latest_words_) add(word, word_size);
    add(word_, size_ % word_size);
    if (size_ < bytes.size()) bytes.erase(0, bytes.size() - size_);
    return bytes;
}

bool text_position::ends_as(std::string_view delivered) const {
    // How a stored text ended is not known.
    if (stored_) return true;
    const std::string bytes = tail();
    std::string_view tail(bytes);
    while (!tail.empty() && utf8::is_continuation(tail.front())) tail.remove_prefix(1);
    // The whole text has the character of which a half arrived: only what precedes it can be compared.
    if (const std::size_t half = tail.rfind(replacement_character); half != tail.npos) return true;
    return delivered.ends_with(tail);
}

std::optional<std::string> text_position::rest_of(std::string_view whole) const {
    if (stored_) {
        if (const auto at = stored_->find_in(whole)) return std::string(whole.substr(*at));
    } else if (whole.size() >= size_) {
        text_position same;
        same.append(whole.substr(0, size_));
        if (same.hash_ == hash_ && same.word_ == word_) return std::string(whole.substr(size_));
    }
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
