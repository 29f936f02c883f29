// A run that another process has begun to read.
#include "protocol/received_items.hpp"
#include "protocol/threads/codec.hpp"
#include "protocol/threads/deltas.hpp"
#include "protocol/threads/replay.hpp"

#include <algorithm>
#include <optional>
#include <utility>

namespace corun::codec::threads {

using detail::received_item;
using detail::received_text;
using detail::run_progress;

void replay::restore_step(const received_item& received, const run_step& shown, bool in_part, bool was_answered) {
    progress& known = step(shown.id);
    const bool lists_tools = shown.type == "activities";
    known.begun = received.begun && !(in_part && lists_tools);
    known.in_progress = received.in_progress;
    known.ended = received.completed && !in_part;
    const auto is_mcp = [](const tool_call& call) { return call.type == "mcp"; };
    known.lacks_output = received.lacks_output && std::any_of(shown.tool_calls.begin(), shown.tool_calls.end(), is_mcp);
    const auto is_function = [](const tool_call& call) { return call.type == "function"; };
    known.waits_for_output = was_answered && !received.completed &&
                             std::any_of(shown.tool_calls.begin(), shown.tool_calls.end(), is_function);
    for (std::size_t i = 0; i != shown.tool_calls.size(); ++i) {
        const auto place = static_cast<std::int32_t>(i);
        const received_text* const text = received.find(text_kind::arguments, place);
        if (text == nullptr && !received.completed) continue;
        piece& call = known.at(place);
        call.begun = true;
        if (text != nullptr)
            call.text = detail::text_position(text->mark);
        else
            call.text.append(shown.tool_calls[i].arguments);
    }
}

void replay::restore_message(const received_item& received, const thread_message& shown, streamed_items& items) {
    progress& known = message(shown.id);
    known.begun = received.begun;
    known.in_progress = received.in_progress;
    known.ended = received.completed;
    streamed_item& item = items.add_from_list(message_reference(shown.id));
    item.announced = received.begun;
    item.ended = received.completed;
    if (received.completed) (void)item.missing_of(whole_texts(shown), true);
    for (const received_text& each : received.texts) {
        item.texts().emplace_back(each.kind, each.part, each.mark);
        known.at(each.part).annotations = each.annotations;
    }
}

void replay::restore(const run_progress& received, std::string_view run, const std::vector<std::string>& steps,
                     const std::vector<std::string>& messages, streamed_items& items) {
    const thread_run now = decode_run(run);
    std::vector<run_step> all_steps;
    std::vector<thread_message> all_messages;
    std::vector<listed_item> list;
    for (const std::string& each : steps) list.emplace_back(all_steps.emplace_back(decode_step(each)).id, true);
    for (const std::string& each : messages)
        list.emplace_back(all_messages.emplace_back(decode_message(each)).id, false);
    const auto found = find_received(received, list);

    const bool still_waits = now.required_action && detail::action_hash(*now.required_action) == received.action;
    const bool was_answered = received.action != 0 && !still_waits;
    created_ = received.status.created;
    queued_ = received.status.queued && !was_answered;
    in_progress_ = received.status.in_progress && !was_answered;
    cancelling_ = received.status.cancelling;
    for (std::size_t i = 0; i != all_steps.size(); ++i) {
        if (!found[i]) continue;
        const bool in_part = received.is_in_step() && found[i]->completed && found[i]->hash == received.latest.step;
        restore_step(*found[i], all_steps[i], in_part, was_answered);
    }
    for (std::size_t i = 0; i != all_messages.size(); ++i)
        if (const auto& known = found[all_steps.size() + i]) restore_message(*known, all_messages[i], items);
}

}  // namespace corun::codec::threads
