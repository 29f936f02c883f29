#pragma once

#include <string>
#include <string_view>

namespace corun::cli {

struct output_settings;

/// The style of a notice.
enum class tone { plain, dim, warning, failure };

/// Standard output, for results, and standard error, for notices. Escape codes go to a terminal only, and none where
/// NO_COLOR is set (`--color` decides otherwise). What goes to a terminal has no control characters of others.
///
/// *Errors:* If standard output cannot be written, `text` throws.
class output {
public:
    explicit output(const output_settings& options);

    /// True if standard output is a terminal.
    [[nodiscard]] bool is_terminal() const noexcept { return is_terminal_; }
    /// True if standard output shows colours.
    [[nodiscard]] bool has_colour() const noexcept { return has_colour_; }

    /// True if the terminal can erase a line.
    [[nodiscard]] bool can_erase() const noexcept { return can_erase_; }
    /// The width of the terminal, now.
    [[nodiscard]] int columns() const;

    /// Shows what the program waits for, dimmed, until something else is written. Only where it can be erased, and not
    /// behind text.
    void status(std::string_view value);
    /// Writes to standard output at once.
    void text(std::string_view value);
    /// Writes to standard output what is not text.
    void bytes(std::string_view value);
    /// Writes a line to standard output.
    void line(std::string_view value) { text(std::string(value) + "\n"); }
    /// Writes a line to standard error, unless `--quiet`. A line of text that is not complete is ended before, if both
    /// go to a terminal.
    void notice(std::string_view value, tone style = tone::dim);
    /// True if standard error shows the progress of something.
    [[nodiscard]] bool shows_progress() const noexcept { return error_is_terminal_ && !is_quiet_; }
    /// Replaces the last line of progress on standard error.
    void progress(std::string_view value, bool is_complete);
    /// Writes a failure to standard error: `corun: ...`.
    void failure(std::string_view value);
    /// Ends the last line of standard output, if it is not complete.
    void end_line();

private:
    void write_error(std::string_view value, tone style);
    void erase_status();

    bool is_terminal_, error_is_terminal_, has_colour_, error_has_colour_, is_quiet_, can_erase_;
    bool in_line_ = false, has_status_ = false;
};

}  // namespace corun::cli
