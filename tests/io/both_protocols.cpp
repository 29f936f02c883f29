// What an application relies on, in whichever protocol its client speaks: one source of tests for both.
#include "application.hpp"

#include <asio/bind_cancellation_slot.hpp>
#include <asio/cancellation_signal.hpp>
#include <asio/co_spawn.hpp>
#include <asio/post.hpp>
#include <asio/steady_timer.hpp>
#include <asio/use_awaitable.hpp>
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cstdlib>
#include <limits>
#include <map>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace {

using namespace corun;
using namespace corun::test;
using namespace std::chrono_literals;
using emulator::fault;
using emulator::step;
using names = std::vector<std::string>;
using occasion = mcp_header_request::occasion;

}  // namespace

BOOST_AUTO_TEST_SUITE(both_protocols)

// Text.

IN_BOTH_PROTOCOLS(a_text_streams) {
    event_stream stream = wait(plain.run_stream("Hi there", {}, usual()));
    const auto events = take(stream);
    BOOST_TEST(text_of(events) == "You said: Hi there");
    BOOST_TEST(count_of<events::text_delta>(events) == 4u);
    BOOST_REQUIRE(find<events::run_created>(events));
    BOOST_TEST(find<events::run_created>(events)->run_id == stream.run_id());
    BOOST_REQUIRE(count_of<events::message_completed>(events) == 1u);
    BOOST_TEST(find<events::message_completed>(events)->message.text() == "You said: Hi there");
    const auto* end = events.back().get_if<events::run_completed>();
    BOOST_REQUIRE(end);
    BOOST_TEST((end->run.status == run_state::completed));
    BOOST_TEST(end->run.usage.has_value());
    BOOST_TEST(posts() == 1u);
    BOOST_TEST(!wait(stream.next()).has_value());
}

IN_BOTH_PROTOCOLS(a_run_is_gathered) {
    const run_result result = wait(plain.run("Hi there", {}, usual()));
    BOOST_TEST(result.text() == "You said: Hi there");
    BOOST_TEST((result.status == run_state::completed));
    BOOST_TEST(result.usage.has_value());
    BOOST_TEST(!result.run_id.empty());
}

IN_BOTH_PROTOCOLS(a_thread_holds_its_runs) {
    const agent_thread in = new_thread();
    for (const char* text : {"one", "two"}) {
        const run_result result = wait(plain.run(in, text, {}, usual()));
        BOOST_TEST(result.text() == "You said: " + std::string(text));
        BOOST_TEST(result.thread_id == in.id());
    }
}

IN_BOTH_PROTOCOLS(the_messages_of_a_thread_are_listed_added_read_and_deleted) {
    agent_thread in = new_thread();
    const thread_message added = wait(in.add_message("Before"));
    BOOST_TEST(added.role == "user");
    BOOST_TEST(added.text() == "Before");
    BOOST_TEST(added.thread_id == in.id());
    service->script("", {step::call_mcp("reserve_seat", R"({"seat":"14A"})"), step::reply("{output}")});
    (void)wait(desk.run(in, "Book", headers("fresh"), with_approval()));
    list_options options;
    options.page_size = 2;
    options.oldest_first = true;
    names said;
    auto all = in.list_messages(options);
    while (auto each = wait(all.next())) {
        BOOST_TEST(each->thread_id == in.id());
        said.push_back(each->role + ": " + each->text());
    }
    BOOST_TEST(said == (names{"user: Before", "user: Book", "assistant: seat 14A is yours"}),
               boost::test_tools::per_element());
    BOOST_TEST(wait(in.get_message(added.id)).text() == "Before");
    wait(in.delete_message(added.id));
    BOOST_TEST(failure(in.get_message(added.id)).code() == errc::not_found);
}

IN_BOTH_PROTOCOLS(any_text_arrives_as_it_was_sent) {
    const std::string text = "Grüße,\n\t\"Welt\" \\ 🚀 \xe2\x80\xa8 \x01 </script> \xf0\x9f\x87\xb3\xf0\x9f\x87\xb4";
    service->script("", {step::reply(text)});
    BOOST_TEST(text_of(take(plain.run_stream(text, {}, usual()))) == text);
    BOOST_TEST(wait(plain.run("Hi", {}, usual())).text() == text);
}

IN_BOTH_PROTOCOLS(a_failed_run_is_told_as_one) {
    service->script("", {step::reply("Well"), step::fail("server_error", "Out of order.")});
    const auto events = take(plain.run_stream("Hi", {}, usual()));
    BOOST_TEST(text_of(events) == "Well");
    const auto* end = events.back().get_if<events::run_failed>();
    BOOST_REQUIRE(end);
    BOOST_REQUIRE(end->run.last_error.has_value());
    BOOST_TEST(end->run.last_error->code == "server_error");
    BOOST_TEST(end->run.last_error->message == "Out of order.");
    BOOST_TEST(failure(plain.run("Hi", {}, usual())).code() == errc::run_failed);
}

// Functions.

IN_BOTH_PROTOCOLS(functions_are_answered_by_handlers) {
    service->script("", {step::call_function("get_weather", R"({"city":"Oslo"})"),
                         step::call_function("get_weather", R"({"city":"Rome"})"), step::next_round(),
                         step::call_function("get_weather", R"({"city":"Bern"})"), step::reply("It is {output}.")});
    const auto events = take(plain.run_stream("weather?", {}, with_function()));
    BOOST_TEST(calls == 3);
    BOOST_TEST(text_of(events) == "It is cold.");
    BOOST_TEST(count_of<events::action_required>(events) == 2u);
    BOOST_TEST(posts() == 3u);
    BOOST_TEST(events.back().get_if<events::run_completed>());
}

IN_BOTH_PROTOCOLS(functions_are_answered_by_hand) {
    service->script("", {step::call_function("get_weather", R"({"city":"Oslo"})"), step::reply("{output}!")});
    run_options options = usual();
    options.tools.emplace_back(function_tool("get_weather", "The weather.", R"({"type":"object","properties":{}})"));
    event_stream stream = wait(plain.run_stream(new_thread(), "weather?", {}, options));
    const auto first = take(stream);
    BOOST_TEST(stream.waits_for_answers());
    const auto* asked = first.back().get_if<events::action_required>();
    BOOST_REQUIRE(asked);
    BOOST_REQUIRE(asked->action.function_calls.size() == 1u);
    BOOST_TEST(asked->action.function_calls[0].name == "get_weather");
    BOOST_TEST(asked->action.function_calls[0].arguments == R"({"city":"Oslo"})");
    submission answers;
    answers.output(asked->action.function_calls[0].id, "warm");
    wait(stream.submit(std::move(answers)));
    const auto second = take(stream);
    BOOST_TEST(text_of(second) == "warm!");
    BOOST_TEST(second.back().get_if<events::run_completed>());
    BOOST_TEST(!stream.waits_for_answers());
    // It waits for nothing any more.
    submission late;
    late.output("call_1", "cold");
    BOOST_TEST(failure(stream.submit(std::move(late))).code() == errc::invalid_argument);
}

