#include "json/scan.hpp"
#include "protocol/common.hpp"
#include "protocol/event_output.hpp"
#include "protocol/responses/codec.hpp"
#include "protocol/responses/objects.hpp"
#include "protocol/retry_hint.hpp"
#include "protocol/synthetic_events.hpp"
#include "text/ascii.hpp"
#include <corun/error.hpp>

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

namespace corun::codec::responses {
namespace {

using detail::event_access;
using json::each_member;

enum class event_kind {
    text_delta,
    text_done,
    refusal_delta,
    refusal_done,
    reasoning_delta,
    reasoning_done,
    summary_delta,
    summary_done,
    call_delta,
    call_done,
    annotation_added,
    part_added,
    item_added,
    item_done,
    step_in_progress,
    image_partial,
    run_created,
    run_status,
    run_completed,
    run_failed,
    run_incomplete,
    run_cancelled,
    error,
    unknown,
};

struct known_event {
    std::string_view name;
    event_kind kind;
    std::string_view member;  ///< What holds the text of it.
    std::string_view type;    ///< Of the call, as in `tool_call::type`.
};

/// The frequent ones first: the table is searched in order.
constexpr std::array<known_event, 46> known_events{{
    {"response.output_text.delta", event_kind::text_delta, "delta", {}},
    {"response.function_call_arguments.delta", event_kind::call_delta, "delta", "function"},
    {"response.reasoning_text.delta", event_kind::reasoning_delta, "delta", {}},
    {"response.reasoning_summary_text.delta", event_kind::summary_delta, "delta", {}},
    {"response.mcp_call_arguments.delta", event_kind::call_delta, "delta", "mcp"},
    {"response.custom_tool_call_input.delta", event_kind::call_delta, "delta", "custom_tool"},
    {"response.code_interpreter_call_code.delta", event_kind::call_delta, "delta", "code_interpreter"},
    {"response.refusal.delta", event_kind::refusal_delta, "delta", {}},
    {"response.output_item.added", event_kind::item_added, {}, {}},
    {"response.output_item.done", event_kind::item_done, {}, {}},
    {"response.content_part.added", event_kind::part_added, {}, {}},
    {"response.output_text.done", event_kind::text_done, "text", {}},
    {"response.output_text.annotation.added", event_kind::annotation_added, {}, {}},
    {"response.output_text_annotation.added", event_kind::annotation_added, {}, {}},
    {"response.refusal.done", event_kind::refusal_done, "refusal", {}},
    {"response.reasoning_text.done", event_kind::reasoning_done, "text", {}},
    {"response.reasoning_summary_text.done", event_kind::summary_done, "text", {}},
    {"response.function_call_arguments.done", event_kind::call_done, "arguments", "function"},
    {"response.mcp_call_arguments.done", event_kind::call_done, "arguments", "mcp"},
    {"response.custom_tool_call_input.done", event_kind::call_done, "input", "custom_tool"},
    {"response.code_interpreter_call_code.done", event_kind::call_done, "code", "code_interpreter"},
    {"response.image_generation_call.partial_image", event_kind::image_partial, "partial_image_b64", {}},
    {"response.mcp_list_tools.in_progress", event_kind::step_in_progress, {}, {}},
    {"response.mcp_call.in_progress", event_kind::step_in_progress, {}, "mcp"},
    {"response.code_interpreter_call.in_progress", event_kind::step_in_progress, {}, "code_interpreter"},
    {"response.code_interpreter_call.interpreting", event_kind::step_in_progress, {}, "code_interpreter"},
    {"response.file_search_call.in_progress", event_kind::step_in_progress, {}, "file_search"},
    {"response.file_search_call.searching", event_kind::step_in_progress, {}, "file_search"},
    {"response.web_search_call.in_progress", event_kind::step_in_progress, {}, "web_search"},
    {"response.web_search_call.searching", event_kind::step_in_progress, {}, "web_search"},
    {"response.image_generation_call.in_progress", event_kind::step_in_progress, {}, "image_generation"},
    {"response.image_generation_call.generating", event_kind::step_in_progress, {}, "image_generation"},
    {"response.created", event_kind::run_created, {}, {}},
    {"response.queued", event_kind::run_status, {}, {}},
    {"response.in_progress", event_kind::run_status, {}, {}},
    {"response.completed", event_kind::run_completed, {}, {}},
    {"response.failed", event_kind::run_failed, {}, {}},
    {"response.incomplete", event_kind::run_incomplete, {}, {}},
    {"response.cancelled", event_kind::run_cancelled, {}, {}},
    // Once named so by some.
    {"response.code_interpreter_call.code.delta", event_kind::call_delta, "delta", "code_interpreter"},
    {"response.code_interpreter_call.code.done", event_kind::call_done, "code", "code_interpreter"},
    {"response.mcp_call.arguments.delta", event_kind::call_delta, "delta", "mcp"},
    {"response.mcp_call.arguments.done", event_kind::call_done, "arguments", "mcp"},
    {"response.done", event_kind::run_completed, {}, {}},
    {"response.canceled", event_kind::run_cancelled, {}, {}},
    {"error", event_kind::error, {}, {}},
}};
constexpr known_event unknown_event{{}, event_kind::unknown, {}, {}};

constexpr std::string_view end_of_stream_data = "[DONE]";

const known_event& find_known(std::string_view name) noexcept {
    constexpr std::string_view most_frequent = known_events.front().name;
    if (name.size() == most_frequent.size() &&
        std::memcmp(name.data(), most_frequent.data(), most_frequent.size()) == 0)
        return known_events.front();
    for (const known_event& known : known_events)
        if (known.name == name) return known;
    return unknown_event;
}

const known_event& find_known(std::string_view name, std::string_view data) noexcept {
    // Without an `event` line, an event has no name, or SSE's own.
    if (!name.empty() && name != "message") return find_known(name);
    const auto type = json::plain_string(json::find_member(data, "type"));
    if (type) return find_known(*type);
    // `{"error":{...}}` and nothing more is how some services end a stream.
    return json::find_member(data, "error") ? known_events.back() : unknown_event;
}

/// Reads a text delta in the forms that services send, which differ in the order of members: nearly
/// all there is in a stream. False, and nothing done, for anything else: also for what is not JSON.
class text_delta_scanner {
public:
    /// `latest_item` is an id without escapes: that of the delta before, which most often is this one's too.
    text_delta_scanner(std::string_view data, std::string_view latest_item) noexcept
        : next_(data.data()), end_(next_ + data.size()), latest_item_(latest_item) {}

