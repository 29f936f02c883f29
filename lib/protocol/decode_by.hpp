#pragma once
#include "json/reader.hpp"
#include "protocol/event_output.hpp"
#include "protocol/raw_event.hpp"
#include <corun/error.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <system_error>

/// How both protocols read events whose data is not what it should be.
///
/// Strict decoding refuses such an event. Otherwise one rule holds: what has a wrong shape counts as missing. So a
/// member costs nothing but itself, an event without what it is about says nothing and is `events::unknown`, and one
/// that ends the run by its name still does. `event::problem` says what is wrong.
namespace corun::codec {

/// The object of an event's data; nothing where there is none, which is a problem.
inline std::optional<json::object> object_of(json::reader& reader, const output& out) {
    std::optional<json::object> found;
    try {
        found = reader.object(out.wire().data, data_padding);
    } catch (const json::shape_error& wrong) {
        json::note_problem(wrong.what());
    }
    return found;
}

/// Stands for the object of an event that has none.
inline json::object no_members(json::reader& reader) {
    static const simdjson::padded_string empty(std::string_view("{}"));
    return reader.object(empty, simdjson::SIMDJSON_PADDING);
}

/// Decodes one event by `read()`, which adds to `out` what the event says. `name` is that of the event. When `strict`,
/// a problem is `errc::bad_event`, and nothing is added.
template <class Read>
std::error_code decode_by(Read read, output& out, std::string_view name, bool strict, std::string& problem) {
    const auto sentence = [name](std::string_view wrong) {
        return "the data of " + std::string(name.empty() ? "an event" : name) + ": " + std::string(wrong);
    };
    std::optional<json::lenient_scope> lenient;
    if (!strict) lenient.emplace();
    try {
        read();
    } catch (const json::shape_error& wrong) {
        out.discard();
        if (strict) {
            problem = sentence(wrong.what());
            return errc::bad_event;
        }
        lenient->note(wrong.what());
    }
    out.finish(strict || lenient->problem().empty() ? std::string() : sentence(lenient->problem()));
    return {};
}

}  // namespace corun::codec