IN_BOTH_PROTOCOLS(a_function_that_nobody_registered_is_answered_as_one_that_fails) {
    service->script(
        "", {step::call_function("get_wether"), step::call_function("get_weather"), step::reply("First {output}. "),
             step::call_function("make_rain"), step::reply("Then {output}.")});
    const auto events = take(plain.run_stream(new_thread(), "weather?", {}, with_function()));
    BOOST_TEST(calls == 1);
    BOOST_TEST(text_of(events).find(R"(there is no function 'make_rain')") != std::string::npos);
    const auto bodies = service->requests();
    BOOST_TEST(std::any_of(bodies.begin(), bodies.end(), [](const auto& each) {
        return each.body.find("there is no function 'get_wether'") != std::string::npos;
    }));
    const auto* invented = find<events::function_called>(events);
    BOOST_REQUIRE(invented);
    BOOST_TEST(invented->name == "get_wether");
    BOOST_TEST(invented->error.value() == "there is no function 'get_wether'");
    BOOST_TEST(events.back().get_if<events::run_completed>());
}

IN_BOTH_PROTOCOLS(functions_that_nobody_registered_are_left_to_who_answers_by_hand) {
    service->script("", {step::call_function("get_wether"), step::reply("{output}!")});
    run_options options = with_function();
    options.answers_by_hand = true;
    event_stream stream = wait(plain.run_stream(new_thread(), "weather?", {}, options));
    const auto events = take(stream);
    const auto* asked = events.back().get_if<events::action_required>();
    BOOST_REQUIRE(asked);
    BOOST_TEST(stream.waits_for_answers());
    submission answers;
    answers.output(asked->action.function_calls.at(0).id, "warm");
    wait(stream.submit(std::move(answers)));
    BOOST_TEST(text_of(take(stream)) == "warm!");
}

IN_BOTH_PROTOCOLS(a_function_that_throws_tells_the_model_so) {
    service->script("", {step::call_function("get_weather"), step::reply("{output}")});
    run_options options = usual();
    options.functions.emplace_back("get_weather", "The weather.", R"({"type":"object","properties":{}})",
                                   [](function_call) -> asio::awaitable<std::string> {
                                       throw std::runtime_error("no barometer");
                                       co_return std::string();
                                   });
    const auto events = take(plain.run_stream("weather?", {}, options));
    BOOST_TEST(text_of(events).find("no barometer") != std::string::npos);
    BOOST_TEST(events.back().get_if<events::run_completed>());
}

IN_BOTH_PROTOCOLS(the_tag_of_a_run_is_in_its_records) {
    service->script("", {step::call_function("get_weather", "{}"), step::reply("a grey sky, they say")});
    service->inject(fault::cut().after_events(2));
    client_options settings;
    std::vector<std::string> kinds;
    const auto tagged = [&kinds](const char* kind) {
        return [&kinds, kind](const auto& record) {
            BOOST_TEST(record.tag == "user 7");
            kinds.emplace_back(kind);
        };
    };
    settings.observer.on_run = tagged("run");
    settings.observer.on_submit = tagged("submit");
    settings.observer.on_reattach = tagged("reattach");
    settings.observer.on_function_call = tagged("function_call");
    use(settings);
    run_options options = usual();
    options.tag = "user 7";
    options.functions.emplace_back("get_weather", "The weather.", R"({"type":"object","properties":{}})",
                                   [](function_call) -> asio::awaitable<std::string> { co_return "grey"; });
    (void)take(plain.run_stream("weather?", {}, options));
    for (const char* kind : {"run", "submit", "reattach", "function_call"})
        BOOST_TEST((std::find(kinds.begin(), kinds.end(), kind) != kinds.end()), "no record: " << kind);
    for (const auto& request : service->requests()) BOOST_TEST(request.body.find("user 7") == request.body.npos);
}

IN_BOTH_PROTOCOLS(what_a_function_did_is_an_event_and_a_record) {
    service->script("", {step::call_function("get_weather", R"({"city":"Oslo"})"),
                         step::call_function("get_weather", R"({"city":"Rome"})"), step::reply("{output}")});
    client_options settings;
    std::vector<function_call_record> records;
    settings.observer.on_function_call = [&records](const function_call_record& each) {
        check_hides_secrets(each);
        records.push_back(each);
    };
    use(settings);
    run_options options = usual();
    options.functions.emplace_back("get_weather", "The weather.", R"({"type":"object","properties":{}})",
                                   [this](function_call call) -> asio::awaitable<std::string> {
                                       clock->advance(70ms);
                                       if (call.arguments.find("Rome") != std::string::npos)
                                           throw std::runtime_error("no barometer, Bearer planted-secret-of-another");
                                       std::string output = R"({"sky":"grey","api_key":"planted-secret-of-the-sky"})";
                                       co_return output;
                                   });
    const auto events = take(plain.run_stream("weather?", {}, options));
    BOOST_TEST(events.back().get_if<events::run_completed>());
    std::vector<events::function_called> said;
    std::size_t action = 0, begins_again = 0;
    for (std::size_t i = 0; i != events.size(); ++i) {
        if (events[i].get_if<events::action_required>()) action = i;
        if (const auto* called = events[i].get_if<events::function_called>()) {
            said.push_back(*called);
            BOOST_TEST(events[i].name() == "corun.function_called");
            begins_again = i + 1;
        }
    }
    // Before what the model makes of them.
    BOOST_TEST(begins_again == action + 3);
    BOOST_REQUIRE(said.size() == 2u);
    BOOST_REQUIRE(records.size() == 2u);
    for (std::size_t i = 0; i != 2; ++i) {
        BOOST_TEST(said[i].name == "get_weather");
        BOOST_TEST((said[i].duration == 70ms));
        BOOST_TEST(records[i].name == "get_weather");
        BOOST_TEST(records[i].call_id == said[i].call_id);
        BOOST_TEST(records[i].arguments == said[i].arguments);
        BOOST_TEST((records[i].duration == 70ms));
        BOOST_TEST(!records[i].run_id.empty());
        BOOST_TEST(!records[i].thread_id.empty() == has_runs);
    }
    BOOST_TEST(said[0].call_id == find<events::action_required>(events)->action.function_calls[0].id);
    BOOST_TEST(said[0].arguments == R"({"city":"Oslo"})");
    BOOST_TEST(said[0].output == R"({"sky":"grey","api_key":"planted-secret-of-the-sky"})");
    BOOST_TEST(!said[0].error.has_value());
    BOOST_TEST(records[0].output == R"({"sky":"grey","api_key":"***"})");
    BOOST_TEST(!records[0].error.has_value());
    BOOST_TEST(said[1].error.value() == "no barometer, Bearer planted-secret-of-another");
    BOOST_TEST(said[1].output == R"({"error":"no barometer, Bearer planted-secret-of-another"})");
    BOOST_TEST(records[1].error.value() == "no barometer, Bearer ***");
    BOOST_TEST(records[1].output == R"({"error":"no barometer, Bearer ***"})");
}

