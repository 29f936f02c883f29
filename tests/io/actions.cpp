// What a run asks for in its middle: functions, approvals, fresh headers. One stream all along.
#include "emulated.hpp"

#include <asio/experimental/awaitable_operators.hpp>
#include <asio/post.hpp>
#include <asio/redirect_error.hpp>
#include <asio/steady_timer.hpp>
#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

using namespace corun;
using namespace corun::test;
using namespace std::chrono_literals;
using emulator::step;
using nlohmann::json;

const char* const city_schema = R"({"type":"object","properties":{"city":{"type":"string"}},"required":["city"]})";

struct table : emulated {
    /// The bodies that were submitted, in order.
    std::vector<json> submissions() const {
        std::vector<json> bodies;
        for (const auto& request : service->requests())
            if (request.path.ends_with("/submit_tool_outputs")) bodies.push_back(json::parse(request.body));
        return bodies;
    }

    std::size_t runs_created() const {
        const auto& requests = service->requests();
        return static_cast<std::size_t>(std::count_if(requests.begin(), requests.end(), [](const auto& request) {
            return request.method == "POST" && request.path.ends_with("/runs");
        }));
    }

    /// Two cities, asked for at once, then one more.
    void script_weather() {
        std::vector<step> steps;
        steps.push_back(step::call_function("get_weather", R"({"city":"Oslo"})"));
        steps.push_back(step::call_function("get_weather", R"({"city":"Rome"})"));
        steps.push_back(step::reply("First {output}. "));
        steps.push_back(step::call_function("get_weather", R"({"city":"Bern"})"));
        steps.push_back(step::reply("Then {output}."));
        service->script("weather", std::move(steps));
    }

    /// The authorizations of the MCP calls of this method, in order.
    std::vector<std::string> tokens_at(const char* method) const {
        std::vector<std::string> tokens;
        for (const auto& call : mcp->calls())
            if (call.method == method) tokens.push_back(call.authorization);
        return tokens;
    }

    static approval_handler approve_all() {
        return [](mcp_approval_request) -> asio::awaitable<bool> { co_return true; };
    }
};

std::string city_of(const function_call& call) {
    return json::parse(call.arguments).at("city").get<std::string>();
}

std::size_t count_of(const std::vector<event>& events, std::string_view name) {
    return static_cast<std::size_t>(
        std::count_if(events.begin(), events.end(), [&](const event& each) { return each.name() == name; }));
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(actions, table)

// Functions.

BOOST_AUTO_TEST_CASE(registered_functions_answer_round_after_round_on_one_stream) {
    script_weather();
    agent a = make_plain_agent();
    run_options options;
    options.functions.emplace_back("get_weather", "The weather in a city.", city_schema,
                                   [](const function_call& call) { return "cold in " + city_of(call); });
    event_stream stream = await(io, a.run_stream("the weather", {}, options));
    const std::vector<event> events = await(io, collect(stream));
    BOOST_REQUIRE(!events.empty());
    BOOST_TEST(events.back().get_if<events::run_completed>());
    BOOST_TEST(count_of(events, "thread.run.requires_action") == 2u);
    BOOST_TEST(count_of(events, "thread.run.created") == 1u);
    BOOST_TEST(text_of(events).find("Then cold in Bern") != std::string::npos);

    const auto sent = submissions();
    BOOST_REQUIRE(sent.size() == 2u);
    BOOST_REQUIRE(sent[0].at("tool_outputs").size() == 2u);
    BOOST_TEST(sent[0].at("tool_outputs")[0].at("output") == "cold in Oslo");
    BOOST_TEST(sent[0].at("tool_outputs")[1].at("output") == "cold in Rome");
    BOOST_TEST(sent[0].at("stream") == true);
    BOOST_TEST(!sent[0].contains("tool_approvals"));

    run_result gathered;
    for (const event& each : events) gathered.apply(each);
    BOOST_TEST((gathered.status == run_state::completed));
    BOOST_TEST(!gathered.required_action.has_value());
    BOOST_TEST(gathered.tool_calls().size() == 3u);
}

BOOST_AUTO_TEST_CASE(functions_asked_for_at_once_run_side_by_side) {
    script_weather();
    agent a = make_plain_agent();
    // Oslo's answer needs Rome's question: one after the other would wait for ever.
    asio::steady_timer rome_asked(io, asio::steady_timer::time_point::max());
    run_options options;
    const function_handler handler = [&rome_asked](function_call call) -> asio::awaitable<std::string> {
        const std::string city = city_of(call);
        if (city == "Oslo") {
            std::error_code woken;
            co_await rome_asked.async_wait(asio::redirect_error(asio::use_awaitable, woken));
        }
        if (city == "Rome") rome_asked.cancel();
        co_return city;
    };
    options.functions.emplace_back("get_weather", "The weather in a city.", city_schema, handler);
    const run_result result = await(io, a.run("the weather", {}, options));
    BOOST_TEST((result.status == run_state::completed));
    const auto sent = submissions();
    BOOST_REQUIRE(sent.size() == 2u);
    BOOST_TEST(sent[0].at("tool_outputs")[0].at("output") == "Oslo");
    BOOST_TEST(sent[0].at("tool_outputs")[1].at("output") == "Rome");
}

BOOST_AUTO_TEST_CASE(a_function_that_throws_tells_the_model_so) {
    script_weather();
    agent a = make_plain_agent();
    run_options options;
    options.functions.emplace_back("get_weather", "The weather in a city.", city_schema,
                                   [](const function_call& call) -> std::string {
                                       if (city_of(call) == "Rome") throw std::runtime_error("no \"Rome\" today");
                                       return "fine";
                                   });
    const run_result result = await(io, a.run("the weather", {}, options));
    BOOST_TEST((result.status == run_state::completed));
    const auto sent = submissions();
    BOOST_REQUIRE(sent.size() == 2u);
    BOOST_TEST(sent[0].at("tool_outputs")[0].at("output") == "fine");
    BOOST_TEST(sent[0].at("tool_outputs")[1].at("output") == R"({"error":"no \"Rome\" today"})");
}

