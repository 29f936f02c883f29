// When a request is sent again, and after how long: without a clock.
#include "run/retry.hpp"

#include "protocol/error_body.hpp"
#include "values/retry_delay.hpp"

#include <boost/test/unit_test.hpp>

#include <optional>
#include <string_view>

namespace {

using namespace corun;
using namespace std::chrono_literals;
using run::retry_class;

retry_policy without_jitter() {
    retry_policy policy;
    policy.jitter = 0;
    return policy;
}

error answered(int status, std::optional<bool> advice = {}) {
    diagnostics details;
    details.status = status;
    details.should_retry = advice;
    errc code = status >= 500 ? errc::server_failed : errc::bad_request;
    if (status == 401) code = errc::unauthorized;
    if (status == 404) code = errc::not_found;
    return error(code, details);
}

/// The decisions about one call, without jitter.
struct call {
    using action = run::call_retries::action;

    explicit call(const char* method, bool idempotent = false, bool can_refresh = false)
        : retries(without_jitter(), method, idempotent, can_refresh) {}

    action after(const error& failure, std::optional<std::chrono::nanoseconds> left = {}) {
        const run::call_retries::decision decision = retries.after(failure, left, 1);
        delay = decision.delay;
        return decision.action;
    }

    run::call_retries retries;
    std::chrono::milliseconds delay{0};
};

}  // namespace

BOOST_AUTO_TEST_SUITE(retry)

BOOST_AUTO_TEST_CASE(a_code_says_more_than_a_status) {
    struct row {
        int status;
        const char *code, *message;
        retry_class expected;
    };
    for (const row& each : {
             row{400, "rate_limit_exceeded", "", retry_class::safe},
             row{403, "", "Too many requests, try again in 2s", retry_class::safe},
             row{500, "server_is_overloaded", "", retry_class::safe},
             row{500, "overloaded_error", "", retry_class::safe},
             row{529, "", "", retry_class::safe},
             // Where the server failed while it worked, words are not enough.
             row{500, "server_error", "Overloaded. Please try again.", retry_class::server_error},
             row{429, "insufficient_quota", "", retry_class::permanent},
             row{429, "", "You exceeded your current quota.", retry_class::permanent},
             row{503, "billing_not_active", "", retry_class::permanent},
             row{400, "invalid_prompt", "Too many requests in it", retry_class::permanent},
         }) {
        diagnostics details = answered(each.status).details();
        details.service_code = each.code;
        details.service_message = each.message;
        BOOST_TEST_CONTEXT(each.status << each.code << each.message)
        BOOST_CHECK(run::classify(error(errc::bad_request, details)) == each.expected);
    }
}

BOOST_AUTO_TEST_CASE(a_status_tells_whether_a_request_may_be_sent_again) {
    const struct {
        int status;
        retry_class expected;
    } cases[] = {
        {302, retry_class::permanent},    {400, retry_class::permanent},    {401, retry_class::permanent},
        {404, retry_class::permanent},    {408, retry_class::safe},         {409, retry_class::permanent},
        {429, retry_class::safe},         {500, retry_class::server_error}, {501, retry_class::permanent},
        {502, retry_class::server_error}, {503, retry_class::safe},         {504, retry_class::server_error},
        {505, retry_class::permanent},    {529, retry_class::safe},
    };
    for (const auto& each : cases) {
        BOOST_TEST_INFO(each.status);
        BOOST_CHECK(run::classify(answered(each.status)) == each.expected);
    }
}

BOOST_AUTO_TEST_CASE(the_service_s_own_word_overrides_the_status) {
    BOOST_CHECK(run::classify(answered(429, false)) == retry_class::permanent);
    BOOST_CHECK(run::classify(answered(500, true)) == retry_class::safe);
    BOOST_CHECK(run::classify(answered(409, true)) == retry_class::safe);
}

