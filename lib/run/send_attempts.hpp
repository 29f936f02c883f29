#pragma once
#include "run/retry.hpp"
#include <corun/error.hpp>
#include <corun/options.hpp>

#include <chrono>
#include <optional>

namespace corun::run {

/// Decides what follows a failed attempt to send a request that begins a run or answers its action.
/// Such a request is never sent twice while the service may have carried it out: the run is looked
/// for first.
class send_attempts {
public:
    /// `can_find` is false where runs are not looked for (`reattach_policy::enabled`).
    send_attempts(const retry_policy& policy, bool can_find) noexcept : schedule_(policy), can_find_(can_find) {}

    struct decision {
        /// How long to wait before anything else; nothing when the request is not sent again.
        std::optional<std::chrono::milliseconds> delay;
        /// Find out whether the request was carried out.
        bool find_run = false;
        /// Send it again, unless it was carried out.
        bool send_again = false;
    };

    /// An attempt failed. `can_refresh`: another access token can be fetched in place of a rejected one.
    /// `random` is from 0 to 1. The attempts are over when nothing is found and nothing sent again.
    decision failed(const error& failure, bool can_refresh, double random) noexcept;

    /// The number of the current attempt; the first is 1.
    [[nodiscard]] int number() const noexcept { return number_; }
    /// An attempt that failed may have arrived, now or later.
    [[nodiscard]] bool may_have_arrived() const noexcept { return may_have_arrived_; }

private:
    retry_schedule schedule_;
    int number_ = 1;
    bool can_find_;
    bool refreshed_ = false;
    bool may_have_arrived_ = false;
};

}  // namespace corun::run
