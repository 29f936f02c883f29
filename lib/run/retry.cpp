#include "run/retry.hpp"

#include <algorithm>

namespace corun::run {

carried_out was_carried_out(const error& failure) noexcept {
    const int status = failure.status();
    if (status >= 300) {
        // The service's own word for it.
        if (failure.details().should_retry)
            return *failure.details().should_retry ? carried_out::no : carried_out::refused;
        if (status == 408 || status == 429 || status == 503) return carried_out::no;
        if (status >= 500 && status != 501 && status != 505) return carried_out::unknown;
        return carried_out::refused;
    }
    const std::error_code& code = failure.code();
    if (code == errc::connect_failed || code == errc::connect_timeout) return carried_out::no;
    if (code == errc::connection_lost || code == errc::premature_eof || code == errc::idle_timeout)
        return carried_out::perhaps;
    return carried_out::refused;
}

std::optional<std::chrono::milliseconds> retry_schedule::next(std::optional<std::chrono::milliseconds> hint,
                                                              double random) noexcept {
    using std::chrono::milliseconds;
    if (given_ >= policy_.max_retries) return std::nullopt;
    milliseconds delay{0};
    if (hint) {
        delay = std::max(*hint, milliseconds{0});
    } else {
        // Doubled no further than needed: a shift by more would overflow.
        delay = std::max(policy_.first_delay, milliseconds{0});
        for (int i = 0; i != given_ && delay < policy_.longest_delay; ++i) delay *= 2;
        delay = std::min(delay, policy_.longest_delay);
        const double part = std::clamp(policy_.jitter, 0.0, 1.0) * std::clamp(random, 0.0, 1.0);
        delay -= milliseconds(static_cast<milliseconds::rep>(static_cast<double>(delay.count()) * part));
    }
    if (delay > policy_.max_total_delay - waited_) return std::nullopt;
    waited_ += delay;
    ++given_;
    return delay;
}

}  // namespace corun::run
