#include "blocks.hpp"

#include "characters.hpp"
#include "cli/printable.hpp"

#include <md4c.h>

#include <algorithm>
#include <cstdlib>
#include <utility>

namespace corun::cli::markdown {
namespace {

bool is_word(char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (static_cast<unsigned char>(c) & 0x80) != 0;
}

/// True if the bracket at `at` is a link that is not complete, or may become one.
bool may_be_link(std::string_view marks, std::size_t at) {
    // A link's text can contain brackets.
    int depth = 0;
    auto closing = at;
    for (; closing < marks.size(); ++closing) {
        depth += marks[closing] == '[' ? 1 : marks[closing] == ']' ? -1 : 0;
        if (depth == 0) break;
    }
    if (closing + 1 >= marks.size()) return true;
    if (marks[closing + 1] != '(') return false;
    return marks.find(')', closing) == marks.npos;
}

bool may_open(std::string_view marks, std::size_t at) {
    const bool is_last = at + 1 == marks.size();
    const bool in_last_word = std::none_of(marks.begin() + static_cast<std::ptrdiff_t>(at), marks.end(), is_space);
    switch (marks[at]) {
        case '`':
            return true;
        case '*':
        case '~':
            return is_last || !is_space(marks[at + 1]);
        case '_':
            return (is_last || !is_space(marks[at + 1])) && (at == 0 || !is_word(marks[at - 1]));
        case '[':
            return may_be_link(marks, at);
        case '!':
        case '&':
        case '<':
        case '\\':
            return in_last_word;
        default:
            return false;
    }
}

/// An entity as UTF-8. Of the named ones, those that models write.
std::string entity_text(std::string_view entity) {
    static constexpr std::pair<std::string_view, std::string_view> names[] = {
        {"&amp;", "&"},  {"&lt;", "<"},    {"&gt;", ">"},    {"&quot;", "\""},  {"&apos;", "'"},
        {"&nbsp;", " "}, {"&ndash;", "–"}, {"&mdash;", "—"}, {"&hellip;", "…"}, {"&euro;", "€"},
        {"&copy;", "©"}, {"&times;", "×"}, {"&deg;", "°"},   {"&rarr;", "→"},
    };
    for (const auto& [name, text] : names)
        if (name == entity) return std::string(text);
    if (!entity.starts_with("&#")) return std::string(entity);
    const bool is_hex = entity.size() > 2 && (entity[2] == 'x' || entity[2] == 'X');
    const unsigned long code =
        std::strtoul(std::string(entity.substr(is_hex ? 3 : 2)).c_str(), nullptr, is_hex ? 16 : 10);
    static constexpr const char* replacement = "\xef\xbf\xbd";
    if (code < 0x20 || code == 0x7f || (code >= 0xd800 && code < 0xe000) || code > 0x10ffff) return replacement;
    std::string text;
    if (code < 0x80) return {static_cast<char>(code)};
    const int more = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
    static constexpr unsigned leads[] = {0, 0xc0, 0xe0, 0xf0};
    text += static_cast<char>(leads[more] | code >> (6 * more));
    for (int each = more - 1; each >= 0; --each) text += static_cast<char>(0x80 | (code >> (6 * each) & 0x3f));
    return printable(text).empty() ? replacement : text;
}

std::string text_of(const MD_ATTRIBUTE& attribute) {
    return std::string(attribute.text == nullptr ? "" : attribute.text, attribute.size);
}

/// Builds blocks from the callbacks of md4c.
class builder {
public:
    builder(std::string_view source, const parse_options& options) : source_(source), options_(options) {}

    std::vector<block> run() {
        MD_PARSER parser{};
        parser.flags = MD_FLAG_NOHTML | MD_FLAG_NOINDENTEDCODEBLOCKS | MD_FLAG_TABLES | MD_FLAG_STRIKETHROUGH |
                       MD_FLAG_TASKLISTS | MD_FLAG_PERMISSIVEURLAUTOLINKS;
        parser.enter_block = [](MD_BLOCKTYPE type, void* detail, void* self) {
            static_cast<builder*>(self)->enter_block(type, detail);
            return 0;
        };
        parser.leave_block = [](MD_BLOCKTYPE type, void*, void* self) {
            static_cast<builder*>(self)->leave_block(type);
            return 0;
        };
        parser.enter_span = [](MD_SPANTYPE type, void* detail, void* self) {
            static_cast<builder*>(self)->enter_span(type, detail);
            return 0;
        };
        parser.leave_span = [](MD_SPANTYPE type, void*, void* self) {
            static_cast<builder*>(self)->leave_span(type);
            return 0;
        };
        parser.text = [](MD_TEXTTYPE type, const MD_CHAR* text, MD_SIZE size, void* self) {
            static_cast<builder*>(self)->add_text(type, std::string_view(text, size));
            return 0;
        };
        md_parse(source_.data(), static_cast<MD_SIZE>(source_.size()), &parser, this);
        return std::move(blocks_);
    }

private:
    /// A list, an item or a quote around the block.
    struct container {
        std::string prefix;
        int number = 0;  ///< Of the next item of an ordered list.
        bool has_content = false;
    };

