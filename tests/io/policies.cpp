// Where the service refuses what a run asks for: each way round that the policy allows, end to end.
#include "emulated_http.hpp"
#include <corun/corun.hpp>

#include <asio/bind_cancellation_slot.hpp>
#include <asio/cancellation_signal.hpp>
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <random>
#include <set>
#include <string>
#include <vector>

namespace {

using namespace corun;
using namespace corun::test;
using emulator::fault;
using emulator::step;

const char* const city_schema = R"({"type":"object","properties":{"city":{"type":"string"}},"required":["city"]})";

struct policies : emulated_http {
    policies() {
        client.emplace(io.get_executor(), service->endpoint(), credential::bearer(service->token()), searched());
        std::vector<step> steps;
        steps.push_back(step::call_mcp("reserve_seat", R"({"seat":"14A"})"));
        steps.push_back(step::call_function("get_weather", R"({"city":"Oslo"})"));
        steps.push_back(step::reply("All done: {output}"));
        service->script("trip", std::move(steps));
    }

    static mcp_headers token(const std::string& value = "planted-secret-good") {
        mcp_headers headers;
        headers.set("bookings", "Authorization", "Bearer " + value);
        return headers;
    }

    /// A run that brings a function of its own, beside the headers.
    run_options with_function(bool reconcile_policy::*way = nullptr) const {
        run_options options;
        options.functions.emplace_back("get_weather", "The weather in a city.", city_schema,
                                       [](const function_call&) { return "cold"; });
        options.default_approval = mcp_approval::never();
        if (way != nullptr) options.reconcile.*way = true;
        return options;
    }

    agent stored_agent(json tool_resources = json::object()) {
        agent a = await(io, client->get_agent(make_agent(list(mcp_tool()), std::move(tool_resources))));
        // Reused, from here on.
        (void)post("/threads/runs", run_body(a.id(), "hello"));
        return a;
    }

    asio::awaitable<std::vector<event>> collect(event_stream& stream) {
        std::vector<event> events;
        while (auto arrived = co_await stream.next()) events.push_back(std::move(*arrived));
        co_return events;
    }

    std::vector<event> events_of(agent a, mcp_header_source headers, run_options options) {
        event_stream stream = await(io, a.run_stream("a trip", std::move(headers), std::move(options)));
        last_report = stream.report();
        return await(io, collect(stream));
    }

    /// The ids of the agents that the service has.
    std::set<std::string> agents() {
        std::set<std::string> ids;
        const json page = get("/assistants?limit=100");
        for (const json& each : page["data"]) ids.insert(each["id"].get<std::string>());
        BOOST_TEST(page["has_more"] == false);
        return ids;
    }

    /// Lets what goes on in the background come to its end.
    void settle() {
        const auto idle = [this] {
            run_ready(io);
            return agents().size();
        };
        for (std::size_t before = idle(), calm = 0; calm < 3;) {
            const std::size_t now_there = idle();
            calm = now_there == before ? calm + 1 : 0;
            before = now_there;
        }
    }

    std::string text_of(const std::vector<event>& events) const {
        std::string text;
        for (const event& each : events)
            if (const auto* whole = each.get_if<events::message_completed>()) text += whole->message.text();
        return text;
    }

