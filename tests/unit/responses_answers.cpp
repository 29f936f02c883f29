// The items that answer calls.
#include "protocol/responses/codec.hpp"
#include "sentence.hpp"
#include <corun/error.hpp>

#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

using namespace corun;
using namespace corun::codec::responses;
using nlohmann::json;

/// The action of one call, as it is read from a response.
required_action action_of(const std::string& type, const std::string& members) {
    required_action action;
    action.raw = R"([{"type":")" + type + R"(","id":"item_1","call_id":"c1")" + members + "}]";
    if (type == "function_call") {
        action.function_calls.emplace_back().id = "c1";
    } else if (type == "mcp_approval_request") {
        action.mcp_approvals.emplace_back().id = "c1";
    } else {
        other_call& call = action.other_calls.emplace_back();
        call.id = "c1";
        call.type = type;
    }
    return action;
}

json input_of(required_action action, submission answers) {
    response_request request;
    request.agent.emplace("desk");
    request.previous_response_id = "resp_1";
    request.action = std::move(action);
    request.answers = std::move(answers);
    return json::parse(encode_response(request).body.reveal())["input"];
}

json answer_to(const std::string& type, call_output output, const std::string& members = {}) {
    return input_of(action_of(type, members), submission().output("c1", std::move(output))).at(0);
}

/// The error's message; empty if there is none.
std::string refusal_of(const std::string& type, call_output output) {
    try {
        answer_to(type, std::move(output));
    } catch (const error& failure) {
        BOOST_CHECK(failure.code() == errc::invalid_argument);
        return test::sentence_of(failure);
    }
    return {};
}

const std::vector<content_block> pictures{content_block::text("Two seats:"),
                                          content_block::image_url("data:image/png;base64,AA==", "high"),
                                          content_block::file("file-1")};
const shell_output two_commands({command_result("ok\n", "", 0), command_result("", "slow", std::nullopt)});

}  // namespace

BOOST_AUTO_TEST_SUITE(responses_answers)

BOOST_AUTO_TEST_CASE(a_function_and_a_custom_tool_answer_with_a_text_or_with_content) {
    for (const std::string type : {"function_call", "custom_tool_call"}) {
        // JSON stays a text: that is what the model reads.
        BOOST_TEST(answer_to(type, R"([{"type":"input_text"}])") ==
                   (json{{"type", type + "_output"}, {"call_id", "c1"}, {"output", R"([{"type":"input_text"}])"}}));
        BOOST_TEST(answer_to(type, pictures)["output"] == json::parse(R"([{"type":"input_text","text":"Two seats:"},
            {"type":"input_image","image_url":"data:image/png;base64,AA==","detail":"high"},
            {"type":"input_file","file_id":"file-1"}])"));
    }
}

BOOST_AUTO_TEST_CASE(a_local_shell_answers_with_a_text_under_its_id) {
    BOOST_TEST(answer_to("local_shell_call", R"({"stdout":"ok"})") ==
               json::parse(R"({"type":"local_shell_call_output","id":"c1","output":"{\"stdout\":\"ok\"}"})"));
}

BOOST_AUTO_TEST_CASE(a_shell_answers_with_a_list_of_results) {
    const json results = json::parse(R"([{"stdout":"ok\n","stderr":"","outcome":{"type":"exit","exit_code":0}},
        {"stdout":"","stderr":"slow","outcome":{"type":"timeout"}}])");
    BOOST_TEST(answer_to("shell_call", two_commands) ==
               (json{{"type", "shell_call_output"}, {"call_id", "c1"}, {"output", results}}));
    BOOST_TEST(answer_to("shell_call", results.dump())["output"] == results);
    // The limit is that of the call, unless the output has one.
    const std::string limited = R"(,"action":{"commands":["ls"],"max_output_length":4096})";
    BOOST_TEST(answer_to("shell_call", two_commands, limited)["max_output_length"] == 4096);
    BOOST_TEST(answer_to("shell_call", results.dump(), limited)["max_output_length"] == 4096);
    BOOST_TEST(answer_to("shell_call", shell_output({}, 100), limited)["max_output_length"] == 100);
    BOOST_TEST(!answer_to("shell_call", two_commands, R"(,"action":{"max_output_length":null})")
                    .contains("max_output_length"));
}