// Approvals.

IN_BOTH_PROTOCOLS(what_an_approval_came_to_is_an_event_and_a_record) {
    service->script("", {step::call_mcp("reserve_seat", R"({"seat":"14A"})"), step::reply("{output}")});
    client_options settings;
    std::vector<approval_record> records;
    settings.observer.on_approval = [&records](const approval_record& each) {
        check_hides_secrets(each);
        records.push_back(each);
    };
    use(settings);
    for (const bool answer : {true, false}) {
        const auto events = take(desk.run_stream("book", headers("fresh"), with_approval(answer)));
        BOOST_REQUIRE(count_of<events::approval_decided>(events) == 1u);
        const events::approval_decided& decision = *find<events::approval_decided>(events);
        BOOST_TEST(decision.approved == answer);
        BOOST_TEST(decision.name == "reserve_seat");
        BOOST_TEST(decision.server_label == "bookings");
        BOOST_TEST(decision.arguments == R"({"seat":"14A"})");
        BOOST_TEST(!decision.error.has_value());
        BOOST_TEST(decision.call_id == find<events::action_required>(events)->action.mcp_approvals[0].id);
        BOOST_TEST(records.back().approved == answer);
        BOOST_TEST(records.back().call_id == decision.call_id);
        BOOST_TEST(records.back().server_label == "bookings");
    }
    run_options options = usual();
    options.on_mcp_approval = [](mcp_approval_request) -> asio::awaitable<bool> {
        throw std::runtime_error("nobody at " + bearer("fresh"));
        co_return true;
    };
    event_stream stream = wait(desk.run_stream("book", headers("fresh"), options));
    std::optional<events::approval_decided> failed;
    std::error_code code;
    while (auto arrived = wait(stream.next(code)))
        if (const auto* decision = arrived->get_if<events::approval_decided>()) failed = *decision;
    BOOST_TEST(code == errc::handler_failed);
    BOOST_REQUIRE(failed.has_value());
    BOOST_TEST(!failed->approved);
    BOOST_TEST(failed->error.value() == "nobody at " + bearer("fresh"));
    run_ready(io);
    BOOST_REQUIRE(records.size() == 3u);
    BOOST_TEST(records.back().error.value() == "nobody at ***");
}

IN_BOTH_PROTOCOLS(an_approval_is_given_or_denied_by_a_handler) {
    service->script("", {step::call_mcp("reserve_seat", R"({"seat":"14A"})"), step::reply("{output}")});
    for (const bool answer : {true, false}) {
        approvals = 0;
        const auto events = take(desk.run_stream("book", headers("fresh"), with_approval(answer)));
        BOOST_TEST(approvals == 1);
        BOOST_TEST((text_of(events) == "seat 14A is yours") == answer);
        BOOST_TEST(events.back().get_if<events::run_completed>());
        BOOST_TEST(authorizations_of_calls() == names{bearer("fresh")}, boost::test_tools::per_element());
    }
}

IN_BOTH_PROTOCOLS(an_approval_is_given_by_hand) {
    service->script("", {step::call_mcp("reserve_seat", R"({"seat":"14A"})"), step::reply("{output}")});
    event_stream stream = wait(desk.run_stream(new_thread(), "book", headers("fresh"), usual()));
    const auto first = take(stream);
    const auto* asked = first.back().get_if<events::action_required>();
    BOOST_REQUIRE(asked);
    BOOST_REQUIRE(asked->action.mcp_approvals.size() == 1u);
    const mcp_approval_request& one = asked->action.mcp_approvals[0];
    BOOST_TEST(one.server_label == "bookings");
    BOOST_TEST(one.name == "reserve_seat");
    BOOST_TEST(authorizations_of_calls().empty());
    submission answers;
    answers.approve(one.id);
    wait(stream.submit(std::move(answers)));
    BOOST_TEST(text_of(take(stream)) == "seat 14A is yours");
    BOOST_TEST(authorizations_of_calls() == names{bearer("fresh")}, boost::test_tools::per_element());
}

IN_BOTH_PROTOCOLS(functions_and_approvals_asked_for_together_are_answered_where_the_service_takes_both) {
    service->options().mixed_rounds = true;
    service->script("", {step::call_function("get_weather"), step::call_mcp("reserve_seat", R"({"seat":"14A"})"),
                         step::reply("{output}")});
    run_options options = with_function();
    options.on_mcp_approval = with_approval().on_mcp_approval;
    // Beside headers a streaming run of the threads protocol brings no tools of its own.
    if (has_runs) options.functions.clear();
    event_stream stream = wait(desk.run_stream(new_thread(), "book", headers("fresh"), options));
    const auto events = take(stream);
    BOOST_TEST(stream.waits_for_answers() == has_runs);
    BOOST_TEST(calls + approvals == (has_runs ? 0 : 2));
    if (!has_runs) BOOST_TEST(events.back().get_if<events::run_completed>());
}

// A run that waits has not ended.

namespace {

/// A run that waits for answers which no handler gives, and what its error must name.
struct unanswered {
    const char* kind;
    std::vector<step> steps;
    std::vector<const char*> names;
};

std::vector<unanswered> all_unanswered() {
    return {{"a function",
             {step::call_function("get_weather"), step::reply("{output}!")},
             {"function 'get_weather' (", "run_options::functions", "on_function_call", "event_stream::submit"}},
            {"an approval",
             {step::call_mcp("reserve_seat", R"({"seat":"14A"})"), step::reply("{output}!")},
             {"tool 'reserve_seat' of MCP server 'bookings' (", "on_mcp_approval", "require_approval",
              "default_approval = mcp_approval::never()", "event_stream::submit"}}};
}

void check_names(const std::string& message, const std::vector<const char*>& names) {
    for (const char* each : names) BOOST_TEST(message.find(each) != std::string::npos, each << " in: " << message);
}

submission yes_to(const required_action& action) {
    submission answers;
    for (const function_call& call : action.function_calls) answers.output(call.id, "seat 14A is yours");
    for (const mcp_approval_request& call : action.mcp_approvals) answers.approve(call.id);
    return answers;
}

}  // namespace

