#pragma once
#include <corun/chrono.hpp>

#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace corun::emulator {

/// Returns the current time, for runs, tokens and everything else that expires.
using clock = std::function<std::chrono::system_clock::time_point()>;

/// Header fields of HTTP: names and values.
using header_fields = std::vector<std::pair<std::string, std::string>>;

}  // namespace corun::emulator
