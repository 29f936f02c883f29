// What the model does with a message: scripts, cues in the message, and the helpers that make text and arguments.
#include "emulator/model.hpp"
#include "emulator/script_interpreter.hpp"

#include <boost/test/unit_test.hpp>

#include <string>
#include <vector>

namespace {

using namespace corun::emulator;
using kind = step::kind;

model_view view_of(std::string message) {
    model_view view;
    view.message = std::move(message);
    return view;
}

/// A plan as text: `reply:hi call_function:f`.
std::string shown(const std::deque<step>& plan) {
    std::string text;
    for (const auto& one : plan) {
        if (!text.empty()) text += ' ';
        if (one.type() == kind::reply) text += one.count() ? "tokens:" + std::to_string(one.count()) : one.text();
        if (is_call(one)) text += "call:" + one.name() + (one.label().empty() ? "" : "@" + one.label());
    }
    return text;
}

BOOST_AUTO_TEST_CASE(follows_the_latest_script_that_matches) {
    const std::vector<script> scripts{{"", {step::reply("any")}},
                                      {"sun", {step::reply("old")}},
                                      {"sun", {step::reply("new")}},
                                      {"rain", {step::call_function("f")}}};
    BOOST_TEST(shown(plan_for(scripts, view_of("the sun"))) == "new");
    BOOST_TEST(shown(plan_for(scripts, view_of("snow"))) == "any");
    BOOST_TEST(shown(plan_for(scripts, view_of("rain"))) == "call:f {output}");
}

BOOST_AUTO_TEST_CASE(obeys_cues_without_a_script) {
    model_view view = view_of("please find_seats");
    BOOST_TEST(shown(plan_for({}, view)) == "You said: {message}");
    view.functions = {"other", "find_seats"};
    BOOST_TEST(shown(plan_for({}, view)) == "call:find_seats {output}");
    view.tools_allowed = false;
    BOOST_TEST(shown(plan_for({}, view)) == "You said: {message}");
    view.chosen_function = "other";
    BOOST_TEST(shown(plan_for({}, view)) == "call:other {output}");
}

BOOST_AUTO_TEST_CASE(calls_functions_that_get_what_the_message_is_about) {
    model_view view = view_of("what's the weather like?");
    view.functions = {"get_weather", "get-the", "like", "get_time"};
    BOOST_TEST(shown(plan_for({}, view)) == "call:like {output}");
    view.functions = {"get_weather", "get-the", "get_time", "set-weather"};
    BOOST_TEST(shown(plan_for({}, view)) == "call:get_weather call:set-weather {output}");
    view.servers = {{"a", {"x", "weather"}}};
    BOOST_TEST(shown(plan_for({}, view)) == "call:weather@a {output}");
}

BOOST_AUTO_TEST_CASE(calls_tools_of_servers) {
    model_view view = view_of("hello");
    view.servers = {{"empty", {}}, {"a", {"x", "y"}}, {"b", {"z"}}};
    BOOST_TEST(shown(plan_for({}, view)) == "call:x@a {output}");
    view.message = "do z, then y";
    BOOST_TEST(shown(plan_for({}, view)) == "call:y@a call:z@b {output}");
    view.functions = {"do"};
    BOOST_TEST(shown(plan_for({}, view)) == "call:do call:y@a call:z@b {output}");
}

BOOST_AUTO_TEST_CASE(counts_tokens_that_the_message_asks_for) {
    BOOST_TEST(shown(plan_for({}, view_of("give tokens(12) now"))) == "tokens:12");
    for (const char* message : {"tokens()", "tokens(x)", "tokens(12", "tokens(1x)"})
        BOOST_TEST(shown(plan_for({}, view_of(message))) == "You said: {message}");
}

BOOST_AUTO_TEST_CASE(makes_arguments_that_match_a_schema) {
    const json schema = json::parse(R"({"required": ["s", "i", "n", "b", "a", "o", "e", "d", 5], "properties": {
        "s": {"type": "string"}, "i": {"type": "integer"}, "n": {"type": "number"}, "b": {"type": "boolean"},
        "a": {"type": "array"}, "o": {"type": "object", "required": ["x"]}, "e": {"enum": ["first", "second"]},
        "d": {"default": 7}, "optional": {"type": "string"}}})");
    BOOST_TEST(arguments_for(schema, "m").dump() ==
               R"({"s":"m","i":1,"n":1,"b":true,"a":[],"o":{"x":"m"},"e":"first","d":7})");
    BOOST_TEST(arguments_for(nullptr, "m").dump() == "{}");
    const json choices = json::parse(R"({"required": ["t", "n", "a", "o", "c"], "properties": {
        "t": {"type": ["null", "integer"]}, "n": {"type": ["null"]}, "c": {"const": "x"},
        "a": {"anyOf": [{"type": "null"}, {"type": "boolean"}]}, "o": {"oneOf": [{"type": "string"}]}}})");
    BOOST_TEST(arguments_for(choices, "m").dump() == R"({"t":1,"n":null,"a":true,"o":"m","c":"x"})");
}

