#include "protocol/threads/deltas.hpp"

#include "protocol/readers.hpp"
#include "protocol/threads/objects.hpp"

#include <utility>

namespace corun::codec::threads {
namespace {

using json::each_element;
using json::each_member;

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

/// What the pieces of one event belong to.
class piece_writer {
public:
    piece_writer(const item_reference& reference, output& out, streamed_items& items)
        : reference_(reference), out_(out), items_(items) {}

    /// What is new of a piece, and the item of which it is.
    struct found_piece {
        std::string_view text, item_id;
    };
    found_piece take(text_kind kind, std::int32_t part, const json_piece& piece) {
        // The output of a call comes in pieces when its step has ended already.
        streamed_item& known = kind == text_kind::arguments ? items_.find_for_event(reference_)
                                                            : items_.find_for_piece(reference_, kind, part, piece.text);
        streamed_text& text = known.text(kind, part);
        // Steps go by their ids: another one is another step's.
        if (kind == text_kind::arguments) known.uses = 2;
        const std::string_view news = text.take(out_.view(piece, text.half));
        if (kind == text_kind::text) items_.set_latest(known, text);
        return {news, shown_id(known)};
    }
    std::string_view item_id() { return shown_id(items_.find_for_event(reference_)); }

private:
    std::string_view shown_id(const streamed_item& known) {
        if (id_ != known.id) id_ = out_.keep(known.id);
        return id_;
    }

    item_reference reference_;
    output& out_;
    streamed_items& items_;
    std::string_view id_;
};

void add_content_delta(content_delta& part, piece_writer& pieces, output& out) {
    if (part.text) {
        const auto piece = pieces.take(text_kind::text, part.index, *part.text);
        auto& delta = out.add<events::text_delta>();
        delta.text = piece.text;
        delta.message_id = piece.item_id;
        delta.content_index = part.index;
    }
    for (auto& [index, value] : part.annotations) {
        const std::string_view message = pieces.item_id();
        auto& added = out.add<events::annotation>();
        added.message_id = message;
        added.content_index = part.index;
        added.index = index;
        added.value = std::move(value);
    }
    if (part.image) {
        const std::string_view message = pieces.item_id();
        auto& delta = out.add<events::image_delta>();
        delta.file_id = out.view(*part.image);
        delta.message_id = message;
        delta.content_index = part.index;
    }
    if (part.refusal) {
        const auto piece = pieces.take(text_kind::refusal, part.index, *part.refusal);
        auto& delta = out.add<events::refusal_delta>();
        delta.text = piece.text;
        delta.message_id = piece.item_id;
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

}  // namespace

void decode_message_delta(json::object source, output& out, streamed_items& items) {
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
    piece_writer pieces(message_reference(out.view(*id)), out, items);
    for (content_delta& part : parts) add_content_delta(part, pieces, out);
}

void decode_step_delta(json::object source, output& out, streamed_items& items) {
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
    piece_writer pieces(step_reference(out.view(*id)), out, items);
    for (const call_fields& call : calls) {
        const auto index = static_cast<std::int32_t>(*call.index);
        const auto arguments = pieces.take(text_kind::arguments, index, call.arguments.value_or(json_piece()));
        const std::string_view step = arguments.item_id;
        auto& delta = out.add<events::tool_call_delta>();
        delta.step_id = step;
        delta.index = index;
        delta.id = out.view(call.id);
        delta.type = details_name_type && !call.type ? details_type->text : out.view(call.type);
        delta.name = out.view(call.name);
        delta.server_label = out.view(call.server_label);
        delta.arguments = arguments.text;
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

item_reference message_reference(std::string_view id) noexcept {
    item_reference reference;
    reference.type = "message";
    reference.id = id;
    return reference;
}

item_reference step_reference(std::string_view id) noexcept {
    item_reference reference;
    reference.type = "step";
    reference.id = id;
    return reference;
}

std::vector<whole_text> whole_texts(const thread_message& source) {
    std::vector<whole_text> texts;
    for (std::size_t i = 0; i != source.content.size(); ++i) {
        const message_content& part = source.content[i];
        if (part.type != "text" && part.type != "refusal") continue;
        const text_kind kind = part.type == "text" ? text_kind::text : text_kind::refusal;
        texts.push_back({kind, static_cast<std::int32_t>(i), part.text});
    }
    return texts;
}

void add_missing(const streamed_item& known, std::vector<missing_text> missing, output& out) {
    if (missing.empty()) return;
    const std::string_view id = out.keep(known.id);
    for (missing_text& each : missing) {
        const std::string_view text = out.keep(std::move(each.text));
        if (each.kind == text_kind::text) {
            auto& delta = out.add<events::text_delta>();
            delta.text = text;
            delta.message_id = id;
            delta.content_index = each.part;
        } else if (each.kind == text_kind::refusal) {
            auto& delta = out.add<events::refusal_delta>();
            delta.text = text;
            delta.message_id = id;
            delta.content_index = each.part;
        } else {
            auto& delta = out.add<events::tool_call_delta>();
            delta.step_id = id;
            delta.index = each.part;
            delta.arguments = text;
        }
    }
}

void end_texts(streamed_items& items, output& out) {
    for (streamed_item& each : items.all()) add_missing(each, each.take_halves(), out);
}

}  // namespace corun::codec::threads
