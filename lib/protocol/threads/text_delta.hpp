#pragma once
#include "json/cursor.hpp"

#include <cstdint>
#include <string_view>

namespace corun::codec::threads {

/// Reads a text delta in the one form that the service sends them in, which is nearly all there is
/// in a stream. `scan` is false, and nothing is done, for anything else: also for what is not JSON.
class text_delta_scanner {
public:
    explicit text_delta_scanner(std::string_view data) noexcept : data_(data) {}

    bool scan() noexcept {
        bool string_escaped = false;
        if (!data_.take(R"({"id":")") || !data_.take_string_end(id, string_escaped) || string_escaped) return false;
        if (!data_.take(R"(,"object":"thread.message.delta","delta":{)")) return false;
        if (std::string_view role;
            data_.take(R"("role":")") && !(data_.take_string_end(role, string_escaped) && data_.take(',')))
            return false;
        if (!data_.take(R"("content":[{"index":)") || !data_.take_index(index)) return false;
        if (!data_.take(R"(,"type":"text","text":{"value":")") || !data_.take_string_end(text, escaped)) return false;
        data_.take(R"(,"annotations":[])");
        return data_.take("}}]}}") && data_.at_end();
    }

    std::string_view id, text;
    std::int32_t index = 0;
    bool escaped = false;

private:
    json::cursor data_;
};

}  // namespace corun::codec::threads
