#include "json/text.hpp"
#include "protocol/common.hpp"
#include "protocol/event_access.hpp"
#include "protocol/event_output.hpp"
#include "protocol/synthetic_events.hpp"
#include "protocol/threads/codec.hpp"
#include "protocol/threads/objects.hpp"
#include "text/ascii.hpp"
#include <corun/error.hpp>

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

namespace corun::codec::threads {
namespace {

using detail::event_access;
using json::each_element;
using json::each_member;

enum class event_kind {
    message_delta,
    step_delta,
    thread_created,
    run_created,
    run_status,
    run_requires_action,
    run_completed,
    run_incomplete,
    run_failed,
    run_cancelled,
    run_expired,
    run_restarted,
    reattached,
    keepalive,
    step_created,
    step_in_progress,
    step_ended,
    message_created,
    message_in_progress,
    message_ended,
    error,
    done,
    unknown,
};

struct known_event {
    std::string_view name;
    event_kind kind;
};

/// The frequent ones first: the table is searched in order.
constexpr std::array<known_event, 28> known_events{{
    {"thread.message.delta", event_kind::message_delta},
    {"thread.run.step.delta", event_kind::step_delta},
    {"thread.created", event_kind::thread_created},
    {"thread.run.created", event_kind::run_created},
    {"thread.run.queued", event_kind::run_status},
    {"thread.run.in_progress", event_kind::run_status},
    {"thread.run.cancelling", event_kind::run_status},
    {"thread.run.requires_action", event_kind::run_requires_action},
    {"thread.run.completed", event_kind::run_completed},
    {"thread.run.incomplete", event_kind::run_incomplete},
    {"thread.run.failed", event_kind::run_failed},
    {"thread.run.cancelled", event_kind::run_cancelled},
    {"thread.run.expired", event_kind::run_expired},
    {"thread.run.step.created", event_kind::step_created},
    {"thread.run.step.in_progress", event_kind::step_in_progress},
    {"thread.run.step.completed", event_kind::step_ended},
    {"thread.run.step.failed", event_kind::step_ended},
    {"thread.run.step.cancelled", event_kind::step_ended},
    {"thread.run.step.expired", event_kind::step_ended},
    {"thread.message.created", event_kind::message_created},
    {"thread.message.in_progress", event_kind::message_in_progress},
    {"thread.message.completed", event_kind::message_ended},
    {"thread.message.incomplete", event_kind::message_ended},
    {"error", event_kind::error},
    {"done", event_kind::done},
    {"keepalive", event_kind::keepalive},
    {run_restarted_name, event_kind::run_restarted},
    {reattached_name, event_kind::reattached},
}};

constexpr std::string_view end_of_stream_data = "[DONE]";

event_kind kind_of(std::string_view name) noexcept {
    constexpr std::string_view most_frequent = known_events.front().name;
    if (name.size() == most_frequent.size() &&
        std::memcmp(name.data(), most_frequent.data(), most_frequent.size()) == 0)
        return known_events.front().kind;
    for (const known_event& known : known_events)
        if (known.name == name) return known.kind;
    return event_kind::unknown;
}

/// Reads a text delta in the one form that the service sends them in, which is nearly all there is
/// in a stream. False, and nothing done, for anything else: also for what is not JSON.
class text_delta_scanner {
public:
    explicit text_delta_scanner(std::string_view data) noexcept : next_(data.data()), end_(next_ + data.size()) {}

