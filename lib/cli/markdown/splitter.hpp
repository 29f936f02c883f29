#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace corun::cli::markdown {

/// Cuts a source that grows into pieces that are independent of each other: paragraphs, headings, code blocks, tables,
/// quotes, and items of lists with all that is in them.
class splitter {
public:
    void append(std::string_view text) { source_ += text; }

    /// Where the next piece begins, or `npos` if that is not known yet. `is_end`: nothing will follow.
    [[nodiscard]] std::size_t next_piece(bool is_end);
    /// What follows is apart from what was there before, as after an empty line.
    void separate() noexcept { blank_ = true; }
    /// Drops the first piece.
    void drop(std::size_t size);
    /// Drops lines of a code block, which then goes on after its first line. Returns false if they are not the lines of
    /// the source.
    bool drop_code(std::size_t size);
    /// Drops text of a paragraph, which then goes on in the middle of its last line. Returns false if that cannot be.
    bool drop_text(std::size_t size);
    /// Makes the mark at this position a character like any other.
    void escape(std::size_t at);

    /// The source of the piece, without the end that could still become anything: a mark, or a line whose kind is not
    /// known.
    [[nodiscard]] std::string_view known(bool is_end) const;
    [[nodiscard]] const std::string& source() const noexcept { return source_; }
    /// True in a code block that is not part of a list or a quote. Such a piece only grows by whole lines.
    [[nodiscard]] bool in_code() const noexcept { return in_code_; }
    /// True if the piece is an item of a list.
    [[nodiscard]] bool is_item() const noexcept { return kind_ == kind::item; }
    /// True if there is an empty line before the piece.
    [[nodiscard]] bool follows_blank() const noexcept { return follows_blank_; }

    static constexpr std::size_t npos = std::string::npos;

private:
    enum class kind { none, item, quote, other };

    /// Looks at the line that begins at `at`. Returns true if a piece begins there.
    bool begins_piece(std::string_view line);
    /// True for a line that would make a heading or a table of the text above it.
    [[nodiscard]] bool underlines(std::string_view line) const;
    /// Markdown is content with one dash below the head of a column, md4c needs three. Returns true if it has added
    /// some.
    bool lengthens_rule(std::string_view line);
    void continue_code(std::string_view line);

    std::string source_;
    std::size_t scanned_ = 0;  ///< How much of it belongs to the piece.
    std::size_t content_ = 0;  ///< The first line of the piece that is not empty.
    kind kind_ = kind::none;
    bool in_code_ = false, blank_ = false, follows_blank_ = false, may_be_table_ = false;
    std::string fence_;
};

}  // namespace corun::cli::markdown
