#pragma once
#include <chrono>
#include <optional>
#include <string_view>

namespace corun::codec {

/// After how long to try again, as the message of a rate limit says it: "Try again in 22 seconds.", "Please try again
/// in 6m0s.", "Please retry after 20ms". Nothing when it does not say. No more than a day.
std::optional<std::chrono::milliseconds> retry_hint_in(std::string_view message) noexcept;

}  // namespace corun::codec
