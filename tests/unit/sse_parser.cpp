#include "sse/scan.hpp"
#include "text/utf8.hpp"
#include <corun/sse/parser.hpp>

#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>
#include <malloc.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <limits>
#include <new>
#include <optional>
#include <ostream>
#include <random>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

using namespace std::string_literals;
using namespace std::string_view_literals;
using corun::sse::parser;
using corun::sse::parser_error;

// Every allocation of this program is counted, to show that there is none where none is promised,
// and how much is held at most.
namespace {

std::size_t allocations = 0;
std::size_t allocated_bytes = 0;
std::size_t peak_bytes = 0;

void* counted(std::size_t size) {
    void* memory = std::malloc(size != 0 ? size : 1);
    if (memory == nullptr) throw std::bad_alloc();
    ++allocations;
    allocated_bytes += malloc_usable_size(memory);
    peak_bytes = std::max(peak_bytes, allocated_bytes);
    return memory;
}

void uncounted(void* memory) noexcept {
    if (memory == nullptr) return;
    allocated_bytes -= malloc_usable_size(memory);
    std::free(memory);
}

}  // namespace

void* operator new(std::size_t size) {
    return counted(size);
}
void* operator new[](std::size_t size) {
    return counted(size);
}
void operator delete(void* memory) noexcept {
    uncounted(memory);
}
void operator delete[](void* memory) noexcept {
    uncounted(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
    uncounted(memory);
}
void operator delete[](void* memory, std::size_t) noexcept {
    uncounted(memory);
}

namespace {

struct seen_event {
    std::string type, data, id;
    bool operator==(const seen_event&) const = default;
};

std::ostream& operator<<(std::ostream& out, const seen_event& event) {
    return out << "{type '" << event.type << "', data '" << event.data.substr(0, 80) << "' (" << event.data.size()
               << "), id '" << event.id << "'}";
}

/// All that a stream comes to.
struct outcome {
    std::vector<seen_event> events;
    std::string last_event_id;
    std::optional<std::uint64_t> retry;
    parser_error error = parser_error::none;
    std::optional<seen_event> unfinished;
    bool operator==(const outcome&) const = default;
};

std::ostream& operator<<(std::ostream& out, const outcome& what) {
    for (const seen_event& event : what.events) out << event << ' ';
    out << "last id '" << what.last_event_id << "' retry ";
    if (what.retry) out << *what.retry;
    if (what.unfinished) out << " unfinished " << *what.unfinished;
    return out << " error " << static_cast<int>(what.error);
}

seen_event copy_of(const corun::sse::event& event) {
    return {std::string(event.type), std::string(event.data), std::string(event.last_event_id)};
}

/// Feeds one chunk. It lies in memory of its own, just large enough and overwritten afterwards, so
/// that a view kept for too long, or a byte read past the end, shows.
void feed(parser& parser, std::string_view chunk, std::vector<seen_event>& events) {
    std::vector<char> memory(chunk.begin(), chunk.end());
    parser.feed({memory.data(), memory.size()});
    while (const corun::sse::event* event = parser.next()) events.push_back(copy_of(*event));
    std::fill(memory.begin(), memory.end(), '#');
}

/// Parses `stream`, cut into chunks of the sizes that `size` gives.
template <class Size>
outcome parse(std::string_view stream, Size size, std::size_t max_event_bytes = parser::default_max_event_bytes) {
    parser parser(max_event_bytes);
    outcome result;
    while (!stream.empty()) {
        const std::size_t taken = std::min(static_cast<std::size_t>(size()), stream.size());
        feed(parser, stream.substr(0, taken), result.events);
        stream.remove_prefix(taken);
    }
    if (const corun::sse::event* event = parser.finish()) result.unfinished = copy_of(*event);
    result.last_event_id = parser.last_event_id();
    result.retry = parser.retry();
    result.error = parser.error();
    return result;
}

outcome parse_whole(std::string_view stream, std::size_t max_event_bytes = parser::default_max_event_bytes) {
    return parse(
        stream, [&] { return stream.size(); }, max_event_bytes);
}

/// Expects the same whatever the cuts: whole, byte by byte, with empty chunks, at every point.
void check_all_cuts(std::string_view stream, const outcome& expected,
                    std::size_t max_event_bytes = parser::default_max_event_bytes) {
    BOOST_TEST(parse_whole(stream, max_event_bytes) == expected);
    BOOST_TEST(parse(
                   stream, [] { return 1; }, max_event_bytes) == expected);
    bool empty = false;
    BOOST_TEST(parse(
                   stream, [&] { return (empty = !empty) ? 0 : 1; }, max_event_bytes) == expected);
    for (std::size_t at = 1; at < stream.size(); ++at) {
        bool first = true;
        const auto size = [&] { return std::exchange(first, false) ? at : stream.size(); };
        BOOST_TEST_CONTEXT("cut at " << at) BOOST_TEST(parse(stream, size, max_event_bytes) == expected);
    }
}

// Literal types: a table of strings made at start-up takes minutes to compile with sanitizers.
struct expected_event {
    std::string_view type, data, id;  // no type: no event
};

struct stream_case {
    std::string_view name, stream;
    expected_event events[3];
    std::string_view last_event_id = {};
    std::optional<std::uint64_t> retry = {};
    expected_event unfinished = {};
};

seen_event copy_of(const expected_event& event) {
    return {std::string(event.type), std::string(event.data), std::string(event.id)};
}

outcome outcome_of(const stream_case& what) {
    outcome result{{}, std::string(what.last_event_id), what.retry, parser_error::none, {}};
    for (const expected_event& event : what.events)
        if (!event.type.empty()) result.events.push_back(copy_of(event));
    if (!what.unfinished.type.empty()) result.unfinished = copy_of(what.unfinished);
    return result;
}

std::ostream& operator<<(std::ostream& out, const stream_case& what) {
    return out << what.name;
}

constexpr expected_event message(std::string_view data, std::string_view id = {}) {
    return {"message", data, id};
}

seen_event seen_message(std::string_view data, std::string_view id = {}) {
    return copy_of(message(data, id));
}

constexpr stream_case cases[] = {
    // Line ends.
    {"lines end with LF", "data: tea\n\ndata: cake\n\n", {message("tea"), message("cake")}},
    {"lines end with CRLF", "data: tea\r\n\r\ndata: cake\r\n\r\n", {message("tea"), message("cake")}},
    {"lines end with CR", "data: tea\r\rdata: cake\r\r", {message("tea"), message("cake")}},
    {"a CR at the end of the stream ends the line", "data: tea\r\n\r", {message("tea")}},
    {"CRLF is one line end", "data: 1\r\ndata: 2\r\n\r\n", {message("1\n2")}},
    {"LF CR is two line ends", "data: tea\n\rdata: cake\n\n", {message("tea"), message("cake")}},
    {"CR CR LF is two line ends", "data: tea\r\r\ndata: cake\n\n", {message("tea"), message("cake")}},
    {"CRLF LF is two line ends", "data: tea\r\n\ndata: cake\n\n", {message("tea"), message("cake")}},
    {"only one LF is swallowed after a CR", "event: brew\r\n\ndata: tea\n\n", {message("tea")}},
    {"an LF is not swallowed when text followed the CR", "data: 1\rdata: 2\n\n", {message("1\n2")}},
    {"line ends may be mixed", "data: 1\rdata: 2\r\ndata: 3\n\r\n", {message("1\n2\n3")}},
    {"blank lines alone say nothing", "\n\r\n\r\r\n\n", {}},
    {"other Unicode line ends are text",
     "data: a\x0b"
     "b\x0c"
     "c\xC2\x85"
     "d\xE2\x80\xA8"
     "e\n\n",
     {message("a\x0b"
              "b\x0c"
              "c\xC2\x85"
              "d\xE2\x80\xA8"
              "e")}},

    // The byte order mark.
    {"a byte order mark is skipped",
     "\xEF\xBB\xBF"
     "data: tea\n\n",
     {message("tea")}},
    {"only one byte order mark is skipped",
     "\xEF\xBB\xBF\xEF\xBB\xBF"
     "data: tea\ndata: cake\n\n",
     {message("cake")}},
    {"a byte order mark later on belongs to the name",
     "\n\xEF\xBB\xBF"
     "data: tea\n\n",
     {}},
    {"a byte order mark in a value stays", "data:\xEF\xBB\xBFtea\n\n", {message("\xEF\xBB\xBFtea")}},
    {"half a byte order mark spoils the first line",
     "\xEF\xBB"
     "data: tea\ndata: cake\n\n",
     {message("cake")}},
    {"half a byte order mark is no blank line", "\xEF\xBB\ndata: cake\n\n", {message("cake")}},
    {"a stream of a byte order mark says nothing", "\xEF\xBB\xBF", {}},
    {"a stream of half a byte order mark says nothing", "\xEF\xBB", {}},

    // Fields.
    {"data lines are joined by LF", "data: one\ndata:\ndata: three\n\n", {message("one\n\nthree")}},
    {"one space is stripped",
     "data:tea\n\ndata: tea\n\ndata:  tea\n\n",
     {message("tea"), message("tea"), message(" tea")}},
    {"a tab is not stripped", "data:\ttea\n\n", {message("\ttea")}},
    {"trailing spaces stay", "event: brew \ndata: tea \n\n", {{"brew ", "tea ", ""}}},
    {"a line without colon is a field with an empty value", "data\n\ndata\ndata\n\n", {message(""), message("\n")}},
    {"a value of a space alone is empty", "data: \n\n", {message("")}},
    {"a value may hold colons", "data::\n\ndata: a: b:\n\n", {message(":"), message("a: b:")}},
    {"a value may hold NUL", "event: b\0c\ndata: a\0b\n\n"sv, {{"b\0c"sv, "a\0b"sv, ""}}},
    {"comments are ignored", ": tea\n:\n::\ndata: cake\n:data: tea\n\n", {message("cake")}},
    {"a comment does not end the event", "data: 1\n: and\ndata: 2\n\n", {message("1\n2")}},
    {"comment blocks dispatch nothing", ": keep-alive\n\n: keep-alive\n\n", {}},
    {"unknown fields are ignored",
     "tea: x\ndat: x\ndatas: x\neventual: x\ni: x\nretries: 5\ndata: y\n\n",
     {message("y")}},
    {"names are case-sensitive", "DATA: x\nEvent: x\nId: 1\nRETRY: 5\ndata: y\n\n", {message("y")}},
    {"names are not trimmed", " data: x\ndata : x\n data\ndata\t: x\ndata: y\n\n", {message("y")}},
    {"a line of a space is not blank", "data: 1\n \ndata: 2\n\n", {message("1\n2")}},

    // event
    {"the event field names the type", "event: brew\ndata: tea\n\n", {{"brew", "tea", ""}}},
    {"the type does not outlive its event",
     "event: brew\ndata: tea\n\ndata: cake\n\n",
     {{"brew", "tea", ""}, message("cake")}},
    {"the type of a block without data is dropped", "event: brew\n\ndata: tea\n\n", {message("tea")}},
    {"the last event field wins", "event: brew\nevent: bake\ndata: cake\n\n", {{"bake", "cake", ""}}},
    {"an empty event field means message", "event: brew\nevent:\ndata: tea\n\n", {message("tea")}},
    {"the event field may follow the data", "data: tea\nevent: brew\n\n", {{"brew", "tea", ""}}},
    {"an empty keep-alive is an event", "event: keepalive\ndata:\n\n", {{"keepalive", "", ""}}},

    // id
    {"an id lasts", "id: 7\ndata: tea\n\ndata: cake\n\n", {message("tea", "7"), message("cake", "7")}, "7"},
    {"the last id of a block wins", "id: 7\ndata: tea\nid: 8\n\n", {message("tea", "8")}, "8"},
    {"an id of a block without data counts", "id: 7\n\ndata: tea\n\n", {message("tea", "7")}, "7"},
    {"an empty id resets", "id: 7\ndata: tea\n\nid\ndata: cake\n\n", {message("tea", "7"), message("cake")}, ""},
    {"an empty id resets without data", "id: 7\ndata: tea\n\nid:\n\n", {message("tea", "7")}, ""},
    {"an id with NUL is ignored", "id: 7\nid: 8\0\ndata: tea\n\nid: \0\n\n"sv, {message("tea", "7")}, "7"},
    {"an id need not be a number", "id:  \xC3\xA4:b\ndata: tea\n\n", {message("tea", " \xC3\xA4:b")}, " \xC3\xA4:b"},
    {"an id of an unfinished block does not count", "id: 7\ndata: tea\n\nid: 8\n", {message("tea", "7")}, "7"},
    {"an id of an unfinished event shows in it only",
     "id: 7\ndata: tea\n\nid: 8\ndata: cake\n",
     {message("tea", "7")},
     "7",
     {},
     message("cake", "8")},

    // retry
    {"retry sets the reconnection time", "retry: 1500\n\n", {}, "", 1500},
    {"retry takes effect at once", "retry: 1500\n", {}, "", 1500},
    {"retry may be zero", "retry:0\n\n", {}, "", 0},
    {"retry may have leading zeros", "retry: 0010\n\n", {}, "", 10},
    {"the last valid retry wins", "retry: 1\nretry: 2\nretry: three\nretry\n\n", {}, "", 2},
    {"retry takes digits only",
     "retry: -1\nretry: +1\nretry: 1.5\nretry: 0x1\nretry: 1e3\nretry:  1\nretry: 1 \nretry: \xD9\xA3\n\n",
     {}},
    {"an empty retry is ignored", "retry\n\nretry:\n\nretry: \n\n", {}},
    {"retry saturates", "retry: 18446744073709551616\n\n", {}, "", std::numeric_limits<std::uint64_t>::max()},
    {"the largest retry fits", "retry: 18446744073709551615\n\n", {}, "", std::numeric_limits<std::uint64_t>::max()},
    {"an unfinished retry is no retry", "retry: 15", {}},

    // The end of the stream.
    {"an empty stream says nothing", "", {}},
    {"an event without blank line is dropped", "data: tea\n\ndata: cake\n", {message("tea")}, "", {}, message("cake")},
    {"an event cut in its line is dropped",
     "data: tea\n\nevent: brew\ndata: ca",
     {message("tea")},
     "",
     {},
     expected_event{"brew", "ca", ""}},
    {"an event cut after CR is dropped", "data: tea\r", {}, "", {}, message("tea")},
    {"a later event line is not forgotten at the end", "event: brew\nevent:\ndata: tea", {}, "", {}, message("tea")},
    {"a field name cut short is no data", "data: tea\n\ndat", {message("tea")}},
    {"a bare field name at the end is a field", "data", {}, "", {}, message("")},
    {"a type without data is dropped", "event: brew\n", {}},

    // UTF-8
    {"text passes through",
     "data: na\xC3\xAFve \xE2\x82\xAC \xF0\x9F\x8D\xB5\n\n",
     {message("na\xC3\xAFve \xE2\x82\xAC \xF0\x9F\x8D\xB5")}},
    {"the bounds of each length are valid",
     "data: \x7F\xC2\x80\xDF\xBF\xE0\xA0\x80\xED\x9F\xBF\xEE\x80\x80\xEF\xBF\xBF\xF0\x90\x80\x80\xF4\x8F\xBF\xBF\n\n",
     {message("\x7F\xC2\x80\xDF\xBF\xE0\xA0\x80\xED\x9F\xBF\xEE\x80\x80\xEF\xBF\xBF\xF0\x90\x80\x80\xF4\x8F\xBF\xBF")}},
    {"a stray continuation is replaced", "data: a\x80z\n\n", {message("a\xEF\xBF\xBDz")}},
    {"bytes that never occur are replaced",
     "data: \xC0\xC1\xF5\xFF\n\n",
     {message("\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD")}},
    {"a truncated character is replaced once",
     "data: \xF0\x9F\x8Dz\xE2\x82z\xC3z\n\n",
     {message("\xEF\xBF\xBDz\xEF\xBF\xBDz\xEF\xBF\xBDz")}},
    {"a character truncated by the line end is replaced once", "data: \xE2\x82\r\n\r\n", {message("\xEF\xBF\xBD")}},
    {"a character truncated by the end is replaced once", "data: \xF0\x9F", {}, "", {}, message("\xEF\xBF\xBD")},
    {"an overlong form is replaced byte by byte",
     "data: \xE0\x80\xAF\n\n",
     {message("\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD")}},
    {"an overlong line end is no line end",
     "data: a\xC0\x8A\xC0\x8D"
     "b\n\n",
     {message("a\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD"
              "b")}},
    {"a surrogate is replaced byte by byte",
     "data: \xED\xA0\x80\n\n",
     {message("\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD")}},
    {"a value above U+10FFFF is replaced byte by byte",
     "data: \xF4\x90\x80\x80\n\n",
     {message("\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD")}},
    {"types and ids are decoded too",
     "event: br\xFFw\nid: \xE2\x82\ndata: tea\n\n",
     {{"br\xEF\xBF\xBDw", "tea", "\xEF\xBF\xBD"}},
     "\xEF\xBF\xBD"},
    {"each data line is decoded",
     "data: \xFF\ndata: tea\ndata: \xFE\n\n",
     {message("\xEF\xBF\xBD\ntea\n\xEF\xBF\xBD")}},
    {"malformed text in a name makes it unknown", "da\xFFta: x\ndata: y\n\n", {message("y")}},

    // What agents send.
    {"a run",
     "event: thread.run.created\ndata: {\"id\":\"run_1\"}\n\nevent: done\ndata: [DONE]\n\n",
     {{"thread.run.created", "{\"id\":\"run_1\"}", ""}, {"done", "[DONE]", ""}}},
    {"an HTML page says nothing", "<html>\n\n<p>data: x</p>\n\n</html>\n", {}},
};

std::string all_cases() {
    std::string all;
    for (const stream_case& one : cases) all.append(one.stream).append("\n\n");
    return all;
}

/// Sizes of chunks, mostly small, now and then none or many.
auto random_sizes(std::uint32_t seed) {
    return [random = std::minstd_rand(seed)]() mutable -> std::size_t {
        const auto kind = random() % 8;
        return kind == 0 ? 0 : kind == 1 ? random() % 300 : random() % 9;
    };
}

/// Bytes that make up odd streams: pieces with a meaning in all orders.
std::string random_stream(std::uint32_t seed) {
    static const std::string pieces[] = {"data",
                                         "data:",
                                         "data: ",
                                         "event: ",
                                         "id: ",
                                         "retry: ",
                                         ":",
                                         " ",
                                         "\n",
                                         "\r",
                                         "\r\n",
                                         "\n\n",
                                         "\r\r",
                                         "x",
                                         "12",
                                         "\0"s,
                                         "\xC3\xA9",
                                         "\xE2\x82\xAC",
                                         "\xE2\x82",
                                         "\xFF",
                                         "\xF0\x9F\x8D\xB5",
                                         "\xED\xA0\x80",
                                         "\xEF\xBB\xBF",
                                         "some longer text that spans more than sixteen bytes",
                                         "unknown: "};
    std::minstd_rand random(seed);
    std::string stream;
    for (auto left = random() % 200; left > 0; --left) stream += pieces[random() % std::size(pieces)];
    return stream;
}

static_assert(std::is_nothrow_move_constructible_v<parser> && std::is_nothrow_move_assignable_v<parser>);
static_assert(!std::is_aggregate_v<parser>);

}  // namespace

BOOST_AUTO_TEST_SUITE(sse_parser)

BOOST_DATA_TEST_CASE(reads_the_same_events_whatever_the_cuts, boost::unit_test::data::make(cases), expected) {
    check_all_cuts(expected.stream, outcome_of(expected));
}

BOOST_AUTO_TEST_CASE(reads_all_cases_as_one_stream_whatever_the_cuts) {
    const std::string stream = all_cases();
    const outcome expected = parse_whole(stream);
    BOOST_TEST(expected.events.size() > 60u);
    for (std::uint32_t seed = 1; seed <= 200; ++seed)
        BOOST_TEST_CONTEXT("seed " << seed) BOOST_TEST(parse(stream, random_sizes(seed)) == expected);
}

BOOST_AUTO_TEST_CASE(finds_malformed_text_far_in_a_long_line) {
    const std::string before(200, 'x'), after(200, 'y');
    check_all_cuts("data: " + before + "\xFF" + after + "\n\n",
                   {{seen_message(before + "\xEF\xBF\xBD" + after)}, "", {}, parser_error::none, {}});
}

BOOST_AUTO_TEST_CASE(reads_random_streams_the_same_whatever_the_cuts_and_the_bound) {
    std::size_t events = 0, stopped = 0;
    for (std::uint32_t seed = 1; seed <= 3000; ++seed) {
        const std::string stream = random_stream(seed);
        const std::size_t bound = seed % 3 == 0 ? seed % 97 + 1 : 0;
        const outcome expected = parse_whole(stream, bound);
        events += expected.events.size();
        stopped += expected.error != parser_error::none;
        BOOST_TEST_CONTEXT("seed " << seed) {
            BOOST_TEST(parse(
                           stream, [] { return 1; }, bound) == expected);
            BOOST_TEST(parse(stream, random_sizes(seed + 7), bound) == expected);
        }
        for (const seen_event& event : expected.events) {
            if (bound != 0) BOOST_TEST(event.data.size() <= bound);
            if (!corun::utf8::is_well_formed(event.type + event.data + event.id))
                BOOST_ERROR("not UTF-8, seed " << seed);
        }
    }
    BOOST_TEST(events > 1000u);
    BOOST_TEST(stopped > 100u);
}

BOOST_AUTO_TEST_CASE(hands_out_views_into_the_chunk_without_allocating) {
    const std::string chunk =
        "event: thread.message.delta\ndata: {\"text\":\"more than the fifteen bytes of a small string\"}\n\n"
        "event: thread.message.delta\r\ndata: {\"text\":\"\xC3\xA9t\xC3\xA9, more than fifteen bytes too\"}\r\n\r\n"
        ": a comment that is longer than fifteen bytes\nunknown: a field longer than fifteen bytes\n\n";
    const auto inside = [&](std::string_view view) {
        return std::less_equal<>()(chunk.data(), view.data()) &&
               std::less_equal<>()(view.data() + view.size(), chunk.data() + chunk.size());
    };
    parser parser;
    std::size_t views = 0;
    const std::size_t before = allocations;
    for (int round = 0; round < 3; ++round) {
        parser.feed(chunk);
        while (const corun::sse::event* event = parser.next()) views += inside(event->type) && inside(event->data);
    }
    const std::size_t made = allocations - before;
    BOOST_TEST(views == 6u);
    BOOST_TEST(made == 0u);
}

BOOST_AUTO_TEST_CASE(does_not_allocate_for_events_that_span_chunks_once_warm) {
    std::string stream;
    for (int i = 0; i < 200; ++i)
        stream += "event: thread.message.delta\nid: an id of more than fifteen bytes\ndata: some text\n\n";
    parser parser;
    std::size_t events = 0;
    const auto feed_all = [&] {
        for (std::size_t at = 0; at < stream.size(); at += 50) {
            parser.feed(std::string_view(stream).substr(at, 50));
            while (parser.next()) ++events;
        }
    };
    feed_all();
    const std::size_t before = allocations, held = allocated_bytes;
    feed_all();
    const std::size_t made = allocations - before, grown = allocated_bytes - held;
    BOOST_TEST(events == 400u);
    BOOST_TEST(made == 0u);
    BOOST_TEST(grown == 0u);
}

BOOST_AUTO_TEST_CASE(scans_each_byte_once_in_a_line_of_8_mib_fed_in_tiny_chunks) {
    const std::string stream = "data: " + std::string(std::size_t{8} << 20, 'x') + "\n\n";
    parser parser;
    std::size_t size = 0;
    const std::size_t before = allocations;
    for (std::size_t at = 0; at < stream.size(); at += 7) {
        parser.feed(std::string_view(stream).substr(at, 7));
        while (const corun::sse::event* event = parser.next()) size = event->data.size();
    }
    const std::size_t made = allocations - before;
    BOOST_TEST(size == std::size_t{8} << 20);
    BOOST_TEST(parser.bytes_scanned() == stream.size());
    // One a doubling.
    BOOST_TEST(made < 30u);
}

BOOST_AUTO_TEST_CASE(scans_each_byte_once_in_many_small_events) {
    std::string stream;
    for (int i = 0; i < 2000; ++i) stream += "event: e\r\ndata: " + std::to_string(i) + "\r\n\r\n";
    for (const std::size_t size :
         {std::size_t{1}, std::size_t{63}, std::size_t{64}, std::size_t{1000}, stream.size()}) {
        parser parser;
        std::size_t events = 0;
        for (std::size_t at = 0; at < stream.size(); at += size) {
            parser.feed(std::string_view(stream).substr(at, size));
            while (parser.next()) ++events;
        }
        BOOST_TEST(events == 2000u);
        BOOST_TEST(parser.bytes_scanned() == stream.size());
    }
}

BOOST_AUTO_TEST_CASE(reads_a_data_line_of_2_mb) {
    std::string data;
    while (data.size() < 2'000'000) data += "{\"tool\":\"caf\xC3\xA9\",\"n\":" + std::to_string(data.size()) + "},";
    const std::string stream = "event: thread.run.step.completed\ndata: " + data + "\n\n";
    const outcome expected{{{"thread.run.step.completed", data, ""}}, "", {}, parser_error::none, {}};
    BOOST_TEST((parse_whole(stream) == expected));
    for (const std::size_t size : {1400u, 4096u, 16384u, 1'000'000u})
        BOOST_TEST((parse(stream, [&] { return size; }) == expected));
}

BOOST_AUTO_TEST_CASE(takes_an_event_of_exactly_the_bound) {
    check_all_cuts("event: ab\nid: c\ndata: defgh\ndata: i\n\n",
                   {{{"ab", "defgh\ni", "c"}}, "c", {}, parser_error::none, {}}, 10);
    check_all_cuts("event: ab\nid: c\ndata: defgh\ndata: i\n\n", {{}, "", {}, parser_error::event_too_large, {}}, 9);
}

BOOST_AUTO_TEST_CASE(delivers_what_came_before_the_event_that_is_too_large) {
    check_all_cuts("id: 1\nretry: 20\ndata: tea\n\ndata: a whole cake\n\ndata: never\n\n",
                   {{seen_message("tea", "1")}, "1", 20, parser_error::event_too_large, {}}, 8);
}

BOOST_AUTO_TEST_CASE(stops_in_the_middle_of_a_line_that_is_too_large) {
    check_all_cuts("data: tea\n\ndata: a whole ca", {{seen_message("tea")}, "", {}, parser_error::event_too_large, {}},
                   8);
}

BOOST_AUTO_TEST_CASE(counts_each_kind_of_field) {
    for (const std::string_view stream :
         {"event: 123456789\n"sv, "id: 123456789\n"sv, "retry: 123456789\n"sv, "data: 123456789\n"sv,
          "data: 1234\ndata: 5678\n"sv, "event: 12345\nevent: 6789\n"sv})
        check_all_cuts(stream, {{}, "", {}, parser_error::event_too_large, {}}, 8);
}

BOOST_AUTO_TEST_CASE(counts_what_replaced_malformed_text) {
    check_all_cuts("data: \xFF\xFF\n\n", {{seen_message("\xEF\xBF\xBD\xEF\xBF\xBD")}, "", {}, parser_error::none, {}},
                   6);
    check_all_cuts("data: \xFF\xFF\n\n", {{}, "", {}, parser_error::event_too_large, {}}, 5);
}

BOOST_AUTO_TEST_CASE(counts_empty_data_lines) {
    std::string stream;
    for (int i = 0; i < 10; ++i) stream += "data\n";
    check_all_cuts(stream + "\n", {{seen_message(std::string(9, '\n'))}, "", {}, parser_error::none, {}}, 9);
    check_all_cuts(stream + "\n", {{}, "", {}, parser_error::event_too_large, {}}, 8);
}

BOOST_AUTO_TEST_CASE(counts_anew_for_each_event) {
    std::string stream;
    outcome expected;
    for (int i = 0; i < 30; ++i) {
        stream += "data: 12345678\n\nevent: 1234567\n\n";
        expected.events.push_back(seen_message("12345678"));
    }
    check_all_cuts(stream, expected, 8);
}

BOOST_AUTO_TEST_CASE(does_not_count_comments_and_unknown_fields) {
    const std::string filling(500, 'x');
    check_all_cuts(":" + filling + "\nevents: " + filling + "\n" + filling + "\ndata: tea\n\n",
                   {{seen_message("tea")}, "", {}, parser_error::none, {}}, 3);
}

BOOST_AUTO_TEST_CASE(takes_a_bound_of_zero_for_none) {
    const std::string data(std::size_t{20} << 20, 'x');
    BOOST_TEST((parse(
                    "data: " + data + "\n\n", [] { return 65536; }, 0) ==
                outcome{{seen_message(data)}, "", {}, parser_error::none, {}}));
}

BOOST_AUTO_TEST_CASE(stays_stopped_until_reset) {
    parser parser(4);
    std::vector<seen_event> events;
    feed(parser, "data: large\n\n", events);
    feed(parser, "data: tea\n\n", events);
    BOOST_TEST(events.empty());
    BOOST_TEST(parser.finish() == nullptr);
    BOOST_TEST((parser.error() == parser_error::event_too_large));
    BOOST_TEST(parser.bytes_scanned() > 0u);

    parser.reset();
    BOOST_TEST((parser.error() == parser_error::none));
    feed(parser, "data: tea\n\ndata: large\n\n", events);
    BOOST_TEST(events == std::vector{seen_message("tea")});
    BOOST_TEST((parser.error() == parser_error::event_too_large));
}

BOOST_AUTO_TEST_CASE(forgets_everything_on_reset) {
    parser parser;
    std::vector<seen_event> events;
    feed(parser, "id: 1\nretry: 5\ndata: tea\n\nevent: brew\ndata: la\r", events);
    feed(parser, "data: s", events);
    parser.reset();
    BOOST_TEST(parser.last_event_id() == "");
    BOOST_TEST(!parser.retry().has_value());
    BOOST_TEST(parser.bytes_scanned() == 0u);
    // The byte order mark counts again, and the LF does not follow a CR.
    feed(parser, "\xEF\xBB\xBF\ndata: cake\n\n", events);
    BOOST_TEST(events == (std::vector{seen_message("tea", "1"), seen_message("cake")}));
}

BOOST_AUTO_TEST_CASE(can_be_reset_with_events_left) {
    parser parser;
    parser.feed("data: 1\n\ndata: 2\n\n");
    BOOST_REQUIRE(parser.next() != nullptr);
    parser.reset();
    BOOST_TEST(parser.next() == nullptr);
    BOOST_TEST(parser.finish() == nullptr);
}

BOOST_AUTO_TEST_CASE(reads_nothing_after_the_end) {
    parser parser;
    std::vector<seen_event> events;
    feed(parser, "data: tea\n", events);
    BOOST_REQUIRE(parser.finish() != nullptr);
    BOOST_TEST(parser.finish() == nullptr);
    feed(parser, "\ndata: cake\n\n", events);
    BOOST_TEST(events.empty());
    BOOST_TEST(parser.last_event_id() == "");
}

BOOST_AUTO_TEST_CASE(can_be_moved_and_copied_between_chunks) {
    parser first;
    std::vector<seen_event> events;
    feed(first, "event: e\nid: 1\ndata: t", events);
    parser copy = first;
    parser moved = std::move(first);
    feed(moved, "ea\n\n", events);
    feed(copy, "wo\n\n", events);
    BOOST_TEST(events == (std::vector<seen_event>{{"e", "tea", "1"}, {"e", "two", "1"}}));
}

struct hostile_stream {
    std::string_view name, begin, piece;
    bool too_large;
};

std::ostream& operator<<(std::ostream& out, const hostile_stream& what) {
    return out << what.name;
}

constexpr hostile_stream hostile_streams[] = {
    {"an endless data line", "data: ", "some text without an end, ", true},
    {"endless malformed data", "data: ", "\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF", true},
    {"endless data lines", "", "data: 0123456789\n", true},
    {"endless empty data lines", "", "data\n", true},
    {"an endless event line", "event: ", "some text without an end, ", true},
    {"endless event lines", "", "event: some text, cut somewhere\n", true},
    {"an endless id line", "id: ", "some text without an end, ", true},
    {"endless id lines", "", "id: some text, cut somewhere\n", true},
    {"an endless retry line", "retry: ", "1234567890", true},
    {"an endless comment", ":", "some text without an end, ", false},
    {"an endless unknown field", "unknown: ", "some text without an end, ", false},
    {"an endless line without colon", "", "data", false},
    {"endless comments", "", ": keep-alive\n\n", false},
    {"endless small events", "", "event: e\ndata: 0123456789\nid: 1\n\n", false},
};

BOOST_DATA_TEST_CASE(holds_no_more_than_the_bound, boost::unit_test::data::make(hostile_streams), hostile) {
    constexpr std::size_t bound = 100'000;
    const std::size_t held = allocated_bytes;
    std::size_t peak = 0, resting = 0, fed = 0;
    {
        parser parser(bound);
        peak_bytes = held;
        parser.feed(hostile.begin);
        while (parser.next()) {
        }
        // In odd pieces, so that lines are cut.
        while (fed < 20 * bound && parser.error() == parser_error::none) {
            for (std::string_view rest = hostile.piece; !rest.empty();
                 rest.remove_prefix(std::min<std::size_t>(7, rest.size()))) {
                parser.feed(rest.substr(0, 7));
                while (parser.next()) {
                }
            }
            fed += hostile.piece.size();
            resting = std::max(resting, allocated_bytes - held);
        }
        peak = peak_bytes - held;
        BOOST_TEST((parser.error() == parser_error::event_too_large) == hostile.too_large);
    }
    BOOST_TEST(resting <= (hostile.too_large ? bound + 4096 : 8192));
    // The old memory and the new exist together while it grows; a little is the test's own.
    BOOST_TEST(peak <= (hostile.too_large ? 2 * bound + 4096 : 8192));
    BOOST_TEST(allocated_bytes <= held + 4096);
}

BOOST_AUTO_TEST_CASE(gives_back_the_memory_of_a_large_event) {
    const std::string large(1'000'000, 'x');
    const std::string stream = "event: " + large + "\nid: " + large + "\nid: 1\ndata: " + large + "\n\n";
    parser parser;
    std::size_t events = 0;
    const std::size_t held = allocated_bytes;
    for (std::size_t at = 0; at < stream.size(); at += 1000) {
        parser.feed(std::string_view(stream).substr(at, 1000));
        while (parser.next()) ++events;
    }
    const std::size_t kept = allocated_bytes - held;
    BOOST_TEST(events == 1u);
    BOOST_TEST(kept < 16'384u);
}

BOOST_AUTO_TEST_CASE(gives_back_the_memory_of_a_large_id_that_another_one_replaces) {
    const std::string first = "id: " + std::string(1'000'000, 'x') + "\ndata: tea\n\n";
    parser parser;
    const std::size_t held = allocated_bytes;
    for (const std::string_view stream : {std::string_view(first), "id: 1\ndata: cake\n\n"sv}) {
        parser.feed(stream);
        while (parser.next()) {
        }
    }
    BOOST_TEST(parser.last_event_id() == "1");
    BOOST_TEST(allocated_bytes - held < 16'384u);
}

BOOST_AUTO_TEST_CASE(gives_back_the_memory_of_a_large_event_that_ends_the_stream) {
    const std::string stream = "data: " + std::string(1'000'000, 'x');
    parser parser;
    const std::size_t held = allocated_bytes;
    parser.feed(stream);
    BOOST_TEST(parser.next() == nullptr);
    BOOST_TEST(parser.finish() != nullptr);
    BOOST_TEST(parser.finish() == nullptr);
    BOOST_TEST(allocated_bytes - held < 16'384u);
}

BOOST_AUTO_TEST_CASE(gives_back_the_memory_when_it_stops) {
    const std::size_t held = allocated_bytes;
    parser parser(1'000'000);
    const std::string piece(1000, 'x');
    parser.feed("data: ");
    while (parser.next()) {
    }
    while (parser.error() == parser_error::none) {
        parser.feed(piece);
        while (parser.next()) {
        }
    }
    BOOST_TEST(allocated_bytes - held < 4096u);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(sse_scan)

BOOST_AUTO_TEST_CASE(finds_each_line_end_and_nothing_else_at_every_place) {
    for (int value = 0; value < 256; ++value) {
        for (std::size_t at = 0; at < corun::sse::block_size; ++at) {
            // The neighbours differ from a line end by one: what a borrow between bytes would flag.
            char bytes[corun::sse::block_size];
            std::fill(std::begin(bytes), std::end(bytes), at % 2 ? '\x0b' : '\x0c');
            bytes[at] = static_cast<char>(value);
            const std::uint64_t expected = value == '\n' || value == '\r' ? std::uint64_t{1} << at : 0;
            for (const corun::sse::block found :
                 {corun::sse::scan_block(bytes), corun::sse::scan_block_portable(bytes)}) {
                BOOST_REQUIRE(found.line_ends == expected);
                BOOST_REQUIRE(found.non_ascii == (value >= 0x80));
            }
        }
    }
}

BOOST_AUTO_TEST_CASE(finds_the_same_line_ends_either_way_in_random_blocks) {
    std::minstd_rand random(1);
    for (int round = 0; round < 5000; ++round) {
        char bytes[corun::sse::block_size];
        std::uint64_t expected = 0;
        for (std::size_t i = 0; i < corun::sse::block_size; ++i) {
            bytes[i] = "\n\r\x0b\x0c\x8a\x8d\0x"[random() / 7 % 8];
            if (bytes[i] == '\n' || bytes[i] == '\r') expected |= std::uint64_t{1} << i;
        }
        BOOST_REQUIRE(corun::sse::scan_block(bytes).line_ends == expected);
        BOOST_REQUIRE(corun::sse::scan_block_portable(bytes).line_ends == expected);
    }
}

BOOST_AUTO_TEST_SUITE_END()
