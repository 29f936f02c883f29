// Whole responses as services and the gateways before them write them, in both protocols.
#include "emulated.hpp"
#include "raw_service.hpp"

#include <boost/test/unit_test.hpp>
#include <curl/curl.h>

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

namespace {

using namespace corun;
using namespace corun::test;
using namespace std::chrono_literals;

/// `text` as it stands in gzip and zlib without compression: a stored block.
std::string stored_block(std::string_view text) {
    const auto size = static_cast<unsigned>(text.size());
    std::string block(1, '\x01');
    for (const unsigned number : {size, ~size})
        for (const unsigned shift : {0u, 8u}) block += static_cast<char>((number >> shift) & 0xff);
    return block.append(text);
}

std::string gzip(std::string_view text) {
    unsigned checksum = ~0u;
    for (const char c : text) {
        checksum ^= static_cast<unsigned char>(c);
        for (int bit = 0; bit != 8; ++bit) checksum = (checksum >> 1) ^ ((checksum & 1u) != 0 ? 0xedb88320u : 0u);
    }
    std::string bytes("\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff", 10);
    bytes += stored_block(text);
    for (const unsigned number : {~checksum, static_cast<unsigned>(text.size())})
        for (const unsigned shift : {0u, 8u, 16u, 24u}) bytes += static_cast<char>((number >> shift) & 0xff);
    return bytes;
}

std::string zlib(std::string_view text) {
    unsigned a = 1, b = 0;
    for (const char c : text) {
        a = (a + static_cast<unsigned char>(c)) % 65521;
        b = (b + a) % 65521;
    }
    std::string bytes = "\x78\x01" + stored_block(text);
    for (const unsigned number : {b, a})
        for (const unsigned shift : {8u, 0u}) bytes += static_cast<char>((number >> shift) & 0xff);
    return bytes;
}

/// An uncompressed metablock and an empty last one (RFC 7932, 9.2).
std::string brotli(std::string_view text) {
    const auto length = static_cast<unsigned>(text.size() - 1);
    // A window of 16 bits; not the last; a length of four nibbles; the length; uncompressed.
    const unsigned head = 0u | 0u << 1 | 0u << 2 | length << 4 | 1u << 20;
    std::string bytes;
    for (const unsigned shift : {0u, 8u, 16u}) bytes += static_cast<char>((head >> shift) & 0xff);
    return bytes.append(text) + '\x03';
}

run_options restarts(int times) {
    run_options options;
    options.rate_limit_restarts = times;
    options.retry.emplace();
    options.retry->first_delay = 0ms;
    return options;
}

bool says(const error& failure, std::string_view text) {
    return std::string_view(failure.what()).find(text) != std::string_view::npos;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(raw_responses)

IN_EACH_PROTOCOL(what_a_refusal_says_stands_in_the_error) {
    struct row {
        std::string_view type, body, text;
    };
    for (const row& each : {
             row{"text/plain", "this key has been revoked", "this key has been revoked"},
             row{"application/json", R"({"detail":[{"loc":["body","model"],"msg":"Field required"}]})",
                 "body.model: Field required"},
             row{"application/problem+json", R"({"title":"Bad input","detail":"the text is empty"})",
                 "Bad input; the text is empty"},
             row{"text/html", "<html><title>Blocked by the firewall</title></html>", "Blocked by the firewall"},
             row{"application/xml", "<Error><Code>Gone</Code><Message>no such place</Message></Error>",
                 "no such place"},
             row{"application/json", R"([{"error":{"code":400,"message":"bad tool","status":"INVALID_ARGUMENT"}}])",
                 "INVALID_ARGUMENT, \"bad tool\""},
             row{"text/plain", "not planted-secret-key, please", "not ***, please"},
         }) {
        service.answer(whole_response(400, each.type, each.body));
        const error failure = service.failure();
        BOOST_CHECK(failure.code() == errc::bad_request);
        BOOST_TEST(says(failure, each.text), failure.what());
        service.forget_answers();
    }
}

IN_EACH_PROTOCOL(an_error_without_a_name_in_the_stream_ends_it_with_its_words) {
    for (const std::string_view data :
         {R"({"error":"the runner has crashed"})", R"({"detail":"the runner has crashed"})",
          R"({"message":"the runner has crashed","code":500})",
          R"({"object":"error","message":"the runner has crashed"})"}) {
        service.stream("data: " + std::string(data) + "\n\n");
        const error failure = service.failure();
        BOOST_CHECK(failure.code() == errc::stream_failed);
        BOOST_TEST(failure.service_message() == "the runner has crashed");
        service.forget_answers();
    }
}

IN_EACH_PROTOCOL(what_is_encoded_unasked_is_decoded) {
    const std::string text = service.text();
    const std::pair<const char*, std::string> encodings[] = {
        {"gzip", gzip(text)}, {"deflate", zlib(text)}, {"br", brotli(text)}, {"gzip, gzip", gzip(gzip(text))}};
    const std::string_view supported = curl_version_info(CURLVERSION_NOW)->brotli_version ? "br" : "";
    for (const auto& [name, bytes] : encodings) {
        if (name == std::string_view("br") && supported.empty()) continue;
        service.answer(response_head(200, "text/event-stream",
                                     "Connection: close\r\nContent-Encoding: " + std::string(name) + "\r\n\r\n") +
                       bytes);
        BOOST_TEST(await(service.io, service.make_agent().run("hi")).text() == "Row 3 is free.", name);
        BOOST_TEST(service.requests.back().field("Accept-Encoding") == "");
        service.forget_answers();
    }
    service.answer(whole_response(400, "application/json", gzip(R"({"error":{"message":"packed"}})"),
                                  "Content-Encoding: gzip\r\n"));
    BOOST_TEST(says(service.failure(), "\"packed\""));
}

IN_EACH_PROTOCOL(an_encoding_that_nobody_knows_is_named) {
    for (const int status : {200, 400}) {
        service.answer(
            response_head(status, "text/event-stream", "Connection: close\r\nContent-Encoding: rot13\r\n\r\n") +
            service.text());
        BOOST_TEST(says(service.failure(), "Content-Encoding rot13"));
        service.forget_answers();
    }
    service.answer(response_head(200, "text/event-stream", "Connection: close\r\nContent-Encoding: gzip\r\n\r\n") +
                   service.text());
    BOOST_TEST(says(service.failure(), "Content-Encoding gzip"));
}

IN_EACH_PROTOCOL(a_stream_of_another_type_is_read_if_asked) {
    client_options any = service.settings();
    any.any_content_type = true;
    for (const std::string type : {"Content-Type: text/plain\r\n", "Content-Type: application/json\r\n", ""}) {
        service.answer("HTTP/1.1 200 OK\r\n" + type + "Connection: close\r\n\r\n" + service.text());
        BOOST_TEST(await(service.io, service.make_agent(any).run("hi")).text() == "Row 3 is free.");
        const error failure = service.failure();
        BOOST_CHECK(failure.code() == errc::unexpected_content_type);
        BOOST_TEST(says(failure, "client_options::any_content_type"));
        BOOST_TEST(says(failure, type.empty() ? "none instead of" : type.substr(14, type.size() - 16)));
        service.forget_answers();
    }
}

IN_EACH_PROTOCOL(a_passing_failure_in_an_error_event_is_retryable_and_says_when) {
    struct row {
        std::string_view data, code;
        bool retryable;
        std::optional<std::chrono::milliseconds> delay;
    };
    for (
        const row& each : {
            row{R"({"type":"error","error":{"type":"service_unavailable_error","code":"server_is_overloaded","message":"Busy."}})",
                "server_is_overloaded",
                true,
                {}},
            row{R"({"type":"error","code":"rate_limit_exceeded","message":"Please try again in 1.5s."})",
                "rate_limit_exceeded", true, 1500ms},
            row{R"({"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}})",
                "overloaded_error",
                true,
                {}},
            row{R"({"error":{"code":429,"status":"RESOURCE_EXHAUSTED","message":"Slow.","details":[{"retryDelay":"9s"}]}})",
                "RESOURCE_EXHAUSTED", true, 9s},
            row{R"({"message":"Rate limit reached, retry after 20 seconds"})", "", true, 20s},
            row{R"({"error":{"code":"insufficient_quota","message":"Pay. Then try again."}})",
                "insufficient_quota",
                false,
                {}},
            row{R"({"error":{"type":"insufficient_quota","code":"429","message":"Pay."}})",
                "insufficient_quota",
                false,
                {}},
            row{R"({"error":{"code":"server_error","message":"It broke."}})", "server_error", false, {}},
        }) {
        BOOST_TEST_CONTEXT(each.data) {
            service.stream("event: error\ndata: " + std::string(each.data) + "\n\n");
            const error failure = service.failure();
            BOOST_CHECK(failure.code() == errc::stream_failed);
            BOOST_TEST(failure.service_code() == each.code);
            BOOST_TEST(is_retryable(failure) == each.retryable);
            BOOST_CHECK(failure.retry_after() == each.delay);
            service.forget_answers();
        }
    }
}

