#include <corun/error.hpp>
#include <corun/json.hpp>
#include <corun/response_format.hpp>
#include <corun/tools.hpp>

#include <boost/test/unit_test.hpp>

#include <limits>
#include <string>
#include <vector>

using namespace corun;

namespace {

template <class Call>
void require_invalid(Call call, std::string_view named) {
    BOOST_CHECK_EXCEPTION(call(), error, [named](const error& problem) {
        return problem.code() == errc::invalid_argument &&
               std::string_view(problem.what()).find(named) != std::string_view::npos;
    });
}

bing_search full_bing_search() {
    bing_search search("c");
    search.market = "en-US";
    search.set_lang = "en";
    search.freshness = "week";
    search.count = 7;
    return search;
}

const function_tool weather("get_weather", "Weather of a city", R"({"type":"object","properties":{}})");

}  // namespace

BOOST_AUTO_TEST_SUITE(tool_factories)

BOOST_AUTO_TEST_CASE(makes_every_tool_as_the_protocol_writes_it) {
    struct row {
        tool made;
        std::string_view type, expected;
    };
    const std::vector<row> rows{
        {code_interpreter(), "code_interpreter", R"({"type":"code_interpreter"})"},
        {azure_ai_search(), "azure_ai_search", R"({"type":"azure_ai_search"})"},
        {file_search(), "file_search", R"({"type":"file_search"})"},
        {file_search(50), "file_search", R"({"type":"file_search","file_search":{"max_num_results":50}})"},
        {file_search({}, ranking_options("auto", 0.5)), "file_search",
         R"({"type":"file_search","file_search":{"ranking_options":{"ranker":"auto","score_threshold":0.5}}})"},
        {file_search(1, ranking_options("r", 0)), "file_search",
         R"({"type":"file_search","file_search":{"max_num_results":1,"ranking_options":{"ranker":"r","score_threshold":0.0}}})"},
        {bing_grounding("c"), "bing_grounding",
         R"({"type":"bing_grounding","bing_grounding":{"search_configurations":[{"connection_id":"c"}]}})"},
        {bing_grounding(full_bing_search()), "bing_grounding",
         R"({"type":"bing_grounding","bing_grounding":{"search_configurations":[{"connection_id":"c","market":"en-US","set_lang":"en","count":7,"freshness":"week"}]}})"},
        {bing_custom_search("c", "i"), "bing_custom_search",
         R"({"type":"bing_custom_search","bing_custom_search":{"search_configurations":[{"connection_id":"c","instance_name":"i"}]}})"},
        {openapi("w", "", R"({"openapi":"3.1.0"})", openapi_auth::anonymous()), "openapi",
         R"({"type":"openapi","openapi":{"name":"w","spec":{"openapi":"3.1.0"},"auth":{"type":"anonymous"}}})"},
        {openapi("w", "d \"q\"", "{}", openapi_auth::connection("c"), {"a", "b"}), "openapi",
         R"({"type":"openapi","openapi":{"name":"w","description":"d \"q\"","spec":{},"auth":{"type":"connection","security_scheme":{"connection_id":"c"}},"default_params":["a","b"]}})"},
        {openapi("w", "d", "{}", openapi_auth::managed_identity("https://a.example")), "openapi",
         R"({"type":"openapi","openapi":{"name":"w","description":"d","spec":{},"auth":{"type":"managed_identity","security_scheme":{"audience":"https://a.example"}}}})"},
        {azure_function(weather, storage_queue("https://q.example", "in"), storage_queue("https://q.example", "out")),
         "azure_function",
         R"({"type":"azure_function","azure_function":{"function":{"name":"get_weather","description":"Weather of a city","parameters":{"type":"object","properties":{}}},"input_binding":{"type":"storage_queue","storage_queue":{"queue_service_endpoint":"https://q.example","queue_name":"in"}},"output_binding":{"type":"storage_queue","storage_queue":{"queue_service_endpoint":"https://q.example","queue_name":"out"}}}})"},
        {connected_agent("asst_2", "bookings", "Books seats."), "connected_agent",
         R"({"type":"connected_agent","connected_agent":{"id":"asst_2","name":"bookings","description":"Books seats."}})"},
        {fabric_dataagent("c"), "fabric_dataagent",
         R"({"type":"fabric_dataagent","fabric_dataagent":{"connections":[{"connection_id":"c"}]}})"},
        {sharepoint_grounding("c"), "sharepoint_grounding",
         R"({"type":"sharepoint_grounding","sharepoint_grounding":{"connections":[{"connection_id":"c"}]}})"},
        {deep_research("o3", "c"), "deep_research",
         R"({"type":"deep_research","deep_research":{"deep_research_model":"o3","bing_grounding_connections":[{"connection_id":"c"}]}})"},
        {browser_automation("c"), "browser_automation",
         R"({"type":"browser_automation","browser_automation":{"connection":{"id":"c"}}})"},
    };
    for (const row& each : rows) {
        BOOST_TEST(type_of(each.made) == each.type);
        BOOST_TEST(std::get<json_tool>(each.made).json == each.expected);
    }
}

