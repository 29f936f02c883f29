#pragma once

#include "program.hpp"

#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace corun::cli {

/// A command: a row of the table in command_line.cpp.
struct command {
    const char* name;  ///< With the name of its group, such as `agents list`.
    const char* help;
    void (*add_options)(CLI::App& app, settings& values);  ///< Null: none of its own.
    exit_code (*run)(program& self);                       ///< Null: it is a group, or not run by the table.
    [[nodiscard]] bool is_group() const noexcept { return run == nullptr && add_options == nullptr; }
};

/// All commands, in the order of the help.
[[nodiscard]] const std::vector<command>& commands();

/// Reads the command line and runs its command. Returns the exit status.
int run_command_line(int argc, char** argv);

}  // namespace corun::cli
