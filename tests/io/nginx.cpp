// Through a real nginx: HTTP/2 over TLS, and what it does to streams that share a connection.
#include "nginx.hpp"

#include "curl/curl_transport.hpp"
#include "emulated.hpp"
#include "loopback_server.hpp"
#include "recording_sink.hpp"

#include <boost/test/unit_test.hpp>
#include <malloc.h>

#include <algorithm>
#include <deque>
#include <map>
#include <string>
#include <utility>
#include <vector>

/// The address sanitizer's, where it is.
extern "C" [[gnu::weak]] std::size_t __sanitizer_get_current_allocated_bytes();

namespace {

using namespace corun;
using namespace corun::test;
using namespace std::chrono_literals;

std::size_t allocated_bytes() {
    if (__sanitizer_get_current_allocated_bytes) return __sanitizer_get_current_allocated_bytes();
    const auto use = ::mallinfo2();
    return use.uordblks + use.hblkhd;
}

/// What every stream begins with.
const std::string greeting = ": welcome\n\n";

/// One request over the transport.
struct exchange {
    recording_sink sink;
    std::unique_ptr<net::transfer> transfer;
    bool opened = false;

    [[nodiscard]] std::string connection() const { return std::string(sink.head.field("x-connection")); }
    [[nodiscard]] bool http2() const { return sink.head.field("x-protocol") == "HTTP/2.0"; }
};

/// A transport, nginx, and behind it a server whose every response the test writes.
struct fixture {
    fixture() {
        settings.proxy = "";
        settings.ca_file = files.write("ca.pem", authority.certificate());
    }

    void open(nginx_options how = nginx_options()) {
        front.emplace(upstream.url(), authority.issue(ca::statement("DNS:localhost")), how);
        transport = curl::make_transport(io.get_executor(), settings);
    }

    exchange& start(const std::string& path, bool streams) {
        exchange& made = exchanges.emplace_back();
        net::request what;
        what.url = front->url() + path;
        what.connect_timeout = 30s;
        what.streams = streams;
        if (streams) {
            what.method = "POST";
            what.body = "{}";
        }
        made.transfer = transport->start(std::move(what), made.sink);
        made.sink.transfer = made.transfer.get();
        return made;
    }
    exchange& stream() { return start("/stream", true); }

    /// A call that is no stream, so that it is known what the server speaks.
    exchange& call() {
        exchange& made = start("/call", false);
        run_until(io, [&] { return made.sink.done; });
        BOOST_REQUIRE_MESSAGE(made.sink.bytes == "{}", made.sink.code << " " << made.sink.detail << "\n"
                                                                      << front->complaints());
        return made;
    }

    /// Until so many responses have begun to arrive. They are in the order in which their streams were started if each
    /// was waited for by itself.
    void run_until_open(std::size_t count) {
        run_until(io, [&] { return open_responses.size() == count; });
        for (exchange& each : exchanges) {
            if (each.opened || each.sink.done) continue;
            run_until(io, [&] { return each.sink.bytes == greeting; });
            each.sink.bytes.clear();
            each.opened = true;
        }
    }

    void write(std::size_t response, std::string bytes) {
        await(io, [](std::shared_ptr<raw_connection> to, std::string what) -> asio::awaitable<void> {
            co_await to->write_chunk(std::move(what));
        }(open_responses.at(response), std::move(bytes)));
    }
    void finish(std::size_t response) {
        await(io, [](std::shared_ptr<raw_connection> to) -> asio::awaitable<void> {
            co_await to->write("0\r\n\r\n");
        }(open_responses.at(response)));
    }

    asio::io_context io;
    ca::authority authority;
    temporary_directory files;
    curl::options settings;
    std::vector<std::shared_ptr<raw_connection>> open_responses;
    loopback_server upstream{io, [this](std::shared_ptr<raw_connection> connection) { return serve(connection); }};
    std::optional<nginx> front;
    std::shared_ptr<net::transport> transport;
    std::deque<exchange> exchanges;

private:
    asio::awaitable<void> serve(std::shared_ptr<raw_connection> connection) {
        const raw_request request = co_await connection->read();
        if (request.target() == "/call") {
            co_await connection->write(whole_response(200, "application/json", "{}"));
        } else {
            co_await connection->write(response_head(200, "text/event-stream", "Transfer-Encoding: chunked\r\n\r\n"));
            // nginx keeps the head back until something follows it.
            co_await connection->write_chunk(greeting);
            open_responses.push_back(connection);
        }
    }
};

struct multiplexed : fixture {
    multiplexed() { settings.multiplex_streams = true; }
};

/// Writes until the response ends or nobody takes it.
asio::awaitable<void> pour(std::shared_ptr<raw_connection> to, std::size_t total, std::size_t* written) {
    const std::string piece(std::size_t{64} << 10, 'x');
    while (*written < total) {
        if (!co_await to->write_chunk(piece)) co_return;
        *written += piece.size();
    }
    (void)co_await to->write("0\r\n\r\n");
}

}  // namespace

