// What services, gateways and proxies say when they fail, in each of the shapes that they say it in.
#include "protocol/error_body.hpp"

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace corun::codec;
using namespace std::chrono_literals;

struct row {
    std::string_view body, code, message;
};

void check(const std::vector<row>& rows) {
    for (const row& each : rows) {
        BOOST_TEST_CONTEXT(each.body) {
            const error_body read = decode_error(each.body);
            BOOST_TEST(best_code(read.code, read.type) == each.code);
            BOOST_TEST(read.message == each.message);
        }
    }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(error_bodies)

BOOST_AUTO_TEST_CASE(openai_and_those_who_speak_like_it) {
    const error_body read = decode_error(
        R"({"error":{"message":"Unknown parameter: 'tools[0].x'.","type":"invalid_request_error","param":"tools[0].x","code":"unknown_parameter"},"request_id":"r1"})");
    BOOST_TEST(read.code == "unknown_parameter");
    BOOST_TEST(read.message == "Unknown parameter: 'tools[0].x'.");
    BOOST_TEST(read.type == "invalid_request_error");
    BOOST_TEST(read.param == "tools[0].x");
    BOOST_TEST(read.request_id == "r1");
    check({
        {R"({"error":{"message":null,"type":null,"param":null,"code":null}})", "", ""},
        {R"({"error":{"message":"No.","type":"requests","code":null}})", "requests", "No."},
        {R"({"object":"error","message":"Too long.","type":"BadRequestError","param":null,"code":400})",
         "BadRequestError", "Too long."},
        {R"({"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}})", "overloaded_error",
         "Overloaded"},
        {R"({"type":"error","code":"rate_limit_exceeded","message":"Slow down.","sequence_number":3})",
         "rate_limit_exceeded", "Slow down."},
        {R"({"error":{"message":"Provider returned error","code":400,"metadata":{"raw":"{\"error\":{\"message\":\"no such model\"}}","provider_name":"X"}}})",
         "400", "Provider returned error; no such model"},
    });
}

BOOST_AUTO_TEST_CASE(flat_members_and_sentences) {
    check({
        {R"({"statusCode":401,"message":"Access denied due to missing key."})", "401",
         "Access denied due to missing key."},
        {R"({"message":"gone"})", "", "gone"},
        {R"({"Message":"Authorization has been denied."})", "", "Authorization has been denied."},
        {R"({"error":"gone"})", "gone", "gone"},
        {R"({"error":"model runner has stopped"})", "", "model runner has stopped"},
        {R"({"error":["the key is old","the key is wrong"]})", "", "the key is old; the key is wrong"},
        {R"({"error":"invalid_client","error_description":"AADSTS7000215: wrong."})", "invalid_client",
         "AADSTS7000215: wrong."},
        {R"({"error":"The prompt is empty","error_type":"validation"})", "validation", "The prompt is empty"},
        {R"({"timestamp":1,"status":500,"error":"Internal Server Error","path":"/v1"})", "", "Internal Server Error"},
        {R"({"__type":"ThrottlingException","message":"Rate exceeded"})", "ThrottlingException", "Rate exceeded"},
        {R"({"success":false,"errors":[{"code":7003,"message":"Could not route"},{"message":"Bad account"}]})", "7003",
         "Could not route; Bad account"},
        {R"({"errors":["one","two"]})", "", "one; two"},
        {R"("Not authorized")", "", "Not authorized"},
        {R"({"code":"c","statusCode":500,"message":"m","detail":"d"})", "c", "m; d"},
        {R"({"status":"error","msg":"no quota left"})", "", "no quota left"},
    });
}

BOOST_AUTO_TEST_CASE(details_of_fastapi) {
    check({
        {R"({"detail":"Invalid API key"})", "", "Invalid API key"},
        {R"({"detail":[{"type":"missing","loc":["body","model"],"msg":"Field required","input":{"a":1}}]})", "",
         "body.model: Field required"},
        {R"({"detail":[{"loc":["body","input",0,"role"],"msg":"bad role"},{"loc":["query","n"],"msg":"too many"}]})",
         "", "body.input.0.role: bad role; query.n: too many"},
        {R"({"detail":{"error":{"message":"No budget left.","code":"budget_exceeded"}}})", "budget_exceeded",
         "No budget left."},
        {R"({"detail":{"msg":"No."}})", "", "No."},
        {R"({"object":"error","message":{"detail":[{"loc":["body","top_p"],"msg":"too large"}]}})", "",
         "body.top_p: too large"},
    });
}

