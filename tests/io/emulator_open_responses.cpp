// What Open Responses and today's clients of OpenAI ask of the emulator: phases, compaction, counting, newer members.
#include "emulated_http.hpp"

#include <boost/test/unit_test.hpp>

namespace {

using namespace corun::test;
using corun::emulator::step;
using names = std::vector<std::string>;

const std::string responses_path = "/openai/v1/responses";

struct responding : emulated_http {
    static json body_for(json input) {
        json body;
        body["model"] = "gpt-4o";
        body["input"] = std::move(input);
        return body;
    }
    json respond(const json& body) { return post(responses_path, body); }
    static names types_in(const json& items) {
        names types;
        for (const auto& item : items) types.push_back(item["type"]);
        return types;
    }
    json input_items_of(const json& response) {
        return get(responses_path + "/" + response["id"].get<std::string>() + "/input_items?order=asc")["data"];
    }
    json error_of(const std::string& path, const json& body, int status = 400) {
        const raw_response response = send("POST", path, body.dump());
        BOOST_TEST(response.status == status);
        return json::parse(response.body)["error"];
    }
};

BOOST_FIXTURE_TEST_SUITE(open_responses, responding)

BOOST_AUTO_TEST_CASE(shows_members_with_their_defaults) {
    const json response = respond(body_for("Hi"));
    for (const char* name : {"presence_penalty", "frequency_penalty"}) BOOST_TEST(response[name] == 0.0);
    for (const char* name : {"moderation", "access_programs", "safety_identifier", "prompt_cache_key"})
        BOOST_TEST(response.at(name).is_null());
    BOOST_TEST(response["usage"]["input_tokens_details"]["cache_write_tokens"] == 0);
    for (const char* name : {"prompt_cache_options", "image", "prompt"}) BOOST_TEST(!response.contains(name));
}

BOOST_AUTO_TEST_CASE(takes_the_members_of_newer_requests) {
    json body = body_for("Hi");
    body.update(json::parse(R"({"presence_penalty": 1.5, "frequency_penalty": -0.5, "service_tier": "ultrafast",
        "context_management": [{"type": "compaction", "compact_threshold": 1000}], "access_programs": {"cyber": "standard"},
        "prompt_cache_options": {"mode": "explicit", "prewarm": true}, "image": {"context_compression": "enabled"},
        "moderation": {"model": "omni", "policy": {"input": {"mode": "block"}, "output": null}}, "top_logprobs": 3,
        "max_tool_calls": 2, "reasoning": {"effort": "max", "context": "all_turns", "mode": "pro"}})"));
    const json response = respond(body);
    BOOST_TEST(response["presence_penalty"] == 1.5);
    for (const char* name : {"input", "output"}) {
        BOOST_TEST(response["moderation"][name]["model"] == "omni");
        BOOST_TEST(response["moderation"][name]["flagged"] == false);
    }
    BOOST_TEST(response["prompt_cache_options"] ==
               json::parse(R"({"mode": "explicit", "ttl": "30m", "comparison_response_id": null})"));
    BOOST_TEST(response["image"]["context_compression"] == "enabled");
    BOOST_TEST(response["reasoning"]["effort"] == "max");
    BOOST_TEST(response["access_programs"]["cyber"] == "standard");

    body["presence_penalty"] = 3;
    BOOST_TEST(error_of(responses_path, body)["param"] == "presence_penalty");
    body["presence_penalty"] = 0;
    body["context_management"][0]["threshold"] = 1;
    BOOST_TEST(error_of(responses_path, body)["param"] == "context_management[0].threshold");
}

BOOST_AUTO_TEST_CASE(takes_newer_tools_and_items) {
    json body = body_for(json::parse(R"([
        {"role": "user", "content": [
            {"type": "input_text", "text": "Hi", "prompt_cache_breakpoint": {"mode": "explicit", "ttl": "12h"}},
            {"type": "input_image", "image_url": "data:image/png;base64,AA=="},
            {"type": "input_file", "file_data": "data:text/plain;base64,YQ=="},
            {"type": "input_audio", "input_audio": {"data": "AA==", "format": "wav"}},
            {"type": "input_video", "video_url": "https://example.org/a.mp4"}]},
        {"type": "function_call", "call_id": "a", "name": "f", "arguments": "{}", "async": true,
         "caller": {"type": "direct"}, "namespace": "n"},
        {"type": "function_call_output", "call_id": "a", "output": "fine", "caller": {"type": "direct"}},
        {"type": "program", "id": "p", "call_id": "b", "code": "1", "fingerprint": "x"},
        {"type": "program_output", "id": "q", "call_id": "b", "result": "1", "status": "completed"},
        {"type": "additional_tools", "role": "developer", "tools": []},
        {"type": "configuration_update", "reasoning": {"effort": "low"}},
        {"type": "compaction_trigger"}])"));
    body["tools"] = json::parse(R"([{"type": "function", "name": "f", "async": true, "output_schema": {}},
        {"type": "namespace", "name": "n", "description": "", "tools": []}, {"type": "tool_search"},
        {"type": "programmatic_tool_calling"}, {"type": "a2a", "base_url": "https://example.org"},
        {"type": "toolbox_search_preview"}, {"type": "browser_automation"}])");
    body["tool_choice"] = json::parse(R"({"type": "programmatic_tool_calling"})");
    const json items = input_items_of(respond(body));
    BOOST_TEST(items.size() == 8u);
    BOOST_TEST(items[0]["content"][1]["detail"] == "auto");
    BOOST_TEST(items[1]["caller"]["type"] == "direct");

