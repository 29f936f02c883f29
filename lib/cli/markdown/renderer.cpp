#include "renderer.hpp"

#include "characters.hpp"

#include <algorithm>
#include <cctype>
#include <cstddef>
#include <cstdlib>
#include <utility>

namespace corun::cli::markdown {
namespace {

/// The most source that is parsed at once, even if it has no structure.
constexpr std::size_t longest_piece = std::size_t{8} << 10;
/// The most source of a paragraph that is parsed again and again, if all that was shown of it is final.
constexpr std::size_t longest_shown = 256;

/// The number of an item that begins an ordered list; 0 for others.
int number_of(const block& item) {
    return std::atoi(item.first_prefix.c_str());
}

}  // namespace

renderer::renderer(layout_options options, std::function<void(std::string_view)> sink)
    : layout_(std::move(options), std::move(sink)) {}

void renderer::write(std::string_view text) {
    // Nothing is shown before a word is complete, and of a code block, a line. Wide characters are words.
    const auto completes = [this](char c) {
        return c == '\n' || (!source_.in_code() && (is_space(c) || (static_cast<unsigned char>(c) & 0xc0U) == 0x80));
    };
    // In steps that depend on the text alone: it looks the same in whatever parts it arrives.
    while (!text.empty()) {
        const auto last = std::find_if(text.begin(), text.end(), completes);
        const bool is_complete = last != text.end();
        const std::size_t size = static_cast<std::size_t>(last - text.begin()) + is_complete;
        source_.append(text.substr(0, size));
        text.remove_prefix(size);
        if (is_complete) advance(false);
    }
}

void renderer::end() {
    advance(true);
    source_.separate();
    was_item_ = false;
    next_number_ = 0;
}

void renderer::advance(bool is_end) {
    for (std::size_t piece = source_.next_piece(is_end); piece != splitter::npos; piece = source_.next_piece(is_end)) {
        show(std::string_view(source_.source()).substr(0, piece), true);
        source_.drop(piece);
        finish_piece();
    }
    const bool is_whole = is_end || (!source_.in_code() && source_.source().size() > longest_piece);
    show(source_.known(is_whole), is_whole);
    if (is_whole) {
        source_.drop(source_.source().size());
        finish_piece();
    }
    layout_.flush();
}

void renderer::finish_piece() {
    block_ = 0;
    shown_ = 0;
    has_begun_ = false;
}

void renderer::show(std::string_view source, bool is_whole) {
    const bool has_styles = layout_.options().styles;
    const parse_options options{layout_.options().unicode, !has_styles, was_item_ ? next_number_ : 0};
    std::vector<block> blocks = parse(source, options);
    for (; block_ < blocks.size(); ++block_, shown_ = 0, has_begun_ = false) {
        const bool is_last = block_ + 1 == blocks.size();
        block& value = blocks[block_];
        show_block(value, is_whole || !is_last, is_space(source.back()));
        if (is_last && !is_whole) break;
    }
    if (blocks.empty()) return;
    if (is_whole) {
        was_item_ = source_.is_item();
        next_number_ = was_item_ && number_of(blocks[0]) > 0 ? number_of(blocks[0]) + 1 : 0;
        return;
    }
    const block& last = blocks.back();
    const std::size_t size = last.text().size();
    if (source_.in_code()) {
        if (shown_ > 4096 && source_.drop_code(shown_)) shown_ = 0;
    } else if (last.open_mark) {
        // It will not become a mark any more, and the rest need not wait for it.
        if (size - std::min(size, last.stable) > longest_span) source_.escape(*last.open_mark);
    } else if (blocks.size() == 1 && source.size() > longest_shown) {
        drop_shown(last);
    }
}

void renderer::drop_shown(const block& paragraph) {
    const std::string_view source = source_.source();
    const std::string text = paragraph.text();
    if (paragraph.type != block::kind::text || !paragraph.rest_prefix.empty() || paragraph.stable < text.size()) return;
    // One word that was shown stays in front, so that nothing after it looks like the beginning of a block.
    const std::size_t rest = source.size() - std::min(text.size() - shown_, source.size());
    const std::size_t word_end = source.find_last_not_of(" \n", rest - 1);
    if (rest == 0 || word_end == source.npos) return;
    const std::size_t before = source.find_last_of(" \n", word_end);
    const std::size_t word = before == source.npos ? 0 : before + 1;
    const auto is_letter = [](unsigned char c) { return std::isalpha(c) != 0; };
    if (!std::all_of(source.begin() + static_cast<std::ptrdiff_t>(word),
                     source.begin() + static_cast<std::ptrdiff_t>(word_end) + 1, is_letter))
        return;
    // The text does not end with spaces and line feeds.
    const std::string_view kept = source.substr(word, source.find_last_not_of(" \n") + 1 - word);
    if (!std::string_view(text).ends_with(kept)) return;
    const std::size_t dropped = text.size() - kept.size();
    if (source_.drop_text(word)) shown_ -= dropped;
}

void renderer::begin(const block& value) {
    if (std::exchange(has_begun_, true)) return;
    const bool is_first = block_ == 0;
    const bool joins_list = value.is_item && (!is_first || !source_.follows_blank());
    layout_.begin(value, is_first ? !joins_list : value.is_second);
}

void renderer::show_block(const block& value, bool is_whole, bool ends_word) {
    if (value.type == block::kind::table || value.type == block::kind::rule) {
        if (!is_whole) return;
        begin(value);
        layout_.write_whole(value);
        layout_.end();
        return;
    }
    const std::size_t size = value.text().size();
    const std::size_t end = is_whole ? size : value.stable;
    if (!is_whole && end <= shown_) return;
    begin(value);
    shown_ = std::max(shown_, layout_.write(value, shown_, end, is_whole || (ends_word && end == size)));
    if (is_whole) layout_.end();
}

}  // namespace corun::cli::markdown
