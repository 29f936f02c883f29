#include "redact/body_redactor.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

namespace {

using corun::detail::is_secret_name;
using corun::detail::redacted_form;
using corun::detail::redacted_json;
using corun::detail::redacted_text;
using corun::detail::redactor;

redactor knowing(std::initializer_list<const char*> values) {
    redactor known;
    for (const char* value : values) known.add(corun::secret(value));
    return known;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(body_redactor)

BOOST_AUTO_TEST_CASE(knows_the_names_of_secrets) {
    for (const char* name :
         {"headers", "Headers", "sig", "authorization", "Proxy-Authorization", "api_key", "api-key", "ApiKey",
          "Ocp-Apim-Subscription-Key", "token", "access_token", "accessToken", "ID_TOKEN", "client_secret", "password",
          "Set-Cookie", "client_assertion", "connectionString", "X-IDENTITY-HEADER"})
        BOOST_TEST(is_secret_name(name), name);
    for (const char* name : {"", "header", "signature", "tokens", "completion_tokens", "max_tokens", "code", "key",
                             "secrets", "client_assertion_type", "token_type"})
        BOOST_TEST(!is_secret_name(name), name);
    BOOST_TEST(is_secret_name(std::string(59, 'x') + "token"));
    BOOST_TEST(!is_secret_name(std::string(60, 'x') + "token"));
}

BOOST_AUTO_TEST_CASE(hides_values_under_names_of_secrets) {
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
         R"({"Headers":["***",{"b":["***","***",{"d":"***"}]}],"x":[1]})"},
        {R"({"headers":"a: b","x":"y"})", R"({"headers":"***","x":"y"})"},
        {R"({"client_secret":"a","access_token":"b","accessToken":"c","api-key":"d","ID_TOKEN":"e","password":"f"})",
         R"({"client_secret":"***","access_token":"***","accessToken":"***","api-key":"***","ID_TOKEN":"***","password":"***"})"},
        {R"({"token":"a","token":"b","n":1})", R"({"token":"***","n":1})"},
        // Escapes in a name.
        {R"({"he\u0061ders":{"a":"b"}})", R"({"headers":{"a":"***"}})"},
        // JSON in a string, and in a string of that.
        {R"({"arguments":"{\"headers\":{\"a\":\"b\"},\"c\":\"d\"}"})",
         R"({"arguments":"{\"headers\":{\"a\":\"***\"},\"c\":\"d\"}"})"},
        {R"({"a":" [{\"token\":\"b\"}]"})", R"({"a":"[{\"token\":\"***\"}]"})"},
        {R"({"a":"{\"b\":\"{\\\"headers\\\":{\\\"c\\\":\\\"d\\\"}}\"}"})",
         R"({"a":"{\"b\":\"{\\\"headers\\\":{\\\"c\\\":\\\"***\\\"}}\"}"})"},
        {R"({"a":"{\u0022token\u0022:\u0022b\u0022}"})", R"({"a":"{\"token\":\"***\"}"})"},
        // A piece of JSON in a string.
        {R"({"a":"{\"token\":\"b","c":"d"})", R"({"a":"***","c":"d"})"},
        // Names that only look alike.
        {R"({"completion_tokens":7,"max_tokens":8,"header":"x","code":"y"})",
         R"({"completion_tokens":7,"max_tokens":8,"header":"x","code":"y"})"},
        {"[]", "[]"},
        {"7", "7"},
        {R"("Bearer ab\/cd")", R"("Bearer ***")"},
    };
    for (const auto& [document, expected] : rows) BOOST_TEST(redacted_json(document, {}).value() == expected);
}

