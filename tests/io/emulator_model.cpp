// What the scripted model can do, as it shows on the wire.
#include "emulated_http.hpp"
#include <corun/json.hpp>

#include <boost/test/unit_test.hpp>

namespace {

using namespace corun;
using namespace corun::test;
using emulator::step;
using names = std::vector<std::string>;

const std::string with_content = "?include%5B%5D=step_details.tool_calls%5B%2A%5D.file_search.results%5B%2A%5D.content";

struct tool_details {
    const char* type;
    const char* details;
    const char* deltas;  ///< Of the member of the type's name, or of `mcp` the call itself.
};

std::ostream& operator<<(std::ostream& out, const tool_details& one) {
    return out << one.type;
}

const tool_details tools[] = {
    {"code_interpreter",
     R"({"input":"1 + 1","outputs":[{"type":"logs","logs":"2"},{"type":"image","image":{"file_id":"f"}}]})",
     R"([{"input":"1 "},{"input":"+ 1"},{"outputs":[{"index":0,"type":"logs","logs":"2"},{"index":1,"type":"image","image":{"file_id":"f"}}]}])"},
    {"file_search",
     R"({"ranking_options":{"ranker":"auto","score_threshold":0.5},"results":[{"file_id":"f","file_name":"a.md","score":0.9}]})",
     R"([{},{"ranking_options":{"ranker":"auto","score_threshold":0.5},"results":[{"file_id":"f","file_name":"a.md","score":0.9}]}])"},
    {"openapi", R"({"name":"seats","arguments":"{}","output":"[]"})",
     R"([{"name":"seats","arguments":"{}"},{"output":"[]"}])"},
    {"bing_grounding", R"({"requesturl":"https://api.bing/search?q=x","response_metadata":"{}"})",
     R"([{"requesturl":"https://api.bing/search?q=x","response_metadata":"{}"}])"},
    {"bing_custom_search", R"({"requesturl":"https://api.bing/custom"})",
     R"([{"requesturl":"https://api.bing/custom"}])"},
    {"azure_ai_search", R"({"input":"seats","output":"row 14"})", R"([{"input":"seats"},{"output":"row 14"}])"},
    {"sharepoint_grounding", R"({"input":"a","output":"b"})", R"([{"input":"a"},{"output":"b"}])"},
    {"fabric_dataagent", R"({"input":"a","output":"b"})", R"([{"input":"a"},{"output":"b"}])"},
    {"azure_function", R"({"name":"f","arguments":"{}","output":"b"})",
     R"([{"name":"f","arguments":"{}"},{"output":"b"}])"},
    {"connected_agent",
     R"({"name":"n","arguments":"a","run_id":"run_2","thread_id":"thread_2","assistant_id":"asst_2","output":"b"})",
     R"([{"name":"n","arguments":"a","run_id":"run_2","thread_id":"thread_2","assistant_id":"asst_2"},{"output":"b"}])"},
    {"deep_research", R"({"input":"a","output":"b"})", R"([{"input":"a"},{"output":"b"}])"},
    {"browser_automation",
     R"({"input":"a","steps":[{"last_step_result":"x","current_state":"y","next_step":"z"}],"output":"b"})",
     R"([{"input":"a","steps":[{"last_step_result":"x","current_state":"y","next_step":"z"}]},{"output":"b"}])"},
    {"mcp", R"({"name":"reserve_seat","arguments":"{}","server_label":"elsewhere","output":"done"})",
     R"([{"name":"reserve_seat","arguments":"{}","server_label":"elsewhere"},{"output":"done"}])"},
    {"function", R"({"name":"f","arguments":"{}","output":null})",
     R"([{"name":"f","arguments":"{}"},{"output":null}])"},
    {"a_tool_of_tomorrow", R"({"anything":[1,{"a":null}]})", R"([{"anything":[1,{"a":null}]}])"},
};

struct scripted : emulated_http {
    std::vector<sse_event> stream_of(std::vector<step> steps, const std::string& agent = {}) {
        service->script("", std::move(steps));
        return stream("/threads/runs", run_body(agent.empty() ? make_agent() : agent, "go"));
    }
    /// The deltas of steps, each of one call.
    static std::vector<json> call_deltas(const std::vector<sse_event>& events) {
        std::vector<json> deltas;
        for (const auto& event : events)
            if (event.name == "thread.run.step.delta")
                deltas.push_back(event.value()["delta"]["step_details"]["tool_calls"][0]);
        return deltas;
    }
    static std::vector<json> contents(const std::vector<sse_event>& events) {
        std::vector<json> deltas;
        for (const auto& event : events)
            if (event.name == "thread.message.delta") deltas.push_back(event.value()["delta"]["content"][0]);
        return deltas;
    }
    static json calls_of(const json& run, const char* action = "submit_tool_outputs") {
        return run["required_action"][action]["tool_calls"];
    }
    static json outputs_for(const json& calls) {
        json body;
        body["tool_outputs"] = json::array();
        for (const auto& call : calls) {
            json output;
            output["tool_call_id"] = call["id"];
            output["output"] = "of " + call["function"]["name"].get<std::string>();
            body["tool_outputs"].push_back(std::move(output));
        }
        return body;
    }
    json steps_of(const json& run, const std::string& query = "?order=asc") {
        return get(path_of(run) + "/steps" + query)["data"];
    }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(emulator_model, scripted)

BOOST_AUTO_TEST_CASE(streams_tool_calls_of_every_kind) {
    const auto agent = make_agent();
    for (const auto& one : tools) {
        BOOST_TEST_CONTEXT(one) {
            const auto events = stream_of({step::call_tool(one.type, one.details), step::reply("done")}, agent);
            const json details = json::parse(one.details), expected = json::parse(one.deltas);
            const bool flat = std::string(one.type) == "mcp";
            const auto deltas = call_deltas(events);
            BOOST_TEST(deltas.size() == expected.size());
            for (std::size_t i = 0; i != std::min(deltas.size(), expected.size()); ++i) {
                BOOST_TEST(deltas[i]["index"] == 0);
                BOOST_TEST(deltas[i]["type"] == one.type);
                for (const auto& [key, value] : expected[i].items())
                    BOOST_TEST((flat ? deltas[i] : deltas[i][one.type])[key] == value);
                if (!flat) BOOST_TEST(deltas[i].contains(one.type) == !expected[i].empty());
                if (!flat && !expected[i].empty()) BOOST_TEST(deltas[i][one.type].size() == expected[i].size());
            }
            const json made = value_of(events, "thread.run.step.created");
            BOOST_TEST(made["step_details"].dump() == R"({"type":"tool_calls","tool_calls":[]})");
            const json call = value_of(events, "thread.run.step.completed")["step_details"]["tool_calls"][0];
            BOOST_TEST(call["id"] == deltas[0]["id"]);
            BOOST_TEST(call["type"] == one.type);
            if (!flat) BOOST_TEST(call[one.type] == details);
            for (const auto& [key, value] : details.items()) BOOST_TEST((flat ? call : call[one.type])[key] == value);
            BOOST_TEST(steps_of(value_of(events, "thread.run.completed"))[0]["step_details"]["tool_calls"][0] == call);
        }
    }
}

BOOST_AUTO_TEST_CASE(calls_tools_in_parallel_and_gives_their_outputs_to_the_model) {
    const auto events = stream_of({step::call_tool("azure_ai_search", R"({"output":"a"})"),
                                   step::call_tool("azure_ai_search", R"({"output":"b"})"),
                                   step::call_tool("deep_research", R"({"output":"c"})")});
    const json steps = steps_of(value_of(events, "thread.run.completed"));
    BOOST_TEST(steps.size() == 3u);
    BOOST_TEST(steps[0]["step_details"]["tool_calls"].size() == 2u);
    BOOST_TEST(steps[1]["step_details"]["tool_calls"].size() == 1u);
    BOOST_TEST(call_deltas(events)[2]["index"] == 1);
    BOOST_TEST(text_of(events) == "c");
}

BOOST_AUTO_TEST_CASE(shows_the_content_of_search_results_to_those_who_ask) {
    service->script(
        "", {step::call_tool("file_search", R"({"results":[{"file_id":"f","content":[{"type":"text","text":"x"}]}]})"),
             step::reply("done")});
    const auto agent = make_agent();
    const auto result_in = [](const json& one) {
        return one["step_details"]["tool_calls"][0]["file_search"]["results"][0];
    };
    for (const bool asked : {false, true}) {
        const auto events =
            stream("/threads/" + make_thread() + "/runs" + (asked ? with_content : ""), run_in_thread(agent, "go"));
        BOOST_TEST(result_in(value_of(events, "thread.run.step.completed")).contains("content") == asked);
        BOOST_TEST(call_deltas(events)[1]["file_search"]["results"][0].contains("content") == asked);
        const json run = value_of(events, "thread.run.completed");
        const json plain = steps_of(run), full = steps_of(run, with_content + "&order=asc");
        BOOST_TEST(!result_in(plain[0]).contains("content"));
        BOOST_TEST(result_in(full[0])["content"][0]["text"] == "x");
        const std::string path = path_of(run) + "/steps/" + plain[0]["id"].get<std::string>();
        BOOST_TEST(get(path) == plain[0]);
        BOOST_TEST(get(path + with_content) == full[0]);
    }
    const raw_response wrong =
        send("POST", "/threads/" + make_thread() + "/runs?include[]=everything", run_in_thread(agent, "go").dump());
    BOOST_TEST(wrong.status == 400);
    BOOST_TEST(json::parse(wrong.body)["error"]["param"] == "include[0]");
}

BOOST_AUTO_TEST_CASE(answers_with_annotations_and_images) {
    const json content = json::parse(R"([
        {"type":"text","text":{"value":"see {message} [1]","annotations":[
            {"type":"url_citation","text":"[1]","start_index":0,"end_index":3,"url_citation":{"url":"https://a","title":"A"}},
            {"type":"file_citation","text":"[1]","file_citation":{"file_id":"f","quote":"q"}},
            {"type":"file_path","text":"[1]","start_index":1,"end_index":2,"file_path":{"file_id":"f"}}]}},
        {"type":"image_file","image_file":{"file_id":"img"}},
        {"type":"text","text":{"value":"that is all"}}])");
    const auto events = stream_of({step::message(content)});
    const json message = value_of(events, "thread.message.completed");
    json expected = content;
    expected[0]["text"]["value"] = "see go [1]";
    expected[2]["text"]["annotations"] = json::array();
    BOOST_TEST(message["content"] == expected);

    const auto deltas = contents(events);
    BOOST_TEST(deltas.size() == 3u + 3u + 1u + 3u);
    for (std::size_t i = 0; i != 3; ++i) {
        const json annotations = deltas[3 + i]["text"]["annotations"];
        BOOST_TEST(deltas[3 + i]["index"] == 0);
        BOOST_TEST(!deltas[3 + i]["text"].contains("value"));
        BOOST_TEST(annotations.size() == 1u);
        BOOST_TEST(annotations[0]["index"] == i);
        for (const auto& [key, value] : content[0]["text"]["annotations"][i].items())
            BOOST_TEST(annotations[0][key] == value);
    }
    BOOST_TEST(deltas[6].dump() == R"({"index":1,"type":"image_file","image_file":{"file_id":"img"}})");
    BOOST_TEST(deltas[7]["index"] == 2);
    BOOST_TEST(deltas[7]["text"]["value"] == "that");

    const json run = value_of(events, "thread.run.completed");
    BOOST_TEST(get("/threads/" + run["thread_id"].get<std::string>() + "/messages")["data"][0]["content"] == expected);
}

BOOST_AUTO_TEST_CASE(shows_activities) {
    const auto events = stream_of({step::activity(R"({"type":"something_new","id":"act_1"})"), step::reply("x")});
    const json shown = value_of(events, "thread.run.step.created");
    BOOST_TEST(shown["type"] == "activities");
    BOOST_TEST(shown["status"] == "completed");
    BOOST_TEST(shown["step_details"].dump() ==
               R"({"type":"activities","activities":[{"type":"something_new","id":"act_1"}]})");
}

BOOST_AUTO_TEST_CASE(calls_round_after_round) {
    json both = list(function_tool("a"));
    both.push_back(function_tool("b"));
    const auto agent = make_agent(both);
    service->script("apart", {step::call_function("a"), step::next_round(), step::call_function("b")});
    service->script("together", {step::call_function("a"), step::call_function("b")});
    for (const bool parallel : {true, false}) {
        json body = run_body(agent, parallel ? "apart" : "together");
        body["parallel_tool_calls"] = parallel;
        json run = value_of(stream("/threads/runs", body), "thread.run.requires_action");
        BOOST_TEST(calls_of(run).size() == 1u);
        BOOST_TEST(calls_of(run)[0]["function"]["name"] == "a");
        run = value_of(stream(path_of(run) + "/submit_tool_outputs", outputs_for(calls_of(run))),
                       "thread.run.requires_action");
        BOOST_TEST(calls_of(run).size() == 1u);
        BOOST_TEST(calls_of(run)[0]["function"]["name"] == "b");
        BOOST_TEST(text_of(stream(path_of(run) + "/submit_tool_outputs", outputs_for(calls_of(run)))) == "of b");
        BOOST_TEST(steps_of(run).size() == 3u);
    }
}

BOOST_AUTO_TEST_CASE(mixes_functions_and_approvals_in_a_round_when_it_is_told) {
    json both = list(function_tool("f"));
    both.push_back(mcp_tool());
    const auto agent = make_agent(both);
    service->script("", {step::call_function("f"), step::call_mcp("reserve_seat"), step::reply("{output}")});
    json body = run_body(agent, "go");
    body["tool_resources"] = resources("good", "always");
    BOOST_TEST(!value_of(stream("/threads/runs", body), "thread.run.requires_action")["required_action"].contains(
        "submit_tool_approval"));

    service->options().mixed_rounds = true;
    const json run = value_of(stream("/threads/runs", body), "thread.run.requires_action");
    BOOST_TEST(run["required_action"]["type"] == "submit_tool_outputs");
    const json functions = calls_of(run), approvals = calls_of(run, "submit_tool_approval");
    BOOST_TEST(functions.size() == 1u);
    BOOST_TEST(approvals.size() == 1u);
    json answers = outputs_for(functions);
    const std::string path = path_of(run) + "/submit_tool_outputs";
    BOOST_TEST(send("POST", path, answers.dump()).status == 400);
    answers["tool_approvals"] = list(json::object());
    answers["tool_approvals"][0]["tool_call_id"] = approvals[0]["id"];
    answers["tool_approvals"][0]["approve"] = true;
    json halves = answers;
    halves.erase("tool_outputs");
    BOOST_TEST(send("POST", path, halves.dump()).status == 400);
    BOOST_TEST(text_of(stream(path, answers)) == "of f\nreserved {\"seat\":\"go\"}");
    BOOST_TEST(steps_of(run)[1]["step_details"]["tool_calls"].size() == 2u);
}

BOOST_AUTO_TEST_CASE(requires_actions_that_nobody_knows) {
    const auto events = stream_of({step::require_action("submit_signature", R"({"document":"d"})")});
    const json run = value_of(events, "thread.run.requires_action");
    BOOST_TEST(run["required_action"].dump() == R"({"type":"submit_signature","submit_signature":{"document":"d"}})");
    BOOST_TEST(events.back().name == "done");
    const raw_response refused = send("POST", path_of(run) + "/submit_tool_outputs", R"({"tool_outputs":[]})");
    BOOST_TEST(refused.status == 400);
    BOOST_TEST(get(path_of(run))["status"] == "requires_action");
    accepted(send("POST", path_of(run) + "/cancel"));
    run_ready(io);
    BOOST_TEST(get(path_of(run))["status"] == "cancelled");
}

BOOST_AUTO_TEST_CASE(keeps_to_the_token_limit_over_all_messages) {
    service->script("", {step::tokens(200), step::tokens(200)});
    json body = run_body(make_agent(), "go");
    body["max_completion_tokens"] = 256;
    const auto events = stream("/threads/runs", body);
    BOOST_TEST(contents(events).size() == 256u);
    BOOST_TEST(value_of(events, "thread.run.incomplete")["usage"]["completion_tokens"] == 256);
}

BOOST_AUTO_TEST_CASE(reads_every_kind_of_step_from_json) {
    service->load_scripts(R"([{"match":"all","steps":[
        {"activity":{"type":"thinking"}},
        {"call_tool":"deep_research","details":{"input":"i","output":"o"}},
        {"next_round":true},
        {"call_tool":"deep_research"},
        {"message":[{"type":"text","text":{"value":"t","annotations":[]}},{"type":"image_file","image_file":{"file_id":"f"}}]},
        {"reply":"r"}, {"tokens":1}, {"call_mcp":"reserve_seat","arguments":{"seat":"1"},"server_label":"bookings"},
        {"call_function":"f","arguments":"{}"}, {"require_action":"x","details":{"y":1}}]},
        {"match":"fail","steps":[{"fail":"server_error","message":"m"}]},
        {"match":"short","steps":[{"incomplete":"max_prompt_tokens"}]},
        {"match":"hold","steps":[{"hold":true}]}])");
    json both = list(function_tool("f"));
    both.push_back(mcp_tool());
    json body = run_body(make_agent(both), "all");
    body["tool_resources"] = resources("good");
    const json run = value_of(stream("/threads/runs", body), "thread.run.requires_action");
    names kinds;
    const json steps = steps_of(run);
    for (const auto& one : steps) {
        const json details = one["step_details"];
        kinds.push_back(details.contains("tool_calls") ? details["tool_calls"][0]["type"] : one["type"]);
    }
    BOOST_TEST(kinds == (names{"activities", "activities", "deep_research", "deep_research", "message_creation",
                               "message_creation", "message_creation", "mcp", "function"}),
               boost::test_tools::per_element());
    const json next = value_of(stream(path_of(run) + "/submit_tool_outputs", outputs_for(calls_of(run))),
                               "thread.run.requires_action");
    BOOST_TEST(next["required_action"].dump() == R"({"type":"x","x":{"y":1}})");
    BOOST_TEST(value_of(stream("/threads/runs", run_body(make_agent(), "fail")),
                        "thread.run.failed")["last_error"]["message"] == "m");
    BOOST_TEST(value_of(stream("/threads/runs", run_body(make_agent(), "short")),
                        "thread.run.incomplete")["incomplete_details"]["reason"] == "max_prompt_tokens");
    for (const char* wrong :
         {R"([{"steps":[{"message":{}}]}])", R"([{"steps":[{"message":[{"type":"text","text":"x"}]}]}])",
          R"([{"steps":[{"message":[{}]}]}])", R"([{"steps":[{"activity":[]}]}])",
          R"([{"steps":[{"call_tool":"x","details":[]}]}])", R"([{"steps":[]}])", R"([{}])",
          R"([{"steps":[{"require_action":"x","details":7}]}])", "nonsense"})
        BOOST_CHECK_THROW(service->load_scripts(wrong), std::invalid_argument);
}

BOOST_AUTO_TEST_SUITE_END()
