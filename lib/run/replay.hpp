#pragma once
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace corun::run {

/// Tells what a run's objects show, as they are read again and again, by the events that a stream
/// would have brought: the same ones in the same order, but for the deltas.
///
/// An event for a state that no reading has caught carries the object with that state, and without
/// what it has come to since.
class replay {
public:
    struct event {
        std::string name, data;
    };

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

private:
    struct progress {
        bool begun = false;
        bool ended = false;
        bool waits_for_output = false;
    };

    std::map<std::string, progress, std::less<>> steps_, messages_;
    std::string action_, answered_action_;  ///< As JSON.
    bool only_the_end_ = false;
    bool created_ = false;
    bool queued_ = false;
    bool in_progress_ = false;
    bool cancelling_ = false;
    bool over_ = false;
};

}  // namespace corun::run
