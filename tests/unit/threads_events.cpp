#include "samples.hpp"
#include "wire.hpp"
#include <corun/error.hpp>

#include <boost/test/unit_test.hpp>

#include <array>
#include <random>
#include <string>

using namespace corun;
using namespace corun::test;
using codec::event_class;
using codec::threads::classify;

namespace {

template <class Body>
const Body& only(const std::vector<event>& events) {
    BOOST_REQUIRE_EQUAL(events.size(), 1u);
    const Body* const body = events.front().get_if<Body>();
    BOOST_REQUIRE(body);
    return *body;
}

template <class Body>
const Body& at(const std::vector<event>& events, std::size_t position) {
    BOOST_REQUIRE_LT(position, events.size());
    const Body* const body = events[position].get_if<Body>();
    BOOST_REQUIRE(body);
    return *body;
}

std::string quoted_text(std::string_view text) {
    return "[" + std::string(text) + "]";
}

/// What the deltas of a wire event say, to be compared.
std::string describe(const decoded& result) {
    std::string text = result.code ? "bad_event " + result.problem : "good";
    for (const event& each : result.events) {
        text += "\n" + std::to_string(each.index()) + quoted_text(each.name()) + quoted_text(each.raw()) +
                (each.continues() ? "+" : "");
        if (const auto* delta = each.get_if<events::text_delta>())
            text += quoted_text(delta->message_id) + std::to_string(delta->content_index) + quoted_text(delta->text);
        if (const auto* piece = each.get_if<events::annotation>())
            text += quoted_text(piece->message_id) + std::to_string(piece->content_index) +
                    std::to_string(piece->index) + quoted_text(piece->value.type);
    }
    return text;
}

std::string message_delta(std::string_view content) {
    return R"({"id":"msg_1","object":"thread.message.delta","delta":{"content":[)" + std::string(content) + "]}}";
}

std::string text_part(std::string_view value) {
    return R"({"index":0,"type":"text","text":{"value":")" + std::string(value) + "\"}}";
}

std::string step_delta(std::string_view type, std::string_view call) {
    return R"({"id":"step_1","object":"thread.run.step.delta","delta":{"step_details":{"type":")" + std::string(type) +
           R"(","tool_calls":[)" + std::string(call) + "]}}}";
}

std::string step_with_call(std::string_view call) {
    return R"({"id":"step_1","type":"tool_calls","status":"completed","step_details":{"type":"tool_calls","tool_calls":[)" +
           std::string(call) + "]}}";
}

std::string repeat(std::string_view text, int times) {
    std::string all;
    for (int i = 0; i != times; ++i) all += text;
    return all;
}

/// Events with all that calls and messages may hold.
constexpr std::array<sample, 8> rich_events{{
    {"thread.run.step.completed",
     R"({"id":"s","type":"tool_calls","step_details":{"type":"tool_calls","tool_calls":[{"file_search":{"results":[{"file_id":"f","file_name":"n","score":0.5,"content":[{"type":"text","text":"t"}]}]},"type":"file_search","id":"c"}]}})"},
    {"thread.run.step.completed",
     R"({"id":"s","step_details":{"tool_calls":[{"id":"c","type":"code_interpreter","code_interpreter":{"input":"1","outputs":[{"type":"logs","logs":"2"},{"index":1,"type":"image","image":{"file_id":"f"}}]}}]}})"},
    {"thread.run.step.completed",
     R"({"id":"s","step_details":{"tool_calls":[{"id":"c","type":"bing_grounding","bing_grounding":{"requesturl":"u","n":{"a":[1]}}}]}})"},
    {"thread.run.step.completed",
     R"({"id":"s","step_details":{"tool_calls":[{"id":"c","type":"browser_automation","browser_automation":{"input":"i","steps":[{"next_step":"n"}]}}]}})"},
    {"thread.run.step.delta",
     R"({"id":"s","delta":{"step_details":{"tool_calls":[{"index":0,"type":"connected_agent","connected_agent":{"run_id":"r","thread_id":"t"}}]}}})"},
    {"thread.run.step.delta",
     R"({"id":"s","delta":{"step_details":{"tool_calls":[{"type":"code_interpreter","code_interpreter":{"outputs":[{"index":2,"logs":"l"},{"image":{"file_id":"f"}}]}}]}}})"},
    {"thread.message.delta",
     R"({"id":"m","delta":{"content":[{"index":1,"type":"image_file","image_file":{"file_id":"f"}}]}})"},
    {"thread.message.completed",
     R"({"id":"m","content":[{"type":"image_url","image_url":{"url":"u","detail":"low"}}],"attachments":[{"file_id":"f","tools":[{"type":"x"}]},{"data_source":{"uri":"u","type":"uri_asset"}}]})"},
}};

