// The stream of a run over a transport and a clock that the test plays: every step, every fault.
#include "client/protocols.hpp"
#include "drive.hpp"
#include "frame.hpp"
#include "manual_clock.hpp"
#include "open_stream.hpp"
#include "scripted_transport.hpp"
#include "stream/stream.hpp"
#include "stream/threads_request.hpp"
#include <corun/corun.hpp>

#include <asio/bind_cancellation_slot.hpp>
#include <asio/experimental/awaitable_operators.hpp>
#include <asio/redirect_error.hpp>
#include <asio/steady_timer.hpp>
#include <boost/test/unit_test.hpp>

#include <span>
#include <string>
#include <vector>

namespace {

using namespace corun;
using namespace corun::test;
using namespace std::chrono_literals;

std::string run_event(std::string status) {
    return frame("thread.run." + status,
                 R"({"id":"run_1","object":"thread.run","thread_id":"thread_1","assistant_id":"asst_1","status":")" +
                     status + R"("})");
}

std::string created() {
    return frame(
        "thread.run.created",
        R"({"id":"run_1","object":"thread.run","thread_id":"thread_1","assistant_id":"asst_1","status":"queued"})");
}

std::string delta(std::string text) {
    return frame(
        "thread.message.delta",
        R"({"id":"msg_1","object":"thread.message.delta","delta":{"content":[{"index":0,"type":"text","text":{"value":")" +
            std::move(text) + R"("}}]}})");
}

const std::string done = frame("done", "[DONE]");

/// One try, and one response: what becomes of a run beyond that is tested elsewhere.
client_options without_second_chances(client_options settings = {}) {
    settings.retry.max_retries = 0;
    settings.reattach.enabled = false;
    return settings;
}

struct fixture {
    explicit fixture(client_options settings = without_second_chances()) {
        owner = detail::make_api_client(io.get_executor(), "https://service.example/api/projects/p",
                                        credential::bearer("planted-secret-service"), std::move(settings), transport,
                                        clock);
    }

    ~fixture() { clock->shut_down(); }

    /// A stream whose response has begun.
    event_stream opened() {
        bool finished = false;
        std::exception_ptr failure;
        event_stream stream;
        asio::co_spawn(io, open(), [&](std::exception_ptr e, event_stream s) {
            failure = e;
            stream = std::move(s);
            finished = true;
        });
        run_until(io, [&] { return transport->current() != nullptr; });
        transport->current()->head(200, "text/event-stream; charset=utf-8");
        run_until(io, [&] { return finished; });
        if (failure) std::rethrow_exception(failure);
        return stream;
    }

    asio::awaitable<event_stream> open() {
        auto run = std::make_shared<detail::run_context>();
        run->api = owner;
        run->options.change() = run_settings;
        run->provider = provider;
        run->sends_headers = bears_headers;
        detail::prepared_run request;
        request.call.path = "/threads/runs";
        request.call.body = secret("{}");
        auto protocol = detail::make_threads_protocol(run);
        return open_stream(std::move(run), std::move(protocol), std::move(request));
    }

    /// What `next` gives now; the failure's code when it fails.
    std::optional<event> next(event_stream& stream, std::error_code& code) { return await(io, stream.next(code)); }

    std::string name_of_next(event_stream& stream) {
        std::error_code code;
        const auto arrived = next(stream, code);
        if (code) return "failure: " + code.message();
        return arrived ? std::string(arrived->name()) : "end";
    }

    scripted_transport::scripted_transfer& transfer() { return *transport->current(); }

    asio::io_context io;
    std::shared_ptr<scripted_transport> transport = std::make_shared<scripted_transport>();
    std::shared_ptr<manual_clock> clock = std::make_shared<manual_clock>();
    std::shared_ptr<detail::api_client> owner;
    run_options run_settings;
    mcp_header_provider provider;
    bool bears_headers = false;
};

struct with_problem_observer : fixture {
    with_problem_observer() : fixture(without_second_chances(settings(problems))) {}
    static client_options settings(std::vector<event_problem_record>& problems) {
        client_options options;
        options.observer.on_event_problem = [&problems](const event_problem_record& met) { problems.push_back(met); };
        return options;
    }
    std::vector<event_problem_record> problems;
};

