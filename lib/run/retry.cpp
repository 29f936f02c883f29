#include "run/retry.hpp"

#include "values/failure_kind.hpp"

#include <algorithm>
#include <utility>

namespace corun::run {

retry_class classify(const error& failure) noexcept {
    const int status = failure.status();
    if (status >= 300) {
        // The service's own word overrides the status.
        if (failure.details().should_retry)
            return *failure.details().should_retry ? retry_class::safe : retry_class::permanent;
        const bool is_server_error = status >= 500;
        // A server that failed while it worked may say anything; its codes are more exact.
        const std::string_view message = is_server_error ? std::string_view() : failure.service_message();
        const detail::failure_kind kind = detail::failure_kind_of(failure.service_code(), message);
        if (kind == detail::failure_kind::quota) return retry_class::permanent;
        if (detail::is_refused_for_now(kind)) return retry_class::safe;
        if (status == 408 || status == 429 || status == 503 || status == 529) return retry_class::safe;
        if (status >= 500 && status != 501 && status != 505) return retry_class::server_error;
        return retry_class::permanent;
    }
    const std::error_code& code = failure.code();
    if (code == errc::connect_failed || code == errc::connect_timeout) return retry_class::safe;
    if (code == errc::connection_lost || code == errc::premature_eof || code == errc::idle_timeout)
        return retry_class::ambiguous;
    return retry_class::permanent;
}

std::optional<std::chrono::milliseconds> retry_schedule::next(std::optional<std::chrono::milliseconds> hint,
                                                              double random) noexcept {
    using std::chrono::milliseconds;
    if (retries_ >= policy_.max_retries) return std::nullopt;
    milliseconds delay{0};
    if (hint) {
        delay = std::max(*hint, milliseconds{0});
    } else {
        // Doubled no further than needed: a shift by more would overflow.
        delay = std::max(policy_.first_delay, milliseconds{0});
        for (int i = 0; i != retries_ && delay < policy_.longest_delay; ++i) delay *= 2;
        delay = std::min(delay, policy_.longest_delay);
        const double part = std::clamp(policy_.jitter, 0.0, 1.0) * std::clamp(random, 0.0, 1.0);
        delay -= milliseconds(static_cast<milliseconds::rep>(static_cast<double>(delay.count()) * part));
    }
    if (delay > policy_.max_total_delay - total_) return std::nullopt;
    total_ += delay;
    ++retries_;
    return delay;
}

call_retries::call_retries(const retry_policy& policy, std::string_view method, bool idempotent,
                           bool can_refresh_token) noexcept
    : schedule_(policy),
      idempotent_(idempotent || method != "POST"),
      deletes_(method == "DELETE"),
      can_refresh_token_(can_refresh_token) {}

call_retries::decision call_retries::after(const error& failure, std::optional<std::chrono::nanoseconds> left,
                                           double random) noexcept {
    // Once: a fresh token that is rejected is rejected for good.
    if (failure.code() == errc::unauthorized && std::exchange(can_refresh_token_, false)) return action::refresh_token;
    if (failure.code() == errc::not_found && may_be_deleted_) return action::succeed;
    const retry_class kind = classify(failure);
    if (deletes_ && is_ambiguous(kind)) may_be_deleted_ = true;
    if (kind == retry_class::permanent || (is_ambiguous(kind) && !idempotent_)) return action::fail;
    const auto delay = schedule_.next(failure.retry_after(), random);
    if (!delay || (left && *delay >= *left)) return action::fail;
    return {action::wait, *delay};
}

}  // namespace corun::run
