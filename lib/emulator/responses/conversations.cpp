// Conversations and their items.
#include "emulator/responses/conversations.hpp"

#include "emulator/http/api_error.hpp"

#include <algorithm>

namespace corun::emulator {
namespace {

std::string prefix_of(const std::string& type) {
    static const std::pair<const char*, const char*> prefixes[] = {{"message", "msg_"},
                                                                   {"function_call", "fc_"},
                                                                   {"function_call_output", "fco_"},
                                                                   {"reasoning", "rs_"},
                                                                   {"compaction", "cmp_"},
                                                                   {"mcp_list_tools", "mcpl_"},
                                                                   {"mcp_approval_response", "mcpa_"},
                                                                   {"custom_tool_call", "ctc_"},
                                                                   {"custom_tool_call_output", "ctco_"}};
    for (const auto& [name, prefix] : prefixes)
        if (name == type) return prefix;
    return "item_";
}

}  // namespace

api_error not_found_by_id(const std::string& kind, const std::string& id) {
    return {404, error_envelope(kind + " with id '" + id + "' not found.", "invalid_request_error")};
}

void check_include(const api_request& request) {
    for (const auto& [name, value] : request.query)
        if (name == "include" || name == "include[]") schema::includable()(value, "include[0]");
}

json stored_item(environment& shared, const json& input) {
    const std::string type = input.contains("type") ? get_string(input, "type") : "message";
    json item;
    item["id"] = get(input, "id").is_string() ? input["id"] : json(shared.make_id(prefix_of(type)));
    item["type"] = type;
    if (type != "message") {
        for (const auto& [name, value] : input.items())
            if (name != "id" && name != "type") item[name] = value;
        if (type.ends_with("_call") || type.ends_with("_output"))
            if (!type.starts_with("mcp_") && !item.contains("status")) item["status"] = "completed";
        return item;
    }
    item["status"] = get(input, "status").is_null() ? json("completed") : input["status"];
    const bool is_assistants = get(input, "role") == "assistant";
    const json& content = get(input, "content");
    item["content"] = content.is_array() ? content : json::array();
    if (content.is_string()) {
        json part;
        part["type"] = is_assistants ? "output_text" : "input_text";
        if (is_assistants) part["annotations"] = part["logprobs"] = json::array();
        part["text"] = content;
        item["content"].push_back(std::move(part));
    }
    for (auto& part : item["content"])
        if (get(part, "type") == "input_image" && get(part, "detail").is_null()) part["detail"] = "auto";
    item["role"] = get(input, "role");
    if (const json& phase = get(input, "phase"); is_assistants && !phase.is_null()) item["phase"] = phase;
    return item;
}

std::shared_ptr<conversation> conversations::find(const std::string& id) const {
    auto found = conversations_.find(id);
    if (!found) throw not_found_by_id("Conversation", id);
    return found;
}

std::shared_ptr<record> conversations::find_item(const std::string& id) const {
    for (const auto& [place, conversation] : conversations_.items())
        if (auto item = conversation->items.find(id)) return item;
    return nullptr;
}

json conversations::add_items(conversation& conversation, const json& input) {
    json items = json::array();
    for (const auto& given : input) {
        json item = stored_item(environment_, given);
        const bool is_duplicate =
            conversation.items.find(get_string(item, "id")) ||
            std::any_of(items.begin(), items.end(), [&](const json& other) { return other["id"] == item["id"]; });
        if (is_duplicate)
            throw bad_request("Item with id '" + get_string(item, "id") + "' already in conversation.", "items");
        items.push_back(std::move(item));
    }
    for (const auto& item : items) conversation.items.add(std::make_shared<record>(item));
    json list;
    list["object"] = "list";
    list["first_id"] = items.empty() ? json(nullptr) : items.front()["id"];
    list["last_id"] = items.empty() ? json(nullptr) : items.back()["id"];
    list["has_more"] = false;
    list["data"] = std::move(items);
    return list;
}

json conversations::serve(const api_request& request) {
    using api = conversations;
    static constexpr route<json (api::*)(const api_request&)> routes[] = {
        {"POST", "openai/v1/conversations", &api::create},
        {"GET", "openai/v1/conversations/*", &api::retrieve},
        {"POST", "openai/v1/conversations/*", &api::update},
        {"DELETE", "openai/v1/conversations/*", &api::remove},
        {"POST", "openai/v1/conversations/*/items", &api::create_items},
        {"GET", "openai/v1/conversations/*/items", &api::list_items},
        {"GET", "openai/v1/conversations/*/items/*", &api::retrieve_item},
        {"DELETE", "openai/v1/conversations/*/items/*", &api::remove_item},
    };
    if (const auto handler = find_route(routes, request)) return (this->*handler)(request);
    throw no_such_route();
}

json conversations::create(const api_request& request) {
    const json body = body_of(request, bodies_.create_conversation, false);
    json object;
    object["id"] = environment_.make_id("conv_");
    object["object"] = "conversation";
    object["created_at"] = environment_.now();
    object["metadata"] = get(body, "metadata").is_null() ? json::object() : body["metadata"];
    auto created = std::make_shared<conversation>(std::move(object));
    add_items(*created, get(body, "items"));
    conversations_.add(created);
    return created->object;
}

json conversations::retrieve(const api_request& request) {
    return find(request.segments[3])->object;
}

json conversations::update(const api_request& request) {
    const auto conversation = find(request.segments[3]);
    const json body = body_of(request, bodies_.update_conversation);
    conversation->object["metadata"] = body["metadata"].is_null() ? json::object() : body["metadata"];
    return conversation->object;
}

json conversations::remove(const api_request& request) {
    const auto conversation = find(request.segments[3]);
    conversations_.erase(conversation->id);
    return deleted(conversation->id, "conversation.deleted");
}

json conversations::create_items(const api_request& request) {
    const auto conversation = find(request.segments[3]);
    check_include(request);
    const json body = body_of(request, bodies_.create_items);
    return add_items(*conversation, body["items"]);
}

json conversations::list_items(const api_request& request) {
    const auto conversation = find(request.segments[3]);
    check_include(request);
    return list_page(conversation->items, page_of(request), "item", all,
                     [](const record& item) { return item.object; });
}

json conversations::retrieve_item(const api_request& request) {
    const auto item = find(request.segments[3])->items.find(request.segments[5]);
    if (!item) throw not_found_by_id("Item", request.segments[5]);
    return item->object;
}

json conversations::remove_item(const api_request& request) {
    const auto conversation = find(request.segments[3]);
    if (!conversation->items.erase(request.segments[5])) throw not_found_by_id("Item", request.segments[5]);
    return conversation->object;
}

}  // namespace corun::emulator
