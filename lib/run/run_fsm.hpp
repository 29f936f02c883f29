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
    std::size_t high_water_bytes = 0;    ///< Reading pauses above, and continues at half of it or below.
    int reattachments = 0;               ///< How often in succession a lost run is found again without a new event.
};

/// Where a run stands.
enum class phase {
    sending,     ///< The caller's coroutine sends the request that begins or answers the run.
    streaming,   ///< A response is read.
    polling,     ///< The run is read again and again.
    lost,        ///< No response is read: it broke off, or there was none here. The run can be found.
    waiting,     ///< For answers of the caller.
    answering,   ///< The handlers work on the answers, or these are being sent.
    restarting,  ///< The run failed, and another one is begun in its place.
    over,        ///< No event will come after those already delivered.
};

/// Whether the run exists at the service.
enum class existence {
    none,      ///< No request that begins it has been sent, or it was refused.
    possible,  ///< Such a request is on its way, or its response was lost.
    known,     ///< It does, and it can be found should it be lost.
};

/// The state of one run, over the responses that tell of it: the first, and one more after each
/// action. Report what happened; then ask what to do. It never reads a clock, never touches a
/// socket, never throws.
///
/// A request that fails has no effect on the run: nothing has to be restored before the next try.
class run_fsm {
public:
    run_fsm(limits bounds, time_point now) noexcept;

    // What happened to the response.
    /// A request is sent: another response is to come.
    void response_begins(time_point now) noexcept;
    /// The response is an event stream. A response that is none ends without consequence for the run.
    void response_accepted() noexcept;
    /// A head or a part of a body has arrived.
    void bytes_arrived(time_point now) noexcept;
    /// True when the event is for the caller. Events after the last one are not.
    bool event_arrived(codec::event_class kind) noexcept;
    /// The response is over; `code` says why, if it is not complete.
    void response_ended(std::error_code code) noexcept;
    /// How many bytes of events wait for the caller.
    void backlog_changed(std::size_t bytes, time_point now) noexcept;
    void time_passed(time_point now) noexcept;

    // What happened to the run.
    void run_exists(existence exists) noexcept { existence_ = exists; }
    /// Enters a phase that does not come of a response: `sending` or `answering` when somebody works on
    /// the answers that the run waits for, `waiting` when these could not be sent, `restarting` when it
    /// failed for a reason that may pass, `lost` instead of `sending` for a run that was begun elsewhere. It has no
    /// effect from any other phase than these.
    void enter(phase next) noexcept;
    /// A request failed, and is sent again later: until then nothing can be silent.
    void attempt_failed() noexcept { response_ = response::over; }
    /// The response to a request was lost to `cause`, and the request has been carried out.
    void answer_lost(std::error_code cause) noexcept;
    /// From here on the run is polled; each poll has a limit of its own.
    void polling_began(time_point now) noexcept;
    /// Something else went wrong: an event too large. The first outcome stays.
    void fail(std::error_code code) noexcept;
    /// An event that had arrived cannot be decoded: whatever came after it does not count.
    void fail_earlier(std::error_code code) noexcept;

    // What to do.
    /// Read on (paused or not) while true; otherwise the transfer is of no use any more.
    [[nodiscard]] bool reading() const noexcept { return response_ != response::over; }
    /// True while reading is paused, and a backlog of `bytes` would end the pause.
    [[nodiscard]] bool paused(std::size_t bytes = 0) const noexcept {
        return paused_ && bytes <= limits_.high_water_bytes / 2;
    }
    /// When to call `time_passed` next.
    [[nodiscard]] std::optional<time_point> deadline() const noexcept;

    // Where it stands.
    [[nodiscard]] run::phase phase() const noexcept { return phase_; }
    /// No event will come unless the caller answers a run that waits.
    [[nodiscard]] bool over() const noexcept { return phase_ == run::phase::over || phase_ == run::phase::waiting; }
    [[nodiscard]] run::existence existence() const noexcept { return existence_; }
    /// The run has asked for answers, and none are known to have been accepted: it waits for them, whatever has become
    /// of its stream.
    [[nodiscard]] bool awaits_answers() const noexcept { return awaits_answers_; }
    /// What the run was lost to last; nothing where it was not.
    [[nodiscard]] std::error_code cause() const noexcept { return cause_; }
    /// Why the latest response ended before it told of the run.
    [[nodiscard]] std::error_code response_failure() const noexcept { return response_failure_; }
    /// Why, when the run did not come to its own end.
    [[nodiscard]] std::error_code failure() const noexcept { return failure_; }

private:
    enum class response { reading, polling, draining, over };
    void lose(std::error_code code) noexcept;

    limits limits_;
    int reattachments_ = 0;  ///< Since the last new event.
    time_point started_;
    time_point last_activity_, last_event_;
    response response_ = response::reading;
    run::phase phase_ = run::phase::sending;
    run::existence existence_ = run::existence::none;
    std::error_code failure_, cause_, response_failure_;
    bool paused_ = false;
    bool stream_error_ = false;
    bool awaits_answers_ = false;
};

/// What a broken connection and silence leave open: the run may still be found. Of an error that the service itself
/// reports, and of what is wrong with what arrived, there is nothing to find.
[[nodiscard]] bool is_loss(std::error_code code) noexcept;

}  // namespace corun::run
