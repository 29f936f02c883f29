#pragma once
#include "json/cursor.hpp"

#include <cstdint>
#include <cstring>
#include <optional>
#include <string_view>

namespace corun::codec::responses {

/// Reads a text delta in the forms that services send, which differ in the order of members: nearly
/// all there is in a stream. `scan` is false, and nothing is done, for anything else: also for what is not JSON.
class text_delta_scanner {
public:
    /// `latest_item` is an id without escapes: that of the delta before, which most often is this one's too.
    text_delta_scanner(std::string_view data, std::string_view latest_item) noexcept
        : data_(data), latest_item_(latest_item) {}

    bool scan() noexcept {
        if (!data_.take('{')) return false;
        do {
            skip_blank();
            if (!take_member()) return false;
        } while (data_.take(','));
        constexpr unsigned delta_and_item_id = 2 | 4;
        return data_.take('}') && data_.at_end() && (taken_ & delta_and_item_id) == delta_and_item_id &&
               !item_id.empty();
    }

    std::string_view item_id, text;
    bool is_latest_item = false, text_escaped = false;
    std::int32_t content_index = 0;
    [[nodiscard]] std::optional<std::int32_t> output_index() const noexcept {
        if ((taken_ & 64) == 0) return std::nullopt;
        return output_index_;
    }

private:
    bool take_member() noexcept {
        const std::string_view rest = data_.rest();
        if (rest.size() < 3) return false;
        bool escaped = false;
        std::string_view ignored;
        std::int32_t number = 0;
        // One letter tells which it may be, so that each is compared with one constant.
        switch (rest[1]) {
            case 't':
                return take_key("\"type\":", 1) && data_.take("\"response.output_text.delta\"");
            case 'd':
                return take_key("\"delta\":", 2) && data_.take_string(text, text_escaped);
            case 'i':
                return take_key("\"item_id\":", 4) && take_item_id();
            case 'l':
                return take_key("\"logprobs\":", 8) && data_.take("[]");
            case 'c':
                return take_key("\"content_index\":", 16) && data_.take_index(content_index);
            case 's':
                return take_key("\"sequence_number\":", 32) && data_.take_index(number);
            case 'o':
                if (rest[2] == 'u') return take_key("\"output_index\":", 64) && data_.take_index(output_index_);
                return take_key("\"obfuscation\":", 128) && data_.take_string(ignored, escaped);
            default:
                return false;
        }
    }

    /// A member that comes twice is left to the general reader.
    template <std::size_t Size>
    bool take_key(const char (&literal)[Size], unsigned member) noexcept {
        if ((taken_ & member) != 0 || !data_.take(literal)) return false;
        taken_ |= member;
        skip_blank();
        return true;
    }

    void skip_blank() noexcept { data_.take(' '); }

    bool take_item_id() noexcept {
        const std::size_t size = latest_item_.size();
        const std::string_view rest = data_.rest();
        if (size != 0 && rest.size() > size + 1 && rest[0] == '"' && rest[size + 1] == '"' &&
            std::memcmp(rest.data() + 1, latest_item_.data(), size) == 0) {
            item_id = rest.substr(1, size);
            data_.skip(size + 2);
            is_latest_item = true;
            return true;
        }
        bool escaped = false;
        return data_.take_string(item_id, escaped) && !escaped;
    }

    json::cursor data_;
    std::string_view latest_item_;
    unsigned taken_ = 0;
    std::int32_t output_index_ = 0;
};

}  // namespace corun::codec::responses
