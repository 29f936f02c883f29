#include "identity/token_request.hpp"

#include "identity/bearer.hpp"
#include "identity/resource.hpp"
#include "text/url.hpp"

#include <boost/test/unit_test.hpp>

#include <functional>
#include <string>

namespace {

using namespace corun;
using namespace std::chrono_literals;
using identity::token_request;

const std::chrono::system_clock::time_point now(1'766'000'000s);

identity::source_context context_at_now() {
    identity::source_context context;
    context.options.clock = [] { return now; };
    return context;
}

/// The message of an `errc::credential_failed`.
std::string failure_of(const std::function<void()>& function) {
    try {
        function();
    } catch (const error& failure) {
        BOOST_TEST(failure.code() == errc::credential_failed);
        return failure.details().message;
    }
    return "no failure";
}

std::string failure_for(const std::string& url, bool link_local = false) {
    return failure_of([&] { const token_request request("source", url, link_local); });
}

access_token token_in(const std::string& json) {
    return identity::token_of(context_at_now(), "source", json);
}

detail::http_response response_of(int status, std::string body) {
    detail::http_response response;
    response.head.status = status;
    response.body = std::move(body);
    return response;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(token_requests)

BOOST_AUTO_TEST_CASE(a_request_asks_for_json_and_marks_its_response_as_secret) {
    const token_request request("source", "https://login.test/token");
    BOOST_TEST(request.http.url == "https://login.test/token");
    BOOST_TEST(request.http.method == "GET");
    BOOST_TEST(request.http.headers.find("Accept")->reveal() == "application/json");
    BOOST_TEST(request.http.context.response_is_token);
    BOOST_TEST(request.origin == "https://login.test");
    BOOST_TEST(!request.direct);
}

BOOST_AUTO_TEST_CASE(secrets_go_over_https_or_to_this_machine) {
    for (const char* url : {"login.test/token", "ftp://login.test", "https://user:hidden@login.test/token"})
        BOOST_TEST(failure_for(url) == "source: the endpoint " + detail::quote_url(url) +
                                           " is not an absolute http or https URL, or contains a user name");
    const std::string plain_http = " is plain http; tokens are sent over https, or over http to this machine only";
    BOOST_TEST(failure_for("http://login.test/token") == "source: http://login.test" + plain_http);
    BOOST_TEST(failure_for("http://169.254.169.254/token") == "source: http://169.254.169.254" + plain_http);
    BOOST_TEST(failure_for("http://127.0.0.1:1/token") == "no failure");
    for (const char* host : {"169.254.169.254", "metadata.google.internal", "Metadata.Google.Internal"})
        BOOST_TEST(failure_for("http://" + std::string(host) + "/token", true) == "no failure");
    for (const char* host : {"169.254.169.254.test", "169.255.0.1", "metadata.google.internal.test"})
        BOOST_TEST(failure_for("http://" + std::string(host) + "/token", true) ==
                   "source: http://" + std::string(host) + plain_http);
}

BOOST_AUTO_TEST_CASE(services_beside_this_machine_are_asked_without_a_proxy) {
    BOOST_TEST(token_request("source", "http://127.0.0.1/token").direct);
    BOOST_TEST(token_request("source", "http://169.254.169.254/token", true).direct);
    BOOST_TEST(token_request("source", "https://login.test/token", true).direct);
}

BOOST_AUTO_TEST_CASE(a_form_is_posted) {
    identity::form fields;
    fields.add("grant_type", "client_credentials").add("scope", "a b&c");
    token_request request("source", "https://login.test/token");
    request.set_form(fields.take());
    BOOST_TEST(request.http.method == "POST");
    BOOST_TEST(request.http.headers.find("Content-Type")->reveal() == "application/x-www-form-urlencoded");
    BOOST_TEST(request.http.body.reveal() == "grant_type=client_credentials&scope=a%20b%26c");
    BOOST_TEST(fields.take().empty());
}

BOOST_AUTO_TEST_CASE(a_rejection_shows_what_the_endpoint_says_and_no_secret) {
    token_request request("source", "https://login.test/token");
    request.add_secret("planted/secret");
    const auto message = [&](std::string body) {
        return request.rejection(response_of(401, std::move(body))).details().message;
    };
    BOOST_TEST(message("no JSON") == "source: https://login.test answered HTTP 401");
    BOOST_TEST(message(R"({"error":"invalid_client"})") ==
               "source: https://login.test answered HTTP 401, invalid_client");
    BOOST_TEST(message(R"({"error":"planted/secret","error_description":"is planted%2Fsecret\r\nTrace"})") ==
               "source: https://login.test answered HTTP 401, ***: is ***");
    BOOST_TEST(request.failure("repeats planted/secret").details().message == "source: https://login.test repeats ***");
}

BOOST_AUTO_TEST_CASE(a_token_expires_when_its_response_says) {
    const std::string token = R"({"access_token":"t","token_type":"bearer")";
    BOOST_TEST(token_in(token + "}").value.reveal() == "t");
    const auto expires_in = [&](const std::string& members) {
        return token_in(token + members + "}").expires_at - now;
    };
    BOOST_CHECK(expires_in("") == 5min);
    BOOST_CHECK(expires_in(R"(,"expires_in":3600)") == 1h);
    BOOST_CHECK(expires_in(R"(,"expires_in":3600,"expires_on":"1766007200")") == 2h);
    BOOST_CHECK(expires_in(R"(,"expires_in":3600,"expires_on":"soon")") == 1h);
    BOOST_CHECK(expires_in(R"(,"expiresOn":"1766007200")") == 2h);
}

BOOST_AUTO_TEST_CASE(names_what_is_wrong_with_a_token) {
    const auto failure = [](const char* json) { return failure_of([&] { (void)token_in(json); }); };
    BOOST_TEST(failure("<html>") == "source returned something other than JSON");
    BOOST_TEST(failure("{}") == "source returned no token");
    BOOST_TEST(failure(R"({"access_token":"a\nb"})") ==
               "source returned a token with characters that are not allowed in a header");
    BOOST_TEST(failure(R"({"access_token":"t","token_type":"pop"})") ==
               "source returned a token that is not a bearer token");
    for (const char* json :
         {R"({"access_token":"t","expires_on":"soon"})", R"({"accessToken":"t","expiresOn":"soon"})"})
        BOOST_TEST(failure(json) == "source returned a token with an invalid expiry");
}

BOOST_AUTO_TEST_CASE(only_a_success_holds_a_token) {
    const token_request request("source", "https://login.test/token");
    const std::string body = R"({"access_token":"t"})";
    BOOST_TEST(identity::token_of(context_at_now(), request, response_of(200, body)).value.reveal() == "t");
    BOOST_TEST(failure_of([&] { (void)identity::token_of(context_at_now(), request, response_of(201, body)); }) ==
               "source: https://login.test answered HTTP 201");
    BOOST_TEST(failure_of([&] { (void)identity::token_of(context_at_now(), request, response_of(200, "{}")); }) ==
               "source: https://login.test returned no token");
}

BOOST_AUTO_TEST_CASE(a_first_line_is_short) {
    BOOST_TEST(identity::first_line("one\ntwo") == "one");
    BOOST_TEST(identity::first_line("one\r\ntwo") == "one");
    BOOST_TEST(identity::first_line("") == "");
    const std::string line(300, 'x');
    BOOST_TEST(identity::first_line(line) == line);
    BOOST_TEST(identity::first_line(line + "y") == line);
    // Not cut within a character.
    const std::string before(299, 'x');
    BOOST_TEST(identity::first_line(before + "\u00e9") == before);
}

BOOST_AUTO_TEST_CASE(small_parts) {
    BOOST_TEST(identity::bearer_authorization("token").reveal() == "Bearer token");
    BOOST_TEST(identity::resource_of("https://ai.azure.com/.default") == "https://ai.azure.com");
    BOOST_TEST(identity::resource_of("https://ai.azure.com") == "https://ai.azure.com");
}

BOOST_AUTO_TEST_SUITE_END()
