#include "protocol/threads/codec.hpp"
#include "protocol/threads/replay.hpp"
#include "samples.hpp"
#include <corun/error.hpp>

#include <boost/test/unit_test.hpp>

#include <string>

using namespace corun;
using namespace corun::codec::threads;

namespace {

template <class Call>
void require_bad_response(Call call) {
    BOOST_CHECK_EXCEPTION(call(), error, [](const error& problem) { return problem.code() == errc::bad_response; });
}

/// The one call of a step, as a response has it.
tool_call call_in_step(std::string_view call) {
    const run_step step = decode_step(
        R"({"id":"step_1","object":"thread.run.step","type":"tool_calls","assistant_id":"asst_1","thread_id":"thread_1","run_id":"run_1","status":"completed","step_details":{"type":"tool_calls","tool_calls":[)" +
        std::string(call) +
        R"(]},"last_error":null,"created_at":1766000022,"expired_at":null,"completed_at":1766000024,"cancelled_at":null,"failed_at":null,"usage":{"prompt_tokens":310,"completion_tokens":25,"total_tokens":335},"metadata":{}})");
    BOOST_TEST(step.usage->total_tokens == 335);
    BOOST_TEST(step.completed_at.value() == 1766000024);
    BOOST_REQUIRE_EQUAL(step.tool_calls.size(), 1u);
    BOOST_TEST(step.tool_calls.front().raw == call);
    return step.tool_calls.front();
}

}  // namespace

BOOST_AUTO_TEST_SUITE(threads_objects)

BOOST_AUTO_TEST_CASE(reads_an_agent) {
    const std::string text =
        R"({"id":"asst_1","object":"assistant","created_at":1766000000,"name":"travel-desk","description":null,"model":"gpt-4o","instructions":"Answer \"well\".",)"
        R"("tools":[{"type":"mcp","server_label":"bookings","server_url":"https://b.example/mcp","allowed_tools":["a","b"]},{"type":"function","function":{"name":"f","description":"d","parameters":{"type":"object"}}},{"type":"code_interpreter"},{"type":"telepathy","telepathy":{"range":3}}],)"
        R"("tool_resources":{"mcp":[{"server_label":"bookings","headers":{"Authorization":"Bearer x"},"require_approval":"never"},{"server_label":"o","headers":{},"require_approval":{"never":{"tool_names":["a"]},"always":["b"]}},{"server_label":"p","require_approval":{"type":"always"}}],"file_search":{"vector_store_ids":["vs_1"]},"azure_ai_search":null},)"
        R"("top_p":1.0,"temperature":0.5,"response_format":{"type":"text"},"metadata":{"k":"v"}})";
    const agent_definition agent = decode_agent(text);
    BOOST_TEST(agent.id == "asst_1");
    BOOST_TEST(agent.name == "travel-desk");
    BOOST_TEST(agent.description.empty());
    BOOST_TEST(agent.instructions == "Answer \"well\".");
    BOOST_REQUIRE_EQUAL(agent.tools.size(), 4u);
    BOOST_TEST((std::get<mcp_tool>(agent.tools[0]) == mcp_tool("bookings", "https://b.example/mcp", {"a", "b"})));
    BOOST_TEST((std::get<function_tool>(agent.tools[1]) == function_tool("f", "d", R"({"type":"object"})")));
    BOOST_TEST((agent.tools[2] == code_interpreter()));
    BOOST_TEST(type_of(agent.tools[3]) == "telepathy");
    BOOST_TEST(std::get<json_tool>(agent.tools[3]).json == R"({"type":"telepathy","telepathy":{"range":3}})");
    BOOST_REQUIRE_EQUAL(agent.tool_resources.mcp.size(), 3u);
    BOOST_TEST(agent.tool_resources.mcp[0].headers.find("authorization")->reveal() == "Bearer x");
    BOOST_TEST((agent.tool_resources.mcp[0].require_approval == mcp_approval::never()));
    BOOST_TEST((agent.tool_resources.mcp[1].require_approval == mcp_approval::by_tool({"b"}, {"a"})));
    BOOST_TEST(!agent.tool_resources.mcp[2].require_approval);
    BOOST_TEST(agent.tool_resources.other.size() == 1u);
    BOOST_TEST(agent.tool_resources.other.at("file_search") == R"({"vector_store_ids":["vs_1"]})");
    BOOST_TEST(agent.temperature.value() == 0.5);
    BOOST_TEST((agent.response_format == response_format::text()));
    BOOST_TEST(agent.metadata.at("k") == "v");
    BOOST_TEST(agent.created_at.value() == 1766000000);
    BOOST_TEST(agent.raw == text);
}

