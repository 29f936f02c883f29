#include "run/run_fsm.hpp"

#include <algorithm>

namespace corun::run {
namespace {

/// How long the rest of a response may take after its last event: enough for the end of the
/// stream that is already on its way, so that the connection can be used again.
constexpr std::chrono::milliseconds drain_time{2000};

/// Events report how the run goes on.
bool has_events(phase now) noexcept {
    return now == phase::streaming || now == phase::polling;
}

}  // namespace

run_fsm::run_fsm(limits bounds, time_point now) noexcept
    : limits_(bounds), started_(now), last_activity_(now), last_event_(now) {}

void run_fsm::response_begins(time_point now) noexcept {
    response_ = response::reading;
    response_failure_.clear();
    last_activity_ = last_event_ = now;
    stream_error_ = false;
}

void run_fsm::response_accepted() noexcept {
    if (over()) return;
    phase_ = phase::streaming;
    awaits_answers_ = false;
}

void run_fsm::bytes_arrived(time_point now) noexcept {
    if (response_ != response::draining) last_activity_ = now;
}

bool run_fsm::event_arrived(codec::event_class kind) noexcept {
    // After an action the rest of its response only frames it; what answers it says comes in another.
    if (!has_events(phase_)) return false;
    const bool is_news = kind != codec::event_class::keepalive && kind != codec::event_class::repeated;
    if (is_news) {
        last_event_ = last_activity_;
        reattachments_ = 0;
    }
    switch (kind) {
        case codec::event_class::repeated:
            return false;
        case codec::event_class::ordinary:
        case codec::event_class::keepalive:
            return true;
        case codec::event_class::error:
            stream_error_ = true;
            return true;
        case codec::event_class::action:
            phase_ = phase::waiting;
            response_ = response::draining;
            awaits_answers_ = true;
            return true;
        case codec::event_class::last:
            phase_ = phase::over;
            response_ = response::draining;
            return true;
        case codec::event_class::end_of_stream:
            lose(errc::premature_eof);
            if (phase_ == phase::over) response_ = response::draining;
            return false;
    }
    return true;
}

void run_fsm::response_ended(std::error_code code) noexcept {
    response_ = response::over;
    response_failure_ = code ? code : std::error_code(errc::premature_eof);
    if (has_events(phase_)) lose(response_failure_);
}

/// The response has no more to say, and the run has not come to its end.
void run_fsm::lose(std::error_code code) noexcept {
    response_ = response::over;
    const bool may_reattach = !stream_error_ && reattachments_ < limits_.reattachments;
    if (is_loss(code) && existence_ == existence::known && may_reattach) {
        ++reattachments_;
        cause_ = code;
        phase_ = phase::lost;
        return;
    }
    failure_ = stream_error_ ? std::error_code(errc::stream_failed) : code;
    phase_ = phase::over;
}

void run_fsm::backlog_changed(std::size_t bytes, time_point now) noexcept {
    if (!paused_ && bytes > limits_.high_water_bytes) {
        paused_ = true;
    } else if (paused(bytes)) {
        paused_ = false;
        last_activity_ = last_event_ = now;
    }
}

void run_fsm::time_passed(time_point now) noexcept {
    const auto next = deadline();
    if (!next || now < *next) return;
    const bool total = limits_.total.count() > 0 && now >= started_ + limits_.total;
    const bool silent = limits_.idle.count() > 0 && now >= last_activity_ + limits_.idle;
    const std::error_code silence = silent ? errc::idle_timeout : errc::event_timeout;
    const bool reports = has_events(phase_);
    if (reports && stream_error_) {
        fail(errc::stream_failed);
    } else if (total && !over()) {
        fail(errc::total_timeout);
    } else if (reports) {
        lose(silence);
    } else {
        // Silence after a request says nothing of the run: it may still wait for answers, or be found again.
        response_ = response::over;
        response_failure_ = silence;
    }
}

void run_fsm::enter(run::phase next) noexcept {
    const bool sends = phase_ == phase::sending || phase_ == phase::answering;
    if (phase_ == phase::waiting && (next == phase::sending || next == phase::answering)) {
        phase_ = next;
    } else if ((sends && next == phase::waiting) || (phase_ == phase::sending && next == phase::lost)) {
        phase_ = next;
        response_ = response::over;
    } else if (has_events(phase_) && next == phase::restarting) {
        phase_ = next;
        response_ = response::draining;
    }
}

void run_fsm::answer_lost(std::error_code cause) noexcept {
    response_ = response::over;
    existence_ = existence::known;
    cause_ = cause;
    phase_ = phase::lost;
    awaits_answers_ = false;
}

void run_fsm::polling_began(time_point now) noexcept {
    response_begins(now);
    response_ = response::polling;
    awaits_answers_ = false;
    if (phase_ != phase::over) phase_ = phase::polling;
}

void run_fsm::fail(std::error_code code) noexcept {
    if (!over()) fail_earlier(code);
}

void run_fsm::fail_earlier(std::error_code code) noexcept {
    phase_ = phase::over;
    failure_ = code;
    response_ = response::over;
}

std::optional<time_point> run_fsm::deadline() const noexcept {
    std::optional<time_point> when;
    const auto no_later_than = [&when](time_point limit) { when = when ? std::min(*when, limit) : limit; };
    // Also time in which nothing is read, but others work or wait, is the run's.
    if (!over() && limits_.total.count() > 0) no_later_than(started_ + limits_.total);
    if (response_ == response::over) return when;
    // After an error of the stream only what is already on its way is of interest.
    if (response_ == response::draining || (stream_error_ && !paused_)) {
        no_later_than(last_activity_ + drain_time);
        return when;
    }
    // While we do not read, silence says nothing about the service.
    if (!paused_ && response_ == response::reading) {
        if (limits_.idle.count() > 0) no_later_than(last_activity_ + limits_.idle);
        if (limits_.event.count() > 0) no_later_than(last_event_ + limits_.event);
    }
    return when;
}

bool is_loss(std::error_code code) noexcept {
    return code == errc::connection_lost || code == errc::premature_eof || code == errc::idle_timeout ||
           code == errc::event_timeout;
}

}  // namespace corun::run
