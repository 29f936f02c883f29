#pragma once
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace corun::sse {

inline constexpr std::size_t block_size = 64;

/// What a block of `block_size` bytes holds.
struct block {
    std::uint64_t line_ends;  ///< Bit i is set when byte i is CR or LF.
    bool non_ascii;           ///< Whether some byte is 0x80 or above.
};

/// Looks at the `block_size` bytes from `bytes`, eight at a time, on any machine.
inline block scan_block_portable(const char* bytes) noexcept {
    constexpr std::uint64_t ones = 0x0101010101010101;
    constexpr std::uint64_t low_bits = 0x7f * ones;
    // Sets the high bit of exactly the zero bytes; the shorter well-known forms also flag neighbours.
    const auto zero_bytes = [](std::uint64_t word) { return ~(((word & low_bits) + low_bits) | word | low_bits); };

    block found{0, false};
    std::uint64_t all = 0;
    for (std::size_t i = 0; i < block_size; i += 8) {
        std::uint64_t word;
        std::memcpy(&word, bytes + i, 8);
        if constexpr (std::endian::native == std::endian::big) word = __builtin_bswap64(word);
        all |= word;
        const std::uint64_t ends = zero_bytes(word ^ ('\n' * ones)) | zero_bytes(word ^ ('\r' * ones));
        // The multiplication gathers the eight high bits, in order, in the top byte.
        found.line_ends |= (((ends >> 7) * 0x0102040810204080) >> 56) << i;
    }
    found.non_ascii = (all & ~low_bits) != 0;
    return found;
}

/// Looks at the `block_size` bytes from `bytes`.
inline block scan_block(const char* bytes) noexcept {
#if defined(__SSE2__)
    const __m128i lf = _mm_set1_epi8('\n');
    const __m128i cr = _mm_set1_epi8('\r');
    __m128i all = _mm_setzero_si128();
    std::uint64_t line_ends = 0;
    for (std::size_t i = 0; i < block_size; i += 16) {
        __m128i part;
        std::memcpy(&part, bytes + i, sizeof part);
        all = _mm_or_si128(all, part);
        const __m128i ends = _mm_or_si128(_mm_cmpeq_epi8(part, lf), _mm_cmpeq_epi8(part, cr));
        line_ends |= static_cast<std::uint64_t>(static_cast<unsigned>(_mm_movemask_epi8(ends))) << i;
    }
    return {line_ends, _mm_movemask_epi8(all) != 0};
#else
    return scan_block_portable(bytes);
#endif
}

}  // namespace corun::sse
