#include "protocol/responses/codec.hpp"
#include <corun/error.hpp>

#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>

#include <functional>
#include <string>
#include <string_view>

namespace {

using namespace corun;
using namespace corun::codec::responses;
using nlohmann::json;

/// A request to a stored agent.
response_request to_agent() {
    response_request request;
    request.agent.emplace("travel-desk", "3");
    request.messages.emplace_back("Book 14A");
    return request;
}

/// A request with a definition of the application's own.
response_request with_definition() {
    response_request request;
    request.definition.model = "gpt-4o";
    request.messages.emplace_back("Book 14A");
    return request;
}

json body_of(const response_request& request) {
    return json::parse(encode_response(request).body.reveal());
}

json changed(response_request request, const std::function<void(response_request&)>& change) {
    change(request);
    return body_of(request);
}

struct refusal {
    errc code;
    std::string message;
};

template <class Call>
refusal refused(Call call) {
    try {
        call();
    } catch (const error& e) {
        return {static_cast<errc>(e.code().value()), e.details().message};
    }
    return {};
}

const json reference = json::parse(R"({"type":"agent_reference","name":"travel-desk","version":"3"})");

}  // namespace

BOOST_AUTO_TEST_SUITE(responses_requests)

BOOST_AUTO_TEST_CASE(names_a_stored_agent) {
    BOOST_TEST(body_of(to_agent()) == (json{{"agent_reference", reference}, {"input", "Book 14A"}, {"stream", true}}));
    BOOST_TEST(changed(to_agent(), [](auto& r) { r.agent->key = agent_key::agent; }) ==
               (json{{"agent", reference}, {"input", "Book 14A"}, {"stream", true}}));
    BOOST_TEST(changed(to_agent(), [](auto& r) { r.agent->version.clear(); })["agent_reference"] ==
               (json{{"type", "agent_reference"}, {"name", "travel-desk"}}));
}

BOOST_AUTO_TEST_CASE(says_all_that_goes_beside_a_stored_agent) {
    const json body = changed(to_agent(), [](response_request& r) {
        r.conversation = "conv_K2";
        r.stream = false;
        r.background = true;
        r.store = true;
        r.options.structured_inputs["city"] = R"("Oslo")";
        r.structured_inputs.emplace("token", secret(R"("t")"));
        r.options.include = {file_search_result_content, "reasoning.encrypted_content"};
        r.options.metadata = {{"k", "v"}};
        r.options.extra_json = R"({"agent_session_id":"s"})";
    });
    BOOST_TEST(body == json::parse(R"({"agent_reference":{"type":"agent_reference","name":"travel-desk","version":"3"},
        "conversation":"conv_K2","input":"Book 14A","stream":false,"background":true,"store":true,
        "structured_inputs":{"city":"Oslo","token":"t"},
        "include":["file_search_call.results","reasoning.encrypted_content"],"metadata":{"k":"v"},"agent_session_id":"s"})"));
}

BOOST_AUTO_TEST_CASE(values_of_inputs_go_beside_a_definition_too) {
    const json body =
        changed(with_definition(), [](response_request& r) { r.options.structured_inputs["days"] = "[1, 2.5, null]"; });
    BOOST_TEST(body["structured_inputs"] == json::parse(R"({"days":[1,2.5,null]})"));
    BOOST_TEST(!body["model"].empty());
}

