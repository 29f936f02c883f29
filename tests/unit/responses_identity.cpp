// Which item and which text an event of the Responses protocol speaks of, whatever a service does to ids and indexes:
// each text is delivered once and gathered once.
#include "protocol/responses/codec.hpp"
#include "protocol/responses/replay.hpp"
#include "wire.hpp"
#include <corun/event.hpp>
#include <corun/run_result.hpp>

#include <boost/test/unit_test.hpp>

#include <string>
#include <string_view>
#include <vector>

using namespace corun;
using codec::responses::decoder;
using codec::responses::replay;

namespace {

/// A run as its caller gets it.
class watched {
public:
    explicit watched(bool fast_path = true) { decoder_.use_fast_path(fast_path); }

    void take(const std::string& data, std::string_view name = {}) {
        test::decoded result = test::decode(decoder_, name, data);
        if (result.code) throw std::runtime_error(result.problem);
        for (const event& each : result.events) {
            BOOST_TEST(each.raw() == data);
            BOOST_TEST(each.continues() == (&each != &result.events.front()));
            replay_.delivered(each);
            gathered.apply(each);
            if (const auto* delta = each.get_if<events::text_delta>()) deltas += delta->text;
            if (const auto* delta = each.get_if<events::refusal_delta>()) refusal += delta->text;
            if (const auto* delta = each.get_if<events::tool_call_delta>()) arguments += delta->arguments;
            if (const auto* delta = each.get_if<events::reasoning_delta>())
                (delta->summary ? summary : reasoning) += delta->text;
            last = each.index();
        }
    }
    /// The connection is lost, and the response is read.
    void read(const std::string& response) {
        for (const codec::replayed_event& each : replay_.events_of(response, decoder_.items()))
            take(each.data, each.name);
    }

    std::string deltas, refusal, arguments, reasoning, summary;
    run_result gathered;
    std::size_t last = 0;

private:
    decoder decoder_;
    replay replay_;
};

/// Runs the stream through both readers, which must agree.
watched run(const std::vector<std::string>& stream) {
    watched by_fast_path, by_general_reader(false);
    for (const std::string& data : stream) {
        by_fast_path.take(data);
        by_general_reader.take(data);
    }
    BOOST_TEST(by_fast_path.deltas == by_general_reader.deltas);
    BOOST_TEST(by_fast_path.gathered.text() == by_general_reader.gathered.text());
    BOOST_TEST(by_fast_path.gathered.messages.size() == by_general_reader.gathered.messages.size());
    return by_fast_path;
}

/// A stream that must bring `text` once, in as many messages.
void brings(const std::vector<std::string>& stream, std::string_view text, std::size_t messages = 1) {
    const watched got = run(stream);
    std::string shown;
    for (const std::string& data : stream) shown += data + "\n";
    BOOST_TEST_INFO_SCOPE(shown);
    BOOST_TEST(got.deltas == text);
    BOOST_TEST(got.gathered.text() == text);
    BOOST_TEST(got.gathered.messages.size() == messages);
    BOOST_TEST((got.gathered.status == run_state::completed));
}

/// `name` with members, as `"type":"response.name",...`.
std::string say(std::string_view name, std::string_view members) {
    return R"({"type":"response.)" + std::string(name) + "\"," + std::string(members) + "}";
}

const std::string created = say("created", R"("response":{"id":"r","status":"in_progress","output":[]})");

std::string completed(std::string_view output = {}) {
    return say("completed",
               R"("response":{"id":"r","status":"completed","output":[)" + std::string(output) + R"(],"usage":null})");
}

/// Where an event says it belongs: `"item_id":"a","output_index":0,` or less.
std::string at(std::string_view id, int index = -1) {
    std::string members;
    if (!id.empty()) members += R"("item_id":")" + std::string(id) + "\",";
    if (index >= 0) members += R"("output_index":)" + std::to_string(index) + ",";
    return members;
}
std::string delta(const std::string& where, std::string_view text, int part = 0) {
    return say("output_text.delta",
               where + R"("content_index":)" + std::to_string(part) + R"(,"delta":")" + std::string(text) + "\"");
}
std::string text_done(const std::string& where, std::string_view text, int part = 0) {
    return say("output_text.done",
               where + R"("content_index":)" + std::to_string(part) + R"(,"text":")" + std::string(text) + "\"");
}
std::string part(std::string_view text) {
    return R"({"type":"output_text","text":")" + std::string(text) + R"(","annotations":[]})";
}
/// A message whose content is one text; none where `text` is empty.
std::string message_item(std::string_view id, std::string_view text) {
    return R"({"type":"message","role":"assistant","status":"completed",)" +
           (id.empty() ? "" : R"("id":")" + std::string(id) + "\",") + R"("content":[)" +
           (text.empty() ? "" : part(text)) + "]}";
}
std::string item_event(std::string_view name, int index, const std::string& item) {
    return say(name, (index >= 0 ? R"("output_index":)" + std::to_string(index) + "," : "") + R"("item":)" + item);
}
std::string added(std::string_view id, int index) {
    return item_event("output_item.added", index, message_item(id, ""));
}
std::string done(std::string_view id, int index, std::string_view text) {
    return item_event("output_item.done", index, message_item(id, text));
}