template <class Streams>
void for_each_known(Streams use) {
    const auto all = [&use](const auto& stream) {
        for (const sample& each : stream)
            if (each.name != "done") use(each);
    };
    all(text_stream);
    all(function_stream);
    all(function_stream_continued);
    all(mcp_stream);
    all(mcp_stream_continued);
    all(rich_events);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(threads_events)

BOOST_AUTO_TEST_CASE(reads_a_text_delta_in_place) {
    codec::threads::decoder decoder;
    const auto wire = to_wire("thread.message.delta", message_delta(text_part("Bring")));
    event first;
    std::vector<event> more;
    std::string problem;
    BOOST_REQUIRE(!decoder.decode(codec::raw_event(wire), first, more, problem));
    const auto* delta = first.get_if<events::text_delta>();
    BOOST_REQUIRE(delta);
    BOOST_TEST(delta->text == "Bring");
    BOOST_TEST(delta->message_id == "msg_1");
    BOOST_TEST(delta->content_index == 0);
    BOOST_TEST(first.name() == "thread.message.delta");
    BOOST_TEST(first.raw() == wire.data);
    BOOST_TEST(!first.continues());
    BOOST_TEST(more.empty());
    // No copy: the text lies in the data itself.
    BOOST_TEST((delta->text.data() > wire.data.data() && delta->text.data() < wire.data.data() + wire.data.size()));
}

BOOST_AUTO_TEST_CASE(keeps_the_bytes_of_an_event_alive) {
    for (const std::string_view value : {"plain", R"(with \"escapes\" \u00e9)"}) {
        for (const bool fast : {true, false}) {
            codec::threads::decoder decoder;
            decoder.use_fast_path(fast);
            event copy;
            {
                const auto result = decode(decoder, "thread.message.delta", message_delta(text_part(value)));
                BOOST_REQUIRE(!result.code);
                copy = result.events.front();
            }
            const event moved = std::move(copy);
            BOOST_TEST(moved.get_if<events::text_delta>()->text ==
                       (value == "plain" ? "plain" : "with \"escapes\" \u00e9"));
            BOOST_TEST(moved.raw() == message_delta(text_part(value)));
        }
    }
}

BOOST_AUTO_TEST_CASE(undoes_every_escape_on_both_paths) {
    const std::vector<std::pair<std::string, std::string>> rows{
        {R"(\"\\\/\b\f\n\r\t)", "\"\\/\b\f\n\r\t"},
        {R"(\u0041\u00e9\u20AC\uD83D\uDE00)", "A\u00e9\u20ac\U0001F600"},
        {R"(\u0000)", std::string(1, '\0')},
        // A first half waits for the other.
        {R"(half \uD83D)", "half "},
        {R"(\uDE00 half \uDE00!)", "\U0001F600 half \uFFFD!"},
        {R"(\uD83D\uD83D\uDE00)", "\uFFFD\U0001F600"},
        {R"(\uD83D\n)", "\uFFFD\n"},
        {"", ""},
        {"日本語 😀", "日本語 😀"},
        {repeat("long text, ", 50) + R"(\n)" + repeat("more", 20),
         repeat("long text, ", 50) + "\n" + repeat("more", 20)},
    };
    for (const bool fast : {true, false}) {
        codec::threads::decoder decoder;
        decoder.use_fast_path(fast);
        for (const auto& [value, expected] : rows) {
            const auto result = decode(decoder, "thread.message.delta", message_delta(text_part(value)));
            BOOST_REQUIRE_MESSAGE(!result.code, value);
            BOOST_TEST(only<events::text_delta>(result.events).text == expected);
        }
    }
}

BOOST_AUTO_TEST_CASE(tolerates_every_form_of_a_text_delta) {
    const std::vector<std::string> forms{
        R"({"id":"msg_1","object":"thread.message.delta","delta":{"role":"assistant","content":[{"index":0,"type":"text","text":{"value":"x","annotations":[]}}]}})",
        R"({"id":"msg_1","object":"thread.message.delta","delta":{"content":[{"index":0,"type":"text","text":{"value":"x","annotations":[]}}]}})",
        R"({"delta":{"content":[{"text":{"annotations":[],"value":"x"},"type":"text","index":0}]},"object":"thread.message.delta","id":"msg_1"})",
        R"({"id":"msg_1","delta":{"content":[{"text":{"value":"x"}}]}})",
        R"({"id":"msg_1","delta":{"role":null,"content":[{"index":null,"type":"text","text":{"value":"x","annotations":null}}]},"new":[1,{"a":[null,true,1e999]}]})",
        R"({"id":"msg_0","id":"msg_1","delta":{"content":[{"index":3,"index":0,"type":"text","text":{"value":"y"},"text":{"value":"x"}}]}})",
        R"({"i\u0064":"msg\u005f1","delta":{"content":[{"text":{"v\u0061lue":"x"}}]}})",
        " { \"id\" : \"msg_1\" , \"delta\" : { \"content\" : [ { \"text\" : { \"value\" : \"x\" } } ] } } ",
        R"({"id":"msg_1","big":123456789012345678901234567890,"delta":{"content":[{"index":0.0,"type":"text","text":{"value":"x"}}]}})",
    };
    for (const std::string& form : forms) {
        const auto result = decode("thread.message.delta", form);
        BOOST_REQUIRE_MESSAGE(!result.code, form << ": " << result.problem);
        const auto& delta = only<events::text_delta>(result.events);
        BOOST_TEST(delta.text == "x");
        BOOST_TEST(delta.message_id == "msg_1");
        BOOST_TEST(delta.content_index == 0);
    }
}

BOOST_AUTO_TEST_CASE(says_each_part_of_a_message_delta_as_its_own_event) {
    const auto events = decode_good(
        "thread.message.delta",
        message_delta(
            R"({"index":0,"type":"text","text":{"value":"See [1].","annotations":[{"index":0,"type":"url_citation","text":"[1]","start_index":0,"end_index":3,"url_citation":{"url":"https://e.example","title":"E \"e\""}},{"index":1,"type":"file_citation","text":"[2]","file_citation":{"file_id":"f1","quote":"q"}}]}},)"
            R"({"index":1,"type":"text","text":{"annotations":[{"index":0,"type":"file_path","text":"sandbox:/a","start_index":7,"end_index":17,"file_path":{"file_id":"f2"}}]}},)"
            R"({"index":2,"type":"refusal","refusal":"I \u2014 no."})"));
    BOOST_REQUIRE_EQUAL(events.size(), 5u);
    BOOST_TEST(at<events::text_delta>(events, 0).text == "See [1].");
    const auto& url = at<events::annotation>(events, 1);
    BOOST_TEST(url.message_id == "msg_1");
    BOOST_TEST(url.index == 0);
    BOOST_TEST(url.value.type == "url_citation");
    BOOST_TEST(url.value.text == "[1]");
    BOOST_TEST(url.value.start_index.value() == 0);
    BOOST_TEST(url.value.end_index.value() == 3);
    BOOST_TEST(url.value.url == "https://e.example");
    BOOST_TEST(url.value.title == "E \"e\"");
    const auto& file = at<events::annotation>(events, 2);
    BOOST_TEST(file.index == 1);
    BOOST_TEST(file.value.file_id == "f1");
    BOOST_TEST(file.value.quote == "q");
    BOOST_TEST(!file.value.start_index);
    const auto& path = at<events::annotation>(events, 3);
    BOOST_TEST(path.content_index == 1);
    BOOST_TEST(path.value.file_id == "f2");
    BOOST_TEST(at<events::refusal_delta>(events, 4).text == "I \u2014 no.");
    BOOST_TEST(at<events::refusal_delta>(events, 4).content_index == 2);
    for (std::size_t i = 0; i != events.size(); ++i) {
        BOOST_TEST(events[i].continues() == (i != 0));
        BOOST_TEST(events[i].name() == "thread.message.delta");
        BOOST_TEST(events[i].raw() == events[0].raw());
    }
}

BOOST_AUTO_TEST_CASE(appends_further_events_behind_those_that_are_there) {
    codec::threads::decoder decoder;
    event first;
    std::vector<event> more(2);
    std::string problem;
    const std::string data = message_delta(text_part("a") + "," + text_part("b"));
    BOOST_REQUIRE(!decoder.decode(to_wire("thread.message.delta", data), first, more, problem));
    BOOST_TEST(more.size() == 3u);
    BOOST_TEST(more.back().get_if<events::text_delta>()->text == "b");
    decoder.be_strict(true);
    BOOST_TEST(decoder.decode(to_wire("thread.message.delta", "{}"), first, more, problem) == errc::bad_event);
    BOOST_TEST(more.size() == 3u);
    BOOST_TEST(first.get_if<events::unknown>());
}

BOOST_AUTO_TEST_CASE(hands_out_a_delta_that_says_nothing_as_unknown) {
    for (const std::string_view data :
         {R"({"id":"m","delta":{}})", R"({"id":"m","delta":{"role":"assistant"}})",
          R"({"id":"m","delta":{"content":null}})", R"({"id":"m","delta":{"content":[]}})",
          R"({"id":"m","delta":{"content":[{"index":0,"type":"image_file","image_file":{}}]}})",
          R"({"id":"m","delta":{"content":[{"index":0,"type":"image_file","image_file":null}]}})",
          R"({"id":"m","delta":{"content":[{"index":0,"type":"text","text":{}}]}})"}) {
        const auto events = decode_good("thread.message.delta", data);
        only<events::unknown>(events);
        BOOST_TEST(events.front().name() == "thread.message.delta");
        BOOST_TEST(events.front().raw() == data);
    }
}

BOOST_AUTO_TEST_CASE(reads_a_piece_of_every_kind_of_tool_call) {
    struct row {
        std::string_view details, call, type, name, label, arguments, output;
    };
    const std::vector<row> rows{
        {"tool_calls",
         R"({"index":2,"id":"c","type":"function","function":{"name":"f","arguments":"{\"a\":","output":null}})",
         "function", "f", "", "{\"a\":", ""},
        {"tool_calls", R"({"function":{"arguments":"1}","output":"o"},"type":"function","id":"c","index":2})",
         "function", "", "", "1}", "o"},
        {"tool_calls", R"({"index":2,"id":"c","function":{"name":"f","arguments":"x"}})", "", "f", "", "x", ""},
        {"tool_calls",
         R"({"index":2,"id":"c","type":"mcp","name":"n","server_label":"s","arguments":"{\"seat\":\"14A\"}","output":"ok\n"})",
         "mcp", "n", "s", "{\"seat\":\"14A\"}", "ok\n"},
        {"mcp", R"({"index":2,"id":"c","type":"mcp","arguments":"{}"})", "mcp", "", "", "{}", ""},
        {"mcp", R"({"index":2,"id":"c","arguments":"{}"})", "mcp", "", "", "{}", ""},
        {"openapi", R"({"index":2,"id":"c","type":"openapi","openapi":{"input":"i","output":"o"}})", "openapi", "", "",
         "i", "o"},
        {"tool_calls",
         R"({"index":2,"id":"c","type":"code_interpreter","code_interpreter":{"input":"1+1","outputs":[{"index":0,"type":"logs","logs":"1\n"}]}})",
         "code_interpreter", "", "", "1+1", "1\n"},
        {"tool_calls", R"({"index":2,"id":"c","type":"file_search","file_search":{"results":[]}})", "file_search", "",
         "", "", ""},
        {"tool_calls", R"({"index":2,"id":"c","type":"bing_grounding","bing_grounding":{"requesturl":"u"}})",
         "bing_grounding", "", "", "", ""},
        {"tool_calls", R"({"index":2,"id":"c","type":"azure_ai_search","azure_ai_search":{"input":"q","output":"r"}})",
         "azure_ai_search", "", "", "q", "r"},
        {"tool_calls",
         R"({"index":2,"id":"c","type":"connected_agent","connected_agent":{"name":"a","arguments":"b","output":"d"}})",
         "connected_agent", "a", "", "b", "d"},
        {"tool_calls", R"({"index":2,"id":"c","type":"deep_research","deep_research":{"input":"i"}})", "deep_research",
         "", "", "i", ""},
        {"tool_calls",
         R"({"index":2,"id":"c","type":"azure_function","azure_function":{"name":"f","arguments":"{}","output":"o"}})",
         "azure_function", "f", "", "{}", "o"},
        {"tool_calls", R"({"index":2,"id":"c","type":"bing_custom_search","bing_custom_search":{"input":"i"}})",
         "bing_custom_search", "", "", "i", ""},
        {"tool_calls", R"({"index":2,"id":"c","type":"fabric_dataagent","fabric_dataagent":{"output":"o"}})",
         "fabric_dataagent", "", "", "", "o"},
        {"tool_calls",
         R"({"index":2,"id":"c","type":"sharepoint_grounding","sharepoint_grounding":{"input":"i","output":"o"}})",
         "sharepoint_grounding", "", "", "i", "o"},
        {"tool_calls",
         R"({"index":2,"id":"c","type":"browser_automation","browser_automation":{"input":"i","output":"o","steps":[]}})",
         "browser_automation", "", "", "i", "o"},
        {"tool_calls",
         R"({"index":2,"id":"c","type":"telepathy","telepathy":{"input":"i"},"function":{"arguments":"no"}})",
         "telepathy", "", "", "", ""},
    };
    for (const row& each : rows) {
        BOOST_TEST_CONTEXT(each.call) {
            const auto events = decode_good("thread.run.step.delta", step_delta(each.details, each.call));
            const auto& delta = only<events::tool_call_delta>(events);
            BOOST_TEST(delta.step_id == "step_1");
            BOOST_TEST(delta.index == 2);
            BOOST_TEST(delta.id == "c");
            BOOST_TEST(delta.type == each.type);
            BOOST_TEST(delta.name == each.name);
            BOOST_TEST(delta.server_label == each.label);
            BOOST_TEST(delta.arguments == each.arguments);
            BOOST_TEST(delta.output == each.output);
        }
    }
}

