#include "protocol/responses/piece_reader.hpp"

#include "protocol/readers.hpp"
#include "protocol/responses/item_types.hpp"

#include <algorithm>
#include <iterator>
#include <utility>
#include <vector>

namespace corun::codec::responses {
namespace {

using json::each_member;

constexpr std::string_view shell_output_type = "shell_call_output";

/// A text of a call: JSON that is not wrapped in a string is one too.
void read_call_text(json::value source, std::optional<json_piece>& out) {
    out.reset();
    if (const auto inside = json::string_inside(source))
        out = piece_of(*inside);
    else if (!json::is_null(source))
        out = json_piece{json::raw(source), false};
}

/// The type of the items that have such texts, as in `item_reference`.
std::string_view item_type_with(text_kind kind, std::string_view call_type) noexcept {
    if (kind == text_kind::arguments) return call_type;
    return kind == text_kind::reasoning || kind == text_kind::summary ? "reasoning" : "message";
}

struct part_type {
    std::string_view name;
    text_kind kind;
};
constexpr part_type part_types[] = {
    {"output_text", text_kind::text},         {"refusal", text_kind::refusal},
    {"reasoning_text", text_kind::reasoning}, {"summary_text", text_kind::summary},
    {"output_audio", text_kind::transcript},
};

bool is_of_reasoning(std::string_view part) noexcept {
    return part == "reasoning_text" || part == "summary_text";
}

}  // namespace

piece_reader::event_fields piece_reader::read_fields() const {
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
        } else if (key == "command_index") {
            read_index(member, out.command_index);
        } else if (key == "annotation_index" || key == "partial_image_index") {
            read_index(member, out.number);
        }
    });
    if (out.item_id && out.item_id->text.empty()) out.item_id.reset();
    return out;
}

/// Of calls, only a shell's have several.
std::int32_t piece_reader::part_of(text_kind kind, const event_fields& fields) noexcept {
    return kind == text_kind::arguments ? fields.command_index : fields.part_index;
}

