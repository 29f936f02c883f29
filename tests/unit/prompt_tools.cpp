#include "protocol/responses/codec.hpp"
#include <corun/error.hpp>
#include <corun/prompt_tools.hpp>

#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>

#include <functional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace {

using namespace corun;
using nlohmann::json;
namespace make = corun::prompt_tools;

make::web_search_options near_oslo() {
    make::web_search_options options;
    options.allowed_domains = {"example.com"};
    options.search_context_size = "low";
    options.city = "Oslo";
    options.timezone = "Europe/Oslo";
    options.external_web_access = false;
    return options;
}

std::vector<prompt_tool> two_tools() {
    function_tool function("get", "Gets.", R"({"type":"object"})");
    function.defer_loading = true;
    return {function, make::custom("put", "Puts.")};
}

}  // namespace

BOOST_AUTO_TEST_SUITE(prompt_tools)

BOOST_AUTO_TEST_CASE(each_function_makes_the_tool_of_its_name) {
    const std::pair<json_tool, const char*> rows[] = {
        {make::computer(), R"({"type":"computer"})"},
        {make::computer_use_preview(1024, 768, "browser"),
         R"({"type":"computer_use_preview","display_width":1024,"display_height":768,"environment":"browser"})"},
        {make::apply_patch(), R"({"type":"apply_patch"})"},
        {make::shell(), R"({"type":"shell","environment":{"type":"local"}})"},
        {make::shell(R"({"type":"container_auto"})"), R"({"type":"shell","environment":{"type":"container_auto"}})"},
        {make::local_shell(), R"({"type":"local_shell"})"},
        {make::custom("sql", "Runs SQL."), R"({"type":"custom","name":"sql","description":"Runs SQL."})"},
        {make::custom("sql", "", make::grammar("lark", "start: /a/")),
         R"({"type":"custom","name":"sql","format":{"type":"grammar","syntax":"lark","definition":"start: /a/"}})"},
        {make::tool_namespace("crm", "Customers.", two_tools()),
         R"({"type":"namespace","name":"crm","description":"Customers.","tools":[
             {"type":"function","name":"get","description":"Gets.","parameters":{"type":"object"},"defer_loading":true},
             {"type":"custom","name":"put","description":"Puts."}]})"},
        {make::tool_search(), R"({"type":"tool_search"})"},
        {make::client_tool_search(), R"({"type":"tool_search","execution":"client"})"},
        {make::client_tool_search("Finds.", R"({"type":"object"})"),
         R"({"type":"tool_search","execution":"client","description":"Finds.","parameters":{"type":"object"}})"},
        {make::programmatic_tool_calling(), R"({"type":"programmatic_tool_calling"})"},
        {make::web_search(), R"({"type":"web_search"})"},
        {make::web_search(near_oslo()),
         R"({"type":"web_search","filters":{"allowed_domains":["example.com"]},"search_context_size":"low",
             "user_location":{"type":"approximate","city":"Oslo","timezone":"Europe/Oslo"},
             "external_web_access":false})"},
        {make::file_search({"vs_1"}, 5), R"({"type":"file_search","vector_store_ids":["vs_1"],"max_num_results":5})"},
        {make::code_interpreter(), R"({"type":"code_interpreter","container":{"type":"auto"}})"},
        {make::code_interpreter({"file-1"}),
         R"({"type":"code_interpreter","container":{"type":"auto","file_ids":["file-1"]}})"},
        {make::code_interpreter_in("cntr_1"), R"({"type":"code_interpreter","container":"cntr_1"})"},
        {make::image_generation(), R"({"type":"image_generation"})"},
        {make::image_generation(R"({"quality":"high"})"), R"({"type":"image_generation","quality":"high"})"},
        {make::browser_automation("conn"),
         R"({"type":"browser_automation","browser_automation":{"connection":{"project_connection_id":"conn"}}})"},
        {make::a2a("conn"), R"({"type":"a2a","project_connection_id":"conn","a2a_version":"1.0"})"},
        {make::memory_search_preview("store", "user-7"),
         R"({"type":"memory_search_preview","memory_store_name":"store","scope":"user-7"})"},
        {make::work_iq_preview("conn"), R"({"type":"work_iq_preview","project_connection_id":"conn"})"},
        {make::fabric_iq_preview("conn"), R"({"type":"fabric_iq_preview","project_connection_id":"conn"})"},
        {make::web_iq_preview("conn"), R"({"type":"web_iq_preview","project_connection_id":"conn"})"},
        {make::toolbox_search_preview(), R"({"type":"toolbox_search_preview"})"},
        {make::github_copilot_toolset_preview(), R"({"type":"github_copilot_toolset_preview"})"},
        {make::microsoft_copilot_toolset_preview(), R"({"type":"microsoft_copilot_toolset_preview"})"},
        {make::capture_structured_outputs("order", "An order.", R"({"type":"object"})", true),
         R"({"type":"capture_structured_outputs","outputs":{"name":"order","description":"An order.",
             "schema":{"type":"object"},"strict":true}})"},
        {make::of_type("reminder_preview"), R"({"type":"reminder_preview"})"},
        {make::of_type("a2a_preview", R"({"base_url":"https://x"})", "x"),
         R"({"type":"a2a_preview","base_url":"https://x"})"},
        {make::with(make::apply_patch(), R"({"allowed_callers":["programmatic"]})"),
         R"({"type":"apply_patch","allowed_callers":["programmatic"]})"},
    };
    // As a request has them, whose encoder checks the type.
    for (const auto& [tool, wanted] : rows) {
        codec::responses::response_request request;
        request.definition.model = "m";
        request.messages.emplace_back("Hi");
        request.definition.tools.emplace_back(tool);
        const json body = json::parse(codec::responses::encode_response(request).body.reveal());
        BOOST_TEST(body["tools"].at(0) == json::parse(wanted));
    }
}

