#pragma once
#include "protocol/event_class.hpp"
#include <corun/error.hpp>

#include <chrono>
#include <cstddef>
#include <optional>
#include <system_error>

/// A run without its I/O: what to do on bytes, events, end, time. Time is an argument.
namespace corun::run {

using time_point = std::chrono::steady_clock::time_point;

struct limits {
    limits() = default;

    std::chrono::milliseconds idle{0};   ///< Longest silence while reading; 0: none.
    std::chrono::milliseconds event{0};  ///< Longest time without an event while reading; 0: none.
    std::chrono::milliseconds total{0};  ///< Longest duration; 0: none.
    std::size_t high_water_bytes = 0;    ///< Reading pauses above, and goes on at half of it or below.
    int reattachments = 0;               ///< How often a run that is lost is found again.
};

/// The state of one run, over the responses that tell of it: the first, and one more after each
/// action. Tell it what happened; then ask what to do. It never reads a clock, never touches a
/// socket, never throws.
class run_fsm {
public:
    run_fsm(limits bounds, time_point now) noexcept;

    // What happened.
    /// A head or a part of a body.
    void bytes_arrived(time_point now) noexcept;
    /// True when the event is for the caller. Events after the last one are not.
    bool event_arrived(codec::event_class kind) noexcept;
    /// Whether the run exists, and can be found should it be lost.
    void run_known(bool known) noexcept { known_ = known; }
    [[nodiscard]] bool knows_run() const noexcept { return known_; }
    /// The response is over, `code` says how.
    void response_ended(std::error_code code) noexcept;
    /// How many bytes of events wait for the caller.
    void backlog_changed(std::size_t bytes, time_point now) noexcept;
    void time_passed(time_point now) noexcept;
    /// Something else went wrong: an event too large. The first outcome stays.
    void fail(std::error_code code) noexcept;
    /// An event that had arrived cannot be read: whatever came after it does not count.
    void fail_earlier(std::error_code code) noexcept;

    // A run that waits for answers, or was lost, goes on.
    /// Somebody is at work on the answers: the run is not over for the caller.
    void answers_begin() noexcept;
    /// Something is sent: another response is to come.
    void response_begins(time_point now) noexcept;
    /// It has come, and tells of the run. One that does not ends without consequence for the run.
    void response_accepted() noexcept;
    /// Nothing is sent for now: there is nobody to be silent.
    void response_awaits_another_try() noexcept { response_ = response::over; }
    /// They came to nothing before a response told of the run: it waits as before.
    void answers_failed() noexcept;

    // A run that is read instead of streamed.
    /// The answer to what begins or answers the run was lost to `cause`, and it has been carried out.
    void answer_lost(std::error_code cause) noexcept;
    /// From here on the run is read again and again, each reading with a limit for itself.
    void readings_begin(time_point now) noexcept;

    // What to do.
    /// Read on (paused or not) while true; otherwise the transfer is of no use any more.
    [[nodiscard]] bool reading() const noexcept { return response_ != response::over; }
    [[nodiscard]] bool paused() const noexcept { return paused_; }
    /// When to call `time_passed` next.
    [[nodiscard]] std::optional<time_point> deadline() const noexcept;

    // What has come of it.
    /// No event will come after those already delivered, unless answers are given to a run that waits.
    [[nodiscard]] bool over() const noexcept { return run_ == run::over || run_ == run::waiting; }
    /// The run goes on, as far as is known.
    [[nodiscard]] bool going() const noexcept { return run_ == run::going; }
    /// Its response broke off, and it can be found again: `response_accepted` or `readings_begin` when it is.
    [[nodiscard]] bool lost() const noexcept { return run_ == run::lost; }
    /// What it was lost to last.
    [[nodiscard]] std::error_code cause() const noexcept { return cause_; }
    /// Answers are being made or sent.
    [[nodiscard]] bool answering() const noexcept { return run_ == run::answering; }
    /// The run waits for answers, and nobody is at work on them.
    [[nodiscard]] bool waiting() const noexcept { return run_ == run::waiting; }
    /// Why, when the run did not come to its own end.
    [[nodiscard]] std::error_code failure() const noexcept { return failure_; }

private:
    enum class response { reading, readings, draining, over };
    enum class run { going, lost, waiting, answering, over };

    void lose(std::error_code code) noexcept;

    limits limits_;
    time_point started_;
    time_point last_activity_, last_event_;
    response response_ = response::reading;
    run run_ = run::going;
    std::error_code failure_, cause_;
    bool known_ = false;
    bool paused_ = false;
    bool stream_error_ = false;
};

}  // namespace corun::run
