// Which message an event of the threads protocol speaks of, whatever a service does to ids: each text is delivered once
// and gathered once.
#include "protocol/threads/codec.hpp"
#include "protocol/threads/replay.hpp"
#include "wire.hpp"
#include <corun/event.hpp>
#include <corun/run_result.hpp>

#include <boost/test/unit_test.hpp>

#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using namespace corun;
using codec::threads::decoder;
using codec::threads::replay;

namespace {

using wire_event = std::pair<std::string, std::string>;

/// A run as its caller gets it.
class watched {
public:
    explicit watched(bool fast_path) { decoder_.use_fast_path(fast_path); }

    void take(const wire_event& wire) {
        const test::decoded result = test::decode(decoder_, wire.first, wire.second);
        if (result.code) throw std::runtime_error(result.problem);
        for (const event& each : result.events) {
            BOOST_TEST(each.raw() == wire.second);
            BOOST_TEST(each.continues() == (&each != &result.events.front()));
            replay_.delivered(each);
            gathered.apply(each);
            if (const auto* delta = each.get_if<events::text_delta>()) deltas += delta->text;
            if (const auto* delta = each.get_if<events::refusal_delta>()) refusal += delta->text;
            if (const auto* delta = each.get_if<events::tool_call_delta>()) arguments += delta->arguments;
        }
    }
    /// The connection is lost, and the run's objects are read.
    void read(const std::string& run, const std::vector<std::string>& messages) {
        replay_.emit_deltas();
        for (const codec::replayed_event& each : replay_.events_of(run, {}, messages, decoder_.items()))
            take({each.name, each.data});
    }

    std::string deltas, refusal, arguments;
    run_result gathered;

private:
    decoder decoder_;
    replay replay_;
};

watched run(const std::vector<wire_event>& stream) {
    watched by_fast_path(true), by_general_reader(false);
    for (const wire_event& each : stream) {
        by_fast_path.take(each);
        by_general_reader.take(each);
    }
    BOOST_TEST(by_fast_path.deltas == by_general_reader.deltas);
    BOOST_TEST(by_fast_path.gathered.text() == by_general_reader.gathered.text());
    return by_fast_path;
}

/// A stream that must bring `text` once, in as many messages.
void brings(const std::vector<wire_event>& stream, std::string_view text, std::size_t messages = 1) {
    const watched got = run(stream);
    std::string shown;
    for (const wire_event& each : stream) shown += each.first + " " + each.second + "\n";
    BOOST_TEST_INFO_SCOPE(shown);
    BOOST_TEST(got.deltas == text);
    BOOST_TEST(got.gathered.text() == text);
    BOOST_TEST(got.gathered.messages.size() == messages);
}

std::string id_member(std::string_view id) {
    return id.empty() ? "" : R"("id":")" + std::string(id) + "\",";
}
wire_event run_event(const std::string& status) {
    return {"thread.run." + status, R"({"id":"r","thread_id":"t","status":")" + status + "\"}"};
}
std::string message_object(std::string_view id, std::string_view text, std::string_view status = "completed") {
    const std::string content =
        text.empty() ? "" : R"({"type":"text","text":{"value":")" + std::string(text) + R"(","annotations":[]}})";
    return "{" + id_member(id) + R"("object":"thread.message","role":"assistant","status":")" + std::string(status) +
           R"(","content":[)" + content + "]}";
}
wire_event begun(std::string_view id) {
    return {"thread.message.created", message_object(id, "", "in_progress")};
}
wire_event in_progress(std::string_view id) {
    return {"thread.message.in_progress", message_object(id, "", "in_progress")};
}
wire_event done(std::string_view id, std::string_view text) {
    return {"thread.message.completed", message_object(id, text)};
}
wire_event delta(std::string_view id, std::string_view text, int part = 0) {
    return {"thread.message.delta",
            "{" + id_member(id) + R"("object":"thread.message.delta","delta":{"content":[{"index":)" +
                std::to_string(part) + R"(,"type":"text","text":{"value":")" + std::string(text) + R"("}}]}})"};
}
const wire_event created = run_event("created"), completed = run_event("completed");

constexpr const char* seat = "Gate B7 opens at six.";

}  // namespace

BOOST_AUTO_TEST_SUITE(threads_identity)