BOOST_AUTO_TEST_CASE(tools_of_the_threads_protocol_are_converted) {
    const auto type_after = [](const tool& classic) { return std::string(type_of(make::from_classic(classic))); };
    BOOST_TEST(type_after(mcp_tool("L", "https://l.example")) == "mcp");
    BOOST_TEST(type_after(function_tool("f", "", "{}")) == "function");
    BOOST_TEST(type_after(code_interpreter()) == "code_interpreter");
    BOOST_TEST(type_after(bing_custom_search("conn", "news")) == "bing_custom_search_preview");
    BOOST_TEST(type_after(sharepoint_grounding("conn")) == "sharepoint_grounding_preview");
    BOOST_TEST(type_after(fabric_dataagent("conn")) == "fabric_dataagent_preview");
    BOOST_TEST(type_after(openapi("pets", "", "{}", openapi_auth::anonymous())) == "openapi");
    const auto search = std::get<json_tool>(make::from_classic(bing_grounding("conn")));
    BOOST_TEST(json::parse(search.json.text()) == json::parse(R"({"type":"bing_grounding","bing_grounding":
        {"search_configurations":[{"project_connection_id":"conn"}]}})"));
    // What needs resources, or is gone.
    for (const tool& classic : {file_search(), azure_ai_search(), connected_agent("a", "n", "d")})
        BOOST_CHECK_EXCEPTION(make::from_classic(classic), error, [&classic](const error& failure) {
            return failure.code() == errc::invalid_argument &&
                   std::string(failure.what()).find(type_of(classic)) != std::string::npos;
        });
}

BOOST_AUTO_TEST_CASE(tools_of_which_there_may_be_several_have_names) {
    BOOST_TEST(make::custom("sql", "").name == "sql");
    BOOST_TEST(make::tool_namespace("crm", "d", {}).name == "crm");
    BOOST_TEST(make::a2a("conn").name == "conn");
    BOOST_TEST(make::memory_search_preview("store", "s").name == "store");
    BOOST_TEST(make::of_type("x", "", "y").name == "y");
    BOOST_TEST(make::with(make::custom("sql", ""), R"({"async":true})").name == "sql");
}

BOOST_AUTO_TEST_CASE(values_that_the_service_would_reject_are_refused) {
    const std::pair<const char*, std::function<void()>> rows[] = {
        {"type", [] { make::of_type(""); }},
        {"members", [] { make::of_type("x", "[]"); }},
        {"type", [] { make::of_type("x", R"({"type":"y"})"); }},
        {"name", [] { make::with(make::custom("a", ""), R"({"name":"b"})"); }},
        {"display", [] { make::computer_use_preview(0, 1, "linux"); }},
        {"environment", [] { make::computer_use_preview(1, 1, ""); }},
        {"environment", [] { make::shell("local"); }},
        {"name", [] { make::custom("", ""); }},
        {"name", [] { make::tool_namespace("", "d", {}); }},
        {"description", [] { make::tool_namespace("n", "", {}); }},
        {"computer", [] { make::tool_namespace("n", "d", {make::computer()}); }},
        {"parameters", [] { make::client_tool_search("", "7"); }},
        {"vector_store_ids", [] { make::file_search({}); }},
        {"max_num_results", [] { make::file_search({"vs"}, 51); }},
        {"container", [] { make::code_interpreter_in(""); }},
        {"project_connection_id", [] { make::browser_automation(""); }},
        {"project_connection_id", [] { make::a2a(""); }},
        {"project_connection_id", [] { make::web_iq_preview(""); }},
        {"scope", [] { make::memory_search_preview("s", ""); }},
        {"schema", [] { make::capture_structured_outputs("n", "d", ""); }},
        {"UTF-8", [] { make::custom("\xff", ""); }},
    };
    for (const auto& [name, call] : rows) {
        BOOST_CHECK_EXCEPTION(call(), error, [name = name](const error& failure) {
            return failure.code() == errc::invalid_argument &&
                   std::string(failure.what()).find(name) != std::string::npos;
        });
    }
}

BOOST_AUTO_TEST_SUITE_END()
