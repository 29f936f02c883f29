#pragma once
#include "run/run_fsm.hpp"
#include <corun/options.hpp>

namespace corun::run {

/// What becomes of a run whose stream nobody uses any more.
enum class abandonment {
    leave,              ///< Nothing is to be done: it goes on, or there is none.
    cancel_if_waiting,  ///< Cancel it, unless somebody has answered it meanwhile.
    cancel,
};

[[nodiscard]] abandonment abandon(abandoned_run policy, const run_fsm& run) noexcept;

}  // namespace corun::run
