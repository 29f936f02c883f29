#include "protocol/responses/event_reader.hpp"

#include "json/find.hpp"
#include "protocol/decode_by.hpp"
#include "protocol/error_body.hpp"
#include "protocol/readers.hpp"
#include "protocol/responses/failure_reason.hpp"
#include "protocol/responses/pending.hpp"

#include <utility>

namespace corun::codec::responses {
namespace {

using json::each_member;

}  // namespace

std::optional<response> read_response(json::object source) {
    std::optional<response> read;
    with_object(source, "response", [&read](json::object object) {
        const std::string_view raw = json::raw(object);
        read = read_response_object(object);
        read->run.raw = raw;
    });
    return read;
}

void set_status(thread_run& run, std::string_view status) {
    if (!run.status_text.empty()) return;
    run.status_text = status;
    run.status = parse_run_state(status);
}

response read_last_response(json::object source, std::string_view status) {
    response read = read_response(source).value_or(response());
    if (!is_terminal(read.run.status)) read.run.status_text.clear();
    set_status(read.run, status);
    return read;
}

void event_reader::read() {
    // An error may be any text.
    if (known_.read == &event_reader::read_error) return read_error();
    if (const auto source = object_of(reader_, out_))
        source_ = *source;
    else if (ends_run(known_))
        source_ = no_members(reader_);
    else
        return;
    (this->*known_.read)();
}

std::optional<item> event_reader::read_item_of_event(std::optional<std::int32_t>& place) const {
    std::optional<item> read;
    each_member(source_, [&](std::string_view key, json::value member) {
        if (key == "output_index") {
            read_optional_index(member, place);
        } else if (key == "item") {
            const auto object = json::object_if(member);
            if (!object) return json::expected(key, "an object");
            read = read_item(*object);
        }
    });
    if (!read) json::missing("item");
    return read;
}

void event_reader::read_item_added() {
    std::optional<std::int32_t> place;
    if (auto added = read_item_of_event(place)) items_.begin(std::move(*added), place);
}

void event_reader::read_item_done() {
    std::optional<std::int32_t> place;
    if (auto done = read_item_of_event(place)) items_.end(std::move(*done), place);
}

void event_reader::read_run_created() {
    const auto read = read_response(source_);
    if (!read) return;
    auto& created = out_.add<events::run_created>();
    created.run_id = read->run.id;
    created.thread_id = read->run.thread_id;
    created.agent_id = read->run.agent_id;
    streamed_.clear();
}

void event_reader::add_status(const thread_run& run) {
    auto& status = out_.add<events::run_status>();
    status.run_id = run.id;
    status.thread_id = run.thread_id;
    status.status = run.status;
    status.status_text = run.status_text;
}

void event_reader::read_run_status() {
    // A heartbeat of some services, which says the status alone.
    const bool is_bare = !json::find_member(out_.wire().data, "response");
    auto read = is_bare ? std::optional<response>(response()) : read_response(source_);
    if (!read) return;
    set_status(read->run, known_.name.substr(known_.name.rfind('.') + 1));
    add_status(read->run);
}

/// The end of a response that may leave something to do.
void event_reader::read_run_end() {
    response read = read_last_response(source_, known_.status);
    items_.end_all(read.output, read.run.status == run_state::completed);
    set_action(read, seen_.items());
    thread_run& run = read.run;
    if (run.required_action) {
        auto& waits = out_.add<events::action_required>();
        waits.run_id = std::move(run.id);
        waits.thread_id = std::move(run.thread_id);
        waits.action = std::move(*run.required_action);
    } else if (run.status == run_state::incomplete) {
        out_.add<events::run_incomplete>().run = std::move(run);
    } else if (run.status == run_state::failed) {
        out_.add<events::run_failed>().run = std::move(run);
    } else if (run.status == run_state::cancelled) {
        out_.add<events::run_cancelled>().run = std::move(run);
    } else {
        out_.add<events::run_completed>().run = std::move(run);
    }
}

/// A run that did not complete.
thread_run event_reader::read_end(std::string_view status) {
    response read = read_last_response(source_, status);
    items_.end_all(read.output, false);
    return std::move(read.run);
}

void event_reader::read_run_failed() {
    thread_run run = read_end("failed");
    if (!run.last_error || (run.last_error->code.empty() && run.last_error->message.empty()))
        run.last_error = failure_reason(out_.wire().data);
    if (!run.last_error && !seen_.reason().empty()) run.last_error = last_error_of(decode_stream_error(seen_.reason()));
    // The reason may follow, once.
    if (!run.last_error && !seen_.failed()) return add_status(run);
    out_.add<events::run_failed>().run = std::move(run);
}

void event_reader::read_run_cancelled() {
    thread_run run = read_end("cancelled");
    out_.add<events::run_cancelled>().run = std::move(run);
}

/// The stream's error, and the end of a run that has failed for it.
void event_reader::read_error() {
    const events::stream_error error = decode_stream_error(out_.wire().data);
    out_.add<events::stream_error>() = error;
    if (!seen_.failed()) return;
    const simdjson::padded_string failed(*seen_.failed());
    thread_run run;
    try {
        run = read_last_response(reader_.object(failed, simdjson::SIMDJSON_PADDING), "failed").run;
    } catch (const json::shape_error&) {
        // It was reported with that event.
        set_status(run, "failed");
    }
    run.last_error = last_error_of(error);
    out_.add<events::run_failed>().run = std::move(run);
}

}  // namespace corun::codec::responses
