#pragma once

#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace corun::cli {

/// An option or an argument of a command, for completions and the manual.
struct option_description {
    std::vector<std::string> names;  ///< `-o`, `--output`; empty for an argument.
    std::string value, help, variable;
    std::vector<std::string> choices;
    bool is_required = false;
};

/// A command, or the program itself, whose path is empty.
struct command_description {
    std::string path, help;  ///< `agents list`
    std::vector<option_description> options;
    std::vector<const command_description*> commands;
};

/// All commands, the program first.
[[nodiscard]] std::vector<command_description> describe(const CLI::App& program);

/// Names the values that an option can have.
void set_choices(const std::string& option, std::vector<std::string> values);

/// The script that completes command lines in `bash`, `zsh` or `fish`.
[[nodiscard]] std::string completion_script(const std::vector<command_description>& commands, const std::string& shell);

/// The manual page, as man reads it.
[[nodiscard]] std::string manual_page(const std::vector<command_description>& commands, const std::string& version);

}  // namespace corun::cli