IN_BOTH_PROTOCOLS(a_loop_does_not_end_while_its_run_waits) {
    for (const unanswered& each : all_unanswered()) {
        BOOST_TEST_CONTEXT(each.kind) {
            service->script("", each.steps);
            event_stream stream = wait(desk.run_stream(new_thread(), "book", headers("fresh"), usual()));
            std::optional<required_action> asked;
            std::error_code code;
            while (auto arrived = wait(stream.next(code)))
                if (const auto* found = arrived->get_if<events::action_required>()) asked = found->action;
            BOOST_TEST(code == errc::action_required);
            check_names(stream.details().message, each.names);
            BOOST_REQUIRE(asked.has_value());
            // Nothing has been lost: it fails again, `try_next` has nothing, and answers still count.
            BOOST_TEST(!stream.try_next().has_value());
            const error met = failure(stream.next());
            BOOST_TEST(met.code() == errc::action_required);
            check_names(met.what(), each.names);
            BOOST_TEST(stream.waits_for_answers());
            wait(stream.submit(yes_to(*asked)));
            const auto rest = take(stream);
            BOOST_TEST(text_of(rest) == "seat 14A is yours!");
            BOOST_TEST(rest.back().get_if<events::run_completed>());
            BOOST_TEST(!wait(stream.next(code)).has_value());
            BOOST_TEST(!code);
            BOOST_TEST(stream.details().message.empty());
        }
    }
}

IN_BOTH_PROTOCOLS(an_answer_before_the_next_event_needs_no_option) {
    for (const unanswered& each : all_unanswered()) {
        service->script("", each.steps);
        event_stream stream = wait(desk.run_stream(new_thread(), "book", headers("fresh"), usual()));
        std::string text;
        while (auto arrived = wait(stream.next())) {
            if (const auto* delta = arrived->get_if<events::text_delta>()) text += delta->text;
            if (const auto* asked = arrived->get_if<events::action_required>())
                wait(stream.submit(yes_to(asked->action)));
        }
        BOOST_TEST(text == "seat 14A is yours!");
    }
}

IN_BOTH_PROTOCOLS(who_answers_by_hand_may_let_the_loop_end) {
    for (const unanswered& each : all_unanswered()) {
        service->script("", each.steps);
        run_options options = usual();
        options.answers_by_hand = true;
        event_stream stream = wait(desk.run_stream(new_thread(), "book", headers("fresh"), options));
        std::optional<required_action> asked;
        while (auto arrived = wait(stream.next()))
            if (const auto* found = arrived->get_if<events::action_required>()) asked = found->action;
        BOOST_TEST(stream.waits_for_answers());
        BOOST_REQUIRE(asked.has_value());
        wait(stream.submit(yes_to(*asked)));
        std::string text;
        while (auto arrived = wait(stream.next()))
            if (const auto* delta = arrived->get_if<events::text_delta>()) text += delta->text;
        BOOST_TEST(text == "seat 14A is yours!");
        BOOST_TEST(!stream.waits_for_answers());
    }
}

IN_BOTH_PROTOCOLS(a_gathered_run_that_waits_names_its_calls) {
    for (const unanswered& each : all_unanswered()) {
        for (const bool by_hand : {false, true}) {
            service->script("", each.steps);
            run_options options = usual();
            options.answers_by_hand = by_hand;  // which nobody can, of a run that is gathered
            try {
                (void)wait(desk.run(new_thread(), "book", headers("fresh"), options));
                BOOST_ERROR("it must fail");
            } catch (const run_error& met) {
                BOOST_TEST(met.code() == errc::action_required);
                check_names(met.what(), each.names);
                BOOST_TEST((met.result().status == run_state::requires_action));
            }
        }
    }
}

// Headers of each run.

IN_BOTH_PROTOCOLS(a_reused_agent_takes_the_headers_of_each_run) {
    mcp->accept_token(planted_secret("second"));
    const agent_thread in = new_thread();
    names expected;
    for (const char* which : {"fresh", "second", "fresh"}) {
        const run_result result = wait(desk.run(in, "Book seat", headers(which), unasked()));
        BOOST_TEST(result.text().find("seat 14A is yours") != std::string::npos);
        check_hides_secrets("a report", result.report.body());
        expected.push_back(bearer(which));
    }
    BOOST_TEST(authorizations_of_calls() == expected, boost::test_tools::per_element());
    // Nothing of them is stored.
    wait(desk.refresh());
    check_hides_secrets("the agent", desk.definition().raw);
    agent_thread same = in;
    wait(same.refresh());
    check_hides_secrets("the thread", same.definition().raw);
}

IN_BOTH_PROTOCOLS(a_token_that_has_expired_is_the_runs_failure) {
    mcp->accept_token(planted_secret("hourly"), now() + 1h);
    (void)wait(desk.run("Book seat", headers("hourly"), unasked()));
    *moved += 2h;
    try {
        (void)wait(desk.run("Book seat", headers("hourly"), unasked()));
        BOOST_ERROR("a run with an expired token must fail");
    } catch (const run_error& failure) {
        BOOST_TEST(failure.code() == errc::run_failed);
        BOOST_TEST(failure.service_message().find("401") != std::string::npos);
        check_hides_secrets("an error", failure.what());
    }
    const run_result again = wait(desk.run("Book seat", headers("fresh"), unasked()));
    BOOST_TEST((again.status == run_state::completed));
}

IN_BOTH_PROTOCOLS(a_provider_is_asked_again_for_a_token_that_was_refused) {
    std::vector<occasion> asked;
    const mcp_header_provider provider = [&asked](mcp_header_request request) -> asio::awaitable<mcp_headers> {
        asked.push_back(request.why);
        co_return token(planted_secret(asked.size() == 1 ? "stale" : "fresh"));
    };
    const auto events = take(desk.run_stream(new_thread(), "Book seat", provider, unasked()));
    BOOST_TEST(text_of(events).find("seat 14A is yours") != std::string::npos);
    BOOST_REQUIRE(count_of<events::run_restarted>(events) == 1u);
    BOOST_TEST((find<events::run_restarted>(events)->run.status == run_state::failed));
    BOOST_TEST(count_of<events::run_failed>(events) == 0u);
    BOOST_TEST((asked == std::vector<occasion>{occasion::run_start, occasion::rejected_token}));
}

