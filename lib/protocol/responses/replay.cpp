#include "protocol/responses/replay.hpp"

#include "json/document.hpp"
#include "text/utf8.hpp"
#include <corun/error.hpp>

#include <optional>
#include <utility>

namespace corun::codec::responses {
namespace {

using document = nlohmann::ordered_json;

/// The rest of a text after so many UTF-16 units.
std::string_view after(std::string_view text, std::size_t units) noexcept {
    std::size_t at = 0;
    for (; at != text.size(); ++at) {
        const std::size_t width = utf8::utf16_units(text[at]);
        if (width == 0) continue;
        if (units == 0) break;
        units -= width < units ? width : units;
    }
    return text.substr(at);
}

std::string string_in(const document& object, const char* key) {
    const auto found = object.is_object() ? object.find(key) : object.end();
    return object.is_object() && found != object.end() && found->is_string() ? found->get<std::string>()
                                                                             : std::string();
}

const document* array_in(const document& object, const char* key) {
    if (!object.is_object()) return nullptr;
    const auto found = object.find(key);
    return found != object.end() && found->is_array() ? &*found : nullptr;
}

bool is_terminal(std::string_view status) noexcept {
    return status == "completed" || status == "failed" || status == "incomplete" || status == "cancelled";
}

bool goes_on(std::string_view status) noexcept {
    return status == "in_progress" || status == "searching" || status == "interpreting" || status == "generating" ||
           status == "calling" || status == "queued";
}

/// The deltas that tell of a call's text, and the member it stands in.
struct call_text {
    std::string_view item_type, delta_name;
    const char* member;
};
constexpr call_text call_texts[] = {
    {"function_call", "response.function_call_arguments.delta", "arguments"},
    {"mcp_call", "response.mcp_call_arguments.delta", "arguments"},
    {"custom_tool_call", "response.custom_tool_call_input.delta", "input"},
    {"code_interpreter_call", "response.code_interpreter_call_code.delta", "code"},
};

class telling {
public:
    telling(const document& response, const delivered& so_far) : response_(response), so_far_(so_far) {}

    std::vector<replayed_event> tell() {
        if (so_far_.over) return std::move(events_);
        const std::string status = string_in(response_, "status");
        const bool ended = is_terminal(status);
        if (!so_far_.created) tell_response("response.created");
        if (!ended && !status.empty() && status != so_far_.status) tell_response("response." + status);
        if (const document* output = array_in(response_, "output"))
            for (std::size_t i = 0; i != output->size(); ++i)
                tell_item((*output)[i], i, ended || i + 1 != output->size());
        if (ended) tell_response("response." + status);
        return std::move(events_);
    }

private:
    void tell_response(std::string name) {
        document data = document::object();
        data["type"] = name;
        data["response"] = response_;
        // What begins has come to nothing yet.
        if (name == "response.created") {
            data["response"]["output"] = document::array();
            data["response"]["status"] = "in_progress";
        }
        add(std::move(name), data);
    }

    void tell_item(const document& item, std::size_t place, bool whole) {
        if (!item.is_object()) return;
        std::string id = string_in(item, "id");
        if (id.empty()) id = "item_" + std::to_string(place);
        const auto found = so_far_.items.find(id);
        const delivered::item known = found == so_far_.items.end() ? delivered::item() : found->second;
        if (known.ended) return;
        if (!known.begun) tell_of_item("response.output_item.added", begun(item), place);

        const std::string type = string_in(item, "type");
        if (type == "message") {
            tell_parts(item, "content", id, place, known);
        } else if (type == "reasoning") {
            tell_parts(item, "summary", id, place, known);
            tell_parts(item, "content", id, place, known);
        }
        for (const call_text& each : call_texts)
            if (each.item_type == type)
                tell_text(std::string(each.delta_name), string_in(item, each.member), "arguments", 0, id, place, known,
                          nullptr);

        const std::string status = string_in(item, "status");
        if (status.empty() ? whole : !goes_on(status)) tell_of_item("response.output_item.done", item, place);
    }

    /// The item as it was before anything of it had come.
    static document begun(const document& item) {
        document bare = item;
        bare["status"] = "in_progress";
        for (const char* list : {"content", "summary", "tools", "outputs", "queries"})
            if (array_in(bare, list) != nullptr) bare[list] = document::array();
        for (const char* text : {"arguments", "input", "code"})
            if (bare.contains(text)) bare[text] = "";
        for (const char* later : {"output", "error", "result", "results", "action", "encrypted_content"})
            if (bare.contains(later)) bare[later] = nullptr;
        return bare;
    }

    void tell_of_item(std::string name, document item, std::size_t place) {
        document data = document::object();
        data["type"] = name;
        data["output_index"] = place;
        data["item"] = std::move(item);
        add(std::move(name), data);
    }

