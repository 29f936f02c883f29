#pragma once
#include "json/reader.hpp"
#include "protocol/event_output.hpp"
#include "protocol/streamed_items.hpp"
#include <corun/resources.hpp>

#include <string_view>
#include <vector>

namespace corun::codec::threads {

/// The pieces of a message, and of the calls of a step.
void decode_message_delta(json::object source, output& out, streamed_items& items);
void decode_step_delta(json::object source, output& out, streamed_items& items);

item_reference message_reference(std::string_view id) noexcept;
item_reference step_reference(std::string_view id) noexcept;
/// The texts of a message that come in pieces too. Views into `source`.
std::vector<whole_text> whole_texts(const thread_message& source);
/// Writes texts of a message that a whole has shown, and no piece before it.
void add_missing(const streamed_item& known, std::vector<missing_text> missing, output& out);
/// Ends all texts: a half of a character that is left stays alone.
void end_texts(streamed_items& items, output& out);

}  // namespace corun::codec::threads