IN_BOTH_PROTOCOLS(a_run_outlives_its_token_where_a_provider_gives_fresh_ones) {
    service->script("", {step::call_mcp("reserve_seat", R"({"seat":"14A"})"), step::reply("{output}. "),
                         step::call_mcp("reserve_seat", R"({"seat":"14B"})"), step::reply("{output}.")});
    int given = 0;
    const mcp_header_provider provider = [&](mcp_header_request request) -> asio::awaitable<mcp_headers> {
        BOOST_TEST((request.why == (given == 0 ? occasion::run_start : occasion::approval)));
        BOOST_TEST(request.server_labels == names{"bookings"}, boost::test_tools::per_element());
        const std::string fresh = planted_secret("number-" + std::to_string(++given));
        mcp->accept_token(fresh, now() + 3min);
        co_return token(fresh);
    };
    run_options options = usual();
    options.on_mcp_approval = [this](mcp_approval_request) -> asio::awaitable<bool> {
        *moved += 4min;  // Somebody had to be asked.
        bool yes = true;
        co_return yes;
    };
    const auto events = take(desk.run_stream("book", provider, options));
    BOOST_TEST(text_of(events) == "seat 14A is yours. seat 14A is yours.");
    BOOST_TEST(given == 3);
    BOOST_TEST(authorizations_of_calls() == (names{bearer("number-2"), bearer("number-3")}),
               boost::test_tools::per_element());
}

IN_BOTH_PROTOCOLS(the_headers_of_many_users_at_once_never_mix) {
    constexpr int users = 50;
    for (int user = 0; user < users; ++user) mcp->accept_token(planted_secret("of-" + std::to_string(user) + "-end"));
    std::map<std::string, int> user_of;
    const auto talk = [&](int user) -> asio::awaitable<int> {
        const std::string mine = planted_secret("of-" + std::to_string(user) + "-end");
        const mcp_header_provider provider = [mine](mcp_header_request) -> asio::awaitable<mcp_headers> {
            co_await asio::post(asio::use_awaitable);
            co_return token(mine);
        };
        event_stream stream = co_await desk.run_stream("Book seat " + std::to_string(user), provider, with_approval());
        while (auto arrived = co_await stream.next())
            if (const auto* made = arrived->get_if<events::run_created>()) user_of[std::string(made->run_id)] = user;
        // In the Responses protocol an answer is a response of its own.
        user_of[stream.run_id()] = user;
        co_return user;
    };
    int finished = 0;
    std::exception_ptr failure;
    for (int user = 0; user < users; ++user)
        asio::co_spawn(io, talk(user), [&](std::exception_ptr e, int) {
            if (e) failure = e;
            ++finished;
        });
    run_in_virtual_time(io, *clock, [&] { return finished == users; });
    if (failure) std::rethrow_exception(failure);
    std::map<int, int> calls_of;
    for (const auto& request : service->mcp_requests()) {
        const auto run = user_of.find(request.run_id);
        BOOST_REQUIRE((run != user_of.end()));
        BOOST_TEST(request.header("Authorization") == bearer("of-" + std::to_string(run->second) + "-end"));
        calls_of[run->second] += request.method == "tools/call";
    }
    BOOST_TEST(calls_of.size() == static_cast<std::size_t>(users));
    for (const auto& [user, made] : calls_of) BOOST_TEST(made == 1);
}

// Cancellation.

IN_BOTH_PROTOCOLS(a_run_is_cancelled) {
    event_stream stream = held(usual());
    if (!has_runs && !speaks.in_background) {
        // The service cancels responses in the background only.
        BOOST_TEST(failure(stream.cancel_run()).code() == errc::not_cancellable);
        BOOST_TEST(cancellations() == 0u);
        return;
    }
    wait(stream.cancel_run());
    const auto rest = take(stream);
    BOOST_REQUIRE(!rest.empty());
    BOOST_TEST(rest.back().get_if<events::run_cancelled>());
    BOOST_TEST(cancellations() == 1u);
}

IN_BOTH_PROTOCOLS(a_run_is_cancelled_while_a_handler_is_at_work) {
    service->script("", {step::call_function("get_weather"), step::reply("{output}")});
    asio::steady_timer never(io, asio::steady_timer::time_point::max());
    bool called = false;
    run_options options = usual();
    options.functions.emplace_back("get_weather", "The weather.", R"({"type":"object","properties":{}})",
                                   [&](function_call) -> asio::awaitable<std::string> {
                                       called = true;
                                       co_await never.async_wait(asio::use_awaitable);
                                       std::string cold = "cold";
                                       co_return cold;
                                   });
    event_stream stream = wait(plain.run_stream(new_thread(), "weather?", {}, options));
    while (!called) {
        if (!stream.try_next()) run_ready(io);
    }
    wait(stream.cancel_run());
    const auto rest = take(stream);
    BOOST_REQUIRE(!rest.empty());
    BOOST_TEST(rest.back().get_if<events::run_cancelled>());
}

IN_BOTH_PROTOCOLS(stop_ends_the_run_and_the_stream) {
    service->options().client_leaves = emulator::client_leaves::is_cancelled;
    event_stream stream = held(usual());
    if (has_runs || speaks.in_background)
        wait(stream.stop());
    else
        BOOST_TEST(failure(stream.stop()).code() == errc::not_cancellable);
    BOOST_TEST(!stream.try_next().has_value());
    std::error_code code;
    BOOST_TEST(!wait(stream.next(code)).has_value());
    BOOST_TEST(code == asio::error::operation_aborted);
}

IN_BOTH_PROTOCOLS(an_abandoned_run_is_cancelled_when_asked) {
    for (const auto what : {abandoned_run::goes_on, abandoned_run::cancelled}) {
        service->forget_requests();
        run_options options = usual();
        options.on_abandon = what;
        { const event_stream stream = held(options); }
        for (int i = 0; i != 200; ++i) run_ready(io);
        const bool cancels = what == abandoned_run::cancelled && (has_runs || speaks.in_background);
        BOOST_TEST(cancellations() == (cancels ? 1u : 0u));
    }
}

IN_BOTH_PROTOCOLS(stop_keeps_its_promise_before_the_first_event) {
    client_options settings;
    settings.stop_timeout = 1h;
    use(settings);
    for (const bool in_thread : {true, false}) {
        for (const bool marked : {true, false}) {
            BOOST_TEST_CONTEXT((in_thread ? "in a thread, " : "in a new thread, ")
                               << (marked ? "marked" : "unmarked")) {
                service->script("", {step::reply("Well"), step::hold()});
                service->inject(fault::stall());
                run_options options = usual();
                options.reattach.emplace().mark_runs = marked;
                const agent_thread in = new_thread();
                event_stream stream = wait(in_thread ? plain.run_stream(in, "Hello", {}, options)
                                                     : plain.run_stream("Hello", {}, options));
                service->forget_requests();
                BOOST_TEST(stream.run_id().empty());
                const net::time_point before = clock->now();
                if (has_runs && (in_thread || marked)) {
                    wait(stream.stop());
                    BOOST_TEST(cancellations() == 1u);
                    agent_thread ended = wait(client->get_thread(stream.thread_id()));
                    BOOST_TEST((wait(ended.get_run(stream.run_id())).status == run_state::cancelled));
                    BOOST_TEST((!in_thread || stream.thread_id() == in.id()));
                } else {
                    const error met = failure(stream.stop());
                    const bool may_cancel = has_runs || speaks.in_background;
                    BOOST_TEST(met.code() == (may_cancel ? errc::run_not_found : errc::not_cancellable));
                    const std::string text = met.what();
                    BOOST_TEST((text.find("reattach_policy::mark_runs") != std::string::npos) == has_runs);
                    BOOST_TEST((text.find("run_options::background") != std::string::npos) == !may_cancel);
                    BOOST_TEST(cancellations() == 0u);
                    BOOST_TEST((clock->now() - before == (may_cancel ? 500ms : 0ms)));
                }
                BOOST_TEST((clock->now() - before < 1h));
                std::error_code code;
                BOOST_TEST(!wait(stream.next(code)).has_value());
                BOOST_TEST(code == asio::error::operation_aborted);
            }
        }
    }
}

