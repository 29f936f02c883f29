// Which item, and which text of it, an event refers to: the decision alone, without a protocol.
#include "protocol/streamed_items.hpp"

#include <boost/test/unit_test.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

using corun::codec::item_reference;
using corun::codec::missing_text;
using corun::codec::streamed_item;
using corun::codec::streamed_text;
using corun::codec::text_kind;
using corun::codec::whole_text;

namespace {

using items = corun::codec::streamed_items;

item_reference message(std::string_view id, std::optional<std::int32_t> index = std::nullopt) {
    item_reference reference;
    reference.type = "message";
    reference.id = id;
    reference.index = index;
    return reference;
}

/// The id under which a piece is delivered.
std::string piece(items& all, const item_reference& reference, std::string_view text, std::int32_t part = 0) {
    streamed_item& found = all.find_for_piece(reference, text_kind::text, part, text);
    (void)found.text(text_kind::text, part).take(text);
    return found.id;
}
std::vector<whole_text> whole(std::string_view text, std::int32_t part = 0) {
    return {{text_kind::text, part, text}};
}
std::string missing(streamed_item& item, std::string_view text, std::int32_t part = 0) {
    std::string all;
    for (const missing_text& each : item.missing_of(whole(text, part), true)) all += each.text;
    return all;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(streamed_items)

BOOST_AUTO_TEST_CASE(an_item_that_has_learnt_its_id_is_not_that_of_another_id) {
    items all;
    const std::string first = piece(all, message("", 0), "One ");
    BOOST_TEST(piece(all, message("a", 0), "two") == first);
    BOOST_TEST(piece(all, message("a"), "!") == first);
    BOOST_TEST(piece(all, message("b"), "Three") == "b");
}

BOOST_AUTO_TEST_CASE(a_text_takes_in_each_piece_once) {
    streamed_text text(text_kind::text, 0);
    BOOST_TEST(text.empty());
    BOOST_TEST(text.take("Row ") == "Row ");
    BOOST_TEST(text.rest_of("Row 3").value() == "3");
    BOOST_TEST(!text.rest_of("Seat 3"));
    // A whole comes before the pieces that repeat it.
    text.add_rest("3 is free.");
    BOOST_TEST(text.take("3 is") == "");
    BOOST_TEST(text.ahead() == " free.");
    BOOST_TEST(text.take(" free. Take it.") == " Take it.");
    BOOST_TEST(text.ahead() == "");
    BOOST_TEST(text.rest_of("Row 3 is free. Take it.").value() == "");
}

BOOST_AUTO_TEST_CASE(an_item_knows_what_is_missing_of_it) {
    streamed_item item("message");
    (void)item.text(text_kind::text, 0).take("Row ");
    BOOST_TEST(missing(item, "Row 3") == "3");
    BOOST_TEST(missing(item, "Row 3") == "");
    // Less takes nothing away; something else cannot be taken back.
    BOOST_TEST(missing(item, "Row") == "");
    BOOST_TEST(missing(item, "Seat 3") == "");
    // Under another number.
    BOOST_TEST(missing(item, "Row 3 is", 4) == " is");
    BOOST_TEST((item.compare(whole("Row 3 is free.")) == streamed_item::fit::fits));
    BOOST_TEST((item.compare(whole("Seat 3")) == streamed_item::fit::conflicts));
    BOOST_TEST((item.compare({}) == streamed_item::fit::unknown));
    const auto unseen = item.unseen_of(whole("Row 3 is free."));
    BOOST_TEST(unseen.at(0).text == " free.");
    BOOST_TEST(missing(item, "Row 3 is free.") == " free.");
}

BOOST_AUTO_TEST_CASE(one_whole_of_several_texts_and_several_of_one) {
    streamed_item two("message");
    (void)two.text(text_kind::text, 0).take("Row 3 ");
    (void)two.text(text_kind::text, 1).take("is ");
    BOOST_TEST(missing(two, "Row 3 is free.") == "free.");
    streamed_item one("message");
    (void)one.text(text_kind::text, 0).take("Row 3 is ");
    const auto rest = one.missing_of({{text_kind::text, 0, "Row 3 "}, {text_kind::text, 1, "is free."}}, true);
    BOOST_REQUIRE_EQUAL(rest.size(), 1u);
    BOOST_TEST(rest[0].text == "free.");
}

BOOST_AUTO_TEST_CASE(an_item_goes_by_its_place_then_by_its_id_then_by_order) {
    items all;
    BOOST_TEST(piece(all, message("a", 0), "One ") == "a");
    BOOST_TEST(piece(all, message("b", 0), "two ") == "a");
    BOOST_TEST(piece(all, message("c", 1), "Other ") == "c");
    BOOST_TEST(piece(all, message("a"), "three ") == "a");
    BOOST_TEST(piece(all, message("c"), "text ") == "c");
    BOOST_TEST(piece(all, message("", 0), "four ") == "a");
    BOOST_TEST(all.all().size() == 2u);
    // Another type is another item.
    item_reference thought = message("a", 0);
    thought.type = "reasoning";
    BOOST_TEST(all.find_for_event(thought).type == "reasoning");
    BOOST_TEST(all.all().size() == 3u);
}

BOOST_AUTO_TEST_CASE(what_has_ended_takes_no_more_pieces) {
    items all;
    BOOST_TEST(piece(all, message("a", 0), "One.") == "a");
    all.find_for_whole(message("a", 0), whole("One.")).ended = true;
    const std::string second = piece(all, message("a", 0), "Two.");
    BOOST_TEST(second != "a");
    BOOST_TEST(all.all().size() == 2u);
    BOOST_TEST(all.find_for_whole(message("a", 0), whole("Two.")).id == second);
    BOOST_TEST(all.find_for_whole(message("a", 0), whole("One.")).id == "a");
}

BOOST_AUTO_TEST_CASE(a_list_matches_each_item_once) {
    items all;
    (void)piece(all, message("a", 0), "One.");
    (void)piece(all, message("b", 1), "One.");
    all.begin_list();
    BOOST_TEST(all.find_in_list(message("x", 0), whole("One."))->id == "a");
    BOOST_TEST(all.find_in_list(message("y", 1), whole("One."))->id == "b");
    BOOST_TEST(all.find_in_list(message("z", 2), whole("Three.")) == nullptr);
    BOOST_TEST(all.add_from_list(message("z", 2)).id == "z");
    // It may leave one out: then the places are others.
    items longer;
    (void)piece(longer, message("a", 0), "One.");
    (void)piece(longer, message("b", 1), "Two.");
    longer.begin_list();
    BOOST_TEST(longer.find_in_list(message("x", 0), whole("Two. And so on."))->id == "b");
}

BOOST_AUTO_TEST_CASE(the_latest_text_is_found_without_a_search) {
    items all;
    BOOST_TEST(all.latest_text() == nullptr);
    streamed_item& item = all.find_for_piece(message("a", 0), text_kind::text, 0, "One");
    streamed_text& text = item.text(text_kind::text, 0);
    all.set_latest(item, text);
    BOOST_TEST(all.latest_text() == &text);
    item.ended = true;
    BOOST_TEST(all.latest_text() == nullptr);
    item.ended = false;
    BOOST_TEST(all.latest_text() == &text);
    item.begins_again = true;
    BOOST_TEST(all.latest_text() == nullptr);
    item.begins_again = false;
    // Another item may be the one that the next piece belongs to.
    (void)all.find_for_begin(message("b", 1));
    BOOST_TEST(all.latest_text() == nullptr);
    all.clear();
    BOOST_TEST(all.latest_text() == nullptr);
}

BOOST_AUTO_TEST_CASE(the_latest_text_is_searched_for_again_when_its_item_has_got_an_index) {
    items all;
    streamed_item& item = all.find_for_piece(message("a", std::nullopt), text_kind::text, 0, "One");
    all.set_latest(item, item.text(text_kind::text, 0));
    BOOST_TEST(all.latest_text() != nullptr);
    (void)all.find_for_event(message("a", 3));
    BOOST_TEST(all.latest_text() == nullptr);
}

BOOST_AUTO_TEST_CASE(halves_of_characters_end_with_their_text) {
    streamed_item item("message");
    item.text(text_kind::text, 0).half = 0xd83d;
    const auto halves = item.take_halves();
    BOOST_REQUIRE_EQUAL(halves.size(), 1u);
    BOOST_TEST(halves[0].text == "\xEF\xBF\xBD");
    BOOST_TEST(item.take_halves().empty());
}

BOOST_AUTO_TEST_CASE(memory_has_bounds) {
    items all;
    for (int i = 0; i != 3000; ++i) (void)piece(all, message("m" + std::to_string(i), i), "x");
    BOOST_TEST(all.all().size() == 1024u);
    streamed_item item("message");
    for (int i = 0; i != 3000; ++i) (void)item.text(text_kind::text, i);
    BOOST_TEST(item.texts().size() == 1024u);
    for (int i = 0; i != 100; ++i) item.learn("id" + std::to_string(i));
    BOOST_TEST(item.knows("id99"));
    BOOST_TEST(!item.knows("id0"));
}

BOOST_AUTO_TEST_SUITE_END()
