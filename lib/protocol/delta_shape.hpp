#pragma once
#include "protocol/raw_event.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace corun::codec::json {
class cursor;
}

namespace corun::codec {

/// The bytes of a text delta, without what the next one changes.
///
/// Nearly all events of a stream are deltas of one text, and differ from the one before only in the text itself, in
/// `sequence_number` and in `obfuscation`. To compare such an event with the one before is several times cheaper than
/// to read it, whatever the service writes in whatever order. Any other event does not match, and is left to the
/// general reader.
class delta_shape {
public:
    /// Takes the shape of an event that has been read as a text delta without a problem. `text` and `id` are the
    /// insides of two strings in `data`.
    void learn(std::string_view name, std::string_view data, std::string_view text, std::string_view id);
    void forget() noexcept { number_ = 0; }

    /// Identifies what has been learned, in the whole process; 0 if nothing has.
    [[nodiscard]] std::uint64_t number() const noexcept { return number_; }

    /// Whether `data` has that shape. If so, it is valid JSON, and `found` describes it.
    bool read(std::string_view data, shaped_text& found) const noexcept;

    /// An event as it stands in a stream.
    struct framed_event {
        std::size_t size = 0;  ///< With the blank line that ends it.
        std::string_view name, data;
        shaped_text found;  ///< In `data`.
    };
    /// Whether `stream`, where an event begins, begins with a whole event of that shape, written as services write
    /// them: the two fields on a line each. It is UTF-8, then, and `sse::parser` would read the same of it.
    bool read_framed(std::string_view stream, framed_event& found) const noexcept;

private:
    enum class content { text, padding, number };
    /// A member whose value changes, after so many bytes that do not.
    struct slot {
        std::size_t before = 0;
        content value = content::text;
    };
    static constexpr std::size_t most_slots = 3;

    bool read_slots(json::cursor& rest, std::string_view constant, std::size_t skipped,
                    shaped_text& found) const noexcept;

    std::uint64_t number_ = 0;
    std::string constant_;        ///< All bytes of the event that do not change.
    std::size_t frame_ = 0;       ///< How many of them are before the data.
    std::size_t name_ = 0;        ///< The size of the name.
    bool may_be_framed_ = false;  ///< The data is one line.
    std::array<slot, most_slots> slot_{};
    std::size_t slots_ = 0;
    std::size_t id_slot_ = 0, id_offset_ = 0, id_size_ = 0;  ///< Where the id lies in the bytes before that slot.
};

}  // namespace corun::codec
