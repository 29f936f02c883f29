#pragma once
#include <corun/emulator/step.hpp>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace corun::emulator {

/// What the model does when a message contains the text.
using script = std::pair<std::string, std::vector<step>>;

/// Parses scripts in JSON. Throws `std::invalid_argument`.
std::vector<script> scripts_of(std::string_view text);

/// Whether the step calls a tool, of any kind.
inline bool is_call(const step& step) {
    using enum emulator::step::kind;
    return step.type() == call_function || step.type() == call_mcp || step.type() == call_tool;
}

}  // namespace corun::emulator
