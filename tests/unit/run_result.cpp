#include "protocol/event_access.hpp"
#include "samples.hpp"
#include "wire.hpp"
#include <corun/run_result.hpp>

#include <boost/test/unit_test.hpp>

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

using namespace corun;
using namespace corun::test;

namespace {

void feed(run_result& result, std::string_view name, std::string_view data) {
    for (const event& each : decode_good(name, data)) result.apply(each);
}

template <class Stream>
void feed(run_result& result, const Stream& stream, int times = 1) {
    codec::threads::decoder of_run;
    for (const sample& each : stream)
        for (int i = 0; i != times; ++i)
            for (const event& told : decode(of_run, each.name, each.data).events) result.apply(told);
}

template <class Body>
void apply(run_result& result, Body body) {
    result.apply(detail::event_access::make(std::move(body), "test", "", nullptr));
}

events::run_status status_event(run_state state) {
    events::run_status status;
    status.run_id = "r";
    status.thread_id = "t";
    status.status = state;
    return status;
}

events::tool_call_delta call_delta(std::string_view step, std::string_view id, std::string_view arguments) {
    events::tool_call_delta delta;
    delta.step_id = step;
    delta.id = id;
    delta.type = "function";
    delta.arguments = arguments;
    return delta;
}

template <class Event>
Event step_event(std::string id, std::string status) {
    Event event;
    event.step.id = std::move(id);
    event.step.status = std::move(status);
    return event;
}

std::string text_delta_data(std::string_view id, int index, std::string_view text) {
    return R"({"id":")" + std::string(id) + R"(","object":"thread.message.delta","delta":{"content":[{"index":)" +
           std::to_string(index) + R"(,"type":"text","text":{"value":")" + std::string(text) + "\"}}]}}";
}

}  // namespace

BOOST_AUTO_TEST_SUITE(run_result_gathers)

BOOST_AUTO_TEST_CASE(a_text_run) {
    run_result result;
    feed(result, text_stream);
    BOOST_TEST(result.run_id == "run_T1");
    BOOST_TEST(result.thread_id == "thread_Zk1");
    BOOST_TEST(result.agent_id == "asst_Qm2vB7");
    BOOST_TEST((result.status == run_state::completed));
    BOOST_TEST(result.text() == "Bring a \"coat\".");
    BOOST_TEST(result.usage->total_tokens == 125);
    BOOST_TEST(result.messages.size() == 1u);
    BOOST_TEST(result.steps.size() == 1u);
    BOOST_TEST(!result.last_error);
}

BOOST_AUTO_TEST_CASE(the_same_from_a_stream_that_says_everything_twice) {
    run_result result;
    feed(result, mcp_stream, 2);
    feed(result, mcp_stream_continued, 2);
    BOOST_TEST(result.text() == "Seat 14A is booked.");
    BOOST_TEST(result.messages.size() == 1u);
    BOOST_REQUIRE_EQUAL(result.steps.size(), 2u);
    BOOST_TEST(result.steps[0].mcp_tools.size() == 1u);
    BOOST_REQUIRE_EQUAL(result.tool_calls().size(), 1u);
    BOOST_TEST(result.tool_calls()[0].arguments == R"({"seat":"14A"})");
    BOOST_TEST(result.tool_calls()[0].output.value() == R"({"ok":true})");
    BOOST_TEST((result.status == run_state::completed));
}

BOOST_AUTO_TEST_CASE(a_function_call_of_which_everything_is_said_twice) {
    run_result result;
    feed(result, function_stream, 2);
    feed(result, function_stream_continued, 2);
    BOOST_REQUIRE_EQUAL(result.tool_calls().size(), 1u);
    BOOST_TEST(result.tool_calls()[0].name == "get_weather");
    BOOST_TEST(result.tool_calls()[0].arguments == R"({"city":"Oslo"})");
    BOOST_TEST(result.tool_calls()[0].output.value() == R"({"temp_c":-3})");
    BOOST_TEST(result.steps.size() == 1u);
    BOOST_TEST(result.text() == "-3 °C.");
    BOOST_TEST(result.usage->total_tokens == 125);
    BOOST_TEST(result.usage->cached_tokens == 7);
}

