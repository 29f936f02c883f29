#pragma once
#include <corun/event.hpp>

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace corun::codec::responses {

/// What of a run has been told already: the base from which a stored response is told on.
struct delivered {
    delivered() = default;

    struct item {
        item() = default;
        bool begun = false, ended = false;
        /// UTF-16 units of each text, by its kind (`text`, `refusal`, `summary`, `reasoning`,
        /// `arguments`) and its place.
        std::map<std::pair<std::string, std::int32_t>, std::size_t> texts;
    };

    bool created = false;
    std::string status;  ///< The latest that was told.
    bool over = false;   ///< The end, or an action, was told.
    std::map<std::string, item, std::less<>> items;

    /// Takes in an event that has been delivered, whoever told it. Another response begins anew.
    void observe(const event& told);
};

/// An event as a stream would have brought it.
struct replayed_event {
    replayed_event(std::string event_name, std::string event_data)
        : name(std::move(event_name)), data(std::move(event_data)) {}
    std::string name, data;
};

/// What a response, read with `GET /responses/{id}`, shows beyond `so_far`: its items in their order,
/// texts from where they stopped, the status, and the end. Give the events to the run's own decoder and each
/// decoded one to `so_far.observe`, then read and ask again. The events have no `sequence_number`.
/// Throws `errc::bad_response`.
std::vector<replayed_event> events_of(std::string_view response, const delivered& so_far);

/// The end of a response that was given up here while it waited for answers.
replayed_event cancelled_event(std::string_view response_id, std::string_view conversation_id);

/// UTF-16 code units of a UTF-8 text.
std::size_t utf16_length(std::string_view utf8) noexcept;

}  // namespace corun::codec::responses