BOOST_AUTO_TEST_CASE(gives_several_calls_and_outputs_one_event_each) {
    const auto events = decode_good(
        "thread.run.step.delta",
        step_delta(
            "tool_calls",
            R"({"index":0,"id":"a","type":"code_interpreter","code_interpreter":{"outputs":[{"index":3,"type":"logs","logs":"1\n"},{"index":4,"type":"image","image":{"file_id":"f"}},{"type":"logs","logs":"2\n"}]}},)"
            R"({"index":1,"id":"b","type":"mcp","arguments":"\u007b\u007d"})"));
    BOOST_REQUIRE_EQUAL(events.size(), 4u);
    BOOST_TEST(at<events::tool_call_delta>(events, 0).id == "a");
    BOOST_TEST(at<events::tool_call_delta>(events, 0).output == "1\n");
    BOOST_TEST(at<events::tool_call_delta>(events, 0).output_index == 3);
    BOOST_TEST(at<events::tool_call_delta>(events, 1).file_id == "f");
    BOOST_TEST(at<events::tool_call_delta>(events, 1).output.empty());
    BOOST_TEST(at<events::tool_call_delta>(events, 1).output_index == 4);
    BOOST_TEST(at<events::tool_call_delta>(events, 2).output == "2\n");
    // Without an index, its place.
    BOOST_TEST(at<events::tool_call_delta>(events, 2).output_index == 2);
    for (std::size_t i = 0; i != 3; ++i) {
        BOOST_TEST(at<events::tool_call_delta>(events, i).index == 0);
        BOOST_TEST(at<events::tool_call_delta>(events, i).step_id == "step_1");
    }
    BOOST_TEST(at<events::tool_call_delta>(events, 3).arguments == "{}");
    BOOST_TEST(at<events::tool_call_delta>(events, 3).step_id == "step_1");
}

