#include "sse/scan.hpp"
#include "text/ascii.hpp"
#include "text/utf8.hpp"
#include <corun/sse/parser.hpp>

#include <algorithm>
#include <bit>
#include <cassert>
#include <charconv>
#include <cstring>
#include <limits>
#include <utility>

namespace corun::sse {
namespace {

constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";
constexpr std::size_t longest_name = 5;

// Memory up to here is kept for the next event: enough for most, little in thousands of idle streams.
constexpr std::size_t kept_capacity = 4096;

void release(std::string& text) noexcept {
    text.clear();
    if (text.capacity() > kept_capacity) std::string().swap(text);
}

// "If value starts with a U+0020 SPACE character, remove it from value."
std::string_view without_leading_space(std::string_view value) noexcept {
    if (!value.empty() && value.front() == ' ') value.remove_prefix(1);
    return value;
}

}  // namespace

parser::parser(std::size_t max_event_bytes) noexcept
    : max_event_bytes_(max_event_bytes != 0 ? max_event_bytes : std::numeric_limits<std::size_t>::max()) {}

void parser::reset() noexcept {
    // A swap, not an assignment: a string that is assigned to may keep its memory.
    parser fresh(max_event_bytes_);
    std::swap(*this, fresh);
}

void parser::feed(std::string_view chunk) noexcept {
    assert(lines_.block_end == chunk_.size() && lines_.ends == 0);
    if (finished_ || error_ != parser_error::none) return;

    while (bom_bytes_ < byte_order_mark.size() && !chunk.empty()) {
        if (chunk.front() == byte_order_mark[bom_bytes_]) {
            chunk.remove_prefix(1);
            ++bom_bytes_;
        } else {
            // Half a mark belongs to the first line after all, which then has no name we know.
            if (bom_bytes_ > 0) partial_ = partial_line::in_value;
            bom_bytes_ = byte_order_mark.size();
        }
    }
    chunk_ = chunk;
}

// Counts bytes of the event before they are stored; stops the parser when they are too many.
inline bool parser::charge(std::size_t bytes) noexcept {
    if (bytes > max_event_bytes_ - event_bytes_) [[unlikely]] {
        stop();
        return false;
    }
    event_bytes_ += bytes;
    return true;
}

const event* parser::next() {
    if (handed_out_) forget_event();

    // In registers, for the bytes of a chunk could be those of any member.
    const std::string_view chunk = chunk_;
    lines at = lines_;
    const std::size_t scanned = at.block_end;
    while (at.ends != 0 || scan_next_block(chunk, at)) {
        if (at.ends == 0) continue;
        const std::size_t end = at.block_begin + static_cast<std::size_t>(std::countr_zero(at.ends));
        at.ends &= at.ends - 1;

        const std::string_view line(chunk.data() + at.begin, end - at.begin);
        const bool non_ascii = std::exchange(at.non_ascii, at.block_non_ascii);
        at.begin = end + 1;
        const bool cr = chunk[end] == '\r';
        const bool ends_crlf = std::exchange(at.after_cr, cr) && line.empty() && !cr;
        if (ends_crlf) continue;

        if (partial_ != partial_line::none) {
            complete_line(line, non_ascii);
        } else if (!line.empty()) {
            take_line(line, non_ascii);
        } else if (dispatch()) {
            leave(at);
            return &event_;
        }
        if (error_ != parser_error::none) [[unlikely]]
            break;
    }

    if (error_ == parser_error::none && at.begin < chunk.size()) {
        at.after_cr = false;
        extend_line(chunk.substr(at.begin));
    }
    hold_event();
    // A parser that has stopped has forgotten its lines.
    bytes_scanned_ += at.block_end - scanned;
    lines_ = {};
    lines_.non_ascii = at.non_ascii;
    lines_.after_cr = at.after_cr;
    chunk_ = {};
    return nullptr;
}

std::string_view parser::unread() const noexcept {
    const bool between_events = handed_out_ || (event_bytes_ == 0 && !has_data_ && !has_id_);
    if (!between_events || partial_ != partial_line::none) return {};
    return chunk_.substr(lines_.begin);
}

void parser::skip(std::size_t bytes) noexcept {
    if (handed_out_) forget_event();
    lines_.begin += bytes;
    if (lines_.begin >= lines_.block_end) {
        bytes_scanned_ += lines_.begin - lines_.block_end;
        lines_.block_begin = lines_.block_end = lines_.begin;
        lines_.ends = 0;
        lines_.block_non_ascii = false;
    } else {
        lines_.ends &= ~std::uint64_t{0} << (lines_.begin - lines_.block_begin);
    }
    lines_.non_ascii = lines_.block_non_ascii;
    lines_.after_cr = false;
}

const event* parser::finish() {
    if (handed_out_) forget_event();
    if (finished_ || error_ != parser_error::none) return nullptr;
    assert(chunk_.empty());

    const auto retry = retry_;
    if (partial_ != partial_line::none) complete_line({}, lines_.non_ascii);
    retry_ = retry;
    finished_ = true;
    if (!has_data_) {
        forget_event();
        return nullptr;
    }
    event_ = {type_.empty() ? "message" : std::string_view(type_), data_, has_id_ ? id_ : last_event_id_};
    handed_out_ = true;
    return &event_;
}

inline bool parser::scan_next_block(std::string_view chunk, lines& at) noexcept {
    const std::size_t left = chunk.size() - at.block_end;
    if (left == 0) return false;

    const char* bytes = chunk.data() + at.block_end;
    at.block_begin = at.block_end;
    block found;
    if (left >= block_size) {
        found = scan_block(bytes);
        at.block_end += block_size;
    } else {
        char padded[block_size] = {};
        std::memcpy(padded, bytes, left);
        found = scan_block(padded);
        at.block_end += left;
    }
    at.ends = found.line_ends;
    at.block_non_ascii = found.non_ascii;
    at.non_ascii |= found.non_ascii;
    return true;
}

inline void parser::leave(const lines& at) noexcept {
    bytes_scanned_ += at.block_end - lines_.block_end;
    lines_ = at;
}

// "Set the last event ID string of the event source to the value of the last event ID buffer. If the
// data buffer is an empty string, set the data buffer and the event type buffer to the empty string
// and return."
inline bool parser::dispatch() {
    if (has_id_) {
        last_event_id_.swap(id_);
        release(id_);
        has_id_ = false;
    }
    if (!has_data_) {
        forget_event();
        return false;
    }
    if (type_held_) event_.type = type_;
    if (event_.type.empty()) event_.type = "message";
    if (data_held_) event_.data = data_;
    event_.last_event_id = last_event_id_;
    handed_out_ = true;
    return true;
}

void parser::forget_event() noexcept {
    event_ = {};
    event_bytes_ = 0;
    handed_out_ = has_data_ = has_id_ = false;
    if (std::exchange(type_held_, false)) release(type_);
    if (std::exchange(data_held_, false)) release(data_);
}

// The chunk goes away: what is a view into it becomes a copy.
void parser::hold_event() {
    if (has_data_) hold_data();
    if (!type_held_ && !event_.type.empty()) {
        append(type_, event_.type);
        type_held_ = true;
    }
}

void parser::hold_data() {
    if (std::exchange(data_held_, true)) return;
    append(data_, event_.data);
}

inline parser::field parser::field_called(std::string_view name) noexcept {
    if (name == "data") return field::data;
    if (name == "event") return field::event;
    if (name == "id") return field::id;
    if (name == "retry") return field::retry;
    return field::ignored;
}

inline void parser::take_line(std::string_view line, bool non_ascii) {
    // The two fields that every event has are spared the search for the colon.
    field name;
    std::string_view value;
    if (ascii::begins_with(line, "data:")) {
        name = field::data;
        value = line.substr(5);
    } else if (ascii::begins_with(line, "event:")) {
        name = field::event;
        value = line.substr(6);
    } else {
        const std::size_t colon = line.substr(0, longest_name + 1).find(':');
        name = field_called(line.substr(0, colon));
        if (colon != line.npos) value = line.substr(colon + 1);
    }
    if (name == field::ignored) return;

    value = without_leading_space(value);
    const bool malformed = non_ascii && !utf8::is_well_formed(value);
    const std::size_t joint = name == field::data && has_data_ ? 1 : 0;
    if (!charge(joint + (malformed ? utf8::decoded_size(value) : value.size()))) return;
    if (malformed) {
        std::string text = utf8::decoded(value);
        take_value(name, text);
    } else {
        take_value(name, value);
    }
}

// Takes a value that lies in the chunk.
inline void parser::take_value(field name, std::string_view value) {
    switch (name) {
        case field::data:
            if (!has_data_) {
                event_.data = value;
            } else {
                hold_data();
                append(data_, "\n");
                append(data_, value);
            }
            has_data_ = true;
            break;
        case field::event:
            event_.type = value;
            if (std::exchange(type_held_, false)) release(type_);
            break;
        case field::id:
            // "If the field value does not contain U+0000 NULL, then set the last event ID buffer to
            // the field value. Otherwise, ignore the field."
            if (value.find('\0') == value.npos) {
                release(id_);
                append(id_, value);
                has_id_ = true;
            }
            break;
        case field::retry:
            take_retry(value);
            break;
        case field::ignored:
            break;
    }
}

// Takes a value that will not stay where it is: swaps it in rather than copy it, it may be large.
void parser::take_value(field name, std::string& value) {
    switch (name) {
        case field::data:
            hold_data();
            if (has_data_) append(data_, "\n");
            append(data_, value);
            has_data_ = true;
            break;
        case field::event:
            type_.swap(value);
            type_held_ = true;
            break;
        case field::id:
            if (value.find('\0') == value.npos) {
                id_.swap(value);
                has_id_ = true;
            }
            break;
        case field::retry:
            take_retry(value);
            break;
        case field::ignored:
            break;
    }
}

// "If the field value consists of only ASCII digits, then interpret the field value as an integer in
// base ten, and set the event stream's reconnection time to that integer. Otherwise, ignore the field."
void parser::take_retry(std::string_view value) noexcept {
    if (value.empty() || !std::ranges::all_of(value, [](char c) { return c >= '0' && c <= '9'; })) return;
    std::uint64_t milliseconds = 0;
    const auto result = std::from_chars(value.data(), value.data() + value.size(), milliseconds);
    retry_ = result.ec == std::errc() ? milliseconds : std::numeric_limits<std::uint64_t>::max();
}

// Takes the next part of a line that does not lie whole in one chunk.
void parser::extend_line(std::string_view part) {
    if (partial_ != partial_line::in_value) {
        partial_ = partial_line::in_name;
        const std::string_view head = part.substr(0, longest_name + 1 - partial_text_.size());
        const std::size_t colon = head.find(':');
        partial_text_ += head.substr(0, colon);
        // Of a name longer than any we know just enough is kept to tell.
        if (colon == head.npos) return;
        begin_value(field_called(partial_text_));
        part.remove_prefix(colon + 1);
    }
    if (partial_field_ == field::ignored || part.empty()) return;

    if (std::exchange(at_value_start_, false)) part = without_leading_space(part);
    if (!charge(part.size())) return;
    append(partial_field_ == field::data ? data_ : partial_text_, part);
}

void parser::begin_value(field name) {
    partial_ = partial_line::in_value;
    partial_field_ = name;
    partial_text_.clear();
    at_value_start_ = true;
    if (name != field::data || !charge(has_data_ ? 1 : 0)) return;
    hold_data();
    if (has_data_) append(data_, "\n");
    data_begin_ = data_.size();
}

void parser::complete_line(std::string_view part, bool non_ascii) {
    extend_line(part);
    if (partial_ == partial_line::in_name) begin_value(field_called(partial_text_));
    if (error_ != parser_error::none) return;

    const bool is_data = partial_field_ == field::data;
    const std::string_view raw = is_data ? std::string_view(data_).substr(data_begin_) : partial_text_;
    if (non_ascii && partial_field_ != field::ignored && !utf8::is_well_formed(raw)) {
        if (!charge(utf8::decoded_size(raw) - raw.size())) return;
        std::string text = utf8::decoded(raw);
        if (is_data) {
            data_.resize(data_begin_);
            append(data_, text);
        } else {
            partial_text_.swap(text);
        }
    }
    if (is_data) {
        has_data_ = true;
    } else {
        take_value(partial_field_, partial_text_);
    }
    release(partial_text_);
    partial_ = partial_line::none;
    partial_field_ = field::ignored;
}

// Keeps what the callers of a stopped parser may ask for, and gives the memory back.
void parser::stop() noexcept {
    parser stopped(max_event_bytes_);
    stopped.error_ = parser_error::event_too_large;
    stopped.bytes_scanned_ = bytes_scanned_;
    stopped.last_event_id_ = std::move(last_event_id_);
    stopped.retry_ = retry_;
    std::swap(*this, stopped);
}

// Doubles the memory as it grows, but not beyond what an event may hold.
void parser::append(std::string& to, std::string_view part) {
    const std::size_t size = to.size() + part.size();
    if (size > to.capacity()) {
        std::string larger;
        larger.reserve(std::max(size, std::min(2 * to.capacity(), max_event_bytes_)));
        larger = to;
        to.swap(larger);
    }
    to += part;
}

}  // namespace corun::sse
