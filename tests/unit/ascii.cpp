#include "text/ascii.hpp"

#include <boost/test/unit_test.hpp>

#include <string>
#include <string_view>

namespace {
namespace ascii = corun::ascii;
}

BOOST_AUTO_TEST_SUITE(ascii_characters)

BOOST_AUTO_TEST_CASE(classifies_every_byte) {
    constexpr std::string_view digits = "0123456789", lower = "abcdefghijklmnopqrstuvwxyz",
                               upper = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    for (int byte = 0; byte < 256; ++byte) BOOST_TEST_CONTEXT("byte " << byte) {
            const char c = static_cast<char>(byte);
            const bool digit = digits.find(c) != digits.npos;
            const auto place = upper.find(c);
            const bool letter = lower.find(c) != lower.npos || place != upper.npos;
            BOOST_TEST(ascii::is_digit(c) == digit);
            BOOST_TEST(ascii::is_letter(c) == letter);
            BOOST_TEST(ascii::is_alphanumeric(c) == (digit || letter));
            BOOST_TEST(ascii::lower(c) == (place == upper.npos ? c : lower[place]));
        }
}

BOOST_AUTO_TEST_CASE(knows_the_value_of_a_hexadecimal_digit) {
    for (int byte = 0; byte < 256; ++byte) BOOST_TEST_CONTEXT("byte " << byte) {
            const char c = static_cast<char>(byte);
            std::size_t value = ascii::hex_digits.find(c);
            if (value == std::string_view::npos) value = std::string_view("0123456789ABCDEF").find(c);
            BOOST_TEST(ascii::hex_value(c) == (value == std::string_view::npos ? -1 : static_cast<int>(value)));
        }
}

BOOST_AUTO_TEST_CASE(compares_only_ascii_letters_without_regard_to_case) {
    BOOST_TEST(ascii::equal_ignoring_case("Content-Type", "cONTENT-tYPE"));
    BOOST_TEST(ascii::equal_ignoring_case("", ""));
    for (const auto& [a, b] : {std::pair("a", "ab"), {"ab", "a"}, {"[", "{"}, {"@", "`"}, {"\xc3\x84", "\xc3\xa4"}})
        BOOST_TEST(!ascii::equal_ignoring_case(a, b), a << " equals " << b);
}

BOOST_AUTO_TEST_CASE(finds_a_part_without_regard_to_case) {
    BOOST_TEST(ascii::find_ignoring_case("Please RETRY after, retry", "retry") == 7u);
    BOOST_TEST(ascii::find_ignoring_case("retry", "Retry") == 0u);
    BOOST_TEST(ascii::find_ignoring_case("ret", "retry") == std::string_view::npos);
    BOOST_TEST(ascii::find_ignoring_case("", "a") == std::string_view::npos);
}

BOOST_AUTO_TEST_CASE(trims_blanks_at_both_ends) {
    for (const auto& [text, expected] :
         {std::pair("", ""), {"a", "a"}, {" \ta b\t ", "a b"}, {" \t", ""}, {"\na ", "\na"}, {"a  ", "a"}})
        BOOST_TEST(ascii::trim(text) == expected);
    BOOST_TEST(ascii::trim("\r\n a\n", "\r\n") == " a");
}

BOOST_AUTO_TEST_CASE(takes_the_media_type_without_its_parameters) {
    for (const auto& [value, expected] : {std::pair("text/event-stream", "text/event-stream"),
                                          {"Text/HTML ; charset=utf-8", "Text/HTML"},
                                          {"application/json;a=b;c=d", "application/json"},
                                          {"", ""},
                                          {";a", ""}})
        BOOST_TEST(ascii::media_type(value) == expected);
}

BOOST_AUTO_TEST_SUITE_END()
