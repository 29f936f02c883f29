#pragma once
#include <algorithm>
#include <chrono>

namespace corun::detail {

/// Delays between attempts that grow by a factor, up to a limit.
class backoff {
public:
    using milliseconds = std::chrono::milliseconds;

    explicit backoff(milliseconds first, milliseconds longest = milliseconds::max(), int factor = 2) noexcept
        : first_(std::min(first, longest)), longest_(longest), factor_(factor), next_(first_) {}

    /// The delay before the next attempt.
    [[nodiscard]] milliseconds next() noexcept {
        const milliseconds delay = next_;
        next_ = delay > longest_ / factor_ ? longest_ : delay * factor_;
        return delay;
    }

    /// Starts over with the first delay.
    void reset() noexcept { next_ = first_; }

private:
    milliseconds first_;
    milliseconds longest_;
    int factor_;
    milliseconds next_;
};

}  // namespace corun::detail