BOOST_AUTO_TEST_CASE(tells_where_a_connected_agent_works) {
    const auto events = decode_good(
        "thread.run.step.delta",
        step_delta(
            "tool_calls",
            R"({"index":0,"id":"c","type":"connected_agent","connected_agent":{"name":"seats","arguments":"{}","assistant_id":"asst_2","thread_id":"thread_2","run_id":"run_2"}})"));
    const auto& delta = only<events::tool_call_delta>(events);
    BOOST_TEST(delta.agent_id == "asst_2");
    BOOST_TEST(delta.thread_id == "thread_2");
    BOOST_TEST(delta.run_id == "run_2");
}

BOOST_AUTO_TEST_CASE(gives_an_image_in_a_message_an_event_of_its_own) {
    const auto events = decode_good(
        "thread.message.delta",
        message_delta(
            R"({"index":0,"type":"text","text":{"value":"Look: "}},{"index":1,"type":"image_file","image_file":{"file_id":"assistant-\u0031"}})"));
    BOOST_REQUIRE_EQUAL(events.size(), 2u);
    BOOST_TEST(at<events::text_delta>(events, 0).text == "Look: ");
    const auto& image = at<events::image_delta>(events, 1);
    BOOST_TEST(image.file_id == "assistant-1");
    BOOST_TEST(image.message_id == "msg_1");
    BOOST_TEST(image.content_index == 1);
    for (const std::string_view wrong : {R"({"index":0,"image_file":7})", R"({"index":0,"image_file":{"file_id":7}})"})
        BOOST_TEST(decode_strictly("thread.message.delta", message_delta(wrong)).code == errc::bad_event);
}

BOOST_AUTO_TEST_CASE(says_nothing_for_a_step_delta_without_calls) {
    only<events::unknown>(decode_good("thread.run.step.delta", R"({"id":"s","delta":{}})"));
    only<events::unknown>(decode_good(
        "thread.run.step.delta",
        R"({"id":"s","delta":{"step_details":{"type":"message_creation","message_creation":{"message_id":"m"}}}})"));
}

BOOST_AUTO_TEST_CASE(reads_the_text_stream) {
    std::vector<event> events;
    codec::threads::decoder of_run;
    for (const sample& each : text_stream)
        for (event& value : decode(of_run, each.name, each.data).events) events.push_back(std::move(value));
    BOOST_REQUIRE_EQUAL(events.size(), text_stream.size());
    BOOST_TEST(at<events::thread_created>(events, 0).thread_id == "thread_Zk1");
    BOOST_TEST(at<events::run_created>(events, 1).run_id == "run_T1");
    BOOST_TEST(at<events::run_created>(events, 1).thread_id == "thread_Zk1");
    BOOST_TEST(at<events::run_created>(events, 1).agent_id == "asst_Qm2vB7");
    BOOST_TEST((at<events::run_status>(events, 2).status == run_state::queued));
    BOOST_TEST((at<events::run_status>(events, 3).status == run_state::in_progress));
    BOOST_TEST(at<events::run_status>(events, 3).status_text == "in_progress");
    const run_step& step = at<events::step_created>(events, 4).step;
    BOOST_TEST(step.type == "message_creation");
    BOOST_TEST(step.message_id == "msg_T1");
    BOOST_TEST(step.expires_at.value() == 1766002800);
    BOOST_TEST(!step.usage);
    BOOST_TEST(at<events::step_in_progress>(events, 5).step.status == "in_progress");
    BOOST_TEST(at<events::message_created>(events, 6).message.role == "assistant");
    BOOST_TEST(at<events::message_in_progress>(events, 7).message.id == "msg_T1");
    BOOST_TEST(at<events::text_delta>(events, 9).text == " a \"coat\".");
    const thread_message& message = at<events::message_completed>(events, 10).message;
    BOOST_TEST(message.status == "completed");
    BOOST_TEST(message.text() == "Bring a \"coat\".");
    BOOST_TEST(message.raw == events[10].raw());
    BOOST_TEST(at<events::step_completed>(events, 11).step.usage->total_tokens == 125);
    const thread_run& run = at<events::run_completed>(events, 12).run;
    BOOST_TEST((run.status == run_state::completed));
    BOOST_TEST(run.usage->prompt_tokens == 120);
    BOOST_TEST(run.usage->cached_tokens == 7);
    BOOST_TEST(run.metadata.at("desk") == "7");
    BOOST_TEST(run.model == "gpt-4o");
    BOOST_TEST(run.created_at.value() == 1766001000);
    BOOST_TEST(!run.started_at);
    BOOST_TEST(!run.required_action);
    BOOST_TEST(is_terminal(events[12]));
    BOOST_TEST(!is_terminal(events[11]));
    BOOST_TEST(events[13].get_if<events::unknown>());
    BOOST_TEST(events[13].name() == "done");
}

