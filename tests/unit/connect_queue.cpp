#include "curl/connect_queue.hpp"

#include <boost/test/unit_test.hpp>

#include <deque>
#include <string>

namespace {

using corun::curl::connect_queue;

struct fixture {
    connect_queue queue;
    std::deque<connect_queue::place> places;
    std::string admitted;  ///< A letter for each request that was told that it may connect.

    /// True if it may connect at once.
    bool enter() {
        const char name = static_cast<char>('a' + places.size());
        return places.emplace_back().enter(queue, [this, name] { admitted += name; });
    }
    /// Fills the queue: a to d connect.
    void enter_four() {
        for (int i = 0; i < 4; ++i) BOOST_TEST(enter());
    }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(connect_queues, fixture)

BOOST_AUTO_TEST_CASE(four_requests_connect_at_a_time_and_the_others_wait_in_order) {
    enter_four();
    for (int i = 0; i < 3; ++i) BOOST_TEST(!enter());
    BOOST_TEST(!places[3].is_waiting());
    BOOST_TEST(places[4].is_waiting());
    BOOST_TEST(admitted == "");
    places[2].leave();
    BOOST_TEST(admitted == "e");
    BOOST_TEST(!places[4].is_waiting());
    places[0].leave();
    places[4].leave();
    BOOST_TEST(admitted == "efg");
    BOOST_TEST(!enter());
    places[5].leave();
    BOOST_TEST(admitted == "efgh");
}

BOOST_AUTO_TEST_CASE(a_request_leaves_once) {
    enter_four();
    places[0].leave();
    places[0].leave();
    BOOST_TEST(enter());
    BOOST_TEST(!enter());
    connect_queue::place never_entered;
    never_entered.leave();
    never_entered.fail();
    BOOST_TEST(admitted == "");
}

BOOST_AUTO_TEST_CASE(a_request_that_gives_up_is_never_admitted) {
    enter_four();
    enter();
    enter();
    places[4].leave();
    BOOST_TEST(!places[4].is_waiting());
    BOOST_TEST(admitted == "");
    places[0].leave();
    BOOST_TEST(admitted == "f");
    // Destroyed while it waits, and while it connects.
    enter();
    places.pop_back();
    BOOST_TEST(admitted == "f");
    enter();
    places.pop_front();
    places.pop_front();
    BOOST_TEST(admitted == "fg");
}

BOOST_AUTO_TEST_CASE(a_failure_admits_all_that_wait) {
    enter_four();
    for (int i = 0; i < 6; ++i) enter();
    places[1].fail();
    BOOST_TEST(admitted == "efghij");
    // Nine connect now: nobody else does before fewer than four are left.
    BOOST_TEST(!enter());
    for (const std::size_t i : {0U, 2U, 3U, 4U, 5U}) places[i].leave();
    BOOST_TEST(admitted == "efghij");
    places[6].leave();
    BOOST_TEST(admitted == "efghijk");
}

BOOST_AUTO_TEST_CASE(all_that_wait_can_be_admitted) {
    queue.admit_all();
    enter_four();
    enter();
    enter();
    queue.admit_all();
    BOOST_TEST(admitted == "ef");
    BOOST_TEST(!enter());
}

BOOST_AUTO_TEST_SUITE_END()