constexpr const char* seat = "Gate B7 opens at six.";

}  // namespace

BOOST_AUTO_TEST_SUITE(responses_identity)

BOOST_AUTO_TEST_CASE(ids_that_change_with_each_event) {
    brings({created, added("a1", 0), delta(at("a2", 0), "Gate B7 "), delta(at("a3", 0), "opens at six."),
            text_done(at("a4", 0), seat), done("a5", 0, seat), completed(message_item("a6", seat))},
           seat);
    // Without an announcement, without the whole text, without the finished item, without the output.
    brings({created, delta(at("a2", 0), "Gate B7 "), delta(at("a3", 0), "opens at six."), done("a5", 0, seat),
            completed(message_item("a6", seat))},
           seat);
    brings({created, added("a1", 0), delta(at("a2", 0), "Gate B7 "), delta(at("a3", 0), "opens at six."),
            completed(message_item("a6", seat))},
           seat);
    brings({created, delta(at("a2", 0), "Gate B7 "), delta(at("a3", 0), "opens at six."), completed()}, seat);
    // Without indexes the order is what is left.
    brings(
        {created, added("a1", -1), delta(at("a2"), "Gate B7 "), delta(at("a3"), "opens "), delta(at("a4"), "at six."),
         text_done(at("a5"), seat), done("a6", -1, seat), completed(message_item("a7", seat))},
        seat);
    brings(
        {created, delta(at("a2"), "Gate B7 "), delta(at("a3"), "opens at six."), completed(message_item("a7", seat))},
        seat);
}

BOOST_AUTO_TEST_CASE(two_messages_whose_ids_change_with_each_event) {
    brings({created, added("a1", 0), delta(at("a2", 0), "One. "), done("a3", 0, "One. "), added("a4", 1),
            delta(at("a5", 1), "Two."), done("a6", 1, "Two."),
            completed(message_item("a7", "One. ") + "," + message_item("a8", "Two."))},
           "One. Two.", 2);
    // By order alone.
    brings({created, added("a1", -1), delta(at("a2"), "One. "), done("a3", -1, "One. "), added("a4", -1),
            delta(at("a5"), "Two."), done("a6", -1, "Two."),
            completed(message_item("a7", "One. ") + "," + message_item("a8", "Two."))},
           "One. Two.", 2);
    // Of the output, the first has been left out: the places are others.
    brings({created, added("a1", 0), delta(at("a2", 0), "One. "), done("a3", 0, "One. "), added("a4", 1),
            delta(at("a5", 1), "Two."), done("a6", 1, "Two."), completed(message_item("a8", "Two."))},
           "One. Two.", 2);
}

