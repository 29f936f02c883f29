// Endpoints, and the URLs of requests to them. What URLs are valid and where credentials may go: url.cpp.
#include "api/endpoint.hpp"

#include "sentence.hpp"
#include <corun/error.hpp>

#include <boost/test/unit_test.hpp>

#include <string>
#include <string_view>
#include <system_error>

namespace {

using namespace corun;
using detail::checked_endpoint;
using detail::path_of;
using detail::request_url;

template <class Call>
error failure_of(Call call) {
    try {
        (void)call();
    } catch (const error& failure) {
        return failure;
    }
    throw std::logic_error("nothing was thrown");
}

std::error_code code_of(std::string_view endpoint, bool has_credential = true) {
    return failure_of([&] { return checked_endpoint(endpoint, has_credential); }).code();
}

bool says(const error& failure, std::string_view text) {
    return std::string_view(failure.what()).find(text) != std::string_view::npos;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(endpoint)

BOOST_AUTO_TEST_CASE(an_endpoint_is_kept_without_slashes_at_its_end) {
    BOOST_TEST(checked_endpoint("https://host/api/p", true) == "https://host/api/p");
    BOOST_TEST(checked_endpoint("https://host/api/p/", true) == "https://host/api/p");
    BOOST_TEST(checked_endpoint("https://host///", true) == "https://host");
    BOOST_TEST(checked_endpoint("https://host:8443", true) == "https://host:8443");
    // The URL of the requests is that of their endpoint.
    BOOST_TEST(checked_endpoint("https://host/v1/responses", true) == "https://host/v1");
    BOOST_TEST(checked_endpoint("https://host/v1/responses/", true) == "https://host/v1");
    BOOST_TEST(checked_endpoint("https://host/api/projects/p/openai/v1/responses", true) ==
               "https://host/api/projects/p/openai/v1");
    BOOST_TEST(checked_endpoint("https://host/api/projects/responses", true) == "https://host/api/projects/responses");
    for (const char* unclear : {"https://host/responses", "https://host/openai/responses/"}) {
        const error failure = failure_of([unclear] { return checked_endpoint(unclear, true); });
        BOOST_TEST(failure.code() == errc::invalid_endpoint);
        BOOST_TEST(says(failure, "before /responses"));
    }
}

BOOST_AUTO_TEST_CASE(an_endpoint_is_an_absolute_url_of_scheme_host_and_path) {
    for (const char* endpoint : {"", "host/path", "ftp://host", "https://user@host", "https://user:password@host",
                                 "https://host?a=b", "https://host/path?a=b", "https://host/#f"}) {
        BOOST_TEST_INFO(endpoint);
        BOOST_CHECK(code_of(endpoint) == errc::invalid_endpoint);
        BOOST_CHECK(code_of(endpoint, false) == errc::invalid_endpoint);
    }
}

BOOST_AUTO_TEST_CASE(an_error_does_not_repeat_the_password_in_an_endpoint) {
    BOOST_TEST(!says(failure_of([] { return checked_endpoint("https://user:secret-value@host", true); }), "secret"));
}

BOOST_AUTO_TEST_CASE(an_error_shows_the_endpoint_and_says_once_what_is_wrong_with_it) {
    const std::pair<const char*, const char*> rows[] = {
        {"host/path", "the endpoint 'host/path' is not an absolute http or https URL, such as https://host/path"},
        {"", "the endpoint '' is not an absolute http or https URL, such as https://host/path"},
        {"https://user:secret-value@host", "the endpoint must not contain a user name or a password"},
        {"https://host/p?key=secret-value", "the endpoint 'https://host/p' must not have a query or a fragment"},
        {"http://service.example/p",
         "the endpoint 'http://service.example/p' would receive the credential over plain http; use https, or http to "
         "this machine only"},
    };
    for (const auto& [endpoint, expected] : rows)
        BOOST_TEST(test::sentence_of(failure_of([text = endpoint] { return checked_endpoint(text, true); })) ==
                   expected);
}

BOOST_AUTO_TEST_CASE(a_credential_needs_https_or_this_machine) {
    BOOST_TEST(checked_endpoint("http://localhost:1234/p", true) == "http://localhost:1234/p");
    BOOST_TEST(checked_endpoint("http://service.example/p", false) == "http://service.example/p");
    BOOST_CHECK(code_of("http://service.example/p") == errc::insecure_endpoint);
    const error failure = failure_of([] { return checked_endpoint("http://service.example/p", true); });
    BOOST_TEST(says(failure, "service.example"));
}

BOOST_AUTO_TEST_CASE(a_url_has_the_version_before_the_query) {
    BOOST_TEST(request_url("https://h/p", "/threads", "v1", "limit=2") == "https://h/p/threads?api-version=v1&limit=2");
    BOOST_TEST(request_url("https://h/p", "/threads", "v1", "") == "https://h/p/threads?api-version=v1");
    BOOST_TEST(request_url("https://h/v1", "/responses", "", "a=b&c=d") == "https://h/v1/responses?a=b&c=d");
    BOOST_TEST(request_url("https://h/v1", "/responses", "", "") == "https://h/v1/responses");
}

BOOST_AUTO_TEST_CASE(a_version_is_percent_encoded) {
    BOOST_TEST(request_url("https://h", "/a", "v 1&x", "") == "https://h/a?api-version=v%201%26x");
}

BOOST_AUTO_TEST_CASE(a_path_ends_in_the_encoded_id) {
    BOOST_TEST(path_of("/threads", "thread_1", "the thread's id") == "/threads/thread_1");
    BOOST_TEST(path_of("/threads", "a/b?c#d e", "the thread's id") == "/threads/a%2Fb%3Fc%23d%20e");
    BOOST_TEST(path_of("/threads", "...", "the thread's id") == "/threads/...");
    BOOST_TEST(path_of("", ".a", "the id") == "/.a");
}

BOOST_AUTO_TEST_CASE(an_id_that_would_change_the_hierarchy_is_rejected_by_its_name) {
    for (const char* id : {"", ".", ".."}) {
        const error failure = failure_of([id] { return path_of("/threads", id, "the thread's id"); });
        BOOST_CHECK(failure.code() == errc::invalid_argument);
        BOOST_TEST(says(failure, "the thread's id is "));
        BOOST_TEST(says(failure, "empty") == (*id == '\0'));
    }
}

BOOST_AUTO_TEST_SUITE_END()
