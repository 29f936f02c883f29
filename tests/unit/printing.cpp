#include "protocol/event_access.hpp"
#include <corun/event.hpp>
#include <corun/json.hpp>
#include <corun/run_result.hpp>

#include <boost/test/unit_test.hpp>

#include <cerrno>
#include <optional>
#include <sstream>
#include <string>
#include <utility>

using namespace corun;

namespace {

template <class T>
std::string printed(const T& value) {
    std::ostringstream out;
    out << value;
    return out.str();
}

template <class Body>
event named(const char* name, Body body) {
    return detail::event_access::make(std::move(body), name, "", nullptr);
}

template <class Ended>
event ended(const char* id) {
    Ended body;
    body.run.id = id;
    return named("end", std::move(body));
}

}  // namespace

BOOST_AUTO_TEST_SUITE(printing)

BOOST_AUTO_TEST_CASE(the_five_endings_have_one_handle) {
    const std::pair<event, run_outcome> endings[] = {
        {ended<events::run_completed>("r"), run_outcome::completed},
        {ended<events::run_failed>("r"), run_outcome::failed},
        {ended<events::run_incomplete>("r"), run_outcome::incomplete},
        {ended<events::run_cancelled>("r"), run_outcome::cancelled},
        {ended<events::run_expired>("r"), run_outcome::expired},
    };
    for (const auto& [value, outcome] : endings) {
        BOOST_TEST_CONTEXT(outcome) {
            BOOST_REQUIRE(ended_run(value) != nullptr);
            BOOST_TEST(ended_run(value)->id == "r");
            BOOST_TEST(*outcome_of(value) == outcome);
            BOOST_TEST(is_terminal(value));
            BOOST_TEST(*outcome_of(parse_run_state(to_string(outcome))) == outcome);
        }
    }
    events::run_restarted restarted;
    restarted.run.id = "r";
    for (const event& other : {named("x", restarted), named("x", events::run_created()), event()}) {
        BOOST_TEST(ended_run(other) == nullptr);
        BOOST_TEST(!outcome_of(other).has_value());
    }
    for (const run_state state : {run_state::queued, run_state::in_progress, run_state::requires_action,
                                  run_state::cancelling, run_state::unknown})
        BOOST_TEST(!outcome_of(state).has_value());
}

BOOST_AUTO_TEST_CASE(an_event_prints_as_one_line) {
    events::text_delta delta;
    delta.text = "two\nlines";
    BOOST_TEST(printed(named("thread.message.delta", delta)) == R"(thread.message.delta 'two\nlines')");
    events::run_failed failed;
    failed.run.id = "run_1";
    failed.run.last_error.emplace().code = "server_error";
    failed.run.last_error->message = "sorry";
    BOOST_TEST(printed(named("thread.run.failed", failed)) == "thread.run.failed run_1 server_error sorry");
    events::audio_delta said;
    said.base64 = "AAAA";
    said.transcript = "Gate\nB7";
    BOOST_TEST(printed(named("speech", said)) == R"(speech 'Gate\nB7')");
    events::part_completed part;
    part.item_id = "m";
    part.type = "text";
    BOOST_TEST(printed(named("part", part)) == "part m text");
    events::oauth_consent_requested consent;
    consent.server_label = "crm";
    consent.link = "https://login.example/1";
    BOOST_TEST(printed(named("consent", consent)) == "consent crm https://login.example/1");
    events::tool_call_delta written;
    written.error_output = "late";
    BOOST_TEST(printed(named("shell", written)) == "shell late");
    events::action_required asked;
    asked.action.type = "submit_tool_outputs";
    asked.action.function_calls.emplace_back().name = "get_weather";
    BOOST_TEST(printed(named("thread.run.requires_action", asked)) ==
               "thread.run.requires_action submit_tool_outputs get_weather");
    BOOST_TEST(printed(event()) == "event");
}

BOOST_AUTO_TEST_CASE(a_result_and_a_state_print) {
    run_result result;
    result.run_id = "run_1";
    result.status = run_state::failed;
    result.last_error.emplace().code = "server_error";
    result.last_error->message = "sorry";
    result.usage.emplace().total_tokens = 7;
    BOOST_TEST(printed(result) == "run run_1 failed, server_error: sorry, 7 tokens\n");
    BOOST_TEST(printed(run_state::in_progress) == "in_progress");
    BOOST_TEST(printed(run_outcome::expired) == "expired");
}

BOOST_AUTO_TEST_CASE(positions_are_json_and_are_read_from_it) {
    for (const auto& [position, text] : {
             std::pair(run_position("resp_1"), R"({"run_id":"resp_1"})"),
             std::pair(run_position("run_1", "thread_1"), R"({"run_id":"run_1","thread_id":"thread_1"})"),
             std::pair(run_position("resp_1", "conv_1", 0),
                       R"({"run_id":"resp_1","sequence_number":0,"thread_id":"conv_1"})"),
         }) {
        BOOST_TEST(to_json(position).dump() == text);
        const auto read = nlohmann::json::parse(text).get<run_position>();
        BOOST_TEST(read.run_id == position.run_id);
        BOOST_TEST(read.thread_id == position.thread_id);
        BOOST_TEST((read.sequence_number == position.sequence_number));
    }
    BOOST_CHECK_THROW((void)nlohmann::json::parse("{}").get<run_position>(), nlohmann::json::exception);
}

BOOST_AUTO_TEST_CASE(results_and_errors_are_json) {
    run_result result;
    result.run_id = "run_1";
    result.status = run_state::completed;
    result.usage.emplace().total_tokens = 7;
    thread_message& message = result.messages.emplace_back();
    message.content.emplace_back().type = "text";
    message.content.back().text = "Hello";
    message.raw = R"({"id":"msg_1"})";
    result.messages.emplace_back();  // Partial: it has no JSON.
    const nlohmann::json json = to_json(result);
    BOOST_TEST(json["run_id"] == "run_1");
    BOOST_TEST(json["status"] == "completed");
    BOOST_TEST(json["text"] == "Hello");
    BOOST_TEST(json["messages"].dump() == R"([{"id":"msg_1"}])");
    BOOST_TEST(json["usage"]["total_tokens"] == 7);
    BOOST_TEST(!json.contains("last_error"));

    diagnostics details;
    details.message = "no such agent";
    details.status = 404;
    details.request_id = "r1";
    const nlohmann::json failure = to_json(error(errc::not_found, details));
    BOOST_TEST(failure["code"] == "not_found");
    BOOST_TEST(failure["category"] == "corun");
    BOOST_TEST(failure["status"] == 404);
    BOOST_TEST(failure["request_id"] == "r1");
    BOOST_TEST(!failure.contains("service_code"));
    BOOST_TEST(to_json(error(std::make_error_code(std::errc::io_error), details))["code"] == EIO);
    BOOST_TEST(to_json(run_state::requires_action) == "requires_action");
    BOOST_TEST(to_json(run_outcome::failed) == "failed");
    BOOST_TEST(to_json(errc::tls_failed) == "tls_failed");
}

BOOST_AUTO_TEST_SUITE_END()
