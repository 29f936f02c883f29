// Whole responses as services and the gateways before them write them, in both protocols.
#include "emulated.hpp"
#include "raw_service.hpp"

#include <boost/test/unit_test.hpp>
#include <curl/curl.h>

#include <string>
#include <string_view>

namespace {

using namespace corun;
using namespace corun::test;

const std::string text_in_responses =
    "data: "
    "{\"type\":\"response.created\",\"response\":{\"id\":\"resp_1\",\"status\":\"in_progress\",\"output\":[]}}\n\n"
    "data: {\"type\":\"response.output_text.delta\",\"item_id\":\"m\",\"output_index\":0,\"content_index\":0,"
    "\"delta\":\"Row 3 is free.\"}\n\n"
    "data: "
    "{\"type\":\"response.completed\",\"response\":{\"id\":\"resp_1\",\"status\":\"completed\",\"output\":[]}}\n\n";
const std::string text_in_threads =
    "event: thread.run.created\ndata: {\"id\":\"run_1\",\"thread_id\":\"t\",\"status\":\"queued\"}\n\n"
    "event: thread.message.delta\ndata: {\"id\":\"m\",\"delta\":{\"content\":[{\"index\":0,\"type\":\"text\","
    "\"text\":{\"value\":\"Row 3 is free.\"}}]}}\n\n"
    "event: thread.run.completed\ndata: {\"id\":\"run_1\",\"thread_id\":\"t\",\"status\":\"completed\"}\n\n";

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

struct raw : raw_service {
    using raw_service::raw_service;

    [[nodiscard]] const std::string& text() const { return is_responses() ? text_in_responses : text_in_threads; }
    error failure(client_options options) { return failure_of(io, make_agent(std::move(options)).run("hi")); }
    error failure() { return failure(settings()); }
    error failure_of_body(int status, std::string_view type, std::string_view body) {
        answer(whole_response(status, type, body));
        return failure();
    }
};

bool says(const error& failure, std::string_view text) {
    return std::string_view(failure.what()).find(text) != std::string_view::npos;
}

}  // namespace

/// A test in each protocol; `service` answers.
#define IN_EACH_PROTOCOL(name)                  \
    void name(raw& service);                    \
    BOOST_AUTO_TEST_CASE(name##_in_threads) {   \
        raw service(protocol::threads);         \
        name(service);                          \
    }                                           \
    BOOST_AUTO_TEST_CASE(name##_in_responses) { \
        raw service(protocol::responses);       \
        name(service);                          \
    }                                           \
    void name(raw& service)

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
        const error failure = service.failure_of_body(400, each.type, each.body);
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
    const std::string& text = service.text();
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

BOOST_AUTO_TEST_SUITE_END()
