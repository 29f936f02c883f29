#include "run/abandonment.hpp"

namespace corun::run {

abandonment abandon(abandoned_run policy, const run_fsm& run) noexcept {
    const bool has_ended = run.phase() == phase::over && !run.failure();
    if (has_ended || run.existence() == existence::none) return abandonment::leave;
    switch (policy) {
        case abandoned_run::cancelled:
            return abandonment::cancel;
        case abandoned_run::cancelled_if_waiting:
            return run.awaits_answers() ? abandonment::cancel_if_waiting : abandonment::leave;
        case abandoned_run::goes_on:
            break;
    }
    return abandonment::leave;
}

}  // namespace corun::run
