#pragma once
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace corun::sse {

/// The bytes the decoder of the WHATWG Encoding standard takes as one: a character, or a maximal
/// part of one, for which it emits a single U+FFFD.
struct utf8_sequence {
    std::size_t length;
    bool well_formed;
};

/// The sequence `text`, which is not empty, starts with.
inline utf8_sequence leading_sequence(std::string_view text) noexcept {
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

/// How many bytes `text` starts with that are well-formed UTF-8.
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
        // A whole run of other characters before the next try: most texts do not alternate.
        for (const std::size_t stop = at + 16; at < stop && at < text.size();) {
            const utf8_sequence next = leading_sequence(text.substr(at));
            if (!next.well_formed) return at;
            at += next.length;
        }
    }
    return at;
}

inline bool is_utf8(std::string_view text) noexcept {
    return well_formed_prefix(text) == text.size();
}

inline constexpr std::string_view replacement_character = "\xEF\xBF\xBD";

/// Hands `text` to `write` piece by piece, each malformed sequence replaced by U+FFFD.
template <class Write>
void decode_utf8(std::string_view text, Write write) {
    while (!text.empty()) {
        const std::size_t good = well_formed_prefix(text);
        write(text.substr(0, good));
        text.remove_prefix(good);
        if (text.empty()) return;
        write(replacement_character);
        text.remove_prefix(leading_sequence(text).length);
    }
}

/// How long `text` is once decoded; never shorter than `text`.
inline std::size_t decoded_size(std::string_view text) {
    std::size_t size = 0;
    decode_utf8(text, [&](std::string_view piece) { size += piece.size(); });
    return size;
}

/// `text` as UTF-8, each malformed sequence replaced by U+FFFD.
inline std::string decoded(std::string_view text) {
    std::string out;
    out.reserve(decoded_size(text));
    decode_utf8(text, [&](std::string_view piece) { out += piece; });
    return out;
}

}  // namespace corun::sse
