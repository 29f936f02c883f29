#pragma once
#include <corun/error.hpp>
#include <corun/options.hpp>

#include <chrono>
#include <optional>
#include <string_view>

/// When a request is sent again.
namespace corun::run {

/// Whether a failed request may be sent again.
enum class retry_class {
    safe,          ///< The service has not carried it out.
    ambiguous,     ///< It may have: its response was lost, or says nothing about it.
    server_error,  ///< It may have, and failed while it did: sending it again may not help.
    permanent,     ///< The service rejects it, however often it is sent.
};
retry_class classify(const error& failure) noexcept;

/// Whether the service may have carried the request out.
inline bool is_ambiguous(retry_class failure) noexcept {
    return failure == retry_class::ambiguous || failure == retry_class::server_error;
}

/// The delays between the attempts of one request.
class retry_schedule {
public:
    explicit retry_schedule(const retry_policy& policy) noexcept : policy_(policy) {}

    /// The delay before the next attempt; nothing when the policy allows no other. `hint` is the service's own;
    /// `random` is from 0 to 1.
    std::optional<std::chrono::milliseconds> next(std::optional<std::chrono::milliseconds> hint,
                                                  double random) noexcept;

    /// How many delays it has given.
    [[nodiscard]] int retries() const noexcept { return retries_; }

private:
    retry_policy policy_;
    std::chrono::milliseconds total_{0};
    int retries_ = 0;
};

/// Decides what follows each failed attempt of one call.
class call_retries {
public:
    /// `idempotent`: sending the request twice has the same effect as sending it once (RFC 9110, 9.2.2), whatever its
    /// method.
    call_retries(const retry_policy& policy, std::string_view method, bool idempotent, bool can_refresh_token) noexcept;

    enum class action {
        fail,
        wait,           ///< Send it again after `delay`.
        refresh_token,  ///< Send it again at once, with another token.
        succeed,        ///< An earlier attempt was carried out after all.
    };
    struct decision {
        decision(call_retries::action chosen, std::chrono::milliseconds before = {}) noexcept
            : action(chosen), delay(before) {}
        call_retries::action action;
        std::chrono::milliseconds delay;
    };

    /// `left` is the time until the call's deadline, if it has one; `random` is from 0 to 1.
    decision after(const error& failure, std::optional<std::chrono::nanoseconds> left, double random) noexcept;

private:
    retry_schedule schedule_;
    bool idempotent_, deletes_, can_refresh_token_;
    bool may_be_deleted_ = false;  ///< By an attempt whose response was lost.
};

}  // namespace corun::run