IN_EACH_PROTOCOL(a_run_that_fails_for_now_says_when_to_try_again) {
    for (const auto& [code, message, passes] :
         {std::tuple("rate_limit_exceeded", "Try again in 3 seconds.", true),
          std::tuple("server_is_overloaded", "Please retry after 3s", true),
          std::tuple("server_error", "Overloaded, please try again in 3s", true),
          std::tuple("insufficient_quota", "Try again in 3 seconds, with money.", false)}) {
        const std::string reason =
            R"({"code":")" + std::string(code) + R"(","message":")" + std::string(message) + "\"}";
        service.stream(service.failed(reason));
        const error failure = service.failure();
        BOOST_CHECK(failure.code() == errc::run_failed);
        BOOST_TEST(is_retryable(failure) == passes);
        if (passes) BOOST_CHECK(failure.retry_after() == 3s);
        service.forget_answers();
    }
}

IN_EACH_PROTOCOL(a_run_that_an_error_alone_refuses_for_now_is_begun_again) {
    const run_options options = restarts(2);
    for (const bool has_begun : {false, true}) {
        for (const std::string_view data :
             {R"({"type":"error","code":"rate_limit_exceeded","message":"Try again in 0.001s."})",
              R"({"error":{"type":"overloaded_error","message":"Overloaded, retry after 1ms"}})",
              R"({"error":{"code":"service_unavailable_error","message":"x","headers":{"retry-after":"0"}}})"}) {
            BOOST_TEST_CONTEXT(data) {
                const std::string refusal = "event: error\ndata: " + std::string(data) + "\n\n";
                for (int i = 0; i != 2; ++i) service.stream((has_begun ? service.begun() : "") + refusal);
                service.stream(service.text());
                const std::size_t before = service.posts();
                const run_result result = await(service.io, service.make_agent().run("hi", options));
                BOOST_TEST(result.text() == "Row 3 is free.");
                BOOST_TEST(service.posts() - before == 3u);
                const std::string& first = service.requests[service.requests.size() - 3].body;
                if (!has_begun) BOOST_TEST(service.requests.back().body == first);
                service.forget_answers();
            }
        }
    }
}

