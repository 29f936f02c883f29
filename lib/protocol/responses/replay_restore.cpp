// A response that another process has begun to read.
#include "json/reader.hpp"
#include "protocol/received_items.hpp"
#include "protocol/responses/item_events.hpp"
#include "protocol/responses/item_types.hpp"
#include "protocol/responses/objects.hpp"
#include "protocol/responses/replay.hpp"
#include <corun/error.hpp>

#include <algorithm>
#include <optional>
#include <utility>

namespace corun::codec::responses {
namespace {

using detail::received_item;
using detail::received_text;

response read_whole(std::string_view text) {
    const simdjson::padded_string padded(text);
    const json::lenient_scope lenient;
    json::reader reader;
    try {
        return read_response_object(reader.object(padded, simdjson::SIMDJSON_PADDING));
    } catch (const json::shape_error&) {
        throw error(errc::bad_response, "the service's response is not a JSON object");
    }
}

/// An item that has events of its own.
bool is_shown(const item& source) noexcept {
    return is_message(source) || is_step(source) || source.type == oauth_consent_request;
}

/// The output of a call has come if the call has, with its output.
std::optional<received_item> find_output(const std::vector<item>& output, const item& source,
                                         const std::vector<std::optional<received_item>>& found) {
    for (std::size_t i = 0; i != output.size(); ++i) {
        const bool is_its_call = is_call(output[i].type) && output[i].call_id == source.call_id;
        if (is_its_call && found[i] && found[i]->completed && !found[i]->lacks_output) return found[i];
    }
    return std::nullopt;
}

}  // namespace

void replay::restore(const detail::run_progress& received, std::string_view text, streamed_items& items) {
    response now = read_whole(text);
    std::vector<listed_item> list;
    std::vector<std::size_t> places;
    for (std::size_t i = 0; i != now.output.size(); ++i) {
        item& each = now.output[i];
        set_ids(each, static_cast<std::int64_t>(i));
        if (!is_shown(each)) continue;
        list.emplace_back(each.id, !is_message(each));
        places.push_back(i);
    }
    const auto found_in_list = find_received(received, list);
    std::vector<std::optional<received_item>> found(now.output.size());
    for (std::size_t i = 0; i != places.size(); ++i) found[places[i]] = found_in_list[i];

    created_ = received.status.created;
    status_ = received.status.in_progress ? "in_progress" : received.status.queued ? "queued" : "";
    for (std::size_t i = 0; i != now.output.size(); ++i) {
        const item& each = now.output[i];
        if (is_output(each))
            found[i] = find_output(now.output, each, found);
        else if (!is_shown(each))
            // What only asks for something is shown by the action.
            found[i].emplace(0, true).completed = true;
        if (!found[i]) continue;
        const bool in_part =
            is_step(each) && received.is_in_step() && found[i]->completed && found[i]->hash == received.latest.step;
        const auto place = static_cast<std::int32_t>(i);
        streamed_item& known = items.add_from_list(reference_to(each, place, {}));
        known.announced = found[i]->begun || found[i]->completed;
        known.ended = found[i]->completed && !in_part;
        if (found[i]->completed) (void)known.missing_of(whole_texts(each), true);
        for (const received_text& part : found[i]->texts) known.texts().emplace_back(part.kind, part.part, part.mark);
    }
}

}  // namespace corun::codec::responses
