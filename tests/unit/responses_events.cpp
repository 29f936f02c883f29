#include "protocol/responses/codec.hpp"
#include "wire.hpp"
#include <corun/error.hpp>

#include <boost/test/unit_test.hpp>

#include <array>
#include <random>
#include <string>
#include <utility>

using namespace corun;
using namespace corun::test;
using codec::event_class;
using codec::responses::classify;
using codec::responses::decoder;
using codec::responses::pending_calls;

namespace {

decoded decode_one(std::string_view name, std::string_view data) {
    return decode_strictly<decoder>(name, data);
}

std::vector<event> good(decoder& of_run, std::string_view name, std::string_view data) {
    decoded result = decode(of_run, name, data);
    if (result.code) throw std::runtime_error(result.problem);
    if (!result.events[0].problem().empty()) throw std::runtime_error(std::string(result.events[0].problem()));
    return std::move(result.events);
}

std::vector<event> good(std::string_view name, std::string_view data) {
    decoder of_run;
    return good(of_run, name, data);
}

template <class Body>
const Body& at(const std::vector<event>& events, std::size_t position) {
    BOOST_REQUIRE_LT(position, events.size());
    const Body* const body = events[position].get_if<Body>();
    BOOST_REQUIRE(body);
    return *body;
}

template <class Body>
const Body& only(const std::vector<event>& events) {
    BOOST_REQUIRE_EQUAL(events.size(), 1u);
    return at<Body>(events, 0);
}

std::string quoted(std::string_view text) {
    return "[" + std::string(text) + "]";
}

/// What a wire event says, to be compared.
std::string describe(const decoded& result) {
    std::string text = result.code ? "bad_event " + result.problem : "good";
    for (const event& each : result.events) {
        text += "\n" + std::to_string(each.index()) + quoted(each.name()) + quoted(each.raw()) +
                (each.continues() ? "+" : "");
        if (const auto* delta = each.get_if<events::text_delta>())
            text += quoted(delta->message_id) + std::to_string(delta->content_index) + quoted(delta->text);
    }
    return text;
}

std::string text_delta_data(std::string_view value) {
    return R"({"type":"response.output_text.delta","sequence_number":4,"item_id":"msg_1","output_index":0,"content_index":0,"delta":")" +
           std::string(value) + R"(","logprobs":[],"obfuscation":"x"})";
}

std::string completed(std::string_view output, std::string_view status = "completed") {
    return R"({"type":"response.completed","sequence_number":9,"response":{"id":"r","object":"response","status":")" +
           std::string(status) + R"(","output":[)" + std::string(output) + "]}}";
}

constexpr std::string_view call_item =
    R"({"id":"fc","type":"function_call","call_id":"c1","name":"f","arguments":"{}"})";
constexpr std::string_view approval_item =
    R"({"id":"mcpr","type":"mcp_approval_request","name":"t","arguments":"{}","server_label":"L"})";

