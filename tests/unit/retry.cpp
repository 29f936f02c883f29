// When a request is sent again, and after how long: without a clock.
#include "run/retry.hpp"

#include "protocol/retry_hint.hpp"

#include <boost/test/unit_test.hpp>

#include <optional>
#include <string_view>

namespace {

using namespace corun;
using namespace std::chrono_literals;
using run::carried_out;

retry_policy without_jitter() {
    retry_policy policy;
    policy.jitter = 0;
    return policy;
}

error answered(int status, std::optional<bool> advice = {}) {
    diagnostics details;
    details.status = status;
    details.should_retry = advice;
    return error(status >= 500 ? errc::server_failed : errc::bad_request, details);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(retry)

BOOST_AUTO_TEST_CASE(a_status_tells_whether_the_request_was_carried_out) {
    const struct {
        int status;
        carried_out expected;
    } cases[] = {
        {302, carried_out::refused}, {400, carried_out::refused}, {401, carried_out::refused},
        {404, carried_out::refused}, {408, carried_out::no},      {409, carried_out::refused},
        {429, carried_out::no},      {500, carried_out::unknown}, {501, carried_out::refused},
        {502, carried_out::unknown}, {503, carried_out::no},      {504, carried_out::unknown},
        {505, carried_out::refused}, {529, carried_out::unknown},
    };
    for (const auto& each : cases) {
        BOOST_TEST_INFO(each.status);
        BOOST_CHECK(run::was_carried_out(answered(each.status)) == each.expected);
    }
}

BOOST_AUTO_TEST_CASE(the_service_s_own_word_stands_over_the_status) {
    BOOST_CHECK(run::was_carried_out(answered(429, false)) == carried_out::refused);
    BOOST_CHECK(run::was_carried_out(answered(500, true)) == carried_out::no);
    BOOST_CHECK(run::was_carried_out(answered(409, true)) == carried_out::no);
}

BOOST_AUTO_TEST_CASE(a_broken_connection_tells_whether_the_request_was_carried_out) {
    const struct {
        errc code;
        carried_out expected;
    } cases[] = {
        {errc::connect_failed, carried_out::no},       {errc::connect_timeout, carried_out::no},
        {errc::connection_lost, carried_out::perhaps}, {errc::premature_eof, carried_out::perhaps},
        {errc::idle_timeout, carried_out::perhaps},    {errc::tls_failed, carried_out::refused},
        {errc::total_timeout, carried_out::refused},   {errc::credential_failed, carried_out::refused},
        {errc::bad_response, carried_out::refused},
    };
    for (const auto& each : cases) BOOST_CHECK(run::was_carried_out(error(each.code, "")) == each.expected);
}

BOOST_AUTO_TEST_CASE(delays_double_up_to_the_longest) {
    retry_policy policy = without_jitter();
    policy.max_retries = 9;
    policy.longest_delay = 5s;
    run::retry_schedule schedule(policy);
    for (const std::chrono::milliseconds expected : {500ms, 1000ms, 2000ms, 4000ms, 5000ms, 5000ms})
        BOOST_CHECK(schedule.next({}, 1) == expected);
}

BOOST_AUTO_TEST_CASE(jitter_shortens_a_delay_by_no_more_than_its_part) {
    for (const double random : {0.0, 0.25, 1.0}) {
        run::retry_schedule schedule{retry_policy()};
        const auto delay = schedule.next({}, random);
        BOOST_REQUIRE(delay.has_value());
        BOOST_CHECK(*delay == std::chrono::milliseconds(500 - static_cast<int>(250 * random)));
    }
}

BOOST_AUTO_TEST_CASE(a_hint_of_the_service_is_kept_to_the_letter) {
    run::retry_schedule schedule{retry_policy()};
    BOOST_CHECK(schedule.next(7s, 1) == 7000ms);
    BOOST_CHECK(schedule.next(0ms, 1) == 0ms);
}

BOOST_AUTO_TEST_CASE(there_is_an_end_to_retries) {
    retry_policy policy;
    policy.max_retries = 2;
    run::retry_schedule schedule(policy);
    BOOST_CHECK(schedule.next({}, 0) && schedule.next({}, 0));
    BOOST_CHECK(!schedule.next({}, 0));
    policy.max_retries = 0;
    BOOST_CHECK(!run::retry_schedule(policy).next({}, 0));
}

BOOST_AUTO_TEST_CASE(delays_stay_within_their_budget) {
    retry_policy policy = without_jitter();
    policy.max_retries = 100;
    policy.max_total_delay = 10s;
    run::retry_schedule hinted(policy);
    BOOST_CHECK(hinted.next(4s, 0) && hinted.next(4s, 0));
    BOOST_CHECK(!hinted.next(4s, 0));
    BOOST_CHECK(!run::retry_schedule(policy).next(11s, 0));
    run::retry_schedule grown(policy);
    std::chrono::milliseconds total{0};
    while (const auto delay = grown.next({}, 0)) total += *delay;
    BOOST_CHECK(total == 7500ms);  // 0.5 + 1 + 2 + 4; the next would be 8
}

BOOST_AUTO_TEST_CASE(senseless_policies_do_no_harm) {
    retry_policy policy;
    policy.max_retries = 1'000'000;
    policy.first_delay = -1s;
    policy.jitter = 7;
    policy.max_total_delay = std::chrono::milliseconds::max();
    run::retry_schedule schedule(policy);
    for (int i = 0; i != 1000; ++i) BOOST_CHECK(schedule.next({}, 2) == 0ms);
}

BOOST_AUTO_TEST_CASE(the_message_of_a_rate_limit_says_when_to_try_again) {
    const struct {
        std::string_view message;
        std::optional<std::chrono::milliseconds> expected;
    } cases[] = {
        {"Rate limit is exceeded. Try again in 22 seconds.", 22s},
        {"Please try again in 1.5s.", 1500ms},
        {"Please try again in 6m0s.", 6min},
        {"please TRY AGAIN IN 20ms", 20ms},
        {"Please retry after 3 seconds. Contact us", 3s},
        {"Retry in 2 minutes", 2min},
        {"try again after 1h2m3s", 1h + 2min + 3s},
        {"Try again in 1 second", 1s},
        {"try again in 99999999999999999999 hours", 24h},
        {"Try again in a while.", std::nullopt},
        {"Try again in 22 parsecs.", std::nullopt},
        {"Try again in ", std::nullopt},
        {"Try again in -3 seconds", std::nullopt},
        {"Sorry, something went wrong.", std::nullopt},
        {"", std::nullopt},
    };
    for (const auto& each : cases) {
        BOOST_TEST_INFO(each.message);
        BOOST_CHECK(codec::retry_hint_in(each.message) == each.expected);
    }
}

BOOST_AUTO_TEST_CASE(an_event_may_repeat_the_headers_of_a_refusal) {
    const struct {
        const char* headers;
        std::optional<std::chrono::milliseconds> expected;
    } cases[] = {
        {R"({"retry-after":"22"})", 22s},
        {R"({"retry-after":1.5})", 1500ms},
        {R"({"x-other":"1","Retry-After":"3"})", 3s},
        {R"({"retry-after":"7","retry-after-ms":"20"})", 20ms},
        {R"({"x-ms-retry-after-ms":20})", 20ms},
        {R"({"retry-after":"1e300"})", 24h},
        {R"({"retry-after":"-1"})", std::nullopt},
        {R"({"retry-after":"soon"})", std::nullopt},
        {R"({"retry-after":null})", std::nullopt},
        {R"({"retry-after":{}})", std::nullopt},
        {"{}", std::nullopt},
        {"[]", std::nullopt},
        {"", std::nullopt},
    };
    for (const auto& each : cases) BOOST_CHECK(codec::retry_hint_of(each.headers) == each.expected);
}

BOOST_AUTO_TEST_SUITE_END()
