#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace corun::run {

/// How far a text has been delivered, piece by piece: without the text itself.
///
/// Counted in UTF-16 code units, since services cut texts between those: half of a surrogate pair arrives as U+FFFD,
/// which is one unit as well, so that the count stays true to the whole text.
class text_position {
public:
    void append(std::string_view piece) noexcept;

    /// What comes after it in `whole`. Empty when `whole` is no longer than that, or another text.
    [[nodiscard]] std::string rest_of(std::string_view whole) const;

private:
    [[nodiscard]] bool ends_as(std::string_view delivered) const noexcept;

    std::uint64_t units_ = 0;
    std::array<char, 16> tail_{};  ///< The last bytes: so that another text is not taken for this one.
    std::size_t tail_size_ = 0;
};

}  // namespace corun::run
