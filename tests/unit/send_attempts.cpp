#include "run/send_attempts.hpp"

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <system_error>
#include <utility>

namespace {

using namespace corun;
using namespace std::chrono_literals;
using run::send_attempts;

retry_policy policy(int retries) {
    retry_policy result;
    result.max_retries = retries;
    result.first_delay = 1s;
    result.longest_delay = 8s;
    result.max_total_delay = 1h;
    result.jitter = 0;
    return result;
}

error network(errc code) {
    return error(code, diagnostics());
}

error answered(errc code, int status) {
    diagnostics details;
    details.status = status;
    return error(code, std::move(details));
}

}  // namespace

BOOST_AUTO_TEST_SUITE(attempts_to_send)

BOOST_AUTO_TEST_CASE(what_did_not_arrive_is_sent_again_after_growing_delays) {
    send_attempts attempts(policy(2), true);
    BOOST_TEST(attempts.number() == 1);
    auto next = attempts.failed(network(errc::connect_failed), false, 0);
    BOOST_TEST((next.delay == 1s));
    BOOST_TEST(next.send_again);
    BOOST_TEST(!next.find_run);
    BOOST_TEST(attempts.number() == 2);
    BOOST_TEST(!attempts.may_have_arrived());
    next = attempts.failed(answered(errc::rate_limited, 429), false, 0);
    BOOST_TEST((next.delay == 2s));
    BOOST_TEST(next.send_again);
    next = attempts.failed(network(errc::connect_failed), false, 0);
    BOOST_TEST(!next.delay.has_value());
    BOOST_TEST(!next.send_again);
    BOOST_TEST(!next.find_run);
}

BOOST_AUTO_TEST_CASE(what_may_have_arrived_is_looked_for_before_it_is_sent_again) {
    send_attempts attempts(policy(2), true);
    const auto next = attempts.failed(network(errc::connection_lost), false, 0);
    BOOST_TEST((next.delay == 1s));
    BOOST_TEST(next.find_run);
    BOOST_TEST(next.send_again);
    BOOST_TEST(attempts.may_have_arrived());
}

BOOST_AUTO_TEST_CASE(what_nobody_waits_for_any_longer_may_have_arrived_all_the_same) {
    for (const error& each : {network(errc::total_timeout), answered(errc::unexpected_content_type, 200)}) {
        send_attempts attempts(policy(2), true);
        const send_attempts::decision next = attempts.failed(each, false, 0);
        BOOST_TEST(!next.delay.has_value());
        BOOST_TEST(!next.find_run);
        BOOST_TEST(!next.send_again);
        BOOST_TEST(attempts.may_have_arrived());
    }
    send_attempts refused(policy(2), true);
    (void)refused.failed(answered(errc::bad_request, 400), false, 0);
    BOOST_TEST(!refused.may_have_arrived());
}

BOOST_AUTO_TEST_CASE(without_permission_to_look_what_may_have_arrived_is_not_sent_again) {
    send_attempts attempts(policy(2), false);
    const auto next = attempts.failed(network(errc::connection_lost), false, 0);
    BOOST_TEST(!next.delay.has_value());
    BOOST_TEST(!next.find_run);
    BOOST_TEST(!next.send_again);
    BOOST_TEST(attempts.may_have_arrived());
}

BOOST_AUTO_TEST_CASE(after_an_error_of_the_server_the_run_is_looked_for_and_nothing_sent_again) {
    send_attempts attempts(policy(2), true);
    const auto next = attempts.failed(answered(errc::server_failed, 500), false, 0);
    BOOST_TEST((next.delay == 1s));
    BOOST_TEST(next.find_run);
    BOOST_TEST(!next.send_again);
    BOOST_TEST(attempts.may_have_arrived());
}

BOOST_AUTO_TEST_CASE(without_retries_the_run_is_still_looked_for) {
    send_attempts attempts(policy(0), true);
    const auto next = attempts.failed(network(errc::idle_timeout), false, 0);
    BOOST_TEST(!next.delay.has_value());
    BOOST_TEST(next.find_run);
    BOOST_TEST(!next.send_again);
}

BOOST_AUTO_TEST_CASE(an_attempt_that_arrived_late_may_be_why_the_next_is_rejected) {
    for (const auto& [code, status] : {std::pair(errc::bad_request, 400), std::pair(errc::conflict, 409)}) {
        send_attempts first(policy(2), true);
        BOOST_TEST(!first.failed(answered(code, status), false, 0).find_run);

        send_attempts attempts(policy(2), true);
        (void)attempts.failed(network(errc::connection_lost), false, 0);
        const auto next = attempts.failed(answered(code, status), false, 0);
        BOOST_TEST(next.find_run);
        BOOST_TEST(!next.delay.has_value());
        BOOST_TEST(!next.send_again);
        BOOST_TEST(attempts.may_have_arrived());
    }
    send_attempts attempts(policy(2), true);
    (void)attempts.failed(network(errc::connection_lost), false, 0);
    BOOST_TEST(!attempts.failed(answered(errc::not_found, 404), false, 0).find_run);

    send_attempts never(policy(2), false);
    (void)never.failed(network(errc::connection_lost), false, 0);
    BOOST_TEST(!never.failed(answered(errc::conflict, 409), false, 0).find_run);
}

BOOST_AUTO_TEST_CASE(a_rejected_token_is_replaced_once_and_at_once) {
    send_attempts attempts(policy(2), true);
    auto next = attempts.failed(answered(errc::unauthorized, 401), true, 0);
    BOOST_TEST((next.delay == 0s));
    BOOST_TEST(next.send_again);
    BOOST_TEST(!next.find_run);
    next = attempts.failed(answered(errc::unauthorized, 401), true, 0);
    BOOST_TEST(!next.delay.has_value());
    BOOST_TEST(!next.send_again);

    send_attempts fixed(policy(2), true);
    next = fixed.failed(answered(errc::unauthorized, 401), false, 0);
    BOOST_TEST(!next.delay.has_value());
}

BOOST_AUTO_TEST_CASE(the_services_own_delay_is_kept) {
    diagnostics details;
    details.status = 429;
    details.retry_after = 17s;
    send_attempts attempts(policy(2), true);
    BOOST_TEST((attempts.failed(error(errc::rate_limited, std::move(details)), false, 0).delay == 17s));
}

BOOST_AUTO_TEST_SUITE_END()
