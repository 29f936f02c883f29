#include "protocol/threads/codec.hpp"
#include "protocol/threads/replay.hpp"
#include "wire.hpp"
#include <corun/error.hpp>

#include <boost/test/unit_test.hpp>

#include <string>
#include <utility>
#include <vector>

namespace {

using corun::codec::replayed_event;
using corun::codec::threads::replay;
using strings = std::vector<std::string>;

std::string run(const std::string& status, const std::string& more = "") {
    return R"({"id":"run_1","object":"thread.run","thread_id":"t","assistant_id":"a","status":")" + status +
           R"(","started_at":1,"completed_at":9,"usage":{"total_tokens":3})" + more + "}";
}

std::string queued_run() {
    return R"({"id":"run_1","object":"thread.run","thread_id":"t","assistant_id":"a","status":"queued","started_at":null})";
}

std::string writing(const std::string& status, const std::string& id = "step_m", const std::string& message = "msg_1") {
    return R"({"id":")" + id + R"(","object":"thread.run.step","type":"message_creation","status":")" + status +
           R"(","step_details":{"type":"message_creation","message_creation":{"message_id":")" + message + R"("}}})";
}

std::string calling(const std::string& status, const std::string& kind = "function") {
    return R"({"id":"step_c","object":"thread.run.step","type":"tool_calls","status":")" + status +
           R"(","step_details":{"type":"tool_calls","tool_calls":[{"id":"call_1","type":")" + kind +
           R"(","name":"n","function":{"name":"n","arguments":"{}"}}]}})";
}

std::string listing() {
    return R"({"id":"step_l","object":"thread.run.step","type":"activities","status":"completed",)"
           R"("step_details":{"type":"activities","activities":[]}})";
}

std::string message(const std::string& status, const std::string& id = "msg_1") {
    return R"({"id":")" + id + R"(","object":"thread.message","role":"assistant","status":")" + status +
           R"(","completed_at":8,"content":[{"type":"text","text":{"value":"Hello","annotations":[]}}]})";
}

strings names(const std::vector<replayed_event>& events) {
    strings all;
    for (const auto& each : events) all.push_back(each.name.substr(std::string("thread.").size()));
    return all;
}

void expect(const std::vector<replayed_event>& events, const strings& expected) {
    BOOST_TEST(names(events) == expected, boost::test_tools::per_element());
}

}  // namespace

BOOST_AUTO_TEST_SUITE(threads_replay)

BOOST_AUTO_TEST_CASE(tells_what_a_call_is_with_the_first_piece_of_its_arguments_alone) {
    replay r;
    r.emit_deltas();
    const auto calling_with = [](const std::string& arguments) {
        std::string step = calling("in_progress");
        const std::string empty = R"("arguments":"{}")";
        return step.replace(step.find(empty), empty.size(), R"("arguments":")" + arguments + '"');
    };
    const auto delta = [&](const std::string& arguments) {
        for (const replayed_event& each : r.events_of(run("in_progress"), {calling_with(arguments)}, {}))
            if (each.name == "thread.run.step.delta") return each.data;
        return std::string();
    };
    const std::string first = delta("{"), second = delta("{}");
    BOOST_TEST(first.find(R"("id":"call_1")") != first.npos, first);
    BOOST_TEST(first.find(R"("name":"n")") != first.npos, first);
    BOOST_TEST(second.find(R"("arguments":"}")") != second.npos, second);
    BOOST_TEST(second.find("call_1") == second.npos, second);
    BOOST_TEST(second.find(R"("name")") == second.npos, second);
    BOOST_TEST(delta("{}") == "");
}

BOOST_AUTO_TEST_CASE(tells_each_stage_as_it_is_seen) {
    replay r;
    expect(r.events_of(queued_run(), {}, {}), {"run.created", "run.queued"});
    expect(r.events_of(queued_run(), {}, {}), {});
    expect(r.events_of(run("in_progress"), {}, {}), {"run.in_progress"});
    expect(r.events_of(run("in_progress"), {writing("in_progress")}, {}), {"run.step.created", "run.step.in_progress"});
    expect(r.events_of(run("in_progress"), {writing("in_progress")}, {message("in_progress")}),
           {"message.created", "message.in_progress"});
    expect(r.events_of(run("completed"), {writing("completed")}, {message("completed")}),
           {"message.completed", "run.step.completed", "run.completed"});
    expect(r.events_of(run("completed"), {writing("completed")}, {message("completed")}), {});
}

