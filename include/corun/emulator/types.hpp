#pragma once
#include <chrono>
#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace corun::emulator {

/// Returns the current time, for runs, tokens and everything else that expires.
using clock = std::function<std::chrono::system_clock::time_point()>;

using header_fields = std::vector<std::pair<std::string, std::string>>;

}  // namespace corun::emulator