    bool scan() noexcept {
        if (!take(R"({"id":")") || !take_string(id) || string_escaped_) return false;
        if (!take(R"(,"object":"thread.message.delta","delta":{)")) return false;
        if (std::string_view role; take(R"("role":")") && !(take_string(role) && take(","))) return false;
        if (!take(R"("content":[{"index":)") || !take_index()) return false;
        if (!take(R"(,"type":"text","text":{"value":")") || !take_string(text)) return false;
        escaped = string_escaped_;
        take(R"(,"annotations":[])");
        return take("}}]}}") && next_ == end_;
    }

    std::string_view id, text;
    std::int32_t index = 0;
    bool escaped = false;

private:
    /// The length is a constant, so that the comparison is a few instructions and no call.
    template <std::size_t Size>
    bool take(const char (&literal)[Size]) noexcept {
        constexpr std::size_t length = Size - 1;
        if (static_cast<std::size_t>(end_ - next_) < length || std::memcmp(next_, literal, length) != 0) return false;
        next_ += length;
        return true;
    }

    /// What is left of a string after its opening quote.
    bool take_string(std::string_view& out) noexcept {
        const char* const last = json::find_string_end(next_, end_, string_escaped_);
        if (last == end_ || *last != '"') return false;
        out = {next_, static_cast<std::size_t>(last - next_)};
        next_ = last + 1;
        return true;
    }

    bool take_index() noexcept {
        const char* const first = next_;
        while (next_ != end_ && ascii::is_digit(*next_) && next_ - first < 9) index = index * 10 + (*next_++ - '0');
        // JSON has no 007.
        return next_ != first && (*first != '0' || next_ - first == 1);
    }

    const char* next_;
    const char* end_;
    bool string_escaped_ = false;
};

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
    auto& delta = event_access::emplace<text_delta>(out, wire.name, wire.data, std::move(wire.storage));
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
            if (key == "index" && !json::is_null(member)) index = read_index(member);
        });
        json::checked(members->reset());
        read(*members, annotation);
    });
}

void read_content_delta(json::object source, content_delta& out) {
    each_member(source, [&out](std::string_view key, json::value member) {
        if (key == "index") {
            if (!json::is_null(member)) out.index = read_index(member);
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
        auto& delta = out.add<text_delta>();
        delta.text = out.view(*part.text);
        delta.message_id = message;
        delta.content_index = part.index;
    }
    for (auto& [index, value] : part.annotations) {
        auto& added = out.add<annotation>();
        json::append_unescaped(added.message_id, message_id.text);
        added.content_index = part.index;
        added.index = index;
        added.value = std::move(value);
    }
    if (part.image) {
        auto& delta = out.add<image_delta>();
        delta.file_id = out.view(*part.image);
        delta.message_id = message;
        delta.content_index = part.index;
    }
    if (part.refusal) {
        auto& delta = out.add<refusal_delta>();
        delta.text = out.view(*part.refusal);
        delta.message_id = message;
        delta.content_index = part.index;
    }
}

/// The `id` and `delta` that both kinds of delta have.
template <class Read>
json_piece read_delta(json::object source, Read read_delta_member) {
    std::optional<json_piece> id;
    bool has_delta = false;
    each_member(source, [&](std::string_view key, json::value member) {
        if (key == "id") {
            const auto inside = json::string_inside(member);
            if (!inside) json::expected(key, "a string");
            id = piece_of(*inside);
        } else if (key == "delta") {
            const auto delta = json::object_if(member);
            if (!delta) json::expected(key, "an object");
            has_delta = true;
            each_member(*delta, read_delta_member);
        }
    });
    if (!id) throw json::shape_error("\"id\" is missing");
    if (!has_delta) throw json::shape_error("\"delta\" is missing");
    return *id;
}

void decode_message_delta(json::object source, output& out) {
    std::vector<content_delta> parts;
    const json_piece id = read_delta(source, [&parts](std::string_view key, json::value member) {
        if (key != "content") return;
        parts.clear();
        const auto elements = json::array_in(member, key);
        if (!elements) return;
        each_element(*elements, [&parts](json::value element) {
            const auto members = json::object_if(element);
            if (!members) json::expected("content[]", "an object");
            content_delta& part = parts.emplace_back();
            part.index = static_cast<std::int32_t>(parts.size() - 1);
            read_content_delta(*members, part);
        });
    });
    const std::string_view message = out.view(id);
    for (content_delta& part : parts) add_content_delta(id, part, message, out);
}

void decode_step_delta(json::object source, output& out) {
    std::vector<call_fields> calls;
    std::optional<json_piece> details_type;
    const json_piece id = read_delta(source, [&](std::string_view key, json::value member) {
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
                    if (!members) json::expected("tool_calls[]", "an object");
                    call_fields& call = calls.emplace_back(read_call(*members));
                    if (!call.index) call.index = static_cast<std::int64_t>(calls.size() - 1);
                });
            }
        });
    });
    // Details of type mcp or openapi hold calls of that type only.
    const bool details_name_type = details_type && (details_type->text == "mcp" || details_type->text == "openapi");
    const std::string_view step = out.view(id);
    for (const call_fields& call : calls) {
        const auto index = static_cast<std::int32_t>(*call.index);
        auto& delta = out.add<tool_call_delta>();
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
            auto& target = std::exchange(first, false) ? delta : out.add<tool_call_delta>();
            target.step_id = step;
            target.index = index;
            target.output_index = piece.index;
            target.output = out.view(piece.logs);
            target.file_id = out.view(piece.file_id);
        }
    }
}

