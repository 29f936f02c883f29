#include "net/transport.hpp"

#include <boost/test/unit_test.hpp>

namespace {

using corun::net::response_head;

response_head head_of(std::vector<std::pair<std::string, std::string>> fields) {
    response_head head;
    head.fields = std::move(fields);
    return head;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(response_heads)

BOOST_AUTO_TEST_CASE(fields_are_found_by_name_in_any_case) {
    const response_head head = head_of({{"X-One", "1"}, {"x-one", "2"}, {"X-Two", "3"}});
    BOOST_TEST(head.field("X-ONE") == "1");
    BOOST_TEST(head.field("x-two") == "3");
    BOOST_TEST(head.field("x-three") == "");
    BOOST_TEST(response_head().field("x-one") == "");
}

BOOST_AUTO_TEST_CASE(a_media_type_has_no_parameters) {
    BOOST_TEST(head_of({{"content-type", "text/plain"}}).media_type() == "text/plain");
    BOOST_TEST(head_of({{"Content-Type", "text/plain ; charset=utf-8"}}).media_type() == "text/plain");
    BOOST_TEST(head_of({{"Content-Type", ";"}}).media_type() == "");
    BOOST_TEST(response_head().media_type() == "");
}

BOOST_AUTO_TEST_CASE(a_request_is_a_get_that_shares_its_connection) {
    const corun::net::request request;
    BOOST_TEST(request.method == "GET");
    BOOST_TEST(!request.streams);
    BOOST_TEST(!request.unshared);
    BOOST_TEST(request.context.attempt == 1);
    BOOST_TEST(!request.context.response_is_token);
}

BOOST_AUTO_TEST_SUITE_END()