BOOST_AUTO_TEST_CASE(one_id_for_two_items) {
    const std::string output = message_item("m", "One. ") + "," + message_item("m", "Two.");
    brings({created, added("m", 0), delta(at("m", 0), "One. "), done("m", 0, "One. "), added("m", 1),
            delta(at("m", 1), "Two."), done("m", 1, "Two."), completed(output)},
           "One. Two.", 2);
    // Not announced; not ended; the text in the output alone.
    brings({created, delta(at("m", 0), "One. "), delta(at("m", 1), "Two."), completed(output)}, "One. Two.", 2);
    brings({created, delta(at("m", 0), "One. "), done("m", 0, "One. "), delta(at("m", 1), "Two."), completed(output)},
           "One. Two.", 2);
    brings({created, completed(output)}, "One. Two.", 2);
    // Without indexes, what comes after an item has ended is another one.
    brings({created, added("m", -1), delta(at("m"), "One. "), done("m", -1, "One. "), added("m", -1),
            delta(at("m"), "Two."), done("m", -1, "Two."), completed(output)},
           "One. Two.", 2);
    brings({created, delta(at("m"), "One. "), done("m", -1, "One. "), delta(at("m"), "Two."), completed(output)},
           "One. Two.", 2);
    brings({created, done("m", -1, "One. "), done("m", -1, "Two."), completed(output)}, "One. Two.", 2);
    // And the same index for both.
    brings({created, added("m", 0), delta(at("m", 0), "One. "), done("m", 0, "One. "), added("m", 0),
            delta(at("m", 0), "Two."), done("m", 0, "Two."), completed(output)},
           "One. Two.", 2);
    // Interleaved.
    brings({created, added("m", 0), added("m", 1), delta(at("m", 0), "One. "), delta(at("m", 1), "Two."),
            done("m", 0, "One. "), done("m", 1, "Two."), completed(output)},
           "One. Two.", 2);
}

BOOST_AUTO_TEST_CASE(one_id_for_reasoning_and_message) {
    const std::string reasoning =
        R"({"id":"m","type":"reasoning","summary":[],"content":[{"type":"reasoning_text","text":"Look."}]})";
    const std::vector<std::string> stream{
        created,
        item_event("output_item.added", 0, R"({"id":"m","type":"reasoning","summary":[]})"),
        say("reasoning_text.delta", at("m", 0) + R"("content_index":0,"delta":"Look.")"),
        say("reasoning_text.done", at("m", 1) + R"("content_index":0,"text":"Look.")"),
        item_event("output_item.done", 1, reasoning),
        added("m", 1),
        delta(at("m", 1), seat, 1),
        text_done(at("m", 2), seat, 1),
        done("m", 2, seat),
        completed(reasoning + "," + message_item("m", seat))};
    brings(stream, seat);
    BOOST_TEST(run(stream).reasoning == "Look.");
}

BOOST_AUTO_TEST_CASE(ids_and_indexes_that_are_missing) {
    // Of the pieces, of the finished item, of all of them.
    brings({created, delta("", "Gate B7 "), delta("", "opens at six."), done("m", 0, seat),
            completed(message_item("m", seat))},
           seat);
    brings({created, added("m", 0), delta(at("m", 0), "Gate B7 "), delta(at("m", 0), "opens at six."),
            done("", 0, seat), completed(message_item("m", seat))},
           seat);
    brings({created, added("", -1), delta("", "Gate B7 "), delta("", "opens at six."), text_done("", seat),
            done("", -1, seat), completed(message_item("", seat))},
           seat);
    brings(
        {created, delta(at("", 0), "Gate B7 "), delta(at("", 0), "opens at six."), completed(message_item("m", seat))},
        seat);
    brings({created, added("m", -1), delta(at("", 3), "Gate B7 "), delta(at("", 3), "opens at six."),
            done("m", 3, seat), completed(message_item("m", seat))},
           seat);
    // Two messages by order alone.
    brings({created, delta("", "One. "), done("", -1, "One. "), delta("", "Two."), done("", -1, "Two."),
            completed(message_item("", "One. ") + "," + message_item("", "Two."))},
           "One. Two.", 2);
    brings({created, delta("", "One. "), text_done("", "One. "), delta("", "Two."), text_done("", "Two."),
            completed(message_item("x", "One. ") + "," + message_item("y", "Two."))},
           "One. Two.", 2);
}

BOOST_AUTO_TEST_CASE(a_whole_under_another_id_than_its_pieces) {
    brings({created, added("m", 0), delta(at("m", 0), "Gate B7 "), delta(at("m", 0), "opens at six."),
            done("msg_2", 0, seat), completed(message_item("msg_3", seat))},
           seat);
    brings({created, delta(at("m"), "Gate B7 "), delta(at("m"), "opens "), delta(at("m"), "at six."),
            done("msg_2", -1, seat), completed(message_item("msg_3", seat))},
           seat);
    brings({created, delta(at("m"), "Gate B7 "), delta(at("m"), "opens "), delta(at("m"), "at six."),
            completed(message_item("msg_3", seat))},
           seat);
}