    void enter_block(MD_BLOCKTYPE type, void* detail);
    void leave_block(MD_BLOCKTYPE type);
    void enter_item(const MD_BLOCK_LI_DETAIL& detail);
    void enter_span(MD_SPANTYPE type, void* detail);
    void leave_span(MD_SPANTYPE type);
    void add_text(MD_TEXTTYPE type, std::string_view text);

    void begin(block::kind type) {
        block next;
        next.type = type;
        for (const container& each : containers_) next.rest_prefix += each.prefix;
        next.first_prefix = next.rest_prefix;
        if (!marker_.empty()) next.first_prefix.replace(next.rest_prefix.size() - marker_size_, marker_size_, marker_);
        next.is_item = !std::exchange(marker_, "").empty();
        next.is_second = !next.is_item && type == block::kind::text && !containers_.empty() &&
                         std::exchange(containers_.back().has_content, true);
        if (!containers_.empty()) containers_.back().has_content = true;
        blocks_.push_back(std::move(next));
        is_open_ = true;
        marks_.clear();
        chunks_.clear();
        outer_spans_.clear();
        lines_ = 1;
    }

    /// Ends the text of the last block, and finds out how much of it is final.
    void end() {
        if (!std::exchange(is_open_, false)) return;
        block& last = blocks_.back();
        const std::string text = last.text();
        last.stable = text.size();
        // md4c ends the last line, whether the source does or not.
        if (last.type == block::kind::code && !source_.ends_with('\n') && text.size() > 1)
            last.stable = text.rfind('\n', text.size() - 2) + 1;
        if (last.type != block::kind::text) return;
        std::size_t open = first_open_mark(marks_);
        // The first line of a table looks like a paragraph.
        if (lines_ == 1 && text.size() < 400 && text.find('|') != std::string::npos) last.stable = 0;
        if (open == text.size()) return;
        const auto chunk =
            std::find_if(chunks_.rbegin(), chunks_.rend(), [open](const auto& c) { return c.first <= open; });
        if (chunk != chunks_.rend()) last.open_mark = chunk->second + (open - chunk->first);
        for (const auto& [from, to] : outer_spans_)
            if (from <= open && open < to) open = from;
        last.stable = std::min(last.stable, open);
    }

    std::vector<span>& target() {
        block& last = blocks_.back();
        return last.type == block::kind::table ? last.rows.back().back() : last.spans;
    }

    void append(std::string_view text, std::string_view marks) {
        if (text.empty()) return;
        std::vector<span>& spans = target();
        if (spans.empty() || spans.back().look != look_) spans.push_back({"", look_});
        spans.back().text += text;
        marks_ += marks;
    }
    void append_neutral(std::string_view text) { append(text, std::string(text.size(), 'x')); }

