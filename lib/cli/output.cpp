#include "output.hpp"

#include "printable.hpp"
#include "settings.hpp"

#include <unistd.h>

#include <cstdlib>
#include <iostream>

namespace corun::cli {
namespace {

bool shows_colour(bool is_terminal, const std::string& when) {
    if (when != "auto") return when == "always";
    const char* const no_colour = std::getenv("NO_COLOR");
    const char* const terminal = std::getenv("TERM");
    const bool is_dumb = terminal == nullptr || *terminal == '\0' || std::string_view(terminal) == "dumb";
    return is_terminal && !is_dumb && (no_colour == nullptr || *no_colour == '\0');
}

std::string_view code_of(tone style) {
    switch (style) {
        case tone::plain:
            break;
        case tone::dim:
            return "\x1b[2m";
        case tone::warning:
            return "\x1b[33m";
        case tone::failure:
            return "\x1b[31m";
    }
    return "";
}

}  // namespace

output::output(const output_settings& options)
    : is_terminal_(::isatty(STDOUT_FILENO) == 1),
      error_is_terminal_(::isatty(STDERR_FILENO) == 1),
      has_colour_(shows_colour(is_terminal_, options.colour)),
      error_has_colour_(shows_colour(error_is_terminal_, options.colour)),
      is_quiet_(options.quiet) {
    std::cout.exceptions(std::ios::badbit | std::ios::failbit);
}

void output::text(std::string_view value) {
    if (value.empty()) return;
    std::cout.write(value.data(), static_cast<std::streamsize>(value.size())).flush();
    in_line_ = value.back() != '\n';
}

void output::bytes(std::string_view value) {
    std::cout.write(value.data(), static_cast<std::streamsize>(value.size())).flush();
}

void output::progress(std::string_view value, bool is_complete) {
    std::cerr << '\r' << printable(value) << (is_complete ? "\n" : "") << std::flush;
}

void output::end_line() {
    if (in_line_) text("\n");
}

void output::notice(std::string_view value, tone style) {
    if (!is_quiet_) write_error(value, style);
}

void output::failure(std::string_view value) {
    write_error("corun: " + std::string(value), tone::failure);
}

void output::write_error(std::string_view value, tone style) {
    if (is_terminal_ && error_is_terminal_) end_line();
    const std::string text = error_is_terminal_ ? printable(value) : std::string(value);
    const std::string_view code = error_has_colour_ ? code_of(style) : std::string_view();
    std::cerr << code << text << (code.empty() ? "" : "\x1b[0m") << '\n';
}

}  // namespace corun::cli
