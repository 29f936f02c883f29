// Text deltas: nearly all events of a stream. The fast way of reading them gives what the general one gives, and
// allocates nothing.
#include "protocol/delta_shape.hpp"
#include "protocol/read_events.hpp"
#include "protocol/responses/codec.hpp"
#include "protocol/threads/codec.hpp"
#include "run/event_queue.hpp"
#include "text/utf8.hpp"
#include <corun/event.hpp>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <new>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace {

std::size_t allocations = 0;

void* counted(std::size_t size) {
    ++allocations;
    if (void* const memory = std::malloc(size)) return memory;
    throw std::bad_alloc();
}

}  // namespace

void* operator new(std::size_t size) {
    return counted(size);
}
void* operator new[](std::size_t size) {
    return counted(size);
}
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
    ++allocations;
    return std::malloc(size);
}
void* operator new[](std::size_t size, const std::nothrow_t&) noexcept {
    ++allocations;
    return std::malloc(size);
}
void operator delete(void* memory) noexcept {
    std::free(memory);
}
void operator delete[](void* memory) noexcept {
    std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
    std::free(memory);
}
void operator delete[](void* memory, std::size_t) noexcept {
    std::free(memory);
}

namespace {

using namespace corun;
using codec::delta_shape;

struct threads {
    using decoder = codec::threads::decoder;
    static constexpr std::string_view name = "thread.message.delta";
    static std::string delta(std::string_view text, std::size_t) {
        return R"({"id":"msg_1","object":"thread.message.delta","delta":{"content":[{"index":0,"type":"text","text":)"
               R"({"value":")" +
               std::string(text) + R"("}}]}})";
    }
};

struct responses {
    using decoder = codec::responses::decoder;
    static constexpr std::string_view name = "response.output_text.delta";
    static std::string delta(std::string_view text, std::size_t number) {
        return R"({"type":"response.output_text.delta","sequence_number":)" + std::to_string(number) +
               R"(,"item_id":"msg_1","output_index":0,"content_index":0,"delta":")" + std::string(text) +
               R"(","logprobs":[],"obfuscation":")" + std::string(number % 7, 'x') + R"("})";
    }
};

/// Takes what waits, but no more than `events`, and describes it.
template <class Decoder>
std::string take_some(Decoder& decoder, run::event_queue& queue, std::size_t events) {
    std::string text;
    for (; !queue.empty() && events != 0; --events) {
        event first;
        std::vector<event> more;
        std::string problem;
        const std::error_code code = decoder.decode(queue.pop(), first, more, problem);
        more.insert(more.begin(), std::move(first));
        text += code.message() + ' ' + problem;
        for (const event& each : more) {
            text += '|' + std::to_string(each.index()) + ' ' + std::string(each.problem()) + ' ';
            if (const auto* delta = each.get_if<events::text_delta>())
                text += std::string(delta->message_id) + '/' + std::to_string(delta->content_index) + '/' +
                        std::string(delta->text);
        }
        text += '\n';
    }
    return text;
}

template <class Decoder>
std::string take_all(Decoder& decoder, run::event_queue& queue) {
    return take_some(decoder, queue, std::numeric_limits<std::size_t>::max());
}

template <class Protocol>
std::size_t allocations_of(const std::vector<std::string>& deltas) {
    run::event_queue queue;
    typename Protocol::decoder decoder;
    event first;
    std::vector<event> more;
    std::string problem;
    const auto pass = [&](const std::string& data) {
        // An event that is kept keeps its block.
        first = event();
        queue.push(Protocol::name, data);
        BOOST_REQUIRE(!decoder.decode(queue.pop(), first, more, problem));
    };
    // The second delta's shape is learned.
    pass(deltas.front());
    pass(deltas.front());
    const std::size_t before = allocations;
    for (const std::string& data : deltas) pass(data);
    const std::size_t made = allocations - before;
    BOOST_TEST(first.get_if<events::text_delta>() != nullptr);
    return made;
}