BOOST_AUTO_TEST_CASE(one_index_for_all_items) {
    brings({created, added("a", 0), delta(at("a", 0), "One. "), done("a", 0, "One. "), added("b", 0),
            delta(at("b", 0), "Two."), done("b", 0, "Two."),
            completed(message_item("a", "One. ") + "," + message_item("b", "Two."))},
           "One. Two.", 2);
    brings({created, added("a", 0), added("b", 0), delta(at("a", 0), "One. "), delta(at("b", 0), "Two."),
            done("b", 0, "Two."), done("a", 0, "One. "),
            completed(message_item("a", "One. ") + "," + message_item("b", "Two."))},
           "One. Two.", 2);
    brings({created, delta(at("a", 0), "One. "), done("a", 0, "One. "), delta(at("b", 0), "Two."),
            completed(message_item("a", "One. ") + "," + message_item("b", "Two."))},
           "One. Two.", 2);
}

BOOST_AUTO_TEST_CASE(parts_with_other_numbers) {
    // The only part is number 1; each piece has the next number; there are no numbers.
    brings({created, added("m", 0), delta(at("m", 0), "Gate B7 ", 1), delta(at("m", 0), "opens at six.", 1),
            text_done(at("m", 0), seat, 1), done("m", 0, seat), completed(message_item("m", seat))},
           seat);
    brings({created, added("m", 0), delta(at("m", 0), "Gate B7 ", 0), delta(at("m", 0), "opens ", 1),
            delta(at("m", 0), "at six.", 2), done("m", 0, seat), completed(message_item("m", seat))},
           seat);
    const std::string two_parts =
        R"({"id":"m","type":"message","content":[)" + part("One. ") + "," + part("Two.") + "]}";
    brings({created, added("m", 0), delta(at("m", 0), "One. ", 1), delta(at("m", 0), "Two.", 2),
            item_event("output_item.done", 0, two_parts), completed(two_parts)},
           "One. Two.");
    brings({created, added("m", 0), delta(at("m", 0), "One. "), delta(at("m", 0), "Two."),
            item_event("output_item.done", 0, two_parts), completed(two_parts)},
           "One. Two.");
    brings({created, added("m", 0), delta(at("m", 0), "One. "), item_event("output_item.done", 0, two_parts),
            completed(two_parts)},
           "One. Two.");
    // What is missing before the pieces can only come behind them.
    const watched got = run({created, added("m", 0), delta(at("m", 0), "Two.", 1),
                             item_event("output_item.done", 0, two_parts), completed(two_parts)});
    BOOST_TEST(got.deltas == "Two.One. ");
    BOOST_TEST(got.gathered.text() == "One. Two.");
}

BOOST_AUTO_TEST_CASE(messages_that_are_interleaved) {
    const std::string output = message_item("a", "One. ") + "," + message_item("b", "Two.");
    const auto check = [&](const std::vector<std::string>& stream) {
        const watched got = run(stream);
        BOOST_TEST(got.deltas == "OnTwe. o.");
        BOOST_TEST(got.gathered.text() == "One. Two.");
        BOOST_TEST(got.gathered.messages.size() == 2u);
    };
    check({created, added("a", 0), added("b", 1), delta(at("a", 0), "On"), delta(at("b", 1), "Tw"),
           delta(at("a", 0), "e. "), delta(at("b", 1), "o."), done("a", 0, "One. "), done("b", 1, "Two."),
           completed(output)});
    check({created, delta(at("", 0), "On"), delta(at("", 1), "Tw"), delta(at("", 0), "e. "), delta(at("", 1), "o."),
           completed(output)});
    check({created, added("a", -1), added("b", -1), delta(at("a"), "On"), delta(at("b"), "Tw"), delta(at("a"), "e. "),
           delta(at("b"), "o."), completed(output)});
    check({created, delta(at("x1", 0), "On"), delta(at("x2", 1), "Tw"), delta(at("x3", 0), "e. "),
           delta(at("x4", 1), "o."), done("x5", 1, "Two."), done("x6", 0, "One. "), completed(output)});
}

BOOST_AUTO_TEST_CASE(an_item_that_is_announced_late) {
    brings({created, delta(at("m", 0), "Gate B7 "), added("m", 0), delta(at("m", 0), "opens at six."),
            done("m", 0, seat), completed(message_item("m", seat))},
           seat);
    brings({created, delta("", "Gate B7 "), added("m", 0), delta(at("m", 0), "opens at six."), done("m", 0, seat),
            completed(message_item("m", seat))},
           seat);
    brings({created, delta(at("x", 0), "Gate B7 "), added("y", 0), delta(at("z", 0), "opens at six."),
            done("u", 0, seat), completed(message_item("v", seat))},
           seat);
}

