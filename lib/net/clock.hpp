#pragma once
#include <chrono>
#include <functional>
#include <memory>

/// Time as the rest of the library sees it, so that tests own it.
namespace corun::net {

using time_point = std::chrono::steady_clock::time_point;

/// Calls back once at a point in time. Destroying it, or setting it again, takes the old call back.
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
