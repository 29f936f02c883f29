#include "protocol/responses/event_reader.hpp"

#include "json/find.hpp"
#include "protocol/error_body.hpp"
#include "protocol/readers.hpp"
#include "protocol/retry_hint.hpp"

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

void read_index_if(json::value source, std::int32_t& out) {
    if (!json::is_null(source)) out = read_index(source);
}

/// Calls `use(object)` for the object that an event is about.
template <class Use>
void with_object(json::object source, std::string_view name, Use use) {
    bool found = false;
    each_member(source, [&](std::string_view key, json::value member) {
        if (key != name) return;
        const auto object = json::object_if(member);
        if (!object) json::expected(name, "an object");
        found = true;
        use(*object);
    });
    if (!found) throw json::shape_error("\"" + std::string(name) + "\" is missing");
}

std::string_view or_else(std::string_view text, std::string_view other) noexcept {
    return text.empty() ? other : text;
}

/// `data` is that of the `error`, which may repeat what the HTTP headers of the refusal said.
void set_reason(thread_run& run, const events::stream_error& reason, std::string_view data) {
    last_error& error = run.last_error.emplace();
    error.code = or_else(reason.code, reason.type);
    error.message = reason.message;
    if (error.code != "rate_limit_exceeded") return;
    if (const auto nested = json::find_member(data, "error"); nested && nested->starts_with('{'))
        if (const auto headers = json::find_member(*nested, "headers")) error.retry_after = retry_hint_of(*headers);
    if (!error.retry_after) error.retry_after = retry_hint_in(error.message);
}

}  // namespace

response read_response(json::object source) {
    response read;
    with_object(source, "response", [&read](json::object object) {
        const std::string_view raw = json::raw(object);
        read = read_response_object(object);
        read.run.raw = raw;
    });
    return read;
}

void set_status(thread_run& run, std::string_view status) {
    if (!run.status_text.empty()) return;
    run.status_text = status;
    run.status = parse_run_state(status);
}

void event_reader::read() {
    // An error may be any text.
    if (known_.read != &event_reader::read_error) source_ = reader_.object(out_.wire().data, data_padding);
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
            read_index_if(member, out.output_index);
        } else if (key == "content_index" || key == "summary_index") {
            read_index_if(member, out.part_index);
        } else if (key == "annotation_index" || key == "partial_image_index") {
            read_index_if(member, out.number);
        }
    });
    if (out.item_id && out.item_id->text.empty()) out.item_id.reset();
    return out;
}

std::string_view event_reader::item_id(const event_fields& fields) {
    return fields.item_id ? out_.view(*fields.item_id) : out_.keep(id_from_place(fields.output_index));
}

void event_reader::read_delta() {
    const event_fields fields = read_fields();
    if (!fields.text) throw json::shape_error("\"" + std::string(known_.member) + "\" is missing");
    const std::string_view id = item_id(fields);
    streamed_.add(known_.text, id, part_of(fields));
    add_delta(known_.text, id, fields.part_index, out_.view(*fields.text));
}

std::string event_reader::event_fields::id() const {
    std::string id;
    if (!item_id) return id_from_place(output_index);
    json::append_unescaped(id, item_id->text);
    return id;
}

/// A text that comes whole is news only when nothing of it has come in pieces.
void event_reader::read_whole() {
    const event_fields fields = read_fields();
    if (!fields.text || fields.text->text.empty()) return;
    const std::string id = fields.id();
    if (streamed_.contain(known_.text, id, part_of(fields))) return;
    streamed_.add(known_.text, id, part_of(fields));
    add_delta(known_.text, item_id(fields), fields.part_index, out_.view(*fields.text));
}

/// Calls have one text.
std::int32_t event_reader::part_of(const event_fields& fields) const noexcept {
    return known_.text == text_kind::arguments ? 0 : fields.part_index;
}

void event_reader::add_delta(text_kind kind, std::string_view item, std::int32_t part, std::string_view text) {
    if (kind == text_kind::text) {
        auto& delta = out_.add<events::text_delta>();
        delta.text = text;
        delta.message_id = item;
        delta.content_index = part;
    } else if (kind == text_kind::refusal) {
        auto& delta = out_.add<events::refusal_delta>();
        delta.text = text;
        delta.message_id = item;
        delta.content_index = part;
    } else if (kind == text_kind::arguments) {
        auto& delta = out_.add<events::tool_call_delta>();
        delta.step_id = item;
        delta.type = known_.call_type;
        delta.arguments = text;
    } else {
        auto& delta = out_.add<events::reasoning_delta>();
        delta.text = text;
        delta.item_id = item;
        delta.content_index = part;
        delta.summary = kind == text_kind::summary;
    }
}

void event_reader::read_annotation() {
    text_annotation value;
    const event_fields fields = read_fields();
    json::checked(source_.reset());
    with_object(source_, "annotation", [&value](json::object object) {
        value = {};
        responses::read(object, value);
    });
    auto& added = out_.add<events::annotation>();
    added.message_id = fields.id();
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
    message.id = fields.id();
    message.role = "assistant";
    message.status = "in_progress";
    message.raw = out_.wire().data;
}

