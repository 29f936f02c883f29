#include <corun/prompt_agent.hpp>
#include <corun/tools.hpp>

#include <boost/test/unit_test.hpp>

#include <string>
#include <string_view>
#include <vector>

using namespace corun;

BOOST_AUTO_TEST_SUITE(tools)

BOOST_AUTO_TEST_CASE(know_their_type) {
    BOOST_TEST(type_of(tool(mcp_tool("l", "u"))) == "mcp");
    BOOST_TEST(type_of(tool(function_tool("f", "", ""))) == "function");
    BOOST_TEST(type_of(tool(json_tool("openapi", "{}"))) == "openapi");
    BOOST_TEST(type_of(prompt_tool(prompt_mcp_tool("l", "u"))) == "mcp");
    BOOST_TEST(type_of(prompt_tool(function_tool("f", "", ""))) == "function");
    BOOST_TEST(type_of(prompt_tool(json_tool("web_search", "{}"))) == "web_search");
}

BOOST_AUTO_TEST_CASE(keep_their_members) {
    const mcp_tool server("label", "https://u", {"a"});
    BOOST_TEST(server.server_label == "label");
    BOOST_TEST(server.server_url == "https://u");
    BOOST_TEST(server.allowed_tools.at(0) == "a");
    const prompt_mcp_tool prompt(server);
    BOOST_TEST(prompt.server_label == "label");
    BOOST_TEST(prompt.server_url == "https://u");
    BOOST_TEST(prompt.allowed_tools.at(0) == "a");
    const function_tool function("f", "d", "{}");
    BOOST_TEST(function.name == "f");
    BOOST_TEST(function.description == "d");
    BOOST_TEST(function.parameters == "{}");
    const json_tool json("openapi", "{}", "n");
    BOOST_TEST(json.type == "openapi");
    BOOST_TEST(json.json == "{}");
    BOOST_TEST(json.name == "n");
    BOOST_TEST(prompt_agent_definition("gpt").model == "gpt");
    BOOST_TEST(mcp_tool_resource("l").server_label == "l");
    BOOST_TEST(bing_search("c").connection_id == "c");
    BOOST_TEST(bing_search(std::string("c")).connection_id == "c");
    const azure_ai_search_index index("c", "i");
    BOOST_TEST(index.index_connection_id == "c");
    BOOST_TEST(index.index_name == "i");
}

BOOST_AUTO_TEST_CASE(authenticate_to_their_server) {
    BOOST_TEST((openapi_auth::anonymous().type() == openapi_auth::kind::anonymous));
    BOOST_TEST(openapi_auth::anonymous().value() == "");
    BOOST_TEST((openapi_auth::connection("c").type() == openapi_auth::kind::connection));
    BOOST_TEST(openapi_auth::connection("c").value() == "c");
    BOOST_TEST((openapi_auth::managed_identity("a").type() == openapi_auth::kind::managed_identity));
    BOOST_TEST(openapi_auth::managed_identity("a").value() == "a");
}

BOOST_AUTO_TEST_CASE(need_approval_as_told) {
    BOOST_TEST((mcp_approval::always().type() == mcp_approval::kind::always));
    BOOST_TEST((mcp_approval::never().type() == mcp_approval::kind::never));
    const mcp_approval mixed = mcp_approval::by_tool({"a"}, {"n", "m"});
    BOOST_TEST((mixed.type() == mcp_approval::kind::by_tool));
    BOOST_TEST(mixed.always_tools().size() == 1u);
    BOOST_TEST(mixed.never_tools().size() == 2u);
    BOOST_TEST((mixed != mcp_approval::by_tool({"a"}, {"n"})));
}

BOOST_AUTO_TEST_CASE(have_resources_up_to_the_limits) {
    tool_resources resources;
    BOOST_TEST(resources.empty());
    resources.set_code_interpreter(std::vector<std::string>(20, "f"));
    BOOST_TEST(!resources.empty());
    tool_resources with_server;
    with_server.mcp.emplace_back("l");
    BOOST_TEST(!with_server.empty());
}

BOOST_AUTO_TEST_SUITE_END()