/// One of every event that is known, in full.
constexpr std::array<sample, 46> known_events{{
    {"response.created",
     R"({"type":"response.created","sequence_number":0,"response":{"id":"r","object":"response","created_at":1,"status":"in_progress","conversation":{"id":"conv"},"agent":{"type":"agent_id","name":"desk","version":"2"},"output":[]}})"},
    {"response.queued", R"({"type":"response.queued","response":{"id":"r","status":"queued"}})"},
    {"response.in_progress", R"({"type":"response.in_progress","response":{"id":"r","status":"in_progress"}})"},
    {"response.output_item.added",
     R"({"type":"response.output_item.added","output_index":0,"item":{"id":"m","type":"message","role":"assistant","status":"in_progress","content":[]}})"},
    {"response.output_item.added",
     R"({"type":"response.output_item.added","output_index":0,"item":{"id":"fc","type":"function_call","call_id":"c","name":"f","arguments":"","status":"in_progress"}})"},
    {"response.output_item.done",
     R"({"type":"response.output_item.done","output_index":0,"item":{"id":"m","type":"message","role":"assistant","status":"completed","content":[{"type":"output_text","text":"t","annotations":[{"type":"file_citation","file_id":"f","filename":"n","index":3}]}]}})"},
    {"response.output_item.done",
     R"({"type":"response.output_item.done","output_index":0,"item":{"id":"l","type":"mcp_list_tools","server_label":"L","tools":[{"name":"t","input_schema":{"type":"object"},"description":"d","annotations":null}]}})"},
    {"response.output_item.done",
     R"({"type":"response.output_item.done","output_index":0,"item":{"id":"c","type":"mcp_call","server_label":"L","name":"t","arguments":"{}","output":"o","error":null}})"},
    {"response.output_item.done",
     R"({"type":"response.output_item.done","output_index":0,"item":{"id":"s","type":"file_search_call","queries":["q"],"results":[{"file_id":"f","filename":"n","score":0.5,"text":"t"}]}})"},
    {"response.output_item.done",
     R"({"type":"response.output_item.done","output_index":0,"item":{"id":"rs","type":"reasoning","summary":[{"type":"summary_text","text":"s"}],"content":[{"type":"reasoning_text","text":"c"}]}})"},
    {"response.content_part.added",
     R"({"type":"response.content_part.added","item_id":"m","output_index":0,"content_index":0,"part":{"type":"output_text","text":"","annotations":[]}})"},
    {"response.output_text.delta",
     R"({"item_id":"m","output_index":0,"content_index":1,"delta":"a\"b","logprobs":[]})"},
    {"response.output_text.done", R"({"item_id":"m","output_index":0,"content_index":0,"text":"abc","logprobs":[]})"},
    {"response.output_text.annotation.added",
     R"({"item_id":"m","output_index":0,"content_index":0,"annotation_index":2,"annotation":{"type":"url_citation","start_index":0,"end_index":4,"url":"u","title":"t"}})"},
    {"response.refusal.delta", R"({"item_id":"m","output_index":0,"content_index":0,"delta":"no"})"},
    {"response.refusal.done", R"({"item_id":"m","output_index":0,"content_index":0,"refusal":"no"})"},
    {"response.function_call_arguments.delta", R"({"item_id":"fc","output_index":0,"delta":"{\"a\":"})"},
    {"response.function_call_arguments.done", R"({"item_id":"fc","output_index":0,"arguments":"{}","name":"f"})"},
    {"response.mcp_list_tools.in_progress", R"({"item_id":"l","output_index":0})"},
    {"response.mcp_call.in_progress", R"({"item_id":"c","output_index":0})"},
    {"response.mcp_call_arguments.delta", R"({"item_id":"c","output_index":0,"delta":"{}"})"},
    {"response.mcp_call_arguments.done", R"({"item_id":"c","output_index":0,"arguments":"{}"})"},
    {"response.custom_tool_call_input.delta", R"({"item_id":"ct","output_index":0,"delta":"in"})"},
    {"response.custom_tool_call_input.done", R"({"item_id":"ct","output_index":0,"input":"in"})"},
    {"response.code_interpreter_call.in_progress", R"({"item_id":"ci","output_index":0})"},
    {"response.code_interpreter_call.interpreting", R"({"item_id":"ci","output_index":0})"},
    {"response.code_interpreter_call_code.delta", R"({"item_id":"ci","output_index":0,"delta":"1+1"})"},
    {"response.code_interpreter_call_code.done", R"({"item_id":"ci","output_index":0,"code":"1+1"})"},
    {"response.file_search_call.in_progress", R"({"item_id":"fs","output_index":0})"},
    {"response.file_search_call.searching", R"({"item_id":"fs","output_index":0})"},
    {"response.web_search_call.in_progress", R"({"item_id":"ws","output_index":0})"},
    {"response.web_search_call.searching", R"({"item_id":"ws","output_index":0})"},
    {"response.image_generation_call.in_progress", R"({"item_id":"ig","output_index":0})"},
    {"response.image_generation_call.generating", R"({"item_id":"ig","output_index":0})"},
    {"response.image_generation_call.partial_image",
     R"({"item_id":"ig","output_index":0,"partial_image_index":1,"partial_image_b64":"iVBORw=="})"},
    {"response.reasoning_text.delta", R"({"item_id":"rs","output_index":0,"content_index":1,"delta":"so"})"},
    {"response.reasoning_text.done", R"({"item_id":"rs","output_index":0,"content_index":1,"text":"so"})"},
    {"response.reasoning_summary_text.delta", R"({"item_id":"rs","output_index":0,"summary_index":2,"delta":"so"})"},
    {"response.reasoning_summary_text.done", R"({"item_id":"rs","output_index":0,"summary_index":2,"text":"so"})"},
    {"response.completed",
     R"({"type":"response.completed","response":{"id":"r","status":"completed","model":"m","metadata":{"k":"v"},"output":[],"usage":{"input_tokens":5,"input_tokens_details":{"cached_tokens":2},"output_tokens":3,"total_tokens":8}}})"},
    {"response.completed",
     R"({"type":"response.completed","response":{"id":"r","status":"completed","output":[{"id":"fc","type":"function_call","call_id":"c1","name":"f","arguments":"{}"}]}})"},
    {"response.failed", R"({"response":{"id":"r","status":"failed","error":{"code":"server_error","message":"m"}}})"},
    {"response.failed", R"({"response":{"id":"r","status":"failed","error":null}})"},
    {"response.incomplete",
     R"({"response":{"id":"r","status":"incomplete","incomplete_details":{"reason":"max_output_tokens"}}})"},
    {"response.cancelled", R"({"response":{"id":"r","status":"cancelled"}})"},
    {"response.output_item.done",
     R"({"item":{"id":"ci","type":"code_interpreter_call","code":"1","outputs":[{"type":"logs","logs":"2"},{"type":"image","url":"u"}],"status":"completed"}})"},
}};

}  // namespace

BOOST_AUTO_TEST_SUITE(responses_events)

BOOST_AUTO_TEST_CASE(reads_a_text_delta_in_place) {
    decoder of_run;
    const auto wire = to_wire("response.output_text.delta", text_delta_data("Bring"));
    event first;
    std::vector<event> more;
    std::string problem;
    BOOST_REQUIRE(!of_run.decode(codec::raw_event(wire), first, more, problem));
    const auto* delta = first.get_if<events::text_delta>();
    BOOST_REQUIRE(delta);
    BOOST_TEST(delta->text == "Bring");
    BOOST_TEST(delta->message_id == "msg_1");
    BOOST_TEST(first.raw() == wire.data);
    BOOST_TEST(more.empty());
    // No copy: the text lies in the data itself.
    BOOST_TEST((delta->text.data() > wire.data.data() && delta->text.data() < wire.data.data() + wire.data.size()));
}

BOOST_AUTO_TEST_CASE(keeps_the_bytes_of_an_event_alive) {
    for (const bool fast : {true, false}) {
        decoder of_run;
        of_run.use_fast_path(fast);
        event copy;
        {
            const auto result =
                decode(of_run, "response.output_text.delta", text_delta_data(R"(\"\u00e9\ud83d\ude00)"));
            BOOST_REQUIRE(!result.code);
            copy = result.events.front();
        }
        BOOST_TEST(copy.get_if<events::text_delta>()->text == "\"\u00e9😀");
        BOOST_TEST(copy.get_if<events::text_delta>()->message_id == "msg_1");
    }
}

BOOST_AUTO_TEST_CASE(reads_text_deltas_in_every_order_and_with_every_habit) {
    for (
        const std::string_view data :
        {R"({"type":"response.output_text.delta","sequence_number":4,"item_id":"m","output_index":0,"content_index":2,"delta":"hi","logprobs":[],"obfuscation":"x"})",
         R"({"type":"response.output_text.delta","content_index":2,"delta":"hi","item_id":"m","logprobs":[],"output_index":0,"sequence_number":4})",
         R"({"delta":"hi","logprobs":[],"item_id":"m","content_index":2,"output_index":0,"sequence_number":4})",
         R"({ "type" : "response.output_text.delta" , "item_id" : "m", "delta" : "hi", "content_index" : 2 })",
         R"({"type": "response.output_text.delta", "item_id": "m", "delta": "hi", "content_index": 2})",
         R"({"item_id":"m","content_index":2,"delta":"hi","logprobs":[{"token":"hi","logprob":-0.1}],"vendor":{"a":[1]}})",
         R"({"item_id":"m","content_index":2,"delta":"hi","logprobs":null,"output_index":null,"obfuscation":null})"}) {
        BOOST_TEST_CONTEXT(data) {
            const auto events = good("response.output_text.delta", data);
            const auto& delta = only<events::text_delta>(events);
            BOOST_TEST(delta.text == "hi");
            BOOST_TEST(delta.message_id == "m");
            BOOST_TEST(delta.content_index == 2);
        }
    }
}

