#pragma once
#include "text/text_mark.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace corun::detail {

/// The position up to which a text has been delivered in pieces. Does not store the text: its size and a hash tell
/// whether another text begins with it.
///
/// A service that cuts a text within a character may write U+FFFD for each half of a surrogate pair. What has such
/// characters is compared by its last bytes alone, and counted in UTF-16 code units, of which each half is one.
class text_position {
public:
    text_position() = default;
    /// As it was stored.
    explicit text_position(const text_mark& stored) noexcept
        : size_(static_cast<std::size_t>(stored.size())),
          units_(stored.units()),
          has_replacements_(stored.has_replacements()),
          stored_(stored) {}

    void append(std::string_view piece) noexcept;

    [[nodiscard]] bool empty() const noexcept { return size_ == 0; }

    /// The part of `whole` after this position; nothing if `whole` does not begin with the delivered text.
    [[nodiscard]] std::optional<std::string> rest_of(std::string_view whole) const;
    /// Whether `whole` begins with the delivered text.
    [[nodiscard]] bool begins(std::string_view whole) const { return rest_of(whole).has_value(); }

private:
    void add_word(std::uint64_t word) noexcept;
    [[nodiscard]] std::string tail() const;
    [[nodiscard]] bool ends_as(std::string_view delivered) const;
    [[nodiscard]] std::optional<std::string> rest_by_units(std::string_view whole) const;

    // Bytes are hashed in words of eight, the first byte in the lowest bits, however they are cut into pieces.
    std::size_t size_ = 0;
    std::uint64_t hash_ = 0;                       ///< Of the complete words.
    std::uint64_t word_ = 0;                       ///< The word that is not complete.
    std::array<std::uint64_t, 2> latest_words_{};  ///< The last complete words.
    std::uint64_t units_ = 0;
    bool has_replacements_ = false;
    std::optional<text_mark> stored_;  ///< Goes on in place of the hash, which cannot.
};

}  // namespace corun::detail
