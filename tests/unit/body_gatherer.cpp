#include "http/body_gatherer.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

using corun::detail::body_gatherer;
using corun::detail::byte_count;
using corun::detail::document_or_count;
using corun::detail::redactor;

redactor knowing(const char* value) {
    redactor known;
    known.add(corun::secret(value));
    return known;
}

/// The texts of a body that arrives in pieces of that size.
std::vector<std::string> shown(std::string_view body, std::size_t size, const char* media_type, const redactor& known) {
    body_gatherer gatherer(media_type, known);
    std::vector<std::string> texts;
    std::uint64_t bytes = 0;
    for (std::size_t at = 0; at < body.size(); at += size)
        for (const auto& piece : gatherer.add(body.substr(at, size))) {
            texts.push_back(piece.text);
            bytes += piece.bytes;
            BOOST_TEST(bytes <= at + size);
        }
    if (const auto rest = gatherer.finish()) {
        texts.push_back(rest->text);
        bytes += rest->bytes;
        BOOST_TEST(bytes == body.size());
    }
    return texts;
}

/// The same wherever it is cut.
void check(std::string_view body, const std::vector<std::string>& expected, const char* media_type,
           const redactor& known = {}) {
    for (std::size_t size = 1; size <= body.size() + 1; ++size) {
        const auto texts = shown(body, size, media_type, known);
        BOOST_TEST_CONTEXT(body << " in pieces of " << size) {
            BOOST_CHECK_EQUAL_COLLECTIONS(texts.begin(), texts.end(), expected.begin(), expected.end());
        }
    }
}

constexpr const char* stream = "text/event-stream";
constexpr const char* json = "application/json";

}  // namespace

BOOST_AUTO_TEST_SUITE(body_gatherers)

BOOST_AUTO_TEST_CASE(show_a_document_when_it_is_whole) {
    const redactor known = knowing("planted-secret-a");
    check(R"({"token":"b","m":"planted-secret-a"})", {R"({"token":"***","m":"***"})"}, json, known);
    check(R"({"token":"b"})", {R"({"token":"***"})"}, "");
    check(R"({"token":"b"})", {R"({"token":"***"})"}, "application/problem+json");
    check("", {}, json);
    // Broken off, or no JSON at all.
    check(R"({"m":"planted-secret-)", {"[21 bytes of application/json]"}, json, known);
    check("<p>", {"[3 bytes]"}, "");
}

BOOST_AUTO_TEST_CASE(count_other_bodies) {
    check("\x89PNG", {"[4 bytes of image/png]"}, "image/png");
    check("{}", {"[2 bytes of text/html]"}, "text/html");
    check("", {}, "image/png");
}

BOOST_AUTO_TEST_CASE(show_a_stream_event_by_event) {
    check("event: thread.run.created\ndata: {\"headers\":{\"a\":\"b\"}}\n\ndata: [DONE]\n\n",
          {"event: thread.run.created\ndata: {\"headers\":{\"a\":\"***\"}}\n\n", "data: [DONE]\n\n"}, stream);
    // JSON over several lines.
    check("data: {\"headers\":\r\ndata: {\"a\":\r\ndata:  \"b\"}}\r\n\r\n", {"data: {\"headers\":{\"a\":\"***\"}}\n\n"},
          stream);
    // A broken event does not affect the next.
    check("data: {\"headers\":{\"a\r\rdata: {\"model\":\"b\"}\r\r", {"data: ***\n\n", "data: {\"model\":\"b\"}\n\n"},
          stream);
    check("data: {\"a\n\ndata: {\"token\":\"b\"}\n\n", {"data: {\"a\n\n", "data: {\"token\":\"***\"}\n\n"}, stream);
    check(
        "\xef\xbb\xbf"
        "data:{\"token\":\"b\"}\n\n",
        {"data: {\"token\":\"***\"}\n\n"}, stream);
    check("event: planted-secret-a\ndata: planted-secret-a, Bearer abc\n\n", {"event: ***\ndata: ***, Bearer ***\n\n"},
          stream, knowing("planted-secret-a"));
}

BOOST_AUTO_TEST_CASE(leave_out_comments_and_count_an_event_that_is_not_whole) {
    check(": keep-alive, Bearer abc\n\n", {}, stream);
    check("data: 1\n\n: x\n\n", {"data: 1\n\n"}, stream);
    check("data: 1\r\n\r\n", {"data: 1\n\n"}, stream);
    check("data: 1\n\ndata: planted", {"data: 1\n\n", "[7 bytes of an incomplete event]"}, stream);
}

BOOST_AUTO_TEST_CASE(count_documents_above_the_limit) {
    const std::size_t limit = body_gatherer::max_bytes;
    const std::string longest = '"' + std::string(limit - 2, 'x') + '"';
    for (const std::size_t size : {limit, limit / 3, limit + 7}) {
        BOOST_TEST((shown(longest, size, json, {}) == std::vector<std::string>{longest}));
        BOOST_TEST((shown(longest + ' ', size, json, {}) ==
                    std::vector<std::string>{byte_count(limit + 1, "application/json")}));
    }
    BOOST_TEST(document_or_count(longest, json, {}) == longest);
    BOOST_TEST(document_or_count(longest + ' ', json, {}) == byte_count(limit + 1, json));
    BOOST_TEST(document_or_count("nope", "", {}) == "[4 bytes]");
}

BOOST_AUTO_TEST_CASE(end_with_an_event_above_the_limit) {
    const std::string first = "data: 1\n\n";
    const std::string large = "data: " + std::string(body_gatherer::max_bytes + 1, 'x') + "\n\ndata: 2\n\n";
    BOOST_TEST((shown(first + large, first.size(), stream, {}) ==
                std::vector<std::string>{first, "[an event larger than 1048576 bytes, and everything after it]"}));
}

BOOST_AUTO_TEST_SUITE_END()