BOOST_AUTO_TEST_CASE(reads_threads_messages_runs_and_steps) {
    const thread_definition thread = decode_thread(R"({"id":"t","created_at":1,"metadata":{},"tool_resources":null})");
    BOOST_TEST(thread.id == "t");
    BOOST_TEST(thread.tool_resources.empty());
    const thread_message message = decode_message(
        R"({"id":"m","role":"user","content":[{"type":"text","text":{"value":"a","annotations":[{"type":"file_citation","text":"[1]","start_index":0,"end_index":1,"file_citation":{"file_id":"f","quote":"q"}}]}},{"type":"text","text":"b"},{"type":"refusal","refusal":"no"}],"metadata":{"a":"b"}})");
    BOOST_TEST(message.text() == "ab");
    BOOST_TEST(message.role == "user");
    BOOST_REQUIRE_EQUAL(message.content[0].annotations.size(), 1u);
    BOOST_TEST(message.content[0].annotations[0].start_index.value() == 0);
    BOOST_TEST(message.content[0].annotations[0].quote == "q");
    BOOST_TEST(decode_message(R"({"id":"m","content":"plain"})").text() == "plain");
    const thread_run run = decode_run(test::mcp_stream[6].data);
    BOOST_TEST((run.status == run_state::requires_action));
    BOOST_TEST(run.required_action->mcp_approvals.size() == 1u);
    BOOST_TEST(run.raw == test::mcp_stream[6].data);
    const run_step step = decode_step(test::mcp_stream_continued[4].data);
    BOOST_TEST(step.tool_calls.at(0).output.value() == R"({"ok":true})");
    BOOST_TEST(decode_step(R"({"id":"s","expired_at":9})").expires_at.value() == 9);
    BOOST_TEST(decode_step(R"({"id":"s","expires_at":8,"expired_at":null})").expires_at.value() == 8);
}

BOOST_AUTO_TEST_CASE(reads_the_outputs_of_a_code_interpreter) {
    const tool_call call = call_in_step(
        R"({"id":"call_1","type":"code_interpreter","code_interpreter":{"input":"import math\nmath.pi","outputs":[{"type":"logs","logs":"3.14"},{"type":"image","image":{"file_id":"assistant-9"}},{"type":"logs","logs":"159\n"},{"type":"smell","smell":{}}]}})");
    BOOST_TEST(call.arguments == "import math\nmath.pi");
    BOOST_TEST(call.output.value() == "3.14159\n");
    BOOST_REQUIRE_EQUAL(call.outputs.size(), 4u);
    BOOST_TEST(call.outputs[0].type == "logs");
    BOOST_TEST(call.outputs[0].logs == "3.14");
    BOOST_TEST(call.outputs[1].type == "image");
    BOOST_TEST(call.outputs[1].file_id == "assistant-9");
    BOOST_TEST(call.outputs[1].logs.empty());
    BOOST_TEST(call.outputs[2].logs == "159\n");
    BOOST_TEST(call.outputs[3].type == "smell");
    BOOST_TEST(
        !call_in_step(R"({"id":"c","type":"code_interpreter","code_interpreter":{"input":"","outputs":[]}})").output);
}

BOOST_AUTO_TEST_CASE(reads_the_results_of_a_file_search) {
    const tool_call call = call_in_step(
        R"({"id":"call_1","type":"file_search","file_search":{"ranking_options":{"ranker":"default_2024_08_21","score_threshold":0.0},"results":[{"file_id":"assistant-1","file_name":"ferries \"2026\".pdf","score":0.87,"content":[{"type":"text","text":"The ferry leaves "},{"type":"text","text":"at 8."}]},{"file_id":"assistant-2","file_name":"b.md","score":1}]}})");
    BOOST_REQUIRE_EQUAL(call.results.size(), 2u);
    BOOST_TEST(call.results[0].file_id == "assistant-1");
    BOOST_TEST(call.results[0].file_name == "ferries \"2026\".pdf");
    BOOST_TEST(call.results[0].score.value() == 0.87);
    BOOST_TEST(call.results[0].content == "The ferry leaves at 8.");
    BOOST_TEST(call.results[1].score.value() == 1.0);
    BOOST_TEST(call.results[1].content.empty());
    BOOST_TEST(!call.output);
    BOOST_TEST(call_in_step(R"({"id":"c","type":"file_search","file_search":{}})").results.empty());
    BOOST_TEST(call_in_step(R"({"id":"c","type":"file_search","file_search":null})").results.empty());
    BOOST_TEST(call_in_step(R"({"id":"c","type":"file_search","file_search":{"results":null}})").results.empty());
}