IN_BOTH_PROTOCOLS(a_run_is_cancelled_before_the_first_event) {
    for (const bool in_thread : {true, false}) {
        for (const bool marked : {true, false}) {
            BOOST_TEST_CONTEXT((in_thread ? "in a thread, " : "in a new thread, ")
                               << (marked ? "marked" : "unmarked")) {
                service->script("", {step::reply("Well"), step::hold()});
                service->inject(fault::stall());
                service->forget_requests();
                run_options options = usual();
                options.reattach.emplace().mark_runs = marked;
                const agent_thread in = new_thread();
                event_stream stream = wait(in_thread ? plain.run_stream(in, "Hello", {}, options)
                                                     : plain.run_stream("Hello", {}, options));
                BOOST_TEST(stream.run_id().empty());
                const net::time_point before = clock->now();
                if (has_runs && (in_thread || marked)) {
                    wait(stream.cancel_run());
                    BOOST_TEST(cancellations() == 1u);
                    BOOST_TEST((clock->now() - before < 1s));
                    const auto rest = take(stream);
                    BOOST_TEST(rest.back().get_if<events::run_cancelled>());
                    continue;
                }
                const error met = failure(stream.cancel_run());
                const bool may_cancel = has_runs || speaks.in_background;
                BOOST_TEST(met.code() == (may_cancel ? errc::run_not_found : errc::not_cancellable));
                const std::string text = met.what();
                BOOST_TEST((text.find("reattach_policy::mark_runs") != std::string::npos) == has_runs);
                BOOST_TEST((text.find("run_options::background") != std::string::npos) == !may_cancel);
                BOOST_TEST(cancellations() == 0u);
                BOOST_TEST((clock->now() - before == (may_cancel ? 500ms : 0ms)));
            }
        }
    }
}

IN_BOTH_PROTOCOLS(a_run_is_cancelled_after_its_answers_and_before_the_next_event) {
    service->script("", {step::call_function("get_weather"), step::reply("{output}"), step::hold()});
    run_options options = usual();
    options.tools.emplace_back(function_tool("get_weather", "The weather.", R"({"type":"object","properties":{}})"));
    event_stream stream = wait(plain.run_stream(new_thread(), "weather?", {}, options));
    std::optional<required_action> asked;
    while (!asked) {
        const auto arrived = wait(stream.next());
        BOOST_REQUIRE(arrived.has_value());
        if (const auto* found = arrived->get_if<events::action_required>()) asked = found->action;
    }
    service->inject(fault::stall());
    submission answers;
    answers.output(asked->function_calls.at(0).id, "cold");
    wait(stream.submit(std::move(answers)));
    if (has_runs) {
        wait(stream.cancel_run());
        BOOST_TEST(cancellations() == 1u);
        const auto rest = take(stream);
        BOOST_TEST(rest.back().get_if<events::run_cancelled>());
    } else {
        // Nothing has named the response that the answers began.
        const error met = failure(stream.cancel_run());
        BOOST_TEST(met.code() == (speaks.in_background ? errc::run_not_found : errc::not_cancellable));
        BOOST_TEST(cancellations() == 0u);
    }
}

IN_BOTH_PROTOCOLS(a_run_is_cancelled_while_its_answers_are_sent) {
    service->script("", {step::call_function("get_weather"), step::reply("{output}"), step::hold()});
    proxy.inject(network_fault::delay()
                     .at(0)
                     .on("POST", has_runs ? "/submit_tool_outputs" : "/responses")
                     .nth(has_runs ? 1 : 2));
    event_stream stream = wait(plain.run_stream(new_thread(), "weather?", {}, with_function()));
    run_in_virtual_time(io, *clock, [&] { return proxy.held() == 1; });
    if (!has_runs && !speaks.in_background) {
        bool refused = false;
        asio::co_spawn(io, stream.cancel_run(), [&](std::exception_ptr met) { refused = static_cast<bool>(met); });
        run_ready(io);
        BOOST_TEST(!refused);
        proxy.release();
        run_in_virtual_time(io, *clock, [&] { return refused; });
        return;
    }
    bool done = false;
    asio::co_spawn(io, stream.cancel_run(), [&](std::exception_ptr met) {
        BOOST_TEST(!met);
        done = true;
    });
    if (!has_runs) {
        run_ready(io);
        BOOST_TEST(!done);
        proxy.release();
    }
    run_in_virtual_time(io, *clock, [&] { return done; });
    BOOST_TEST(cancellations() == 1u);
    const auto rest = take(stream);
    BOOST_TEST(rest.back().get_if<events::run_cancelled>());
}

IN_BOTH_PROTOCOLS(a_run_is_cancelled_with_its_stream_before_the_first_event) {
    for (const bool in_thread : {true, false}) {
        for (const bool marked : {true, false}) {
            BOOST_TEST_CONTEXT((in_thread ? "in a thread, " : "in a new thread, ")
                               << (marked ? "marked" : "unmarked")) {
                service->script("", {step::reply("Well"), step::hold()});
                service->inject(fault::stall());
                service->forget_requests();
                run_options options = usual();
                options.on_abandon = abandoned_run::cancelled;
                options.reattach.emplace().mark_runs = marked;
                const agent_thread in = new_thread();
                {
                    event_stream stream = wait(in_thread ? plain.run_stream(in, "Hello", {}, options)
                                                         : plain.run_stream("Hello", {}, options));
                    BOOST_TEST(stream.run_id().empty());
                }
                const bool can_be_found = has_runs && (in_thread || marked);
                const net::time_point before = clock->now();
                // Who cannot be found may still be named by an event, until it is too late.
                if (can_be_found)
                    run_in_virtual_time(io, *clock, [&] { return cancellations() == 1u; });
                else if (has_runs || speaks.in_background)
                    run_in_virtual_time(io, *clock, [&] { return clock->now() - before >= 10s; });
                for (int i = 0; i != 50; ++i) run_ready(io);
                BOOST_TEST(cancellations() == (can_be_found ? 1u : 0u));
            }
        }
    }
}

