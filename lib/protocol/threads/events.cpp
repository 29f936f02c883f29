#include "json/find.hpp"
#include "json/text.hpp"
#include "protocol/decode_by.hpp"
#include "protocol/error_body.hpp"
#include "protocol/event_access.hpp"
#include "protocol/event_output.hpp"
#include "protocol/readers.hpp"
#include "protocol/synthetic_events.hpp"
#include "protocol/threads/codec.hpp"
#include "protocol/threads/objects.hpp"
#include "protocol/threads/text_delta.hpp"
#include "text/ascii.hpp"
#include <corun/error.hpp>

#include <cstring>
#include <utility>

namespace corun::codec::threads {
namespace {

using json::each_element;
using json::each_member;

bool decode_text_delta(raw_event& wire, event& out) {
    text_delta_scanner scanner(wire.data);
    if (!scanner.scan()) return false;
    std::string_view text = scanner.text;
    if (scanner.escaped) {
        auto unescaped = std::make_shared<unescaped_text>(std::move(wire.storage), text.size());
        json::append_unescaped(unescaped->text, text);
        text = unescaped->text;
        wire.storage = std::move(unescaped);
    }
    auto& delta = detail::event_access::emplace<events::text_delta>(out, wire.name, wire.data, std::move(wire.storage));
    delta.text = text;
    delta.message_id = scanner.id;
    delta.content_index = scanner.index;
    return true;
}

/// One part of the `content` of a message delta.
struct content_delta {
    std::int32_t index = 0;
    std::optional<json_piece> text, refusal, image;
    std::vector<std::pair<std::int32_t, text_annotation>> annotations;
};

void read_annotations(json::value source, content_delta& out) {
    out.annotations.clear();
    const auto elements = json::array_in(source, "annotations");
    if (!elements) return;
    each_element(*elements, [&out](json::value element) {
        auto members = json::object_in(element, "annotations[]");
        if (!members) return;
        auto& [index, annotation] = out.annotations.emplace_back();
        index = static_cast<std::int32_t>(out.annotations.size() - 1);
        each_member(*members, [&index = index](std::string_view key, json::value member) {
            if (key == "index") read_index(member, index);
        });
        json::checked(members->reset());
        read(*members, annotation);
    });
}

void read_content_delta(json::object source, content_delta& out) {
    each_member(source, [&out](std::string_view key, json::value member) {
        if (key == "index") {
            read_index(member, out.index);
        } else if (key == "refusal") {
            read_optional_string(member, key, out.refusal);
        } else if (key == "image_file") {
            const auto image = json::object_in(member, key);
            if (!image) return;
            each_member(*image, [&out](std::string_view name, json::value part) {
                if (name == "file_id") read_optional_string(part, name, out.image);
            });
        } else if (key == "text") {
            const auto text = json::object_in(member, key);
            if (!text) return;
            each_member(*text, [&out](std::string_view name, json::value part) {
                if (name == "value")
                    read_optional_string(part, name, out.text);
                else if (name == "annotations")
                    read_annotations(part, out);
            });
        }
    });
}

void add_content_delta(json_piece message_id, content_delta& part, std::string_view message, output& out) {
    if (part.text) {
        auto& delta = out.add<events::text_delta>();
        delta.text = out.view(*part.text);
        delta.message_id = message;
        delta.content_index = part.index;
    }
    for (auto& [index, value] : part.annotations) {
        auto& added = out.add<events::annotation>();
        json::append_unescaped(added.message_id, message_id.text);
        added.content_index = part.index;
        added.index = index;
        added.value = std::move(value);
    }
    if (part.image) {
        auto& delta = out.add<events::image_delta>();
        delta.file_id = out.view(*part.image);
        delta.message_id = message;
        delta.content_index = part.index;
    }
    if (part.refusal) {
        auto& delta = out.add<events::refusal_delta>();
        delta.text = out.view(*part.refusal);
        delta.message_id = message;
        delta.content_index = part.index;
    }
}

/// The `id` and `delta` that both kinds of delta have; nothing without a delta.
template <class Read>
std::optional<json_piece> read_delta(json::object source, Read read_delta_member) {
    std::optional<json_piece> id;
    bool has_delta = false;
    each_member(source, [&](std::string_view key, json::value member) {
        if (key == "id") {
            const auto inside = json::string_inside(member);
            if (!inside) return json::expected(key, "a string");
            id = piece_of(*inside);
        } else if (key == "delta") {
            const auto delta = json::object_if(member);
            if (!delta) return json::expected(key, "an object");
            has_delta = true;
            each_member(*delta, read_delta_member);
        }
    });
    if (!id) json::missing("id");
    if (!has_delta) json::missing("delta");
    return has_delta ? id.value_or(json_piece()) : std::optional<json_piece>();
}

void decode_message_delta(json::object source, output& out) {
    std::vector<content_delta> parts;
    const auto id = read_delta(source, [&parts](std::string_view key, json::value member) {
        if (key != "content") return;
        parts.clear();
        const auto elements = json::array_in(member, key);
        if (!elements) return;
        each_element(*elements, [&parts](json::value element) {
            const auto members = json::object_if(element);
            if (!members) return json::expected("content[]", "an object");
            content_delta& part = parts.emplace_back();
            part.index = static_cast<std::int32_t>(parts.size() - 1);
            read_content_delta(*members, part);
        });
    });
    if (!id) return;
    const std::string_view message = out.view(*id);
    for (content_delta& part : parts) add_content_delta(*id, part, message, out);
}

void decode_step_delta(json::object source, output& out) {
    std::vector<call_fields> calls;
    std::optional<json_piece> details_type;
    const auto id = read_delta(source, [&](std::string_view key, json::value member) {
        if (key != "step_details") return;
        calls.clear();
        const auto details = json::object_in(member, key);
        if (!details) return;
        each_member(*details, [&](std::string_view name, json::value part) {
            if (name == "type") {
                read_optional_string(part, name, details_type);
            } else if (name == "tool_calls") {
                calls.clear();
                const auto elements = json::array_in(part, name);
                if (!elements) return;
                each_element(*elements, [&calls](json::value element) {
                    const auto members = json::object_if(element);
                    if (!members) return json::expected("tool_calls[]", "an object");
                    call_fields& call = calls.emplace_back(read_call(*members));
                    if (!call.index) call.index = static_cast<std::int64_t>(calls.size() - 1);
                });
            }
        });
    });
    if (!id) return;
    // Details of type mcp or openapi hold calls of that type only.
    const bool details_name_type = details_type && (details_type->text == "mcp" || details_type->text == "openapi");
    const std::string_view step = out.view(*id);
    for (const call_fields& call : calls) {
        const auto index = static_cast<std::int32_t>(*call.index);
        auto& delta = out.add<events::tool_call_delta>();
        delta.step_id = step;
        delta.index = index;
        delta.id = out.view(call.id);
        delta.type = details_name_type && !call.type ? details_type->text : out.view(call.type);
        delta.name = out.view(call.name);
        delta.server_label = out.view(call.server_label);
        delta.arguments = out.view(call.arguments);
        delta.output = out.view(call.output);
        delta.agent_id = out.view(call.agent_id);
        delta.thread_id = out.view(call.thread_id);
        delta.run_id = out.view(call.run_id);
        // The first output goes with the call, the others on their own.
        bool first = true;
        for (const call_output& piece : call.outputs) {
            auto& target = std::exchange(first, false) ? delta : out.add<events::tool_call_delta>();
            target.step_id = step;
            target.index = index;
            target.output_index = piece.index;
            target.output = out.view(piece.logs);
            target.file_id = out.view(piece.file_id);
        }
    }
}

void decode_thread_created(json::object source, output& out) {
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
    return run;
}

/// True for a run that does not even say which one it is.
bool is_anonymous(const thread_run& run) noexcept {
    return run.id.empty() && run.thread_id.empty();
}

void decode_run_status(json::object source, output& out) {
    thread_run run = read_run(source, out);
    if (is_anonymous(run)) return;
    auto& body = out.add<events::run_status>();
    body.run_id = std::move(run.id);
    body.thread_id = std::move(run.thread_id);
    body.status = run.status;
    body.status_text = std::move(run.status_text);
}

void decode_run_created(json::object source, output& out) {
    thread_run run = read_run(source, out);
    if (is_anonymous(run)) return;
    auto& body = out.add<events::run_created>();
    body.run_id = std::move(run.id);
    body.thread_id = std::move(run.thread_id);
    body.agent_id = std::move(run.agent_id);
}

void decode_action_required(json::object source, output& out) {
    thread_run run = read_run(source, out);
    auto& body = out.add<events::action_required>();
    body.run_id = std::move(run.id);
    body.thread_id = std::move(run.thread_id);
    if (run.required_action) body.action = std::move(*run.required_action);
}

template <class Body>
void decode_run_end(json::object source, output& out) {
    out.add<Body>().run = read_run(source, out);
}

/// The run that failed, or an error alone.
void decode_run_restarted(json::object source, output& out) {
    const std::string_view data = out.wire().data;
    if (json::find_member(data, "thread_id") || json::find_member(data, "last_error"))
        return decode_run_end<events::run_restarted>(source, out);
    thread_run& run = out.add<events::run_restarted>().run;
    run.status = run_state::failed;
    run.last_error = last_error_of(decode_stream_error(data));
    run.raw = data;
}

template <class Body>
void decode_message_event(json::object source, output& out) {
    thread_message message;
    read(source, message);
    if (message.id.empty() && message.content.empty()) return;
    message.raw = out.wire().data;
    out.add<Body>().message = std::move(message);
}

/// A step, and what it holds as events of their own.
template <class Body>
void decode_step_event(json::object source, output& out) {
    run_step read_step;
    read(source, read_step);
    if (read_step.id.empty() && read_step.tool_calls.empty() && read_step.mcp_tools.empty()) return;
    read_step.raw = out.wire().data;
    run_step& step = out.add<Body>().step;
    step = std::move(read_step);
    for (const mcp_tool_list& list : step.mcp_tools) {
        auto& listed = out.add<events::mcp_tools_listed>();
        listed.step_id = step.id;
        listed.list = list;
    }
    if constexpr (std::is_same_v<Body, events::step_completed>) {
        for (const tool_call& call : step.tool_calls) {
            if (call.type != "mcp" || !call.output) continue;
            auto& called = out.add<events::mcp_call>();
            called.step_id = step.id;
            called.call = call;
        }
    }
}

/// Nothing is known for sure about the form of an error: whatever it is, it is an error.
void read_stream_error(json::reader&, output& out) {
    out.add<events::stream_error>() = decode_stream_error(out.wire().data);
}

template <class Body>
void decode_own(json::reader&, output& out) {
    out.add<Body>() = decode_synthetic<Body>(out.wire().data);
}

/// Decodes data that must be a JSON object.
template <void (*Decode)(json::object, output&)>
void object(json::reader& reader, output& out) {
    if (const auto source = object_of(reader, out)) Decode(*source, out);
}
/// The same where the event's name alone says how the run goes on.
template <void (*Decode)(json::object, output&)>
void object_if_any(json::reader& reader, output& out) {
    const auto source = object_of(reader, out);
    Decode(source ? *source : no_members(reader), out);
}

struct known_event {
    std::string_view name;
    event_class meaning = event_class::ordinary;
    void (*decode)(json::reader&, output&) = nullptr;  ///< Null: its data does not matter.
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
    {"thread.message.created", event_class::ordinary, object<decode_message_event<events::message_created>>},
    {"thread.message.in_progress", event_class::ordinary, object<decode_message_event<events::message_in_progress>>},
    {"thread.message.completed", event_class::ordinary, object<decode_message_event<events::message_completed>>},
    {"thread.message.incomplete", event_class::ordinary, object<decode_message_event<events::message_completed>>},
    {"error", event_class::error, read_stream_error},
    {"done", event_class::end_of_stream},
    {"keepalive", event_class::keepalive},
    {run_restarted_name, event_class::ordinary, object<decode_run_restarted>},
    {reattached_name, event_class::ordinary, decode_own<events::reattached>},
    {function_called_name, event_class::ordinary, decode_own<events::function_called>},
    {approval_decided_name, event_class::ordinary, decode_own<events::approval_decided>},
};
constexpr const known_event& text_event = known_events[0];
constexpr known_event unknown_event{};

constexpr std::string_view end_of_stream_data = "[DONE]";

constexpr known_event bare_error{"error", event_class::error, read_stream_error};

const known_event& find_event(std::string_view name, std::string_view data) noexcept {
    if (name.size() == text_event.name.size() &&
        std::memcmp(name.data(), text_event.name.data(), text_event.name.size()) == 0)
        return text_event;
    for (const known_event& known : known_events)
        if (known.name == name) return known;
    return (name.empty() || name == "message") && is_bare_error(data) ? bare_error : unknown_event;
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

struct decoder::impl {
    json::reader reader;
    bool fast_path = true, strict = false;
};

decoder::decoder() : impl_(std::make_unique<impl>()) {}
decoder::~decoder() = default;
decoder::decoder(decoder&&) noexcept = default;
decoder& decoder::operator=(decoder&&) noexcept = default;

void decoder::use_fast_path(bool enabled) noexcept {
    impl_->fast_path = enabled;
}

void decoder::be_strict(bool enabled) noexcept {
    impl_->strict = enabled;
}

std::error_code decoder::decode(raw_event wire, event& first, std::vector<event>& more, std::string& problem) {
    const known_event& known = find_event(wire.name, wire.data);
    if (&known == &text_event && impl_->fast_path && decode_text_delta(wire, first)) return {};

    output out(wire, first, more);
    const auto read = [&] {
        if (known.decode != nullptr && wire.data != end_of_stream_data) known.decode(impl_->reader, out);
    };
    return decode_by(read, out, wire.name, impl_->strict, problem);
}

}  // namespace corun::codec::threads
