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

}  // namespace

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

}  // namespace corun::codec::threads
