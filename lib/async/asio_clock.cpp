#include "async/asio_clock.hpp"

#include <asio/steady_timer.hpp>

#include <ctime>
#include <utility>

namespace corun::detail {
namespace {

#ifdef CLOCK_MONOTONIC_COARSE
// Accurate to a few milliseconds, at a fraction of the cost of the steady clock: it is read with every network read.
net::time_point coarse_now() noexcept {
    timespec time{};
    ::clock_gettime(CLOCK_MONOTONIC_COARSE, &time);
    return net::time_point(std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec));
}

// How far it lags behind the steady clock. Timers expire later by this, or they would find that it is too early.
std::chrono::nanoseconds resolution() noexcept {
    static const std::chrono::nanoseconds value = [] {
        timespec time{};
        ::clock_getres(CLOCK_MONOTONIC_COARSE, &time);
        return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
    }();
    return value;
}
#else
net::time_point coarse_now() noexcept {
    return std::chrono::steady_clock::now();
}
std::chrono::nanoseconds resolution() noexcept {
    return std::chrono::nanoseconds(0);
}
#endif

class asio_timer final : public net::timer {
public:
    explicit asio_timer(asio::any_io_executor executor) : timer_(std::move(executor)) {}

    void expires_at(net::time_point when, std::function<void()> on_expiry) override {
        timer_.expires_at(when + resolution());
        timer_.async_wait([call = std::move(on_expiry)](std::error_code code) {
            if (!code) call();
        });
    }

    void cancel() noexcept override { timer_.cancel(); }

private:
    asio::steady_timer timer_;
};

class asio_clock final : public net::clock {
public:
    explicit asio_clock(asio::any_io_executor executor) : executor_(std::move(executor)) {}

    net::time_point now() const noexcept override { return coarse_now(); }
    std::unique_ptr<net::timer> make_timer() override { return std::make_unique<asio_timer>(executor_); }

private:
    asio::any_io_executor executor_;
};

}  // namespace

std::shared_ptr<net::clock> make_clock(asio::any_io_executor executor) {
    return std::make_shared<asio_clock>(std::move(executor));
}

}  // namespace corun::detail
