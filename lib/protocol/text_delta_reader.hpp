#pragma once
#include "protocol/delta_shape.hpp"
#include "protocol/raw_event.hpp"
#include "protocol/streamed_items.hpp"
#include <corun/event.hpp>

#include <optional>
#include <string_view>
#include <vector>

namespace corun::codec {

/// Reads the text deltas that look like the one before them, in both protocols.
class text_delta_reader {
public:
    /// False if the event is left to the general reader; then nothing has changed.
    bool read(raw_event& wire, event& out, streamed_items& items);

    /// Called for each text delta that the general reader reads: whether its shape is to be learned. Not before the
    /// second one in a row: for a single delta, learning costs more than it saves.
    bool begins_to_learn() noexcept;
    /// The general reader has read a text delta from `wire`: `first` and `more`. `text` and `id` are those members of
    /// its data.
    void learn(const raw_event& wire, const event& first, const std::vector<event>& more,
               std::optional<std::string_view> text, std::optional<std::string_view> id);

    /// The shape of the latest event, by which the receiver of a stream recognizes the next ones.
    [[nodiscard]] const delta_shape& shape() const noexcept { return shape_; }

private:
    delta_shape shape_;
    bool missed_ = false;  ///< The delta before was left to the general reader, too.
};

}  // namespace corun::codec
