#include "gateway/recorder.hpp"

#include <algorithm>
#include <optional>

namespace corun::gateway {
namespace {

/// A code of the service, if it looks like one.
std::string clean_code(std::string_view code) {
    const auto fits = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' ||
               c == '.';
    };
    return code.size() <= 64 && std::all_of(code.begin(), code.end(), fits) ? std::string(code) : std::string();
}

json members_of(const usage& source) {
    json tokens = {{"input_tokens", source.prompt_tokens},
                   {"output_tokens", source.completion_tokens},
                   {"total_tokens", source.total_tokens}};
    if (source.cached_tokens > 0) tokens["cached_tokens"] = source.cached_tokens;
    if (source.reasoning_tokens > 0) tokens["reasoning_tokens"] = source.reasoning_tokens;
    return tokens;
}

/// The output of a call that the service ran, if it has one.
std::optional<std::string> output_of(const tool_call& source) {
    if (source.output) return source.output;
    if (!source.results.empty()) {
        json found = json::array();
        for (const file_search_result& each : source.results) {
            json result = {{"file_name", each.file_name}};
            if (each.score) result["score"] = *each.score;
            if (!each.content.empty()) result["content"] = each.content;
            found.push_back(std::move(result));
        }
        return text_of(found);
    }
    if (const auto output = source.properties.find("output"); output != source.properties.end()) return output->second;
    return {};
}

std::string step_key(std::string_view step, std::int32_t index) {
    return std::string(step) + '#' + std::to_string(index);
}

/// True if asking again may help.
bool is_retryable(std::string_view code) noexcept {
    return code == "rate_limit_exceeded" || code == "server_overloaded" || code == "interrupted" ||
           code == "unavailable";
}

void describe_failure(json& detail, std::string_view code) {
    if (code.empty()) return;
    detail["code"] = std::string(code);
    detail["message"] = std::string(words_for(code));
    if (is_retryable(code)) detail["retryable"] = true;
}

}  // namespace

std::string_view words_for(std::string_view code) noexcept {
    struct row {
        std::string_view code, words;
    };
    static constexpr row rows[] = {
        {"rate_limit_exceeded", "The AI service is busy. Try again in a moment."},
        {"server_overloaded", "The AI service is busy. Try again in a moment."},
        {"content_filter", "The AI service's content filter stopped the answer."},
        {"expired", "The answer was not completed in time."},
        {"log_full", "The answer is too long, and was stopped."},
        {"log_unavailable",
         "The answer cannot be stored at the moment. If this page is loaded again, it may be incomplete."},
        {"interrupted", "The answer was interrupted before it began. Ask again."},
        {"unanswered", "The question was not answered in time."},
        {"connection_lost", "The connection to the AI service was lost."},
        {"unavailable", "The AI service cannot be reached."},
        {"not_accepted", "The AI service did not accept the request."},
        {"mcp_headers_failed", "You could not be signed in to a tool. Sign in again."},
    };
    for (const row& each : rows)
        if (each.code == code) return each.words;
    return "The AI service could not complete the answer.";
}

recorder::part& recorder::open_part(std::string_view id, std::string_view type, std::int32_t index) {
    if (last_.target != nullptr && last_.index == index && last_.id == id && last_.type == type) return *last_.target;
    part_key key(id, std::string(type) + std::to_string(index));
    if (const auto found = parts_.find(key); found != parts_.end()) {
        if (&found->second != reasoning_) end_reasoning();
        return found->second;
    }
    end_reasoning();
    part& made = parts_[std::move(key)];
    last_ = {std::string(id), std::string(type), index, &made};
    made.number = ++last_number_;
    made.is_reasoning = type == "reasoning" || type == "summary";
    if (made.is_reasoning) reasoning_ = &made;
    // The service's ids are not for viewers.
    const auto message = messages_.try_emplace(std::string(id), messages_.size() + 1).first->second;
    put(entry_kind::part_started, made.number, {},
        {{"type", made.is_reasoning ? "reasoning" : std::string(type)}, {"message", message}});
    return made;
}

void recorder::append_text(part& target, std::string_view text) {
    const std::size_t known = std::min(target.to_skip, text.size());
    target.to_skip -= known;
    text.remove_prefix(known);
    if (text.empty() || !target.open) return;
    target.text += text;
    if (!output_.empty() && output_.back().kind == entry_kind::part_delta && output_.back().part == target.number)
        output_.back().text += text;
    else
        put(entry_kind::part_delta, target.number, std::string(text));
}

void recorder::complete_part(part& target, std::string_view whole) {
    if (!target.open) return;
    target.to_skip = 0;
    // Some services leave out the text of a message that they have streamed.
    if (whole.size() >= target.text.size()) {
        if (whole.starts_with(target.text))
            append_text(target, whole.substr(target.text.size()));
        else
            put(entry_kind::part_replaced, target.number, std::string(whole));
    }
    end_part(target);
}