BOOST_AUTO_TEST_CASE(a_patch_answers_with_its_status) {
    const auto wanted = [](json more) {
        more.update(json{{"type", "apply_patch_call_output"}, {"call_id", "c1"}});
        return more;
    };
    BOOST_TEST(answer_to("apply_patch_call", patch_result::completed()) == wanted({{"status", "completed"}}));
    BOOST_TEST(answer_to("apply_patch_call", patch_result::failed("no such file")) ==
               wanted({{"status", "failed"}, {"output", "no such file"}}));
    BOOST_TEST(answer_to("apply_patch_call", R"({"lines":3})") ==
               wanted({{"status", "completed"}, {"output", R"({"lines":3})"}}));
}

BOOST_AUTO_TEST_CASE(a_computer_answers_with_a_screenshot) {
    computer_screenshot screen = computer_screenshot::url("data:image/png;base64,AA==");
    screen.acknowledged_safety_checks = {safety_check("cu_1"), safety_check("cu_2", "malicious", "Is it safe?")};
    BOOST_TEST(answer_to("computer_call", screen) == json::parse(R"({"type":"computer_call_output","call_id":"c1",
        "output":{"type":"computer_screenshot","image_url":"data:image/png;base64,AA=="},
        "acknowledged_safety_checks":[{"id":"cu_1"},{"id":"cu_2","code":"malicious","message":"Is it safe?"}]})"));
    BOOST_TEST(answer_to("computer_call", computer_screenshot::file("file-1"))["output"] ==
               (json{{"type", "computer_screenshot"}, {"file_id", "file-1"}}));
    const json raw{{"type", "computer_screenshot"}, {"image_url", "https://x/y.png"}};
    BOOST_TEST(answer_to("computer_call", raw.dump())["output"] == raw);
    BOOST_TEST(refusal_of("computer_call", computer_screenshot::file("")).find("image_url") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(the_safety_checks_of_a_computer_are_read_from_its_call) {
    other_call call;
    call.type = "computer_call";
    call.raw = R"({"type":"computer_call","call_id":"c1","pending_safety_checks":[
        {"id":"cu_1","code":"malicious","message":"Is it \u0022safe\u0022?"},{"id":"cu_2","code":null}]})";
    computer_screenshot screen = computer_screenshot::file("f");
    screen.acknowledged_safety_checks = pending_safety_checks(call);
    BOOST_TEST(answer_to("computer_call", screen)["acknowledged_safety_checks"] == json::parse(R"([
        {"id":"cu_1","code":"malicious","message":"Is it \"safe\"?"},{"id":"cu_2"}])"));
    for (const char* none : {"", "[]", R"({"pending_safety_checks":null})", R"({"pending_safety_checks":{}})"}) {
        call.raw = none;
        BOOST_TEST(pending_safety_checks(call).empty());
    }
    call.type = "shell_call";
    call.raw = R"({"pending_safety_checks":[{"id":"cu_1"}]})";
    BOOST_TEST(pending_safety_checks(call).empty());
}

BOOST_AUTO_TEST_CASE(a_search_of_the_application_answers_with_tools) {
    function_tool found("get_weather", "", R"({"type":"object"})");
    found.defer_loading = true;
    const json tools = json::parse(
        R"([{"type":"function","name":"get_weather","parameters":{"type":"object"},"defer_loading":true}])");
    const json wanted{{"type", "tool_search_output"}, {"call_id", "c1"}, {"execution", "client"}, {"tools", tools}};
    BOOST_TEST(answer_to("tool_search_call", std::vector<prompt_tool>{found}) == wanted);
    BOOST_TEST(answer_to("tool_search_call", tools.dump()) == wanted);
    BOOST_TEST(answer_to("tool_search_call", std::vector<prompt_tool>())["tools"] == json::array());
}

BOOST_AUTO_TEST_CASE(a_call_that_nobody_knows_answers_with_what_its_output_is) {
    BOOST_TEST(answer_to("sign_call", "x") == (json{{"type", "sign_call_output"}, {"call_id", "c1"}, {"output", "x"}}));
    BOOST_TEST(answer_to("sign_call", R"({"a":1})")["output"] == (json{{"a", 1}}));
    BOOST_TEST(answer_to("sign_call", "7")["output"] == "7");
}

