// The queries of listings.
#include "api/listing.hpp"

#include <boost/test/unit_test.hpp>

namespace {

using namespace corun;
using detail::include_query;
using detail::list_query;

}  // namespace

BOOST_AUTO_TEST_SUITE(listing)

BOOST_AUTO_TEST_CASE(a_query_has_a_limit_and_an_order) {
    list_options options;
    BOOST_TEST(list_query(options, {}, {}) == "limit=100&order=desc");
    options.page_size = 7;
    options.oldest_first = true;
    BOOST_TEST(list_query(options, {}, {}) == "limit=7&order=asc");
}

BOOST_AUTO_TEST_CASE(a_page_has_from_1_to_100_objects) {
    list_options options;
    for (const int size : {1, 100}) {
        options.page_size = size;
        BOOST_TEST(list_query(options, {}, {}) == "limit=" + std::to_string(size) + "&order=desc");
    }
    for (const int size : {-1, 0, 101}) {
        options.page_size = size;
        BOOST_CHECK_EXCEPTION((void)list_query(options, {}, {}), error,
                              [](const error& failure) { return failure.code() == errc::invalid_argument; });
    }
}

BOOST_AUTO_TEST_CASE(a_cursor_is_percent_encoded) {
    BOOST_TEST(list_query(list_options(), {}, "a&b") == "limit=100&order=desc&after=a%26b");
}

BOOST_AUTO_TEST_CASE(a_query_has_run_include_and_filter_if_they_are_set) {
    list_options options;
    options.run_id = "run/1";
    options.include = {"a b"};
    BOOST_TEST(list_query(options, "in progress", {}) ==
               "limit=100&order=desc&run_id=run%2F1&include%5B%5D=a%20b&filter=in%20progress");
}

BOOST_AUTO_TEST_CASE(included_members_are_joined) {
    BOOST_TEST(include_query({}).empty());
    BOOST_TEST(include_query({"a"}) == "include%5B%5D=a");
    BOOST_TEST(include_query({"a", "b[*].c"}) == "include%5B%5D=a&include%5B%5D=b%5B%2A%5D.c");
}

BOOST_AUTO_TEST_SUITE_END()