BOOST_AUTO_TEST_CASE(lists_the_tools_of_an_activities_step) {
    for (const std::string_view name : {"thread.run.step.created", "thread.run.step.completed"}) {
        const auto events = decode_good(name, mcp_stream[2].data);
        BOOST_REQUIRE_EQUAL(events.size(), 2u);
        const auto& listed = at<events::mcp_tools_listed>(events, 1);
        BOOST_TEST(events[1].continues());
        BOOST_TEST(listed.step_id == "step_L1");
        BOOST_TEST(listed.list.id == "mcpl_1");
        BOOST_TEST(listed.list.server_label == "bookings");
        BOOST_REQUIRE_EQUAL(listed.list.tools.size(), 2u);
        BOOST_TEST(listed.list.tools[0].name == "reserve_seat");
        BOOST_TEST(listed.list.tools[0].description == "Reserve one seat");
        BOOST_TEST(
            listed.list.tools[0].parameters ==
            R"({"type":"object","properties":{"seat":{"type":"string","description":"seat id"}},"required":["seat"],"additionalProperties":false})");
        BOOST_TEST(listed.list.tools[1].name == "list_seats");
    }
}

BOOST_AUTO_TEST_CASE(tells_a_finished_mcp_call_only_with_its_output) {
    only<events::step_completed>(decode_good("thread.run.step.completed", mcp_stream_continued[0].data));
    const auto events = decode_good("thread.run.step.completed", mcp_stream_continued[4].data);
    BOOST_REQUIRE_EQUAL(events.size(), 2u);
    BOOST_TEST(at<events::step_completed>(events, 0).step.tool_calls.size() == 1u);
    const auto& call = at<events::mcp_call>(events, 1);
    BOOST_TEST(call.step_id == "step_M1");
    BOOST_TEST(call.call.name == "reserve_seat");
    BOOST_TEST(call.call.server_label == "bookings");
    BOOST_TEST(call.call.arguments == R"({"seat":"14A"})");
    BOOST_TEST(call.call.output.value() == R"({"ok":true})");
}

BOOST_AUTO_TEST_CASE(reads_every_kind_of_tool_call_of_a_step) {
    struct row {
        std::string_view call, type, name, arguments;
        std::optional<std::string> output;
    };
    const std::vector<row> rows{
        {R"({"id":"c","type":"function","function":{"name":"f","arguments":"{}","output":null}})",
         "function",
         "f",
         "{}",
         {}},
        {R"({"id":"c","type":"function","function":{"name":"f","arguments":"{}","output":""}})", "function", "f", "{}",
         ""},
        {R"({"id":"c","type":"code_interpreter","code_interpreter":{"input":"1+1","outputs":[{"type":"logs","logs":"2"},{"type":"image","image":{"file_id":"f"}}]}})",
         "code_interpreter", "", "1+1", "2"},
        {R"({"id":"c","type":"file_search","file_search":{"ranking_options":{"ranker":"auto","score_threshold":0.5},"results":[{"file_id":"f","file_name":"n","score":0.9}]}})",
         "file_search",
         "",
         "",
         {}},
        {R"({"id":"c","type":"mcp","name":"n","arguments":{"a":1},"output":{"b":[2]}})", "mcp", "n", R"({"a":1})",
         R"({"b":[2]})"},
        {R"({"id":"c","type":"openapi","openapi":{"input":"i","output":"o"}})", "openapi", "", "i", "o"},
        {R"({"id":"c","type":"azure_function","azure_function":{"name":"n","arguments":"a","output":"o"}})",
         "azure_function", "n", "a", "o"},
        {R"({"id":"c","type":"browser_automation","browser_automation":{"input":"i","output":"o","steps":[]}})",
         "browser_automation", "", "i", "o"},
        {R"({"id":"c","type":"telepathy","telepathy":{"input":"i"}})", "telepathy", "", "", {}},
    };
    for (const row& each : rows) {
        BOOST_TEST_CONTEXT(each.call) {
            const auto events = decode_good("thread.run.step.completed", step_with_call(each.call));
            const run_step& step = at<events::step_completed>(events, 0).step;
            BOOST_REQUIRE_EQUAL(step.tool_calls.size(), 1u);
            const tool_call& call = step.tool_calls.front();
            BOOST_TEST(call.id == "c");
            BOOST_TEST(call.type == each.type);
            BOOST_TEST(call.name == each.name);
            BOOST_TEST(call.arguments == each.arguments);
            BOOST_TEST((call.output == each.output));
            BOOST_TEST(call.raw == each.call);
            BOOST_TEST(events.size() == (each.type == "mcp" ? 2u : 1u));
        }
    }
}

