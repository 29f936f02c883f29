#include "gateway/conversation.hpp"

#include "gateway/json.hpp"

#include <utility>

namespace corun::gateway {
namespace {

json shown_message(const message& source) {
    json blocks = json::array();
    for (const content_block& each : source.content)
        blocks.push_back({each.type == content_block::kind::text ? "text" : "image_url", each.value});
    return {{"role", source.role}, {"content", std::move(blocks)}};
}

/// Nothing without any content.
std::optional<message> message_in(const json& source) {
    std::vector<content_block> blocks;
    for (const json& each : member(source, "content")) {
        if (!each.is_array() || each.size() != 2 || !each[1].is_string()) return {};
        auto value = each[1].get<std::string>();
        blocks.push_back(each[0] == "text" ? content_block::text(std::move(value))
                                           : content_block::image_url(std::move(value)));
    }
    if (blocks.empty()) return {};
    message made(std::move(blocks));
    made.role = string_member(source, "role");
    return made;
}

}  // namespace

std::string encode(const question& asked) {
    json history = json::array();
    for (const message& each : asked.history) history.push_back(shown_message(each));
    const json whole = {
        {"message", shown_message(asked.text)}, {"history", std::move(history)}, {"items", asked.items}};
    return text_of(whole);
}

std::optional<question> decode_question(std::string_view text) {
    const json source = json::parse(text, nullptr, false);
    auto asked = message_in(member(source, "message"));
    if (!asked) return {};
    question made(std::move(*asked));
    for (const json& each : member(source, "history"))
        if (auto earlier = message_in(each)) made.history.push_back(std::move(*earlier));
    made.items = string_member(source, "items");
    return made;
}

}  // namespace corun::gateway
