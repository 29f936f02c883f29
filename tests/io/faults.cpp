// Every flow, broken at every step: the connection cut or reset, the run cancelled, the stream
// dropped, the waiting cancelled. Each time a typed outcome, nothing lost that had arrived, and
// nothing left behind.
#include "emulated.hpp"

#include <asio/experimental/awaitable_operators.hpp>
#include <asio/post.hpp>
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <functional>
#include <string>
#include <vector>

namespace {

using namespace corun;
using namespace corun::test;
using emulator::fault;
using emulator::step;

struct flow {
    flow(const char* what, std::size_t responses, std::function<asio::awaitable<event_stream>(emulated&, agent)> begin,
         std::vector<step> steps)
        : name(what), streams(responses), start(std::move(begin)), script(std::move(steps)) {}

    const char* name;
    std::size_t streams;  ///< How many responses it takes.
    std::function<asio::awaitable<event_stream>(emulated&, agent)> start;
    std::vector<step> script;
};

run_options with_handlers() {
    run_options options;
    options.functions.emplace_back("get_weather", "The weather.", R"({"type":"object","properties":{}})",
                                   [](const function_call&) { return "cold"; });
    options.on_mcp_approval = [](mcp_approval_request) -> asio::awaitable<bool> { co_return true; };
    return options;
}

mcp_header_provider provider() {
    return [](mcp_header_request) -> asio::awaitable<mcp_headers> { co_return emulated::token("planted-secret-good"); };
}

std::vector<flow> flows() {
    const auto call_seat = [] { return step::call_mcp("reserve_seat", R"({"seat":"1"})"); };
    std::vector<flow> all;
    all.emplace_back(
        "text", 1, [](emulated&, agent a) { return a.run_stream("go", {}, emulated::without_approvals()); },
        std::vector<step>{step::reply("Grüße aus Köln, bring a coat.")});
    all.emplace_back(
        "function", 2, [](emulated&, agent a) { return a.run_stream("go", {}, with_handlers()); },
        std::vector<step>{step::call_function("get_weather"), step::reply("It is {output} today.")});
    all.emplace_back(
        "MCP", 1,
        [](emulated&, agent a) {
            return a.run_stream("go", emulated::token("planted-secret-good"), emulated::without_approvals());
        },
        std::vector<step>{call_seat(), step::reply("Now {output}.")});
    all.emplace_back(
        "approval", 2,
        [](emulated&, agent a) {
            run_options options = with_handlers();
            options.functions.clear();
            return a.run_stream("go", provider(), std::move(options));
        },
        std::vector<step>{call_seat(), step::reply("Now {output}.")});
    all.emplace_back(
        "approval and function", 3,
        [](emulated&, agent a) {
            run_options options = with_handlers();
            options.reconcile.ephemeral_agent = true;
            return a.run_stream("go", provider(), std::move(options));
        },
        std::vector<step>{call_seat(), step::call_function("get_weather"), step::reply("Now {output}.")});
    return all;
}

/// What came of a stream.
struct outcome {
    std::vector<std::string> names;
    std::string text;
    std::error_code code;
    bool terminal = false;
};

void take(outcome& into, const event& arrived) {
    if (!arrived.continues()) into.names.emplace_back(arrived.name());
    if (const auto* delta = arrived.get_if<events::text_delta>()) into.text += delta->text;
    into.terminal = is_terminal(arrived);
}

asio::awaitable<outcome> drain(event_stream& stream) {
    outcome all;
    while (auto arrived = co_await stream.next(all.code)) take(all, *arrived);
    co_return all;
}

asio::awaitable<outcome> run_whole(asio::awaitable<event_stream> start) {
    outcome all;
    event_stream stream = co_await std::move(start);
    all = co_await drain(stream);
    co_return all;
}

struct broken : emulated {
    broken() { mcp->accept_token("planted-secret-good"); }

    agent prepared(const flow& one) {
        service->script("go", one.script);
        if (std::string(one.name) == "text" || std::string(one.name) == "function") return make_plain_agent();
        return make_agent();
    }

    std::size_t agents() {
        auto listing = client->list_agents();
        std::size_t count = 0;
        while (await(io, listing.next())) ++count;
        return count;
    }

    /// Nothing is left running in the background.
    void settle() {
        for (int calm = 0; calm < 3; ++calm) {
            run_ready(io);
            (void)agents();
        }
    }

