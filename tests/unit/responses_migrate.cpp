#include "protocol/responses/codec.hpp"
#include <corun/error.hpp>

#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>

#include <string>
#include <utility>
#include <vector>

namespace {

using namespace corun;
using namespace corun::codec::responses;
using nlohmann::json;

agent_definition classic() {
    agent_definition agent("gpt-4o");
    agent.name = "travel-desk";
    return agent;
}

/// The tools as they go on the wire.
json tools_of(const migrated_agent& made) {
    return json::parse(encode_agent_version(made.definition).reveal())["definition"].value("tools", json::array());
}

bool notes_say(const migrated_agent& made, const std::string& words) {
    for (const std::string& note : made.notes)
        if (note.find(words) != std::string::npos) return true;
    return false;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(responses_migrate)

BOOST_AUTO_TEST_CASE(carries_what_both_protocols_have) {
    agent_definition agent = classic();
    agent.description = "Books";
    agent.instructions = "Answer.";
    agent.temperature = 0.5;
    agent.top_p = 0.25;
    agent.response_format = response_format::json_schema("a", R"({"type":"object"})");
    agent.metadata = {{"k", "v"}};
    agent.tools.emplace_back(mcp_tool("L", "https://l.example/mcp", {"t"}));
    agent.tools.emplace_back(function_tool("f", "F", R"({"type":"object"})"));
    const migrated_agent made = migrate(agent);
    BOOST_TEST(json::parse(encode_agent(made.definition).reveal()) == json::parse(R"({"name":"travel-desk",
        "description":"Books","metadata":{"k":"v"},"definition":{"kind":"prompt","model":"gpt-4o","instructions":"Answer.",
        "temperature":0.5,"top_p":0.25,"text":{"format":{"type":"json_schema","name":"a","schema":{"type":"object"}}},
        "tools":[{"type":"mcp","server_label":"L","server_url":"https://l.example/mcp","allowed_tools":["t"]},
                 {"type":"function","name":"f","description":"F","parameters":{"type":"object"}}]}})"));
    BOOST_TEST(made.notes.empty());
}

BOOST_AUTO_TEST_CASE(gives_each_tool_its_form_in_this_protocol) {
    const std::pair<tool, const char*> rows[] = {
        {bing_grounding("conn"),
         R"({"type":"bing_grounding","bing_grounding":{"search_configurations":[{"project_connection_id":"conn"}]}})"},
        {bing_custom_search("conn", "i"),
         R"({"type":"bing_custom_search_preview","bing_custom_search_preview":{"search_configurations":[{"project_connection_id":"conn","instance_name":"i"}]}})"},
        {sharepoint_grounding("conn"),
         R"({"type":"sharepoint_grounding_preview","sharepoint_grounding_preview":{"project_connections":[{"project_connection_id":"conn"}]}})"},
        {fabric_dataagent("conn"),
         R"({"type":"fabric_dataagent_preview","fabric_dataagent_preview":{"project_connections":[{"project_connection_id":"conn"}]}})"},
        {browser_automation("conn"),
         R"({"type":"browser_automation_preview","browser_automation_preview":{"connection":{"project_connection_id":"conn"}}})"},
        {openapi("o", "O", R"({"openapi":"3.0.0"})", openapi_auth::connection("conn")),
         R"({"type":"openapi","openapi":{"name":"o","description":"O","spec":{"openapi":"3.0.0"},"auth":{"type":"project_connection","security_scheme":{"project_connection_id":"conn"}}}})"},
        {openapi("o", "O", R"({"connection_id":{"connections":1}})", openapi_auth::anonymous()),
         R"({"type":"openapi","openapi":{"name":"o","description":"O","spec":{"connection_id":{"connections":1}},"auth":{"type":"anonymous"}}})"},
    };
    for (const auto& [from, wanted] : rows) {
        agent_definition agent = classic();
        agent.tools.push_back(from);
        const migrated_agent made = migrate(agent);
        BOOST_TEST_CONTEXT(wanted) {
            BOOST_TEST(tools_of(made) == json::array({json::parse(wanted)}));
            BOOST_TEST(made.notes.empty());
        }
    }
}

BOOST_AUTO_TEST_CASE(gives_tools_the_resources_that_stood_beside_them) {
    agent_definition agent = classic();
    agent.tools = {code_interpreter(), file_search(5, ranking_options("auto", 0.5)), azure_ai_search()};
    agent.tool_resources.set_code_interpreter({"file-1"})
        .set_file_search({"vs_1"})
        .set_azure_ai_search({"conn", "index"});
    const migrated_agent made = migrate(agent);
    BOOST_TEST(tools_of(made) == json::parse(R"([
        {"type":"code_interpreter","container":{"type":"auto","file_ids":["file-1"]}},
        {"type":"file_search","vector_store_ids":["vs_1"],"max_num_results":5,"ranking_options":{"ranker":"auto","score_threshold":0.5}},
        {"type":"azure_ai_search","azure_ai_search":{"indexes":[{"project_connection_id":"conn","index_name":"index"}]}}])"));
    BOOST_TEST(made.notes.empty());
}

BOOST_AUTO_TEST_CASE(says_what_it_leaves_behind) {
    struct {
        void (*change)(agent_definition&);
        const char* note;
        std::size_t tools;
    } const rows[] = {
        {[](agent_definition& a) { a.tools = {connected_agent("asst_2", "helper", "Helps")}; }, "'helper'", 0},
        {[](agent_definition& a) { a.tools = {deep_research("o3", "conn")}; }, "Deep research", 0},
        {[](agent_definition& a) { a.tools = {file_search()}; }, "no vector store", 0},
        {[](agent_definition& a) { a.tools = {azure_ai_search()}; }, "no index", 0},
        {[](agent_definition& a) { a.tools = {json_tool("new", R"({"type":"new"})")}; }, "'new'", 1},
        {[](agent_definition& a) { a.tool_resources.set_file_search({"vs"}); }, "'file_search' are omitted", 0},
        {[](agent_definition& a) {
             a.tools = {code_interpreter()};
             a.tool_resources.other["code_interpreter"] = R"({"data_sources":[{"uri":"u","type":"uri_asset"}]})";
         },
         "data sources", 1},
        {[](agent_definition& a) {
             a.tools = {file_search()};
             a.tool_resources.other["file_search"] = R"({"vector_store_ids":["v"],"vector_stores":[{"name":"n"}]})";
         },
         "defined in the agent", 1},
        {[](agent_definition& a) {
             a.tools = {mcp_tool("L", "https://l.example")};
             mcp_tool_resource entry("L");
             entry.headers.set("Authorization", "hunter2");
             a.tool_resources.mcp = {entry};
         },
         "stored headers", 1},
        {[](agent_definition& a) {
             a.tools = {mcp_tool("L", "https://l.example")};
             mcp_tool_resource entry("L");
             entry.require_approval = mcp_approval::never();
             a.tool_resources.mcp = {entry};
         },
         "now applies", 1},
        {[](agent_definition& a) { a.tool_resources.mcp = {mcp_tool_resource("L")}; }, "no tool with that label", 0},
        {[](agent_definition& a) { a.name = "Travel  desk (Søby)!"; }, "'Travel-desk-S-by'", 0},
        {[](agent_definition& a) {
             a.name.clear();
             a.id = "asst_1";
         },
         "'asst-1'", 0},
        {[](agent_definition& a) { a.name = "日本"; }, "set one", 0},
    };
    for (const auto& row : rows) {
        agent_definition agent = classic();
        row.change(agent);
        const migrated_agent made = migrate(agent);
        BOOST_TEST_CONTEXT(row.note) {
            BOOST_TEST(made.notes.size() == 1u);
            BOOST_TEST(notes_say(made, row.note));
            BOOST_TEST(!notes_say(made, "hunter2"));
            BOOST_TEST(made.definition.tools.size() == row.tools);
        }
    }
}

BOOST_AUTO_TEST_CASE(refuses_json_that_does_not_parse) {
    agent_definition agent = classic();
    agent.tools = {json_tool("file_search", "{")};
    BOOST_CHECK_EXCEPTION(migrate(agent), error, [](const error& e) { return e.code() == errc::invalid_argument; });
}

BOOST_AUTO_TEST_SUITE_END()
