#include "layout.hpp"

#include "characters.hpp"

#include <algorithm>
#include <utility>

namespace corun::cli::markdown {
namespace {

std::string codes_of(const style& look) {
    std::string codes;
    const std::pair<bool, const char*> all[] = {{look.heading, ";1;35"}, {look.bold, ";1"},   {look.italic, ";3"},
                                                {look.underlined, ";4"}, {look.struck, ";9"}, {look.code, ";36"}};
    for (const auto& [is_set, code] : all) codes += is_set ? code : "";
    return "\x1b[0" + codes + "m";
}

/// The end of the word at `from`: the next space, or a wide character, around which any line can break. An emoji of
/// several characters is one.
std::size_t end_of_word(std::string_view text, std::size_t from) {
    std::size_t at = from;
    bool is_wide = false, is_joined = false;
    while (at < text.size() && !is_space(text[at])) {
        const character next = first_character(text.substr(at));
        const bool is_skin_tone = next.code >= U'\U0001f3fb' && next.code <= U'\U0001f3ff';
        const bool continues = at > from && (next.columns == 0 || is_joined || is_skin_tone);
        if (!continues && at > from && (is_wide || next.columns == 2)) break;
        if (!continues) is_wide = next.columns == 2;
        is_joined = next.code == U'\u200d';
        at += next.bytes;
    }
    return at;
}

/// Calls `use(text, look)` for the parts of the spans between two positions.
template <class Use>
void for_each_part(const std::vector<span>& spans, std::size_t from, std::size_t to, Use use) {
    std::size_t begin = 0;
    for (const span& each : spans) {
        const std::size_t end = begin + each.text.size();
        if (end > from && begin < to) {
            const std::size_t first = std::max(from, begin) - begin;
            use(std::string_view(each.text).substr(first, std::min(to, end) - begin - first), each.look);
        }
        begin = end;
    }
}

std::string text_of(const block::cell& cell) {
    std::string text;
    for (const span& each : cell) text += each.text;
    return text;
}

std::string repeated(std::string_view text, int count) {
    std::string all;
    for (int each = 0; each < count; ++each) all += text;
    return all;
}

}  // namespace

layout::layout(layout_options options, std::function<void(std::string_view)> sink)
    : options_(std::move(options)), sink_(std::move(sink)) {}

void layout::set_style(const style& look) {
    if (look == style_) return;
    style_ = look;
    if (options_.styles) pending_ += look == style() ? "\x1b[0m" : codes_of(look);
}

void layout::put(std::string_view text, const style& look) {
    if (text.empty()) return;
    pending_ += std::exchange(next_prefix_, "");
    set_style(look);
    pending_ += text;
    column_ += markdown::columns_of(text);
}

void layout::break_line() {
    set_style({});
    put_empty_prefix();
    pending_ += '\n';
    next_prefix_ = prefix_;
    column_ = prefix_columns_;
    has_space_ = false;
}

/// Ends a line without text. No line ends in spaces, so that a copy of it has none.
void layout::put_empty_prefix() {
    next_prefix_.erase(next_prefix_.find_last_not_of(' ') + 1);
    pending_ += std::exchange(next_prefix_, "");
}

void layout::begin(const block& value, bool apart) {
    if (apart && !is_first_) pending_ += '\n';
    is_first_ = false;
    prefix_ = value.rest_prefix;
    prefix_columns_ = markdown::columns_of(prefix_);
    next_prefix_ = value.first_prefix;
    column_ = prefix_columns_;
    is_first_line_ = true;
    has_space_ = false;
}

void layout::end() {
    set_style({});
    put_empty_prefix();
    pending_ += '\n';
    column_ = 0;
}

void layout::flush() {
    set_style({});
    if (!pending_.empty()) sink_(std::exchange(pending_, ""));
}

std::size_t layout::write(const block& value, std::size_t from, std::size_t to, bool is_end) {
    const std::string whole = value.text();
    const std::string_view text = std::string_view(whole).substr(0, to);
    const auto show = [this](std::string_view part, const style& look) { put(part, look); };
    std::size_t at = from;
    if (value.type == block::kind::code) {
        // Lines of code are never broken here: a copy of them is the code.
        for (auto line = text.find('\n', at); at < text.size(); line = text.find('\n', at)) {
            const std::size_t line_end = std::min(line, text.size());
            if (!std::exchange(is_first_line_, false)) break_line();
            for_each_part(value.spans, at, line_end, show);
            at = std::min(line_end + 1, text.size());
        }
        return at;
    }
    while (at < text.size()) {
        if (is_space(text[at])) {
            if (text[at] == '\n')
                break_line();
            else
                has_space_ = column_ > prefix_columns_;
            ++at;
            continue;
        }
        const std::size_t word_end = end_of_word(text, at);
        if (word_end == text.size() && !is_end) break;
        const int width = markdown::columns_of(text.substr(at, word_end - at));
        if (column_ > prefix_columns_ && column_ + has_space_ + width > options_.columns()) break_line();
        if (std::exchange(has_space_, false)) put(" ", style());
        for_each_part(value.spans, at, word_end, show);
        at = word_end;
    }
    return at;
}

void layout::write_whole(const block& value) {
    if (value.type == block::kind::rule) {
        const int width = std::min(options_.columns() - prefix_columns_, 40);
        put(repeated(options_.unicode ? "─" : "-", std::max(width, 3)), {});
        return;
    }
    std::vector<int> widths;
    for (const auto& row : value.rows)
        for (std::size_t at = 0; at < row.size(); ++at) {
            if (at == widths.size()) widths.push_back(0);
            widths[at] = std::max(widths[at], markdown::columns_of(text_of(row[at])));
        }
    int total = prefix_columns_ - 2;
    for (const int width : widths) total += width + 2;
    if (total <= options_.columns())
        write_table(value, widths);
    else
        write_records(value);
}

void layout::write_cell(const block::cell& value) {
    for (const span& each : value) put(each.text, each.look);
}

void layout::write_table(const block& value, const std::vector<int>& widths) {
    for (std::size_t row = 0; row < value.rows.size(); ++row) {
        if (row > 0) break_line();
        const std::vector<block::cell>& cells = value.rows[row];
        for (std::size_t at = 0; at < cells.size(); ++at) {
            write_cell(cells[at]);
            const int gap = widths[at] - markdown::columns_of(text_of(cells[at])) + 2;
            if (at + 1 < cells.size()) put(std::string(static_cast<std::size_t>(gap), ' '), {});
        }
        if (row > 0) continue;
        break_line();
        for (std::size_t at = 0; at < widths.size(); ++at)
            put(repeated(options_.unicode ? "─" : "-", widths[at]) + (at + 1 < widths.size() ? "  " : ""), {});
    }
}

/// For a width that the table does not have: each row as lines `head: cell`.
void layout::write_records(const block& value) {
    for (std::size_t row = 1; row < value.rows.size(); ++row) {
        if (row > 1) break_line();
        for (std::size_t at = 0; at < value.rows[row].size(); ++at) {
            if (row > 1 || at > 0) break_line();
            block line;
            line.spans = at < value.rows[0].size() ? value.rows[0][at] : block::cell();
            line.spans.push_back({": ", {}});
            const block::cell& cell = value.rows[row][at];
            line.spans.insert(line.spans.end(), cell.begin(), cell.end());
            write(line, 0, line.text().size(), true);
        }
    }
}

}  // namespace corun::cli::markdown
