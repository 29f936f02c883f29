#include "gateway/encoders/responses.hpp"

#include <iterator>
#include <string_view>

namespace corun::gateway {
namespace {

/// What the schema of a response demands, and the gateway does not say.
json empty_response(const response_head& head) {
    json response = {{"id", head.id},
                     {"object", "response"},
                     {"created_at", head.created_at},
                     {"completed_at", nullptr},
                     {"status", "in_progress"},
                     {"incomplete_details", nullptr},
                     {"model", head.model},
                     {"previous_response_id", nullptr},
                     {"instructions", nullptr},
                     {"output", json::array()},
                     {"error", nullptr},
                     {"tools", json::array()},
                     {"tool_choice", "auto"},
                     {"truncation", "disabled"},
                     {"parallel_tool_calls", true},
                     {"text", {{"format", {{"type", "text"}}}}},
                     {"top_p", 1.0},
                     {"presence_penalty", 0.0},
                     {"frequency_penalty", 0.0},
                     {"top_logprobs", 0},
                     {"temperature", 1.0},
                     {"reasoning", nullptr},
                     {"usage", nullptr},
                     {"max_output_tokens", nullptr},
                     {"max_tool_calls", nullptr},
                     {"store", true},
                     {"background", head.background},
                     {"service_tier", "default"},
                     {"metadata", json::object()},
                     {"safety_identifier", nullptr},
                     {"prompt_cache_key", nullptr}};
    if (!head.previous_id.empty()) response["previous_response_id"] = head.previous_id;
    return response;
}

std::int64_t number_of(const json& value) {
    return value.is_number_integer() ? value.get<std::int64_t>() : 0;
}

json usage_of(const json& counted) {
    return {{"input_tokens", number_of(member(counted, "input_tokens"))},
            {"output_tokens", number_of(member(counted, "output_tokens"))},
            {"total_tokens", number_of(member(counted, "total_tokens"))},
            {"input_tokens_details", {{"cached_tokens", number_of(member(counted, "cached_tokens"))}}},
            {"output_tokens_details", {{"reasoning_tokens", number_of(member(counted, "reasoning_tokens"))}}}};
}

}  // namespace

/// The events of each kind of entry.
struct responses_rows {
    using self_type = responses_encoder;
    using part_type = responses_encoder::part;
    using encode_row = void (*)(self_type& self, const entry& from, std::string& out);

    static void nothing(self_type&, const entry&, std::string&) {}

    /// The members that say where a part is.
    static json place_of(self_type& self, const part_type& part) {
        json place = {{"item_id", self.response_["output"][part.output]["id"]}, {"output_index", part.output}};
        place[part.type == "reasoning" ? "summary_index" : "content_index"] = part.index;
        return place;
    }
    static json content_of(const part_type& part) {
        if (part.type == "refusal") return {{"type", "refusal"}, {"refusal", part.text}};
        if (part.type == "reasoning") return {{"type", "summary_text"}, {"text", part.text}};
        return {{"type", "output_text"},
                {"text", part.text},
                {"annotations", part.annotations},
                {"logprobs", json::array()}};
    }
    static json with(json place, const char* name, json value) {
        place[name] = std::move(value);
        return place;
    }

