#pragma once
#include "protocol/replayed_event.hpp"
#include "protocol/streamed_items.hpp"
#include "values/run_progress.hpp"
#include <corun/event.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace corun::codec::responses {

/// Turns a response, as it is polled, into the events that a stream would have brought. See `replayed_event` for the
/// rule.
class replay {
public:
    /// The caller has got this event. With another response, all begins anew.
    void delivered(const event& streamed);

    /// The caller has received this much elsewhere. `response` is that of the first `events_of`, and `items` those of
    /// the decoder, which it fills in. Throws `errc::bad_response`.
    void restore(const detail::run_progress& received, std::string_view response, streamed_items& items);

    /// What a response, fetched with `GET /responses/{id}`, shows that is new: its items in their order, texts from
    /// where they stopped, the status, and the end. `items` are those of the decoder that has decoded all events
    /// before. Decode the events with it and give each to `delivered`, then fetch and ask again. The events have no
    /// `sequence_number`. Throws `errc::bad_response`.
    [[nodiscard]] std::vector<replayed_event> events_of(std::string_view response, const streamed_items& items) const;

private:
    class writer;
    struct progress_visitor;

    bool created_ = false;
    std::string status_;  ///< The latest that was delivered.
    bool over_ = false;   ///< The end, or an action, was delivered.
};

/// The end of a response that was given up here while it waited for answers.
replayed_event cancelled_event(std::string_view response_id, std::string_view conversation_id);

}  // namespace corun::codec::responses