BOOST_AUTO_TEST_CASE(reads_both_forms_of_a_required_action_and_keeps_others) {
    const auto functions = decode_good("thread.run.requires_action", function_stream[7].data);
    const auto& outputs = only<events::action_required>(functions);
    BOOST_TEST(outputs.run_id == "run_F1");
    BOOST_TEST(outputs.thread_id == "thread_Zk1");
    BOOST_TEST(outputs.action.type == "submit_tool_outputs");
    BOOST_REQUIRE_EQUAL(outputs.action.function_calls.size(), 1u);
    BOOST_TEST(outputs.action.function_calls[0].id == "call_f1");
    BOOST_TEST(outputs.action.function_calls[0].name == "get_weather");
    BOOST_TEST(outputs.action.function_calls[0].arguments == R"({"city":"Oslo"})");
    BOOST_TEST(outputs.action.mcp_approvals.empty());

    const auto approvals = decode_good("thread.run.requires_action", mcp_stream[6].data);
    const auto& approval = only<events::action_required>(approvals).action;
    BOOST_TEST(approval.type == "submit_tool_approval");
    BOOST_TEST(approval.function_calls.empty());
    BOOST_REQUIRE_EQUAL(approval.mcp_approvals.size(), 1u);
    BOOST_TEST(approval.mcp_approvals[0].server_label == "bookings");
    BOOST_TEST(approval.mcp_approvals[0].arguments == R"({"seat":"14A"})");
    BOOST_TEST(approval.raw.starts_with(R"({"type":"submit_tool_approval")"));
    BOOST_TEST(approval.raw.ends_with("]}}"));

    const auto others =
        decode_good("thread.run.requires_action",
                    R"({"id":"r","required_action":{"type":"submit_dna","submit_dna":{"tool_calls":[{"id":"x"}]}}})");
    const auto& other = only<events::action_required>(others).action;
    BOOST_TEST(other.type == "submit_dna");
    BOOST_TEST(other.function_calls.empty());
    BOOST_TEST(other.mcp_approvals.empty());
    BOOST_TEST(other.raw == R"({"type":"submit_dna","submit_dna":{"tool_calls":[{"id":"x"}]}})");

    // An action of both kinds, as no document describes it.
    const auto mixed = decode_good(
        "thread.run.requires_action",
        R"({"id":"r","required_action":{"type":"submit_tool_outputs","submit_tool_outputs":{"tool_calls":[{"id":"a","type":"function","function":{"name":"f","arguments":"{}"}},{"id":"z","type":"telepathy"}]},"submit_tool_approval":{"tool_calls":[{"id":"b","type":"mcp","name":"n","server_label":"s","arguments":"{}"}]}}})");
    BOOST_TEST(only<events::action_required>(mixed).action.function_calls.size() == 1u);
    BOOST_TEST(only<events::action_required>(mixed).action.mcp_approvals.size() == 1u);
    const std::vector<other_call>& unknown_calls = only<events::action_required>(mixed).action.other_calls;
    BOOST_REQUIRE_EQUAL(unknown_calls.size(), 1u);
    BOOST_TEST(unknown_calls[0].id == "z");
    BOOST_TEST(unknown_calls[0].type == "telepathy");
    BOOST_TEST(unknown_calls[0].raw == R"({"id":"z","type":"telepathy"})");
}

BOOST_AUTO_TEST_CASE(reads_every_end_of_a_run) {
    const std::string failed =
        R"({"id":"r","status":"failed","failed_at":1766004000,"last_error":{"code":"rate_limit_exceeded","message":"Try again in 7 seconds."}})";
    const auto failure = decode_good("thread.run.failed", failed);
    BOOST_TEST(only<events::run_failed>(failure).run.last_error->code == "rate_limit_exceeded");
    BOOST_TEST(only<events::run_failed>(failure).run.failed_at.value() == 1766004000);
    const auto incomplete =
        decode_good("thread.run.incomplete",
                    R"({"id":"r","status":"incomplete","incomplete_details":{"reason":"max_prompt_tokens"}})");
    BOOST_TEST(only<events::run_incomplete>(incomplete).run.incomplete_reason == "max_prompt_tokens");
    const auto cancelled = decode_good("thread.run.cancelled", R"({"id":"r","status":"cancelled"})");
    BOOST_TEST((only<events::run_cancelled>(cancelled).run.status == run_state::cancelled));
    const auto expired = decode_good("thread.run.expired", R"({"id":"r","status":"expired"})");
    BOOST_TEST((only<events::run_expired>(expired).run.status == run_state::expired));
    for (const auto* events : {&failure, &incomplete, &cancelled, &expired}) BOOST_TEST(is_terminal(events->front()));
    const auto cancelling = decode_good("thread.run.cancelling", R"({"id":"r","thread_id":"t"})");
    BOOST_TEST((only<events::run_status>(cancelling).status == run_state::cancelling));
    const auto odd = decode_good("thread.run.queued", R"({"id":"r","status":"dreaming"})");
    BOOST_TEST((only<events::run_status>(odd).status == run_state::unknown));
    BOOST_TEST(only<events::run_status>(odd).status_text == "dreaming");
}

BOOST_AUTO_TEST_CASE(reads_every_end_of_a_step_and_of_a_message) {
    for (const std::string_view status : {"failed", "cancelled", "expired"}) {
        const auto events =
            decode_good("thread.run.step." + std::string(status),
                        R"({"id":"s","status":")" + std::string(status) +
                            R"(","expired_at":7,"last_error":{"code":"tool_server_error","message":"401"}})");
        const run_step& step = only<events::step_completed>(events).step;
        BOOST_TEST(step.status == status);
        BOOST_TEST(step.last_error->code == "tool_server_error");
        BOOST_TEST(step.expires_at.value() == 7);
    }
    const auto events = decode_good(
        "thread.message.incomplete",
        R"({"id":"m","status":"incomplete","incomplete_details":{"reason":"content_filter"},"content":[{"type":"image_file","image_file":{"file_id":"f"}},{"type":"hologram","hologram":{}}]})");
    const thread_message& message = only<events::message_completed>(events).message;
    BOOST_TEST(message.incomplete_reason == "content_filter");
    BOOST_TEST(message.content[0].file_id == "f");
    BOOST_TEST(message.content[1].type == "hologram");
    BOOST_TEST(message.text().empty());
}