BOOST_AUTO_TEST_CASE(names_after_its_place_what_has_no_id) {
    const auto events = good("response.output_text.delta", R"({"delta":"hi","output_index":3})");
    BOOST_TEST(only<events::text_delta>(events).message_id == "item_3");
    BOOST_TEST(
        only<events::text_delta>(good("response.output_text.delta", R"({"delta":"\n","item_id":""})")).message_id ==
        "item_0");
    const auto added = good("response.output_item.added", R"({"item":{"type":"message"},"output_index":3})");
    BOOST_TEST(only<events::message_created>(added).message.id == "item_3");
    const auto called =
        good("response.output_item.done", R"({"output_index":1,"item":{"type":"function_call","name":"f"}})");
    BOOST_TEST(only<events::step_completed>(called).step.tool_calls[0].id == "item_1");
}

BOOST_AUTO_TEST_CASE(goes_by_the_type_of_an_event_without_a_name) {
    for (const std::string_view name : {"", "message"}) {
        const auto events = good(name, text_delta_data("hi"));
        BOOST_TEST(only<events::text_delta>(events).text == "hi");
        BOOST_TEST(events[0].name() == name);
        BOOST_TEST((classify(name, completed("")) == event_class::last));
        BOOST_TEST((classify(name, R"({"error":{"message":"m"}})") == event_class::error));
        BOOST_TEST((classify(name, "[DONE]") == event_class::end_of_stream));
        BOOST_TEST(
            only<events::run_status>(good(name, R"({"response":{"id":"r"},"type":"response.queued"})")).status_text ==
            "queued");
        BOOST_TEST(good(name, "[DONE]")[0].get_if<events::unknown>());
        BOOST_TEST(good(name, "any text")[0].get_if<events::unknown>());
        BOOST_TEST(decode_one(name, R"({"type":"response.new","x":)").code == errc::bad_event);
    }
}

BOOST_AUTO_TEST_CASE(goes_by_the_type_of_an_event_that_has_another_name) {
    // Wherever the type stands, and however short the data are.
    for (const std::string_view data : {R"({"type":"response.output_text.done","item_id":"m","text":"hi"})",
                                        R"({"item_id":"m","type":"response.output_text.done","text":"hi"})",
                                        R"({"type":"response.output_text.done"})"}) {
        BOOST_TEST((classify("response.completed", data) == event_class::ordinary), data);
        BOOST_TEST((classify("response.output_text.done", data) == event_class::ordinary), data);
    }
    BOOST_TEST((classify("response.completed", "{}") == event_class::last));
}

BOOST_AUTO_TEST_CASE(tells_the_beginning_and_the_states_of_a_run) {
    const auto created = good(known_events[0].name, known_events[0].data);
    BOOST_TEST(only<events::run_created>(created).run_id == "r");
    BOOST_TEST(only<events::run_created>(created).thread_id == "conv");
    BOOST_TEST(only<events::run_created>(created).agent_id == "desk");
    BOOST_TEST(
        (only<events::run_status>(good("response.queued", R"({"response":{"id":"r","status":"queued"}})")).status ==
         run_state::queued));
    const auto events = good("response.in_progress", R"({"response":{"id":"r","conversation":"conv"}})");
    BOOST_TEST((only<events::run_status>(events).status == run_state::in_progress));
    BOOST_TEST(only<events::run_status>(events).thread_id == "conv");
}

BOOST_AUTO_TEST_CASE(tells_messages_as_they_begin_and_end) {
    decoder of_run;
    const auto added = good(of_run, known_events[3].name, known_events[3].data);
    BOOST_TEST(only<events::message_created>(added).message.role == "assistant");
    BOOST_TEST(only<events::message_created>(added).message.status == "in_progress");
    const auto begun = good(of_run, known_events[10].name, known_events[10].data);
    BOOST_TEST(only<events::message_in_progress>(begun).message.id == "m");
    good(of_run, "response.output_text.delta", R"({"item_id":"m","content_index":0,"delta":"t"})");
    const auto done = good(of_run, known_events[5].name, known_events[5].data);
    const thread_message& message = only<events::message_completed>(done).message;
    BOOST_TEST(message.text() == "t");
    BOOST_TEST(message.status == "completed");
    BOOST_TEST(message.raw.starts_with(R"({"id":"m")"));
    BOOST_REQUIRE_EQUAL(message.content.size(), 1u);
    BOOST_REQUIRE_EQUAL(message.content[0].annotations.size(), 1u);
    BOOST_TEST(message.content[0].annotations[0].file_id == "f");
    BOOST_TEST(message.content[0].annotations[0].title == "n");
    BOOST_TEST(message.content[0].annotations[0].start_index.value() == 3);
    const auto reasoning = good("response.content_part.added", R"({"item_id":"rs","part":{"type":"reasoning_text"}})");
    BOOST_TEST(only<events::step_in_progress>(reasoning).step.type == "reasoning");
}

