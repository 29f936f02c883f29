#pragma once
#include <chrono>
#include <functional>
#include <memory>

/// The interface of time. Tests implement it to control time.
namespace corun::net {

using time_point = std::chrono::steady_clock::time_point;

/// Calls a function once at a point in time. Destroying the timer, or setting it again, revokes an earlier call.
class timer {
public:
    virtual ~timer() = default;
    virtual void expires_at(time_point when, std::function<void()> on_expiry) = 0;
    virtual void cancel() noexcept = 0;
};

class clock {
public:
    virtual ~clock() = default;
    [[nodiscard]] virtual time_point now() const noexcept = 0;
    [[nodiscard]] virtual std::unique_ptr<timer> make_timer() = 0;
};

}  // namespace corun::net
