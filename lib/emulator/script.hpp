#pragma once
#include <corun/emulator/emulator.hpp>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace corun::emulator {

/// What the model does when a message holds the text.
using script = std::pair<std::string, std::vector<step>>;

/// Scripts as JSON. Throws `std::invalid_argument`.
std::vector<script> scripts_of(std::string_view text);

}  // namespace corun::emulator