BOOST_AUTO_TEST_CASE(tells_a_text_once_whether_in_pieces_or_whole) {
    struct {
        std::string_view delta, done, delta_data, done_data;
    } const rows[] = {
        {"response.output_text.delta", "response.output_text.done", R"({"item_id":"m","delta":"ab"})",
         R"({"item_id":"m","text":"ab"})"},
        {"response.refusal.delta", "response.refusal.done", R"({"item_id":"m","delta":"ab"})",
         R"({"item_id":"m","refusal":"ab"})"},
        {"response.function_call_arguments.delta", "response.function_call_arguments.done",
         R"({"item_id":"m","delta":"ab"})", R"({"item_id":"m","arguments":"ab"})"},
        {"response.mcp_call_arguments.delta", "response.mcp_call_arguments.done", R"({"item_id":"m","delta":"ab"})",
         R"({"item_id":"m","arguments":"ab"})"},
        {"response.custom_tool_call_input.delta", "response.custom_tool_call_input.done",
         R"({"item_id":"m","delta":"ab"})", R"({"item_id":"m","input":"ab"})"},
        {"response.code_interpreter_call_code.delta", "response.code_interpreter_call_code.done",
         R"({"item_id":"m","delta":"ab"})", R"({"item_id":"m","code":"ab"})"},
        {"response.reasoning_text.delta", "response.reasoning_text.done", R"({"item_id":"m","delta":"ab"})",
         R"({"item_id":"m","text":"ab"})"},
        {"response.reasoning_summary_text.delta", "response.reasoning_summary_text.done",
         R"({"item_id":"m","delta":"ab"})", R"({"item_id":"m","text":"ab"})"},
        {"response.reasoning.delta", "response.reasoning.done", R"({"item_id":"m","delta":"ab"})",
         R"({"item_id":"m","text":"ab"})"},
        {"response.shell_call_command.delta", "response.shell_call_command.done", R"({"item_id":"m","delta":"ab"})",
         R"({"item_id":"m","command":"ab"})"},
        {"response.audio.transcript.delta", "response.audio.transcript.done", R"({"item_id":"m","delta":"ab"})",
         R"({"item_id":"m","transcript":"ab"})"},
    };
    for (const auto& row : rows) {
        BOOST_TEST_CONTEXT(row.delta) {
            for (const bool fast : {true, false}) {
                decoder of_run;
                of_run.use_fast_path(fast);
                const auto piece = good(of_run, row.delta, row.delta_data);
                BOOST_TEST(!piece[0].get_if<events::unknown>());
                BOOST_TEST(only<events::part_completed>(good(of_run, row.done, row.done_data)).item_id == "m");
            }
            decoder of_run;
            const auto whole = good(of_run, row.done, row.done_data);
            const auto piece = good(row.delta, row.delta_data);
            BOOST_TEST(whole[0].index() == piece[0].index());
            // Said again, it is no news.
            BOOST_TEST(only<events::part_completed>(good(of_run, row.done, row.done_data)).item_id == "m");
        }
    }
}

BOOST_AUTO_TEST_CASE(tells_a_text_that_only_its_item_has) {
    decoder of_run;
    const auto events = good(
        of_run, "response.output_item.done",
        R"({"item":{"id":"m","type":"message","content":[{"type":"output_text","text":"a\n"},{"type":"refusal","refusal":"b"},{"type":"new","text":"c"}]}})");
    BOOST_REQUIRE_EQUAL(events.size(), 3u);
    BOOST_TEST(at<events::text_delta>(events, 0).text == "a\n");
    BOOST_TEST(at<events::text_delta>(events, 0).message_id == "m");
    BOOST_TEST(at<events::refusal_delta>(events, 1).text == "b");
    BOOST_TEST(at<events::refusal_delta>(events, 1).content_index == 1);
    BOOST_TEST(at<events::message_completed>(events, 2).message.content.size() == 3u);
    BOOST_TEST(events[2].continues());
    const auto reasoning = good(known_events[9].name, known_events[9].data);
    BOOST_TEST(at<events::reasoning_delta>(reasoning, 0).summary);
    BOOST_TEST(at<events::reasoning_delta>(reasoning, 0).text == "s");
    BOOST_TEST(!at<events::reasoning_delta>(reasoning, 1).summary);
    BOOST_TEST(at<events::reasoning_delta>(reasoning, 1).text == "c");
}

BOOST_AUTO_TEST_CASE(tells_pieces_of_every_kind_of_call) {
    struct {
        std::string_view name, type;
    } const rows[] = {
        {"response.function_call_arguments.delta", "function"},
        {"response.mcp_call_arguments.delta", "mcp"},
        {"response.custom_tool_call_input.delta", "custom_tool"},
        {"response.code_interpreter_call_code.delta", "code_interpreter"},
    };
    for (const auto& row : rows) {
        const auto events = good(row.name, R"({"item_id":"i","output_index":2,"delta":"{\"a\":1}"})");
        const auto& delta = only<events::tool_call_delta>(events);
        BOOST_TEST(delta.step_id == "i");
        BOOST_TEST(delta.index == 0);
        BOOST_TEST(delta.type == row.type);
        BOOST_TEST(delta.arguments == R"({"a":1})");
    }
    // Arguments that are JSON, not text that holds some.
    BOOST_TEST(
        only<events::tool_call_delta>(good("response.mcp_call_arguments.delta", R"({"item_id":"i","delta":{"a": 1}})"))
            .arguments == R"({"a": 1})");
}

BOOST_AUTO_TEST_CASE(tells_reasoning_and_its_summary) {
    const auto text = good("response.reasoning_text.delta", R"({"item_id":"rs","content_index":1,"delta":"so"})");
    BOOST_TEST(!only<events::reasoning_delta>(text).summary);
    BOOST_TEST(only<events::reasoning_delta>(text).content_index == 1);
    const auto summary =
        good("response.reasoning_summary_text.delta", R"({"item_id":"rs","summary_index":2,"delta":"so"})");
    BOOST_TEST(only<events::reasoning_delta>(summary).summary);
    BOOST_TEST(only<events::reasoning_delta>(summary).content_index == 2);
    BOOST_TEST(only<events::reasoning_delta>(summary).item_id == "rs");
}

BOOST_AUTO_TEST_CASE(tells_citations_and_previews_of_images) {
    const auto cited = good(known_events[13].name, known_events[13].data);
    const auto& added = only<events::annotation>(cited);
    BOOST_TEST(added.message_id == "m");
    BOOST_TEST(added.index == 2);
    BOOST_TEST(added.value.start_index.value() == 0);
    BOOST_TEST(added.value.end_index.value() == 4);
    BOOST_TEST(added.value.url == "u");
    const auto previewed = good(known_events[34].name, known_events[34].data);
    BOOST_TEST(only<events::image_partial>(previewed).item_id == "ig");
    BOOST_TEST(only<events::image_partial>(previewed).index == 1);
    BOOST_TEST(only<events::image_partial>(previewed).base64 == "iVBORw==");
}

