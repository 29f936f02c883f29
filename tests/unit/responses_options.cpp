// What messages, tools and options have in the Responses protocol only.
#include "protocol/responses/codec.hpp"
#include "protocol/threads/codec.hpp"
#include "sentence.hpp"
#include <corun/error.hpp>

#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

using namespace corun;
using nlohmann::json;
namespace responses = corun::codec::responses;

responses::response_request with_definition() {
    responses::response_request request;
    request.definition.model = "m";
    request.messages.emplace_back("Hi");
    return request;
}

json body_of(const responses::response_request& request) {
    return json::parse(responses::encode_response(request).body.reveal());
}

json with_options(const std::function<void(run_options&)>& set) {
    responses::response_request request = with_definition();
    set(request.options);
    return body_of(request);
}

json with_tool(prompt_tool tool) {
    responses::response_request request = with_definition();
    request.definition.tools.push_back(std::move(tool));
    return body_of(request)["tools"].at(0);
}

json with_content(content_block block) {
    responses::response_request request = with_definition();
    request.messages = {message(std::vector<content_block>{std::move(block)})};
    return body_of(request)["input"].at(0)["content"].at(0);
}

template <class Call>
std::string refusal_of(Call call) {
    try {
        call();
    } catch (const error& failure) {
        BOOST_CHECK(failure.code() == errc::invalid_argument);
        return test::sentence_of(failure);
    }
    return "no error";
}