struct small_buffers : fixture {
    small_buffers() : fixture(without_second_chances(settings())) {}
    static client_options settings() {
        client_options options;
        options.high_water_bytes = 1000;
        options.max_event_bytes = 4000;
        options.total_timeout = 10min;
        return options;
    }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(run_stream)

BOOST_FIXTURE_TEST_CASE(delivers_events_in_order_and_ends_after_the_last, fixture) {
    event_stream stream = opened();
    BOOST_TEST(stream.status() == 200);
    BOOST_TEST(stream.request_id() == "request-1");
    transfer().bytes(created() + delta("Hello") + delta(" world") + run_event("completed") + done);
    BOOST_TEST(name_of_next(stream) == "thread.run.created");
    BOOST_TEST(stream.run_id() == "run_1");
    BOOST_TEST(stream.thread_id() == "thread_1");
    std::error_code code;
    const auto first = next(stream, code);
    BOOST_REQUIRE(first.has_value());
    BOOST_REQUIRE(first->get_if<events::text_delta>());
    BOOST_TEST(first->get_if<events::text_delta>()->text == "Hello");
    const auto second = stream.try_next();
    BOOST_REQUIRE(second.has_value());
    BOOST_TEST(second->get_if<events::text_delta>()->text == " world");
    BOOST_TEST(first->get_if<events::text_delta>()->text == "Hello");  // still valid
    BOOST_TEST(name_of_next(stream) == "thread.run.completed");
    BOOST_TEST(name_of_next(stream) == "end");
    BOOST_TEST(name_of_next(stream) == "end");
}

BOOST_FIXTURE_TEST_CASE(a_batch_has_all_events_that_have_arrived, fixture) {
    event_stream stream = opened();
    std::string sent = created();
    for (int i = 0; i != 100; ++i) sent += delta(std::to_string(i) + ' ');
    transfer().bytes(sent);
    std::error_code code;
    std::string text;
    const auto next_batch = [&] {
        const std::span<const event> batch = await(io, stream.next_batch(code));
        for (const event& each : batch)
            if (const auto* piece = each.get_if<events::text_delta>()) text += piece->text;
        return batch.size();
    };
    BOOST_TEST(next_batch() == event_stream::max_batch);
    BOOST_TEST(next_batch() == 101 - event_stream::max_batch);
    BOOST_TEST(text.starts_with("0 1 2 "));
    BOOST_TEST(text.ends_with("98 99 "));
    transfer().bytes(delta("end") + run_event("completed") + done);
    BOOST_TEST(next_batch() == 2u);
    BOOST_TEST(next_batch() == 0u);
    BOOST_TEST(!code);
    event_stream none;
    BOOST_TEST(await(io, none.next_batch()).empty());
}

BOOST_FIXTURE_TEST_CASE(a_batch_ends_before_a_failure, fixture) {
    run_settings.strict_events = true;
    event_stream stream = opened();
    transfer().bytes(created() + delta("kept") + frame("thread.message.delta", "{}") + delta("lost"));
    std::error_code code;
    const std::span<const event> batch = await(io, stream.next_batch(code));
    BOOST_TEST(batch.size() == 2u);
    BOOST_TEST(!code);
    const event kept = batch[1];
    BOOST_TEST(await(io, stream.next_batch(code)).empty());
    BOOST_TEST(code == errc::bad_event);
    BOOST_TEST(kept.get_if<events::text_delta>()->text == "kept");
    BOOST_CHECK_THROW((void)await(io, stream.next_batch()), error);
}

BOOST_FIXTURE_TEST_CASE(an_event_outlives_its_stream, fixture) {
    std::optional<event> kept;
    {
        event_stream stream = opened();
        transfer().bytes(delta("kept"));
        std::error_code code;
        kept = next(stream, code);
    }
    BOOST_REQUIRE(kept.has_value());
    const event copy = *kept;
    kept.reset();
    BOOST_TEST(copy.get_if<events::text_delta>()->text == "kept");
    BOOST_TEST(copy.raw().find("kept") != std::string_view::npos);
}

BOOST_FIXTURE_TEST_CASE(sends_what_every_request_carries, fixture) {
    event_stream stream = opened();
    const net::request& sent = transfer().request;
    BOOST_TEST(sent.method == "POST");
    BOOST_TEST(sent.streams);
    BOOST_TEST(sent.url == "https://service.example/api/projects/p/threads/runs?api-version=v1");
    BOOST_TEST(sent.headers.find("authorization")->reveal() == "Bearer planted-secret-service");
    BOOST_TEST(sent.headers.find("content-type")->reveal() == "application/json");
    BOOST_TEST(sent.headers.find("user-agent")->reveal() == "corun/" CORUN_VERSION);
    BOOST_TEST(sent.headers.find("x-ms-client-request-id")->size() == 36u);
}

BOOST_FIXTURE_TEST_CASE(a_terminal_event_ends_iteration_though_the_socket_lingers, fixture) {
    for (const char* status : {"completed", "failed", "incomplete", "cancelled", "expired"}) {
        event_stream stream = opened();
        transfer().bytes(created() + run_event(status));
        BOOST_TEST(name_of_next(stream) == "thread.run.created");
        BOOST_TEST(name_of_next(stream) == std::string("thread.run.") + status);
        BOOST_TEST(name_of_next(stream) == "end");
        BOOST_TEST(transport->current() != nullptr);  // the end of the response may still come
        clock->advance(2s);
        BOOST_TEST(transport->current() == nullptr);
        BOOST_TEST(name_of_next(stream) == "end");
    }
}

BOOST_FIXTURE_TEST_CASE(bytes_cut_anywhere_give_the_same_events, fixture) {
    const std::string whole =
        created() + delta("one") + "event: keepalive\ndata:\n\n" + delta("tw\\u00f6") + run_event("completed") + done;
    for (std::size_t cut = 0; cut <= whole.size(); ++cut) {
        event_stream stream = opened();
        transfer().bytes(std::string_view(whole).substr(0, cut));
        transfer().bytes(std::string_view(whole).substr(cut));
        transfer().done();
        std::string text, names;
        std::error_code code;
        while (auto arrived = next(stream, code)) {
            names += std::string(arrived->name()) + ' ';
            if (const auto* d = arrived->get_if<events::text_delta>()) text += d->text;
        }
        BOOST_TEST(!code);
        BOOST_TEST(text == "onetw\xc3\xb6");
        BOOST_TEST(names ==
                   "thread.run.created thread.message.delta keepalive thread.message.delta thread.run.completed ");
    }
}

BOOST_FIXTURE_TEST_CASE(an_end_at_any_byte_delivers_what_came_and_is_an_error, fixture) {
    const std::string whole = created() + delta("one") + delta("two") + run_event("completed");
    const std::size_t last = whole.size() - run_event("completed").size();
    for (const std::error_code how : {std::error_code(), std::error_code(errc::connection_lost)}) {
        for (std::size_t cut = 0; cut < whole.size(); ++cut) {
            event_stream stream = opened();
            transfer().bytes(std::string_view(whole).substr(0, cut));
            transfer().done(how);
            std::size_t events = 0;
            std::error_code code;
            while (auto arrived = next(stream, code)) ++events;
            // The terminal event counts once its data is whole, even without the blank line after it.
            const bool ended = !how && cut >= last && whole.find('}', last) < cut && cut >= whole.size() - 2;
            std::size_t complete = 0;
            for (std::size_t at = whole.find("\n\n"); at != whole.npos && at + 2 <= cut;
                 at = whole.find("\n\n", at + 2))
                ++complete;
            BOOST_TEST(events >= complete);
            if (ended)
                BOOST_TEST(!code);
            else
                BOOST_TEST(code == (how ? how : std::error_code(errc::premature_eof)));
            std::error_code again;
            BOOST_TEST(!next(stream, again).has_value());
            BOOST_TEST(again == code);
        }
    }
}

BOOST_FIXTURE_TEST_CASE(next_throws_what_next_with_a_code_sets, fixture) {
    event_stream stream = opened();
    transfer().bytes(created());
    transfer().done(errc::connection_lost);
    BOOST_TEST(name_of_next(stream) == "thread.run.created");
    try {
        (void)await(io, stream.next());
        BOOST_FAIL("it must throw");
    } catch (const error& failure) {
        BOOST_TEST(failure.code() == errc::connection_lost);
        BOOST_TEST(failure.status() == 200);
        BOOST_TEST(failure.request_id() == "request-1");
        BOOST_TEST(failure.details().message == "played by the test");
    }
}

BOOST_FIXTURE_TEST_CASE(malformed_data_costs_only_its_event, with_problem_observer) {
    run_settings.tag = "desk 7";
    event_stream stream = opened();
    transfer().bytes(created() + frame("thread.message.delta", "{\"id\":") + delta("one") +
                     frame("thread.run.in_progress", "") + frame("thread.run.completed", "[]") + done);
    BOOST_TEST(name_of_next(stream) == "thread.run.created");
    std::error_code code;
    const auto malformed = next(stream, code);
    BOOST_REQUIRE(malformed);
    BOOST_TEST(malformed->get_if<events::unknown>());
    BOOST_TEST(malformed->name() == "thread.message.delta");
    BOOST_TEST(malformed->raw() == "{\"id\":");
    BOOST_TEST(malformed->problem() == "the data of thread.message.delta: not valid JSON at byte 6 of 6");
    const auto good = next(stream, code);
    BOOST_REQUIRE(good && good->get_if<events::text_delta>());
    BOOST_TEST(good->problem().empty());
    BOOST_TEST(next(stream, code)->get_if<events::unknown>());
    const auto last = next(stream, code);
    BOOST_REQUIRE(last && last->get_if<events::run_completed>());
    BOOST_TEST(!last->problem().empty());
    const thread_run& run = last->get_if<events::run_completed>()->run;
    BOOST_TEST((run.status == run_state::completed));
    BOOST_TEST(run.id == "run_1");
    BOOST_TEST(run.thread_id == "thread_1");
    BOOST_TEST(name_of_next(stream) == "end");
    run_ready(io);
    BOOST_REQUIRE_EQUAL(problems.size(), 3u);
    BOOST_TEST(problems[0].event == "thread.message.delta");
    BOOST_TEST(problems[0].problem == malformed->problem());
    BOOST_TEST(problems[0].bytes == 6u);
    BOOST_TEST(problems[0].run_id == "run_1");
    BOOST_TEST(problems[0].tag == "desk 7");
    BOOST_TEST(problems[1].event == "thread.run.in_progress");
    BOOST_TEST(problems[2].event == "thread.run.completed");
}

BOOST_FIXTURE_TEST_CASE(a_strict_run_names_the_event_and_loses_nothing_before_it, fixture) {
    run_settings.strict_events = true;
    event_stream stream = opened();
    transfer().bytes(created() + delta("one") + frame("thread.message.delta", "{\"id\":") + run_event("completed"));
    BOOST_TEST(name_of_next(stream) == "thread.run.created");
    BOOST_TEST(name_of_next(stream) == "thread.message.delta");
    std::error_code code;
    BOOST_TEST(!next(stream, code).has_value());
    BOOST_TEST(code == errc::bad_event);
    BOOST_TEST(stream.details().message.find("thread.message.delta") != std::string::npos);
    run_ready(io);
    BOOST_TEST(transport->current() == nullptr);
}

BOOST_FIXTURE_TEST_CASE(a_bad_event_is_not_hidden_by_what_came_after_it, fixture) {
    run_settings.strict_events = true;
    for (const bool lost : {true, false}) {
        event_stream stream = opened();
        transfer().bytes(created() + frame("thread.message.delta", "nonsense") + (lost ? "" : run_event("completed")));
        if (lost) transfer().done(errc::connection_lost);
        BOOST_TEST(name_of_next(stream) == "thread.run.created");
        std::error_code code;
        BOOST_TEST(!next(stream, code).has_value());
        BOOST_TEST(code == errc::bad_event);
        BOOST_TEST(stream.details().message.find("thread.message.delta") != std::string::npos);
    }
}

BOOST_FIXTURE_TEST_CASE(what_breaks_after_the_run_ended_is_not_reported, fixture) {
    event_stream stream = opened();
    transfer().bytes(created() + run_event("completed"));
    transfer().done(errc::connection_lost);
    BOOST_TEST(name_of_next(stream) == "thread.run.created");
    BOOST_TEST(name_of_next(stream) == "thread.run.completed");
    BOOST_TEST(name_of_next(stream) == "end");
    BOOST_TEST(stream.details().message == "");
}

BOOST_FIXTURE_TEST_CASE(half_of_an_unknown_event_at_the_end_is_not_taken_for_a_whole_one, fixture) {
    event_stream stream = opened();
    transfer().bytes(created() + "event: surprise\ndata: {\"x\":\"trunc");
    transfer().done();
    BOOST_TEST(name_of_next(stream) == "thread.run.created");
    std::error_code code;
    BOOST_TEST(!next(stream, code).has_value());
    BOOST_TEST(code == errc::premature_eof);
}

BOOST_FIXTURE_TEST_CASE(an_error_event_with_a_lingering_connection_is_not_waited_out, fixture) {
    event_stream stream = opened();
    transfer().bytes(created() + frame("error", R"({"code":"boom","message":"it broke"})"));
    BOOST_TEST(name_of_next(stream) == "thread.run.created");
    BOOST_TEST(name_of_next(stream) == "error");
    clock->advance(2s);
    std::error_code code;
    BOOST_TEST(!next(stream, code).has_value());
    BOOST_TEST(code == errc::stream_failed);
}

BOOST_FIXTURE_TEST_CASE(a_destroyed_stream_whose_run_has_ended_reads_the_end_of_its_response, fixture) {
    {
        event_stream stream = opened();
        transfer().bytes(created() + run_event("completed"));
        while (stream.try_next()) {
        }
    }
    BOOST_REQUIRE(transport->current() != nullptr);
    transfer().bytes(done);
    transfer().done();
    run_ready(io);
    BOOST_TEST(transport->current() == nullptr);
    BOOST_TEST(clock->pending() == 0u);
    {
        event_stream stream = opened();
        transfer().bytes(created() + run_event("completed"));
    }
    BOOST_TEST(transport->current() != nullptr);
    clock->advance(2s);  // but not for long
    BOOST_TEST(transport->current() == nullptr);
}

BOOST_FIXTURE_TEST_CASE(an_error_event_is_delivered_and_then_thrown, fixture) {
    event_stream stream = opened();
    transfer().bytes(created() + frame("error", R"({"error":{"code":"boom","message":"it broke"}})") + done);
    BOOST_TEST(name_of_next(stream) == "thread.run.created");
    std::error_code code;
    const auto said = next(stream, code);
    BOOST_REQUIRE(said.has_value());
    BOOST_REQUIRE(said->get_if<events::stream_error>());
    BOOST_TEST(said->get_if<events::stream_error>()->message == "it broke");
    BOOST_TEST(!next(stream, code).has_value());
    BOOST_TEST(code == errc::stream_failed);
    BOOST_TEST(stream.details().service_code == "boom");
    BOOST_TEST(stream.details().service_message == "it broke");
}

BOOST_FIXTURE_TEST_CASE(a_run_that_waits_for_an_action_ends_the_stream_without_failure, fixture) {
    run_settings.answers_by_hand = true;
    event_stream stream = opened();
    transfer().bytes(
        created() +
        frame(
            "thread.run.requires_action",
            R"({"id":"run_1","object":"thread.run","thread_id":"thread_1","status":"requires_action","required_action":{"type":"submit_tool_outputs","submit_tool_outputs":{"tool_calls":[{"id":"call_1","type":"function","function":{"name":"f","arguments":"{}"}}]}}})"));
    // The socket lingers: neither `done` nor the end of the response has come.
    BOOST_TEST(name_of_next(stream) == "thread.run.created");
    std::error_code code;
    const auto waits = next(stream, code);
    BOOST_REQUIRE(waits.has_value());
    BOOST_REQUIRE(waits->get_if<events::action_required>());
    BOOST_REQUIRE(waits->get_if<events::action_required>()->action.function_calls.size() == 1u);
    BOOST_TEST(waits->get_if<events::action_required>()->action.function_calls[0].name == "f");
    BOOST_TEST(name_of_next(stream) == "end");
}

BOOST_FIXTURE_TEST_CASE(an_event_too_large_is_an_error_after_those_before_it, small_buffers) {
    event_stream stream = opened();
    transfer().bytes(created() + delta(std::string(5000, 'x')));
    BOOST_TEST(name_of_next(stream) == "thread.run.created");
    std::error_code code;
    BOOST_TEST(!next(stream, code).has_value());
    BOOST_TEST(code == errc::event_too_large);
    run_ready(io);
    BOOST_TEST(transport->current() == nullptr);
}

BOOST_FIXTURE_TEST_CASE(a_slow_consumer_pauses_the_transfer_and_loses_nothing, small_buffers) {
    event_stream stream = opened();
    int sent = 0;
    while (!transfer().paused) {
        transfer().bytes(delta(std::to_string(sent)));
        ++sent;
        BOOST_REQUIRE(sent < 100);
    }
    BOOST_TEST(transfer().pauses == 1);
    int taken = 0;
    std::error_code code;
    while (transfer().paused) {
        const auto arrived = stream.try_next();
        BOOST_REQUIRE(arrived.has_value());
        BOOST_TEST(arrived->get_if<events::text_delta>()->text == std::to_string(taken));
        ++taken;
    }
    BOOST_TEST(taken > 0);
    BOOST_TEST(taken < sent);
    while (const auto arrived = stream.try_next()) {
        BOOST_TEST(arrived->get_if<events::text_delta>()->text == std::to_string(taken));
        ++taken;
    }
    BOOST_TEST(taken == sent);
}

BOOST_FIXTURE_TEST_CASE(silence_is_an_error_after_the_idle_timeout_and_bytes_put_it_off, fixture) {
    event_stream stream = opened();
    clock->advance(59s);
    transfer().bytes(": still here\n\n");
    clock->advance(59s);
    transfer().bytes(created());
    BOOST_TEST(name_of_next(stream) == "thread.run.created");
    clock->advance(59s);
    BOOST_TEST(transport->current() != nullptr);
    clock->advance(1s);
    std::error_code code;
    BOOST_TEST(!next(stream, code).has_value());
    BOOST_TEST(code == errc::idle_timeout);
    BOOST_TEST(is_timeout(code));
    BOOST_TEST(transport->current() == nullptr);
}

BOOST_FIXTURE_TEST_CASE(a_silent_service_that_never_answers_times_out, fixture) {
    std::optional<std::error_code> failed;
    asio::co_spawn(io, open(), [&](std::exception_ptr e, event_stream) {
        try {
            if (e) std::rethrow_exception(e);
        } catch (const error& failure) {
            failed = failure.code();
        }
    });
    run_until(io, [&] { return transport->current() != nullptr; });
    clock->advance(60s);
    run_until(io, [&] { return failed.has_value(); });
    BOOST_TEST(*failed == errc::idle_timeout);
    BOOST_TEST(transport->current() == nullptr);
}

BOOST_FIXTURE_TEST_CASE(time_in_which_we_do_not_read_is_not_idle_but_counts_in_total, small_buffers) {
    event_stream stream = opened();
    while (!transfer().paused) transfer().bytes(delta("x"));
    clock->advance(5min);
    BOOST_TEST(transport->current() != nullptr);
    while (stream.try_next()) {
    }
    BOOST_TEST(!transfer().paused);
    clock->advance(59s);
    BOOST_TEST(transport->current() != nullptr);
    while (!transfer().paused) transfer().bytes(delta("x"));
    clock->advance(4min + 1s);
    std::error_code code;
    while (next(stream, code)) {
    }
    BOOST_TEST(code == errc::total_timeout);
}

BOOST_FIXTURE_TEST_CASE(a_refusal_is_thrown_with_its_body_status_and_id, fixture) {
    struct refusal {
        int status;
        const char* type;
        std::string body;
        errc expected;
        std::string service_code;
    };
    const refusal refusals[] = {
        {400, "application/json",
         R"({"error":{"message":"Unknown parameter","type":"invalid_request_error","param":"x","code":"unknown_parameter"}})",
         errc::bad_request, "unknown_parameter"},
        {401, "application/json", R"({"statusCode":401,"message":"no"})", errc::unauthorized, "401"},
        {403, "application/json", "{}", errc::forbidden, ""},
        {404, "application/json", R"({"error":{"code":"404","message":"Resource not found"}})", errc::not_found, "404"},
        {409, "text/plain", "", errc::conflict, ""},
        {429, "application/json", R"({"error":{"code":"rate_limit_exceeded","message":"slow down"}})",
         errc::rate_limited, "rate_limit_exceeded"},
        {502, "text/html", "<html><body>Bad gateway</body></html>", errc::server_failed, ""},
        {302, "text/html", "moved", errc::unexpected_status, ""},
        {200, "text/html", "<html>sign in</html>", errc::unexpected_content_type, ""},
        {200, "application/json", "{}", errc::unexpected_content_type, ""},
    };
    for (const refusal& each : refusals) {
        std::optional<error> failed;
        asio::co_spawn(io, open(), [&](std::exception_ptr e, event_stream) {
            try {
                if (e) std::rethrow_exception(e);
            } catch (const error& failure) {
                failed = failure;
            }
        });
        run_until(io, [&] { return transport->current() != nullptr; });
        transfer().head(each.status, each.type);
        // In two parts, and the second one after a while.
        transfer().bytes(each.body.substr(0, each.body.size() / 2));
        run_ready(io);
        BOOST_TEST(!failed.has_value());
        transfer().bytes(each.body.substr(each.body.size() / 2));
        transfer().done();
        run_until(io, [&] { return failed.has_value(); });
        BOOST_TEST(failed->code() == each.expected);
        BOOST_TEST(failed->status() == each.status);
        BOOST_TEST(failed->request_id() == "request-1");
        BOOST_TEST(failed->details().body == each.body);
        BOOST_TEST(failed->service_code() == each.service_code);
    }
}

BOOST_FIXTURE_TEST_CASE(a_refusal_cut_short_still_tells_its_status, fixture) {
    std::optional<error> failed;
    asio::co_spawn(io, open(), [&](std::exception_ptr e, event_stream) {
        try {
            if (e) std::rethrow_exception(e);
        } catch (const error& failure) {
            failed = failure;
        }
    });
    run_until(io, [&] { return transport->current() != nullptr; });
    transfer().head(503, "text/plain");
    transfer().bytes("over");
    transfer().done(errc::connection_lost);
    run_until(io, [&] { return failed.has_value(); });
    BOOST_TEST(failed->code() == errc::server_failed);
    BOOST_TEST(failed->details().body == "over");
}

BOOST_FIXTURE_TEST_CASE(an_endless_refusal_is_not_read_to_its_end, fixture) {
    std::optional<error> failed;
    asio::co_spawn(io, open(), [&](std::exception_ptr e, event_stream) {
        try {
            if (e) std::rethrow_exception(e);
        } catch (const error& failure) {
            failed = failure;
        }
    });
    run_until(io, [&] { return transport->current() != nullptr; });
    transfer().head(500, "text/plain");
    for (int i = 0; i < 100 && transport->current(); ++i) transfer().bytes(std::string(4096, 'x'));
    run_until(io, [&] { return failed.has_value(); });
    BOOST_TEST(failed->code() == errc::server_failed);
    BOOST_TEST(failed->details().body.size() == 4096u);
    BOOST_TEST(transport->current() == nullptr);
}

BOOST_FIXTURE_TEST_CASE(a_cancelled_next_ends_and_can_be_called_again, fixture) {
    event_stream stream = opened();
    asio::cancellation_signal cancel;
    std::optional<std::exception_ptr> ended;
    asio::co_spawn(
        io, stream.next(),
        asio::bind_cancellation_slot(cancel.slot(), [&](std::exception_ptr e, std::optional<event>) { ended = e; }));
    run_ready(io);
    BOOST_TEST(!ended.has_value());
    cancel.emit(asio::cancellation_type::terminal);
    run_until(io, [&] { return ended.has_value(); });
    BOOST_CHECK_EXCEPTION(std::rethrow_exception(*ended), std::system_error,
                          [](const std::system_error& e) { return e.code() == asio::error::operation_aborted; });
    transfer().bytes(created());
    BOOST_TEST(name_of_next(stream) == "thread.run.created");
}

BOOST_FIXTURE_TEST_CASE(next_or_timer_never_loses_an_event, fixture) {
    using namespace asio::experimental::awaitable_operators;
    // The timer is always ready; sometimes an event is, too. Whoever wins, no event goes missing.
    for (int before = 0; before < 3; ++before) {
        event_stream stream = opened();
        int sent = 0;
        int taken = 0;
        const auto loop = [&]() -> asio::awaitable<void> {
            asio::steady_timer timer(io);
            for (int round = 0; round < 200; ++round) {
                if (round % 3 == before) {
                    transfer().bytes(delta(std::to_string(sent)));
                    ++sent;
                }
                timer.expires_after(0s);
                auto either = co_await (stream.next() || timer.async_wait(asio::use_awaitable));
                if (either.index() == 0) {
                    const auto& arrived = std::get<0>(either);
                    BOOST_TEST(arrived->get_if<events::text_delta>()->text == std::to_string(taken));
                    ++taken;
                }
            }
        };
        await(io, loop());
        while (const auto arrived = stream.try_next()) {
            BOOST_TEST(arrived->get_if<events::text_delta>()->text == std::to_string(taken));
            ++taken;
        }
        BOOST_TEST(sent > 50);
        BOOST_TEST(taken == sent);
    }
}

BOOST_FIXTURE_TEST_CASE(opening_can_be_cancelled_and_drops_the_request, fixture) {
    asio::cancellation_signal cancel;
    std::optional<std::exception_ptr> ended;
    asio::co_spawn(io, open(),
                   asio::bind_cancellation_slot(cancel.slot(), [&](std::exception_ptr e, event_stream) { ended = e; }));
    run_until(io, [&] { return transport->current() != nullptr; });
    cancel.emit(asio::cancellation_type::terminal);
    run_until(io, [&] { return ended.has_value(); });
    BOOST_TEST((*ended != nullptr));
    BOOST_TEST(transport->current() == nullptr);
}

BOOST_FIXTURE_TEST_CASE(destroying_or_abandoning_a_stream_drops_the_transfer_at_once, fixture) {
    {
        event_stream stream = opened();
        transfer().bytes(created());
    }
    BOOST_TEST(transport->current() == nullptr);
    event_stream stream = opened();
    transfer().bytes(created() + delta("x"));
    std::optional<std::error_code> ended;
    BOOST_TEST(name_of_next(stream) == "thread.run.created");
    BOOST_TEST(name_of_next(stream) == "thread.message.delta");
    std::error_code code;
    asio::co_spawn(io, stream.next(code), [&](std::exception_ptr, std::optional<event>) { ended = code; });
    run_ready(io);
    stream.abandon();
    BOOST_TEST(transport->current() == nullptr);
    run_until(io, [&] { return ended.has_value(); });
    BOOST_TEST(*ended == asio::error::operation_aborted);
    BOOST_TEST(!stream.try_next().has_value());
    BOOST_TEST(clock->pending() == 0u);
}

BOOST_FIXTURE_TEST_CASE(a_stream_may_be_destroyed_while_next_waits, fixture) {
    auto stream = std::make_optional<event_stream>(opened());
    std::optional<std::exception_ptr> ended;
    asio::co_spawn(io, stream->next(), [&](std::exception_ptr e, std::optional<event>) { ended = e; });
    run_ready(io);
    stream.reset();
    run_until(io, [&] { return ended.has_value(); });
    BOOST_TEST((*ended != nullptr));
}

BOOST_FIXTURE_TEST_CASE(the_client_may_go_before_its_stream, fixture) {
    event_stream stream = opened();
    owner.reset();
    transfer().bytes(created() + run_event("completed"));
    BOOST_TEST(name_of_next(stream) == "thread.run.created");
    BOOST_TEST(name_of_next(stream) == "thread.run.completed");
    BOOST_TEST(name_of_next(stream) == "end");
}

BOOST_FIXTURE_TEST_CASE(nothing_is_pending_once_the_response_is_over, fixture) {
    event_stream stream = opened();
    transfer().bytes(created() + run_event("completed") + done);
    transfer().done();
    while (stream.try_next()) {
    }
    BOOST_TEST(clock->pending() == 0u);
    run_ready(io);
    BOOST_TEST(io.stopped());
}

BOOST_FIXTURE_TEST_CASE(cancelling_waits_for_the_event_that_names_the_run_until_it_is_received, fixture) {
    event_stream stream = opened();
    scripted_transport::scripted_transfer& events = transfer();
    asio::co_spawn(io, stream.cancel_run(), [](std::exception_ptr met) { BOOST_TEST(!met); });
    run_ready(io);
    BOOST_TEST(&transfer() == &events);
    events.bytes(created());
    BOOST_TEST(stream.run_id() == "run_1");
    run_ready(io);
    BOOST_REQUIRE(&transfer() != &events);
    BOOST_TEST(transfer().request.url.find("/runs/run_1/cancel") != std::string::npos);
    BOOST_TEST(name_of_next(stream) == "thread.run.created");
}

BOOST_FIXTURE_TEST_CASE(an_empty_stream_has_nothing, fixture) {
    event_stream stream;
    BOOST_TEST(!stream);
    BOOST_TEST(name_of_next(stream) == "end");
    BOOST_TEST(!stream.try_next().has_value());
    BOOST_TEST(stream.status() == 0);
    BOOST_TEST(stream.run_id() == "");
    stream.abandon();
}

// A run that asks for something: what time does to it.

namespace {

std::string approval_asked() {
    return frame("thread.run.requires_action",
                 R"({"id":"run_1","object":"thread.run","thread_id":"thread_1","assistant_id":"asst_1",)"
                 R"("status":"requires_action","required_action":{"type":"submit_tool_approval",)"
                 R"("submit_tool_approval":{"tool_calls":[{"id":"call_1","type":"mcp","name":"n","arguments":"{}",)"
                 R"("server_label":"bookings"}]}}})");
}

struct with_approvals : fixture {
    explicit with_approvals(client_options settings = without_second_chances()) : fixture(std::move(settings)) {
        run_settings.on_mcp_approval = [this](mcp_approval_request) -> asio::awaitable<bool> {
            ++asked;
            asio::steady_timer never(io, asio::steady_timer::time_point::max());
            std::error_code woken;
            if (hangs) co_await never.async_wait(asio::redirect_error(asio::use_awaitable, woken));
            ++answered;
            co_return true;
        };
    }

