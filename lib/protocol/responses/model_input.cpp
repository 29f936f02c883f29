// The calls about the input of responses.
#include "protocol/readers.hpp"
#include "protocol/responses/codec.hpp"
#include "protocol/responses/objects.hpp"
#include "protocol/responses/requests.hpp"

#include <utility>

namespace corun::codec::responses {
namespace {

using json::by;
using json::into;
using json::member;

body to_json(const model_input& input) {
    if (input.model.empty()) refuse("model_input::model", "is empty");
    response_request request;
    request.messages = input.messages;
    request.options.input_items = input.items;
    request.previous_response_id = input.previous_response_id;
    const bool has_input = !input.items.empty() || !input.messages.empty();
    if (!has_input && input.previous_response_id.empty() && input.conversation.empty())
        refuse("model_input", "has no items, messages, previous response or conversation");
    body object = body::object();
    object["model"] = text(input.model);
    set_unless_empty(object, "instructions", input.instructions);
    set_unless_empty(object, "previous_response_id", input.previous_response_id);
    if (has_input) object["input"] = to_input(request);
    return object;
}

constexpr member<compacted_response> compacted_members[] = {
    {"output", by<read_raw, &compacted_response::items>},
    {"usage", by<read_usage, &compacted_response::usage>},
    {"created_at", into<&compacted_response::created_at>},
};

}  // namespace

secret encode_compact(const model_input& input) {
    if (!input.conversation.empty()) refuse("model_input::conversation", "cannot be compacted; pass its items");
    if (!input.tools.empty()) refuse("model_input::tools", "are not supported by client::compact");
    body object = to_json(input);
    add_extra(object, input.extra_json, "model_input::extra_json");
    return encode(object);
}

secret encode_count(const model_input& input) {
    if (!input.conversation.empty() && !input.previous_response_id.empty())
        refuse("model_input::conversation", "cannot be used with a previous_response_id");
    body object = to_json(input);
    set_unless_empty(object, "conversation", input.conversation);
    for (const prompt_tool& each : input.tools) object["tools"].push_back(responses::to_json(each));
    add_extra(object, input.extra_json, "model_input::extra_json");
    return encode(object);
}

compacted_response decode_compacted(std::string_view text) {
    compacted_response result = json::decode_object("compacted response", text, compacted_members);
    if (!result.items.text().starts_with('['))
        throw error(errc::bad_response, "the service's compacted response has no array \"output\"");
    return result;
}

std::int64_t decode_count(std::string_view text) {
    return json::decode_body("count of input tokens", text, [](json::object source) {
        std::optional<std::int64_t> count;
        json::each_member(source, [&count](std::string_view key, json::value member) {
            if (key == "input_tokens") json::read(member, count);
        });
        if (!count) json::missing("input_tokens");
        return count.value_or(0);
    });
}

response_item decode_input_item(std::string_view text) {
    return json::decode_body("input item", text, [text](json::object source) {
        item read = read_item(source);
        response_item result;
        result.id = read.id;
        result.type = read.type;
        result.raw = text;
        if (is_message(read)) result.message = message_of(read);
        return result;
    });
}

}  // namespace corun::codec::responses
