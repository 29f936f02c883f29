#include "mcp/header_rules.hpp"
#include "mcp/results.hpp"
#include "mcp/rpc_message.hpp"
#include <corun/mcp/function.hpp>
#include <corun/mcp/tool.hpp>

#include <boost/test/unit_test.hpp>

#include <string>
#include <utility>

namespace {

using namespace corun;

std::string schema_with(const std::string& property) {
    return R"({"type":"object","properties":{"a":)" + property + "}}";
}

std::string problem_of(const std::string& schema) {
    return mcp::header_parameters_of(schema).problem;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(mcp_values)

BOOST_AUTO_TEST_CASE(values_that_are_not_plain_are_encoded_for_a_header) {
    const std::pair<std::string, std::string> cases[] = {
        {"eu-1", "eu-1"},
        {"a b", "a b"},
        {"",
         "=?base64?"
         "?="},
        {" a", "=?base64?IGE=?="},
        {"a ", "=?base64?YSA=?="},
        {"a\tb", "=?base64?YQli?="},
        {"a\r\nb", "=?base64?YQ0KYg==?="},
        {"é", "=?base64?w6k=?="},
        {"=?base64?x?=", "=?base64?PT9iYXNlNjQ/eD89?="},
    };
    for (const auto& [value, encoded] : cases) BOOST_TEST(mcp::encoded_header_value(value) == encoded);
}

BOOST_AUTO_TEST_CASE(annotations_outside_the_rules_forbid_a_tool) {
    const std::string good = R"({"type":"string","x-mcp-header":"Region"})";
    BOOST_TEST(problem_of(schema_with(good)).empty());
    BOOST_TEST(mcp::header_parameters_of(schema_with(good)).list.size() == 1u);
    for (const std::string& wrong : {
             schema_with(R"({"type":"number","x-mcp-header":"Region"})"),
             schema_with(R"({"type":"object","x-mcp-header":"Region"})"),
             schema_with(R"({"type":"array","x-mcp-header":"Region"})"),
             schema_with(R"({"type":"null","x-mcp-header":"Region"})"),
             schema_with(R"({"x-mcp-header":"Region"})"),
             schema_with(R"({"type":"string","x-mcp-header":""})"),
             schema_with(R"({"type":"string","x-mcp-header":"a b"})"),
             schema_with(R"({"type":"string","x-mcp-header":"a:b"})"),
             schema_with(R"({"type":"string","x-mcp-header":"a\r\nb"})"),
             schema_with(R"({"type":"string","x-mcp-header":7})"),
             schema_with(R"({"type":"string","x\u002dmcp-header":7})"),
             schema_with(R"({"type":"array","items":)" + good + "}"),
             schema_with(R"({"anyOf":[)" + good + "]}"),
             schema_with(R"({"not":)" + good + "}"),
             schema_with(R"({"additionalProperties":)" + good + "}"),
             std::string(R"({"type":"object","$defs":{"a":)" + good + "}}"),
             std::string(R"({"type":"string","x-mcp-header":"Region"})"),
             std::string(R"({"properties":{"a":)" + good + R"(,"b":{"type":"string","x-mcp-header":"region"}}})"),
         })
        BOOST_TEST(!problem_of(wrong).empty(), wrong);
    // A property may have that name.
    BOOST_TEST(problem_of(R"({"properties":{"x-mcp-header":{"type":"number"}}})").empty());
}

BOOST_AUTO_TEST_CASE(integers_that_not_everybody_can_read_have_no_header) {
    const auto parameters = mcp::header_parameters_of(schema_with(R"({"type":"integer","x-mcp-header":"N"})")).list;
    const std::pair<std::string, std::string> cases[] = {{"7", "7"},
                                                         {"-7", "-7"},
                                                         {"7.0", "7"},
                                                         {"9007199254740991", "9007199254740991"},
                                                         {"9007199254740992", ""},
                                                         {"1e300", ""},
                                                         {"18446744073709551615", ""},
                                                         {"-9007199254740992", ""},
                                                         {"7.5", ""},
                                                         {"null", ""},
                                                         {"[]", ""}};
    for (const auto& [value, text] : cases) {
        headers fields;
        mcp::add_parameters(fields, parameters, R"({"a":)" + value + "}");
        const secret* field = fields.find("Mcp-Param-N");
        BOOST_TEST((field ? std::string(field->reveal()) : std::string()) == text, value);
    }
}

BOOST_AUTO_TEST_CASE(challenges_are_read_as_the_field_allows_them) {
    const auto bearer = mcp::parse_challenge(
        R"(Basic realm="a, b", bearer error="invalid_token" , scope="seats:read seats:\"x\"",resource_metadata="https://a/b?c=d")");
    BOOST_TEST(bearer->scheme == "bearer");
    BOOST_TEST(bearer->realm == "");
    BOOST_TEST(bearer->error == "invalid_token");
    BOOST_TEST(bearer->scope == R"(seats:read seats:"x")");
    BOOST_TEST(bearer->resource_metadata == "https://a/b?c=d");
    BOOST_TEST(mcp::parse_challenge("Basic realm=x")->realm == "x");
    BOOST_TEST(mcp::parse_challenge("Bearer")->scheme == "Bearer");
    BOOST_TEST(mcp::parse_challenge("Bearer realm=\"unclosed")->realm == "unclosed");
    BOOST_TEST(!mcp::parse_challenge("").has_value());
    BOOST_TEST(!mcp::parse_challenge(" , =").has_value());
}

BOOST_AUTO_TEST_CASE(a_result_is_one_text_without_binary_data) {
    const mcp::tool_result result =
        mcp::decode_outcome(R"({"content":[{"type":"text","text":"one"},{"type":"text","text":""},
            {"type":"image","data":"AAAA","mimeType":"image/png"},
            {"type":"resource_link","uri":"file:///a","name":"A"},
            {"type":"resource","resource":{"uri":"file:///b","text":"two"}},
            {"type":"resource","resource":{"uri":"file:///c","blob":"AAAA","mimeType":"application/pdf"}},
            {"type":"new","x":1}, 7], "structuredContent":{"a":1}})")
            .result;
    BOOST_TEST(result.content.size() == 7u);
    BOOST_TEST(result.text() ==
               "one\n[image/png, 3 bytes]\n[A: file:///a]\nfile:///b\ntwo\n[application/pdf, 3 bytes, file:///c]\n"
               R"({"type":"new","x":1})");
    BOOST_TEST(mcp::decode_outcome(R"({"content":[],"structuredContent":[1]})").result.text() == "[1]");
    BOOST_TEST(mcp::decode_outcome("{}").result.text() == "");
}