BOOST_AUTO_TEST_CASE(sends_a_definition_whole) {
    const json body = changed(with_definition(), [](response_request& r) {
        prompt_agent_definition& agent = r.definition;
        agent.name = "not sent";
        agent.instructions = "Be kind.";
        agent.temperature = 0.5;
        agent.top_p = 0.25;
        agent.reasoning = R"({"effort":"low"})";
        agent.response_format = response_format::json_schema("answer", R"({"type":"object"})", "What it is");
        agent.tool_choice = tool_choice::function("f");
        prompt_mcp_tool server("L", "https://l.example/mcp", {"a"});
        server.headers.set("Authorization", "Bearer x");
        server.require_approval = mcp_approval::by_tool({"w"}, {"r"});
        server.project_connection_id = "conn";
        server.extra_json = R"({"server_description":"Links"})";
        agent.tools.emplace_back(server);
        agent.tools.emplace_back(function_tool("f", "Does it.", R"({"type":"object"})"));
        agent.tools.emplace_back(function_tool("g", "", ""));
        agent.tools.emplace_back(json_tool("web_search", R"({"type":"web_search"})"));
        r.options.parallel_tool_calls = false;
        r.options.max_completion_tokens = 100;
        r.options.truncation_strategy = truncation_strategy::automatic();
    });
    BOOST_TEST(body == json::parse(R"({"model":"gpt-4o","instructions":"Be kind.","temperature":0.5,"top_p":0.25,
        "reasoning":{"effort":"low"},
        "text":{"format":{"type":"json_schema","name":"answer","description":"What it is","schema":{"type":"object"}}},
        "tool_choice":{"type":"function","name":"f"},
        "tools":[{"type":"mcp","server_label":"L","server_url":"https://l.example/mcp","allowed_tools":["a"],
                  "headers":{"Authorization":"Bearer x"},
                  "require_approval":{"always":{"tool_names":["w"]},"never":{"tool_names":["r"]}},
                  "project_connection_id":"conn","server_description":"Links"},
                 {"type":"function","name":"f","description":"Does it.","parameters":{"type":"object"}},
                 {"type":"function","name":"g","parameters":{"type":"object","properties":{}}},
                 {"type":"web_search"}],
        "parallel_tool_calls":false,"max_output_tokens":100,"truncation":"auto","input":"Book 14A","stream":true})"));
}

BOOST_AUTO_TEST_CASE(lets_the_run_stand_over_the_definition) {
    const json body = changed(with_definition(), [](response_request& r) {
        r.definition.instructions = "Be kind.";
        r.definition.temperature = 1;
        r.options.model = "o4";
        r.options.additional_instructions = "Be brief.";
        r.options.temperature = 0;
        r.options.top_p = 1;
        r.options.response_format = response_format::text();
        r.options.tool_choice = tool_choice::none();
    });
    BOOST_TEST(body == json::parse(R"({"model":"o4","instructions":"Be kind.\nBe brief.","temperature":0.0,"top_p":1.0,
        "text":{"format":{"type":"text"}},"tool_choice":"none","input":"Book 14A","stream":true})"));
    BOOST_TEST(
        changed(with_definition(), [](response_request& r) {
            r.definition.instructions = "Be kind.";
            r.options.instructions = "Be rude.";
            r.options.response_format = response_format::automatic();
        }) == (json{{"model", "gpt-4o"}, {"instructions", "Be rude."}, {"input", "Book 14A"}, {"stream", true}}));
}

BOOST_AUTO_TEST_CASE(writes_messages_as_items) {
    const json body = changed(to_agent(), [](response_request& r) {
        message before("Hello");
        before.role = "assistant";
        r.options.additional_messages.push_back(before);
        r.messages[0].add(content_block::image_url("https://x/y.png", "low")).add(content_block::image_file("file-1"));
        r.options.input_items = R"([{"type":"item_reference","id":"x"}])";
    });
    BOOST_TEST(body["input"] == json::parse(R"([
        {"type":"item_reference","id":"x"},
        {"type":"message","role":"assistant","content":[{"type":"output_text","text":"Hello"}]},
        {"type":"message","role":"user","content":[{"type":"input_text","text":"Book 14A"},
            {"type":"input_image","image_url":"https://x/y.png","detail":"low"},{"type":"input_image","file_id":"file-1"}]}])"));
}

