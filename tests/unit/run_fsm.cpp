#include "run/run_fsm.hpp"

#include "protocol/responses/sequence.hpp"

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <vector>

namespace {

using namespace corun;
using namespace std::chrono_literals;
using codec::event_class;
using run::existence;
using run::phase;
using run::run_fsm;

const run::time_point start{};

run::limits bounds(std::chrono::milliseconds idle, std::chrono::milliseconds total = 0s,
                   std::size_t high_water = 1000) {
    run::limits limits;
    limits.idle = idle;
    limits.total = total;
    limits.high_water_bytes = high_water;
    return limits;
}

/// A run whose first response has been accepted.
run_fsm streaming(run::limits limits) {
    run_fsm m(limits, start);
    m.response_accepted();
    return m;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(run_states)

BOOST_AUTO_TEST_CASE(a_run_that_completes_is_over_without_failure) {
    run_fsm m = streaming(bounds(60s));
    BOOST_TEST(m.event_arrived(event_class::ordinary));
    BOOST_TEST(!m.over());
    BOOST_TEST(m.event_arrived(event_class::last));
    BOOST_TEST(m.over());
    BOOST_TEST(!m.failure());
    m.response_ended({});
    BOOST_TEST(!m.failure());
    BOOST_TEST(!m.reading());
}

BOOST_AUTO_TEST_CASE(after_the_last_event_nothing_is_for_the_caller) {
    run_fsm m = streaming(bounds(60s));
    BOOST_TEST(m.event_arrived(event_class::last));
    BOOST_TEST(!m.event_arrived(event_class::ordinary));
    BOOST_TEST(!m.event_arrived(event_class::last));
    BOOST_TEST(!m.event_arrived(event_class::end_of_stream));
    BOOST_TEST(!m.failure());
}

BOOST_AUTO_TEST_CASE(the_rest_of_a_response_is_read_for_two_seconds_after_the_run_ended) {
    run_fsm m = streaming(bounds(60s));
    m.bytes_arrived(start + 5s);
    (void)m.event_arrived(event_class::last);
    BOOST_TEST(m.reading());
    BOOST_TEST((m.deadline() == start + 7s));
    m.bytes_arrived(start + 6s);
    BOOST_TEST((m.deadline() == start + 7s));
    m.time_passed(start + 7s);
    BOOST_TEST(!m.reading());
    BOOST_TEST(!m.failure());
    BOOST_TEST(!m.deadline().has_value());
}

BOOST_AUTO_TEST_CASE(an_end_before_the_run_ended_is_never_success) {
    run_fsm clean = streaming(bounds(60s));
    clean.response_ended({});
    BOOST_TEST(clean.over());
    BOOST_TEST(clean.failure() == errc::premature_eof);

    run_fsm done = streaming(bounds(60s));
    BOOST_TEST(!done.event_arrived(event_class::end_of_stream));
    BOOST_TEST(done.over());
    BOOST_TEST(done.failure() == errc::premature_eof);

    run_fsm broken = streaming(bounds(60s));
    broken.response_ended(errc::connection_lost);
    BOOST_TEST(broken.failure() == errc::connection_lost);
}

BOOST_AUTO_TEST_CASE(after_the_last_event_a_response_may_end_in_any_way) {
    run_fsm m = streaming(bounds(60s));
    BOOST_TEST(m.event_arrived(event_class::last));
    m.response_ended(errc::connection_lost);
    BOOST_TEST(m.over());
    BOOST_TEST(!m.failure());
}

BOOST_AUTO_TEST_CASE(an_error_event_is_delivered_and_then_is_the_failure_unless_the_run_still_ends) {
    run_fsm left = streaming(bounds(60s));
    BOOST_TEST(left.event_arrived(event_class::error));
    BOOST_TEST(!left.over());
    (void)left.event_arrived(event_class::end_of_stream);
    BOOST_TEST(left.failure() == errc::stream_failed);

    run_fsm cut = streaming(bounds(60s));
    (void)cut.event_arrived(event_class::error);
    cut.response_ended(errc::connection_lost);
    BOOST_TEST(cut.failure() == errc::stream_failed);

    run_fsm ended = streaming(bounds(60s));
    (void)ended.event_arrived(event_class::error);
    (void)ended.event_arrived(event_class::last);
    BOOST_TEST(!ended.failure());
}

BOOST_AUTO_TEST_CASE(silence_ends_at_the_idle_timeout_and_any_byte_puts_it_off) {
    run_fsm m = streaming(bounds(60s));
    BOOST_TEST((m.deadline() == start + 60s));
    m.bytes_arrived(start + 50s);
    m.time_passed(start + 60s);
    BOOST_TEST(!m.over());
    BOOST_TEST((m.deadline() == start + 110s));
    m.time_passed(start + 109s);
    BOOST_TEST(!m.over());
    m.time_passed(start + 110s);
    BOOST_TEST(m.failure() == errc::idle_timeout);
    BOOST_TEST(!m.reading());
}

BOOST_AUTO_TEST_CASE(bytes_do_not_put_off_the_total_timeout) {
    run_fsm m = streaming(bounds(60s, 90s));
    BOOST_TEST((m.deadline() == start + 60s));
    m.bytes_arrived(start + 59s);
    BOOST_TEST((m.deadline() == start + 90s));
    m.bytes_arrived(start + 89s);
    m.time_passed(start + 90s);
    BOOST_TEST(m.failure() == errc::total_timeout);
}

BOOST_AUTO_TEST_CASE(without_limits_there_is_no_deadline) {
    run_fsm m = streaming(bounds(0s));
    BOOST_TEST(!m.deadline().has_value());
    m.time_passed(start + 1000h);
    BOOST_TEST(!m.over());
}

BOOST_AUTO_TEST_CASE(reading_pauses_above_the_mark_and_goes_on_at_half_of_it) {
    run_fsm m = streaming(bounds(60s, 0s, 1000));
    m.backlog_changed(1000, start);
    BOOST_TEST(!m.paused());
    m.backlog_changed(1001, start);
    BOOST_TEST(m.paused());
    m.backlog_changed(501, start);
    BOOST_TEST(m.paused());
    m.backlog_changed(500, start);
    BOOST_TEST(!m.paused());
}

BOOST_AUTO_TEST_CASE(silence_while_we_do_not_read_does_not_count) {
    run_fsm m = streaming(bounds(60s, 0s, 1000));
    m.backlog_changed(2000, start + 10s);
    BOOST_TEST(!m.deadline().has_value());
    m.time_passed(start + 500s);
    BOOST_TEST(!m.over());
    m.backlog_changed(0, start + 500s);
    BOOST_TEST((m.deadline() == start + 560s));

    run_fsm total = streaming(bounds(60s, 90s, 1000));
    total.backlog_changed(2000, start);
    BOOST_TEST((total.deadline() == start + 90s));
}

BOOST_AUTO_TEST_CASE(the_first_failure_stays) {
    run_fsm m = streaming(bounds(60s));
    m.fail(errc::event_too_large);
    m.response_ended(errc::connection_lost);
    m.fail(errc::connection_lost);
    m.time_passed(start + 60s);
    BOOST_TEST(m.failure() == errc::event_too_large);
    BOOST_TEST(!m.reading());
}

BOOST_AUTO_TEST_CASE(an_event_that_cannot_be_read_undoes_what_came_after_it) {
    run_fsm ended = streaming(bounds(60s));
    (void)ended.event_arrived(event_class::last);
    ended.fail(errc::event_too_large);
    BOOST_TEST(!ended.failure());
    ended.fail_earlier(errc::bad_event);
    BOOST_TEST(ended.failure() == errc::bad_event);
    BOOST_TEST(!ended.reading());

    run_fsm lost = streaming(bounds(60s));
    lost.response_ended(errc::connection_lost);
    lost.fail_earlier(errc::bad_event);
    BOOST_TEST(lost.failure() == errc::bad_event);
}

BOOST_AUTO_TEST_CASE(after_an_error_event_a_lingering_connection_is_not_waited_for) {
    run_fsm m = streaming(bounds(60s));
    m.bytes_arrived(start + 1s);
    (void)m.event_arrived(event_class::error);
    BOOST_TEST((m.deadline() == start + 3s));
    m.time_passed(start + 3s);
    BOOST_TEST(m.failure() == errc::stream_failed);
}

BOOST_AUTO_TEST_CASE(a_run_that_waits_for_answers_goes_on_with_them) {
    run_fsm m = streaming(bounds(60s));
    BOOST_TEST(m.event_arrived(event_class::action));
    BOOST_TEST(m.over());
    BOOST_TEST((m.phase() == phase::waiting));
    BOOST_TEST(!m.event_arrived(event_class::end_of_stream));
    m.response_ended({});
    BOOST_TEST(!m.failure());
    BOOST_TEST(!m.deadline().has_value());

    m.enter(phase::answering);
    BOOST_TEST(!m.over());
    BOOST_TEST((m.phase() != phase::waiting));
    BOOST_TEST(!m.reading());
    m.response_begins(start + 100s);
    BOOST_TEST(!m.event_arrived(event_class::ordinary));
    m.response_accepted();
    BOOST_TEST(m.reading());
    BOOST_TEST((m.deadline() == start + 160s));
    BOOST_TEST(m.event_arrived(event_class::ordinary));
    BOOST_TEST(m.event_arrived(event_class::last));
    BOOST_TEST(m.over());
    BOOST_TEST((m.phase() != phase::waiting));
    m.enter(phase::answering);
    BOOST_TEST(m.over());
}

BOOST_AUTO_TEST_CASE(answers_may_be_at_work_before_the_response_with_the_action_has_ended) {
    run_fsm m = streaming(bounds(60s));
    (void)m.event_arrived(event_class::action);
    m.enter(phase::answering);
    BOOST_TEST((m.deadline() == start + 2s));
    m.response_ended(errc::connection_lost);
    BOOST_TEST(!m.over());
    BOOST_TEST(!m.failure());
    BOOST_TEST(!m.deadline().has_value());
}

BOOST_AUTO_TEST_CASE(the_time_that_answers_take_is_the_runs) {
    run_fsm m = streaming(bounds(60s, 10min));
    (void)m.event_arrived(event_class::action);
    m.response_ended({});
    BOOST_TEST(!m.deadline().has_value());
    m.enter(phase::answering);
    BOOST_TEST((m.deadline() == start + 10min));
    m.time_passed(start + 10min);
    BOOST_TEST(m.failure() == errc::total_timeout);
    BOOST_TEST(m.over());
}

BOOST_AUTO_TEST_CASE(answers_that_come_to_nothing_leave_the_run_waiting) {
    run_fsm m = streaming(bounds(60s));
    (void)m.event_arrived(event_class::action);
    m.enter(phase::answering);
    m.response_begins(start + 1s);
    m.response_ended({});
    BOOST_TEST(!m.over());
    BOOST_TEST(!m.failure());
    m.enter(phase::waiting);
    BOOST_TEST((m.phase() == phase::waiting));
    BOOST_TEST(!m.reading());
    m.enter(phase::answering);
    m.response_begins(start + 2s);
    m.time_passed(start + 62s);
    BOOST_TEST(!m.reading());
    BOOST_TEST(!m.failure());
    m.enter(phase::waiting);
    BOOST_TEST((m.phase() == phase::waiting));
    m.enter(phase::answering);
    m.response_begins(start + 70s);
    m.response_accepted();
    m.response_ended({});
    BOOST_TEST(m.failure() == errc::premature_eof);
    m.enter(phase::waiting);
    BOOST_TEST((m.phase() != phase::waiting));
    BOOST_TEST(m.failure() == errc::premature_eof);
}

namespace {

run::limits findable(std::chrono::milliseconds event = 0s) {
    run::limits limits = bounds(60s);
    limits.event = event;
    limits.reattachments = 2;
    return limits;
}

}  // namespace

BOOST_AUTO_TEST_CASE(a_known_run_whose_response_breaks_off_is_lost_and_not_over) {
    for (const std::error_code how : {std::error_code(), std::error_code(errc::connection_lost)}) {
        run_fsm m = streaming(findable());
        m.run_exists(existence::known);
        (void)m.event_arrived(event_class::ordinary);
        m.response_ended(how);
        BOOST_TEST((m.phase() == phase::lost));
        BOOST_TEST(!m.over());
        BOOST_TEST(!m.reading());
        BOOST_TEST(m.cause() == (how ? how : std::error_code(errc::premature_eof)));
        m.polling_began(start + 1s);
        BOOST_TEST((m.phase() == phase::polling));
        BOOST_TEST(m.reading());
        BOOST_TEST(!m.deadline().has_value());  // each reading has a limit for itself
        BOOST_TEST(m.event_arrived(event_class::last));
        BOOST_TEST(!m.failure());
    }
}

BOOST_AUTO_TEST_CASE(a_run_that_was_begun_elsewhere_is_read_without_having_been_lost) {
    run_fsm m(findable(), start);
    m.run_exists(existence::known);
    m.enter(phase::lost);
    BOOST_TEST((m.phase() == phase::lost));
    BOOST_TEST(!m.cause());
    BOOST_TEST(!m.over());
    BOOST_TEST((m.existence() == existence::known));
    m.polling_began(start);
    BOOST_TEST(m.event_arrived(event_class::last));
    BOOST_TEST(m.over());
    BOOST_TEST(!m.failure());
}

BOOST_AUTO_TEST_CASE(an_end_of_the_stream_before_that_of_the_run_loses_it) {
    run_fsm m = streaming(findable());
    m.run_exists(existence::known);
    BOOST_TEST(!m.event_arrived(event_class::end_of_stream));
    BOOST_TEST((m.phase() == phase::lost));
    BOOST_TEST(m.cause() == errc::premature_eof);
}

BOOST_AUTO_TEST_CASE(a_run_that_is_not_known_cannot_be_found) {
    run_fsm m = streaming(findable());
    m.response_ended(errc::connection_lost);
    BOOST_TEST(m.over());
    BOOST_TEST(m.failure() == errc::connection_lost);
}

BOOST_AUTO_TEST_CASE(a_run_is_found_again_no_more_often_than_allowed) {
    run_fsm m = streaming(findable());
    m.run_exists(existence::known);
    for (int i = 0; i != 2; ++i) {
        m.response_ended(errc::connection_lost);
        BOOST_TEST((m.phase() == phase::lost));
        m.polling_began(start);
    }
    m.response_ended(errc::connection_lost);
    BOOST_TEST(m.failure() == errc::connection_lost);
}

BOOST_AUTO_TEST_CASE(only_losses_without_a_new_event_between_them_count) {
    run_fsm m = streaming(findable());
    m.run_exists(existence::known);
    for (int i = 0; i != 20; ++i) {
        m.response_ended(errc::connection_lost);
        BOOST_TEST((m.phase() == phase::lost));
        m.response_begins(start);
        m.response_accepted();
        BOOST_TEST(m.event_arrived(event_class::ordinary));
    }
    for (const event_class nothing_new : {event_class::keepalive, event_class::repeated}) {
        m.response_ended(errc::connection_lost);
        BOOST_TEST((m.phase() == phase::lost));
        m.response_begins(start);
        m.response_accepted();
        (void)m.event_arrived(nothing_new);
    }
    m.response_ended(errc::connection_lost);
    BOOST_TEST(m.failure() == errc::connection_lost);
}

BOOST_AUTO_TEST_CASE(what_the_service_itself_reports_is_not_looked_into) {
    run_fsm m = streaming(findable());
    m.run_exists(existence::known);
    (void)m.event_arrived(event_class::error);
    m.response_ended(errc::connection_lost);
    BOOST_TEST(m.failure() == errc::stream_failed);

    run_fsm broken = streaming(findable());
    broken.run_exists(existence::known);
    broken.response_ended(std::make_error_code(std::errc::not_enough_memory));
    BOOST_TEST(broken.over());
}

BOOST_AUTO_TEST_CASE(keepalives_hide_no_silence_of_events) {
    run_fsm m = streaming(findable(5min));
    m.run_exists(existence::known);
    for (auto at = start + 30s; at < start + 5min; at += 30s) {
        m.bytes_arrived(at);
        BOOST_TEST(m.event_arrived(event_class::keepalive));
        m.time_passed(at);
        BOOST_TEST((m.phase() == phase::streaming));
    }
    BOOST_TEST((m.deadline() == start + 5min));
    m.time_passed(start + 5min);
    BOOST_TEST((m.phase() == phase::lost));
    BOOST_TEST(m.cause() == errc::event_timeout);
}

BOOST_AUTO_TEST_CASE(an_event_puts_the_event_timeout_off_and_so_does_a_pause) {
    run_fsm m = streaming(findable(5min));
    m.bytes_arrived(start + 1min);
    (void)m.event_arrived(event_class::ordinary);
    m.bytes_arrived(start + 330s);
    BOOST_TEST((m.deadline() == start + 6min));
    m.backlog_changed(2000, start + 350s);
    BOOST_TEST(!m.deadline().has_value());
    m.backlog_changed(0, start + 20min);
    BOOST_TEST((m.deadline() == start + 21min));  // of bytes; that of events is later
}

BOOST_AUTO_TEST_CASE(the_event_timeout_is_the_failure_of_a_run_that_cannot_be_found) {
    run_fsm m = streaming(findable(10s));
    m.time_passed(start + 10s);
    BOOST_TEST(m.failure() == errc::event_timeout);
}

BOOST_AUTO_TEST_CASE(the_total_time_passes_while_a_run_is_lost_and_between_two_tries) {
    run::limits limits = findable();
    limits.total = 100s;
    run_fsm m = streaming(limits);
    m.run_exists(existence::known);
    m.response_ended(errc::connection_lost);
    BOOST_TEST((m.deadline() == start + 100s));
    m.time_passed(start + 100s);
    BOOST_TEST(m.failure() == errc::total_timeout);

    run_fsm tried(limits, start);
    tried.attempt_failed();
    BOOST_TEST((tried.deadline() == start + 100s));
    tried.time_passed(start + 100s);
    BOOST_TEST(tried.failure() == errc::total_timeout);
}

BOOST_AUTO_TEST_CASE(a_run_whose_answers_were_carried_out_is_found_again_too) {
    run_fsm m = streaming(findable());
    m.run_exists(existence::known);
    (void)m.event_arrived(event_class::action);
    m.enter(phase::answering);
    m.response_begins(start + 1s);
    m.answer_lost(errc::connection_lost);
    BOOST_TEST((m.phase() == phase::lost));
    m.polling_began(start + 2s);
    BOOST_TEST(m.event_arrived(event_class::last));
}

// A run that is lost, and streamed again.

namespace {

run_fsm lost_run() {
    run::limits limits = bounds(60s);
    limits.reattachments = 2;
    run_fsm m = streaming(limits);
    m.run_exists(existence::known);
    m.response_ended(errc::connection_lost);
    return m;
}

}  // namespace

BOOST_AUTO_TEST_CASE(a_lost_run_goes_on_when_another_response_tells_of_it) {
    run_fsm m = lost_run();
    BOOST_TEST((m.phase() == phase::lost));
    m.response_begins(start + 1s);
    BOOST_TEST((m.phase() == phase::lost));
    BOOST_TEST(m.reading());
    m.response_accepted();
    BOOST_TEST((m.phase() == phase::streaming));
    BOOST_TEST(m.event_arrived(event_class::last));
    BOOST_TEST(m.over());
    BOOST_TEST(!m.failure());
}

BOOST_AUTO_TEST_CASE(silence_instead_of_that_response_leaves_it_lost) {
    run_fsm m = lost_run();
    m.response_begins(start + 1s);
    BOOST_TEST((m.deadline() == start + 61s));
    m.time_passed(start + 61s);
    BOOST_TEST((m.phase() == phase::lost));
    BOOST_TEST(!m.reading());
    BOOST_TEST(!m.failure());
}

BOOST_AUTO_TEST_CASE(what_arrives_twice_is_for_the_caller_once) {
    run_fsm m = streaming(bounds(60s));
    BOOST_TEST(!m.event_arrived(event_class::repeated));
    BOOST_TEST((m.phase() == phase::streaming));
    BOOST_TEST(m.event_arrived(event_class::ordinary));
}

BOOST_AUTO_TEST_CASE(events_that_are_numbered_one_by_one_prove_where_a_stream_goes_on) {
    using place = run::sequence::place;
    run::sequence numbers;
    BOOST_TEST(!numbers.last().has_value());
    for (const int number : {7, 8, 9}) BOOST_TEST((numbers.observe(number) == place::next));
    BOOST_TEST(numbers.last().value() == 9);
    numbers.resume();
    for (const int number : {7, 9}) BOOST_TEST((numbers.observe(number) == place::repeated));
    BOOST_TEST((numbers.observe(11) == place::beyond_a_gap));
    BOOST_TEST((numbers.observe(10) == place::next));
    BOOST_TEST(numbers.last().value() == 10);
    BOOST_TEST((numbers.observe(std::nullopt) == place::next));
    BOOST_TEST(!numbers.last().has_value());
}

BOOST_AUTO_TEST_CASE(events_numbered_in_another_way_prove_nothing) {
    using place = run::sequence::place;
    const std::vector<std::vector<std::optional<std::int64_t>>> streams{
        {0, 0}, {0, 2}, {-1, -1, -1}, {std::nullopt}, {0, std::nullopt, 1}, {3, 2, 1}};
    for (const auto& stream : streams) {
        run::sequence numbers;
        for (const auto& number : stream) BOOST_TEST((numbers.observe(number) == place::next));
        BOOST_TEST(!numbers.last().has_value());
    }
}

// A run whose first request is under way.

BOOST_AUTO_TEST_CASE(a_request_that_fails_has_no_effect_on_its_run) {
    run_fsm m(bounds(60s), start);
    m.response_begins(start + 1s);
    m.response_ended(errc::connection_lost);
    BOOST_TEST((m.phase() == phase::sending));
    BOOST_TEST(!m.over());
    BOOST_TEST(!m.failure());
    BOOST_TEST(!m.reading());
    BOOST_TEST(m.response_failure() == errc::connection_lost);
    m.attempt_failed();
    m.response_begins(start + 5s);
    BOOST_TEST(!m.response_failure());
    BOOST_TEST(m.reading());
    BOOST_TEST((m.deadline() == start + 65s));
    m.response_accepted();
    BOOST_TEST((m.phase() == phase::streaming));
    BOOST_TEST(m.event_arrived(event_class::last));
    BOOST_TEST(!m.failure());
}

BOOST_AUTO_TEST_CASE(a_response_that_ends_without_a_reason_ended_early) {
    run_fsm m(bounds(60s), start);
    m.response_ended({});
    BOOST_TEST(m.response_failure() == errc::premature_eof);
}

BOOST_AUTO_TEST_CASE(silence_after_a_request_ends_its_response_with_the_timeout_that_passed) {
    run_fsm idle(bounds(60s), start);
    idle.response_begins(start);
    idle.time_passed(start + 59s);
    BOOST_TEST(idle.reading());
    idle.time_passed(start + 60s);
    BOOST_TEST(!idle.reading());
    BOOST_TEST(!idle.over());
    BOOST_TEST(idle.response_failure() == errc::idle_timeout);

    run::limits limits = bounds(60s);
    limits.event = 10s;
    run_fsm event(limits, start);
    event.response_begins(start);
    event.time_passed(start + 10s);
    BOOST_TEST(event.response_failure() == errc::event_timeout);
    BOOST_TEST(!event.over());
}

BOOST_AUTO_TEST_CASE(the_total_time_passes_while_a_request_is_sent) {
    run_fsm m(bounds(0s, 10s), start);
    m.response_begins(start + 1s);
    BOOST_TEST((m.deadline() == start + 10s));
    m.time_passed(start + 10s);
    BOOST_TEST(m.over());
    BOOST_TEST(m.failure() == errc::total_timeout);
}

BOOST_AUTO_TEST_CASE(no_event_counts_before_its_response_was_accepted) {
    run_fsm m(bounds(60s), start);
    BOOST_TEST(!m.event_arrived(event_class::ordinary));
    BOOST_TEST(!m.event_arrived(event_class::last));
    BOOST_TEST(!m.over());
}

BOOST_AUTO_TEST_CASE(whether_the_run_exists_is_what_was_reported_last) {
    run_fsm m(findable(), start);
    BOOST_TEST((m.existence() == existence::none));
    m.run_exists(existence::possible);
    m.response_accepted();
    m.response_ended(errc::connection_lost);
    BOOST_TEST((m.existence() == existence::possible));
    BOOST_TEST(m.failure() == errc::connection_lost);

    run_fsm found(findable(), start);
    found.answer_lost(errc::idle_timeout);
    BOOST_TEST((found.existence() == existence::known));
    BOOST_TEST((found.phase() == phase::lost));
    BOOST_TEST(found.cause() == errc::idle_timeout);
    BOOST_TEST(!found.reading());
}

BOOST_AUTO_TEST_CASE(a_failed_run_is_begun_again_after_the_rest_of_its_response) {
    run_fsm m = streaming(bounds(60s));
    m.bytes_arrived(start + 1s);
    m.enter(phase::restarting);
    BOOST_TEST((m.phase() == phase::restarting));
    BOOST_TEST(m.reading());
    BOOST_TEST((m.deadline() == start + 3s));
    BOOST_TEST(!m.event_arrived(event_class::last));
    m.time_passed(start + 3s);
    BOOST_TEST(!m.reading());
    BOOST_TEST((m.phase() == phase::restarting));
    m.response_begins(start + 4s);
    m.response_accepted();
    BOOST_TEST(m.event_arrived(event_class::ordinary));
}

BOOST_AUTO_TEST_CASE(a_phase_is_entered_only_from_where_it_makes_sense) {
    run_fsm first(bounds(60s), start);
    first.enter(phase::restarting);
    BOOST_TEST((first.phase() == phase::sending));
    first.enter(phase::answering);
    BOOST_TEST((first.phase() == phase::sending));

    run_fsm m = streaming(bounds(60s));
    for (const phase none : {phase::sending, phase::answering, phase::waiting, phase::lost, phase::over}) {
        m.enter(none);
        BOOST_TEST((m.phase() == phase::streaming));
    }
    (void)m.event_arrived(event_class::action);
    m.enter(phase::restarting);
    BOOST_TEST((m.phase() == phase::waiting));
    m.enter(phase::sending);
    BOOST_TEST((m.phase() == phase::sending));
    BOOST_TEST(m.reading());
    m.enter(phase::waiting);
    BOOST_TEST((m.phase() == phase::waiting));
    BOOST_TEST(!m.reading());

    run_fsm polled = streaming(bounds(60s));
    polled.polling_began(start);
    polled.enter(phase::restarting);
    BOOST_TEST((polled.phase() == phase::restarting));
}

BOOST_AUTO_TEST_CASE(a_run_that_is_over_stays_over) {
    run_fsm m = streaming(bounds(60s));
    (void)m.event_arrived(event_class::last);
    m.response_accepted();
    BOOST_TEST((m.phase() == phase::over));
    m.polling_began(start);
    BOOST_TEST((m.phase() == phase::over));

    run_fsm waits = streaming(bounds(60s));
    (void)waits.event_arrived(event_class::action);
    waits.response_accepted();
    BOOST_TEST((waits.phase() == phase::waiting));
}

BOOST_AUTO_TEST_CASE(the_total_time_of_an_answer_passes_even_after_an_error_event) {
    run_fsm m = streaming(bounds(60s, 100s));
    (void)m.event_arrived(event_class::error);
    (void)m.event_arrived(event_class::action);
    m.enter(phase::answering);
    m.response_ended({});
    m.time_passed(start + 100s);
    BOOST_TEST(m.failure() == errc::total_timeout);

    run_fsm streams = streaming(bounds(60s, 1s));
    (void)streams.event_arrived(event_class::error);
    streams.time_passed(start + 1s);
    BOOST_TEST(streams.failure() == errc::stream_failed);
}

BOOST_AUTO_TEST_CASE(a_poll_has_no_silence_but_the_runs_total_time) {
    run_fsm m = streaming(bounds(60s, 100s));
    m.polling_began(start + 1s);
    BOOST_TEST((m.deadline() == start + 100s));
    m.time_passed(start + 99s);
    BOOST_TEST((m.phase() == phase::polling));
    m.time_passed(start + 100s);
    BOOST_TEST(m.failure() == errc::total_timeout);
}

BOOST_AUTO_TEST_SUITE_END()