BOOST_AUTO_TEST_CASE(reads_the_properties_of_calls_that_have_any) {
    for (const std::string type : {"openapi", "bing_grounding", "bing_custom_search", "azure_ai_search",
                                   "sharepoint_grounding", "fabric_dataagent"}) {
        BOOST_TEST_CONTEXT(type) {
            const tool_call call = call_in_step(
                R"({")" + type +
                R"(":{"input":"{\"q\":1}","output":"found","requesturl":"https://e.example/?q=\u0031","response_metadata":{"n":2},"empty":null},"type":")" +
                type + R"(","id":"call_1"})");
            BOOST_TEST(call.id == "call_1");
            BOOST_TEST(call.arguments == R"({"q":1})");
            BOOST_TEST(call.output.value() == "found");
            BOOST_TEST(call.properties.size() == 4u);
            BOOST_TEST(call.properties.at("input") == R"({"q":1})");
            BOOST_TEST(call.properties.at("output") == "found");
            BOOST_TEST(call.properties.at("requesturl") == "https://e.example/?q=1");
            BOOST_TEST(call.properties.at("response_metadata") == R"({"n":2})");
        }
    }
    BOOST_TEST(
        call_in_step(R"({"id":"c","type":"function","function":{"name":"f","arguments":"{}"}})").properties.empty());
}

BOOST_AUTO_TEST_CASE(reads_the_calls_of_agents_functions_research_and_browsers) {
    const tool_call agent = call_in_step(
        R"({"id":"c","type":"connected_agent","connected_agent":{"name":"seats","arguments":"{\"seat\":\"14A\"}","output":"Booked.","run_id":"run_2","thread_id":"thread_2","assistant_id":"asst_2"}})");
    BOOST_TEST(agent.name == "seats");
    BOOST_TEST(agent.arguments == R"({"seat":"14A"})");
    BOOST_TEST(agent.output.value() == "Booked.");
    BOOST_TEST(agent.agent_id == "asst_2");
    BOOST_TEST(agent.thread_id == "thread_2");
    BOOST_TEST(agent.run_id == "run_2");

    const tool_call function = call_in_step(
        R"({"id":"c","type":"azure_function","azure_function":{"name":"f","arguments":"{}","output":"o"}})");
    BOOST_TEST(function.name == "f");
    BOOST_TEST(function.output.value() == "o");
    BOOST_TEST(function.run_id.empty());

    const tool_call research =
        call_in_step(R"({"id":"c","type":"deep_research","deep_research":{"input":"ferries","output":"# Report"}})");
    BOOST_TEST(research.arguments == "ferries");
    BOOST_TEST(research.output.value() == "# Report");

    const tool_call browser = call_in_step(
        R"({"id":"c","type":"browser_automation","browser_automation":{"input":"find","output":"done","steps":[{"last_step_result":"opened","current_state":"on the page","next_step":"click"},{"last_step_result":"clicked","current_state":"at the end","next_step":""}]}})");
    BOOST_TEST(browser.arguments == "find");
    BOOST_TEST(browser.output.value() == "done");
    BOOST_REQUIRE_EQUAL(browser.browser_steps.size(), 2u);
    BOOST_TEST(browser.browser_steps[0].last_step_result == "opened");
    BOOST_TEST(browser.browser_steps[0].current_state == "on the page");
    BOOST_TEST(browser.browser_steps[0].next_step == "click");
    BOOST_TEST(browser.browser_steps[1].last_step_result == "clicked");
}