BOOST_AUTO_TEST_CASE(shows_nothing_of_what_is_not_json) {
    for (const char* text : {R"({"headers":{"a":"b)", R"({"a":"\u00)", "<html>\"sign in\"</html>", "", "{} {}", "nope"})
        BOOST_TEST(!redacted_json(text, {}).has_value(), text);
}

BOOST_AUTO_TEST_CASE(hides_json_nested_too_deep_in_strings_if_it_has_secrets) {
    std::string text = R"({"token":"planted"})";
    for (int nesting = 0; nesting < 6; ++nesting) {
        std::string escaped;
        for (const char c : text) (c == '"' || c == '\\' ? escaped += '\\' : escaped) += c;
        text = R"({"a":")" + escaped + "\"}";
        const std::string shown = redacted_json(text, {}).value();
        BOOST_TEST(shown.find("planted") == shown.npos, shown);
        BOOST_TEST(shown.starts_with(R"({"a":"{)") == true, shown);
        // The document, and the three strings in it that are read.
        BOOST_TEST(std::count(shown.begin(), shown.end(), '{') == std::min(nesting + 2, 4), shown);
    }
}

BOOST_AUTO_TEST_CASE(stays_safe_in_deep_nesting) {
    std::string text = R"({"headers":)";
    for (int i = 0; i < 200; ++i) text += R"({"a":)";
    text += R"("planted")";
    for (int i = 0; i < 200; ++i) text += R"(,"b":"planted"})";
    text += R"(,"after":"seen"})";
    const std::string shown = redacted_json(text, {}).value();
    BOOST_TEST(shown.find("planted") == shown.npos);
    BOOST_TEST(shown.ends_with(R"("after":"seen"})"));
    BOOST_TEST(!redacted_json(std::string(100'000, '['), {}).has_value());
}

BOOST_AUTO_TEST_CASE(hides_credentials_in_running_text) {
    const std::pair<std::string_view, std::string_view> rows[] = {
        {R"(refused 'Bearer abc.def-_~+/=' at once)", R"(refused 'Bearer ***' at once)"},
        {"bearer   abc, BEARER abc", "bearer   ***, BEARER ***"},
        {"Basic dXNlcjpwYXNz; basic usage", "Basic ***; basic usage"},
        {"Bearer 100%25, x", "Bearer ***, x"},
        {R"(Bearer ab\u002Bcd\u003d\u003d, then)", "Bearer ***, then"},
        {R"("Bearer ab\/cd")", R"("Bearer ***")"},
        {"Authorization:Bearer abc", "Authorization:Bearer ***"},
        {"Bearer: abc", "Bearer: abc"},
        {"Bearer\nabc", "Bearer\nabc"},
        {"Bearer a b", "Bearer *** b"},
        {"token eyJhbGciOi.eyJzdWIi.c2ln ends", "token *** ends"},
        {"t=eyJhbGciOi.eyJzdWIi.c2ln&u=1", "t=***&u=1"},
        {"a.eyJhbGciOi, heyJ-eyJ eyJ", "a.***, heyJ-eyJ ***"},
        {"a_eyJ aeyJ/eyJa", "a_eyJ aeyJ/***"},
        {"they're eyes, e, ey and heyJude", "they're eyes, e, ey and heyJude"},
        {"the bearer", "the bearer"},
        {"earer abc", "earer abc"},
        {"", ""},
        // JSON, whole and in part.
        {R"({"m":"Bearer abc"})", R"({"m":"Bearer ***"})"},
        {R"({"a":"{\"m\":\"Bearer abc\"}"})", R"({"a":"{\"m\":\"Bearer ***\"}"})"},
        {R"(refused {"headers":{"a":"b"}})", "***"},
        {R"({\"token\" : \"a)", "***"},
        {R"({"token" "headers", "headers])", R"({"token" "headers", "headers])"},
        {R"(Unknown parameter: "headers".)", R"(Unknown parameter: "headers".)"},
        {"headers: a", "headers: a"},
        {"[DONE]", "[DONE]"},
    };
    for (const auto& [text, expected] : rows) BOOST_TEST(redacted_text(text, {}) == expected);
}

BOOST_AUTO_TEST_CASE(hides_known_secrets_everywhere) {
    const redactor known = knowing({"Bearer planted-secret-a", "key;with\"marks", "abc", "abcdef", "12345"});
    const std::pair<std::string_view, std::string_view> texts[] = {
        {"Bearer planted-secret-a", "***"},
        {R"({"m":"planted-secret-a, planted-secret-"})", R"({"m":"***, planted-secret-"})"},
        {R"({"m":"planted\u002dsecret\u002Da"})", R"({"m":"***"})"},
        {R"({"m":"key;with\"marks"})", R"({"m":"***"})"},
        {"xabcdefabcx abcde", "x******x ***de"},
        {"ab", "ab"},
        {R"(ends in \)", R"(ends in \)"},
    };
    for (const auto& [text, expected] : texts) BOOST_TEST(redacted_text(text, known) == expected);
    const std::pair<std::string_view, std::string_view> documents[] = {
        {R"(["planted-secret-a",{"abc":"x","planted\u002dsecret-a":1}])", R"(["***",{"***":1}])"},
        {R"({"n":12345,"m":[112345]})", R"({"n":***,"m":[1***]})"},
        {R"({"m":"{\"n\":\"{\\\"o\\\":\\\"planted-secret-a\\\"}\"}"})",
         R"({"m":"{\"n\":\"{\\\"o\\\":\\\"***\\\"}\"}"})"},
    };
    for (const auto& [document, expected] : documents) BOOST_TEST(redacted_json(document, known).value() == expected);
}

BOOST_AUTO_TEST_CASE(shows_only_utf8) {
    BOOST_TEST(!redacted_json("{\"a\":\"b\xff\"}", {}).has_value());
    // A secret that begins within a character.
    BOOST_TEST(redacted_json("{\"a\":\"gr\xc3\xbc\xc3\x9f\"}", knowing({"\xbc\xc3\x9f"})).value() ==
               "{\"a\":\"gr\xEF\xBF\xBD***\"}");
}

BOOST_AUTO_TEST_CASE(hides_the_secrets_of_forms_and_queries) {
    const redactor known = knowing({"hidden-value"});
    const std::pair<std::string_view, std::string_view> rows[] = {
        {"grant_type=client_credentials&client_id=a&client_secret=b%26&scope=c",
         "grant_type=client_credentials&client_id=a&client_secret=***&scope=c"},
        {"client_assertion=a&client_assertion_type=urn", "client_assertion=***&client_assertion_type=urn"},
        {"api-version=v1&sig=abc", "api-version=v1&sig=***"},
        {"a=hidden-value&token", "a=***&token"},
        {"token=", "token=***"},
        {"&&", "&&"},
        {"", ""},
    };
    for (const auto& [text, expected] : rows) BOOST_TEST(redacted_form(text, known) == expected);
}

BOOST_AUTO_TEST_SUITE_END()