IN_EACH_PROTOCOL(what_has_been_written_is_not_written_twice_and_a_lack_of_quota_does_not_pass) {
    const run_options options = restarts(2);
    const std::string refusal = "event: error\ndata: {\"error\":{\"code\":\"rate_limit_exceeded\"}}\n\n";
    const std::string broke = "event: error\ndata: {\"error\":{\"code\":\"insufficient_quota\"}}\n\n";
    for (const std::string& body : {service.begun() + service.written() + refusal, service.begun() + broke, broke}) {
        service.stream(body);
        const std::size_t before = service.posts();
        BOOST_CHECK(failure_of(service.io, service.make_agent().run("hi", options)).code() == errc::stream_failed);
        BOOST_TEST(service.posts() - before == 1u);
        service.forget_answers();
    }
}

IN_EACH_PROTOCOL(the_event_of_a_restart_tells_the_error_that_came_alone) {
    const run_options options = restarts(1);
    service.stream(service.begun() +
                   "event: error\ndata: {\"code\":\"overloaded_error\",\"message\":\"Retry after 1ms\"}\n\n");
    service.stream(service.text());
    const auto events = await(service.io, collect(service.make_agent().run_stream("hi", options)));
    std::size_t restarts = 0;
    for (const event& each : events) {
        const auto* restarted = each.get_if<events::run_restarted>();
        if (restarted == nullptr) continue;
        ++restarts;
        BOOST_REQUIRE(restarted->run.last_error.has_value());
        BOOST_TEST(restarted->run.last_error->code == "overloaded_error");
        BOOST_CHECK(restarted->run.last_error->retry_after == 1ms);
    }
    BOOST_TEST(restarts == 1u);
}

