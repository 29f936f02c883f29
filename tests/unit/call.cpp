#include "http/call.hpp"

#include "drive.hpp"
#include "manual_clock.hpp"
#include "scripted_transport.hpp"
#include <corun/error.hpp>

#include <asio/bind_cancellation_slot.hpp>
#include <asio/cancellation_signal.hpp>
#include <asio/io_context.hpp>
#include <boost/test/unit_test.hpp>

#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace {

using namespace corun;
using namespace corun::test;
using namespace std::chrono_literals;

/// A call over a transport and a clock that the test plays.
struct played_call {
    asio::io_context io;
    std::shared_ptr<scripted_transport> played = std::make_shared<scripted_transport>();
    std::shared_ptr<manual_clock> clock = std::make_shared<manual_clock>();
    asio::cancellation_signal cancel;
    std::optional<std::error_code> ended;
    diagnostics details;
    std::string thrown;

    net::request request;
    detail::call_limits limits;
    detail::call_handlers handlers;
    detail::http_response response;

    void head_of_length(int length) {
        net::response_head head;
        head.status = 200;
        head.fields.emplace_back("Content-Length", std::to_string(length));
        played->current()->head(std::move(head));
    }

    void finish() {
        run_until(io, [&] { return ended.has_value(); });
    }

    void start(std::chrono::milliseconds idle, std::chrono::milliseconds total) {
        limits.idle = idle;
        limits.total = total;
        asio::co_spawn(
            io, detail::http_call(played, clock, std::move(request), limits, handlers),
            asio::bind_cancellation_slot(cancel.slot(), [this](std::exception_ptr e, detail::http_response r) {
                ended.emplace();
                response = std::move(r);
                try {
                    if (e) std::rethrow_exception(e);
                } catch (const error& failure) {
                    ended = failure.code();
                    details = failure.details();
                } catch (const std::system_error& failure) {
                    ended = failure.code();
                } catch (const std::runtime_error& failure) {
                    thrown = failure.what();
                }
            }));
        run_until(io, [&] { return played->current() != nullptr; });
    }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(calls)

BOOST_FIXTURE_TEST_CASE(a_silent_call_times_out_and_bytes_put_it_off, played_call) {
    start(60s, 0s);
    clock->advance(59s);
    played->current()->head(200, "application/json");
    clock->advance(59s);
    played->current()->bytes("{");
    clock->advance(59s);
    run_ready(io);
    BOOST_TEST(!ended.has_value());
    clock->advance(1s);
    run_until(io, [&] { return ended.has_value(); });
    BOOST_TEST(*ended == errc::idle_timeout);
    BOOST_TEST(played->current() == nullptr);
}

BOOST_FIXTURE_TEST_CASE(a_call_that_takes_too_long_times_out, played_call) {
    start(60s, 90s);
    clock->advance(50s);
    played->current()->head(200, "application/json");
    clock->advance(39s);
    played->current()->bytes("{");
    clock->advance(1s);
    run_until(io, [&] { return ended.has_value(); });
    BOOST_TEST(*ended == errc::total_timeout);
}

BOOST_FIXTURE_TEST_CASE(a_cancelled_call_drops_its_request, played_call) {
    start(60s, 0s);
    cancel.emit(asio::cancellation_type::terminal);
    run_until(io, [&] { return ended.has_value(); });
    BOOST_TEST(*ended == asio::error::operation_aborted);
    BOOST_TEST(played->current() == nullptr);
    BOOST_TEST(clock->pending() == 0u);
}

BOOST_FIXTURE_TEST_CASE(a_call_cut_short_has_lost_its_connection, played_call) {
    start(60s, 0s);
    played->current()->head(200, "application/json");
    played->current()->done(errc::premature_eof);
    run_until(io, [&] { return ended.has_value(); });
    BOOST_TEST(*ended == errc::connection_lost);
}

BOOST_FIXTURE_TEST_CASE(bytes_that_are_sent_put_the_idle_timeout_off, played_call) {
    start(60s, 0s);
    for (std::uint64_t sent = 1; sent != 5; ++sent) {
        clock->advance(59s);
        played->current()->sent(sent);
    }
    run_ready(io);
    BOOST_TEST(!ended.has_value());
    clock->advance(60s);
    run_until(io, [&] { return ended.has_value(); });
    BOOST_TEST(*ended == errc::idle_timeout);
}

BOOST_FIXTURE_TEST_CASE(a_body_is_handed_on_and_reading_pauses_while_too_much_of_it_waits, played_call) {
    std::string seen;
    int pieces = 0;
    handlers.on_body = [&](std::string_view bytes) {
        seen += bytes;
        ++pieces;
    };
    limits.high_water_bytes = 10;
    start(60s, 0s);
    head_of_length(100);
    played->current()->bytes("12345");
    played->current()->bytes("67890");
    BOOST_TEST(!played->current()->paused);
    BOOST_TEST(pieces == 0);  // never from within the transport
    played->current()->bytes("a");
    BOOST_TEST(played->current()->paused);
    played->current()->bytes("b");  // what had come already
    run_ready(io);
    BOOST_TEST(seen == "1234567890ab");
    BOOST_TEST(pieces == 1);
    BOOST_TEST(!played->current()->paused);
    played->current()->bytes("c");
    played->current()->done(errc::connection_lost);
    run_until(io, [&] { return ended.has_value(); });
    // What came before the failure is not lost.
    BOOST_TEST(seen == "1234567890abc");
    BOOST_TEST(*ended == errc::connection_lost);
}

BOOST_FIXTURE_TEST_CASE(time_in_which_a_body_is_dealt_with_does_not_count_as_silence, played_call) {
    handlers.on_body = [&](std::string_view) { clock->advance(59s); };
    start(60s, 0s);
    head_of_length(100);
    for (int i = 0; i != 3; ++i) {
        played->current()->bytes("1");
        run_ready(io);
    }
    BOOST_TEST(!ended.has_value());
    clock->advance(59s);
    run_ready(io);
    BOOST_TEST(!ended.has_value());
    clock->advance(1s);
    run_until(io, [&] { return ended.has_value(); });
    BOOST_TEST(*ended == errc::idle_timeout);
}

BOOST_FIXTURE_TEST_CASE(the_body_of_a_failure_is_gathered_also_when_a_success_is_handed_on, played_call) {
    bool called = false;
    handlers.on_body = [&](std::string_view) { called = true; };
    start(60s, 0s);
    played->current()->head(500, "application/json");
    played->current()->bytes("no");
    played->current()->done();
    run_until(io, [&] { return ended.has_value(); });
    BOOST_TEST(!*ended);
    BOOST_TEST(response.body == "no");
    BOOST_TEST(!called);
}

BOOST_FIXTURE_TEST_CASE(a_call_gathers_its_response, played_call) {
    request.url = "https://service.test/x";
    start(0s, 0s);
    BOOST_TEST(played->current()->request.url == "https://service.test/x");
    BOOST_TEST(clock->pending() == 0u);
    played->current()->head(404, "application/json");
    played->current()->bytes("not ");
    played->current()->bytes("found");
    run_ready(io);
    BOOST_TEST(!ended.has_value());
    played->current()->done();
    finish();
    BOOST_TEST(!*ended);
    BOOST_TEST(response.head.status == 404);
    BOOST_TEST(response.head.media_type() == "application/json");
    BOOST_TEST(response.body == "not found");
    BOOST_TEST(!response.truncated);
    BOOST_TEST(played->current() == nullptr);
}

BOOST_FIXTURE_TEST_CASE(a_body_of_the_largest_size_is_whole, played_call) {
    limits.max_bytes = 5;
    start(0s, 0s);
    played->current()->head(200, "text/plain");
    played->current()->bytes("123");
    played->current()->bytes("45");
    run_ready(io);
    BOOST_TEST(!ended.has_value());
    played->current()->done();
    finish();
    BOOST_TEST(response.body == "12345");
    BOOST_TEST(!response.truncated);
}

BOOST_FIXTURE_TEST_CASE(a_larger_body_is_cut_and_its_request_dropped, played_call) {
    limits.max_bytes = 5;
    start(0s, 0s);
    played->current()->head(200, "text/plain");
    played->current()->bytes("123");
    played->current()->bytes("456");
    // The transport may deliver more before the coroutine has dropped the request.
    played->current()->bytes("7");
    played->current()->done(errc::connection_lost);
    finish();
    BOOST_TEST(!*ended);
    BOOST_TEST(response.truncated);
    BOOST_TEST(response.body == "12345");
    BOOST_TEST(played->current() == nullptr);
}

BOOST_FIXTURE_TEST_CASE(a_failure_keeps_its_message_and_the_status, played_call) {
    start(0s, 0s);
    played->current()->head(503, "text/plain");
    played->current()->done(errc::connection_lost);
    finish();
    BOOST_TEST(*ended == errc::connection_lost);
    BOOST_TEST(details.message == "played by the test");
    BOOST_TEST(details.status == 503);
}

BOOST_FIXTURE_TEST_CASE(the_nearest_limit_counts, played_call) {
    start(50s, 60s);
    clock->advance(30s);
    played->current()->head(200, "text/plain");
    clock->advance(30s - 1ms);
    run_ready(io);
    BOOST_TEST(!ended.has_value());
    clock->advance(1ms);
    finish();
    BOOST_TEST(*ended == errc::total_timeout);
}

BOOST_FIXTURE_TEST_CASE(a_total_timeout_needs_no_idle_timeout, played_call) {
    start(0s, 60s);
    clock->advance(60s - 1ms);
    run_ready(io);
    BOOST_TEST(!ended.has_value());
    clock->advance(1ms);
    finish();
    BOOST_TEST(*ended == errc::total_timeout);
    BOOST_TEST(clock->pending() == 0u);
}

BOOST_FIXTURE_TEST_CASE(a_call_that_has_ended_sets_no_timer, played_call) {
    start(60s, 0s);
    played->current()->head(200, "text/plain");
    clock->advance(30s);
    played->current()->done();
    clock->advance(60s);
    BOOST_TEST(clock->pending() == 0u);
    finish();
    BOOST_TEST(!*ended);
}

BOOST_FIXTURE_TEST_CASE(reports_how_much_of_the_body_has_been_sent, played_call) {
    std::vector<std::uint64_t> reports;
    handlers.on_sent = [&](std::uint64_t bytes) { reports.push_back(bytes); };
    start(0s, 0s);
    run_ready(io);
    BOOST_TEST(reports.empty());
    played->current()->sent(1);
    run_ready(io);
    played->current()->sent(2);
    played->current()->sent(3);
    run_ready(io);
    played->current()->head(200, "text/plain");
    played->current()->done();
    finish();
    const std::vector<std::uint64_t> expected{1, 3};
    BOOST_TEST(reports == expected, boost::test_tools::per_element());
}

BOOST_FIXTURE_TEST_CASE(a_streamed_body_needs_a_known_end, played_call) {
    const struct {
        int status;
        const char* field;
        std::error_code expected;
    } cases[] = {
        {200, "", errc::bad_response},
        {200, "Content-Length", {}},
        {200, "Transfer-Encoding", {}},
        {204, "", {}},
        {299, "", errc::bad_response},
        {300, "", {}},
        {199, "", {}},
    };
    for (const auto& each : cases) {
        played_call call;
        call.handlers.on_body = [](std::string_view) {};
        call.start(0s, 0s);
        net::response_head head;
        head.status = each.status;
        if (*each.field) head.fields.emplace_back(each.field, "0");
        call.played->current()->head(std::move(head));
        call.played->current()->done();
        call.finish();
        BOOST_TEST_CONTEXT(each.status << each.field) {
            BOOST_TEST(*call.ended == each.expected);
            if (each.expected) {
                BOOST_TEST(call.details.message == "it has neither Content-Length nor Transfer-Encoding");
                BOOST_TEST(call.details.status == each.status);
            }
        }
    }
}

BOOST_FIXTURE_TEST_CASE(a_streamed_body_is_not_limited, played_call) {
    std::string seen;
    handlers.on_body = [&](std::string_view bytes) { seen += bytes; };
    limits.max_bytes = 3;
    start(0s, 0s);
    head_of_length(6);
    played->current()->bytes("123456");
    played->current()->done();
    finish();
    BOOST_TEST(!*ended);
    BOOST_TEST(seen == "123456");
    BOOST_TEST(response.body == "");
    BOOST_TEST(!response.truncated);
}

BOOST_FIXTURE_TEST_CASE(an_exception_of_a_handler_ends_the_call, played_call) {
    handlers.on_body = [](std::string_view) { throw std::runtime_error("the disk is full"); };
    start(60s, 0s);
    head_of_length(6);
    played->current()->bytes("123456");
    finish();
    BOOST_TEST(thrown == "the disk is full");
    BOOST_TEST(played->current() == nullptr);
    BOOST_TEST(clock->pending() == 0u);
}

BOOST_FIXTURE_TEST_CASE(a_body_that_tells_its_end_by_itself_completes_the_call_there, played_call) {
    std::string read;
    handlers.on_part = [&read](const net::response_head& head, std::string_view part) {
        BOOST_TEST(head.media_type() == "text/plain");
        read += part;
        return read.ends_with('.') ? detail::body_part::last : detail::body_part::progress;
    };
    start(60s, 0s);
    played->current()->head(200, "text/plain");
    played->current()->bytes("one ");
    run_ready(io);
    BOOST_TEST(!ended.has_value());
    played->current()->bytes("two.");
    finish();
    BOOST_TEST(!*ended);
    BOOST_TEST(read == "one two.");
    BOOST_TEST(played->current() == nullptr);
}

BOOST_FIXTURE_TEST_CASE(ignored_parts_of_a_body_do_not_put_off_the_timeout, played_call) {
    handlers.on_part = [](const net::response_head&, std::string_view part) {
        return part == "." ? detail::body_part::ignored : detail::body_part::progress;
    };
    start(60s, 0s);
    played->current()->head(200, "text/plain");
    for (const char* part : {"a", "."}) {
        clock->advance(50s);
        played->current()->bytes(part);
        run_ready(io);
        BOOST_TEST(!ended.has_value());
    }
    clock->advance(10s);
    finish();
    BOOST_TEST(*ended == errc::idle_timeout);
}

BOOST_AUTO_TEST_SUITE_END()
