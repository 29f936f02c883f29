// What the log records of events that services send twice, late, or in part.
#include "gateway/recorder.hpp"

#include "protocol/event_access.hpp"

#include <boost/test/unit_test.hpp>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

using namespace corun;
using gateway::entry;
using lines = std::vector<std::string>;

struct recording {
    template <class Body>
    void take(Body body) {
        record.take(detail::event_access::make(std::move(body), "name", "raw with a planted-secret", nullptr));
    }
    void text(std::string_view piece, std::string_view message = "m1", std::int32_t index = 0) {
        events::text_delta body;
        body.text = piece;
        body.message_id = message;
        body.content_index = index;
        take(body);
    }
    void reasoning(std::string_view piece, std::string_view item = "r1") {
        events::reasoning_delta body;
        body.text = piece;
        body.item_id = item;
        body.summary = true;
        take(body);
    }
    void complete(const std::string& text, std::string id = "m1") {
        events::message_completed body;
        body.message.id = std::move(id);
        message_content block;
        block.type = "text";
        block.text = text;
        body.message.content.push_back(block);
        take(body);
    }
    void arguments(std::string_view piece, std::string_view id = {}) {
        events::tool_call_delta body;
        body.step_id = "s1";
        body.id = id;
        body.type = "mcp";
        body.name = "search";
        body.server_label = "tools";
        body.arguments = piece;
        take(body);
    }
    template <class Body>
    void step(std::string status, std::optional<std::string> output) {
        Body body;
        body.step.id = "s1";
        body.step.status = std::move(status);
        tool_call call;
        call.id = "c1";
        call.type = "mcp";
        call.name = "search";
        call.server_label = "tools";
        call.arguments = "{}";
        call.output = std::move(output);
        body.step.tool_calls.push_back(call);
        take(std::move(body));
    }
    lines taken() {
        lines all;
        for (const entry& each : std::exchange(entries, {}))
            all.push_back(std::string(name_of(each.kind)) + " " + gateway::text_of(members_of(each)));
        return all;
    }

    std::vector<entry> entries;
    gateway::recorder record{entries, [](std::string_view name) { return name == "own"; }};
};

const std::string started = R"(part.started {"part":1,"type":"text","message":1})";

void check(const lines& taken, const lines& expected) {
    BOOST_TEST(taken == expected, boost::test_tools::per_element());
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(recorder, recording)

BOOST_AUTO_TEST_CASE(deltas_that_come_together_are_one_entry) {
    text("Hel");
    text("lo");
    text("");
    check(taken(), {started, R"(part.delta {"part":1,"text":"Hello"})"});
    text(" world");
    check(taken(), {R"(part.delta {"part":1,"text":" world"})"});
}

BOOST_AUTO_TEST_CASE(a_message_has_the_text_that_its_deltas_lack) {
    text("Hel");
    complete("Hello");
    check(taken(), {started, R"(part.delta {"part":1,"text":"Hello"})", R"(part.ended {"part":1})"});
    // It may come again, and so may deltas.
    complete("Hello");
    text("Hello");
    check(taken(), {});
}

BOOST_AUTO_TEST_CASE(a_message_without_deltas_is_recorded_whole) {
    complete("Hello");
    check(taken(), {started, R"(part.delta {"part":1,"text":"Hello"})", R"(part.ended {"part":1})"});
}

BOOST_AUTO_TEST_CASE(a_message_without_text_keeps_that_of_its_deltas) {
    text("Hello");
    complete("");
    check(taken(), {started, R"(part.delta {"part":1,"text":"Hello"})", R"(part.ended {"part":1})"});
}

BOOST_AUTO_TEST_CASE(another_text_replaces_the_deltas) {
    text("Hullo");
    complete("Hello!");
    check(taken(), {started, R"(part.delta {"part":1,"text":"Hullo"})", R"(part.replaced {"part":1,"text":"Hello!"})",
                    R"(part.ended {"part":1})"});
}

BOOST_AUTO_TEST_CASE(parts_of_messages_are_told_apart) {
    text("a", "m1", 0);
    text("b", "m1", 1);
    text("c", "m2", 0);
    text("d", "m1", 0);
    check(taken(),
          {started, R"(part.delta {"part":1,"text":"a"})", R"(part.started {"part":2,"type":"text","message":1})",
           R"(part.delta {"part":2,"text":"b"})", R"(part.started {"part":3,"type":"text","message":2})",
           R"(part.delta {"part":3,"text":"c"})", R"(part.delta {"part":1,"text":"d"})"});
}

BOOST_AUTO_TEST_CASE(reasoning_ends_before_anything_else_starts) {
    reasoning("Hm");
    reasoning(".");
    text("Two");
    check(taken(), {R"(part.started {"part":1,"type":"reasoning","message":1})",
                    R"(part.delta {"part":1,"text":"Hm."})", R"(part.ended {"part":1})",
                    R"(part.started {"part":2,"type":"text","message":2})", R"(part.delta {"part":2,"text":"Two"})"});
}

BOOST_AUTO_TEST_CASE(arguments_wait_for_the_id_of_their_call) {
    arguments("{\"a\":");
    check(taken(), {});
    arguments("1", "c1");
    arguments("}");
    check(taken(), {R"(call.started {"part":1,"id":"c1","type":"mcp","name":"search","server_label":"tools"})",
                    R"(call.delta {"part":1,"text":"{\"a\":1}"})"});
}

BOOST_AUTO_TEST_CASE(a_step_that_completes_twice_ends_its_calls_once) {
    step<events::step_created>("in_progress", {});
    step<events::step_completed>("completed", {});
    check(taken(), {R"(call.started {"part":1,"id":"c1","type":"mcp","name":"search","server_label":"tools"})",
                    R"(call.ready {"part":1,"text":"{}"})"});
    step<events::step_completed>("completed", "found");
    step<events::step_completed>("completed", "found");
    check(taken(), {R"(call.ended {"part":1,"output":"found"})"});
}

BOOST_AUTO_TEST_CASE(a_step_that_fails_ends_its_calls) {
    step<events::step_completed>("failed", {});
    check(taken(),
          {R"(call.started {"part":1,"id":"c1","type":"mcp","name":"search","server_label":"tools"})",
           R"(call.ready {"part":1,"text":"{}"})", R"(call.ended {"part":1,"error":"The call was not completed."})"});
}

BOOST_AUTO_TEST_CASE(nothing_is_open_at_the_end) {
    text("Hel");
    step<events::step_created>("in_progress", {});
    (void)taken();
    events::run_failed end;
    end.run.last_error.emplace();
    end.run.last_error->code = "not a code: planted-secret";
    end.run.last_error->message = "planted-secret";
    take(end);
    check(taken(), {R"(part.ended {"part":1})", R"(call.ready {"part":2,"text":""})", R"(call.ended {"part":2})",
                    R"(run.ended {"outcome":"failed"})"});
    // Nothing follows.
    text("late");
    check(taken(), {});
}

BOOST_AUTO_TEST_CASE(entries_are_read_back_as_they_were_written) {
    reasoning("Hm");
    text("Two");
    step<events::step_completed>("completed", "found");
    for (const entry& each : entries) {
        const std::string_view name = name_of(each.kind);
        BOOST_TEST_REQUIRE(gateway::kind_of(name).has_value());
        const entry again = gateway::entry_of(*gateway::kind_of(name), members_of(each));
        BOOST_TEST(members_of(again) == members_of(each));
        BOOST_TEST(again.part == each.part);
    }
    BOOST_TEST(!gateway::kind_of("nonsense").has_value());
}

BOOST_AUTO_TEST_SUITE_END()