    static void part_started(self_type& self, const entry& from, std::string& out) {
        part_type& made = self.parts_[from.part];
        made.message = member(from.detail, "message").get<std::size_t>();
        made.type = string_member(from.detail, "type");
        if (made.type == "transcript") made.type = "text";
        const bool reasoning = made.type == "reasoning";
        self.end_items(out, made.message);
        const auto [found, is_new] = self.items_.try_emplace(made.message);
        if (is_new && reasoning)
            found->second.output = self.add_item(
                out, {{"type", "reasoning"}, {"id", self.item_id("rs_", from.part)}, {"summary", json::array()}});
        else if (is_new)
            found->second.output = self.add_item(out, {{"type", "message"},
                                                       {"id", self.item_id("msg_", from.part)},
                                                       {"status", "in_progress"},
                                                       {"role", "assistant"},
                                                       {"content", json::array()}});
        made.output = found->second.output;
        made.index = found->second.parts++;
        ++found->second.open;
        self.put(out, reasoning ? "response.reasoning_summary_part.added" : "response.content_part.added",
                 with(place_of(self, made), "part", content_of(made)));
    }
    static void part_delta(self_type& self, const entry& from, std::string& out) {
        part_type& part = self.parts_[from.part];
        part.text += from.text;
        json members = with(place_of(self, part), "delta", from.text);
        const bool is_text = part.type != "reasoning" && part.type != "refusal";
        if (is_text) members["logprobs"] = json::array();
        self.put(out,
                 part.type == "reasoning" ? "response.reasoning_summary_text.delta"
                 : is_text                ? "response.output_text.delta"
                                          : "response.refusal.delta",
                 std::move(members));
    }
    static void part_replaced(self_type& self, const entry& from, std::string&) {
        self.parts_[from.part].text = from.text;
    }
    static void part_ended(self_type& self, const entry& from, std::string& out) {
        const part_type& part = self.parts_[from.part];
        const bool reasoning = part.type == "reasoning", refusal = part.type == "refusal";
        json members = with(place_of(self, part), refusal ? "refusal" : "text", part.text);
        if (!reasoning && !refusal) members["logprobs"] = json::array();
        self.put(out,
                 reasoning ? "response.reasoning_summary_text.done"
                 : refusal ? "response.refusal.done"
                           : "response.output_text.done",
                 std::move(members));
        self.put(out, reasoning ? "response.reasoning_summary_part.done" : "response.content_part.done",
                 with(place_of(self, part), "part", content_of(part)));
        self.response_["output"][part.output][reasoning ? "summary" : "content"].push_back(content_of(part));
        --self.items_[part.message].open;
    }
    static void annotation(self_type& self, const entry& from, std::string& out) {
        const auto found = self.parts_.find(from.part);
        const std::string url = string_member(from.detail, "url");
        // After its part has ended, or in a response before this one, it has no place.
        if (found == self.parts_.end() || url.empty() || self.items_[found->second.message].open == 0) return;
        json source = {{"type", "url_citation"},
                       {"url", url},
                       {"title", string_member(from.detail, "title")},
                       {"start_index", number_of(member(from.detail, "start_index"))},
                       {"end_index", number_of(member(from.detail, "end_index"))}};
        json members = with(place_of(self, found->second), "annotation_index", found->second.annotations.size());
        found->second.annotations.push_back(source);
        self.put(out, "response.output_text.annotation.added",
                 with(std::move(members), "annotation", std::move(source)));
    }
    static void call_started(self_type& self, const entry& from, std::string& out) {
        responses_encoder::call& made = self.calls_[from.part];
        made.id = string_member(from.detail, "id");
        made.type = string_member(from.detail, "type");
        made.name = string_member(from.detail, "name");
        made.label = string_member(from.detail, "server_label");
        made.by_client = member(from.detail, "client") == true;
        if (!made.by_client) return;
        self.end_items(out, 0);
        made.output = self.add_item(out, {{"type", "function_call"},
                                          {"id", self.item_id("fc_", from.part)},
                                          {"call_id", made.id},
                                          {"name", made.name},
                                          {"arguments", ""},
                                          {"status", "in_progress"}});
    }
    static json call_place(self_type& self, const responses_encoder::call& call) {
        return {{"item_id", self.response_["output"][call.output]["id"]}, {"output_index", call.output}};
    }
    static void call_delta(self_type& self, const entry& from, std::string& out) {
        responses_encoder::call& call = self.calls_[from.part];
        call.arguments += from.text;
        if (call.by_client)
            self.put(out, "response.function_call_arguments.delta", with(call_place(self, call), "delta", from.text));
    }
    static void call_ready(self_type& self, const entry& from, std::string& out) {
        responses_encoder::call& call = self.calls_[from.part];
        const bool had_deltas = !call.arguments.empty();
        call.arguments = from.text;
        if (!call.by_client) return;
        if (!had_deltas && !from.text.empty())
            self.put(out, "response.function_call_arguments.delta", with(call_place(self, call), "delta", from.text));
        json done = with(call_place(self, call), "arguments", call.arguments);
        self.put(out, "response.function_call_arguments.done", with(std::move(done), "name", call.name));
        self.response_["output"][call.output]["arguments"] = call.arguments;
        self.end_item(out, call.output);
    }
    static void call_ended(self_type& self, const entry& from, std::string& out) {
        responses_encoder::call& call = self.calls_[from.part];
        // A denied one was never made, and the client knows what it has answered.
        if (call.type != "mcp" || member(from.detail, "denied") == true) return;
        self.end_items(out, 0);
        const std::string error = string_member(from.detail, "error");
        json item = {{"type", "mcp_call"},
                     {"id", self.item_id("mcp_", from.part)},
                     {"server_label", call.label},
                     {"name", call.name},
                     {"arguments", ""},
                     {"output", nullptr},
                     {"error", nullptr},
                     {"status", "in_progress"}};
        call.output = self.add_item(out, std::move(item));
        self.put(out, "response.mcp_call.in_progress", call_place(self, call));
        self.put(out, "response.mcp_call_arguments.delta", with(call_place(self, call), "delta", call.arguments));
        self.put(out, "response.mcp_call_arguments.done", with(call_place(self, call), "arguments", call.arguments));
        self.put(out, error.empty() ? "response.mcp_call.completed" : "response.mcp_call.failed",
                 call_place(self, call));
        json& done = self.response_["output"][call.output];
        done["arguments"] = call.arguments;
        if (error.empty()) done["output"] = string_member(from.detail, "output");
        // A non-null member `error` at the top of an event would be taken for a failure; in an item it is not.
        if (!error.empty()) done["error"] = error;
        self.end_item(out, call.output);
    }
    static void approval_requested(self_type& self, const entry& from, std::string& out) {
        const responses_encoder::call& call = self.calls_[from.part];
        self.end_items(out, 0);
        json item = {{"type", "mcp_approval_request"},
                     {"id", string_member(from.detail, "id")},
                     {"name", call.name},
                     {"arguments", call.arguments},
                     {"server_label", call.label}};
        self.end_item(out, self.add_item(out, std::move(item)));
    }
    static void run_waiting(self_type& self, const entry&, std::string& out) {
        self.end_response(out, "completed", "response.completed");
    }
    static void run_ended(self_type& self, const entry& from, std::string& out) {
        const std::string outcome = string_member(from.detail, "outcome");
        if (const json& usage = member(from.detail, "usage"); usage.is_object())
            self.response_["usage"] = usage_of(usage);
        if (outcome == "completed") return self.end_response(out, "completed", "response.completed");
        if (outcome == "failed" || outcome == "expired") return run_broken(self, from, out);
        const std::string reason = string_member(from.detail, "reason");
        // No event says that a response was cancelled.
        if (outcome == "cancelled") return self.end_response(out, "cancelled", "response.incomplete");
        self.response_["incomplete_details"] = {
            {"reason", reason == "content_filter" ? "content_filter" : "max_output_tokens"}};
        self.end_response(out, "incomplete", "response.incomplete");
    }
    static void run_broken(self_type& self, const entry& from, std::string& out) {
        std::string code = string_member(from.detail, "code");
        // The protocol's code for what can be asked again.
        if (member(from.detail, "retryable") == true && code != "rate_limit_exceeded") code = "server_error";
        self.response_["error"] = {{"code", std::move(code)}, {"message", string_member(from.detail, "message")}};
        self.end_response(out, "failed", "response.failed");
    }

