// What is the threads protocol's own in finding a run again. What every protocol does: both_protocols.cpp.
#include "application.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <string>
#include <vector>

namespace {

using namespace corun;
using namespace corun::test;
using namespace std::chrono_literals;
using emulator::step;

struct world : application {
    world() : application({protocol::threads, false}) {}
};

}  // namespace

BOOST_AUTO_TEST_SUITE(reattach)

namespace {

/// A stream of one text, whose first event has arrived at `after`.
struct simple : behind_proxy {
    simple() {
        plain = by_proxy(make_plain_agent());
        service->script("", {step::reply("one two three")});
    }

    void use(client_options settings) {
        connect(std::move(settings));
        plain = by_proxy(plain);
    }

    outcome play(run_options options = {}) {
        return await(io, *clock, take_all(plain.run_stream("Hello", {}, std::move(options))));
    }

    agent plain;
};

}  // namespace

BOOST_FIXTURE_TEST_CASE(a_run_that_made_its_own_thread_is_found_once_its_id_is_known, simple) {
    service->forget_requests();
    proxy.inject(network_fault::reset().at(3000));
    const outcome seen = play();
    BOOST_TEST(!seen.failure);
    BOOST_TEST(seen.text == "one two three");
    BOOST_TEST(count("POST", "/threads/runs") == 1u);
    BOOST_TEST(std::count(seen.names.begin(), seen.names.end(), "thread.created") == 1);
}

BOOST_FIXTURE_TEST_CASE(so_it_is_once_its_thread_is_known, simple) {
    for (const bool reset : {false, true}) {
        service->forget_requests();
        service->inject((reset ? emulator::fault::reset() : emulator::fault::cut()).after_events(1));
        const outcome seen = play();
        BOOST_TEST(!seen.failure);
        BOOST_TEST(seen.text == "one two three");
        BOOST_TEST(seen.reattached == 1u);
        BOOST_TEST(count("POST", "/threads/runs") == 1u);
        for (const char* once : {"thread.created", "thread.run.created", "thread.run.completed"})
            BOOST_TEST(std::count(seen.names.begin(), seen.names.end(), once) == 1);
        BOOST_TEST(seen.names.front() == "thread.created");
    }
}

BOOST_FIXTURE_TEST_CASE(before_that_only_its_mark_finds_it, simple) {
    proxy.inject(network_fault::reset().at(280));
    const outcome lost = play();
    BOOST_TEST(lost.failure == errc::connection_lost);
    BOOST_TEST(lost.reattached == 0u);
    proxy.inject(network_fault::reset().at(280));
    const error met = failure_of(io, [&] { return plain.run("Hello"); });
    BOOST_TEST(met.code() == errc::connection_lost);
    BOOST_TEST(std::string(met.what()).find("reattach_policy::mark_runs") != std::string::npos);

    client_options settings;
    settings.reattach.mark_runs = true;
    use(settings);
    for (const std::size_t at : {0u, 100u, 280u}) {
        service->forget_requests();
        proxy.inject(network_fault::reset().at(at));
        const outcome seen = play();
        BOOST_TEST(!seen.failure);
        BOOST_TEST(seen.text == "one two three");
        BOOST_TEST(seen.reattached == 1u);
        BOOST_TEST(count("POST", "/threads/runs") == 1u);
        BOOST_TEST(std::count(seen.names.begin(), seen.names.end(), "thread.created") == 1);
    }
}

BOOST_FIXTURE_TEST_CASE(keepalives_do_not_hide_that_nothing_comes, simple) {
    // What comes of the run is kept from the stream; the network goes on to be alive.
    service->script("", {step::reply("one two"), step::reply("three")});
    service->inject(emulator::fault::omit("thread.message.delta").times(1));
    service->inject(emulator::fault::stall().before("thread.run.completed"));
    client_options settings;
    settings.event_timeout = 5min;
    settings.idle_timeout = 0ms;
    use(settings);
    const net::time_point before = clock->now();
    const outcome seen = play();
    BOOST_TEST(!seen.failure);
    BOOST_REQUIRE(seen.causes.size() == 1u);
    BOOST_TEST(seen.causes.front() == errc::event_timeout);
    BOOST_TEST((clock->now() - before >= 5min));
}

