#include "protocol/responses/replay.hpp"

#include "json/document.hpp"
#include <corun/error.hpp>

#include <utility>
#include <variant>

namespace corun::codec::responses {
namespace {

using document = nlohmann::ordered_json;

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

bool is_active(std::string_view status) noexcept {
    return status == "in_progress" || status == "searching" || status == "interpreting" || status == "generating" ||
           status == "calling" || status == "queued";
}

/// The delta for the text of a call, and the member that holds the text.
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

/// The delta for a text of a message or of reasoning.
struct part_text {
    std::string_view part_type, delta_name;
    const char* member;
    const char* kind;
    const char* index_member;
};
constexpr part_text part_texts[] = {
    {"output_text", "response.output_text.delta", "text", "text", "content_index"},
    {"refusal", "response.refusal.delta", "refusal", "refusal", "content_index"},
    {"summary_text", "response.reasoning_summary_text.delta", "text", "summary", "summary_index"},
    {"reasoning_text", "response.reasoning_text.delta", "text", "reasoning", "content_index"},
};

/// The item as it was before any of its content had come.
document begun(const document& item) {
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

std::string id_in(const document& item, const std::string& place) {
    const std::string id = string_in(item, "id");
    return id.empty() ? "item_" + place : id;
}

}  // namespace

/// Writes the events that are new in a response.
class replay::writer {
public:
    writer(const document& response, const replay& progress) : response_(response), progress_(progress) {}

    std::vector<replayed_event> write() {
        if (progress_.over_) return std::move(events_);
        const std::string status = string_in(response_, "status");
        const bool ended = is_terminal(status);
        if (!progress_.created_) add_response("response.created");
        if (!ended && !status.empty() && status != progress_.status_) add_response("response." + status);
        if (const document* output = array_in(response_, "output"))
            for (std::size_t i = 0; i != output->size(); ++i)
                add_item((*output)[i], i, ended || i + 1 != output->size());
        if (ended) add_response("response." + status);
        return std::move(events_);
    }

private:
    /// An item of the output, and what is known of it.
    struct place {
        std::string id;
        std::size_t index;
        const item& known;
    };

    void add_response(std::string name) {
        document data = document::object();
        data["type"] = name;
        data["response"] = response_;
        // A new response has no output yet.
        if (name == "response.created") {
            data["response"]["output"] = document::array();
            data["response"]["status"] = "in_progress";
        }
        add(std::move(name), data);
    }

    void add_item(const document& source, std::size_t index, bool whole) {
        if (!source.is_object()) return;
        const std::string id = id_in(source, std::to_string(index));
        const auto found = progress_.items_.find(id);
        const item unknown;
        const place at{id, index, found == progress_.items_.end() ? unknown : found->second};
        if (at.known.ended) return;
        if (!at.known.begun) add_item_event("response.output_item.added", begun(source), index);

        const std::string type = string_in(source, "type");
        if (type == "reasoning") add_parts(source, "summary", at);
        if (type == "reasoning" || type == "message") add_parts(source, "content", at);
        for (const call_text& each : call_texts)
            if (each.item_type == type)
                add_text(std::string(each.delta_name), string_in(source, each.member), "arguments", 0, nullptr, at);

        const std::string status = string_in(source, "status");
        if (status.empty() ? whole : !is_active(status)) add_item_event("response.output_item.done", source, index);
    }

    void add_item_event(std::string name, document source, std::size_t index) {
        document data = document::object();
        data["type"] = name;
        data["output_index"] = index;
        data["item"] = std::move(source);
        add(std::move(name), data);
    }

    void add_parts(const document& source, const char* member, const place& at) {
        const document* parts = array_in(source, member);
        if (parts == nullptr) return;
        for (std::size_t i = 0; i != parts->size(); ++i) {
            const document& part = (*parts)[i];
            const std::string type = string_in(part, "type");
            for (const part_text& each : part_texts)
                if (each.part_type == type)
                    add_text(std::string(each.delta_name), string_in(part, each.member), each.kind,
                             static_cast<std::int32_t>(i), each.index_member, at);
        }
    }

