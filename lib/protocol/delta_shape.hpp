#pragma once
#include <array>
#include <cstddef>
#include <string>
#include <string_view>

namespace corun::codec {

/// The JSON of a text delta, without what the next one changes.
///
/// Nearly all events of a stream are deltas of one text, and differ from the one before only in the text itself, in
/// `sequence_number` and in `obfuscation`. To compare such an event with the one before is several times cheaper than
/// to read it, whatever the service writes in whatever order. Any other event does not match, and is left to the
/// general reader.
class delta_shape {
public:
    /// Takes the shape of `data`, which has been read as a text delta without a problem. `text` and `id` are the
    /// insides of two strings in it.
    void learn(std::string_view data, std::string_view text, std::string_view id);
    void forget() noexcept { slots_ = 0; }

    /// Whether `data` has that shape. If so, it is valid JSON, and `text`, `escaped` and `id` describe it.
    bool matches(std::string_view data) noexcept;

    std::string_view text;  ///< The inside of a string.
    bool escaped = false;   ///< Whether the text has escapes.
    std::string_view id;

private:
    enum class content { text, padding, number };
    /// A member whose value changes, after so many bytes that do not.
    struct slot {
        std::size_t before = 0;
        content value = content::text;
    };
    static constexpr std::size_t most_slots = 3;

    std::string constant_;  ///< All bytes that do not change.
    std::array<slot, most_slots> slot_{};
    std::size_t slots_ = 0;                                  ///< 0: no shape has been learned.
    std::size_t id_slot_ = 0, id_offset_ = 0, id_size_ = 0;  ///< Where the id lies in the bytes before that slot.
};

}  // namespace corun::codec
