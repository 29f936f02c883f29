#include "json/cursor.hpp"
#include "json/text.hpp"

#include <boost/test/unit_test.hpp>

#include <cstdint>
#include <string_view>

using corun::codec::json::cursor;

BOOST_AUTO_TEST_SUITE(json_cursor)

BOOST_AUTO_TEST_CASE(takes_a_character_or_a_literal_only_where_it_is) {
    cursor text("{\"a\":1}");
    BOOST_TEST(!text.take('['));
    BOOST_TEST(text.take('{'));
    BOOST_TEST(!text.take("\"b\":"));
    BOOST_TEST(text.take("\"a\":"));
    BOOST_TEST(text.rest() == "1}");
    BOOST_TEST(!text.take("1}]"));
    BOOST_TEST(!text.at_end());
    BOOST_TEST(text.take("1}"));
    BOOST_TEST(text.at_end());
    BOOST_TEST(!text.take('}'));
}

BOOST_AUTO_TEST_CASE(skips_whitespace_and_bytes) {
    cursor text(" \n\r\tx y");
    text.skip_whitespace();
    BOOST_TEST(text.rest() == "x y");
    text.skip(2);
    BOOST_TEST(text.rest() == "y");
    text.skip_whitespace();
    BOOST_TEST(text.take('y'));
    text.skip_whitespace();
    BOOST_TEST(text.at_end());
}

BOOST_AUTO_TEST_CASE(takes_the_inside_of_a_string) {
    std::string_view inside;
    bool escaped = true;
    cursor plain("\"a b\",");
    BOOST_TEST(plain.take_string(inside, escaped));
    BOOST_TEST(inside == "a b");
    BOOST_TEST(!escaped);
    BOOST_TEST(plain.rest() == ",");
    cursor with_quote(R"("a\"b")");
    BOOST_TEST(with_quote.take_string(inside, escaped));
    BOOST_TEST(inside == R"(a\"b)");
    BOOST_TEST(escaped);
    BOOST_TEST(with_quote.at_end());
    cursor opened("ab\"c");
    BOOST_TEST(opened.take_string_end(inside, escaped));
    BOOST_TEST(inside == "ab");
    BOOST_TEST(opened.rest() == "c");
}

BOOST_AUTO_TEST_CASE(stops_where_a_string_goes_wrong) {
    std::string_view inside;
    bool escaped = false;
    for (const std::string_view text : {"\"ab", "\"ab\n\"", "\"ab\\x\""}) {
        cursor wrong(text);
        BOOST_TEST(!wrong.take_string(inside, escaped));
        BOOST_TEST(wrong.position() - text.data() == 3);
    }
    cursor no_string("ab\"");
    BOOST_TEST(!no_string.take_string(inside, escaped));
    BOOST_TEST(no_string.rest() == "ab\"");
}

BOOST_AUTO_TEST_CASE(takes_an_index_of_at_most_nine_digits) {
    struct row {
        std::string_view text;
        bool taken;
        std::int32_t index;
        std::string_view rest;
    };
    for (const row& each : {row{"0,", true, 0, ","}, row{"7}", true, 7, "}"}, row{"10", true, 10, ""},
                            row{"999999999,", true, 999'999'999, ","}, row{"1234567890", true, 123'456'789, "0"},
                            row{"007", false, 7, ""}, row{"-1", false, 0, "-1"}, row{"", false, 0, ""}}) {
        BOOST_TEST_CONTEXT(each.text) {
            cursor text(each.text);
            std::int32_t index = 5;
            BOOST_TEST(text.take_index(index) == each.taken);
            BOOST_TEST(index == each.index);
            BOOST_TEST(text.rest() == each.rest);
        }
    }
}

BOOST_AUTO_TEST_CASE(numbers_that_are_not_finite_are_json_only_where_they_are_allowed) {
    using namespace corun::codec::json;
    for (const std::string_view text : {"NaN", "Infinity", "-Infinity", "[NaN,{\"a\":-Infinity}]"}) {
        BOOST_TEST(find_error(text).has_value(), text);
        BOOST_TEST(!find_error(text, numbers::any).has_value(), text);
    }
    for (const std::string_view text : {"-NaN", "Inf", "- Infinity", "Infinit", "-Infinity0", "nan"})
        BOOST_TEST(find_error(text, numbers::any).has_value(), text);
}

BOOST_AUTO_TEST_CASE(halves_of_surrogate_pairs_are_replaced_and_pairs_are_not) {
    struct row {
        std::string_view json, whole;
    };
    for (const row each : {row{R"("\ud800\udc00\uDBFF\uDFFF")", R"("\ud800\udc00\uDBFF\uDFFF")"},
                           row{R"("\ud7ff\ue000\u00e9")", R"("\ud7ff\ue000\u00e9")"}, row{R"("\ud800")", R"("\ufffd")"},
                           row{R"("\udbffa")", R"("\ufffda")"}, row{R"("\udc00\udc00")", R"("\ufffd\ufffd")"},
                           row{R"("\udfff\ud800")", R"("\ufffd\ufffd")"}, row{R"("\ud800\ue000")", R"("\ufffd\ue000")"},
                           row{R"("\ud800\ud800\udc00")", R"("\ufffd\ud800\udc00")"},
                           row{R"("\\ud800\n\\")", R"("\\ud800\n\\")"}, row{R"("\ud80)", R"("\ud80)"}})
        BOOST_TEST(corun::codec::json::without_half_surrogates(each.json) == each.whole);
}

BOOST_AUTO_TEST_CASE(a_pair_that_is_cut_in_two_is_put_together) {
    using corun::codec::json::append_unescaped;
    struct row {
        std::string_view first;
        char16_t half;
        std::string_view second, text;
    };
    for (const row each : {row{R"(a\ud800)", 0xd800, R"(\udc00b)",
                               "a\xF0\x90\x80\x80"
                               "b"},
                           row{R"(\udbff)", 0xdbff, R"(\udfff)", "\xF4\x8F\xBF\xBF"},
                           row{R"(\udc00)", 0, "b",
                               "\xEF\xBF\xBD"
                               "b"},
                           row{R"(\ud7ff)", 0, "b",
                               "\xED\x9F\xBF"
                               "b"},
                           row{R"(\ud800)", 0xd800, "b",
                               "\xEF\xBF\xBD"
                               "b"}}) {
        std::string text;
        char16_t half = 0;
        append_unescaped(text, each.first, half);
        BOOST_TEST(int{half} == int{each.half}, each.first);
        append_unescaped(text, each.second, half);
        BOOST_TEST(text == each.text, each.first);
        BOOST_TEST(int{half} == 0, each.first);
    }
}

BOOST_AUTO_TEST_SUITE_END()
