#include "protocol/responses/codec.hpp"
#include <corun/error.hpp>

#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>

#include <string>
#include <string_view>

namespace {

using namespace corun;
using namespace corun::codec::responses;
using nlohmann::json;

template <class Call>
bool is_bad_response(Call call) {
    try {
        call();
    } catch (const error& e) {
        return e.code() == errc::bad_response;
    }
    return false;
}

constexpr std::string_view agent_json = R"({"object":"agent","id":"desk","name":"desk","versions":{"latest":{
  "object":"agent.version","id":"desk:3","name":"desk","version":"3","description":"Books","created_at":1767000000,
  "metadata":{"k":"v"},"definition":{"kind":"prompt","model":"gpt-4o","instructions":"Answer.","temperature":0.5,
    "top_p":0.25,"reasoning":{"effort":"low"},"tool_choice":"auto","text":{"format":{"type":"json_object"}},
    "tools":[{"type":"mcp","server_label":"L","server_url":"https://l.example/mcp","allowed_tools":["a","b"],
              "headers":{"X-Key":"{{token}}"},"require_approval":{"never":{"tool_names":["a"]}},
              "project_connection_id":"conn","server_description":"Links"},
             {"type":"mcp","server_label":"M","connector_id":"c","allowed_tools":{"read_only":true},
              "require_approval":{"never":{"read_only":true}}},
             {"type":"function","name":"f","description":"F","parameters":{"type":"object"},"strict":true},
             {"type":"web_search","name":"w"}],
    "structured_inputs":{"token":{"description":"T","default_value":"x","schema":{"type":"string"},"required":true}},
    "rai_config":{"rai_policy_name":"p"}}}}})";

}  // namespace

BOOST_AUTO_TEST_SUITE(responses_objects)

BOOST_AUTO_TEST_CASE(reads_an_agent_with_its_latest_version) {
    const prompt_agent_definition agent = decode_agent(agent_json);
    BOOST_TEST(agent.id == "desk");
    BOOST_TEST(agent.name == "desk");
    BOOST_TEST(agent.version == "3");
    BOOST_TEST(agent.kind == "prompt");
    BOOST_TEST(agent.description == "Books");
    BOOST_TEST(agent.metadata.at("k") == "v");
    BOOST_TEST(agent.created_at.value() == 1'767'000'000);
    BOOST_TEST(agent.model == "gpt-4o");
    BOOST_TEST(agent.temperature.value() == 0.5);
    BOOST_TEST(agent.top_p.value() == 0.25);
    BOOST_TEST(agent.reasoning == R"({"effort":"low"})");
    BOOST_TEST(agent.response_format->json() == R"({"type":"json_object"})");
    BOOST_TEST(agent.tool_choice->json() == R"("auto")");
    BOOST_TEST(agent.extra_json == R"({"rai_config":{"rai_policy_name":"p"}})");
    BOOST_TEST(agent.raw == agent_json);
    BOOST_REQUIRE_EQUAL(agent.tools.size(), 4u);
    const auto& server = std::get<prompt_mcp_tool>(agent.tools[0]);
    BOOST_TEST(server.server_label == "L");
    BOOST_TEST(server.server_url == "https://l.example/mcp");
    BOOST_TEST((server.allowed_tools == std::vector<std::string>{"a", "b"}));
    BOOST_TEST(server.headers.find("x-key")->reveal() == "{{token}}");
    BOOST_TEST((*server.require_approval == mcp_approval::by_tool({}, {"a"})));
    BOOST_TEST(server.project_connection_id == "conn");
    BOOST_TEST(server.server_description == "Links");
    BOOST_TEST(server.extra_json == "");
    // What a list of names does not say is kept as it is.
    BOOST_TEST(std::get<prompt_mcp_tool>(agent.tools[1]).extra_json ==
               R"({"allowed_tools":{"read_only":true},"require_approval":{"never":{"read_only":true}}})");
    BOOST_TEST(std::get<prompt_mcp_tool>(agent.tools[1]).connector_id == "c");
    BOOST_TEST(std::get<function_tool>(agent.tools[2]).strict.value());
    BOOST_TEST(std::get<json_tool>(agent.tools[3]).type == "web_search");
    const structured_input& input = agent.structured_inputs.at("token");
    BOOST_TEST(input.default_value == R"("x")");
    BOOST_TEST(input.schema == R"({"type":"string"})");
    BOOST_TEST(input.required);
}

BOOST_AUTO_TEST_CASE(writes_a_definition_as_it_was_read) {
    const json stored = json::parse(agent_json)["versions"]["latest"];
    const json again = json::parse(encode_agent_version(decode_agent(agent_json)).reveal());
    BOOST_TEST(again["definition"] == stored["definition"]);
    BOOST_TEST(again["description"] == stored["description"]);
    BOOST_TEST(again["metadata"] == stored["metadata"]);
}

BOOST_AUTO_TEST_CASE(reads_a_version) {
    const prompt_agent_definition version = decode_agent(json::parse(agent_json)["versions"]["latest"].dump());
    BOOST_TEST(version.id == "desk:3");
    BOOST_TEST(version.version == "3");
    BOOST_TEST(version.tools.size() == 4u);
}

BOOST_AUTO_TEST_CASE(keeps_text_options_that_it_does_not_know) {
    const std::string json_text =
        R"({"name":"a","definition":{"kind":"prompt","text":{"format":{"type":"text"},"verbosity":"low"}}})";
    const prompt_agent_definition agent = decode_agent(json_text);
    BOOST_TEST(!agent.response_format);
    BOOST_TEST(agent.extra_json == R"({"text":{"format":{"type":"text"},"verbosity":"low"}})");
}

BOOST_AUTO_TEST_CASE(reads_a_response) {
    const thread_run run = decode_response(
        R"({"id":"resp_1","object":"response","status":"completed","created_at":1,"completed_at":2,"model":"m",
            "conversation":{"id":"conv_1"},"agent_reference":{"name":"desk"},"metadata":{"k":"v"},"error":null,
            "output":[{"type":"message","id":"m","content":[]}],
            "usage":{"input_tokens":5,"output_tokens":3,"total_tokens":8,"input_tokens_details":{"cached_tokens":1}}})");
    BOOST_TEST(run.id == "resp_1");
    BOOST_TEST(run.thread_id == "conv_1");
    BOOST_TEST(run.agent_id == "desk");
    BOOST_TEST((run.status == run_state::completed));
    BOOST_TEST(run.created_at.value() == 1);
    BOOST_TEST(run.completed_at.value() == 2);
    BOOST_TEST(run.usage->cached_tokens == 1);
    BOOST_TEST(run.raw.starts_with(R"({"id":"resp_1")"));
    BOOST_TEST(!run.required_action);
}

