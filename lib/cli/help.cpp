#include "help.hpp"

#include "event_view.hpp"
#include <corun/json.hpp>

#include <nlohmann/json.hpp>

#include <sstream>
#include <string_view>

namespace corun::cli {
namespace {

constexpr std::string_view notes =
    "\nA SOURCE of a secret is @env:NAME, @file:PATH or @command:COMMAND; secrets themselves are rejected.\n"
    "\nExit status:\n";

std::string full_name(const CLI::App* app) {
    const CLI::App* const parent = app->get_parent();
    return parent == nullptr ? app->get_name() : full_name(parent) + " " + app->get_name();
}

std::string padded(const std::string& text, std::size_t width) {
    return "  " + text + std::string(text.size() < width ? width - text.size() : 1, ' ');
}

}  // namespace

std::string help_formatter::make_option_opts(const CLI::Option* option) const {
    const std::string value = option->get_type_name();
    return value.empty() ? value : " " + value;
}

std::string help_formatter::make_help(const CLI::App* app, std::string, CLI::AppFormatMode) const {
    const auto commands = app->get_subcommands([](const CLI::App*) { return true; });
    std::string text = "usage: " + full_name(app);
    std::string own;
    for (const CLI::Option* option : app->get_options()) {
        if (option->get_positional())
            text += option->get_required() ? " " + option->get_type_name() : " [" + option->get_type_name() + "]";
        if (option->get_positional())
            own += padded(option->get_type_name(), 32) + option->get_description() + "\n";
        else
            own += make_option(option, false);
    }
    text += std::string(commands.empty() ? "" : " COMMAND") + " [OPTION ...]\n\n" + app->get_description() + "\n";
    if (!commands.empty()) text += "\nCommands:\n";
    for (const CLI::App* each : commands) text += padded(each->get_name(), 12) + each->get_description() + "\n";
    text += "\nOptions:\n" + own;
    if (app->get_parent() != nullptr)
        return text + "\nThe options of all commands, sources of secrets and exit status: corun --help\n";
    text += notes;
    for (const auto& [code, meaning] : exit_code_texts)
        text += padded(std::to_string(static_cast<int>(code)), 5) + meaning + "\n";
    return text;
}

void report_failure(program& self, const std::exception& failure) {
    self.out.end_line();
    if (exit_code_of(failure) == exit_code::interrupted)
        self.out.notice("the run is cancelled, if it has begun");
    else
        self.out.failure(failure.what());
    if (!self.options.output.json) return;
    nlohmann::json data{{"message", failure.what()}};
    if (const auto* const known = dynamic_cast<const error*>(&failure)) data = to_json(*known);
    data["exit_code"] = static_cast<int>(exit_code_of(failure));
    self.out.line(json_line("corun.error", std::move(data)));
}

}  // namespace corun::cli
