#pragma once
#include <chrono>
#include <optional>
#include <string_view>

namespace corun::detail {

/// After how long to try again, as the message of a rate limit says it: "Try again in 22 seconds.", "Please try again
/// in 6m0s.", "Please retry after 20ms". Nothing when it does not say. No more than a day.
std::optional<std::chrono::milliseconds> retry_delay_in(std::string_view message) noexcept;

/// The same as a header field has it: a number of `unit`, and nothing else.
std::optional<std::chrono::milliseconds> retry_delay_in(std::string_view number,
                                                        std::chrono::milliseconds unit) noexcept;

}  // namespace corun::detail