IN_EACH_PROTOCOL(a_refusal_for_now_is_sent_again_and_a_lack_of_quota_is_not) {
    client_options options = service.settings();
    options.retry.max_retries = 1;
    for (const auto& [status, body] :
         {std::pair(400, R"({"error":{"code":"rate_limit_exceeded","message":"Try again in 1ms."}})"),
          std::pair(500, R"({"error":{"type":"overloaded_error","message":"Retry after 1ms."}})"),
          std::pair(403, R"({"detail":"Too many requests. Please retry in 1ms"})")}) {
        service.answer(whole_response(status, "application/json", body));
        service.stream(service.text());
        BOOST_TEST(await(service.io, service.make_agent(options).run("hi")).text() == "Row 3 is free.");
        service.forget_answers();
    }
    service.answer(
        whole_response(429, "application/json", R"({"error":{"code":"insufficient_quota","message":"Pay."}})"));
    const std::size_t before = service.posts();
    const error failure = service.failure(options);
    BOOST_CHECK(failure.code() == errc::rate_limited);
    BOOST_TEST(!is_retryable(failure));
    BOOST_TEST(service.posts() - before == 1u);
}

// An MCP server rejects the token of a run's headers.

namespace {

/// Why the provider of a run's headers was asked, and how the run ended.
struct asked_tokens {
    std::vector<mcp_header_request::occasion> why;
    std::optional<run_result> result;
    std::string failure;
};

asked_tokens run_with_tokens(raw_service& service, const std::string& first_answer) {
    asked_tokens asked;
    service.forget_answers();
    service.answer(first_answer);
    service.stream(service.text());
    service.answer_to_reads =
        whole_response(200, "application/json",
                       R"({"id":"asst_1","object":"assistant","model":"m","tools":[{"type":"mcp",)"
                       R"("server_label":"seats","server_url":"https://seats.example/mcp"}]})");
    const mcp_header_provider provider = [&asked](mcp_header_request request) -> asio::awaitable<mcp_headers> {
        asked.why.push_back(request.why);
        mcp_headers headers;
        headers.set("seats", "Authorization", "Bearer planted-secret-" + std::to_string(asked.why.size()));
        co_return headers;
    };
    run_options options;
    if (service.is_responses()) options.tools.emplace_back(mcp_tool("seats", "https://seats.example/mcp"));
    options.default_approval = mcp_approval::never();
    agent desk = service.make_agent();
    try {
        asked.result = await(service.io, desk.run("hi", provider, options));
    } catch (const error& stands) {
        asked.failure = stands.what();
    }
    return asked;
}

void check_asked_again(raw_service& service, const std::string& first_answer) {
    const asked_tokens asked = run_with_tokens(service, first_answer);
    BOOST_TEST_INFO_SCOPE(first_answer);
    using occasion = mcp_header_request::occasion;
    BOOST_CHECK((asked.why == std::vector<occasion>{occasion::run_start, occasion::rejected_token}));
    BOOST_REQUIRE_MESSAGE(asked.result, asked.failure);
    BOOST_TEST(asked.result->text() == "Row 3 is free.");
    BOOST_TEST(service.requests.back().body.find("planted-secret-2") != std::string::npos);
}

std::string streamed(const std::string& events) {
    return response_head(200, "text/event-stream", "Connection: close\r\n\r\n") + events;
}

constexpr const char* refused_list =
    "Error retrieving tool list from MCP server: 'seats'. Http status code: 401 (Unauthorized)";

}  // namespace

IN_EACH_PROTOCOL(a_token_that_a_server_rejects_is_asked_for_again) {
    const auto reason = [](const char* code, const std::string& message) {
        return R"({"code":")" + std::string(code) + R"(","message":")" + message + "\"}";
    };
    check_asked_again(service, streamed(service.failed(reason("tool_server_error", refused_list))));
    check_asked_again(service, streamed(service.failed(reason("server_error", "MCP server 'seats' said 403"))));
    // An `error` event alone, with its run or without.
    check_asked_again(service, streamed(service.begun() + frame("error", reason("http_error", refused_list))));
    check_asked_again(service, streamed(service.begun() + "data: {\"error\":" + reason("", refused_list) + "}\n\n"));
    // A refused request.
    for (const int status : {424, 400})
        check_asked_again(service, whole_response(status, "application/json",
                                                  "{\"error\":" + reason("http_error", refused_list) + "}"));
    check_asked_again(service,
                      whole_response(424, "application/json", R"({"detail":"Failed Dependency: 401 Unauthorized"})"));
}