    body["input"][0]["content"][3]["input_audio"]["format"] = "ogg";
    BOOST_TEST(error_of(responses_path, body)["param"] == "input[0].content[3].input_audio.format");
}

BOOST_AUTO_TEST_CASE(shows_formats_and_choices_with_their_defaults) {
    json body = body_for("Hi");
    body["tools"] = json::parse(R"([{"type": "function", "name": "f"}])");
    body["tool_choice"] = json::parse(R"({"type": "allowed_tools", "tools": [{"type": "function", "name": "f"}]})");
    body["text"]["format"] = json::parse(R"({"type": "json_schema", "name": "n", "schema": {}})");
    const json response = respond(body);
    BOOST_TEST(response["tool_choice"]["mode"] == "auto");
    BOOST_TEST(response["text"]["format"].at("description").is_null());
    BOOST_TEST(response["text"]["format"]["strict"] == false);
    BOOST_TEST(respond(body_for("Hi"))["text"]["format"] == json::parse(R"({"type": "text"})"));
}

BOOST_AUTO_TEST_CASE(keeps_phases) {
    service->script("",
                    {step::reply("Let me see.", "commentary"), step::reply("Yes."), step::reply("4", "final_answer")});
    const json first = respond(body_for("two and two"));
    BOOST_TEST(first["output"][0]["phase"] == "commentary");
    BOOST_TEST(!first["output"][1].contains("phase"));
    BOOST_TEST(first["output"][2]["phase"] == "final_answer");
    json input = first["output"];
    input.push_back(json::parse(R"({"role": "user", "content": "and three"})"));
    const json items = input_items_of(respond(body_for(input)));
    BOOST_TEST(items[0]["phase"] == "commentary");
    BOOST_TEST(items[2]["phase"] == "final_answer");
    BOOST_TEST(!items[3].contains("phase"));
    input[0]["phase"] = "middle";
    BOOST_TEST(error_of(responses_path, body_for(input))["param"] == "input[0].phase");
}

BOOST_AUTO_TEST_CASE(compacts_a_chain) {
    const json first = respond(body_for("one two"));
    json body = body_for("three");
    body["previous_response_id"] = first["id"];
    body["prompt_cache_key"] = "trip";
    const json compacted = post(responses_path + "/compact", body);
    BOOST_TEST(compacted["object"] == "response.compaction");
    BOOST_TEST(compacted["created_at"] == first["created_at"]);
    BOOST_TEST(types_in(compacted["output"]) == (names{"message", "message", "compaction"}),
               boost::test_tools::per_element());
    BOOST_TEST(compacted["output"][1]["content"][0]["text"] == "three");
    BOOST_TEST(compacted["usage"]["input_tokens"] == 7);  // one two, You said: one two, three
    BOOST_TEST(compacted["usage"]["total_tokens"] == 8);

    // It is no response, and stands for all before it but the user's messages.
    BOOST_TEST(send("GET", responses_path + "/" + compacted["id"].get<std::string>()).status == 404);
    const json again = respond(body_for(compacted["output"]));
    json next = body_for("four");
    next["previous_response_id"] = again["id"];
    BOOST_TEST(respond(next)["usage"]["input_tokens"] == 7);  // one two, three, You said: three, four
}

BOOST_AUTO_TEST_CASE(refuses_to_compact) {
    const std::string path = responses_path + "/compact";
    json body = body_for("Hi");
    body.erase("model");
    BOOST_TEST(error_of(path, body)["code"] == "missing_required_parameter");
    body = body_for("Hi");
    body["stream"] = true;
    BOOST_TEST(error_of(path, body)["param"] == "stream");
    body.erase("stream");
    body["previous_response_id"] = "resp_x";
    BOOST_TEST(error_of(path, body)["code"] == "previous_response_not_found");
    body.erase("previous_response_id");
    body.erase("input");
    BOOST_TEST(error_of(path, body)["param"] == "input");
    body["input"] = json::parse(R"([{"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"}])");
    BOOST_TEST(error_of(path, body)["message"] == "No tool output found for function call c.");
}

