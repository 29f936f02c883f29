#include "protocol/event_access.hpp"
#include <corun/event.hpp>
#include <corun/resources.hpp>

#include <boost/test/unit_test.hpp>

#include <string_view>
#include <utility>

using namespace corun;

BOOST_AUTO_TEST_SUITE(resources)

BOOST_AUTO_TEST_CASE(the_names_of_states_are_those_of_the_protocol) {
    const std::pair<run_state, std::string_view> states[] = {
        {run_state::queued, "queued"},
        {run_state::in_progress, "in_progress"},
        {run_state::requires_action, "requires_action"},
        {run_state::cancelling, "cancelling"},
        {run_state::cancelled, "cancelled"},
        {run_state::failed, "failed"},
        {run_state::completed, "completed"},
        {run_state::incomplete, "incomplete"},
        {run_state::expired, "expired"},
        {run_state::unknown, "unknown"},
    };
    for (const auto& [state, name] : states) {
        BOOST_TEST(to_string(state) == name);
        BOOST_TEST((parse_run_state(name) == state));
    }
    BOOST_TEST((parse_run_state("new") == run_state::unknown));
    BOOST_TEST(to_string(static_cast<run_state>(99)) == "unknown");
}

BOOST_AUTO_TEST_CASE(five_states_are_terminal) {
    for (const run_state state :
         {run_state::cancelled, run_state::failed, run_state::completed, run_state::incomplete, run_state::expired})
        BOOST_TEST(is_terminal(state), to_string(state));
    for (const run_state state : {run_state::queued, run_state::in_progress, run_state::requires_action,
                                  run_state::cancelling, run_state::unknown, static_cast<run_state>(99)})
        BOOST_TEST(!is_terminal(state), to_string(state));
}

BOOST_AUTO_TEST_CASE(five_events_are_terminal) {
    const auto terminal = [](auto body) {
        return is_terminal(detail::event_access::make(std::move(body), "", "", nullptr));
    };
    BOOST_TEST((terminal(events::run_completed()) && terminal(events::run_failed()) &&
                terminal(events::run_incomplete()) && terminal(events::run_cancelled()) &&
                terminal(events::run_expired())));
    BOOST_TEST(
        (!terminal(events::run_status()) && !terminal(events::run_restarted()) && !terminal(events::stream_error())));
    BOOST_TEST(!is_terminal(event()));
}

BOOST_AUTO_TEST_CASE(the_text_of_a_message_is_that_of_its_text_parts) {
    thread_message message;
    for (const auto& [type, text] : {std::pair("text", "a"), {"refusal", "no"}, {"text", "b"}}) {
        message.content.emplace_back().type = type;
        message.content.back().text = text;
    }
    BOOST_TEST(message.text() == "ab");
    BOOST_TEST(agent_definition("gpt").model == "gpt");
}

BOOST_AUTO_TEST_SUITE_END()
