// The emulator as a service of responses, conversations and agents with versions.
#include "emulated_http.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>

namespace {

using namespace corun;
using namespace corun::test;
using emulator::fault;
using emulator::step;
using names = std::vector<std::string>;
using std::chrono::milliseconds;
using std::chrono::seconds;

const std::string responses_path = "/openai/v1/responses";

/// Names of events, each run of deltas as one.
names folded(const std::vector<sse_event>& events) {
    names result;
    for (const auto& event : events)
        if (result.empty() || result.back() != event.name || !event.name.ends_with(".delta"))
            result.push_back(event.name);
    return result;
}

const names begun{"response.created", "response.in_progress"};
const names said{"response.output_item.added", "response.content_part.added", "response.output_text.delta",
                 "response.output_text.done",  "response.content_part.done",  "response.output_item.done"};
const names listed{"response.output_item.added", "response.mcp_list_tools.in_progress",
                   "response.mcp_list_tools.completed", "response.output_item.done"};
const names called{"response.output_item.added",        "response.mcp_call.in_progress",
                   "response.mcp_call_arguments.delta", "response.mcp_call_arguments.done",
                   "response.mcp_call.completed",       "response.output_item.done"};
const names item_shown{"response.output_item.added", "response.output_item.done"};

names joined(std::initializer_list<names> parts) {
    names all;
    for (const auto& part : parts) all.insert(all.end(), part.begin(), part.end());
    return all;
}

struct responding : emulated_http {
    static json body_for(const std::string& input) {
        json body;
        body["model"] = "gpt-4o";
        body["input"] = input;
        return body;
    }
    /// A body whose input is this one item.
    static json body_with(json item) {
        json body;
        body["model"] = "gpt-4o";
        body["input"] = list(std::move(item));
        return body;
    }
    json respond(const json& body) { return post(responses_path, body); }
    std::vector<sse_event> stream_of(const json& body) { return stream(responses_path, body); }
    std::vector<sse_event> stream_from(const std::string& id, const std::string& after) {
        last = send("GET", responses_path + "/" + id + "?stream=true&starting_after=" + after);
        return events_of(last.body);
    }
    static json response_of(const std::vector<sse_event>& events) { return events.back().value()["response"]; }
    static std::string said_in(const json& response) {
        std::string text;
        for (const auto& item : response["output"])
            if (item["type"] == "message")
                for (const auto& part : item["content"]) text += part.value("text", "");
        return text;
    }
    static names types_in(const json& items) {
        names types;
        for (const auto& item : items) types.push_back(item["type"]);
        return types;
    }
    static json item_in(const json& response, const std::string& type) {
        for (const auto& item : response["output"])
            if (item["type"] == type) return item;
        return nullptr;
    }

    static json function(const std::string& name = "get_weather") {
        json tool = function_tool(name)["function"];
        tool["type"] = "function";
        return tool;
    }
    static json output_for(const json& call, const std::string& output = "sunny") {
        json item;
        item["type"] = call["type"].get<std::string>() + "_output";
        item["call_id"] = call["call_id"];
        item["output"] = output;
        return item;
    }
    json server(const std::string& token, json approval = "never") const {
        json tool = mcp_tool();
        if (!token.empty()) tool["headers"]["Authorization"] = "Bearer " + token;
        if (!approval.is_null()) tool["require_approval"] = std::move(approval);
        return tool;
    }
    json mcp_body(const std::string& token, json approval = "never") const {
        json body = body_for("reserve_seat");
        body["tools"] = list(server(token, std::move(approval)));
        return body;
    }
    static json approval_of(const json& request, bool approve = true) {
        json item;
        item["type"] = "mcp_approval_response";
        item["approval_request_id"] = request["id"];
        item["approve"] = approve;
        return item;
    }
    /// The next request of a client that answers.
    static json answering(json body, const json& response, json item) {
        body["previous_response_id"] = response["id"];
        body["input"] = list(std::move(item));
        return body;
    }

    static json agent_body(const std::string& name, json definition = json::object()) {
        json body;
        if (!name.empty()) body["name"] = name;
        body["definition"] = {{"kind", "prompt"}, {"model", "gpt-4o"}};
        body["definition"].update(definition);
        return body;
    }
    static json by_agent(const std::string& name, const std::string& input = "Hi", const std::string& version = {}) {
        json body;
        body["agent_reference"] = {{"type", "agent_reference"}, {"name", name}};
        if (!version.empty()) body["agent_reference"]["version"] = version;
        body["input"] = input;
        return body;
    }

