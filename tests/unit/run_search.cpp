#include "run/run_search.hpp"

#include <boost/test/unit_test.hpp>

namespace {

using namespace corun;
using namespace std::chrono_literals;
using search_type = run::run_search;
using step = search_type::step;

const run::time_point start{};

void check_waits(const search_type& search, bool listening, run::time_point now, std::optional<run::time_point> until) {
    const search_type::decision next = search.next(listening, now);
    BOOST_TEST((next.step == step::wait));
    BOOST_TEST((next.until == until));
}

}  // namespace

BOOST_AUTO_TEST_SUITE(run_search)

BOOST_AUTO_TEST_CASE(an_event_that_is_on_its_way_is_given_a_moment) {
    search_type search(500ms, 1, start);
    check_waits(search, true, start, start + 100ms);
    check_waits(search, true, start + 99ms, start + 100ms);
    BOOST_TEST((search.next(true, start + 100ms).step == step::look));
}

BOOST_AUTO_TEST_CASE(looks_go_on_with_growing_delays_while_an_event_may_come) {
    search_type search(500ms, 1, start);
    run::time_point now = start + 100ms;
    for (const auto delay : {100ms, 200ms, 400ms, 800ms, 1600ms, 2000ms, 2000ms}) {
        BOOST_TEST((search.next(true, now).step == step::look));
        search.looked(false, true, now);
        check_waits(search, true, now, now + delay);
        now += delay;
    }
}

BOOST_AUTO_TEST_CASE(where_no_event_can_come_it_looks_at_once_and_a_few_times) {
    search_type once(500ms, 1, start);
    BOOST_TEST((once.next(false, start).step == step::look));
    once.looked(false, false, start);
    BOOST_TEST((once.next(false, start).step == step::nothing));

    search_type often(500ms, 3, start);
    often.looked(false, true, start);
    BOOST_TEST((often.next(false, start).step == step::look));
    often.looked(false, false, start);
    check_waits(often, false, start, start + 200ms);
    BOOST_TEST((often.next(false, start + 200ms).step == step::look));
    often.looked(false, false, start + 200ms);
    often.looked(false, false, start + 600ms);
    BOOST_TEST((often.next(false, start + 600ms).step == step::nothing));
}

BOOST_AUTO_TEST_CASE(what_cannot_be_looked_for_only_an_event_can_name) {
    search_type patient(500ms, 1, start);
    patient.looked(std::nullopt, true, start + 100ms);
    check_waits(patient, true, start + 100ms, start + 500ms);
    BOOST_TEST((patient.next(true, start + 500ms).step == step::unknown));
    BOOST_TEST((patient.next(false, start + 100ms).step == step::unknown));

    search_type endless({}, 1, start);
    endless.looked(std::nullopt, true, start + 100ms);
    check_waits(endless, true, start + 1h, std::nullopt);
    BOOST_TEST((endless.next(false, start + 1h).step == step::unknown));
}

BOOST_AUTO_TEST_SUITE_END()