BOOST_FIXTURE_TEST_CASE(the_total_timeout_ends_it_too, simple) {
    client_options settings;
    settings.total_timeout = 30s;
    use(settings);
    proxy.inject(network_fault::reset().at(5000).then(
        [this] { proxy.inject(network_fault::lose_request().on("GET", "").times(network_fault::always)); }));
    const outcome seen = play();
    BOOST_TEST(seen.failure == errc::total_timeout);
}

BOOST_FIXTURE_TEST_CASE(a_run_that_is_still_at_work_is_read_until_it_ends, simple) {
    service->options().stage_a_read = true;  // each reading finds it one stage further
    proxy.inject(network_fault::reset().at(2500));
    const outcome seen = play();
    BOOST_TEST(!seen.failure);
    BOOST_TEST(seen.text == "one two three");
    BOOST_TEST(repeated(seen) == 0u);
}

BOOST_FIXTURE_TEST_CASE(answers_whose_answer_was_lost_are_not_given_twice, world) {
    for (const auto& each : {network_fault::lose_response(), network_fault::lose_request()}) {
        for (const flow& what : flows()) {
            if (what.streams != 2) continue;
            network_fault fault = each;
            proxy.inject(fault.on("POST", "/submit_tool_outputs"));
            const outcome seen = play(what);
            BOOST_TEST(!seen.failure);
            BOOST_TEST(!seen.text.empty());
            BOOST_TEST(repeated(seen) == 0u);
            BOOST_TEST(calls + approvals == 1);
            BOOST_TEST(count("POST", "/submit_tool_outputs") == 1u);
        }
    }
}

BOOST_FIXTURE_TEST_CASE(a_run_that_was_begun_late_is_not_begun_twice, world) {
    // The look finds nothing yet, so the request is sent again, and refused: the thread has a run, which waits for
    // answers.
    service->script("", {step::call_function("get_weather", "{}"), step::reply("It is {output}.")});
    proxy.inject(network_fault::lose_response().on("POST", "/threads/*/runs"));
    service->inject(
        emulator::fault::respond(200, R"({"object":"list","data":[],"has_more":false})").on("GET", "/threads/*/runs"));
    agent_thread conversation = new_thread();
    const outcome seen = wait(take_all(plain.run_stream(conversation, "weather?", {}, with_function())));
    BOOST_TEST(!seen.failure, seen.failure.message());
    BOOST_TEST(seen.text == "It is cold.");
    BOOST_TEST(repeated(seen) == 0u);
    BOOST_TEST(calls == 1);
    BOOST_TEST(count("POST", "/runs") == 2u);
    std::size_t runs = 0;
    auto listed = conversation.list_runs();
    while (wait(listed.next())) ++runs;
    BOOST_TEST(runs == 1u);
}

BOOST_FIXTURE_TEST_CASE(an_observer_is_told, simple) {
    std::vector<reattach_record> told;
    std::vector<retry_record> retries;
    client_options settings;
    settings.observer.on_reattach = [&told](const reattach_record& one) { told.push_back(one); };
    settings.observer.on_retry = [&retries](const retry_record& one) { retries.push_back(one); };
    use(settings);
    proxy.inject(network_fault::refuse());
    proxy.inject(network_fault::reset().at(5000));
    (void)play();
    run_ready(io);
    BOOST_REQUIRE(told.size() == 1u);
    BOOST_TEST(told.front().why == errc::connection_lost);
    BOOST_TEST(!told.front().error);
    BOOST_TEST(told.front().attempt == 1);
    BOOST_TEST(told.front().events > 2u);
    BOOST_TEST(told.front().bytes > 2000u);
    BOOST_TEST(told.front().run_id.starts_with("run_"));
    BOOST_TEST(retries.size() <= 1u);
}

BOOST_AUTO_TEST_SUITE_END()
