// What a recorder knows beyond its entries, so that another one can go on after them.
#include "gateway/recorder.hpp"

#include <algorithm>
#include <utility>

namespace corun::gateway {
namespace {

/// The first letter of a key says what it holds; the rest names it.
constexpr char of_part = 'p', of_message = 'm', of_call = 'c', of_call_id = 'i', of_unnamed = 'u', of_seen = 's';
constexpr char separator = '\n';

std::string key_of(char kind, std::string_view name) {
    return std::string(1, kind).append(name);
}

memory described(const required_action& pending) {
    memory calls = memory::array(), approvals = memory::array();
    for (const function_call& each : pending.function_calls) calls.push_back({each.id, each.name});
    for (const mcp_approval_request& each : pending.mcp_approvals)
        approvals.push_back({each.id, each.name, each.server_label});
    memory others = memory::array();
    for (const other_call& each : pending.other_calls) others.push_back({each.id, each.type});
    return {{"calls", std::move(calls)}, {"approvals", std::move(approvals)}, {"others", std::move(others)}};
}

required_action action_of(const memory& source) {
    required_action pending;
    for (const memory& each : source.at("calls")) {
        function_call call;
        call.id = each.at(0);
        call.name = each.at(1);
        pending.function_calls.push_back(std::move(call));
    }
    for (const memory& each : source.at("approvals")) {
        mcp_approval_request approval;
        approval.id = each.at(0);
        approval.name = each.at(1);
        approval.server_label = each.at(2);
        pending.mcp_approvals.push_back(std::move(approval));
    }
    for (const memory& each : source.at("others")) {
        other_call other;
        other.id = each.at(0);
        other.type = each.at(1);
        pending.other_calls.push_back(std::move(other));
    }
    return pending;
}

}  // namespace

memory recorder_memory::remember(const recorder& of) {
    memory all = {{"number", of.last_number_}, {"status", of.status_}};
    for (const auto& [key, each] : of.parts_)
        all[key_of(of_part, key.first + separator + key.second)] = {each.number, each.open, each.is_reasoning};
    for (const auto& [id, number] : of.messages_) all[key_of(of_message, id)] = number;
    for (const auto& [id, each] : of.calls_) all[key_of(of_call, id)] = {each.number, each.ready, each.ended};
    for (const auto& [key, id] : of.call_ids_) all[key_of(of_call_id, key)] = id;
    for (const auto& [key, arguments] : of.unnamed_) all[key_of(of_unnamed, key)] = arguments;
    for (const std::string& key : of.seen_) all[key_of(of_seen, key)] = true;
    if (is_pending(of.pending_)) all["pending"] = described(of.pending_);
    return all;
}

void recorder_memory::recall_one(recorder& to, const std::string& key, const memory& value) {
    const std::string name = key.substr(1);
    if (key.front() == of_part) {
        const auto middle = name.rfind(separator);
        recorder::part& made = to.parts_[{name.substr(0, middle), name.substr(middle + 1)}];
        made.number = value.at(0);
        made.open = value.at(1);
        made.is_reasoning = value.at(2);
        if (made.open && made.is_reasoning) to.reasoning_ = &made;
    }
    if (key.front() == of_call) to.calls_[name] = {value.at(0), value.at(1), value.at(2)};
    if (key.front() == of_message) to.messages_[name] = value;
    if (key.front() == of_call_id) to.call_ids_[name] = value;
    if (key.front() == of_unnamed) to.unnamed_[name] = value;
    if (key.front() == of_seen) to.seen_.insert(name);
}

void recorder_memory::recall(recorder& to, const memory& all,
                             const std::function<std::string(std::uint32_t)>& text_of_part, bool texts_come_again) {
    for (const auto& [key, value] : all.items()) {
        if (key == "number")
            to.last_number_ = value;
        else if (key == "status")
            to.status_ = value;
        else if (key == "pending") {
            to.pending_ = action_of(value);
        } else if (!key.empty())
            recall_one(to, key, value);
    }
    for (auto& [key, each] : to.parts_)
        if (each.open) {
            each.text = text_of_part(each.number);
            if (texts_come_again) each.to_skip = each.text.size();
        }
    to.is_.asked_before = is_pending(to.pending_);
    to.is_.repeating = true;
}

}  // namespace corun::gateway