void decode_thread_created(json::object source, output& out) {
    auto& body = out.add<thread_created>();
    bool has_id = false;
    each_member(source, [&](std::string_view key, json::value member) {
        if (key != "id") return;
        json::read_id(member, key, body.thread_id);
        has_id = true;
    });
    if (!has_id) throw json::shape_error("\"id\" is missing");
}

thread_run read_run(json::object source, const output& out) {
    thread_run run;
    read(source, run);
    run.raw = out.wire().data;
    return run;
}

void decode_run_status(json::object source, output& out) {
    thread_run run = read_run(source, out);
    // A run that does not say its status has that of the event's name.
    if (run.status_text.empty()) {
        run.status_text = out.wire().name.substr(std::string_view("thread.run.").size());
        run.status = parse_run_state(run.status_text);
    }
    auto& body = out.add<run_status>();
    body.run_id = std::move(run.id);
    body.thread_id = std::move(run.thread_id);
    body.status = run.status;
    body.status_text = std::move(run.status_text);
}

void decode_run_created(json::object source, output& out) {
    thread_run run = read_run(source, out);
    auto& body = out.add<run_created>();
    body.run_id = std::move(run.id);
    body.thread_id = std::move(run.thread_id);
    body.agent_id = std::move(run.agent_id);
}

void decode_action_required(json::object source, output& out) {
    thread_run run = read_run(source, out);
    auto& body = out.add<action_required>();
    body.run_id = std::move(run.id);
    body.thread_id = std::move(run.thread_id);
    if (run.required_action) body.action = std::move(*run.required_action);
}

template <class Body>
void decode_run_end(json::object source, output& out) {
    out.add<Body>().run = read_run(source, out);
}

template <class Body>
void decode_message(json::object source, output& out) {
    thread_message& message = out.add<Body>().message;
    read(source, message);
    message.raw = out.wire().data;
}

/// A step, and what it holds as events of their own.
template <class Body>
void decode_step(json::object source, output& out) {
    run_step& step = out.add<Body>().step;
    read(source, step);
    step.raw = out.wire().data;
    for (const mcp_tool_list& list : step.mcp_tools) {
        auto& listed = out.add<mcp_tools_listed>();
        listed.step_id = step.id;
        listed.list = list;
    }
    if constexpr (std::is_same_v<Body, step_completed>) {
        for (const tool_call& call : step.tool_calls) {
            if (call.type != "mcp" || !call.output) continue;
            auto& called = out.add<mcp_call>();
            called.step_id = step.id;
            called.call = call;
        }
    }
}

/// Nothing is known for sure about the form of an error: whatever it is, it is an error.
void decode_stream_error(output& out) {
    const std::string_view data = out.wire().data;
    auto& body = out.add<stream_error>();
    if (error_body said = decode_error(data); !said.message.empty() || !said.code.empty() || !said.type.empty()) {
        body.code = std::move(said.code);
        body.message = std::move(said.message);
        body.type = std::move(said.type);
        body.param = std::move(said.param);
    } else if (data.size() >= 2 && data.front() == '"' && !json::find_error(data)) {
        json::append_unescaped(body.message, data.substr(1, data.rfind('"') - 1));
    } else {
        body.message = data;
    }
}

