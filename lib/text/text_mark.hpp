#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace corun::detail {

/// The position in a text, as `text_position`, in a form that can be stored: with a size and a checksum, and no byte of
/// the text. Other bytes can follow those before it, wherever it was stored.
class text_mark {
public:
    text_mark() = default;
    /// As it was stored.
    text_mark(std::uint64_t size, std::uint64_t units, std::uint32_t checksum, bool has_replacements) noexcept
        : size_(size), units_(units), checksum_(checksum), has_replacements_(has_replacements) {}

    void append(std::string_view piece) noexcept;

    [[nodiscard]] std::uint64_t size() const noexcept { return size_; }
    /// UTF-16 code units.
    [[nodiscard]] std::uint64_t units() const noexcept { return units_; }
    [[nodiscard]] std::uint32_t checksum() const noexcept { return checksum_; }
    /// It has had U+FFFD, which may stand for half a character.
    [[nodiscard]] bool has_replacements() const noexcept { return has_replacements_; }

    /// The size of the part of `whole` before this position; nothing if `whole` does not begin with that text.
    [[nodiscard]] std::optional<std::size_t> find_in(std::string_view whole) const noexcept;

private:
    std::uint64_t size_ = 0, units_ = 0;
    std::uint32_t checksum_ = 0x811c9dc5;
    bool has_replacements_ = false;
};

}  // namespace corun::detail
