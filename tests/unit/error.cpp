#include "values/failure_kind.hpp"
#include <corun/error.hpp>

#include <asio/error.hpp>
#include <boost/test/unit_test.hpp>

#include <chrono>
#include <optional>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <system_error>
#include <type_traits>
#include <utility>

namespace {

using corun::errc;
using namespace std::chrono_literals;

constexpr int first = static_cast<int>(errc::invalid_argument);
constexpr int last = static_cast<int>(errc::action_required);

static_assert(std::is_error_code_enum_v<errc>);
static_assert(std::is_nothrow_copy_constructible_v<corun::error>, "exceptions are copied while others are in flight");

}  // namespace

BOOST_AUTO_TEST_SUITE(error)

BOOST_AUTO_TEST_CASE(every_code_has_a_sentence_of_its_own) {
    std::set<std::string> sentences;
    for (int value = first; value <= last; ++value) {
        const std::string sentence = corun::category().message(value);
        BOOST_TEST_CONTEXT("code " << value << ": " << sentence) {
            BOOST_TEST(sentence != "unknown error");
            BOOST_TEST(sentence.find(' ') != std::string::npos);
            BOOST_TEST(sentences.insert(sentence).second);
        }
    }
    BOOST_TEST(corun::category().message(0) == "unknown error");
    BOOST_TEST(corun::category().message(last + 1) == "unknown error");
}

BOOST_AUTO_TEST_CASE(codes_belong_to_the_category) {
    const std::error_code code = errc::not_found;
    BOOST_TEST((code == errc::not_found));
    BOOST_TEST((code != errc::forbidden));
    BOOST_TEST(&code.category() == &corun::category());
    BOOST_TEST(std::string(code.category().name()) == "corun");
    BOOST_TEST((std::error_code(code.value(), std::generic_category()) != code));
}

BOOST_AUTO_TEST_CASE(codes_equal_the_standard_condition_that_means_the_same) {
    struct {
        errc code;
        std::errc condition;
    } const table[] = {
        {errc::connect_timeout, std::errc::timed_out},
        {errc::idle_timeout, std::errc::timed_out},
        {errc::total_timeout, std::errc::timed_out},
        {errc::invalid_argument, std::errc::invalid_argument},
        {errc::invalid_endpoint, std::errc::invalid_argument},
        {errc::invalid_header, std::errc::invalid_argument},
        {errc::mcp_headers_timeout, std::errc::timed_out},
        {errc::invalid_server_label, std::errc::invalid_argument},
        {errc::unauthorized, std::errc::permission_denied},
        {errc::forbidden, std::errc::permission_denied},
        {errc::connection_lost, std::errc::connection_reset},
        {errc::response_too_large, std::errc::message_size},
        {errc::event_too_large, std::errc::message_size},
        {errc::bad_response, std::errc::bad_message},
        {errc::bad_event, std::errc::bad_message},
        {errc::event_timeout, std::errc::timed_out},
        {errc::stop_timeout, std::errc::timed_out},
    };
    std::set<errc> with_condition;
    for (const auto& row : table) BOOST_TEST_CONTEXT(corun::category().message(static_cast<int>(row.code))) {
            BOOST_TEST((make_error_code(row.code) == row.condition));
            with_condition.insert(row.code);
        }
    for (int value = first - 1; value <= last + 1; ++value) {
        const bool is_own = &corun::category().default_error_condition(value).category() == &corun::category();
        BOOST_TEST(is_own != with_condition.contains(static_cast<errc>(value)), "code " << value);
    }
    BOOST_TEST((make_error_code(errc::run_cancelled) != std::errc::operation_canceled));
}

BOOST_AUTO_TEST_CASE(knows_the_timeouts) {
    const std::set<errc> timeouts{errc::connect_timeout, errc::idle_timeout, errc::total_timeout,
                                  errc::event_timeout,   errc::stop_timeout, errc::mcp_headers_timeout};
    for (int value = first; value <= last; ++value) {
        const auto code = static_cast<errc>(value);
        BOOST_TEST_CONTEXT(corun::category().message(value)) {
            BOOST_TEST(corun::is_timeout(code) == timeouts.contains(code));
        }
    }
    BOOST_TEST(corun::is_timeout(std::make_error_code(std::errc::timed_out)));
    BOOST_TEST(!corun::is_timeout({}));
}

