#include "json/scan.hpp"

#include "json/text.hpp"

#include <cstddef>

namespace corun::codec::json {
namespace {

class scanner {
public:
    explicit scanner(std::string_view text) noexcept : next_(text.data()), end_(next_ + text.size()) {}

    bool take(char c) noexcept {
        while (next_ != end_ && (*next_ == ' ' || *next_ == '\n' || *next_ == '\t' || *next_ == '\r')) ++next_;
        if (next_ == end_ || *next_ != c) return false;
        ++next_;
        return true;
    }

    /// The inside of a string.
    bool take_string(std::string_view& out) noexcept {
        if (!take('"')) return false;
        bool escaped = false;
        const char* const last = find_string_end(next_, end_, escaped);
        if (last == end_ || *last != '"') return false;
        out = {next_, static_cast<std::size_t>(last - next_)};
        next_ = last + 1;
        return true;
    }

    /// A value of any kind.
    bool take_value(std::string_view& out) noexcept {
        take('\0');  // Skips the whitespace.
        const char* const first = next_;
        if (next_ == end_) return false;
        std::size_t depth = 0;
        do {
            if (std::string_view inside; *next_ == '"') {
                if (!take_string(inside)) return false;
            } else if (*next_ == '{' || *next_ == '[') {
                ++depth;
                ++next_;
            } else if (*next_ == '}' || *next_ == ']') {
                if (depth == 0) break;
                --depth;
                ++next_;
            } else if (*next_ == ',' && depth == 0) {
                break;
            } else {
                ++next_;
                // A number or a word goes on to what ends it.
                if (depth == 0)
                    while (next_ != end_ && *next_ != ',' && *next_ != '}' && *next_ != ']' && *next_ > ' ') ++next_;
            }
        } while (next_ != end_ && depth != 0);
        out = {first, static_cast<std::size_t>(next_ - first)};
        return depth == 0 && !out.empty();
    }

private:
    const char* next_;
    const char* end_;
};

}  // namespace

std::optional<std::string_view> find_member(std::string_view object, std::string_view key) noexcept {
    scanner rest(object);
    if (!rest.take('{')) return std::nullopt;
    std::string_view name, value;
    do {
        if (!rest.take_string(name) || !rest.take(':') || !rest.take_value(value)) return std::nullopt;
        if (name == key) return value;
    } while (rest.take(','));
    return std::nullopt;
}

std::optional<std::string_view> plain_string(std::optional<std::string_view> value) noexcept {
    if (!value || value->size() < 2 || value->front() != '"' || value->find('\\') != value->npos) return std::nullopt;
    return value->substr(1, value->size() - 2);
}

}  // namespace corun::codec::json