BOOST_AUTO_TEST_SUITE(through_nginx)

BOOST_FIXTURE_TEST_CASE(calls_share_a_connection_and_streams_have_one_of_their_own, fixture) {
    open();
    const std::string shared = call().connection();
    BOOST_TEST(call().connection() == shared);
    BOOST_TEST(exchanges.back().http2());
    exchange& first = stream();
    exchange& second = stream();
    run_until_open(2);
    BOOST_TEST(!first.http2());
    BOOST_TEST(!second.http2());
    BOOST_TEST(first.connection() != second.connection());
    BOOST_TEST(first.connection() != shared);
    BOOST_TEST(call().connection() == shared);
}

BOOST_FIXTURE_TEST_CASE(streams_share_a_connection_where_they_may, multiplexed) {
    open();
    call();
    for (int i = 0; i < 50; ++i) stream();
    run_until_open(50);
    for (const exchange& each : exchanges) {
        BOOST_TEST(each.http2());
        BOOST_TEST(each.connection() == exchanges.front().connection());
    }
    for (std::size_t i = 0; i < 50; ++i) {
        write(i, "data");
        finish(i);
    }
    run_until(io, [&] {
        return std::all_of(exchanges.begin(), exchanges.end(), [](const exchange& e) { return e.sink.done; });
    });
    for (const exchange& each : exchanges) {
        BOOST_TEST(!each.sink.code);
        BOOST_TEST(each.sink.dones == 1);
    }
}

BOOST_FIXTURE_TEST_CASE(streams_that_begin_together_wait_for_one_connection_where_http2_is_known, multiplexed) {
    nginx_options how;
    how.more = "keepalive_requests 10;";
    open(how);
    for (int i = 0; i < 10; ++i) call();
    // That connection has served its time.
    for (int i = 0; i < 10; ++i) stream();
    run_until_open(10);
    for (std::size_t i = 10; i < 20; ++i) {
        BOOST_TEST(exchanges[i].connection() != exchanges.front().connection());
        BOOST_TEST(exchanges[i].connection() == exchanges.back().connection());
    }
}

BOOST_FIXTURE_TEST_CASE(no_more_than_a_hundred_streams_share_a_connection, multiplexed) {
    open();
    call();
    for (int i = 0; i < 100; ++i) stream();
    run_until_open(100);
    stream();
    run_until_open(101);
    for (int i = 0; i < 29; ++i) stream();
    run_until_open(130);
    std::map<std::string, int> count;
    for (const exchange& each : exchanges)
        if (each.sink.head.media_type() == "text/event-stream") ++count[each.connection()];
    BOOST_TEST(count.size() == 2u);
    BOOST_TEST(count[exchanges[1].connection()] == 100);
}

BOOST_FIXTURE_TEST_CASE(requests_of_a_burst_share_connections, multiplexed) {
    for (const bool streams : {true, false}) {
        open();
        call();
        for (int i = 0; i < 230; ++i) start("/stream", streams);
        run_until_open(230);
        std::map<std::string, int> count;
        for (const exchange& each : exchanges) ++count[each.connection()];
        BOOST_TEST(count.size() == 3u);
        exchanges.clear();
        open_responses.clear();
    }
}

BOOST_FIXTURE_TEST_CASE(a_request_may_be_dropped_while_it_waits_to_connect, multiplexed) {
    open();
    call();
    for (int i = 0; i < 20; ++i) stream();
    for (const std::size_t i : {1U, 7U, 8U, 20U}) exchanges[i].transfer.reset();
    run_until(io, [&] { return open_responses.size() == 16; });
    for (const std::size_t i : {1U, 7U, 8U, 20U}) BOOST_TEST(exchanges[i].sink.bytes == "");
}

