// Conversations and their items.
#include "emulator/responses/conversations.hpp"

#include <algorithm>

namespace corun::emulator {
namespace {

std::string prefix_of(const std::string& type) {
    static const std::pair<const char*, const char*> prefixes[] = {{"message", "msg_"},
                                                                   {"function_call", "fc_"},
                                                                   {"function_call_output", "fco_"},
                                                                   {"reasoning", "rs_"},
                                                                   {"mcp_list_tools", "mcpl_"},
                                                                   {"mcp_approval_response", "mcpa_"},
                                                                   {"custom_tool_call", "ctc_"},
                                                                   {"custom_tool_call_output", "ctco_"}};
    for (const auto& [name, prefix] : prefixes)
        if (name == type) return prefix;
    return "item_";
}

}  // namespace

refusal no_such(const std::string& kind, const std::string& id) {
    return {404, error_envelope(kind + " with id '" + id + "' not found.", "invalid_request_error")};
}

void check_include(const call& what) {
    for (const auto& [key, value] : what.query)
        if (key == "include" || key == "include[]") schema::includable()(value, "include[0]");
}

json kept_item(core& of, const json& given) {
    const std::string type = given.contains("type") ? get_string(given, "type") : "message";
    json item;
    item["id"] = get(given, "id").is_string() ? given["id"] : json(of.make_id(prefix_of(type)));
    item["type"] = type;
    if (type != "message") {
        for (const auto& [name, value] : given.items())
            if (name != "id" && name != "type") item[name] = value;
        if (type.ends_with("_call") || type.ends_with("_output"))
            if (!type.starts_with("mcp_") && !item.contains("status")) item["status"] = "completed";
        return item;
    }
    item["status"] = get(given, "status").is_null() ? json("completed") : given["status"];
    const bool of_assistant = get(given, "role") == "assistant";
    const json& content = get(given, "content");
    item["content"] = content.is_array() ? content : json::array();
    if (content.is_string()) {
        json part;
        part["type"] = of_assistant ? "output_text" : "input_text";
        if (of_assistant) part["annotations"] = part["logprobs"] = json::array();
        part["text"] = content;
        item["content"].push_back(std::move(part));
    }
    item["role"] = get(given, "role");
    return item;
}

bool conversations::owns(const call& what) {
    return what.segments.size() > 2 && what.segments[0] == "openai" && what.segments[1] == "v1" &&
           what.segments[2] == "conversations";
}

std::shared_ptr<conversation> conversations::find(const std::string& id) const {
    auto found = conversations_.find(id);
    if (!found) throw no_such("Conversation", id);
    return found;
}

std::shared_ptr<record> conversations::find_item(const std::string& id) const {
    for (const auto& [place, one] : conversations_.items())
        if (auto item = one->items.find(id)) return item;
    return nullptr;
}

json conversations::add_items(conversation& to, const json& given) {
    json items = json::array();
    for (const auto& one : given) {
        json item = kept_item(core_, one);
        const bool is_there =
            to.items.find(get_string(item, "id")) ||
            std::any_of(items.begin(), items.end(), [&](const json& other) { return other["id"] == item["id"]; });
        if (is_there)
            throw bad_request("Item with id '" + get_string(item, "id") + "' already in conversation.", "items");
        items.push_back(std::move(item));
    }
    for (const auto& item : items) to.items.add(std::make_shared<record>(item));
    json list;
    list["object"] = "list";
    list["first_id"] = items.empty() ? json(nullptr) : items.front()["id"];
    list["last_id"] = items.empty() ? json(nullptr) : items.back()["id"];
    list["has_more"] = false;
    list["data"] = std::move(items);
    return list;
}

json conversations::answer(const call& what) {
    const auto& at = what.segments;
    if (what.is("POST", {"openai", "v1", "conversations"})) {
        const json body = body_of(what, bodies_.create_conversation, false);
        json object;
        object["id"] = core_.make_id("conv_");
        object["object"] = "conversation";
        object["created_at"] = core_.now();
        object["metadata"] = get(body, "metadata").is_null() ? json::object() : body["metadata"];
        auto made = std::make_shared<conversation>(std::move(object));
        add_items(*made, get(body, "items"));
        conversations_.add(made);
        return made->object;
    }
    if (at.size() < 4) throw gateway_error(404, "404", "Resource not found");
    const auto found = find(at[3]);
    if (at.size() == 4) {
        if (what.method == "GET") return found->object;
        if (what.method == "POST") {
            const json body = body_of(what, bodies_.update_conversation);
            found->object["metadata"] = body["metadata"].is_null() ? json::object() : body["metadata"];
            return found->object;
        }
        if (what.method == "DELETE") {
            conversations_.erase(found->id);
            return deleted(found->id, "conversation.deleted");
        }
    }
    const auto show = [](const record& one) { return one.object; };
    if (what.is("POST", {"openai", "v1", "conversations", "*", "items"})) {
        check_include(what);
        const json body = body_of(what, bodies_.create_items);
        return add_items(*found, body["items"]);
    }
    if (what.is("GET", {"openai", "v1", "conversations", "*", "items"})) {
        check_include(what);
        return page_or_refuse(found->items, page_of(what), "item", all, show);
    }
    if (at.size() == 6 && at[4] == "items" && (what.method == "GET" || what.method == "DELETE")) {
        const auto item = found->items.find(at[5]);
        if (!item) throw no_such("Item", at[5]);
        if (what.method == "GET") return item->object;
        found->items.erase(at[5]);
        return found->object;
    }
    throw gateway_error(404, "404", "Resource not found");
}

}  // namespace corun::emulator
