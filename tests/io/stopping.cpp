// Runs that nobody wants to read any more, and runs that begin again: against the emulated service, in virtual time.
#include "behind_proxy.hpp"

#include <asio/bind_cancellation_slot.hpp>
#include <asio/cancellation_signal.hpp>
#include <asio/steady_timer.hpp>
#include <asio/use_awaitable.hpp>
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

namespace {

using namespace corun;
using namespace corun::test;
using namespace std::chrono_literals;
using emulator::step;

struct world : behind_proxy {
    world() {
        plain = by_proxy(make_plain_agent());
        service->script("", {step::reply("one two"), step::hold()});
    }

    event_stream begin(run_options options = {}) {
        in = new_thread();
        return await(io, *clock, plain.run_stream(in, "Hello", {}, std::move(options)));
    }

    std::string next(event_stream& stream) {
        std::error_code code;
        const auto arrived = await(io, *clock, stream.next(code));
        if (code) return code.message();
        return arrived ? std::string(arrived->name()) : "end";
    }

    /// How the runs of the thread stand at the service.
    std::vector<std::string> states() {
        std::vector<std::string> found;
        auto runs = await(io, client->get_thread(in.id())).list_runs();
        while (const auto each = await(io, runs.next())) found.push_back(each->status_text);
        return found;
    }

    bool wait_for_state(const std::string& wanted) {
        for (int i = 0; i != 200; ++i) {
            if (const auto seen = states(); seen.size() == 1 && seen.front() == wanted) return true;
            run_ready(io);
            (void)clock->advance_to_next();
        }
        return false;
    }

    agent plain;
    corun::agent_thread in;
};

run_options cancelled_when_abandoned() {
    run_options options;
    options.on_abandon = abandoned_run::cancelled;
    return options;
}

const std::string aborted = std::error_code(asio::error::operation_aborted).message();

}  // namespace

BOOST_AUTO_TEST_SUITE(stopping)

BOOST_FIXTURE_TEST_CASE(stop_ends_the_run_at_the_service_and_the_stream, world) {
    event_stream stream = begin();
    BOOST_TEST(next(stream) == "thread.run.created");
    await(io, *clock, stream.stop());
    BOOST_TEST((states() == std::vector<std::string>{"cancelled"}));
    BOOST_TEST(next(stream) == aborted);
    BOOST_TEST(!stream.try_next().has_value());
    // So its thread takes another one.
    service->script("", {step::reply("again")});
    const run_result again = await(io, *clock, plain.run(in, "Hello"));
    BOOST_TEST(again.text() == "again");
}

BOOST_FIXTURE_TEST_CASE(a_run_is_stopped_before_an_event_has_told_its_id, world) {
    proxy.inject(network_fault::delay().at(300));  // in the first event, behind the head
    in = new_thread();
    event_stream stream = await(io, *clock, plain.run_stream(in, "Hello"));
    BOOST_TEST(stream.run_id().empty());
    bool stopped = false;
    std::exception_ptr failure;
    asio::co_spawn(io, stream.stop(), [&](std::exception_ptr e) {
        failure = e;
        stopped = true;
    });
    run_ready(io);
    BOOST_TEST(!stopped);
    proxy.release();
    run_in_virtual_time(io, *clock, [&] { return stopped; });
    BOOST_TEST(!failure);
    BOOST_TEST((states() == std::vector<std::string>{"cancelled"}));
}

BOOST_FIXTURE_TEST_CASE(a_run_that_never_told_its_id_is_looked_for_to_be_stopped, world) {
    proxy.inject(network_fault::cut().at(280));
    client_options settings;
    settings.reattach.enabled = false;
    connect(settings);
    plain = by_proxy(plain);
    in = new_thread();
    event_stream stream = await(io, *clock, plain.run_stream(in, "Hello"));
    BOOST_TEST(stream.run_id().empty());
    await(io, *clock, stream.stop());
    BOOST_TEST((states() == std::vector<std::string>{"cancelled"}));
}