BOOST_AUTO_TEST_CASE(tells_calls_as_steps) {
    struct {
        std::string_view item, type, name, arguments, output;
    } const rows[] = {
        {R"("type":"function_call","call_id":"c","name":"f","arguments":"{}")", "function", "f", "{}", "none"},
        {R"("type":"mcp_call","server_label":"L","name":"t","arguments":"{}","output":"o")", "mcp", "t", "{}", "o"},
        {R"("type":"custom_tool_call","call_id":"c","name":"t","input":"x")", "custom_tool", "t", "x", "none"},
        {R"("type":"code_interpreter_call","code":"1","outputs":[{"type":"logs","logs":"2"},{"type":"logs","logs":"3"}])",
         "code_interpreter", "", "1", "23"},
        {R"("type":"file_search_call","queries":["q"],"results":null)", "file_search", "", R"(["q"])", "none"},
        {R"("type":"web_search_call","action":{"type":"search","query":"q"})", "web_search", "",
         R"({"type":"search","query":"q"})", "none"},
        {R"("type":"image_generation_call","result":"aGk=")", "image_generation", "", "", "aGk="},
        {R"("type":"local_shell_call","call_id":"c","action":{"command":["ls"]})", "local_shell", "",
         R"({"command":["ls"]})", "none"},
        {R"("type":"new_call","output":{"a":1})", "new", "", "", R"({"a":1})"},
    };
    for (const auto& row : rows) {
        BOOST_TEST_CONTEXT(row.item) {
            const std::string data = R"({"output_index":0,"item":{"id":"i",)" + std::string(row.item) + "}}";
            const auto added = good("response.output_item.added", data);
            BOOST_TEST(only<events::step_created>(added).step.status == "in_progress");
            BOOST_TEST(only<events::step_created>(added).step.type == "tool_calls");
            const auto done = good("response.output_item.done", data);
            // A text that no piece has brought comes before its item.
            const bool has_text = row.type == "function" || row.type == "mcp" || row.type == "custom_tool" ||
                                  row.type == "code_interpreter";
            const std::size_t first = has_text ? 1 : 0;
            if (has_text) BOOST_TEST(at<events::tool_call_delta>(done, 0).arguments == row.arguments);
            const run_step& step = at<events::step_completed>(done, first).step;
            BOOST_TEST(step.id == "i");
            BOOST_TEST(step.status == "completed");
            BOOST_REQUIRE_EQUAL(step.tool_calls.size(), 1u);
            const tool_call& call = step.tool_calls[0];
            BOOST_TEST(call.id == (data.find("call_id") != data.npos ? "c" : "i"));
            BOOST_TEST(call.type == row.type);
            BOOST_TEST(call.name == row.name);
            BOOST_TEST(call.arguments == row.arguments);
            BOOST_TEST(call.output.value_or("none") == row.output);
            BOOST_TEST(done.size() == first + (row.type == "mcp" ? 2 : 1));
        }
    }
    const auto called = good(known_events[7].name, known_events[7].data);
    BOOST_TEST(at<events::mcp_call>(called, 2).call.server_label == "L");
    const auto searched = good(known_events[8].name, known_events[8].data);
    BOOST_TEST(only<events::step_completed>(searched).step.tool_calls[0].results[0].content == "t");
    BOOST_TEST(only<events::step_completed>(searched).step.tool_calls[0].results[0].file_name == "n");
}

BOOST_AUTO_TEST_CASE(tells_that_a_call_has_failed) {
    for (const std::string_view error :
         {R"("401")", R"({"message":"401"})", R"({"type":"mcp_protocol_error","code":7,"message":"401"})"}) {
        const auto events = good("response.output_item.done",
                                 R"({"item":{"id":"i","type":"mcp_call","error":)" + std::string(error) + "}}");
        const run_step& step = only<events::step_completed>(events).step;
        BOOST_TEST(step.status == "failed");
        BOOST_REQUIRE(step.last_error.has_value());
        BOOST_TEST(step.last_error->message == "401");
    }
    const auto listed = good("response.output_item.done",
                             R"({"item":{"id":"i","type":"mcp_list_tools","server_label":"L","error":"401"}})");
    BOOST_TEST(only<events::step_completed>(listed).step.status == "failed");
}

BOOST_AUTO_TEST_CASE(lists_the_tools_of_a_server) {
    const auto events = good(known_events[6].name, known_events[6].data);
    BOOST_TEST(at<events::step_completed>(events, 0).step.type == "activities");
    const auto& listed = at<events::mcp_tools_listed>(events, 1);
    BOOST_TEST(listed.step_id == "l");
    BOOST_TEST(listed.list.server_label == "L");
    BOOST_REQUIRE_EQUAL(listed.list.tools.size(), 1u);
    BOOST_TEST(listed.list.tools[0].parameters == R"({"type":"object"})");
}

BOOST_AUTO_TEST_CASE(tells_that_the_service_works_on_a_step) {
    struct {
        std::string_view name, type;
    } const rows[] = {
        {"response.mcp_list_tools.in_progress", ""},
        {"response.mcp_call.in_progress", "mcp"},
        {"response.code_interpreter_call.in_progress", "code_interpreter"},
        {"response.code_interpreter_call.interpreting", "code_interpreter"},
        {"response.file_search_call.in_progress", "file_search"},
        {"response.file_search_call.searching", "file_search"},
        {"response.web_search_call.in_progress", "web_search"},
        {"response.web_search_call.searching", "web_search"},
        {"response.image_generation_call.in_progress", "image_generation"},
        {"response.image_generation_call.generating", "image_generation"},
    };
    for (const auto& row : rows) {
        const auto events = good(row.name, R"({"item_id":"i","output_index":0})");
        const run_step& step = only<events::step_in_progress>(events).step;
        BOOST_TEST(step.id == "i");
        BOOST_TEST(step.type == (row.type.empty() ? "activities" : "tool_calls"));
        BOOST_TEST((row.type.empty() ? step.tool_calls.empty() : step.tool_calls.at(0).type == row.type));
    }
}

