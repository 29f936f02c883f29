#pragma once
#include "protocol/event_output.hpp"
#include "protocol/responses/objects.hpp"
#include "protocol/streamed_items.hpp"

#include <cstdint>
#include <string_view>
#include <vector>

namespace corun::codec::responses {

/// The text's name in `part_completed`.
std::string_view to_string(text_kind kind) noexcept;
/// What kind of item: see `item_reference::type`.
std::string_view kind_of(const item& source) noexcept;
/// All texts of an item that come in pieces too. Views into `source`.
std::vector<whole_text> whole_texts(const item& source);
/// The reference of an item at `place`; one without an id may have been named after it.
item_reference reference_to(const item& source, std::optional<std::int32_t> place, std::string_view place_id);

/// Writes the events about items.
class item_events {
public:
    item_events(streamed_items& streamed, output& out) : streamed_(streamed), out_(out) {}

    /// `id` is that of the message or step.
    void add_delta(text_kind kind, std::string_view id, std::int32_t part, std::string_view text,
                   std::string_view call_type);
    void add_part_end(std::string_view type, std::string_view id, std::int32_t part);
    /// The work on an item, as far as a status tells.
    void add_progress(const streamed_item& known, std::string_view type, std::string_view status);
    /// Texts that a whole has shown, and no piece before it.
    void add_missing(const streamed_item& known, std::vector<missing_text> missing);

    void begin(item added, std::optional<std::int32_t> place);
    void end(item done, std::optional<std::int32_t> place);
    /// Gives an output, which is an item of its own, to its call.
    void join_to_call(streamed_item& known, std::string_view type, std::string_view call_id);
    /// What a list of the whole output shows that has not been delivered. `whole`: the response has completed.
    void end_all(std::vector<item>& output, bool whole);

private:
    void add_end(item& done, streamed_item& known, std::vector<missing_text> missing);
    void add_step_end(item& done, streamed_item& known);
    void add_output_end(item& done, streamed_item& known);
    void add_consent(item& source, streamed_item& known);

    streamed_items& streamed_;
    output& out_;
};

}  // namespace corun::codec::responses
