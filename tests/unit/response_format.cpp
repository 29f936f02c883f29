#include <corun/error.hpp>
#include <corun/response_format.hpp>

#include <boost/test/unit_test.hpp>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

using namespace corun;

BOOST_AUTO_TEST_SUITE(response_formats)

BOOST_AUTO_TEST_CASE(are_json_values) {
    const std::vector<std::pair<std::string, std::string_view>> rows{
        {response_format::automatic().json(), R"("auto")"},
        {response_format::text().json(), R"({"type":"text"})"},
        {response_format::json_object().json(), R"({"type":"json_object"})"},
        {response_format::json_schema("seat", R"({"type":"object"})").json(),
         R"({"type":"json_schema","json_schema":{"name":"seat","schema":{"type":"object"}}})"},
        {response_format::json_schema("seat", "{}", "A seat").json(),
         R"({"type":"json_schema","json_schema":{"name":"seat","description":"A seat","schema":{}}})"},
        {response_format::from_json("{").json(), "{"},
    };
    for (const auto& [format, expected] : rows) BOOST_TEST(format == expected);
    BOOST_TEST((response_format::text() != response_format::automatic()));
    BOOST_TEST((response_format::text() == response_format::from_json(R"({"type":"text"})")));
}

BOOST_AUTO_TEST_CASE(reject_a_schema_that_is_no_json_object) {
    for (const std::string text : {"", "[]", "nope", "{"})
        BOOST_CHECK_EXCEPTION(response_format::json_schema("n", text), error, [](const error& problem) {
            return problem.code() == errc::invalid_argument &&
                   problem.details().message == "response_format::json_schema: schema must be a JSON object";
        });
}

BOOST_AUTO_TEST_CASE(reject_text_that_is_not_utf8_without_quoting_it) {
    BOOST_CHECK_EXCEPTION(response_format::json_schema("hunter2\xff", "{}"), error, [](const error& problem) {
        return problem.code() == errc::invalid_argument &&
               problem.details().message == "response_format::json_schema contains text that is not valid UTF-8";
    });
}

BOOST_AUTO_TEST_SUITE_END()
