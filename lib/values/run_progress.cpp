#include "values/run_progress.hpp"

#include <algorithm>
#include <utility>

namespace corun::detail {
namespace {

using codec::text_kind;

constexpr std::uint64_t hash_bits = (std::uint64_t{1} << 48) - 1;

void add_to(std::uint64_t& hash, std::string_view bytes) noexcept {
    for (const char byte : bytes) hash = (hash ^ static_cast<unsigned char>(byte)) * 0x100000001b3;
    hash = (hash ^ '\n') * 0x100000001b3;
}

std::uint64_t folded(std::uint64_t hash) noexcept {
    return (hash ^ hash >> 48) & hash_bits;
}

/// Of more items, the oldest that are complete are only counted.
constexpr std::size_t most_items = 128;

}  // namespace

std::uint64_t id_hash(std::string_view id) noexcept {
    std::uint64_t hash = 0xcbf29ce484222325;
    add_to(hash, id);
    return folded(hash);
}

std::uint64_t action_hash(const required_action& action) noexcept {
    std::uint64_t hash = 0xcbf29ce484222325;
    for (const function_call& call : action.function_calls) add_to(hash, call.id);
    for (const mcp_approval_request& call : action.mcp_approvals) add_to(hash, call.id);
    for (const other_call& call : action.other_calls) add_to(hash, call.id);
    return std::max<std::uint64_t>(folded(hash), 1);
}

received_text& received_item::text(text_kind kind, std::int32_t part) {
    part = std::max(part, 0);
    for (received_text& each : texts)
        if (each.kind == kind && each.part == part) return each;
    return texts.emplace_back(kind, part);
}

const received_text* received_item::find(text_kind kind, std::int32_t part) const noexcept {
    for (const received_text& each : texts)
        if (each.kind == kind && each.part == part) return &each;
    return nullptr;
}

/// Records an event. Gives false for those that corun itself sends, and those that tell nothing.
struct run_progress::visitor {
    run_progress& all;
    std::string_view name;
    bool& is_about_step;  ///< See `latest_step`.

    [[nodiscard]] bool is_own() const noexcept { return name.starts_with("corun."); }
    received_item& message(std::string_view id) const { return all.item(id, false); }
    received_item& step(std::string_view id) const { return all.item(id, true); }

    bool text(std::string_view id, bool is_step, text_kind kind, std::int32_t part, std::string_view piece) const {
        received_item& known = all.item(id, is_step);
        if (!known.completed) known.text(kind, part).mark.append(piece);
        return true;
    }
    bool step_event(const run_step& shown, bool begun, bool completed) const {
        received_item& known = step(shown.id);
        known.begun = true;
        known.in_progress = known.in_progress || !begun;
        if (completed) {
            known.lacks_output = std::any_of(shown.tool_calls.begin(), shown.tool_calls.end(),
                                             [](const tool_call& call) { return !call.output; });
            all.complete(known);
        }
        all.latest.step = known.hash;
        all.latest.events = 1;
        return is_about_step = true;
    }

    bool operator()(const events::text_delta& e) const {
        return text(e.message_id, false, text_kind::text, e.content_index, e.text);
    }
    bool operator()(const events::refusal_delta& e) const {
        return text(e.message_id, false, text_kind::refusal, e.content_index, e.text);
    }
    bool operator()(const events::audio_delta& e) const {
        return text(e.message_id, false, text_kind::transcript, e.content_index, e.transcript);
    }
    bool operator()(const events::reasoning_delta& e) const {
        return text(e.item_id, true, e.summary ? text_kind::summary : text_kind::reasoning, e.content_index, e.text);
    }
    bool operator()(const events::tool_call_delta& e) const {
        // One protocol numbers the calls, the other one the commands of a call.
        const std::int32_t part = std::max(e.index, e.output_index);
        if (!e.output.empty()) text(e.step_id, true, text_kind::output, part, e.output);
        if (!e.error_output.empty()) text(e.step_id, true, text_kind::error_output, part, e.error_output);
        if (!e.output.empty() || !e.error_output.empty()) return true;
        return text(e.step_id, true, text_kind::arguments, part, e.arguments);
    }
    bool operator()(const events::annotation& e) const {
        received_item& known = message(e.message_id);
        if (!known.completed) ++known.text(text_kind::text, e.content_index).annotations;
        return true;
    }
    bool operator()(const events::message_created& e) const { return message(e.message.id).begun = true; }
    bool operator()(const events::message_in_progress& e) const {
        received_item& known = message(e.message.id);
        return known.begun = known.in_progress = true;
    }
    bool operator()(const events::message_completed& e) const {
        received_item& known = message(e.message.id);
        all.complete(known);
        return known.begun = known.in_progress = true;
    }
    bool operator()(const events::step_created& e) const {
        // A step that lists tools is whole when it is created.
        return step_event(e.step, true, e.step.type == "activities" && e.step.status == "completed");
    }
    bool operator()(const events::step_in_progress& e) const { return step_event(e.step, false, false); }
    bool operator()(const events::step_completed& e) const { return step_event(e.step, false, true); }
    bool operator()(const events::mcp_tools_listed&) const { return follows(); }
    bool operator()(const events::mcp_call&) const { return follows(); }
    [[nodiscard]] bool follows() const {
        if (is_own()) return false;
        ++all.latest.events;
        return is_about_step = true;
    }

