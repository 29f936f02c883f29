#include "codec/threads.hpp"
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

}  // namespace

BOOST_AUTO_TEST_SUITE(codec_threads_resources)

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
    BOOST_TEST(agent.response_format == R"({"type":"text"})");
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

BOOST_AUTO_TEST_CASE(reads_a_page_and_where_the_next_one_starts) {
    const page first = decode_page(
        R"({"object":"list","data":[ {"id":"b","x":[1,2]} , {"id":"a"} ],"first_id":"b","last_id":"a","has_more":true})");
    BOOST_REQUIRE_EQUAL(first.items.size(), 2u);
    BOOST_TEST(first.items[0] == R"({"id":"b","x":[1,2]})");
    BOOST_TEST(first.next == "a");
    BOOST_TEST(decode_page(R"({"data":[{"id":"a"}],"last_id":"a","has_more":false})").next.empty());
    BOOST_TEST(decode_page(R"({"data":[{"id":"b"},{"id":"a"}],"has_more":true})").next == "a");
    BOOST_TEST(decode_page(R"({"data":[{"id":"b"}],"last_id":null,"has_more":true})").next == "b");
    BOOST_TEST(decode_page(R"({"data":[],"first_id":null,"last_id":null,"has_more":true})").next.empty());
    BOOST_TEST(decode_page(R"({"object":"list","data":[{"id":"f"}]})").next.empty());
    for (const std::string_view text : {"", "[]", "{}", R"({"data":{}})", R"({"data":null})", R"({"data":[1,})"})
        require_bad_response([text] { decode_page(text); });
}

BOOST_AUTO_TEST_CASE(reads_an_error_body_of_any_shape) {
    struct row {
        std::string_view body, code, message, type, param, request_id;
    };
    const std::vector<row> rows{
        {R"({"error":{"message":"Unknown parameter: 'tools[0].x'.","type":"invalid_request_error","param":"tools[0].x","code":"unknown_parameter"}})",
         "unknown_parameter", "Unknown parameter: 'tools[0].x'.", "invalid_request_error", "tools[0].x", ""},
        {R"({"error":{"message":null,"type":null,"param":null,"code":null}})", "", "", "", "", ""},
        {R"({"error":{"code":"404","message":"Resource not found"}})", "404", "Resource not found", "", "", ""},
        {R"({"statusCode":401,"message":"no"})", "401", "no", "", "", ""},
        {R"({"error":{"code":429,"message":"slow"}})", "429", "slow", "", "", ""},
        {R"({"error":{"code":"invalid_payload","message":"Not allowed when agent is specified.","param":"tools","type":"invalid_request_error","details":[],"additionalInfo":{"request_id":"3f0c"}}})",
         "invalid_payload", "Not allowed when agent is specified.", "invalid_request_error", "tools", "3f0c"},
        {R"({"error":"invalid_client","error_description":"AADSTS7000215"})", "invalid_client", "AADSTS7000215", "", "",
         ""},
        {R"({"error":"gone"})", "gone", "gone", "", "", ""},
        {"<html><body>502</body></html>", "", "", "", "", ""},
        {"", "", "", "", "", ""},
        {"null", "", "", "", "", ""},
        {"[]", "", "", "", "", ""},
        {R"({"error":{"message":"cut)", "", "", "", "", ""},
        {"\xff\xfe", "", "", "", "", ""},
        {R"({"error":[],"message":7,"code":{}})", "", "", "", "", ""},
    };
    for (const row& each : rows) {
        BOOST_TEST_CONTEXT(each.body) {
            const error_body said = decode_error(each.body);
            BOOST_TEST(said.code == each.code);
            BOOST_TEST(said.message == each.message);
            BOOST_TEST(said.type == each.type);
            BOOST_TEST(said.param == each.param);
            BOOST_TEST(said.request_id == each.request_id);
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

BOOST_AUTO_TEST_SUITE_END()