template <class Protocol>
void check_allocations() {
    std::vector<std::string> deltas;
    for (std::size_t i = 0; i != 500; ++i)
        deltas.push_back(Protocol::delta(i % 2 ? " coat" : "line\\n \\u00e9\\\"", i));
    BOOST_TEST(allocations_of<Protocol>(deltas) == 0u);
}

/// Turns some deltas into something like them.
class mutator {
public:
    explicit mutator(std::uint64_t seed) : random_(seed) {}

    template <class Protocol>
    std::string next(std::size_t number) {
        std::string data = Protocol::delta(texts_[below(std::size(texts_))], number);
        if (below(3) != 0) return data;
        for (std::size_t changes = 1 + below(2); changes != 0; --changes) change(data);
        // The parser of the stream has made it UTF-8.
        return utf8::is_well_formed(data) ? data : utf8::decoded(data);
    }

private:
    std::size_t below(std::size_t bound) { return random_() % bound; }

    void change(std::string& data) {
        const std::size_t at = below(data.size());
        switch (below(6)) {
            case 0:
                data.erase(at, 1 + below(4));
                break;
            case 1:
                data.insert(at, pieces_[below(std::size(pieces_))]);
                break;
            case 2:
                data[at] = "\"\\{}[]:,019 aun\n"[below(16)];
                break;
            case 3: {
                // A member that comes twice, or elsewhere.
                const std::size_t end = data.find(',', at);
                const std::size_t begin = data.rfind(',', at);
                if (end == data.npos || begin == data.npos || begin >= end) break;
                data.insert(below(2) != 0 ? end : data.size() - 1, data.substr(begin, end - begin));
                break;
            }
            case 4:
                if (const std::size_t id = data.find("msg_1"); id != data.npos) data[id + 4] = '2';
                break;
            case 5:
                if (const std::size_t index = data.find("index\":0"); index != data.npos) data[index + 7] = '1';
        }
    }

    static constexpr std::string_view texts_[] = {
        " a",     "",      "\\n",    "\\ud83d", "\\ude80", "\\ud83d\\ude80", "\\u00e9", "Gr\xC3\xBC\xC3\x9F",
        "\\\\\"", "a\\/b", "\\u0000"};
    static constexpr std::string_view pieces_[] = {
        " ", ",",    "\"", "\\", "\\u0064", R"("delta":"b",)", R"("id":"msg_2",)", R"("sequence_number":7,)",
        "0", "null", "{}"};
    std::mt19937_64 random_;
};

std::size_t inputs() {
    const char* const number = std::getenv("CORUN_INPUTS");
    return number ? std::strtoull(number, nullptr, 10) : 20'000;
}

template <class Protocol>
void compare_readers() {
    constexpr std::size_t stream_size = 50;
    std::size_t differences = 0, same = 0;
    for (std::size_t done = 0; done < inputs() && differences == 0; done += stream_size) {
        mutator changes(done);
        typename Protocol::decoder fast, general;
        general.use_fast_path(false);
        run::event_queue one, other;
        std::string stream;
        for (std::size_t i = 0; i != stream_size; ++i) {
            const std::string data = changes.template next<Protocol>(i);
            one.push(Protocol::name, data);
            other.push(Protocol::name, data);
            stream += data + '\n';
            const std::string by_fast = take_all(fast, one), by_general = take_all(general, other);
            if (by_fast == by_general) {
                ++same;
                continue;
            }
            ++differences;
            BOOST_ERROR("stream " << done << ":\n" << stream << "fast: " << by_fast << "general: " << by_general);
            break;
        }
    }
    BOOST_TEST(same >= inputs());
    BOOST_TEST_MESSAGE(same << " inputs read alike");
}

