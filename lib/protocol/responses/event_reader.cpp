#include "protocol/responses/event_reader.hpp"

#include "json/find.hpp"
#include "protocol/decode_by.hpp"
#include "protocol/error_body.hpp"
#include "protocol/readers.hpp"
#include "protocol/responses/pending.hpp"

#include <utility>

namespace corun::codec::responses {
namespace {

using json::each_member;

/// A text of a call: JSON that is not wrapped in a string is one too.
void read_call_text(json::value source, std::optional<json_piece>& out) {
    out.reset();
    if (const auto inside = json::string_inside(source))
        out = piece_of(*inside);
    else if (!json::is_null(source))
        out = json_piece{json::raw(source), false};
}

/// Calls `use(object)` for the object that an event is about; false where there is none, which is a problem.
template <class Use>
bool with_object(json::object source, std::string_view name, Use use) {
    bool found = false;
    each_member(source, [&](std::string_view key, json::value member) {
        if (key != name) return;
        const auto object = json::object_if(member);
        if (!object) return json::expected(name, "an object");
        found = true;
        use(*object);
    });
    if (!found) json::missing(name);
    return found;
}

/// The type of the items that have such texts, as in `item_reference`.
std::string_view owner_type(text_kind kind, std::string_view call_type) noexcept {
    if (kind == text_kind::arguments) return call_type;
    return kind == text_kind::reasoning || kind == text_kind::summary ? "reasoning" : "message";
}

/// Calls have one text.
std::int32_t part_of(text_kind kind, std::int32_t index) noexcept {
    return kind == text_kind::arguments ? 0 : index;
}

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

event_reader::event_fields event_reader::read_fields() const {
    event_fields out;
    each_member(source_, [&](std::string_view key, json::value member) {
        if (!known_.member.empty() && key == known_.member) {
            if (known_.text == text_kind::arguments)
                read_call_text(member, out.text);
            else
                read_optional_string(member, key, out.text);
        } else if (key == "item_id") {
            read_optional_string(member, key, out.item_id);
        } else if (key == "output_index") {
            read_optional_index(member, out.output_index);
        } else if (key == "content_index" || key == "summary_index") {
            read_index(member, out.part_index);
        } else if (key == "annotation_index" || key == "partial_image_index") {
            read_index(member, out.number);
        }
    });
    if (out.item_id && out.item_id->text.empty()) out.item_id.reset();
    return out;
}

item_reference event_reader::reference_of(const event_fields& fields, std::string_view type) {
    item_reference reference;
    reference.type = type;
    reference.index = fields.output_index;
    if (!fields.item_id) return reference;
    reference.id = fields.item_id->text;
    if (!fields.item_id->escaped) return reference;
    unescaped_id_.clear();
    json::append_unescaped(unescaped_id_, fields.item_id->text);
    reference.id = unescaped_id_;
    return reference;
}

std::string_view event_reader::shown_id(const streamed_item& known, const event_fields& fields) {
    const bool same = fields.item_id && !fields.item_id->escaped && fields.item_id->text == known.id;
    return same ? fields.item_id->text : out_.keep(known.id);
}

void event_reader::read_delta() {
    const event_fields fields = read_fields();
    if (!fields.text) return json::missing(known_.member);
    const std::int32_t part = part_of(known_.text, fields.part_index);
    streamed_item& known = streamed_.find_for_piece(reference_of(fields, owner_type(known_.text, known_.call_type)),
                                                    known_.text, part, fields.text->text);
    streamed_text& text = known.text(known_.text, part);
    const std::string_view news = text.take(out_.view(*fields.text, text.half));
    if (is_text_event(known_)) streamed_.set_latest(known, text);
    items_.add_delta(known_.text, shown_id(known, fields), fields.part_index, news, known_.call_type);
}

void event_reader::read_whole() {
    const event_fields fields = read_fields();
    if (!fields.text || fields.text->text.empty()) return;
    std::string text;
    json::append_unescaped(text, fields.text->text);
    add_whole(fields, known_.text, text);
}

/// A text that comes whole is news where its pieces have not come.
void event_reader::add_whole(const event_fields& fields, text_kind kind, std::string_view text) {
    const std::vector<whole_text> whole{{kind, part_of(kind, fields.part_index), text}};
    streamed_item& known = streamed_.find_for_whole(reference_of(fields, owner_type(kind, known_.call_type)), whole);
    items_.add_missing(known, known.missing_of(whole, false));
    items_.add_missing(known, known.take_halves());
}

void event_reader::read_annotation() {
    text_annotation value;
    const event_fields fields = read_fields();
    json::checked(source_.reset());
    const bool found = with_object(source_, "annotation", [&value](json::object object) {
        value = {};
        responses::read(object, value);
    });
    if (!found) return;
    auto& added = out_.add<events::annotation>();
    added.message_id = streamed_.find_for_event(reference_of(fields, "message")).id;
    added.content_index = fields.part_index;
    added.index = fields.number;
    added.value = std::move(value);
}

void event_reader::read_part_added() {
    std::string type;
    const event_fields fields = read_fields();
    json::checked(source_.reset());
    with_object(source_, "part", [&type](json::object object) {
        each_member(object, [&type](std::string_view key, json::value member) {
            if (key == "type") json::read(member, type);
        });
    });
    if (type != "output_text" && type != "refusal") return;
    thread_message& message = out_.add<events::message_in_progress>().message;
    message.id = streamed_.find_for_event(reference_of(fields, "message")).id;
    message.role = "assistant";
    message.status = "in_progress";
    message.raw = out_.wire().data;
}

/// A part that is whole has its text, which may have come in pieces.
void event_reader::read_part_done() {
    std::string type, text;
    const event_fields fields = read_fields();
    json::checked(source_.reset());
    with_object(source_, "part", [&](json::object object) {
        each_member(object, [&](std::string_view key, json::value member) {
            if (key == "type") json::read(member, type);
            if (key == "text" || key == "refusal") json::read(member, text);
        });
    });
    if (text.empty()) return;
    constexpr std::pair<std::string_view, text_kind> kinds[] = {{"output_text", text_kind::text},
                                                                {"refusal", text_kind::refusal},
                                                                {"reasoning_text", text_kind::reasoning},
                                                                {"summary_text", text_kind::summary}};
    for (const auto& [name, kind] : kinds)
        if (type == name) add_whole(fields, kind, text);
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

void event_reader::read_step_in_progress() {
    const event_fields fields = read_fields();
    const std::string_view type = known_.call_type.empty() ? "mcp_list_tools" : known_.call_type;
    run_step& step = out_.add<events::step_in_progress>().step;
    step.id = streamed_.find_for_event(reference_of(fields, type)).id;
    step.status = "in_progress";
    step.raw = out_.wire().data;
    step.type = known_.call_type.empty() ? "activities" : "tool_calls";
    if (known_.call_type.empty()) return;
    tool_call& call = step.tool_calls.emplace_back();
    call.id = step.id;
    call.type = known_.call_type;
}

void event_reader::read_image_partial() {
    const event_fields fields = read_fields();
    if (!fields.text) return json::missing(known_.member);
    const std::string_view id = shown_id(streamed_.find_for_event(reference_of(fields, "image_generation")), fields);
    auto& partial = out_.add<events::image_partial>();
    partial.item_id = id;
    partial.index = fields.number;
    partial.base64 = out_.view(*fields.text);
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
    auto read = read_response(source_);
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
    if (lacks_reason(out_.wire().data)) {
        if (seen_.reason().empty()) return add_status(run);
        run.last_error = last_error_of(decode_stream_error(seen_.reason()));
    }
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
    if (seen_.failed().empty()) return;
    const simdjson::padded_string failed(seen_.failed());
    thread_run run = read_response_object(reader_.object(failed, simdjson::SIMDJSON_PADDING)).run;
    run.raw = seen_.failed();
    set_status(run, "failed");
    run.last_error = last_error_of(error);
    out_.add<events::run_failed>().run = std::move(run);
}

}  // namespace corun::codec::responses
