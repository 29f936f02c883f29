#pragma once
#include <cstddef>
#include <memory>
#include <span>
#include <string_view>

namespace corun::codec {

/// How many readable bytes must follow the data of an event, whatever they hold (simdjson reads
/// past the end).
inline constexpr std::size_t data_padding = 64;

/// An SSE event as it waits to be decoded. `name` and `data` lie in `storage`, `data` with
/// `data_padding` readable bytes behind it. Both are UTF-8, as `sse::parser` makes sure.
struct raw_event {
    raw_event() = default;

    std::string_view name, data;
    /// Memory in `storage` for the texts of the event without their escapes, if it has any.
    std::span<char> scratch;
    std::shared_ptr<const void> storage;
};

}  // namespace corun::codec