    /// A stream whose run asks for an approval, and whose response has ended.
    event_stream asking() {
        event_stream stream = opened();
        transfer().bytes(created() + approval_asked() + done);
        transfer().done();
        run_until(io, [this] { return asked > 0; });
        return stream;
    }

    int asked = 0, answered = 0;
    bool hangs = false;
};

struct with_approvals_and_a_limit : with_approvals {
    with_approvals_and_a_limit() : with_approvals(without_second_chances(settings())) {}
    static client_options settings() {
        client_options options;
        options.total_timeout = 10min;
        return options;
    }
};

}  // namespace

BOOST_FIXTURE_TEST_CASE(a_provider_that_hangs_is_given_up_in_time_with_nothing_sent, with_approvals) {
    bool given_up = false;
    provider = [&](mcp_header_request) -> asio::awaitable<mcp_headers> {
        asio::steady_timer never(io, asio::steady_timer::time_point::max());
        std::error_code woken;
        co_await never.async_wait(asio::redirect_error(asio::use_awaitable, woken));
        given_up = true;
        co_return mcp_headers();
    };
    run_settings.mcp_header_timeout = 5s;
    event_stream stream = asking();
    BOOST_TEST(name_of_next(stream) == "thread.run.created");
    BOOST_TEST(name_of_next(stream) == "thread.run.requires_action");
    run_ready(io);
    clock->advance(4999ms);
    run_ready(io);
    BOOST_TEST(!given_up);
    clock->advance(1ms);
    BOOST_TEST(name_of_next(stream) == "corun.approval_decided");
    std::error_code code;
    BOOST_TEST(!next(stream, code).has_value());
    BOOST_TEST(code == errc::mcp_headers_timeout);
    BOOST_TEST(is_timeout(code));
    BOOST_TEST(stream.details().message == "it took longer than 5000 ms");
    run_until(io, [&] { return given_up; });
    BOOST_TEST(transport->starts == 1);
}

BOOST_FIXTURE_TEST_CASE(a_provider_that_hangs_at_the_start_is_given_up_in_time, fixture) {
    auto run = std::make_shared<detail::run_context>();
    run->api = owner;
    run->options.change().mcp_header_timeout = 5s;
    // What it captured lives as long as it runs, though nobody else holds it by then.
    const auto vault = std::make_shared<int>(0);
    run->provider = [this, vault](mcp_header_request) -> asio::awaitable<mcp_headers> {
        asio::steady_timer never(io, asio::steady_timer::time_point::max());
        std::error_code woken;
        co_await never.async_wait(asio::redirect_error(asio::use_awaitable, woken));
        ++*vault;
        co_return mcp_headers();
    };
    std::error_code code;
    asio::co_spawn(io, detail::prepare_threads_run(std::move(run), mcp_header_request()),
                   [&](std::exception_ptr failure, const auto&) {
                       try {
                           std::rethrow_exception(failure);
                       } catch (const error& said) {
                           code = said.code();
                       }
                   });
    run_ready(io);
    clock->advance(5s);
    run_until(io, [&] { return static_cast<bool>(code); });
    BOOST_TEST(code == errc::mcp_headers_timeout);
    run_until(io, [&] { return *vault == 1; });
    BOOST_TEST(transport->starts == 0);
}

BOOST_FIXTURE_TEST_CASE(the_time_that_a_handler_takes_counts_for_the_run, with_approvals_and_a_limit) {
    hangs = true;
    event_stream stream = asking();
    BOOST_TEST(name_of_next(stream) == "thread.run.created");
    BOOST_TEST(name_of_next(stream) == "thread.run.requires_action");
    clock->advance(9min);
    BOOST_TEST(!stream.try_next().has_value());
    clock->advance(1min);
    std::error_code code;
    BOOST_TEST(!next(stream, code).has_value());
    BOOST_TEST(code == errc::total_timeout);
    // The handler is told, and what it says then is of no use.
    run_until(io, [this] { return answered == 1; });
    run_ready(io);
    BOOST_TEST(transport->starts == 1);
    BOOST_TEST(!next(stream, code).has_value());
    BOOST_TEST(code == errc::total_timeout);
}

BOOST_FIXTURE_TEST_CASE(answers_do_not_wait_for_a_response_that_lingers, with_approvals) {
    event_stream stream = opened();
    transfer().bytes(created() + approval_asked());  // and no end of it
    run_until(io, [this] { return transport->starts == 2; });
    BOOST_TEST(transfer().request.url.find("/threads/thread_1/runs/run_1/submit_tool_outputs") != std::string::npos);
    transfer().head(200, "text/event-stream");
    transfer().bytes(run_event("queued") + delta("Hello") + run_event("completed") + done);
    for (const char* expected : {"thread.run.created", "thread.run.requires_action", "corun.approval_decided",
                                 "thread.run.queued", "thread.message.delta", "thread.run.completed", "end"})
        BOOST_TEST(name_of_next(stream) == expected);
}

BOOST_FIXTURE_TEST_CASE(silence_after_the_answers_is_an_idle_timeout, with_approvals) {
    event_stream stream = asking();
    run_until(io, [this] { return transport->starts == 2; });
    BOOST_TEST(name_of_next(stream) == "thread.run.created");
    BOOST_TEST(name_of_next(stream) == "thread.run.requires_action");
    BOOST_TEST(name_of_next(stream) == "corun.approval_decided");
    clock->advance(60s);
    std::error_code code;
    BOOST_TEST(!next(stream, code).has_value());
    BOOST_TEST(code == errc::idle_timeout);
}

BOOST_FIXTURE_TEST_CASE(an_unread_action_is_answered_all_the_same_and_stays_in_order, with_approvals) {
    event_stream stream = asking();
    run_until(io, [this] { return transport->starts == 2; });
    transfer().head(200, "text/event-stream");
    transfer().bytes(run_event("completed") + done);
    for (const char* expected :
         {"thread.run.created", "thread.run.requires_action", "corun.approval_decided", "thread.run.completed", "end"})
        BOOST_TEST(name_of_next(stream) == expected);
}

BOOST_FIXTURE_TEST_CASE(a_submission_that_is_cancelled_leaves_the_run_waiting, fixture) {
    run_settings.answers_by_hand = true;
    event_stream stream = opened();
    transfer().bytes(created() + approval_asked() + done);
    transfer().done();
    while (name_of_next(stream) != "end") {
    }
    submission answers;
    answers.deny("call_1");
    asio::cancellation_signal signal;
    std::error_code code;
    asio::co_spawn(io, stream.submit(answers),
                   asio::bind_cancellation_slot(signal.slot(), [&](std::exception_ptr failure) {
                       try {
                           std::rethrow_exception(failure);
                       } catch (const std::system_error& said) {
                           code = said.code();
                       }
                   }));
    run_until(io, [this] { return transport->starts == 2; });
    signal.emit(asio::cancellation_type::terminal);
    run_until(io, [&] { return static_cast<bool>(code); });
    BOOST_TEST(code == asio::error::operation_aborted);
    BOOST_TEST(transport->current() == nullptr);
    BOOST_TEST(name_of_next(stream) == "end");

    bool accepted = false;
    asio::co_spawn(io, stream.submit(answers), [&](std::exception_ptr failure) { accepted = !failure; });
    run_until(io, [this] { return transport->starts == 3; });
    transfer().head(200, "text/event-stream");
    run_until(io, [&] { return accepted; });
    transfer().bytes(run_event("completed") + done);
    BOOST_TEST(name_of_next(stream) == "thread.run.completed");
    BOOST_TEST(name_of_next(stream) == "end");
}

BOOST_FIXTURE_TEST_CASE(a_cancellation_in_the_turn_of_the_acceptance_does_not_lose_the_run, fixture) {
    run_settings.answers_by_hand = true;
    event_stream stream = opened();
    transfer().bytes(created() + approval_asked() + done);
    transfer().done();
    while (name_of_next(stream) != "end") {
    }
    BOOST_TEST(stream.waits_for_answers());
    submission answers;
    answers.deny("call_1");
    asio::cancellation_signal signal;
    bool ended = false, accepted = false;
    asio::co_spawn(io, stream.submit(answers),
                   asio::bind_cancellation_slot(signal.slot(), [&](std::exception_ptr failure) {
                       ended = true;
                       accepted = !failure;
                   }));
    run_until(io, [this] { return transport->starts == 2; });
    transfer().head(200, "text/event-stream");
    transfer().bytes(run_event("queued"));
    signal.emit(asio::cancellation_type::terminal);
    run_until(io, [&] { return ended; });
    BOOST_TEST(accepted);
    BOOST_TEST(!stream.waits_for_answers());
    BOOST_TEST(name_of_next(stream) == "thread.run.queued");
    transfer().bytes(run_event("completed") + done);
    BOOST_TEST(name_of_next(stream) == "thread.run.completed");
}

BOOST_FIXTURE_TEST_CASE(handlers_stop_when_the_stream_has_failed, with_approvals) {
    hangs = true;
    run_settings.strict_events = true;
    event_stream stream = opened();
    transfer().bytes(created() + frame("thread.message.delta", "{nonsense") + approval_asked() + done);
    run_until(io, [this] { return asked == 1; });
    BOOST_TEST(name_of_next(stream) == "thread.run.created");
    std::error_code code;
    BOOST_TEST(!next(stream, code).has_value());
    BOOST_TEST(code == errc::bad_event);
    run_until(io, [this] { return answered == 1; });
    run_ready(io);
    BOOST_TEST(transport->starts == 1);
}

BOOST_FIXTURE_TEST_CASE(a_run_that_has_called_something_is_not_begun_again, fixture) {
    provider = [](mcp_header_request) -> asio::awaitable<mcp_headers> { co_return mcp_headers(); };
    bears_headers = true;
    const std::string failed_run =
        frame("thread.run.failed",
              R"json({"id":"run_1","thread_id":"thread_1","assistant_id":"asst_1","status":"failed","last_error":{)json"
              R"json("code":"tool_server_error","message":"MCP Connector error. Http status: 424, error details: )json"
              R"json(Error retrieving tool list from MCP server: 'b'. Http status code: 401 (Unauthorized)"}})json");
    const auto step = [](const std::string& calls) {
        return frame("thread.run.step.failed",
                     R"({"id":"step_1","type":"tool_calls","status":"failed","step_details":{"type":"tool_calls",)"
                     R"("tool_calls":[)" +
                         calls + "]}}");
    };
    {
        event_stream stream = opened();
        transfer().bytes(created() +
                         step(R"({"id":"call_1","type":"mcp","name":"pay","arguments":"{}","output":"paid"})") +
                         failed_run + done);
        transfer().done();
        // The step, its call, and the end.
        for (const char* expected :
             {"thread.run.created", "thread.run.step.failed", "thread.run.step.failed", "thread.run.failed", "end"})
            BOOST_TEST(name_of_next(stream) == expected);
        BOOST_TEST(transport->starts == 1);
    }

    // One that has not, is: it is posted once more, and then fails to be.
    event_stream second = opened();
    transfer().bytes(created() + step("") + failed_run + done);
    run_until(io, [this] { return transport->starts == 3; });
    transfer().head(500, "application/json");
    transfer().done();
    for (const char* expected : {"thread.run.created", "thread.run.step.failed", "corun.run_restarted"})
        BOOST_TEST(name_of_next(second) == expected);
    std::error_code code;
    BOOST_TEST(!next(second, code).has_value());
    BOOST_TEST(code == errc::server_failed);
}

