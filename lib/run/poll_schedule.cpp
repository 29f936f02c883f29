#include "run/poll_schedule.hpp"

#include <algorithm>

namespace corun::run {
namespace {

constexpr std::chrono::milliseconds first_delay{250};
constexpr std::chrono::milliseconds longest_delay{2000};

}  // namespace

void poll_schedule::held_back() noexcept {
    delay_ = std::max(delay_, first_delay);
}

void poll_schedule::poll_begins() noexcept {
    delay_ = std::clamp(2 * delay_, first_delay, longest_delay);
}

void poll_schedule::succeeded(bool has_news, time_point now) noexcept {
    reached_ = now;
    if (has_news) delay_ = first_delay;
}

bool poll_schedule::failed(const error& failure, bool may_pass, time_point now) noexcept {
    if (!may_pass || now - reached_ >= give_up_after_) return false;
    delay_ = std::max(delay_, failure.retry_after().value_or(delay_));
    return true;
}

}  // namespace corun::run
