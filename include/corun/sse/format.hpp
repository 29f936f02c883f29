#pragma once
#include <corun/export.hpp>
#include <corun/sse/event.hpp>

#include <string>

namespace corun::sse {

/// Returns the text of one event, with the blank line that ends it. A parser reads the same event from it.
///
/// Each line of `data` becomes a `data` field; CR and CRLF also end lines, and are read back as LF. A type that is
/// empty or `message` is not written. Neither is an empty `last_event_id`, so the stream's last id remains.
///
/// *Errors:* Throws `errc::invalid_argument` if `type` contains CR or LF, or `last_event_id` contains CR, LF or NUL:
/// these would end the field, or the parser would ignore it.
[[nodiscard]] CORUN_API std::string format(const event& value);

}  // namespace corun::sse
