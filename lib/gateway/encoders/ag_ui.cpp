#include "gateway/encoders/ag_ui.hpp"

#include <algorithm>
#include <iterator>
#include <string_view>

namespace corun::gateway {

/// The events of each kind of entry.
struct ag_ui_rows {
    using self_type = ag_ui_encoder;
    using encode_row = void (*)(self_type& self, const entry& from, std::string& out);

    static void nothing(self_type&, const entry&, std::string&) {}

    static void part_started(self_type& self, const entry& from, std::string& out) {
        const bool reasoning = string_member(from.detail, "type") == "reasoning";
        const std::string number = std::to_string(member(from.detail, "message").get<std::size_t>());
        const std::string id = self.run_id_ + "-" + number;
        self.parts_[from.part] = {id, reasoning};
        (void)self.message_of(id, reasoning ? "reasoning" : "assistant");
        if (self.open_messages_[id]++ == 0) open_message(self, id, reasoning, out);
    }
    static void open_message(self_type& self, const std::string& id, bool reasoning, std::string& out) {
        if (reasoning) self.put(out, {{"type", "REASONING_START"}, {"messageId", id}});
        self.put(out, {{"type", reasoning ? "REASONING_MESSAGE_START" : "TEXT_MESSAGE_START"},
                       {"messageId", id},
                       {"role", reasoning ? "reasoning" : "assistant"}});
    }
    static void part_delta(self_type& self, const entry& from, std::string& out) {
        const auto& part = self.parts_[from.part];
        if (from.text.empty()) return;
        json& message = self.message_of(part.message_id, part.reasoning ? "reasoning" : "assistant");
        message["content"].get_ref<std::string&>() += from.text;
        self.put(out, {{"type", part.reasoning ? "REASONING_MESSAGE_CONTENT" : "TEXT_MESSAGE_CONTENT"},
                       {"messageId", part.message_id},
                       {"delta", from.text}});
    }
    static void part_replaced(self_type& self, const entry& from, std::string& out) {
        const auto& part = self.parts_[from.part];
        self.message_of(part.message_id, part.reasoning ? "reasoning" : "assistant")["content"] = from.text;
        self.put_snapshot(out);
    }
    static void part_ended(self_type& self, const entry& from, std::string& out) {
        const auto& part = self.parts_[from.part];
        if (--self.open_messages_[part.message_id] > 0) return;
        self.put(out, {{"type", part.reasoning ? "REASONING_MESSAGE_END" : "TEXT_MESSAGE_END"},
                       {"messageId", part.message_id}});
        if (part.reasoning) self.put(out, {{"type", "REASONING_END"}, {"messageId", part.message_id}});
    }
    static void call_started(self_type& self, const entry& from, std::string& out) {
        auto& call = self.calls_[from.part];
        call.id = string_member(from.detail, "id");
        call.name = string_member(from.detail, "name");
        const std::string type = string_member(from.detail, "type");
        call.streams = type == "function" || type == "mcp";
        call.message_id = self.run_id_ + "-call-" + std::to_string(from.part);
        json& message = self.message_of(call.message_id, "assistant");
        message["toolCalls"] = json::array();
        message["toolCalls"].push_back(
            {{"id", call.id}, {"type", "function"}, {"function", {{"name", call.name}, {"arguments", ""}}}});
        self.put(out, {{"type", "TOOL_CALL_START"},
                       {"toolCallId", call.id},
                       {"toolCallName", call.name},
                       {"parentMessageId", call.message_id}});
    }
    static void add_arguments(self_type& self, ag_ui_encoder::call& call, const std::string& text, std::string& out) {
        if (text.empty()) return;
        call.arguments += text;
        self.message_of(call.message_id, "assistant")["toolCalls"][0]["function"]["arguments"] = call.arguments;
        self.put(out, {{"type", "TOOL_CALL_ARGS"}, {"toolCallId", call.id}, {"delta", text}});
    }
    static void call_delta(self_type& self, const entry& from, std::string& out) {
        auto& call = self.calls_[from.part];
        if (call.streams) add_arguments(self, call, from.text, out);
    }
    static void call_ready(self_type& self, const entry& from, std::string& out) {
        auto& call = self.calls_[from.part];
        const json input = {{"input", from.text}};
        if (!call.streams)
            add_arguments(self, call, text_of(input), out);
        else if (call.arguments.empty())
            add_arguments(self, call, from.text.empty() ? std::string("{}") : from.text, out);
        call.open = false;
        self.put(out, {{"type", "TOOL_CALL_END"}, {"toolCallId", call.id}});
    }
    static void call_ended(self_type& self, const entry& from, std::string& out) {
        const auto& call = self.calls_[from.part];
        std::string content = string_member(from.detail, "output");
        if (const std::string error = string_member(from.detail, "error"); !error.empty()) content = error;
        if (member(from.detail, "denied") == true) content = "The user declined.";
        // The page has what it has answered itself.
        if (self.has_result(call.id)) return;
        const std::string id = call.message_id + "-result";
        json& message = self.message_of(id, "tool");
        message["toolCallId"] = call.id;
        message["content"] = content;
        self.put(out, {{"type", "TOOL_CALL_RESULT"},
                       {"messageId", id},
                       {"toolCallId", call.id},
                       {"content", content},
                       {"role", "tool"}});
    }
    static void custom(self_type& self, const entry& from, std::string& out) {
        self.put(
            out,
            {{"type", "CUSTOM"}, {"name", "corun." + std::string(name_of(from.kind))}, {"value", members_of(from)}});
    }
    static void run_waiting(self_type& self, const entry& from, std::string&) { self.waits_for_ = from.detail; }
    static void run_ended(self_type& self, const entry& from, std::string& out) {
        const std::string outcome = string_member(from.detail, "outcome");
        if (outcome == "failed" || outcome == "expired") return run_broken(self, from, out);
        json more = json::object();
        if (outcome == "cancelled" && !self.client_.is_1_0) {
            self.put(out, {{"type", "RUN_ERROR"}, {"message", "The answer was stopped."}, {"code", "STOPPED"}});
            return;
        }
        if (outcome == "cancelled") more["outcome"] = {{"type", "cancelled"}};
        if (outcome == "incomplete") more["result"] = {{"incomplete", string_member(from.detail, "reason")}};
        if (const json& usage = member(from.detail, "usage"); usage.is_object() && self.client_.is_1_0) {
            json counted = {{"inputTokens", member(usage, "input_tokens")},
                            {"outputTokens", member(usage, "output_tokens")},
                            {"totalTokens", member(usage, "total_tokens")}};
            more["usage"] = json::array();
            more["usage"].push_back(std::move(counted));
        }
        self.finish_run(out, std::move(more));
    }
    static void run_broken(self_type& self, const entry& from, std::string& out) {
        json event = {{"type", "RUN_ERROR"},
                      {"message", string_member(from.detail, "message")},
                      {"code", string_member(from.detail, "code")}};
        if (self.client_.is_1_0 && member(from.detail, "retryable") == true) event["metadata"] = {{"retryable", true}};
        self.put(out, event);
    }

