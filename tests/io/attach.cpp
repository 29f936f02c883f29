// Runs that another process has started: here, another client.
#include "application.hpp"

#include <boost/test/unit_test.hpp>

#include <string>
#include <vector>

namespace {

using namespace corun;
using namespace corun::test;
using emulator::fault;
using emulator::step;

run_options left_running(run_options options) {
    options.on_abandon = abandoned_run::goes_on;
    return options;
}

/// Reads until so many pieces of text have come, and leaves the run to itself.
struct first_part {
    first_part(application& by, run_options options, std::size_t pieces) {
        event_stream stream = by.wait(by.plain.run_stream(by.new_thread(), "Hi there", {}, left_running(options)));
        while (pieces > 0) {
            const std::optional<event> arrived = by.wait(stream.next());
            if (!arrived) break;
            const auto* delta = arrived->get_if<events::text_delta>();
            if (delta == nullptr) continue;
            text += delta->text;
            --pieces;
        }
        position = stream.position();
        run_id = stream.run_id();
        thread_id = stream.thread_id();
    }

    std::string text, run_id, thread_id;
    run_position position;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(attach)

IN_BOTH_PROTOCOLS(the_rest_of_a_run_is_streamed) {
    const first_part before(*this, usual(), 2);
    BOOST_TEST(before.text == "You said:");
    BOOST_TEST(before.position.run_id == before.run_id);
    BOOST_TEST(before.position.thread_id == before.thread_id);
    BOOST_TEST(before.position.sequence_number.has_value() == speaks.in_background);
    use({});
    event_stream stream = wait(plain.attach_stream(before.position, run_options()));
    const auto events = take(stream);
    BOOST_TEST(text_of(events) == " Hi there");
    BOOST_TEST(count_of<events::message_completed>(events) == 1u);
    BOOST_TEST(count_of<events::reattached>(events) == 0u);
    BOOST_TEST(events.back().get_if<events::run_completed>());
    BOOST_TEST(stream.run_id() == before.run_id);
    BOOST_TEST(posts() == 1u);
    BOOST_TEST(!wait(stream.next()).has_value());
}

IN_BOTH_PROTOCOLS(without_a_number_a_stream_begins_with_the_first_event) {
    const first_part before(*this, usual(), 2);
    const run_position position(before.run_id, before.thread_id);
    const auto events = take(plain.attach_stream(position));
    BOOST_TEST(text_of(events) == "You said: Hi there");
    BOOST_TEST(count_of<events::run_created>(events) == 1u);
    BOOST_TEST(events.back().get_if<events::run_completed>());
}

IN_BOTH_PROTOCOLS(a_run_that_ended_long_ago_is_read) {
    event_stream whole = wait(plain.run_stream(new_thread(), "Hi there", {}, usual()));
    (void)take(whole);
    const auto events = take(plain.attach_stream(run_position(whole.run_id(), whole.thread_id())));
    BOOST_TEST(text_of(events) == "You said: Hi there");
    BOOST_TEST(events.back().get_if<events::run_completed>());
    // Nothing is left of it but how it ended.
    event_stream rest = wait(plain.attach_stream(whole.position()));
    const auto end = take(rest);
    BOOST_TEST(end.size() == 1u);
    BOOST_TEST(end.front().get_if<events::run_completed>());
    BOOST_TEST(rest.run_id() == whole.run_id());
}

IN_BOTH_PROTOCOLS(a_run_that_waits_is_answered_by_the_handlers) {
    const function_tool weather("get_weather", "The weather.", R"({"type":"object","properties":{}})");
    run_options by_hand = left_running(usual());
    by_hand.answers_by_hand = true;
    by_hand.tools.emplace_back(weather);
    for (const bool has_number : {false, true}) {
        service->script("", {step::call_function("get_weather", R"({"city":"Oslo"})"), step::reply("It is {output}.")});
        service->forget_requests();
        calls = 0;
        run_position position;
        {
            event_stream stream = wait(plain.run_stream(new_thread(), "weather?", {}, by_hand));
            (void)take(stream);
            BOOST_TEST(stream.waits_for_answers());
            position = stream.position();
            if (!has_number) position = run_position(position.run_id, position.thread_id);
        }
        use({});
        const auto events = take(plain.attach_stream(position, with_function()));
        BOOST_TEST(calls == 1);
        BOOST_TEST(count_of<events::action_required>(events) == 1u);
        BOOST_TEST(text_of(events) == "It is cold.");
        BOOST_TEST(events.back().get_if<events::run_completed>());
        BOOST_TEST(posts() == 2u);
    }
}

IN_BOTH_PROTOCOLS(approvals_carry_headers_of_whoever_attached) {
    service->script("", {step::call_mcp("reserve_seat", R"({"seat":"14A"})"), step::reply("{output}")});
    run_position position;
    {
        event_stream stream = wait(desk.run_stream(new_thread(), "book", headers("fresh"), left_running(usual())));
        (void)take(stream);
        position = run_position(stream.run_id(), stream.thread_id());
    }
    use({});
    mcp->accept_token(planted_secret("newer"));
    event_stream stream = wait(desk.attach_stream(position, headers("newer"), with_approval()));
    const auto events = take(stream);
    BOOST_TEST(approvals == 1);
    BOOST_TEST(text_of(events) == "seat 14A is yours");
    BOOST_TEST(authorizations_of_calls() == std::vector<std::string>{bearer("newer")},
               boost::test_tools::per_element());
}

IN_BOTH_PROTOCOLS(a_stream_that_breaks_off_is_found_again) {
    const first_part before(*this, usual(), 1);
    const std::string path = has_runs ? "/threads/" + before.thread_id + "/runs/" + before.run_id + "/steps"
                                      : "/openai/v1/responses/" + before.run_id;
    // A stream breaks off, or something cannot be read.
    service->inject((speaks.in_background ? fault::cut().after_events(3) : fault::respond(503)).on("GET", path));
    const std::size_t expected = has_runs ? 2 : 3;  // a response has been fetched before
    const auto events = take(plain.attach_stream(before.position));
    BOOST_TEST(count("GET", path) >= expected);
    BOOST_TEST(count_of<events::reattached>(events) == (speaks.in_background ? 1u : 0u));
    BOOST_TEST(before.text + text_of(events) == "You said: Hi there");
    BOOST_TEST(events.back().get_if<events::run_completed>());
}

IN_BOTH_PROTOCOLS(without_reattachments_a_run_is_attached_to_all_the_same) {
    const first_part before(*this, usual(), 1);
    run_options options;
    options.reattach.emplace().enabled = false;
    const auto events = take(plain.attach_stream(before.position, options));
    BOOST_TEST(before.text + text_of(events) == "You said: Hi there");
    BOOST_TEST(events.back().get_if<events::run_completed>());
}

IN_BOTH_PROTOCOLS(a_position_that_names_no_run_is_refused) {
    const auto refused = [this](const run_position& position, std::error_code expected, const char* name) {
        service->forget_requests();
        const auto check = [&](const error& met) {
            BOOST_TEST(met.code() == expected);
            BOOST_TEST(std::string(met.what()).find(name) != std::string::npos, met.what());
        };
        BOOST_TEST_CONTEXT(position.run_id << " in " << position.thread_id) {
            check(failure_of(io, [&] { return plain.attach_stream(position); }));
            check(failure_of(io, [&] { return client->get_run(position); }));
            check(failure_of(io, [&] { return client->cancel_run(position); }));
        }
        return service->requests().size();
    };
    BOOST_TEST(refused(run_position("", "thread_1"), errc::invalid_argument, "run_position::run_id") == 0u);
    if (has_runs) BOOST_TEST(refused(run_position("run_1"), errc::invalid_argument, "run_position::thread_id") == 0u);
    BOOST_TEST(refused(run_position("resp_none", new_thread().id()), errc::not_found, "resp_none") == 3u);
}

IN_BOTH_PROTOCOLS(a_run_is_cancelled_by_its_position) {
    event_stream stream = held(left_running(usual()));
    const run_position position = stream.position();
    BOOST_TEST((wait(client->get_run(position)).status == run_state::in_progress));
    if (has_runs || speaks.in_background) {
        const thread_run cancelled = wait(client->cancel_run(position));
        BOOST_TEST(cancelled.id == position.run_id);
        const auto rest = take(stream);
        BOOST_TEST(rest.back().get_if<events::run_cancelled>());
    } else {
        BOOST_TEST(failure(client->cancel_run(position)).code() == errc::bad_request);
    }
}

BOOST_AUTO_TEST_SUITE_END()
