#include "stream/answering.hpp"

#include "step_fixture.hpp"
#include "stream/actions.hpp"
#include "stream/life.hpp"

#include <asio/post.hpp>
#include <asio/use_awaitable.hpp>
#include <boost/test/unit_test.hpp>

#include <algorithm>

namespace {

using namespace corun;
using namespace corun::test;

required_action calling(std::vector<std::string> functions, int approvals = 0) {
    required_action action;
    for (std::string& each : functions) {
        function_call call;
        call.id = "call_" + each;
        call.name = std::move(each);
        action.function_calls.push_back(std::move(call));
    }
    for (int i = 0; i != approvals; ++i) {
        mcp_approval_request request;
        request.id = "approval_" + std::to_string(i);
        request.name = "tool";
        request.server_label = "server";
        action.mcp_approvals.push_back(std::move(request));
    }
    return action;
}

run_options with_handlers() {
    run_options options;
    options.on_function_call = [](function_call call) -> asio::awaitable<std::string> {
        if (call.name == "throws") throw std::runtime_error("it broke");
        if (call.name == "binary") co_return "\xff";
        co_return "output of " + call.name;
    };
    options.on_mcp_approval = [](mcp_approval_request request) -> asio::awaitable<bool> {
        if (request.id == "approval_9") throw std::runtime_error("nobody there");
        co_return request.id == "approval_0";
    };
    return options;
}

struct fixture : step_fixture {
    fixture() : step_fixture(with_handlers()) {
        stream->fsm.response_accepted();
        (void)stream->fsm.event_arrived(codec::event_class::action);
        protocol->learn();
        stream->fsm.run_exists(run::existence::known);
    }

    submission ask(required_action action) { return await(io, detail::ask_handlers(stream, std::move(action))); }
    submission with_headers(submission answers) {
        detail::run_identity identity;
        identity.run_id = "run_1";
        identity.thread_id = "thread_1";
        identity.action = calling({}, 2);
        return await(io, detail::with_headers(context, identity, std::move(answers), report));
    }

