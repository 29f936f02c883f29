#pragma once

#include <memory>
#include <optional>
#include <string>

namespace corun::cli {

/// Reads what a user writes at a prompt. It blocks: nothing else runs meanwhile.
class line_reader {
public:
    line_reader() = default;
    line_reader(const line_reader&) = delete;
    line_reader& operator=(const line_reader&) = delete;
    virtual ~line_reader() = default;

    enum class outcome { line, interrupted, ended };
    struct result {
        outcome how = outcome::ended;
        std::string text;
    };

    /// The next line, without its end. `interrupted`: Ctrl-C. `ended`: Ctrl-D, or the end of a file.
    [[nodiscard]] virtual result read(const std::string& prompt) = 0;
    /// Keeps a message for the keys that recall it.
    virtual void remember(const std::string& text) = 0;
    /// True if more input is there already, as after a paste of several lines.
    [[nodiscard]] virtual bool has_more() const = 0;
};

/// A line editor with a history in `history_file`, at a terminal that can edit; otherwise one that only reads.
[[nodiscard]] std::unique_ptr<line_reader> make_line_reader(const std::string& history_file);

/// A message of one or more lines. A line that ends in a backslash goes on in the next one; so does a paste; and lines
/// between two `"""` are one message.
[[nodiscard]] line_reader::result read_message(line_reader& reader);

}  // namespace corun::cli
