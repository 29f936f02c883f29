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
    if (phase_ != phase::draining) last_activity_ = now;
}

bool machine::event_arrived(codec::event_class kind) noexcept {
    if (over_) return false;
    switch (kind) {
        case codec::event_class::ordinary:
            return true;
        case codec::event_class::error:
            stream_error_ = true;
            return true;
        case codec::event_class::last:
            over_ = true;
            phase_ = phase::draining;
            return true;
        case codec::event_class::end_of_stream:
            failure_ = stream_error_ ? errc::stream_failed : errc::premature_eof;
            over_ = true;
            phase_ = phase::draining;
            return false;
    }
    return true;
}

void machine::response_ended(std::error_code code) noexcept {
    phase_ = phase::over;
    if (over_) return;
    over_ = true;
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
    if (phase_ == phase::draining) {
        phase_ = phase::over;
        return;
    }
    const bool total = limits_.total.count() > 0 && now >= started_ + limits_.total;
    if (stream_error_)
        fail(errc::stream_failed);
    else
        fail(total ? errc::total_timeout : errc::idle_timeout);
}

void machine::fail(std::error_code code) noexcept {
    if (over_) return;
    over_ = true;
    failure_ = code;
    phase_ = phase::over;
}

void machine::fail_earlier(std::error_code code) noexcept {
    over_ = true;
    failure_ = code;
    phase_ = phase::over;
}

std::optional<time_point> machine::deadline() const noexcept {
    std::optional<time_point> when;
    if (phase_ == phase::over) return when;
    // After an error of the stream only what is already on its way is of interest.
    if (phase_ == phase::draining || (stream_error_ && !paused_)) return last_activity_ + drain_time;
    // While we do not read, silence says nothing about the service.
    if (limits_.idle.count() > 0 && !paused_) when = last_activity_ + limits_.idle;
    if (limits_.total.count() > 0) {
        const time_point end = started_ + limits_.total;
        when = when ? std::min(*when, end) : end;
    }
    return when;
}

}  // namespace corun::run
