#pragma once
#include <string_view>

namespace corun::sse {

/// One dispatched server-sent event (WHATWG HTML, 9.2.6).
///
/// *Lifetime:* The views are valid until the parser is called again, and no longer than the chunk that was fed.
struct event {
    std::string_view type;           ///< The `event` field; `message` by default.
    std::string_view data;           ///< The `data` lines, joined by LF.
    std::string_view last_event_id;  ///< The last `id` of the stream; empty if there was none.
};

}  // namespace corun::sse