BOOST_AUTO_TEST_CASE(answers_each_call_in_its_own_way) {
    const json body = changed(to_agent(), [](response_request& r) {
        r.messages.clear();
        r.previous_response_id = "resp_1";
        other_call custom, computer;
        custom.id = "c2";
        custom.type = "custom_tool_call";
        computer.id = "c3";
        computer.type = "computer_call";
        r.action.other_calls = {custom, computer};
        r.answers.output("c1", R"({"a":1})").output("c2", "x").output("c3", R"({"type":"computer_screenshot"})");
        r.answers.approve("mcpr_1").deny("mcpr_2");
    });
    BOOST_TEST(body["previous_response_id"] == "resp_1");
    BOOST_TEST(body["input"] == json::parse(R"([
        {"type":"function_call_output","call_id":"c1","output":"{\"a\":1}"},
        {"type":"custom_tool_call_output","call_id":"c2","output":"x"},
        {"type":"computer_call_output","call_id":"c3","output":{"type":"computer_screenshot"}},
        {"type":"mcp_approval_response","approval_request_id":"mcpr_1","approve":true},
        {"type":"mcp_approval_response","approval_request_id":"mcpr_2","approve":false}])"));
    BOOST_TEST(changed(to_agent(), [](response_request& r) {
                   r.messages.clear();
                   r.previous_response_id = "resp_1";
                   other_call search;
                   search.id = "c4";
                   search.type = "tool_search_call";
                   r.action.other_calls = {search};
                   r.answers.output("c4", R"([{"type":"function","name":"f"}])");
               })["input"] == json::parse(R"([{"type":"tool_search_output","call_id":"c4","execution":"client",
                   "tools":[{"type":"function","name":"f"}]}])"));
    BOOST_TEST(changed(to_agent(), [](response_request& r) {
                   r.messages.clear();
                   r.conversation = "conv_1";
                   other_call consent;
                   consent.type = "oauth_consent_request";
                   r.action.other_calls = {consent};
               })["input"] == json::array());
    // What was consented to elsewhere goes on without an answer.
    BOOST_TEST(changed(to_agent(), [](response_request& r) {
                   r.messages.clear();
                   r.previous_response_id = "resp_1";
               })["input"] == json::array());
}

BOOST_AUTO_TEST_CASE(refuses_by_name_what_only_the_stored_agent_may_say) {
    const std::pair<const char*, std::function<void(run_options&)>> rows[] = {
        {"model", [](run_options& o) { o.model = "m"; }},
        {"reasoning", [](run_options& o) { o.reasoning = reasoning("low"); }},
        {"verbosity", [](run_options& o) { o.verbosity = "low"; }},
        {"instructions", [](run_options& o) { o.instructions = "i"; }},
        {"additional_instructions", [](run_options& o) { o.additional_instructions = "i"; }},
        {"temperature", [](run_options& o) { o.temperature = 1; }},
        {"top_p", [](run_options& o) { o.top_p = 1; }},
        {"max_completion_tokens", [](run_options& o) { o.max_completion_tokens = 100; }},
        {"parallel_tool_calls", [](run_options& o) { o.parallel_tool_calls = true; }},
        {"response_format", [](run_options& o) { o.response_format = response_format::text(); }},
        {"truncation_strategy", [](run_options& o) { o.truncation_strategy = truncation_strategy::automatic(); }},
        {"tool_choice", [](run_options& o) { o.tool_choice = tool_choice::none(); }},
    };
    for (const auto& [name, set] : rows) {
        BOOST_TEST_CONTEXT(name) {
            response_request request = to_agent();
            set(request.options);
            const refusal why = refused([&] { encode_response(request); });
            BOOST_TEST((why.code == errc::not_allowed_with_agent));
            BOOST_TEST(why.message.find("run_options::" + std::string(name)) != std::string::npos);
            BOOST_TEST(why.message.find("inline_definition") != std::string::npos);
            response_request own = with_definition();
            set(own.options);
            BOOST_TEST(!body_of(own).empty());
        }
    }
}