    std::string_view source_;
    const parse_options& options_;
    std::vector<block> blocks_;
    std::vector<container> containers_;
    std::string marker_;  ///< Of the item whose first block has not begun.
    std::size_t marker_size_ = 0;
    bool is_open_ = false;
    style look_;
    std::vector<std::string> links_;
    int depth_ = 0, lines_ = 1;
    std::string marks_;                                             ///< The text, without what cannot be a mark.
    std::vector<std::pair<std::size_t, std::size_t>> chunks_;       ///< Positions in the text and in the source.
    std::vector<std::pair<std::size_t, std::size_t>> outer_spans_;  ///< From, to.
};

void builder::enter_item(const MD_BLOCK_LI_DETAIL& detail) {
    container& list = containers_.back();
    if (list.number > 0)
        marker_ = std::to_string(list.number++) + ". ";
    else
        marker_ = options_.unicode ? "• " : "- ";
    marker_size_ = list.number > 0 || !options_.unicode ? marker_.size() : 2;
    if (detail.is_task != 0) {
        marker_ = detail.task_mark == ' ' ? "[ ] " : "[x] ";
        marker_size_ = 4;
    }
    container item;
    item.prefix = std::string(marker_size_, ' ');
    containers_.push_back(std::move(item));
}

void builder::enter_block(MD_BLOCKTYPE type, void* detail) {
    switch (type) {
        case MD_BLOCK_QUOTE:
            end();
            containers_.push_back({"> "});
            break;
        case MD_BLOCK_UL:
            end();
            containers_.push_back({""});
            break;
        case MD_BLOCK_OL: {
            end();
            container list;
            const auto start = static_cast<int>(static_cast<MD_BLOCK_OL_DETAIL*>(detail)->start);
            list.number = containers_.empty() && options_.next_number > 0 ? options_.next_number : std::max(start, 1);
            containers_.push_back(std::move(list));
            break;
        }
        case MD_BLOCK_LI:
            enter_item(*static_cast<MD_BLOCK_LI_DETAIL*>(detail));
            break;
        case MD_BLOCK_HR:
            begin(block::kind::rule);
            end();
            break;
        case MD_BLOCK_H:
            begin(block::kind::text);
            look_.heading = true;
            if (options_.marks) append_neutral(std::string(static_cast<MD_BLOCK_H_DETAIL*>(detail)->level, '#') + " ");
            break;
        case MD_BLOCK_CODE: {
            end();
            begin(block::kind::code);
            look_.code = true;
            break;
        }
        case MD_BLOCK_P:
            begin(block::kind::text);
            break;
        case MD_BLOCK_TABLE:
            begin(block::kind::table);
            break;
        case MD_BLOCK_TR:
            blocks_.back().rows.emplace_back();
            break;
        case MD_BLOCK_TH:
        case MD_BLOCK_TD:
            blocks_.back().rows.back().emplace_back();
            break;
        default:
            break;
    }
}

void builder::leave_block(MD_BLOCKTYPE type) {
    switch (type) {
        case MD_BLOCK_LI:
            if (!marker_.empty()) begin(block::kind::text);  // An item without content.
            [[fallthrough]];
        case MD_BLOCK_QUOTE:
        case MD_BLOCK_UL:
        case MD_BLOCK_OL:
            end();
            containers_.pop_back();
            break;
        case MD_BLOCK_H:
        case MD_BLOCK_CODE:
        case MD_BLOCK_P:
        case MD_BLOCK_TABLE:
            end();
            look_ = {};
            break;
        default:
            break;
    }
}

void builder::enter_span(MD_SPANTYPE type, void* detail) {
    if (!is_open_) begin(block::kind::text);
    if (depth_++ == 0) outer_spans_.emplace_back(marks_.size(), marks_.size());
    switch (type) {
        case MD_SPAN_EM:
            look_.italic = true;
            break;
        case MD_SPAN_STRONG:
            look_.bold = true;
            break;
        case MD_SPAN_DEL:
            look_.struck = true;
            break;
        case MD_SPAN_CODE:
            if (options_.marks) append_neutral("`");
            look_.code = true;
            break;
        case MD_SPAN_A:
            look_.underlined = true;
            links_.push_back(text_of(static_cast<MD_SPAN_A_DETAIL*>(detail)->href));
            break;
        case MD_SPAN_IMG:
            links_.push_back(text_of(static_cast<MD_SPAN_IMG_DETAIL*>(detail)->src));
            break;
        default:
            break;
    }
}

void builder::leave_span(MD_SPANTYPE type) {
    switch (type) {
        case MD_SPAN_EM:
            look_.italic = false;
            break;
        case MD_SPAN_STRONG:
            look_.bold = false;
            break;
        case MD_SPAN_DEL:
            look_.struck = false;
            break;
        case MD_SPAN_CODE:
            look_.code = false;
            if (options_.marks) append_neutral("`");
            break;
        case MD_SPAN_A:
        case MD_SPAN_IMG: {
            const std::string link = std::exchange(links_.back(), "");
            links_.pop_back();
            look_.underlined = false;
            // An address that is its own text is not shown twice.
            if (!target().empty() && !link.ends_with(target().back().text)) append_neutral(" (" + link + ")");
            break;
        }
        default:
            break;
    }
    if (--depth_ == 0) outer_spans_.back().second = marks_.size();
}

void builder::add_text(MD_TEXTTYPE type, std::string_view text) {
    if (!is_open_) begin(block::kind::text);
    switch (type) {
        case MD_TEXT_BR:
            append("\n", "\n");
            break;
        case MD_TEXT_SOFTBR:
            append(" ", "\n");
            ++lines_;
            break;
        case MD_TEXT_ENTITY:
            append_neutral(entity_text(text));
            break;
        case MD_TEXT_NULLCHAR:
            append_neutral("\xef\xbf\xbd");
            break;
        case MD_TEXT_NORMAL: {
            const auto at = static_cast<std::size_t>(text.data() - source_.data());
            chunks_.emplace_back(marks_.size(), at);
            const bool is_escaped = at > 0 && source_[at - 1] == '\\';
            std::string marks(text);
            if (is_escaped && !marks.empty()) marks[0] = 'x';
            append(text, marks);
            break;
        }
        default:
            append_neutral(text);
            break;
    }
}

}  // namespace

std::string block::text() const {
    std::string all;
    for (const span& each : spans) all += each.text;
    return all;
}

std::size_t first_open_mark(std::string_view marks) {
    for (std::size_t at = 0; at < marks.size(); ++at)
        if (may_open(marks, at)) return at;
    return marks.size();
}

std::vector<block> parse(std::string_view source, const parse_options& options) {
    return builder(source, options).run();
}

}  // namespace corun::cli::markdown