BOOST_AUTO_TEST_CASE(only_messages_are_messages) {
    BOOST_TEST(mcp::read_messages(R"({"id":1,"result":{}})")->front().is_answer());
    BOOST_TEST(mcp::read_messages(R"([{"id":1,"result":7},{"method":"a"}])")->size() == 2u);
    BOOST_TEST(!mcp::read_messages(R"({"id":1,"result":null})")->front().is_answer());
    BOOST_TEST(mcp::read_messages(R"({"id":null,"error":{"code":-1}})")->front().error->code == -1);
    for (const char* text : {"", "7", "\"a\"", "{", R"({"id":1},"batch":{"id":2})", "null"})
        BOOST_TEST(!mcp::read_messages(text).has_value(), text);
}

BOOST_AUTO_TEST_CASE(the_name_of_a_function_depends_on_label_and_tool_alone) {
    BOOST_TEST(mcp::function_name("bookings", "reserve_seat") == "bookings__reserve_seat");
    BOOST_TEST(mcp::function_name("bookings", "reserve-seat") == "bookings__reserve-seat");
    const std::string dotted = mcp::function_name("bookings", "reserve.seat");
    BOOST_TEST(dotted == "bookings__reserve_seat_420c9043", dotted);
    BOOST_TEST(dotted != mcp::function_name("bookings", "reserve seat"));
    const std::string long_name = mcp::function_name("bookings", std::string(100, 'a'));
    BOOST_TEST(long_name.size() == 64u);
    BOOST_TEST(long_name != mcp::function_name("bookings", std::string(101, 'a')));
    BOOST_TEST(mcp::function_name("büro", "größe")
                   .find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") ==
               std::string::npos);
}

