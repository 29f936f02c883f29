#include "text/text_mark.hpp"

#include "text/utf8.hpp"

namespace corun::detail {

/// FNV-1a: unlike hashes of words, it goes on from its value alone.
void text_mark::append(std::string_view piece) noexcept {
    std::uint32_t checksum = checksum_;
    unsigned char all = 0;
    for (const char byte : piece) {
        checksum = (checksum ^ static_cast<unsigned char>(byte)) * 0x01000193;
        all |= static_cast<unsigned char>(byte);
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
