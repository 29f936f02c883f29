#include "run/machine.hpp"

#include <algorithm>

namespace corun::run {
namespace {

/// How long the rest of a response may take after its last event: enough for the end of the
/// stream that is already on its way, so that the connection can be used again.
constexpr std::chrono::milliseconds drain_time{2000};

}  // namespace

machine::machine(limits bounds, time_point now) noexcept : limits_(bounds), started_(now), last_activity_(now) {}

void machine::bytes_arrived(time_point now) noexcept {
    if (response_ != response::draining) last_activity_ = now;
}

bool machine::event_arrived(codec::event_class kind) noexcept {
    // After an action the rest of its response only frames it; what answers it says comes in another.
    if (run_ != run::going) return false;
    switch (kind) {
        case codec::event_class::ordinary:
            return true;
        case codec::event_class::error:
            stream_error_ = true;
            return true;
        case codec::event_class::action:
            run_ = run::waiting;
            response_ = response::draining;
            return true;
        case codec::event_class::last:
            run_ = run::over;
            response_ = response::draining;
            return true;
        case codec::event_class::end_of_stream:
            failure_ = stream_error_ ? errc::stream_failed : errc::premature_eof;
            run_ = run::over;
            response_ = response::draining;
            return false;
    }
    return true;
}

void machine::response_ended(std::error_code code) noexcept {
    response_ = response::over;
    if (run_ != run::going) return;
    run_ = run::over;
    if (stream_error_)
        failure_ = errc::stream_failed;
    else
        failure_ = code ? code : std::error_code(errc::premature_eof);
}

void machine::backlog_changed(std::size_t bytes, time_point now) noexcept {
    if (!paused_ && bytes > limits_.high_water_bytes) {
        paused_ = true;
    } else if (paused_ && bytes <= limits_.high_water_bytes / 2) {
        paused_ = false;
        last_activity_ = now;
    }
}

void machine::time_passed(time_point now) noexcept {
    const auto next = deadline();
    if (!next || now < *next) return;
    const bool total = limits_.total.count() > 0 && now >= started_ + limits_.total;
    if (run_ == run::answering && total) {
        fail(errc::total_timeout);
    } else if (response_ == response::draining || run_ == run::answering) {
        // Silence after answers says nothing of the run: it may still wait for them.
        response_ = response::over;
    } else if (stream_error_) {
        fail(errc::stream_failed);
    } else {
        fail(total ? errc::total_timeout : errc::idle_timeout);
    }
}

void machine::fail(std::error_code code) noexcept {
    if (!over()) fail_earlier(code);
}

void machine::fail_earlier(std::error_code code) noexcept {
    run_ = run::over;
    failure_ = code;
    response_ = response::over;
}

void machine::answers_begin() noexcept {
    if (run_ == run::waiting) run_ = run::answering;
}

void machine::response_begins(time_point now) noexcept {
    response_ = response::reading;
    last_activity_ = now;
    stream_error_ = false;
}

void machine::response_accepted() noexcept {
    if (run_ == run::answering) run_ = run::going;
}

void machine::answers_failed() noexcept {
    response_ = response::over;
    if (run_ == run::answering) run_ = run::waiting;
}

std::optional<time_point> machine::deadline() const noexcept {
    std::optional<time_point> when;
    const auto no_later_than = [&when](time_point limit) { when = when ? std::min(*when, limit) : limit; };
    // Somebody else's time, but still the run's.
    if (run_ == run::answering && limits_.total.count() > 0) no_later_than(started_ + limits_.total);
    if (response_ == response::over) return when;
    // After an error of the stream only what is already on its way is of interest.
    if (response_ == response::draining || (stream_error_ && !paused_)) {
        no_later_than(last_activity_ + drain_time);
        return when;
    }
    // While we do not read, silence says nothing about the service.
    if (limits_.idle.count() > 0 && !paused_) no_later_than(last_activity_ + limits_.idle);
    if (limits_.total.count() > 0) no_later_than(started_ + limits_.total);
    return when;
}

}  // namespace corun::run
