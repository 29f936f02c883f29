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
    event_too_large,  ///< One event, or one line, is larger than `max_event_bytes`.
};

/// An incremental parser of `text/event-stream` (WHATWG HTML, 9.2.5 and 9.2.6).
///
/// Pure: no I/O, no clock, no exceptions but `std::bad_alloc`. Feed bytes as they come, cut
/// anywhere, and take the events out:
///
///     parser.feed(chunk);
///     while (const corun::sse::event* event = parser.next()) use(*event);
///
/// An event that lies whole in the chunk is handed out as views into it, without a copy; one that
/// spans chunks is gathered in the parser. Each byte is scanned once, whatever the cuts. Invalid
/// UTF-8 comes out as U+FFFD, as the standard's decoder does.
class CORUN_API parser {
public:
    /// `max_event_bytes` bounds what one event may hold and what the parser may keep in memory;
    /// 0 means no bound.
    explicit parser(std::size_t max_event_bytes = default_max_event_bytes);

    static constexpr std::size_t default_max_event_bytes = std::size_t{16} << 20;

    /// Gives the next bytes of the stream. They must stay valid until `next()` has returned null.
    /// Precondition: `next()` has returned null since the last `feed`.
    void feed(std::string_view chunk) noexcept;

    /// The next event, or null when the chunk is used up or the parser has stopped with an error.
    /// The event and its views are valid until the next call of a member of this parser.
    [[nodiscard]] const event* next();

    /// Ends the stream. The standard drops an event that no blank line has ended; it is returned
    /// here, or null when there is none, for callers who would rather look at it.
    const event* finish();

    [[nodiscard]] parser_error error() const noexcept;
    /// The last event id of the stream: that of the last dispatched event.
    [[nodiscard]] std::string_view last_event_id() const noexcept;
    /// The reconnection time in milliseconds, once a `retry` field has set it.
    [[nodiscard]] std::optional<std::uint64_t> retry() const noexcept;
    /// How many bytes were looked at so far in search of line ends: linear in the bytes fed.
    [[nodiscard]] std::uint64_t bytes_scanned() const noexcept;

    /// Forgets everything, as before the first `feed`.
    void reset() noexcept;
};

}  // namespace corun::sse