BOOST_FIXTURE_TEST_CASE(a_response_after_an_action_is_held_back_too, small_buffers) {
    run_settings.on_mcp_approval = [](mcp_approval_request) -> asio::awaitable<bool> { co_return true; };
    event_stream stream = opened();
    transfer().bytes(created() + delta(std::string(1500, 'x')) + approval_asked() + done);
    transfer().done();
    run_until(io, [this] { return transport->starts == 2; });
    // Before there is a connection it could not be.
    BOOST_TEST(transfer().pauses == 0);
    transfer().head(200, "text/event-stream");
    transfer().bytes(run_event("queued"));
    BOOST_TEST(transfer().paused);
    for (int i = 0; i < 3; ++i) (void)name_of_next(stream);
    BOOST_TEST(!transfer().paused);
}

namespace {

struct with_a_fickle_credential : fixture {
    with_a_fickle_credential() {
        const auto get_token = [this]() -> asio::awaitable<secret> {
            if (++tokens > 1) throw std::system_error(asio::error::operation_aborted);
            co_return secret("planted-secret-other");
        };
        owner = detail::make_api_client(io.get_executor(), "https://service.example/api/projects/p",
                                        credential::callback(get_token), client_options(), transport, clock);
        run_settings.on_mcp_approval = [](mcp_approval_request) -> asio::awaitable<bool> { co_return true; };
    }
    int tokens = 0;
};

}  // namespace