    void add_text(std::string name, const std::string& text, const char* kind, std::int32_t index,
                  const char* index_member, const place& at) {
        const auto found = at.known.texts.find({kind, index});
        const std::string rest = found == at.known.texts.end() ? text : found->second.rest_of(text);
        if (rest.empty()) return;
        document data = document::object();
        data["type"] = name;
        data["item_id"] = at.id;
        data["output_index"] = at.index;
        if (index_member != nullptr) data[index_member] = index;
        data["delta"] = rest;
        add(std::move(name), data);
    }

    void add(std::string name, const document& data) { events_.emplace_back(std::move(name), data.dump()); }

    const document& response_;
    const replay& progress_;
    std::vector<replayed_event> events_;
};

/// Records an event.
struct replay::progress_visitor {
    replay& all;

    void operator()(const events::text_delta& e) const { add("text", e.message_id, e.content_index, e.text); }
    void operator()(const events::refusal_delta& e) const { add("refusal", e.message_id, e.content_index, e.text); }
    void operator()(const events::reasoning_delta& e) const {
        add(e.summary ? "summary" : "reasoning", e.item_id, e.content_index, e.text);
    }
    void operator()(const events::tool_call_delta& e) const { add("arguments", e.step_id, e.index, e.arguments); }
    void operator()(const events::message_created& e) const { at(e.message.id).begun = true; }
    void operator()(const events::step_created& e) const { at(e.step.id).begun = true; }
    void operator()(const events::message_completed& e) const {
        at(e.message.id).begun = at(e.message.id).ended = true;
    }
    void operator()(const events::step_completed& e) const { at(e.step.id).begun = at(e.step.id).ended = true; }
    void operator()(const events::run_created&) const {
        all = replay();
        all.created_ = true;
    }
    void operator()(const events::run_status& e) const { all.status_ = e.status_text; }
    void operator()(const events::action_required&) const { all.over_ = true; }
    void operator()(const events::run_completed&) const { all.over_ = true; }
    void operator()(const events::run_failed&) const { all.over_ = true; }
    void operator()(const events::run_incomplete&) const { all.over_ = true; }
    void operator()(const events::run_cancelled&) const { all.over_ = true; }
    void operator()(const events::run_expired&) const { all.over_ = true; }
    template <class Other>
    void operator()(const Other&) const {}

private:
    [[nodiscard]] item& at(std::string_view id) const {
        const auto found = all.items_.find(id);
        return found != all.items_.end() ? found->second : all.items_[std::string(id)];
    }
    void add(const char* kind, std::string_view id, std::int32_t index, std::string_view text) const {
        at(id).texts[{kind, index}].append(text);
    }
};

void replay::delivered(const event& streamed) {
    std::visit(progress_visitor{*this}, streamed.body());
    // Items that are neither message nor step (reasoning, requests for approval) are known by the event's name alone.
    if (streamed.continues() || (!streamed.get_if<events::unknown>() && !streamed.get_if<events::reasoning_delta>()))
        return;
    const bool added = streamed.name() == "response.output_item.added";
    const bool done = streamed.name() == "response.output_item.done";
    if (!added && !done) return;
    const document data = json::parse_document<document>(json::without_half_surrogates(streamed.raw()));
    if (!data.is_object() || !data.contains("item")) return;
    const auto place = data.find("output_index");
    item& known = items_[id_in(data["item"], place != data.end() && place->is_number_integer() ? place->dump() : "0")];
    known.begun = true;
    if (done) known.ended = true;
}

std::vector<replayed_event> replay::events_of(std::string_view response) const {
    const document source = json::parse_document<document>(json::without_half_surrogates(response));
    if (!source.is_object()) throw error(errc::bad_response, "the service's response is not a JSON object");
    return writer(source, *this).write();
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

}  // namespace corun::codec::responses
