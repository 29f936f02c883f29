#include "json/find.hpp"
#include "json/text.hpp"
#include "protocol/decode_by.hpp"
#include "protocol/error_body.hpp"
#include "protocol/event_access.hpp"
#include "protocol/event_output.hpp"
#include "protocol/heartbeat.hpp"
#include "protocol/readers.hpp"
#include "protocol/synthetic_events.hpp"
#include "protocol/text_delta_reader.hpp"
#include "protocol/threads/codec.hpp"
#include "protocol/threads/deltas.hpp"
#include "protocol/threads/objects.hpp"
#include "text/ascii.hpp"
#include <corun/error.hpp>

#include <utility>

namespace corun::codec::threads {
namespace {

using json::each_element;
using json::each_member;

void decode_thread_created(json::object source, output& out, streamed_items&) {
    std::string id;
    each_member(source, [&id](std::string_view key, json::value member) {
        if (key == "id") json::read_id(member, key, id);
    });
    if (id.empty()) return json::missing("id");
    out.add<events::thread_created>().thread_id = std::move(id);
}

thread_run read_run(json::object source, const output& out) {
    thread_run run;
    read(source, run);
    run.raw = out.wire().data;
    // A run that does not say its status has that of the event's name.
    constexpr std::string_view prefix = "thread.run.";
    if (run.status_text.empty() && out.wire().name.starts_with(prefix)) {
        run.status_text = out.wire().name.substr(prefix.size());
        run.status = parse_run_state(run.status_text);
    }
    // Some put the reason where other objects have it.
    if (run.status == run_state::failed && !run.last_error)
        if (const auto reason = json::find_member(out.wire().data, "error"); reason && *reason != "null")
            run.last_error = last_error_of(decode_stream_error(R"({"error":)" + std::string(*reason) + '}'));
    return run;
}

/// True for a run that does not even say which one it is.
bool is_anonymous(const thread_run& run) noexcept {
    return run.id.empty() && run.thread_id.empty();
}

void decode_run_status(json::object source, output& out, streamed_items&) {
    thread_run run = read_run(source, out);
    if (is_anonymous(run)) return;
    auto& body = out.add<events::run_status>();
    body.run_id = std::move(run.id);
    body.thread_id = std::move(run.thread_id);
    body.status = run.status;
    body.status_text = std::move(run.status_text);
}

void decode_run_created(json::object source, output& out, streamed_items& items) {
    thread_run run = read_run(source, out);
    if (is_anonymous(run)) return;
    items.clear();
    auto& body = out.add<events::run_created>();
    body.run_id = std::move(run.id);
    body.thread_id = std::move(run.thread_id);
    body.agent_id = std::move(run.agent_id);
}

void decode_action_required(json::object source, output& out, streamed_items&) {
    thread_run run = read_run(source, out);
    auto& body = out.add<events::action_required>();
    body.run_id = std::move(run.id);
    body.thread_id = std::move(run.thread_id);
    if (run.required_action) body.action = std::move(*run.required_action);
}

template <class Body>
void decode_run_end(json::object source, output& out, streamed_items& items) {
    end_texts(items, out);
    out.add<Body>().run = read_run(source, out);
}

/// The run that failed, or an error alone.
void decode_run_restarted(json::object source, output& out, streamed_items& items) {
    const std::string_view data = out.wire().data;
    if (json::find_member(data, "thread_id") || json::find_member(data, "last_error"))
        return decode_run_end<events::run_restarted>(source, out, items);
    thread_run& run = out.add<events::run_restarted>().run;
    run.status = run_state::failed;
    run.last_error = last_error_of(decode_stream_error(data));
    run.raw = data;
}

std::optional<thread_message> read_message(json::object source, const output& out) {
    thread_message message;
    read(source, message);
    if (message.id.empty() && message.content.empty()) return std::nullopt;
    message.raw = out.wire().data;
    return message;
}

template <class Body>
void decode_message_begin(json::object source, output& out, streamed_items& items) {
    auto message = read_message(source, out);
    if (!message) return;
    streamed_item& known = items.find_for_begin(message_reference(message->id));
    // What a message has when it begins is text like any other. It comes once.
    std::vector<missing_text> missing;
    if (!known.ended) missing = known.missing_of(whole_texts(*message), true);
    if (!missing.empty()) message->content.clear();
    message->id = known.id;
    out.add<Body>().message = std::move(*message);
    add_missing(known, std::move(missing), out);
}

/// A whole message has texts that may have come in pieces.
void decode_message_end(json::object source, output& out, streamed_items& items) {
    auto message = read_message(source, out);
    if (!message) return;
    const std::vector<whole_text> texts = whole_texts(*message);
    streamed_item& known = items.find_for_whole(message_reference(message->id), texts);
    add_missing(known, known.missing_of(texts, true), out);
    add_missing(known, known.take_halves(), out);
    known.ended = true;
    message->id = known.id;
    out.add<events::message_completed>().message = std::move(*message);
}

/// A step, and what it holds as events of their own.
template <class Body>
void decode_step_event(json::object source, output& out, streamed_items& items) {
    run_step read_step;
    read(source, read_step);
    if (read_step.id.empty() && read_step.tool_calls.empty() && read_step.mcp_tools.empty()) return;
    read_step.raw = out.wire().data;
    constexpr bool ends = std::is_same_v<Body, events::step_completed>;
    const item_reference reference = step_reference(read_step.id);
    streamed_item& known = ends ? items.find_for_event(reference) : items.find_for_begin(reference);
    if (ends) add_missing(known, known.take_halves(), out);
    known.ended = known.ended || ends;
    // A step that is shown again is the same one, and one with another id is another.
    known.begins_again = false;
    known.uses = 2;
    read_step.id = known.id;
    run_step& step = out.add<Body>().step;
    step = std::move(read_step);
    for (const mcp_tool_list& list : step.mcp_tools) {
        auto& listed = out.add<events::mcp_tools_listed>();
        listed.step_id = step.id;
        listed.list = list;
    }
    if constexpr (ends) {
        for (const tool_call& call : step.tool_calls) {
            if (call.type != "mcp" || !call.output) continue;
            auto& called = out.add<events::mcp_call>();
            called.step_id = step.id;
            called.call = call;
        }
    }
}

/// Nothing is known for sure about the form of an error: whatever it is, it is an error.
void read_stream_error(json::reader&, output& out, streamed_items&) {
    out.add<events::stream_error>() = decode_stream_error(out.wire().data);
}

template <class Body>
void decode_own(json::reader&, output& out, streamed_items&) {
    out.add<Body>() = decode_synthetic<Body>(out.wire().data);
}

/// Decodes data that must be a JSON object.
template <void (*Decode)(json::object, output&, streamed_items&)>
void object(json::reader& reader, output& out, streamed_items& items) {
    if (const auto source = object_of(reader, out)) Decode(*source, out, items);
}
/// The same where the event's name alone says how the run goes on.
template <void (*Decode)(json::object, output&, streamed_items&)>
void object_if_any(json::reader& reader, output& out, streamed_items& items) {
    const auto source = object_of(reader, out);
    Decode(source ? *source : no_members(reader), out, items);
}

struct known_event {
    std::string_view name;
    event_class meaning = event_class::ordinary;
    void (*decode)(json::reader&, output&, streamed_items&) = nullptr;  ///< Null: its data does not matter.
};

/// The frequent ones first: the table is searched in order.
constexpr known_event known_events[] = {
    {"thread.message.delta", event_class::ordinary, object<decode_message_delta>},
    {"thread.run.step.delta", event_class::ordinary, object<decode_step_delta>},
    {"thread.created", event_class::ordinary, object<decode_thread_created>},
    {"thread.run.created", event_class::ordinary, object<decode_run_created>},
    {"thread.run.queued", event_class::ordinary, object<decode_run_status>},
    {"thread.run.in_progress", event_class::ordinary, object<decode_run_status>},
    {"thread.run.cancelling", event_class::ordinary, object<decode_run_status>},
    {"thread.run.requires_action", event_class::action, object_if_any<decode_action_required>},
    {"thread.run.completed", event_class::last, object_if_any<decode_run_end<events::run_completed>>},
    {"thread.run.incomplete", event_class::last, object_if_any<decode_run_end<events::run_incomplete>>},
    {"thread.run.failed", event_class::last, object_if_any<decode_run_end<events::run_failed>>},
    {"thread.run.cancelled", event_class::last, object_if_any<decode_run_end<events::run_cancelled>>},
    {"thread.run.expired", event_class::last, object_if_any<decode_run_end<events::run_expired>>},
    {"thread.run.step.created", event_class::ordinary, object<decode_step_event<events::step_created>>},
    {"thread.run.step.in_progress", event_class::ordinary, object<decode_step_event<events::step_in_progress>>},
    {"thread.run.step.completed", event_class::ordinary, object<decode_step_event<events::step_completed>>},
    {"thread.run.step.failed", event_class::ordinary, object<decode_step_event<events::step_completed>>},
    {"thread.run.step.cancelled", event_class::ordinary, object<decode_step_event<events::step_completed>>},
    {"thread.run.step.expired", event_class::ordinary, object<decode_step_event<events::step_completed>>},
    {"thread.message.created", event_class::ordinary, object<decode_message_begin<events::message_created>>},
    {"thread.message.in_progress", event_class::ordinary, object<decode_message_begin<events::message_in_progress>>},
    {"thread.message.completed", event_class::ordinary, object<decode_message_end>},
    {"thread.message.incomplete", event_class::ordinary, object<decode_message_end>},
    {"error", event_class::error, read_stream_error},
    {"done", event_class::end_of_stream},
    {"keepalive", event_class::keepalive},
    {run_restarted_name, event_class::ordinary, object<decode_run_restarted>},
    {reattached_name, event_class::ordinary, decode_own<events::reattached>},
    {function_called_name, event_class::ordinary, decode_own<events::function_called>},
    {approval_decided_name, event_class::ordinary, decode_own<events::approval_decided>},
    {mcp_tools_listed_name, event_class::ordinary, decode_own<events::mcp_tools_listed>},
    {mcp_call_name, event_class::ordinary, decode_own<events::mcp_call>},
};
constexpr const known_event& text_event = known_events[0];
constexpr known_event unknown_event{};

constexpr std::string_view end_of_stream_data = "[DONE]";

constexpr known_event bare_error{"error", event_class::error, read_stream_error};
constexpr known_event heartbeat{{}, event_class::keepalive};

const known_event& find_event(std::string_view name) noexcept {
    for (const known_event& known : known_events)
        if (known.name == name) return known;
    return unknown_event;
}

/// The event that brings such an object in such a status.
const known_event& find_event_of(std::string_view object, std::string_view status) noexcept {
    if (object == "thread") return find_event("thread.created");
    for (const known_event& known : known_events) {
        const std::string_view name = known.name;
        if (name == object) return known;
        if (name.size() == object.size() + 1 + status.size() && name.starts_with(object) && name.ends_with(status) &&
            name[object.size()] == '.')
            return known;
    }
    return unknown_event;
}

const known_event& find_event(std::string_view name, std::string_view data) noexcept {
    if (is_text_delta(name)) return text_event;
    if (const known_event& known = find_event(name); !known.name.empty()) return known;
    if (is_heartbeat(name)) return heartbeat;
    const auto text_of = [data](std::string_view key) {
        return json::plain_string(json::find_member(data, key)).value_or(std::string_view());
    };
    // Without a name that is known, an event goes by what it is about.
    const bool has_name = !name.empty() && name != "message";
    if (!has_name && is_heartbeat(text_of("type"))) return heartbeat;
    if (const std::string_view object = text_of("object"); object.starts_with("thread"))
        if (const known_event& known = find_event_of(object, text_of("status")); !known.name.empty()) return known;
    return !has_name && is_bare_error(data) ? bare_error : unknown_event;
}

/// The text of a text delta with one part.
std::optional<std::string_view> text_in(std::string_view data) noexcept {
    auto value = json::find_only_member(data, "delta");
    if (value) value = json::find_only_member(*value, "content");
    if (!value || !value->starts_with('[')) return std::nullopt;
    value = json::find_only_member(value->substr(1), "text");
    return value ? json::find_only_member(*value, "value") : std::nullopt;
}

}  // namespace

event_class classify(std::string_view name, std::string_view data) noexcept {
    return data == end_of_stream_data ? event_class::end_of_stream : find_event(name, data).meaning;
}

std::vector<std::string_view> known_event_names() {
    std::vector<std::string_view> names;
    for (const known_event& known : known_events) names.push_back(known.name);
    return names;
}

std::string_view event_name(std::string_view name, std::string_view data) noexcept {
    const known_event& known = find_event(name, data);
    return known.name.empty() ? name : known.name;
}

struct decoder::impl {
    streamed_items streamed;
    bool fast_path = true, strict = false;
    text_delta_reader text_deltas;
};

decoder::decoder() : impl_(std::make_unique<impl>()) {}
decoder::~decoder() = default;
decoder::decoder(decoder&&) noexcept = default;
decoder& decoder::operator=(decoder&&) noexcept = default;

decoder decoder::fork() const {
    decoder other;
    other.impl_->streamed = impl_->streamed;
    other.impl_->fast_path = impl_->fast_path;
    other.impl_->strict = impl_->strict;
    return other;
}

const streamed_items& decoder::items() const noexcept {
    return impl_->streamed;
}

void decoder::restore(streamed_items items) {
    impl_->streamed = std::move(items);
    impl_->text_deltas = text_delta_reader();
}

const delta_shape& decoder::text_shape() const noexcept {
    return impl_->text_deltas.shape();
}

void decoder::use_fast_path(bool enabled) noexcept {
    impl_->fast_path = enabled;
}

void decoder::be_strict(bool enabled) noexcept {
    impl_->strict = enabled;
}

std::error_code decoder::decode(raw_event&& wire, event& first, std::vector<event>& more, std::string& problem) {
    // Only a text delta has the shape of one.
    if (wire.shaped.shape != 0 && impl_->fast_path && impl_->text_deltas.read(wire, first, impl_->streamed)) return {};
    const known_event& known = find_event(wire.name, wire.data);
    if (&known == &text_event && impl_->fast_path && impl_->text_deltas.read(wire, first, impl_->streamed)) return {};

    output out(wire, first, more);
    json::reader reader;
    const auto read = [&] {
        if (known.decode != nullptr && wire.data != end_of_stream_data) known.decode(reader, out, impl_->streamed);
    };
    const std::error_code code = decode_by(read, out, wire.name, impl_->strict, problem);
    if (&known == &text_event && impl_->text_deltas.begins_to_learn())
        impl_->text_deltas.learn(wire, first, more, text_in(wire.data), json::find_only_member(wire.data, "id"));
    return code;
}

}  // namespace corun::codec::threads
