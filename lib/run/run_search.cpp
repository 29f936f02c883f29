#include "run/run_search.hpp"

#include <algorithm>

namespace corun::run {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds first_look{100};
constexpr milliseconds longest_wait{2000};

}  // namespace

run_search::run_search(std::optional<milliseconds> patience, int late_looks, time_point now) noexcept
    // An event that is on its way makes looking needless.
    : delay_(first_look), next_look_(now + first_look), late_looks_(late_looks) {
    if (patience) gives_up_ = now + *patience;
}

run_search::decision run_search::next(bool listening, time_point now) const noexcept {
    if (!possible_) {
        if (!listening || (gives_up_ && now >= *gives_up_)) return {step::unknown, {}};
        return {step::wait, gives_up_};
    }
    if (!listening && late_looks_ == 0) return {step::nothing, {}};
    const bool at_once = !listening && !had_late_look_;
    if (at_once || now >= next_look_) return {step::look, {}};
    return {step::wait, next_look_};
}

void run_search::looked(std::optional<bool> found, bool listening, time_point now) noexcept {
    possible_ = found.has_value();
    if (!listening) {
        had_late_look_ = true;
        --late_looks_;
    }
    next_look_ = now + delay_;
    delay_ = std::min(delay_ * 2, longest_wait);
}

}  // namespace corun::run
