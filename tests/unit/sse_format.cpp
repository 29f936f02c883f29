#include <corun/error.hpp>
#include <corun/sse/format.hpp>
#include <corun/sse/parser.hpp>

#include <boost/test/unit_test.hpp>

#include <random>
#include <string>
#include <string_view>

using namespace std::string_view_literals;
using corun::sse::event;
using corun::sse::format;

namespace {

bool is_invalid_argument(const corun::error& failure) {
    return failure.code() == corun::errc::invalid_argument;
}

/// What a parser makes of CR and CRLF.
std::string with_lf(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i != text.size(); ++i) {
        if (text[i] == '\n' && i > 0 && text[i - 1] == '\r') continue;
        out += text[i] == '\r' ? '\n' : text[i];
    }
    return out;
}

std::string random_text(std::mt19937& random, std::string_view alphabet) {
    std::string text;
    for (unsigned left = random() % 8; left != 0; --left) text += alphabet[random() % alphabet.size()];
    return text;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(sse_format)

BOOST_AUTO_TEST_CASE(writes_the_fields_that_are_there) {
    BOOST_TEST(format({"delta", "a", "7"}) == "event: delta\nid: 7\ndata: a\n\n");
    BOOST_TEST(format({"message", "a", ""}) == "data: a\n\n");
    BOOST_TEST(format({"", "", ""}) == "data: \n\n");
    BOOST_TEST(format({"", "a\nb\r\nc\rd\n", ""}) == "data: a\ndata: b\ndata: c\ndata: d\ndata: \n\n");
}

BOOST_AUTO_TEST_CASE(rejects_what_would_end_a_field) {
    for (const std::string_view bad : {"a\nb"sv, "a\rb"sv, "\r\n"sv, "\n"sv}) {
        BOOST_CHECK_EXCEPTION((void)format({bad, "", ""}), corun::error, is_invalid_argument);
        BOOST_CHECK_EXCEPTION((void)format({"", "", bad}), corun::error, is_invalid_argument);
    }
    BOOST_CHECK_EXCEPTION((void)format({"", "", "a\0b"sv}), corun::error, is_invalid_argument);
}

BOOST_AUTO_TEST_CASE(a_parser_reads_the_same_events) {
    std::mt19937 random(7);
    constexpr std::string_view name_alphabet = "a: \t\0\xc3\xa9"sv.substr(0, 5);
    constexpr std::string_view id_alphabet = "1: \t"sv;
    constexpr std::string_view data_alphabet = "d: \r\n\t\0{"sv;
    corun::sse::parser parser;
    std::string last_id;
    for (int round = 0; round != 5000; ++round) {
        const std::string type = random_text(random, name_alphabet);
        const std::string id = random_text(random, id_alphabet);
        const std::string data = random_text(random, data_alphabet);
        const std::string wire = format({type, data, id});
        if (!id.empty()) last_id = id;
        parser.feed(wire);
        const event* const read = parser.next();
        BOOST_REQUIRE(read != nullptr);
        BOOST_REQUIRE(read->type == (type.empty() ? "message" : type));
        BOOST_REQUIRE(read->data == with_lf(data));
        BOOST_REQUIRE(read->last_event_id == last_id);
        BOOST_REQUIRE(parser.next() == nullptr);
    }
}

BOOST_AUTO_TEST_SUITE_END()
