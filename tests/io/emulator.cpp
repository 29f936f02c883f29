#include "emulated_http.hpp"
#include <corun/sync_wait.hpp>

#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/post.hpp>
#include <boost/test/unit_test.hpp>

#include <set>

namespace {

using namespace corun;
using namespace corun::test;
using emulator::fault;
using emulator::step;
using names = std::vector<std::string>;

const names message_events{"thread.run.step.created", "thread.run.step.in_progress", "thread.message.created",
                           "thread.message.in_progress", "thread.message.delta"};

/// Names of events, each run of deltas as one.
names folded(const names& all) {
    names result;
    for (const auto& name : all)
        if (result.empty() || result.back() != name || !name.ends_with(".delta")) result.push_back(name);
    return result;
}

names joined(names a, const names& b) {
    a.insert(a.end(), b.begin(), b.end());
    return a;
}

const names text_events =
    joined(joined({"thread.run.created", "thread.run.queued", "thread.run.in_progress"}, message_events),
           {"thread.message.completed", "thread.run.step.completed", "thread.run.completed", "done"});

struct refused_body {
    const char* what;
    const char* path;
    const char* body;
    const char* message;
    const char* param;
    const char* code;
};

std::ostream& operator<<(std::ostream& out, const refused_body& one) {
    return out << one.what;
}

const refused_body refused_bodies[] = {
    {"unknown member", "/assistants", R"({"model":"m","color":"red"})", "Unknown parameter: 'color'.", "color",
     "unknown_parameter"},
    {"approval on a definition", "/assistants",
     R"({"model":"m","tools":[{"type":"mcp","server_label":"b","server_url":"u","require_approval":"never"}]})",
     "Unknown parameter: 'tools[0].require_approval'.", "tools[0].require_approval", "unknown_parameter"},
    {"headers on a definition", "/assistants",
     R"({"model":"m","tools":[{"type":"code_interpreter"},{"type":"mcp","server_label":"b","server_url":"u","headers":{}}]})",
     "Unknown parameter: 'tools[1].headers'.", "tools[1].headers", "unknown_parameter"},
    {"missing model", "/assistants", R"({"name":"n"})", "Missing required parameter: 'model'.", "model",
     "missing_required_parameter"},
    {"missing label", "/assistants", R"({"model":"m","tools":[{"type":"mcp","server_url":"u"}]})",
     "Missing required parameter: 'tools[0].server_label'.", "tools[0].server_label", "missing_required_parameter"},
    {"wrong type", "/assistants", R"({"model":7})",
     "Invalid type for 'model': expected a string, but got an integer instead.", "model", "invalid_type"},
    {"temperature out of range", "/assistants", R"({"model":"m","temperature":3})",
     "Invalid 'temperature': decimal above maximum value. Expected a value <= 2.0, but got 3 instead.", "temperature",
     "decimal_above_max_value"},
    {"unknown approval", "/threads/runs",
     R"({"assistant_id":"a","tool_resources":{"mcp":[{"server_label":"b","headers":{},"require_approval":"sometimes"}]}})",
     "Invalid value: 'sometimes'. Supported values are: 'always', and 'never'.",
     "tool_resources.mcp[0].require_approval", "invalid_value"},
    {"header value that is no string", "/threads/runs",
     R"({"assistant_id":"a","tool_resources":{"mcp":[{"server_label":"b","headers":{"X":1}}]}})",
     "Invalid type for 'tool_resources.mcp[0].headers.X': expected a string, but got an integer instead.",
     "tool_resources.mcp[0].headers.X", "invalid_type"},
    {"header value with a line break", "/threads/runs",
     R"({"assistant_id":"a","tool_resources":{"mcp":[{"server_label":"b","headers":{"X":"1\r\nY: 2"}}]}})",
     "Invalid 'tool_resources.mcp[0].headers': a value holds a control character.", "tool_resources.mcp[0].headers",
     "invalid_value"},
    {"header name with a blank", "/threads/runs",
     R"({"assistant_id":"a","tool_resources":{"mcp":[{"server_label":"b","headers":{"X Y":"1"}}]}})",
     "Invalid 'tool_resources.mcp[0].headers': a name is not one of an HTTP header.", "tool_resources.mcp[0].headers",
     "invalid_value"},
    {"server without headers", "/threads", R"({"tool_resources":{"mcp":[{"server_label":"b"}]}})",
     "Missing required parameter: 'tool_resources.mcp[0].headers'.", "tool_resources.mcp[0].headers",
     "missing_required_parameter"},
    {"headers that are null", "/threads", R"({"tool_resources":{"mcp":[{"server_label":"b","headers":null}]}})",
     "Invalid type for 'tool_resources.mcp[0].headers': expected an object, but got null instead.",
     "tool_resources.mcp[0].headers", "invalid_type"},
    {"empty approval", "/threads/runs",
     R"({"assistant_id":"a","tool_resources":{"mcp":[{"server_label":"b","headers":{},"require_approval":{}}]}})",
     "Invalid 'tool_resources.mcp[0].require_approval': expected 'always' or 'never', but got an empty object instead.",
     "tool_resources.mcp[0].require_approval", "invalid_value"},
    {"header without a name", "/threads", R"({"tool_resources":{"mcp":[{"server_label":"b","headers":{"":"1"}}]}})",
     "Invalid 'tool_resources.mcp[0].headers': a name is not one of an HTTP header.", "tool_resources.mcp[0].headers",
     "invalid_value"},
    {"missing assistant", "/threads/runs", R"({"stream":true})", "Missing required parameter: 'assistant_id'.",
     "assistant_id", "missing_required_parameter"},
    {"additional messages where the thread is new", "/threads/runs", R"({"assistant_id":"a","additional_messages":[]})",
     "Unknown parameter: 'additional_messages'.", "additional_messages", "unknown_parameter"},
    {"too few tokens", "/threads/runs", R"({"assistant_id":"a","max_completion_tokens":100})",
     "Invalid 'max_completion_tokens': integer below minimum value. Expected a value >= 256, but got 100 instead.",
     "max_completion_tokens", "integer_below_min_value"},
    {"system message", "/threads", R"({"messages":[{"role":"system","content":"x"}]})",
     "Invalid value: 'system'. Supported values are: 'user', and 'assistant'.", "messages[0].role", "invalid_value"},
    {"output block as input", "/threads",
     R"({"messages":[{"role":"user","content":[{"type":"text","text":{"value":"x"}}]}]})",
     "Invalid type for 'messages[0].content[0].text': expected a string, but got an object instead.",
     "messages[0].content[0].text", "invalid_type"},
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(emulator_service, emulated_http)

BOOST_AUTO_TEST_CASE(answers_to_its_token_only) {
    http_request without = request("GET", "/assistants");
    without.headers.clear();
    BOOST_TEST(send(without).status == 401);
    without.headers.emplace_back("Authorization", "Bearer wrong");
    BOOST_TEST(send(without).status == 401);
    BOOST_TEST(send("GET", "/assistants").status == 200);
}

BOOST_AUTO_TEST_CASE(insists_on_a_version_that_it_knows) {
    for (const char* query : {"", "?api-version=2024-01-01", "?api-version="}) {
        http_request what(service->endpoint() + "/assistants" + query);
        what.headers.emplace_back("Authorization", "Bearer " + service->token());
        const raw_response response = send(what);
        BOOST_TEST(response.status == 400);
        BOOST_TEST(response.body == R"({"error":{"code":"BadRequest","message":"API version not supported"}})");
    }
}

BOOST_AUTO_TEST_CASE(knows_mcp_from_the_preview_on) {
    json body;
    body["model"] = "m";
    body["tools"] = list(mcp_tool());
    for (const auto& [version, status] :
         {std::pair{"2025-05-01", 400}, std::pair{"2025-05-15-preview", 200}, std::pair{"v1", 200}}) {
        http_request what = request("POST", "/assistants", body.dump());
        what.url = service->endpoint() + "/assistants?api-version=" + version;
        BOOST_TEST(send(what).status == status);
    }
}

BOOST_AUTO_TEST_CASE(decodes_the_keys_of_queries) {
    http_request what(service->endpoint() + "/assistants?api%2Dversion=v1&%6Cimit=1");
    what.headers.emplace_back("Authorization", "Bearer " + service->token());
    make_agent();
    make_agent();
    BOOST_TEST(accepted(send(what))["data"].size() == 1u);
}

BOOST_AUTO_TEST_CASE(names_its_answers) {
    http_request what = request("GET", "/assistants");
    what.headers.emplace_back("x-ms-client-request-id", "my-id");
    const raw_response response = send(what);
    BOOST_TEST(response.header("x-ms-client-request-id") == "my-id");
    BOOST_TEST(response.header("apim-request-id").size() == 36u);
}

BOOST_AUTO_TEST_CASE(refuses_what_it_does_not_know) {
    for (const char* path : {"/", "/nothing", "/threads/x/y/z/u/v/w", "/assistants/a/b"})
        BOOST_TEST(send("GET", path).status == 404);
    const raw_response thread = send("GET", "/threads/thread_x");
    BOOST_TEST(thread.status == 404);
    BOOST_TEST(json::parse(thread.body)["error"]["message"] == "No thread found with id 'thread_x'.");
    BOOST_TEST(send("PATCH", "/assistants").status == 404);
}

BOOST_AUTO_TEST_CASE(refuses_bodies_in_the_words_of_the_service) {
    for (const auto& one : refused_bodies) {
        BOOST_TEST_CONTEXT(one) {
            const raw_response response = send("POST", one.path, one.body);
            BOOST_TEST(response.status == 400);
            const json error = json::parse(response.body)["error"];
            BOOST_TEST(error["message"] == one.message);
            BOOST_TEST(error["type"] == "invalid_request_error");
            BOOST_TEST(error["param"] == one.param);
            BOOST_TEST(error["code"] == one.code);
        }
    }
    BOOST_TEST(send("POST", "/assistants", "{nonsense").status == 400);
    http_request text = request("POST", "/assistants", R"({"model":"m"})");
    text.headers.back().second = "text/plain";
    BOOST_TEST(send(text).status == 415);
}

BOOST_AUTO_TEST_CASE(counts_characters_and_not_bytes) {
    const auto repeated = [](const char* text, std::size_t times) {
        std::string all;
        while (times--) all += text;
        return all;
    };
    for (const char* character : {"x", "\u00e9", "\u6f22", "\U0001f600"}) {
        for (const auto& [extra, status] : {std::pair{0u, 200}, std::pair{1u, 400}}) {
            json name, value, key;
            name["model"] = value["model"] = key["model"] = "m";
            name["name"] = repeated(character, 256 + extra);
            value["metadata"]["k"] = repeated(character, 512 + extra);
            key["metadata"][repeated(character, 64 + extra)] = "v";
            for (const auto& body : {name, value, key})
                BOOST_TEST(send("POST", "/assistants", body.dump()).status == status, character << " and " << extra);
        }
    }
}

BOOST_AUTO_TEST_CASE(keeps_agents) {
    json body = json::parse(R"({"model":"gpt-4o","name":"desk","metadata":{"a":"b"}})");
    body["tools"] = list(mcp_tool());
    const json made = post("/assistants", body);
    BOOST_TEST(made["object"] == "assistant");
    BOOST_TEST(made["created_at"] == 1'766'000'000);
    BOOST_TEST(made["tools"][0]["allowed_tools"].is_null());
    BOOST_TEST(made["temperature"] == 1.0);
    const std::string path = "/assistants/" + made["id"].get<std::string>();
    BOOST_TEST(get(path) == made);
    BOOST_TEST(post(path, json::parse(R"({"name":"other"})"))["name"] == "other");
    BOOST_TEST(get(path)["model"] == "gpt-4o");
    const json gone = accepted(send("DELETE", path));
    BOOST_TEST(gone["object"] == "assistant.deleted");
    BOOST_TEST(gone["deleted"] == true);
    BOOST_TEST(send("GET", path).status == 404);
}

BOOST_AUTO_TEST_CASE(keeps_threads_and_messages) {
    const json made = accepted(send("POST", "/threads"));
    BOOST_TEST(made["object"] == "thread");
    const std::string path = "/threads/" + made["id"].get<std::string>();
    const json message = post(path + "/messages", json::parse(R"({"role":"user","content":"Hi"})"));
    BOOST_TEST(message["content"].dump() == R"([{"type":"text","text":{"value":"Hi","annotations":[]}}])");
    BOOST_TEST(message["thread_id"] == made["id"]);
    const std::string message_path = path + "/messages/" + message["id"].get<std::string>();
    BOOST_TEST(post(message_path, json::parse(R"({"metadata":{"k":"v"}})"))["metadata"]["k"] == "v");
    BOOST_TEST(accepted(send("DELETE", message_path))["object"] == "thread.message.deleted");
    BOOST_TEST(get(path + "/messages")["data"].empty());
    BOOST_TEST(post(path, json::parse(R"({"metadata":{"x":"y"}})"))["metadata"]["x"] == "y");
    BOOST_TEST(accepted(send("DELETE", path))["object"] == "thread.deleted");
    BOOST_TEST(send("GET", path).status == 404);
}

BOOST_AUTO_TEST_CASE(gives_lists_in_pages) {
    names made;
    for (int i = 0; i != 25; ++i) made.push_back(make_agent());
    const auto page = [&](const std::string& query) {
        names ids;
        const json listed = get("/assistants?" + query);
        for (const auto& one : listed["data"]) ids.push_back(one["id"]);
        if (!ids.empty()) {
            BOOST_TEST(listed["first_id"] == ids.front());
            BOOST_TEST(listed["last_id"] == ids.back());
        }
        ids.push_back(listed["has_more"] == true ? "more" : "end");
        return ids;
    };
    BOOST_TEST(page("").size() == 21u);
    BOOST_TEST(page("").front() == made[24]);
    BOOST_TEST(page("").back() == "more");
    BOOST_TEST(page("limit=100").size() == 26u);
    BOOST_TEST(page("limit=2&order=asc") == (names{made[0], made[1], "more"}), boost::test_tools::per_element());
    BOOST_TEST(page("limit=2&order=asc&after=" + made[22]) == (names{made[23], made[24], "end"}),
               boost::test_tools::per_element());
    BOOST_TEST(page("limit=2&after=" + made[5]) == (names{made[4], made[3], "more"}), boost::test_tools::per_element());
    BOOST_TEST(page("limit=2&after=" + made[1]) == (names{made[0], "end"}), boost::test_tools::per_element());
    BOOST_TEST(page("limit=2&before=" + made[20]) == (names{made[22], made[21], "more"}),
               boost::test_tools::per_element());
    BOOST_TEST(page("limit=2&order=asc&before=" + made[1]) == (names{made[0], "end"}),
               boost::test_tools::per_element());
    BOOST_TEST(page("after=" + made[0]) == (names{"end"}), boost::test_tools::per_element());
    for (const char* wrong : {"limit=0", "limit=101", "limit=x", "order=up"})
        BOOST_TEST(send("GET", std::string("/assistants?") + wrong).status == 400);
    BOOST_TEST(send("GET", "/assistants?after=asst_x").status == 404);
}

BOOST_AUTO_TEST_CASE(streams_a_text_run_in_the_order_of_the_service) {
    const auto agent = make_agent();
    const auto events = stream("/threads/" + make_thread() + "/runs", run_in_thread(agent, "Good morning"));
    BOOST_TEST(last.status == 200);
    BOOST_TEST(last.header("Content-Type").starts_with("text/event-stream"));
    BOOST_TEST(last.complete);
    BOOST_TEST(folded(names_of(events)) == text_events, boost::test_tools::per_element());
    BOOST_TEST(text_of(events) == "You said: Good morning");
    BOOST_TEST(events.back().data == "[DONE]");
}

BOOST_AUTO_TEST_CASE(tells_of_the_thread_first_when_the_run_makes_it) {
    const auto events = stream("/threads/runs", run_body(make_agent(), "Hi"));
    BOOST_TEST(folded(names_of(events)) == joined({"thread.created"}, text_events), boost::test_tools::per_element());
    BOOST_TEST(events.front().value()["id"] == events[1].value()["thread_id"]);
}

BOOST_AUTO_TEST_CASE(sends_whole_objects_and_bare_deltas) {
    const auto events = stream("/threads/runs", run_body(make_agent(), "Hi"));
    for (const auto& event : events) {
        if (event.name.find("thread.run.") != 0 || event.name.find("step") != std::string::npos) continue;
        const json run = event.value();
        for (const char* key : {"id",
                                "object",
                                "created_at",
                                "assistant_id",
                                "thread_id",
                                "status",
                                "started_at",
                                "expires_at",
                                "cancelled_at",
                                "failed_at",
                                "completed_at",
                                "required_action",
                                "last_error",
                                "model",
                                "instructions",
                                "tools",
                                "tool_resources",
                                "metadata",
                                "temperature",
                                "top_p",
                                "max_completion_tokens",
                                "max_prompt_tokens",
                                "truncation_strategy",
                                "incomplete_details",
                                "usage",
                                "response_format",
                                "tool_choice",
                                "parallel_tool_calls"})
            BOOST_TEST(run.contains(key), event.name << " lacks " << key);
    }
    const json created = value_of(events, "thread.run.created");
    BOOST_TEST(created["status"] == "queued");
    BOOST_TEST(created["expires_at"] == 1'766'001'800);
    BOOST_TEST(created["usage"].is_null());
    const json completed = value_of(events, "thread.run.completed");
    BOOST_TEST(completed["expires_at"].is_null());
    BOOST_TEST(completed["usage"]["completion_tokens"] == 3);

    const json delta = value_of(events, "thread.message.delta");
    BOOST_TEST(delta["delta"].dump() == R"({"content":[{"index":0,"type":"text","text":{"value":"You"}}]})");
    const json message = value_of(events, "thread.message.completed");
    BOOST_TEST(message["content"][0]["text"]["value"] == "You said: Hi");
    BOOST_TEST(message["run_id"] == created["id"]);

    const json step = value_of(events, "thread.run.step.created");
    BOOST_TEST(step["expires_at"] == 1'766'001'800);
    BOOST_TEST(!step.contains("expired_at"));
    const json listed = get(path_of(created) + "/steps")["data"][0];
    BOOST_TEST(listed["expired_at"].is_null());
    BOOST_TEST(!listed.contains("expires_at"));
    BOOST_TEST(listed["status"] == "completed");
    BOOST_TEST(get(path_of(created) + "/steps/" + step["id"].get<std::string>() +
                   "?include%5B%5D=" + "step_details.tool_calls%5B*%5D.file_search.results%5B*%5D.content") == listed);
}

BOOST_AUTO_TEST_CASE(runs_in_the_background_when_it_does_not_stream) {
    const json run = post("/threads/runs", run_body(make_agent(), "Hi"));
    BOOST_TEST(run["status"] == "queued");
    run_ready(io);
    BOOST_TEST(get(path_of(run))["status"] == "completed");
    const std::string thread = run["thread_id"];
    const json messages = get("/threads/" + thread + "/messages");
    BOOST_TEST(messages["data"].size() == 2u);
    BOOST_TEST(messages["data"][0]["role"] == "assistant");
    BOOST_TEST(messages["data"][0]["content"][0]["text"]["value"] == "You said: Hi");
    BOOST_TEST(get("/threads/" + thread + "/messages?run_id=" + run["id"].get<std::string>())["data"].size() == 1u);
    BOOST_TEST(get("/threads/" + thread + "/runs")["data"].size() == 1u);
}

BOOST_AUTO_TEST_CASE(waits_for_the_outputs_of_functions) {
    const auto agent = make_agent(list(function_tool()));
    const auto first = stream("/threads/runs", run_body(agent, "get_weather please"));
    BOOST_TEST(
        names_of(first) == (names{"thread.created", "thread.run.created", "thread.run.queued", "thread.run.in_progress",
                                  "thread.run.step.created", "thread.run.step.delta", "thread.run.step.delta",
                                  "thread.run.step.delta", "thread.run.requires_action", "done"}),
        boost::test_tools::per_element());
    const json run = value_of(first, "thread.run.requires_action");
    BOOST_TEST(run["required_action"]["type"] == "submit_tool_outputs");
    const json call = run["required_action"]["submit_tool_outputs"]["tool_calls"][0];
    BOOST_TEST(call["function"]["name"] == "get_weather");
    std::string arguments;
    for (const auto& event : first)
        if (event.name == "thread.run.step.delta")
            arguments += event.value()["delta"]["step_details"]["tool_calls"][0]["function"]["arguments"];
    BOOST_TEST(call["function"]["arguments"] == arguments);
    BOOST_TEST(json::parse(arguments)["city"] == "get_weather please");

    const std::string submit = path_of(run) + "/submit_tool_outputs";
    BOOST_TEST(send("POST", submit, R"({})").status == 400);
    BOOST_TEST(send("POST", submit, R"({"tool_outputs":[]})").status == 400);
    BOOST_TEST(send("POST", submit, R"({"tool_outputs":[{"tool_call_id":"call_x","output":"1"}]})").status == 400);
    BOOST_TEST(send("POST", submit, R"({"tool_approvals":[]})").status == 400);
    BOOST_TEST(get(path_of(run))["status"] == "requires_action");

    json outputs;
    outputs["tool_outputs"] = list(json::object());
    outputs["tool_outputs"][0]["tool_call_id"] = call["id"];
    outputs["tool_outputs"][0]["output"] = "-3 degrees";
    const auto second = stream(submit, outputs);
    BOOST_TEST(
        folded(names_of(second)) ==
            joined(joined({"thread.run.step.completed", "thread.run.queued", "thread.run.in_progress"}, message_events),
                   {"thread.message.completed", "thread.run.step.completed", "thread.run.completed", "done"}),
        boost::test_tools::per_element());
    BOOST_TEST(second.front().value()["step_details"]["tool_calls"][0]["function"]["output"] == "-3 degrees");
    BOOST_TEST(text_of(second) == "-3 degrees");
    BOOST_TEST(value_of(second, "thread.run.completed")["id"] == run["id"]);

    const raw_response late = send("POST", submit, outputs.dump());
    BOOST_TEST(late.status == 400);
    BOOST_TEST(json::parse(late.body)["error"]["message"] ==
               "Runs in status \"completed\" do not accept tool outputs.");
}

BOOST_AUTO_TEST_CASE(calls_functions_in_rounds_and_in_parallel) {
    service->script("", {step::call_function("a"), step::call_function("b"), step::reply("so: {output}")});
    json tools = list(function_tool("a"));
    tools.push_back(function_tool("b"));
    const auto first = stream("/threads/runs", run_body(make_agent(tools), "go"));
    const json run = value_of(first, "thread.run.requires_action");
    json outputs;
    outputs["tool_outputs"] = json::array();
    for (const auto& call : run["required_action"]["submit_tool_outputs"]["tool_calls"]) {
        json output;
        output["tool_call_id"] = call["id"];
        output["output"] = "out " + call["function"]["name"].get<std::string>();
        outputs["tool_outputs"].push_back(output);
    }
    BOOST_TEST(outputs["tool_outputs"].size() == 2u);
    post(path_of(run) + "/submit_tool_outputs", outputs);
    run_ready(io);
    BOOST_TEST(get(path_of(run))["status"] == "completed");
    BOOST_TEST(get("/threads/" + run["thread_id"].get<std::string>() +
                   "/messages")["data"][0]["content"][0]["text"]["value"] == "so: out a\nout b");
}

BOOST_AUTO_TEST_CASE(lets_nothing_into_a_thread_with_an_active_run) {
    const auto agent = make_agent(list(function_tool()));
    const json run = value_of(stream("/threads/runs", run_body(agent, "get_weather")), "thread.run.requires_action");
    const std::string thread = run["thread_id"];
    const raw_response message = send("POST", "/threads/" + thread + "/messages", R"({"role":"user","content":"x"})");
    BOOST_TEST(message.status == 400);
    BOOST_TEST(json::parse(message.body)["error"]["message"] ==
               "Can't add messages to " + thread + " while a run " + run["id"].get<std::string>() + " is active.");
    const raw_response second = send("POST", "/threads/" + thread + "/runs", run_in_thread(agent, "x").dump());
    BOOST_TEST(second.status == 400);
    BOOST_TEST(json::parse(second.body)["error"]["message"] ==
               "Thread " + thread + " already has an active run " + run["id"].get<std::string>() + ".");
}

BOOST_AUTO_TEST_CASE(cancels_a_run_that_streams) {
    service->script("wait", {step::reply("I begin"), step::hold()});
    const auto agent = make_agent();
    std::optional<raw_response> streamed;
    json body = run_body(agent, "wait");
    body["stream"] = true;
    asio::co_spawn(io, exchange_raw(request("POST", "/threads/runs", body.dump())),
                   [&](std::exception_ptr, raw_response response) { streamed = std::move(response); });
    run_until(io, [&] { return service->requests().size() == 2; });
    run_ready(io);
    const std::string thread = get("/threads")["data"][0]["id"];
    const json run = get("/threads/" + thread + "/runs")["data"][0];
    BOOST_TEST(run["status"] == "in_progress");
    BOOST_TEST(accepted(send("POST", path_of(run) + "/cancel"))["status"] == "cancelling");
    run_until(io, [&] { return streamed.has_value(); });
    const names all = names_of(events_of(streamed->body));
    BOOST_TEST(names(all.end() - 3, all.end()) == (names{"thread.run.cancelling", "thread.run.cancelled", "done"}),
               boost::test_tools::per_element());
    BOOST_TEST(get(path_of(run))["status"] == "cancelled");
    BOOST_TEST(send("POST", path_of(run) + "/cancel").status == 400);
}

BOOST_AUTO_TEST_CASE(cancels_a_run_that_waits) {
    const auto agent = make_agent(list(function_tool()));
    const json run = value_of(stream("/threads/runs", run_body(agent, "get_weather")), "thread.run.requires_action");
    BOOST_TEST(accepted(send("POST", path_of(run) + "/cancel"))["status"] == "cancelling");
    run_ready(io);
    const json now_cancelled = get(path_of(run));
    BOOST_TEST(now_cancelled["status"] == "cancelled");
    BOOST_TEST(now_cancelled["required_action"].is_null());
    BOOST_TEST(get(path_of(run) + "/steps")["data"][0]["status"] == "cancelled");
}

BOOST_AUTO_TEST_CASE(expires_a_run_that_waits_too_long) {
    const auto agent = make_agent(list(function_tool()));
    const json run = value_of(stream("/threads/runs", run_body(agent, "get_weather")), "thread.run.requires_action");
    pass(std::chrono::seconds(1799));
    BOOST_TEST(get(path_of(run))["status"] == "requires_action");
    pass(std::chrono::seconds(1));
    BOOST_TEST(get(path_of(run))["status"] == "expired");
    json outputs;
    outputs["tool_outputs"] = list(json::object());
    outputs["tool_outputs"][0]["tool_call_id"] = run["required_action"]["submit_tool_outputs"]["tool_calls"][0]["id"];
    outputs["tool_outputs"][0]["output"] = "late";
    BOOST_TEST(send("POST", path_of(run) + "/submit_tool_outputs", outputs.dump()).status == 400);
    BOOST_TEST(stream("/threads/" + run["thread_id"].get<std::string>() + "/runs", run_in_thread(agent, "Hi")).size() >
               5u);
}

BOOST_AUTO_TEST_CASE(expires_a_run_that_streams) {
    service->script("wait", {step::hold()});
    json body = run_body(make_agent(), "wait");
    body["stream"] = true;
    std::optional<raw_response> streamed;
    asio::co_spawn(io, exchange_raw(request("POST", "/threads/runs", body.dump())),
                   [&](std::exception_ptr, raw_response response) { streamed = std::move(response); });
    run_until(io, [&] { return service->requests().size() == 2; });
    run_ready(io);
    pass(std::chrono::seconds(1800));
    const std::string thread = get("/threads")["data"][0]["id"];
    BOOST_TEST(get("/threads/" + thread + "/runs")["data"][0]["status"] == "expired");
    run_until(io, [&] { return streamed.has_value(); });
    const names all = names_of(events_of(streamed->body));
    BOOST_TEST(names(all.end() - 2, all.end()) == (names{"thread.run.expired", "done"}),
               boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(forgets_the_older_half_of_too_many_requests) {
    service->options().recorded_requests = 4;
    for (int i = 0; i != 5; ++i) get("/assistants?limit=" + std::to_string(i + 1));
    BOOST_TEST(service->requests().size() == 3u);
    BOOST_TEST(service->requests().back().query == "limit=5&api-version=v1");
}

BOOST_AUTO_TEST_CASE(fails_and_stops_short_as_scripted) {
    service->script("fail", {step::fail("rate_limit_exceeded", "Rate limit is exceeded. Try again in 7 seconds.")});
    service->script("short", {step::reply("half"), step::incomplete()});
    const auto agent = make_agent();
    const auto failed = stream("/threads/runs", run_body(agent, "fail"));
    BOOST_TEST(failed[failed.size() - 2].name == "thread.run.failed");
    BOOST_TEST(failed[failed.size() - 2].value()["last_error"]["code"] == "rate_limit_exceeded");
    const auto incomplete = stream("/threads/runs", run_body(agent, "short"));
    BOOST_TEST(incomplete[incomplete.size() - 2].name == "thread.run.incomplete");
    BOOST_TEST(incomplete[incomplete.size() - 2].value()["incomplete_details"]["reason"] == "max_completion_tokens");
}

BOOST_AUTO_TEST_CASE(keeps_to_the_token_limit) {
    json body = run_body(make_agent(), "tokens(300)");
    body["max_completion_tokens"] = 256;
    const auto events = stream("/threads/runs", body);
    BOOST_TEST(std::count_if(events.begin(), events.end(),
                             [](const sse_event& e) { return e.name == "thread.message.delta"; }) == 256);
    const names all = names_of(events);
    BOOST_TEST(names(all.end() - 4, all.end()) ==
                   (names{"thread.message.incomplete", "thread.run.step.completed", "thread.run.incomplete", "done"}),
               boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(reads_scripts_from_json) {
    service->load_scripts(
        R"([{"match":"weather","steps":[{"call_function":"f","arguments":{"x":1}},{"reply":"It is {output}."}]},
                              {"match":"many","steps":[{"tokens":3}]}])");
    const auto first = stream("/threads/runs", run_body(make_agent(list(function_tool("f"))), "the weather"));
    BOOST_TEST(value_of(first, "thread.run.requires_action")["required_action"]["submit_tool_outputs"]["tool_calls"][0]
                                                            ["function"]["arguments"] == R"({"x":1})");
    BOOST_TEST(text_of(stream("/threads/runs", run_body(make_agent(), "many"))) == "token0 token1 token2");
    BOOST_CHECK_THROW(service->load_scripts(R"([{"match":"x","steps":[{"dance":1}]}])"), std::invalid_argument);
    BOOST_CHECK_THROW(service->load_scripts("{}"), std::invalid_argument);
}

BOOST_AUTO_TEST_CASE(injects_answers_instead_of_its_own) {
    const auto body = run_body(make_agent(), "Hi").dump();
    service->inject(fault::respond(429, "", {{"Retry-After", "3"}}).on("POST", "/threads/runs").times(2));
    service->inject(fault::respond(502, "<html>Bad Gateway</html>"));
    const raw_response page = send("GET", "/assistants");
    BOOST_TEST(page.status == 502);
    BOOST_TEST(page.header("Content-Type") == "text/html; charset=utf-8");
    for (int i = 0; i != 2; ++i) {
        const raw_response refused = send("POST", "/threads/runs", body);
        BOOST_TEST(refused.status == 429);
        BOOST_TEST(refused.header("Retry-After") == "3");
    }
    BOOST_TEST(send("POST", "/threads/runs", body).status == 200);
}

BOOST_AUTO_TEST_CASE(does_what_is_asked_and_loses_the_answer) {
    const auto agent = make_agent();
    service->inject(fault::drop().on("POST", "/threads/*/runs"));
    const std::string thread = make_thread();
    const raw_response lost = send("POST", "/threads/" + thread + "/runs", run_in_thread(agent, "Hi").dump());
    BOOST_TEST(lost.status == 0);
    BOOST_TEST(lost.reset);
    BOOST_TEST(get("/threads/" + thread + "/runs")["data"].size() == 1u);
}

BOOST_AUTO_TEST_CASE(cuts_streams_where_it_is_told) {
    const auto agent = make_agent();
    const auto whole = stream("/threads/runs", run_body(agent, "Hi"));
    const std::size_t size = last.body.size();
    for (const std::size_t at : {std::size_t{0}, std::size_t{1}, size / 2, size - 1}) {
        BOOST_TEST_CONTEXT("after " << at << " bytes") {
            service->inject(fault::cut().after_bytes(at));
            stream("/threads/runs", run_body(agent, "Hi"));
            BOOST_TEST(last.body.size() == at);
            BOOST_TEST(!last.complete);
            BOOST_TEST(!last.reset);
        }
    }
    service->inject(fault::cut().after_events(3));
    BOOST_TEST(stream("/threads/runs", run_body(agent, "Hi")).size() == 3u);
    service->inject(fault::cut().before("thread.run.completed"));
    BOOST_TEST(stream("/threads/runs", run_body(agent, "Hi")).back().name == "thread.run.step.completed");
    service->inject(fault::reset().after("thread.message.completed"));
    stream("/threads/runs", run_body(agent, "Hi"));
    BOOST_TEST(last.reset);
    BOOST_TEST(!last.complete);

    // Whatever became of the stream, the run has gone on.
    run_ready(io);
    const json threads = get("/threads");
    for (const auto& thread : threads["data"])
        BOOST_TEST(get("/threads/" + thread["id"].get<std::string>() + "/runs")["data"][0]["status"] == "completed");
}

BOOST_AUTO_TEST_CASE(changes_streams_as_it_is_told) {
    const auto agent = make_agent();
    service->inject(fault::insert("event: keepalive\ndata:\n\n").before("thread.message.completed"));
    service->inject(fault::insert(": a comment\n\n").after("thread.run.created"));
    service->inject(fault::omit("done"));
    service->inject(fault::repeat("thread.run.queued"));
    const auto events = stream("/threads/runs", run_body(agent, "Hi"));
    const names all = names_of(events);
    BOOST_TEST(std::count(all.begin(), all.end(), "thread.run.queued") == 2);
    BOOST_TEST(std::count(all.begin(), all.end(), "done") == 0);
    BOOST_TEST(last.body.find("event: keepalive\ndata:\n\nevent: thread.message.completed\n") != std::string::npos);
    BOOST_TEST(last.body.find("\n\n: a comment\n\nevent: thread.run.queued\n") != std::string::npos);
    BOOST_TEST(last.complete);

    service->inject(fault::crlf());
    BOOST_TEST(
        folded(names_of(stream("/threads/runs", run_body(agent, "Hi")))) == joined({"thread.created"}, text_events),
        boost::test_tools::per_element());
    BOOST_TEST(last.body.find("\r\n\r\n") != std::string::npos);

    service->inject(fault::insert("event: thread.message.delta\ndata: {garbage\n\n").after_events(2).times(2));
    for (const bool garbled : {true, true, false}) {
        stream("/threads/runs", run_body(agent, "Hi"));
        BOOST_TEST((last.body.find("{garbage") != std::string::npos) == garbled);
    }
}

BOOST_AUTO_TEST_CASE(stalls_until_the_client_leaves_and_goes_on_without_it) {
    const auto agent = make_agent();
    service->inject(fault::stall().after_events(2));
    json body = run_body(agent, "Hi");
    body["stream"] = true;
    {
        const auto socket = await(io, send_raw(request("POST", "/threads/runs", body.dump())));
        std::string bytes;
        const auto read = [&]() -> asio::awaitable<void> {
            std::string& into = bytes;
            co_await asio::async_read_until(*socket, asio::dynamic_buffer(into), "event: thread.run.created",
                                            asio::use_awaitable);
        };
        await(io, read());
        run_ready(io);
        std::string rest(socket->available(), '\0');
        asio::read(*socket, asio::buffer(rest));
        BOOST_TEST(
            names_of(events_of(parse_response(bytes + rest).body)) == (names{"thread.created", "thread.run.created"}),
            boost::test_tools::per_element());
    }
    run_ready(io);
    const std::string thread = get("/threads")["data"][0]["id"];
    BOOST_TEST(get("/threads/" + thread + "/runs")["data"][0]["status"] == "completed");
}

BOOST_AUTO_TEST_CASE(waits_for_a_client_that_does_not_read) {
    const auto agent = make_agent();
    json body = run_body(agent, "tokens(200000)");
    body["stream"] = true;
    {
        const auto socket = await(io, send_raw(request("POST", "/threads/runs", body.dump())));
        run_ready(io);
        const std::string thread = get("/threads")["data"][0]["id"];
        BOOST_TEST(get("/threads/" + thread + "/runs")["data"][0]["status"] == "in_progress");
        BOOST_TEST(get("/threads/" + thread + "/messages")["data"][0]["status"] == "in_progress");
    }
    run_ready(io);
    const std::string thread = get("/threads")["data"][0]["id"];
    BOOST_TEST(get("/threads/" + thread + "/runs")["data"][0]["status"] == "completed");
}

BOOST_AUTO_TEST_CASE(ends_a_run_whose_client_does_not_read) {
    json body = run_body(make_agent(), "tokens(200000)");
    body["stream"] = true;
    for (const std::string wanted : {"cancelled", "expired"}) {
        BOOST_TEST_CONTEXT(wanted) {
            const auto socket = await(io, send_raw(request("POST", "/threads/runs", body.dump())));
            run_ready(io);
            const std::string thread = "/threads/" + get("/threads")["data"][0]["id"].get<std::string>();
            const json run = get(thread + "/runs")["data"][0];
            BOOST_TEST(run["status"] == "in_progress");
            if (wanted == "cancelled") {
                BOOST_TEST(accepted(send("POST", path_of(run) + "/cancel"))["status"] == "cancelling");
            } else {
                pass(std::chrono::seconds(1800));
                get(path_of(run));
            }
            run_ready(io);
            BOOST_TEST(get(path_of(run))["status"] == wanted);
            BOOST_TEST(get(path_of(run) + "/steps")["data"][0]["status"] == wanted);
            BOOST_TEST(get(thread + "/messages")["data"][0]["status"] == "incomplete");

            const raw_response read = await(io, read_rest(*socket));
            BOOST_TEST(read.complete);
            const auto events = events_of(read.body);
            BOOST_TEST(events[events.size() - 2].name == "thread.run." + wanted);
            BOOST_TEST(text_of(events) ==
                       get(thread + "/messages")["data"][0]["content"][0]["text"]["value"].get<std::string>());
        }
    }
}

BOOST_AUTO_TEST_CASE(goes_on_with_a_run_whose_first_stream_has_not_ended) {
    // Larger than what the sockets hold, so that the client can leave the last event of the stream unread.
    service->script("", {step::call_function("a", R"({"x":")" + std::string(12'000'000, 'x') + R"("})"), step::hold()});
    json body = run_body(make_agent(list(function_tool("a"))), "go");
    body["stream"] = true;
    const auto socket = await(io, send_raw(request("POST", "/threads/runs", body.dump())));
    run_ready(io);
    const std::string runs = "/threads/" + get("/threads")["data"][0]["id"].get<std::string>() + "/runs";
    std::string bytes;
    json run = get(runs)["data"][0];
    while (run["status"] != "requires_action") {
        std::string some(256 * 1024, '\0');
        some.resize(await(io, socket->async_read_some(asio::buffer(some), asio::use_awaitable)));
        bytes += some;
        run_ready(io);
        run = get(runs)["data"][0];
    }
    json outputs;
    outputs["stream"] = true;
    outputs["tool_outputs"] = list(json::object());
    outputs["tool_outputs"][0]["tool_call_id"] = run["required_action"]["submit_tool_outputs"]["tool_calls"][0]["id"];
    outputs["tool_outputs"][0]["output"] = "done";
    const auto second = await(io, send_raw(request("POST", path_of(run) + "/submit_tool_outputs", outputs.dump())));
    // The second stream carries the large call too: both are read while the run goes on.
    std::optional<raw_response> streamed;
    asio::co_spawn(io, read_rest(*second),
                   [&](std::exception_ptr, raw_response response) { streamed = std::move(response); });
    run_until(io, [&] { return get(runs)["data"][0]["status"] == "in_progress"; });
    const raw_response first = await(io, read_rest(*socket, std::move(bytes)));
    BOOST_TEST(first.complete);
    const names all = names_of(events_of(first.body));
    BOOST_TEST(names(all.end() - 2, all.end()) == (names{"thread.run.requires_action", "done"}),
               boost::test_tools::per_element());
    BOOST_TEST(accepted(send("POST", path_of(run) + "/cancel"))["status"] == "cancelling");
    run_until(io, [&] { return streamed.has_value(); });
    const names rest = names_of(events_of(streamed->body));
    BOOST_TEST(names(rest.end() - 3, rest.end()) == (names{"thread.run.cancelling", "thread.run.cancelled", "done"}),
               boost::test_tools::per_element());
    BOOST_TEST(get(path_of(run))["status"] == "cancelled");
}

BOOST_AUTO_TEST_CASE(takes_large_bodies) {
    json body = run_in_thread(make_agent(), "x");
    body["additional_messages"][0]["content"] = std::string(1'400'000, 'x');
    while (body["additional_messages"].size() < 12)
        body["additional_messages"].push_back(json(body["additional_messages"][0]));
    const std::string text = body.dump();
    BOOST_TEST(text.size() > std::size_t{16'000'000});
    BOOST_TEST(send("POST", "/threads/" + make_thread() + "/runs", text).status == 200);
}

BOOST_AUTO_TEST_CASE(doubles_events_as_the_service_was_seen_to) {
    service->options().duplicate_events = true;
    const names all = names_of(stream("/threads/" + make_thread() + "/runs", run_in_thread(make_agent(), "Hi")));
    for (const char* name :
         {"thread.run.created", "thread.run.queued", "thread.run.in_progress", "thread.run.step.created",
          "thread.run.step.in_progress", "thread.message.created", "thread.message.in_progress"})
        BOOST_TEST(std::count(all.begin(), all.end(), name) == 2, name);
    BOOST_TEST(std::count(all.begin(), all.end(), "thread.run.completed") == 1);
}

BOOST_AUTO_TEST_CASE(remembers_the_requests) {
    const auto agent = make_agent();
    BOOST_TEST(service->requests().size() == 1u);
    const auto& seen = service->requests().front();
    BOOST_TEST(seen.method == "POST");
    BOOST_TEST(seen.path == "/assistants");
    BOOST_TEST(seen.query == "api-version=v1");
    BOOST_TEST(seen.header("authorization") == "Bearer emulator");
    BOOST_TEST(json::parse(seen.body)["model"] == "gpt-4o");
    service->forget_requests();
    BOOST_TEST(service->requests().empty());
}

BOOST_AUTO_TEST_CASE(keeps_the_headers_of_the_exchange_with_mcp_servers_its_own) {
    json tool_resources = resources("good");
    json& headers = tool_resources["mcp"][0]["headers"];
    headers["X-Tenant"] = "acme";
    for (const char* name :
         {"Accept", "connection", "Content-Length", "content-type", "Expect", "host", "mcp-protocol-version",
          "Mcp-Session-Id", "Mcp-Method", "transfer-encoding", "TE", "Upgrade"})
        headers[name] = "7";
    json body = run_body(make_agent(list(mcp_tool())), "reserve_seat");
    body["tool_resources"] = std::move(tool_resources);
    const auto events = stream("/threads/runs", body);
    BOOST_TEST(events.back().name == "done");
    BOOST_TEST(value_of(events, "thread.run.completed")["status"] == "completed");
    BOOST_TEST(mcp->calls().size() == 8u);
    for (const auto& call : mcp->calls()) {
        bool has_tenant = false;
        for (const auto& [name, value] : call.headers) {
            BOOST_TEST(value != "7", name);
            has_tenant |= name == "X-Tenant" && value == "acme";
        }
        BOOST_TEST(has_tenant);
    }
}

BOOST_AUTO_TEST_CASE(stops_with_runs_and_connections_open) {
    service->script("wait", {step::hold()});
    const auto agent = make_agent();
    json body = run_body(agent, "wait");
    body["stream"] = true;
    const auto streaming = await(io, send_raw(request("POST", "/threads/runs", body.dump())));
    body["thread"]["messages"][0]["content"] = "tokens(200000)";
    const auto unread = await(io, send_raw(request("POST", "/threads/runs", body.dump())));
    asio::ip::tcp::socket idle(io);
    idle.connect(request("GET", "/").server());
    run_ready(io);
    service->stop();
    mcp->stop();
    // Nothing is left to do: without a stuck connection or run, this returns.
    io.restart();
    io.run();
    BOOST_TEST(io.stopped());
}

BOOST_AUTO_TEST_CASE(run_returns_what_a_coroutine_does_while_the_emulator_listens) {
    asio::io_context context;
    emulator::service listening(context);
    const auto answer = []() -> asio::awaitable<int> { co_return 42; };
    const auto failure = []() -> asio::awaitable<void> {
        throw std::out_of_range("no such seat");
        co_return;
    };
    BOOST_TEST(sync_wait(context, answer()) == 42);
    BOOST_CHECK_THROW(sync_wait(context, failure()), std::out_of_range);
    BOOST_TEST(sync_wait(context, answer()) == 42);
}

BOOST_AUTO_TEST_CASE(a_context_of_its_own_runs_until_it_has_no_more_work) {
    bool ended = false;
    const auto background = [](bool& done) -> asio::awaitable<void> {
        for (int turn = 0; turn != 9; ++turn) co_await asio::post(asio::use_awaitable);
        done = true;
    };
    const auto answer = [&]() -> asio::awaitable<int> {
        asio::co_spawn(co_await asio::this_coro::executor, background(ended), asio::detached);
        co_return 42;
    };
    const auto failure = [&]() -> asio::awaitable<int> {
        asio::co_spawn(co_await asio::this_coro::executor, background(ended), asio::detached);
        throw std::out_of_range("no such seat");
    };
    BOOST_TEST(sync_wait(answer()) == 42);
    BOOST_TEST(std::exchange(ended, false));
    BOOST_CHECK_THROW((void)sync_wait(failure()), std::out_of_range);
    BOOST_TEST(ended);
}

BOOST_AUTO_TEST_CASE(run_reports_a_context_that_is_stopped_and_the_coroutine_may_go_on) {
    asio::io_context context;
    bool resumed = false;
    const auto stops = [&]() -> asio::awaitable<void> {
        context.stop();
        co_await asio::post(context, asio::use_awaitable);
        resumed = true;
    };
    BOOST_CHECK_THROW(sync_wait(context, stops()), std::logic_error);
    BOOST_TEST(!resumed);
    context.restart();
    context.run();
    BOOST_TEST(resumed);
}

BOOST_AUTO_TEST_SUITE_END()
