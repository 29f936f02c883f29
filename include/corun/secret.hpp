#pragma once
#include <corun/export.hpp>

#include <cstddef>
#include <iosfwd>
#include <string>
#include <string_view>

namespace corun {

/// Confidential text: a token, a header value, or a body that contains one.
///
/// It prints as `***`, and its memory is wiped when it is destroyed, replaced or moved from. Only `reveal()` returns
/// the text, so a search for that word finds every use of a secret.
class CORUN_API secret {
public:
    secret() noexcept = default;
    /// Copies `text`. The caller is responsible for wiping the original.
    secret(std::string_view text);
    secret(const char* text);
    /// Moves `text`, and wipes what remains in it.
    secret(std::string&& text) noexcept;
    secret(const std::string& text);
    secret(const secret& other);
    secret(secret&& other) noexcept;
    secret& operator=(const secret& other);
    secret& operator=(secret&& other) noexcept;
    ~secret();

    /// The text, valid until this object changes.
    [[nodiscard]] std::string_view reveal() const noexcept { return text_; }
    [[nodiscard]] bool empty() const noexcept { return text_.empty(); }
    [[nodiscard]] std::size_t size() const noexcept { return text_.size(); }

    friend bool operator==(const secret& a, const secret& b) noexcept { return a.text_ == b.text_; }

private:
    std::string text_;
};

/// Prints `***`, or nothing for an empty secret.
CORUN_API std::ostream& operator<<(std::ostream& out, const secret& value);

/// Overwrites the whole storage of `text` with zeros, including unused capacity, and clears it.
CORUN_API void wipe(std::string& text) noexcept;

}  // namespace corun