BOOST_AUTO_TEST_CASE(knows_what_may_succeed_later) {
    const std::set<errc> retryable{errc::connect_failed, errc::connect_timeout,     errc::idle_timeout,
                                   errc::total_timeout,  errc::connection_lost,     errc::rate_limited,
                                   errc::server_failed,  errc::mcp_headers_timeout, errc::event_timeout,
                                   errc::stop_timeout};
    for (int value = first; value <= last; ++value) {
        const auto code = static_cast<errc>(value);
        BOOST_TEST_CONTEXT(corun::category().message(value)) {
            BOOST_TEST(corun::is_retryable(code) == retryable.contains(code));
        }
    }
    BOOST_TEST(corun::is_retryable(std::make_error_code(std::errc::connection_refused)));
    BOOST_TEST(!corun::is_retryable(std::make_error_code(std::errc::operation_canceled)));
    BOOST_TEST(!corun::is_retryable({}));
}

BOOST_AUTO_TEST_CASE(knows_the_failures_of_connections_of_the_system) {
    for (const std::errc each :
         {std::errc::connection_refused, std::errc::connection_reset, std::errc::connection_aborted,
          std::errc::broken_pipe, std::errc::host_unreachable, std::errc::network_unreachable, std::errc::network_down})
        BOOST_TEST(corun::is_retryable(std::make_error_code(each)), std::make_error_code(each).message());
    BOOST_TEST(!corun::is_retryable(std::make_error_code(std::errc::permission_denied)));
    // Another category's value of the same number is not ours.
    BOOST_TEST(!corun::is_retryable(std::error_code(static_cast<int>(errc::server_failed), std::generic_category())));
}

BOOST_AUTO_TEST_CASE(the_advice_of_the_service_overrides_the_code) {
    const auto advised = [](errc code, std::optional<bool> should_retry, std::string service_code = {}) {
        corun::diagnostics details;
        details.should_retry = should_retry;
        details.service_code = std::move(service_code);
        return corun::is_retryable(corun::error(code, details));
    };
    BOOST_TEST(advised(errc::rate_limited, std::nullopt));
    BOOST_TEST(!advised(errc::rate_limited, false));
    BOOST_TEST(!advised(errc::bad_request, std::nullopt));
    BOOST_TEST(advised(errc::bad_request, true));
    BOOST_TEST(advised(errc::run_failed, std::nullopt, "rate_limit_exceeded"));
    BOOST_TEST(!advised(errc::run_failed, std::nullopt, "server_error"));
    BOOST_TEST(advised(errc::bad_request, std::nullopt, "rate_limit_exceeded"));
    BOOST_TEST(!advised(errc::rate_limited, std::nullopt, "insufficient_quota"));
    BOOST_TEST(advised(errc::rate_limited, true, "insufficient_quota"));
}

BOOST_AUTO_TEST_CASE(a_failure_is_known_by_its_code_and_by_its_sentence) {
    using corun::detail::failure_kind;
    struct row {
        std::string_view code, message;
        failure_kind kind;
    };
    for (const row& each : {
             row{"rate_limit_exceeded", "", failure_kind::rate_limit},
             row{"rate_limit_error", "", failure_kind::rate_limit},
             row{"TooManyRequests", "", failure_kind::rate_limit},
             row{"too_many_requests", "", failure_kind::rate_limit},
             row{"RESOURCE_EXHAUSTED", "Slow down.", failure_kind::rate_limit},
             row{"429", "", failure_kind::rate_limit},
             row{"", "Rate limit reached for m. Please try again in 1.5s.", failure_kind::rate_limit},
             row{"server_error", "Please retry after 20 seconds.", failure_kind::rate_limit},
             row{"provider_error", "Too Many Requests", failure_kind::rate_limit},
             row{"server_is_overloaded", "", failure_kind::overload},
             row{"overloaded_error", "Overloaded", failure_kind::overload},
             row{"service_unavailable_error", "", failure_kind::overload},
             row{"UNAVAILABLE", "", failure_kind::overload},
             row{"529", "", failure_kind::overload},
             row{"server_error", "That model is currently overloaded with other requests.", failure_kind::overload},
             row{"", "The engine is at capacity.", failure_kind::overload},
             row{"server_error", "You can retry your request.", failure_kind::transient},
             row{"", "Please try again later.", failure_kind::transient},
             row{"insufficient_quota", "Please try again in 5s.", failure_kind::quota},
             row{"rate_limit_exceeded", "You exceeded your current quota, please check your plan.",
                 failure_kind::quota},
             row{"RESOURCE_EXHAUSTED", "You exceeded your current quota. Please retry in 34.1s.",
                 failure_kind::rate_limit},
             row{"", "Your credit balance is too low.", failure_kind::quota},
             row{"", "", failure_kind::other},
             row{"server_error", "Something broke.", failure_kind::other},
             row{"invalid_prompt", "Change it and try again.", failure_kind::other},
             row{"context_length_exceeded", "Too many tokens", failure_kind::other},
             row{"content_filter", "Please retry with another prompt.", failure_kind::other},
         }) {
        BOOST_TEST_CONTEXT(each.code << ": " << each.message) {
            BOOST_CHECK(corun::detail::failure_kind_of(each.code, each.message) == each.kind);
            corun::diagnostics details;
            details.service_code = each.code;
            details.service_message = each.message;
            const bool passes = each.kind != failure_kind::other && each.kind != failure_kind::quota;
            for (const errc code : {errc::run_failed, errc::stream_failed})
                BOOST_TEST(corun::is_retryable(corun::error(code, details)) == passes);
            BOOST_TEST(corun::is_retryable(corun::error(errc::rate_limited, details)) ==
                       (each.kind != failure_kind::quota));
        }
    }
    corun::diagnostics late;
    late.status = 408;
    BOOST_TEST(corun::is_retryable(corun::error(errc::bad_request, late)));
}