BOOST_FIXTURE_TEST_CASE(a_request_may_be_paused_while_it_waits_to_connect, multiplexed) {
    open();
    call();
    for (int i = 0; i < 20; ++i) stream();
    exchange& last = exchanges.back();
    last.transfer->pause();
    last.transfer->resume();
    last.transfer->pause();
    run_until(io, [&] { return open_responses.size() == 20; });
    call();
    BOOST_TEST(last.sink.bytes == "");
    last.transfer->resume();
    run_until(io, [&] { return last.sink.bytes == greeting; });
}

BOOST_FIXTURE_TEST_CASE(requests_that_wait_fail_with_the_one_that_cannot_connect, multiplexed) {
    open();
    call();
    front->end(SIGKILL);
    for (int i = 0; i < 300; ++i) stream();
    run_until(io, [&] {
        return std::all_of(exchanges.begin(), exchanges.end(), [](const exchange& e) { return e.sink.done; });
    });
    for (std::size_t i = 1; i < exchanges.size(); ++i) {
        BOOST_TEST((exchanges[i].sink.code == errc::connect_failed), exchanges[i].sink.code);
        BOOST_TEST(exchanges[i].sink.dones == 1);
    }
}

BOOST_FIXTURE_TEST_CASE(a_stream_that_is_not_read_holds_up_no_other_and_ends_at_its_limit, multiplexed) {
    settings.max_backlog_bytes = std::size_t{1} << 20;
    open();
    call();
    exchange& slow = stream();
    run_until_open(1);
    exchange& other = stream();
    run_until_open(2);
    BOOST_TEST(slow.connection() == other.connection());
    slow.transfer->pause();
    const std::size_t before = allocated_bytes();
    std::size_t poured = 0;
    bool over = false;
    asio::co_spawn(io, pour(open_responses[0], std::size_t{64} << 20, &poured),
                   [&](std::exception_ptr) { over = true; });
    std::size_t most = 0;
    for (int i = 0; i < 200; ++i) {
        const std::size_t had = other.sink.bytes.size();
        write(1, "data: more\n\n");
        run_until(io, [&] { return other.sink.bytes.size() > had; });
        most = std::max(most, allocated_bytes() - before);
    }
    run_until(io, [&] { return over; });
    BOOST_TEST_MESSAGE("kept at most " << most << " bytes of a paused stream, of " << poured << " sent");
    BOOST_TEST(most < std::size_t{3} << 20);
    BOOST_TEST(slow.sink.bytes == "");
    BOOST_TEST(!slow.sink.done);

    slow.transfer->resume();
    run_until(io, [&] { return slow.sink.done; });
    BOOST_TEST((slow.sink.code == std::errc::no_buffer_space));
    BOOST_TEST(slow.sink.detail.find("1048576 bytes") != std::string::npos);
    BOOST_TEST(slow.sink.bytes.size() <= std::size_t{1} << 20);
    BOOST_TEST(slow.sink.bytes.size() > std::size_t{900} << 10);
    // The connection is as good as before.
    finish(1);
    run_until(io, [&] { return other.sink.done; });
    BOOST_TEST(!other.sink.code);
    BOOST_TEST(call().connection() == other.connection());
}