BOOST_AUTO_TEST_CASE(google_and_azure_and_problem_details) {
    check({
        {R"({"error":{"code":400,"message":"API key not valid.","status":"INVALID_ARGUMENT","details":[{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"API_KEY_INVALID","domain":"googleapis.com"}]}})",
         "INVALID_ARGUMENT", "API key not valid. API_KEY_INVALID"},
        {R"([{"error":{"code":400,"message":"Bad.","status":"INVALID_ARGUMENT","details":[{"fieldViolations":[{"field":"contents","description":"is empty"}]}]}}])",
         "INVALID_ARGUMENT", "Bad. contents: is empty"},
        {R"({"error":{"code":"content_filter","message":"Filtered.","innererror":{"code":"ResponsibleAIPolicyViolation","content_filter_result":{"hate":{"filtered":true}}}}})",
         "content_filter", "Filtered. ResponsibleAIPolicyViolation"},
        {R"({"error":{"code":"UserError","message":"No.","innerError":{"code":"BadArgument","innerError":{"message":"x is bad"}}}})",
         "UserError", "No. x is bad"},
        {R"({"error":{"code":"invalid_payload","message":"Not allowed.","target":"tools","details":[{"code":"a","message":"first"},{"code":"b","message":"second"}],"additionalInfo":{"request_id":"3f0c"}}})",
         "invalid_payload", "Not allowed. first; second"},
        {R"({"Error":{"Code":"AuthFailed","Message":"The key is wrong."}})", "AuthFailed", "The key is wrong."},
        {R"({"type":"https://example.org/out","title":"Out of credit","status":403,"detail":"Your balance is 30."})",
         "", "Out of credit; Your balance is 30."},
        {R"({"type":"about:blank","title":"Bad Request","errors":{"$.model":["The field is required."],"n":["x","y"]}})",
         "", "Bad Request; $.model: The field is required. n: x; n: y"},
    });
    BOOST_TEST(decode_error(R"({"error":{"message":"m","target":"tools"}})").param == "tools");
    BOOST_TEST(decode_error(R"({"requestId":"r"})").request_id == "r");
    BOOST_TEST(decode_error(R"({"error":{"message":"m"},"traceId":"t"})").request_id == "t");
}