BOOST_AUTO_TEST_CASE(reads_an_error_in_any_form) {
    struct row {
        std::string_view data, code, message, type;
    };
    const std::vector<row> rows{
        {R"({"code":"c","message":"m","param":"p","type":"t"})", "c", "m", "t"},
        {R"({"error":{"message":"m","type":"server_error","param":null,"code":null}})", "", "m", "server_error"},
        {R"({"error":{"message":"m","code":429}})", "429", "m", ""},
        {R"("just \"text\"")", "", "just \"text\"", ""},
        {"Service Unavailable", "", "Service Unavailable", ""},
        {R"({"message":"cut)", "", R"({"message":"cut)", ""},
        {"", "", "", ""},
    };
    for (const row& each : rows) {
        BOOST_TEST_CONTEXT(each.data) {
            const auto events = decode_good("error", each.data);
            const auto& said = only<events::stream_error>(events);
            BOOST_TEST(said.code == each.code);
            BOOST_TEST(said.message == each.message);
            BOOST_TEST(said.type == each.type);
            BOOST_TEST(events.front().raw() == each.data);
        }
    }
}

BOOST_AUTO_TEST_CASE(keeps_unknown_events_without_parsing_them) {
    const std::vector<sample> rows{{"keepalive", ""},
                                   {"thread.run.dreaming", "{not json"},
                                   {"message", "\xff"},
                                   {"", "x"},
                                   {"thread.message.delta ", "{"},
                                   {"Thread.Message.Delta", "{"},
                                   {"done", "whatever"},
                                   {"thread.run.completed", "[DONE]"}};
    for (const sample& each : rows) {
        const auto events = decode_good(each.name, each.data);
        only<events::unknown>(events);
        BOOST_TEST(events.front().name() == each.name);
        BOOST_TEST(events.front().raw() == each.data);
    }
}

BOOST_AUTO_TEST_CASE(classifies_by_name) {
    for (const std::string_view end : {"completed", "failed", "incomplete", "cancelled", "expired"}) {
        BOOST_TEST((classify("thread.run." + std::string(end), "{}") == event_class::last));
        BOOST_TEST((classify("thread.run.step." + std::string(end), "{}") == event_class::ordinary));
    }
    BOOST_TEST((classify("thread.run.requires_action", "{}") == event_class::action));
    BOOST_TEST((classify("error", "{}") == event_class::error));
    BOOST_TEST((classify("keepalive", "{}") == event_class::keepalive));
    BOOST_TEST((classify("done", "") == event_class::end_of_stream));
    BOOST_TEST((classify("anything", "[DONE]") == event_class::end_of_stream));
    for (const std::string_view name :
         {"thread.message.delta", "thread.message.completed", "thread.run.cancelling", "thread.run.created", "new", ""})
        BOOST_TEST((classify(name, "{}") == event_class::ordinary));
}

BOOST_AUTO_TEST_CASE(refuses_known_events_of_a_wrong_shape) {
    const std::vector<sample> rows{
        {"thread.message.delta", ""},
        {"thread.message.delta", "null"},
        {"thread.message.delta", "[]"},
        {"thread.message.delta", "{}"},
        {"thread.message.delta", R"({"id":7,"delta":{}})"},
        {"thread.message.delta", R"({"id":null,"delta":{}})"},
        {"thread.message.delta", R"({"id":"m"})"},
        {"thread.message.delta", R"({"id":"m","delta":[]})"},
        {"thread.message.delta", R"({"id":"m","delta":{"content":{}}})"},
        {"thread.message.delta", R"({"id":"m","delta":{"content":["x"]}})"},
        {"thread.message.delta", R"({"id":"m","delta":{"content":[{"index":-1,"text":{"value":"x"}}]}})"},
        {"thread.message.delta", R"({"id":"m","delta":{"content":[{"index":1e99,"text":{"value":"x"}}]}})"},
        {"thread.message.delta", R"({"id":"m","delta":{"content":[{"index":2147483648,"text":{"value":"x"}}]}})"},
        {"thread.message.delta", R"({"id":"m","delta":{"content":[{"index":0,"text":{"value":7}}]}})"},
        {"thread.message.delta", R"({"id":"m","delta":{"content":[{"index":0,"text":[]}]}})"},
        {"thread.message.delta",
         R"({"id":"m","delta":{"content":[{"index":007,"type":"text","text":{"value":"x"}}]}})"},
        {"thread.message.delta", R"({"id":"m","delta":{}}{})"},
        {"thread.message.delta", R"({"id":"m","delta":{},"x":nope})"},
        {"thread.message.delta", R"({"id":"m","delta":{},"x":[1,]})"},
        {"thread.message.delta", R"({"id":"m","delta":{},"x":01})"},
        {"thread.message.delta", R"({"id":"m","delta":{},"x":1.})"},
        {"thread.message.delta", R"({"id":"m","delta":{},"x":"\x"})"},
        {"thread.message.delta", R"({"id":"m","delta":{},"x":"\u12g4"})"},
        {"thread.message.delta", "{\"id\":\"m\",\"delta\":{},\"x\":\"\n\"}"},
        {"thread.run.step.delta", R"({"id":"s","delta":{"step_details":[]}})"},
        {"thread.run.step.delta", R"({"id":"s","delta":{"step_details":{"tool_calls":{}}}})"},
        {"thread.run.step.delta", R"({"id":"s","delta":{"step_details":{"tool_calls":[1]}}})"},
        {"thread.created", "{}"},
        {"thread.run.created", R"({"object":"thread.run"})"},
        {"thread.run.created", R"({"id":["r"]})"},
        {"thread.run.requires_action", R"({"id":"r","required_action":"now"})"},
        {"thread.run.requires_action", R"({"id":"r","required_action":{"submit_tool_outputs":{"tool_calls":7}}})"},
        {"thread.run.requires_action",
         R"({"id":"r","required_action":{"submit_tool_outputs":{"tool_calls":[{"type":"function"}]}}})"},
        {"thread.run.step.created", R"({"id":"s","step_details":7})"},
        {"thread.run.step.completed", R"({"id":"s","step_details":{"tool_calls":{}}})"},
        {"thread.message.completed", R"({"id":"m","content":7})"},
        {"thread.message.completed", R"({"status":"completed"})"},
    };
    for (const sample& each : rows) {
        BOOST_TEST_CONTEXT(each.name << " " << each.data) {
            const auto result = decode_strictly(each.name, each.data);
            BOOST_TEST(result.code == errc::bad_event);
            BOOST_TEST(result.problem.find(each.name) != std::string::npos);
        }
    }
    const std::string deep = R"({"id":"m","delta":{},"x":)" + repeat("[", 100'000) + repeat("]", 100'000) + "}";
    BOOST_TEST(decode_strictly("thread.message.delta", deep).code == errc::bad_event);
}

