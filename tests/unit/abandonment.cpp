#include "run/abandonment.hpp"

#include <boost/test/unit_test.hpp>

namespace {

using namespace corun;
using codec::event_class;
using fate = run::abandonment;
using run::existence;
using run::phase;
using run::run_fsm;

run_fsm begun(existence exists = existence::known) {
    run_fsm m({}, {});
    m.run_exists(exists);
    m.response_accepted();
    return m;
}

run_fsm waiting() {
    run_fsm m = begun();
    (void)m.event_arrived(event_class::action);
    return m;
}

void check(const run_fsm& m, fate if_waiting, fate cancelled) {
    BOOST_TEST((run::abandon(abandoned_run::goes_on, m) == fate::leave));
    BOOST_TEST((run::abandon(abandoned_run::cancelled_if_waiting, m) == if_waiting));
    BOOST_TEST((run::abandon(abandoned_run::cancelled, m) == cancelled));
}

}  // namespace

BOOST_AUTO_TEST_SUITE(abandonment)

BOOST_AUTO_TEST_CASE(by_default_only_runs_that_wait_are_cancelled) {
    BOOST_TEST((run_options().on_abandon == abandoned_run::cancelled_if_waiting));
}

BOOST_AUTO_TEST_CASE(a_run_at_work_goes_on_unless_it_is_to_be_cancelled) {
    check(begun(), fate::leave, fate::cancel);
    // So does one whose creation was not answered.
    check(begun(existence::possible), fate::leave, fate::cancel);
    run_fsm lost = begun();
    lost.fail(errc::total_timeout);
    check(lost, fate::leave, fate::cancel);
}

BOOST_AUTO_TEST_CASE(what_was_never_begun_or_has_ended_is_left) {
    check(begun(existence::none), fate::leave, fate::leave);
    run_fsm ended = begun();
    (void)ended.event_arrived(event_class::last);
    check(ended, fate::leave, fate::leave);
}

BOOST_AUTO_TEST_CASE(a_run_waits_until_its_answers_are_accepted) {
    check(waiting(), fate::cancel_if_waiting, fate::cancel);
    for (const phase next : {phase::sending, phase::answering}) {
        run_fsm m = waiting();
        m.enter(next);
        check(m, fate::cancel_if_waiting, fate::cancel);
        m.response_begins({});
        check(m, fate::cancel_if_waiting, fate::cancel);
        run_fsm refused = m;
        refused.enter(phase::waiting);
        check(refused, fate::cancel_if_waiting, fate::cancel);
        m.response_accepted();
        check(m, fate::leave, fate::cancel);
    }
}

BOOST_AUTO_TEST_CASE(a_run_still_waits_when_its_handlers_have_failed) {
    run_fsm m = waiting();
    m.enter(phase::answering);
    m.fail_earlier(errc::handler_failed);
    check(m, fate::cancel_if_waiting, fate::cancel);
}

BOOST_AUTO_TEST_CASE(answers_that_arrived_without_a_response_count) {
    run_fsm found = waiting();
    found.enter(phase::answering);
    found.answer_lost(errc::connection_lost);
    check(found, fate::leave, fate::cancel);
    run_fsm polled = waiting();
    polled.enter(phase::sending);
    polled.polling_began({});
    check(polled, fate::leave, fate::cancel);
}

BOOST_AUTO_TEST_SUITE_END()