    static constexpr encode_row rows[] = {
        &nothing,        // run_started
        &nothing,        // run_status
        &part_started,   // part_started
        &part_delta,     // part_delta
        &part_replaced,  // part_replaced
        &part_ended,     // part_ended
        &custom,         // annotation
        &custom,         // image
        &call_started,   // call_started
        &call_delta,     // call_delta
        &call_ready,     // call_ready
        &nothing,        // call_progress
        &call_ended,     // call_ended
        &custom,         // tools_listed
        &nothing,        // approval_requested: the interrupt at the end
        &nothing,        // approval_decided
        &custom,         // consent_requested
        &run_waiting,    // run_waiting
        &nothing,        // run_resumed
        &custom,         // warning
        &run_ended,      // run_ended
        &run_broken,     // run_broken
    };
};
static_assert(std::size(ag_ui_rows::rows) == entry_kinds);

ag_ui_encoder::ag_ui_encoder(std::string run_id, ag_ui_client client)
    : run_id_(std::move(run_id)), client_(std::move(client)), messages_(json::array()) {
    // What the client has of this run is in the log.
    for (const json& each : client_.messages)
        if (!string_member(each, "id").starts_with(run_id_)) messages_.push_back(each);
}

bool ag_ui_encoder::has_result(const std::string& call_id) const {
    return std::any_of(messages_.begin(), messages_.end(), [&](const json& each) {
        return string_member(each, "role") == "tool" && string_member(each, "toolCallId") == call_id;
    });
}

void ag_ui_encoder::encode(const entry& value, const entry_id&, std::string& out) {
    begin(out);
    ag_ui_rows::rows[static_cast<std::size_t>(value.kind)](*this, value, out);
}

void ag_ui_encoder::begin(std::string& out) {
    if (std::exchange(begun_, true)) return;
    put(out, {{"type", "RUN_STARTED"}, {"threadId", client_.thread_id}, {"runId", client_.run_id}});
    if (!std::exchange(snapshot_is_due_, false)) return;
    put_snapshot(out);
    reopen(out);
}

void ag_ui_encoder::reopen(std::string& out) {
    for (const auto& [id, count] : open_messages_)
        if (count > 0) {
            const auto is_of = [&](const auto& each) { return each.second.message_id == id; };
            const auto part = std::find_if(parts_.begin(), parts_.end(), is_of);
            ag_ui_rows::open_message(*this, id, part != parts_.end() && part->second.reasoning, out);
        }
    for (const auto& [number, each] : calls_)
        if (each.open)
            put(out, {{"type", "TOOL_CALL_START"},
                      {"toolCallId", each.id},
                      {"toolCallName", each.name},
                      {"parentMessageId", each.message_id}});
}

json& ag_ui_encoder::message_of(const std::string& id, const char* role) {
    for (auto each = messages_.rbegin(); each != messages_.rend(); ++each)
        if (string_member(*each, "id") == id) return *each;
    json message = {{"id", id}, {"role", role}};
    if (std::string_view(role) != "tool") message["content"] = "";
    messages_.push_back(std::move(message));
    return messages_.back();
}

void ag_ui_encoder::finish_run(std::string& out, json more) {
    json event = {{"type", "RUN_FINISHED"}, {"threadId", client_.thread_id}, {"runId", client_.run_id}};
    event.update(more);
    put(out, event);
}

void ag_ui_encoder::pause(std::string& out) {
    begin(out);
    json interrupts = json::array();
    for (const json& id : member(waits_for_, "approvals"))
        for (const auto& [number, each] : calls_) {
            if (!id.is_string() || id.get_ref<const std::string&>() != each.id) continue;
            json schema = {{"type", "object"}, {"properties", {{"approved", {{"type", "boolean"}}}}}};
            schema["required"] = json::array({"approved"});
            interrupts.push_back({{"id", id},
                                  {"reason", "tool_call"},
                                  {"toolCallId", each.id},
                                  {"message", "May the assistant call " + each.name + "?"},
                                  {"responseSchema", std::move(schema)}});
        }
    if (interrupts.empty()) return finish_run(out, json::object());
    put_snapshot(out);
    json more = {{"outcome", {{"type", "interrupt"}, {"interrupts", std::move(interrupts)}}}};
    finish_run(out, std::move(more));
}

}  // namespace corun::gateway