BOOST_FIXTURE_TEST_CASE(a_credential_that_gives_up_ends_the_stream, with_a_fickle_credential) {
    event_stream stream = opened();
    transfer().bytes(created() + approval_asked() + done);
    transfer().done();
    std::error_code code;
    while (next(stream, code)) {
    }
    BOOST_TEST(code == errc::credential_failed);
}

// A run that is polled.

namespace {

struct polled : fixture {
    explicit polled(client_options settings = without_second_chances()) : fixture(std::move(settings)) {}

    /// Answers the request that is under way.
    void answer(const std::string& body) {
        run_until(io, [this] { return transport->current() != nullptr; });
        const int starts = transport->starts;
        transfer().head(200, "application/json");
        transfer().bytes(body);
        transfer().done();
        // It has been let go of; another may be under way by then, even at its address.
        run_until(io, [this, starts] { return transport->current() == nullptr || transport->starts != starts; });
        run_ready(io);
    }

    static std::string run(const std::string& status) {
        return R"({"id":"run_1","object":"thread.run","thread_id":"thread_1","assistant_id":"asst_1","status":")" +
               status + R"(","started_at":1})";
    }
    static std::string list(const std::string& items = "") {
        return R"({"object":"list","data":[)" + items + R"(],"has_more":false})";
    }

    event_stream begun() {
        bool finished = false;
        event_stream stream;
        auto context = std::make_shared<detail::run_context>();
        context->api = owner;
        context->threads.polls = true;
        detail::prepared_run request;
        request.call.path = "/threads/runs";
        request.call.body = secret("{}");
        auto protocol = detail::make_threads_protocol(context);
        asio::co_spawn(io, open_stream(std::move(context), std::move(protocol), std::move(request)),
                       [&](std::exception_ptr, event_stream s) {
                           stream = std::move(s);
                           finished = true;
                       });
        answer(run("queued"));
        answer(R"({"id":"thread_1","object":"thread"})");
        run_until(io, [&] { return finished; });
        return stream;
    }
};

}  // namespace