BOOST_AUTO_TEST_CASE(ids_that_stay_the_same) {
    brings({created, begun("m"), in_progress("m"), delta("m", "Gate B7 "), delta("m", "opens at six."), done("m", seat),
            completed},
           seat);
    brings({created, begun("a"), delta("a", "One. "), done("a", "One. "), begun("b"), delta("b", "Two."),
            done("b", "Two."), completed},
           "One. Two.", 2);
    // Two at a time.
    const watched got = run({created, begun("a"), begun("b"), delta("a", "One"), delta("b", "Two"), delta("a", "."),
                             delta("b", "."), done("a", "One."), done("b", "Two."), completed});
    BOOST_TEST(got.deltas == "OneTwo..");
    BOOST_TEST(got.gathered.text() == "One.Two.");
}

BOOST_AUTO_TEST_CASE(ids_that_change_with_each_event) {
    brings({created, begun("a1"), delta("a2", "Gate B7 "), delta("a3", "opens at six."), done("a4", seat), completed},
           seat);
    brings({created, delta("a2", "Gate B7 "), delta("a3", "opens at six."), done("a4", seat), completed}, seat);
    brings({created, begun("a1"), delta("a2", "Gate B7 "), delta("a3", "opens at six."), completed}, seat);
    brings({created, begun("a1"), delta("a2", "One. "), delta("a3", "Or so. "), done("a4", "One. Or so. "), begun("b1"),
            delta("b2", "Two."), done("b3", "Two."), completed},
           "One. Or so. Two.", 2);
}

BOOST_AUTO_TEST_CASE(events_without_ids) {
    brings({created, begun(""), delta("", "Gate B7 "), delta("", "opens at six."), done("", seat), completed}, seat);
    brings({created, delta("", "Gate B7 "), delta("", "opens at six."), done("m", seat), completed}, seat);
    brings({created, begun("m"), delta("", "Gate B7 "), delta("m", "opens at six."), done("", seat), completed}, seat);
    brings({created, begun(""), delta("", "One. "), done("", "One. "), begun(""), delta("", "Two."), done("", "Two."),
            completed},
           "One. Two.", 2);
}

BOOST_AUTO_TEST_CASE(one_id_for_two_messages) {
    brings({created, begun("m"), delta("m", "One. "), done("m", "One. "), begun("m"), delta("m", "Two."),
            done("m", "Two."), completed},
           "One. Two.", 2);
    brings({created, delta("m", "One. "), done("m", "One. "), delta("m", "Two."), done("m", "Two."), completed},
           "One. Two.", 2);
}

BOOST_AUTO_TEST_CASE(numbers_of_parts_that_go_on) {
    brings({created, begun("m"), delta("m", "Gate B7 ", 1), delta("m", "opens at six.", 1), done("m", seat), completed},
           seat);
    brings({created, begun("a"), delta("b", "Gate B7 opens at six.", 3), done("c", seat), completed}, seat);
}

BOOST_AUTO_TEST_CASE(text_that_only_the_whole_message_has) {
    brings({created, done("m", seat), completed}, seat);
    brings({created, begun("m"), done("m", seat), completed}, seat);
    brings({created, begun("m"), delta("m", "Gate "), done("m", seat), completed}, seat);
    brings({created, {"thread.message.created", message_object("m", seat, "in_progress")}, done("m", seat), completed},
           seat);
    brings({created,
            delta("m", "Gate "),
            {"thread.message.incomplete", message_object("m", seat, "incomplete")},
            run_event("incomplete")},
           seat);
    const watched refused =
        run({created,
             {"thread.message.completed", R"({"id":"m","content":[{"type":"refusal","refusal":"I will not."}]})"},
             completed});
    BOOST_TEST(refused.refusal == "I will not.");
}

BOOST_AUTO_TEST_CASE(a_whole_that_says_less_takes_nothing_away) {
    brings({created, begun("m"), delta("m", seat), done("m", ""), completed}, seat);
    brings({created, begun("m"), delta("m", seat), done("m", "Gate"), completed}, seat);
    brings({created, delta("", seat), done("x", ""), completed}, seat);
}

BOOST_AUTO_TEST_CASE(wholes_that_come_twice) {
    brings({created, begun("m"), begun("m"), in_progress("m"), delta("m", seat), done("m", seat), done("m", seat),
            completed},
           seat);
    brings({created, delta("a", seat), done("b", seat), done("c", seat), completed}, seat);
    brings({created, done("m", seat), delta("m", "Gate B7 "), delta("m", "opens at six."), completed}, seat);
}