IN_BOTH_PROTOCOLS(a_run_is_cancelled_when_an_event_names_it_after_its_start_was_given_up) {
    service->script("", {step::reply("Well"), step::hold()});
    proxy.inject(network_fault::delay().at(0));
    service->forget_requests();
    run_options options = usual();
    options.on_abandon = abandoned_run::cancelled;
    asio::cancellation_signal cancel;
    bool done = false;
    asio::co_spawn(io, plain.run_stream("Hello", {}, options),
                   asio::bind_cancellation_slot(cancel.slot(), [&](std::exception_ptr met, event_stream) {
                       BOOST_TEST(static_cast<bool>(met));
                       done = true;
                   }));
    run_in_virtual_time(io, *clock, [&] { return proxy.held() == 1; });
    cancel.emit(asio::cancellation_type::terminal);
    run_until(io, [&] { return done; });
    proxy.release();
    const bool may_cancel = has_runs || speaks.in_background;
    if (may_cancel) run_in_virtual_time(io, *clock, [&] { return cancellations() == 1u; });
    for (int i = 0; i != 50; ++i) run_ready(io);
    BOOST_TEST(cancellations() == (may_cancel ? 1u : 0u));
}

IN_BOTH_PROTOCOLS(a_stream_that_goes_while_its_run_waits_leaves_its_thread_free) {
    const auto policies = {run_options().on_abandon, abandoned_run::goes_on, abandoned_run::cancelled};
    for (const abandoned_run policy : policies) {
        for (const unanswered& each : all_unanswered()) {
            BOOST_TEST_CONTEXT(each.kind << ", policy " << static_cast<int>(policy)) {
                service->script("", each.steps);
                service->forget_requests();
                run_options options = usual();
                options.on_abandon = policy;
                agent_thread in = new_thread();
                {
                    event_stream stream = wait(desk.run_stream(in, "book", headers("fresh"), options));
                    (void)take(stream);
                    BOOST_REQUIRE(stream.waits_for_answers());
                }
                const bool cancels = has_runs && policy != abandoned_run::goes_on;
                service->script("", {step::reply("again")});
                if (cancels)
                    BOOST_TEST(wait(plain.run(in, "Hi", {}, usual())).text() == "again");
                else if (has_runs)  // A response that waits has ended, and locks nothing.
                    BOOST_TEST(failure(plain.run(in, "Hi", {}, usual())).code() == errc::bad_request);
                for (int i = 0; i != 200; ++i) run_ready(io);
                BOOST_TEST(cancellations() == (cancels ? 1u : 0u));
            }
        }
    }
}

// Bad input.

IN_BOTH_PROTOCOLS(bad_input_is_refused_before_anything_is_sent) {
    const agent_thread in = new_thread();
    service->forget_requests();
    std::size_t tried = 0;
    const auto refused = [&](const char* what, agent& with, message said, mcp_headers headers, run_options options,
                             errc expected) {
        BOOST_TEST_CONTEXT(what) {
            ++tried;
            BOOST_TEST(failure(with.run_stream(in, said, headers, options)).code() == expected);
            BOOST_TEST(failure(with.run(in, said, headers, options)).code() == expected);
            BOOST_TEST(posts() == 0u);
        }
    };
    const auto changed = [this](auto change) {
        run_options options = usual();
        change(options);
        return options;
    };
    const run_options common = usual();
    mcp_headers unknown, injecting, empty_name, framing;
    unknown.set("bookngs", "Authorization", "Bearer x");
    injecting.set("bookings", "Authorization", "Bearer x\r\nX-Other: y");
    empty_name.set("bookings", "", "x");
    framing.set("bookings", "Bad name", "x");
    refused("a label that no tool has", desk, "Hi", unknown, common, errc::unknown_server_label);
    refused("a header that injects another", desk, "Hi", injecting, common, errc::invalid_header);
    refused("a header without a name", desk, "Hi", empty_name, common, errc::invalid_header);
    refused("a header whose name is none", desk, "Hi", framing, common, errc::invalid_header);
    refused("a message that is not UTF-8", plain, "caf\xe9", {}, common, errc::invalid_argument);
    refused("a temperature that is no number", plain, "Hi", {},
            changed([](run_options& o) { o.temperature = std::numeric_limits<double>::quiet_NaN(); }),
            errc::invalid_argument);
    refused("too much metadata", plain, "Hi", {}, changed([](run_options& o) {
                for (int i = 0; i != 17; ++i) o.metadata["key" + std::to_string(i)] = "x";
            }),
            errc::invalid_argument);
    refused("a metadata key that is too long", plain, "Hi", {},
            changed([](run_options& o) { o.metadata[std::string(65, 'k')] = "x"; }), errc::invalid_argument);
    refused("a function whose schema is no JSON", plain, "Hi", {},
            changed([](run_options& o) { o.tools.emplace_back(function_tool("f", "F.", "{")); }),
            errc::invalid_argument);
    refused("a function without a name", plain, "Hi", {},
            changed([](run_options& o) { o.tools.emplace_back(function_tool("", "F.", "{}")); }),
            errc::invalid_argument);
    refused("a server of another scheme", plain, "Hi", {},
            changed([](run_options& o) { o.tools.emplace_back(mcp_tool("far", "ftp://far")); }),
            errc::invalid_argument);
    refused("a negative timeout", plain, "Hi", {}, changed([](run_options& o) { o.idle_timeout = -1s; }),
            errc::invalid_argument);
    BOOST_TEST(posts() == 0u);
    BOOST_TEST(tried == 12u);
}

// Requests that fail.

IN_BOTH_PROTOCOLS(a_refusal_that_may_pass_is_sent_again) {
    for (const int status : {408, 429, 503}) {
        service->forget_requests();
        service->inject(fault::respond(status).on("POST", has_runs ? "/threads/runs" : "/openai/v1/responses"));
        BOOST_TEST(wait(plain.run("Hi", {}, usual())).text() == "You said: Hi");
        BOOST_TEST(service->requests().size() >= 2u);
    }
}

IN_BOTH_PROTOCOLS(an_internal_error_makes_one_request_only) {
    service->inject(
        fault::respond(500).on("POST", has_runs ? "/threads/runs" : "/openai/v1/responses").times(fault::always));
    const error met = failure(plain.run("Hi", {}, usual()));
    BOOST_TEST(met.code() == errc::server_failed);
    BOOST_TEST(met.status() == 500);
    BOOST_TEST(posts() == 1u);
}