BOOST_AUTO_TEST_CASE(an_item_may_show_that_a_server_rejected_the_token) {
    raw_service service(protocol::responses);
    const auto item = [](const char* event, const char* type, const std::string& more) {
        return frame("response.output_item." + std::string(event), R"({"output_index":0,"item":{"id":"l","type":")" +
                                                                       std::string(type) +
                                                                       R"(","server_label":"seats")" + more + "}}");
    };
    const std::string failed =
        service.failed(R"({"code":"server_error","message":"Something went wrong."})").substr(service.begun().size());
    const std::string silent = frame("response.failed", R"({"response":{"id":"resp_1","status":"failed"}})");
    const std::string errors[] = {
        R"(,"error":"Http status code: 401 Unauthorized")",
        R"(,"error":{"type":"http_error","code":403,"message":"no"})",
        R"(,"error":{"type":"mcp_protocol_error","code":-32001,"message":"invalid_token"})",
    };
    for (const std::string& why : errors)
        for (const std::string& end : {failed, silent}) {
            check_asked_again(service, streamed(service.begun() + item("added", "mcp_list_tools", "") +
                                                item("done", "mcp_list_tools", why) + end));
            check_asked_again(service, streamed(service.begun() + item("added", "mcp_call", R"(,"name":"n")") +
                                                frame("response.mcp_call_arguments.done", R"({"arguments":"{}"})") +
                                                item("done", "mcp_call", why) + end));
        }
    check_asked_again(service, streamed(service.begun() + item("added", "mcp_list_tools", "") +
                                        frame("response.mcp_list_tools.failed") + silent));
    // What has been called, or may have been, is not called again.
    for (const std::string& called :
         {item("added", "mcp_call", R"(,"name":"n")"),
          item("added", "mcp_call", "") + item("done", "mcp_call", R"(,"output":"14A")"),
          item("added", "mcp_call", "") + item("done", "mcp_call", R"(,"error":"No such seat.")")}) {
        const std::string end = frame("response.failed", R"({"response":{"id":"resp_1","status":"failed","error":)"
                                                         R"({"code":"http_error","message":"MCP: 401"}}})");
        const asked_tokens asked = run_with_tokens(service, streamed(service.begun() + called + end));
        BOOST_TEST_INFO_SCOPE(called);
        BOOST_TEST(asked.why.size() == 1u);
        BOOST_TEST(!asked.result);
    }
    // Another reason is another failure.
    const asked_tokens asked = run_with_tokens(
        service,
        streamed(service.begun() + item("done", "mcp_list_tools", R"(,"error":"The server is slow.")") + failed));
    BOOST_TEST(asked.why.size() == 1u);
}

// Nothing could end it.
IN_EACH_PROTOCOL(a_run_without_a_status_is_not_polled_for_ever) {
    service.stream(service.begun());
    client_options options = service.settings();
    options.reattach = reattach_policy();
    agent assistant = service.make_agent(options);
    for (const char* body : {R"({"id":"run_1","thread_id":"t"})", R"({"id":"run_1","thread_id":"t","status":null})"}) {
        service.answer_to_reads = whole_response(200, "application/json", body);
        const error failure = failure_of(service.io, assistant.run("hi"));
        BOOST_TEST(failure.code() == errc::premature_eof);
        BOOST_TEST(std::string(failure.what()).find("has no status") != std::string::npos, failure.what());
    }
}

BOOST_AUTO_TEST_SUITE_END()