BOOST_AUTO_TEST_CASE(reads_every_kind_of_content_annotation_and_attachment) {
    const thread_message message = decode_message(
        R"({"id":"msg_1","object":"thread.message","created_at":1766000010,"thread_id":"thread_1","status":"completed","incomplete_details":null,"completed_at":1766000012,"incomplete_at":null,"role":"user","content":[)"
        R"({"type":"text","text":{"value":"See.","annotations":[{"type":"url_citation","text":"[1]","start_index":0,"end_index":3,"url_citation":{"url":"https://e.example","title":"E"}},{"type":"file_citation","text":"[2]","start_index":4,"end_index":7,"file_citation":{"file_id":"f1","quote":"q"}},{"type":"file_path","text":"sandbox:/a.csv","file_path":{"file_id":"f2"}},{"type":"scent","scent":{}}]}},)"
        R"({"type":"image_file","image_file":{"file_id":"assistant-1","detail":"high"}},{"type":"image_url","image_url":{"url":"https://e.example/a.png","detail":"low"}},{"type":"hologram"}],)"
        R"("assistant_id":null,"run_id":null,"attachments":[{"file_id":"assistant-2","tools":[{"type":"code_interpreter"},{"type":"file_search"}]},{"data_source":{"uri":"https://s.example/a.pdf","type":"uri_asset"},"tools":[{"type":"file_search"}]},{"file_id":null,"data_source":null,"tools":null}],"metadata":{"k":"v"}})");
    BOOST_REQUIRE_EQUAL(message.content.size(), 4u);
    const auto& annotations = message.content[0].annotations;
    BOOST_REQUIRE_EQUAL(annotations.size(), 4u);
    BOOST_TEST(annotations[0].type == "url_citation");
    BOOST_TEST(annotations[0].url == "https://e.example");
    BOOST_TEST(annotations[0].title == "E");
    BOOST_TEST(annotations[0].start_index.value() == 0);
    BOOST_TEST(annotations[1].file_id == "f1");
    BOOST_TEST(annotations[1].quote == "q");
    BOOST_TEST(annotations[1].end_index.value() == 7);
    BOOST_TEST(annotations[2].file_id == "f2");
    BOOST_TEST(!annotations[2].start_index);
    BOOST_TEST(annotations[3].type == "scent");
    BOOST_TEST(message.content[1].file_id == "assistant-1");
    BOOST_TEST(message.content[1].detail == "high");
    BOOST_TEST(message.content[2].url == "https://e.example/a.png");
    BOOST_TEST(message.content[2].detail == "low");
    BOOST_TEST(message.content[3].type == "hologram");
    BOOST_TEST(message.text() == "See.");

    BOOST_REQUIRE_EQUAL(message.attachments.size(), 3u);
    BOOST_TEST(message.attachments[0].file_id == "assistant-2");
    BOOST_TEST((message.attachments[0].tools == std::vector<std::string>{"code_interpreter", "file_search"}));
    BOOST_TEST(!message.attachments[0].data_source);
    BOOST_TEST(message.attachments[1].data_source.value().uri == "https://s.example/a.pdf");
    BOOST_TEST(message.attachments[1].data_source.value().type == "uri_asset");
    BOOST_TEST(message.attachments[2].file_id.empty());
    BOOST_TEST(message.attachments[2].tools.empty());
    BOOST_TEST(decode_message(R"({"id":"m","attachments":null})").attachments.empty());
}

BOOST_AUTO_TEST_CASE(reads_every_status_of_runs_steps_and_messages) {
    const std::pair<std::string, run_state> runs[] = {
        {"queued", run_state::queued},
        {"in_progress", run_state::in_progress},
        {"requires_action", run_state::requires_action},
        {"cancelling", run_state::cancelling},
        {"cancelled", run_state::cancelled},
        {"failed", run_state::failed},
        {"completed", run_state::completed},
        {"incomplete", run_state::incomplete},
        {"expired", run_state::expired},
        {"dreaming", run_state::unknown},
    };
    for (const auto& [text, state] : runs) {
        const thread_run run = decode_run(R"({"id":"r","status":")" + text + "\"}");
        BOOST_TEST((run.status == state));
        BOOST_TEST(run.status_text == text);
    }
    for (const std::string status : {"in_progress", "cancelled", "failed", "completed", "expired"})
        BOOST_TEST(decode_step(R"({"id":"s","status":")" + status + "\"}").status == status);
    for (const std::string reason : {"content_filter", "max_tokens", "run_cancelled", "run_failed", "run_expired"}) {
        const thread_message message =
            decode_message(R"({"id":"m","status":"incomplete","incomplete_details":{"reason":")" + reason + "\"}}");
        BOOST_TEST(message.status == "incomplete");
        BOOST_TEST(message.incomplete_reason == reason);
    }
}

