#include "protocol/text_delta_reader.hpp"

#include "json/find.hpp"
#include "protocol/event_access.hpp"
#include "protocol/event_output.hpp"

#include <utility>

namespace corun::codec {

bool text_delta_reader::read(raw_event& wire, event& out, streamed_items& items) {
    shaped_text found = wire.shaped;
    const bool is_read = found.shape != 0 && found.shape == shape_.number();
    if (!is_read && !shape_.read(wire.data, found)) return false;
    streamed_text* const known = items.latest_text();
    if (known == nullptr) return false;
    missed_ = false;
    const std::string_view text = unescape(wire, found.text, found.escaped, known->half);
    auto& delta = detail::event_access::emplace<events::text_delta>(out, wire.name, wire.data, std::move(wire.storage));
    delta.text = known->take(text);
    delta.message_id = found.id;
    delta.content_index = known->part();
    return true;
}

bool text_delta_reader::begins_to_learn() noexcept {
    // It is the shape of the latest delta, or none.
    shape_.forget();
    return std::exchange(missed_, true);
}

void text_delta_reader::learn(const raw_event& wire, const event& first, const std::vector<event>& more,
                              std::optional<std::string_view> text, std::optional<std::string_view> id) {
    const auto* const delta = first.get_if<events::text_delta>();
    const auto plain_id = json::plain_string(id);
    const bool is_plain = delta && first.problem().empty() && more.empty() && text && text->size() >= 2 &&
                          text->front() == '"' && plain_id == delta->message_id;
    if (is_plain) shape_.learn(wire.name, wire.data, text->substr(1, text->size() - 2), *plain_id);
}

}  // namespace corun::codec
