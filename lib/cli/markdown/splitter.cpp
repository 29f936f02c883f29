#include "splitter.hpp"

#include <algorithm>
#include <utility>

namespace corun::cli::markdown {
namespace {

/// The line without its indentation, and how many columns that has.
struct indented_line {
    explicit indented_line(std::string_view line) : text(line) {
        while (!text.empty() && (text[0] == ' ' || text[0] == '\t')) {
            indentation += text[0] == '\t' ? 4 : 1;
            text.remove_prefix(1);
        }
        while (!text.empty() &&
               (text.back() == ' ' || text.back() == '\t' || text.back() == '\r' || text.back() == '\n'))
            text.remove_suffix(1);
    }
    std::string_view text;
    int indentation = 0;
};

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

/// `- text`, `1. text`
bool begins_item(std::string_view text) {
    std::size_t marker = 0;
    while (marker < text.size() && marker < 9 && is_digit(text[marker])) ++marker;
    const bool is_ordered = marker > 0;
    if (marker == text.size()) return false;
    if (is_ordered ? text[marker] != '.' && text[marker] != ')' : std::string_view("-*+").find(text[0]) == text.npos)
        return false;
    return marker + 1 == text.size() || text[marker + 1] == ' ' || text[marker + 1] == '\t';
}

/// `# text`
bool is_heading(std::string_view text) {
    const auto level = std::min(text.find_first_not_of('#'), text.size());
    return level >= 1 && level <= 6 && (level == text.size() || text[level] == ' ' || text[level] == '\t');
}

/// `---`, `===`, `* * *`. The first two would make a heading of a paragraph that is already shown.
bool is_rule(std::string_view text) {
    if (text.empty() || std::string_view("-*_=").find(text[0]) == text.npos) return false;
    if (text.find_first_not_of(std::string(1, text[0]) + " \t") != text.npos) return false;
    const auto count = std::count(text.begin(), text.end(), text[0]);
    return count >= 3 || ((text[0] == '-' || text[0] == '=') && static_cast<std::size_t>(count) == text.size());
}

/// `---|---`, which would make a table of a paragraph that is already shown.
bool is_table_rule(std::string_view text) {
    return text.find_first_not_of("-:| \t") == text.npos && text.find('|') != text.npos;
}

/// The fence that the line opens, such as "```"; empty if none.
std::string fence_of(std::string_view text) {
    if (text.empty() || (text[0] != '`' && text[0] != '~')) return {};
    const auto size = std::min(text.find_first_not_of(text[0]), text.size());
    if (size < 3 || (text[0] == '`' && text.find('`', size) != text.npos)) return {};
    return std::string(text.substr(0, size));
}

/// The bytes at the end that are the beginning of a character of UTF-8.
std::size_t size_of_cut_character(std::string_view text) {
    for (std::size_t size = 1; size <= std::min<std::size_t>(3, text.size()); ++size) {
        const auto byte = static_cast<unsigned char>(text[text.size() - size]);
        if (byte < 0x80) return 0;
        if (byte < 0xc0) continue;
        const std::size_t whole = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2;
        return size < whole ? size : 0;
    }
    return 0;
}

}  // namespace

void splitter::continue_code(std::string_view line) {
    const indented_line parts(line);
    const bool closes = parts.indentation < 4 && parts.text.starts_with(fence_) &&
                        parts.text.find_first_not_of(fence_[0]) == parts.text.npos;
    if (closes) in_code_ = false;
    blank_ = closes;  // What follows the fence is another piece.
}

bool splitter::begins_piece(std::string_view line) {
    const indented_line parts(line);
    if (parts.text.empty()) {
        blank_ = true;
        return false;
    }
    const std::string fence = parts.indentation < 4 ? fence_of(parts.text) : "";
    const bool is_item = begins_item(parts.text) && !is_rule(parts.text);
    const bool is_quote = parts.text[0] == '>';
    if (kind_ != kind::none && scanned_ == content_) return false;  // It has been seen before it was complete.
    if (kind_ == kind::none) {
        content_ = scanned_;
        kind_ = is_item ? kind::item : is_quote ? kind::quote : kind::other;
        in_code_ = kind_ == kind::other && !fence.empty();
        if (in_code_) fence_ = fence;
        // A heading and a rule are a piece of their own.
        const bool is_one_line = kind_ == kind::other && (is_heading(parts.text) || is_rule(parts.text));
        follows_blank_ = std::exchange(blank_, is_one_line);
        // Otherwise its first word may have been shown.
        may_be_table_ = parts.text[0] == '|';
        return false;
    }
    if (parts.indentation >= (kind_ == kind::item ? 2 : 4)) {
        blank_ = false;
        return false;
    }
    const bool begins_block = is_item || is_heading(parts.text) || is_rule(parts.text) || !fence.empty() ||
                              (is_quote && kind_ != kind::quote) || (!may_be_table_ && is_table_rule(parts.text));
    return blank_ || begins_block;
}

bool splitter::underlines(std::string_view line) const {
    if (in_code_ || blank_ || kind_ == kind::none || scanned_ == content_) return false;
    const std::size_t first = line.find_first_not_of(" \t>");
    if (first == npos || std::string_view("=-:|").find(line[first]) == npos) return false;
    const std::size_t after = std::min(line.find_first_not_of(line[first], first), line.size());
    const bool is_underline =
        (line[first] == '=' || line[first] == '-') && line.find_first_not_of(" \t\r\n", after) == npos;
    const bool is_table =
        !may_be_table_ && is_table_rule(line.substr(first, line.find_last_not_of("\r\n") + 1 - first));
    return (is_underline || is_table) &&
           (kind_ == kind::quote || indented_line(line).indentation >= (kind_ == kind::item ? 2 : 4));
}

bool splitter::lengthens_rule(std::string_view line) {
    const bool is_second = kind_ != kind::none && scanned_ > 0 && scanned_ == source_.find('\n', content_) + 1;
    if (!is_second || in_code_ || !may_be_table_ || !is_table_rule(line.substr(0, line.find_last_not_of("\r\n") + 1)))
        return false;
    for (std::size_t at = line.find('-'), end = 0; at != npos; at = line.find('-', end)) {
        end = std::min(line.find_first_not_of('-', at), line.size());
        if (end - at >= 3) continue;
        source_.insert(scanned_ + at, 3 - (end - at), '-');
        return true;
    }
    return false;
}

std::size_t splitter::next_piece(bool is_end) {
    while (scanned_ < source_.size()) {
        const auto line_end = source_.find('\n', scanned_);
        const bool is_whole = line_end != npos || is_end;
        const std::size_t next = line_end == npos ? source_.size() : line_end + 1;
        const std::string_view line = std::string_view(source_).substr(scanned_, next - scanned_);
        if (!is_whole && known(false).size() <= scanned_) break;
        if (is_whole && underlines(line)) {
            // The line above is shown already, and becomes neither a heading nor a table.
            escape(scanned_ + line.find_first_of("=-:|"));
            continue;
        }
        if (is_whole && lengthens_rule(line)) continue;
        if (in_code_) {
            if (!is_whole) break;
            continue_code(line);
        } else if (begins_piece(line)) {
            return scanned_;
        }
        if (!is_whole) break;
        scanned_ = next;
    }
    return npos;
}

void splitter::drop(std::size_t size) {
    source_.erase(0, size);
    scanned_ = 0;
    kind_ = kind::none;
    in_code_ = false;
}

bool splitter::drop_code(std::size_t size) {
    const std::size_t first = source_.find('\n') + 1;
    if (content_ != 0 || source_[0] == ' ' || source_[first + size - 1] != '\n') return false;
    source_.erase(first, size);
    scanned_ -= size;
    return true;
}

bool splitter::drop_text(std::size_t size) {
    const std::size_t line = source_.rfind('\n') == npos ? 0 : source_.rfind('\n') + 1;
    if (kind_ != kind::other || in_code_ || size < line || source_.find('|') != npos) return false;
    source_.erase(0, size);
    scanned_ = content_ = 0;
    return true;
}

void splitter::escape(std::size_t at) {
    source_.insert(at, "\\");
    if (at < scanned_) ++scanned_;
    if (at < content_) ++content_;
}

std::string_view splitter::known(bool is_end) const {
    std::string_view text = source_;
    if (is_end) return text;
    const std::size_t line = text.rfind('\n') == npos ? 0 : text.rfind('\n') + 1;
    if (in_code_) return text.substr(0, line);
    text.remove_suffix(size_of_cut_character(text));
    while (text.size() > line && std::string_view("*_`~\\!&<[").find(text.back()) != npos) text.remove_suffix(1);
    const std::string_view last = indented_line(text.substr(line)).text;
    const bool is_fence = last.starts_with("```") || last.starts_with("~~~");
    const bool may_be_anything = last.find_first_not_of("-*+_=#`~|:.)>0123456789 \t") == npos;
    return is_fence || may_be_anything ? text.substr(0, line) : text;
}

}  // namespace corun::cli::markdown
