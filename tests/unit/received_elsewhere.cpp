#include "stream/received_elsewhere.hpp"

#include "protocol/event_access.hpp"

#include <boost/test/unit_test.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace {

using namespace corun;
using detail::event_access;
using detail::received_elsewhere;

event named(const char* name) {
    return event_access::make(events::unknown(), name, "{}", nullptr);
}

template <class Body>
event step_event(const char* name, const char* id) {
    Body body;
    body.step.id = id;
    return event_access::make(std::move(body), name, "{}", nullptr);
}

/// The events of one server-sent event.
struct decoded {
    explicit decoded(std::vector<event> all) : more(std::move(all)) {
        first = std::move(more.front());
        more.erase(more.begin());
    }
    [[nodiscard]] std::string names() const {
        std::string names(first.name());
        for (const event& each : more) names += ' ' + std::string(each.name());
        return names;
    }
    event first;
    std::vector<event> more;
};

decoded three() {
    return decoded({named("a"), named("b"), named("c")});
}

received_elsewhere after_number(std::int64_t number, std::uint64_t taken) {
    run_position position("run_1", "thread_1", number);
    auto progress = std::make_shared<detail::run_progress>();
    progress->taken = taken;
    position.progress = std::move(progress);
    return received_elsewhere(position);
}

/// The caller has received so many events of the step.
received_elsewhere in_step(const char* id, std::uint64_t events, std::uint64_t taken) {
    run_position position("run_1", "thread_1");
    auto progress = std::make_shared<detail::run_progress>();
    progress->taken = taken;
    progress->latest.step = detail::id_hash(id);
    progress->latest.events = events;
    position.progress = std::move(progress);
    received_elsewhere past(position);
    past.was_restored();
    return past;
}

std::string rest_of(received_elsewhere& past, decoded events) {
    past.drop_step(events.first, events.more);
    return events.names();
}

}  // namespace

BOOST_AUTO_TEST_SUITE(elsewhere)

BOOST_AUTO_TEST_CASE(it_covers_the_numbers_up_to_its_own) {
    const received_elsewhere past = after_number(7, 0);
    BOOST_TEST(past.has_number());
    BOOST_TEST(past.covers(6));
    BOOST_TEST(past.covers(7));
    BOOST_TEST(!past.covers(8));
    BOOST_TEST(!past.covers(std::nullopt));
    const received_elsewhere nothing;
    BOOST_TEST(!nothing.has_number());
    BOOST_TEST(!nothing.covers(7));
}

BOOST_AUTO_TEST_CASE(it_restores_until_that_is_done) {
    received_elsewhere restored = after_number(7, 0);
    BOOST_TEST(restored.restores());
    restored.was_restored();
    BOOST_TEST(!restored.restores());
    received_elsewhere streamed = after_number(7, 0);
    streamed.was_streamed();
    BOOST_TEST(!streamed.restores());
    BOOST_TEST(!received_elsewhere(run_position("run_1")).restores());
}

BOOST_AUTO_TEST_CASE(of_the_event_after_its_number_the_taken_ones_are_dropped_once) {
    for (const auto& [taken, rest] : {std::pair(0, "a b c"), {1, "b c"}, {2, "c"}, {3, "c"}, {9, "c"}}) {
        received_elsewhere past = after_number(7, static_cast<std::uint64_t>(taken));
        decoded eighth = three();
        past.drop_numbered(8, eighth.first, eighth.more);
        BOOST_TEST(eighth.names() == rest);
        decoded ninth = three();
        past.drop_numbered(9, ninth.first, ninth.more);
        BOOST_TEST(ninth.names() == "a b c");
    }
}

BOOST_AUTO_TEST_CASE(of_a_covered_event_that_is_delivered_in_any_case_the_last_stays) {
    received_elsewhere past = after_number(7, 1);
    decoded seventh = three();
    past.drop_numbered(7, seventh.first, seventh.more);
    BOOST_TEST(seventh.names() == "c");
    decoded single({named("a")});
    past.drop_numbered(8, single.first, single.more);
    BOOST_TEST(single.names() == "a");
}

BOOST_AUTO_TEST_CASE(an_event_without_a_number_is_whole) {
    received_elsewhere past = after_number(7, 2);
    decoded heartbeat = three();
    past.drop_numbered(std::nullopt, heartbeat.first, heartbeat.more);
    BOOST_TEST(heartbeat.names() == "a b c");
    received_elsewhere nothing;
    decoded numbered = three();
    nothing.drop_numbered(8, numbered.first, numbered.more);
    BOOST_TEST(numbered.names() == "a b c");
}

BOOST_AUTO_TEST_CASE(the_received_part_of_a_step_is_dropped_where_it_stands) {
    using events::step_completed;
    using events::step_created;
    const auto step_first = [] {
        return decoded({step_event<step_created>("created", "step_1"), named("a"), named("b")});
    };
    const auto step_later = [] {
        return decoded({named("x"), step_event<step_completed>("completed", "step_1"), named("a"), named("b")});
    };
    received_elsewhere one = in_step("step_1", 1, 1);
    BOOST_TEST(rest_of(one, step_first()) == "a b");
    BOOST_TEST(rest_of(one, step_first()) == "created a b");
    received_elsewhere two = in_step("step_1", 2, 2);
    BOOST_TEST(rest_of(two, step_first()) == "b");
    received_elsewhere later = in_step("step_1", 2, 2);
    BOOST_TEST(rest_of(later, step_later()) == "x b");
    // At least one event is left.
    received_elsewhere all = in_step("step_1", 9, 9);
    BOOST_TEST(rest_of(all, step_first()) == "b");
    received_elsewhere all_later = in_step("step_1", 9, 9);
    BOOST_TEST(rest_of(all_later, step_later()) == "x");
}

BOOST_AUTO_TEST_CASE(another_step_is_whole_and_the_one_is_still_waited_for) {
    using events::step_created;
    received_elsewhere past = in_step("step_2", 1, 1);
    BOOST_TEST(rest_of(past, decoded({step_event<step_created>("created", "step_1"), named("a")})) == "created a");
    BOOST_TEST(rest_of(past, three()) == "a b c");
    BOOST_TEST(rest_of(past, decoded({step_event<step_created>("created", "step_2"), named("a")})) == "a");
    // Of a step that was not the latest event, nothing is dropped.
    received_elsewhere outside = in_step("step_2", 1, 0);
    BOOST_TEST(rest_of(outside, decoded({step_event<step_created>("created", "step_2"), named("a")})) == "created a");
}

BOOST_AUTO_TEST_SUITE_END()
