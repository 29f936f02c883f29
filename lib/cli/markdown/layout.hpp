#pragma once

#include "blocks.hpp"

#include <functional>
#include <string>
#include <string_view>

namespace corun::cli::markdown {

/// What the output can show.
struct layout_options {
    bool styles = false;  ///< Escape codes for styles. Nothing else is ever written that is not text.
    bool unicode = true;  ///< Bullets and lines that are not ASCII.
    std::function<int()> columns = [] { return 80; };  ///< The width, asked for each line, so that it can change.
};

/// Writes blocks as lines. It only appends: no byte that it has written is ever replaced.
class layout {
public:
    layout(layout_options options, std::function<void(std::string_view)> sink);

    /// Begins a block, after an empty line if `apart`.
    void begin(const block& value, bool apart);
    /// Writes bytes `from` to `to` of the block's text. Words are written whole: returns how far it came. `is_end`: the
    /// text ends at `to`.
    std::size_t write(const block& value, std::size_t from, std::size_t to, bool is_end);
    /// Writes a whole table or a rule.
    void write_whole(const block& value);
    /// Ends the block's last line.
    void end();
    /// Passes on what was written.
    void flush();

    [[nodiscard]] const layout_options& options() const noexcept { return options_; }

private:
    void put(std::string_view text, const style& look);
    void put_empty_prefix();
    void set_style(const style& look);
    void break_line();
    void write_table(const block& value, const std::vector<int>& widths);
    void write_records(const block& value);
    void write_cell(const block::cell& value);

    layout_options options_;
    std::function<void(std::string_view)> sink_;
    std::string pending_;
    std::string prefix_, next_prefix_;  ///< Of the block's lines; of the current line, until it has text.
    style style_;
    int column_ = 0, prefix_columns_ = 0;
    bool is_first_ = true, is_first_line_ = true, has_space_ = false;
};

}  // namespace corun::cli::markdown
