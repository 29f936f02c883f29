#include "description.hpp"
#include "exit_code.hpp"

#include <string_view>

namespace corun::cli {
namespace {

/// Text as roff.
std::string roff(std::string_view text) {
    std::string escaped;
    for (const char c : text) {
        if (c == '\\')
            escaped += "\\e";
        else if (c == '-')
            escaped += "\\-";
        else
            escaped += c;
    }
    return escaped.starts_with('.') || escaped.starts_with('\'') ? "\\&" + escaped : escaped;
}

std::string entry(const std::string& head, const std::string& text) {
    return ".TP\n" + head + "\n" + roff(text) + "\n";
}

std::string entry(const option_description& option) {
    std::string head;
    for (const std::string& name : option.names) head += (head.empty() ? "" : ", ") + ("\\fB" + roff(name) + "\\fR");
    if (!option.value.empty()) head += (head.empty() ? "\\fI" : " \\fI") + roff(option.value) + "\\fR";
    const std::string variable = option.variable.empty() ? "" : " (environment: " + option.variable + ")";
    return entry(head, option.help + variable);
}

std::string synopsis(const command_description& command) {
    std::string line = "\\fBcorun " + roff(command.path) + "\\fR";
    for (const option_description& option : command.options)
        if (option.names.empty())
            line += option.is_required ? " \\fI" + option.value + "\\fR" : " [\\fI" + option.value + "\\fR]";
    return line + " [\\fIOPTION\\fR ...]";
}

std::string section(const command_description& command) {
    std::string text = ".SS " + synopsis(command) + "\n" + roff(command.help) + "\n";
    for (const option_description& option : command.options)
        if (option.names.empty() || option.names.back() != "--help") text += entry(option);
    return text;
}

}  // namespace

std::string manual_page(const std::vector<command_description>& commands, const std::string& version) {
    const command_description& program = commands[0];
    std::string page = ".TH CORUN 1 \"\" \"corun " + version +
                       "\" \"User Commands\"\n"
                       ".SH NAME\ncorun \\- run AI agents from the command line\n"
                       ".SH SYNOPSIS\n\\fBcorun\\fR \\fICOMMAND\\fR [\\fIOPTION\\fR ...]\n"
                       ".SH DESCRIPTION\n" +
                       roff(program.help) +
                       "\nResults go to standard output, notices to standard error.\n.SH OPTIONS\n" +
                       "All commands share these.\n";
    for (const option_description& option : program.options) page += entry(option);
    page += ".SH COMMANDS\n";
    for (const command_description& each : commands)
        if (!each.path.empty() && each.commands.empty()) page += section(each);
    page += ".SH SECRETS\n" +
            roff(
                "A SOURCE of a secret is @env:NAME (a variable), @file:PATH or @command:COMMAND (in sh). Secrets "
                "themselves are rejected, because other processes see the command line.") +
            "\n.SH FILES\n" +
            entry("~/.config/corun/NAME.ini",
                  "profiles (or in $XDG_CONFIG_HOME/corun): lines such as agent = asst_1; "
                  "options of a command below [COMMAND]") +
            entry("~/.local/state/corun/history", "earlier messages of corun chat (or in $XDG_STATE_HOME/corun)") +
            ".SH EXIT STATUS\n";
    for (const auto& [code, text] : exit_code_texts) page += entry(std::to_string(static_cast<int>(code)), text);
    return page;
}

}  // namespace corun::cli
