#include "protocol/common.hpp"
#include "protocol/readers.hpp"
#include "protocol/synthetic_events.hpp"
#include <corun/error.hpp>

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <limits>
#include <string>
#include <system_error>

using namespace corun;
using namespace corun::codec;

namespace {

template <class Call>
void require_bad_response(Call call) {
    BOOST_CHECK_EXCEPTION(call(), error, [](const error& problem) { return problem.code() == errc::bad_response; });
}

/// Calls `use` with the value of the member "v" of an object.
template <class Use>
void with_value(std::string_view value, Use use) {
    const simdjson::padded_string text("{\"v\":" + std::string(value) + "}");
    json::reader reader;
    json::each_member(reader.object(text, simdjson::SIMDJSON_PADDING),
                      [&use](std::string_view, json::value member) { use(member); });
}

template <class T, class Read>
T read_value(std::string_view value, Read read) {
    T out{};
    with_value(value, [&](json::value source) { read(source, out); });
    return out;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(protocol_common)

BOOST_AUTO_TEST_CASE(reads_a_page_and_where_the_next_one_starts) {
    const page first = decode_page(
        R"({"object":"list","data":[ {"id":"b","x":[1,2]} , {"id":"a"} ],"first_id":"b","last_id":"a","has_more":true})");
    BOOST_REQUIRE_EQUAL(first.items.size(), 2u);
    BOOST_TEST(first.items[0] == R"({"id":"b","x":[1,2]})");
    BOOST_TEST(first.next == "a");
    BOOST_TEST(decode_page(R"({"data":[{"id":"a"}],"last_id":"a","has_more":false})").next.empty());
    BOOST_TEST(decode_page(R"({"data":[{"id":"b"},{"id":"a"}],"has_more":true})").next == "a");
    BOOST_TEST(decode_page(R"({"data":[{"id":"b"}],"last_id":null,"has_more":true})").next == "b");
    BOOST_TEST(decode_page(R"({"data":[],"first_id":null,"last_id":null,"has_more":true})").next.empty());
    BOOST_TEST(decode_page(R"({"object":"list","data":[{"id":"f"}]})").next.empty());
    for (const std::string_view text : {"", "[]", "{}", R"({"data":{}})", R"({"data":null})", R"({"data":[1,})"})
        require_bad_response([text] { decode_page(text); });
}

BOOST_AUTO_TEST_CASE(a_text_is_valid_utf8) {
    BOOST_TEST(is_text(""));
    BOOST_TEST(is_text("\xC3\xA9"));
    BOOST_TEST(!is_text("\xC3"));
}

BOOST_AUTO_TEST_CASE(a_function_that_failed_has_an_error_as_its_output) {
    BOOST_TEST(encode_function_failure("no \"such\" file") == R"({"error":"no \"such\" file"})");
    BOOST_TEST(encode_function_failure("\xC3").find("\xC3\"") == std::string::npos);
}

BOOST_AUTO_TEST_CASE(reads_the_usage_of_either_protocol) {
    const auto usage_of = [](std::string_view text) { return read_value<std::optional<usage>>(text, read_usage); };
    const auto classic = usage_of(
        R"({"prompt_tokens":3,"completion_tokens":2,"total_tokens":5,"prompt_token_details":{"cached_tokens":1}})");
    BOOST_REQUIRE(classic.has_value());
    BOOST_TEST(classic->prompt_tokens == 3);
    BOOST_TEST(classic->completion_tokens == 2);
    BOOST_TEST(classic->total_tokens == 5);
    BOOST_TEST(classic->cached_tokens == 1);
    const auto responses =
        usage_of(R"({"input_tokens":3,"output_tokens":2,"total_tokens":5,"input_tokens_details":{"cached_tokens":1}})");
    BOOST_REQUIRE(responses.has_value());
    BOOST_TEST(responses->prompt_tokens == 3);
    BOOST_TEST(responses->completion_tokens == 2);
    BOOST_TEST(responses->total_tokens == 5);
    BOOST_TEST(responses->cached_tokens == 1);
    BOOST_TEST(usage_of(R"({"prompt_tokens_details":{"cached_tokens":4}})")->cached_tokens == 4);
    BOOST_TEST(usage_of(R"({"total_tokens":"5"})")->total_tokens == 0);
    BOOST_TEST(!usage_of("null").has_value());
    BOOST_TEST(!usage_of("[5]").has_value());
}

BOOST_AUTO_TEST_CASE(reads_an_error_and_its_delay) {
    const auto error_of = [](std::string_view text) {
        return read_value<std::optional<last_error>>(text, read_last_error);
    };
    const auto limited = error_of(R"({"code":"rate_limit_exceeded","message":"Try again in 22 seconds."})");
    BOOST_REQUIRE(limited.has_value());
    BOOST_TEST(limited->code == "rate_limit_exceeded");
    BOOST_TEST(limited->message == "Try again in 22 seconds.");
    BOOST_TEST((limited->retry_after == std::chrono::seconds(22)));
    // Any other error may tell of a delay that is not the service's.
    BOOST_TEST(!error_of(R"({"code":"invalid_prompt","message":"Try again in 22 seconds."})")->retry_after.has_value());
    BOOST_TEST((error_of(R"({"code":"server_error","message":"Try again in 22 seconds."})")->retry_after ==
                std::chrono::seconds(22)));
    BOOST_TEST(!error_of("null").has_value());
}

BOOST_AUTO_TEST_CASE(an_index_is_a_whole_number_that_is_not_negative) {
    const auto index_of = [](std::string_view text) {
        return read_value<std::int32_t>(text, [](json::value source, std::int32_t& out) { read_index(source, out); });
    };
    BOOST_TEST(index_of("0") == 0);
    BOOST_TEST(index_of("null") == 0);
    BOOST_TEST(index_of("7") == 7);
    BOOST_TEST(index_of("2147483647") == std::numeric_limits<std::int32_t>::max());
    for (const char* text : {"-1", "2147483648", "1.5", "\"1\"", "[]"})
        BOOST_CHECK_THROW(index_of(text), json::shape_error);
}

BOOST_AUTO_TEST_CASE(reads_values_and_ignores_what_has_another_type) {
    const auto raw_of = [](std::string_view text) { return read_value<std::string>(text, read_raw); };
    BOOST_TEST(raw_of(R"({"a": [1]})") == R"({"a": [1]})");
    BOOST_TEST(raw_of("7") == "7");
    BOOST_TEST(raw_of("null") == "");
    const auto count_of = [](std::string_view text) { return read_value<std::int64_t>(text, read_count); };
    BOOST_TEST(count_of("12") == 12);
    BOOST_TEST(count_of("\"12\"") == 0);
    with_value(R"(["a",1,"b"])", [](json::value source) {
        BOOST_TEST(read_strings(source) == (std::vector<std::string>{"a", "b"}), boost::test_tools::per_element());
    });
    with_value(R"("a")", [](json::value source) { BOOST_TEST(read_strings(source).empty()); });
    const auto reason_of = [](std::string_view text) { return read_value<std::string>(text, read_incomplete_details); };
    BOOST_TEST(reason_of(R"({"other":"x","reason":"max_tokens"})") == "max_tokens");
    BOOST_TEST(reason_of("null") == "");
}

BOOST_AUTO_TEST_CASE(reads_headers_that_are_strings) {
    const auto fields = read_value<headers>(R"({"Authorization":"Bearer x","X-Number":7})", read_headers);
    BOOST_REQUIRE(fields.find("Authorization") != nullptr);
    BOOST_TEST(fields.find("Authorization")->reveal() == "Bearer x");
    BOOST_TEST((fields.find("X-Number") == nullptr));
    BOOST_TEST(read_value<headers>("null", read_headers).empty());
}

BOOST_AUTO_TEST_CASE(reads_listed_tools_in_an_array_or_by_name) {
    for (const char* text : {R"([{"name":"f","description":"d","input_schema":{"type":"object"}},7])",
                             R"({"f":{"description":"d","parameters":{"type":"object"}}})"}) {
        const auto tools = read_value<std::vector<mcp_tool_info>>(text, read_listed_tools);
        BOOST_REQUIRE_EQUAL(tools.size(), 1u);
        BOOST_TEST(tools[0].name == "f");
        BOOST_TEST(tools[0].description == "d");
        BOOST_TEST(tools[0].parameters == R"({"type":"object"})");
    }
}

BOOST_AUTO_TEST_CASE(a_reattachment_is_an_event_of_its_own) {
    for (const std::error_code cause :
         {std::make_error_code(std::errc::connection_reset), make_error_code(errc::premature_eof)}) {
        events::reattached sent;
        sent.run_id = "run_1";
        sent.thread_id = "thread_1";
        sent.cause = cause;
        const events::reattached decoded = decode_synthetic<events::reattached>(encode(sent));
        BOOST_TEST(decoded.run_id == "run_1");
        BOOST_TEST(decoded.thread_id == "thread_1");
        BOOST_TEST((decoded.cause == cause));
    }
}

BOOST_AUTO_TEST_CASE(what_a_handler_did_is_an_event_of_its_own) {
    for (const std::optional<std::string>& failure : {std::optional<std::string>(), std::optional<std::string>("")}) {
        events::function_called sent;
        sent.call_id = "call_1";
        sent.name = "get_weather";
        sent.arguments = R"({"city":"Oslo"})";
        sent.output = "\"cold\"\n";
        sent.error = failure;
        sent.duration = std::chrono::nanoseconds(1'234'567);
        const auto decoded = decode_synthetic<events::function_called>(encode(sent));
        BOOST_TEST(decoded.call_id == sent.call_id);
        BOOST_TEST(decoded.name == sent.name);
        BOOST_TEST(decoded.arguments == sent.arguments);
        BOOST_TEST(decoded.output == sent.output);
        BOOST_TEST((decoded.error == failure));
        BOOST_TEST((decoded.duration == sent.duration));

        events::approval_decided decision;
        decision.call_id = "mcpr_1";
        decision.server_label = "bookings";
        decision.approved = true;
        decision.reason = "why";
        decision.error = failure;
        const auto read = decode_synthetic<events::approval_decided>(encode(decision));
        BOOST_TEST(read.call_id == decision.call_id);
        BOOST_TEST(read.server_label == decision.server_label);
        BOOST_TEST(read.approved);
        BOOST_TEST(read.reason == "why");
        BOOST_TEST((read.error == failure));
    }
    events::function_called binary;
    binary.error = "\xff";
    BOOST_TEST(decode_synthetic<events::function_called>(encode(binary)).error.value() == "\xef\xbf\xbd");
}

BOOST_AUTO_TEST_SUITE_END()