BOOST_FIXTURE_TEST_CASE(stop_is_bounded, world) {
    event_stream stream = begin();
    BOOST_TEST(next(stream) == "thread.run.created");
    proxy.inject(network_fault::stall().on("POST", "/cancel").times(network_fault::always));
    const net::time_point before = clock->now();
    std::optional<error> failure;
    try {
        await(io, *clock, stream.stop());
    } catch (const error& met) {
        failure = met;
    }
    BOOST_REQUIRE(failure.has_value());
    BOOST_TEST(failure->code() == errc::stop_timeout);
    BOOST_TEST((clock->now() - before == 10s));
    BOOST_TEST(std::string(failure->what()).find(stream.run_id()) != std::string::npos);
}

BOOST_FIXTURE_TEST_CASE(a_run_that_has_ended_needs_no_stopping, world) {
    service->script("", {step::reply("done")});
    event_stream stream = begin();
    while (next(stream) != "end") {
    }
    service->forget_requests();
    await(io, *clock, stream.stop());
    BOOST_TEST(service->requests().empty());
}

BOOST_FIXTURE_TEST_CASE(a_run_that_ends_meanwhile_is_stopped_without_an_error, world) {
    service->script("", {step::reply("done")});
    event_stream stream = begin();
    BOOST_TEST(next(stream) == "thread.run.created");
    // It has long been completed there: the service answers that it cannot be cancelled.
    await(io, *clock, stream.stop());
    BOOST_TEST((states() == std::vector<std::string>{"completed"}));
}

BOOST_FIXTURE_TEST_CASE(a_run_that_waits_for_answers_is_stopped, world) {
    service->script("", {step::require_action("unheard_of")});
    event_stream stream = begin();
    while (!stream.waits_for_answers()) (void)next(stream);
    await(io, *clock, stream.stop());
    BOOST_TEST((states() == std::vector<std::string>{"cancelled"}));
}

BOOST_FIXTURE_TEST_CASE(a_run_whose_answers_fail_is_cancelled_with_its_stream, world) {
    service->script("", {step::call_function("pay"), step::reply("{output}")});
    service->inject(emulator::fault::respond(400).on("POST", "/threads/*/runs/*/submit_tool_outputs"));
    run_options options;
    options.functions.emplace_back("pay", "Pays.", "{}", [](const function_call&) { return "paid"; });
    options.retry.emplace().max_retries = 0;
    {
        event_stream stream = begin(options);
        std::error_code code;
        while (await(io, *clock, stream.next(code))) continue;
        BOOST_TEST(code);
        BOOST_TEST((states() == std::vector<std::string>{"requires_action"}));
    }
    BOOST_TEST(wait_for_state("cancelled"));
}

BOOST_FIXTURE_TEST_CASE(a_run_whose_handler_is_at_work_is_cancelled_with_its_stream, world) {
    service->script("", {step::call_function("pay"), step::reply("{output}")});
    asio::steady_timer never(io, asio::steady_timer::time_point::max());
    bool called = false;
    run_options options;
    options.functions.emplace_back("pay", "Pays.", "{}", [&](function_call) -> asio::awaitable<std::string> {
        called = true;
        co_await never.async_wait(asio::use_awaitable);
        std::string output = "paid";
        co_return output;
    });
    {
        event_stream stream = begin(options);
        run_in_virtual_time(io, *clock, [&] { return called; });
    }
    BOOST_TEST(wait_for_state("cancelled"));
    BOOST_TEST(count("POST", "/submit_tool_outputs") == 0u);
}

BOOST_FIXTURE_TEST_CASE(a_run_that_somebody_else_has_answered_goes_on, world) {
    service->script("", {step::call_function("pay"), step::reply("one"), step::hold()});
    run_options options;
    options.tools.emplace_back(function_tool("pay", "Pays.", "{}"));
    {
        event_stream stream = begin(options);
        std::optional<required_action> asked;
        while (!asked) {
            const auto arrived = await(io, *clock, stream.next());
            BOOST_REQUIRE(arrived.has_value());
            if (const auto* found = arrived->get_if<events::action_required>()) asked = found->action;
        }
        submission answers;
        answers.output(asked->function_calls.at(0).id, "paid");
        (void)await(io, *clock, await(io, client->get_thread(in.id())).submit(stream.run_id(), answers));
    }
    const std::size_t reads = count("GET", "") + 1;
    run_in_virtual_time(io, *clock, [&] { return count("GET", "") >= reads; });
    for (int i = 0; i != 50; ++i) run_ready(io);
    BOOST_TEST(count("POST", "/cancel") == 0u);
    BOOST_TEST((states() == std::vector<std::string>{"in_progress"}));
}

