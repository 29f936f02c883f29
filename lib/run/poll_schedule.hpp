#pragma once
#include "run/run_fsm.hpp"
#include <corun/error.hpp>

#include <chrono>

namespace corun::run {

/// Decides when a run is polled next, and when a service out of reach is given up.
class poll_schedule {
public:
    /// `give_up_after`: how long the service may be out of reach.
    poll_schedule(std::chrono::milliseconds give_up_after, time_point now) noexcept
        : give_up_after_(give_up_after), reached_(now) {}

    /// How long to wait before the next poll; 0 for the first. The delay doubles from poll to poll.
    [[nodiscard]] std::chrono::milliseconds delay() const noexcept { return delay_; }

    /// The caller takes no events for now: nothing is polled.
    void held_back() noexcept;
    void poll_begins() noexcept;
    /// The service has answered. `has_news`: the run goes on.
    void succeeded(bool has_news, time_point now) noexcept;
    /// The service does not stream the rest of the run: it is polled at once.
    void resumption_refused() noexcept { delay_ = std::chrono::milliseconds(0); }
    /// False when the failure stands. `may_pass`: another poll may succeed.
    [[nodiscard]] bool failed(const error& failure, bool may_pass, time_point now) noexcept;

private:
    std::chrono::milliseconds give_up_after_;
    time_point reached_;
    std::chrono::milliseconds delay_{0};
};

}  // namespace corun::run
