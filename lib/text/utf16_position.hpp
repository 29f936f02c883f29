#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace corun::detail {

/// The position up to which a text has been delivered in pieces. Does not store the text.
///
/// Counts UTF-16 code units, because services split texts between them: half of a surrogate pair arrives as U+FFFD,
/// which is one unit too, so the count matches the whole text.
class utf16_position {
public:
    void append(std::string_view piece) noexcept;

    /// The part of `whole` after this position. Empty if `whole` ends here, or does not begin with the delivered text.
    [[nodiscard]] std::string rest_of(std::string_view whole) const;

private:
    [[nodiscard]] bool ends_as(std::string_view delivered) const noexcept;

    std::uint64_t units_ = 0;
    std::array<char, 16> tail_{};  ///< The last bytes, to tell the text from another.
    std::size_t tail_size_ = 0;
};

}  // namespace corun::detail
