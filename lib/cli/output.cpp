#include "output.hpp"

#include "printable.hpp"
#include "settings.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdlib>
#include <iostream>

namespace corun::cli {
namespace {

bool is_dumb_terminal() {
    const char* const terminal = std::getenv("TERM");
    return terminal == nullptr || *terminal == '\0' || std::string_view(terminal) == "dumb";
}

bool shows_colour(bool is_terminal, const std::string& when) {
    if (when != "auto") return when == "always";
    const char* const no_colour = std::getenv("NO_COLOR");
    return is_terminal && !is_dumb_terminal() && (no_colour == nullptr || *no_colour == '\0');
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
      is_quiet_(options.quiet),
      can_erase_(is_terminal_ && !is_dumb_terminal()) {
    std::cout.exceptions(std::ios::badbit | std::ios::failbit);
}

void output::text(std::string_view value) {
    if (value.empty()) return;
    erase_status();
    std::cout.write(value.data(), static_cast<std::streamsize>(value.size())).flush();
    in_line_ = value.back() != '\n';
}

int output::columns() const {
    winsize size{};
    return ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

void output::status(std::string_view value) {
    if (!can_erase_ || in_line_ || is_quiet_) return;
    erase_status();
    std::cout << (has_colour_ ? "\x1b[2m" : "") << value << (has_colour_ ? "\x1b[0m" : "") << std::flush;
    has_status_ = true;
}

void output::erase_status() {
    if (has_status_) std::cout << "\r\x1b[K" << std::flush;
    has_status_ = false;
}

void output::bytes(std::string_view value) {
    std::cout.write(value.data(), static_cast<std::streamsize>(value.size())).flush();
}

void output::progress(std::string_view value, bool is_complete) {
    std::cerr << '\r' << printable(value) << (is_complete ? "\n" : "") << std::flush;
}

void output::end_line() {
    erase_status();
    if (in_line_) text("\n");
}

void output::notice(std::string_view value, tone style) {
    if (!is_quiet_) write_error(value, style);
}

void output::failure(std::string_view value) {
    write_error("corun: " + std::string(value), tone::failure);
}

void output::write_error(std::string_view value, tone style) {
    erase_status();
    if (is_terminal_ && error_is_terminal_) end_line();
    const std::string text = error_is_terminal_ ? printable(value) : std::string(value);
    const std::string_view code = error_has_colour_ ? code_of(style) : std::string_view();
    std::cerr << code << text << (code.empty() ? "" : "\x1b[0m") << '\n';
}

}  // namespace corun::cli