item event_reader::read_item_of_event() const {
    item read;
    std::int32_t place = 0;
    bool found = false;
    each_member(source_, [&](std::string_view key, json::value member) {
        if (key == "output_index") {
            read_index_if(member, place);
        } else if (key == "item") {
            const auto object = json::object_if(member);
            if (!object) json::expected(key, "an object");
            read = read_item(*object);
            found = true;
        }
    });
    if (!found) throw json::shape_error("\"item\" is missing");
    set_ids(read, place);
    return read;
}

void event_reader::read_item_added() {
    item added = read_item_of_event();
    if (added.status.empty()) added.status = "in_progress";
    if (is_message(added))
        out_.add<events::message_created>().message = message_of(added);
    else if (is_step(added))
        out_.add<events::step_created>().step = step_of(added);
}

void event_reader::read_item_done() {
    item done = read_item_of_event();
    if (is_message(done)) {
        if (done.status.empty() || done.status == "in_progress") done.status = "completed";
        add_texts(done, done.content, text_kind::text);
        out_.add<events::message_completed>().message = message_of(done);
    } else if (is_step(done)) {
        read_step_done(done);
    } else if (done.type == "reasoning") {
        add_texts(done, done.summary, text_kind::summary);
        add_texts(done, done.content, text_kind::reasoning);
    }
    streamed_.erase(done.id);
}

/// What has come neither in pieces nor as a whole.
void event_reader::add_texts(const item& source, const std::vector<message_content>& parts, text_kind kind) {
    for (std::size_t i = 0; i != parts.size(); ++i) {
        const message_content& part = parts[i];
        const auto index = static_cast<std::int32_t>(i);
        text_kind kind_of_part = kind;
        if (kind == text_kind::text && part.type == "refusal")
            kind_of_part = text_kind::refusal;
        else if (kind == text_kind::text && part.type != "text")
            continue;
        if (part.text.empty() || streamed_.contain(kind_of_part, source.id, index)) continue;
        if (kept_id_.empty()) kept_id_ = out_.keep(source.id);
        add_delta(kind_of_part, kept_id_, index, out_.keep(part.text));
    }
}

void event_reader::read_step_done(item& done) {
    // The steps of runs know fewer ways to end.
    if (done.error || done.status == "incomplete")
        done.status = "failed";
    else if (done.status != "failed" && done.status != "cancelled")
        done.status = "completed";
    run_step step = step_of(done);
    out_.add<events::step_completed>().step = step;
    if (done.type == "mcp_list_tools" && !done.error) {
        auto& listed = out_.add<events::mcp_tools_listed>();
        listed.step_id = done.id;
        listed.list = done.tools;
    } else if (done.type == "mcp_call" && done.call.output) {
        auto& called = out_.add<events::mcp_call>();
        called.step_id = done.id;
        called.call = done.call;
    }
}

void event_reader::read_step_in_progress() {
    const event_fields fields = read_fields();
    run_step& step = out_.add<events::step_in_progress>().step;
    step.id = fields.id();
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
    if (!fields.text) throw json::shape_error("\"" + std::string(known_.member) + "\" is missing");
    const std::string_view id = item_id(fields);
    auto& partial = out_.add<events::image_partial>();
    partial.item_id = id;
    partial.index = fields.number;
    partial.base64 = out_.view(*fields.text);
}

void event_reader::read_run_created() {
    const thread_run run = read_response(source_).run;
    auto& created = out_.add<events::run_created>();
    created.run_id = run.id;
    created.thread_id = run.thread_id;
    created.agent_id = run.agent_id;
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
    thread_run run = read_response(source_).run;
    const std::string_view name =
        json::plain_string(json::find_member(out_.wire().data, "type")).value_or(out_.wire().name);
    set_status(run, name.substr(name.rfind('.') + 1));
    add_status(run);
}

void event_reader::read_run_completed() {
    response read = read_response(source_);
    set_status(read.run, "completed");
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

void event_reader::read_run_failed() {
    thread_run run = read_response(source_).run;
    set_status(run, "failed");
    if (lacks_reason(out_.wire().data)) {
        if (seen_.reason().empty()) return add_status(run);
        set_reason(run, decode_stream_error(seen_.reason()), seen_.reason());
    }
    out_.add<events::run_failed>().run = std::move(run);
}

void event_reader::read_run_incomplete() {
    thread_run run = read_response(source_).run;
    set_status(run, "incomplete");
    out_.add<events::run_incomplete>().run = std::move(run);
}

void event_reader::read_run_cancelled() {
    thread_run run = read_response(source_).run;
    set_status(run, "cancelled");
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
    set_reason(run, error, out_.wire().data);
    out_.add<events::run_failed>().run = std::move(run);
}

}  // namespace corun::codec::responses