BOOST_AUTO_TEST_CASE(schemas_become_those_that_services_accept) {
    const auto parameters_of = [](const std::string& schema) {
        mcp::tool tool;
        tool.name = "t";
        tool.input_schema = schema;
        return mcp::to_function("l", tool);
    };
    const std::pair<std::string, std::string> cases[] = {
        {"", R"({"type":"object","properties":{}})"},
        {"{}", R"({"type":"object","properties":{}})"},
        {R"({"$schema":"https://x","properties":{"a":{"type":"array"},"x-b":{"type":"object","x-mcp-header":"B"}}})",
         R"({"properties":{"a":{"type":"array","items":{}},"x-b":{"type":"object","properties":{}}},"type":"object"})"},
        {R"({"type":"object","properties":{"a":{"default":{"type":"object","x-c":1}}}})",
         R"({"type":"object","properties":{"a":{"default":{"type":"object","x-c":1}}}})"},
        {R"({"type":"object","properties":{"a":{"$ref":"#/$defs/b"}},"$defs":{"b":{"type":"array"}}})",
         R"({"type":"object","properties":{"a":{"$ref":"#/$defs/b"}},"$defs":{"b":{"type":"array","items":{}}}})"},
    };
    for (const auto& [given_schema, sent] : cases) {
        BOOST_TEST(parameters_of(given_schema).definition.parameters.text() == sent);
        BOOST_TEST(parameters_of(given_schema).problem == "");
    }
    const auto merged = parameters_of(R"({"anyOf":[{"properties":{"a":{}}},{"properties":{"b":{}}}]})");
    BOOST_TEST(merged.definition.parameters.text() == R"({"type":"object","properties":{"a":{},"b":{}}})");
    BOOST_TEST(merged.problem.find("anyOf") != std::string::npos);
    for (const char* wrong : {R"({"properties":{"a":{"$ref":"https://x/y.json"}}})", R"({"$ref":7})", "nonsense"})
        BOOST_CHECK_THROW((void)parameters_of(wrong), error);
    mcp::tool tool;
    tool.name = "t";
    tool.description = std::string(1023, 'a') + "é";
    BOOST_TEST(mcp::to_function("l", tool).definition.description.size() == 1023u);
    BOOST_TEST(!*mcp::to_function("l", tool).definition.strict);
}

BOOST_AUTO_TEST_CASE(the_functions_of_one_server_become_those_of_its_tools) {
    const auto tool_of = [](const char* name, const char* schema) {
        mcp::tool tool;
        tool.name = name;
        tool.input_schema = schema;
        return tool;
    };
    mcp::tool_list list;
    list.tools = {tool_of("same", R"({"type":"object","properties":{"a":{},"b":{}}})"), tool_of("other", "{}"),
                  tool_of("new", "{}"), tool_of("broken", R"({"$ref":"https://x/y"})")};
    std::vector<prompt_tool> tools;
    tools.emplace_back(function_tool("bookings__other", "Was said.", "{}"));
    tools.emplace_back(function_tool("mine", "", "{}"));
    tools.emplace_back(function_tool("bookings__gone", "", "{}"));
    tools.emplace_back(function_tool("bookings__same", "", R"({"properties":{"b":{},"a":{}},"type":"object"})"));
    tools.emplace_back(function_tool("bookings2__gone", "", "{}"));
    const mcp::function_changes changes = mcp::set_functions(tools, "bookings", list);
    using names = std::vector<std::string>;
    BOOST_TEST((changes.added == names{"bookings__new"}));
    BOOST_TEST((changes.changed == names{"bookings__other"}));
    BOOST_TEST((changes.removed == names{"bookings__gone"}));
    BOOST_TEST(changes.problems.size() == 1u);
    names left;
    for (const prompt_tool& each : tools) left.push_back(std::get<function_tool>(each).name);
    BOOST_TEST((left == names{"bookings__other", "mine", "bookings__same", "bookings2__gone", "bookings__new"}));
    BOOST_TEST(mcp::set_functions(tools, "bookings", list).empty());
}

BOOST_AUTO_TEST_SUITE_END()