BOOST_AUTO_TEST_CASE(never_quotes_the_data_in_the_problem) {
    const auto result =
        decode_strictly("thread.run.created",
                        R"({"id":"r","tool_resources":{"mcp":[{"headers":{"Authorization":"Bearer hunter2"}}]},)");
    BOOST_TEST(result.code == errc::bad_event);
    BOOST_TEST(result.problem.find("hunter2") == std::string::npos);
}

BOOST_AUTO_TEST_CASE(counts_optional_members_of_a_wrong_type_as_missing) {
    const auto events = decode_good(
        "thread.run.completed",
        R"({"id":"r","thread_id":7,"assistant_id":null,"status":["completed"],"usage":"much","last_error":7,"metadata":{"a":1,"b":"2"},"created_at":"now","started_at":1e400,"expires_at":1.7e9,"completed_at":123456789012345678901234567890,"required_action":null,"incomplete_details":[]})");
    const thread_run& run = only<events::run_completed>(events).run;
    BOOST_TEST(run.thread_id.empty());
    BOOST_TEST((run.status == run_state::completed));
    BOOST_TEST(!run.usage);
    BOOST_TEST(!run.last_error);
    BOOST_TEST(run.metadata.size() == 1u);
    BOOST_TEST(!run.created_at);
    BOOST_TEST(!run.started_at);
    BOOST_TEST(run.expires_at.value() == 1'700'000'000);
    BOOST_TEST(!run.completed_at);
}

BOOST_AUTO_TEST_CASE(counts_details_of_a_wrong_type_as_missing) {
    const auto steps = decode_good(
        "thread.run.step.completed",
        R"({"id":"s","step_details":{"tool_calls":[{"id":"a","type":"file_search","file_search":{"results":[7,{"score":"high","content":"all"}]}},{"id":"b","type":"code_interpreter","code_interpreter":{"outputs":{}}},{"id":"c","type":"browser_automation","browser_automation":{"steps":7}},{"id":"d","type":"connected_agent","connected_agent":{"run_id":7}}]}})");
    const auto& calls = at<events::step_completed>(steps, 0).step.tool_calls;
    BOOST_REQUIRE_EQUAL(calls.size(), 4u);
    BOOST_REQUIRE_EQUAL(calls[0].results.size(), 1u);
    BOOST_TEST(!calls[0].results[0].score);
    BOOST_TEST(calls[0].results[0].content.empty());
    BOOST_TEST(calls[1].outputs.empty());
    BOOST_TEST(calls[2].browser_steps.empty());
    BOOST_TEST(calls[3].run_id.empty());
    for (const std::string_view attachments : {"7", "{}", "[7,null]", "\"file\""}) {
        const auto messages =
            decode_good("thread.message.completed", R"({"id":"m","attachments":)" + std::string(attachments) + "}");
        BOOST_TEST(only<events::message_completed>(messages).message.attachments.empty());
    }
}

BOOST_AUTO_TEST_CASE(detects_every_truncation_of_a_known_event) {
    codec::threads::decoder decoder;
    decoder.be_strict(true);
    std::size_t tried = 0;
    for_each_known([&](const sample& each) {
        for (std::size_t length = 0; length != each.data.size(); ++length, ++tried)
            if (decode(decoder, each.name, each.data.substr(0, length)).code != errc::bad_event)
                BOOST_ERROR(each.name << " passes when cut at " << length);
    });
    BOOST_TEST(tried > 10'000u);
}

BOOST_AUTO_TEST_CASE(survives_every_change_of_a_byte) {
    codec::threads::decoder decoder, lenient;
    decoder.be_strict(true);
    std::size_t good = 0, bad = 0;
    for_each_known([&](const sample& each) {
        std::string data(each.data);
        for (std::size_t i = 0; i != data.size(); ++i) {
            for (const char replacement : {'"', '\\', '{', ']', ',', '0', '\x01', 'n'}) {
                const char before = std::exchange(data[i], replacement);
                const auto result = decode(decoder, each.name, data);
                if (!result.code)
                    ++good;
                else if (result.code == errc::bad_event && !result.problem.empty())
                    ++bad;
                BOOST_TEST(!decode(lenient, each.name, data).code);
                data[i] = before;
            }
        }
        BOOST_TEST(!decode(decoder, each.name, each.data).code);
    });
    BOOST_TEST(good > 1'000u);
    BOOST_TEST(bad > 10'000u);
}

BOOST_AUTO_TEST_CASE(reads_deltas_the_same_on_both_paths) {
    codec::threads::decoder fast, general;
    general.use_fast_path(false);
    const std::vector<std::string> seeds{
        message_delta(text_part("Bring")),
        message_delta(text_part("")),
        message_delta(text_part(R"( a \"coat\" \u00e9\uD83D\uDE00 of some length, so that words are skipped whole)")),
        message_delta(R"({"index":12,"type":"text","text":{"value":"x","annotations":[]}})"),
        R"({"id":"msg_1","object":"thread.message.delta","delta":{"role":"assistant","content":[{"index":0,"type":"text","text":{"value":"日本","annotations":[]}}]}})",
        message_delta(
            R"({"index":0,"type":"text","text":{"value":"x","annotations":[{"index":0,"type":"file_path","file_path":{"file_id":"f"}}]}})"),
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
                                               "\"annotations\":[]",
                                               "\"role\":\"x\",",
                                               "}}]}}",
                                               "\"value\":\"y\"",
                                               "9999999999"};
    std::mt19937 random(20260105);
    const auto below = [&random](std::size_t bound) { return static_cast<std::size_t>(random()) % bound; };
    std::size_t good = 0;
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
        const auto one = decode(fast, "thread.message.delta", data);
        const auto other = decode(general, "thread.message.delta", data);
        good += !one.code;
        if (describe(one) != describe(other)) BOOST_ERROR(data << "\n" << describe(one) << "\n" << describe(other));
    }
    BOOST_TEST(good > 10'000u);
}

BOOST_AUTO_TEST_SUITE_END()
