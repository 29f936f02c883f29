#include "text/escape.hpp"

#include <boost/test/unit_test.hpp>

#include <string>
#include <utility>

using corun::detail::escape;

BOOST_AUTO_TEST_SUITE(escaping)

BOOST_AUTO_TEST_CASE(escapes_control_characters_alone) {
    for (int byte = 0; byte < 256; ++byte) BOOST_TEST_CONTEXT("byte " << byte) {
            const std::string text(1, static_cast<char>(byte));
            const bool is_control = byte < 0x20 || byte == 0x7f;
            BOOST_TEST((escape(text) == text) == !is_control);
            BOOST_TEST(escape(escape(text)) == escape(text));
        }
    for (const auto& [text, expected] : {std::pair("\r\n\t", "\\r\\n\\t"),
                                         {"\x1b[2J", "\\x1b[2J"},
                                         {"\x7f", "\\x7f"},
                                         {"\x10", "\\x10"},
                                         {"a\\b 'c' \xc3\xa9", "a\\b 'c' \xc3\xa9"},
                                         {"", ""}})
        BOOST_TEST(escape(text) == expected);
}

BOOST_AUTO_TEST_CASE(quotes_what_it_escaped) {
    BOOST_TEST(corun::detail::quote("a\nb") == "'a\\nb'");
    BOOST_TEST(corun::detail::quote("") == "''");
}

BOOST_AUTO_TEST_SUITE_END()