    bool scan() noexcept {
        if (!take("{")) return false;
        do {
            skip_blank();
            if (!take_member()) return false;
        } while (take(","));
        constexpr unsigned delta_and_item_id = 2 | 4;
        return take("}") && next_ == end_ && (taken_ & delta_and_item_id) == delta_and_item_id && !item_id.empty();
    }

    std::string_view item_id, text;
    bool is_latest_item = false, text_escaped = false;
    std::int32_t content_index = 0;

private:
    bool take_member() noexcept {
        if (end_ - next_ < 3) return false;
        bool escaped = false;
        std::string_view ignored;
        std::int32_t number = 0;
        // One letter tells which it may be, so that each is compared with one constant.
        switch (next_[1]) {
            case 't':
                return take_key("\"type\":", 1) && take("\"response.output_text.delta\"");
            case 'd':
                return take_key("\"delta\":", 2) && take_string(text, text_escaped);
            case 'i':
                return take_key("\"item_id\":", 4) && take_item_id();
            case 'l':
                return take_key("\"logprobs\":", 8) && take("[]");
            case 'c':
                return take_key("\"content_index\":", 16) && take_index(content_index);
            case 's':
                return take_key("\"sequence_number\":", 32) && take_index(number);
            case 'o':
                if (next_[2] == 'u') return take_key("\"output_index\":", 64) && take_index(number);
                return take_key("\"obfuscation\":", 128) && take_string(ignored, escaped);
            default:
                return false;
        }
    }