BOOST_AUTO_TEST_CASE(wholes_that_come_before_their_pieces) {
    brings({created, added("m", 0), text_done(at("m", 0), seat), delta(at("m", 0), "Gate B7 "),
            delta(at("m", 0), "opens at six."), done("m", 0, seat), completed(message_item("m", seat))},
           seat);
    brings({created, done("m", 0, seat), delta(at("m", 0), "Gate B7 "), delta(at("m", 0), "opens at six."),
            completed(message_item("m", seat))},
           seat);
    brings({created, delta(at("m", 0), "Gate "), text_done(at("m", 0), seat), delta(at("m", 0), "B7 opens"),
            delta(at("m", 0), " at six."), completed(message_item("m", seat))},
           seat);
    brings({created, done("q1", 0, "Six\\n\\\"B7\\\""), delta(at("q2", 0), "Six\\n"), delta(at("q3", 0), "\\\"B7\\\""),
            completed(message_item("q4", "Six\\n\\\"B7\\\""))},
           "Six\n\"B7\"");
}

BOOST_AUTO_TEST_CASE(wholes_that_come_twice) {
    brings({created, added("m", 0), added("m", 0), delta(at("m", 0), seat), text_done(at("m", 0), seat),
            text_done(at("m", 0), seat), done("m", 0, seat), done("m", 0, seat), completed(message_item("m", seat))},
           seat);
    brings(
        {created, delta(at("a", 0), seat), done("b", 0, seat), done("c", 0, seat), completed(message_item("d", seat))},
        seat);
    brings({created, done("m", 0, seat), added("m", 0), done("m", 0, seat), completed(message_item("m", seat))}, seat);
}

BOOST_AUTO_TEST_CASE(text_that_only_a_later_whole_has) {
    brings({created, completed(message_item("m", seat))}, seat);
    brings({created, added("m", 0), done("m", 0, ""), completed(message_item("m", seat))}, seat);
    brings({created, added("m", 0), text_done(at("m", 0), seat), completed()}, seat);
    brings({created, added("m", 0), say("content_part.done", at("m", 0) + R"("content_index":0,"part":)" + part(seat)),
            completed(message_item("m", seat))},
           seat);
    brings({created, added("m", 0), done("m", 0, seat), completed()}, seat);
    // Each one says more than the one before.
    brings({created, added("m", 0), delta(at("m", 0), "Gate"), text_done(at("m", 0), "Gate B7"),
            say("content_part.done", at("m", 0) + R"("content_index":0,"part":)" + part("Gate B7 opens")),
            done("m", 0, "Gate B7 opens at"), completed(message_item("m", seat))},
           seat);
    // The pieces of one message; the other message stands in the output alone.
    brings({created, added("a", 0), delta(at("a", 0), "One. "), done("a", 0, "One. "),
            completed(message_item("a", "One. ") + "," + message_item("b", "Two."))},
           "One. Two.", 2);
    brings({created, say("in_progress", R"("response":{"id":"r","status":"in_progress"})"),
            say("done", R"("response":{"id":"r","status":"completed","output":[)" + message_item("", seat) + "]}")},
           seat);
}

BOOST_AUTO_TEST_CASE(an_end_that_is_no_success_has_its_text_too) {
    for (const char* status : {"incomplete", "failed", "cancelled"}) {
        const watched got = run({created, delta(at("m", 0), "Gate B7 "),
                                 say(status, R"("response":{"id":"r","error":{"code":"c","message":"m"},"output":[)" +
                                                 message_item("m", seat) + "]}")});
        BOOST_TEST(got.deltas == seat);
        BOOST_TEST(got.gathered.text() == seat);
    }
}

BOOST_AUTO_TEST_CASE(a_whole_that_says_less_takes_nothing_away) {
    brings({created, added("m", 0), delta(at("m", 0), seat), done("m", 0, ""), completed()}, seat);
    brings({created, added("m", 0), delta(at("m", 0), seat), text_done(at("m", 0), ""), done("m", 0, "Gate"),
            completed(message_item("m", ""))},
           seat);
    brings({created, delta("", seat), done("x", 0, ""), completed(message_item("y", ""))}, seat);
    brings({created, added("m", 0), delta(at("m", 0), seat),
            item_event("output_item.done", 0, R"({"id":"m","type":"message","content":null})"),
            completed(R"({"id":"m","type":"message"})")},
           seat);
    brings(
        {created, added("m", 0), delta(at("m", 0), seat),
         item_event("output_item.done", 0, R"({"id":"m","type":"message","content":[)" + part("") + "]}"), completed()},
        seat);
}

