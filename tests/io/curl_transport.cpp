#include "curl/curl_transport.hpp"

#include "async/asio_clock.hpp"
#include "drive.hpp"
#include "http/call.hpp"
#include "loopback_server.hpp"
#include "recording_sink.hpp"

#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>
#include <asio/post.hpp>
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace {

using namespace corun;
using namespace corun::test;
using namespace std::chrono_literals;

struct fixture {
    asio::io_context io;
    std::shared_ptr<net::transport> transport = curl::make_transport(io.get_executor());
    recording_sink sink;

    net::request get(const std::string& url) {
        net::request what;
        what.url = url;
        what.connect_timeout = 10s;
        return what;
    }
    std::unique_ptr<net::transfer> start(net::request what) { return transport->start(std::move(what), sink); }
};

/// Answers every request on a connection with the same bytes.
loopback_server::handler answering(std::string response) {
    return [response](std::shared_ptr<raw_connection> connection) -> asio::awaitable<void> {
        return [](std::shared_ptr<raw_connection> peer, std::string bytes) -> asio::awaitable<void> {
            raw_request request = co_await peer->read();
            while (!request.head.empty()) {
                co_await peer->write(bytes);
                request = co_await peer->read();
            }
        }(std::move(connection), response);
    };
}

/// Notes when bytes come, and when a handler runs that waits for them.
struct noting_sink final : net::sink {
    noting_sink(asio::io_context& context, std::vector<std::string>& notes) : io(context), order(notes) {}

    void on_head(net::response_head) noexcept override { ++heads; }
    void on_bytes(std::string_view) noexcept override {
        order.emplace_back("read");
        asio::post(io, [this] { order.emplace_back("taken"); });
    }
    void on_done(std::error_code, std::string) noexcept override {}

    asio::io_context& io;
    std::vector<std::string>& order;
    int heads = 0;
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(curl_transport, fixture)

BOOST_AUTO_TEST_CASE(gives_head_before_bytes_and_done_once) {
    loopback_server server(
        io, answering(whole_response(200, "text/plain; charset=utf-8", "hello", "X-One: 1\r\nx-one: 2\r\n")));
    auto transfer = start(get(server.url()));
    run_until(io, [&] { return sink.done; });
    BOOST_TEST(sink.heads == 1);
    BOOST_TEST(sink.dones == 1);
    BOOST_TEST(sink.head.status == 200);
    BOOST_TEST(sink.head.media_type() == "text/plain");
    BOOST_TEST(sink.head.field("X-ONE") == "1");
    BOOST_TEST(sink.bytes == "hello");
    BOOST_TEST(!sink.code);
}

BOOST_AUTO_TEST_CASE(leaves_no_work_behind) {
    auto server = std::make_optional<loopback_server>(io, answering(whole_response(200, "text/plain", "x")));
    auto transfer = start(get(server->url()));
    run_until(io, [&] { return sink.done; });
    transfer.reset();
    transport.reset();
    server.reset();
    run_ready(io);
    BOOST_TEST(io.stopped());
}

BOOST_AUTO_TEST_CASE(sends_method_headers_and_body_as_given) {
    raw_request seen;
    loopback_server server(io, [&](std::shared_ptr<raw_connection> connection) -> asio::awaitable<void> {
        seen = co_await connection->read();
        co_await connection->write(whole_response(200, "application/json", "{}"));
    });
    net::request what = get(server.url() + "/a/b?c=d");
    what.method = "POST";
    what.headers.set("Authorization", "Bearer planted-secret-transport");
    what.headers.set("X-Empty", "");
    what.body = std::string(2 << 20, 'b');
    auto transfer = start(std::move(what));
    run_until(io, [&] { return sink.done; });
    BOOST_TEST(seen.target() == "/a/b?c=d");
    BOOST_TEST(seen.head.starts_with("POST "));
    BOOST_TEST(seen.field("authorization") == "Bearer planted-secret-transport");
    BOOST_TEST(seen.head.find("\r\nX-Empty:") != std::string::npos);
    BOOST_TEST(seen.field("expect") == "");
    BOOST_TEST(seen.body.size() == std::size_t(2 << 20));
}

BOOST_AUTO_TEST_CASE(sends_an_empty_post_with_length_zero) {
    raw_request seen;
    loopback_server server(io, [&](std::shared_ptr<raw_connection> connection) -> asio::awaitable<void> {
        seen = co_await connection->read();
        co_await connection->write(whole_response(200, "application/json", "{}"));
    });
    net::request what = get(server.url());
    what.method = "POST";
    auto transfer = start(std::move(what));
    run_until(io, [&] { return sink.done; });
    BOOST_TEST(seen.field("content-length") == "0");
    BOOST_TEST(seen.head.find("Content-Type") == std::string::npos);
}

BOOST_AUTO_TEST_CASE(never_takes_a_proxy_to_this_machine) {
    loopback_server proxy(io, answering(whole_response(200, "text/plain", "by proxy")));
    loopback_server server(io, answering(whole_response(200, "text/plain", "direct")));
    curl::options settings;
    settings.proxy = proxy.url();
    auto through_proxy = curl::make_transport(io.get_executor(), settings);
    auto transfer = through_proxy->start(get(server.url()), sink);
    run_until(io, [&] { return sink.done; });
    BOOST_TEST(sink.bytes == "direct");
    BOOST_TEST(proxy.connections() == 0u);

    recording_sink elsewhere;
    auto other = through_proxy->start(get("http://service.example/x"), elsewhere);
    run_until(io, [&] { return elsewhere.done; });
    BOOST_TEST(elsewhere.bytes == "by proxy");
}

BOOST_AUTO_TEST_CASE(reuses_a_connection) {
    loopback_server server(io, answering(whole_response(200, "text/plain", "x")));
    for (int i = 0; i < 5; ++i) {
        recording_sink each;
        auto transfer = transport->start(get(server.url()), each);
        run_until(io, [&] { return each.done; });
        BOOST_TEST(each.bytes == "x");
    }
    BOOST_TEST(server.connections() == 1u);
}

BOOST_AUTO_TEST_CASE(streams_chunks_as_they_come_and_ignores_trailers) {
    std::shared_ptr<raw_connection> peer;
    loopback_server server(io, [&](std::shared_ptr<raw_connection> connection) -> asio::awaitable<void> {
        (void)co_await connection->read();
        co_await connection->write("HTTP/1.1 100 Continue\r\n\r\n" +
                                   response_head(200, "text/event-stream", "Transfer-Encoding: chunked\r\n\r\n"));
        co_await connection->write_chunk("one");
        peer = connection;
    });
    auto transfer = start(get(server.url()));
    run_until(io, [&] { return sink.bytes == "one" && peer; });
    BOOST_TEST(sink.head.status == 200);
    BOOST_TEST(!sink.done);
    await(io, [](std::shared_ptr<raw_connection> connection) -> asio::awaitable<void> {
        co_await connection->write_chunk("two");
        co_await connection->write("0\r\nX-Trailer: t\r\n\r\n");
    }(peer));
    run_until(io, [&] { return sink.done; });
    BOOST_TEST(sink.bytes == "onetwo");
    BOOST_TEST(sink.heads == 1);
    BOOST_TEST(sink.head.field("x-trailer") == "");
    BOOST_TEST(!sink.code);
}

BOOST_AUTO_TEST_CASE(bytes_of_one_stream_are_taken_before_the_next_is_read) {
    constexpr std::size_t streams = 8;
    std::vector<std::shared_ptr<raw_connection>> peers;
    loopback_server server(io, [&](std::shared_ptr<raw_connection> connection) -> asio::awaitable<void> {
        (void)co_await connection->read();
        co_await connection->write(response_head(200, "text/event-stream", "Transfer-Encoding: chunked\r\n\r\n"));
        peers.push_back(connection);
    });
    std::vector<std::string> order;
    std::vector<std::unique_ptr<noting_sink>> sinks;
    std::vector<std::unique_ptr<net::transfer>> transfers;
    for (std::size_t i = 0; i != streams; ++i) {
        sinks.push_back(std::make_unique<noting_sink>(io, order));
        net::request request = get(server.url());
        request.streams = true;
        transfers.push_back(transport->start(std::move(request), *sinks.back()));
    }
    const auto has_head = [](const auto& each) { return each->heads == 1; };
    run_until(io, [&] { return peers.size() == streams && std::all_of(sinks.begin(), sinks.end(), has_head); });
    // All of them are written to before the transport waits again.
    for (const auto& peer : peers) {
        asio::co_spawn(
            io,
            [](std::shared_ptr<raw_connection> connection) -> asio::awaitable<void> {
                co_await connection->write_chunk("one");
            }(peer),
            asio::detached);
    }
    run_until(io, [&] { return order.size() == 2 * streams; });
    for (std::size_t i = 0; i != order.size(); ++i) BOOST_TEST(order[i] == (i % 2 == 0 ? "read" : "taken"), i);
    transfers.clear();
}

BOOST_AUTO_TEST_CASE(names_each_way_a_transfer_fails) {
    enum class end { close_in_chunks, reset_in_chunks, close_before_head, close_in_head };
    for (const auto& [how, expected] :
         {std::pair{end::close_in_chunks, errc::premature_eof}, std::pair{end::reset_in_chunks, errc::connection_lost},
          std::pair{end::close_before_head, errc::connection_lost},
          std::pair{end::close_in_head, errc::connection_lost}}) {
        loopback_server server(
            io, [&, ending = how](std::shared_ptr<raw_connection> connection) -> asio::awaitable<void> {
                const end e = ending;
                (void)co_await connection->read();
                if (e == end::close_in_head) co_await connection->write(response_head(200, "text/plain", "X-Half"));
                if (e == end::close_in_chunks || e == end::reset_in_chunks) {
                    co_await connection->write(
                        response_head(200, "text/event-stream", "Transfer-Encoding: chunked\r\n\r\n"));
                    co_await connection->write_chunk("data");
                }
                if (e == end::reset_in_chunks)
                    connection->reset();
                else
                    connection->close();
            });
        recording_sink each;
        auto transfer = transport->start(get(server.url()), each);
        run_until(io, [&] { return each.done; });
        BOOST_TEST(each.code == expected);
        BOOST_TEST(!each.detail.empty());
        BOOST_TEST(each.dones == 1);
    }
}

BOOST_AUTO_TEST_CASE(names_a_refused_connection) {
    std::string url;
    {
        loopback_server gone(io, answering(""));
        url = gone.url();
    }
    auto transfer = start(get(url));
    run_until(io, [&] { return sink.done; });
    BOOST_TEST(sink.code == errc::connect_failed);
}

BOOST_AUTO_TEST_CASE(names_a_connection_that_does_not_come_about) {
    // A listener whose queue is full: the system answers no further connection.
    asio::ip::tcp::acceptor full(io, asio::ip::tcp::v4());
    full.bind({asio::ip::address_v4::loopback(), 0});
    full.listen(0);
    std::vector<asio::ip::tcp::socket> waiting;
    for (int i = 0; i < 4; ++i) {
        waiting.emplace_back(io, asio::ip::tcp::v4());
        waiting.back().native_non_blocking(true);
        // Asio's own connect would wait.
        (void)::connect(waiting.back().native_handle(), full.local_endpoint().data(),
                        static_cast<socklen_t>(full.local_endpoint().size()));
    }
    net::request what = get("http://127.0.0.1:" + std::to_string(full.local_endpoint().port()));
    what.connect_timeout = 50ms;
    auto transfer = start(std::move(what));
    run_until(io, [&] { return sink.done; });
    BOOST_TEST(sink.code == errc::connect_timeout);
    BOOST_TEST(sink.heads == 0);
}

BOOST_AUTO_TEST_CASE(refuses_a_plain_answer_to_a_tls_handshake) {
    loopback_server server(io, [](std::shared_ptr<raw_connection> connection) -> asio::awaitable<void> {
        co_await connection->wait_for_peer();
        co_await connection->write("this is not TLS at all\r\n\r\n");
        connection->close();
    });
    std::string url = server.url();
    url.replace(0, 4, "https");
    auto transfer = start(get(url));
    run_until(io, [&] { return sink.done; });
    BOOST_TEST(sink.code == errc::tls_failed);
}

BOOST_AUTO_TEST_CASE(never_sends_a_post_twice) {
    // The second request on a connection dies without an answer. libcurl would try it again on a new one.
    int posts = 0;
    loopback_server server(io, [&](std::shared_ptr<raw_connection> connection) -> asio::awaitable<void> {
        raw_request request = co_await connection->read();
        co_await connection->write(whole_response(200, "text/plain", "x"));
        request = co_await connection->read();
        if (request.head.starts_with("POST")) ++posts;
        connection->close();
    });
    auto first = start(get(server.url()));
    run_until(io, [&] { return sink.done; });
    recording_sink second;
    net::request post = get(server.url());
    post.method = "POST";
    post.body = "{\"once\":true}";
    // Any other POST would get a new connection.
    post.idempotent = true;
    auto transfer = transport->start(std::move(post), second);
    run_until(io, [&] { return second.done; });
    BOOST_TEST(second.code == errc::connection_lost);
    BOOST_TEST(posts == 1);
}

namespace {

/// Gives so many bytes, and fails before a certain one.
class counted_source final : public net::body_source {
public:
    counted_source(std::uint64_t size, std::uint64_t fails_at) : size_(size), fails_at_(fails_at) {}

    std::uint64_t size() const noexcept override { return size_; }
    std::size_t read(char* to, std::size_t room) override {
        if (given_ >= fails_at_) throw error(errc::invalid_argument, "the source has dried up");
        // Less than there is room for, as a source may.
        const std::size_t count = std::min<std::size_t>({room, 1000, static_cast<std::size_t>(size_ - given_)});
        for (std::size_t i = 0; i != count; ++i) to[i] = static_cast<char>('a' + given_++ % 26);
        return count;
    }

private:
    std::uint64_t size_, fails_at_, given_ = 0;
};

net::request post_of(const std::string& url, std::uint64_t size, std::uint64_t fails_at) {
    net::request what;
    what.url = url;
    what.method = "POST";
    what.headers.set("Content-Type", "application/octet-stream");
    what.source = std::make_unique<counted_source>(size, fails_at);
    return what;
}

}  // namespace

BOOST_AUTO_TEST_CASE(sends_a_body_that_is_pulled_from_its_source) {
    for (const std::uint64_t size : {0u, 1u, 25'000u, 300'000u}) {
        raw_request seen;
        loopback_server server(io, [&](std::shared_ptr<raw_connection> connection) -> asio::awaitable<void> {
            seen = co_await connection->read();
            co_await connection->write(whole_response(200, "application/json", "{}"));
        });
        recording_sink each;
        auto transfer = transport->start(post_of(server.url(), size, size + 1), each);
        run_until(io, [&] { return each.done; });
        BOOST_TEST(!each.code);
        BOOST_TEST(seen.field("content-length") == std::to_string(size));
        BOOST_REQUIRE(seen.body.size() == size);
        bool right = true;
        for (std::size_t i = 0; i != size; ++i) right = right && seen.body[i] == static_cast<char>('a' + i % 26);
        BOOST_TEST(right);
        BOOST_TEST(each.sent == size);
    }
}

BOOST_AUTO_TEST_CASE(a_source_that_fails_ends_the_transfer_with_its_error) {
    for (const std::uint64_t fails_at : {0u, 1000u, 100'000u}) {
        raw_request seen;
        loopback_server server(io, [&](std::shared_ptr<raw_connection> connection) -> asio::awaitable<void> {
            seen = co_await connection->read();
        });
        recording_sink each;
        auto transfer = transport->start(post_of(server.url(), 200'000, fails_at), each);
        run_until(io, [&] { return each.done; });
        BOOST_TEST(each.code == errc::invalid_argument);
        BOOST_TEST(each.detail == "the source has dried up");
        BOOST_TEST(each.sent == fails_at);
        BOOST_TEST(each.heads == 0);
        BOOST_TEST(seen.body.size() < 200'000u);
    }
}

BOOST_AUTO_TEST_CASE(refuses_a_head_without_end_and_a_peer_that_speaks_no_http) {
    loopback_server endless(io, [&](std::shared_ptr<raw_connection> connection) -> asio::awaitable<void> {
        (void)co_await connection->read();
        std::string line = "HTTP/1.1 200 OK\r\n";
        while (co_await connection->write(line)) line = "X-More: " + std::string(1000, 'x') + "\r\n";
    });
    auto transfer = start(get(endless.url()));
    run_until(io, [&] { return sink.done; });
    BOOST_TEST(sink.code == errc::bad_response);
    BOOST_TEST(sink.heads == 0);

    loopback_server other(io, [&](std::shared_ptr<raw_connection> connection) -> asio::awaitable<void> {
        (void)co_await connection->read();
        co_await connection->write("SSH-2.0-OpenSSH_9.2\r\n");
        connection->close();
    });
    recording_sink second;
    auto another = transport->start(get(other.url()), second);
    run_until(io, [&] { return second.done; });
    BOOST_TEST(second.code == errc::bad_response);
}

BOOST_AUTO_TEST_CASE(never_shows_a_proxys_password) {
    for (const char* proxy : {"ftpx://user:hunter2@proxy.example:1", "http://user:hunter2@proxy.example:port"}) {
        curl::options settings;
        settings.proxy = proxy;
        auto through = curl::make_transport(io.get_executor(), settings);
        recording_sink each;
        auto transfer = through->start(get("http://service.example/"), each);
        run_until(io, [&] { return each.done; });
        BOOST_TEST(!!each.code);
        BOOST_TEST(each.detail.find("hunter2") == std::string::npos);
    }
}

BOOST_AUTO_TEST_CASE(never_follows_a_redirect) {
    loopback_server elsewhere(io, answering(whole_response(200, "text/plain", "secret")));
    loopback_server server(io,
                           answering(whole_response(302, "text/plain", "", "Location: " + elsewhere.url() + "\r\n")));
    auto transfer = start(get(server.url()));
    run_until(io, [&] { return sink.done; });
    BOOST_TEST(sink.head.status == 302);
    BOOST_TEST(elsewhere.connections() == 0u);
}

BOOST_AUTO_TEST_CASE(a_destroyed_transfer_calls_nobody_and_closes_its_connection) {
    bool peer_saw_close = false;
    loopback_server server(io, [&](std::shared_ptr<raw_connection> connection) -> asio::awaitable<void> {
        (void)co_await connection->read();
        co_await connection->write(response_head(200, "text/event-stream", "Transfer-Encoding: chunked\r\n\r\n"));
        co_await connection->write_chunk("data");
        co_await connection->wait_for_peer();
        peer_saw_close = true;
    });
    auto transfer = start(get(server.url()));
    run_until(io, [&] { return !sink.bytes.empty(); });
    transfer.reset();
    run_until(io, [&] { return peer_saw_close; });
    BOOST_TEST(sink.dones == 0);
}

BOOST_AUTO_TEST_CASE(a_paused_transfer_holds_the_sender_back_and_loses_nothing) {
    constexpr std::size_t total = std::size_t{64} << 20;
    std::size_t sent = 0;
    bool blocked_once = false;
    loopback_server server(io, [&](std::shared_ptr<raw_connection> connection) -> asio::awaitable<void> {
        (void)co_await connection->read();
        co_await connection->write(
            response_head(200, "text/plain", "Content-Length: " + std::to_string(total) + "\r\n\r\n"));
        const std::string piece(std::size_t{1} << 20, 'x');
        while (sent < total) {
            if (!co_await connection->write(piece)) break;
            sent += piece.size();
        }
    });
    recording_sink other;
    sink.pause_above = 100'000;
    auto transfer = start(get(server.url()));
    sink.transfer = transfer.get();
    run_until(io, [&] { return sink.bytes.size() > 100'000; });
    run_ready(io);
    const std::size_t received = sink.bytes.size();
    const std::size_t sent_before = sent;
    run_ready(io);
    blocked_once = sent_before == sent && sent < total;
    BOOST_TEST(blocked_once);
    BOOST_TEST(sink.bytes.size() == received);

    // Another transfer on the same transport is not held back.
    loopback_server small(io, answering(whole_response(200, "text/plain", "small")));
    auto second = transport->start(get(small.url()), other);
    run_until(io, [&] { return other.done; });
    BOOST_TEST(other.bytes == "small");
    BOOST_TEST(sink.bytes.size() == received);

    transfer->resume();
    BOOST_TEST(sink.bytes.size() == received);  // nothing arrives inside the call
    run_until(io, [&] { return sink.done; });
    BOOST_TEST(sink.bytes.size() == total);
    BOOST_TEST(!sink.code);
}

BOOST_AUTO_TEST_CASE(a_transfer_is_paused_and_resumed_again_and_again) {
    constexpr std::size_t total = std::size_t{1} << 20;
    loopback_server server(io, answering(whole_response(200, "text/plain", std::string(total, 'x'))));
    sink.pause_above = 1;
    auto transfer = start(get(server.url()));
    sink.transfer = transfer.get();
    int resumed = 0;
    for (std::size_t received = 0; !sink.done; ++resumed) {
        run_until(io, [&] { return sink.done || sink.bytes.size() > received; });
        received = sink.bytes.size();
        sink.pause_above = received;
        transfer->resume();
    }
    BOOST_TEST(sink.bytes.size() == total);
    BOOST_TEST(!sink.code);
    BOOST_TEST(resumed > 2);
}

BOOST_AUTO_TEST_CASE(a_stream_that_shares_no_connection_after_all_holds_its_sender_back) {
    constexpr std::size_t total = std::size_t{16} << 20;
    loopback_server server(io, answering(whole_response(200, "text/plain", std::string(total, 'x'))));
    curl::options settings;
    settings.multiplex_streams = true;
    settings.max_backlog_bytes = 100'000;
    transport = curl::make_transport(io.get_executor(), settings);
    sink.pause_above = 1;
    net::request what = get(server.url());
    what.streams = true;
    auto transfer = start(std::move(what));
    sink.transfer = transfer.get();
    run_until(io, [&] { return !sink.bytes.empty(); });
    run_ready(io);
    BOOST_TEST(!sink.done);
    BOOST_TEST(sink.bytes.size() < 100'000u);
    transfer->resume();
    run_until(io, [&] { return sink.done; });
    BOOST_TEST(!sink.code);
    BOOST_TEST(sink.bytes.size() == total);
}

BOOST_AUTO_TEST_CASE(a_transfer_may_end_while_it_is_paused_and_be_destroyed_in_any_state) {
    for (const bool resume : {true, false}) {
        loopback_server server(io, answering(whole_response(200, "text/plain", std::string(300'000, 'x'))));
        recording_sink each;
        each.pause_above = 1;
        auto transfer = transport->start(get(server.url()), each);
        each.transfer = transfer.get();
        run_until(io, [&] { return !each.bytes.empty(); });
        run_ready(io);
        if (resume) {
            transfer->resume();
            run_until(io, [&] { return each.done; });
            BOOST_TEST(each.bytes.size() == 300'000u);
            transfer->pause();
            transfer->resume();
        } else {
            transfer->resume();
        }
        transfer.reset();
        run_ready(io);
        BOOST_TEST(each.dones == (resume ? 1 : 0));
    }
}

BOOST_AUTO_TEST_CASE(a_call_gathers_the_response_and_bounds_it) {
    loopback_server server(io, answering(whole_response(404, "application/json", std::string(1000, 'j'))));
    auto clock = detail::make_clock(io.get_executor());
    detail::call_limits limits;
    detail::http_response whole = await(io, detail::http_call(transport, clock, get(server.url()), limits));
    BOOST_TEST(whole.head.status == 404);
    BOOST_TEST(whole.body.size() == 1000u);
    BOOST_TEST(!whole.truncated);
    limits.max_bytes = 10;
    detail::http_response part = await(io, detail::http_call(transport, clock, get(server.url()), limits));
    BOOST_TEST(part.truncated);
    BOOST_TEST(part.body == "jjjjjjjjjj");
}

BOOST_AUTO_TEST_SUITE_END()
