#include "mistakes.hpp"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include <algorithm>
#include <string_view>
#include <vector>

namespace corun::cli {
namespace {

/// How many characters must be inserted, removed, replaced, or exchanged with the next one.
std::size_t distance(std::string_view a, std::string_view b) {
    std::vector<std::vector<std::size_t>> table(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
    for (std::size_t i = 0; i <= a.size(); ++i) {
        for (std::size_t j = 0; j <= b.size(); ++j) {
            if (i == 0 || j == 0) {
                table[i][j] = i + j;
                continue;
            }
            const std::size_t replaced = table[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
            table[i][j] = std::min({replaced, table[i - 1][j] + 1, table[i][j - 1] + 1});
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                table[i][j] = std::min(table[i][j], table[i - 2][j - 2] + 1);
        }
    }
    return table[a.size()][b.size()];
}

/// `; did you mean ...?`, or nothing if no name is near.
std::string nearest(std::string_view word, const std::vector<std::string>& names) {
    std::size_t least = std::max<std::size_t>(1, word.size() / 3) + 1;
    std::string found;
    for (const std::string& name : names) {
        const std::size_t edits = distance(word, name);
        if (edits < least) {
            least = edits;
            found = "; did you mean " + name + "?";
        }
    }
    return found;
}

/// The command that the line chose, or the program.
const CLI::App& chosen(const CLI::App& app) {
    const std::vector<CLI::App*> parsed = app.get_subcommands();
    return parsed.empty() ? app : chosen(*parsed.back());
}

std::vector<std::string> option_names(const CLI::App& app) {
    std::vector<std::string> names;
    for (const CLI::App* each = &app; each != nullptr; each = each->get_parent())
        for (const CLI::Option* option : each->get_options())
            for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
    return names;
}

std::vector<std::string> command_names(const CLI::App& app) {
    std::vector<std::string> names;
    for (const CLI::App* each : app.get_subcommands([](const CLI::App*) { return true; }))
        names.push_back(each->get_name());
    return names;
}

std::string full_name(const CLI::App& app) {
    return app.get_parent() == nullptr ? app.get_name() : full_name(*app.get_parent()) + " " + app.get_name();
}

std::string list(const std::vector<std::string>& names) {
    std::string all;
    for (const std::string& name : names) all += (all.empty() ? "" : ", ") + name;
    return all;
}

}  // namespace

std::string explain_mistake(const CLI::App& program, const CLI::ParseError& problem) {
    const CLI::App& command = chosen(program);
    const std::vector<std::string> left = program.remaining(true);
    const std::string help = " (" + full_name(command) + " --help)";
    // Mistakes in a profile, and values that an option does not have, are explained by CLI11.
    if (dynamic_cast<const CLI::ExtrasError*>(&problem) == nullptr &&
        dynamic_cast<const CLI::RequiredError*>(&problem) == nullptr)
        return problem.what() + help;

    const auto option = std::find_if(left.begin(), left.end(), [](const std::string& word) {
        return word.size() > 1 && word.front() == '-' && word != "--";
    });
    if (option != left.end()) {
        const std::string name = option->substr(0, option->find('='));
        return "there is no option " + name + nearest(name, option_names(command)) + help;
    }
    const std::vector<std::string> commands = command_names(command);
    if (!commands.empty() && left.empty()) return full_name(command) + " needs a command: " + list(commands) + help;
    if (!commands.empty()) return "there is no command '" + left.front() + "'" + nearest(left.front(), commands) + help;
    if (!left.empty()) return "'" + left.front() + "' is unexpected: put a text of several words in quotes" + help;
    return problem.what() + help;
}

}  // namespace corun::cli