BOOST_AUTO_TEST_CASE(a_text_that_was_rewritten_is_gathered_as_it_was_at_the_end) {
    const watched got = run({created, added("m", 0), delta(at("m", 0), "Gate B8 opens."), done("m", 0, seat),
                             completed(message_item("m", seat))});
    BOOST_TEST(got.deltas == "Gate B8 opens.");
    BOOST_TEST(got.gathered.text() == seat);
    BOOST_TEST(got.gathered.messages.size() == 1u);
}

BOOST_AUTO_TEST_CASE(refusals_likewise) {
    const auto refused = [](std::string_view id, std::string_view text) {
        return R"({"id":")" + std::string(id) + R"(","type":"message","content":[{"type":"refusal","refusal":")" +
               std::string(text) + R"("}]})";
    };
    const auto check = [](const std::vector<std::string>& stream) {
        const watched got = run(stream);
        BOOST_TEST(got.refusal == "I will not.");
        BOOST_REQUIRE_EQUAL(got.gathered.messages.size(), 1u);
        BOOST_TEST(got.gathered.messages[0].content.at(0).text == "I will not.");
    };
    check({created, say("refusal.delta", at("a", 0) + R"("delta":"I will ")"),
           say("refusal.delta", at("b", 0) + R"("delta":"not.")"),
           say("refusal.done", at("c", 0) + R"("refusal":"I will not.")"),
           item_event("output_item.done", 0, refused("d", "I will not.")), completed(refused("e", "I will not."))});
    check({created, completed(refused("e", "I will not."))});
    check({created, say("refusal.delta", R"("delta":"I will not.")"), done("x", 0, ""), completed()});
    check({created, say("refusal.delta", at("a", 0) + R"("content_index":3,"delta":"I will ")"),
           completed(refused("a", "I will not."))});
}

BOOST_AUTO_TEST_CASE(reasoning_likewise) {
    const auto thought = [](std::string_view id, std::string_view summary, std::string_view text) {
        return R"({"id":")" + std::string(id) + R"(","type":"reasoning","summary":[{"type":"summary_text","text":")" +
               std::string(summary) + R"("}],"content":[{"type":"reasoning_text","text":")" + std::string(text) +
               R"("}]})";
    };
    const auto check = [](const std::vector<std::string>& stream) {
        const watched got = run(stream);
        BOOST_TEST(got.summary == "Look it up.");
        BOOST_TEST(got.reasoning == "Tables first.");
    };
    const std::string summary = R"("summary_index":0,"delta":"Look it ")", rest = R"("summary_index":0,"delta":"up.")";
    const std::string text = R"("content_index":0,"delta":"Tables first.")";
    check({created, say("reasoning_summary_text.delta", at("a", 0) + summary),
           say("reasoning_summary_text.delta", at("b", 0) + rest), say("reasoning_text.delta", at("c", 0) + text),
           say("reasoning_summary_text.done", at("d", 0) + R"("summary_index":0,"text":"Look it up.")"),
           say("reasoning_summary_part.done",
               at("e", 0) + R"("summary_index":0,"part":{"type":"summary_text","text":"Look it up."})"),
           item_event("output_item.done", 0, thought("f", "Look it up.", "Tables first.")),
           completed(thought("g", "Look it up.", "Tables first."))});
    check({created, completed(thought("g", "Look it up.", "Tables first."))});
    check({created, say("reasoning_summary_text.delta", summary),
           completed(thought("g", "Look it up.", "Tables first."))});
    check({created,
           say("reasoning_part.done",
               at("a", 0) + R"("content_index":0,"part":{"type":"reasoning_text","text":"Tables first."})"),
           say("reasoning_summary_text.delta", at("a", 0) + R"("summary_index":1,"delta":"Look it up.")"),
           completed(thought("g", "Look it up.", "Tables first."))});
}

