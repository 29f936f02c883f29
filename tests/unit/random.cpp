// Random identifiers: their form, and that they differ.
#include "text/random.hpp"

#include <boost/test/unit_test.hpp>

#include <set>
#include <string>

namespace {

using namespace corun;

bool is_hex(const std::string& text) {
    return text.find_first_not_of("0123456789abcdef") == text.npos;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(random_numbers)

BOOST_AUTO_TEST_CASE(hex_has_the_length_asked_for) {
    for (const std::size_t digits : {0U, 1U, 16U, 33U}) {
        const std::string text = detail::random_hex(digits);
        BOOST_TEST(text.size() == digits);
        BOOST_TEST(is_hex(text));
    }
}

BOOST_AUTO_TEST_CASE(every_hex_digit_occurs) {
    const std::string text = detail::random_hex(2000);
    BOOST_TEST(std::set<char>(text.begin(), text.end()).size() == 16u);
}

BOOST_AUTO_TEST_CASE(a_uuid_is_of_version_4) {
    std::set<char> variants;
    for (int i = 0; i != 200; ++i) {
        const std::string id = detail::random_uuid();
        BOOST_REQUIRE(id.size() == 36u);
        std::string digits = id;
        for (const std::size_t hyphen : {23U, 18U, 13U, 8U}) {
            BOOST_TEST(id[hyphen] == '-');
            digits.erase(hyphen, 1);
        }
        BOOST_TEST(is_hex(digits));
        BOOST_TEST(id[14] == '4');
        variants.insert(id[19]);
    }
    BOOST_TEST((variants == std::set<char>{'8', '9', 'a', 'b'}));
}

BOOST_AUTO_TEST_CASE(uuids_differ) {
    std::set<std::string> ids;
    for (int i = 0; i != 100; ++i) ids.insert(detail::random_uuid());
    BOOST_TEST(ids.size() == 100u);
}

BOOST_AUTO_TEST_CASE(fractions_spread_from_0_to_1) {
    double least = 1, most = 0;
    for (int i = 0; i != 1000; ++i) {
        const double value = detail::random_fraction();
        BOOST_REQUIRE(value >= 0);
        BOOST_REQUIRE(value <= 1);
        least = std::min(least, value);
        most = std::max(most, value);
    }
    BOOST_TEST(least < 0.1);
    BOOST_TEST(most > 0.9);
}

BOOST_AUTO_TEST_SUITE_END()