    /// What comes twice is for the general reader to judge.
    template <std::size_t Size>
    bool take_key(const char (&literal)[Size], unsigned member) noexcept {
        if ((taken_ & member) != 0 || !take(literal)) return false;
        taken_ |= member;
        skip_blank();
        return true;
    }

    /// The length is a constant, so that the comparison is a few instructions and no call.
    template <std::size_t Size>
    bool take(const char (&literal)[Size]) noexcept {
        constexpr std::size_t length = Size - 1;
        if (static_cast<std::size_t>(end_ - next_) < length || std::memcmp(next_, literal, length) != 0) return false;
        next_ += length;
        return true;
    }

    void skip_blank() noexcept {
        if (next_ != end_ && *next_ == ' ') ++next_;
    }

    bool take_item_id() noexcept {
        const std::size_t size = latest_item_.size();
        if (size != 0 && static_cast<std::size_t>(end_ - next_) > size + 1 && *next_ == '"' && next_[size + 1] == '"' &&
            std::memcmp(next_ + 1, latest_item_.data(), size) == 0) {
            item_id = {next_ + 1, size};
            next_ += size + 2;
            is_latest_item = true;
            return true;
        }
        bool escaped = false;
        return take_string(item_id, escaped) && !escaped;
    }

    bool take_string(std::string_view& out, bool& escaped) noexcept {
        if (!take("\"")) return false;
        const char* const last = json::find_string_end(next_, end_, escaped);
        if (last == end_ || *last != '"') return false;
        out = {next_, static_cast<std::size_t>(last - next_)};
        next_ = last + 1;
        return true;
    }

    bool take_index(std::int32_t& out) noexcept {
        const char* const first = next_;
        while (next_ != end_ && ascii::is_digit(*next_) && next_ - first < 9) out = out * 10 + (*next_++ - '0');
        // JSON has no 007.
        return next_ != first && (*first != '0' || next_ - first == 1);
    }

    const char* next_;
    const char* end_;
    std::string_view latest_item_;
    unsigned taken_ = 0;
};

/// Which texts have come in deltas.
class streamed_texts {
public:
    void add(event_kind delta, std::string_view item_id, std::int32_t index) {
        latest_plain_ = {};
        if (latest_ < texts_.size() && texts_[latest_].is(delta, item_id, index)) return;
        latest_ = static_cast<std::size_t>(find(delta, item_id, index) - texts_.begin());
        // So many at once is nothing that a service does; what is not kept is told twice at worst.
        constexpr std::size_t most = 1024;
        if (latest_ == texts_.size() && texts_.size() < most) texts_.push_back({delta, std::string(item_id), index});
    }

    /// The item whose text came latest, if its id is the same in JSON, and which part of it.
    [[nodiscard]] std::string_view latest_item() const noexcept { return latest_plain_; }
    [[nodiscard]] bool latest_is(std::int32_t index) const noexcept {
        return latest_ < texts_.size() && texts_[latest_].index == index;
    }
    void add_plain(std::string_view item_id, std::int32_t index) {
        add(event_kind::text_delta, item_id, index);
        latest_plain_ = latest_ < texts_.size() ? std::string_view(texts_[latest_].item_id) : std::string_view();
    }

    [[nodiscard]] bool contain(event_kind delta, std::string_view item_id, std::int32_t index) const {
        return find(delta, item_id, index) != texts_.end();
    }

    /// What it refers to may go.
    void forget_latest() noexcept { latest_plain_ = {}; }

    void erase(std::string_view item_id) {
        latest_plain_ = {};
        std::erase_if(texts_, [item_id](const streamed_text& each) { return each.item_id == item_id; });
    }
    void clear() noexcept {
        latest_plain_ = {};
        texts_.clear();
    }

private:
    struct streamed_text {
        event_kind delta;
        std::string item_id;
        std::int32_t index;

        [[nodiscard]] bool is(event_kind kind, std::string_view item, std::int32_t part) const noexcept {
            return index == part && delta == kind && item_id == item;
        }
    };

    [[nodiscard]] std::vector<streamed_text>::const_iterator find(event_kind delta, std::string_view item_id,
                                                                  std::int32_t index) const {
        return std::find_if(texts_.begin(), texts_.end(),
                            [&](const streamed_text& each) { return each.is(delta, item_id, index); });
    }

