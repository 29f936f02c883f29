#include "stream/responses_arrivals.hpp"

#include <boost/test/unit_test.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace {

using namespace corun;
using detail::arrived_events;
using detail::event_facts;

struct fixture {
    event_facts arrives(std::string_view name, std::string_view data = "{}") {
        events.observe(name, data);
        return events.inspect(name, data);
    }
    event_facts begins(const char* type) {
        return arrives("response.output_item.added", R"({"item":{"type":")" + std::string(type) + R"("}})");
    }
    event_facts ends(const char* type, const char* error = "null") {
        return arrives("response.output_item.done",
                       R"({"item":{"type":")" + std::string(type) + R"(","error":)" + error + "}}");
    }
    event_facts fails() { return arrives("response.failed", R"({"response":{"id":"resp_1","status":"failed"}})"); }

    arrived_events events;
};

constexpr const char* unauthorized = R"({"type":"http_error","code":401,"message":"Unauthorized"})";
constexpr const char* broken = R"({"type":"http_error","code":500,"message":"out of order"})";

}  // namespace

BOOST_AUTO_TEST_SUITE(arrivals)

BOOST_FIXTURE_TEST_CASE(a_call_of_a_server_has_an_effect_once_it_has_ended, fixture) {
    BOOST_TEST(!begins("mcp_call").has_effect);
    BOOST_TEST(!arrives("response.mcp_call.in_progress").has_effect);
    BOOST_TEST(!begins("mcp_call").has_effect);
    BOOST_TEST(ends("mcp_call").has_effect);
    BOOST_TEST(fails().calls_are_under_way);
    BOOST_TEST(ends("mcp_call").has_effect);
    BOOST_TEST(!fails().calls_are_under_way);
}

BOOST_FIXTURE_TEST_CASE(nothing_but_a_call_of_a_server_is_under_way, fixture) {
    BOOST_TEST(begins("message").has_effect);
    BOOST_TEST(begins("function_call").has_effect);
    BOOST_TEST(!begins("mcp_list_tools").has_effect);
    BOOST_TEST(!fails().calls_are_under_way);
}

BOOST_FIXTURE_TEST_CASE(a_call_that_the_server_refused_has_no_effect_and_another_token_may_help, fixture) {
    begins("mcp_call");
    BOOST_TEST(!ends("mcp_call", unauthorized).has_effect);
    const event_facts failure = fails();
    BOOST_TEST(failure.token_rejected);
    BOOST_TEST(!failure.calls_are_under_way);
}

BOOST_FIXTURE_TEST_CASE(a_call_that_failed_otherwise_may_have_had_an_effect, fixture) {
    begins("mcp_call");
    BOOST_TEST(ends("mcp_call", broken).has_effect);
    BOOST_TEST(!fails().token_rejected);
}

BOOST_FIXTURE_TEST_CASE(a_list_of_tools_that_failed_says_why_or_the_token_is_suspected, fixture) {
    BOOST_TEST(!arrives("response.mcp_list_tools.failed").has_effect);
    BOOST_TEST(fails().token_rejected);

    events = {};
    BOOST_TEST(!ends("mcp_list_tools", broken).has_effect);
    arrives("response.mcp_list_tools.failed");
    BOOST_TEST(!fails().token_rejected);

    events = {};
    BOOST_TEST(!ends("mcp_list_tools", unauthorized).has_effect);
    BOOST_TEST(fails().token_rejected);
}

BOOST_FIXTURE_TEST_CASE(another_response_begins_without_what_was_before, fixture) {
    begins("mcp_call");
    ends("mcp_list_tools", unauthorized);
    BOOST_TEST(!arrives("response.created", R"({"response":{"id":"resp_2","status":"queued"}})").has_effect);
    const event_facts failure = fails();
    BOOST_TEST(!failure.token_rejected);
    BOOST_TEST(!failure.calls_are_under_way);
}

BOOST_FIXTURE_TEST_CASE(an_event_says_whether_it_is_text_and_which_run_it_shows, fixture) {
    BOOST_TEST(arrives("response.output_text.delta").is_text);
    BOOST_TEST(!arrives("response.output_text.done").is_text);
    BOOST_TEST(!arrives("response.output_text.delta").run.has_value());
    const event_facts begun = arrives("response.in_progress", R"({"response":{"id":"resp_1","status":"in_progress"}})");
    BOOST_TEST((begun.run.value().status == run_state::in_progress));
    BOOST_TEST(!begun.has_effect);
    const event_facts error = arrives("error", R"({"code":"rate_limit_exceeded","message":"slow down"})");
    BOOST_TEST(error.failure.value().code == "rate_limit_exceeded");
    BOOST_TEST(!fails().failure.has_value());
}

BOOST_FIXTURE_TEST_CASE(an_end_that_is_told_again_has_no_number, fixture) {
    BOOST_TEST(!events.unreported_end().has_value());
    BOOST_TEST(!events.is_counted("response.created", "null"));
    BOOST_TEST(events.is_counted("response.created", "{}"));
    fails();
    const auto end = events.unreported_end();
    BOOST_TEST(end.value().name == "response.failed");
    BOOST_TEST(!events.is_counted(end->name, end->data));
    BOOST_TEST(events.is_counted("response.created", "{}"));
}

BOOST_AUTO_TEST_SUITE_END()