    bool operator()(const events::oauth_consent_requested& e) const {
        received_item& known = step(e.item_id);
        return known.begun = known.completed = true;
    }

    bool operator()(const events::run_created& e) const {
        run_progress begun;
        begun.spoken = all.spoken;
        begun.run_id = e.run_id;
        begun.thread_id = e.thread_id.empty() ? all.thread_id : e.thread_id;
        begun.status.created = true;
        all = std::move(begun);
        return true;
    }
    bool operator()(const events::run_restarted&) const {
        // Another run takes the place of the one that failed.
        run_progress none;
        none.spoken = all.spoken;
        all = std::move(none);
        return false;
    }
    bool operator()(const events::run_status& e) const {
        received_statuses& known = all.status;
        known.queued = known.queued || e.status == run_state::queued;
        known.in_progress = known.in_progress || e.status == run_state::in_progress;
        known.cancelling = known.cancelling || e.status == run_state::cancelling;
        return true;
    }
    bool operator()(const events::action_required& e) const {
        all.action = action_hash(e.action);
        return true;
    }
    bool operator()(const events::unknown&) const { return false; }
    bool operator()(const events::stream_error&) const { return false; }
    bool operator()(const events::reattached&) const { return false; }
    bool operator()(const events::function_called&) const { return false; }
    bool operator()(const events::approval_decided&) const { return false; }
    template <class Other>
    bool operator()(const Other&) const {
        return true;
    }
};

bool run_progress::observe(const event& received) {
    if (const auto* const delta = received.get_if<events::text_delta>(); delta != nullptr && adds_to_latest(*delta))
        return true;
    const std::uint64_t asked = action;
    bool is_about_step = false;
    if (!received.visit(visitor{*this, received.name(), is_about_step})) return false;
    // Whatever follows an action, the action has been answered: the run is queued again.
    if (asked != 0 && action == asked && !received.get_if<events::action_required>()) {
        const auto* const current = received.get_if<events::run_status>();
        status.queued = current != nullptr && current->status == run_state::queued;
        status.in_progress = current != nullptr && current->status == run_state::in_progress;
        action = 0;
    }
    if (!is_about_step) latest = {};
    return true;
}

void run_progress::event_ended(std::optional<std::int64_t> of_event) noexcept {
    taken = 0;
    // What came in another way than in the numbered stream, the numbers do not tell.
    has_unnumbered_ = has_unnumbered_ || !of_event;
    number = has_unnumbered_ ? std::nullopt : of_event;
}

const received_item* run_progress::find(std::uint64_t hash, bool is_step) const noexcept {
    const auto found = std::find_if(items.rbegin(), items.rend(), [=](const received_item& each) {
        return each.hash == hash && each.is_step == is_step;
    });
    return found == items.rend() ? nullptr : &*found;
}

received_item& run_progress::item(std::string_view id, bool is_step) {
    if (place_.index < items.size() && place_.is_step == is_step && place_.id == id) return items[place_.index];
    const std::uint64_t hash = id_hash(id);
    const received_item* const found = find(hash, is_step);
    if (found == nullptr) {
        if (items.size() >= most_items) (void)count_oldest();
        items.emplace_back(hash, is_step);
    }
    place_.index = found == nullptr ? items.size() - 1 : static_cast<std::size_t>(found - items.data());
    place_.id = id;
    place_.is_step = is_step;
    return items[place_.index];
}

/// Nearly all events of a run: more of the text that came last.
inline bool run_progress::adds_to_latest(const events::text_delta& delta) noexcept {
    if (place_.index >= items.size() || place_.is_step || place_.id != delta.message_id) return false;
    received_item& known = items[place_.index];
    if (known.completed || known.texts.empty() || action != 0 || latest.events != 0) return false;
    received_text& text = known.texts.front();
    if (text.kind != text_kind::text || text.part != delta.content_index) return false;
    text.mark.append(delta.text);
    return true;
}

bool run_progress::count_oldest() {
    const auto oldest = std::find_if(items.begin(), items.end(), [this](const received_item& each) {
        const bool is_latest = latest.events > 0 && each.hash == latest.step;
        return each.completed && !each.lacks_output && !is_latest;
    });
    if (oldest == items.end()) return false;
    received_summary& counted = oldest->is_step ? steps : messages;
    ++counted.count;
    counted.checksum = (counted.checksum + oldest->hash) & hash_bits;
    items.erase(oldest);
    place_.index = items.size();
    return true;
}

void run_progress::complete(received_item& done) noexcept {
    done.completed = true;
    done.texts.clear();
}

}  // namespace corun::detail
