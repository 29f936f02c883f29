#pragma once
#include "run/retry.hpp"
#include <corun/options.hpp>
#include <corun/resources.hpp>

#include <chrono>
#include <optional>

namespace corun::run {

/// Decides whether a run that failed is begun again: after an MCP server rejected the token of its
/// headers, and after a rate limit or an overload; only while the run has done nothing that another one would do
/// twice.
class restart_policy {
public:
    /// `token_restarts`: how often after a rejected token. `rate_limit_restarts`: how often after a
    /// rate limit, with the delays of `retry`.
    restart_policy(int token_restarts, int rate_limit_restarts, const retry_policy& retry) noexcept
        : token_restarts_(token_restarts), rate_limit_restarts_(rate_limit_restarts), delays_(retry) {}

    enum class reason { rejected_token, rate_limit };  ///< An overload is like a rate limit.
    struct decision {
        run::restart_policy::reason reason;
        std::chrono::milliseconds delay;
    };

    /// A restart is still possible: events have to be examined.
    [[nodiscard]] bool possible() const noexcept {
        return untouched_ && (token_restarts_ > 0 || rate_limit_restarts_ > 0);
    }
    /// The run has written or called something.
    void run_had_effect() noexcept { untouched_ = false; }
    /// Another run has taken its place.
    void run_restarted() noexcept { untouched_ = true; }

    /// An MCP server rejected the token of the run's headers. `sends_headers`: its request carries some. Nothing when
    /// the failure stands.
    std::optional<decision> token_rejected(bool sends_headers) noexcept;
    /// The run failed. `hint` is the delay that the response asks for.
    std::optional<decision> failed(const last_error& failure, bool sends_headers,
                                   std::optional<std::chrono::milliseconds> hint, double random) noexcept;

private:
    int token_restarts_, rate_limit_restarts_;  ///< That are left.
    retry_schedule delays_;
    bool untouched_ = true;
};

/// True when a run failed because an MCP server rejected the headers that it was sent. `status` is that of a request
/// that was refused.
[[nodiscard]] bool is_rejected_token(const last_error& failure, int status = 0) noexcept;
/// The same for an error of the server itself.
[[nodiscard]] bool is_unauthorized(const last_error& failure) noexcept;

}  // namespace corun::run