    struct refusal {
        int status;
        json error;
    };
    refusal refusal_of(const std::string& path, const json& body) {
        const raw_response response = send("POST", path, body.dump());
        return {response.status, json::parse(response.body)["error"]};
    }
    void check_refused(const std::string& path, const json& body, int status, const std::string& message,
                       const json& param = nullptr, const json& code = nullptr) {
        const refusal no = refusal_of(path, body);
        BOOST_TEST(no.status == status);
        BOOST_TEST(no.error["message"].get<std::string>() == message);
        BOOST_TEST(no.error["param"] == param);
        BOOST_TEST(no.error["code"] == code);
    }
    std::string authorization_of(const std::string& method) const {
        for (auto seen = service->mcp_requests().rbegin(); seen != service->mcp_requests().rend(); ++seen)
            if (seen->method == method) return seen->header("authorization");
        return "not asked";
    }
    std::size_t count_of(const std::string& method) const {
        return static_cast<std::size_t>(std::count_if(service->mcp_requests().begin(), service->mcp_requests().end(),
                                                      [&](const auto& seen) { return seen.method == method; }));
    }
    /// Sends a request whose response is looked at later.
    std::shared_ptr<std::optional<raw_response>> send_along(http_request what) {
        auto result = std::make_shared<std::optional<raw_response>>();
        asio::co_spawn(io, exchange_raw(std::move(what)),
                       [result](std::exception_ptr, raw_response response) { *result = std::move(response); });
        return result;
    }
};

struct wrong_body {
    const char* what;
    const char* body;
    const char* message;
    const char* param;
    const char* code;
};
std::ostream& operator<<(std::ostream& out, const wrong_body& one) {
    return out << one.what;
}

const wrong_body wrong_bodies[] = {
    {"unknown member", R"({"model":"m","input":"x","color":"red"})", "Unknown parameter: 'color'.", "color",
     "unknown_parameter"},
    {"headers on an approval",
     R"({"model":"m","input":[{"type":"mcp_approval_response","approval_request_id":"a","approve":true,"headers":{}}]})",
     "Unknown parameter: 'input[0].headers'.", "input[0].headers", "unknown_parameter"},
    {"no model", R"({"input":"x"})", "Missing required parameter: 'model'.", "model", "missing_required_parameter"},
    {"no input", R"({"model":"m"})",
     "One of \"input\" or \"previous_response_id\" or 'prompt' or 'conversation_id' must be provided.", "input",
     "missing_required_parameter"},
    {"model that is a number", R"({"model":7,"input":"x"})",
     "Invalid type for 'model': expected a string, but got an integer instead.", "model", "invalid_type"},
    {"temperature out of range", R"({"model":"m","input":"x","temperature":3})",
     "Invalid 'temperature': decimal above maximum value. Expected a value <= 2.0, but got 3 instead.", "temperature",
     "decimal_above_max_value"},
    {"too few tokens", R"({"model":"m","input":"x","max_output_tokens":15})",
     "Invalid 'max_output_tokens': integer below minimum value. Expected a value >= 16, but got 15 instead.",
     "max_output_tokens", "integer_below_min_value"},
    {"unknown include", R"({"model":"m","input":"x","include":["all"]})",
     "Invalid value: 'all'. Supported values are: 'file_search_call.results', 'web_search_call.results', "
     "'web_search_call.action.sources', 'message.input_image.image_url', 'computer_call_output.output.image_url', "
     "'code_interpreter_call.outputs', 'reasoning.encrypted_content', and 'message.output_text.logprobs'.",
     "include[0]", "invalid_value"},
    {"unknown role", R"({"model":"m","input":[{"role":"robot","content":"x"}]})",
     "Invalid value: 'robot'. Supported values are: 'user', 'assistant', 'system', and 'developer'.", "input[0].role",
     "invalid_value"},
    {"output without a call's id", R"({"model":"m","input":[{"type":"function_call_output","output":"x"}]})",
     "Missing required parameter: 'input[0].call_id'.", "input[0].call_id", "missing_required_parameter"},
    {"both contexts", R"({"model":"m","input":"x","previous_response_id":"resp_1","conversation":"conv_1"})",
     "Mutually exclusive parameters: 'Ensure you are only providing one of: 'previous_response_id' or 'conversation'.",
     nullptr, "mutually_exclusive_parameters"},
    {"previous response that is not there", R"({"model":"m","input":"x","previous_response_id":"resp_1"})",
     "Previous response with id 'resp_1' not found.", "previous_response_id", "previous_response_not_found"},
    {"background that is not stored", R"({"model":"m","input":"x","background":true,"store":false})",
     "Background mode requires 'store' to be true.", "background", nullptr},
    {"options of no stream", R"({"model":"m","input":"x","stream_options":{"include_obfuscation":false}})",
     "The 'stream_options' parameter is only allowed when 'stream' is enabled.", "stream_options", nullptr},
    {"format without a schema", R"({"model":"m","input":"x","text":{"format":{"type":"json_schema","name":"n"}}})",
     "Missing required parameter: 'text.format.schema'.", "text.format.schema", "missing_required_parameter"},
    {"server without a place", R"({"model":"m","input":"x","tools":[{"type":"mcp","server_label":"b"}]})",
     "Missing required parameter: 'tools[0].server_url'.", "tools[0].server_url", "missing_required_parameter"},
    {"label with a blank",
     R"({"model":"m","input":"x","tools":[{"type":"mcp","server_label":"b c","server_url":"u"}]})",
     "Invalid 'tools[0].server_label': 'b c'. Expected to start with a letter and consist of only letters, digits, '-' "
     "and '_'.",
     "tools[0].server_label", "invalid_value"},
    {"two servers of one label",
     R"({"model":"m","input":"x","tools":[{"type":"mcp","server_label":"b","server_url":"u"},{"type":"mcp","server_label":"b","server_url":"v"}]})",
     "Duplicate server label: 'b'.", "tools[1].server_label", "invalid_value"},
    {"header with a line break",
     R"({"model":"m","input":"x","tools":[{"type":"mcp","server_label":"b","server_url":"u","headers":{"X":"1\r\nY: 2"}}]})",
     "Invalid 'tools[0].headers': a value holds a control character.", "tools[0].headers", "invalid_value"},
    {"token twice",
     R"({"model":"m","input":"x","tools":[{"type":"mcp","server_label":"b","server_url":"u","authorization":"t","headers":{"authorization":"t"}}]})",
     "Only one of 'authorization' and the header 'Authorization' can be given.", "tools[0].authorization",
     "mutually_exclusive_parameters"},
    {"output of no call", R"({"model":"m","input":[{"type":"function_call_output","call_id":"call_1","output":"x"}]})",
     "No tool call found for function call output with call_id call_1.", "input", nullptr},
    {"call without an output",
     R"({"model":"m","input":[{"type":"function_call","call_id":"call_1","name":"f","arguments":"{}"}]})",
     "No tool output found for function call call_1.", "input", nullptr},
    {"approval of no request",
     R"({"model":"m","input":[{"type":"mcp_approval_response","approval_request_id":"mcpr_1","approve":true}]})",
     "No approval request found for approval response with id 'mcpr_1'.", "input", nullptr},
    {"agent by its older name", R"({"input":"x","agent":{"type":"agent_reference","name":"a"}})",
     "Unknown parameter: 'agent'.", "agent", "unknown_parameter"},
};

struct wrong_definition {
    const char* member;
    const char* value;
};
std::ostream& operator<<(std::ostream& out, const wrong_definition& one) {
    return out << one.member;
}
const wrong_definition definitions_beside_agent[] = {{"model", R"("m")"},
                                                     {"tools", "[]"},
                                                     {"tool_choice", R"("auto")"},
                                                     {"parallel_tool_calls", "true"},
                                                     {"temperature", "1"},
                                                     {"top_p", "1"},
                                                     {"text", "{}"},
                                                     {"reasoning", "{}"}};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(emulator_responses, responding)

BOOST_AUTO_TEST_CASE(refuses_wrong_bodies) {
    for (const auto& one : wrong_bodies) BOOST_TEST_CONTEXT(one) {
            check_refused(responses_path, json::parse(one.body), 400, one.message,
                          one.param ? json(one.param) : json(nullptr), one.code ? json(one.code) : json(nullptr));
        }
    BOOST_TEST(service->mcp_requests().empty());
}

BOOST_AUTO_TEST_CASE(streams_text_in_the_recorded_order) {
    const auto events = stream_of(body_for("Hi there"));
    BOOST_TEST(last.status == 200);
    BOOST_TEST(last.header("Content-Type") == "text/event-stream; charset=utf-8");
    BOOST_TEST(folded(events) == joined({begun, said, {"response.completed"}}), boost::test_tools::per_element());
    std::string text;
    for (std::size_t i = 0; i != events.size(); ++i) {
        const json event = events[i].value();
        BOOST_TEST(event["sequence_number"] == i);
        BOOST_TEST(event["type"] == events[i].name);
        if (event["type"] == "response.output_text.delta") text += event["delta"];
    }
    BOOST_TEST(text == "You said: Hi there");
    const json response = response_of(events);
    BOOST_TEST(response["status"] == "completed");
    BOOST_TEST(said_in(response) == text);
    BOOST_TEST(response["usage"]["output_tokens"] == 4);
    BOOST_TEST(events[0].value()["response"]["status"] == "in_progress");
    BOOST_TEST(events[0].value()["response"]["output"].empty());
    BOOST_TEST(last.body.find("[DONE]") == std::string::npos);
}

BOOST_AUTO_TEST_CASE(pads_deltas_unless_told_not_to) {
    json body = body_for("Hi");
    const auto padding = [&] {
        const auto events = stream_of(body);
        names pads;
        for (const auto& event : events)
            if (event.name == "response.output_text.delta") {
                const json delta = event.value();
                pads.push_back(delta.contains("obfuscation") ? delta["obfuscation"].get<std::string>() : "none");
            }
        return pads;
    };
    BOOST_TEST(padding() == (names{std::string(13, 'x'), std::string(10, 'x'), std::string(13, 'x')}),
               boost::test_tools::per_element());
    body["stream_options"]["include_obfuscation"] = false;
    BOOST_TEST(padding() == (names{"none", "none", "none"}), boost::test_tools::per_element());
    body.erase("stream_options");
    service->options().obfuscation = false;
    BOOST_TEST(padding() == (names{"none", "none", "none"}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(answers_without_a_stream) {
    const json response = respond(body_for("Hi"));
    BOOST_TEST(response["status"] == "completed");
    BOOST_TEST(said_in(response) == "You said: Hi");
    BOOST_TEST(get(responses_path + "/" + response["id"].get<std::string>()) == response);
    BOOST_TEST(service->requests().front().status == 200);
    BOOST_TEST(response["id"] == service->requests().front().run_id);
}

BOOST_AUTO_TEST_CASE(forgets_what_it_does_not_store_and_what_is_deleted) {
    json body = body_for("Hi");
    body["store"] = false;
    const std::string unkept = respond(body)["id"], kept = respond(body_for("Hi"))["id"];
    BOOST_TEST(send("GET", responses_path + "/" + unkept).status == 404);
    const json gone = accepted(send("DELETE", responses_path + "/" + kept));
    BOOST_TEST(gone["deleted"] == true);
    const raw_response missing = send("GET", responses_path + "/" + kept);
    BOOST_TEST(missing.status == 404);
    BOOST_TEST(json::parse(missing.body)["error"]["message"] == "Response with id '" + kept + "' not found.");
    body["previous_response_id"] = unkept;
    BOOST_TEST(refusal_of(responses_path, body).error["code"] == "previous_response_not_found");
}

BOOST_AUTO_TEST_CASE(lists_input_items_in_pages) {
    json body = body_for("");
    body["input"] = json::array();
    for (const char* text : {"one", "two", "three"}) {
        json message;
        message["role"] = "user";
        message["content"] = text;
        body["input"].push_back(message);
    }
    const std::string path = responses_path + "/" + respond(body)["id"].get<std::string>() + "/input_items";
    const auto texts = [](const json& page) {
        names found;
        for (const auto& item : page["data"]) found.push_back(item["content"][0]["text"]);
        return found;
    };
    json page = get(path);
    BOOST_TEST(texts(page) == (names{"three", "two", "one"}), boost::test_tools::per_element());
    page = get(path + "?order=asc&limit=2");
    BOOST_TEST(texts(page) == (names{"one", "two"}), boost::test_tools::per_element());
    BOOST_TEST(page["has_more"] == true);
    page = get(path + "?order=asc&limit=2&after=" + page["last_id"].get<std::string>());
    BOOST_TEST(texts(page) == (names{"three"}), boost::test_tools::per_element());
    BOOST_TEST(page["has_more"] == false);
}

BOOST_AUTO_TEST_CASE(goes_on_after_outputs_of_functions) {
    service->script("trip", {step::call_function("get_weather", R"({"city":"Oslo"})"),
                             step::call_function("get_weather", R"({"city":"Rome"})"), step::reply("{output}!")});
    json body = body_for("trip");
    body["tools"] = list(function());
    const auto events = stream_of(body);
    const names call{"response.output_item.added", "response.function_call_arguments.delta",
                     "response.function_call_arguments.done", "response.output_item.done"};
    BOOST_TEST(folded(events) == joined({begun, call, call, {"response.completed"}}), boost::test_tools::per_element());
    const json first = response_of(events);
    BOOST_TEST(first["output"][0]["arguments"] == R"({"city":"Oslo"})");
    BOOST_TEST(first["output"][0]["status"] == "completed");

    json next = answering(body, first, output_for(first["output"][0]));
    check_refused(responses_path, next, 400,
                  "No tool output found for function call " + first["output"][1]["call_id"].get<std::string>() + ".",
                  "input");
    next["input"].push_back(output_for(first["output"][1], "rain"));
    const json second = respond(next);
    BOOST_TEST(said_in(second) == "sunny\nrain!");
    // What has been answered is answered, and a new message begins anew.
    json more = body_for("thanks");
    more["previous_response_id"] = second["id"];
    BOOST_TEST(said_in(respond(more)) == "You said: thanks");
}

BOOST_AUTO_TEST_CASE(calls_one_after_the_other_when_parallel_calls_are_not_wanted) {
    service->script("", {step::call_function("get_weather", "{}"), step::call_function("get_weather", "{}"),
                         step::reply("{output}")});
    json body = body_for("trip");
    body["tools"] = list(function());
    body["parallel_tool_calls"] = false;
    json response = respond(body);
    for (int i = 0; i != 2; ++i) {
        BOOST_TEST(types_in(response["output"]) == (names{"function_call"}), boost::test_tools::per_element());
        response = respond(answering(body, response, output_for(response["output"][0], std::to_string(i))));
    }
    BOOST_TEST(said_in(response) == "1");
}

BOOST_AUTO_TEST_CASE(goes_on_with_a_context_that_the_client_keeps) {
    json body = body_for("get_weather");
    body["tools"] = list(function());
    body["store"] = false;
    const json call = respond(body)["output"][0];
    json user;
    user["role"] = "user";
    user["content"] = "get_weather";
    body["input"] = list(user);
    body["input"].push_back(call);
    body["input"].push_back(output_for(call));
    BOOST_TEST(said_in(respond(body)) == "sunny");
}

BOOST_AUTO_TEST_CASE(calls_custom_tools) {
    json tool;
    tool["type"] = "custom";
    tool["name"] = "run_sql";
    json body = body_for("run_sql");
    body["tools"] = list(tool);
    const auto events = stream_of(body);
    BOOST_TEST(folded(events)[4] == "response.custom_tool_call_input.done");
    const json call = response_of(events)["output"][0];
    BOOST_TEST(call["type"] == "custom_tool_call");
    BOOST_TEST(call["input"] == "run_sql");
    BOOST_TEST(said_in(respond(answering(body, response_of(events), output_for(call, "3 rows")))) == "3 rows");
}

BOOST_AUTO_TEST_CASE(calls_the_function_that_has_to_be_called) {
    json body = body_for("Hi");
    body["tools"] = list(function("one"));
    body["tools"].push_back(function("two"));
    body["tool_choice"] = "required";
    BOOST_TEST(respond(body)["output"][0]["name"] == "one");
    body["tool_choice"] = {{"type", "function"}, {"name", "two"}};
    BOOST_TEST(respond(body)["output"][0]["name"] == "two");
    body["tool_choice"] = "none";
    BOOST_TEST(said_in(respond(body)) == "You said: Hi");
}

BOOST_AUTO_TEST_CASE(shows_everything_that_a_model_can_do) {
    service->script("", {step::reasoning("I think"), step::call_tool("web_search", R"({"query":"seats"})"),
                         step::call_tool("file_search", R"({"queries":["q"],"results":[{"file_id":"f","score":1}]})"),
                         step::call_tool("code_interpreter", R"({"input":"1+1","outputs":[]})"),
                         step::call_tool("image_generation", R"({"partial_images":["YQ==","Yg=="],"result":"Yw=="})"),
                         step::call_tool("azure_ai_search", R"({"input":"x"})"),
                         step::activity(R"({"type":"oauth_consent_request","consent_link":"https://x"})"),
                         step::message(R"([{"type":"text","text":{"value":"[1] here","annotations":[
                             {"type":"url_citation","text":"[1]","start_index":0,"end_index":3,
                              "url_citation":{"url":"https://x","title":"X"}}]}}])"),
                         step::refusal("I will not")});
    json body = body_for("go");
    body["include"] = list("file_search_call.results");
    const auto events = stream_of(body);
    const auto searched = [](const std::string& type, const std::string& middle) {
        return names{"response.output_item.added", "response." + type + ".in_progress",
                     "response." + type + "." + middle, "response." + type + ".completed", "response.output_item.done"};
    };
    BOOST_TEST(folded(events) ==
                   joined({begun,
                           {"response.output_item.added", "response.reasoning_summary_part.added",
                            "response.reasoning_summary_text.delta", "response.reasoning_summary_text.done",
                            "response.reasoning_summary_part.done", "response.output_item.done"},
                           searched("web_search_call", "searching"),
                           searched("file_search_call", "searching"),
                           {"response.output_item.added", "response.code_interpreter_call.in_progress",
                            "response.code_interpreter_call_code.delta", "response.code_interpreter_call_code.done",
                            "response.code_interpreter_call.interpreting", "response.code_interpreter_call.completed",
                            "response.output_item.done"},
                           {"response.output_item.added", "response.image_generation_call.in_progress",
                            "response.image_generation_call.generating", "response.image_generation_call.partial_image",
                            "response.image_generation_call.partial_image", "response.image_generation_call.completed",
                            "response.output_item.done"},
                           item_shown,
                           item_shown,
                           {"response.output_item.added", "response.content_part.added", "response.output_text.delta",
                            "response.output_text.annotation.added", "response.output_text.done",
                            "response.content_part.done", "response.output_item.done"},
                           {"response.output_item.added", "response.content_part.added", "response.refusal.delta",
                            "response.refusal.done", "response.content_part.done", "response.output_item.done"},
                           {"response.completed"}}),
               boost::test_tools::per_element());
    const json response = response_of(events);
    BOOST_TEST(
        types_in(response["output"]) ==
            (names{"reasoning", "web_search_call", "file_search_call", "code_interpreter_call", "image_generation_call",
                   "azure_ai_search_call", "oauth_consent_request", "message", "message"}),
        boost::test_tools::per_element());
    BOOST_TEST(response["output"][0]["summary"][0]["text"] == "I think");
    BOOST_TEST(response["output"][1]["action"]["query"] == "seats");
    BOOST_TEST(response["output"][2]["results"][0]["file_id"] == "f");
    BOOST_TEST(response["output"][3]["code"] == "1+1");
    BOOST_TEST(response["output"][4]["result"] == "Yw==");
    BOOST_TEST(!response["output"][4].contains("partial_images"));
    const json citation = response["output"][7]["content"][0]["annotations"][0];
    BOOST_TEST(citation ==
               json::parse(R"({"type":"url_citation","start_index":0,"end_index":3,"url":"https://x","title":"X"})"));
    BOOST_TEST(response["output"][8]["content"][0]["refusal"] == "I will not");
    BOOST_TEST(response["usage"]["output_tokens_details"]["reasoning_tokens"] == 3);
}

BOOST_AUTO_TEST_CASE(is_driven_by_the_same_script_as_a_run) {
    service->script("", {step::reasoning("hm"), step::refusal("no"), step::call_function("get_weather", "{}"),
                         step::reply("{output}")});
    json run = run_body(make_agent(list(function_tool())), "go");
    const auto events = stream("/threads/runs", run);
    BOOST_TEST(text_of(events) == "no");
    BOOST_TEST(events[events.size() - 2].name == "thread.run.requires_action");
    json body = body_for("go");
    body["tools"] = list(function());
    const json response = respond(body);
    BOOST_TEST(types_in(response["output"]) == (names{"reasoning", "message", "function_call"}),
               boost::test_tools::per_element());
    BOOST_TEST(said_in(respond(answering(body, response, output_for(response["output"][2])))) == "sunny");
}

BOOST_AUTO_TEST_CASE(completes_where_an_action_of_another_kind_is_required) {
    service->script(
        "", {step::require_action("oauth_consent_request", R"({"consent_link":"https://x"})"), step::reply("welcome")});
    const json first = respond(body_for("go"));
    BOOST_TEST(first["output"][0]["consent_link"] == "https://x");
    BOOST_TEST(types_in(first["output"]) == (names{"oauth_consent_request"}), boost::test_tools::per_element());
    json next = body_for("");
    next["input"] = json::array();
    next["previous_response_id"] = first["id"];
    BOOST_TEST(said_in(respond(next)) == "welcome");
}

BOOST_AUTO_TEST_CASE(stops_short_at_the_limit_of_tokens) {
    json body = body_for("tokens(20)");
    body["max_output_tokens"] = 16;
    const auto events = stream_of(body);
    BOOST_TEST(events.back().name == "response.incomplete");
    const json response = response_of(events);
    BOOST_TEST(response["incomplete_details"]["reason"] == "max_output_tokens");
    BOOST_TEST(response["output"][0]["status"] == "incomplete");
    BOOST_TEST(response["usage"]["output_tokens"] == 16);
    service->script("", {step::incomplete("content_filter")});
    BOOST_TEST(respond(body_for("x"))["incomplete_details"]["reason"] == "content_filter");
}

BOOST_AUTO_TEST_CASE(fails_as_it_is_told) {
    service->script("", {step::fail("server_error", "It broke.")});
    const auto events = stream_of(body_for("x"));
    BOOST_TEST(names_of(events) == joined({begun, {"response.failed"}}), boost::test_tools::per_element());
    const json response = response_of(events);
    BOOST_TEST(response["status"] == "failed");
    BOOST_TEST(response["error"] == json::parse(R"({"code":"server_error","message":"It broke."})"));
    BOOST_TEST(respond(body_for("x"))["status"] == "failed");
}

BOOST_AUTO_TEST_CASE(says_in_each_form_that_a_rate_limit_is_exceeded) {
    service->script("", {step::reply("Well"), step::fail("rate_limit_exceeded", "Try again in 7 seconds.")});
    service->options().retry_after = seconds(7);
    auto events = stream_of(body_for("x"));
    BOOST_TEST(last.status == 200);
    BOOST_TEST(folded(events) == joined({begun, said, {"response.failed", "error"}}), boost::test_tools::per_element());
    BOOST_TEST(value_of(events, "response.failed")["response"]["error"].is_null());
    BOOST_TEST(events.back().value()["error"] ==
               json::parse(R"({"type":"too_many_requests","code":"rate_limit_exceeded",
                               "message":"Try again in 7 seconds.","param":null,"headers":{"retry-after":"7"}})"));

    service->options().error_events = emulator::error_events::flat;
    events = stream_of(body_for("x"));
    json error = events.back().value();
    BOOST_TEST(error["code"] == "rate_limit_exceeded");
    BOOST_TEST(!error.contains("error"));

    service->options().rate_limits = emulator::rate_limits::failed;
    events = stream_of(body_for("x"));
    BOOST_TEST(events.back().name == "response.failed");
    BOOST_TEST(response_of(events)["error"]["code"] == "rate_limit_exceeded");

    const raw_response refused = send("POST", responses_path, body_for("x").dump());
    BOOST_TEST(refused.status == 429);
    BOOST_TEST(refused.header("Retry-After") == "7");
    BOOST_TEST(json::parse(refused.body)["error"]["type"] == "too_many_requests");
    BOOST_TEST(service->requests().back().status == 429);
}

BOOST_AUTO_TEST_CASE(refuses_with_every_retry_header_by_faults) {
    for (const char* name : {"Retry-After", "retry-after-ms", "x-ms-retry-after-ms", "x-ratelimit-reset-requests"}) {
        service->inject(fault::respond(429, "", {{name, "3"}}).on("POST", responses_path));
        const raw_response refused = send("POST", responses_path, body_for("x").dump());
        BOOST_TEST(refused.status == 429);
        BOOST_TEST(refused.header(name) == "3");
    }
    BOOST_TEST(respond(body_for("x"))["status"] == "completed");
}

BOOST_AUTO_TEST_CASE(writes_streams_otherwise_when_told_to) {
    auto& options = service->options();
    options.event_lines = false;
    stream_of(body_for("x"));
    BOOST_TEST(last.body.find("event:") == std::string::npos);
    BOOST_TEST(last.body.find("data: {\"type\":\"response.completed\"") != std::string::npos);
    options.event_lines = true;
    options.whole_output = false;
    BOOST_TEST(response_of(stream_of(body_for("x")))["output"].empty());
    options.done_marker = true;
    stream_of(body_for("x"));
    BOOST_TEST(last.body.ends_with("data: [DONE]\n\n"));
}

BOOST_AUTO_TEST_CASE(keeps_streams_alive_by_numbered_events) {
    service->options().keepalive = milliseconds(1);
    service->options().pace = milliseconds(5);
    auto events = stream_of(body_for("Hi"));
    const json keepalive = value_of(events, "keepalive");
    BOOST_TEST(keepalive.size() == 2u);
    BOOST_TEST(keepalive["type"] == "keepalive");
    for (std::size_t i = 0; i != events.size(); ++i) BOOST_TEST(events[i].value()["sequence_number"] == i);
    service->options().keepalive_frame = ": still here\n\n";
    events = stream_of(body_for("Hi"));
    BOOST_TEST(last.body.find(": still here\n\n") != std::string::npos);
    BOOST_TEST(value_of(events, "keepalive").is_null());
}

BOOST_AUTO_TEST_CASE(a_bare_v1_expects_a_bearer_token) {
    const std::string root = service->endpoint().substr(0, service->endpoint().find('/', 7));
    client_options options;
    options.protocol = protocol::responses;
    const auto ask = [&](credential by) {
        corun::client there(io.get_executor(), root + "/v1", std::move(by), options);
        return there.local_agent(prompt_agent_definition("gpt-4o"));
    };
    agent keyed = ask(credential::api_key(service->token()));
    try {
        (void)await(io, keyed.run("Hi"));
        BOOST_ERROR("it did not fail");
    } catch (const error& failure) {
        BOOST_TEST(
            failure.what() ==
            "the service rejected the credential: the key was sent as `api-key`; a server that expects a bearer "
            "token needs credential::bearer (HTTP 401, invalid_api_key, \"You didn't provide an API key. You need "
            "to provide your API key in an Authorization header using Bearer auth (i.e. Authorization: Bearer "
            "YOUR_KEY).\", request id " +
                failure.request_id() + ") [unauthorized]");
    }
    BOOST_TEST(await(io, ask(credential::bearer(service->token())).run("Hi")).text() == "You said: Hi");
    service->options().api_key_at_v1 = true;
    BOOST_TEST(await(io, keyed.run("Hi")).text() == "You said: Hi");
    service->options().api_key_at_v1 = false;
    // A wrong bearer token is not explained: it is not the header that is wrong.
    try {
        (void)await(io, ask(credential::bearer("planted-secret-wrong")).run("Hi"));
        BOOST_ERROR("it did not fail");
    } catch (const error& failure) {
        BOOST_TEST(failure.code() == errc::unauthorized);
        BOOST_TEST(failure.details().message.empty());
    }
}

BOOST_AUTO_TEST_CASE(is_reached_as_any_openai_server) {
    service->options().api_key_at_v1 = true;
    const std::string root = service->endpoint().substr(0, service->endpoint().find('/', 7));
    for (const char* base : {"/v1", "/any/prefix/v1"})
        for (const char* key : {"Authorization", "api-key"}) {
            http_request what(root + base + "/responses");
            what.method = "POST";
            what.headers = {{key, (key[0] == 'A' ? "Bearer " : "") + service->token()},
                            {"Content-Type", "application/json"}};
            what.body = body_for("Hi").dump();
            BOOST_TEST(said_in(accepted(send(what))) == "You said: Hi");
            what.body = by_agent("a").dump();
            BOOST_TEST(json::parse(send(what).body)["error"]["code"] == "unknown_parameter");
            what.headers.front().second = "wrong";
            const raw_response refused = send(what);
            BOOST_TEST(refused.status == 401);
            BOOST_TEST(json::parse(refused.body)["error"]["code"] == "invalid_api_key");
        }
    http_request elsewhere(root + "/v1/threads");
    BOOST_TEST(send(elsewhere).status == 404);
    BOOST_TEST(get("/openai/v1/models")["data"].size() == 1u);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_FIXTURE_TEST_SUITE(emulator_conversations, responding)

BOOST_AUTO_TEST_CASE(keeps_conversations) {
    const std::string path = "/openai/v1/conversations";
    json body;
    body["metadata"]["topic"] = "seats";
    json conversation = post(path, body);
    const std::string here = path + "/" + conversation["id"].get<std::string>();
    BOOST_TEST(conversation["object"] == "conversation");
    BOOST_TEST(get(here)["metadata"]["topic"] == "seats");
    body["metadata"]["topic"] = "meals";
    BOOST_TEST(post(here, body)["metadata"]["topic"] == "meals");

    json items;
    items["items"] = json::array();
    for (int i = 0; i != 3; ++i) items["items"].push_back({{"role", "user"}, {"content", std::to_string(i)}});
    const json added = post(here + "/items", items);
    BOOST_TEST(added["data"].size() == 3u);
    const std::string first = added["first_id"];
    BOOST_TEST(get(here + "/items/" + first)["content"][0]["text"] == "0");
    names seen;
    std::string after;
    do {
        const json page = get(here + "/items?order=asc&limit=2" + (after.empty() ? "" : "&after=" + after));
        for (const auto& item : page["data"]) seen.push_back(item["content"][0]["text"]);
        after = page["has_more"] == true ? page["last_id"].get<std::string>() : "";
    } while (!after.empty());
    BOOST_TEST(seen == (names{"0", "1", "2"}), boost::test_tools::per_element());
    BOOST_TEST(get(here + "/items")["data"][0]["content"][0]["text"] == "2");
    BOOST_TEST(accepted(send("DELETE", here + "/items/" + first))["id"] == conversation["id"]);
    BOOST_TEST(send("GET", here + "/items/" + first).status == 404);
    json twice;
    twice["items"] = json::array();
    for (int i = 0; i != 21; ++i) twice["items"].push_back({{"role", "user"}, {"content", "x"}});
    BOOST_TEST(refusal_of(here + "/items", twice).error["code"] == "array_above_max_length");
    BOOST_TEST(accepted(send("DELETE", here))["object"] == "conversation.deleted");
    BOOST_TEST(send("GET", here).status == 404);
    json response = body_for("x");
    response["conversation"] = conversation["id"];
    BOOST_TEST(refusal_of(responses_path, response).status == 404);
}

BOOST_AUTO_TEST_CASE(goes_on_in_a_conversation) {
    const json conversation = post("/openai/v1/conversations", json::object());
    const std::string items = "/openai/v1/conversations/" + conversation["id"].get<std::string>() + "/items";
    json body = body_for("get_weather");
    body["tools"] = list(function());
    body["conversation"]["id"] = conversation["id"];
    const json first = respond(body);
    BOOST_TEST(first["conversation"]["id"] == conversation["id"]);
    BOOST_TEST(types_in(get(items + "?order=asc")["data"]) == (names{"message", "function_call"}),
               boost::test_tools::per_element());
    check_refused(responses_path, body, 400,
                  "No tool output found for function call " + first["output"][0]["call_id"].get<std::string>() + ".",
                  "input");
    body["input"] = list(output_for(first["output"][0]));
    BOOST_TEST(said_in(respond(body)) == "sunny");
    BOOST_TEST(types_in(get(items + "?order=asc")["data"]) ==
                   (names{"message", "function_call", "function_call_output", "message"}),
               boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(takes_one_response_at_a_time) {
    service->script("wait", {step::hold()});
    json body = body_for("wait");
    body["conversation"] = post("/openai/v1/conversations", json::object())["id"];
    body["background"] = true;
    const json held = respond(body);
    body["input"] = "Hi";
    check_refused(responses_path, body, 400,
                  "Another process is currently operating on this conversation. Please retry in a few seconds.",
                  nullptr, "conversation_locked");
    post(responses_path + "/" + held["id"].get<std::string>() + "/cancel", json::object());
    BOOST_TEST(respond(body)["status"] == "queued");
}

BOOST_AUTO_TEST_CASE(takes_items_by_reference_but_none_twice) {
    const json first = respond(body_for("Hi"));
    json reference;
    reference["type"] = "item_reference";
    reference["id"] = first["output"][0]["id"];
    json body = body_with(reference);
    const json second = respond(body);
    const json input = get(responses_path + "/" + second["id"].get<std::string>() + "/input_items");
    BOOST_TEST(input["data"][0] == first["output"][0]);
    body["previous_response_id"] = first["id"];
    const std::string id = reference["id"];
    check_refused(responses_path, body, 400,
                  "Duplicate item found with id " + id + ". Remove duplicate items from your input and try again.",
                  "input");
    reference["id"] = "msg_none";
    BOOST_TEST(refusal_of(responses_path, body_with(reference)).status == 404);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_FIXTURE_TEST_SUITE(emulator_background, responding)

BOOST_AUTO_TEST_CASE(resumes_after_every_event) {
    json body = body_for("Tell me of seats");
    body["background"] = true;
    const auto whole = stream_of(body);
    BOOST_TEST(
        folded(whole) ==
            joined({{"response.created", "response.queued", "response.in_progress"}, said, {"response.completed"}}),
        boost::test_tools::per_element());
    BOOST_TEST(whole[0].value()["response"]["status"] == "queued");
    const std::string id = response_of(whole)["id"];
    for (std::size_t after = 0; after != whole.size(); ++after) {
        const auto rest = stream_from(id, std::to_string(after));
        BOOST_TEST(rest.size() == whole.size() - after - 1);
        for (std::size_t i = 0; i != rest.size(); ++i) BOOST_TEST(rest[i].data == whole[after + 1 + i].data);
        BOOST_TEST(last.complete);
    }
    last = send("GET", responses_path + "/" + id + "?stream=true");
    BOOST_TEST(events_of(last.body).size() == whole.size());
    BOOST_TEST(send("GET", responses_path + "/" + id + "?stream=true&starting_after=x").status == 400);
}

BOOST_AUTO_TEST_CASE(goes_on_when_its_client_has_left_and_resumes_through_faults) {
    json body = body_for("Tell me of seats");
    body["background"] = true;
    service->inject(fault::cut().after_events(4).on("POST", responses_path));
    std::vector<sse_event> seen = stream_of(body);
    BOOST_TEST(!last.complete);
    BOOST_TEST(seen.size() == 4u);
    const std::string id = seen[0].value()["response"]["id"];
    // A resumed stream is cut, too.
    service->inject(fault::cut().after_events(2).on("GET", responses_path + "/*"));
    while (seen.back().name != "response.completed") {
        const auto more = stream_from(id, seen.back().value()["sequence_number"].dump());
        BOOST_REQUIRE(!more.empty());
        seen.insert(seen.end(), more.begin(), more.end());
    }
    for (std::size_t i = 0; i != seen.size(); ++i) BOOST_TEST(seen[i].value()["sequence_number"] == i);
}

BOOST_AUTO_TEST_CASE(resumes_a_stream_that_still_goes_on) {
    service->script("", {step::reply("one two"), step::hold()});
    json body = body_for("x");
    body["background"] = true;
    service->options().cancelled_event = true;
    service->inject(fault::cut().after("response.in_progress"));
    const auto begun_events = stream_of(body);
    const std::string id = begun_events[0].value()["response"]["id"];
    const auto resumed = send_along(request("GET", responses_path + "/" + id + "?stream=true&starting_after=2"));
    run_ready(io);
    BOOST_TEST(!resumed->has_value());
    const json cancelled = post(responses_path + "/" + id + "/cancel", json::object());
    BOOST_TEST(cancelled["status"] == "cancelled");
    run_until(io, [&] { return resumed->has_value(); });
    const auto events = events_of((*resumed)->body);
    BOOST_TEST(folded(events) == joined({said, {"response.cancelled"}}), boost::test_tools::per_element());
    BOOST_TEST(events[0].value()["sequence_number"] == 3);
}

BOOST_AUTO_TEST_CASE(cancels_what_is_in_the_background_only) {
    const json done = respond(body_for("x"));
    check_refused(responses_path + "/" + done["id"].get<std::string>() + "/cancel", json::object(), 400,
                  "Cannot cancel a synchronous response.");
    service->script("", {step::reply("one"), step::hold()});
    json body = body_for("x");
    body["background"] = true;
    const std::string path = responses_path + "/" + respond(body)["id"].get<std::string>();
    run_ready(io);
    BOOST_TEST(get(path)["status"] == "in_progress");
    for (int i = 0; i != 2; ++i) BOOST_TEST(post(path + "/cancel", json::object())["status"] == "cancelled");
    run_ready(io);
    const json response = get(path);
    BOOST_TEST(response["status"] == "cancelled");
    BOOST_TEST(said_in(response) == "one");
}

BOOST_AUTO_TEST_CASE(ends_the_stream_of_a_cancelled_response_without_a_word) {
    service->script("", {step::hold()});
    json body = body_for("x");
    body["background"] = body["stream"] = true;
    const auto streamed = send_along(request("POST", responses_path, body.dump()));
    run_until(io, [&] { return !service->requests().empty(); });
    run_ready(io);
    post(responses_path + "/" + service->requests().front().run_id + "/cancel", json::object());
    run_until(io, [&] { return streamed->has_value(); });
    BOOST_TEST((*streamed)->complete);
    BOOST_TEST(names_of(events_of((*streamed)->body)) ==
                   (names{"response.created", "response.queued", "response.in_progress"}),
               boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(streams_again_only_what_is_kept) {
    const std::string foreground = response_of(stream_of(body_for("x")))["id"];
    json body = body_for("x");
    body["background"] = true;
    const std::string unstreamed = respond(body)["id"];
    for (const auto& id : {foreground, unstreamed})
        BOOST_TEST(send("GET", responses_path + "/" + id + "?stream=true").status == 400);
    service->options().stream_retrieval = emulator::stream_retrieval::any;
    const auto whole = stream_of(body_for("x"));
    const auto again = stream_from(response_of(whole)["id"], "-1");
    BOOST_TEST(again.size() == whole.size());
}

BOOST_AUTO_TEST_CASE(goes_on_a_stage_each_time_that_it_is_read) {
    service->options().stage_a_read = true;
    json body = body_for("Hi");
    body["background"] = true;
    const std::string path = responses_path + "/" + respond(body)["id"].get<std::string>();
    names seen;
    for (int reads = 0; reads != 100 && (seen.empty() || seen.back() != "completed"); ++reads) {
        run_ready(io);
        const json response = get(path);
        const std::string state = response["status"].get<std::string>() + (response["output"].empty() ? "" : "+");
        if (seen.empty() || seen.back() != state) seen.push_back(state);
        if (state == "completed+") break;
    }
    BOOST_TEST(seen == (names{"queued", "in_progress", "in_progress+", "completed+"}),
               boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(ends_a_foreground_response_whose_client_has_left) {
    service->inject(fault::cut().after("response.in_progress"));
    std::string id = stream_of(body_for("Hi"))[0].value()["response"]["id"];
    run_ready(io);
    BOOST_TEST(said_in(get(responses_path + "/" + id)) == "You said: Hi");

    service->options().client_leaves = emulator::client_leaves::is_cancelled;
    service->script("wait", {step::hold()});
    service->inject(fault::cut().after("response.in_progress"));
    json body = body_for("wait");
    service->options().keepalive = milliseconds(1);
    id = stream_of(body)[0].value()["response"]["id"];
    run_until(io, [&] { return get(responses_path + "/" + id)["status"] != "in_progress"; });
    BOOST_TEST(get(responses_path + "/" + id)["status"] == "cancelled");
}

BOOST_AUTO_TEST_CASE(cancels_a_response_without_a_stream_whose_client_has_left) {
    service->options().client_leaves = emulator::client_leaves::is_cancelled;
    service->script("", {step::hold()});
    auto socket = await(io, send_raw(request("POST", responses_path, body_for("x").dump())));
    run_until(io, [&] { return service->requests().size() == 1; });
    const std::string path = responses_path + "/" + service->requests().front().run_id;
    run_ready(io);
    BOOST_TEST(get(path)["status"] == "in_progress");
    socket.reset();
    run_until(io, [&] { return get(path)["status"] == "cancelled"; });
    BOOST_TEST(get(path)["output"].empty());
}

BOOST_AUTO_TEST_CASE(does_what_is_asked_when_the_answer_gets_lost) {
    service->inject(fault::drop().on("POST", responses_path));
    BOOST_TEST(send("POST", responses_path, body_for("Hi").dump()).status == 0);
    run_ready(io);
    BOOST_TEST(service->requests().front().status == 0);
    BOOST_TEST(said_in(get(responses_path + "/" + service->requests().front().run_id)) == "You said: Hi");
}

BOOST_AUTO_TEST_CASE(does_not_go_on_from_what_has_not_ended) {
    service->script("wait", {step::hold()});
    json body = body_for("wait");
    body["background"] = true;
    const std::string id = respond(body)["id"];
    json next = body_for("Hi");
    next["previous_response_id"] = id;
    check_refused(responses_path, next, 400, "Previous response with id '" + id + "' is still in progress.",
                  "previous_response_id");
    // Deleting it ends it.
    BOOST_TEST(accepted(send("DELETE", responses_path + "/" + id))["deleted"] == true);
    BOOST_TEST(send("GET", responses_path + "/" + id).status == 404);
}

BOOST_AUTO_TEST_CASE(stops_with_responses_at_work) {
    service->script("", {step::hold()});
    json body = body_for("x");
    body["background"] = true;
    const std::string id = respond(body)["id"];
    body["stream"] = true;
    const auto background = send_along(request("POST", responses_path, body.dump()));
    body["background"] = false;
    const auto foreground = send_along(request("POST", responses_path, body.dump()));
    body["stream"] = false;
    const auto waiting = send_along(request("POST", responses_path, body.dump()));
    run_until(io, [&] { return service->requests().size() == 4; });
    run_ready(io);
    service->stop();
    run_until(io, [&] { return background->has_value() && foreground->has_value() && waiting->has_value(); });
    for (const auto& one : {background, foreground, waiting}) BOOST_TEST(!(*one)->complete);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_FIXTURE_TEST_SUITE(emulator_responses_mcp, responding)

BOOST_AUTO_TEST_CASE(lists_and_calls_with_the_headers_of_the_request) {
    const auto events = stream_of(mcp_body("good"));
    BOOST_TEST(folded(events) == joined({begun, listed, called, said, {"response.completed"}}),
               boost::test_tools::per_element());
    const json response = response_of(events);
    BOOST_TEST(item_in(response, "mcp_list_tools")["tools"].size() == 2u);
    const json call = item_in(response, "mcp_call");
    BOOST_TEST(call["output"] == R"(reserved {"seat":"reserve_seat"})");
    BOOST_TEST(call["error"].is_null());
    BOOST_TEST(call["output"] == said_in(response));
    BOOST_TEST(authorization_of("tools/list") == "Bearer good");
    BOOST_TEST(authorization_of("tools/call") == "Bearer good");
    const auto& seen = service->mcp_requests().back();
    BOOST_TEST(response["id"] == seen.run_id);
    BOOST_TEST(call["id"] == seen.tool_call_id);

    // Nothing of it is told, nor kept for the next request.
    BOOST_TEST(response["tools"][0]["headers"].is_null());
    BOOST_TEST(last.body.find("Bearer good") == std::string::npos);
    json next = mcp_body("");
    next["previous_response_id"] = response["id"];
    BOOST_TEST(item_in(respond(next), "mcp_call")["error"] ==
               "Error calling tool 'reserve_seat'. Http status code: 401 (Unauthorized)");
    BOOST_TEST(authorization_of("initialize") == "");
}

BOOST_AUTO_TEST_CASE(echoes_headers_as_it_is_told) {
    using emulator::echo_headers;
    json body = mcp_body("");
    body["tools"][0]["authorization"] = "good";
    body["tools"][0]["headers"]["X-Trace"] = "7";
    for (const auto& [how, header, token] :
         {std::tuple{echo_headers::redacted, "***", "***"}, std::tuple{echo_headers::full, "7", "good"}}) {
        service->options().echo_headers = how;
        const json tool = respond(body)["tools"][0];
        BOOST_TEST(tool["headers"]["X-Trace"] == header);
        BOOST_TEST(tool["authorization"] == token);
    }
    service->options().echo_headers = echo_headers::never;
    BOOST_TEST(!respond(body)["tools"][0].contains("authorization"));
    BOOST_TEST(authorization_of("tools/call") == "Bearer good");
}

BOOST_AUTO_TEST_CASE(asks_for_approval_and_goes_on) {
    const json body = mcp_body("good", nullptr);
    const auto events = stream_of(body);
    BOOST_TEST(folded(events) == joined({begun, listed, item_shown, {"response.completed"}}),
               boost::test_tools::per_element());
    const json asked = response_of(events), request = item_in(asked, "mcp_approval_request");
    BOOST_TEST(request["name"] == "reserve_seat");
    BOOST_TEST(count_of("tools/call") == 0u);

    const auto more = stream_of(answering(body, asked, approval_of(request)));
    // The tools are in the context, and not listed again.
    BOOST_TEST(folded(more) == joined({begun, called, said, {"response.completed"}}), boost::test_tools::per_element());
    BOOST_TEST(item_in(response_of(more), "mcp_call")["approval_request_id"] == request["id"]);
    check_refused(responses_path, answering(body, response_of(more), approval_of(request)), 400,
                  "The approval request with id '" + request["id"].get<std::string>() + "' has been answered before.",
                  "input");
    json bare = answering(body, asked, approval_of(request));
    bare.erase("tools");
    BOOST_TEST(refusal_of(responses_path, bare).error["param"] == "tools");

    const json denied = respond(answering(body, asked, approval_of(request, false)));
    BOOST_TEST(types_in(denied["output"]) == (names{"message"}), boost::test_tools::per_element());
    BOOST_TEST(said_in(denied) == "The call of reserve_seat was denied.");

    service->options().lists_tools_each_time = true;
    BOOST_TEST(types_in(respond(answering(body, asked, approval_of(request)))["output"]) ==
                   (names{"mcp_list_tools", "mcp_call", "message"}),
               boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(calls_what_is_approved_with_the_token_of_the_approving_request) {
    mcp->accept_token("short", now() + seconds(60));
    const json body = mcp_body("short", "always");
    const json asked = respond(body);
    const json request = item_in(asked, "mcp_approval_request");
    pass(seconds(61));
    const json stale = respond(answering(body, asked, approval_of(request)));
    BOOST_TEST(item_in(stale, "mcp_call")["output"].is_null());
    BOOST_TEST(item_in(stale, "mcp_call")["error"] ==
               "Error calling tool 'reserve_seat'. Http status code: 401 (Unauthorized)");
    const json fresh = respond(answering(mcp_body("good", "always"), asked, approval_of(request)));
    BOOST_TEST(item_in(fresh, "mcp_call")["output"] == R"(reserved {"seat":"reserve_seat"})");
    BOOST_TEST(authorization_of("tools/call") == "Bearer good");
}

BOOST_AUTO_TEST_CASE(asks_for_the_tools_that_need_approval) {
    service->script("", {step::call_mcp("reserve_seat", "{}"), step::call_mcp("cancel_seat", "{}")});
    const auto types = [&](const char* approval) {
        return types_in(respond(mcp_body("good", json::parse(approval)))["output"]);
    };
    BOOST_TEST(types(R"({"never":{"tool_names":["reserve_seat"]}})") ==
                   (names{"mcp_list_tools", "mcp_call", "mcp_approval_request"}),
               boost::test_tools::per_element());
    BOOST_TEST(types(R"({"always":{"tool_names":["reserve_seat"]}})")[1] == "mcp_approval_request");
    BOOST_TEST(types(R"({"never":{"read_only":true}})")[1] == "mcp_approval_request");
}

BOOST_AUTO_TEST_CASE(shows_only_allowed_tools) {
    json body = mcp_body("good");
    body["tools"][0]["allowed_tools"]["tool_names"] = list("cancel_seat");
    const json tools = item_in(respond(body), "mcp_list_tools")["tools"];
    BOOST_TEST(tools.size() == 1u);
    BOOST_TEST(tools[0]["name"] == "cancel_seat");
}

BOOST_AUTO_TEST_CASE(fails_when_tools_cannot_be_listed) {
    const std::string message =
        "Error retrieving tool list from MCP server: 'bookings'. Http status code: 401 (Unauthorized)";
    auto events = stream_of(mcp_body("wrong"));
    BOOST_TEST(names_of(events) == joined({begun,
                                           {"response.output_item.added", "response.mcp_list_tools.in_progress",
                                            "response.mcp_list_tools.failed", "response.output_item.done", "error",
                                            "response.failed"}}),
               boost::test_tools::per_element());
    BOOST_TEST(value_of(events, "error")["error"]["type"] == "external_connector_error");
    BOOST_TEST(response_of(events)["error"]["message"] == message);
    raw_response refused = send("POST", responses_path, mcp_body("wrong").dump());
    BOOST_TEST(refused.status == 424);
    BOOST_TEST(json::parse(refused.body)["error"]["message"] == message);
    BOOST_TEST(json::parse(refused.body)["error"]["code"] == "http_error");

    service->options().mcp_failure = emulator::mcp_failure::anonymous;
    refused = send("POST", responses_path, mcp_body("wrong").dump());
    BOOST_TEST(refused.status == 500);
    BOOST_TEST(refused.body.find("MCP") == std::string::npos);

    service->options().listing_failure = emulator::listing_failure::goes_on;
    const json response = respond(mcp_body("wrong"));
    BOOST_TEST(item_in(response, "mcp_list_tools")["error"] == message);
    BOOST_TEST(said_in(response) == "You said: reserve_seat");
}

BOOST_AUTO_TEST_CASE(tells_of_a_tool_that_fails_and_goes_on) {
    json body = mcp_body("good");
    body["input"] = "cancel_seat";
    const auto events = stream_of(body);
    BOOST_TEST(!value_of(events, "response.mcp_call.failed").is_null());
    const json call = item_in(response_of(events), "mcp_call");
    BOOST_TEST(call["error"].get<std::string>().find("there is no such seat") != std::string::npos);
    BOOST_TEST(call["output"].is_null());
    BOOST_TEST(response_of(events)["status"] == "completed");
}

BOOST_AUTO_TEST_CASE(takes_no_listed_tools_as_input_unless_told_to) {
    json item;
    item["type"] = "mcp_list_tools";
    item["id"] = "mcpl_1";
    item["server_label"] = "bookings";
    item["tools"] = json::array();
    const auto no = refusal_of(responses_path, body_with(item));
    BOOST_TEST(no.status == 400);
    BOOST_TEST(no.error["message"] == "The provided data does not match the expected schema");
    BOOST_TEST(no.error["param"] == "/");
    BOOST_TEST(no.error["additionalInfo"]["request_id"].is_string());
    service->options().listed_tools_as_input = true;
    BOOST_TEST(respond(body_with(item))["status"] == "completed");
}

BOOST_AUTO_TEST_CASE(mixes_functions_and_servers_in_a_round_when_told_to) {
    service->script("", {step::call_mcp("reserve_seat", "{}"), step::call_function("get_weather", "{}")});
    json body = mcp_body("good", "always");
    body["tools"].push_back(function());
    BOOST_TEST(types_in(respond(body)["output"]) == (names{"mcp_list_tools", "mcp_approval_request"}),
               boost::test_tools::per_element());
    service->options().mixed_rounds = true;
    BOOST_TEST(types_in(respond(body)["output"]) == (names{"mcp_list_tools", "mcp_approval_request", "function_call"}),
               boost::test_tools::per_element());
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_FIXTURE_TEST_SUITE(emulator_agent_versions, responding)

BOOST_AUTO_TEST_CASE(numbers_versions) {
    const json agent = post("/agents", agent_body("travel-desk"));
    BOOST_TEST(agent["versions"]["latest"]["id"] == "travel-desk:1");
    json changed;
    changed["instructions"] = "Be brief.";
    BOOST_TEST(post("/agents/travel-desk/versions", agent_body("", changed))["version"] == "2");
    // Nothing new is no new version.
    BOOST_TEST(post("/agents/travel-desk", agent_body("", changed))["versions"]["latest"]["version"] == "2");
    BOOST_TEST(post("/agents/other/versions", agent_body(""))["id"] == "other:1");
    BOOST_TEST(get("/agents/travel-desk/versions")["data"].size() == 2u);
    BOOST_TEST(get("/agents/travel-desk/versions/1")["definition"]["model"] == "gpt-4o");
    BOOST_TEST(get("/agents?order=asc&limit=1")["has_more"] == true);
    BOOST_TEST(refusal_of("/agents", agent_body("other")).status == 409);
    BOOST_TEST(accepted(send("DELETE", "/agents/travel-desk/versions/1"))["version"] == "1");
    BOOST_TEST(send("GET", "/agents/travel-desk/versions/1").status == 404);
    BOOST_TEST(accepted(send("DELETE", "/agents/travel-desk"))["deleted"] == true);
    BOOST_TEST(send("GET", "/agents/travel-desk").status == 404);
}

BOOST_AUTO_TEST_CASE(needs_its_api_version) {
    http_request what(service->endpoint() + "/agents");
    what.headers.emplace_back("Authorization", "Bearer " + service->token());
    BOOST_TEST(send(what).status == 400);
    what.url += "?api-version=2025-05-01";
    BOOST_TEST(send(what).status == 400);
    http_request plain(service->endpoint() + "/openai/v1/models");
    plain.headers = what.headers;
    BOOST_TEST(send(plain).status == 200);
}

BOOST_AUTO_TEST_CASE(responds_as_an_agent) {
    json definition;
    definition["tools"] = list(function());
    post("/agents", agent_body("travel-desk", definition));
    post("/agents/travel-desk/versions", agent_body(""));
    const json first = respond(by_agent("travel-desk", "get_weather", "1"));
    BOOST_TEST(first["agent_reference"]["version"] == "1");
    BOOST_TEST(first["model"] == "gpt-4o");
    BOOST_TEST(first["output"][0]["type"] == "function_call");
    BOOST_TEST(respond(by_agent("travel-desk", "get_weather"))["output"][0]["type"] == "message");
    BOOST_TEST(refusal_of(responses_path, by_agent("nobody")).status == 404);
    BOOST_TEST(refusal_of(responses_path, by_agent("travel-desk", "Hi", "9")).status == 404);
    service->options().agent_key = emulator::agent_key::agent;
    BOOST_TEST(refusal_of(responses_path, by_agent("travel-desk")).error["param"] == "agent_reference");
    json older = by_agent("travel-desk");
    older["agent"] = older["agent_reference"];
    older.erase("agent_reference");
    BOOST_TEST(respond(older)["agent"]["version"] == "2");
}

BOOST_AUTO_TEST_CASE(refuses_definitions_beside_an_agent) {
    post("/agents", agent_body("travel-desk"));
    for (const auto& one : definitions_beside_agent) BOOST_TEST_CONTEXT(one) {
            json body = by_agent("travel-desk");
            body[one.member] = json::parse(one.value);
            const auto no = refusal_of(responses_path, body);
            BOOST_TEST(no.status == 400);
            json error = no.error;
            BOOST_TEST(error["additionalInfo"]["request_id"].is_string());
            error.erase("additionalInfo");
            BOOST_TEST(error ==
                       json::parse(R"({"code":"invalid_payload","message":"Not allowed when agent is specified.",
                "param":")" + std::string(one.member) +
                                   R"(","type":"invalid_request_error","details":[]})"));
        }
    service->options().agent_overrides = emulator::agent_overrides::ignored;
    json body = by_agent("travel-desk");
    body["model"] = "other";
    BOOST_TEST(respond(body)["model"] == "gpt-4o");
}

BOOST_AUTO_TEST_CASE(refuses_to_store_secrets) {
    const auto stores = [&](const char* name, const char* value) {
        json definition;
        definition["tools"] = list(mcp_tool());
        definition["tools"][0]["headers"][name] = value;
        const raw_response response = send("POST", "/agents/travel-desk/versions", agent_body("", definition).dump());
        if (response.status == 400)
            BOOST_TEST(json::parse(response.body)["error"]["message"] ==
                       "Headers that can include sensitive information are not allowed in the headers property for MCP "
                       "tools. Use project_connection_id instead.");
        return response.status == 200;
    };
    BOOST_TEST(!stores("Authorization", "Bearer secret"));
    BOOST_TEST(!stores("X-Api-Key", "secret"));
    BOOST_TEST(stores("X-Trace", "7"));
    BOOST_TEST(stores("Authorization", "Bearer {{token}}"));
    service->options().agent_headers = emulator::agent_headers::refused;
    BOOST_TEST(!stores("Authorization", "{{token}}"));
    service->options().agent_headers = emulator::agent_headers::accepted;
    BOOST_TEST(stores("Authorization", "Bearer secret"));
    BOOST_TEST(get("/agents/travel-desk")["versions"]["latest"]["definition"]["tools"][0]["headers"].is_null());
}

BOOST_AUTO_TEST_CASE(fills_in_structured_inputs) {
    json definition;
    definition["instructions"] = "Speak {{ language }} to {{name}}.";
    definition["structured_inputs"]["token"]["required"] = true;
    definition["structured_inputs"]["language"]["default_value"] = "Polish";
    definition["structured_inputs"]["name"]["schema"]["type"] = "string";
    definition["tools"] = list(server("{{token}}"));
    post("/agents", agent_body("travel-desk", definition));
    json body = by_agent("travel-desk", "reserve_seat");
    check_refused(responses_path, body, 400, "Missing required structured input: 'token'.", "structured_inputs.token",
                  "invalid_payload");
    body["structured_inputs"]["token"] = "good";
    body["structured_inputs"]["name"] = "Anna";
    const json response = respond(body);
    BOOST_TEST(response["instructions"] == "Speak Polish to Anna.");
    BOOST_TEST(authorization_of("tools/call") == "Bearer good");
    BOOST_TEST(response.dump().find("good") == std::string::npos);
    body["structured_inputs"]["name"] = 7;
    BOOST_TEST(refusal_of(responses_path, body).error["param"] == "structured_inputs.name");
    body["structured_inputs"].erase("name");
    body["structured_inputs"]["color"] = "red";
    BOOST_TEST(refusal_of(responses_path, body).error["param"] == "structured_inputs.color");
    // A token of an earlier request is not kept.
    body["structured_inputs"].erase("color");
    body["structured_inputs"]["token"] = "wrong";
    BOOST_TEST(refusal_of(responses_path, body).status == 424);
}

BOOST_AUTO_TEST_CASE(refuses_a_templated_url_unless_told_to_take_it) {
    json definition;
    definition["structured_inputs"]["url"]["required"] = true;
    definition["tools"] = list(server("{{url}}"));
    definition["tools"][0]["server_url"] = "{{url}}";
    definition["tools"][0]["headers"] = {{"X-Trace", "1"}};
    const auto no = refusal_of("/agents", agent_body("travel-desk", definition));
    BOOST_TEST(no.status == 400);
    BOOST_TEST(no.error["param"] == "definition.tools[0].server_url");
    service->options().templated_server_url = true;
    post("/agents", agent_body("travel-desk", definition));
    json body = by_agent("travel-desk", "reserve_seat");
    body["structured_inputs"]["url"] = mcp->url();
    BOOST_TEST(refusal_of(responses_path, body).error["message"] ==
               "Error retrieving tool list from MCP server: 'bookings'. Http status code: 401 (Unauthorized)");
}

BOOST_AUTO_TEST_CASE(refuses_wrong_agents) {
    const auto param = [&](const json& body) { return refusal_of("/agents", body).error["param"]; };
    BOOST_TEST(param(agent_body("not a name")) == "name");
    BOOST_TEST(param(agent_body("-a")) == "name");
    json body = agent_body("a");
    body["definition"]["kind"] = "dance";
    BOOST_TEST(param(body) == "definition.kind");
    body = agent_body("a");
    body["definition"].erase("model");
    BOOST_TEST(param(body) == "definition.model");
    body = agent_body("a");
    body["definition"]["color"] = "red";
    BOOST_TEST(param(body) == "definition.color");
}

BOOST_AUTO_TEST_SUITE_END()