    std::optional<corun::client> client;
    reconcile_report last_report;
};

std::vector<std::string> names_without_deltas(const std::vector<event>& events) {
    std::vector<std::string> names;
    for (const event& each : events)
        if (!each.continues() && !each.name().ends_with(".delta")) names.emplace_back(each.name());
    return names;
}

bool has_row(const reconcile_report& report, int row) {
    return std::any_of(report.lines().begin(), report.lines().end(),
                       [row](const auto& line) { return line.row == row; });
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(policies_suite, policies)

BOOST_AUTO_TEST_CASE(every_way_round_is_accepted_in_every_mode_of_the_service) {
    using emulator::precedence;
    using emulator::tools_with_resources;
    struct way {
        const char* name;
        bool reconcile_policy::*allowed;
        int row;
    };
    const way ways[] = {{"ephemeral agent", &reconcile_policy::ephemeral_agent, 11},
                        {"polling", &reconcile_policy::polling, 11},
                        {"approval headers", &reconcile_policy::approval_headers, 11}};
    emulator::mcp_server_options open;
    open.clock = now;
    open.require_token = false;  // tools are listed to anybody
    start_mcp(std::move(open));
    for (const precedence order : {precedence::conflict, precedence::narrowest, precedence::merge}) {
        for (const tools_with_resources mode :
             {tools_with_resources::reject_on_reuse, tools_with_resources::reject_duplicate_labels,
              tools_with_resources::accept}) {
            for (const way& one : ways) {
                BOOST_TEST_CONTEXT(one.name << ", precedence " << static_cast<int>(order) << ", tools "
                                            << static_cast<int>(mode)) {
                    service->options().precedence = order;
                    service->options().tools_with_resources = mode;
                    const agent a = stored_agent();
                    run_options options = with_function(one.allowed);
                    if (one.allowed == &reconcile_policy::approval_headers) options.default_approval.reset();
                    options.on_mcp_approval = [](mcp_approval_request) -> asio::awaitable<bool> { co_return true; };
                    const std::vector<event> events = events_of(a, token(), options);
                    BOOST_REQUIRE(!events.empty());
                    BOOST_TEST(events.back().get_if<events::run_completed>());
                    BOOST_TEST(text_of(events).find("All done: cold") != std::string::npos);
                    BOOST_TEST(has_row(last_report, one.row));
                    // The call carried the token, whichever way it came.
                    std::string authorization;
                    for (const auto& call : service->mcp_requests())
                        if (call.method == "tools/call") authorization = call.header("Authorization");
                    BOOST_TEST(authorization == "Bearer planted-secret-good");
                }
            }
        }
    }
}

BOOST_AUTO_TEST_CASE(without_permission_nothing_is_sent) {
    const agent a = stored_agent();
    service->forget_requests();
    BOOST_CHECK_EXCEPTION((void)events_of(a, token(), with_function()), error, [](const error& refused) {
        return refused.code() == errc::tools_with_mcp_headers_streaming;
    });
    BOOST_TEST(service->requests().empty());
}

// The ephemeral agent.

BOOST_AUTO_TEST_CASE(a_copy_of_the_agent_lives_for_its_run_only) {
    const agent a = stored_agent();
    const auto before = agents();
    service->forget_requests();
    const std::vector<event> events = events_of(a, token(), with_function(&reconcile_policy::ephemeral_agent));
    BOOST_TEST(events.back().get_if<events::run_completed>());
    settle();
    BOOST_TEST((agents() == before));
    json created, run;
    bool deleted = false;
    for (const auto& request : service->requests()) {
        if (request.method == "POST" && request.path == "/assistants") created = json::parse(request.body);
        if (request.path == "/threads/runs") run = json::parse(request.body);
        deleted = deleted || request.method == "DELETE";
    }
    BOOST_TEST(deleted);
    BOOST_REQUIRE(created.is_object());
    BOOST_TEST(created["tools"].size() == 2u);
    BOOST_TEST(!created.contains("tool_resources"));
    BOOST_TEST(created["metadata"].contains("corun_ephemeral"));
    BOOST_TEST(!run.contains("tools"));
    BOOST_TEST(run["assistant_id"] != a.id());
    BOOST_TEST(run["tool_resources"]["mcp"][0]["server_label"] == "bookings");
}

BOOST_AUTO_TEST_CASE(a_copy_goes_whatever_becomes_of_its_run) {
    struct mishap {
        const char* name;
        std::vector<fault> faults;
        std::vector<step> steps;
        bool completes = false;
    };
    std::vector<mishap> mishaps;
    mishaps.push_back({"the run is refused", {fault::respond(500).on("POST", "/threads/runs")}, {}});
    mishaps.push_back({"the run's answer is lost", {fault::drop().on("POST", "/threads/runs")}, {}});
    mishaps.push_back({"the stream is cut", {fault::cut().after_events(5).on("POST", "/threads/runs")}, {}, true});
    mishaps.push_back({"the run fails", {}, {step::fail("server_error", "Sorry, something went wrong.")}});
    mishaps.push_back({"the run is incomplete", {}, {step::incomplete()}});
    mishaps.push_back({"the copy's creation is refused", {fault::respond(500).on("POST", "/assistants")}, {}});
    mishaps.push_back({"the answer to the copy's creation is lost", {fault::drop().on("POST", "/assistants")}, {}});
    for (const mishap& one : mishaps) {
        BOOST_TEST_CONTEXT(one.name) {
            const agent a = stored_agent();
            const auto before = agents();
            if (!one.steps.empty()) service->script("trip", one.steps);
            for (const fault& each : one.faults) service->inject(each);
            try {
                const std::vector<event> events =
                    events_of(a, token(), with_function(&reconcile_policy::ephemeral_agent));
                BOOST_TEST((events.back().get_if<events::run_completed>() != nullptr) == one.completes);
                BOOST_TEST((one.completes || !one.steps.empty()));
            } catch (const error&) {
                BOOST_TEST((one.steps.empty() && !one.completes));
            }
            settle();
            BOOST_TEST((agents() == before));
        }
    }
}

BOOST_AUTO_TEST_CASE(a_copy_is_deleted_again_when_deleting_fails_for_a_moment) {
    const agent a = stored_agent();
    const auto before = agents();
    service->inject(fault::respond(503).on("DELETE", "/assistants/*"));
    (void)events_of(a, token(), with_function(&reconcile_policy::ephemeral_agent));
    run_until(io, [&] {
        const auto& requests = service->requests();
        return std::count_if(requests.begin(), requests.end(),
                             [](const auto& request) { return request.method == "DELETE"; }) == 2;
    });
    settle();
    BOOST_TEST((agents() == before));
}

BOOST_AUTO_TEST_CASE(a_copy_is_found_though_the_network_was_down_for_a_moment) {
    const agent a = stored_agent();
    const auto before = agents();
    service->inject(fault::drop().on("POST", "/assistants"));
    service->inject(fault::drop().on("GET", "/assistants"));
    BOOST_CHECK_THROW((void)events_of(a, token(), with_function(&reconcile_policy::ephemeral_agent)), error);
    run_until(io, [&] {
        const auto& requests = service->requests();
        return std::any_of(requests.begin(), requests.end(),
                           [](const auto& request) { return request.method == "DELETE"; });
    });
    settle();
    BOOST_TEST((agents() == before));
}

BOOST_AUTO_TEST_CASE(no_copy_is_left_after_a_hundred_random_aborts) {
    const agent a = stored_agent();
    const auto before = agents();
    std::mt19937 random(20261123);
    int completed = 0;
    for (int round = 0; round < 100; ++round) {
        // The abort comes after so many handlers of the executor, somewhere from the first look at
        // the run to its end.
        const int patience = std::uniform_int_distribution<int>(0, 120)(random);
        const bool by_cancelling = random() % 2 == 0;
        asio::cancellation_signal signal;
        std::optional<event_stream> stream;
        bool over = false;
        const auto talk = [&]() -> asio::awaitable<int> {
            run_options options = with_function(&reconcile_policy::ephemeral_agent);
            stream.emplace(co_await agent(a).run_stream("a trip", token(), std::move(options)));
            int count = 0;
            while (co_await stream->next()) ++count;
            co_return count;
        };
        asio::co_spawn(io, talk(), asio::bind_cancellation_slot(signal.slot(), [&](std::exception_ptr e, int) {
                           completed += !e;
                           over = true;
                       }));
        for (int i = 0; i < patience && !over; ++i) io.run_one();
        if (!by_cancelling && stream) stream.reset();
        if (!over) signal.emit(asio::cancellation_type::terminal);
        run_until(io, [&] { return over; });
        stream.reset();
    }
    settle();
    BOOST_TEST((agents() == before));
    BOOST_TEST(completed < 100);
    BOOST_TEST_MESSAGE("100 aborts, " << completed << " after the end of the run");
}

BOOST_AUTO_TEST_CASE(an_executor_that_goes_away_in_the_middle_leaks_nothing) {
    emulator::service_options options;
    auto own = std::make_unique<asio::io_context>();
    emulator::service other(io, options);
    std::optional<corun::client> mine(std::in_place, own->get_executor(), other.endpoint(),
                                      credential::bearer(other.token()), searched());
    other.script("trip", {step::hold()});
    bool begun = false;
    const auto talk = [&](corun::client c, std::string url) -> asio::awaitable<int> {
        agent_definition definition("gpt-4o");
        definition.tools.push_back(corun::mcp_tool("bookings", std::move(url)));
        agent a = co_await c.create_agent(std::move(definition));
        event_stream stream =
            co_await a.run_stream("a trip", token(), with_function(&reconcile_policy::ephemeral_agent));
        begun = true;
        while (co_await stream.next()) {
        }
        co_return 0;
    };
    asio::co_spawn(*own, talk(*mine, mcp->url()), [](std::exception_ptr, int) {});
    mine.reset();
    while (!begun) {
        own->poll();
        io.poll();
    }
    own.reset();
    BOOST_TEST(begun);
}

// Polling.

BOOST_AUTO_TEST_CASE(a_polled_run_gives_the_events_of_a_streamed_one_without_deltas) {
    struct flow {
        const char* name;
        std::vector<step> steps;
        bool approvals;
    };
    std::vector<flow> flows;
    flows.push_back({"text", {step::reply("Bring a coat.")}, false});
    flows.push_back({"a function", {step::call_function("get_weather", "{}"), step::reply("{output}")}, false});
    flows.push_back(
        {"two functions, and one more",
         {step::call_function("get_weather", R"({"city":"A"})"), step::call_function("get_weather", R"({"city":"B"})"),
          step::reply("{output}"), step::call_function("get_weather", "{}"), step::reply("{output}")},
         false});
    flows.push_back({"MCP", {step::call_mcp("reserve_seat", R"({"seat":"1"})"), step::reply("{output}")}, false});
    flows.push_back({"MCP and a function",
                     {step::call_mcp("reserve_seat", R"({"seat":"1"})"), step::call_function("get_weather", "{}"),
                      step::reply("{output}")},
                     false});
    flows.push_back({"approvals", {step::call_mcp("reserve_seat", R"({"seat":"1"})"), step::reply("{output}")}, true});
    flows.push_back({"failure", {step::fail("server_error", "Sorry, something went wrong.")}, false});
    flows.push_back({"incomplete", {step::reply("Well"), step::incomplete()}, false});
    // A stream says after an approval that a step is complete before it is; polls cannot see that.
    service->options().premature_step_completed = false;
    service->options().tools_with_resources = emulator::tools_with_resources::accept;
    for (const flow& one : flows) {
        BOOST_TEST_CONTEXT(one.name) {
            service->script("trip", one.steps);
            const agent a = stored_agent();
            run_options options = with_function();
            if (one.approvals) options.default_approval.reset();
            options.on_mcp_approval = [](mcp_approval_request) -> asio::awaitable<bool> { co_return true; };

            // The agent of the stream has the function, so that nothing clashes.
            const json tools = json::array({mcp_tool(), function_tool()});
            const agent streamed_agent = await(io, client->get_agent(make_agent(tools)));
            const std::vector<event> streamed = events_of(streamed_agent, token(), options);

            options.reconcile.polling = true;
            const std::vector<event> polled = events_of(a, token(), options);
            BOOST_TEST(has_row(last_report, 11));
            BOOST_TEST(names_without_deltas(polled) == names_without_deltas(streamed),
                       boost::test_tools::per_element());
            BOOST_TEST(text_of(polled) == text_of(streamed));
            BOOST_TEST((names_without_deltas(polled).size() == polled.size() ||
                        std::any_of(polled.begin(), polled.end(), [](const event& e) { return e.continues(); })));
        }
    }
}

BOOST_AUTO_TEST_CASE(a_polled_run_is_cancelled_like_any) {
    service->script("trip", {step::hold()});
    const agent a = stored_agent();
    event_stream stream = await(io, agent(a).run_stream("a trip", token(), with_function(&reconcile_policy::polling)));
    std::error_code code;
    std::vector<std::string> names;
    bool cancelled = false;
    while (auto arrived = await(io, stream.next(code))) {
        names.emplace_back(arrived->name());
        if (names.back() == "thread.run.in_progress" && !cancelled) {
            await(io, stream.cancel_run());
            cancelled = true;
        }
    }
    BOOST_TEST(!code);
    BOOST_TEST(names.back() == "thread.run.cancelled");
}

BOOST_AUTO_TEST_CASE(failures_that_may_pass_are_polled_past) {
    const agent a = stored_agent();
    event_stream stream = await(io, agent(a).run_stream("a trip", token(), with_function(&reconcile_policy::polling)));
    service->inject(fault::respond(503).on("GET", "/threads/*/runs/*").times(2));
    service->inject(fault::drop().on("GET", "/threads/*/runs/*/steps"));
    const std::vector<event> events = await(io, collect(stream));
    BOOST_TEST(events.back().get_if<events::run_completed>());
}

BOOST_AUTO_TEST_CASE(what_a_failed_poll_says_shows_no_header) {
    const agent a = stored_agent();
    mcp->accept_token("planted-secret-policies");
    event_stream stream = await(
        io, agent(a).run_stream("a trip", token("planted-secret-policies"), with_function(&reconcile_policy::polling)));
    service->inject(fault::respond(400, R"({"error":{"message":"you said Bearer planted-secret-policies","code":"x"}})")
                        .on("GET", "/threads/*/runs/*/steps"));
    std::error_code code;
    while (await(io, stream.next(code))) {
    }
    BOOST_TEST(code == errc::bad_request);
    BOOST_TEST(stream.details().service_message == "you said ***");
    BOOST_TEST(stream.details().body.find("planted-secret-policies") == std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_poll_that_fails_ends_the_stream_with_its_error) {
    service->script("trip", {step::hold()});
    const agent a = stored_agent();
    event_stream stream = await(io, agent(a).run_stream("a trip", token(), with_function(&reconcile_policy::polling)));
    service->inject(fault::respond(404).on("GET", "/threads/*/runs/*"));
    std::error_code code;
    while (await(io, stream.next(code))) {
    }
    BOOST_TEST(code == errc::not_found);
    BOOST_TEST(stream.details().status == 404);
}

// Stored resources.

BOOST_AUTO_TEST_CASE(stored_resources_are_detached_and_read_back) {
    for (const bool on_thread : {false, true}) {
        BOOST_TEST_CONTEXT((on_thread ? "thread" : "agent")) {
            json stored = resources("stale", "never");
            stored["code_interpreter"]["file_ids"] = json::array();
            agent a = stored_agent(on_thread ? json::object() : stored);
            agent_thread t = await(io, client->get_thread(make_thread(on_thread ? stored : json::object())));
            run_options options;
            const errc expected = on_thread ? errc::thread_level_mcp_resources : errc::agent_level_mcp_resources;
            service->forget_requests();
            const auto refused = [expected](const error& problem) { return problem.code() == expected; };
            BOOST_CHECK_EXCEPTION((void)await(io, a.run(t, "reserve_seat", token(), options)), error, refused);
            BOOST_TEST(service->requests().empty());

            (on_thread ? options.reconcile.detach_from_thread : options.reconcile.detach_from_agent) = true;
            const run_result result = await(io, a.run(t, "reserve_seat", token(), options));
            BOOST_TEST((result.status == run_state::completed));  // the stored approval came along
            BOOST_TEST(has_row(result.report, on_thread ? 6 : 5));
            const tool_resources& left = on_thread ? t.definition().tool_resources : a.definition().tool_resources;
            BOOST_TEST(left.mcp.empty());
            BOOST_TEST(left.other.contains("code_interpreter"));
            const json now_there = get(on_thread ? "/threads/" + t.id() : "/assistants/" + a.id());
            BOOST_TEST(!now_there["tool_resources"].contains("mcp"));

            // Once is enough; what stood there is now for each run to say.
            options.default_approval = mcp_approval::never();
            service->forget_requests();
            (void)await(io, a.run(t, "reserve_seat", token(), options));
            BOOST_TEST(service->requests().size() == 1u);
        }
    }
}

BOOST_AUTO_TEST_CASE(a_run_begun_again_keeps_the_approvals_of_what_was_detached) {
    agent a = stored_agent(resources("stale", "never"));
    run_options options;
    options.reconcile.detach_from_agent = true;
    const mcp_header_provider provider = [](mcp_header_request asked) -> asio::awaitable<mcp_headers> {
        co_return token(asked.why == mcp_header_request::occasion::rejected_token ? "planted-secret-good" : "stale");
    };
    const run_result result = await(io, a.run("reserve_seat", provider, options));
    BOOST_TEST((result.status == run_state::completed));
    BOOST_TEST(has_row(result.report, 5));
}

BOOST_AUTO_TEST_CASE(what_others_have_stored_meanwhile_stays_when_detaching) {
    agent a = stored_agent(resources("stale"));
    json changes;
    changes["tool_resources"] = resources("stale");
    changes["tool_resources"]["code_interpreter"]["file_ids"] = json::array();
    (void)post("/assistants/" + a.id(), changes);
    run_options options = with_function();
    options.functions.clear();
    options.reconcile.detach_from_agent = true;
    (void)await(io, a.run("reserve_seat", token(), options));
    const json now_there = get("/assistants/" + a.id());
    BOOST_TEST(now_there["tool_resources"].contains("code_interpreter"));
    BOOST_TEST(!now_there["tool_resources"].contains("mcp"));
}

BOOST_AUTO_TEST_CASE(stored_resources_are_detached_in_whichever_way_the_service_has) {
    using emulator::mcp_clearing;
    for (const mcp_clearing mode : {mcp_clearing::by_omission, mcp_clearing::by_empty_list, mcp_clearing::never}) {
        BOOST_TEST_CONTEXT("clearing " << static_cast<int>(mode)) {
            service->options().mcp_clearing = mode;
            agent a = stored_agent(resources("stale"));
            run_options options = with_function();
            options.functions.clear();
            options.reconcile.detach_from_agent = true;
            if (mode == mcp_clearing::never) {
                const auto runs = [this] {
                    const auto& requests = service->requests();
                    return std::count_if(requests.begin(), requests.end(),
                                         [](const auto& request) { return request.path == "/threads/runs"; });
                };
                const auto before = runs();
                BOOST_CHECK_EXCEPTION((void)await(io, a.run("reserve_seat", token(), options)), error,
                                      [](const error& e) { return e.code() == errc::agent_level_mcp_resources; });
                BOOST_TEST(runs() == before);
            } else {
                BOOST_TEST((await(io, a.run("reserve_seat", token(), options)).status == run_state::completed));
                BOOST_TEST(a.definition().tool_resources.mcp.empty());
            }
        }
    }
}

BOOST_AUTO_TEST_SUITE_END()
