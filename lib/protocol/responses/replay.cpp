#include "protocol/responses/replay.hpp"

#include "json/document.hpp"
#include "protocol/responses/failure_reason.hpp"
#include "protocol/responses/item_types.hpp"
#include <corun/error.hpp>

#include <algorithm>
#include <cstdint>
#include <iterator>
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

/// A text of a part of an item: the member that holds it, and its delta.
struct text_form {
    std::string_view type;  ///< Of the part.
    text_kind kind;
    const char* member;
    std::string_view delta_name, index_member;
};
constexpr text_form text_forms[] = {
    {"output_text", text_kind::text, "text", "response.output_text.delta", "content_index"},
    {"refusal", text_kind::refusal, "refusal", "response.refusal.delta", "content_index"},
    {"summary_text", text_kind::summary, "text", "response.reasoning_summary_text.delta", "summary_index"},
    {"reasoning_text", text_kind::reasoning, "text", "response.reasoning_text.delta", "content_index"},
};

template <class Matches>
const text_form* find_form(Matches matches) noexcept {
    const auto found = std::find_if(std::begin(text_forms), std::end(text_forms), matches);
    return found == std::end(text_forms) ? nullptr : &*found;
}

/// The type as in `item_reference`.
std::string_view reference_type(std::string_view item_type) noexcept {
    return is_call(item_type) ? call_type_of(item_type) : item_type;
}

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

}  // namespace

/// Writes the events that are new in a response.
class replay::writer {
public:
    writer(const document& response, const replay& progress, const streamed_items& items)
        : response_(response), progress_(progress), items_(items) {}

    std::vector<replayed_event> write() {
        if (progress_.over_) return std::move(events_);
        const std::string status = string_in(response_, "status");
        const bool ended = is_terminal(status);
        if (!progress_.created_) add_response("response.created");
        if (!ended && !status.empty() && status != progress_.status_) add_response("response." + status);
        items_.begin_list();
        if (const document* output = array_in(response_, "output"))
            for (std::size_t i = 0; i != output->size(); ++i)
                add_item((*output)[i], i, ended || i + 1 != output->size());
        if (ended) add_response("response." + status);
        // The second time it says that no reason follows.
        if (status == "failed" && !failure_reason(events_.back().data)) add_response("response.failed");
        return std::move(events_);
    }

private:
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

    void add_item(const document& source, std::size_t place, bool whole) {
        if (!source.is_object()) return;
        const std::string type = string_in(source, "type"), id = string_in(source, "id");
        texts_.clear();
        const item_type facts = item_type_of(type);
        if (!facts.text.empty())
            texts_.push_back({text_kind::arguments, 0, string_in(source, std::string(facts.text).c_str())});
        if (type == "reasoning") add_parts(source, "summary");
        if (type == "reasoning" || type == "message") add_parts(source, "content");
        std::vector<whole_text> wholes;
        for (const text_at_part& each : texts_) wholes.push_back({each.kind, each.part, each.text});

        item_reference reference;
        reference.type = reference_type(type);
        reference.id = id;
        reference.index = static_cast<std::int32_t>(place);
        streamed_item* known = items_.find_in_list(reference, wholes);
        if (known == nullptr) known = &items_.add_from_list(reference);
        if (known->ended) return;
        if (!known->index) known->index = reference.index;
        if (!known->announced) add_item_event("response.output_item.added", begun(source), *known);
        for (const missing_text& each : known->missing_of(wholes, true)) add_delta(each, *known, facts);
        const std::string status = string_in(source, "status");
        if (status.empty() ? whole : !is_active(status)) add_item_event("response.output_item.done", source, *known);
    }

    void add_item_event(std::string name, document source, const streamed_item& known) {
        document data = document::object();
        data["type"] = name;
        data["output_index"] = *known.index;
        // The same item may have another id when it is read again.
        source["id"] = known.id;
        data["item"] = std::move(source);
        add(std::move(name), data);
    }

    void add_parts(const document& source, const char* member) {
        const document* parts = array_in(source, member);
        if (parts == nullptr) return;
        for (std::size_t i = 0; i != parts->size(); ++i) {
            const document& part = (*parts)[i];
            const std::string type = string_in(part, "type");
            const text_form* form = find_form([&type](const text_form& each) { return each.type == type; });
            if (form == nullptr) continue;
            texts_.push_back({form->kind, static_cast<std::int32_t>(i), string_in(part, form->member)});
        }
    }

    void add_delta(const missing_text& missing, const streamed_item& known, const item_type& facts) {
        const text_form* form = find_form([&missing](const text_form& each) { return each.kind == missing.kind; });
        std::string name = form == nullptr ? delta_name_of(facts) : std::string(form->delta_name);
        document data = document::object();
        data["type"] = name;
        data["item_id"] = known.id;
        data["output_index"] = *known.index;
        if (form != nullptr) data[std::string(form->index_member)] = missing.part;
        data["delta"] = missing.text;
        add(std::move(name), data);
    }

    void add(std::string name, const document& data) { events_.emplace_back(std::move(name), data.dump()); }

    struct text_at_part {
        text_kind kind;
        std::int32_t part;
        std::string text;
    };

    const document& response_;
    const replay& progress_;
    streamed_items items_;
    std::vector<text_at_part> texts_;  ///< Of the item that is being written.
    std::vector<replayed_event> events_;
};

/// Records an event.
struct replay::progress_visitor {
    replay& all;

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
};

void replay::delivered(const event& streamed) {
    streamed.visit(progress_visitor{*this});
}

std::vector<replayed_event> replay::events_of(std::string_view response, const streamed_items& items) const {
    const document source = json::parse_document<document>(json::without_half_surrogates(response));
    if (!source.is_object()) throw error(errc::bad_response, "the service's response is not a JSON object");
    return writer(source, *this, items).write();
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
