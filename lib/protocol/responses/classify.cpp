// What an event means for its run, before it is decoded.
#include "json/find.hpp"
#include "json/text.hpp"
#include "protocol/heartbeat.hpp"
#include "protocol/responses/event_names.hpp"
#include "protocol/responses/event_reader.hpp"
#include "protocol/responses/failure_reason.hpp"
#include "protocol/responses/item_types.hpp"
#include "protocol/responses/pending.hpp"
#include "text/ascii.hpp"

#include <utility>

namespace corun::codec::responses {

namespace {

std::optional<required_action> action_in(std::string_view data, std::string_view status, const pending_calls& seen) {
    const simdjson::padded_string padded(data);
    const json::lenient_scope lenient;
    json::reader reader;
    response read;
    try {
        read = read_last_response(reader.object(padded, simdjson::SIMDJSON_PADDING), status);
    } catch (const json::shape_error&) {
        // By its name, the response has ended so all the same.
        set_status(read.run, status);
    }
    set_action(read, seen.items());
    return std::move(read.run.required_action);
}

}  // namespace

std::optional<required_action> action_left_by(std::string_view name, std::string_view data, const pending_calls& seen) {
    return action_in(data, find_event(name, data).status, seen);
}

void pending_calls::observe(std::string_view name, std::string_view data) {
    const known_event& known = find_event(name, data);
    status_repeats_ = known.classify == classify_status && known.name == status_event_;
    if (known.classify == classify_status) status_event_ = known.name;
    if (known.observe != nullptr) (this->*known.observe)(data);
}

void pending_calls::begin(std::string_view) {
    *this = pending_calls();
}

void pending_calls::add_failed(std::string_view data) {
    if (failure_reason(data)) return;
    failed_twice_ = failed_.has_value();
    failed_ = data;
}

void pending_calls::add_error(std::string_view data) {
    reason_ = data;
}

namespace {

/// Calls `use(item, json)` for the item of an event; what is wrong with it the decoder reports.
template <class Use>
void with_item(std::string_view data, Use use) {
    const json::lenient_scope lenient;
    const auto text = json::find_member(data, "item");
    if (!text || json::find_error(data, json::numbers::any)) return;
    try {
        const simdjson::padded_string padded(*text);
        json::reader reader;
        use(read_item(reader.object(padded, simdjson::SIMDJSON_PADDING)), std::string(*text));
    } catch (const json::shape_error&) {
    }
}

}  // namespace

void pending_calls::add_item(std::string_view data) {
    with_item(data, [this](const item& done, std::string text) {
        // Of a message it counts that there is one.
        if (concerns_action(done)) add(is_message(done) ? R"({"type":"message","content":"text"})" : std::move(text));
    });
}

void pending_calls::announce_item(std::string_view data) {
    with_item(data, [this](const item& begun, std::string text) {
        // Without a text that comes in pieces, it is whole.
        const bool has_id = !begun.id.empty() || !begun.call_id.empty();
        if (has_id && is_pending(begun) && item_type_of(begun.type).text.empty()) add(std::move(text));
    });
}

void pending_calls::add(std::string item) {
    // No service makes so many at once; the output alone tells of more.
    constexpr std::size_t most = 256;
    if (items_.size() < most && (items_.empty() || items_.back() != item)) items_.push_back(std::move(item));
}

/// An event says what an item does, in the same members.
void pending_calls::add_consent(std::string_view data) {
    if (!data.starts_with('{') || json::find_error(data, json::numbers::any)) return;
    std::string item = R"({"type":"oauth_consent_request")";
    for (const char* name : {"id", "consent_link", "server_label"})
        if (const auto value = json::find_member(data, name))
            item.append(",\"").append(name).append("\":").append(*value);
    add(item + '}');
}

event_class classify(std::string_view name, std::string_view data, const pending_calls& seen) noexcept {
    if (data == end_of_stream_data) return event_class::end_of_stream;
    const known_event& known = find_event(name, data);
    if (known.name.empty() && is_heartbeat(event_name(name, data))) return event_class::keepalive;
    if (known.classify == nullptr) return known.meaning;
    try {
        return known.classify(data, seen);
    } catch (...) {
        // The decoder reports what is wrong with it.
        return event_class::last;
    }
}

event_class classify(std::string_view name, std::string_view data) noexcept {
    return classify(name, data, pending_calls());
}

event_class classify_status(std::string_view, const pending_calls& seen) {
    return seen.status_repeats() ? event_class::keepalive : event_class::ordinary;
}

event_class classify_completed(std::string_view data, const pending_calls& seen) {
    return action_in(data, "completed", seen) ? event_class::action : event_class::last;
}

event_class classify_incomplete(std::string_view data, const pending_calls& seen) {
    return action_in(data, "incomplete", seen) ? event_class::action : event_class::last;
}

event_class classify_failed(std::string_view data, const pending_calls& seen) {
    const bool may_follow = seen.reason().empty() && !seen.has_failed_twice();
    return may_follow && !failure_reason(data) ? event_class::error : event_class::last;
}

event_class classify_error(std::string_view, const pending_calls& seen) {
    return seen.failed() ? event_class::last : event_class::error;
}

std::optional<std::int64_t> sequence_number_of(std::string_view data) noexcept {
    // As the last member, where some services put it, it is found from the end: what one brace follows
    // is nested in nothing.
    constexpr std::string_view key = "\"sequence_number\":";
    std::optional<std::string_view> text;
    if (data.ends_with('}')) {
        const std::size_t before = data.find_last_not_of("0123456789", data.size() - 2);
        if (before != data.npos && data.substr(0, before + 1).ends_with(key))
            text = data.substr(before + 1, data.size() - before - 2);
    }
    if (!text) text = json::find_member(data, "sequence_number");
    if (!text || text->empty() || text->size() > 18) return std::nullopt;
    std::int64_t number = 0;
    for (const char c : *text) {
        if (!ascii::is_digit(c)) return std::nullopt;
        number = number * 10 + (c - '0');
    }
    return number;
}

}  // namespace corun::codec::responses