    reconcile_report report;
};

bool answered(const run_options& options, const required_action& action, bool mixed) {
    detail::run_context run;
    run.options.change() = options;
    return detail::handlers_answer(run, action, mixed);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(answering)

BOOST_AUTO_TEST_CASE(handlers_answer_what_they_all_are_for) {
    const run_options all = with_handlers();
    run_options functions_only = all, approvals_only = all;
    functions_only.on_mcp_approval = nullptr;
    approvals_only.on_function_call = nullptr;
    required_action other = calling({"a"});
    other.other_calls.emplace_back();

    BOOST_TEST(answered(all, calling({"a"}), false));
    BOOST_TEST(answered(all, calling({}, 1), false));
    BOOST_TEST(!answered(all, calling({"a"}, 1), false));
    BOOST_TEST(answered(all, calling({"a"}, 1), true));
    BOOST_TEST(!answered(all, calling({}), true));
    BOOST_TEST(!answered(all, other, true));
    BOOST_TEST(!answered(functions_only, calling({}, 1), false));
    BOOST_TEST(!answered(functions_only, calling({"a"}, 1), true));
    BOOST_TEST(!answered(approvals_only, calling({"a"}), false));

    // One that is registered answers for those that are not, unless the caller does.
    run_options some = approvals_only;
    some.functions.emplace_back("a", "A.", "{}", [](const function_call&) { return "x"; });
    BOOST_TEST(answered(some, calling({"a", "b"}), false));
    BOOST_TEST(!answered(some, calling({"a", "b"}, 1), false));
    some.answers_by_hand = true;
    BOOST_TEST(answered(some, calling({"a"}), false));
    BOOST_TEST(!answered(some, calling({"a", "b"}), false));
}

BOOST_FIXTURE_TEST_CASE(a_function_that_nobody_registered_has_an_error_as_its_output, fixture) {
    context->options.change().on_function_call = nullptr;
    context->options.change().functions.emplace_back("a", "A.", "{}", [](const function_call&) { return "x"; });
    const submission answers = ask(calling({"a", "it's"}));
    BOOST_REQUIRE(answers.outputs().size() == 2u);
    BOOST_TEST(answers.outputs()[0].output == "x");
    BOOST_TEST(answers.outputs()[1].output == R"({"error":"there is no function 'it's'"})");
}

BOOST_FIXTURE_TEST_CASE(outputs_and_decisions_go_to_their_calls, fixture) {
    const submission answers = ask(calling({"a", "b"}, 2));
    BOOST_REQUIRE(answers.outputs().size() == 2u);
    BOOST_TEST(answers.outputs()[0].tool_call_id == "call_a");
    BOOST_TEST(answers.outputs()[0].output == "output of a");
    BOOST_TEST(answers.outputs()[1].tool_call_id == "call_b");
    BOOST_REQUIRE(answers.approvals().size() == 2u);
    BOOST_TEST(answers.approvals()[0].tool_call_id == "approval_0");
    BOOST_TEST(answers.approvals()[0].approve);
    BOOST_TEST(!answers.approvals()[1].approve);
}

BOOST_FIXTURE_TEST_CASE(what_a_function_throws_is_its_output, fixture) {
    const submission answers = ask(calling({"throws", "binary"}));
    BOOST_TEST(answers.outputs()[0].output.text().find("it broke") != std::string::npos);
    BOOST_TEST(answers.outputs()[1].output.text().find("not valid UTF-8") != std::string::npos);
}

BOOST_FIXTURE_TEST_CASE(what_an_approval_handler_throws_is_the_error, fixture) {
    required_action action = calling({}, 1);
    action.mcp_approvals[0].id = "approval_9";
    start(detail::ask_handlers(stream, std::move(action)));
    BOOST_TEST(outcome.value() == errc::handler_failed);
    BOOST_TEST(what.find("on_mcp_approval: nobody there") != std::string::npos);
}

BOOST_FIXTURE_TEST_CASE(what_a_handler_did_is_an_event, fixture) {
    stream->fsm.enter(run::phase::answering);
    (void)ask(calling({"a", "throws"}, 2));
    BOOST_TEST(take() == "corun.function_called corun.function_called corun.approval_decided corun.approval_decided");
    // Nobody reads them any more.
    stream->user = detail::stream_state::caller::gone;
    (void)ask(calling({"a"}));
    BOOST_TEST(take().empty());
}

BOOST_FIXTURE_TEST_CASE(a_call_lasts_until_its_handler_has_ended, fixture) {
    std::vector<function_call_record> records;
    client_options settings = defaults();
    settings.observer.on_function_call = [&records](const function_call_record& each) { records.push_back(each); };
    context->api = detail::make_api_client(io.get_executor(), "https://service.example/p",
                                           credential::bearer("planted-secret-token"), settings, transport, clock);
    context->options.change().on_function_call = [this](function_call) -> asio::awaitable<std::string> {
        clock->advance(std::chrono::milliseconds(70));
        std::string output = "slow";
        co_return output;
    };
    make();
    start(detail::ask_handlers(stream, calling({"a"})));
    BOOST_REQUIRE(records.size() == 1u);
    BOOST_TEST((records[0].duration == std::chrono::milliseconds(70)));
    BOOST_TEST(records[0].output == "slow");
    BOOST_TEST(!records[0].error.has_value());
}

BOOST_FIXTURE_TEST_CASE(approvals_are_asked_for_at_once_or_one_by_one, fixture) {
    for (const bool one_by_one : {false, true}) {
        int open = 0, most = 0;
        std::string order;
        context->options.change().approvals_one_by_one = one_by_one;
        context->options.change().on_mcp_approval = [&](mcp_approval_request request) -> asio::awaitable<bool> {
            most = std::max(most, ++open);
            for (int turn = 0; turn != 3; ++turn) co_await asio::post(io.get_executor(), asio::use_awaitable);
            --open;
            order += request.id.back();
            co_return request.id == "approval_1";
        };
        const submission answers = ask(calling({}, 3));
        BOOST_TEST(most == (one_by_one ? 1 : 3));
        BOOST_TEST(order == "012");
        BOOST_REQUIRE(answers.approvals().size() == 3u);
        for (const tool_approval& each : answers.approvals())
            BOOST_TEST(each.approve == (each.tool_call_id == "approval_1"));
    }
}

BOOST_FIXTURE_TEST_CASE(one_by_one_nobody_is_asked_after_a_failure, fixture) {
    int asked = 0;
    context->options.change().approvals_one_by_one = true;
    context->options.change().on_mcp_approval = [&](mcp_approval_request) -> asio::awaitable<bool> {
        if (++asked == 2) throw std::runtime_error("the terminal is gone");
        co_return true;
    };
    start(detail::ask_handlers(stream, calling({}, 3)));
    BOOST_TEST(outcome.value() == errc::handler_failed);
    BOOST_TEST(asked == 2);
}

BOOST_FIXTURE_TEST_CASE(answers_are_sent_and_reported, fixture) {
    protocol->set_action(calling({"a"}));
    stream->fsm.enter(run::phase::answering);
    start(detail::answer(stream));
    BOOST_TEST(logged("answer 1") == 1u);
    BOOST_TEST(path().starts_with("/answers"));
    BOOST_TEST(!outcome.has_value());
    accept();
    BOOST_TEST(outcome.value() == std::error_code());
    BOOST_TEST(stream->report.lines().size() == 1u);
    BOOST_TEST((phase() == run::phase::streaming));
}

BOOST_FIXTURE_TEST_CASE(answers_that_cannot_be_sent_leave_the_run_waiting, fixture) {
    submission answers;
    answers.output("call_a", "x");
    start(detail::submit(stream, answers));
    BOOST_TEST((phase() == run::phase::sending));
    refuse(400);
    BOOST_TEST(outcome.value() == errc::bad_request);
    BOOST_TEST((phase() == run::phase::waiting));
    start(detail::submit(stream, answers));
    accept();
    BOOST_TEST(outcome.value() == std::error_code());
    BOOST_TEST((phase() == run::phase::streaming));
}

BOOST_FIXTURE_TEST_CASE(a_handler_that_fails_ends_the_stream_with_its_reason, fixture) {
    required_action action = calling({}, 1);
    action.mcp_approvals[0].id = "approval_9";
    protocol->set_action(std::move(action));
    stream->fsm.enter(run::phase::answering);
    stream->settle();
    run_ready(io);
    BOOST_TEST(stream->fsm.failure() == errc::handler_failed);
    BOOST_TEST(stream->details.message == "on_mcp_approval: nobody there");
}

BOOST_FIXTURE_TEST_CASE(approvals_carry_the_headers_of_the_run, fixture) {
    context->headers.set("server", "Authorization", "planted-secret-header");
    context->servers.emplace_back("server", "https://mcp.example");
    submission answers;
    answers.approve("approval_0");
    answers.deny("approval_1");
    const submission sent = with_headers(std::move(answers));
    BOOST_REQUIRE(sent.approvals()[0].headers.find("authorization") != nullptr);
    BOOST_TEST(sent.approvals()[0].headers.find("authorization")->reveal() == "planted-secret-header");
    BOOST_TEST(sent.approvals()[1].headers.empty());
    BOOST_REQUIRE(report.lines().size() == 1u);
    BOOST_TEST(report.lines()[0].row == 15);
    BOOST_TEST(report.lines()[0].text.find("those of the run") != std::string::npos);
}

BOOST_FIXTURE_TEST_CASE(a_provider_is_asked_once_for_all_approvals_without_headers, fixture) {
    int asked = 0;
    mcp_header_request request;
    context->servers.emplace_back("server", "https://mcp.example");
    context->provider = [&](mcp_header_request each) -> asio::awaitable<mcp_headers> {
        ++asked;
        request = std::move(each);
        mcp_headers headers;
        headers.set("server", "Authorization", "planted-secret-fresh");
        co_return headers;
    };
    submission answers;
    answers.approve("approval_0");
    answers.approve("approval_1");
    const submission sent = with_headers(std::move(answers));
    BOOST_TEST(asked == 1);
    BOOST_TEST((request.why == mcp_header_request::occasion::approval));
    BOOST_TEST(request.run_id == "run_1");
    BOOST_TEST(request.thread_id == "thread_1");
    BOOST_TEST(request.approvals.size() == 2u);
    BOOST_TEST((request.server_labels == std::vector<std::string>{"server"}));
    for (const tool_approval& each : sent.approvals())
        BOOST_TEST(each.headers.find("Authorization")->reveal() == "planted-secret-fresh");
    BOOST_TEST(report.lines().size() == 2u);
    BOOST_TEST(report.lines()[0].text.find("fresh from their provider") != std::string::npos);
}

BOOST_FIXTURE_TEST_CASE(nobody_is_asked_for_headers_that_no_approval_needs, fixture) {
    context->provider = [](mcp_header_request) -> asio::awaitable<mcp_headers> {
        throw std::runtime_error("asked");
        co_return mcp_headers();
    };
    submission answers;
    answers.deny("approval_0");
    answers.approve("of nothing that is known");
    BOOST_TEST(with_headers(std::move(answers)).approvals().size() == 2u);
    BOOST_TEST(report.lines().empty());
}

BOOST_FIXTURE_TEST_CASE(headers_of_the_callers_own_are_checked, fixture) {
    context->servers.emplace_back("server", "http://mcp.example");
    detail::run_identity identity;
    identity.action = calling({}, 1);
    headers own;
    own.set("Authorization", "planted-secret-own");
    submission answers;
    answers.approve("approval_0", own);
    start(detail::with_headers(context, identity, answers, report));
    BOOST_TEST(outcome.value() == errc::insecure_endpoint);
    context->servers[0] = mcp_tool("server", "https://mcp.example");
    const submission sent = await(io, detail::with_headers(context, identity, answers, report));
    BOOST_TEST(sent.approvals()[0].headers.find("Authorization")->reveal() == "planted-secret-own");
}

BOOST_AUTO_TEST_SUITE_END()