BOOST_AUTO_TEST_CASE(tells_nothing_again_that_a_stream_has_told) {
    corun::codec::threads::decoder decoder;
    replay r;
    const std::pair<std::string, std::string> streamed[] = {{"thread.run.created", run("queued")},
                                                            {"thread.message.completed", message("completed")},
                                                            {"thread.run.step.completed", writing("completed")}};
    for (const auto& [name, data] : streamed)
        for (const corun::event& each : corun::test::decode(decoder, name, data).events) r.delivered(each);
    expect(r.events_of(run("completed"), {writing("completed")}, {message("completed")}),
           {"run.queued", "run.in_progress", "run.completed"});
}

BOOST_AUTO_TEST_CASE(tells_what_no_reading_has_caught_without_what_came_later) {
    replay r;
    const auto events = r.events_of(run("completed"), {listing(), calling("completed", "mcp"), writing("completed")},
                                    {message("completed")});
    expect(events, {"run.created", "run.queued", "run.in_progress", "run.step.created", "run.step.created",
                    "run.step.completed", "run.step.created", "run.step.in_progress", "message.created",
                    "message.in_progress", "message.completed", "run.step.completed", "run.completed"});
    BOOST_TEST(events[1].data.find(R"("status":"queued","started_at":null,"completed_at":null,"usage":null)") !=
               std::string::npos);
    BOOST_TEST(events[2].data.find(R"("status":"in_progress","started_at":1,"completed_at":null)") !=
               std::string::npos);
    BOOST_TEST(events[3].data == listing());
    BOOST_TEST(events[4].data.find(R"("tool_calls":[])") != std::string::npos);
    BOOST_TEST(events[5].data == calling("completed", "mcp"));
    BOOST_TEST(events[8].data.find(R"("content":[])") != std::string::npos);
    BOOST_TEST(events[10].data == message("completed"));
    BOOST_TEST(events[12].data == run("completed"));
}

BOOST_AUTO_TEST_CASE(outputs_complete_their_step_before_the_run_is_queued_again) {
    replay r;
    expect(r.events_of(run("requires_action"), {calling("in_progress")}, {}),
           {"run.created", "run.queued", "run.in_progress", "run.step.created", "run.requires_action"});
    r.answered();
    expect(r.events_of(run("completed"), {calling("completed"), writing("completed")}, {message("completed")}),
           {"run.step.completed", "run.queued", "run.in_progress", "run.step.created", "run.step.in_progress",
            "message.created", "message.in_progress", "message.completed", "run.step.completed", "run.completed"});
}

BOOST_AUTO_TEST_CASE(approved_calls_complete_their_step_when_they_have_been_made) {
    replay r;
    (void)r.events_of(run("requires_action"), {calling("in_progress", "mcp")}, {});
    r.answered();
    expect(r.events_of(run("completed"), {calling("completed", "mcp")}, {}),
           {"run.queued", "run.in_progress", "run.step.completed", "run.completed"});
}

BOOST_AUTO_TEST_CASE(tells_how_a_run_ended_whatever_it_came_to) {
    for (const char* status : {"failed", "cancelled", "expired", "incomplete"}) {
        replay r;
        const auto events = r.events_of(run(status), {}, {});
        BOOST_TEST(events.back().name == std::string("thread.run.") + status);
        BOOST_TEST(events.back().data == run(status));
    }
    replay step_failed;
    expect(step_failed.events_of(run("failed"), {calling("failed")}, {}),
           {"run.created", "run.queued", "run.in_progress", "run.step.created", "run.step.failed", "run.failed"});
    replay never_started;
    const std::string expired =
        R"({"id":"run_1","thread_id":"t","assistant_id":"a","status":"expired","started_at":null})";
    expect(never_started.events_of(expired, {}, {}), {"run.created", "run.queued", "run.expired"});
}

BOOST_AUTO_TEST_CASE(tells_that_a_run_is_being_cancelled_once) {
    replay r;
    expect(r.events_of(run("cancelling"), {}, {}), {"run.created", "run.queued", "run.in_progress", "run.cancelling"});
    expect(r.events_of(run("cancelling"), {}, {}), {});
    expect(r.events_of(run("cancelled"), {}, {}), {"run.cancelled"});
}