BOOST_FIXTURE_TEST_CASE(an_abandoned_run_goes_on_unless_told_otherwise, world) {
    {
        event_stream stream = begin();
        BOOST_TEST(next(stream) == "thread.run.created");
    }
    for (int i = 0; i != 20; ++i) run_ready(io);
    BOOST_TEST((states() == std::vector<std::string>{"in_progress"}));
    BOOST_TEST(count("POST", "/cancel") == 0u);
}

BOOST_FIXTURE_TEST_CASE(an_abandoned_run_is_cancelled_when_asked, world) {
    {
        event_stream stream = begin(cancelled_when_abandoned());
        BOOST_TEST(next(stream) == "thread.run.created");
    }
    BOOST_TEST(wait_for_state("cancelled"));
}

BOOST_FIXTURE_TEST_CASE(so_is_one_whose_start_is_cancelled_before_it_was_answered, world) {
    proxy.inject(network_fault::delay().at(0));
    in = new_thread();
    asio::cancellation_signal cancel;
    bool done = false;
    asio::co_spawn(io, plain.run_stream(in, "Hello", {}, cancelled_when_abandoned()),
                   asio::bind_cancellation_slot(cancel.slot(), [&](std::exception_ptr, event_stream) { done = true; }));
    run_in_virtual_time(io, *clock, [&] { return proxy.held() == 1; });
    cancel.emit(asio::cancellation_type::terminal);
    run_until(io, [&] { return done; });
    proxy.release();
    BOOST_TEST(wait_for_state("cancelled"));
}

BOOST_FIXTURE_TEST_CASE(so_is_one_whose_start_fails_or_is_cancelled_though_nothing_names_it, world) {
    // The service creates the run, and its response stays away for ever.
    for (const bool by_caller : {true, false}) {
        for (const abandoned_run policy : {abandoned_run::cancelled, abandoned_run::cancelled_if_waiting}) {
            service->forget_requests();
            BOOST_TEST_CONTEXT((by_caller ? "cancelled" : "failed") << ", policy " << static_cast<int>(policy)) {
                proxy.inject(network_fault::stall().at(0).on("POST", "/runs"));
                run_options options;
                options.on_abandon = policy;
                if (!by_caller) options.total_timeout = 1s;
                in = new_thread();
                asio::cancellation_signal cancel;
                std::exception_ptr failure;
                bool done = false;
                asio::co_spawn(io, plain.run_stream(in, "Hello", {}, options),
                               asio::bind_cancellation_slot(cancel.slot(), [&](std::exception_ptr met, event_stream) {
                                   failure = met;
                                   done = true;
                               }));
                run_until(io, [&] { return count("POST", "/runs") == 1; });
                if (by_caller)
                    cancel.emit(asio::cancellation_type::terminal);
                else
                    clock->advance(1s);
                run_until(io, [&] { return done; });
                BOOST_TEST(static_cast<bool>(failure));
                if (policy == abandoned_run::cancelled) {
                    BOOST_TEST(wait_for_state("cancelled"));
                } else {
                    for (int i = 0; i != 20; ++i) run_ready(io);
                    BOOST_TEST((states() == std::vector<std::string>{"in_progress"}));
                }
            }
        }
    }
}

BOOST_FIXTURE_TEST_CASE(a_run_that_has_ended_is_not_cancelled_when_abandoned, world) {
    service->script("", {step::reply("done")});
    {
        event_stream stream = begin(cancelled_when_abandoned());
        while (next(stream) != "end") {
        }
    }
    for (int i = 0; i != 20; ++i) run_ready(io);
    BOOST_TEST(count("POST", "/cancel") == 0u);
}

BOOST_FIXTURE_TEST_CASE(nothing_of_a_run_that_was_refused_is_cancelled, world) {
    service->inject(emulator::fault::respond(400).on("POST", "/threads/*/runs"));
    in = new_thread();
    BOOST_CHECK_THROW((void)await(io, *clock, plain.run_stream(in, "Hello", {}, cancelled_when_abandoned())), error);
    for (int i = 0; i != 20; ++i) run_ready(io);
    BOOST_TEST(count("POST", "/cancel") == 0u);
}