BOOST_FIXTURE_TEST_CASE(a_stream_within_its_limit_loses_nothing_however_often_it_pauses, multiplexed) {
    open();
    call();
    exchange& one = stream();
    run_until_open(1);
    std::string expected;
    for (int round = 0; round < 20; ++round) {
        one.transfer->pause();
        const std::string piece = "round " + std::to_string(round) + std::string(40'000, 'x');
        expected += piece;
        const std::size_t had = one.sink.bytes.size();
        write(0, piece);
        // Another stream's bytes come behind those on the same connection.
        call();
        BOOST_TEST(one.sink.bytes.size() == had);
        one.transfer->resume();
        BOOST_TEST(one.sink.bytes.size() == had);
        run_until(io, [&] { return one.sink.bytes.size() == expected.size(); });
    }
    // The end comes while it is paused, and is told after what came before it.
    one.transfer->pause();
    write(0, "last");
    finish(0);
    for (int i = 0; i < 3; ++i) call();
    BOOST_TEST(!one.sink.done);
    one.transfer->resume();
    run_until(io, [&] { return one.sink.done; });
    BOOST_TEST(!one.sink.code);
    BOOST_TEST((one.sink.bytes == expected + "last"));
}

BOOST_FIXTURE_TEST_CASE(a_stream_may_be_dropped_while_something_of_it_waits, multiplexed) {
    open();
    call();
    for (const bool ended : {false, true}) {
        for (const bool resumed : {false, true}) {
            exchange& one = stream();
            run_until_open(open_responses.size() + 1);
            one.transfer->pause();
            write(open_responses.size() - 1, "data");
            if (ended) finish(open_responses.size() - 1);
            call();
            if (resumed) one.transfer->resume();
            one.transfer.reset();
            run_ready(io);
            BOOST_TEST(one.sink.bytes == "");
            BOOST_TEST(one.sink.dones == 0);
        }
    }
    BOOST_TEST(call().http2());
}

BOOST_FIXTURE_TEST_CASE(streams_to_a_server_without_http2_have_connections_of_their_own, multiplexed) {
    settings.max_backlog_bytes = 1000;
    nginx_options how;
    how.http2 = false;
    open(how);
    call();
    exchange& slow = stream();
    for (int i = 0; i < 7; ++i) stream();
    run_until_open(8);
    std::map<std::string, int> count;
    for (const exchange& each : exchanges)
        if (each.sink.head.media_type() == "text/event-stream") ++count[each.connection()];
    BOOST_TEST(count.size() == 8u);

    // Pausing holds the sender back, and so costs the stream nothing.
    slow.transfer->pause();
    std::vector<std::size_t> poured(8);
    for (std::size_t i = 0; i < 8; ++i)
        asio::co_spawn(io, pour(open_responses[i], std::size_t{1} << 20, &poured[i]), [](std::exception_ptr) {});
    run_until(io, [&] {
        return std::count_if(exchanges.begin(), exchanges.end(), [](const exchange& e) { return e.sink.done; }) == 8;
    });
    BOOST_TEST(!slow.sink.done);
    slow.transfer->resume();
    run_until(io, [&] { return slow.sink.done; });
    BOOST_TEST(!slow.sink.code);
    BOOST_TEST(slow.sink.bytes.size() == std::size_t{1} << 20);
}

BOOST_FIXTURE_TEST_CASE(a_stream_that_is_reset_ends_alone, multiplexed) {
    open();
    call();
    exchange& first = stream();
    run_until_open(1);
    exchange& second = stream();
    run_until_open(2);
    write(0, "data");
    run_until(io, [&] { return first.sink.bytes == "data"; });
    // nginx answers the loss of its upstream in the middle by RST_STREAM, which goes out with what comes next.
    open_responses[0]->reset();
    for (int i = 0; i < 1000 && !first.sink.done; ++i) {
        const std::size_t had = second.sink.bytes.size();
        write(1, "more");
        run_until(io, [&] { return second.sink.bytes.size() > had; });
    }
    BOOST_TEST(first.sink.dones == 1);
    BOOST_TEST(first.sink.bytes == "data");
    BOOST_TEST(first.sink.code == errc::premature_eof);
    BOOST_TEST(first.sink.detail != "");
    BOOST_TEST(!second.sink.done);
    write(1, "data");
    finish(1);
    run_until(io, [&] { return second.sink.done; });
    BOOST_TEST(!second.sink.code);
    BOOST_TEST(second.connection() == first.connection());
}

BOOST_FIXTURE_TEST_CASE(streams_finish_on_a_connection_that_goes_away, multiplexed) {
    // After so many requests nginx sends GOAWAY, in which it promises to answer those that it has.
    nginx_options how;
    how.more = "keepalive_requests 3;";
    open(how);
    call();
    exchange& first = stream();
    run_until_open(1);
    exchange& second = stream();
    run_until_open(2);
    exchange& third = stream();
    run_until_open(3);
    BOOST_TEST(first.connection() == second.connection());
    BOOST_TEST(third.connection() != second.connection());
    for (std::size_t i = 0; i < 3; ++i) {
        write(i, "data");
        finish(i);
    }
    run_until(io, [&] { return first.sink.done && second.sink.done && third.sink.done; });
    for (const exchange* each : {&first, &second, &third}) {
        BOOST_TEST(!each->sink.code);
        BOOST_TEST(each->sink.bytes == "data");
    }
}

BOOST_FIXTURE_TEST_CASE(all_streams_fail_when_their_connection_is_lost, multiplexed) {
    for (const int signal : {SIGTERM, SIGKILL}) {
        open_responses.clear();
        exchanges.clear();
        open();
        call();
        for (int i = 0; i < 10; ++i) stream();
        run_until_open(10);
        exchanges[3].transfer->pause();
        for (std::size_t i = 0; i < 10; ++i) write(i, "data");
        run_until(io, [&] {
            return std::count_if(exchanges.begin(), exchanges.end(),
                                 [](const exchange& e) { return e.sink.bytes == "data"; }) == 9;
        });
        front->end(signal);
        exchanges[3].transfer->resume();
        run_until(io, [&] {
            return std::all_of(exchanges.begin(), exchanges.end(), [](const exchange& e) { return e.sink.done; });
        });
        for (std::size_t i = 1; i < exchanges.size(); ++i) {
            BOOST_TEST(exchanges[i].sink.bytes == "data");
            BOOST_TEST(
                (exchanges[i].sink.code == errc::connection_lost || exchanges[i].sink.code == errc::premature_eof),
                exchanges[i].sink.code << " " << exchanges[i].sink.detail);
            BOOST_TEST(exchanges[i].sink.dones == 1);
        }
    }
}

BOOST_FIXTURE_TEST_CASE(runs_of_the_emulator_stream_over_one_connection, emulated) {
    const ca::authority authority;
    const temporary_directory files;
    std::string upstream = service->endpoint();
    const std::size_t path = upstream.find('/', upstream.find("://") + 3);
    const nginx front(upstream.substr(0, path), authority.issue(ca::statement("DNS:localhost")));
    client_options options;
    options.proxy = "";
    options.ca_file = files.write("ca.pem", authority.certificate());
    options.multiplex_streams = true;
    corun::client over_http2(io.get_executor(), front.url() + upstream.substr(path),
                             credential::bearer(service->token()), options);
    agent a = await(io, over_http2.create_agent(agent_definition("gpt-4o")));
    event_stream slow = await(io, a.run_stream("tokens(2000)"));

    constexpr std::size_t runs = 60;
    std::vector<std::string> texts(runs);
    std::size_t finished = 0;
    const auto one = [&](std::size_t number) -> asio::awaitable<void> {
        const std::size_t n = number;
        event_stream stream = co_await a.run_stream("tokens(20) of run " + std::to_string(n));
        while (auto arrived = co_await stream.next())
            if (const auto* delta = arrived->get_if<events::text_delta>()) texts[n] += delta->text;
        ++finished;
    };
    for (std::size_t i = 0; i < runs; ++i)
        asio::co_spawn(io, one(i), [](std::exception_ptr failure) {
            if (failure) std::rethrow_exception(failure);
        });
    run_until(io, [&] { return finished == runs; });
    for (const std::string& text : texts) BOOST_TEST(text == texts.front());
    BOOST_TEST(!texts.front().empty());
    std::size_t deltas = 0;
    for (const event& each : await(io, collect(slow)))
        if (each.get_if<events::text_delta>()) ++deltas;
    BOOST_TEST(deltas == 2000u);
}

BOOST_FIXTURE_TEST_CASE(a_run_that_is_not_read_ends_with_a_typed_error_after_its_events, emulated) {
    const ca::authority authority;
    const temporary_directory files;
    std::string upstream = service->endpoint();
    const std::size_t path = upstream.find('/', upstream.find("://") + 3);
    const nginx front(upstream.substr(0, path), authority.issue(ca::statement("DNS:localhost")));
    client_options options;
    options.proxy = "";
    options.ca_file = files.write("ca.pem", authority.certificate());
    options.multiplex_streams = true;
    options.max_backlog_bytes = std::size_t{256} << 10;
    corun::client over_http2(io.get_executor(), front.url() + upstream.substr(path),
                             credential::bearer(service->token()), options);
    agent a = await(io, over_http2.create_agent(agent_definition("gpt-4o")));
    event_stream slow = await(io, a.run_stream("tokens(20000)"));
    event_stream brisk = await(io, a.run_stream("tokens(20000)"));
    std::size_t deltas = 0;
    for (const event& each : await(io, collect(brisk)))
        if (each.get_if<events::text_delta>()) ++deltas;
    BOOST_TEST(deltas == 20'000u);
    // It was not read meanwhile; each of its events is some 200 bytes.
    deltas = 0;
    const auto read = [&]() -> asio::awaitable<void> {
        event_stream& stream = slow;
        while (auto arrived = co_await stream.next())
            if (arrived->get_if<events::text_delta>()) ++deltas;
    };
    const error failure = failure_of(io, read());
    BOOST_TEST((failure.code() == std::errc::no_buffer_space), failure.what());
    BOOST_TEST(deltas > 1000u);
    BOOST_TEST(deltas < 6000u);
}

BOOST_AUTO_TEST_SUITE_END()