void recorder::end_part(part& target) {
    if (!target.open) return;
    target.open = false;
    std::string().swap(target.text);
    if (&target == reasoning_) reasoning_ = nullptr;
    if (&target == last_.target) last_.target = nullptr;
    put(entry_kind::part_ended, target.number);
}

void recorder::end_reasoning() {
    if (reasoning_ != nullptr) end_part(*reasoning_);
}

void recorder::end_parts() {
    std::vector<part*> open;
    for (auto& [key, each] : parts_)
        if (each.open) open.push_back(&each);
    std::sort(open.begin(), open.end(), [](const part* a, const part* b) { return a->number < b->number; });
    for (part* each : open) end_part(*each);
}

void recorder::end_all() {
    end_parts();
    std::vector<call*> calls;
    for (auto& [id, each] : calls_)
        if (!each.ended) calls.push_back(&each);
    std::sort(calls.begin(), calls.end(), [](const call* a, const call* b) { return a->number < b->number; });
    for (call* each : calls) end_call(*each, nullptr);
}

recorder::call& recorder::start_call(const std::string& id, std::string_view type, std::string_view name,
                                     std::string_view label) {
    const auto alias = call_ids_.find(id);
    const auto [found, is_new] = calls_.try_emplace(alias == call_ids_.end() ? id : alias->second);
    call& made = found->second;
    if (!is_new) return made;
    end_reasoning();
    made.number = ++last_number_;
    json detail = {{"id", id}, {"type", std::string(type)}, {"name", std::string(name.empty() ? type : name)}};
    if (!label.empty()) detail["server_label"] = std::string(label);
    if (type == "function" && !(is_own_ && is_own_(name))) detail["client"] = true;
    put(entry_kind::call_started, made.number, {}, std::move(detail));
    return made;
}

recorder::call& recorder::call_of(const tool_call& source) {
    // After its approval, a response gives a call another id.
    if (source.type == "mcp" && !calls_.contains(source.id) && !call_ids_.contains(source.id)) {
        const std::string request = string_member(value_of(source.raw), "approval_request_id");
        if (calls_.contains(request)) is_.changed |= call_ids_.try_emplace(source.id, request).second;
    }
    return start_call(source.id, source.type, source.name, source.server_label);
}

void recorder::take_delta(const events::tool_call_delta& delta) {
    const std::string key = step_key(delta.step_id, delta.index);
    if (!delta.id.empty()) is_.changed |= call_ids_.try_emplace(key, delta.id).second;
    const auto known = call_ids_.find(key);
    if (known == call_ids_.end()) {
        unnamed_[key] += delta.arguments;
        is_.changed = true;
        return;
    }
    call& target = start_call(known->second, delta.type, delta.name, delta.server_label);
    std::string arguments;
    if (const auto earlier = unnamed_.find(key); earlier != unnamed_.end()) {
        arguments = std::move(earlier->second);
        unnamed_.erase(earlier);
        is_.changed = true;
    }
    arguments += delta.arguments;
    const auto append = [&](entry_kind kind, std::string_view text) {
        if (text.empty()) return;
        if (!output_.empty() && output_.back().kind == kind && output_.back().part == target.number)
            output_.back().text += text;
        else
            put(kind, target.number, std::string(text));
    };
    if (!target.ready) append(entry_kind::call_delta, arguments);
    // An MCP server's output comes whole; a code interpreter's logs come as it writes them.
    if (target.ended || delta.type != "code_interpreter" || delta.output.empty()) return;
    append(entry_kind::call_progress, delta.output);
}

void recorder::ready(call& target, std::string_view arguments) {
    if (target.ready) return;
    target.ready = true;
    put(entry_kind::call_ready, target.number, std::string(arguments));
}

void recorder::end_call(call& target, json detail) {
    if (target.ended) return;
    if (!target.ready) ready(target, "");
    target.ended = true;
    put(entry_kind::call_ended, target.number, {}, std::move(detail));
}

void recorder::take_step(const run_step& step, bool completed) {
    std::int32_t index = 0;
    for (const tool_call& each : step.tool_calls) {
        const std::string key = step_key(step.id, index++);
        if (each.id.empty()) continue;
        call& target = call_of(each);
        is_.changed |= call_ids_.try_emplace(key, each.id).second;
        if (!completed) continue;
        if (!each.arguments.empty() || step.status == "completed") ready(target, each.arguments);
        if (const auto output = output_of(each))
            end_call(target, {{"output", *output}});
        else if (step.status != "completed")
            end_call(target, {{"error", "The call was not completed."}});
    }
}

