// Fuzzes the SSE parser: how a stream is cut must change nothing, the bound must hold, and all text
// must come out as UTF-8. The input is a line of control bytes and the stream.
#include "fuzz.hpp"
#include "text/utf8.hpp"
#include <corun/sse/parser.hpp>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace {

using corun::fuzz::require;

struct outcome {
    std::vector<std::string> texts;  // type, data and id of each event, in turn
    std::string last_event_id;
    std::optional<std::uint64_t> retry;
    corun::sse::parser_error error = corun::sse::parser_error::none;
    bool operator==(const outcome&) const = default;
};

void add(outcome& to, const corun::sse::event& event, std::size_t bound) {
    require(!event.type.empty(), "an event has a type");
    require(bound == 0 || event.data.size() <= bound, "no event is larger than the bound");
    for (const std::string_view text : {event.type, event.data, event.last_event_id}) {
        require(corun::utf8::is_well_formed(text), "all text is UTF-8");
        to.texts.emplace_back(text);
    }
}

/// Each control byte is the size of a chunk, in turn; none means one chunk.
outcome parse(std::string_view stream, std::string_view control, std::size_t bound) {
    corun::sse::parser parser(bound);
    outcome result;
    const std::size_t size = stream.size();
    for (std::size_t i = 0; !stream.empty(); ++i) {
        std::size_t taken = stream.size();
        // Never zero twice in a row, or it would not end.
        if (!control.empty()) taken = static_cast<unsigned char>(control[i % control.size()]) + i % 2;
        // A copy of just this size: what reads past it, or keeps a view into it, is found.
        const std::vector<char> chunk(stream.begin(),
                                      stream.begin() + static_cast<std::ptrdiff_t>(std::min(taken, stream.size())));
        stream.remove_prefix(chunk.size());
        parser.feed({chunk.data(), chunk.size()});
        while (const corun::sse::event* event = parser.next()) add(result, *event, bound);
    }
    require(parser.bytes_scanned() <= size, "no byte is scanned twice");
    result.last_event_id = parser.last_event_id();
    result.retry = parser.retry();
    result.error = parser.error();
    if (const corun::sse::event* event = parser.finish()) add(result, *event, bound);
    require(result.last_event_id == parser.last_event_id() && result.retry == parser.retry(),
            "the end does not change the state");
    return result;
}

}  // namespace

void fuzz_one(std::string_view input) {
    const std::size_t end = input.find('\n');
    const std::string_view control = input.substr(0, end);
    const std::string_view stream = end == input.npos ? std::string_view() : input.substr(end + 1);
    const std::size_t bound =
        control.size() % 3 == 0 ? static_cast<unsigned char>(control.empty() ? 0 : control[0]) : 0;

    const outcome whole = parse(stream, {}, bound);
    require(parse(stream, std::string_view("\0", 1), bound) == whole,
            "empty chunks and single bytes give what the whole gives");
    require(parse(stream, control, bound) == whole, "however it is cut, a stream gives the same");
}
