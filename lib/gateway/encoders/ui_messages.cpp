#include "gateway/encoders/ui_messages.hpp"

#include <iterator>
#include <string_view>
#include <utility>

namespace corun::gateway {
namespace {

/// Without the keys that the client's parser takes for an attack: it would drop the whole message.
void remove_dangerous_keys(json& value) {
    if (!value.is_structured()) return;
    if (value.is_object()) {
        value.erase("__proto__");
        if (const auto found = value.find("constructor");
            found != value.end() && found->is_object() && found->contains("prototype"))
            value.erase(found);
    }
    for (json& each : value) remove_dangerous_keys(each);
}

json safe_value_of(std::string_view text) {
    json value = value_of(text);
    remove_dangerous_keys(value);
    return value;
}

std::string_view finish_reason(const json& end) {
    struct row {
        std::string_view outcome, reason, finish;
    };
    static constexpr row rows[] = {
        {"completed", "", "stop"},
        {"incomplete", "max_output_tokens", "length"},
        {"incomplete", "max_completion_tokens", "length"},
        {"incomplete", "max_prompt_tokens", "length"},
        {"incomplete", "content_filter", "content-filter"},
    };
    const std::string outcome = string_member(end, "outcome"), reason = string_member(end, "reason");
    for (const row& each : rows)
        if (each.outcome == outcome && (each.reason.empty() || each.reason == reason)) return each.finish;
    return "other";
}

}  // namespace

/// The chunks of each kind of entry.
struct ui_rows {
    using encode_row = void (*)(ui_message_encoder& self, const entry& from, std::string& out);

    static std::string part_id(const entry& from) { return std::to_string(from.part); }

    static void nothing(ui_message_encoder&, const entry&, std::string&) {}

    static void part_started(ui_message_encoder& self, const entry& from, std::string& out) {
        const bool reasoning = string_member(from.detail, "type") == "reasoning";
        self.begin_step(out);
        self.parts_[from.part] = reasoning ? "reasoning" : "text";
        self.put(out, {{"type", self.parts_[from.part] + "-start"}, {"id", part_id(from)}});
    }
    static void part_delta(ui_message_encoder& self, const entry& from, std::string& out) {
        // Most entries are these: no object in between.
        out.append("data: {\"type\":\"").append(self.parts_[from.part]).append("-delta\",\"id\":\"");
        out.append(std::to_string(from.part)).append("\",\"delta\":");
        put_string(out, from.text);
        out += "}\n\n";
    }
    static void part_replaced(ui_message_encoder& self, const entry& from, std::string& out) {
        // The subset has no correction: the page can show this beside the text, or in its place.
        self.put(
            out,
            {{"type", "data-replaced"}, {"id", part_id(from)}, {"data", {{"part", from.part}, {"text", from.text}}}});
    }
    static void part_ended(ui_message_encoder& self, const entry& from, std::string& out) {
        self.put(out, {{"type", self.parts_[from.part] + "-end"}, {"id", part_id(from)}});
    }
    static void annotation(ui_message_encoder& self, const entry& from, std::string& out) {
        const std::string url = string_member(from.detail, "url"), title = string_member(from.detail, "title");
        const std::string file = string_member(from.detail, "file_id");
        if (!url.empty()) {
            json chunk = {{"type", "source-url"}, {"sourceId", url}, {"url", url}};
            if (!title.empty()) chunk["title"] = title;
            self.put(out, chunk);
        } else if (!file.empty()) {
            self.put(out, {{"type", "source-document"},
                           {"sourceId", file},
                           {"mediaType", "application/octet-stream"},
                           {"title", title.empty() ? string_member(from.detail, "marker") : title}});
        }
    }
    static void image(ui_message_encoder& self, const entry& from, std::string& out) {
        const std::string file = string_member(from.detail, "file_id");
        self.put(out, {{"type", "data-image"}, {"id", file}, {"data", {{"fileId", file}}}});
    }
    static void call_started(ui_message_encoder& self, const entry& from, std::string& out) {
        self.begin_step(out);
        ui_message_encoder::call& made = self.calls_[from.part];
        made.id = string_member(from.detail, "id");
        made.name = string_member(from.detail, "name");
        made.by_client = member(from.detail, "client") == true;
        json chunk = {
            {"type", "tool-input-start"}, {"toolCallId", made.id}, {"toolName", made.name}, {"dynamic", true}};
        if (!made.by_client) chunk["providerExecuted"] = true;
        self.put(out, chunk);
    }
    static void call_delta(ui_message_encoder& self, const entry& from, std::string& out) {
        self.put(
            out,
            {{"type", "tool-input-delta"}, {"toolCallId", self.calls_[from.part].id}, {"inputTextDelta", from.text}});
    }
    static void call_ready(ui_message_encoder& self, const entry& from, std::string& out) {
        const ui_message_encoder::call& made = self.calls_[from.part];
        json input = from.text.empty() ? json::object() : safe_value_of(from.text);
        if (!input.is_object()) input = {{"input", std::move(input)}};
        json chunk = {{"type", "tool-input-available"},
                      {"toolCallId", made.id},
                      {"toolName", made.name},
                      {"input", std::move(input)},
                      {"dynamic", true}};
        if (!made.by_client) chunk["providerExecuted"] = true;
        self.put(out, chunk);
    }
    static void call_progress(ui_message_encoder& self, const entry& from, std::string& out) {
        ui_message_encoder::call& made = self.calls_[from.part];
        made.output += from.text;
        json chunk = {{"type", "tool-output-available"},
                      {"toolCallId", made.id},
                      {"output", made.output},
                      {"preliminary", true},
                      {"dynamic", true}};
        if (!made.by_client) chunk["providerExecuted"] = true;
        self.put(out, chunk);
    }
    static void call_ended(ui_message_encoder& self, const entry& from, std::string& out) {
        const ui_message_encoder::call& made = self.calls_[from.part];
        json chunk = {{"type", "tool-output-available"}, {"toolCallId", made.id}};
        if (member(from.detail, "denied") == true) {
            chunk["type"] = "tool-output-denied";
        } else if (const std::string error = string_member(from.detail, "error"); !error.empty()) {
            chunk["type"] = "tool-output-error";
            chunk["errorText"] = error;
        } else {
            const json& output = member(from.detail, "output");
            chunk["output"] = output.is_string() ? safe_value_of(output.get_ref<const std::string&>()) : json(nullptr);
        }
        if (chunk["type"] != "tool-output-denied") {
            chunk["dynamic"] = true;
            if (!made.by_client) chunk["providerExecuted"] = true;
        }
        self.put(out, chunk);
        self.step_is_over_ = true;
    }
    static void tools_listed(ui_message_encoder& self, const entry& from, std::string& out) {
        const std::string label = string_member(from.detail, "server_label");
        self.put(out, {{"type", "data-mcp-tools"},
                       {"id", label},
                       {"data", {{"serverLabel", label}, {"tools", member(from.detail, "tools")}}}});
    }
    static void approval_requested(ui_message_encoder& self, const entry& from, std::string& out) {
        self.put(out, {{"type", "tool-approval-request"},
                       {"approvalId", string_member(from.detail, "id")},
                       {"toolCallId", self.calls_[from.part].id}});
    }
    static void consent_requested(ui_message_encoder& self, const entry& from, std::string& out) {
        const std::string label = string_member(from.detail, "server_label");
        self.put(out, {{"type", "data-consent"},
                       {"id", label},
                       {"data", {{"serverLabel", label}, {"link", string_member(from.detail, "link")}}}});
    }
    static void run_status(ui_message_encoder& self, const entry& from, std::string& out) {
        self.put(out, {{"type", "data-status"},
                       {"data", {{"status", string_member(from.detail, "status")}}},
                       {"transient", true}});
    }
    static void warning(ui_message_encoder& self, const entry& from, std::string& out) {
        // Not `error`, which would end the page's stream.
        self.put(
            out,
            {{"type", "data-warning"}, {"data", {{"code", string_member(from.detail, "code")}}}, {"transient", true}});
    }
    static void run_waiting(ui_message_encoder& self, const entry&, std::string&) { self.step_is_over_ = true; }
    static void run_ended(ui_message_encoder& self, const entry& from, std::string& out) {
        const std::string outcome = string_member(from.detail, "outcome");
        if (outcome == "failed" || outcome == "expired") return run_broken(self, from, out);
        self.end_step(out);
        if (outcome == "cancelled") {
            self.put(out, {{"type", "abort"}});
            return;
        }
        json chunk = {{"type", "finish"}, {"finishReason", finish_reason(from.detail)}};
        if (const json& usage = member(from.detail, "usage"); usage.is_object())
            chunk["messageMetadata"] = {{"usage", usage}};
        self.put(out, chunk);
    }
    static void run_broken(ui_message_encoder& self, const entry& from, std::string& out) {
        // An `error` has no room for it.
        self.put(
            out,
            {{"type", "data-error"},
             {"data",
              {{"code", string_member(from.detail, "code")}, {"retryable", member(from.detail, "retryable") == true}}},
             {"transient", true}});
        self.put(out, {{"type", "error"}, {"errorText", string_member(from.detail, "message")}});
    }