    void tell_parts(const document& item, const char* member, const std::string& id, std::size_t place,
                    const delivered::item& known) {
        const document* parts = array_in(item, member);
        if (parts == nullptr) return;
        for (std::size_t i = 0; i != parts->size(); ++i) {
            const document& part = (*parts)[i];
            const std::string type = string_in(part, "type");
            const auto index = static_cast<std::int32_t>(i);
            if (type == "output_text")
                tell_text("response.output_text.delta", string_in(part, "text"), "text", index, id, place, known,
                          "content_index");
            else if (type == "refusal")
                tell_text("response.refusal.delta", string_in(part, "refusal"), "refusal", index, id, place, known,
                          "content_index");
            else if (type == "summary_text")
                tell_text("response.reasoning_summary_text.delta", string_in(part, "text"), "summary", index, id, place,
                          known, "summary_index");
            else if (type == "reasoning_text")
                tell_text("response.reasoning_text.delta", string_in(part, "text"), "reasoning", index, id, place,
                          known, "content_index");
        }
    }

    void tell_text(std::string name, const std::string& text, const char* kind, std::int32_t index,
                   const std::string& id, std::size_t place, const delivered::item& known, const char* index_member) {
        const auto told = known.texts.find({kind, index});
        const std::string_view rest = after(text, told == known.texts.end() ? 0 : told->second);
        if (rest.empty()) return;
        document data = document::object();
        data["type"] = name;
        data["item_id"] = id;
        data["output_index"] = place;
        if (index_member != nullptr) data[index_member] = index;
        data["delta"] = rest;
        add(std::move(name), data);
    }

    void add(std::string name, const document& data) { events_.emplace_back(std::move(name), data.dump()); }

    const document& response_;
    const delivered& so_far_;
    std::vector<replayed_event> events_;
};

/// What an event does to what has been delivered.
struct taking_in {
    delivered& all;

    void operator()(const text_delta& e) const { add("text", e.message_id, e.content_index, e.text); }
    void operator()(const refusal_delta& e) const { add("refusal", e.message_id, e.content_index, e.text); }
    void operator()(const reasoning_delta& e) const {
        add(e.summary ? "summary" : "reasoning", e.item_id, e.content_index, e.text);
    }
    void operator()(const tool_call_delta& e) const { add("arguments", e.step_id, e.index, e.arguments); }
    void operator()(const message_created& e) const { item(e.message.id).begun = true; }
    void operator()(const step_created& e) const { item(e.step.id).begun = true; }
    void operator()(const message_completed& e) const { item(e.message.id).begun = item(e.message.id).ended = true; }
    void operator()(const step_completed& e) const { item(e.step.id).begun = item(e.step.id).ended = true; }
    void operator()(const run_created&) const {
        all = delivered();
        all.created = true;
    }
    void operator()(const run_status& e) const { all.status = e.status_text; }
    void operator()(const action_required&) const { all.over = true; }
    void operator()(const run_completed&) const { all.over = true; }
    void operator()(const run_failed&) const { all.over = true; }
    void operator()(const run_incomplete&) const { all.over = true; }
    void operator()(const run_cancelled&) const { all.over = true; }
    void operator()(const run_expired&) const { all.over = true; }
    template <class Other>
    void operator()(const Other&) const {}

private:
    [[nodiscard]] delivered::item& item(std::string_view id) const {
        const auto found = all.items.find(id);
        return found != all.items.end() ? found->second : all.items[std::string(id)];
    }
    void add(const char* kind, std::string_view id, std::int32_t index, std::string_view text) const {
        item(id).texts[{kind, index}] += utf16_length(text);
    }
};

}  // namespace

void delivered::observe(const event& told) {
    std::visit(taking_in{*this}, told.body());
    // Items that are neither message nor step (reasoning, requests for approval) tell by their name alone.
    if (told.continues() || (!told.get_if<unknown>() && !told.get_if<reasoning_delta>())) return;
    const bool added = told.name() == "response.output_item.added", done = told.name() == "response.output_item.done";
    if (!added && !done) return;
    const document data = json::parse_document<document>(json::without_half_surrogates(told.raw()));
    if (!data.is_object() || !data.contains("item")) return;
    std::string id = string_in(data["item"], "id");
    if (id.empty()) {
        const auto place = data.find("output_index");
        id = "item_" + (place != data.end() && place->is_number_integer() ? place->dump() : "0");
    }
    items[id].begun = true;
    if (done) items[id].ended = true;
}

std::vector<replayed_event> events_of(std::string_view response, const delivered& so_far) {
    const document read = json::parse_document<document>(json::without_half_surrogates(response));
    if (!read.is_object()) throw error(errc::bad_response, "the service's response is not a JSON object");
    return telling(read, so_far).tell();
}

replayed_event cancelled_event(std::string_view response_id, std::string_view conversation_id) {
    document data = document::object();
    data["type"] = "response.cancelled";
    data["response"]["id"] = response_id;
    data["response"]["object"] = "response";
    data["response"]["status"] = "cancelled";
    if (!conversation_id.empty()) data["response"]["conversation"]["id"] = conversation_id;
    return replayed_event("response.cancelled", data.dump());
}

std::size_t utf16_length(std::string_view utf8) noexcept {
    std::size_t units = 0;
    for (const char c : utf8) units += utf8::utf16_units(c);
    return units;
}

}  // namespace corun::codec::responses