BOOST_AUTO_TEST_CASE(reads_every_status_of_a_response) {
    struct {
        const char* status;
        run_state state;
    } const rows[] = {{"queued", run_state::queued},       {"in_progress", run_state::in_progress},
                      {"failed", run_state::failed},       {"incomplete", run_state::incomplete},
                      {"cancelled", run_state::cancelled}, {"completed", run_state::requires_action},
                      {"new", run_state::unknown}};
    for (const auto& row : rows) {
        const thread_run run = decode_response(
            R"({"id":"r","status":")" + std::string(row.status) +
            R"(","output":[{"type":"function_call","id":"fc","call_id":"c","name":"f","arguments":"{}"}]})");
        BOOST_TEST_CONTEXT(row.status) {
            BOOST_TEST((run.status == row.state));
            BOOST_TEST(run.required_action.has_value() == (row.state == run_state::requires_action));
        }
    }
}

BOOST_AUTO_TEST_CASE(reads_conversations_and_their_messages) {
    const thread_definition conversation =
        decode_conversation(R"({"id":"conv_1","object":"conversation","created_at":5,"metadata":{"k":"v"}})");
    BOOST_TEST(conversation.id == "conv_1");
    BOOST_TEST(conversation.created_at.value() == 5);
    BOOST_TEST(conversation.metadata.at("k") == "v");
    const thread_message message = decode_message(
        R"({"type":"message","id":"msg_1","role":"user","status":"completed","content":[{"type":"input_text","text":"Hi"},
            {"type":"input_image","image_url":"https://x","detail":"low"}]})");
    BOOST_TEST(message.role == "user");
    BOOST_TEST(message.text() == "Hi");
    BOOST_TEST(message.content.at(1).type == "image_url");
    BOOST_TEST(message.content.at(1).url == "https://x");
}

BOOST_AUTO_TEST_CASE(refuses_what_is_no_object_of_the_kind) {
    for (const std::string_view text : {"", "[]", "null", "{", "{}", R"({"id":7})"}) {
        BOOST_TEST_CONTEXT(text) {
            BOOST_TEST(is_bad_response([&] { decode_response(text); }));
            BOOST_TEST(is_bad_response([&] { decode_agent(text); }));
            BOOST_TEST(is_bad_response([&] { decode_conversation(text); }));
            BOOST_TEST(is_bad_response([&] { decode_message(text); }));
        }
    }
    BOOST_TEST(is_bad_response([] { decode_message(R"({"id":"x","type":"reasoning"})"); }));
    BOOST_TEST(!decode_if_message(R"({"id":"x","type":"reasoning"})").has_value());
    BOOST_TEST(!decode_if_message(R"({"id":"x","type":"of_tomorrow"})").has_value());
    BOOST_TEST(is_bad_response([] { decode_if_message("[]"); }));
    BOOST_TEST(is_bad_response([] { decode_agent(R"({"name":"a","definition":7})"); }));
    for (std::size_t length = 0; length != agent_json.size(); ++length)
        if (!is_bad_response([&] { decode_agent(agent_json.substr(0, length)); }))
            BOOST_ERROR("an agent passes when cut at " << length);
}

BOOST_AUTO_TEST_SUITE_END()