IN_BOTH_PROTOCOLS(a_rate_limit_is_begun_again_after_when_asked) {
    run_options options = usual();
    options.rate_limit_restarts = 1;
    service->script("", {step::fail("rate_limit_exceeded", "Try again in 7 seconds.")});
    const net::time_point before = clock->now();
    event_stream stream = wait(plain.run_stream("Hi", {}, options));
    std::vector<event> events;
    while (auto arrived = wait(stream.next())) {
        if (arrived->get_if<events::run_created>()) service->script("", {step::reply("There.")});
        events.push_back(*arrived);
    }
    BOOST_TEST(text_of(events) == "There.");
    BOOST_TEST(count_of<events::run_restarted>(events) == 1u);
    BOOST_TEST((clock->now() - before >= 7s));
    BOOST_TEST(posts() == 2u);
}

// A stream that breaks.

namespace {

struct fault_kind {
    const char* name;
    network_fault (*make)();
};
const fault_kind kinds[] = {{"cut", &network_fault::cut},
                            {"reset", &network_fault::reset},
                            {"truncate", &network_fault::truncate},
                            {"stall", &network_fault::stall}};

/// All offsets only where somebody asks: ten thousands of runs take long.
std::size_t stride() {
    return std::getenv("CORUN_EVERY_OFFSET") ? 1 : 401;
}

}  // namespace

IN_BOTH_PROTOCOLS(a_stream_that_breaks_anywhere_gives_what_an_unbroken_one_gives) {
    std::size_t tried = 0, found = 0, unknown_runs = 0;
    for (const flow& each : flows()) {
        const std::size_t before = proxy.responses().size();
        const outcome whole = play(each);
        BOOST_REQUIRE(whole.reattached == 0u);
        BOOST_REQUIRE(difference(each, whole, whole) == "");
        const std::vector<fault_proxy::response> streams = streams_since(before);
        BOOST_REQUIRE(streams.size() == each.streams);
        for (std::size_t nth = 0; nth != each.streams; ++nth) {
            for (const fault_kind& kind : kinds) {
                // The service keeps what it was asked for: another one for each ten thousand runs.
                application with(speaks);
                // The first byte of the head, each one about its end, and then all of them or some.
                std::set<std::size_t> offsets;
                for (std::size_t at = 0; at < streams[nth].size; at += stride()) offsets.insert(at);
                for (std::size_t at = 0; at != 4; ++at) offsets.insert(streams[nth].head_size + at);
                for (const std::size_t at : offsets) {
                    if (std::string(kind.name) == "truncate" && at < streams[nth].head_size) continue;
                    with.proxy.inject(kind.make().at(at).nth(nth + 1));
                    const outcome seen = with.play(each);
                    with.proxy.forgive();
                    ++tried;
                    found += seen.reattached;
                    // That is an error, and nothing is made up.
                    const bool unknown = with.is_known_to_nobody(seen);
                    unknown_runs += unknown;
                    if (!unknown)
                        BOOST_TEST(with.difference(each, seen, whole) == "",
                                   each.name << ", " << kind.name << " of stream " << nth << " at byte " << at);
                }
                BOOST_TEST_MESSAGE(each.name << ", " << kind.name << " of stream " << nth << ": " << offsets.size()
                                             << " offsets, in all " << tried << ", found again " << found
                                             << ", not known yet " << unknown_runs);
            }
        }
    }
    BOOST_TEST(found > tried / 2);
}

IN_BOTH_PROTOCOLS(what_a_run_was_lost_to_is_told) {
    service->script("", {step::reply("one two three")});
    const struct {
        network_fault fault;
        std::error_code cause;
    } cases[] = {{network_fault::reset().at(5000), errc::connection_lost},
                 {network_fault::cut().at(5000), errc::premature_eof},
                 {network_fault::truncate().at(5000), errc::premature_eof},
                 {network_fault::stall().at(5000), errc::idle_timeout}};
    for (const auto& each : cases) {
        proxy.inject(each.fault);
        const outcome seen = wait(take_all(plain.run_stream("Hello", {}, usual())));
        BOOST_TEST(!seen.failure);
        BOOST_TEST(seen.text == "one two three");
        BOOST_REQUIRE(seen.causes.size() == 1u);
        BOOST_TEST(seen.causes.front() == each.cause);
        const auto again = std::find_if(seen.events.begin(), seen.events.end(),
                                        [](const event& one) { return one.get_if<events::reattached>(); });
        BOOST_TEST(again->name() == "corun.reattached");
        const thread_run& run = find<events::run_completed>(seen.events)->run;
        BOOST_TEST(again->get_if<events::reattached>()->run_id == run.id);
        BOOST_TEST(again->get_if<events::reattached>()->thread_id == run.thread_id);
        BOOST_TEST(run.thread_id.starts_with("thread_") == has_runs);
    }
}

IN_BOTH_PROTOCOLS(finding_a_run_again_can_be_switched_off) {
    service->script("", {step::reply("one two three")});
    client_options settings;
    settings.reattach.enabled = false;
    use(settings);
    proxy.inject(network_fault::reset().at(5000));
    const outcome seen = wait(take_all(plain.run_stream("Hello", {}, usual())));
    BOOST_TEST(seen.failure == errc::connection_lost);
    BOOST_TEST(seen.reattached == 0u);
    BOOST_TEST(!seen.events.empty());

    use({});
    run_options options = usual();
    options.reattach.emplace();
    options.reattach->enabled = false;
    proxy.inject(network_fault::reset().at(5000));
    BOOST_TEST(wait(take_all(plain.run_stream("Hello", {}, options))).failure == errc::connection_lost);
}

IN_BOTH_PROTOCOLS(an_outage_that_passes_is_outlived_and_one_that_stays_is_an_error) {
    service->script("", {step::reply("one two three")});
    for (const std::size_t times : {std::size_t{20}, network_fault::always}) {
        proxy.inject(network_fault::reset().at(5000).then(
            [&, times] { proxy.inject(network_fault::lose_request().on("GET", "").times(times)); }));
        const net::time_point before = clock->now();
        const outcome seen = wait(take_all(plain.run_stream("Hello", {}, usual())));
        if (times == 20) {
            BOOST_TEST(!seen.failure);
            BOOST_TEST(seen.text == "one two three");
            BOOST_TEST(seen.reattached == 1u);
        } else {
            BOOST_TEST(seen.failure == errc::connection_lost);
            BOOST_TEST(seen.reattached == 0u);
            BOOST_TEST(!seen.events.empty());
            BOOST_TEST((clock->now() - before >= 2min));
            BOOST_TEST((clock->now() - before < 3min));
        }
        proxy.forgive();
    }
}

BOOST_AUTO_TEST_SUITE_END()
