#pragma once

#include "layout.hpp"
#include "splitter.hpp"

#include <functional>
#include <string_view>
#include <vector>

namespace corun::cli::markdown {

/// Renders Markdown as it arrives. Text appears as soon as nothing that follows can change how it looks: words of a
/// paragraph at once, a span such as `**this**` when it is complete, code by lines, tables as a whole. The output is
/// only ever appended to, whatever arrives, and however the width changes.
class renderer {
public:
    renderer(layout_options options, std::function<void(std::string_view)> sink);

    void write(std::string_view text);
    /// Shows the rest, and begins anew.
    void end();

    /// Marks that are not closed within this many bytes are shown as they are.
    static constexpr std::size_t longest_span = 400;

private:
    void advance(bool is_end);
    /// Shows what is final of the first piece, of which `source` is known.
    void show(std::string_view source, bool is_whole);
    /// `ends_word`: the last word is whole, if all of the text is final.
    void show_block(const block& value, bool is_whole, bool ends_word);
    /// Forgets the source of a paragraph that was shown.
    void drop_shown(const block& paragraph);
    void begin(const block& value);
    void finish_piece();

    splitter source_;
    layout layout_;
    std::size_t block_ = 0, shown_ = 0;  ///< The block of the piece that is being shown, and how much of it is.
    bool has_begun_ = false, was_item_ = false;
    int next_number_ = 0;
};

}  // namespace corun::cli::markdown
