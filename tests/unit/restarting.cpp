#include "stream/restarting.hpp"

#include "step_fixture.hpp"
#include "stream/life.hpp"

#include <boost/test/unit_test.hpp>

namespace {

using namespace corun;
using namespace corun::test;
using namespace std::chrono_literals;
using reason = run::restart_policy::reason;

struct fixture : step_fixture {
    fixture() { fail_run(reason::rejected_token, 0ms); }

    void fail_run(reason why, std::chrono::milliseconds delay) {
        make();
        protocol->learn();
        stream->fsm.response_accepted();
        stream->fsm.run_exists(run::existence::known);
        stream->fsm.enter(run::phase::restarting);
        stream->failed.emplace(detail::failed_run{"failed", "{}", {why, delay}});
        stream->report.set_request("/first", "{}");
    }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(restarting)

BOOST_FIXTURE_TEST_CASE(another_run_takes_the_place_of_the_failed_one, fixture) {
    stream->restarts.run_had_effect();
    start(detail::restart(stream));
    BOOST_TEST(logged("prepare restart") == 1u);
    BOOST_TEST((protocol->prepared_for.why == mcp_header_request::occasion::rejected_token));
    BOOST_TEST(protocol->prepared_for.run_id == "run_1");
    BOOST_TEST(protocol->prepared_for.thread_id == "thread_1");
    BOOST_TEST(path().starts_with("/again"));
    BOOST_TEST(!stream->failed.has_value());
    BOOST_TEST(stream->report.path() == "/again");
    BOOST_TEST(stream->report.body() == "{\"shown\":1}");
    BOOST_REQUIRE(stream->report.lines().size() == 1u);
    BOOST_TEST(stream->report.lines()[0].row == 7);
    BOOST_TEST(stream->secrets.redacted("planted-secret-again") == "***");
    BOOST_TEST((stream->fsm.existence() == run::existence::possible));
    accept();
    BOOST_TEST(outcome.value() == std::error_code());
    BOOST_TEST((phase() == run::phase::streaming));
    protocol->log.clear();
    BOOST_TEST(take() == "corun.run_restarted");
    BOOST_TEST(protocol->log.empty());
}

BOOST_FIXTURE_TEST_CASE(the_caller_learns_of_it_before_the_response_begins, fixture) {
    start(stream->arrival.wait());
    asio::co_spawn(io, detail::restart(stream), [](std::exception_ptr) {});
    run_ready(io);
    BOOST_TEST(outcome.has_value());
    transfer();
}

BOOST_FIXTURE_TEST_CASE(after_a_rate_limit_the_next_run_is_begun_in_its_time, fixture) {
    fail_run(reason::rate_limit, 20s);
    start(detail::restart(stream));
    BOOST_TEST(protocol->log.empty());
    wait(19'999ms);
    BOOST_TEST(protocol->log.empty());
    wait(1ms);
    BOOST_TEST((protocol->prepared_for.why == mcp_header_request::occasion::run_start));
    accept();
    BOOST_TEST(outcome.value() == std::error_code());
}

BOOST_FIXTURE_TEST_CASE(a_run_that_cannot_be_begun_again_failed, fixture) {
    protocol->prepare_failure = std::make_exception_ptr(failed_with(errc::mcp_headers_failed));
    start(detail::restart(stream));
    BOOST_TEST(outcome.value() == errc::mcp_headers_failed);
    BOOST_TEST(take() == "failed");
    BOOST_TEST(!stream->failed.has_value());

    fail_run(reason::rejected_token, 0ms);
    protocol->prepare_failure = std::make_exception_ptr(failed_with(errc::mcp_headers_failed));
    stream->settle();
    run_ready(io);
    BOOST_TEST(take() == "failed");
    BOOST_TEST(stream->fsm.failure() == errc::mcp_headers_failed);
}

BOOST_FIXTURE_TEST_CASE(a_request_that_is_refused_is_not_the_failure_of_the_run_before, fixture) {
    stream->settle();
    run_ready(io);
    refuse(400);
    BOOST_TEST(stream->fsm.failure() == errc::bad_request);
    BOOST_TEST(take() == "corun.run_restarted");
}

BOOST_FIXTURE_TEST_CASE(a_restart_that_is_cancelled_leaves_the_failure_as_the_end, fixture) {
    fail_run(reason::rate_limit, 20s);
    stream->settle();
    run_ready(io);
    stream->cancel_life();
    run_ready(io);
    BOOST_TEST((phase() == run::phase::over));
    BOOST_TEST(!stream->fsm.failure());
    BOOST_TEST(take() == "failed");
}

BOOST_FIXTURE_TEST_CASE(nobody_is_told_who_has_left, fixture) {
    protocol->prepare_failure = std::make_exception_ptr(failed_with(errc::mcp_headers_failed));
    stream->user = detail::stream_state::caller::stopping;
    start(detail::restart(stream));
    BOOST_TEST(stream->events.empty());
}

BOOST_AUTO_TEST_SUITE_END()