BOOST_AUTO_TEST_CASE(refuses_what_must_not_be_sent) {
    const std::pair<const char*, std::function<void(response_request&)>> rows[] = {
        {"prompt_agent_definition::model", [](response_request& r) { r.definition.model.clear(); }},
        {"agent_reference::name", [](response_request& r) { r.agent.emplace(""); }},
        {"previous_response_id", [](response_request& r) { r.conversation = r.previous_response_id = "x"; }},
        {"the input", [](response_request& r) { r.messages.clear(); }},
        {"run_options::input_items", [](response_request& r) { r.options.input_items = "{}"; }},
        {"run_options::input_items", [](response_request& r) { r.options.input_items = "["; }},
        {"structured_inputs['a'", [](response_request& r) { r.options.structured_inputs["a"] = "Oslo"; }},
        {"structured_inputs['a'", [](response_request& r) { r.options.structured_inputs["a"]; }},
        {"structured_inputs['a'",
         [](response_request& r) {
             r.agent.emplace("n");
             r.structured_inputs.emplace("a", secret("{"));
         }},
        {"structured_inputs['']", [](response_request& r) { r.options.structured_inputs[""] = "1"; }},
        {"structured_inputs", [](response_request& r) { r.definition.structured_inputs["a"]; }},
        {"max_prompt_tokens", [](response_request& r) { r.options.max_prompt_tokens = 300; }},
        {"max_completion_tokens", [](response_request& r) { r.options.max_completion_tokens = 0; }},
        {"truncation_strategy",
         [](response_request& r) { r.options.truncation_strategy = truncation_strategy::last_messages(3); }},
        {"run_options::temperature", [](response_request& r) { r.options.temperature = 3; }},
        {"prompt_agent_definition::top_p", [](response_request& r) { r.definition.top_p = 2; }},
        {"reasoning", [](response_request& r) { r.definition.reasoning = "low"; }},
        {"run_options::extra_json", [](response_request& r) { r.options.extra_json = R"({"model":"m"})"; }},
        {"run_options::extra_json", [](response_request& r) { r.options.extra_json = R"({"tools":[]})"; }},
        {"run_options::extra_json", [](response_request& r) { r.options.extra_json = "[]"; }},
        {"function_tool::parameters of f",
         [](response_request& r) { r.definition.tools.emplace_back(function_tool("f", "", "{")); }},
        {"prompt_mcp_tool::extra_json of L",
         [](response_request& r) {
             prompt_mcp_tool t("L", "u");
             t.extra_json = R"({"server_url":"v"})";
             r.definition.tools.emplace_back(t);
         }},
        {"json_tool::json of type x",
         [](response_request& r) { r.definition.tools.emplace_back(json_tool("x", R"({"type":"y"})")); }},
        {"message::attachments",
         [](response_request& r) {
             r.messages[0].attachments.emplace_back("f", std::vector<std::string>{"file_search"});
         }},
        {"submission::approve",
         [](response_request& r) {
             r.answers.approve("m", headers{{"A", "b"}});
         }},
        {"not valid UTF-8", [](response_request& r) { r.messages[0] = message("\xff"); }},
    };
    for (const auto& [name, change] : rows) {
        BOOST_TEST_CONTEXT(name) {
            response_request request = with_definition();
            change(request);
            const refusal why = refused([&] { encode_response(request); });
            BOOST_TEST((why.code == errc::invalid_argument));
            BOOST_TEST(why.message.find(name) != std::string::npos);
        }
    }
}

BOOST_AUTO_TEST_CASE(shows_no_secret) {
    response_request request = to_agent();
    request.structured_inputs.emplace("token", secret(R"("hunter2")"));
    BOOST_TEST(encode_response(request).shown.find("hunter2") == std::string::npos);
    BOOST_TEST(json::parse(encode_response(request).shown)["structured_inputs"]["token"] == "***");
    request = with_definition();
    prompt_mcp_tool server("L", "https://l.example/mcp");
    server.headers.set("Authorization", "hunter2");
    prompt_mcp_tool other = server;
    server.extra_json = R"({"authorization":"hunter3"})";
    other.authorization = "hunter3";
    request.definition.tools.emplace_back(server);
    request.definition.tools.emplace_back(other);
    const json shown = json::parse(encode_response(request).shown);
    for (const json& tool : shown["tools"]) {
        BOOST_TEST(tool["headers"]["Authorization"] == "***");
        BOOST_TEST(tool["authorization"] == "***");
    }
    BOOST_TEST(shown["tools"][0]["server_url"] == "https://l.example/mcp");
}

