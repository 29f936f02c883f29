#include "protocol/responses/pending.hpp"

#include "protocol/responses/item_types.hpp"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>

namespace corun::codec::responses {
namespace {

std::string_view answer_id(const item& call) noexcept {
    return call.call.id;
}

/// The id of the call that an item answers by naming it.
std::string_view answered_call(const item& source) noexcept {
    // The call that was approved names its request too.
    if (!source.approval_request_id.empty()) return source.approval_request_id;
    return is_answer(source.type) ? std::string_view(source.call_id) : std::string_view();
}

bool has_text(const item& source) noexcept {
    return is_message(source) && std::any_of(source.content.begin(), source.content.end(),
                                             [](const message_content& each) { return !each.text.empty(); });
}

/// The items that wait, from those of a response in their order.
class open_calls {
public:
    open_calls(const std::vector<item>& items, const std::vector<std::string>& custom_tools)
        : custom_tools_(custom_tools) {
        for (const item& each : items)
            if (const std::string_view id = answered_call(each); !id.empty()) answered_.push_back(id);
        for (const item& each : items) add(each);
    }

    [[nodiscard]] std::vector<const item*> take() { return std::move(open_); }
    [[nodiscard]] bool is_answered(const item& call) const noexcept {
        return std::any_of(answered_.begin(), answered_.end(), [&call](std::string_view id) {
            return id == answer_id(call) || (!call.id.empty() && id == call.id);
        });
    }

private:
    void add(const item& source) {
        if (is_answer(source.type) && answered_call(source).empty()) return answer_first(source);
        if (has_text(source)) close([this](const item& call) { return is_service_s(call); });
        // A later item for the same call shows what has become of it.
        if (!source.call_id.empty())
            close([&source](const item& call) { return call.call_id == source.call_id && call.type != source.type; });
        const auto is_known = [&source](const item* call) {
            return answer_id(*call) == answer_id(source) || (!source.link.empty() && call->link == source.link);
        };
        if (!is_pending(source) || is_answered(source)) return;
        // What is shown twice is whole the second time.
        const auto known = std::find_if(open_.begin(), open_.end(), is_known);
        if (known != open_.end())
            *known = &source;
        else
            open_.push_back(&source);
    }

    template <class Predicate>
    void close(Predicate matches) {
        std::erase_if(open_, [&matches](const item* call) { return matches(*call); });
    }

    /// An answer that names no call is the first one's of its type.
    void answer_first(const item& answer) {
        const auto first = std::find_if(open_.begin(), open_.end(), [&answer](const item* call) {
            return answer_type_of(call->type) == answer.type;
        });
        if (first != open_.end()) open_.erase(first);
    }

    /// Whether the service carried out a call that a message follows.
    [[nodiscard]] bool is_service_s(const item& call) const noexcept {
        return call.execution.empty() && item_type_of(call.type).by == performer::caller_unless_followed &&
               std::find(custom_tools_.begin(), custom_tools_.end(), call.call.name) == custom_tools_.end();
    }

    const std::vector<std::string>& custom_tools_;
    std::vector<std::string_view> answered_;
    std::vector<const item*> open_;
};

void add_to(required_action& action, const item& waiting) {
    if (waiting.type == "function_call") {
        function_call& added = action.function_calls.emplace_back();
        added.id = waiting.call.id;
        added.name = waiting.call.name;
        added.arguments = waiting.call.arguments;
        added.tool_namespace = waiting.call.tool_namespace;
        added.caller_id = waiting.call.caller_id;
        added.async = waiting.call.async;
    } else if (waiting.type == "mcp_approval_request") {
        mcp_approval_request& added = action.mcp_approvals.emplace_back();
        added.id = waiting.id;
        added.name = waiting.call.name;
        added.server_label = waiting.call.server_label;
        added.arguments = waiting.call.arguments;
    } else {
        other_call& added = action.other_calls.emplace_back();
        added.id = waiting.call.id;
        added.type = waiting.type;
        added.link = waiting.link;
        added.raw = waiting.raw;
    }
    action.raw += (action.raw.empty() ? "[" : ",") + waiting.raw;
}

std::optional<required_action> action_of(const std::vector<const item*>& waiting) {
    if (waiting.empty()) return std::nullopt;
    required_action action;
    for (const item* each : waiting) add_to(action, *each);
    action.raw += ']';
    if (!action.function_calls.empty())
        action.type = "submit_tool_outputs";
    else if (!action.mcp_approvals.empty())
        action.type = "submit_tool_approval";
    else
        action.type = action.other_calls.front().type;
    return action;
}

std::vector<item> items_of(const std::vector<std::string>& texts) {
    std::vector<item> items;
    for (const std::string& text : texts) {
        const simdjson::padded_string padded(text);
        json::reader reader;
        set_ids(items.emplace_back(read_item(reader.object(padded, simdjson::SIMDJSON_PADDING))),
                static_cast<std::int64_t>(items.size() - 1));
    }
    return items;
}

}  // namespace

bool is_pending(const item& source) noexcept {
    if (source.call.output && !source.call.output->empty()) return false;
    if (is_call(source.type) && !source.execution.empty()) return source.execution == "client";
    return item_type_of(source.type).by != performer::service;
}

bool concerns_action(const item& source) noexcept {
    return is_pending(source) || is_answer(source.type) || has_text(source) || !source.approval_request_id.empty() ||
           !source.call_id.empty();
}

void set_action(response& source, const std::vector<std::string>& seen) {
    thread_run& run = source.run;
    if (run.status != run_state::completed && run.status != run_state::incomplete) return;
    open_calls in_output(source.output, source.custom_tools);
    const std::vector<item> streamed = items_of(seen);
    std::vector<const item*> waiting;
    for (const item* each : open_calls(streamed, source.custom_tools).take()) {
        const bool is_listed = std::any_of(source.output.begin(), source.output.end(),
                                           [each](const item& listed) { return listed.type == each->type; });
        if (!is_listed && !in_output.is_answered(*each)) waiting.push_back(each);
    }
    for (const item* each : in_output.take()) waiting.push_back(each);
    // What a response that stopped short asks for is not whole; but a consent is why it stopped.
    if (run.status == run_state::incomplete)
        std::erase_if(waiting, [](const item* each) { return each->type != oauth_consent_request; });
    run.required_action = action_of(waiting);
    if (!run.required_action) return;
    run.status = run_state::requires_action;
    run.status_text = to_string(run.status);
}

}  // namespace corun::codec::responses