/// Frames an event as a service does, or like it.
std::string framed(std::string_view name, std::string_view data, std::mt19937_64& random) {
    const std::string event(name), text(data);
    switch (random() % 24) {
        case 0:
            return "event: " + event + "\r\ndata: " + text + "\r\n\r\n";
        case 1:
            return "event:" + event + "\ndata:" + text + "\n\n";
        case 2:
            return "id: 7\nevent: " + event + "\ndata: " + text + "\n\n";
        case 3:
            return ": comment\n\nevent: " + event + "\ndata: " + text + "\n\n";
        case 4:
            return "event: " + event + "\ndata: " + text + "\ndata: more\n\n";
        case 5:
            return "event: " + event + "\ndata: " + text + "\nretry: 5\n\n";
        case 6:
            return "data: " + text + "\n\n";
        case 7:
            return "event: " + event + "\ndata: " + text + "\n\n\n";
        case 8:
            return "event: \nevent: " + event + "\ndata: " + text + "\n\n";
        case 9:
            return "event: " + event + "\rdata: " + text + "\r\r";
        case 10:
            return "event: " + event + "\ndata: " + text.substr(0, text.size() / 2) + "\xff\xC3" +
                   text.substr(text.size() / 2) + "\n\n";
        case 11:
            return "retry: 5\nevent: " + event + "\ndata: " + text + "\n\n";
        default:
            return "event: " + event + "\ndata: " + text + "\n\n";
    }
}

/// A stream that is read from chunks, in one of two ways.
template <class Protocol>
struct stream_reader {
    explicit stream_reader(std::size_t limit) : max_event_bytes(limit), parser(limit) {}

    void read_with_shape(std::string_view chunk) {
        const auto receive = [this](std::string_view name, std::string_view data, const codec::shaped_text& shaped) {
            queue.push(name, data, shaped);
            recognized += shaped.shape != 0;
        };
        codec::read_events(parser, chunk, decoder.text_shape(), max_event_bytes, receive);
    }
    void read_without(std::string_view chunk) {
        parser.feed(chunk);
        while (const sse::event* event = parser.next()) queue.push(event->type, event->data);
    }
    /// What has arrived, and the state of the stream.
    std::string take(std::size_t events) {
        return take_some(decoder, queue, events) + std::to_string(static_cast<int>(parser.error())) + ' ' +
               std::string(parser.last_event_id()) + ' ' + std::to_string(parser.retry().value_or(0));
    }

    std::size_t max_event_bytes;
    sse::parser parser;
    run::event_queue queue;
    typename Protocol::decoder decoder;
    std::size_t recognized = 0;
};

template <class Protocol>
void compare_stream_readers(std::size_t limit) {
    constexpr std::size_t stream_size = 60;
    std::size_t recognized = 0;
    for (std::size_t done = 0; done < inputs(); done += stream_size) {
        mutator changes(done);
        std::mt19937_64 random(done);
        std::string stream(random() % 8 == 0 ? "\xEF\xBB\xBF" : "");
        for (std::size_t i = 0; i != stream_size; ++i)
            stream += framed(Protocol::name, changes.template next<Protocol>(i), random);
        stream_reader<Protocol> shaped(limit), general(limit);
        general.decoder.use_fast_path(false);
        const std::size_t longest = std::size_t{1} << (4 + random() % 10);
        for (std::size_t at = 0, size = 0; at < stream.size(); at += size) {
            size = std::min<std::size_t>(1 + random() % longest, stream.size() - at);
            // A chunk goes away when it has been read.
            const std::string chunk = stream.substr(at, size);
            shaped.read_with_shape(chunk);
            general.read_without(chunk);
            const std::size_t events = random() % 4 == 0 ? random() % 8 : stream_size;
            const std::string by_shape = shaped.take(events), by_parser = general.take(events);
            if (by_shape != by_parser) {
                BOOST_ERROR("stream " << done << " up to " << at + size << ":\n"
                                      << stream.substr(0, at + size) << "\nby shape: " << by_shape
                                      << "\nby the parser: " << by_parser);
                return;
            }
        }
        BOOST_TEST(shaped.parser.bytes_scanned() <= stream.size());
        recognized += shaped.recognized;
    }
    BOOST_TEST(recognized > inputs() / (limit == 0 ? 50 : 5000));
}

