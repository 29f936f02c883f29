#pragma once
#include <string>
#include <utility>

namespace corun::codec {

/// An event as a stream would have brought it, made from a run's objects. Both protocols' `replay` follow one rule:
///
/// - `delivered(event)` records each event that the caller gets, whether streamed or replayed.
/// - `events_of(...)` returns what the objects show beyond that, in the order of a stream.
/// - A text continues where its deltas ended: `streamed_items` decides which item and which text that is. A text that
///   does not begin with what was delivered adds nothing, for its whole comes with the end of its item.
struct replayed_event {
    replayed_event(std::string event_name, std::string event_data)
        : name(std::move(event_name)), data(std::move(event_data)) {}

    std::string name, data;
};

}  // namespace corun::codec
