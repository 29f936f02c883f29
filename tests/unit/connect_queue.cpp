#include "curl/connect_queue.hpp"

#include <boost/test/unit_test.hpp>

#include <cstddef>
#include <deque>
#include <vector>

namespace {

using corun::curl::connect_queue;

struct fixture {
    connect_queue queue;
    std::vector<std::size_t> admitted;  ///< The requests that waited and may connect, by their numbers.
    std::deque<connect_queue::place> places;

    /// True if it may connect at once.
    bool enter() {
        return places.emplace_back().enter(queue, [this, number = places.size()] { admitted.push_back(number); });
    }
    /// So many that have to wait.
    void enter_waiting(std::size_t count) {
        for (std::size_t i = 0; i < count; ++i) BOOST_TEST(!enter());
    }
    void check_admitted(const std::vector<std::size_t>& expected) {
        BOOST_TEST(admitted == expected, boost::test_tools::per_element());
    }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(connect_queues, fixture)

BOOST_AUTO_TEST_CASE(one_request_connects_at_a_time_and_the_others_wait_in_order) {
    BOOST_TEST(enter());
    enter_waiting(3);
    BOOST_TEST(!places[0].is_waiting());
    BOOST_TEST(places[1].is_waiting());
    check_admitted({});
    places[0].leave();
    check_admitted({2});
    BOOST_TEST(!places[1].is_waiting());
    places[1].leave();
    places[2].leave();
    check_admitted({2, 3, 4});
    enter_waiting(1);
    places[3].leave();
    places[4].leave();
    check_admitted({2, 3, 4, 5});
    BOOST_TEST(enter());
}

BOOST_AUTO_TEST_CASE(another_request_connects_for_each_hundred_that_wait) {
    BOOST_TEST(enter());
    enter_waiting(99);
    check_admitted({});
    enter_waiting(1);
    check_admitted({2});
    enter_waiting(99);
    check_admitted({2});
    enter_waiting(2);
    check_admitted({2, 3});
    // No more than four.
    enter_waiting(1000);
    check_admitted({2, 3, 4});
    places[0].leave();
    check_admitted({2, 3, 4, 5});
}

BOOST_AUTO_TEST_CASE(fewer_connect_when_fewer_wait) {
    enter();
    enter_waiting(201);
    check_admitted({2, 3});
    for (std::size_t i = 10; i < 110; ++i) places[i].leave();
    // 99 wait, and three connect.
    places[0].leave();
    places[1].leave();
    check_admitted({2, 3});
    places[2].leave();
    check_admitted({2, 3, 4});
}

BOOST_AUTO_TEST_CASE(a_request_leaves_once) {
    enter();
    enter_waiting(2);
    places[0].leave();
    places[0].leave();
    check_admitted({2});
    connect_queue::place never_entered;
    never_entered.leave();
    never_entered.fail();
    check_admitted({2});
}

BOOST_AUTO_TEST_CASE(a_request_that_gives_up_is_never_admitted) {
    enter();
    enter_waiting(2);
    places[1].leave();
    BOOST_TEST(!places[1].is_waiting());
    check_admitted({});
    places[0].leave();
    check_admitted({3});
    // Destroyed while it waits, and while it connects.
    enter_waiting(1);
    places.pop_back();
    enter_waiting(1);
    check_admitted({3});
    places.pop_front();
    places.pop_front();
    places.pop_front();
    check_admitted({3, 4});
}

BOOST_AUTO_TEST_CASE(a_failure_admits_all_that_wait) {
    enter();
    enter_waiting(5);
    places[0].fail();
    check_admitted({2, 3, 4, 5, 6});
    // Nobody else connects before they have left.
    enter_waiting(1);
    for (std::size_t i = 1; i < 5; ++i) places[i].leave();
    check_admitted({2, 3, 4, 5, 6});
    places[5].leave();
    check_admitted({2, 3, 4, 5, 6, 7});
}

BOOST_AUTO_TEST_CASE(all_that_wait_can_be_admitted) {
    queue.admit_all();
    enter();
    enter_waiting(2);
    queue.admit_all();
    check_admitted({2, 3});
    enter_waiting(1);
}

BOOST_AUTO_TEST_SUITE_END()
