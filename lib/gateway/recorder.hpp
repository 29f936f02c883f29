#pragma once
#include "gateway/entry.hpp"
#include <corun/event.hpp>
#include <corun/submission.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace corun::gateway {

/// What a recorder knows beyond its entries: a flat object. It has ids of the service, and is for other gateways only.
using memory = nlohmann::json;

/// Makes entries of a run's events. Each thing is recorded once, in an order on which all encoders rely:
///
/// - A part (text, refusal, reasoning, transcript) starts, has deltas, and ends. Its deltas are its whole text, unless
///   `part_replaced` corrects it. Reasoning ends before anything else starts.
/// - A call starts, has deltas of its arguments, is ready with all of them, and ends with an output, an error or
///   neither. It has one number, also if the service gives it another id after its approval.
/// - `run_waiting` follows the calls that the run waits for; no part is open then.
/// - Nothing is open at `run_ended`.
class recorder {
public:
    /// `is_own` says which functions the gateway answers itself; all others are the viewers'.
    recorder(std::vector<entry>& output, std::function<bool(std::string_view)> is_own)
        : output_(output), is_own_(std::move(is_own)) {}

    void take(const event& arrived);
    /// The answers that the service has accepted.
    void resume(const submission& answers);
    void warn(std::string_view code);
    /// The run ended without an event that says so.
    void end(std::string_view outcome, std::string_view code);
    /// The run can no longer be followed, and may continue.
    void break_off(std::string_view code);

    /// What the run waits for; empty if it does not wait.
    [[nodiscard]] const required_action& pending() const noexcept { return pending_; }
    [[nodiscard]] bool ended() const noexcept { return is_.ended; }

private:
    struct part {
        std::uint32_t number = 0;
        std::string text;  ///< Of one that is open.
        bool open = true;
        bool is_reasoning = false;
        std::size_t to_skip = 0;  ///< Of what comes again.
    };
    struct call {
        std::uint32_t number = 0;
        bool ready = false, ended = false;
    };
    struct flags {
        bool ended = false;
        bool changed = false;       ///< What `recorder_memory` remembers.
        bool asked_before = false;  ///< By another recorder: the answers may have been accepted since.
        bool repeating = false;     ///< Nothing new has come since another recorder's memory was recalled.
    };
    using part_key = std::pair<std::string, std::string>;  ///< Message or item; type and index.

    /// The part of the last delta: most follow one of the same part.
    struct last_part {
        std::string id, type;
        std::int32_t index = 0;
        part* target = nullptr;
    };

    friend struct event_rows;
    friend struct recorder_memory;

    part& open_part(std::string_view id, std::string_view type, std::int32_t index);
    void append_text(part& target, std::string_view text);
    void complete_part(part& target, std::string_view whole);
    void end_part(part& target);
    void end_reasoning();
    void end_parts();
    void end_all();

    call& start_call(const std::string& id, std::string_view type, std::string_view name, std::string_view label);
    call& call_of(const tool_call& source);
    void take_delta(const events::tool_call_delta& delta);
    void ready(call& target, std::string_view arguments);
    void end_call(call& target, json detail);
    void take_step(const run_step& step, bool completed);
    void take_message(const thread_message& message);
    void annotate(const events::annotation& source);
    void take_action(const required_action& action);
    void take_end(std::string_view outcome, const thread_run& run);

    void put(entry_kind kind, std::uint32_t part = 0, std::string text = {}, json detail = nullptr) {
        const bool is_delta = kind == entry_kind::part_delta || kind == entry_kind::call_delta;
        if (!is_delta) is_.changed = true;
        is_.repeating = false;
        if (is_.asked_before && kind != entry_kind::warning) {
            // The run goes on: it does not wait any more.
            is_.asked_before = false;
            pending_ = {};
            output_.emplace_back(entry_kind::run_resumed);
        }
        output_.emplace_back(kind, part, std::move(text), std::move(detail));
    }

    std::vector<entry>& output_;
    std::function<bool(std::string_view)> is_own_;
    std::uint32_t last_number_ = 0;
    std::map<part_key, part> parts_;
    part* reasoning_ = nullptr;  ///< The open one.
    last_part last_;
    std::unordered_map<std::string, std::size_t> messages_;  ///< Their numbers, from 1.
    std::unordered_map<std::string, call> calls_;
    std::unordered_map<std::string, std::string> call_ids_;  ///< By step and index, and after an approval.
    std::unordered_map<std::string, std::string> unnamed_;   ///< Arguments of calls whose ids have not come yet.
    std::set<std::string> seen_;                             ///< Annotations, images and lists of tools.
    std::string status_;
    required_action pending_;
    flags is_;
};

/// What a recorder knows beyond its entries, so that another one can go on after them.
struct recorder_memory {
    /// True if `remember` returns something else than when this was called last.
    [[nodiscard]] static bool has_changed(recorder& of) noexcept { return std::exchange(of.is_.changed, false); }
    [[nodiscard]] static memory remember(const recorder& of);
    /// Makes a new recorder go on after another's entries. Events that it has taken may come again. Deltas may not,
    /// unless all texts come again from their beginnings.
    static void recall(recorder& to, const memory& all, const std::function<std::string(std::uint32_t)>& text_of_part,
                       bool texts_come_again);

private:
    static void recall_one(recorder& to, const std::string& key, const memory& value);
};

/// True if there is anything to wait for.
[[nodiscard]] inline bool is_pending(const required_action& action) noexcept {
    return !action.function_calls.empty() || !action.mcp_approvals.empty() || !action.other_calls.empty();
}

/// A text for the user about an error of this code.
std::string_view words_for(std::string_view code) noexcept;

}  // namespace corun::gateway
