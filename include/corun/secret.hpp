#pragma once
#include <corun/export.hpp>

#include <cstddef>
#include <iosfwd>
#include <string>
#include <string_view>

namespace corun {

/// Text that must not be seen: a token, a header value, a body that holds one.
///
/// It prints as `***`, and its memory is zeroed when it is destroyed, replaced or moved from. Only
/// `reveal()` gives the text, so a search for that word finds every place a secret is used.
class CORUN_API secret {
public:
    secret() noexcept = default;
    /// Takes a copy; the caller's own text is the caller's to erase.
    secret(std::string_view text);
    secret(const char* text);
    /// Takes the text over and zeroes what is left in `text`.
    secret(std::string&& text) noexcept;
    secret(const std::string& text);
    secret(const secret& other);
    secret(secret&& other) noexcept;
    secret& operator=(const secret& other);
    secret& operator=(secret&& other) noexcept;
    ~secret();

    /// The text itself, valid until this object changes.
    [[nodiscard]] std::string_view reveal() const noexcept { return text_; }
    [[nodiscard]] bool empty() const noexcept { return text_.empty(); }
    [[nodiscard]] std::size_t size() const noexcept { return text_.size(); }

    friend bool operator==(const secret& a, const secret& b) noexcept { return a.text_ == b.text_; }

private:
    std::string text_;
};

/// Prints `***`, or nothing for an empty secret.
CORUN_API std::ostream& operator<<(std::ostream& out, const secret& value);

/// Zeroes the whole storage of `text`, the part beyond its size too, and leaves it empty.
CORUN_API void wipe(std::string& text) noexcept;

}  // namespace corun