BOOST_AUTO_TEST_CASE(arguments_likewise) {
    const auto call = [](std::string_view id, std::string_view call_id, std::string_view arguments) {
        return R"({"id":")" + std::string(id) + R"(","type":"function_call","name":"find","call_id":")" +
               std::string(call_id) + R"(","arguments":")" + std::string(arguments) + R"("})";
    };
    const std::string item = call("f", "c1", R"({\"a\":1})");
    const auto check = [](const std::vector<std::string>& stream, std::size_t calls = 1) {
        const watched got = run(stream);
        BOOST_TEST(got.arguments == (calls == 1 ? R"({"a":1})" : R"({"a":1}{"a":2})"));
        BOOST_TEST(got.gathered.tool_calls().size() == calls);
        if (got.gathered.tool_calls().empty()) return;
        BOOST_TEST(got.gathered.tool_calls()[0].arguments == R"({"a":1})");
        BOOST_REQUIRE(got.gathered.required_action);
        BOOST_TEST(got.gathered.required_action->function_calls.size() == calls);
    };
    const auto piece = [](const std::string& where, std::string_view text) {
        return say("function_call_arguments.delta", where + R"("delta":")" + std::string(text) + "\"");
    };
    const auto whole = [](const std::string& where, std::string_view text) {
        return say("function_call_arguments.done", where + R"("arguments":")" + std::string(text) + "\"");
    };
    check({created, item_event("output_item.added", 0, call("f1", "c1", "")), piece(at("f2", 0), R"({\"a\":)"),
           piece(at("f3", 0), "1}"), whole(at("f4", 0), R"({\"a\":1})"),
           item_event("output_item.done", 0, call("f5", "c1", R"({\"a\":1})")),
           completed(call("f6", "c1", R"({\"a\":1})"))});
    // By the call's own id; by nothing; in the output alone; a whole before its pieces.
    check({created, item_event("output_item.added", -1, call("f", "c1", "")), piece(at("c1"), R"({\"a\":)"),
           piece(at("c1"), "1}"), item_event("output_item.done", -1, item), completed(item)});
    check(
        {created, item_event("output_item.added", 0, call("f", "c1", "")), piece("", R"({\"a\":1})"), completed(item)});
    check({created, completed(item)});
    check({created, whole(at("f", 0), R"({\"a\":1})"), piece(at("f", 0), R"({\"a\":)"), piece(at("f", 0), "1}"),
           completed(item)});
    check({created, piece(at("f", 0), R"({\"a\":1})"), item_event("output_item.done", 0, call("f", "c1", "")),
           completed(item)});
    // One id for two calls.
    const std::string other = call("f", "c2", R"({\"a\":2})");
    check({created, item_event("output_item.added", 0, call("f", "c1", "")), piece(at("f", 0), R"({\"a\":1})"),
           item_event("output_item.done", 0, item), item_event("output_item.added", 1, call("f", "c2", "")),
           piece(at("f", 1), R"({\"a\":2})"), item_event("output_item.done", 1, other), completed(item + "," + other)},
          2);
}

BOOST_AUTO_TEST_CASE(characters_that_are_cut_in_two) {
    brings({created, delta(at("m", 0), R"(So \ud83d)"), delta(at("m", 0), R"(\ude80!)"),
            completed(message_item("m", "So 🚀!"))},
           "So 🚀!");
    brings({created, delta(at("m", 0), R"(So \ud83d)"), delta(at("m", 0), ""), delta(at("m", 0), R"(\ude80)"),
            delta(at("m", 0), "!"), done("m", 0, R"(So \ud83d\ude80!)"), completed()},
           "So 🚀!");
    // What is missing comes with the whole, or the character comes again.
    brings({created, delta(at("m", 0), R"(So \ud83d)"), done("m", 0, "So 🚀!"), completed()}, "So 🚀!");
    brings({created, delta(at("m", 0), R"(So \ud83d)"), delta(at("m", 0), "🚀!"), completed()}, "So 🚀!");
    // A half that stays alone, in the middle, at the end, and as a second half.
    const std::string alone = "\xEF\xBF\xBD";
    brings({created, delta(at("m", 0), R"(So \ud83d)"), delta(at("m", 0), "!"), completed()}, "So " + alone + "!");
    brings({created, delta(at("m", 0), R"(So \ud83d)"), completed()}, "So " + alone);
    brings({created, delta(at("m", 0), R"(So \ud83d)"), done("m", 0, ""), completed()}, "So " + alone);
    const std::vector<std::string> ended{created, delta(at("m", 0), R"(So \ud83d)"), done("m", 0, "So ")};
    BOOST_TEST(run(ended).deltas == "So " + alone);
    brings({created, delta(at("m", 0), R"(\ude80 So)"), completed()}, alone + " So");
    brings({created, delta(at("m", 0), R"(\ud83d)"), delta(at("m", 0), R"(\ud83d)"), delta(at("m", 0), R"(\ude80)"),
            completed()},
           alone + "🚀");
    // Each text for itself.
    const watched got =
        run({created, delta(at("a", 0), R"(\ud83d)"), delta(at("b", 1), R"(\ud83d)"), delta(at("a", 0), R"(\ude80)"),
             delta(at("b", 1), R"(\ude82)"), say("reasoning_text.delta", at("c", 2) + R"("delta":"\ud83d")"),
             say("reasoning_text.delta", at("c", 2) + R"("delta":"\ude83")"),
             say("function_call_arguments.delta", at("f", 3) + R"("delta":"\ud83d")"),
             say("function_call_arguments.delta", at("f", 3) + R"("delta":"\ude84")"), completed()});
    BOOST_TEST(got.deltas == "🚀🚂");
    BOOST_TEST(got.gathered.text() == "🚀🚂");
    BOOST_TEST(got.reasoning == "🚃");
    BOOST_TEST(got.arguments == "🚄");
}

