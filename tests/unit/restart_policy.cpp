#include "run/restart_policy.hpp"

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <optional>
#include <string>
#include <utility>

namespace {

using namespace corun;
using namespace std::chrono_literals;
using run::restart_policy;
using reason = run::restart_policy::reason;

last_error failure(std::string code, std::string message = {}) {
    last_error result;
    result.code = std::move(code);
    result.message = std::move(message);
    return result;
}

last_error rejected_token() {
    return failure("tool_server_error", "Error retrieving tool list from MCP server 'a': status code 401");
}

last_error rate_limit(std::optional<std::chrono::milliseconds> retry_after = std::nullopt) {
    last_error result = failure("rate_limit_exceeded");
    result.retry_after = retry_after;
    return result;
}

retry_policy policy(int retries = 5) {
    retry_policy result;
    result.max_retries = retries;
    result.first_delay = 1s;
    result.longest_delay = 8s;
    result.max_total_delay = 1h;
    result.jitter = 0;
    return result;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(restarts_of_failed_runs)

BOOST_AUTO_TEST_CASE(a_rejected_token_restarts_the_run_at_once_as_often_as_allowed) {
    restart_policy restarts(1, 0, policy());
    BOOST_TEST(restarts.possible());
    const auto restart = restarts.failed(rejected_token(), true, 3s, 0);
    BOOST_REQUIRE(restart.has_value());
    BOOST_TEST((restart->reason == reason::rejected_token));
    BOOST_TEST((restart->delay == 0s));
    BOOST_TEST(!restarts.possible());
    BOOST_TEST(!restarts.failed(rejected_token(), true, {}, 0).has_value());
}

BOOST_AUTO_TEST_CASE(a_token_that_was_not_sent_was_not_rejected) {
    restart_policy restarts(1, 0, policy());
    BOOST_TEST(!restarts.failed(rejected_token(), false, {}, 0).has_value());
    BOOST_TEST(restarts.possible());
    BOOST_TEST(restarts.failed(rejected_token(), true, {}, 0).has_value());
}

BOOST_AUTO_TEST_CASE(a_rate_limit_restarts_the_run_after_the_delay_that_its_error_or_its_response_names) {
    restart_policy restarts(0, 3, policy());
    auto restart = restarts.failed(rate_limit(20s), false, 5s, 0);
    BOOST_REQUIRE(restart.has_value());
    BOOST_TEST((restart->reason == reason::rate_limit));
    BOOST_TEST((restart->delay == 20s));
    restart = restarts.failed(rate_limit(), false, 5s, 0);
    BOOST_TEST((restart.value().delay == 5s));
    restart = restarts.failed(rate_limit(), false, {}, 0);
    BOOST_TEST((restart.value().delay == 4s));
    BOOST_TEST(!restarts.possible());
    BOOST_TEST(!restarts.failed(rate_limit(), false, {}, 0).has_value());
}

BOOST_AUTO_TEST_CASE(an_overload_is_like_a_rate_limit_and_a_lack_of_quota_is_not) {
    for (const char* code : {"server_is_overloaded", "overloaded_error", "service_unavailable_error",
                             "rate_limit_error", "too_many_requests"})
        BOOST_TEST(restart_policy(0, 1, policy()).failed(failure(code), false, {}, 0).has_value(), code);
    BOOST_TEST(restart_policy(0, 1, policy())
                   .failed(failure("server_error", "Please try again in 2s."), false, {}, 0)
                   .has_value());
    for (const auto& [code, message] : {std::pair("insufficient_quota", "Try again in 2s."),
                                        std::pair("server_error", "Please try again."), std::pair("", "It broke.")})
        BOOST_TEST(!restart_policy(0, 1, policy()).failed(failure(code, message), false, {}, 0).has_value(), code);
}

BOOST_AUTO_TEST_CASE(a_delay_that_the_policy_does_not_allow_is_no_restart) {
    restart_policy restarts(0, 1, policy(0));
    BOOST_TEST(!restarts.failed(rate_limit(), false, {}, 0).has_value());
}

BOOST_AUTO_TEST_CASE(any_other_failure_stands) {
    restart_policy restarts(1, 1, policy());
    BOOST_TEST(!restarts.failed(failure("server_error"), true, {}, 0).has_value());
    BOOST_TEST(restarts.possible());

    restart_policy tokens_only(1, 0, policy());
    BOOST_TEST(!tokens_only.failed(rate_limit(1s), true, {}, 0).has_value());
    restart_policy limits_only(0, 1, policy());
    BOOST_TEST(!limits_only.failed(rejected_token(), true, {}, 0).has_value());
    restart_policy none(0, 0, policy());
    BOOST_TEST(!none.possible());
}

BOOST_AUTO_TEST_CASE(a_run_that_had_an_effect_is_not_restarted_but_the_one_in_its_place_is) {
    restart_policy restarts(1, 1, policy());
    restarts.run_had_effect();
    BOOST_TEST(!restarts.possible());
    restarts.run_restarted();
    BOOST_TEST(restarts.possible());
}

BOOST_AUTO_TEST_CASE(a_server_that_refuses_a_token_is_recognised_by_its_words) {
    const std::pair<const char*, const char*> refused[] = {
        {"tool_server_error", "Error retrieving tool list from MCP server 'a': 401"},
        {"http_error", "Error retrieving tool list from MCP server: 'a'. Http status code: 401 (Unauthorized)"},
        {"tool_server_error",
         "MCP Connector error. Http status: 424, error details: Error retrieving tool list from MCP server: 'a'. "
         "Http status code: 401 (Unauthorized)"},
        {"http_error", "Error retrieving tool list from MCP server: 'a'. Http status code: 424 (Failed Dependency)"},
        {"external_connector_error", "Http status code: 403 (Forbidden)"},
        {"server_error", "The MCP server 'a' answered with status 403."},
        {"mcp_authentication_error", "invalid_token"},
        {"tool_user_error", "The tool server refused the call: Unauthorized"},
        {"http_error", "calling a tool: 401"},
        {"", "mcp: token has expired"},
    };
    for (const auto& [code, message] : refused)
        BOOST_TEST(run::is_rejected_token(failure(code, message)), code << ": " << message);
    const std::pair<const char*, const char*> other[] = {
        {"http_error", "Error retrieving tool list from MCP server 'a': 500"},
        {"http_error", "Error retrieving tool list from MCP server 'a'. Http status: 424, inner status 500"},
        {"tool_server_error", "The tool took too long."},
        {"server_error", "Sorry, something went wrong."},
        // The service's own key, and a number that is no status.
        {"unauthorized", "Incorrect API key provided."},
        {"invalid_api_key", "401"},
        {"mcp_protocol_error", "request 14012 failed"},
    };
    for (const auto& [code, message] : other)
        BOOST_TEST(!run::is_rejected_token(failure(code, message)), code << ": " << message);
    // A request that was refused because what it depends on failed.
    BOOST_TEST(run::is_rejected_token(failure("", "Http status code: 401"), 424));
    BOOST_TEST(!run::is_rejected_token(failure("", "Http status code: 401"), 401));
    BOOST_TEST(!run::is_rejected_token(failure("", "It broke."), 424));
}

BOOST_AUTO_TEST_CASE(a_token_that_a_list_of_tools_shows_rejected_restarts_the_run_once) {
    restart_policy restarts(1, 0, policy());
    BOOST_TEST(!restarts.token_rejected(false));
    const auto restart = restarts.token_rejected(true);
    BOOST_REQUIRE(restart);
    BOOST_TEST((restart->reason == reason::rejected_token));
    BOOST_TEST(!restarts.token_rejected(true));
}

BOOST_AUTO_TEST_SUITE_END()