BOOST_AUTO_TEST_CASE(reads_each_format_of_an_agents_responses) {
    for (const std::string format : {R"("auto")", R"({"type":"json_object"})",
                                     R"({"type":"json_schema","json_schema":{"name":"n","schema":{}}})"}) {
        const agent_definition agent = decode_agent(R"({"id":"a","response_format":)" + format + "}");
        BOOST_REQUIRE(agent.response_format);
        BOOST_TEST(agent.response_format->json() == format);
    }
    BOOST_TEST(!decode_agent(R"({"id":"a","response_format":null})").response_format);
    BOOST_TEST(!decode_agent(R"({"id":"a"})").response_format);
}

BOOST_AUTO_TEST_CASE(refuses_responses_that_are_no_such_object) {
    for (const std::string_view text :
         {"", "null", "[]", "<html>", "{", "{}", R"({"id":7})", R"({"id":"r"} x)", "{\"id\":\"\xff\"}"}) {
        BOOST_TEST_CONTEXT(text) {
            require_bad_response([text] { decode_agent(text); });
            require_bad_response([text] { decode_thread(text); });
            require_bad_response([text] { decode_message(text); });
            require_bad_response([text] { decode_run(text); });
            require_bad_response([text] { decode_step(text); });
        }
    }
}

BOOST_AUTO_TEST_CASE(names_every_run_state) {
    for (const run_state state :
         {run_state::queued, run_state::in_progress, run_state::requires_action, run_state::cancelling,
          run_state::cancelled, run_state::failed, run_state::completed, run_state::incomplete, run_state::expired})
        BOOST_TEST((parse_run_state(to_string(state)) == state));
    BOOST_TEST((parse_run_state("Queued") == run_state::unknown));
    BOOST_TEST((parse_run_state("") == run_state::unknown));
    BOOST_TEST(is_terminal(run_state::incomplete));
    BOOST_TEST(!is_terminal(run_state::cancelling));
    BOOST_TEST(!is_terminal(run_state::unknown));
}

BOOST_AUTO_TEST_CASE(an_agents_tools_are_sent_again_as_they_came) {
    const std::string tools =
        R"([{"type":"function","function":{"name":"f","parameters":{"type":"object"},"strict":true}},)"
        R"({"type":"function","function":{"name":"no_arguments"}},)"
        R"({"type":"openapi","openapi":{"name":"weather","spec":{},"auth":{"type":"anonymous"},"functions":[]}},)"
        R"({"type":"azure_function","azure_function":{"function":{"name":"queue"}}},)"
        R"({"type":"connected_agent","connected_agent":{"id":"a","name":"other","description":"d"}}])";
    const agent_definition agent = codec::threads::decode_agent(R"({"id":"asst_1","model":"m","tools":)" + tools + "}");
    BOOST_REQUIRE_EQUAL(agent.tools.size(), 5u);
    BOOST_TEST(std::get<json_tool>(agent.tools[2]).name == "weather");
    BOOST_TEST(std::get<json_tool>(agent.tools[3]).name == "queue");
    BOOST_TEST(std::get<json_tool>(agent.tools[4]).name == "other");
    codec::threads::run_request request;
    request.agent_id = "asst_1";
    request.tools = agent.tools;
    const secret body = codec::threads::encode_run(request).body;
    BOOST_TEST(std::string(body.reveal()).find("\"tools\":" + tools) != std::string::npos);
}

BOOST_AUTO_TEST_CASE(an_object_that_cuts_an_emoji_in_two_is_still_taken_back_in_time) {
    const std::string half = codec::threads::at_status(
        R"({"id":"m","status":"completed","metadata":{"a":"x\ud83d","b":"\ude00y","c":"\ud83d\ude00","d":"\\ud83d"}})",
        "in_progress");
    BOOST_TEST(half ==
               "{\"id\":\"m\",\"status\":\"in_progress\",\"metadata\":{\"a\":\"x\xef\xbf\xbd\",\"b\":\"\xef\xbf\xbdy\","
               "\"c\":\"\xf0\x9f\x98\x80\",\"d\":\"\\\\ud83d\"}}");
}

BOOST_AUTO_TEST_SUITE_END()
