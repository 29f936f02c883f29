#include <corun/error.hpp>
#include <corun/options.hpp>

#include <boost/test/unit_test.hpp>

using namespace corun;

BOOST_AUTO_TEST_SUITE(options)

BOOST_AUTO_TEST_CASE(a_truncation_strategy_is_a_json_object) {
    BOOST_TEST(truncation_strategy::automatic().json() == R"({"type":"auto"})");
    BOOST_TEST(truncation_strategy::last_messages(1).json() == R"({"type":"last_messages","last_messages":1})");
    BOOST_TEST((truncation_strategy::last_messages(2) != truncation_strategy::last_messages(1)));
}

BOOST_AUTO_TEST_CASE(a_truncation_strategy_keeps_at_least_one_message) {
    for (const int count : {0, -1})
        BOOST_CHECK_EXCEPTION(truncation_strategy::last_messages(count), error, [count](const error& problem) {
            return problem.code() == errc::invalid_argument &&
                   problem.details().message ==
                       "truncation_strategy::last_messages is " + std::to_string(count) + "; it must be at least 1";
        });
}

BOOST_AUTO_TEST_SUITE_END()
