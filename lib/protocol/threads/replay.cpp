#include "protocol/threads/replay.hpp"

#include "json/document.hpp"
#include "protocol/threads/codec.hpp"
#include "protocol/threads/deltas.hpp"
#include <corun/error.hpp>

#include <algorithm>
#include <utility>
#include <variant>

namespace corun::codec::threads {
namespace {

using document = nlohmann::ordered_json;

bool has_ended(const run_step& step) {
    return step.status == "completed" || step.status == "failed" || step.status == "cancelled" ||
           step.status == "expired";
}

bool has_ended(const thread_message& message) {
    return message.status == "completed" || message.status == "incomplete";
}

bool calls_functions(const run_step& step) {
    return std::any_of(step.tool_calls.begin(), step.tool_calls.end(),
                       [](const tool_call& call) { return call.type == "function"; });
}

/// Identifies an action by its calls: streams and polls write its JSON differently.
std::string action_key(const required_action& action) {
    std::string key;
    for (const function_call& call : action.function_calls) key += call.id + '\n';
    for (const mcp_approval_request& call : action.mcp_approvals) key += call.id + '\n';
    for (const other_call& call : action.other_calls) key += call.id + '\n';
    return key.empty() ? action.raw : key;
}

/// A call to an MCP server may be shown as completed before it was made.
bool lacks_output(const run_step& step) {
    return std::any_of(step.tool_calls.begin(), step.tool_calls.end(),
                       [](const tool_call& call) { return call.type == "mcp" && !call.output; });
}

/// An object of a run, as the service gave it.
document parse_object_of_run(std::string_view source) {
    document object = json::parse_document<document>(json::without_half_surrogates(source));
    if (!object.is_object())
        throw error(errc::bad_response, "an object of the run is not a JSON object, or is nested too deeply");
    return object;
}

/// The delta that brings the rest of a text of the message `id`: `value`, and the annotations from the `annotations`th
/// on of content piece `index` in `message`.
std::string encode_message_delta(std::string_view message, const std::string& id, std::int32_t index,
                                 std::string_view value, std::size_t annotations) {
    const document source = parse_object_of_run(message);
    document part = document::object();
    part["index"] = index;
    part["type"] = "text";
    part["text"]["value"] = value;
    const document::json_pointer place("/content/" + std::to_string(index) + "/text/annotations");
    if (source.contains(place) && source[place].is_array()) {
        const document& all = source[place];
        for (std::size_t i = annotations; i < all.size(); ++i) {
            if (!all[i].is_object()) continue;
            document entry = document::object();
            entry["index"] = i;
            entry.update(all[i]);
            part["text"]["annotations"].push_back(std::move(entry));
        }
    }
    document object = document::object();
    object["id"] = id;
    object["object"] = "thread.message.delta";
    object["delta"]["content"].push_back(std::move(part));
    return object.dump();
}

/// The same for the arguments of call `index` of this step; with its id and name when it `begins` the call. Empty for a
/// call that has no arguments to stream.
std::string encode_call_delta(std::string_view step, std::int32_t index, std::string_view arguments, bool begins) {
    const document source = parse_object_of_run(step);
    const document::json_pointer place("/step_details/tool_calls/" + std::to_string(index));
    if (!source.contains(place) || !source[place].is_object()) return {};
    const document& call = source[place];
    const std::string type = call.value("type", "");
    const bool nested = type == "function" || type == "code_interpreter";
    if (!nested && type != "mcp") return {};
    document part = document::object();
    part["index"] = index;
    if (begins && call.contains("id")) part["id"] = call["id"];
    part["type"] = type;
    document& fields = nested ? part[type] : part;
    const document::json_pointer named(nested ? "/" + type : "");
    if (begins && call.contains(named))
        for (const char* name : {"name", "server_label"})
            if (call[named].contains(name)) fields[name] = call[named][name];
    fields[type == "code_interpreter" ? "input" : "arguments"] = arguments;
    document object = document::object();
    object["id"] = source.value("id", "");
    object["object"] = "thread.run.step.delta";
    object["delta"]["step_details"]["type"] = "tool_calls";
    object["delta"]["step_details"]["tool_calls"].push_back(std::move(part));
    return object.dump();
}

/// An object under another id.
std::string with_id(std::string source, std::string_view id) {
    document object = parse_object_of_run(source);
    if (const auto own = object.find("id"); own != object.end() && *own == id) return source;
    object["id"] = id;
    return object.dump();
}

std::size_t annotations_of(const std::vector<message_content>& parts, std::int32_t part) noexcept {
    const auto at = static_cast<std::size_t>(part);
    return at < parts.size() ? parts[at].annotations.size() : 0;
}

}  // namespace

bool is_same_action(const required_action& one, const required_action& other) {
    return action_key(one) == action_key(other);
}

std::string at_status(std::string_view source, std::string_view status) {
    document object = parse_object_of_run(source);
    const auto current = object.find("status");
    if (current != object.end() && *current == status) return std::string(source);
    object["status"] = status;
    for (const char* later : {"completed_at", "failed_at", "cancelled_at", "expired_at", "incomplete_at", "last_error",
                              "usage", "required_action", "incomplete_details"})
        if (object.contains(later)) object[later] = nullptr;
    if (status == "queued" && object.contains("started_at")) object["started_at"] = nullptr;
    if (object.contains("content")) object["content"] = document::array();
    const auto details = object.find("step_details");
    if (details != object.end() && details->contains("tool_calls")) (*details)["tool_calls"] = document::array();
    return object.dump();
}

struct replay::observed_step {
    run_step step;
    std::string_view json;