BOOST_AUTO_TEST_CASE(what_counts_the_attempts_if_there_were_several) {
    corun::diagnostics details;
    details.attempts = 1;
    BOOST_TEST(corun::error(errc::server_failed, details).what() == "the service failed [server_failed]");
    details.attempts = 2;
    BOOST_TEST(corun::error(errc::server_failed, details).what() == "the service failed (2 attempts) [server_failed]");
}

BOOST_AUTO_TEST_CASE(what_says_the_code_and_the_message) {
    const corun::error refused(errc::invalid_argument, "agent_id is empty");
    BOOST_TEST(refused.what() == "agent_id is empty [invalid_argument]");
    BOOST_TEST((refused.code() == errc::invalid_argument));
    BOOST_TEST(refused.details().message == "agent_id is empty");
}

BOOST_AUTO_TEST_CASE(what_says_nothing_twice) {
    // The message of these is a whole sentence.
    for (const errc code :
         {errc::invalid_argument, errc::invalid_endpoint, errc::insecure_endpoint, errc::invalid_header,
          errc::invalid_server_label, errc::unknown_server_label, errc::duplicate_server_label,
          errc::conflicting_tool_definition, errc::tls_failed, errc::response_too_large, errc::event_too_large}) {
        const std::string name = " [" + std::string(corun::to_string(code)) + "]";
        BOOST_TEST(corun::error(code, "the whole sentence").what() == "the whole sentence" + name);
        BOOST_TEST(corun::error(code, "").what() == corun::category().message(static_cast<int>(code)) + name);
    }
    BOOST_TEST(corun::error(errc::connect_failed, "nobody").what() == "could not connect: nobody [connect_failed]");
    // The same number in another category.
    BOOST_TEST(corun::error(std::error_code(static_cast<int>(errc::invalid_argument), std::generic_category()),
                            [] {
                                corun::diagnostics details;
                                details.message = "m";
                                return details;
                            }())
                   .what() == std::generic_category().message(static_cast<int>(errc::invalid_argument)) + ": m");
    corun::diagnostics details;
    details.status = 401;
    details.service_code = "401";
    details.service_message = "Unauthorized.";
    BOOST_TEST(corun::error(errc::unauthorized, details).what() ==
               "the service rejected the credential (HTTP 401, \"Unauthorized.\") [unauthorized]");
}

BOOST_AUTO_TEST_CASE(what_says_what_the_service_answered) {
    corun::diagnostics details;
    details.message = "POST /threads/runs";
    details.status = 429;
    details.service_code = "rate_limit_exceeded";
    details.service_message = "Try again in 7 seconds.";
    details.request_id = "b7f1";
    details.body = "the body is for details() alone";
    details.retry_after = 7s;
    const corun::error limited(errc::rate_limited, details);
    BOOST_TEST(limited.what() ==
               "the rate limit was exceeded: POST /threads/runs "
               "(HTTP 429, rate_limit_exceeded, \"Try again in 7 seconds.\", request id b7f1) [rate_limited]");
    BOOST_TEST(limited.status() == 429);
    BOOST_TEST(limited.service_code() == "rate_limit_exceeded");
    BOOST_TEST(limited.service_message() == "Try again in 7 seconds.");
    BOOST_TEST(limited.request_id() == "b7f1");
    BOOST_TEST((limited.retry_after() == std::chrono::milliseconds(7000)));
}

BOOST_AUTO_TEST_CASE(what_is_the_code_alone_when_nothing_else_is_known) {
    BOOST_TEST(corun::error(errc::not_found, corun::diagnostics()).what() ==
               "the service has no such object [not_found]");
}