namespace {

struct polled_with_small_buffers : polled {
    polled_with_small_buffers() : polled(without_second_chances(settings())) {}
    static client_options settings() {
        client_options options;
        options.high_water_bytes = 10;
        return options;
    }
};

}  // namespace

BOOST_FIXTURE_TEST_CASE(polls_come_further_apart_while_nothing_happens, polled) {
    event_stream stream = begun();
    for (const char* expected : {"thread.created", "thread.run.created", "thread.run.queued"})
        BOOST_TEST(name_of_next(stream) == expected);
    BOOST_TEST(transport->starts == 2);
    int polls = 0;
    for (const std::chrono::milliseconds delay : {250ms, 500ms, 1000ms, 2000ms, 2000ms}) {
        clock->advance(delay - 1ms);
        run_ready(io);
        BOOST_TEST(transport->current() == nullptr);
        clock->advance(1ms);
        answer(run("queued"));
        ++polls;
        BOOST_TEST(transport->starts == 2 + polls);
    }
    clock->advance(2000ms);
    answer(run("completed"));
    answer(list());
    answer(list());
    for (const char* expected : {"thread.run.in_progress", "thread.run.completed", "end"})
        BOOST_TEST(name_of_next(stream) == expected);
    clock->advance(1h);
    run_ready(io);
    BOOST_TEST(transport->current() == nullptr);
}

BOOST_FIXTURE_TEST_CASE(an_abandoned_run_is_polled_no_more, polled) {
    {
        event_stream stream = begun();
        clock->advance(250ms);
        run_until(io, [this] { return transport->current() != nullptr; });
    }
    run_ready(io);
    BOOST_TEST(transport->current() == nullptr);
    clock->advance(1h);
    run_ready(io);
    BOOST_TEST(transport->starts == 3);
}

BOOST_FIXTURE_TEST_CASE(a_caller_that_takes_no_events_is_not_polled_for, polled_with_small_buffers) {
    event_stream stream = begun();
    clock->advance(10min);
    run_ready(io);
    BOOST_TEST(transport->starts == 2);
    for (const char* expected : {"thread.created", "thread.run.created", "thread.run.queued"})
        BOOST_TEST(name_of_next(stream) == expected);
    clock->advance(250ms);
    run_until(io, [this] { return transport->current() != nullptr; });
    BOOST_TEST(transport->starts == 3);
}

BOOST_AUTO_TEST_SUITE_END()
