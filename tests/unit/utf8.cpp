#include "text/utf8.hpp"

#include <boost/test/unit_test.hpp>

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

namespace {

namespace utf8 = corun::utf8;

// Unicode's table 3-7, written out: what leads, and what may follow.
bool in_table(std::string_view text) {
    const auto in = [&](std::size_t i, int low, int high) {
        const int byte = static_cast<unsigned char>(text[i]);
        return byte >= low && byte <= high;
    };
    switch (text.size()) {
        case 1:
            return in(0, 0, 0x7f);
        case 2:
            return in(0, 0xc2, 0xdf) && in(1, 0x80, 0xbf);
        case 3:
            return in(2, 0x80, 0xbf) &&
                   ((in(0, 0xe0, 0xe0) && in(1, 0xa0, 0xbf)) || (in(0, 0xe1, 0xec) && in(1, 0x80, 0xbf)) ||
                    (in(0, 0xed, 0xed) && in(1, 0x80, 0x9f)) || (in(0, 0xee, 0xef) && in(1, 0x80, 0xbf)));
        default:
            return in(2, 0x80, 0xbf) && in(3, 0x80, 0xbf) &&
                   ((in(0, 0xf0, 0xf0) && in(1, 0x90, 0xbf)) || (in(0, 0xf1, 0xf3) && in(1, 0x80, 0xbf)) ||
                    (in(0, 0xf4, 0xf4) && in(1, 0x80, 0x8f)));
    }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(utf8_text)

BOOST_AUTO_TEST_CASE(takes_exactly_the_sequences_of_the_table) {
    for (unsigned first = 0; first < 256; ++first) {
        for (unsigned second = 0; second < 256; ++second) {
            for (const unsigned rest : {0x00u, 0x7fu, 0x80u, 0xbfu, 0xc0u}) {
                const char bytes[] = {static_cast<char>(first), static_cast<char>(second), static_cast<char>(rest),
                                      static_cast<char>(rest)};
                const std::string_view text(bytes, 4);
                std::size_t expected = 0;
                for (std::size_t length = 1; length <= 4; ++length)
                    if (in_table(text.substr(0, length))) expected = length;
                const auto found = utf8::leading_sequence(text);
                BOOST_REQUIRE(found.well_formed == (expected != 0));
                if (found.well_formed) BOOST_REQUIRE(found.length == expected);
            }
        }
    }
}

BOOST_AUTO_TEST_CASE(finds_the_first_malformed_byte_at_every_place) {
    for (std::size_t before = 0; before < 70; ++before) {
        const std::string text = std::string(before, 'x') + "\xFF" + std::string(40, 'y');
        BOOST_TEST(utf8::well_formed_prefix(text) == before);
        BOOST_TEST(utf8::decoded(text) == std::string(before, 'x') + "\xEF\xBF\xBD" + std::string(40, 'y'));
        BOOST_TEST(utf8::decoded_size(text) == text.size() + 2);
    }
}

BOOST_AUTO_TEST_CASE(replaces_each_maximal_part_by_one_character) {
    const std::pair<std::string_view, std::string_view> rows[] = {
        {"", ""},
        {"gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f"},
        {"\x80\x80", "\xEF\xBF\xBD\xEF\xBF\xBD"},
        {"a\xf0\x9f\x9a", "a\xEF\xBF\xBD"},
        {"\xf0\x9f\x9a.", "\xEF\xBF\xBD."},
        {"\xe4\xb8\xc3\xbc", "\xEF\xBF\xBD\xc3\xbc"},
        {"\xed\xa0\x80", "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD"},
    };
    for (const auto& [text, expected] : rows) {
        BOOST_TEST(utf8::decoded(text) == expected);
        BOOST_TEST(utf8::decoded_size(text) == expected.size());
        BOOST_TEST(utf8::is_well_formed(text) == (text == expected));
    }
}

BOOST_AUTO_TEST_CASE(counts_characters_and_utf16_units) {
    BOOST_TEST(utf8::count_characters("") == 0u);
    BOOST_TEST(utf8::count_characters("a\xc3\xbc\xe4\xb8\x96\xf0\x9f\x9a\x80") == 4u);
    for (int byte = 0; byte < 256; ++byte) BOOST_TEST_CONTEXT("byte " << byte) {
            const char c = static_cast<char>(byte);
            const bool continuation = byte >= 0x80 && byte < 0xc0;
            BOOST_TEST(utf8::is_continuation(c) == continuation);
            BOOST_TEST(utf8::utf16_units(c) == (continuation ? 0u : byte >= 0xf0 ? 2u : 1u));
        }
}

BOOST_AUTO_TEST_SUITE_END()
