#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// Markdown for a terminal. Nothing here reads or writes: source in, blocks or bytes out.
namespace corun::cli::markdown {

/// How a piece of text looks.
struct style {
    bool heading = false, bold = false, italic = false, underlined = false, struck = false, code = false;
    friend bool operator==(const style&, const style&) = default;
};

struct span {
    std::string text;
    style look;
};

/// A block: a paragraph, a heading, a code block, a table or a rule. Lists and quotes are prefixes of their blocks.
struct block {
    enum class kind { text, code, table, rule };
    using cell = std::vector<span>;

    kind type = kind::text;
    std::string first_prefix, rest_prefix;  ///< In front of the first line, and of all others.
    std::vector<span> spans;                ///< A line feed is a line break.
    std::vector<std::vector<cell>> rows;    ///< Of a table; the first one is its head.
    bool is_item = false;                   ///< The first block of an item of a list.
    bool is_second = false;                 ///< A paragraph of an item or a quote that is not its first.
    /// How many bytes of the text later source cannot change, while the block is the last one.
    std::size_t stable = 0;
    /// The position in the source of the mark, such as `**`, that makes the rest unstable.
    std::optional<std::size_t> open_mark;

    [[nodiscard]] std::string text() const;
};

struct parse_options {
    bool unicode = true;  ///< Bullets other than `-`.
    bool marks = false;   ///< Without styles: `#` of headings and backticks stay.
    int next_number = 0;  ///< If not 0, the number of the first item of an ordered list.
};

/// The blocks of a source that is whole, or that more may follow.
[[nodiscard]] std::vector<block> parse(std::string_view source, const parse_options& options);

/// The position of the first mark in a text that a later one could close, or its size. In `marks`, all characters that
/// cannot be marks are replaced by others.
[[nodiscard]] std::size_t first_open_mark(std::string_view marks);

}  // namespace corun::cli::markdown