BOOST_AUTO_TEST_CASE(sets_one_kind_of_resources_at_a_time) {
    tool_resources resources;
    resources.other["file_search"] = R"({"vector_store_ids":["old"]})";
    azure_ai_search_index index("c", "flights");
    index.query_type = "semantic";
    index.top_k = 5;
    index.filter = "carrier eq 'SK'";
    resources.set_code_interpreter({"f1", "f2"}).set_file_search({"vs_1"}).set_azure_ai_search(index);
    BOOST_TEST(resources.other.size() == 3u);
    BOOST_TEST(resources.other.at("code_interpreter") == R"({"file_ids":["f1","f2"]})");
    BOOST_TEST(resources.other.at("file_search") == R"({"vector_store_ids":["vs_1"]})");
    BOOST_TEST(
        resources.other.at("azure_ai_search") ==
        R"({"indexes":[{"index_connection_id":"c","index_name":"flights","query_type":"semantic","top_k":5,"filter":"carrier eq 'SK'"}]})");
    azure_ai_search_index asset;
    asset.index_asset_id = "azureml://a";
    resources.set_azure_ai_search(asset).set_file_search({});
    BOOST_TEST(resources.other.at("azure_ai_search") == R"({"indexes":[{"index_asset_id":"azureml://a"}]})");
    BOOST_TEST(resources.other.at("file_search") == R"({"vector_store_ids":[]})");
}

BOOST_AUTO_TEST_CASE(makes_choices) {
    const std::vector<std::pair<std::string, std::string_view>> rows{
        {tool_choice::none().json(), R"("none")"},
        {tool_choice::automatic().json(), R"("auto")"},
        {tool_choice::of_type("file_search").json(), R"({"type":"file_search"})"},
        {tool_choice::function("f \"g\"").json(), R"({"type":"function","function":{"name":"f \"g\""}})"},
        {tool_choice::from_json(R"("required")").json(), R"("required")"},
    };
    for (const auto& [choice, expected] : rows) BOOST_TEST(choice == expected);
    BOOST_TEST((tool_choice::none() == tool_choice::from_json("\"none\"")));
}

BOOST_AUTO_TEST_CASE(refuses_what_is_out_of_range_or_not_json) {
    for (const int count : {0, 51, -1}) {
        require_invalid([count] { file_search(count); }, "max_num_results");
        bing_search search("c");
        search.count = count;
        require_invalid([search] { bing_grounding(search); }, "bing_search::count");
        require_invalid([search] { bing_custom_search(search, "i"); }, "bing_search::count");
    }
    for (const double threshold : {-0.1, 1.1, std::numeric_limits<double>::quiet_NaN()})
        require_invalid([threshold] { file_search({}, ranking_options("auto", threshold)); }, "score_threshold");
    for (const std::string text : {"", "[]", "nope", "{"}) {
        require_invalid([&] { openapi("n", "", text, openapi_auth::anonymous()); }, "spec");
        const function_tool function("f", "", text);
        const storage_queue queue("e", "q");
        require_invalid([&] { azure_function(function, queue, queue); }, "parameters");
    }
    tool_resources resources;
    require_invalid([&] { resources.set_code_interpreter(std::vector<std::string>(21, "f")); }, "20 files");
    require_invalid([&] { resources.set_file_search({"a", "b"}); }, "1 vector store");
    BOOST_TEST(resources.empty());
}

BOOST_AUTO_TEST_CASE(refuses_text_that_is_not_utf8_without_quoting_it) {
    const std::string bad = "hunter2\xff";
    const auto quotes = [&](auto call) {
        BOOST_CHECK_EXCEPTION(call(), error, [](const error& problem) {
            const std::string_view what = problem.what();
            return problem.code() == errc::invalid_argument && what.find("UTF-8") != what.npos &&
                   what.find("hunter") == what.npos;
        });
    };
    quotes([&] { connected_agent(bad, "n", "d"); });
    quotes([&] { fabric_dataagent(bad); });
    quotes([&] { tool_choice::function(bad); });
    quotes([&] { tool_resources().set_file_search({bad}); });
}

BOOST_AUTO_TEST_CASE(gives_raw_json_of_whatever_has_some) {
    thread_run run;
    run.raw = R"({"tool_choice":"auto","tools":[{"type":"mcp"}]})";
    BOOST_TEST(to_json(run)["tools"][0]["type"] == "mcp");
    tool_call call;
    call.raw = R"({"id":"c"})";
    call.arguments = R"({"seat":"14A"})";
    BOOST_TEST(to_json(call)["id"] == "c");
    BOOST_TEST(to_json(call.arguments)["seat"] == "14A");
    BOOST_TEST(to_json(response_format::json_object())["type"] == "json_object");
    BOOST_TEST(to_json(tool_choice::none()) == "none");
    BOOST_TEST(to_json("{").is_discarded());
    BOOST_TEST(to_json(event()).is_discarded());
}

BOOST_AUTO_TEST_SUITE_END()
