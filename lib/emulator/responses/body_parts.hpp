#pragma once
#include "emulator/http/schema.hpp"

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

/// The parts that bodies of several requests have.
namespace corun::emulator::schema {

using members = std::vector<member>;
using types = std::vector<std::pair<std::string, check>>;

/// An object whose members are not checked.
inline check opaque() {
    return map(any());
}
/// A character of a server label.
bool is_label_character(char c);

/// `in_project`: with the tools that Azure adds to OpenAI's. `stored`: as an agent stores them, with templates.
check tools(bool in_project, bool stored);
check tool_choice();
/// Messages and other items.
check input_items(std::size_t max_items = 0);
/// Items, or the text of a message.
check input();

}  // namespace corun::emulator::schema