BOOST_AUTO_TEST_CASE(xml_and_html_and_plain_text) {
    check({
        {"<?xml version=\"1.0\"?><Error><Code>AuthenticationFailed</Code><Message>The key is &lt;old&gt;.\nAsk again."
         "</Message></Error>",
         "AuthenticationFailed", "The key is <old>. Ask again."},
        {"<s:Envelope><s:Body><s:Fault><faultcode>s:Client</faultcode><faultstring>Quota is used up</faultstring>"
         "</s:Fault></s:Body></s:Envelope>",
         "s:Client", "Quota is used up"},
        {"<error><message><![CDATA[a < b]]></message></error>", "", "a < b"},
        {"<html>\n<head><title>502 Bad Gateway</title></head><body><center><h1>502 Bad Gateway</h1></center><hr>nginx"
         "</body></html>",
         "", "502 Bad Gateway"},
        {"<!DOCTYPE html><html><title>Error</title><style>h1{}</style><body><pre>Cannot POST "
         "/v1/responses</pre></body>",
         "", "Error; Cannot POST /v1/responses"},
        {"<html><head><title lang=en>Sign in &#8211; Caf&eacute;</title><script>var title = "
         "'<title>x</title>'</script>",
         "", "Sign in \xE2\x80\x93 Caf&eacute;"},
        {"<html><body>502</body></html>", "", "502"},
        {"  the key is not valid here\r\n", "", "the key is not valid here"},
        {"\xEF\xBB\xBF{\"error\":{\"message\":\"behind a mark\"}}", "", "behind a mark"},
        {"no healthy upstream \xff", "", "no healthy upstream \xEF\xBF\xBD"},
        {"{'error': 'as Python writes it'}", "", "{'error': 'as Python writes it'}"},
        {R"({"error":{"message":"cut)", "", R"({"error":{"message":"cut)"},
        {"event: error\ndata: {\"error\":{\"message\":\"in an event\",\"code\":\"c\"}}\n\n", "c", "in an event"},
    });
}

BOOST_AUTO_TEST_CASE(what_says_nothing_is_not_invented) {
    check({{"", "", ""},
           {"  ", "", ""},
           {"null", "", ""},
           {"true", "", ""},
           {"17", "", ""},
           {"{}", "", ""},
           {"[]", "", ""},
           {R"({"ok":false,"data":{"x":1}})", "", ""},
           {R"({"error":[],"message":7,"code":{}})", "", ""},
           {R"({"type":"error","error":null})", "", ""},
           {"\x1f\x8b\x08\x00\xff\xfe", "", ""}});
    BOOST_TEST(decode_error(R"({"response":{"status":"failed","metadata":{"title":"mine"},"error":null}})").message ==
               "");
    BOOST_TEST(decode_error(R"({"response":{"metadata":{"title":"mine"},"error":{"message":"theirs"}}})").message ==
               "theirs");
}

BOOST_AUTO_TEST_CASE(a_delay_is_read_wherever_it_stands) {
    for (const std::string_view body :
         {R"({"error":{"message":"Slow down","details":[{"@type":"RetryInfo","retryDelay":"13s"}]}})",
          R"({"error":{"message":"Slow down","headers":{"retry-after":"13"}}})", R"({"retry_after":13,"error":"slow"})",
          R"({"error":{"message":"Slow down","retry_after_ms":"13000"}})",
          R"({"detail":"Slow down. Please try again in 13s."})", R"(Retry after 13 seconds.)",
          R"({"error":{"retryAfterSeconds":13}})"})
        BOOST_TEST((decode_error(body).retry_after == 13s), body);
    BOOST_TEST(!decode_error(R"({"error":"slow down a lot"})").retry_after.has_value());
}

BOOST_AUTO_TEST_CASE(a_message_is_bounded_whatever_a_service_sends) {
    const std::string open(60000, '[');
    BOOST_TEST(decode_error(open + "1" + std::string(60000, ']')).message == "");
    BOOST_TEST(decode_error("<" + std::string(60000, 'x')).message == "");
    std::string many = "[";
    for (int i = 0; i != 1000; ++i) many += R"({"message":"problem )" + std::to_string(i) + "\"},";
    many.back() = ']';
    BOOST_TEST(decode_error(many).message.size() < 200u);
    const std::string longest = R"({"message":")" + std::string(50000, 'x') + "\"}";
    BOOST_TEST(decode_error(longest).message.size() == std::size_t{16} << 10);
    BOOST_TEST(decode_error("data: data: data: no").message == "data: data: no");
}

BOOST_AUTO_TEST_CASE(an_event_without_a_name_may_be_an_error) {
    for (const std::string_view data :
         {R"({"error":{"message":"m"}})", R"({"error":"m"})", R"({"detail":"m"})", R"({"detail":[{"msg":"m"}]})",
          R"({"object":"error","message":"m"})", R"({"message":"m","code":500})", R"({"errors":["m"]})",
          R"({"type":"server_error","message":"m"})", R"({"type":"ThrottlingException","message":"m"})"})
        BOOST_TEST(is_bare_error(data), data);
    for (const std::string_view data :
         {"", "[DONE]", "{}", R"({"error":null})", R"({"type":"response.future","error":"x"})",
          R"({"type":"thread.future","detail":"x"})", R"({"type":"ping","message":"x"})", R"({"id":"x","message":"y"})",
          R"({"object":"chunk","detail":"x"})", R"({"detail":null})"})
        BOOST_TEST(!is_bare_error(data), data);
}

BOOST_AUTO_TEST_CASE(an_error_event_says_at_least_what_it_consists_of) {
    BOOST_TEST(decode_stream_error("it broke").message == "it broke");
    BOOST_TEST(decode_stream_error("\"it broke\"").message == "it broke");
    BOOST_TEST(decode_stream_error(R"({"odd":1})").message == R"({"odd":1})");
    BOOST_TEST(decode_stream_error(R"({"detail":"it broke"})").message == "it broke");
    BOOST_TEST((decode_stream_error(R"({"message":"Try again in 2s"})").retry_after == 2s));
}

BOOST_AUTO_TEST_SUITE_END()
