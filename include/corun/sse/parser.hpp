#pragma once
#include <corun/export.hpp>
#include <corun/sse/event.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace corun::sse {

/// Why a parser stopped.
enum class parser_error {
    none,
    event_too_large,  ///< An event exceeds `max_event_bytes`.
};

/// An incremental parser of `text/event-stream` (WHATWG HTML, 9.2.5 and 9.2.6).
///
/// It does no I/O and uses no clock. Feed bytes as they arrive, split anywhere, and take the events:
///
///     parser.feed(chunk);
///     while (const corun::sse::event* event = parser.next()) use(*event);
///
/// An event within one chunk and with one `data` line is returned as views into the chunk, without a copy; an event
/// that spans chunks is gathered in the parser. Each byte is scanned once. The events do not depend on how the stream
/// is split into chunks.
///
/// Invalid UTF-8 is replaced by U+FFFD, as the standard's decoder does, so all returned text is valid UTF-8. It can
/// contain NUL.
///
/// *Errors:* Throws only `std::bad_alloc`; then call `reset()`. `error()` reports events that are too large.
///
/// *Lifetime:* Copy or move a parser only when `next()` has returned null.
///
/// *Threads:* Not thread-safe.
class CORUN_API parser {
public:
    /// `max_event_bytes` limits the size of an event: the sum of the decoded values of its `event`, `data`, `id` and
    /// `retry` lines, with the LF that joins `data` lines; 0 means no limit. It is checked before anything is stored.
    /// Comments and unknown fields are skipped and do not count.
    ///
    /// It also limits memory: between chunks, the parser stores only the unfinished event and the last event id. (While
    /// the memory grows, the old and the new block exist briefly.) The next call of `next()` frees the memory of a
    /// large event.
    explicit parser(std::size_t max_event_bytes = default_max_event_bytes) noexcept;

    /// 16 MiB.
    static constexpr std::size_t default_max_event_bytes = std::size_t{16} << 20;

    /// Passes the next bytes of the stream to the parser. They must stay valid until `next()` has returned null.
    /// Ignored after `finish()` and after an error, until `reset()`. Precondition: `next()` has returned null since the
    /// last `feed`.
    void feed(std::string_view chunk) noexcept;

    /// Returns the next event, or null if the chunk is used up or the parser has stopped with an error. The event and
    /// its views are valid until the next call of `feed`, `next`, `finish` or `reset`, and no longer than the chunk.
    [[nodiscard]] const event* next();

    /// Ends the stream. Returns an event that no blank line has ended, which the standard discards, or null. Such an
    /// event does not change `last_event_id()`, and its unfinished line does not change `retry()`. Precondition:
    /// `next()` has returned null since the last `feed`.
    const event* finish();

    /// What has not been read of the chunk, if the next event begins there; otherwise nothing. A caller that recognizes
    /// whole events at its beginning can `skip` them instead of having them parsed.
    [[nodiscard]] std::string_view unread() const noexcept;
    /// Skips `bytes` of `unread()`: whole events, each with the blank line that ends it, and without `id` and `retry`
    /// fields. They count as scanned. Invalidates what `next()` returned, as another call of it does.
    void skip(std::size_t bytes) noexcept;

    /// Why the parser has stopped, or none.
    [[nodiscard]] parser_error error() const noexcept { return error_; }
    /// The last event id of the stream: that of the last block that a blank line has ended, even if it has no data.
    [[nodiscard]] std::string_view last_event_id() const noexcept { return last_event_id_; }
    /// The reconnection time in milliseconds, if a `retry` field has set it; the largest value of the type if the field
    /// exceeds it.
    [[nodiscard]] std::optional<std::uint64_t> retry() const noexcept { return retry_; }
    /// The number of bytes scanned for line ends so far: linear in the bytes fed.
    [[nodiscard]] std::uint64_t bytes_scanned() const noexcept { return bytes_scanned_; }

    /// Resets the parser to its initial state.
    void reset() noexcept;

private:
    enum class field : unsigned char { ignored, event, data, id, retry };
    /// The position in a line that began in an earlier chunk.
    enum class partial_line : unsigned char { none, in_name, in_value };

    static field field_called(std::string_view name) noexcept;

    /// The lines of a chunk, as far as it has been scanned.
    struct lines {
        std::size_t begin = 0;         ///< Where in the chunk the current line starts.
        std::size_t block_begin = 0;   ///< Where in the chunk the block of `ends` starts.
        std::size_t block_end = 0;     ///< The end of the scanned part of the chunk.
        std::uint64_t ends = 0;        ///< The line ends in the block that have not been processed yet.
        bool block_non_ascii = false;  ///< Whether the block contains bytes that are not ASCII.
        bool non_ascii = false;        ///< Whether the current line may contain such bytes.
        bool after_cr = false;         ///< Whether the last byte before the current line was a CR.
    };

    static bool scan_next_block(std::string_view chunk, lines& at) noexcept;
    void leave(const lines& at) noexcept;
    bool dispatch();
    void forget_event() noexcept;
    void hold_event();

    void take_line(std::string_view line, bool non_ascii);
    void take_value(field name, std::string_view value);
    void take_value(field name, std::string& value);
    void take_retry(std::string_view value) noexcept;

    void extend_line(std::string_view part);
    void begin_value(field name);
    void complete_line(std::string_view part, bool non_ascii);
    void hold_data();

    bool charge(std::size_t bytes) noexcept;
    void stop() noexcept;
    void append(std::string& to, std::string_view part);

    std::size_t max_event_bytes_;
    std::uint64_t bytes_scanned_ = 0;
    parser_error error_ = parser_error::none;
    bool finished_ = false;
    std::uint8_t bom_bytes_ = 0;  ///< The bytes of a byte order mark read so far; 3 once this is decided.

    std::string_view chunk_;
    lines lines_;

    partial_line partial_ = partial_line::none;
    field partial_field_ = field::ignored;
    bool at_value_start_ = false;  ///< Whether the next byte is stripped if it is a space.
    std::size_t data_begin_ = 0;   ///< Where in `data_` the value of a partial `data` line starts.
    std::string partial_text_;     ///< The name; later the value, except that of a `data` line.

    // The event being read. Its type and data are views into the chunk, or in `type_` and `data_`.
    event event_;
    bool handed_out_ = false;
    bool has_data_ = false;
    bool has_id_ = false;
    bool type_held_ = false;
    bool data_held_ = false;
    std::size_t event_bytes_ = 0;
    std::string type_;
    std::string data_;
    std::string id_;

    std::string last_event_id_;
    std::optional<std::uint64_t> retry_;
};

}  // namespace corun::sse