bool says(const std::string& message, std::string_view text) {
    return message.find(text) != std::string::npos;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(responses_options)

BOOST_AUTO_TEST_CASE(each_option_is_a_member_of_the_request) {
    struct row {
        std::function<void(run_options&)> set;
        const char* members;
    };
    const row rows[] = {
        {[](run_options& o) { o.reasoning = reasoning("low"); }, R"({"reasoning":{"effort":"low"}})"},
        {[](run_options& o) {
             o.reasoning = reasoning("high", "auto");
             o.reasoning->context = "all_turns";
             o.reasoning->mode = "pro";
         },
         R"({"reasoning":{"effort":"high","summary":"auto","context":"all_turns","mode":"pro"}})"},
        {[](run_options& o) { o.verbosity = "low"; }, R"({"text":{"verbosity":"low"}})"},
        {[](run_options& o) {
             o.context_management = {context_management::compaction(200'000), context_management("x")};
         },
         R"({"context_management":[{"type":"compaction","compact_threshold":200000},{"type":"x"}]})"},
        {[](run_options& o) { o.prompt_cache_key = "user-7"; }, R"({"prompt_cache_key":"user-7"})"},
        {[](run_options& o) {
             prompt_cache_options& cache = o.prompt_cache_options.emplace();
             cache.mode = "explicit";
             cache.ttl = "30m";
             cache.comparison_response_id = "resp_0";
             cache.prewarm = true;
         },
         R"({"prompt_cache_options":{"mode":"explicit","ttl":"30m","comparison_response_id":"resp_0","prewarm":true}})"},
        {[](run_options& o) { o.max_tool_calls = 3; }, R"({"max_tool_calls":3})"},
        {[](run_options& o) { o.service_tier = "flex"; }, R"({"service_tier":"flex"})"},
        {[](run_options& o) { o.moderation = moderation("omni"); }, R"({"moderation":{"model":"omni"}})"},
        {[](run_options& o) { o.moderation = moderation("omni", "block", "score"); },
         R"({"moderation":{"model":"omni","policy":{"input":{"mode":"block"},"output":{"mode":"score"}}}})"},
        {[](run_options& o) { o.safety_identifier = "u"; }, R"({"safety_identifier":"u"})"},
        {[](run_options& o) { o.include_obfuscation = false; }, R"({"stream_options":{"include_obfuscation":false}})"},
        {[](run_options& o) { o.top_logprobs = 0; }, R"({"top_logprobs":0})"},
        {[](run_options& o) { o.access_programs["cyber"] = "standard"; },
         R"({"access_programs":{"cyber":"standard"}})"},
        // As before they had members of their own.
        {[](run_options& o) { o.extra_json = R"({"service_tier":"flex","reasoning":{"effort":"low"}})"; },
         R"({"service_tier":"flex","reasoning":{"effort":"low"}})"},
    };
    for (const row& each : rows) {
        json wanted = body_of(with_definition());
        wanted.update(json::parse(each.members));
        BOOST_TEST(with_options(each.set) == wanted);
    }
}

BOOST_AUTO_TEST_CASE(the_run_s_reasoning_replaces_the_definition_s) {
    responses::response_request request = with_definition();
    request.definition.reasoning = R"({"effort":"high","summary":"auto"})";
    request.definition.response_format = response_format::json_object();
    request.options.reasoning = reasoning("none");
    request.options.verbosity = "high";
    const json body = body_of(request);
    BOOST_TEST(body["reasoning"] == (json{{"effort", "none"}}));
    BOOST_TEST(body["text"] == json::parse(R"({"format":{"type":"json_object"},"verbosity":"high"})"));
}

BOOST_AUTO_TEST_CASE(values_out_of_range_are_refused) {
    const std::pair<const char*, std::function<void(run_options&)>> rows[] = {
        {"max_tool_calls", [](run_options& o) { o.max_tool_calls = 0; }},
        {"top_logprobs", [](run_options& o) { o.top_logprobs = 21; }},
        {"top_logprobs", [](run_options& o) { o.top_logprobs = -1; }},
        {"moderation::model", [](run_options& o) { o.moderation = moderation(""); }},
        {"context_management::type", [](run_options& o) { o.context_management = {context_management("")}; }},
        {"extra_json",
         [](run_options& o) {
             o.service_tier = "flex";
             o.extra_json = R"({"service_tier":"auto"})";
         }},
    };
    for (const auto& [name, set] : rows) BOOST_TEST(says(refusal_of([&set = set] { with_options(set); }), name), name);
}

BOOST_AUTO_TEST_CASE(items_come_before_the_messages) {
    responses::response_request request = with_definition();
    request.options.input_items = R"([{"type":"compaction","encrypted_content":"gAAA"}])";
    request.options.additional_messages.emplace_back("Before");
    BOOST_TEST(body_of(request)["input"] == json::parse(R"([{"type":"compaction","encrypted_content":"gAAA"},
        {"type":"message","role":"user","content":"Before"},{"type":"message","role":"user","content":"Hi"}])"));
}

BOOST_AUTO_TEST_CASE(content_is_of_every_kind_of_the_protocol) {
    const std::pair<content_block, const char*> rows[] = {
        {content_block::image_url("https://x/y.png", "original"),
         R"({"type":"input_image","image_url":"https://x/y.png","detail":"original"})"},
        {content_block::file("file-1"), R"({"type":"input_file","file_id":"file-1"})"},
        {content_block::file_url("https://x/y.pdf", "high"),
         R"({"type":"input_file","file_url":"https://x/y.pdf","detail":"high"})"},
        {content_block::file_data("y.pdf", "data:application/pdf;base64,AA=="),
         R"({"type":"input_file","filename":"y.pdf","file_data":"data:application/pdf;base64,AA=="})"},
        {content_block::audio("AA==", "wav"), R"({"type":"input_audio","input_audio":{"data":"AA==","format":"wav"}})"},
        {content_block::video("https://x/y.mp4"), R"({"type":"input_video","video_url":"https://x/y.mp4"})"},
    };
    for (const auto& [block, wanted] : rows) BOOST_TEST(with_content(block) == json::parse(wanted));
    BOOST_TEST(says(refusal_of([] { with_content(content_block::file_data("", "AA==")); }), "filename"));
    BOOST_TEST(says(refusal_of([] { with_content(content_block::audio("AA==", "")); }), "format"));
}

BOOST_AUTO_TEST_CASE(the_threads_protocol_has_texts_and_images_only) {
    namespace threads = codec::threads;
    for (const content_block& block :
         {content_block::file("f"), content_block::file_url("u"), content_block::file_data("n", "d")})
        BOOST_TEST(says(refusal_of([&] { threads::encode_message(message("Hi").add(block)); }), "attachments"));
    for (const content_block& block : {content_block::audio("d", "wav"), content_block::video("u")})
        BOOST_TEST(says(refusal_of([&] { threads::encode_message(message("Hi").add(block)); }), "threads protocol"));
    for (const call_output& output :
         {call_output(std::vector{content_block::text("x")}), call_output(patch_result::completed("x")),
          call_output(computer_screenshot::file("f")), call_output(shell_output({}))}) {
        submission answers;
        answers.output("call_1", output);
        BOOST_TEST(says(refusal_of([&] { threads::encode_submission(answers, true); }), "'call_1'"));
    }
    submission denial;
    denial.deny("call_1", "because");
    BOOST_TEST(says(refusal_of([&] { threads::encode_submission(denial, true); }), "reason"));
}

BOOST_AUTO_TEST_CASE(a_function_has_its_new_members) {
    function_tool tool("f", "Does it.", R"({"type":"object"})");
    tool.strict = true;
    tool.output_schema = R"({"type":"string"})";
    tool.async = true;
    tool.defer_loading = false;
    tool.allowed_callers = {"direct", "programmatic"};
    BOOST_TEST(with_tool(tool) == json::parse(R"({"type":"function","name":"f","description":"Does it.",
        "parameters":{"type":"object"},"strict":true,"output_schema":{"type":"string"},"async":true,
        "defer_loading":false,"allowed_callers":["direct","programmatic"]})"));
    tool.output_schema = "[]";
    BOOST_TEST(says(refusal_of([&] { with_tool(tool); }), "output_schema of f"));

    const std::pair<const char*, std::function<void(function_tool&)>> rows[] = {
        {"output_schema", [](function_tool& f) { f.output_schema = "{}"; }},
        {"async", [](function_tool& f) { f.async = false; }},
        {"defer_loading", [](function_tool& f) { f.defer_loading = true; }},
        {"allowed_callers", [](function_tool& f) { f.allowed_callers = {"direct"}; }},
    };
    for (const auto& [name, set] : rows) {
        agent_definition agent("m");
        function_tool function("f", "", "{}");
        set(function);
        agent.tools.push_back(function);
        BOOST_TEST(
            says(refusal_of([&] { codec::threads::encode_agent(agent); }), "function_tool::" + std::string(name)));
    }
}

BOOST_AUTO_TEST_CASE(an_mcp_tool_has_its_new_members) {
    prompt_mcp_tool tool("mail", "");
    tool.connector_id = "connector_gmail";
    tool.authorization = "ya29.token";
    tool.server_description = "Mail";
    tool.defer_loading = true;
    tool.allowed_callers = {"programmatic"};
    const json wanted = json::parse(R"({"type":"mcp","server_label":"mail","authorization":"ya29.token",
        "connector_id":"connector_gmail","server_description":"Mail","defer_loading":true,
        "allowed_callers":["programmatic"]})");
    BOOST_TEST(with_tool(tool) == wanted);
    prompt_mcp_tool tunnel("lab", "");
    tunnel.tunnel_id = "tunnel_1";
    BOOST_TEST(with_tool(tunnel) == json::parse(R"({"type":"mcp","server_label":"lab","tunnel_id":"tunnel_1"})"));
    // A member cannot be given twice.
    tunnel.extra_json = R"({"tunnel_id":"tunnel_2"})";
    BOOST_TEST(says(refusal_of([&] { with_tool(tunnel); }), "tunnel_id"));
}

BOOST_AUTO_TEST_CASE(an_agent_s_tools_are_read_as_they_are_written) {
    for (const char* tool :
         {R"({"type":"mcp","server_label":"mail","authorization":"a","connector_id":"c","tunnel_id":"t",
              "server_description":"d","defer_loading":false,"allowed_callers":["direct"],"x":1})",
          R"({"type":"function","name":"f","description":"d","parameters":{"type":"object"},"strict":false,
              "output_schema":{"type":"string"},"async":false,"defer_loading":true,"allowed_callers":["direct"]})"}) {
        const prompt_agent_definition agent = responses::decode_agent(
            R"({"name":"n","definition":{"kind":"prompt","model":"m","tools":[)" + std::string(tool) + "]}}");
        BOOST_TEST(with_tool(agent.tools.at(0)) == json::parse(tool));
    }
}

BOOST_AUTO_TEST_SUITE_END()