void recorder::take_message(const thread_message& message) {
    for (std::size_t i = 0; i < message.content.size(); ++i) {
        const message_content& block = message.content[i];
        const auto index = static_cast<std::int32_t>(i);
        const bool is_text = block.type == "text" || block.type == "refusal" || block.type == "output_audio";
        const std::string type = block.type == "output_audio" ? "transcript" : block.type;
        if (is_text && !block.text.empty()) {
            part& target = open_part(message.id, type, index);
            if (target.open) complete_part(target, block.text);
        }
        for (std::size_t n = 0; n < block.annotations.size(); ++n) {
            events::annotation source;
            source.message_id = message.id;
            source.content_index = index;
            source.index = static_cast<std::int32_t>(n);
            source.value = block.annotations[n];
            annotate(source);
        }
        if (block.type == "image_file" && seen_.insert("image " + message.id + std::to_string(i)).second)
            put(entry_kind::image, 0, {}, {{"file_id", block.file_id}});
    }
    for (auto& [key, each] : parts_)
        if (key.first == message.id) end_part(each);
}

void recorder::annotate(const events::annotation& source) {
    const std::string where = source.message_id + '#' + std::to_string(source.content_index);
    if (!seen_.insert("annotation " + where + '#' + std::to_string(source.index)).second) return;
    json detail = {{"type", source.value.type}};
    const std::pair<const char*, const std::string&> texts[] = {
        {"url", source.value.url},     {"title", source.value.title}, {"file_id", source.value.file_id},
        {"quote", source.value.quote}, {"marker", source.value.text}, {"container_id", source.value.container_id}};
    for (const auto& [name, value] : texts)
        if (!value.empty()) detail[name] = value;
    if (source.value.start_index) detail["start_index"] = *source.value.start_index;
    if (source.value.end_index) detail["end_index"] = *source.value.end_index;
    const auto part = parts_.find({source.message_id, "text" + std::to_string(source.content_index)});
    put(entry_kind::annotation, part == parts_.end() ? 0 : part->second.number, {}, std::move(detail));
}

void recorder::take_action(const required_action& action) {
    if (std::exchange(is_.asked_before, false)) {
        // The question has been recorded; what it says besides its ids has not.
        pending_ = action;
        return;
    }
    end_parts();
    pending_ = action;
    for (const function_call& each : action.function_calls) {
        call& target = start_call(each.id, "function", each.name, {});
        ready(target, each.arguments);
    }
    for (const mcp_approval_request& each : action.mcp_approvals) {
        call& target = start_call(each.id, "mcp", each.name, each.server_label);
        ready(target, each.arguments);
        put(entry_kind::approval_requested, target.number, {}, {{"id", each.id}});
    }
    json calls = json::array(), approvals = json::array(), others = json::array();
    for (const function_call& each : action.function_calls) calls.push_back(each.id);
    for (const mcp_approval_request& each : action.mcp_approvals) approvals.push_back(each.id);
    for (const other_call& each : action.other_calls) {
        json other = {{"id", each.id}, {"type", each.type}};
        if (!each.link.empty()) other["link"] = each.link;
        others.push_back(std::move(other));
    }
    json detail = {{"calls", std::move(calls)}, {"approvals", std::move(approvals)}};
    if (!others.empty()) detail["others"] = std::move(others);
    put(entry_kind::run_waiting, 0, {}, std::move(detail));
}

void recorder::resume(const submission& answers) {
    put(entry_kind::run_resumed);
    for (const tool_output& each : answers.outputs())
        if (const auto found = calls_.find(each.tool_call_id); found != calls_.end())
            end_call(found->second, {{"output", each.output.text()}});
    for (const tool_approval& each : answers.approvals()) {
        const auto found = calls_.find(each.tool_call_id);
        if (found == calls_.end()) continue;
        put(entry_kind::approval_decided, found->second.number, {},
            {{"id", each.tool_call_id}, {"approved", each.approve}});
        if (!each.approve) end_call(found->second, {{"denied", true}});
    }
    pending_ = {};
}

void recorder::take_end(std::string_view outcome, const thread_run& run) {
    json detail = {{"outcome", std::string(outcome)}};
    std::string code;
    if (!run.incomplete_reason.empty()) detail["reason"] = clean_code(run.incomplete_reason);
    if (outcome == "failed") code = run.last_error ? clean_code(run.last_error->code) : std::string("failed");
    if (outcome == "expired") code = "expired";
    describe_failure(detail, code);
    if (run.usage) detail["usage"] = members_of(*run.usage);
    end_all();
    is_.ended = true;
    put(entry_kind::run_ended, 0, {}, std::move(detail));
}

void recorder::warn(std::string_view code) {
    put(entry_kind::warning, 0, {}, {{"code", std::string(code)}, {"message", std::string(words_for(code))}});
}

