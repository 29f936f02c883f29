#include "gateway/input_items.hpp"

#include "gateway/conversation.hpp"
#include "gateway/refusal.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <map>
#include <system_error>
#include <utility>

namespace corun::gateway {
namespace {

json content_item(const content_block& block, bool is_answer) {
    if (block.type != content_block::kind::text)
        return {{"type", "input_image"}, {"image_url", block.value}, {"file_id", nullptr}, {"detail", "auto"}};
    if (!is_answer) return {{"type", "input_text"}, {"text", block.value}};
    return {
        {"type", "output_text"}, {"text", block.value}, {"annotations", json::array()}, {"logprobs", json::array()}};
}

json message_item(const message& source) {
    json content = json::array();
    for (const content_block& each : source.content) content.push_back(content_item(each, source.role == "assistant"));
    return {{"type", "message"}, {"status", "completed"}, {"role", source.role}, {"content", std::move(content)}};
}

json asked_items(const std::string& text) {
    json items = json::array();
    const auto asked = decode_question(text);
    if (!asked) return items;
    for (const message& each : asked->history) items.push_back(message_item(each));
    const json others = json::parse(asked->items, nullptr, false);
    for (const json& each : others.is_array() ? others : json::array()) items.push_back(each);
    items.push_back(message_item(asked->text));
    return items;
}

/// The answers that a segment of the log begins with.
json answered_items(const run_log& log, std::size_t begin) {
    std::map<std::uint32_t, std::string> calls;
    for (std::size_t i = 0; i < begin; ++i)
        if (log[i].kind == entry_kind::call_started && member(log[i].detail, "client") == true)
            calls[log[i].part] = string_member(log[i].detail, "id");
    json items = json::array();
    for (std::size_t i = begin; i < log.size(); ++i) {
        const entry& each = log[i];
        const auto call = calls.find(each.part);
        if (each.kind == entry_kind::approval_decided)
            items.push_back({{"type", "mcp_approval_response"},
                             {"approval_request_id", member(each.detail, "id")},
                             {"approve", member(each.detail, "approved")},
                             {"reason", nullptr}});
        else if (each.kind == entry_kind::call_ended && call != calls.end())
            items.push_back({{"type", "function_call_output"},
                             {"call_id", call->second},
                             {"output", string_member(each.detail, "output")},
                             {"status", "completed"}});
        else if (each.kind != entry_kind::run_resumed && each.kind != entry_kind::call_ended)
            break;
    }
    return items;
}

std::string_view prefix_for(std::string_view type) noexcept {
    if (type == "message") return "msg_";
    if (type == "function_call_output") return "fco_";
    return type == "compaction" ? "cmp_" : "mcpr_";
}

std::size_t limit_of(std::string_view text) {
    constexpr std::size_t usual = 20, most = 100;
    if (text.empty()) return usual;
    std::size_t number = 0;
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
    if (parsed.ec != std::errc() || parsed.ptr != text.data() + text.size() || number < 1 || number > most)
        throw bad_request("'limit' is a number from 1 to 100.");
    return number;
}

}  // namespace

json input_items(const run& of, std::size_t segment, std::string_view response_id) {
    json items = segment == 0 ? asked_items(of.question()) : answered_items(of.log(), of.log().segments()[segment]);
    std::size_t number = 0;
    for (json& each : items) {
        ++number;
        if (!string_member(each, "id").empty()) continue;
        std::string id(prefix_for(string_member(each, "type")));
        id.append(response_id.substr(response_id.find('_') + 1)).append("_in").append(std::to_string(number));
        each["id"] = std::move(id);
    }
    return items;
}

json page_of(json items, std::string_view limit, std::string_view order, std::string_view after) {
    const std::size_t count = limit_of(limit);
    if (!order.empty() && order != "asc" && order != "desc") throw bad_request("'order' is 'asc' or 'desc'.");
    if (order != "asc") std::reverse(items.begin(), items.end());
    auto from = items.begin();
    if (!after.empty()) {
        from = std::find_if(items.begin(), items.end(),
                            [after](const json& each) { return string_member(each, "id") == after; });
        if (from == items.end()) throw bad_request("'after' is not the id of an item in this list.");
        ++from;
    }
    const auto left = static_cast<std::size_t>(items.end() - from);
    const auto to = from + static_cast<std::ptrdiff_t>(std::min(count, left));
    json page = json::array();
    for (auto each = from; each != to; ++each) page.push_back(std::move(*each));
    json list = {{"object", "list"},
                 {"data", std::move(page)},
                 {"first_id", nullptr},
                 {"last_id", nullptr},
                 {"has_more", left > count}};
    if (list["data"].empty()) return list;
    list["first_id"] = list["data"].front()["id"];
    list["last_id"] = list["data"].back()["id"];
    return list;
}

}  // namespace corun::gateway