    static constexpr encode_row rows[] = {
        &nothing,             // run_started
        &run_status,          // run_status
        &part_started,        // part_started
        &part_delta,          // part_delta
        &part_replaced,       // part_replaced
        &part_ended,          // part_ended
        &annotation,          // annotation
        &image,               // image
        &call_started,        // call_started
        &call_delta,          // call_delta
        &call_ready,          // call_ready
        &call_progress,       // call_progress
        &call_ended,          // call_ended
        &tools_listed,        // tools_listed
        &approval_requested,  // approval_requested
        &nothing,             // approval_decided: `tool-approval-response` exists since version 7
        &consent_requested,   // consent_requested
        &run_waiting,         // run_waiting
        &nothing,             // run_resumed
        &warning,             // warning
        &run_ended,           // run_ended
        &run_broken,          // run_broken
    };
};
static_assert(std::size(ui_rows::rows) == entry_kinds);

void ui_message_encoder::encode(const entry& value, const entry_id&, std::string& out) {
    begin(out);
    ui_rows::rows[static_cast<std::size_t>(value.kind)](*this, value, out);
}

void ui_message_encoder::put(std::string& out, const json& chunk) {
    put_event(out, {}, text_of(chunk));
}

void ui_message_encoder::begin(std::string& out) {
    if (std::exchange(begun_, true)) return;
    put(out, {{"type", "start"}, {"messageId", message_id_}});
}

void ui_message_encoder::begin_step(std::string& out) {
    begin(out);
    if (std::exchange(step_is_over_, false)) end_step(out);
    if (!std::exchange(in_step_, true)) put(out, {{"type", "start-step"}});
}

void ui_message_encoder::end_step(std::string& out) {
    if (std::exchange(in_step_, false)) put(out, {{"type", "finish-step"}});
}

void ui_message_encoder::pause(std::string& out) {
    begin(out);
    end_step(out);
    put(out, {{"type", "finish"}, {"finishReason", "tool-calls"}});
    finish(out);
}

void ui_message_encoder::finish(std::string& out) {
    put_event(out, {}, "[DONE]");
}

}  // namespace corun::gateway
