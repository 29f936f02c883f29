#include "run/event_queue.hpp"

#include <boost/test/unit_test.hpp>

#include <cstdlib>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace {

using corun::codec::raw_event;
using corun::run::block_pool;
using corun::run::event_queue;

std::string data_of(int number) {
    return "{\"number\":" + std::to_string(number) + "}";
}

}  // namespace

BOOST_AUTO_TEST_SUITE(events_that_wait)

BOOST_AUTO_TEST_CASE(come_out_in_order_whatever_the_pattern) {
    event_queue queue;
    int pushed = 0;
    int popped = 0;
    // More in than out, then less, again and again: growth, moving up and giving back all happen.
    for (int round = 1; round <= 60; ++round) {
        for (int i = 0; i < round * 7; ++i) queue.push("name", data_of(pushed++));
        for (int i = 0; i < round * (round % 3 == 0 ? 9 : 5) && !queue.empty(); ++i) {
            const raw_event event = queue.pop();
            BOOST_TEST(event.name == "name");
            BOOST_TEST(event.data == data_of(popped++));
        }
    }
    while (!queue.empty()) BOOST_TEST(queue.pop().data == data_of(popped++));
    BOOST_TEST(popped == pushed);
}

BOOST_AUTO_TEST_CASE(count_what_they_hold_and_nothing_when_all_are_taken) {
    event_queue queue;
    BOOST_TEST(queue.bytes() == 0u);
    queue.push("name", "data");
    const std::size_t one = queue.bytes();
    BOOST_TEST(one >= 8u);
    queue.push("name", "data");
    BOOST_TEST(queue.bytes() == 2 * one);
    queue.push("", "");
    BOOST_TEST(queue.bytes() > 2 * one);  // an event without a byte costs memory too
    while (!queue.empty()) (void)queue.pop();
    BOOST_TEST(queue.bytes() == 0u);
}

BOOST_AUTO_TEST_CASE(stay_readable_with_their_padding_when_the_queue_is_gone) {
    std::vector<raw_event> kept;
    {
        event_queue queue;
        for (int i = 0; i < 2000; ++i) {
            queue.push("name", data_of(i));
            if (i % 3 == 0) kept.push_back(queue.pop());
        }
        while (!queue.empty()) kept.push_back(queue.pop());
    }
    BOOST_TEST(kept.size() == 2000u);
    for (std::size_t i = 0; i < kept.size(); ++i) {
        BOOST_TEST(kept[i].data == data_of(static_cast<int>(i)));
        // The sanitizer watches: the bytes behind the data may be read, whatever they hold.
        unsigned sum = 0;
        const char* behind = kept[i].data.data() + kept[i].data.size();
        for (std::size_t k = 0; k < corun::codec::data_padding; ++k) sum += static_cast<unsigned char>(behind[k]);
        BOOST_TEST(sum < 64u * 256u);
    }
}

BOOST_AUTO_TEST_CASE(share_blocks_and_a_trickle_needs_no_new_one) {
    event_queue queue;
    queue.push("name", data_of(1));
    const void* const block = queue.pop().storage.get();
    for (int i = 0; i < 10'000; ++i) {
        queue.push("name", data_of(i));
        BOOST_TEST(queue.pop().storage.get() == block);
    }
    // One that is kept keeps its bytes: the next ones go elsewhere.
    queue.push("name", data_of(7));
    const raw_event kept = queue.pop();
    for (int i = 0; i < 1000; ++i) {
        queue.push("name", data_of(i));
        (void)queue.pop();
    }
    BOOST_TEST(kept.data == data_of(7));
}

BOOST_AUTO_TEST_CASE(wait_where_they_can_be_looked_at) {
    event_queue queue;
    BOOST_TEST(queue.waiting().empty());
    for (int i = 0; i < 1000; ++i) queue.push("name", data_of(i));
    for (int i = 0; i < 300; ++i) (void)queue.pop();
    const std::vector<raw_event> waiting = queue.waiting();
    BOOST_TEST(waiting.size() == 700u);
    BOOST_TEST(queue.pushed() - queue.taken() == 700u);
    for (const raw_event& each : waiting) BOOST_TEST(queue.pop().data == each.data);
    BOOST_TEST(queue.empty());
}

BOOST_AUTO_TEST_CASE(use_the_blocks_of_a_pool_again) {
    const auto pool = std::make_shared<block_pool>();
    const auto burst = [](event_queue& queue, std::size_t events) {
        for (std::size_t i = 0; i < events; ++i) queue.push("name", std::string(200, 'x'));
        while (!queue.empty()) (void)queue.pop();
    };
    event_queue queue(pool);
    burst(queue, 2000);
    const std::size_t kept = pool->kept();
    BOOST_TEST(kept >= std::size_t{200} * 2000);
    event_queue other(pool);
    for (int i = 0; i < 10; ++i) burst(i % 2 == 0 ? queue : other, 1000);
    BOOST_TEST(pool->kept() == kept);
    // Much at once is not kept for ever.
    burst(queue, 20'000);
    BOOST_TEST(pool->kept() <= block_pool::most_kept);
    BOOST_TEST(pool->kept() > block_pool::most_kept / 2);
}

BOOST_AUTO_TEST_CASE(outlive_the_pool_and_are_dropped_anywhere) {
    std::vector<raw_event> kept;
    {
        const auto pool = std::make_shared<block_pool>();
        event_queue queue(pool);
        for (int i = 0; i < 5000; ++i) queue.push("name", data_of(i));
        while (!queue.empty()) kept.push_back(queue.pop());
        std::vector<raw_event> elsewhere(kept.begin() + 2500, kept.end());
        kept.resize(2500);
        std::thread other([&elsewhere] {
            for (std::size_t i = 0; i < elsewhere.size(); ++i)
                if (elsewhere[i].data != data_of(static_cast<int>(2500 + i))) std::abort();
            elsewhere.clear();
        });
        for (int round = 0; round < 20; ++round) {
            for (int i = 0; i < 500; ++i) queue.push("name", data_of(i));
            while (!queue.empty()) (void)queue.pop();
        }
        other.join();
    }
    for (std::size_t i = 0; i < kept.size(); ++i) BOOST_TEST(kept[i].data == data_of(static_cast<int>(i)));
}

BOOST_AUTO_TEST_CASE(may_be_of_any_size) {
    event_queue queue;
    const std::string large(std::size_t{3} << 20, 'x');
    queue.push("small", "{}");
    queue.push("large", large);
    queue.push("small", "[]");
    BOOST_TEST(queue.pop().data == "{}");
    BOOST_TEST((queue.pop().data == large));
    BOOST_TEST(queue.pop().data == "[]");
}

BOOST_AUTO_TEST_SUITE_END()
