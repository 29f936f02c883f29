// Fuzzes the decoder of the Responses protocol: both paths must agree, what is told must be UTF-8
// and lie in memory that the event holds, and classifying must not fail. The input is a stream.
#include "fuzz.hpp"
#include "protocol/responses/codec.hpp"
#include "protocol/responses/replay.hpp"
#include "text/utf8.hpp"
#include <corun/error.hpp>
#include <corun/event.hpp>
#include <corun/sse/parser.hpp>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace {

namespace codec = corun::codec;

using corun::fuzz::require;
using corun::fuzz::succeeds;

struct outcome {
    std::string said;
    std::vector<corun::event> events;
};

/// Decodes a copy of just the size that is promised, so that what reads past it is found.
outcome decode(codec::responses::decoder& decoder, std::string_view name, std::string_view data) {
    const auto bytes = std::make_shared<std::vector<char>>();
    bytes->insert(bytes->end(), name.begin(), name.end());
    bytes->insert(bytes->end(), data.begin(), data.end());
    bytes->resize(bytes->size() + codec::data_padding, '"');
    codec::raw_event wire;
    wire.name = {bytes->data(), name.size()};
    wire.data = {bytes->data() + name.size(), data.size()};
    wire.storage = bytes;

    outcome result;
    corun::event first;
    std::vector<corun::event> more;
    std::string problem;
    if (decoder.decode(std::move(wire), first, more, problem)) {
        require(!problem.empty(), "a refusal says nothing");
        result.said = problem;
        return result;
    }
    result.events.push_back(std::move(first));
    for (corun::event& each : more) result.events.push_back(std::move(each));
    for (const corun::event& each : result.events) {
        result.said += std::to_string(each.index()) + (each.continues() ? "+" : "");
        if (const auto* delta = each.get_if<corun::events::text_delta>()) {
            require(corun::utf8::is_well_formed(delta->text), "a text is not UTF-8");
            result.said.append(delta->message_id)
                .append(1, '\0')
                .append(delta->text)
                .append(std::to_string(delta->content_index));
        }
    }
    return result;
}

}  // namespace

void fuzz_one(std::string_view input) {
    corun::sse::parser parser;
    codec::responses::decoder fast, general;
    general.use_fast_path(false);
    codec::responses::pending_calls seen;
    codec::responses::replay told;
    parser.feed(input);
    while (const corun::sse::event* arrived = parser.next()) {
        seen.observe(arrived->type, arrived->data);
        static_cast<void>(codec::responses::classify(arrived->type, arrived->data, seen));
        static_cast<void>(codec::responses::sequence_number_of(arrived->data));
        const outcome one = decode(fast, arrived->type, arrived->data);
        require(one.said == decode(general, arrived->type, arrived->data).said, "the two paths agree");
        for (const corun::event& each : one.events) told.delivered(each);
        (void)succeeds([&] { static_cast<void>(told.events_of(arrived->data, fast.items())); });
    }
}