BOOST_AUTO_TEST_CASE(what_stays_on_one_line) {
    corun::diagnostics details;
    details.service_message = "first\r\nsecond\x1b[2J\tgr\xc3\xbc\xc3\x9f";
    BOOST_TEST(corun::error(errc::bad_request, details).what() ==
               "the service rejected the request (\"first\\r\\nsecond\\x1b[2J\\tgr\xc3\xbc\xc3\x9f\") [bad_request]");
}

BOOST_AUTO_TEST_CASE(carries_codes_of_other_categories) {
    const corun::error error(std::make_error_code(std::errc::no_such_file_or_directory), corun::diagnostics());
    BOOST_TEST((error.code() == std::errc::no_such_file_or_directory));
    BOOST_TEST(std::string(error.what()) == error.code().message());
}

BOOST_AUTO_TEST_CASE(is_caught_as_a_system_error_and_says_the_same_as_a_copy) {
    const auto thrower = [] { throw corun::error(errc::idle_timeout, "60 s"); };
    BOOST_CHECK_EXCEPTION(thrower(), std::system_error, [](const std::system_error& e) {
        return e.code() == std::errc::timed_out &&
               std::string(e.what()) == "the service sent nothing for too long: 60 s [idle_timeout]";
    });
    std::string copied;
    {
        const corun::error original(errc::idle_timeout, "60 s");
        const corun::error copy(original);
        copied = copy.what();
        BOOST_TEST(copied == original.what());
    }
}

BOOST_AUTO_TEST_CASE(codes_belong_to_groups) {
    using corun::condition;
    struct row {
        std::error_code code;
        std::set<condition> groups;
    };
    const row rows[] = {
        {errc::invalid_argument, {condition::invalid_use}},
        {errc::unknown_server_label, {condition::invalid_use}},
        {errc::tools_with_mcp_headers_streaming, {condition::invalid_use}},
        {errc::connect_failed, {condition::network}},
        {errc::connect_timeout, {condition::network, condition::timeout}},
        {errc::premature_eof, {condition::network}},
        {errc::credential_failed, {condition::credentials}},
        {errc::unauthorized, {condition::credentials, condition::rejected}},
        {errc::rate_limited, {condition::rejected}},
        {errc::server_failed, {condition::service_failure}},
        {errc::mcp_headers_timeout, {condition::handler_failure, condition::timeout}},
        {errc::run_expired, {condition::run_not_completed}},
        {errc::action_required, {condition::run_not_completed}},
        {std::make_error_code(std::errc::connection_refused), {condition::network}},
        {std::make_error_code(std::errc::timed_out), {condition::network, condition::timeout}},
        {std::make_error_code(std::errc::operation_canceled), {condition::cancelled}},
        {asio::error::make_error_code(asio::error::eof), {condition::network}},
        {asio::error::make_error_code(asio::error::host_not_found), {condition::network}},
        {asio::error::make_error_code(asio::error::connection_reset), {condition::network}},
        {asio::error::make_error_code(asio::error::operation_aborted), {condition::cancelled}},
        {std::make_error_code(std::errc::no_such_file_or_directory), {}},
        {std::error_code(), {}},
    };
    for (const row& each : rows)
        for (int value = static_cast<int>(condition::invalid_use); value <= static_cast<int>(condition::cancelled);
             ++value) {
            const auto group = static_cast<condition>(value);
            BOOST_TEST_CONTEXT(each.code.message() << " and " << group)
            BOOST_TEST((each.code == group) == each.groups.contains(group));
        }
}

BOOST_AUTO_TEST_CASE(every_code_has_a_name_and_a_group) {
    using corun::condition;
    std::set<std::string_view> names;
    for (int value = first; value <= last; ++value) {
        const auto code = static_cast<errc>(value);
        BOOST_TEST(names.insert(to_string(code)).second);
        BOOST_TEST(to_string(code).find(' ') == std::string_view::npos);
        bool grouped = false;
        for (int group = 1; group <= static_cast<int>(condition::cancelled); ++group)
            grouped = grouped || make_error_code(code) == static_cast<condition>(group);
        BOOST_TEST(grouped, "no group for " << code);
        BOOST_TEST((make_error_code(code) == condition::timeout) == is_timeout(code));
    }
    BOOST_TEST(to_string(errc::connect_timeout) == "connect_timeout");
    std::ostringstream out;
    out << errc::tls_failed << ' ' << condition::network << ' ' << corun::error(errc::not_found, "no x");
    BOOST_TEST(out.str() == "tls_failed network the service has no such object: no x [not_found]");
}

BOOST_AUTO_TEST_SUITE_END()