    [[nodiscard]] bool lists_tools() const { return step.type == "activities"; }
};

struct replay::observed_message {
    thread_message message;
    std::string_view json;
    std::string id;                     ///< Under which its events are delivered.
    std::vector<missing_text> missing;  ///< Of its texts, what has not been delivered.
};

/// A run with its steps and messages, at one time.
struct replay::snapshot {
    snapshot(std::string_view run_json, const std::vector<std::string>& step_jsons,
             const std::vector<std::string>& message_jsons, const table& delivered, streamed_items items)
        : run(decode_run(run_json)), json(run_json) {
        for (const std::string& each : step_jsons) steps.push_back({decode_step(each), each});
        for (const std::string& each : message_jsons)
            messages.push_back(observed_message{decode_message(each), each, {}, {}});
        items.begin_list();
        // Those whose ids have been delivered first: no other can be taken for them then.
        for (const bool by_id : {true, false})
            for (observed_message& each : messages)
                if (delivered.contains(each.message.id) == by_id) find(each, items, by_id);
    }

    /// The run as it was at `status`.
    [[nodiscard]] replayed_event at(const std::string& status) const {
        return replayed_event("thread.run." + status, at_status(json, status));
    }
    [[nodiscard]] bool has_started() const {
        return run.status != run_state::queued &&
               (run.started_at || !steps.empty() || run.status == run_state::in_progress ||
                run.status == run_state::requires_action || run.status == run_state::completed);
    }

    thread_run run;
    std::string_view json;
    std::vector<observed_step> steps;
    std::vector<observed_message> messages;

private:
    static void find(observed_message& seen, streamed_items& items, bool by_id) {
        const std::vector<whole_text> texts = whole_texts(seen.message);
        const item_reference reference = message_reference(seen.message.id);
        const auto knows = [&seen](const streamed_item& each) { return each.knows(seen.message.id); };
        // A message of which the decoder has seen nothing is none of those that it has.
        const bool may_match = !by_id || std::any_of(items.all().begin(), items.all().end(), knows);
        streamed_item* known = may_match ? items.find_in_list(reference, texts) : nullptr;
        if (known == nullptr) known = &items.add_from_list(reference);
        seen.id = known->id;
        seen.missing = known->unseen_of(texts);
    }
};

/// Records an event.
struct replay::progress_visitor {
    replay& all;

