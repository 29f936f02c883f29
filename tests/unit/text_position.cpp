#include "text/text_position.hpp"

#include <boost/test/unit_test.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace {

using corun::detail::text_position;

constexpr std::string_view half = "\xEF\xBF\xBD";

std::string rest(const std::vector<std::string_view>& pieces, std::string_view whole) {
    text_position at;
    for (const std::string_view each : pieces) at.append(each);
    return at.rest_of(whole).value_or("none");
}

/// Where characters begin, and the end.
std::vector<std::size_t> boundaries(std::string_view text) {
    std::vector<std::size_t> found;
    for (std::size_t i = 0; i <= text.size(); ++i)
        if (i == text.size() || (static_cast<unsigned char>(text[i]) & 0xC0) != 0x80) found.push_back(i);
    return found;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(position_in_a_text)

BOOST_AUTO_TEST_CASE(the_rest_begins_where_the_pieces_ended) {
    const std::string_view whole = "Grüße, 世界! 🚀🚀 and a tail that is longer than what is kept of it";
    const auto cuts = boundaries(whole);
    for (const std::size_t first : cuts)
        for (const std::size_t second : cuts) {
            if (second < first) continue;
            const std::string got = rest({whole.substr(0, first), whole.substr(first, second - first)}, whole);
            BOOST_CHECK_EQUAL(got, whole.substr(second));
        }
}

BOOST_AUTO_TEST_CASE(nothing_delivered_leaves_all_of_it) {
    BOOST_TEST(rest({}, "all") == "all");
    BOOST_TEST(rest({"", ""}, "all") == "all");
    BOOST_TEST(rest({}, "") == "");
}

BOOST_AUTO_TEST_CASE(a_text_as_long_as_what_was_delivered_has_no_rest) {
    BOOST_TEST(rest({"Hello"}, "Hello") == "");
    BOOST_TEST(rest({"a", half, half}, "a🚀") == "");
}

BOOST_AUTO_TEST_CASE(another_text_has_no_rest) {
    BOOST_TEST(rest({"Hello"}, "Howdy, how are you?") == "none");
    BOOST_TEST(rest({"one two three four five"}, "one two three four six, seven") == "none");
    BOOST_TEST(rest({"Seat 14A is free and has a window"}, "Seat 15B is free and has a window") == "none");
    BOOST_TEST(rest({"Hello"}, "Hell") == "none");
    BOOST_TEST(rest({"Hello"}, "") == "none");
    BOOST_TEST(rest({"a", half, half}, "a") == "none");
}

BOOST_AUTO_TEST_CASE(a_pair_that_was_cut_in_two_goes_on_with_its_other_half) {
    // What a stream that is not broken gives for the two halves: U+FFFD each.
    BOOST_TEST(rest({"a", half}, "a🚀b") == std::string(half) + "b");
    BOOST_TEST(rest({"a", half, half}, "a🚀b") == "b");
    BOOST_TEST(rest({"a", half, half, "b"}, "a🚀bc") == "c");
    BOOST_TEST(rest({half}, "🚀") == half);
}

BOOST_AUTO_TEST_CASE(a_position_that_was_stored_goes_on) {
    const std::string_view whole = "Grüße, 世界! 🚀🚀 and a tail";
    const auto cuts = boundaries(whole);
    for (const std::size_t first : cuts)
        for (const std::size_t second : cuts) {
            if (second < first) continue;
            corun::detail::text_mark mark;
            mark.append(whole.substr(0, first));
            text_position at(
                corun::detail::text_mark(mark.size(), mark.units(), mark.checksum(), mark.has_replacements()));
            BOOST_CHECK_EQUAL(at.rest_of(whole).value(), whole.substr(first));
            at.append(whole.substr(first, second - first));
            BOOST_CHECK_EQUAL(at.rest_of(whole).value(), whole.substr(second));
            BOOST_TEST(!at.rest_of(std::string("X") + std::string(whole.substr(1))).has_value() == (second > 0));
        }
}

BOOST_AUTO_TEST_CASE(a_stored_pair_that_was_cut_in_two_goes_on_with_its_other_half) {
    corun::detail::text_mark mark;
    mark.append("a");
    mark.append(half);
    BOOST_TEST(text_position(mark).rest_of("a🚀b").value() == std::string(half) + "b");
    mark.append(half);
    BOOST_TEST(text_position(mark).rest_of("a🚀b").value() == "b");
}

BOOST_AUTO_TEST_CASE(a_replacement_character_of_the_text_itself_counts_as_one) {
    const std::string text = "a" + std::string(half) + "b";
    BOOST_TEST(rest({"a", half}, text) == "b");
}

BOOST_AUTO_TEST_SUITE_END()