BOOST_AUTO_TEST_CASE(an_output_of_another_form_is_refused_by_name) {
    const call_output text("done"), content(pictures), shell(two_commands), patch(patch_result::completed()),
        screen(computer_screenshot::file("f")), tools(std::vector<prompt_tool>{});
    struct row {
        const char* type;
        std::vector<call_output> wrong;
        const char* wanted;
    };
    const row rows[] = {
        {"function_call", {shell, patch, screen, tools}, "a text, or a list of content_block"},
        {"custom_tool_call", {shell, patch, screen, tools}, "a text, or a list of content_block"},
        {"local_shell_call", {content, shell, patch, screen, tools}, "a text"},
        {"shell_call",
         {text, content, patch, screen, tools, "[1]", R"([{"stdout":"","stderr":""}])", R"({"output":[]})", "["},
         "a shell_output"},
        {"apply_patch_call", {content, shell, screen, tools}, "a patch_result"},
        {"computer_call", {text, content, shell, patch, tools, "{}", "[]", "{"}, "a computer_screenshot"},
        {"tool_search_call", {text, content, shell, patch, screen, "{}", R"([{"name":"f"}])"}, "a list of prompt_tool"},
        {"sign_call", {shell, patch, screen, tools}, "a text"},
    };
    for (const row& each : rows) {
        for (const call_output& wrong : each.wrong) {
            const std::string message = refusal_of(each.type, wrong);
            BOOST_TEST_CONTEXT(each.type << " answered with " << wrong << ": " << message) {
                BOOST_TEST(message.find(each.type) != std::string::npos);
                BOOST_TEST(message.find(each.wanted) != std::string::npos);
            }
        }
    }
}

BOOST_AUTO_TEST_CASE(an_item_that_takes_no_output_is_refused_one) {
    for (const char* type : {"mcp_approval_request", "oauth_consent_request"}) {
        const std::string message = refusal_of(type, "done");
        BOOST_TEST(message.find(type) != std::string::npos);
    }
}

BOOST_AUTO_TEST_CASE(a_denial_has_a_reason) {
    const json input = input_of(action_of("mcp_approval_request", {}), submission().deny("c1", "too expensive"));
    BOOST_TEST(input == json::parse(R"([{"type":"mcp_approval_response","approval_request_id":"c1","approve":false,
                                         "reason":"too expensive"}])"));
    for (const char* type : {"function_call", "shell_call"}) {
        BOOST_CHECK_EXCEPTION(input_of(action_of(type, {}), submission().approve("c1")), error,
                              [](const error& failure) { return failure.code() == errc::invalid_argument; });
        BOOST_CHECK_EXCEPTION(input_of(action_of(type, {}), submission().deny("c1")), error,
                              [](const error& failure) { return failure.code() == errc::invalid_argument; });
    }
}

BOOST_AUTO_TEST_CASE(a_call_of_a_program_has_its_caller_in_the_answer) {
    const std::string caller = R"({"type":"program","caller_id":"prog_1"})";
    const std::pair<const char*, call_output> rows[] = {
        {"function_call", "x"}, {"custom_tool_call", "x"}, {"shell_call", two_commands}, {"apply_patch_call", "x"}};
    for (const auto& [type, output] : rows) {
        BOOST_TEST(answer_to(type, output, R"(,"caller":)" + caller)["caller"] == json::parse(caller), type);
        for (const char* none : {R"(,"caller":null)", R"(,"caller":"direct")", ""})
            BOOST_TEST(!answer_to(type, output, none).contains("caller"), type);
    }
}

BOOST_AUTO_TEST_CASE(an_answer_is_that_of_its_own_call) {
    required_action action;
    action.raw = R"([{"type":"function_call","id":"i1","call_id":"c1","caller":{"type":"program","caller_id":"p1"}},
        {"type":"function_call","id":"i2","call_id":"c2"},
        {"type":"local_shell_call","id":"c3","caller":{"type":"program","caller_id":"p3"}}])";
    action.function_calls.emplace_back().id = "c1";
    action.function_calls.emplace_back().id = "c2";
    const json input = input_of(action, submission().output("c1", "x").output("c2", "y"));
    BOOST_REQUIRE(input.size() == 2u);
    BOOST_TEST(input[0]["call_id"] == "c1");
    BOOST_TEST(input[0]["caller"]["caller_id"] == "p1");
    BOOST_TEST(input[1]["call_id"] == "c2");
    BOOST_TEST(!input[1].contains("caller"));
}

BOOST_AUTO_TEST_CASE(an_output_reads_as_its_texts) {
    BOOST_TEST(call_output() == "");
    BOOST_TEST(call_output("x") == "x");
    BOOST_TEST(call_output(pictures) == "Two seats:");
    BOOST_TEST(call_output(two_commands) == "ok\nslow");
    BOOST_TEST(call_output(patch_result::failed("no")) == "no");
    BOOST_TEST(call_output(computer_screenshot::file("f")) == "");
    BOOST_TEST(call_output(std::vector<prompt_tool>{}) == "");
}

BOOST_AUTO_TEST_SUITE_END()
