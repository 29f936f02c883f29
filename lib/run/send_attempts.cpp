#include "run/send_attempts.hpp"

namespace corun::run {

send_attempts::decision send_attempts::failed(const error& failure, bool can_refresh, double random) noexcept {
    decision next;
    const retry_class kind = classify(failure);
    const bool ambiguous = is_ambiguous(kind);
    // An earlier attempt that was given up may have arrived since, and be why this one is rejected.
    const bool is_in_the_way =
        may_have_arrived_ && (failure.code() == errc::bad_request || failure.code() == errc::conflict);
    // The time is up, or a success is not what it should be: nothing is sent again, and yet there may be a run.
    const bool is_unseen = failure.code() == errc::total_timeout || (failure.status() >= 200 && failure.status() < 300);
    may_have_arrived_ = may_have_arrived_ || ambiguous || is_unseen;
    next.find_run = can_find_ && (ambiguous || is_in_the_way);
    if (failure.code() == errc::unauthorized && can_refresh && !refreshed_) {
        refreshed_ = true;
        next.delay.emplace(0);
    } else if (kind == retry_class::safe || (next.find_run && ambiguous)) {
        next.delay = schedule_.next(failure.retry_after(), random);
    }
    // Where the service itself failed, sending it again may not help.
    next.send_again = next.delay && kind != retry_class::server_error;
    ++number_;
    return next;
}

}  // namespace corun::run
