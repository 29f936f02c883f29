#include "text/text_mark.hpp"

#include "text/utf8.hpp"

namespace corun::detail {

namespace {

/// The bytes are the digits of a number to this base, modulo 2^32. So unlike hashes of words, it goes on from its value
/// alone; and unlike most that do, several bytes at a time.
constexpr std::uint32_t base = 0x01000193, base_2 = base * base, base_3 = base_2 * base, base_4 = base_3 * base;

}  // namespace

void text_mark::append(std::string_view piece) noexcept {
    const auto* at = reinterpret_cast<const unsigned char*>(piece.data());
    const unsigned char* const end = at + piece.size();
    std::uint32_t checksum = checksum_;
    unsigned all = 0;
    for (; end - at >= 4; at += 4) {
        all |= at[0] | at[1] | at[2] | at[3];
        checksum = checksum * base_4 + (at[0] * base_3 + at[1] * base_2 + at[2] * base + at[3]);
    }
    for (; at != end; ++at) {
        all |= *at;
        checksum = checksum * base + *at;
    }
    checksum_ = checksum;
    size_ += piece.size();
    if (all < 0x80) {
        units_ += piece.size();
        return;
    }
    for (const char byte : piece) units_ += utf8::utf16_units(byte);
    if (!has_replacements_) has_replacements_ = piece.find(utf8::replacement_character) != piece.npos;
}

std::optional<std::size_t> text_mark::find_in(std::string_view whole) const noexcept {
    if (whole.size() < size_) return std::nullopt;
    text_mark same;
    same.append(whole.substr(0, static_cast<std::size_t>(size_)));
    if (same.checksum_ != checksum_) return std::nullopt;
    return static_cast<std::size_t>(size_);
}

}  // namespace corun::detail