BOOST_AUTO_TEST_CASE(no_message_is_lost_that_no_step_names) {
    replay r;
    expect(r.events_of(run("completed"), {}, {message("completed"), message("incomplete", "msg_2")}),
           {"run.created", "run.queued", "run.in_progress", "message.created", "message.in_progress",
            "message.completed", "message.created", "message.in_progress", "message.incomplete", "run.completed"});
}

BOOST_AUTO_TEST_CASE(what_is_no_run_is_an_error) {
    replay r;
    const auto is_bad = [](const corun::error& e) { return e.code() == corun::errc::bad_response; };
    BOOST_CHECK_EXCEPTION(r.events_of("nonsense", {}, {}), corun::error, is_bad);
    BOOST_CHECK_EXCEPTION(r.events_of(run("in_progress"), {"[]"}, {}), corun::error, is_bad);
}

BOOST_AUTO_TEST_CASE(an_old_reading_of_an_answered_action_is_no_new_one) {
    const std::string first =
        R"(,"required_action":{"type":"submit_tool_outputs","submit_tool_outputs":{"tool_calls":[{"id":"call_1","type":"function","function":{"name":"n","arguments":"{}"}}]}})";
    const std::string second =
        R"(,"required_action":{"type":"submit_tool_outputs","submit_tool_outputs":{"tool_calls":[{"id":"call_2","type":"function","function":{"name":"n","arguments":"{}"}}]}})";
    replay r;
    BOOST_TEST(names(r.events_of(run("requires_action", first), {}, {})).back() == "run.requires_action");
    r.answered();
    expect(r.events_of(run("requires_action", first), {}, {}), {});
    BOOST_TEST(names(r.events_of(run("requires_action", second), {}, {})).back() == "run.requires_action");
    r.answered();
    expect(r.events_of(run("in_progress"), {}, {}), {"run.queued", "run.in_progress"});
    // The same calls, asked for again, are asked for again.
    BOOST_TEST(names(r.events_of(run("requires_action", second), {}, {})).back() == "run.requires_action");
}

BOOST_AUTO_TEST_CASE(of_a_run_that_was_cancelled_only_the_end_is_told) {
    replay r;
    r.emit_only_the_end();
    expect(r.events_of(run("requires_action"), {}, {}), {});
    expect(r.events_of(run("cancelling"), {}, {}), {"run.cancelling"});
    expect(r.events_of(run("cancelled"), {}, {}), {"run.cancelled"});
}

BOOST_AUTO_TEST_CASE(refuses_what_is_nested_too_deep_to_be_written) {
    const std::size_t depth = 200'000;
    const std::string deep = R"(,"more":)" + std::string(depth, '[') + std::string(depth, ']');
    BOOST_CHECK_EXCEPTION((void)replay().events_of(run("in_progress", deep), {}, {}), corun::error,
                          [](const corun::error& met) { return met.code() == corun::errc::bad_response; });
    const std::string nested = R"({"id":"msg_1","status":"completed","content":[],"metadata":)" +
                               std::string(depth, '[') + std::string(depth, ']') + "}";
    BOOST_CHECK_EXCEPTION((void)replay().events_of(run("in_progress"), {writing("completed")}, {nested}), corun::error,
                          [](const corun::error& met) { return met.code() == corun::errc::bad_response; });
}

BOOST_AUTO_TEST_CASE(a_text_that_was_rewritten_after_it_was_received_elsewhere_has_no_more_deltas) {
    for (const bool rewritten : {false, true}) {
        corun::detail::run_progress received;
        received.status.created = received.status.queued = received.status.in_progress = true;
        received.items.emplace_back(corun::detail::id_hash("step_m"), true).begun = true;
        received.items.back().in_progress = true;
        auto& known = received.items.emplace_back(corun::detail::id_hash("msg_1"), false);
        known.begun = known.in_progress = true;
        known.text(corun::codec::text_kind::text, 0).mark.append(rewritten ? "How" : "Hel");
        corun::codec::streamed_items items;
        replay all;
        all.emit_deltas();
        const strings steps{writing("in_progress")}, messages{message("completed")};
        all.restore(received, run("in_progress"), steps, messages, items);
        const auto events = all.events_of(run("in_progress"), steps, messages, items);
        if (rewritten)
            expect(events, {"message.completed"});
        else
            expect(events, {"message.delta", "message.completed"});
        if (!rewritten) BOOST_TEST(events[0].data.find(R"("lo")") != std::string::npos);
    }
}

BOOST_AUTO_TEST_SUITE_END()
