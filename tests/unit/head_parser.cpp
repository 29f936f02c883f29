#include "curl/head_parser.hpp"

#include <boost/test/unit_test.hpp>

#include <string>
#include <vector>

namespace {

using corun::curl::head_parser;
using result = head_parser::result;

constexpr std::size_t max_head_bytes = std::size_t{256} << 10;

/// The result of the last line.
result add(head_parser& parser, const std::vector<const char*>& lines) {
    result last = result::more;
    for (const char* line : lines) last = parser.add_line(line);
    return last;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(head_parsers)

BOOST_AUTO_TEST_CASE(gathers_status_and_fields) {
    head_parser parser;
    BOOST_CHECK(parser.add_line("HTTP/1.1 204 No Content\r\n") == result::status_line);
    BOOST_CHECK(parser.add_line("X-One: 1\r\n") == result::more);
    BOOST_CHECK(parser.add_line("x-two:2 \t\r\n") == result::more);
    BOOST_CHECK(parser.add_line("X-Three: \t a: b\n") == result::more);
    BOOST_CHECK(parser.add_line("X-Empty:\r\n") == result::more);
    BOOST_CHECK(parser.add_line("no field\r\n") == result::more);
    BOOST_TEST(!parser.is_complete());
    BOOST_CHECK(parser.add_line("\r\n") == result::complete);
    BOOST_TEST(parser.is_complete());
    BOOST_TEST(!parser.is_too_large());
    BOOST_TEST(!parser.is_http2());
    const corun::net::response_head head = parser.take();
    BOOST_TEST(head.status == 204);
    BOOST_REQUIRE(head.fields.size() == 4u);
    BOOST_TEST(head.fields[0].first == "X-One");
    BOOST_TEST(head.fields[0].second == "1");
    BOOST_TEST(head.fields[1].first == "x-two");
    BOOST_TEST(head.fields[1].second == "2");
    BOOST_TEST(head.fields[2].second == "a: b");
    BOOST_TEST(head.fields[3].first == "X-Empty");
    BOOST_TEST(head.fields[3].second == "");
}

BOOST_AUTO_TEST_CASE(skips_interim_responses) {
    head_parser parser;
    BOOST_CHECK(add(parser, {"HTTP/1.1 100 Continue\r\n", "X-Interim: 1\r\n", "\r\n"}) == result::more);
    BOOST_TEST(!parser.is_complete());
    BOOST_CHECK(add(parser, {"HTTP/1.1 199 Odd\r\n", "\r\n"}) == result::more);
    BOOST_CHECK(add(parser, {"HTTP/1.1 200 OK\r\n", "X-Final: 1\r\n", "\r\n"}) == result::complete);
    const corun::net::response_head head = parser.take();
    BOOST_TEST(head.status == 200);
    BOOST_TEST(head.field("x-interim") == "");
    BOOST_TEST(head.field("x-final") == "1");
}

BOOST_AUTO_TEST_CASE(ignores_trailers) {
    head_parser parser;
    add(parser, {"HTTP/1.1 200 OK\r\n", "\r\n"});
    BOOST_CHECK(parser.add_line("X-Trailer: t\r\n") == result::more);
    BOOST_CHECK(parser.add_line("HTTP/2 500\r\n") == result::more);
    BOOST_CHECK(parser.add_line("\r\n") == result::more);
    BOOST_TEST(parser.status() == 200);
    BOOST_TEST(!parser.is_http2());
    BOOST_TEST(parser.take().fields.empty());
}

BOOST_AUTO_TEST_CASE(knows_the_version_of_each_response) {
    head_parser parser;
    add(parser, {"HTTP/2 200\r\n"});
    BOOST_TEST(parser.is_http2());
    BOOST_TEST(parser.status() == 200);
    add(parser, {"HTTP/1.1 200 OK\r\n"});
    BOOST_TEST(!parser.is_http2());
}

BOOST_AUTO_TEST_CASE(a_status_line_without_a_status_has_none) {
    head_parser parser;
    add(parser, {"HTTP/1.1\r\n"});
    BOOST_TEST(parser.status() == 0);
    BOOST_CHECK(add(parser, {"\r\n"}) == result::more);
}

BOOST_AUTO_TEST_CASE(rejects_a_proxy_that_answers_for_itself) {
    head_parser parser;
    BOOST_CHECK(add(parser, {"HTTP/1.1 407 Proxy Authentication Required\r\n", "\r\n"}) == result::rejected);
    BOOST_TEST(!parser.is_complete());
    BOOST_TEST(parser.status() == 407);
}

BOOST_AUTO_TEST_CASE(rejects_a_head_that_is_too_large) {
    head_parser parser;
    const std::string status_line = "HTTP/1.1 200 OK\r\n";
    BOOST_CHECK(parser.add_line(status_line) == result::status_line);
    const std::string exact = "X: " + std::string(max_head_bytes - status_line.size() - 3, 'x');
    BOOST_CHECK(parser.add_line(exact) == result::more);
    BOOST_TEST(!parser.is_too_large());
    BOOST_CHECK(parser.add_line("\n") == result::rejected);
    BOOST_TEST(parser.is_too_large());
    BOOST_TEST(!parser.is_complete());
}

BOOST_AUTO_TEST_SUITE_END()