bool matches(const delta_shape& shape, std::string_view data, codec::shaped_text& found) {
    return shape.read(data, found);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(text_deltas)

BOOST_AUTO_TEST_CASE(allocate_nothing) {
    check_allocations<threads>();
    check_allocations<responses>();
}

BOOST_AUTO_TEST_CASE(are_read_alike_by_both_readers) {
    compare_readers<threads>();
    compare_readers<responses>();
}

BOOST_AUTO_TEST_CASE(are_read_alike_from_a_stream_with_and_without_a_shape) {
    compare_stream_readers<threads>(0);
    compare_stream_readers<responses>(0);
    // About half of the events are larger than that: the first one ends the stream.
    compare_stream_readers<threads>(150);
    compare_stream_readers<responses>(215);
}

BOOST_AUTO_TEST_CASE(a_shape_is_recognised_by_all_that_does_not_change) {
    const std::string learned = R"({"sequence_number":7,"id":"i","delta":"a","obfuscation":"xx","x":[1]})";
    const auto view = [&learned](std::string_view part) {
        return std::string_view(learned).substr(learned.find(part), part.size());
    };
    delta_shape shape;
    codec::shaped_text found;
    BOOST_TEST(!matches(shape, learned, found));
    shape.learn("n", learned, view("a\",\"ob").substr(0, 1), view("i\",\"de").substr(0, 1));
    BOOST_REQUIRE(matches(shape, learned, found));
    BOOST_TEST(found.text == "a");
    BOOST_TEST(found.id == "i");
    BOOST_TEST(!found.escaped);
    BOOST_TEST(matches(shape, R"({"sequence_number":123,"id":"i","delta":"\"b\"","obfuscation":"","x":[1]})", found));
    BOOST_TEST(found.text == R"(\"b\")");
    BOOST_TEST(found.id == "i");
    BOOST_TEST(found.escaped);
    for (const char* other : {R"({"sequence_number":07,"id":"i","delta":"a","obfuscation":"xx","x":[1]})",
                              R"({"sequence_number":-7,"id":"i","delta":"a","obfuscation":"xx","x":[1]})",
                              R"({"sequence_number":7.5,"id":"i","delta":"a","obfuscation":"xx","x":[1]})",
                              R"({"sequence_number":7,"id":"j","delta":"a","obfuscation":"xx","x":[1]})",
                              R"({"sequence_number":7,"id":"i","delta":1,"obfuscation":"xx","x":[1]})",
                              R"({"sequence_number":7,"id":"i","delta":"\q","obfuscation":"xx","x":[1]})",
                              R"({"sequence_number":7,"id":"i","delta":"a","obfuscation":null,"x":[1]})",
                              R"({"sequence_number":7,"id":"i","delta":"a","obfuscation":"xx","x":[2]})",
                              R"({"sequence_number":7,"id":"i","delta":"a","obfuscation":"xx","x":[1]} )",
                              R"({"sequence_number":7,"id":"i","delta":"a","obfuscation":"xx","x":[1)",
                              R"({"sequence_number":7,"id":"i","delta":"a)", R"({"sequence_number":)", "", "{}"})
        BOOST_TEST(!matches(shape, other, found), other);
    shape.forget();
    BOOST_TEST(!matches(shape, learned, found));
}

BOOST_AUTO_TEST_CASE(a_number_that_is_none_makes_no_shape) {
    const std::string data = R"({"sequence_number":"7","id":"i","delta":"a"})";
    delta_shape shape;
    codec::shaped_text found;
    shape.learn("n", data, std::string_view(data).substr(data.find("a\"}"), 1),
                std::string_view(data).substr(data.find("i\",\"de"), 1));
    BOOST_TEST(!matches(shape, data, found));
}

BOOST_AUTO_TEST_SUITE_END()
