#pragma once
#include "text/utf16_position.hpp"
#include <corun/event.hpp>

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace corun::run {

/// True for one action, however its JSON is written: streams and readings differ in that.
bool is_same_action(const required_action& one, const required_action& other);

/// Tells what a run's objects show, as they are read again and again, by the events that a stream
/// would have brought: the same ones in the same order.
///
/// Of a run that was never streamed all but the deltas. Of one whose stream was lost, what the stream had not delivered
/// yet: the pieces of texts and arguments go on where the last one ended.
///
/// An event for a state that no reading has caught carries the object with that state, and without
/// what it has come to since.
class replay {
public:
    struct event {
        std::string name, data;
    };

    /// The stream has delivered this event.
    void delivered(const corun::event& what);
    /// The stream was lost: deltas are missed.
    void tell_deltas() noexcept { deltas_ = true; }

    /// What is new. `run` is read first, then its steps and messages, oldest first: so what an ended
    /// run shows is all there is. Throws `errc::bad_response`.
    std::vector<event> observe(std::string_view run, const std::vector<std::string>& steps,
                               const std::vector<std::string>& messages);

    /// The run's action has been answered: it is queued again. A reading that still shows the same
    /// action is an old one.
    void answered();
    /// All but the end has been told otherwise.
    void tell_only_the_end() noexcept;
    /// Steps and messages are then not looked at.
    [[nodiscard]] bool tells_only_the_end() const noexcept { return only_the_end_; }
    /// The thread that the run made has been told of.
    [[nodiscard]] bool has_told_thread() const noexcept { return thread_; }
    void tell_thread() noexcept { thread_ = true; }

private:
    /// Of a text of a message, or of a call of a step.
    struct piece {
        detail::utf16_position text;  ///< Or arguments.
        std::int32_t index = 0;
        std::size_t annotations = 0;
        bool begun = false;
    };
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

    progress& message(std::string_view id);
    void tell_message(std::vector<event>& events, const thread_message& seen, std::string_view json);
    void tell_calls(std::vector<event>& events, const run_step& seen, std::string_view json);

    table steps_, messages_;
    table::value_type* latest_message_ = nullptr;
    std::string action_, answered_action_;  ///< As `name_of` names them.
    bool deltas_ = false;
    bool only_the_end_ = false;
    bool thread_ = false;
    bool created_ = false;
    bool queued_ = false;
    bool in_progress_ = false;
    bool cancelling_ = false;
    bool over_ = false;
};

}  // namespace corun::run