void recorder::end(std::string_view outcome, std::string_view code) {
    if (is_.ended) return;
    end_all();
    is_.ended = true;
    json detail = {{"outcome", std::string(outcome)}};
    describe_failure(detail, code);
    put(entry_kind::run_ended, 0, {}, std::move(detail));
}

void recorder::break_off(std::string_view code) {
    if (is_.ended) return;
    is_.ended = true;
    put(entry_kind::run_broken, 0, {}, {{"code", std::string(code)}, {"message", std::string(words_for(code))}});
}

/// What each event means: the one place that decides it. An event without an overload of its own means nothing.
struct event_rows {
    recorder& to;

    void operator()(const events::run_status& body) const {
        if (body.status == run_state::unknown ||
            std::exchange(to.status_, to_string(body.status)) == to_string(body.status))
            return;
        if (to.is_.repeating) return;
        to.put(entry_kind::run_status, 0, {}, {{"status", to.status_}});
    }
    void operator()(const events::text_delta& body) const {
        to.append_text(to.open_part(body.message_id, "text", body.content_index), body.text);
    }
    void operator()(const events::refusal_delta& body) const {
        to.append_text(to.open_part(body.message_id, "refusal", body.content_index), body.text);
    }
    void operator()(const events::reasoning_delta& body) const {
        to.append_text(to.open_part(body.item_id, body.summary ? "summary" : "reasoning", body.content_index),
                       body.text);
    }
    void operator()(const events::audio_delta& body) const {
        if (body.transcript.empty()) return;
        to.append_text(to.open_part(body.message_id, "transcript", body.content_index), body.transcript);
    }
    void operator()(const events::annotation& body) const { to.annotate(body); }
    void operator()(const events::image_delta& body) const {
        const std::string key = "image " + std::string(body.message_id) + std::to_string(body.content_index);
        if (to.seen_.insert(key).second) to.put(entry_kind::image, 0, {}, {{"file_id", std::string(body.file_id)}});
    }
    void operator()(const events::message_completed& body) const { to.take_message(body.message); }
    void operator()(const events::step_created& body) const { to.take_step(body.step, false); }
    void operator()(const events::step_in_progress& body) const { to.take_step(body.step, false); }
    void operator()(const events::step_completed& body) const { to.take_step(body.step, true); }
    void operator()(const events::tool_call_delta& body) const { to.take_delta(body); }
    void operator()(const events::mcp_call& body) const {
        auto& target = to.call_of(body.call);
        to.ready(target, body.call.arguments);
        json detail = {{"output", body.call.output.value_or("")}};
        // An error's text is for developers, and may repeat what was sent.
        if (body.error) detail = {{"error", "The call failed."}};
        to.end_call(target, std::move(detail));
    }
    void operator()(const events::mcp_tools_listed& body) const {
        if (!to.seen_.insert("tools " + body.list.server_label).second) return;
        json names = json::array();
        for (const mcp_tool_info& each : body.list.tools) names.push_back(each.name);
        to.put(entry_kind::tools_listed, 0, {},
               {{"server_label", body.list.server_label}, {"tools", std::move(names)}});
    }
    void operator()(const events::function_called& body) const {
        auto& target = to.start_call(body.call_id, "function", body.name, {});
        to.ready(target, body.arguments);
        json detail = {{"output", body.output}};
        if (body.error) detail = {{"error", "The call failed."}};
        to.end_call(target, std::move(detail));
    }
    void operator()(const events::approval_decided& body) const {
        auto& target = to.start_call(body.call_id, "mcp", body.name, body.server_label);
        to.ready(target, body.arguments);
        to.put(entry_kind::approval_decided, target.number, {}, {{"id", body.call_id}, {"approved", body.approved}});
        if (!body.approved) to.end_call(target, {{"denied", true}});
    }
    void operator()(const events::action_required& body) const { to.take_action(body.action); }
    void operator()(const events::oauth_consent_requested& body) const {
        to.put(entry_kind::consent_requested, 0, {}, {{"server_label", body.server_label}, {"link", body.link}});
    }
    void operator()(const events::stream_error& body) const {
        to.put(entry_kind::warning, 0, {}, {{"code", clean_code(body.code)}});
    }
    void operator()(const events::run_completed& body) const { to.take_end("completed", body.run); }
    void operator()(const events::run_failed& body) const { to.take_end("failed", body.run); }
    void operator()(const events::run_incomplete& body) const { to.take_end("incomplete", body.run); }
    void operator()(const events::run_cancelled& body) const { to.take_end("cancelled", body.run); }
    void operator()(const events::run_expired& body) const { to.take_end("expired", body.run); }
    template <class Body>
    void operator()(const Body&) const {}
};

void recorder::take(const event& arrived) {
    if (!is_.ended) arrived.visit(event_rows{*this});
}

}  // namespace corun::gateway