    std::vector<streamed_text> texts_;
    std::size_t latest_ = 0;
    std::string_view latest_plain_;  ///< Into `texts_`; reset by all that changes it.
};

/// The members that events share.
struct event_fields {
    std::optional<json_piece> item_id, text;
    std::int32_t output_index = 0, part_index = 0, number = 0;
    std::optional<json::object> part;
};

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

event_fields read_fields(json::object source, const known_event& known) {
    const bool of_call = known.kind == event_kind::call_delta || known.kind == event_kind::call_done;
    event_fields out;
    each_member(source, [&](std::string_view key, json::value member) {
        if (!known.member.empty() && key == known.member) {
            if (of_call)
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

response read_response(json::object source) {
    response read;
    with_object(source, "response", [&read](json::object object) {
        const std::string_view raw = json::raw(object);
        read = read_response_object(object);
        read.run.raw = raw;
    });
    return read;
}

/// A response that does not say its status has that of the event's name.
void set_status(thread_run& run, std::string_view status) {
    if (!run.status_text.empty()) return;
    run.status_text = status;
    run.status = parse_run_state(status);
}

/// What an `error` says, flat or nested, or as bare text.
stream_error read_error(std::string_view data) {
    stream_error read;
    const auto nested = json::find_member(data, "error");
    const error_body said = decode_error(nested && nested->starts_with('{') ? *nested : data);
    read.code = said.code;
    read.message = said.message;
    read.param = said.param;
    // A flat one says the event's name there.
    if (said.type != "error") read.type = said.type;
    if (read.code.empty() && read.message.empty() && read.type.empty()) read.message = data;
    return read;
}

/// True when a `response.failed` does not say why.
bool lacks_reason(std::string_view data) noexcept {
    const auto failed = json::find_member(data, "response");
    if (!failed || !failed->starts_with('{')) return false;
    const auto reason = json::find_member(*failed, "error");
    return !reason || *reason == "null" || *reason == "{}";
}

std::string_view or_else(std::string_view text, std::string_view other) noexcept {
    return text.empty() ? other : text;
}

/// `data` is that of the `error`, which may repeat what the HTTP headers of the refusal said.
void set_reason(thread_run& run, const stream_error& reason, std::string_view data) {
    last_error& error = run.last_error.emplace();
    error.code = or_else(reason.code, reason.type);
    error.message = reason.message;
    if (error.code != "rate_limit_exceeded") return;
    if (const auto nested = json::find_member(data, "error"); nested && nested->starts_with('{'))
        if (const auto headers = json::find_member(*nested, "headers")) error.retry_after = retry_hint_of(*headers);
    if (!error.retry_after) error.retry_after = retry_hint_in(error.message);
}

/// One wire event, on its way to what it says.
class reading {
public:
    reading(const known_event& known, json::object source, streamed_texts& streamed, const pending_calls& seen,
            output& out)
        : known_(known), source_(source), streamed_(streamed), seen_(seen), out_(out) {}

    void read() {
        switch (known_.kind) {
            case event_kind::text_delta:
            case event_kind::refusal_delta:
            case event_kind::reasoning_delta:
            case event_kind::summary_delta:
            case event_kind::call_delta:
                return read_delta();
            case event_kind::text_done:
                return read_whole(event_kind::text_delta);
            case event_kind::refusal_done:
                return read_whole(event_kind::refusal_delta);
            case event_kind::reasoning_done:
                return read_whole(event_kind::reasoning_delta);
            case event_kind::summary_done:
                return read_whole(event_kind::summary_delta);
            case event_kind::call_done:
                return read_whole(event_kind::call_delta);
            case event_kind::annotation_added:
                return read_annotation();
            case event_kind::part_added:
                return read_part_added();
            case event_kind::item_added:
                return read_item_added();
            case event_kind::item_done:
                return read_item_done();
            case event_kind::step_in_progress:
                return read_step_in_progress();
            case event_kind::image_partial:
                return read_image_partial();
            case event_kind::run_created:
                return read_run_created();
            case event_kind::run_status:
                return read_run_status();
            case event_kind::run_completed:
                return read_run_completed();
            case event_kind::run_failed:
                return read_run_failed();
            case event_kind::run_incomplete:
                return read_run_end<run_incomplete>("incomplete");
            case event_kind::run_cancelled:
                return read_run_end<run_cancelled>("cancelled");
            case event_kind::error:
            case event_kind::unknown:
                return;
        }
    }

private:
    std::string_view item_id(const event_fields& of) {
        return of.item_id ? out_.view(*of.item_id) : out_.keep(id_from_place(of.output_index));
    }

    void read_delta() {
        const event_fields of = read_fields(source_, known_);
        if (!of.text) throw json::shape_error("\"" + std::string(known_.member) + "\" is missing");
        const std::string_view id = item_id(of);
        streamed_.add(known_.kind, id, part_of(of));
        add_delta(known_.kind, id, of.part_index, out_.view(*of.text));
    }

    /// A text that comes whole is news only when nothing of it has come in pieces.
    void read_whole(event_kind delta) {
        const event_fields of = read_fields(source_, known_);
        if (!of.text || of.text->text.empty()) return;
        std::string id;
        if (of.item_id)
            json::append_unescaped(id, of.item_id->text);
        else
            id = id_from_place(of.output_index);
        if (streamed_.contain(delta, id, part_of(of))) return;
        streamed_.add(delta, id, part_of(of));
        add_delta(delta, item_id(of), of.part_index, out_.view(*of.text));
    }

    /// Calls have one text.
    std::int32_t part_of(const event_fields& of) const noexcept {
        return known_.kind == event_kind::call_delta || known_.kind == event_kind::call_done ? 0 : of.part_index;
    }

    void add_delta(event_kind kind, std::string_view item, std::int32_t part, std::string_view text) {
        if (kind == event_kind::text_delta) {
            auto& delta = out_.add<text_delta>();
            delta.text = text;
            delta.message_id = item;
            delta.content_index = part;
        } else if (kind == event_kind::refusal_delta) {
            auto& delta = out_.add<refusal_delta>();
            delta.text = text;
            delta.message_id = item;
            delta.content_index = part;
        } else if (kind == event_kind::call_delta) {
            auto& delta = out_.add<tool_call_delta>();
            delta.step_id = item;
            delta.type = known_.type;
            delta.arguments = text;
        } else {
            auto& delta = out_.add<reasoning_delta>();
            delta.text = text;
            delta.item_id = item;
            delta.content_index = part;
            delta.summary = kind == event_kind::summary_delta;
        }
    }

    void read_annotation() {
        text_annotation value;
        const event_fields of = read_fields(source_, known_);
        json::checked(source_.reset());
        with_object(source_, "annotation", [&value](json::object object) {
            value = {};
            responses::read(object, value);
        });
        auto& added = out_.add<annotation>();
        if (of.item_id)
            json::append_unescaped(added.message_id, of.item_id->text);
        else
            added.message_id = id_from_place(of.output_index);
        added.content_index = of.part_index;
        added.index = of.number;
        added.value = std::move(value);
    }

    void read_part_added() {
        std::string type;
        const event_fields of = read_fields(source_, known_);
        json::checked(source_.reset());
        with_object(source_, "part", [&type](json::object object) {
            each_member(object, [&type](std::string_view key, json::value member) {
                if (key == "type") json::read(member, type);
            });
        });
        if (type != "output_text" && type != "refusal") return;
        thread_message& message = out_.add<message_in_progress>().message;
        if (of.item_id)
            json::append_unescaped(message.id, of.item_id->text);
        else
            message.id = id_from_place(of.output_index);
        message.role = "assistant";
        message.status = "in_progress";
        message.raw = out_.wire().data;
    }

    item read_item_of_event() {
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

    void read_item_added() {
        item added = read_item_of_event();
        if (added.status.empty()) added.status = "in_progress";
        if (is_message(added))
            out_.add<message_created>().message = message_of(added);
        else if (is_step(added))
            out_.add<step_created>().step = step_of(added);
    }

    void read_item_done() {
        item done = read_item_of_event();
        if (is_message(done)) {
            if (done.status.empty() || done.status == "in_progress") done.status = "completed";
            tell_texts(done, done.content, event_kind::text_delta);
            out_.add<message_completed>().message = message_of(done);
        } else if (is_step(done)) {
            read_step_done(done);
        } else if (done.type == "reasoning") {
            tell_texts(done, done.summary, event_kind::summary_delta);
            tell_texts(done, done.content, event_kind::reasoning_delta);
        }
        streamed_.erase(done.id);
    }

    /// What has come neither in pieces nor as a whole.
    void tell_texts(const item& of, const std::vector<message_content>& parts, event_kind kind) {
        for (std::size_t i = 0; i != parts.size(); ++i) {
            const message_content& part = parts[i];
            const auto index = static_cast<std::int32_t>(i);
            event_kind told = kind;
            if (kind == event_kind::text_delta && part.type == "refusal")
                told = event_kind::refusal_delta;
            else if (kind == event_kind::text_delta && part.type != "text")
                continue;
            if (part.text.empty() || streamed_.contain(told, of.id, index)) continue;
            if (kept_id_.empty()) kept_id_ = out_.keep(of.id);
            add_delta(told, kept_id_, index, out_.keep(part.text));
        }
    }

    void read_step_done(item& done) {
        // The steps of runs know fewer ways to end.
        if (done.error || done.status == "incomplete")
            done.status = "failed";
        else if (done.status != "failed" && done.status != "cancelled")
            done.status = "completed";
        run_step step = step_of(done);
        out_.add<step_completed>().step = step;
        if (done.type == "mcp_list_tools" && !done.error) {
            auto& listed = out_.add<mcp_tools_listed>();
            listed.step_id = done.id;
            listed.list = done.tools;
        } else if (done.type == "mcp_call" && done.call.output) {
            auto& called = out_.add<mcp_call>();
            called.step_id = done.id;
            called.call = done.call;
        }
    }

    void read_step_in_progress() {
        const event_fields of = read_fields(source_, known_);
        run_step& step = out_.add<step_in_progress>().step;
        if (of.item_id)
            json::append_unescaped(step.id, of.item_id->text);
        else
            step.id = id_from_place(of.output_index);
        step.status = "in_progress";
        step.raw = out_.wire().data;
        step.type = known_.type.empty() ? "activities" : "tool_calls";
        if (known_.type.empty()) return;
        tool_call& call = step.tool_calls.emplace_back();
        call.id = step.id;
        call.type = known_.type;
    }

    void read_image_partial() {
        const event_fields of = read_fields(source_, known_);
        if (!of.text) throw json::shape_error("\"" + std::string(known_.member) + "\" is missing");
        const std::string_view id = item_id(of);
        auto& partial = out_.add<image_partial>();
        partial.item_id = id;
        partial.index = of.number;
        partial.base64 = out_.view(*of.text);
    }

    void read_run_created() {
        const thread_run run = read_response(source_).run;
        auto& created = out_.add<run_created>();
        created.run_id = run.id;
        created.thread_id = run.thread_id;
        created.agent_id = run.agent_id;
    }

    void tell_status(const thread_run& run) {
        auto& status = out_.add<run_status>();
        status.run_id = run.id;
        status.thread_id = run.thread_id;
        status.status = run.status;
        status.status_text = run.status_text;
    }

    void read_run_status() {
        thread_run run = read_response(source_).run;
        const std::string_view name =
            json::plain_string(json::find_member(out_.wire().data, "type")).value_or(out_.wire().name);
        set_status(run, name.substr(name.rfind('.') + 1));
        tell_status(run);
    }

    void read_run_completed() {
        response read = read_response(source_);
        set_status(read.run, "completed");
        set_action(read, seen_.items());
        thread_run& run = read.run;
        if (run.required_action) {
            auto& waits = out_.add<action_required>();
            waits.run_id = std::move(run.id);
            waits.thread_id = std::move(run.thread_id);
            waits.action = std::move(*run.required_action);
        } else if (run.status == run_state::incomplete) {
            out_.add<run_incomplete>().run = std::move(run);
        } else if (run.status == run_state::failed) {
            out_.add<run_failed>().run = std::move(run);
        } else if (run.status == run_state::cancelled) {
            out_.add<run_cancelled>().run = std::move(run);
        } else {
            out_.add<run_completed>().run = std::move(run);
        }
    }

    void read_run_failed() {
        thread_run run = read_response(source_).run;
        set_status(run, "failed");
        if (lacks_reason(out_.wire().data)) {
            if (seen_.reason().empty()) return tell_status(run);
            set_reason(run, read_error(seen_.reason()), seen_.reason());
        }
        out_.add<run_failed>().run = std::move(run);
    }

    template <class Body>
    void read_run_end(std::string_view status) {
        thread_run run = read_response(source_).run;
        set_status(run, status);
        out_.add<Body>().run = std::move(run);
    }

    const known_event& known_;
    json::object source_;
    streamed_texts& streamed_;
    const pending_calls& seen_;
    output& out_;
    std::string_view kept_id_;
};

/// The stream's error, and the end of a run that has failed for it.
void read_error(json::reader& reader, const pending_calls& seen, output& out) {
    const stream_error error = read_error(out.wire().data);
    out.add<stream_error>() = error;
    if (seen.failed().empty()) return;
    const simdjson::padded_string failed(seen.failed());
    thread_run run = read_response_object(reader.object(failed, simdjson::SIMDJSON_PADDING)).run;
    run.raw = seen.failed();
    set_status(run, "failed");
    set_reason(run, error, out.wire().data);
    out.add<run_failed>().run = std::move(run);
}

/// Whether a `response.completed` leaves calls to answer.
bool waits_for_answers(std::string_view data, const pending_calls& seen) {
    const simdjson::padded_string padded(data);
    json::reader reader;
    response read = read_response(reader.object(padded, simdjson::SIMDJSON_PADDING));
    set_status(read.run, "completed");
    set_action(read, seen.items());
    return read.run.required_action.has_value();
}

const thread_run* failed_run_in(const event& source) noexcept {
    const auto* failed = source.get_if<run_failed>();
    return failed ? &failed->run : nullptr;
}

/// A run that began again tells of the failure by the data of the event that brought it.
std::error_code decode_run_restarted(decoder& decoder, const raw_event& wire, event& out, std::string& problem) {
    raw_event failure = wire;
    failure.name = {};
    event decoded;
    std::vector<event> more;
    if (const std::error_code code = decoder.decode(std::move(failure), decoded, more, problem)) return code;
    more.push_back(std::move(decoded));
    thread_run run;
    for (const event& each : more)
        if (const thread_run* failed = failed_run_in(each)) run = *failed;
    event_access::emplace<run_restarted>(out, wire.name, wire.data, wire.storage).run = std::move(run);
    return {};
}

}  // namespace

void pending_calls::observe(std::string_view name, std::string_view data) {
    switch (find_known(name, data).kind) {
        case event_kind::run_created:
            items_.clear();
            failed_.clear();
            reason_.clear();
            return;
        case event_kind::run_failed:
            if (lacks_reason(data)) failed_ = *json::find_member(data, "response");
            return;
        case event_kind::error:
            reason_ = data;
            return;
        case event_kind::item_done:
            break;
        default:
            return;
    }
    const auto text = json::find_member(data, "item");
    if (!text || json::find_error(data)) return;
    try {
        const simdjson::padded_string padded(*text);
        json::reader reader;
        item done = read_item(reader.object(padded, simdjson::SIMDJSON_PADDING));
        set_ids(done, 0);
        // As many as no service makes at once: what is beyond them is known from the output alone.
        constexpr std::size_t most = 256;
        if (is_pending(done) || !answered_call(done).empty())
            if (items_.size() < most) items_.emplace_back(*text);
    } catch (const json::shape_error&) {
        // The decoder says so.
    }
}

event_class classify(std::string_view name, std::string_view data, const pending_calls& seen) noexcept {
    if (data == end_of_stream_data) return event_class::end_of_stream;
    switch (find_known(name, data).kind) {
        case event_kind::run_completed:
            try {
                return waits_for_answers(data, seen) ? event_class::action : event_class::last;
            } catch (...) {
                // The decoder says what is wrong with it.
                return event_class::last;
            }
        case event_kind::run_failed:
            return lacks_reason(data) && seen.reason().empty() ? event_class::error : event_class::last;
        case event_kind::run_incomplete:
        case event_kind::run_cancelled:
            return event_class::last;
        case event_kind::error:
            return seen.failed().empty() ? event_class::error : event_class::last;
        default:
            return event_class::ordinary;
    }
}

event_class classify(std::string_view name, std::string_view data) noexcept {
    return classify(name, data, pending_calls());
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
        if (c < '0' || c > '9') return std::nullopt;
        number = number * 10 + (c - '0');
    }
    return number;
}

struct decoder::impl {
    json::reader reader;
    streamed_texts streamed;
    pending_calls seen;
    bool fast_path = true;

    bool decode_text_delta(raw_event& wire, event& out) {
        text_delta_scanner scanner(wire.data, streamed.latest_item());
        if (!scanner.scan()) return false;
        std::string_view text = scanner.text;
        if (scanner.text_escaped) {
            auto unescaped = std::make_shared<unescaped_text>(std::move(wire.storage), text.size());
            json::append_unescaped(unescaped->text, text);
            text = unescaped->text;
            wire.storage = std::move(unescaped);
        }
        auto& delta = event_access::emplace<text_delta>(out, wire.name, wire.data, std::move(wire.storage));
        delta.text = text;
        delta.message_id = scanner.item_id;
        delta.content_index = scanner.content_index;
        if (!scanner.is_latest_item || !streamed.latest_is(scanner.content_index))
            streamed.add_plain(scanner.item_id, scanner.content_index);
        return true;
    }
};

decoder::decoder() : impl_(std::make_unique<impl>()) {}
decoder::~decoder() = default;
decoder::decoder(decoder&&) noexcept = default;
decoder& decoder::operator=(decoder&&) noexcept = default;

decoder decoder::fork() const {
    decoder other;
    other.impl_->streamed = impl_->streamed;
    other.impl_->streamed.forget_latest();
    other.impl_->seen = impl_->seen;
    other.impl_->fast_path = impl_->fast_path;
    return other;
}

void decoder::use_fast_path(bool enabled) noexcept {
    impl_->fast_path = enabled;
}

std::error_code decoder::decode(raw_event wire, event& first, std::vector<event>& more, std::string& problem) {
    if (wire.name == reattached_name) {
        decode_reattached(wire, first);
        return {};
    }
    if (wire.name == run_restarted_name) return decode_run_restarted(*this, wire, first, problem);
    const known_event& known = find_known(wire.name, wire.data);
    if (known.kind == event_kind::text_delta && impl_->fast_path && impl_->decode_text_delta(wire, first)) return {};

    output out(wire, first, more);
    try {
        if (known.kind == event_kind::error) {
            read_error(impl_->reader, impl_->seen, out);
        } else if (known.kind != event_kind::unknown && wire.data != end_of_stream_data) {
            const json::object source = impl_->reader.object(wire.data, data_padding);
            reading(known, source, impl_->streamed, impl_->seen, out).read();
            if (known.kind == event_kind::run_created) impl_->streamed.clear();
        } else if (known.kind == event_kind::unknown && (wire.name.empty() || wire.name == "message") &&
                   wire.data.starts_with('{') && json::find_error(wire.data)) {
            throw json::shape_error("not valid JSON");
        }
        impl_->seen.observe(wire.name, wire.data);
        out.finish();
        return {};
    } catch (const json::shape_error& wrong) {
        out.discard();
        problem =
            "the data of " + std::string(or_else(known.name, or_else(wire.name, "an event"))) + ": " + wrong.what();
        return errc::bad_event;
    }
}

}  // namespace corun::codec::responses
