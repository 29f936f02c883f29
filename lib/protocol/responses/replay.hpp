#pragma once
#include "protocol/replayed_event.hpp"
#include "text/utf16_position.hpp"
#include <corun/event.hpp>

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace corun::codec::responses {

/// Turns a response, as it is polled, into the events that a stream would have brought. See `replayed_event` for the
/// rule.
class replay {
public:
    /// The progress of an output item.
    struct item {
        item() = default;

        bool begun = false, ended = false;
        /// Each text by its kind (`text`, `refusal`, `summary`, `reasoning`, `arguments`) and its index.
        std::map<std::pair<std::string, std::int32_t>, detail::utf16_position> texts;
    };

    /// The caller has got this event. With another response, all begins anew.
    void delivered(const event& streamed);

    /// What a response, fetched with `GET /responses/{id}`, shows that is new: its items in their order, texts from
    /// where they stopped, the status, and the end. Decode the events with the run's own decoder and give each to
    /// `delivered`, then fetch and ask again. The events have no `sequence_number`. Throws `errc::bad_response`.
    [[nodiscard]] std::vector<replayed_event> events_of(std::string_view response) const;

private:
    class writer;
    struct progress_visitor;

    bool created_ = false;
    std::string status_;  ///< The latest that was delivered.
    bool over_ = false;   ///< The end, or an action, was delivered.
    std::map<std::string, item, std::less<>> items_;
};

/// The end of a response that was given up here while it waited for answers.
replayed_event cancelled_event(std::string_view response_id, std::string_view conversation_id);

}  // namespace corun::codec::responses