BOOST_AUTO_TEST_CASE(replies_in_the_form_that_is_asked_for) {
    model_view view = view_of("a seat");
    view.reply_schema = json::parse(R"({"required": ["place"], "properties": {"place": {"type": "string"}}})");
    BOOST_TEST(shown(plan_for({}, view)) == R"({"place":"a seat"})");
    view.functions = {"find_seat"};
    BOOST_TEST(shown(plan_for({}, view)) == "call:find_seat {output}");
}

BOOST_AUTO_TEST_CASE(splits_texts) {
    BOOST_TEST((tokens_of("a  bc d ") == std::vector<std::string>{"a", "  bc", " d", " "}));
    BOOST_TEST(tokens_of("").empty());
    BOOST_TEST((halves_of("abc") == std::pair<std::string, std::string>("a", "bc")));
    BOOST_TEST((halves_of("a\xC3\xA4") == std::pair<std::string, std::string>("a", "\xC3\xA4")));
    BOOST_TEST((halves_of("\xC3\xA4") == std::pair<std::string, std::string>("\xC3\xA4", "")));
    BOOST_TEST(words(" a bc  d ") == 3u);
    BOOST_TEST(words("") == 0u);
}

BOOST_AUTO_TEST_CASE(fills_in_texts) {
    BOOST_TEST(filled_in("{message}|{output}|{message}", "m", "o") == "m|o|m");
    BOOST_TEST(replace_all("aXbX", "X", "XX") == "aXXbXX");
}

BOOST_AUTO_TEST_CASE(streams_made_up_tokens_or_words) {
    const token_stream words("two words", 0), made_up("ignored", 3);
    BOOST_TEST(words.size() == 2u);
    BOOST_TEST(words[0] == "two");
    BOOST_TEST(words[1] == " words");
    BOOST_TEST(made_up.size() == 3u);
    BOOST_TEST(made_up[0] == "token0");
    BOOST_TEST(made_up[2] == " token2");
}

BOOST_AUTO_TEST_CASE(cuts_texts_off_at_the_token_limit) {
    const auto limited = [](const json& limit, std::size_t used) {
        token_stream tokens({}, 3);
        const bool is_whole = tokens.limit(limit, used);
        return std::pair(is_whole, tokens.size());
    };
    BOOST_TEST((limited(nullptr, 100) == std::pair(true, std::size_t{3})));
    BOOST_TEST((limited(10, 7) == std::pair(true, std::size_t{3})));
    BOOST_TEST((limited(10, 8) == std::pair(false, std::size_t{2})));
    BOOST_TEST((limited(10, 10) == std::pair(false, std::size_t{0})));
    BOOST_TEST((limited(10, 11) == std::pair(false, std::size_t{0})));
}

}  // namespace
