// The steps of scripts, and scripts as JSON.
#include "emulator/script.hpp"
#include <corun/json.hpp>

#include <boost/test/unit_test.hpp>

#include <stdexcept>
#include <string>

namespace {

using namespace corun::emulator;
using kind = step::kind;

step only_step(const std::string& form) {
    const auto scripts = scripts_of(R"([{"match": "m", "steps": [)" + form + "]}]");
    BOOST_REQUIRE(scripts.size() == 1);
    BOOST_TEST(scripts.front().first == "m");
    BOOST_REQUIRE(scripts.front().second.size() == 1);
    return scripts.front().second.front();
}

BOOST_AUTO_TEST_CASE(reads_each_form_of_a_step) {
    struct row {
        const char* form;
        kind type;
        const char *name, *text, *label;
        std::size_t count;
    };
    const row rows[] = {
        {R"({"reply": "hi"})", kind::reply, "", "hi", "", 0},
        {R"({"reply": "hi", "phase": "commentary"})", kind::reply, "commentary", "hi", "", 0},
        {R"({"tokens": 3})", kind::reply, "", "", "", 3},
        {R"({"message": [{"type": "text", "text": {"value": "v"}}]})", kind::message, "",
         R"([{"type":"text","text":{"value":"v"}}])", "", 0},
        {R"({"refusal": "no"})", kind::refusal, "", "no", "", 0},
        {R"({"reasoning": "hm"})", kind::reasoning, "", "hm", "", 0},
        {R"({"activity": {"a": 1}})", kind::activity, "", R"({"a":1})", "", 0},
        {R"({"call_function": "f"})", kind::call_function, "f", "", "", 0},
        {R"({"call_function": "f", "arguments": {"a": 1}})", kind::call_function, "f", R"({"a":1})", "", 0},
        {R"({"call_function": "f", "arguments": "text"})", kind::call_function, "f", "text", "", 0},
        {R"({"call_mcp": "t", "arguments": {}, "server_label": "l"})", kind::call_mcp, "t", "{}", "l", 0},
        {R"({"call_tool": "bing_grounding"})", kind::call_tool, "bing_grounding", "{}", "", 0},
        {R"({"call_tool": "x", "details": {"q": 1}})", kind::call_tool, "x", R"({"q":1})", "", 0},
        {R"({"next_round": true})", kind::next_round, "", "", "", 0},
        {R"({"require_action": "a", "details": {"d": 1}})", kind::require_action, "a", R"({"d":1})", "", 0},
        {R"({"fail": "code", "message": "why"})", kind::fail, "code", "why", "", 0},
        {R"({"incomplete": "max_prompt_tokens"})", kind::incomplete, "", "max_prompt_tokens", "", 0},
        {R"({"hold": true})", kind::hold, "", "", "", 0},
    };
    for (const auto& [form, type, name, text, label, count] : rows) {
        BOOST_TEST_CONTEXT(form) {
            const step read = only_step(form);
            BOOST_TEST((read.type() == type));
            BOOST_TEST(read.name() == name);
            BOOST_TEST(read.text() == text);
            BOOST_TEST(read.label() == label);
            BOOST_TEST(read.count() == count);
        }
    }
}

BOOST_AUTO_TEST_CASE(rejects_other_forms) {
    for (const char* text :
         {"", "{}", "[{}]", R"([{"steps": []}])", R"([{"steps": [{}]}])", R"([{"steps": [{"dance": 1}]}])",
          R"([{"steps": [{"tokens": -1}]}])", R"([{"steps": [{"tokens": "3"}]}])", R"([{"steps": [{"message": {}}]}])",
          R"([{"steps": [{"activity": []}]}])", R"([{"steps": [{"call_tool": "x", "details": 1}]}])"})
        BOOST_CHECK_THROW(scripts_of(text), std::invalid_argument);
}

BOOST_AUTO_TEST_CASE(keeps_the_order_of_scripts_and_steps) {
    const auto scripts =
        scripts_of(R"([{"match": "a", "steps": [{"reply": "1"}, {"reply": "2"}]}, {"steps": [{"hold": true}]}])");
    BOOST_REQUIRE(scripts.size() == 2);
    BOOST_TEST(scripts[0].first == "a");
    BOOST_TEST(scripts[0].second.at(0).text() == "1");
    BOOST_TEST(scripts[0].second.at(1).text() == "2");
    BOOST_TEST(scripts[1].first == "");
}

BOOST_AUTO_TEST_CASE(checks_json_arguments_at_once) {
    BOOST_CHECK_THROW(step::activity("[]"), std::invalid_argument);
    BOOST_CHECK_THROW(step::call_tool("x", "no"), std::invalid_argument);
    BOOST_CHECK_THROW(step::require_action("x", ""), std::invalid_argument);
    BOOST_CHECK_THROW(step::message("{}"), std::invalid_argument);
    BOOST_CHECK_THROW(step::message(R"([{"text": {"value": "v"}}])"), std::invalid_argument);
    BOOST_CHECK_THROW(step::message(R"([{"type": "text", "text": {"value": 1}}])"), std::invalid_argument);
    BOOST_TEST(step::message(R"([{"type": "image_url"}])").text() == R"([{"type": "image_url"}])");
}

BOOST_AUTO_TEST_CASE(takes_the_json_of_a_library) {
    const nlohmann::json object = {{"a", 1}};
    const std::string text = R"({"a":1})";
    BOOST_TEST(step::activity(object).text() == text);
    BOOST_TEST(step::call_function("f", object).text() == text);
    BOOST_TEST(step::call_mcp("f", object, "label").text() == text);
    BOOST_TEST(step::call_tool("x", object).text() == text);
    BOOST_TEST(step::require_action("x", object).text() == text);
    BOOST_TEST(step::message(nlohmann::json::array({{{"type", "image"}}})).text() == R"([{"type":"image"}])");
    BOOST_CHECK_THROW(step::activity(nlohmann::json("text")), std::invalid_argument);
}

BOOST_AUTO_TEST_CASE(knows_calls) {
    for (const step& call : {step::call_function("f"), step::call_mcp("t"), step::call_tool("x")})
        BOOST_TEST(is_call(call));
    for (const step& other : {step::reply("r"), step::next_round(), step::require_action("a"), step::hold()})
        BOOST_TEST(!is_call(other));
}

}  // namespace
