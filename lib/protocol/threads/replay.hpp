#pragma once
#include "protocol/replayed_event.hpp"
#include "protocol/streamed_items.hpp"
#include "text/text_position.hpp"
#include "values/run_progress.hpp"
#include <corun/event.hpp>

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace corun::codec::threads {

/// True for one action, however its JSON is written: streams and polls differ in that.
bool is_same_action(const required_action& one, const required_action& other);

/// A run, step or message as it was when its status was `status`, without what it has become since. Throws
/// `errc::bad_response`.
std::string at_status(std::string_view json, std::string_view status);

/// Turns a run's objects, as they are polled, into the events that a stream would have brought: the same ones in the
/// same order. See `replayed_event` for the rule.
///
/// Of a run that was never streamed it gives all events but the deltas. Of one whose stream was lost it gives those
/// that the stream did not deliver; the pieces of texts and arguments continue where the last one ended.
///
/// An event for a state that no poll has caught carries the object with that state, and without what it has become
/// since.
class replay {
public:
    /// The caller has got this event.
    void delivered(const event& streamed);
    /// The stream was lost: its deltas are missing.
    void emit_deltas() noexcept { deltas_ = true; }

    /// The events that are new. Fetch `run` first, then its steps and messages, oldest first, so that an ended run is
    /// complete. `items` are those of the decoder that has decoded all events before: they tell which message is which,
    /// whatever its id is, and what of its texts is missing. Throws `errc::bad_response`.
    std::vector<replayed_event> events_of(std::string_view run, const std::vector<std::string>& steps,
                                          const std::vector<std::string>& messages,
                                          const streamed_items& items = streamed_items());

    /// The caller has received this much elsewhere. The objects are those of the first `events_of`, and `items` those
    /// of the decoder, which it fills in. Throws `errc::bad_response`.
    void restore(const detail::run_progress& received, std::string_view run, const std::vector<std::string>& steps,
                 const std::vector<std::string>& messages, streamed_items& items);

    /// The run's action has been answered: the run is queued again. A poll that still shows the same action is old.
    void answered();
    /// From now on, only the end of the run is an event.
    void emit_only_the_end() noexcept;
    /// Steps and messages are then not needed.
    [[nodiscard]] bool emits_only_the_end() const noexcept { return only_the_end_; }
    /// The caller knows the thread that the run created.
    [[nodiscard]] bool has_thread() const noexcept { return thread_; }
    void set_thread() noexcept { thread_ = true; }

private:
    struct snapshot;
    struct observed_step;
    struct observed_message;

    /// The progress of a text of a message, or of a call of a step.
    struct piece {
        detail::text_position text;  ///< Of a call: its arguments.
        std::int32_t index = 0;
        std::size_t annotations = 0;
        bool begun = false;
    };
    /// The progress of a step or a message.
    struct progress {
        piece& at(std::int32_t index);

        bool begun = false;
        bool in_progress = false;
        bool ended = false;
        bool waits_for_output = false;
        bool lacks_output = false;  ///< It has ended before the output of its calls was there.
        std::vector<piece> pieces;
    };
    using table = std::map<std::string, progress, std::less<>>;
    struct progress_visitor;

    progress& message(std::string_view id);
    progress& step(std::string_view id);

    [[nodiscard]] bool is_outdated(const thread_run& run);
    void restore_step(const detail::received_item& received, const run_step& shown, bool in_part, bool was_answered);
    void restore_message(const detail::received_item& received, const thread_message& shown, streamed_items& items);

    void add_start(std::vector<replayed_event>& events, const snapshot& seen);
    void add_submitted_outputs(std::vector<replayed_event>& events, const snapshot& seen);
    void add_step(std::vector<replayed_event>& events, const observed_step& seen, snapshot& all);
    void add_message(std::vector<replayed_event>& events, observed_message& seen);
    void add_texts(std::vector<replayed_event>& events, observed_message& seen, progress& known);
    void add_calls(std::vector<replayed_event>& events, const observed_step& seen);
    void add_end(std::vector<replayed_event>& events, snapshot& seen);

    table steps_, messages_;
    std::string action_, answered_action_;  ///< Identified by the ids of their calls.
    bool deltas_ = false;
    bool only_the_end_ = false;
    bool thread_ = false;
    bool created_ = false;
    bool queued_ = false;
    bool in_progress_ = false;
    bool cancelling_ = false;
    bool over_ = false;
};

}  // namespace corun::codec::threads
