// What becomes of a response that is an error.
#include "http/service_error.hpp"

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace {

using namespace corun;
using namespace std::chrono_literals;
using detail::request_id_of;
using detail::service_error;

net::response_head head_of(int status, std::vector<std::pair<std::string, std::string>> fields = {}) {
    net::response_head head;
    head.status = status;
    head.fields = std::move(fields);
    return head;
}

error failure_of(const net::response_head& head, std::string_view body = {}, std::string_view expected = "text/plain",
                 const detail::redactor& secrets = {}) {
    return service_error(head, body, expected, secrets);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(service_errors)

BOOST_AUTO_TEST_CASE(a_status_has_a_code) {
    const std::pair<int, errc> codes[] = {
        {100, errc::unexpected_status}, {304, errc::unexpected_status}, {399, errc::unexpected_status},
        {400, errc::bad_request},       {401, errc::unauthorized},      {402, errc::bad_request},
        {403, errc::forbidden},         {404, errc::not_found},         {405, errc::bad_request},
        {409, errc::conflict},          {410, errc::bad_request},       {429, errc::rate_limited},
        {499, errc::bad_request},       {500, errc::server_failed},     {503, errc::server_failed},
        {599, errc::server_failed},     {600, errc::unexpected_status},
    };
    for (const auto& [status, code] : codes) {
        BOOST_TEST_INFO(status);
        const error failure = failure_of(head_of(status));
        BOOST_CHECK(failure.code() == code);
        BOOST_TEST(failure.status() == status);
        BOOST_TEST(failure.details().message.empty());
    }
}

BOOST_AUTO_TEST_CASE(a_success_of_another_type_says_both_types) {
    for (const int status : {200, 204, 299}) {
        const error failure = failure_of(head_of(status, {{"Content-Type", "text/html; charset=utf-8"}}));
        BOOST_CHECK(failure.code() == errc::unexpected_content_type);
        BOOST_TEST(failure.details().message ==
                   "text/html instead of text/plain; client_options::any_content_type accepts it");
    }
    BOOST_TEST(failure_of(head_of(200)).details().message ==
               "none instead of text/plain; client_options::any_content_type accepts it");
}

BOOST_AUTO_TEST_CASE(a_redirect_names_its_origin_only) {
    for (const int status : {300, 302, 399}) {
        const error failure = failure_of(head_of(status, {{"Location", "https://elsewhere.example/path?token=x"}}));
        BOOST_TEST(failure.details().message == "redirected to https://elsewhere.example; redirects are not followed");
    }
    BOOST_TEST(failure_of(head_of(302, {{"Location", "/relative"}})).details().message.empty());
    BOOST_TEST(failure_of(head_of(302)).details().message.empty());
    BOOST_TEST(failure_of(head_of(400, {{"Location", "https://elsewhere.example"}})).details().message.empty());
}

BOOST_AUTO_TEST_CASE(the_body_gives_code_and_message) {
    const error failure = failure_of(head_of(400), R"({"error":{"code":"bad","type":"kind","message":"No."}})");
    BOOST_TEST(failure.service_code() == "bad");
    BOOST_TEST(failure.service_message() == "No.");
    BOOST_TEST(failure.details().body == R"({"error":{"code":"bad","type":"kind","message":"No."}})");
    BOOST_TEST(failure_of(head_of(400), R"({"error":{"type":"kind","message":"No."}})").service_code() == "kind");
    BOOST_TEST(failure_of(head_of(400), R"({"odd":"no member is known"})").service_message() ==
               R"({"odd":"no member is known"})");
    BOOST_TEST(failure_of(head_of(400), "{}").service_message().empty());
    BOOST_TEST(failure_of(head_of(400), "<html>").service_message().empty());
    BOOST_TEST(failure_of(head_of(400), "<html>").details().body == "<html>");
}

BOOST_AUTO_TEST_CASE(the_request_id_comes_from_the_first_field_that_has_one) {
    net::response_head head = head_of(500, {{"X-Ms-Request-Id", "3"}});
    BOOST_TEST(request_id_of(head) == "3");
    head.fields.emplace_back("X-Request-Id", "2");
    BOOST_TEST(request_id_of(head) == "2");
    head.fields.emplace_back("apim-request-id", "1");
    BOOST_TEST(request_id_of(head) == "1");
    BOOST_TEST(failure_of(head).request_id() == "1");
    BOOST_TEST(request_id_of(head_of(500, {{"apim-request-id", ""}, {"x-request-id", "2"}})) == "2");
    BOOST_TEST(request_id_of(head_of(500)).empty());
}

BOOST_AUTO_TEST_CASE(the_request_id_comes_from_the_body_if_no_field_has_one) {
    const std::string body = R"({"error":{"message":"No.","request_id":"inside"}})";
    BOOST_TEST(failure_of(head_of(500), body).request_id() == "inside");
    BOOST_TEST(failure_of(head_of(500, {{"x-request-id", "field"}}), body).request_id() == "field");
}

BOOST_AUTO_TEST_CASE(the_advice_of_the_service_is_kept) {
    BOOST_CHECK(failure_of(head_of(503, {{"Retry-After", "7"}})).retry_after() == 7s);
    BOOST_CHECK(!failure_of(head_of(503)).retry_after());
    BOOST_CHECK(failure_of(head_of(503, {{"x-should-retry", "TRUE"}})).details().should_retry == true);
    BOOST_CHECK(failure_of(head_of(503, {{"x-should-retry", "false"}})).details().should_retry == false);
    BOOST_CHECK(!failure_of(head_of(503, {{"x-should-retry", "maybe"}})).details().should_retry);
    BOOST_CHECK(!failure_of(head_of(503)).details().should_retry);
}

BOOST_AUTO_TEST_CASE(no_text_contains_a_secret) {
    detail::redactor secrets;
    secrets.add(secret("planted-secret-1"));
    const std::string body = R"({"error":{"code":"planted-secret-1","message":"not planted-secret-1"}})";
    const error failure =
        failure_of(head_of(400, {{"x-request-id", "planted-secret-1"}}), body, "application/json", secrets);
    const diagnostics& details = failure.details();
    const std::string all = details.message + details.request_id + details.service_code + details.service_message +
                            details.body + failure.what();
    BOOST_TEST(all.find("planted-secret") == all.npos);
    BOOST_TEST(details.service_message == "not ***");
}

BOOST_AUTO_TEST_CASE(a_long_message_is_cut_between_characters_and_control_characters_are_escaped) {
    std::string body = "x";
    for (int i = 0; i != 3000; ++i) body += "\xC3\xA9";
    const error failure = failure_of(head_of(400), body);
    BOOST_TEST(failure.service_message().size() == 4095u);
    BOOST_TEST(std::string(failure.what()).size() < 1200u);
    BOOST_TEST(std::string(failure.what()).ends_with("\xC3\xA9...\") [bad_request]"));
    const error coloured = failure_of(head_of(400), "\x1b[31mno\x1b[0m\r\nmore");
    BOOST_TEST(std::string(coloured.what()).find("\"\\x1b[31mno\\x1b[0m\\r\\nmore\"") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_body_that_cannot_be_decoded_names_its_encoding) {
    const error failure = failure_of(head_of(400, {{"Content-Encoding", "compress"}}));
    BOOST_TEST(failure.details().message == "its Content-Encoding compress cannot be decoded");
    BOOST_TEST(failure_of(head_of(400, {{"Content-Encoding", "gzip"}}), "decoded").details().message.empty());
}

BOOST_AUTO_TEST_CASE(the_delay_in_a_body_is_used_where_no_field_has_one) {
    const std::string_view body = R"({"error":{"message":"Please try again in 1.5s."}})";
    BOOST_CHECK(failure_of(head_of(429), body).retry_after() == 1500ms);
    BOOST_CHECK(failure_of(head_of(429, {{"Retry-After", "7"}}), body).retry_after() == 7s);
}

BOOST_AUTO_TEST_CASE(the_beginning_of_a_long_body_is_kept) {
    const std::string body(5000, 'x');
    BOOST_TEST(failure_of(head_of(500), body).details().body == body.substr(0, 4096));
    BOOST_TEST(failure_of(head_of(500), body.substr(0, 4096)).details().body == body.substr(0, 4096));
}

BOOST_AUTO_TEST_CASE(only_so_much_of_a_body_is_read) {
    const std::string tail = R"({"error":{"message":"No."}})";
    const std::string room(detail::max_error_body - tail.size(), ' ');
    BOOST_TEST(failure_of(head_of(500), room + tail).service_message() == "No.");
    BOOST_TEST(failure_of(head_of(500), room + std::string(tail.size(), ' ') + tail).service_message().empty());
}

BOOST_AUTO_TEST_SUITE_END()
