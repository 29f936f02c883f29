#include "stream/stream.hpp"

#include "step_fixture.hpp"
#include "stream/life.hpp"
#include "stream/sending.hpp"

#include <boost/test/unit_test.hpp>

namespace {

using namespace corun;
using namespace corun::test;
using namespace std::chrono_literals;
using detail::run_stream;

struct fixture : step_fixture {
    explicit fixture(run_options options = {}, client_options settings = defaults())
        : step_fixture(std::move(options), std::move(settings)) {}

    /// A run under way, and the caller's side of it.
    void begin(bool known = true) {
        make();
        caller = std::make_shared<run_stream>(stream);
        detail::run_call call;
        call.path = "/runs";
        start(detail::send(stream, std::move(call)));
        accept();
        if (known) receive(frame("news", "known"));
        while (caller->try_next()) {
        }
    }

    /// What `next` completes with: the name of an event, nothing at the end, or the failure.
    std::string next() {
        std::string result = "pending";
        asio::co_spawn(io, run_stream::next(caller, nullptr),
                       [&result, this](std::exception_ptr failure, std::optional<event> taken) {
                           ended(failure);
                           result = failure ? what : taken ? std::string(taken->name()) : "";
                       });
        run_ready(io);
        return result;
    }
    void submit(submission answers) { start(run_stream::submit(caller, std::move(answers))); }
    void cancel_run() { start(run_stream::cancel_run(caller)); }
    void stop() { start(run_stream::stop(caller)); }

    static submission output() {
        submission answers;
        answers.output("call_1", "{}");
        return answers;
    }
    static required_action function_action() {
        required_action action;
        action.function_calls.emplace_back().name = "lookup";
        return action;
    }