    void operator()(const events::annotation& e) const { ++all.message(e.message_id).at(e.content_index).annotations; }
    void operator()(const events::message_created& e) const { all.message(e.message.id).begun = true; }
    void operator()(const events::message_in_progress& e) const {
        progress& known = all.message(e.message.id);
        known.begun = known.in_progress = true;
    }
    void operator()(const events::message_completed& e) const {
        progress& known = all.message(e.message.id);
        known.begun = known.ended = true;
        known.pieces = {};
    }
    void operator()(const events::step_created& e) const {
        progress& known = all.step(e.step.id);
        known.begun = true;
        // A step that lists tools is whole when it is created.
        if (e.step.type == "activities" && e.step.status == "completed") known.ended = true;
    }
    void operator()(const events::step_in_progress& e) const {
        progress& known = all.step(e.step.id);
        known.begun = known.in_progress = true;
    }
    void operator()(const events::step_completed& e) const {
        progress& known = all.step(e.step.id);
        known.begun = known.ended = true;
        known.waits_for_output = false;
        known.lacks_output = lacks_output(e.step);
        known.pieces = {};
    }
    void operator()(const events::tool_call_delta& e) const {
        progress& known = all.step(e.step_id);
        piece& call = known.at(e.index);
        call.begun = true;
        call.text.append(e.arguments);
        if (e.type == "function") known.waits_for_output = true;
    }
    void operator()(const events::thread_created&) const { all.thread_ = true; }
    void operator()(const events::run_created&) const { all.created_ = true; }
    void operator()(const events::run_status& e) const {
        if (e.status == run_state::queued) all.queued_ = true;
        if (e.status == run_state::in_progress) all.in_progress_ = true;
        if (e.status == run_state::cancelling) all.cancelling_ = true;
    }
    void operator()(const events::action_required& e) const { all.action_ = action_key(e.action); }
    void operator()(const events::run_completed&) const { all.over_ = true; }
    void operator()(const events::run_failed&) const { all.over_ = true; }
    void operator()(const events::run_incomplete&) const { all.over_ = true; }
    void operator()(const events::run_cancelled&) const { all.over_ = true; }
    void operator()(const events::run_expired&) const { all.over_ = true; }
    template <class Other>
    void operator()(const Other&) const {}
};

replay::piece& replay::progress::at(std::int32_t index) {
    for (piece& each : pieces)
        if (each.index == index) return each;
    piece& added = pieces.emplace_back();
    added.index = index;
    return added;
}

replay::progress& replay::message(std::string_view id) {
    const auto found = messages_.find(id);
    return found == messages_.end() ? messages_[std::string(id)] : found->second;
}

replay::progress& replay::step(std::string_view id) {
    const auto found = steps_.find(id);
    return found == steps_.end() ? steps_[std::string(id)] : found->second;
}

void replay::delivered(const event& streamed) {
    // The decoder's items know how much of a text has come.
    if (!streamed.get_if<events::text_delta>()) streamed.visit(progress_visitor{*this});
}

/// What is missing of a message, and its end if it has come.
void replay::add_message(std::vector<replayed_event>& events, observed_message& seen) {
    const thread_message& now = seen.message;
    progress& known = message(seen.id);
    if (known.ended) return;
    const auto in_progress = [&seen] { return with_id(at_status(seen.json, "in_progress"), seen.id); };
    if (!known.begun) events.emplace_back("thread.message.created", in_progress());
    known.begun = true;
    if (!known.in_progress) events.emplace_back("thread.message.in_progress", in_progress());
    known.in_progress = true;
    if (deltas_) add_texts(events, seen, known);
    if (!has_ended(now)) return;
    events.emplace_back("thread.message." + now.status, with_id(std::string(seen.json), seen.id));
    known.ended = true;
    known.pieces = {};
}

void replay::add_texts(std::vector<replayed_event>& events, observed_message& seen, progress& known) {
    const std::vector<message_content>& parts = seen.message.content;
    for (const missing_text& each : std::exchange(seen.missing, {})) {
        if (each.kind != text_kind::text) continue;
        piece& place = known.at(each.part);
        events.emplace_back("thread.message.delta",
                            encode_message_delta(seen.json, seen.id, each.part, each.text, place.annotations));
        place.annotations = std::max(place.annotations, annotations_of(parts, each.part));
    }
    for (std::size_t i = 0; i != parts.size(); ++i) {
        piece& place = known.at(static_cast<std::int32_t>(i));
        if (parts[i].annotations.size() <= place.annotations) continue;
        events.emplace_back("thread.message.delta",
                            encode_message_delta(seen.json, seen.id, place.index, {}, place.annotations));
        place.annotations = parts[i].annotations.size();
    }
}

/// What is missing of the arguments of a step's calls.
void replay::add_calls(std::vector<replayed_event>& events, const observed_step& seen) {
    if (!deltas_) return;
    progress& known = step(seen.step.id);
    for (std::size_t i = 0; i != seen.step.tool_calls.size(); ++i) {
        piece& place = known.at(static_cast<std::int32_t>(i));
        const std::string rest = place.text.rest_of(seen.step.tool_calls[i].arguments).value_or("");
        if (rest.empty() && place.begun) continue;
        std::string delta = encode_call_delta(seen.json, place.index, rest, !place.begun);
        if (!delta.empty()) events.emplace_back("thread.run.step.delta", std::move(delta));
        place.text.append(rest);
        place.begun = true;
    }
}

/// Whether a poll shows an action that has been answered.
bool replay::is_outdated(const thread_run& run) {
    if (run.status == run_state::requires_action)
        return run.required_action && action_key(*run.required_action) == answered_action_;
    answered_action_.clear();
    return false;
}

/// The outputs that were submitted complete their step before the run is queued again.
void replay::add_submitted_outputs(std::vector<replayed_event>& events, const snapshot& seen) {
    for (const observed_step& each : seen.steps) {
        progress& known = step(each.step.id);
        if (!known.waits_for_output || known.ended || !has_ended(each.step)) continue;
        add_calls(events, each);
        events.emplace_back("thread.run.step." + each.step.status, std::string(each.json));
        known.ended = true;
    }
}

void replay::add_start(std::vector<replayed_event>& events, const snapshot& seen) {
    if (!created_) events.emplace_back("thread.run.created", at_status(seen.json, "queued"));
    created_ = true;
    add_submitted_outputs(events, seen);
    if (!queued_) events.push_back(seen.at("queued"));
    queued_ = true;
    if (in_progress_ || !seen.has_started()) return;
    events.push_back(seen.at("in_progress"));
    in_progress_ = true;
}

void replay::add_step(std::vector<replayed_event>& events, const observed_step& seen, snapshot& all) {
    progress& known = step(seen.step.id);
    if (!known.begun) {
        events.emplace_back("thread.run.step.created",
                            seen.lists_tools() ? std::string(seen.json) : at_status(seen.json, "in_progress"));
        // A step that lists tools is whole when it is created.
        if (seen.lists_tools() && seen.step.status == "completed") known.ended = true;
        known.begun = true;
    }
    if (!known.in_progress && !known.ended && seen.step.type == "message_creation")
        events.emplace_back("thread.run.step.in_progress", at_status(seen.json, "in_progress"));
    known.in_progress = true;
    for (observed_message& each : all.messages)
        if (each.message.id == seen.step.message_id) add_message(events, each);
    const bool output_came = known.ended && known.lacks_output && !lacks_output(seen.step);
    if (known.ended && !output_came) return;
    if (!known.ended) add_calls(events, seen);
    if (!has_ended(seen.step)) return;
    events.emplace_back("thread.run.step." + seen.step.status, std::string(seen.json));
    known.ended = true;
    known.lacks_output = lacks_output(seen.step);
    known.pieces = {};
}

void replay::add_end(std::vector<replayed_event>& events, snapshot& seen) {
    const thread_run& run = seen.run;
    if (run.status == run_state::cancelling && !cancelling_) {
        events.push_back(seen.at("cancelling"));
        cancelling_ = true;
    }
    if (run.status == run_state::requires_action) {
        if (run.required_action) action_ = action_key(*run.required_action);
        if (only_the_end_) return;
        for (const observed_step& each : seen.steps) step(each.step.id).waits_for_output = calls_functions(each.step);
        events.emplace_back("thread.run.requires_action", std::string(seen.json));
    }
    if (!is_terminal(run.status)) return;
    for (observed_message& each : seen.messages) add_message(events, each);
    events.emplace_back("thread.run." + run.status_text, std::string(seen.json));
    over_ = true;
}

std::vector<replayed_event> replay::events_of(std::string_view run, const std::vector<std::string>& steps,
                                              const std::vector<std::string>& messages, const streamed_items& items) {
    std::vector<replayed_event> events;
    snapshot seen(run, steps, messages, messages_, items);
    if (over_ || is_outdated(seen.run)) return events;
    add_start(events, seen);
    for (const observed_step& each : seen.steps) add_step(events, each, seen);
    add_end(events, seen);
    return events;
}

void replay::answered() {
    answered_action_ = action_;
    queued_ = false;
    in_progress_ = false;
}

void replay::emit_only_the_end() noexcept {
    created_ = queued_ = in_progress_ = only_the_end_ = true;
}

}  // namespace corun::codec::threads
