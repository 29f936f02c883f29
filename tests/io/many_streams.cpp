#include "emulated.hpp"

#include <boost/test/unit_test.hpp>
#include <malloc.h>
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <vector>

/// The address sanitizer's, where it is.
extern "C" [[gnu::weak]] std::size_t __sanitizer_get_current_allocated_bytes();

namespace {

using namespace corun;
using namespace corun::test;

/// Fewer where a sanitizer makes each of them slow: CORUN_STREAMS.
const int streams = [] {
    const char* set = std::getenv("CORUN_STREAMS");
    return set ? std::stoi(set) : 1000;
}();
const int slow_events = 200 * streams;

/// A descriptor at each end of every stream, and some more. Their usual limit is below that.
struct many_descriptors : emulated {
    many_descriptors() {
        constexpr rlim_t needed = 2500;
        rlimit limit{};
        if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) throw std::runtime_error("getrlimit fails");
        limit.rlim_cur = limit.rlim_max;
        if (limit.rlim_max < needed)
            throw std::runtime_error("this test needs 2500 file descriptors: raise the hard limit (ulimit -Hn)");
        if (::setrlimit(RLIMIT_NOFILE, &limit) != 0) throw std::runtime_error("setrlimit fails");
    }
};

/// How much memory is allocated. (What the process holds says little where a sanitizer keeps freed memory.)
std::size_t allocated_bytes() {
    if (__sanitizer_get_current_allocated_bytes) return __sanitizer_get_current_allocated_bytes();
    const auto use = ::mallinfo2();
    return use.uordblks + use.hblkhd;
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(many_streams, many_descriptors)

BOOST_AUTO_TEST_CASE(a_thousand_streams_run_at_once_beside_one_that_is_not_read) {
    agent a = make_plain_agent();
    // However slow a sanitizer makes them all: the time that passes decides nothing here.
    run_options patient;
    patient.idle_timeout = patient.event_timeout = std::chrono::milliseconds(0);

    // Far more events than its consumer lets in: about 40 MB for a thousand streams.
    const std::size_t before = allocated_bytes();
    event_stream slow = await(io, a.run_stream("tokens(" + std::to_string(slow_events) + ")", {}, patient));
    run_ready(io);
    // What the consumer leaves stays with the sender: 1 MB is held for it, on both sides together.
    BOOST_TEST(allocated_bytes() < before + (std::size_t{4} << 20));

    int open = 0, most_open = 0, finished = 0;
    std::vector<std::string> texts(static_cast<std::size_t>(streams));
    const auto one = [&](int number) -> asio::awaitable<void> {
        const int n = number;
        event_stream stream = co_await a.run_stream("tokens(20) of stream " + std::to_string(n), {}, patient);
        most_open = std::max(most_open, ++open);
        // All of them are open before any of them goes on.
        while (most_open < streams) co_await asio::post(io, asio::use_awaitable);
        while (auto arrived = co_await stream.next())
            if (const auto* delta = arrived->get_if<events::text_delta>())
                texts[static_cast<std::size_t>(n)] += delta->text;
        --open;
        ++finished;
    };
    for (int i = 0; i < streams; ++i)
        asio::co_spawn(io, one(i), [](std::exception_ptr failure) {
            if (failure) std::rethrow_exception(failure);
        });
    run_until(io, [&] { return finished == streams; });
    BOOST_TEST(most_open == streams);
    for (const std::string& text : texts) BOOST_TEST(text == texts.front());
    BOOST_TEST(!texts.front().empty());

    // Nobody has read the slow one meanwhile; what waits for its reader is bounded. Taking one
    // event after the other then gives all of them.
    std::size_t deltas = 0;
    std::size_t waiting = 0;
    while (auto arrived = slow.try_next()) {
        waiting += arrived->raw().size();
        if (arrived->get_if<events::text_delta>()) ++deltas;
        // Each event taken may let more in, but only once the executor runs.
    }
    BOOST_TEST(waiting > 0u);
    BOOST_TEST(waiting < std::size_t{2} << 20);
    const auto rest = [&]() -> asio::awaitable<void> {
        event_stream& stream = slow;
        while (auto arrived = co_await stream.next())
            if (arrived->get_if<events::text_delta>()) ++deltas;
    };
    await(io, rest());
    BOOST_TEST(deltas == static_cast<std::size_t>(slow_events));
}

BOOST_AUTO_TEST_SUITE_END()
