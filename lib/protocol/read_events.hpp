#pragma once
#include "protocol/delta_shape.hpp"
#include <corun/sse/parser.hpp>

#include <cstddef>
#include <string_view>

namespace corun::codec {

/// Reads a chunk of a stream, and calls `receive(name, data, shaped)` for each event that it completes. Text deltas of
/// the shape `shape` are recognized without being parsed; the events are the same with any shape. `max_event_bytes` is
/// that of `parser`.
template <class Receive>
void read_events(sse::parser& parser, std::string_view chunk, const delta_shape& shape, std::size_t max_event_bytes,
                 Receive receive) {
    parser.feed(chunk);
    delta_shape::framed_event framed;
    for (;;) {
        // The parser reports an event that is too large.
        while (shape.read_framed(parser.unread(), framed) && (max_event_bytes == 0 || framed.size <= max_event_bytes)) {
            receive(framed.name, framed.data, framed.found);
            parser.skip(framed.size);
        }
        const sse::event* const parsed = parser.next();
        if (!parsed) return;
        receive(parsed->type, parsed->data, shaped_text());
    }
}

}  // namespace corun::codec
