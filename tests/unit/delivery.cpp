#include "stream/delivery.hpp"

#include "step_fixture.hpp"

#include <boost/test/unit_test.hpp>

namespace {

using namespace corun;
using namespace corun::test;

struct fixture {
    std::string take() {
        event taken;
        return events.take(protocol, taken, failure, problem) ? std::string(taken.name()) : std::string();
    }

    fake_protocol protocol;
    detail::event_delivery events{nullptr, true};
    std::error_code failure;
    std::string problem;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(delivery)

BOOST_FIXTURE_TEST_CASE(events_are_taken_in_order_and_recorded, fixture) {
    BOOST_TEST(events.empty());
    events.push("a", "1");
    events.push("b", "2");
    BOOST_TEST(!events.empty());
    BOOST_TEST(events.count() == 2u);
    BOOST_TEST(events.bytes() > 0u);
    BOOST_TEST(take() == "a");
    BOOST_TEST(take() == "b");
    BOOST_TEST(take().empty());
    BOOST_TEST(events.empty());
    BOOST_TEST(events.count() == 2u);
    BOOST_TEST((protocol.log == std::vector<std::string>{"delivered a", "delivered b"}));
}

BOOST_FIXTURE_TEST_CASE(what_one_event_says_is_taken_piece_by_piece, fixture) {
    events.push("a", "++");
    events.push("b", "");
    BOOST_TEST(take() == "a");
    BOOST_TEST(!events.empty());
    BOOST_TEST(events.bytes() < sizeof(void*) * 16);
    BOOST_TEST(protocol.log.size() == 3u);
    BOOST_TEST(take() == "a");
    BOOST_TEST(take() == "a");
    BOOST_TEST(take() == "b");
    BOOST_TEST(events.empty());
}

BOOST_FIXTURE_TEST_CASE(an_event_that_cannot_be_decoded_ends_the_delivery, fixture) {
    events.push("a", "1");
    events.push("b", "bad");
    events.push("c", "3");
    BOOST_TEST(take() == "a");
    BOOST_TEST(take().empty());
    BOOST_TEST(failure == errc::bad_event);
    BOOST_TEST(problem == "the data is bad");
    BOOST_TEST(events.empty());
}

BOOST_FIXTURE_TEST_CASE(dropped_events_are_gone, fixture) {
    events.push("a", "+");
    events.push("b", "1");
    (void)take();
    events.drop();
    BOOST_TEST(events.empty());
    BOOST_TEST(events.bytes() == 0u);
    BOOST_TEST(take().empty());
    events.push("c", "1");
    BOOST_TEST(take() == "c");
}

BOOST_FIXTURE_TEST_CASE(what_waits_when_a_stream_is_lost_is_recorded_once, fixture) {
    events.push("a", "1");
    events.push("b", "+");
    (void)take();
    protocol.log.clear();
    events.disconnect(protocol);
    BOOST_TEST((protocol.log == std::vector<std::string>{"disconnect 1 0", "delivered b", "delivered b"}));
    protocol.log.clear();
    events.push("c", "1");
    events.disconnect(protocol);
    BOOST_TEST((protocol.log == std::vector<std::string>{"disconnect 2 1", "delivered c"}));
    protocol.log.clear();
    while (!take().empty()) {
    }
    BOOST_TEST(protocol.log.empty());
    events.push("d", "1");
    (void)take();
    BOOST_TEST((protocol.log == std::vector<std::string>{"delivered d"}));
}

BOOST_FIXTURE_TEST_CASE(what_cannot_be_decoded_ahead_and_what_follows_is_not_recorded, fixture) {
    events.push("a", "1");
    events.push("b", "bad");
    events.push("c", "1");
    events.disconnect(protocol);
    BOOST_TEST((protocol.log == std::vector<std::string>{"disconnect 3 0", "delivered a"}));
}

BOOST_FIXTURE_TEST_CASE(events_that_the_protocol_knows_are_not_recorded_again, fixture) {
    events.push("a", "1");
    events.all_recorded();
    events.push("b", "1");
    BOOST_TEST(take() == "a");
    BOOST_TEST(protocol.log.empty());
    BOOST_TEST(take() == "b");
    BOOST_TEST((protocol.log == std::vector<std::string>{"delivered b"}));
}

BOOST_AUTO_TEST_CASE(without_reattachment_nothing_is_recorded) {
    fake_protocol protocol;
    detail::event_delivery events(nullptr, false);
    std::error_code failure;
    std::string problem;
    event taken;
    events.push("a", "+");
    BOOST_TEST(events.take(protocol, taken, failure, problem));
    BOOST_TEST(protocol.log.empty());
}

BOOST_AUTO_TEST_SUITE_END()