BOOST_AUTO_TEST_CASE(annotations_of_the_completed_message_over_those_of_its_deltas) {
    const std::string piece =
        R"({"id":"m","delta":{"content":[{"index":0,"type":"text","text":{"value":"See [1].","annotations":[{"index":0,"type":"url_citation","text":"[1]","start_index":0,"end_index":3,"url_citation":{"url":"https://early.example"}}]}}]}})";
    run_result result;
    feed(result, "thread.message.delta", piece);
    BOOST_REQUIRE_EQUAL(result.citations().size(), 1u);
    BOOST_TEST(result.citations()[0].start_index.value() == 0);
    const auto whole = decode_good(
        "thread.message.completed",
        R"({"id":"m","status":"completed","content":[{"type":"text","text":{"value":"See [1].","annotations":[{"type":"url_citation","text":"[1]","start_index":4,"end_index":7,"url_citation":{"url":"https://late.example","title":"Late"}}]}}]})");
    // Its text has been delivered.
    result.apply(whole.back());
    feed(result, "thread.message.delta", piece);
    BOOST_REQUIRE_EQUAL(result.citations().size(), 1u);
    BOOST_TEST(result.citations()[0].url == "https://late.example");
    BOOST_TEST(result.citations()[0].start_index.value() == 4);
    BOOST_TEST(result.text() == "See [1].");
}

BOOST_AUTO_TEST_CASE(text_as_it_comes_until_the_message_is_completed) {
    run_result result;
    for (std::size_t i = 0; i != 10; ++i) feed(result, text_stream[i].name, text_stream[i].data);
    BOOST_TEST(result.text() == "Bring a \"coat\".");
    BOOST_TEST(result.messages[0].status == "in_progress");
    // A created event that comes again takes nothing away.
    feed(result, text_stream[6].name, text_stream[6].data);
    BOOST_TEST(result.text() == "Bring a \"coat\".");
    feed(
        result, "thread.message.completed",
        R"({"id":"msg_T1","status":"completed","content":[{"type":"text","text":{"value":"Take a coat.","annotations":[]}}]})");
    BOOST_TEST(result.text() == "Take a coat.");
    feed(result, text_stream[8].name, text_stream[8].data);
    feed(result, text_stream[6].name, text_stream[6].data);
    BOOST_TEST(result.text() == "Take a coat.");
    BOOST_TEST(result.messages[0].status == "completed");
}

BOOST_AUTO_TEST_CASE(text_by_message_and_content_index_with_gaps) {
    run_result result;
    feed(result, "thread.message.delta", text_delta_data("m1", 2000000000, "C"));
    feed(result, "thread.message.delta", text_delta_data("m2", 0, "D"));
    feed(result, "thread.message.delta", text_delta_data("m1", 0, "A"));
    feed(result, "thread.message.delta", text_delta_data("m1", 7, "B"));
    feed(result, "thread.message.delta", text_delta_data("m1", 0, "a"));
    BOOST_TEST(result.text() == "AaBCD");
    BOOST_TEST(result.messages.size() == 2u);
    BOOST_TEST(result.messages[0].content.size() == 3u);
}

BOOST_AUTO_TEST_CASE(annotations_by_index) {
    const auto annotation_data = [](std::string_view inside) {
        return R"({"id":"m","delta":{"content":[{"index":0,"type":"text","text":{"annotations":[)" +
               std::string(inside) + "]}}]}}";
    };
    run_result result;
    feed(result, "thread.message.delta", annotation_data(R"({"index":1,"type":"file_path","text":"[b]"})"));
    feed(result, "thread.message.delta",
         annotation_data(R"({"index":0,"type":"url_citation","text":"[a]","start_index":0,"end_index":3})"));
    feed(result, "thread.message.delta", annotation_data(R"({"index":0,"url_citation":{"url":"https://e.example"}})"));
    feed(result, "thread.message.delta", annotation_data(R"({"index":2000000000,"type":"file_path","text":"[z]"})"));
    const auto citations = result.citations();
    BOOST_REQUIRE_EQUAL(citations.size(), 3u);
    BOOST_TEST(citations[0].text == "[a]");
    BOOST_TEST(citations[0].start_index.value() == 0);
    BOOST_TEST(citations[0].url == "https://e.example");
    BOOST_TEST(citations[1].text == "[b]");
    BOOST_TEST(!citations[1].start_index);
    BOOST_TEST(citations[2].text == "[z]");
}

BOOST_AUTO_TEST_CASE(the_pieces_of_a_function_call_and_the_action_it_needs) {
    run_result result;
    for (std::size_t i = 0; i != 7; ++i) feed(result, function_stream[i].name, function_stream[i].data);
    BOOST_REQUIRE_EQUAL(result.tool_calls().size(), 1u);
    BOOST_TEST(result.tool_calls()[0].id == "call_f1");
    BOOST_TEST(result.tool_calls()[0].name == "get_weather");
    BOOST_TEST(result.tool_calls()[0].arguments == R"({"city":"Oslo"})");
    BOOST_TEST(!result.tool_calls()[0].output);

    feed(result, function_stream[7].name, function_stream[7].data);
    BOOST_TEST((result.status == run_state::requires_action));
    BOOST_REQUIRE(result.required_action);
    BOOST_TEST(result.required_action->function_calls.size() == 1u);

    feed(result, function_stream_continued);
    BOOST_TEST(!result.required_action);
    BOOST_TEST((result.status == run_state::completed));
    BOOST_TEST(result.tool_calls()[0].output.value() == R"({"temp_c":-3})");
    BOOST_TEST(result.text() == "-3 °C.");
}

BOOST_AUTO_TEST_CASE(output_that_comes_between_two_ends_of_a_step) {
    run_result result;
    feed(result, mcp_stream);
    for (std::size_t i = 0; i != 4; ++i) feed(result, mcp_stream_continued[i].name, mcp_stream_continued[i].data);
    BOOST_REQUIRE_EQUAL(result.tool_calls().size(), 1u);
    BOOST_TEST(result.tool_calls()[0].output.value() == R"({"ok":true})");
    BOOST_TEST(result.tool_calls()[0].arguments == R"({"seat":"14A"})");
    // The early end comes again, late: the output stays.
    feed(result, mcp_stream_continued[0].name, mcp_stream_continued[0].data);
    BOOST_TEST(result.tool_calls()[0].output.value() == R"({"ok":true})");
}

BOOST_AUTO_TEST_CASE(why_a_run_failed) {
    run_result result;
    feed(result, "thread.run.created", R"({"id":"r","thread_id":"t","assistant_id":"a","status":"queued"})");
    feed(result, "error", R"({"error":{"type":"server_error","message":"oops"}})");
    BOOST_TEST(result.last_error->code == "server_error");
    feed(result, "thread.run.failed",
         R"({"id":"r","status":"failed","last_error":{"code":"tool_server_error","message":"401"}})");
    BOOST_TEST(result.last_error->code == "tool_server_error");
    BOOST_TEST((result.status == run_state::failed));
    feed(result, "thread.run.in_progress", R"({"id":"r","status":"in_progress"})");
    BOOST_TEST((result.status == run_state::failed));
    BOOST_TEST(result.run_id == "r");
    BOOST_TEST(result.thread_id == "t");
}

BOOST_AUTO_TEST_CASE(which_limit_a_run_met) {
    run_result result;
    feed(result, "thread.run.incomplete",
         R"({"id":"r","status":"incomplete","incomplete_details":{"reason":"max_completion_tokens"}})");
    BOOST_TEST(result.incomplete_reason == "max_completion_tokens");
    BOOST_TEST((result.status == run_state::incomplete));
}

BOOST_AUTO_TEST_CASE(a_refusal_apart_from_the_text) {
    run_result result;
    feed(result, "thread.message.delta",
         R"({"id":"m","delta":{"content":[{"index":0,"type":"refusal","refusal":"I can"}]}})");
    feed(result, "thread.message.delta",
         R"({"id":"m","delta":{"content":[{"index":0,"type":"refusal","refusal":"not."}]}})");
    BOOST_TEST(result.text().empty());
    BOOST_TEST(result.messages.at(0).content.at(0).text == "I cannot.");
}

BOOST_AUTO_TEST_CASE(images_among_the_text) {
    const auto content = [](std::string_view inside) {
        return R"({"id":"m","delta":{"content":[)" + std::string(inside) + "]}}";
    };
    run_result result;
    feed(result, "thread.message.delta", content(R"({"index":1,"type":"image_file","image_file":{"file_id":"f"}})"));
    feed(result, "thread.message.delta", text_delta_data("m", 0, "Look: "));
    feed(result, "thread.message.delta", content(R"({"index":1,"type":"image_file","image_file":{"file_id":"f"}})"));
    BOOST_REQUIRE_EQUAL(result.messages.at(0).content.size(), 2u);
    BOOST_TEST(result.messages[0].content[0].text == "Look: ");
    BOOST_TEST(result.messages[0].content[1].type == "image_file");
    BOOST_TEST(result.messages[0].content[1].file_id == "f");
    BOOST_TEST(result.text() == "Look: ");
    feed(result, "thread.message.completed",
         R"({"id":"m","status":"completed","content":[{"type":"image_file","image_file":{"file_id":"g"}}]})");
    feed(result, "thread.message.delta", content(R"({"index":1,"type":"image_file","image_file":{"file_id":"f"}})"));
    BOOST_REQUIRE_EQUAL(result.messages[0].content.size(), 1u);
    BOOST_TEST(result.messages[0].content[0].file_id == "g");
}

BOOST_AUTO_TEST_CASE(what_a_code_interpreter_puts_out_as_it_comes_and_at_the_end) {
    const auto interpreter = [](std::string_view inside) {
        return R"({"id":"s","delta":{"step_details":{"type":"tool_calls","tool_calls":[{"index":0,"id":"c","type":"code_interpreter","code_interpreter":{)" +
               std::string(inside) + "}}]}}}";
    };
    run_result result;
    feed(result, "thread.run.step.delta", interpreter(R"("input":"1+")"));
    feed(result, "thread.run.step.delta", interpreter(R"("input":"1")"));
    feed(result, "thread.run.step.delta", interpreter(R"("outputs":[{"index":2,"type":"logs","logs":"b"}])"));
    feed(result, "thread.run.step.delta",
         interpreter(
             R"("outputs":[{"index":0,"type":"logs","logs":"a"},{"index":1,"type":"image","image":{"file_id":"f"}}])"));
    feed(result, "thread.run.step.delta", interpreter(R"("outputs":[{"index":0,"type":"logs","logs":"A"}])"));
    BOOST_REQUIRE_EQUAL(result.tool_calls().size(), 1u);
    tool_call call = result.tool_calls()[0];
    BOOST_TEST(call.arguments == "1+1");
    BOOST_REQUIRE_EQUAL(call.outputs.size(), 3u);
    BOOST_TEST(call.outputs[0].type == "logs");
    BOOST_TEST(call.outputs[0].logs == "aA");
    BOOST_TEST(call.outputs[1].type == "image");
    BOOST_TEST(call.outputs[1].file_id == "f");
    BOOST_TEST(call.outputs[2].logs == "b");

    const auto completed = [&result](std::string_view outputs) {
        feed(
            result, "thread.run.step.completed",
            R"({"id":"s","type":"tool_calls","status":"completed","step_details":{"type":"tool_calls","tool_calls":[{"id":"c","type":"code_interpreter","code_interpreter":{"input":"1+1","outputs":[)" +
                std::string(outputs) + "]}}]}}");
    };
    // An end without outputs takes none away.
    completed("");
    BOOST_TEST(result.tool_calls().at(0).outputs.size() == 3u);
    completed(R"({"type":"logs","logs":"2"})");
    feed(result, "thread.run.step.delta", interpreter(R"("outputs":[{"index":0,"type":"logs","logs":"late"}])"));
    call = result.tool_calls().at(0);
    BOOST_REQUIRE_EQUAL(call.outputs.size(), 1u);
    BOOST_TEST(call.outputs[0].logs == "2");
}

BOOST_AUTO_TEST_CASE(where_a_connected_agent_works) {
    run_result result;
    feed(
        result, "thread.run.step.delta",
        R"({"id":"s","delta":{"step_details":{"type":"tool_calls","tool_calls":[{"index":0,"id":"c","type":"connected_agent","connected_agent":{"name":"seats","assistant_id":"asst_2","thread_id":"thread_2","run_id":"run_2"}}]}}})");
    feed(
        result, "thread.run.step.delta",
        R"({"id":"s","delta":{"step_details":{"type":"tool_calls","tool_calls":[{"index":0,"type":"connected_agent","connected_agent":{"output":"Booked."}}]}}})");
    BOOST_REQUIRE_EQUAL(result.tool_calls().size(), 1u);
    BOOST_TEST(result.tool_calls()[0].agent_id == "asst_2");
    BOOST_TEST(result.tool_calls()[0].thread_id == "thread_2");
    BOOST_TEST(result.tool_calls()[0].run_id == "run_2");
    BOOST_TEST(result.tool_calls()[0].output.value() == "Booked.");
}

BOOST_AUTO_TEST_CASE(tool_calls_by_step_and_index) {
    const auto call = [](std::string_view step, int index, std::string_view rest) {
        return R"({"id":")" + std::string(step) +
               R"(","delta":{"step_details":{"type":"tool_calls","tool_calls":[{"index":)" + std::to_string(index) +
               "," + std::string(rest) + "}]}}}";
    };
    run_result result;
    feed(result, "thread.run.step.delta",
         call("s1", 1, R"("id":"b","type":"function","function":{"name":"g","arguments":"{\"b\":"})"));
    feed(result, "thread.run.step.delta",
         call("s2", 0, R"("id":"c","type":"function","function":{"name":"h","arguments":"{}"})"));
    feed(result, "thread.run.step.delta",
         call("s1", 0, R"("id":"a","type":"function","function":{"name":"f","arguments":"{}"})"));
    // Later pieces come without an id.
    feed(result, "thread.run.step.delta", call("s1", 1, R"("id":"","function":{"arguments":"1}"})"));
    const auto calls = result.tool_calls();
    BOOST_REQUIRE_EQUAL(calls.size(), 3u);
    BOOST_TEST(calls[0].id == "a");
    BOOST_TEST(calls[1].id == "b");
    BOOST_TEST(calls[1].arguments == R"({"b":1})");
    BOOST_TEST(calls[2].id == "c");
}

BOOST_AUTO_TEST_CASE(what_had_arrived_into_the_error_of_a_run) {
    run_result result;
    feed(result, "thread.message.delta", text_delta_data("m", 0, "half"));
    const run_error error(errc::premature_eof, {}, result);
    BOOST_TEST(error.result().text() == "half");
    BOOST_TEST((error.code() == errc::premature_eof));
}

BOOST_AUTO_TEST_CASE(ids_once_they_are_known) {
    run_result result;
    events::thread_created thread;
    thread.thread_id = "t1";
    apply(result, thread);
    BOOST_TEST(result.thread_id == "t1");
    events::run_created run;
    run.run_id = "r1";
    run.agent_id = "a1";
    apply(result, run);
    BOOST_TEST(result.run_id == "r1");
    BOOST_TEST(result.agent_id == "a1");
    BOOST_TEST(result.thread_id == "t1");
    // Objects that begin with a delta have them too.
    apply(result, call_delta("s", "c", "{}"));
    events::text_delta text;
    text.message_id = "m";
    apply(result, text);
    BOOST_TEST(result.steps.at(0).run_id == "r1");
    BOOST_TEST(result.steps[0].thread_id == "t1");
    BOOST_TEST(result.steps[0].status == "in_progress");
    BOOST_TEST(result.steps[0].type == "tool_calls");
    BOOST_TEST(result.messages.at(0).run_id == "r1");
    BOOST_TEST(result.messages[0].thread_id == "t1");
}

BOOST_AUTO_TEST_CASE(the_action_of_a_run_while_it_waits) {
    run_result result;
    apply(result, call_delta("s", "c1", "{"));
    events::action_required waiting;
    waiting.run_id = "r";
    waiting.thread_id = "t";
    waiting.action.function_calls.emplace_back().id = "c1";
    waiting.action.function_calls[0].arguments = "{}";
    apply(result, waiting);
    BOOST_TEST((result.status == run_state::requires_action));
    BOOST_TEST(result.run_id == "r");
    BOOST_TEST(result.thread_id == "t");
    BOOST_TEST(result.tool_calls().at(0).arguments == "{}");
    apply(result, status_event(run_state::requires_action));
    BOOST_TEST(result.required_action.has_value());
    apply(result, status_event(run_state::in_progress));
    BOOST_TEST(!result.required_action.has_value());

    events::action_required approval;
    approval.action.mcp_approvals.emplace_back().id = "c1";
    approval.action.mcp_approvals[0].arguments = "[]";
    apply(result, approval);
    BOOST_TEST(result.tool_calls().at(0).arguments == "[]");
    events::run_expired expired;
    apply(result, expired);
    BOOST_TEST((result.status == run_state::expired));
    BOOST_TEST(!result.required_action.has_value());
    // What comes late does not open a run that has ended.
    apply(result, waiting);
    apply(result, status_event(run_state::queued));
    BOOST_TEST((result.status == run_state::expired));
    BOOST_TEST(!result.required_action.has_value());
    BOOST_TEST(result.tool_calls().at(0).arguments == "[]");
}

BOOST_AUTO_TEST_CASE(the_end_of_a_run) {
    const std::pair<run_state, void (*)(run_result&, thread_run)> ends[] = {
        {run_state::completed,
         [](run_result& result, thread_run run) {
             events::run_completed end;
             end.run = std::move(run);
             apply(result, end);
         }},
        {run_state::failed,
         [](run_result& result, thread_run run) {
             events::run_failed end;
             end.run = std::move(run);
             apply(result, end);
         }},
        {run_state::incomplete,
         [](run_result& result, thread_run run) {
             events::run_incomplete end;
             end.run = std::move(run);
             apply(result, end);
         }},
        {run_state::cancelled,
         [](run_result& result, thread_run run) {
             events::run_cancelled end;
             end.run = std::move(run);
             apply(result, end);
         }},
        {run_state::expired,
         [](run_result& result, thread_run run) {
             events::run_expired end;
             end.run = std::move(run);
             apply(result, end);
         }},
    };
    for (const auto& [state, end] : ends) {
        run_result result;
        thread_run run;
        run.id = "r";
        run.thread_id = "t";
        run.agent_id = "a";
        run.usage.emplace().total_tokens = 7;
        run.last_error.emplace().code = "code";
        run.incomplete_reason = "reason";
        end(result, run);
        BOOST_TEST((result.status == state));
        BOOST_TEST(result.run_id == "r");
        BOOST_TEST(result.thread_id == "t");
        BOOST_TEST(result.agent_id == "a");
        BOOST_TEST(result.usage.value().total_tokens == 7);
        BOOST_TEST(result.last_error.value().code == "code");
        BOOST_TEST(result.incomplete_reason == "reason");
        // The same end without details takes none away.
        end(result, thread_run());
        BOOST_TEST(result.usage.value().total_tokens == 7);
        BOOST_TEST(result.last_error.value().code == "code");
    }
}

BOOST_AUTO_TEST_CASE(nothing_of_a_run_that_was_restarted) {
    run_result result;
    apply(result, status_event(run_state::in_progress));
    events::text_delta text;
    text.message_id = "m";
    text.text = "lost";
    apply(result, text);
    result.report.add(7, "kept");
    apply(result, events::run_restarted());
    BOOST_TEST(result.text() == "");
    BOOST_TEST(result.run_id == "");
    BOOST_TEST((result.status == run_state::unknown));
    BOOST_TEST(result.thread_id == "t");
    BOOST_TEST(result.report.lines().size() == 1u);
    apply(result, text);
    apply(result, events::reattached());
    BOOST_TEST(result.text() == "lost");
}

BOOST_AUTO_TEST_CASE(an_error_of_the_stream_unless_the_run_has_one) {
    run_result result;
    events::stream_error error;
    error.type = "server_error";
    error.message = "first";
    apply(result, error);
    BOOST_TEST(result.last_error.value().code == "server_error");
    BOOST_TEST(result.last_error->message == "first");
    error.code = "second";
    apply(result, error);
    BOOST_TEST(result.last_error->code == "server_error");
    run_result other;
    apply(other, error);
    BOOST_TEST(other.last_error.value().code == "second");
}

BOOST_AUTO_TEST_CASE(the_tools_of_a_server_once) {
    run_result result;
    events::mcp_tools_listed listed;
    listed.step_id = "s";
    listed.list.id = "l";
    listed.list.server_label = "a";
    apply(result, listed);
    BOOST_TEST(result.steps.at(0).type == "activities");
    listed.list.tools.emplace_back().name = "t";
    apply(result, listed);
    BOOST_TEST(result.steps[0].mcp_tools.size() == 1u);
    BOOST_TEST(result.steps[0].mcp_tools[0].tools.size() == 1u);
    listed.list.server_label = "b";
    apply(result, listed);
    listed.list.id = "l2";
    apply(result, listed);
    BOOST_TEST(result.steps[0].mcp_tools.size() == 3u);
}

BOOST_AUTO_TEST_CASE(a_call_to_a_server_once) {
    run_result result;
    events::mcp_call call;
    call.step_id = "s";
    call.call.id = "c";
    apply(result, call);
    BOOST_TEST(result.steps.at(0).type == "tool_calls");
    call.call.output = "done";
    apply(result, call);
    BOOST_TEST(result.tool_calls().size() == 1u);
    BOOST_TEST(result.tool_calls()[0].output.value() == "done");
    call.call.id = "d";
    apply(result, call);
    BOOST_TEST(result.tool_calls().size() == 2u);
}

BOOST_AUTO_TEST_CASE(a_step_that_begins_again_with_the_calls_so_far) {
    run_result result;
    apply(result, call_delta("s", "c", "{}"));
    apply(result, step_event<events::step_created>("s", "in_progress"));
    BOOST_TEST(result.tool_calls().size() == 1u);
    events::step_created whole = step_event<events::step_created>("s2", "in_progress");
    whole.step.tool_calls.emplace_back().id = "d";
    apply(result, whole);
    BOOST_TEST(result.tool_calls().size() == 2u);
    for (const char* status : {"completed", "failed", "cancelled", "expired"}) {
        run_result ended;
        apply(ended, step_event<events::step_completed>("s", status));
        apply(ended, step_event<events::step_in_progress>("s", "in_progress"));
        BOOST_TEST(ended.steps.at(0).status == status);
    }
}

BOOST_AUTO_TEST_CASE(the_output_of_a_call_that_an_end_leaves_out) {
    run_result result;
    events::tool_call_delta delta = call_delta("s", "c", R"({"a":1})");
    delta.output = "out";
    apply(result, delta);
    // The arguments, said again, are not appended to themselves; other pieces are.
    apply(result, call_delta("s", "c", R"({"a":1})"));
    BOOST_TEST(result.tool_calls().at(0).arguments == R"({"a":1})");
    run_result pieces;
    for (int i = 0; i < 2; ++i) apply(pieces, call_delta("s", "c", "ha"));
    BOOST_TEST(pieces.tool_calls().at(0).arguments == "haha");

    events::step_completed completed = step_event<events::step_completed>("s", "completed");
    completed.step.tool_calls.emplace_back().id = "c";
    completed.step.tool_calls[0].arguments = "{}";
    apply(result, completed);
    BOOST_TEST(result.tool_calls().at(0).output.value() == "out");
    apply(result, delta);
    BOOST_TEST(result.tool_calls().at(0).arguments == "{}");
    completed.step.tool_calls[0].output = "final";
    apply(result, completed);
    BOOST_TEST(result.tool_calls().at(0).output.value() == "final");
}

BOOST_AUTO_TEST_CASE(a_message_that_has_ended_as_it_is) {
    for (const char* status : {"completed", "incomplete"}) {
        run_result result;
        events::message_completed completed;
        completed.message.id = "m";
        completed.message.status = status;
        completed.message.content.emplace_back().type = "text";
        completed.message.content[0].text = "whole";
        apply(result, completed);
        events::text_delta text;
        text.message_id = "m";
        text.text = "late";
        apply(result, text);
        events::annotation note;
        note.message_id = "m";
        apply(result, note);
        events::message_created again;
        again.message.id = "m";
        apply(result, again);
        BOOST_TEST(result.text() == "whole");
        BOOST_TEST(result.citations().empty());
        BOOST_TEST(result.messages.at(0).status == status);
    }
}

BOOST_AUTO_TEST_CASE(a_message_that_begins_again_with_the_content_so_far) {
    run_result result;
    events::message_created created;
    created.message.id = "m";
    created.message.content.emplace_back().type = "text";
    created.message.content[0].text = "a";
    apply(result, created);
    events::text_delta text;
    text.message_id = "m";
    text.text = "b";
    apply(result, text);
    events::message_in_progress again;
    again.message.id = "m";
    again.message.role = "assistant";
    apply(result, again);
    BOOST_TEST(result.text() == "ab");
    BOOST_TEST(result.messages.at(0).role == "assistant");
}

BOOST_AUTO_TEST_CASE(every_member_of_an_annotation) {
    run_result result;
    events::annotation note;
    note.message_id = "m";
    note.value.type = "file_citation";
    note.value.text = "[1]";
    note.value.file_id = "f";
    note.value.quote = "q";
    note.value.url = "u";
    note.value.title = "t";
    note.value.start_index = 1;
    note.value.end_index = 4;
    apply(result, note);
    events::annotation empty;
    empty.message_id = "m";
    apply(result, empty);
    const auto citations = result.citations();
    BOOST_REQUIRE(citations.size() == 1u);
    const text_annotation& only = citations[0];
    BOOST_TEST(only.type == "file_citation");
    BOOST_TEST(only.text == "[1]");
    BOOST_TEST(only.file_id == "f");
    BOOST_TEST(only.quote == "q");
    BOOST_TEST(only.url == "u");
    BOOST_TEST(only.title == "t");
    BOOST_TEST(only.start_index.value() == 1);
    BOOST_TEST(only.end_index.value() == 4);
    BOOST_TEST(result.messages.at(0).content.at(0).type == "text");
}

BOOST_AUTO_TEST_SUITE_END()