BOOST_AUTO_TEST_CASE(compacts_past_a_threshold) {
    json body = body_for("one two three");
    body["context_management"] = json::parse(R"([{"type": "compaction", "compact_threshold": 3}])");
    const json first = respond(body);
    BOOST_TEST(types_in(first["output"]) == names{"message"}, boost::test_tools::per_element());
    body["previous_response_id"] = first["id"];
    const auto events = stream(responses_path, body);
    const json second = events.back().value()["response"];
    BOOST_TEST(types_in(second["output"]) == (names{"compaction", "message"}), boost::test_tools::per_element());
    const json compacting = value_of(events, "response.compaction.compacting");
    BOOST_TEST(compacting["item_id"] == second["output"][0]["id"]);
    BOOST_TEST(compacting["output_index"] == 0);
}

BOOST_AUTO_TEST_CASE(counts_input_tokens) {
    json body = body_for("one two three");
    body["instructions"] = "Be brief.";
    const json count = post(responses_path + "/input_tokens", body);
    BOOST_TEST(count == json::parse(R"({"object": "response.input_tokens", "input_tokens": 5})"));
    BOOST_TEST(respond(body)["usage"]["input_tokens"] == 5);
    BOOST_TEST(post(responses_path + "/input_tokens", json::object())["input_tokens"] == 0);
    BOOST_TEST(error_of(responses_path + "/input_tokens", json{{"color", "red"}})["param"] == "color");
}

BOOST_AUTO_TEST_CASE(serves_an_agent_at_its_own_endpoint) {
    json agent;
    agent["name"] = "clerk";
    agent["definition"] = {{"kind", "prompt"}, {"model", "gpt-4o"}, {"instructions", "Be brief."}};
    BOOST_TEST(post("/agents", agent)["state"] == "enabled");
    const std::string path = "/agents/clerk/endpoint/protocols/openai/responses";
    json body;
    body["input"] = "Hi";
    const json response = post(path, body);
    BOOST_TEST(response["agent_reference"]["name"] == "clerk");
    BOOST_TEST(response["instructions"] == "Be brief.");
    BOOST_TEST(get(path + "/" + response["id"].get<std::string>()) == response);
    BOOST_TEST(send("POST", "/agents/other/endpoint/protocols/openai/responses", body.dump()).status == 404);
}

BOOST_AUTO_TEST_CASE(disables_agents) {
    json agent;
    agent["name"] = "clerk";
    agent["definition"] = {{"kind", "prompt"}, {"model", "gpt-4o"}};
    post("/agents", agent);
    const auto act = [&](const std::string& action) { return send("POST", "/agents/" + action); };
    json body;
    body["input"] = "Hi";
    body["agent_reference"] = {{"type", "agent_reference"}, {"name", "clerk"}};
    for (int repetition = 0; repetition != 2; ++repetition) {
        const raw_response disabled = act("clerk:disable");
        BOOST_TEST(disabled.status == 204);
        BOOST_TEST(disabled.body == "");
    }
    BOOST_TEST(get("/agents/clerk")["state"] == "disabled");
    BOOST_TEST(error_of(responses_path, body, 409)["code"] == "agent_disabled");
    BOOST_TEST(act("clerk:enable").status == 204);
    BOOST_TEST(get("/agents/clerk")["state"] == "enabled");
    BOOST_TEST(respond(body)["status"] == "completed");
    BOOST_TEST(act("clerk:promote").status == 404);
    BOOST_TEST(act("other:disable").status == 404);
}

BOOST_AUTO_TEST_CASE(shows_deployments_and_no_connections) {
    const json deployment = get("/deployments")["value"][0];
    BOOST_TEST(deployment["type"] == "ModelDeployment");
    BOOST_TEST(get("/deployments/gpt-4o")["modelName"] == "gpt-4o");
    BOOST_TEST(get("/connections")["value"].empty());
    BOOST_TEST(send("GET", "/connections/none").status == 404);
}

BOOST_AUTO_TEST_CASE(has_the_files_of_the_project) {
    const std::string id = service->add_file("a.txt", "text");
    const json file = get("/openai/v1/files/" + id);
    BOOST_TEST(file["filename"] == "a.txt");
    BOOST_TEST(get("/files/" + id) == file);
    BOOST_TEST(send("GET", "/openai/v1/files/" + id + "/content").body == "text");
    const json store = post("/openai/v1/vector_stores", json{{"file_ids", {id}}});
    BOOST_TEST(get("/openai/v1/vector_stores/" + store["id"].get<std::string>())["file_counts"]["total"] == 1);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
