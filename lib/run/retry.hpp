#pragma once
#include <corun/error.hpp>
#include <corun/options.hpp>

#include <chrono>
#include <optional>

/// When a request is sent again.
namespace corun::run {

/// Whether the service may have done what a failed request asked for.
enum class carried_out {
    no,       ///< It has not.
    perhaps,  ///< Its answer was lost, or says nothing of it.
    unknown,  ///< The same, and the service itself is at fault: sending it again is no remedy.
    refused,  ///< It will not, however often it is asked.
};
carried_out was_carried_out(const error& failure) noexcept;

/// The delays between the tries of one request.
class retry_schedule {
public:
    explicit retry_schedule(const retry_policy& policy) noexcept : policy_(policy) {}

    /// How long to wait before the next try; nothing when there is to be none. `hint` is what the service asks for;
    /// `random` is from 0 to 1.
    std::optional<std::chrono::milliseconds> next(std::optional<std::chrono::milliseconds> hint,
                                                  double random) noexcept;

    /// How many tries it has given.
    [[nodiscard]] int given() const noexcept { return given_; }

private:
    retry_policy policy_;
    std::chrono::milliseconds waited_{0};
    int given_ = 0;
};

}  // namespace corun::run
