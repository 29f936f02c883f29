#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

/// UTF-8 as the decoder of the WHATWG Encoding standard reads it.
namespace corun::utf8 {

/// True for every byte of a character but its first.
constexpr bool is_continuation(char byte) noexcept {
    return (static_cast<unsigned char>(byte) & 0xc0) == 0x80;
}

/// The number of characters (code points) in `text`.
inline std::size_t count_characters(std::string_view text) noexcept {
    return static_cast<std::size_t>(
        std::count_if(text.begin(), text.end(), [](char c) { return !is_continuation(c); }));
}

/// The number of UTF-16 code units of the character that this byte begins; 0 for its other bytes.
constexpr std::size_t utf16_units(char byte) noexcept {
    if (is_continuation(byte)) return 0;
    return static_cast<unsigned char>(byte) >= 0xf0 ? 2 : 1;
}

/// A character, or a maximal part of one that the decoder replaces by a single U+FFFD.
struct sequence {
    std::size_t length;
    bool well_formed;
};

/// The sequence at the beginning of `text`, which must not be empty.
inline sequence leading_sequence(std::string_view text) noexcept {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const unsigned lead = byte(0);
    if (lead < 0x80) return {1, true};

    std::size_t length = 0;
    if (lead >= 0xc2 && lead <= 0xdf) length = 2;
    if (lead >= 0xe0 && lead <= 0xef) length = 3;
    if (lead >= 0xf0 && lead <= 0xf4) length = 4;
    if (length == 0) return {1, false};

    // Only the second byte can reveal an overlong form, a surrogate or a value above U+10FFFF.
    unsigned lower = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
    unsigned upper = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
    for (std::size_t i = 1; i < length; ++i) {
        if (i == text.size() || byte(i) < lower || byte(i) > upper) return {i, false};
        lower = 0x80;
        upper = 0xbf;
    }
    return {length, true};
}

/// The number of bytes at the beginning of `text` that are well-formed UTF-8.
inline std::size_t well_formed_prefix(std::string_view text) noexcept {
    std::size_t at = 0;
    while (at < text.size()) {
        if (text.size() - at >= 16) {
            std::uint64_t words[2];
            std::memcpy(words, text.data() + at, sizeof words);
            if (((words[0] | words[1]) & 0x8080808080808080) == 0) {
                at += sizeof words;
                continue;
            }
        }
        // Decodes several characters before it tries words again: few texts alternate.
        for (const std::size_t stop = at + 16; at < stop && at < text.size();) {
            const sequence next = leading_sequence(text.substr(at));
            if (!next.well_formed) return at;
            at += next.length;
        }
    }
    return at;
}

inline bool is_ascii(std::string_view text) noexcept {
    constexpr std::uint64_t high_bits = 0x8080808080808080;
    const auto word_at = [&](std::size_t at) {
        std::uint64_t word;
        std::memcpy(&word, text.data() + at, sizeof word);
        return word;
    };
    std::uint64_t all = 0;
    if (text.size() >= 8) {
        for (std::size_t at = 0; at + 8 <= text.size(); at += 8) all |= word_at(at);
        // The last word may overlap the one before.
        all |= word_at(text.size() - 8);
    } else {
        for (const char byte : text) all |= static_cast<unsigned char>(byte);
    }
    return (all & high_bits) == 0;
}

inline bool is_well_formed(std::string_view text) noexcept {
    if (is_ascii(text)) return true;
    return well_formed_prefix(text) == text.size();
}

/// The beginning of `text`: `most` bytes, or less rather than a part of a character.
inline std::string_view prefix(std::string_view text, std::size_t most) noexcept {
    if (text.size() <= most) return text;
    while (most > 0 && is_continuation(text[most])) --most;
    return text.substr(0, most);
}

inline constexpr std::string_view replacement_character = "\xEF\xBF\xBD";

/// Passes `text` to `write` piece by piece, with U+FFFD for each malformed sequence.
template <class Write>
void decode(std::string_view text, Write write) {
    while (!text.empty()) {
        const std::size_t good = well_formed_prefix(text);
        write(text.substr(0, good));
        text.remove_prefix(good);
        if (text.empty()) return;
        write(replacement_character);
        text.remove_prefix(leading_sequence(text).length);
    }
}

/// The size of `decoded(text)`, which is at least that of `text`.
inline std::size_t decoded_size(std::string_view text) {
    std::size_t size = 0;
    decode(text, [&](std::string_view piece) { size += piece.size(); });
    return size;
}

/// `text` with U+FFFD for each malformed sequence.
inline std::string decoded(std::string_view text) {
    std::string out;
    out.reserve(decoded_size(text));
    decode(text, [&](std::string_view piece) { out += piece; });
    return out;
}

}  // namespace corun::utf8