BOOST_AUTO_TEST_CASE(an_output_that_cannot_be_sent_tells_the_model_so) {
    service->script("weather", {step::call_function("get_weather", R"({"city":"Oslo"})"), step::reply("{output}")});
    agent a = make_plain_agent();
    run_options options;
    options.functions.emplace_back("get_weather", "The weather in a city.", city_schema,
                                   [](const function_call&) { return "K\xf6ln"; });
    (void)await(io, a.run("the weather", {}, options));
    BOOST_TEST(submissions().at(0).at("tool_outputs")[0].at("output") ==
               R"({"error":"the output is not valid UTF-8"})");
}

BOOST_AUTO_TEST_CASE(functions_of_the_agent_are_answered_by_the_handler_for_all) {
    service->script("weather", {step::call_function("get_weather", R"({"city":"Oslo"})"), step::reply("{output}")});
    agent_definition definition("gpt-4o");
    definition.tools.push_back(function_tool("get_weather", "The weather in a city.", city_schema));
    agent a = await(io, client->create_agent(std::move(definition)));
    run_options options;
    options.on_function_call = [](function_call call) -> asio::awaitable<std::string> { co_return "in " + call.name; };
    const run_result result = await(io, a.run("the weather", {}, options));
    BOOST_TEST(result.text() == "in get_weather");
}