BOOST_AUTO_TEST_CASE(a_broken_connection_tells_whether_a_request_may_be_sent_again) {
    const struct {
        errc code;
        retry_class expected;
    } cases[] = {
        {errc::connect_failed, retry_class::safe},       {errc::connect_timeout, retry_class::safe},
        {errc::connection_lost, retry_class::ambiguous}, {errc::premature_eof, retry_class::ambiguous},
        {errc::idle_timeout, retry_class::ambiguous},    {errc::tls_failed, retry_class::permanent},
        {errc::total_timeout, retry_class::permanent},   {errc::credential_failed, retry_class::permanent},
        {errc::bad_response, retry_class::permanent},
    };
    for (const auto& each : cases) BOOST_CHECK(run::classify(error(each.code, "")) == each.expected);
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

BOOST_AUTO_TEST_CASE(the_schedule_counts_its_delays) {
    run::retry_schedule schedule{retry_policy()};
    BOOST_TEST(schedule.retries() == 0);
    (void)schedule.next({}, 0);
    (void)schedule.next({}, 0);
    BOOST_TEST(schedule.retries() == 2);
}

BOOST_AUTO_TEST_CASE(only_lost_responses_are_ambiguous) {
    BOOST_TEST(!is_ambiguous(retry_class::safe));
    BOOST_TEST(is_ambiguous(retry_class::ambiguous));
    BOOST_TEST(is_ambiguous(retry_class::server_error));
    BOOST_TEST(!is_ambiguous(retry_class::permanent));
}

// Calls.

BOOST_AUTO_TEST_CASE(a_safe_failure_is_retried_whatever_the_method) {
    for (const char* method : {"GET", "DELETE", "POST"}) {
        call retried(method);
        BOOST_CHECK(retried.after(answered(503)) == call::action::wait);
        BOOST_CHECK(retried.delay == 500ms);
        BOOST_CHECK(retried.after(error(errc::connect_failed, "")) == call::action::wait);
        BOOST_CHECK(retried.delay == 1s);
    }
}

BOOST_AUTO_TEST_CASE(an_ambiguous_failure_is_retried_if_the_call_is_idempotent) {
    for (const error& failure : {answered(500), error(errc::connection_lost, "")}) {
        BOOST_CHECK(call("GET").after(failure) == call::action::wait);
        BOOST_CHECK(call("DELETE").after(failure) == call::action::wait);
        BOOST_CHECK(call("POST").after(failure) == call::action::fail);
        BOOST_CHECK(call("POST", true).after(failure) == call::action::wait);
    }
}

BOOST_AUTO_TEST_CASE(a_permanent_failure_is_not_retried) {
    for (const error& failure : {answered(400), answered(501), error(errc::tls_failed, "")})
        BOOST_CHECK(call("GET").after(failure) == call::action::fail);
}

BOOST_AUTO_TEST_CASE(a_rejected_token_is_refreshed_once) {
    const error rejected = answered(401);
    call refreshing("POST", false, true);
    BOOST_CHECK(refreshing.after(rejected) == call::action::refresh_token);
    BOOST_CHECK(refreshing.after(rejected) == call::action::fail);
    BOOST_CHECK(call("POST", false, false).after(rejected) == call::action::fail);
    // Any other failure leaves the refresh for later.
    call later("GET", false, true);
    BOOST_CHECK(later.after(answered(503)) == call::action::wait);
    BOOST_CHECK(later.after(rejected) == call::action::refresh_token);
}

BOOST_AUTO_TEST_CASE(a_deletion_has_succeeded_when_its_lost_attempt_left_nothing) {
    const error gone = answered(404);
    for (const error& failure : {answered(500), error(errc::connection_lost, "")}) {
        call deletion("DELETE");
        BOOST_CHECK(deletion.after(failure) == call::action::wait);
        BOOST_CHECK(deletion.after(gone) == call::action::succeed);
    }
    BOOST_CHECK(call("DELETE").after(gone) == call::action::fail);
    call untouched("DELETE");
    BOOST_CHECK(untouched.after(answered(503)) == call::action::wait);
    BOOST_CHECK(untouched.after(gone) == call::action::fail);
    call read("GET");
    BOOST_CHECK(read.after(error(errc::connection_lost, "")) == call::action::wait);
    BOOST_CHECK(read.after(gone) == call::action::fail);
}

BOOST_AUTO_TEST_CASE(a_delay_ends_before_the_deadline) {
    BOOST_CHECK(call("GET").after(answered(503), 500ms + 1ns) == call::action::wait);
    BOOST_CHECK(call("GET").after(answered(503), 500ms) == call::action::fail);
    BOOST_CHECK(call("GET").after(answered(503), 499ms) == call::action::fail);
}

BOOST_AUTO_TEST_CASE(a_call_obeys_the_hint_of_the_service_and_the_policy) {
    diagnostics details;
    details.status = 429;
    details.retry_after = 7s;
    call hinted("GET");
    BOOST_CHECK(hinted.after(error(errc::rate_limited, details)) == call::action::wait);
    BOOST_CHECK(hinted.delay == 7s);
    call limited("GET");
    for (int i = 0; i != retry_policy().max_retries; ++i)
        BOOST_CHECK(limited.after(answered(503)) == call::action::wait);
    BOOST_CHECK(limited.after(answered(503)) == call::action::fail);
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
        BOOST_CHECK(detail::retry_delay_in(each.message) == each.expected);
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
        {"null", std::nullopt},
    };
    for (const auto& each : cases) {
        const std::string body = R"({"error":{"message":"Slow down.","headers":)" + std::string(each.headers) + "}}";
        BOOST_TEST_INFO(body);
        BOOST_CHECK(codec::decode_error(body).retry_after == each.expected);
    }
}

BOOST_AUTO_TEST_SUITE_END()