BOOST_AUTO_TEST_CASE(a_run_that_is_found_again_under_other_ids) {
    const auto stored = [](const std::string& output, const char* status = "completed") {
        return R"({"id":"r","status":")" + std::string(status) + R"(","output":[)" + output + "]}";
    };
    struct {
        std::vector<std::string> before;
        std::string output, text;
        std::size_t messages;
    } const rows[] = {
        {{created, added("m", 0), delta(at("m", 0), "Gate B7 ")}, message_item("other", seat), seat, 1},
        {{created, added("a", 0), delta(at("b", 0), "Gate "), delta(at("c", 0), "B7 ")},
         message_item("d", seat),
         seat,
         1},
        {{created, delta("", "Gate B7 ")}, message_item("", seat), seat, 1},
        {{created, delta(at("m", 0), "Gate B7 ", 1)}, message_item("m", seat), seat, 1},
        {{created, delta(at("m", 0), R"(\ud83d)")}, message_item("m", "🚀!"), "🚀!", 1},
        {{created, delta(at("m", 0), "One. "), done("m", 0, "One. "), delta(at("m", 1), "T")},
         message_item("m", "One. ") + "," + message_item("m", "Two."),
         "One. Two.",
         2},
        {{created, delta(at("m", 0), seat), done("m", 0, seat)}, message_item("n", seat), seat, 1},
        {{created}, message_item("n", seat), seat, 1},
    };
    for (const auto& row : rows) {
        BOOST_TEST_CONTEXT(row.before.back()) {
            for (const bool fast : {true, false}) {
                watched got(fast);
                for (const std::string& data : row.before) got.take(data);
                got.read(stored(row.output, "in_progress"));
                got.read(stored(row.output));
                got.read(stored(row.output));
                BOOST_TEST(got.deltas == row.text);
                BOOST_TEST(got.gathered.text() == row.text);
                BOOST_TEST(got.gathered.messages.size() == row.messages);
            }
        }
    }
}

BOOST_AUTO_TEST_CASE(a_response_begins_anew) {
    // The next round of a run has items of its own, whatever they are called.
    const watched got = run(
        {created, delta(at("m", 0), "One. "), done("m", 0, "One. "), created, delta(at("n", 0), "Two."), completed()});
    BOOST_TEST(got.deltas == "One. Two.");
    BOOST_TEST(got.gathered.text() == "One. Two.");
}

/// docs/identity.md names these cases: their events look like those of a more frequent one.
BOOST_AUTO_TEST_CASE(what_cannot_be_told_apart) {
    // Two messages without names and ends.
    brings({created, delta("", "One. "), delta("", "Two."), completed()}, "One. Two.", 1);
    // A place that rises with each event: right if announced, else each piece is a message.
    brings({created, added("m", 0), delta(at("m", 0), "Gate B7 "), delta(at("m", 1), "opens "),
            delta(at("m", 2), "at six."), done("m", 3, seat), completed(message_item("m", seat))},
           seat);
    const watched got = run({created, delta(at("m", 0), "Gate B7 "), delta(at("m", 1), "opens at six."), completed()});
    BOOST_TEST(got.deltas == seat);
    BOOST_TEST(got.gathered.messages.size() == 2u);
}

BOOST_AUTO_TEST_SUITE_END()
