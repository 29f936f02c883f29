#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

namespace corun::codec {

/// How many readable bytes must follow the data of an event, whatever they hold (simdjson reads
/// past the end).
inline constexpr std::size_t data_padding = 64;

/// What a `delta_shape` has found in the data of an event.
struct shaped_text {
    std::uint64_t shape = 0;  ///< The `delta_shape::number()` that it was found by; 0: nothing was found.
    std::string_view text;    ///< The inside of a string.
    bool escaped = false;     ///< Whether the text has escapes.
    std::string_view id;
};

/// An SSE event as it waits to be decoded. `name` and `data` lie in `storage`, `data` with
/// `data_padding` readable bytes behind it. Both are UTF-8, as `sse::parser` makes sure.
struct raw_event {
    raw_event() = default;

    std::string_view name, data;
    /// Memory in `storage` for the texts of the event without their escapes, if it has any.
    std::span<char> scratch;
    std::shared_ptr<const void> storage;
    shaped_text shaped;  ///< In `data`.
};

}  // namespace corun::codec