    static constexpr encode_row rows[] = {
        &nothing,             // run_started
        &nothing,             // run_status
        &part_started,        // part_started
        &part_delta,          // part_delta
        &part_replaced,       // part_replaced
        &part_ended,          // part_ended
        &annotation,          // annotation
        &nothing,             // image: files of the service have no form
        &call_started,        // call_started
        &call_delta,          // call_delta
        &call_ready,          // call_ready
        &nothing,             // call_progress
        &call_ended,          // call_ended
        &nothing,             // tools_listed
        &approval_requested,  // approval_requested
        &nothing,             // approval_decided
        &nothing,             // consent_requested: the helper knows no other events
        &run_waiting,         // run_waiting
        &nothing,             // run_resumed
        &nothing,             // warning
        &run_ended,           // run_ended
        &run_broken,          // run_broken
    };
};
static_assert(std::size(responses_rows::rows) == entry_kinds);

responses_encoder::responses_encoder(response_head head, std::optional<std::int64_t> starting_after)
    : head_(std::move(head)), starting_after_(starting_after.value_or(-1)), response_(empty_response(head_)) {}

void responses_encoder::encode(const entry& value, const entry_id&, std::string& out) {
    open(out);
    responses_rows::rows[static_cast<std::size_t>(value.kind)](*this, value, out);
}

void responses_encoder::begin_stream() {
    response_ = empty_response(head_);
    parts_.clear();
    items_.clear();
    sequence_ = 0;
    opened_ = done_ = false;
}

void responses_encoder::open(std::string& out) {
    if (std::exchange(opened_, true)) return;
    put(out, "response.created", {{"response", response_}});
    put(out, "response.in_progress", {{"response", response_}});
}

void responses_encoder::put(std::string& out, const char* type, json members) {
    const std::int64_t number = sequence_++;
    if (number <= starting_after_) return;
    json event = {{"type", type}, {"sequence_number", number}};
    event.update(members);
    put_event(out, type, text_of(event));
}

std::size_t responses_encoder::add_item(std::string& out, json item) {
    const std::size_t output = response_["output"].size();
    put(out, "response.output_item.added", {{"output_index", output}, {"item", item}});
    response_["output"].push_back(std::move(item));
    return output;
}

void responses_encoder::end_item(std::string& out, std::size_t output) {
    json& item = response_["output"][output];
    if (item.contains("status")) item["status"] = member(item, "error").is_string() ? "failed" : "completed";
    put(out, "response.output_item.done", {{"output_index", output}, {"item", item}});
}

void responses_encoder::end_items(std::string& out, std::size_t except_message) {
    for (auto& [message, each] : items_)
        if (message != except_message && each.open == 0 && !std::exchange(each.done, true)) end_item(out, each.output);
}

void responses_encoder::end_response(std::string& out, const char* status, const char* event) {
    end_items(out, 0);
    response_["status"] = status;
    put(out, event, {{"response", response_}});
    done_ = true;
}

std::string responses_encoder::item_id(const char* prefix, std::uint32_t number) const {
    return prefix + head_.id.substr(head_.id.find('_') + 1) + "_" + std::to_string(number);
}

}  // namespace corun::gateway