    std::shared_ptr<run_stream> caller;
};

run_options by_hand() {
    run_options options;
    options.answers_by_hand = true;
    return options;
}

struct answered_by_hand : fixture {
    answered_by_hand() : fixture(by_hand()) {}
};

client_options without_reattaching() {
    client_options settings = step_fixture::defaults();
    settings.reattach.enabled = false;
    return settings;
}

struct not_reattached : fixture {
    not_reattached() : fixture({}, without_reattaching()) {}
};

bool contains(const std::string& text, std::string_view part) {
    return text.find(part) != std::string::npos;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(caller_of_a_run)

BOOST_FIXTURE_TEST_CASE(a_run_that_nobody_answers_is_an_error_with_the_response_s_details, fixture) {
    begin();
    protocol->set_action(function_action());
    receive(frame("action"));
    BOOST_TEST(next() == "action");
    (void)next();
    BOOST_TEST(outcome.value() == errc::action_required);
    BOOST_TEST(contains(what, "function 'lookup'"));
    BOOST_TEST(caller->details().status == 200);
    BOOST_TEST(caller->details().request_id == "request-1");
    BOOST_TEST(contains(caller->details().message, "function 'lookup'"));
    // It is not the stream's end: the next call begins without it.
    BOOST_TEST(caller->waits_for_answers());
    BOOST_TEST(!stream->fsm.failure());
}

BOOST_FIXTURE_TEST_CASE(a_caller_who_answers_by_hand_sees_the_stream_pause, answered_by_hand) {
    begin();
    protocol->set_action(function_action());
    receive(frame("action"));
    BOOST_TEST(next() == "action");
    BOOST_TEST(next().empty());
    BOOST_TEST(outcome.value() == std::error_code());
}

BOOST_FIXTURE_TEST_CASE(a_lost_run_that_a_mark_would_have_found_says_so_once_per_call, fixture) {
    begin(false);
    protocol->set_mark_would_help();
    stream->details.message = "it broke";
    stream->fsm.fail(errc::connection_lost);
    for (int i = 0; i != 2; ++i) {
        (void)next();
        BOOST_TEST(outcome.value() == errc::connection_lost);
        BOOST_TEST(contains(what, "it broke; "));
        const std::size_t at = what.find("mark_runs");
        BOOST_TEST(at != std::string::npos);
        BOOST_TEST(what.find("mark_runs", at + 1) == std::string::npos);
        BOOST_TEST(caller->details().request_id == "request-1");
    }
    stream->details.message.clear();
    (void)next();
    BOOST_TEST(!what.starts_with("; "));
    BOOST_TEST(!contains(what, ": ; "));
    BOOST_TEST(contains(what, "mark_runs"));
}

BOOST_FIXTURE_TEST_CASE(a_mark_is_not_recommended_where_it_would_not_help, fixture) {
    begin(false);
    stream->fsm.fail(errc::connection_lost);
    (void)next();
    BOOST_TEST(!contains(what, "mark_runs"));

    // Not the connection was lost.
    begin(false);
    protocol->set_mark_would_help();
    stream->fsm.fail(errc::event_too_large);
    (void)next();
    BOOST_TEST(!contains(what, "mark_runs"));
}

BOOST_FIXTURE_TEST_CASE(nor_where_no_run_is_found_again, not_reattached) {
    begin(false);
    protocol->set_mark_would_help();
    stream->fsm.fail(errc::connection_lost);
    (void)next();
    BOOST_TEST(outcome.value() == errc::connection_lost);
    BOOST_TEST(!contains(what, "mark_runs"));
}

BOOST_FIXTURE_TEST_CASE(only_a_run_that_waits_is_answered, answered_by_hand) {
    begin();
    submit(output());
    BOOST_TEST(outcome.value() == errc::invalid_argument);
    BOOST_TEST(contains(what, "the run does not wait for answers"));

    receive(frame("action"));
    submit(submission());
    BOOST_TEST(outcome.value() == errc::invalid_argument);
    BOOST_TEST(contains(what, "the submission is empty"));
    BOOST_TEST(logged("answer 1") == 0u);

    submit(output());
    BOOST_TEST(logged("answer 1") == 1u);
    accept();
    BOOST_TEST(outcome.value() == std::error_code());
    receive(frame("last"));
    submit(output());
    BOOST_TEST(outcome.value() == errc::invalid_argument);
    BOOST_TEST(contains(what, "has ended"));
    BOOST_TEST(logged("answer 1") == 1u);
}

BOOST_FIXTURE_TEST_CASE(a_consent_alone_is_answered_by_nothing, answered_by_hand) {
    const auto refused_with = [this](required_action action) {
        begin();
        protocol->set_action(std::move(action));
        receive(frame("action"));
        submit(submission());
        return outcome.has_value() && outcome.value() == errc::invalid_argument;
    };
    required_action consent;
    consent.other_calls.emplace_back().link = "https://consent.example/";
    BOOST_TEST(!refused_with(consent));
    BOOST_TEST(logged("answer 0") == 1u);

    required_action with_function = consent;
    with_function.function_calls.emplace_back();
    BOOST_TEST(refused_with(with_function));
    required_action with_approval = consent;
    with_approval.mcp_approvals.emplace_back();
    BOOST_TEST(refused_with(with_approval));
    required_action with_other = consent;
    with_other.other_calls.emplace_back();
    BOOST_TEST(refused_with(with_other));
    BOOST_TEST(refused_with(required_action()));
}

BOOST_FIXTURE_TEST_CASE(a_run_is_cancelled_and_its_stream_tells_the_end, fixture) {
    begin();
    cancel_run();
    BOOST_TEST(outcome.value() == std::error_code());
    BOOST_TEST(logged("cancel") == 1u);
    // The response that is open reports it.
    BOOST_TEST(logged("only the end") == 0u);
    BOOST_TEST(transport->current() != nullptr);
    receive(frame("last"));
    BOOST_TEST(next() == "last");
}

BOOST_FIXTURE_TEST_CASE(a_cancelled_run_that_waits_is_polled_to_its_end, answered_by_hand) {
    begin();
    receive(frame("action"));
    protocol->polls.push_back(shows({{"last", "{}"}}));
    cancel_run();
    BOOST_TEST(outcome.value() == std::error_code());
    BOOST_TEST(logged("cancel") == 1u);
    BOOST_TEST(logged("only the end") == 1u);
    BOOST_TEST(transport->current() == nullptr);
    BOOST_TEST(next() == "action");
    for (int i = 0; i != 100 && !stream->fsm.over(); ++i) wait(100ms);
    BOOST_TEST(next() == "last");
    BOOST_TEST(next().empty());
}

BOOST_FIXTURE_TEST_CASE(a_run_that_is_stopped_before_its_end_in_time_is_an_error_that_names_it, fixture) {
    begin();
    for (int i = 0; i != 1000; ++i) protocol->ends.push_back([] { return false; });
    stop();
    wait(context->api->options.stop_timeout - 1ms);
    BOOST_TEST(!outcome.has_value());
    wait(1ms);
    BOOST_TEST(outcome.value() == errc::stop_timeout);
    BOOST_TEST(contains(what, "run run_1 did not end in time"));
    BOOST_TEST(transport->current() == nullptr);

    begin(false);
    for (int i = 0; i != 1000; ++i) protocol->finds.push_back([] { return false; });
    // A search that takes longer than the limit.
    stream->fsm.run_exists(run::existence::possible);
    stop();
    for (int i = 0; i != 1000 && !outcome; ++i) wait(100ms);
    BOOST_TEST(outcome.has_value());
}

BOOST_FIXTURE_TEST_CASE(a_stopped_stream_gives_nothing_any_more, fixture) {
    begin();
    receive(frame("news") + frame("text"));
    protocol->ends.push_back([] { return true; });
    stop();
    BOOST_TEST(outcome.value() == std::error_code());
    BOOST_TEST(logged("cancel") == 1u);
    BOOST_TEST(!caller->try_next().has_value());
    (void)next();
    BOOST_TEST(outcome.value() == asio::error::operation_aborted);
    // Once more does nothing more.
    stop();
    BOOST_TEST(outcome.value() == std::error_code());
    BOOST_TEST(logged("cancel") == 1u);
}

BOOST_FIXTURE_TEST_CASE(an_error_event_is_kept_with_the_delay_it_names, fixture) {
    begin();
    receive(frame("news"));
    BOOST_TEST(next() == "news");
    BOOST_TEST(!caller->details().retry_after.has_value());
    BOOST_TEST(caller->details().service_code.empty());
    BOOST_TEST(caller->head().status == 200);
    BOOST_TEST(caller->run_id() == "run_1");
    BOOST_TEST(caller->thread_id() == "thread_1");
}

BOOST_FIXTURE_TEST_CASE(a_batch_has_what_waits_and_no_more_than_asked_for, fixture) {
    begin();
    receive(frame("news") + frame("text") + frame("news"));
    const auto batch = [this](std::size_t most) {
        std::size_t size = 0;
        asio::co_spawn(io, run_stream::next_batch(caller, most, nullptr),
                       [&size](std::exception_ptr, std::span<const event> events) { size = events.size(); });
        run_ready(io);
        return size;
    };
    BOOST_TEST(batch(2) == 2u);
    BOOST_TEST(batch(2) == 1u);
    receive(frame("news") + frame("text"));
    BOOST_TEST(batch(10) == 2u);
    receive(frame("last"));
    BOOST_TEST(batch(10) == 1u);
    BOOST_TEST(batch(10) == 0u);
}

BOOST_FIXTURE_TEST_CASE(an_event_that_cannot_be_decoded_ends_the_stream, fixture) {
    begin();
    receive(frame("news") + frame("news", "bad") + frame("text"));
    BOOST_TEST(next() == "news");
    (void)next();
    BOOST_TEST(outcome.value() == errc::bad_event);
    BOOST_TEST(caller->details().message == "the data is bad");
    BOOST_TEST(transport->current() == nullptr);
    BOOST_TEST(stream->events.bytes() == 0u);
}

BOOST_AUTO_TEST_SUITE_END()