BOOST_AUTO_TEST_CASE(without_a_handler_for_each_call_the_action_is_the_callers) {
    std::vector<step> steps;
    steps.push_back(step::call_function("get_weather", R"({"city":"Oslo"})"));
    steps.push_back(step::call_function("get_time", "{}"));
    steps.push_back(step::reply("{output}"));
    service->script("weather", std::move(steps));
    agent_definition definition("gpt-4o");
    definition.tools.push_back(function_tool("get_time", "The time.", R"({"type":"object","properties":{}})"));
    agent a = await(io, client->create_agent(std::move(definition)));
    run_options options;
    options.answers_by_hand = true;
    bool called = false;
    options.functions.emplace_back("get_weather", "The weather in a city.", city_schema,
                                   [&called](const function_call&) {
                                       called = true;
                                       return "";
                                   });
    event_stream stream = await(io, a.run_stream("the weather", {}, options));
    std::vector<event> events = await(io, collect(stream));
    BOOST_REQUIRE(events.back().get_if<events::action_required>());
    BOOST_TEST(!called);

    submission answers;
    for (const function_call& call : events.back().get_if<events::action_required>()->action.function_calls)
        answers.output(call.id, call.name + " by hand");
    await(io, stream.submit(answers));
    events = await(io, collect(stream));
    BOOST_TEST(events.back().get_if<events::run_completed>());
    BOOST_TEST(text_of(events).find("get_time by hand") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(functions_and_approvals_mixed_in_one_action_are_the_callers) {
    mcp->accept_token("planted-secret-A");
    service->options().mixed_rounds = true;
    std::vector<step> steps;
    steps.push_back(step::call_function("get_weather", R"({"city":"Oslo"})"));
    steps.push_back(step::call_mcp("reserve_seat", R"({"seat":"1"})"));
    steps.push_back(step::reply("{output}"));
    service->script("trip", std::move(steps));
    agent_definition definition("gpt-4o");
    definition.tools.push_back(mcp_tool("bookings", mcp->url()));
    definition.tools.push_back(function_tool("get_weather", "The weather in a city.", city_schema));
    agent a = await(io, client->create_agent(std::move(definition)));
    run_options options;
    bool asked_handlers = false;
    options.on_mcp_approval = [&](mcp_approval_request) -> asio::awaitable<bool> {
        asked_handlers = true;
        co_return true;
    };
    options.on_function_call = [&](function_call) -> asio::awaitable<std::string> {
        asked_handlers = true;
        co_return "";
    };
    event_stream stream = await(io, a.run_stream("a trip", token("planted-secret-A"), options));
    std::vector<event> events = await(io, collect(stream));
    const auto* asked = events.back().get_if<events::action_required>();
    BOOST_REQUIRE(asked);
    BOOST_TEST(!asked_handlers);
    BOOST_REQUIRE(asked->action.function_calls.size() == 1u);
    BOOST_REQUIRE(asked->action.mcp_approvals.size() == 1u);

    submission answers;
    answers.output(asked->action.function_calls[0].id, "cold").approve(asked->action.mcp_approvals[0].id);
    await(io, stream.submit(answers));
    events = await(io, collect(stream));
    BOOST_TEST(events.back().get_if<events::run_completed>());
    BOOST_TEST(tokens_at("tools/call") == std::vector<std::string>{"Bearer planted-secret-A"},
               boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(an_action_of_an_unknown_kind_is_the_callers) {
    service->script("strange", {step::require_action("submit_signature", R"({"form":"7b"})")});
    agent a = make_plain_agent();
    run_options options;
    options.on_mcp_approval = approve_all();
    options.on_function_call = [](function_call) -> asio::awaitable<std::string> { co_return ""; };
    event_stream stream = await(io, a.run_stream("something strange", {}, options));
    const std::vector<event> events = await(io, collect(stream));
    const auto* asked = events.back().get_if<events::action_required>();
    BOOST_REQUIRE(asked);
    BOOST_TEST(asked->action.type == "submit_signature");
    BOOST_TEST(asked->action.raw.find("7b") != std::string::npos);
    BOOST_TEST(submissions().empty());
    await(io, stream.cancel_run());
}

BOOST_AUTO_TEST_CASE(a_caller_answers_inside_its_loop) {
    script_weather();
    agent_definition definition("gpt-4o");
    definition.tools.push_back(function_tool("get_weather", "The weather in a city.", city_schema));
    agent a = await(io, client->create_agent(std::move(definition)));
    const auto talk = [&a]() -> asio::awaitable<std::string> {
        std::string text;
        event_stream stream = co_await a.run_stream("the weather");
        while (auto arrived = co_await stream.next()) {
            if (const auto* delta = arrived->get_if<events::text_delta>()) text += delta->text;
            const auto* asked = arrived->get_if<events::action_required>();
            if (asked == nullptr) continue;
            submission answers;
            for (const function_call& call : asked->action.function_calls) answers.output(call.id, city_of(call));
            co_await stream.submit(answers);
        }
        co_return text;
    };
    const std::string text = await(io, talk());
    BOOST_TEST(text.find("Then Bern.") != std::string::npos);
    BOOST_TEST(submissions().size() == 2u);
}

// Submitting by hand.

BOOST_AUTO_TEST_CASE(what_cannot_be_submitted_is_refused_before_it_is_sent) {
    agent a = make_plain_agent();
    event_stream stream = await(io, a.run_stream("hello"));
    submission answers;
    BOOST_TEST(failure_of(io, stream.submit(answers)).code() == errc::invalid_argument);
    answers.output("call_1", "late");
    BOOST_TEST(failure_of(io, stream.submit(answers)).code() == errc::invalid_argument);
    (void)await(io, collect(stream));
    BOOST_TEST(failure_of(io, stream.submit(answers)).code() == errc::invalid_argument);
    event_stream none;
    BOOST_TEST(failure_of(io, none.submit(answers)).code() == errc::invalid_argument);
    BOOST_TEST(submissions().empty());
}

BOOST_AUTO_TEST_CASE(a_stale_answer_is_the_services_error_and_may_be_corrected) {
    service->script("weather", {step::call_function("get_weather", R"({"city":"Oslo"})"), step::reply("{output}")});
    agent_definition definition("gpt-4o");
    definition.tools.push_back(function_tool("get_weather", "The weather in a city.", city_schema));
    agent a = await(io, client->create_agent(std::move(definition)));
    run_options options;
    options.answers_by_hand = true;
    event_stream stream = await(io, a.run_stream("the weather", {}, options));
    std::vector<event> events = await(io, collect(stream));
    const auto* asked = events.back().get_if<events::action_required>();
    BOOST_REQUIRE(asked);

    submission stale;
    stale.output("call_of_another_round", "x");
    const error refused = failure_of(io, stream.submit(stale));
    BOOST_TEST(refused.code() == errc::bad_request);
    BOOST_TEST(refused.status() == 400);
    BOOST_TEST(!refused.service_message().empty());
    BOOST_TEST(!await(io, stream.next()).has_value());

    submission right;
    right.output(asked->action.function_calls.at(0).id, "sunny");
    await(io, stream.submit(right));
    events = await(io, collect(stream));
    BOOST_TEST(text_of(events) == "sunny");
}

BOOST_AUTO_TEST_CASE(an_answer_that_comes_too_late_is_the_services_error) {
    service->script("weather", {step::call_function("get_weather", R"({"city":"Oslo"})"), step::reply("{output}")});
    agent_definition definition("gpt-4o");
    definition.tools.push_back(function_tool("get_weather", "The weather in a city.", city_schema));
    agent a = await(io, client->create_agent(std::move(definition)));
    event_stream stream = await(io, a.run_stream("the weather"));
    const std::vector<event> events = await(io, collect(stream));
    *moved += 2h;
    submission answers;
    answers.output(events.back().get_if<events::action_required>()->action.function_calls.at(0).id, "sunny");
    const error refused = failure_of(io, stream.submit(answers));
    BOOST_TEST(refused.code() == errc::bad_request);
    BOOST_TEST(refused.service_message().find("expired") != std::string::npos);
}

// Approvals, and the headers that they carry.

BOOST_AUTO_TEST_CASE(an_approval_carries_the_headers_of_the_run) {
    mcp->accept_token("planted-secret-A");
    agent a = make_agent();
    run_options options;
    options.on_mcp_approval = approve_all();
    event_stream stream = await(io, a.run_stream("Book seat 14A", token("planted-secret-A"), options));
    const std::vector<event> events = await(io, collect(stream));
    BOOST_TEST(events.back().get_if<events::run_completed>());
    BOOST_TEST(text_of(events).find("seat 14A is yours") != std::string::npos);
    const auto sent = submissions();
    BOOST_REQUIRE(sent.size() == 1u);
    BOOST_TEST(sent[0].at("tool_approvals")[0].at("approve") == true);
    BOOST_TEST(sent[0].at("tool_approvals")[0].at("headers").at("Authorization") == "Bearer planted-secret-A");
    BOOST_REQUIRE(!stream.report().lines().empty());
    const auto& said = stream.report().lines().back();
    BOOST_TEST(said.row == 15);
    BOOST_TEST(said.text ==
               "The approval of 'reserve_seat' at MCP server 'bookings' is sent with the headers Authorization, those "
               "of the run.");
}

BOOST_AUTO_TEST_CASE(a_call_that_is_denied_carries_nothing_and_the_run_goes_on) {
    mcp->accept_token("planted-secret-A");
    agent a = make_agent();
    run_options options;
    options.on_mcp_approval = [](mcp_approval_request request) -> asio::awaitable<bool> {
        BOOST_TEST(request.server_label == "bookings");
        BOOST_TEST(request.name == "reserve_seat");
        co_return false;
    };
    const run_result result = await(io, a.run("Book seat 14A", token("planted-secret-A"), options));
    BOOST_TEST((result.status == run_state::completed));
    const auto sent = submissions();
    BOOST_REQUIRE(sent.size() == 1u);
    BOOST_TEST(sent[0].at("tool_approvals")[0].at("approve") == false);
    BOOST_TEST(!sent[0].at("tool_approvals")[0].contains("headers"));
    BOOST_TEST(tokens_at("tools/call").empty());
}

BOOST_AUTO_TEST_CASE(a_run_outlives_its_token_when_a_provider_gives_fresh_ones) {
    mcp->accept_token("planted-secret-1", now() + 10min);
    mcp->accept_token("planted-secret-2", now() + 3h);
    agent a = make_agent();
    std::vector<mcp_header_request> asked;
    const mcp_header_provider provider = [&](mcp_header_request request) -> asio::awaitable<mcp_headers> {
        asked.push_back(request);
        co_return token("planted-secret-" + std::to_string(asked.size()));
    };
    run_options options;
    options.on_mcp_approval = [&](mcp_approval_request) -> asio::awaitable<bool> {
        *moved += 20min;  // somebody thinks it over
        co_return true;
    };
    event_stream stream = await(io, a.run_stream("Book seat 14A", provider, options));
    const std::vector<event> events = await(io, collect(stream));
    BOOST_TEST(events.back().get_if<events::run_completed>());
    BOOST_TEST(text_of(events).find("seat 14A is yours") != std::string::npos);

    BOOST_REQUIRE(asked.size() == 2u);
    BOOST_TEST((asked[0].why == mcp_header_request::occasion::run_start));
    BOOST_TEST(asked[0].server_labels == std::vector<std::string>{"bookings"}, boost::test_tools::per_element());
    BOOST_TEST(asked[0].run_id.empty());
    BOOST_TEST((asked[1].why == mcp_header_request::occasion::approval));
    BOOST_TEST(asked[1].server_labels == std::vector<std::string>{"bookings"}, boost::test_tools::per_element());
    BOOST_TEST(asked[1].run_id == stream.run_id());
    BOOST_TEST(asked[1].thread_id == stream.thread_id());
    BOOST_REQUIRE(asked[1].approvals.size() == 1u);
    BOOST_TEST(asked[1].approvals[0].name == "reserve_seat");

    for (const std::string& seen : tokens_at("tools/list")) BOOST_TEST(seen == "Bearer planted-secret-1");
    const auto calls = tokens_at("tools/call");
    BOOST_REQUIRE(calls.size() == 1u);
    BOOST_TEST(calls[0] == "Bearer planted-secret-2");
    BOOST_TEST(stream.report().lines().front().row == 16);
}

BOOST_AUTO_TEST_CASE(each_approval_carries_the_headers_of_its_own_server_only) {
    emulator::mcp_server_options other_options;
    other_options.clock = now;
    emulator::mcp_server other(io, std::move(other_options));
    other.accept_token("planted-secret-hotels");
    other.add_tool("book_room", "Books a room.", R"({"type":"object","properties":{}})",
                   [](std::string_view) { return std::string("room 7"); });
    mcp->accept_token("planted-secret-bookings");
    agent_definition definition("gpt-4o");
    definition.tools.push_back(mcp_tool("bookings", mcp->url()));
    definition.tools.push_back(mcp_tool("hotels", other.url()));
    agent a = await(io, client->create_agent(std::move(definition)));
    std::vector<step> steps;
    steps.push_back(step::call_mcp("reserve_seat", R"({"seat":"1"})", "bookings"));
    steps.push_back(step::call_mcp("book_room", "{}", "hotels"));
    steps.push_back(step::reply("{output}"));
    service->script("trip", std::move(steps));

    const mcp_header_provider provider = [](mcp_header_request) -> asio::awaitable<mcp_headers> {
        mcp_headers all;
        all.set("bookings", "Authorization", "Bearer planted-secret-bookings");
        all.set("hotels", "Authorization", "Bearer planted-secret-hotels");
        co_return all;
    };
    run_options options;
    options.on_mcp_approval = approve_all();
    const run_result result = await(io, a.run("a trip", provider, options));
    BOOST_TEST((result.status == run_state::completed));
    const auto& lines = result.report.lines();
    BOOST_TEST(std::count_if(lines.begin(), lines.end(), [](const auto& line) { return line.row == 15; }) == 2);
    std::size_t approvals = 0;
    for (const json& body : submissions()) {
        for (const json& approval : body.at("tool_approvals")) {
            BOOST_TEST(approval.at("headers").size() == 1u);
            ++approvals;
        }
    }
    BOOST_TEST(approvals == 2u);
    for (const auto& call : mcp->calls()) BOOST_TEST(call.authorization == "Bearer planted-secret-bookings");
    for (const auto& call : other.calls()) BOOST_TEST(call.authorization == "Bearer planted-secret-hotels");
}

BOOST_AUTO_TEST_CASE(headers_given_with_one_approval_are_for_that_call) {
    mcp->accept_token("planted-secret-A");
    mcp->accept_token("planted-secret-for-the-call");
    agent a = make_agent();
    event_stream stream = await(io, a.run_stream("Book seat 14A", token("planted-secret-A")));
    std::vector<event> events = await(io, collect(stream));
    const auto* asked = events.back().get_if<events::action_required>();
    BOOST_REQUIRE(asked);
    submission bad;
    bad.approve(asked->action.mcp_approvals.at(0).id, headers({"X-Bad", "a\nb"}));
    BOOST_TEST(failure_of(io, stream.submit(bad)).code() == errc::invalid_header);
    BOOST_TEST(submissions().empty());
    submission answers;
    answers.approve(asked->action.mcp_approvals.at(0).id,
                    headers({"Authorization", "Bearer planted-secret-for-the-call"}));
    await(io, stream.submit(answers));
    events = await(io, collect(stream));
    BOOST_TEST(events.back().get_if<events::run_completed>());
    BOOST_TEST(tokens_at("tools/call") == std::vector<std::string>{"Bearer planted-secret-for-the-call"},
               boost::test_tools::per_element());
}

// A run picked up again, as by another process.

BOOST_AUTO_TEST_CASE(a_run_that_waits_is_answered_and_streamed_from_its_thread) {
    mcp->accept_token("planted-secret-1", now() + 10min);
    mcp->accept_token("planted-secret-2");
    agent a = make_agent();
    std::string thread_id, run_id, call_id;
    run_options options;
    options.on_abandon = abandoned_run::goes_on;
    {
        event_stream stream = await(io, a.run_stream("Book seat 14A", token("planted-secret-1"), options));
        const std::vector<event> events = await(io, collect(stream));
        const auto* asked = events.back().get_if<events::action_required>();
        BOOST_REQUIRE(asked);
        thread_id = stream.thread_id();
        run_id = stream.run_id();
        call_id = asked->action.mcp_approvals.at(0).id;
    }
    *moved += 20min;
    agent_thread t = await(io, client->get_thread(thread_id));
    submission answers;
    answers.approve(call_id);
    event_stream stream = await(io, t.submit_stream(run_id, answers, token("planted-secret-2")));
    BOOST_TEST(stream.run_id() == run_id);
    BOOST_TEST(stream.thread_id() == thread_id);
    const std::vector<event> events = await(io, collect(stream));
    BOOST_TEST(events.back().get_if<events::run_completed>());
    BOOST_TEST(text_of(events).find("seat 14A is yours") != std::string::npos);
    BOOST_TEST(tokens_at("tools/call") == std::vector<std::string>{"Bearer planted-secret-2"},
               boost::test_tools::per_element());

    // It has ended: the service says so.
    BOOST_TEST(failure_of(io, t.submit_stream(run_id, answers)).code() == errc::bad_request);
    BOOST_TEST(failure_of(io, t.submit_stream("run_none", answers)).code() == errc::not_found);
    BOOST_CHECK_THROW((void)agent_thread().submit_stream("run_1", answers), error);
}

BOOST_AUTO_TEST_CASE(a_run_is_created_answered_and_waited_for_without_a_stream) {
    script_weather();
    agent_definition definition("gpt-4o");
    definition.tools.push_back(function_tool("get_weather", "The weather in a city.", city_schema));
    agent a = await(io, client->create_agent(std::move(definition)));
    agent_thread t = await(io, client->create_thread());
    thread_run run = await(io, a.create_run(t, "the weather"));
    int rounds = 0;
    while (!is_terminal(run.status)) {
        run = await(io, t.wait_for_run(run.id));
        if (run.status != run_state::requires_action) continue;
        ++rounds;
        submission answers;
        for (const function_call& call : run.required_action->function_calls) answers.output(call.id, city_of(call));
        run = await(io, t.submit(run.id, answers));
    }
    BOOST_TEST((run.status == run_state::completed));
    BOOST_TEST(rounds == 2);
    for (const json& body : submissions()) BOOST_TEST(body.at("stream") == false);

    submission bad;
    bad.approve("call_1", headers({"X-Bad", "a\nb"}));
    BOOST_TEST(failure_of(io, t.submit(run.id, bad)).code() == errc::invalid_header);
    BOOST_TEST(failure_of(io, t.submit(run.id, submission())).code() == errc::invalid_argument);
}

// A provider that fails.

BOOST_AUTO_TEST_CASE(a_provider_that_throws_stops_the_run_before_anything_is_sent) {
    agent a = make_agent();
    service->forget_requests();
    const mcp_header_provider provider = [](mcp_header_request) -> asio::awaitable<mcp_headers> {
        throw std::runtime_error("the vault is sealed");
        co_return mcp_headers();
    };
    const error failure = failure_of(io, a.run_stream("Book", provider));
    BOOST_TEST(failure.code() == errc::mcp_headers_failed);
    BOOST_TEST(std::string(failure.what()).find("the vault is sealed") != std::string::npos);
    const mcp_header_provider at_once = [](const mcp_header_request&) -> asio::awaitable<mcp_headers> {
        throw std::runtime_error("no coroutine was made");
    };
    BOOST_TEST(failure_of(io, a.run_stream("Book", at_once)).code() == errc::mcp_headers_failed);
    BOOST_TEST(service->requests().empty());
}

BOOST_AUTO_TEST_CASE(a_provider_that_names_an_unknown_server_stops_the_run_before_anything_is_sent) {
    agent a = make_agent();
    service->forget_requests();
    const mcp_header_provider provider = [](mcp_header_request) -> asio::awaitable<mcp_headers> {
        mcp_headers wrong;
        wrong.set("booking", "Authorization", "Bearer x");
        co_return wrong;
    };
    const error failure = failure_of(io, a.run_stream("Book", provider));
    BOOST_TEST(failure.code() == errc::unknown_server_label);
    BOOST_TEST(service->requests().empty());
}

BOOST_AUTO_TEST_CASE(a_provider_that_fails_at_an_approval_ends_the_stream_with_nothing_sent) {
    mcp->accept_token("planted-secret-1");
    for (const int kind : {0, 1}) {
        agent a = make_agent();
        const mcp_header_provider provider = [kind](mcp_header_request request) -> asio::awaitable<mcp_headers> {
            if (request.why == mcp_header_request::occasion::run_start) co_return token("planted-secret-1");
            if (kind == 0) throw std::runtime_error("gone");
            mcp_headers wrong;
            wrong.set("nobody", "X", "1");
            co_return wrong;
        };
        run_options options;
        options.on_mcp_approval = approve_all();
        event_stream stream = await(io, a.run_stream("Book seat 14A", provider, options));
        std::error_code code;
        bool asked = false;
        while (auto arrived = await(io, stream.next(code))) asked = asked || arrived->get_if<events::action_required>();
        BOOST_TEST(asked);
        BOOST_TEST(code == (kind == 0 ? errc::mcp_headers_failed : errc::unknown_server_label));
        BOOST_TEST(submissions().empty());
        service->forget_requests();
    }
}

BOOST_AUTO_TEST_CASE(a_handler_that_throws_at_an_approval_ends_the_stream_with_its_words) {
    mcp->accept_token("planted-secret-1");
    agent a = make_agent();
    run_options options;
    options.on_mcp_approval = [](mcp_approval_request) -> asio::awaitable<bool> {
        throw std::runtime_error("nobody is at the desk");
        co_return true;
    };
    try {
        (void)await(io, a.run("Book seat 14A", token("planted-secret-1"), options));
        BOOST_FAIL("it must fail");
    } catch (const run_error& failure) {
        BOOST_TEST(failure.code() == errc::handler_failed);
        BOOST_TEST(std::string(failure.what()).find("nobody is at the desk") != std::string::npos);
        BOOST_TEST((failure.result().status == run_state::requires_action));
    }
    BOOST_TEST(submissions().empty());
}

// A token that the MCP server refuses.

BOOST_AUTO_TEST_CASE(a_refused_token_is_asked_for_once_more_and_the_run_begun_again) {
    mcp->accept_token("planted-secret-fresh");
    for (const bool in_thread : {false, true}) {
        agent a = make_agent();
        service->forget_requests();
        std::vector<mcp_header_request> asked;
        const mcp_header_provider provider = [&](mcp_header_request request) -> asio::awaitable<mcp_headers> {
            asked.push_back(request);
            co_return token(request.why == mcp_header_request::occasion::rejected_token ? "planted-secret-fresh"
                                                                                        : "planted-secret-stale");
        };
        std::vector<event> events;
        agent_thread t;
        if (in_thread) {
            t = await(io, client->create_thread());
            events = await(io, collect(a.run_stream(t, "Book seat 14A", provider, without_approvals())));
        } else {
            events = await(io, collect(a.run_stream("Book seat 14A", provider, without_approvals())));
            t = await(io, client->get_thread(asked.at(1).thread_id));
        }
        BOOST_REQUIRE(asked.size() == 2u);
        BOOST_TEST((asked[1].why == mcp_header_request::occasion::rejected_token));
        BOOST_TEST(!asked[1].run_id.empty());
        BOOST_TEST(events.back().get_if<events::run_completed>());
        BOOST_TEST(count_of(events, "thread.run.created") == 2u);
        BOOST_TEST(count_of(events, "corun.run_restarted") == 1u);
        BOOST_TEST(count_of(events, "thread.run.failed") == 0u);
        for (const event& each : events)
            if (const auto* restarted = each.get_if<events::run_restarted>()) {
                BOOST_TEST(restarted->run.id == asked[1].run_id);
                BOOST_REQUIRE(restarted->run.last_error.has_value());
                BOOST_TEST(restarted->run.last_error->message.find("401") != std::string::npos);
            }
        // The user has said it once.
        auto messages = t.list_messages();
        std::size_t said = 0;
        while (auto each = await(io, messages.next())) said += each->role == "user";
        BOOST_TEST(said == 1u);
        run_result gathered;
        for (const event& each : events) gathered.apply(each);
        BOOST_TEST((gathered.status == run_state::completed));
        BOOST_TEST(!gathered.last_error.has_value());
        BOOST_TEST(gathered.run_id != asked[1].run_id);
    }
}

BOOST_AUTO_TEST_CASE(a_token_refused_twice_is_the_runs_failure) {
    agent a = make_agent();
    int asked = 0;
    const mcp_header_provider provider = [&](mcp_header_request) -> asio::awaitable<mcp_headers> {
        ++asked;
        co_return token("planted-secret-stale");
    };
    const std::vector<event> events = await(io, collect(a.run_stream("Book", provider, without_approvals())));
    BOOST_TEST(asked == 2);
    BOOST_TEST(runs_created() == 2u);
    BOOST_TEST(events.back().get_if<events::run_failed>());
}

BOOST_AUTO_TEST_CASE(a_run_is_not_begun_again_once_it_has_done_something) {
    mcp->accept_token("planted-secret-1", now() + 10min);
    agent a = make_agent();
    std::vector<step> steps;
    steps.push_back(step::reply("I shall see. "));
    steps.push_back(step::call_mcp("reserve_seat", R"({"seat":"1"})"));
    steps.push_back(step::reply("{output}"));
    service->script("seat", std::move(steps));
    int asked = 0;
    const mcp_header_provider provider = [&](mcp_header_request request) -> asio::awaitable<mcp_headers> {
        ++asked;
        if (request.why == mcp_header_request::occasion::approval) *moved += 20min;
        co_return token("planted-secret-1");
    };
    run_options options;
    options.on_mcp_approval = approve_all();
    const std::vector<event> events = await(io, collect(a.run_stream("a seat", provider, options)));
    BOOST_TEST(asked == 2);  // at the start and for the approval
    BOOST_TEST(runs_created() == 1u);
    BOOST_TEST(events.back().get_if<events::run_failed>());
}

BOOST_AUTO_TEST_CASE(headers_given_once_are_not_asked_for_again) {
    agent a = make_agent();
    const std::vector<event> events =
        await(io, collect(a.run_stream("Book", token("planted-secret-stale"), without_approvals())));
    BOOST_TEST(runs_created() == 1u);
    BOOST_TEST(events.back().get_if<events::run_failed>());
}

BOOST_AUTO_TEST_CASE(a_provider_that_fails_when_asked_again_leaves_the_failure_of_the_run) {
    agent a = make_agent();
    const mcp_header_provider provider = [](mcp_header_request request) -> asio::awaitable<mcp_headers> {
        if (request.why == mcp_header_request::occasion::rejected_token) throw std::runtime_error("gone");
        co_return token("planted-secret-stale");
    };
    try {
        (void)await(io, a.run("Book", provider, without_approvals()));
        BOOST_FAIL("it must fail");
    } catch (const run_error& failure) {
        BOOST_TEST(failure.code() == errc::mcp_headers_failed);
        BOOST_TEST((failure.result().status == run_state::failed));
        BOOST_REQUIRE(failure.result().last_error.has_value());
        BOOST_TEST(failure.result().last_error->message.find("401") != std::string::npos);
    }
    BOOST_TEST(runs_created() == 1u);
}

// Many at once.

BOOST_AUTO_TEST_CASE(the_headers_of_two_hundred_users_at_once_never_mix) {
    constexpr int users = 200;
    agent a = make_agent();
    for (int user = 0; user < users; ++user) mcp->accept_token("planted-secret-of-" + std::to_string(user) + "-end");
    std::vector<std::string> run_ids(users);
    int completed = 0;
    const auto talk = [&](int user) -> asio::awaitable<int> {
        const std::string mine = "planted-secret-of-" + std::to_string(user) + "-end";
        const mcp_header_provider provider = [mine](mcp_header_request) -> asio::awaitable<mcp_headers> {
            co_await asio::post(asio::use_awaitable);
            co_return token(mine);
        };
        run_options options;
        options.on_mcp_approval = approve_all();
        event_stream stream = co_await a.run_stream("Book seat " + std::to_string(user), provider, options);
        while (auto arrived = co_await stream.next()) completed += arrived->get_if<events::run_completed>() != nullptr;
        run_ids[static_cast<std::size_t>(user)] = stream.run_id();
        co_return user;
    };
    int finished = 0;
    std::exception_ptr failure;
    for (int user = 0; user < users; ++user)
        asio::co_spawn(io, talk(user), [&](std::exception_ptr e, int) {
            if (e) failure = e;
            ++finished;
        });
    run_until(io, [&] { return finished == users; });
    if (failure) std::rethrow_exception(failure);
    BOOST_TEST(completed == users);

    std::map<std::string, int> user_of;
    for (int user = 0; user < users; ++user) user_of[run_ids[static_cast<std::size_t>(user)]] = user;
    BOOST_TEST(user_of.size() == static_cast<std::size_t>(users));
    std::map<int, int> calls;
    for (const auto& request : service->mcp_requests()) {
        const auto owner = user_of.find(request.run_id);
        BOOST_REQUIRE((owner != user_of.end()));
        BOOST_TEST(request.header("Authorization") ==
                   "Bearer planted-secret-of-" + std::to_string(owner->second) + "-end");
        calls[owner->second] += request.method == "tools/call";
    }
    BOOST_TEST(calls.size() == static_cast<std::size_t>(users));
    for (const auto& [user, count] : calls) BOOST_TEST(count == 1);
    await(io, a.refresh());
    BOOST_TEST(a.definition().raw.find("planted-secret-of-") == std::string::npos);
}

// Cancellation.

BOOST_AUTO_TEST_CASE(a_run_cancelled_while_it_waits_comes_to_its_end_on_the_stream) {
    script_weather();
    agent_definition definition("gpt-4o");
    definition.tools.push_back(function_tool("get_weather", "The weather in a city.", city_schema));
    agent a = await(io, client->create_agent(std::move(definition)));
    for (const bool by_hand : {true, false}) {
        run_options options;
        bool begun = false, ended = false;
        if (!by_hand)
            options.on_function_call = [&](function_call) -> asio::awaitable<std::string> {
                asio::steady_timer never(io, asio::steady_timer::time_point::max());
                std::error_code woken;
                begun = true;
                co_await never.async_wait(asio::redirect_error(asio::use_awaitable, woken));
                ended = true;
                co_return "too late";
            };
        event_stream stream = await(io, a.run_stream("the weather", {}, options));
        if (by_hand) {
            BOOST_TEST(await(io, collect(stream)).back().get_if<events::action_required>());
            BOOST_TEST(stream.waits_for_answers());
        } else {
            run_until(io, [&] { return begun; });
            BOOST_TEST(!stream.waits_for_answers());
        }
        await(io, stream.cancel_run());
        const std::vector<event> events = await(io, collect(stream));
        BOOST_REQUIRE(!events.empty());
        BOOST_TEST(events.back().get_if<events::run_cancelled>());
        if (!by_hand) run_until(io, [&] { return ended; });
    }
    BOOST_TEST(submissions().empty());
}

BOOST_AUTO_TEST_CASE(a_handler_returns_what_the_protocol_has_no_place_for) {
    script_weather();
    run_options image, denial;
    image.functions.emplace_back("get_weather", "The weather in a city.", city_schema, [](const function_call&) {
        return std::vector{content_block::image_url("https://weather.example/map.png")};
    });
    agent plain = make_plain_agent();
    BOOST_CHECK(failure_of(io, plain.run("the weather", image)).code() == errc::invalid_argument);
    mcp->accept_token("planted-secret-A");
    service->script("book", {step::call_mcp("reserve_seat", R"({"seat":"14A"})")});
    denial.on_mcp_approval = [](const mcp_approval_request&) { return approval_decision::deny("too expensive"); };
    agent booking = make_agent();
    BOOST_CHECK(failure_of(io, booking.run("book", token("planted-secret-A"), denial)).code() ==
                errc::invalid_argument);
    BOOST_TEST(submissions().empty());
}

BOOST_AUTO_TEST_CASE(destroying_the_stream_cancels_the_handlers_at_work) {
    script_weather();
    agent a = make_plain_agent();
    int begun = 0;
    int ended = 0;
    const function_handler handler = [&](function_call) -> asio::awaitable<std::string> {
        asio::steady_timer never(io, asio::steady_timer::time_point::max());
        std::error_code woken;
        ++begun;
        co_await never.async_wait(asio::redirect_error(asio::use_awaitable, woken));
        ++ended;
        co_return "";
    };
    run_options options;
    options.functions.emplace_back("get_weather", "The weather in a city.", city_schema, handler);
    {
        event_stream stream = await(io, a.run_stream("the weather", {}, options));
        run_until(io, [&] { return begun == 2; });
    }
    run_until(io, [&] { return ended == 2; });
    run_ready(io);
    BOOST_TEST(submissions().empty());
}

BOOST_AUTO_TEST_CASE(cancelling_next_leaves_the_handlers_alone) {
    using namespace asio::experimental::awaitable_operators;
    service->script("weather", {step::call_function("get_weather", R"({"city":"Oslo"})"), step::reply("{output}")});
    agent a = make_plain_agent();
    asio::steady_timer permission(io, asio::steady_timer::time_point::max());
    int calls = 0;
    const function_handler handler = [&](function_call) -> asio::awaitable<std::string> {
        std::error_code woken;
        ++calls;
        co_await permission.async_wait(asio::redirect_error(asio::use_awaitable, woken));
        co_return "sunny";
    };
    run_options options;
    options.functions.emplace_back("get_weather", "The weather in a city.", city_schema, handler);
    event_stream stream = await(io, a.run_stream("the weather", {}, options));
    std::vector<event> events;
    const auto watch = [&]() -> asio::awaitable<int> {
        int given_up = 0;
        while (true) {
            asio::steady_timer patience(io, 1ms);
            auto either = co_await (stream.next() || patience.async_wait(asio::use_awaitable));
            if (either.index() == 1) {
                ++given_up;
                if (calls == 1) permission.cancel();
                continue;
            }
            auto& arrived = std::get<0>(either);
            if (!arrived) co_return given_up;
            events.push_back(std::move(*arrived));
        }
    };
    (void)await(io, watch());
    BOOST_TEST(calls == 1);
    BOOST_TEST(text_of(events) == "sunny");
}

BOOST_AUTO_TEST_SUITE_END()