void decode_known(event_kind kind, json::object source, output& out) {
    switch (kind) {
        case event_kind::message_delta:
            return decode_message_delta(source, out);
        case event_kind::step_delta:
            return decode_step_delta(source, out);
        case event_kind::thread_created:
            return decode_thread_created(source, out);
        case event_kind::run_created:
            return decode_run_created(source, out);
        case event_kind::run_status:
            return decode_run_status(source, out);
        case event_kind::run_requires_action:
            return decode_action_required(source, out);
        case event_kind::run_completed:
            return decode_run_end<run_completed>(source, out);
        case event_kind::run_incomplete:
            return decode_run_end<run_incomplete>(source, out);
        case event_kind::run_failed:
            return decode_run_end<run_failed>(source, out);
        case event_kind::run_cancelled:
            return decode_run_end<run_cancelled>(source, out);
        case event_kind::run_expired:
            return decode_run_end<run_expired>(source, out);
        case event_kind::run_restarted:
            return decode_run_end<run_restarted>(source, out);
        case event_kind::step_created:
            return decode_step<step_created>(source, out);
        case event_kind::step_in_progress:
            return decode_step<step_in_progress>(source, out);
        case event_kind::step_ended:
            return decode_step<step_completed>(source, out);
        case event_kind::message_created:
            return decode_message<message_created>(source, out);
        case event_kind::message_in_progress:
            return decode_message<message_in_progress>(source, out);
        case event_kind::message_ended:
            return decode_message<message_completed>(source, out);
        case event_kind::reattached:
        case event_kind::error:
        case event_kind::done:
        case event_kind::keepalive:
        case event_kind::unknown:
            return;
    }
}

}  // namespace

event_class classify(std::string_view name, std::string_view data) noexcept {
    if (data == end_of_stream_data) return event_class::end_of_stream;
    switch (kind_of(name)) {
        case event_kind::run_completed:
        case event_kind::run_incomplete:
        case event_kind::run_failed:
        case event_kind::run_cancelled:
        case event_kind::run_expired:
            return event_class::last;
        case event_kind::run_requires_action:
            return event_class::action;
        case event_kind::error:
            return event_class::error;
        case event_kind::done:
            return event_class::end_of_stream;
        case event_kind::keepalive:
            return event_class::keepalive;
        default:
            return event_class::ordinary;
    }
}

struct decoder::impl {
    json::reader reader;
    bool fast_path = true;
};

decoder::decoder() : impl_(std::make_unique<impl>()) {}
decoder::~decoder() = default;
decoder::decoder(decoder&&) noexcept = default;
decoder& decoder::operator=(decoder&&) noexcept = default;

void decoder::use_fast_path(bool enabled) noexcept {
    impl_->fast_path = enabled;
}

std::error_code decoder::decode(raw_event wire, event& first, std::vector<event>& more, std::string& problem) {
    const event_kind kind = kind_of(wire.name);
    if (kind == event_kind::message_delta && impl_->fast_path && decode_text_delta(wire, first)) return {};

    if (kind == event_kind::reattached) {
        decode_reattached(wire, first);
        return {};
    }

    output out(wire, first, more);
    try {
        if (kind == event_kind::error)
            decode_stream_error(out);
        else if (kind != event_kind::unknown && kind != event_kind::done && kind != event_kind::keepalive &&
                 wire.data != end_of_stream_data)
            decode_known(kind, impl_->reader.object(wire.data, data_padding), out);
        out.finish();
        return {};
    } catch (const json::shape_error& wrong) {
        out.discard();
        problem = "the data of " + std::string(wire.name) + ": " + wrong.what();
        return errc::bad_event;
    }
}

}  // namespace corun::codec::threads
