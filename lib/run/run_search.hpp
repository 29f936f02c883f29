#pragma once
#include "run/run_fsm.hpp"

#include <chrono>
#include <optional>

namespace corun::run {

/// Decides how to find out which run a request has begun, so that the run can be ended: an event of its response names
/// it, or it is looked for at the service.
class run_search {
public:
    /// `patience`: how long to wait for an event where only an event can tell; absent: as long as the response lasts.
    /// `late_looks`: how often to look after the response has gone.
    run_search(std::optional<std::chrono::milliseconds> patience, int late_looks, time_point now) noexcept;

    enum class step {
        wait,  ///< For an event, until `decision::until`.
        look,  ///< For the run, at the service.
        /// There is no such run.
        nothing,
        /// Nobody can tell which run it is.
        unknown,
    };
    struct decision {
        run_search::step step;
        std::optional<time_point> until;
    };
    /// `listening`: an event may still come.
    [[nodiscard]] decision next(bool listening, time_point now) const noexcept;
    /// What a look has shown: `false` when the run was not there, nothing where it cannot be looked for.
    void looked(std::optional<bool> found, bool listening, time_point now) noexcept;

private:
    std::optional<time_point> gives_up_;
    std::chrono::milliseconds delay_;  ///< After the next look.
    time_point next_look_;
    int late_looks_;  ///< That are left.
    bool had_late_look_ = false;
    bool possible_ = true;  ///< To look for it.
};

}  // namespace corun::run
