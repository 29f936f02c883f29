#pragma once
#include "json/text.hpp"
#include "text/ascii.hpp"

#include <cstdint>
#include <cstring>
#include <string_view>

namespace corun::codec::json {

/// A position in a JSON text. Each `take` moves behind what it names, or returns false. It checks no more of the text
/// than it takes.
class cursor {
public:
    explicit cursor(std::string_view text) noexcept : next_(text.data()), end_(next_ + text.size()) {}

    [[nodiscard]] bool at_end() const noexcept { return next_ == end_; }
    [[nodiscard]] const char* position() const noexcept { return next_; }
    [[nodiscard]] std::string_view rest() const noexcept { return {next_, static_cast<std::size_t>(end_ - next_)}; }

    bool take(char c) noexcept {
        if (next_ == end_ || *next_ != c) return false;
        ++next_;
        return true;
    }

    /// The length is a constant, so that the comparison is a few instructions and no call.
    template <std::size_t Size>
    bool take(const char (&literal)[Size]) noexcept {
        constexpr std::size_t length = Size - 1;
        if (static_cast<std::size_t>(end_ - next_) < length || std::memcmp(next_, literal, length) != 0) return false;
        next_ += length;
        return true;
    }

    bool take(std::string_view text) noexcept {
        if (static_cast<std::size_t>(end_ - next_) < text.size() || std::memcmp(next_, text.data(), text.size()) != 0)
            return false;
        next_ += text.size();
        return true;
    }

    void skip(std::size_t bytes) noexcept { next_ += bytes; }

    void skip_whitespace() noexcept {
        while (next_ != end_ && (*next_ == ' ' || *next_ == '\n' || *next_ == '\t' || *next_ == '\r')) ++next_;
    }

    /// The inside of a string. Sets `escaped` when it holds an escape.
    bool take_string(std::string_view& inside, bool& escaped) noexcept {
        return take('"') && take_string_end(inside, escaped);
    }
    /// The same for a string whose opening quote has been taken. Where the string goes wrong, it stops there.
    bool take_string_end(std::string_view& inside, bool& escaped) noexcept {
        return take_string_inside(inside, escaped) && take('"');
    }
    /// The same up to the closing quote, which must be there.
    bool take_string_inside(std::string_view& inside, bool& escaped) noexcept {
        const char* const first = next_;
        next_ = find_string_end(first, end_, escaped);
        inside = {first, static_cast<std::size_t>(next_ - first)};
        return next_ != end_ && *next_ == '"';
    }

    /// Up to nine digits.
    bool take_index(std::int32_t& out) noexcept {
        const char* const first = next_;
        out = 0;
        while (next_ != end_ && ascii::is_digit(*next_) && next_ - first < 9) out = out * 10 + (*next_++ - '0');
        // JSON has no 007.
        return next_ != first && (*first != '0' || next_ - first == 1);
    }

private:
    const char* next_;
    const char* end_;
};

}  // namespace corun::codec::json
