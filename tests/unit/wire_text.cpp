#include "redact/wire_text.hpp"

#include "leaks.hpp"
#include <corun/observer.hpp>

#include <boost/test/unit_test.hpp>

#include <cstddef>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>

namespace {

using corun::detail::redactor;
using corun::detail::wire_text;
using format = corun::detail::wire_text::format;

redactor knowing(std::initializer_list<const char*> values) {
    redactor known;
    for (const char* value : values) known.add(corun::secret(value));
    return known;
}

/// In pieces of that size.
std::string shown(std::string_view text, std::size_t size, const redactor& known = {}, format how = format::json) {
    wire_text under_test(known, how);
    std::string all;
    for (; !text.empty(); text.remove_prefix(std::min(size, text.size()))) all += under_test.add(text.substr(0, size));
    return all + under_test.finish();
}

/// The same however it is cut.
void check(std::string_view text, std::string_view expected, const redactor& known = {}, format how = format::json) {
    for (std::size_t size = 1; size <= text.size() + 1; ++size)
        BOOST_TEST(shown(text, size, known, how) == expected, "in pieces of " << size << ": " << expected);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(wire_text_of_a_body)

BOOST_AUTO_TEST_CASE(hides_what_stands_under_names_of_secrets) {
    const std::pair<std::string_view, std::string_view> rows[] = {
        {R"({"model":"gpt-4o","n":1,"ok":true,"none":null})", R"({"model":"gpt-4o","n":1,"ok":true,"none":null})"},
        {R"({"headers":{"Authorization":"abc","X-Tenant":"acme"},"after":"seen"})",
         R"({"headers":{"Authorization":"***","X-Tenant":"***"},"after":"seen"})"},
        {R"({"tool_resources":{"mcp":[{"server_label":"a","headers":{"K":"v"}},{"server_label":"b","headers":{}}]}})",
         R"({"tool_resources":{"mcp":[{"server_label":"a","headers":{"K":"***"}},{"server_label":"b","headers":{}}]}})"},
        {R"({"tool_approvals":[{"approve":true,"headers":{"K":"v\"w\\"},"tool_call_id":"c"}]})",
         R"({"tool_approvals":[{"approve":true,"headers":{"K":"***"},"tool_call_id":"c"}]})"},
        {R"({"tools":[{"type":"mcp","authorization":"abc","server_url":"https://a"}]})",
         R"({"tools":[{"type":"mcp","authorization":"***","server_url":"https://a"}]})"},
        {R"({"Headers" : [ "a", {"b" : ["c", 7, {"d":null}]} ], "x":[1]})",
         R"({"Headers" : [ "***", {"b" : ["***", ***, {"d":***}]} ], "x":[1]})"},
        {R"({"headers":"a: b","x":"y"})", R"({"headers":"***","x":"y"})"},
        {R"({"client_secret":"a","access_token":"b","accessToken":"c","api-key":"d","ID_TOKEN":"e","password":"f"})",
         R"({"client_secret":"***","access_token":"***","accessToken":"***","api-key":"***","ID_TOKEN":"***","password":"***"})"},
        // Escapes in a name hide nothing from us.
        {R"({"he\u0061ders":{"a":"b"}})", R"({"he\u0061ders":{"a":"***"}})"},
        // JSON in a string, and in a string of that.
        {R"({"arguments":"{\"headers\":{\"a\":\"b\"},\"c\":\"d\"}"})",
         R"({"arguments":"{\"headers\":{\"a\":\"***\"},\"c\":\"d\"}"})"},
        {R"({"a":"{\"b\":\"{\\\"headers\\\":{\\\"c\\\":\\\"d\\\"}}\"}"})",
         R"({"a":"{\"b\":\"{\\\"headers\\\":{\\\"c\\\":\\\"***\\\"}}\"}"})"},
        {R"({"a":"{\u0022token\u0022:\u0022b\u0022}"})", R"({"a":"{\u0022token\u0022:\u0022***\u0022}"})"},
        // Names that only look alike.
        {R"({"completion_tokens":7,"max_tokens":8,"header":"x","code":"y"})",
         R"({"completion_tokens":7,"max_tokens":8,"header":"x","code":"y"})"},
        // Broken off, and no JSON.
        {R"({"headers":{"a":"b)", R"({"headers":{"a":"***)"},
        {R"({"a":"\u00)", R"({"a":"\u00)"},
        {"<html>\"sign in\"</html>", "<html>\"sign in\"</html>"},
        {"", ""},
    };
    for (const auto& [text, expected] : rows) check(text, expected);
}

BOOST_AUTO_TEST_CASE(hides_credentials_in_running_text) {
    const std::pair<std::string_view, std::string_view> rows[] = {
        {R"({"message":"refused 'Bearer abc.def-_~+/=' at once"})", R"({"message":"refused 'Bearer ***' at once"})"},
        {"bearer   abc, BEARER abc", "bearer   ***, BEARER ***"},
        {"Basic dXNlcjpwYXNz; basic usage", "Basic ***; basic usage"},
        {R"(Bearer ab\u002Bcd\u003d\u003d, then)", "Bearer ***, then"},
        {R"("Bearer ab\/cd")", R"("Bearer ***")"},
        {"token eyJhbGciOi.eyJzdWIi.c2ln ends", "token *** ends"},
        {"t=eyJhbGciOi.eyJzdWIi.c2ln&u=1", "t=***&u=1"},
        {"they're eyes, e, ey and heyJude", "they're eyes, e, ey and heyJude"},
        {R"({"a":"{\"m\":\"Bearer abc\"}"})", R"({"a":"{\"m\":\"Bearer ***\"}"})"},
        {"the bearer", "the bearer"},
    };
    for (const auto& [text, expected] : rows) check(text, expected);
}

BOOST_AUTO_TEST_CASE(hides_what_is_known_wherever_it_stands) {
    const redactor known = knowing({"Bearer planted-secret-a", "key;with\"marks", "abc", "abcdef"});
    const std::pair<std::string_view, std::string_view> rows[] = {
        {"Bearer planted-secret-a", "***"},
        {R"({"m":"planted-secret-a, planted-secret-"})", R"({"m":"***, planted-secret-"})"},
        {R"({"m":"planted\u002dsecret\u002Da"})", R"({"m":"***"})"},
        {R"({"m":"key;with\"marks"})", R"({"m":"***"})"},
        {"xabcdefabcx abcde", "x******x ***de"},
        {"ab", "ab"},
        {R"(ends in \)", R"(ends in \)"},
    };
    for (const auto& [text, expected] : rows) check(text, expected, known);
}