BOOST_AUTO_TEST_CASE(writes_agents_and_their_versions) {
    prompt_agent_definition agent("gpt-4o");
    agent.name = "travel-desk";
    agent.description = "Books";
    agent.instructions = "Answer {{style}}.";
    agent.metadata = {{"k", "v"}};
    structured_input style;
    style.description = "How";
    style.default_value = R"("briefly")";
    style.schema = R"({"type":"string"})";
    style.required = true;
    agent.structured_inputs["style"] = style;
    agent.extra_json = R"({"rai_config":{"rai_policy_name":"p"}})";
    const json version = json::parse(R"({"description":"Books","metadata":{"k":"v"},
        "definition":{"kind":"prompt","model":"gpt-4o","instructions":"Answer {{style}}.",
            "structured_inputs":{"style":{"description":"How","default_value":"briefly","schema":{"type":"string"},"required":true}},
            "rai_config":{"rai_policy_name":"p"}}})");
    BOOST_TEST(json::parse(encode_agent_version(agent).reveal()) == version);
    json named = version;
    named["name"] = "travel-desk";
    BOOST_TEST(json::parse(encode_agent(agent).reveal()) == named);
    BOOST_TEST((refused([] { encode_agent(prompt_agent_definition("m")); }).message.find("name") != std::string::npos));
    BOOST_TEST((refused([] { encode_agent_version({}); }).message.find("model") != std::string::npos));
    BOOST_TEST((refused([] {
                    prompt_agent_definition d("m");
                    d.extra_json = R"({"kind":"x"})";
                    encode_agent_version(d);
                }).code == errc::invalid_argument));
}

BOOST_AUTO_TEST_CASE(writes_conversations) {
    thread_definition conversation;
    BOOST_TEST(json::parse(encode_conversation(conversation).reveal()) == json::object());
    conversation.messages.emplace_back("Hello");
    conversation.metadata = {{"k", "v"}};
    BOOST_TEST(json::parse(encode_conversation(conversation).reveal()) ==
               json::parse(R"({"items":[{"type":"message","role":"user","content":"Hello"}],"metadata":{"k":"v"}})"));
    BOOST_TEST((refused([&] { encode_conversation_changes(conversation); }).code == errc::invalid_argument));
    BOOST_TEST(json::parse(encode_items({message("Hi"), message("There")}).reveal()) ==
               (json{{"items",
                      {{{"type", "message"}, {"role", "user"}, {"content", "Hi"}},
                       {{"type", "message"}, {"role", "user"}, {"content", "There"}}}}}));
    conversation.messages.clear();
    BOOST_TEST(json::parse(encode_conversation_changes(conversation).reveal()) == (json{{"metadata", {{"k", "v"}}}}));
    conversation.tool_resources.other["file_search"] = "{}";
    BOOST_TEST((refused([&] { encode_conversation(conversation); }).code == errc::invalid_argument));
}

BOOST_AUTO_TEST_CASE(writes_files_audio_and_video) {
    const json body = changed(to_agent(), [](response_request& r) {
        r.messages[0]
            .add(content_block::file("file-1"))
            .add(content_block::file_url("https://x/y.pdf"))
            .add(content_block::file_data("plan.pdf", "data:application/pdf;base64,AA=="))
            .add(content_block::audio("AA==", "wav"))
            .add(content_block::video("https://x/y.mp4"));
    });
    json content = body["input"][0]["content"];
    content.erase(0);
    BOOST_TEST(content == json::parse(R"([{"type":"input_file","file_id":"file-1"},
        {"type":"input_file","file_url":"https://x/y.pdf"},
        {"type":"input_file","filename":"plan.pdf","file_data":"data:application/pdf;base64,AA=="},
        {"type":"input_audio","input_audio":{"data":"AA==","format":"wav"}},
        {"type":"input_video","video_url":"https://x/y.mp4"}])"));
}

BOOST_AUTO_TEST_SUITE_END()