// Rate limits.

namespace {

struct limited : world {
    /// So many runs fail; the next one answers.
    outcome play(int failures, std::string message, run_options options) {
        service->script("", {step::fail("rate_limit_exceeded", std::move(message))});
        // Once the last that fails has begun, the next is to answer.
        network_fault last = network_fault::split(1 << 20);
        proxy.inject(
            last.on("POST", "/runs").nth(static_cast<std::size_t>(std::max(failures, 1))).then([this, failures] {
                if (failures > 0) service->script("", {step::reply("at last")});
            }));
        in = new_thread();
        outcome all;
        event_stream stream = await(io, *clock, plain.run_stream(in, "Hello", {}, std::move(options)));
        began = clock->now();
        while (true) {
            std::error_code code;
            const auto arrived = await(io, *clock, stream.next(code));
            all.failure = code;
            if (!arrived) break;
            all.events.push_back(*arrived);
            if (const auto* delta = arrived->get_if<events::text_delta>()) all.text += delta->text;
        }
        return all;
    }
    net::time_point began;
};

std::size_t restarts_of(const outcome& seen) {
    return static_cast<std::size_t>(std::count_if(seen.events.begin(), seen.events.end(), [](const event& each) {
        return each.get_if<events::run_restarted>();
    }));
}

}  // namespace

BOOST_FIXTURE_TEST_CASE(a_rate_limit_says_when_to_try_again, limited) {
    const outcome seen = play(0, "Rate limit is exceeded. Try again in 22 seconds.", {});
    BOOST_REQUIRE(!seen.events.empty());
    const auto* failed = seen.events.back().get_if<events::run_failed>();
    BOOST_REQUIRE(failed && failed->run.last_error);
    BOOST_TEST((failed->run.last_error->retry_after == 22s));
    BOOST_TEST(restarts_of(seen) == 0u);  // nobody asked for it

    std::optional<error> failure;
    try {
        (void)await(io, *clock, plain.run(new_thread(), "Hello"));
    } catch (const error& met) {
        failure = met;
    }
    BOOST_REQUIRE(failure.has_value());
    BOOST_TEST(failure->code() == errc::run_failed);
    BOOST_TEST((failure->retry_after() == 22s));
    BOOST_TEST(is_retryable(*failure));
}

BOOST_FIXTURE_TEST_CASE(a_run_begins_again_after_a_rate_limit_when_asked, limited) {
    run_options options;
    options.rate_limit_restarts = 3;
    const outcome seen = play(2, "Rate limit is exceeded. Try again in 22 seconds.", options);
    BOOST_TEST(!seen.failure);
    BOOST_TEST(seen.text == "at last");
    BOOST_TEST(restarts_of(seen) == 2u);
    BOOST_TEST((clock->now() - began >= 44s));
    BOOST_TEST((clock->now() - began < 46s));
    BOOST_TEST(count("POST", "/runs") == 3u);
}

BOOST_FIXTURE_TEST_CASE(no_more_often_than_asked, limited) {
    run_options options;
    options.rate_limit_restarts = 2;
    const outcome seen = play(99, "Rate limit is exceeded.", options);
    BOOST_TEST(restarts_of(seen) == 2u);
    BOOST_REQUIRE(!seen.events.empty());
    BOOST_TEST(seen.events.back().get_if<events::run_failed>() != nullptr);
}

BOOST_FIXTURE_TEST_CASE(a_delay_beyond_the_budget_is_not_waited_for, limited) {
    run_options options;
    options.rate_limit_restarts = 2;
    BOOST_TEST(restarts_of(play(1, "Try again in 3 minutes.", options)) == 0u);
}

BOOST_FIXTURE_TEST_CASE(a_run_that_has_written_something_is_not_begun_again, limited) {
    run_options options;
    options.rate_limit_restarts = 2;
    service->script("", {step::reply("some"), step::fail("rate_limit_exceeded", "Try again in 1 second.")});
    in = new_thread();
    const outcome seen = await(io, *clock, take_all(plain.run_stream(in, "Hello", {}, options)));
    BOOST_TEST(restarts_of(seen) == 0u);
    BOOST_TEST(seen.text == "some");
}

BOOST_AUTO_TEST_SUITE_END()
