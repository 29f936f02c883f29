#pragma once
#include <corun/export.hpp>
#include <corun/sse/event.hpp>

#include <string>

namespace corun::sse {

/// The text of one event on the wire, with the blank line that ends it. A parser reads the same event
/// from it.
///
/// Each line of `data` is a `data` field; CR and CRLF end lines too, and are read back as LF. An empty
/// type and `message` are not written. An empty `last_event_id` is not written either: the stream's
/// last id then stays as it is.
///
/// *Errors:* `errc::invalid_argument` if `type` contains CR or LF, or `last_event_id` CR, LF or NUL:
/// they would end the field, or be ignored by the parser.
[[nodiscard]] CORUN_API std::string format(const event& value);

}  // namespace corun::sse
