#pragma once

#include "program.hpp"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include <exception>
#include <string>

namespace corun::cli {

/// Prints the usage, the commands or the options of one, and what all commands share.
class help_formatter : public CLI::Formatter {
public:
    help_formatter() { column_width(34); }
    std::string make_help(const CLI::App* app, std::string name, CLI::AppFormatMode mode) const override;
    std::string make_option_opts(const CLI::Option* option) const override;
};

/// Prints a failure: a line on standard error, and with `--json` one of JSON on standard output.
void report_failure(program& self, const std::exception& failure);

}  // namespace corun::cli