item_reference piece_reader::reference_of(const event_fields& fields, std::string_view type) {
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

std::string_view piece_reader::shown_id(const streamed_item& known, const event_fields& fields) {
    const bool same = fields.item_id && !fields.item_id->escaped && fields.item_id->text == known.shown_id();
    return same ? fields.item_id->text : out_.keep(known.shown_id());
}

void piece_reader::read_delta() {
    const event_fields fields = read_fields();
    if (!fields.text) return json::missing(known_.member);
    const std::int32_t part = part_of(known_.text, fields);
    streamed_item& known = streamed_.find_for_piece(reference_of(fields, item_type_with(known_.text, known_.call_type)),
                                                    known_.text, part, fields.text->text);
    streamed_text& text = known.text(known_.text, part);
    const std::string_view news = text.take(out_.view(*fields.text, text.half));
    if (is_text_event(known_)) streamed_.set_latest(known, text);
    items_.add_delta(known_.text, shown_id(known, fields), part, news, known_.call_type);
}

/// A text that comes whole is news where its pieces have not come.
void piece_reader::read_whole() {
    const event_fields fields = read_fields();
    const bool says_nothing = !fields.text && !fields.item_id && !fields.output_index;
    if (says_nothing && known_.text != text_kind::transcript) return;
    std::string text;
    if (fields.text) json::append_unescaped(text, fields.text->text);
    const streamed_item& known = add_whole(fields, known_.text, text);
    items_.add_part_end(to_string(known_.text), shown_id(known, fields), part_of(known_.text, fields));
}

streamed_item& piece_reader::add_whole(const event_fields& fields, text_kind kind, std::string_view text) {
    const item_reference reference = reference_of(fields, item_type_with(kind, known_.call_type));
    if (text.empty()) return streamed_.find_for_event(reference);
    const std::vector<whole_text> whole{{kind, part_of(kind, fields), text}};
    streamed_item& known = streamed_.find_for_whole(reference, whole);
    items_.add_missing(known, known.missing_of(whole, false));
    items_.add_missing(known, known.take_halves());
    return known;
}

void piece_reader::read_annotation() {
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

void piece_reader::read_part_added() {
    std::string type;
    const event_fields fields = read_fields();
    json::checked(source_.reset());
    with_object(source_, "part", [&type](json::object object) {
        each_member(object, [&type](std::string_view key, json::value member) {
            if (key == "type") json::read(member, type);
        });
    });
    if (type.empty()) return;
    if (is_of_reasoning(type)) {
        const streamed_item& known = streamed_.find_for_event(reference_of(fields, "reasoning"));
        return items_.add_progress(known, "reasoning", "in_progress");
    }
    thread_message& message = out_.add<events::message_in_progress>().message;
    message.id = streamed_.find_for_event(reference_of(fields, "message")).id;
    message.role = "assistant";
    message.status = "in_progress";
    message.raw = out_.wire().data;
}

/// A part that is whole has its text, which may have come in pieces.
void piece_reader::read_part_done() {
    std::string type, text;
    const event_fields fields = read_fields();
    json::checked(source_.reset());
    with_object(source_, "part", [&](json::object object) {
        each_member(object, [&](std::string_view key, json::value member) {
            if (key == "type") json::read(member, type);
            if (key == "text" || key == "refusal" || key == "transcript") json::read(member, text);
        });
    });
    if (type.empty()) return;
    const auto* const known_type = std::find_if(std::begin(part_types), std::end(part_types),
                                                [&](const part_type& each) { return each.name == type; });
    if (known_type == std::end(part_types)) {
        const streamed_item& known = streamed_.find_for_event(reference_of(fields, "message"));
        return items_.add_part_end(out_.keep(type), shown_id(known, fields), fields.part_index);
    }
    const streamed_item& known = add_whole(fields, known_type->kind, text);
    items_.add_part_end(to_string(known_type->kind), shown_id(known, fields), fields.part_index);
}

void piece_reader::read_step_in_progress() {
    const event_fields fields = read_fields();
    const std::string_view type = is_call(known_.item_type) ? call_type_of(known_.item_type) : known_.item_type;
    items_.add_progress(streamed_.find_for_event(reference_of(fields, type)), known_.item_type, known_.status);
}

void piece_reader::read_command_added() {
    read_step_in_progress();
    json::checked(source_.reset());
    const event_fields fields = read_fields();
    std::string text;
    if (fields.text) json::append_unescaped(text, fields.text->text);
    add_whole(fields, known_.text, text);
}

/// The output of a shell, which is an item of its own.
streamed_item& piece_reader::find_shell_output(const event_fields& fields) {
    item_reference reference = reference_of(fields, shell_output_type);
    // Some services name the call in its place.
    for (const streamed_item& each : streamed_.all())
        if (each.type == "shell" && each.call &&
            (each.knows(reference.id) || (each.index && each.index == fields.output_index))) {
            reference.id = {};
            reference.index.reset();
            reference.call_id = each.call->id;
        }
    streamed_item& known = streamed_.find_for_event(reference);
    if (known.call_item.empty()) items_.join_to_call(known, shell_output_type, reference.call_id);
    return known;
}

void piece_reader::read_shell_output_delta() {
    const event_fields fields = read_fields();
    json::checked(source_.reset());
    std::optional<json_piece> output, error_output;
    const bool found = with_object(source_, "delta", [&](json::object object) {
        each_member(object, [&](std::string_view key, json::value member) {
            if (key == "stdout") read_optional_string(member, key, output);
            if (key == "stderr") read_optional_string(member, key, error_output);
        });
    });
    if (!found) return;
    if (!output && !error_output) output.emplace();
    streamed_item& known = find_shell_output(fields);
    const auto add = [&](text_kind kind, const std::optional<json_piece>& piece) {
        if (!piece) return;
        streamed_text& text = known.text(kind, fields.command_index);
        const std::string_view news = text.take(out_.view(*piece, text.half));
        items_.add_delta(kind, shown_id(known, fields), fields.command_index, news, "shell");
    };
    add(text_kind::output, output);
    add(text_kind::error_output, error_output);
}

void piece_reader::read_shell_output_done() {
    const event_fields fields = read_fields();
    json::checked(source_.reset());
    command_result all;
    each_member(source_, [&all](std::string_view key, json::value member) {
        if (key != "output") return;
        const auto elements = json::array_in(member, key);
        if (!elements) return;
        for (const command_result& each : read_command_results(*elements)) {
            all.standard_output += each.standard_output;
            all.standard_error += each.standard_error;
        }
    });
    streamed_item& known = find_shell_output(fields);
    const std::int32_t command = fields.command_index;
    items_.add_missing(known, known.missing_of({{text_kind::output, command, all.standard_output},
                                                {text_kind::error_output, command, all.standard_error}},
                                               false));
    items_.add_part_end(to_string(text_kind::output), shown_id(known, fields), command);
}

void piece_reader::read_audio_delta() {
    const event_fields fields = read_fields();
    if (!fields.text) return json::missing(known_.member);
    const std::string_view id = shown_id(streamed_.find_for_event(reference_of(fields, "message")), fields);
    auto& delta = out_.add<events::audio_delta>();
    delta.base64 = out_.view(*fields.text);
    delta.message_id = id;
    delta.content_index = fields.part_index;
}

void piece_reader::read_audio_done() {
    const event_fields fields = read_fields();
    const streamed_item& known = streamed_.find_for_event(reference_of(fields, "message"));
    items_.add_part_end("audio", shown_id(known, fields), fields.part_index);
}

void piece_reader::read_image_partial() {
    const event_fields fields = read_fields();
    if (!fields.text) return json::missing(known_.member);
    const std::string_view id = shown_id(streamed_.find_for_event(reference_of(fields, "image_generation")), fields);
    auto& partial = out_.add<events::image_partial>();
    partial.item_id = id;
    partial.index = fields.number;
    partial.base64 = out_.view(*fields.text);
}

/// The item comes too, before or after, or it does not.
void piece_reader::read_consent() {
    item consent;
    std::optional<std::int32_t> place;
    each_member(source_, [&](std::string_view key, json::value member) {
        if (key == "id" || key == "item_id") json::read(member, consent.id);
        if (key == "consent_link") json::read(member, consent.link);
        if (key == "server_label") json::read(member, consent.call.server_label);
        if (key == "output_index") read_optional_index(member, place);
    });
    if (consent.link.empty()) return json::missing(known_.member);
    consent.type = oauth_consent_request;
    items_.begin(std::move(consent), place);
}

}  // namespace corun::codec::responses
