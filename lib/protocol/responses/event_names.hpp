#pragma once
#include "protocol/event_class.hpp"
#include "protocol/responses/codec.hpp"
#include "protocol/streamed_items.hpp"

#include <span>
#include <string_view>

namespace corun::codec::responses {

class event_reader;

/// All that depends on an event's name.
struct known_event {
    std::string_view name;
    void (event_reader::*read)() = nullptr;  ///< Null: it becomes `unknown`.
    event_class meaning = event_class::ordinary;
    std::string_view member = {};     ///< Holds its text.
    std::string_view call_type = {};  ///< As in `tool_call::type`.
    text_kind text = text_kind::none;
    /// Of an event about the work on an item: the item's type.
    std::string_view item_type = {};
    /// What has become of the item; of the response that ends with it, if that may leave something to do.
    std::string_view status = {};
    /// Where the meaning depends on the data and on what came before. May throw.
    event_class (*classify)(std::string_view data, const pending_calls& seen) = nullptr;
    void (pending_calls::*observe)(std::string_view data) = nullptr;
};

/// All events that are known by name.
std::span<const known_event> all_known_events() noexcept;

/// See `event_name`. One that is not known has no name.
const known_event& find_event(std::string_view name, std::string_view data) noexcept;
/// True for an event whose name alone ends the run.
bool ends_run(const known_event& known) noexcept;
/// The text delta: nearly all events of a stream.
bool is_text_event(const known_event& known) noexcept;

inline constexpr std::string_view end_of_stream_data = "[DONE]";

event_class classify_status(std::string_view data, const pending_calls& seen);
event_class classify_completed(std::string_view data, const pending_calls& seen);
event_class classify_incomplete(std::string_view data, const pending_calls& seen);
event_class classify_failed(std::string_view data, const pending_calls& seen);
event_class classify_error(std::string_view data, const pending_calls& seen);

}  // namespace corun::codec::responses