BOOST_AUTO_TEST_CASE(characters_that_are_cut_in_two) {
    const std::string alone = "\xEF\xBF\xBD";
    brings({created, delta("m", R"(So \ud83d)"), delta("m", R"(\ude80!)"), done("m", R"(So \ud83d\ude80!)"), completed},
           "So 🚀!");
    brings({created, delta("m", R"(So \ud83d)"), done("m", "So 🚀!"), completed}, "So 🚀!");
    brings({created, delta("m", R"(So \ud83d)"), delta("m", "!"), completed}, "So " + alone + "!");
    brings({created, delta("m", R"(So \ud83d)"), completed}, "So " + alone);
    brings({created, delta("m", R"(So \ud83d)"), done("m", ""), completed}, "So " + alone);
    brings({created, delta("m", R"(\ude80 So)"), completed}, alone + " So");
    const auto call = [](std::string_view piece) {
        return wire_event("thread.run.step.delta",
                          R"({"id":"s","delta":{"step_details":{"type":"tool_calls","tool_calls":[{"index":0,"id":"c",)"
                          R"("type":"function","function":{"arguments":")" +
                              std::string(piece) + R"("}}]}}})");
    };
    BOOST_TEST(run({created, call(R"(\ud83d)"), call(R"(\ude80)"), completed}).arguments == "🚀");
    BOOST_TEST(run({created, call(R"(\ud83d)"), completed}).arguments == alone);
}

BOOST_AUTO_TEST_CASE(steps_go_by_their_ids) {
    const auto call = [](std::string_view step) {
        return wire_event(
            "thread.run.step.delta",
            R"({"id":")" + std::string(step) +
                R"(","delta":{"step_details":{"tool_calls":[{"index":0,"type":"mcp","arguments":"x"}]}}})");
    };
    BOOST_TEST(run({created, call("s1"), call("s2"), call("s1"), completed}).gathered.steps.size() == 2u);
    BOOST_TEST(run({created, call("s1"), call(""), completed}).gathered.steps.size() == 1u);
    const wire_event unnamed("thread.run.step.completed",
                             R"({"object":"thread.run.step","type":"tool_calls","status":"completed","step_details":)"
                             R"({"tool_calls":[{"id":"c","type":"mcp","name":"n","arguments":"x","output":"o"}]}})");
    const run_result result = run({created, call("s1"), unnamed, completed}).gathered;
    BOOST_REQUIRE(result.steps.size() == 1u);
    BOOST_TEST(result.steps.front().id == "s1");
}

BOOST_AUTO_TEST_CASE(a_run_that_is_found_again_under_other_ids) {
    struct {
        std::vector<wire_event> before;
        std::vector<std::string> messages;
        std::string text;
        std::size_t count;
    } const rows[] = {
        {{created, begun("m"), delta("m", "Gate B7 ")}, {message_object("m", seat)}, seat, 1},
        {{created, begun("m"), delta("m", "Gate B7 ")}, {message_object("other", seat)}, seat, 1},
        {{created, begun("a"), delta("b", "Gate "), delta("c", "B7 ")}, {message_object("d", seat)}, seat, 1},
        {{created, delta("", "Gate B7 ")}, {message_object("x", seat)}, seat, 1},
        {{created, delta("m", "Gate B7 ", 1)}, {message_object("m", seat)}, seat, 1},
        {{created, delta("m", R"(\ud83d)")}, {message_object("m", "🚀!")}, "🚀!", 1},
        {{created, delta("m", seat), done("m", seat)}, {message_object("n", seat)}, seat, 1},
        {{created, delta("m", "One. "), done("m", "One. "), delta("n", "T")},
         {message_object("m", "One. "), message_object("n", "Two.")},
         "One. Two.",
         2},
        {{created}, {message_object("n", seat)}, seat, 1},
    };
    for (const auto& row : rows)
        for (const bool fast : {true, false}) {
            BOOST_TEST_INFO_SCOPE(row.before.back().second);
            watched got(fast);
            for (const wire_event& each : row.before) got.take(each);
            got.read(run_event("in_progress").second, row.messages);
            got.read(completed.second, row.messages);
            got.read(completed.second, row.messages);
            BOOST_TEST(got.deltas == row.text);
            BOOST_TEST(got.gathered.text() == row.text);
            BOOST_TEST(got.gathered.messages.size() == row.count);
            BOOST_TEST((got.gathered.status == run_state::completed));
        }
}

BOOST_AUTO_TEST_CASE(a_run_that_begins_anew_has_messages_of_its_own) {
    const watched got = run({created, delta("m", "One. "), done("m", "One. "), created, delta("m", "Two."), completed});
    BOOST_TEST(got.deltas == "One. Two.");
}

BOOST_AUTO_TEST_SUITE_END()