    std::size_t submissions() const {
        const auto& requests = service->requests();
        return static_cast<std::size_t>(std::count_if(requests.begin(), requests.end(), [](const auto& request) {
            return request.path.ends_with("/submit_tool_outputs");
        }));
    }

    /// The response that a fault is for: the first starts the run, the others go on with it.
    static const char* path_of(std::size_t response) {
        return response == 0 ? "/threads/runs" : "/threads/*/runs/*/submit_tool_outputs";
    }
};

bool is_prefix(const std::vector<std::string>& part, const std::vector<std::string>& whole) {
    return part.size() <= whole.size() && std::equal(part.begin(), part.end(), whole.begin());
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(faults, broken)

BOOST_AUTO_TEST_CASE(a_connection_that_breaks_after_any_event_of_any_response) {
    std::size_t tried = 0;
    for (const flow& one : flows()) {
        agent a = prepared(one);
        const std::size_t agents_before = agents();
        const outcome whole = await(io, run_whole(one.start(*this, a)));
        BOOST_TEST_CONTEXT(one.name) {
            BOOST_TEST(!whole.code);
            BOOST_REQUIRE(whole.terminal);
            for (std::size_t response = 0; response != one.streams; ++response) {
                for (const bool resets : {false, true}) {
                    for (std::size_t events = 0;; ++events) {
                        BOOST_TEST_CONTEXT("response " << response << (resets ? " reset" : " cut") << " after event "
                                                       << events) {
                            fault what = resets ? fault::reset() : fault::cut();
                            what.on("POST", path_of(response)).after_events(events);
                            service->inject(what);
                            // The last event is on its way: what happens behind it is nobody's loss.
                            outcome got;
                            try {
                                got = await(io, run_whole(one.start(*this, a)));
                            } catch (const error& failure) {
                                got.code = failure.code();
                            }
                            ++tried;
                            BOOST_TEST(is_prefix(got.names, whole.names));
                            BOOST_TEST(whole.text.starts_with(got.text));
                            if (!got.code) {
                                BOOST_TEST(got.terminal);
                                BOOST_TEST(got.text == whole.text);
                            } else {
                                BOOST_TEST(!got.terminal);
                                BOOST_TEST((got.code == errc::premature_eof || got.code == errc::connection_lost));
                                BOOST_TEST(got.names.size() < whole.names.size());
                            }
                            if (!got.code) break;
                        }
                    }
                }
            }
        }
        settle();
        BOOST_TEST(agents() == agents_before);
    }
    BOOST_TEST(tried > 100u);
    BOOST_TEST_MESSAGE(tried << " breaks tried");
}

BOOST_AUTO_TEST_CASE(a_stream_dropped_after_any_event) {
    std::size_t tried = 0;
    for (const flow& one : flows()) {
        agent a = prepared(one);
        const std::size_t agents_before = agents();
        for (std::size_t events = 0;; ++events) {
            const auto talk = [&]() -> asio::awaitable<bool> {
                event_stream stream = co_await one.start(*this, a);
                for (std::size_t i = 0; i != events; ++i)
                    if (!co_await stream.next()) co_return true;
                co_return false;
            };
            ++tried;
            if (await(io, talk())) break;
        }
        settle();
        BOOST_TEST_CONTEXT(one.name) {
            BOOST_TEST(agents() == agents_before);
        }
        // The connections and the client are as good as new.
        const outcome whole = await(io, run_whole(one.start(*this, a)));
        BOOST_TEST(whole.terminal);
    }
    BOOST_TEST(tried > 50u);
    BOOST_TEST_MESSAGE(tried << " drops tried");
}

BOOST_AUTO_TEST_CASE(a_run_cancelled_after_any_event) {
    std::size_t tried = 0;
    for (const flow& one : flows()) {
        agent a = prepared(one);
        bool cancelled = true;
        for (std::size_t after = 1; cancelled; ++after) {
            cancelled = false;
            const auto talk = [&]() -> asio::awaitable<outcome> {
                outcome all;
                std::size_t taken = 0;
                event_stream stream = co_await one.start(*this, a);
                while (auto arrived = co_await stream.next(all.code)) {
                    take(all, *arrived);
                    if (++taken < after || cancelled || stream.run_id().empty()) continue;
                    cancelled = true;
                    try {
                        co_await stream.cancel_run();
                    } catch (const error& failure) {
                        // The service may have come to the end before the caller has.
                        if (failure.code() != errc::bad_request) throw;
                    }
                }
                co_return all;
            };
            service->forget_requests();
            const outcome got = await(io, talk());
            ++tried;
            BOOST_TEST_CONTEXT(one.name << ", after event " << after) {
                const auto& requests = service->requests();
                BOOST_TEST(cancelled == std::any_of(requests.begin(), requests.end(), [](const auto& request) {
                               return request.path.ends_with("/cancel");
                           }));
                if (got.code) {
                    // Answers on their way when the run is cancelled are refused by the service.
                    BOOST_TEST(got.code == errc::bad_request);
                    BOOST_TEST(!got.terminal);
                } else {
                    BOOST_TEST(got.terminal);
                    const std::string& last = got.names.back();
                    BOOST_TEST((last == "thread.run.cancelled" || last == "thread.run.completed"));
                }
            }
        }
    }
    BOOST_TEST(tried > 50u);
    BOOST_TEST_MESSAGE(tried << " cancellations tried");
}

BOOST_AUTO_TEST_CASE(waiting_cancelled_after_any_event_loses_none) {
    using namespace asio::experimental::awaitable_operators;
    for (const flow& one : flows()) {
        agent a = prepared(one);
        const outcome whole = await(io, run_whole(one.start(*this, a)));
        const auto impatient = [&]() -> asio::awaitable<outcome> {
            outcome all;
            event_stream stream = co_await one.start(*this, a);
            while (true) {
                // A turn of the executor is all the patience there is.
                auto either = co_await (stream.next(all.code) || asio::post(io, asio::use_awaitable));
                if (either.index() == 1) continue;
                auto& arrived = std::get<0>(either);
                if (!arrived) co_return all;
                take(all, *arrived);
            }
        };
        const outcome got = await(io, impatient());
        BOOST_TEST_CONTEXT(one.name) {
            BOOST_TEST(!got.code);
            BOOST_TEST(got.text == whole.text);
            BOOST_TEST(got.names == whole.names, boost::test_tools::per_element());
        }
    }
}

BOOST_AUTO_TEST_CASE(a_submission_refused_in_any_way_is_a_typed_error) {
    struct refusal {
        fault what;
        errc code;
    };
    const char* const submit = "/threads/*/runs/*/submit_tool_outputs";
    const refusal refusals[] = {
        {fault::respond(400).on("POST", submit), errc::bad_request},
        {fault::respond(401).on("POST", submit), errc::unauthorized},
        {fault::respond(404).on("POST", submit), errc::not_found},
        {fault::respond(429).on("POST", submit), errc::rate_limited},
        {fault::respond(500).on("POST", submit), errc::server_failed},
        {fault::respond(200, "<html></html>").on("POST", submit), errc::unexpected_content_type},
        {fault::drop().on("POST", submit), errc::connection_lost}};
    const std::vector<flow> all = flows();
    const flow& one = all[1];
    agent a = prepared(one);
    run_options told;
    told.tools.push_back(function_tool("get_weather", "The weather.", R"({"type":"object","properties":{}})"));
    for (const refusal& each : refusals) {
        BOOST_TEST_CONTEXT(each.code) {
            // By hand: the call's error, and it may be corrected.
            event_stream stream = await(io, a.run_stream("go", {}, told));
            std::vector<event> events = await(io, collect(stream));
            const auto* asked = events.back().get_if<events::action_required>();
            BOOST_REQUIRE(asked);
            submission answers;
            answers.output(asked->action.function_calls.at(0).id, "cold");
            service->inject(each.what);
            BOOST_TEST(failure_of(io, stream.submit(answers)).code() == each.code);
            BOOST_TEST(stream.waits_for_answers());
            if (each.code != errc::connection_lost) {  // then it was accepted after all
                await(io, stream.submit(answers));
                events = await(io, collect(stream));
                BOOST_TEST(events.back().get_if<events::run_completed>());
            }
            // By a handler: the stream's failure.
            service->inject(each.what);
            const outcome got = await(io, run_whole(one.start(*this, a)));
            BOOST_TEST(got.code == each.code);
            BOOST_TEST(!got.terminal);
            BOOST_TEST(got.names.back() == "corun.function_called");
        }
    }
}

BOOST_AUTO_TEST_SUITE_END()