BOOST_AUTO_TEST_CASE(waits_for_calls_that_nothing_has_answered) {
    const auto waits = [](const std::string& output) {
        const auto events = good("response.completed", completed(output));
        const bool told = events.back().get_if<events::action_required>() != nullptr;
        BOOST_TEST(told == (classify("response.completed", completed(output)) == event_class::action));
        return told;
    };
    const std::string call(call_item), approval(approval_item);
    BOOST_TEST(waits(call));
    BOOST_TEST(waits(approval));
    BOOST_TEST(!waits(""));
    BOOST_TEST(!waits(R"({"id":"m","type":"message","content":[]})"));
    BOOST_TEST(!waits(call + R"(,{"type":"function_call_output","call_id":"c1","output":"x"})"));
    BOOST_TEST(waits(call + R"(,{"type":"function_call_output","call_id":"c2","output":"x"})"));
    BOOST_TEST(!waits(approval + R"(,{"type":"mcp_approval_response","approval_request_id":"mcpr","approve":true})"));
    BOOST_TEST(!waits(approval + R"(,{"id":"c","type":"mcp_call","approval_request_id":"mcpr"})"));
    BOOST_TEST(waits(R"({"id":"o","type":"oauth_consent_request","consent_link":"https://x"})"));
    BOOST_TEST(waits(R"({"id":"x","type":"custom_tool_call","call_id":"c","name":"n","input":""})"));
    BOOST_TEST(!waits(R"({"id":"x","type":"web_search_call"})"));
}

BOOST_AUTO_TEST_CASE(says_what_an_action_is_about) {
    const std::string output = std::string(call_item) + "," + std::string(approval_item) +
                               R"(,{"id":"o","type":"oauth_consent_request","consent_link":"https://x"})";
    const auto events = good("response.completed", completed(output));
    const auto& waiting = at<events::action_required>(events, events.size() - 1);
    const required_action& action = waiting.action;
    BOOST_TEST(waiting.run_id == "r");
    BOOST_TEST(action.type == "submit_tool_outputs");
    BOOST_REQUIRE_EQUAL(action.function_calls.size(), 1u);
    BOOST_TEST(action.function_calls[0].id == "c1");
    BOOST_TEST(action.function_calls[0].name == "f");
    BOOST_REQUIRE_EQUAL(action.mcp_approvals.size(), 1u);
    BOOST_TEST(action.mcp_approvals[0].id == "mcpr");
    BOOST_TEST(action.mcp_approvals[0].server_label == "L");
    BOOST_REQUIRE_EQUAL(action.other_calls.size(), 1u);
    BOOST_TEST(action.other_calls[0].type == "oauth_consent_request");
    BOOST_TEST(action.other_calls[0].raw.find("consent_link") != std::string::npos);
    BOOST_TEST(action.raw == "[" + output + "]");
    const auto approve = good("response.completed", completed(approval_item));
    BOOST_TEST(only<events::action_required>(approve).action.type == "submit_tool_approval");
}

BOOST_AUTO_TEST_CASE(remembers_calls_that_the_output_leaves_out) {
    decoder of_run;
    pending_calls seen;
    const auto take = [&](std::string_view name, const std::string& data) {
        seen.observe(name, data);
        return good(of_run, name, data);
    };
    take("response.created", R"({"response":{"id":"r"}})");
    take("response.output_item.done", R"({"output_index":0,"item":)" + std::string(call_item) + "}");
    BOOST_TEST(seen.items().size() == 1u);
    BOOST_TEST((classify("response.completed", completed(""), seen) == event_class::action));
    const auto waits = take("response.completed", completed(""));
    BOOST_TEST(only<events::action_required>(waits).action.function_calls.at(0).id == "c1");
    // An output that says less takes nothing away.
    BOOST_TEST(
        (classify("response.completed", completed(R"({"id":"m","type":"message"})"), seen) == event_class::action));
    BOOST_TEST((classify("response.completed", completed(R"({"type":"function_call_output","call_id":"c1"})"), seen) ==
                event_class::last));
    take("response.output_item.done", R"({"item":{"type":"function_call_output","call_id":"c1","output":"x"}})");
    BOOST_TEST((classify("response.completed", completed(""), seen) == event_class::last));
    take("response.output_item.done", R"({"item":)" + std::string(approval_item) + "}");
    BOOST_TEST((classify("response.completed", completed(""), seen) == event_class::action));
    take("response.created", R"({"response":{"id":"r2"}})");
    BOOST_TEST(seen.items().empty());
    BOOST_TEST(only<events::run_completed>(take("response.completed", completed(""))).run.id == "r");
}

BOOST_AUTO_TEST_CASE(reads_every_end_of_a_run) {
    const auto done = good(known_events[39].name, known_events[39].data);
    const thread_run& run = only<events::run_completed>(done).run;
    BOOST_TEST(run.model == "m");
    BOOST_TEST(run.metadata.at("k") == "v");
    BOOST_REQUIRE(run.usage.has_value());
    BOOST_TEST(run.usage->prompt_tokens == 5);
    BOOST_TEST(run.usage->completion_tokens == 3);
    BOOST_TEST(run.usage->total_tokens == 8);
    BOOST_TEST(run.usage->cached_tokens == 2);
    BOOST_TEST(run.raw.starts_with(R"({"id":"r")"));
    BOOST_TEST(only<events::run_failed>(good(known_events[41].name, known_events[41].data)).run.last_error->code ==
               "server_error");
    BOOST_TEST(only<events::run_incomplete>(good(known_events[43].name, known_events[43].data)).run.incomplete_reason ==
               "max_output_tokens");
    BOOST_TEST((only<events::run_cancelled>(good(known_events[44].name, known_events[44].data)).run.status ==
                run_state::cancelled));
    // What the response says of itself stands over the event's name.
    BOOST_TEST(good("response.completed", completed(call_item, "incomplete")).back().get_if<events::run_incomplete>());
    BOOST_TEST(good("response.completed", completed("", "failed"))[0].get_if<events::run_failed>());
    BOOST_TEST(good("response.completed", completed("", "cancelled"))[0].get_if<events::run_cancelled>());
    for (const std::string_view name : {"response.incomplete", "response.failed", "response.cancelled"})
        BOOST_TEST((classify(name, R"({"response":{"id":"r","error":{"code":"x"}}})") == event_class::last));
}

BOOST_AUTO_TEST_CASE(fails_a_run_with_the_reason_that_comes_beside_it) {
    const std::string failed = R"({"response":{"id":"r","status":"failed","error":null}})";
    const std::string reason =
        R"({"type":"error","error":{"type":"too_many_requests","code":"rate_limit_exceeded","message":"Slow down.","param":null}})";
    for (const bool reason_first : {false, true}) {
        decoder of_run;
        pending_calls seen;
        const std::pair<std::string, std::string> order[] = {{"response.failed", failed}, {"error", reason}};
        std::vector<event> told;
        for (const std::size_t i : {reason_first ? 1u : 0u, reason_first ? 0u : 1u}) {
            const auto& [name, data] = order[i];
            const event_class expected = told.empty() ? event_class::error : event_class::last;
            seen.observe(name, data);
            // An error is the last when the failure has come before it.
            BOOST_TEST((classify(name, data, seen) == expected));
            for (event& each : good(of_run, name, data)) told.push_back(std::move(each));
        }
        BOOST_REQUIRE_EQUAL(told.size(), reason_first ? 2u : 3u);
        BOOST_TEST(told[reason_first ? 0 : 1].get_if<events::stream_error>()->message == "Slow down.");
        const auto* end = told.back().get_if<events::run_failed>();
        BOOST_REQUIRE(end);
        BOOST_TEST(end->run.id == "r");
        BOOST_TEST(end->run.last_error->code == "rate_limit_exceeded");
        BOOST_TEST(end->run.last_error->message == "Slow down.");
    }
}

BOOST_AUTO_TEST_CASE(reads_an_error_in_any_form) {
    struct {
        std::string_view data, code, message, type, param;
    } const rows[] = {
        {R"({"type":"error","sequence_number":3,"code":"c","message":"m","param":"p"})", "c", "m", "", "p"},
        {R"({"type":"error","error":{"type":"t","code":"c","message":"m","param":"p","headers":{"a":"b"}}})", "c", "m",
         "t", "p"},
        {R"({"error":{"message":"m","code":500},"type":"error"})", "500", "m", "", ""},
        {R"({"error":"boom"})", "boom", "boom", "", ""},
        {"it broke", "", "it broke", "", ""},
        {"", "", "", "", ""},
    };
    for (const auto& row : rows) {
        BOOST_TEST_CONTEXT(row.data) {
            const auto events = good("error", row.data);
            const auto& error = only<events::stream_error>(events);
            BOOST_TEST(error.code == row.code);
            BOOST_TEST(error.message == row.message);
            BOOST_TEST(error.type == row.type);
            BOOST_TEST(error.param == row.param);
            BOOST_TEST((classify("error", row.data) == event_class::error));
        }
    }
}

BOOST_AUTO_TEST_CASE(keeps_unknown_events_without_parsing_them) {
    for (const std::string_view name : {"keepalive", "response.new.event", "response.steer.accepted"}) {
        const auto events = good(name, "{nope");
        BOOST_TEST(events.at(0).get_if<events::unknown>());
        BOOST_TEST(events[0].raw() == "{nope");
        BOOST_TEST((classify(name, "{nope") == (name == "keepalive" ? event_class::keepalive : event_class::ordinary)));
    }
}

BOOST_AUTO_TEST_CASE(finds_the_sequence_number_wherever_it_stands) {
    using codec::responses::sequence_number_of;
    BOOST_TEST(sequence_number_of(R"({"type":"x","sequence_number":7,"a":1})").value() == 7);
    BOOST_TEST(
        sequence_number_of(R"({"response":{"sequence_number":1,"a":["}",{}]}, "sequence_number" : 42 })").value() ==
        42);
    BOOST_TEST(sequence_number_of(R"({"delta":"\"sequence_number\":9}","sequence_number":0})").value() == 0);
    BOOST_TEST(!sequence_number_of(R"({"response":{"sequence_number":1}})").has_value());
    BOOST_TEST(!sequence_number_of("}").has_value());
    for (const std::string_view data :
         {"", "[DONE]", "{}", "{", R"({"sequence_number":)", R"({"sequence_number":-1})", R"({"sequence_number":"7"})",
          R"({"sequence_number":1.5})", R"({"a":{"sequence_number":1}})", R"({"sequence_number":12345678901234567890})",
          R"(["sequence_number"])"})
        BOOST_TEST(!sequence_number_of(data).has_value());
}

BOOST_AUTO_TEST_CASE(refuses_known_events_of_a_wrong_shape) {
    const std::vector<sample> rows{
        {"response.output_text.delta", ""},
        {"response.output_text.delta", "[]"},
        {"response.output_text.delta", R"({"item_id":"m"})"},
        {"response.output_text.delta", R"({"item_id":"m","delta":null})"},
        {"response.output_text.delta", R"({"item_id":"m","delta":7})"},
        {"response.output_text.delta", R"({"item_id":7,"delta":"x"})"},
        {"response.output_text.delta", R"({"item_id":"m","delta":"x","content_index":-1})"},
        {"response.output_text.delta", R"({"item_id":"m","delta":"x","content_index":007})"},
        {"response.output_text.delta", R"({"item_id":"m","delta":"x"}{})"},
        {"response.output_text.delta", R"({"item_id":"m","delta":"x",})"},
        {"response.output_item.added", "{}"},
        {"response.output_item.added", R"({"item":7})"},
        {"response.output_item.done", R"({"item":{"id":"m","type":"message","content":7}})"},
        {"response.output_item.done", R"({"item":{"id":"m","type":"message","content":["x"]}})"},
        {"response.content_part.added", R"({"item_id":"m"})"},
        {"response.output_text.annotation.added", R"({"item_id":"m","annotation":7})"},
        {"response.image_generation_call.partial_image", R"({"item_id":"m"})"},
        {"response.created", "{}"},
        {"response.created", R"({"response":{}})"},
        {"response.created", R"({"response":{"id":7}})"},
        {"response.completed", R"({"response":{"id":"r","output":7}})"},
        {"response.failed", R"({"response":[]})"},
    };
    for (const sample& each : rows) {
        BOOST_TEST_CONTEXT(each.name << " " << each.data) {
            const auto result = decode_one(each.name, each.data);
            BOOST_TEST(result.code == errc::bad_event);
            BOOST_TEST(result.problem.find(each.name) != std::string::npos);
        }
    }
}

BOOST_AUTO_TEST_CASE(counts_optional_members_of_a_wrong_type_as_missing) {
    const auto events = good(
        "response.completed",
        R"({"response":{"id":"r","status":["completed"],"conversation":7,"agent":[],"usage":"much","error":7,"metadata":{"a":1,"b":"2"},"created_at":"now","incomplete_details":[],"output":null}})");
    const thread_run& run = only<events::run_completed>(events).run;
    BOOST_TEST((run.status == run_state::completed));
    BOOST_TEST(run.thread_id.empty());
    BOOST_TEST(run.agent_id.empty());
    BOOST_TEST(!run.usage);
    BOOST_TEST(!run.last_error);
    BOOST_TEST(run.metadata.size() == 1u);
    const auto item = good(
        "response.output_item.done",
        R"({"item":{"id":"i","type":"file_search_call","queries":7,"results":{},"outputs":7,"tools":7,"summary":7,"error":7}})");
    BOOST_TEST(only<events::step_completed>(item).step.status == "completed");
}

BOOST_AUTO_TEST_CASE(never_quotes_the_data_in_the_problem) {
    const auto result = decode_one(
        "response.created", R"({"response":{"id":"r","tools":[{"headers":{"Authorization":"Bearer hunter2"}}]},)");
    BOOST_TEST(result.code == errc::bad_event);
    BOOST_TEST(result.problem.find("hunter2") == std::string::npos);
}

BOOST_AUTO_TEST_CASE(reads_every_known_event) {
    for (const sample& each : known_events) {
        if (each.name == "response.completed") continue;
        BOOST_TEST_CONTEXT(each.name) BOOST_TEST(!good(each.name, each.data)[0].get_if<events::unknown>());
    }
}

BOOST_AUTO_TEST_CASE(detects_every_truncation_of_a_known_event) {
    std::size_t tried = 0;
    for (const sample& each : known_events) {
        decoder of_run;
        of_run.be_strict(true);
        for (std::size_t length = 0; length != each.data.size(); ++length, ++tried) {
            const std::string_view cut = each.data.substr(0, length);
            if (decode(of_run, each.name, cut).code != errc::bad_event)
                BOOST_ERROR(each.name << " passes when cut at " << length);
            static_cast<void>(classify(each.name, cut));
        }
    }
    BOOST_TEST(tried > 4'000u);
}

BOOST_AUTO_TEST_CASE(survives_every_change_of_a_byte) {
    std::size_t right = 0, wrong = 0;
    for (const sample& each : known_events) {
        decoder of_run, lenient;
        of_run.be_strict(true);
        pending_calls seen;
        std::string data(each.data);
        for (std::size_t i = 0; i != data.size(); ++i) {
            for (const char replacement : {'"', '\\', '{', ']', ',', '0', '\x01', 'n'}) {
                const char before = std::exchange(data[i], replacement);
                seen.observe(each.name, data);
                static_cast<void>(classify(each.name, data, seen));
                static_cast<void>(codec::responses::sequence_number_of(data));
                const auto result = decode(of_run, each.name, data);
                if (!result.code)
                    ++right;
                else if (result.code == errc::bad_event && !result.problem.empty())
                    ++wrong;
                BOOST_TEST(!decode(lenient, each.name, data).code);
                data[i] = before;
            }
        }
        BOOST_TEST(!decode(of_run, each.name, each.data).code);
    }
    BOOST_TEST(right > 1'000u);
    BOOST_TEST(wrong > 10'000u);
}

BOOST_AUTO_TEST_CASE(reads_deltas_the_same_on_both_paths) {
    decoder fast, general;
    general.use_fast_path(false);
    const std::vector<std::string> seeds{
        text_delta_data("Bring"),
        text_delta_data(""),
        text_delta_data(R"( a \"coat\" \u00e9\uD83D\uDE00 of some length, so that words are skipped whole)"),
        R"({"type":"response.output_text.delta","content_index":0,"delta":"As","item_id":"msg_1","logprobs":[],"obfuscation":"Du","output_index":1,"sequence_number":9})",
        R"({"type": "response.output_text.delta", "delta": "日本", "logprobs": [], "item_id": "m", "content_index": 12, "sequence_number": 5})",
        R"({"delta":"x","item_id":"m"})",
    };
    const std::vector<std::string_view> pieces{"\"",
                                               "\\",
                                               "\\n",
                                               "\\u00e9",
                                               "\\u00",
                                               "\\ud83d",
                                               "{",
                                               "}",
                                               "[",
                                               "]",
                                               ",",
                                               ":",
                                               "0",
                                               "-",
                                               "1.5",
                                               "null",
                                               " ",
                                               "\n",
                                               "\x1f",
                                               "\x7f",
                                               "é",
                                               "\"logprobs\":[]",
                                               ",\"delta\":\"y\"",
                                               "\"item_id\":\"\",",
                                               "\"type\":\"x\",",
                                               "9999999999",
                                               ",\"obfuscation\":\"\""};
    std::mt19937 random(20260105);
    const auto below = [&random](std::size_t bound) { return static_cast<std::size_t>(random()) % bound; };
    std::size_t right = 0;
    for (int round = 0; round != 60'000; ++round) {
        std::string data = seeds[below(seeds.size())];
        for (std::size_t changes = below(3); changes != 0; --changes) {
            const std::size_t where = below(data.size());
            // Never inside a UTF-8 sequence: the SSE parser lets none through broken.
            if ((static_cast<unsigned char>(data[where]) & 0x80) != 0) continue;
            const std::string_view piece = pieces[below(pieces.size())];
            switch (below(3)) {
                case 0:
                    data.insert(where, piece);
                    break;
                case 1:
                    data.erase(where, 1);
                    break;
                default:
                    data.replace(where, 1, piece);
                    break;
            }
        }
        const auto one = decode(fast, "response.output_text.delta", data);
        const auto other = decode(general, "response.output_text.delta", data);
        right += !one.code;
        if (describe(one) != describe(other)) BOOST_ERROR(data << "\n" << describe(one) << "\n" << describe(other));
    }
    BOOST_TEST(right > 10'000u);
}

BOOST_AUTO_TEST_SUITE_END()