BOOST_AUTO_TEST_CASE(gives_at_once_what_cannot_be_part_of_a_secret) {
    wire_text under_test(knowing({"planted-secret-a"}), format::json);
    BOOST_TEST(under_test.add("data: hello pl") == "data: hello ");
    BOOST_TEST(under_test.add("ant") == "");
    BOOST_TEST(under_test.add("s, planted-secret-") == "plants, ");
    BOOST_TEST(under_test.add("a!") == "***!");
    BOOST_TEST(under_test.finish() == "");
}

BOOST_AUTO_TEST_CASE(reads_the_data_of_events) {
    const std::pair<std::string_view, std::string_view> rows[] = {
        {"event: thread.run.created\ndata: {\"headers\":{\"a\":\"b\"}}\n\ndata: [DONE]\n\n",
         "event: thread.run.created\ndata: {\"headers\":{\"a\":\"***\"}}\n\ndata: [DONE]\n\n"},
        // JSON over several lines.
        {"data: {\"headers\":\r\ndata: {\"a\":\r\ndata:  \"b\"}}\r\n\r\n",
         "data: {\"headers\":\r\ndata: {\"a\":\r\ndata:  \"***\"}}\r\n\r\n"},
        // What is broken in one event does not spoil the next.
        {"data: {\"headers\":{\"a\r\rdata: {\"model\":\"b\"}\r\r",
         "data: {\"headers\":{\"a\r\rdata: {\"model\":\"b\"}\r\r"},
        {"data: {\"a\n\ndata: {\"token\":\"b\"}\n\n", "data: {\"a\n\ndata: {\"token\":\"***\"}\n\n"},
        {"\xef\xbb\xbf"
         "data:{\"token\":\"b\"}\n\n",
         "\xef\xbb\xbf"
         "data:{\"token\":\"***\"}\n\n"},
        {": keep-alive, Bearer abc\n\n", ": keep-alive, Bearer ***\n\n"},
    };
    for (const auto& [text, expected] : rows) check(text, expected, {}, format::events);
}

BOOST_AUTO_TEST_CASE(stays_safe_in_deep_nesting) {
    std::string text = R"({"headers":)";
    for (int i = 0; i < 200; ++i) text += R"({"a":)";
    text += R"("planted")";
    for (int i = 0; i < 200; ++i) text += R"(,"b":"planted"})";
    text += R"(,"after":"seen"})";
    const std::string all = shown(text, 7);
    BOOST_TEST(all.find("planted") == all.npos);
    BOOST_TEST(all.ends_with(R"("after":"seen"})"));
}

BOOST_AUTO_TEST_CASE(hides_the_secrets_of_forms_and_queries) {
    const redactor known = knowing({"hidden-value"});
    const std::pair<std::string_view, std::string_view> rows[] = {
        {"grant_type=client_credentials&client_id=a&client_secret=b%26&scope=c",
         "grant_type=client_credentials&client_id=a&client_secret=***&scope=c"},
        {"client_assertion=a&client_assertion_type=urn", "client_assertion=***&client_assertion_type=urn"},
        {"api-version=v1&sig=abc", "api-version=v1&sig=***"},
        {"a=hidden-value&token", "a=***&token"},
        {"&&", "&&"},
        {"", ""},
    };
    for (const auto& [text, expected] : rows) BOOST_TEST(corun::detail::redacted_form(text, known) == expected);
}

BOOST_AUTO_TEST_CASE(prints_a_line_for_each_of_its_own) {
    corun::wire_message out(corun::wire_message::part::request, 3);
    out.text = "POST https://host/threads\nAuthorization: ***";
    corun::wire_message in(corun::wire_message::part::response_body, 3);
    in.text = "data: 1\r\n\r\n\x1b[31m";
    std::ostringstream log;
    log << out << in;
    BOOST_TEST(log.str() ==
               "3 > POST https://host/threads\n3 > Authorization: ***\n3 < data: 1\n3 < \n3 < \\x1b[31m\n");
}

BOOST_AUTO_TEST_SUITE_END()
