#pragma once
#include <string_view>

namespace corun::sse {

/// One dispatched server-sent event (WHATWG HTML, 9.2.6). The views are valid until the parser is
/// called again, and no longer than the chunk that was fed.
struct event {
    std::string_view type;           ///< The `event` field; `message` when there was none.
    std::string_view data;           ///< The `data` lines, joined by LF.
    std::string_view last_event_id;  ///< The last `id` seen in the stream, empty when none.
};

}  // namespace corun::sse
