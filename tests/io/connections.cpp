// Which connection a request gets, and what is repeated when a server closes it.
#include "drive.hpp"
#include "raw_service.hpp"
#include "temporary_directory.hpp"
#include "test_ca.hpp"

#include <asio/read.hpp>
#include <asio/ssl/context.hpp>
#include <asio/ssl/stream.hpp>
#include <boost/test/unit_test.hpp>

#include <cstdint>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

using namespace corun;
using namespace corun::test;

/// What a server does with the stream of a POST over HTTP/2.
enum class reaction {
    answers,
    refuses,            ///< `RST_STREAM` with `REFUSED_STREAM`, as soon as it has the head.
    refuses_late,       ///< Likewise, once it has the body.
    goes_away,          ///< `GOAWAY` that excludes the stream.
    goes_and_closes,    ///< Likewise, and closes the connection.
    fails,              ///< `RST_STREAM` with `INTERNAL_ERROR`.
    closes_in_silence,  ///< Closes the connection without a `GOAWAY`.
    resets,             ///< Likewise, with RST.
};

/// An HTTP/2 server (RFC 9113) that knows as much of it as these tests need.
class http2_server {
public:
    http2_server(asio::io_context& io, const ca::identity& identity, std::string events)
        : acceptor_(io, {asio::ip::address_v4::loopback(), 0}), events_(std::move(events)) {
        context_.use_certificate(asio::buffer(identity.certificate), asio::ssl::context::pem);
        context_.use_private_key(asio::buffer(identity.key), asio::ssl::context::pem);
        SSL_CTX_set_alpn_select_cb(
            context_.native_handle(),
            [](SSL*, const unsigned char** chosen, unsigned char* size, const unsigned char*, unsigned, void*) {
                *chosen = reinterpret_cast<const unsigned char*>("h2");
                *size = 2;
                return SSL_TLSEXT_ERR_OK;
            },
            nullptr);
        accept();
    }

    [[nodiscard]] std::string url() const {
        return "https://localhost:" + std::to_string(acceptor_.local_endpoint().port());
    }

    std::vector<reaction> reactions;  ///< To the next streams, in order; all others are answered.
    int answered = 0;                 ///< Streams that were processed.
    int posts = 0;                    ///< Streams that have arrived.

private:
    using stream = asio::ssl::stream<asio::ip::tcp::socket>;
    enum frame_type : unsigned char { data = 0, headers = 1, rst_stream = 3, settings = 4, ping = 6, goaway = 7 };

    static std::string number(std::uint32_t value) {
        std::string bytes;
        for (const unsigned shift : {24u, 16u, 8u, 0u}) bytes += static_cast<char>((value >> shift) & 0xff);
        return bytes;
    }
    static std::string frame_of(frame_type type, unsigned char flags, std::uint32_t id, const std::string& payload) {
        std::string bytes = number(static_cast<std::uint32_t>(payload.size())).substr(1);
        bytes += static_cast<char>(type);
        bytes += static_cast<char>(flags);
        return bytes + number(id) + payload;
    }
    /// HPACK (RFC 7541): `:status: 200` by its index, `content-type` as a literal.
    std::string response(std::uint32_t id) const {
        const std::string_view type = "text/event-stream";
        std::string head = "\x88\x5f";
        head += static_cast<char>(type.size());
        head += type;
        return frame_of(headers, 4, id, head) + frame_of(data, 1, id, events_);
    }

    struct frame_head {
        std::size_t size = 0;
        unsigned char type = 0, flags = 0;
        std::uint32_t id = 0;
    };
    static frame_head parse(const std::string& bytes) {
        const auto at = [&](std::size_t i) { return static_cast<std::uint32_t>(static_cast<unsigned char>(bytes[i])); };
        frame_head head;
        head.size = at(0) << 16 | at(1) << 8 | at(2);
        head.type = static_cast<unsigned char>(at(3));
        head.flags = static_cast<unsigned char>(at(4));
        head.id = (at(5) << 24 | at(6) << 16 | at(7) << 8 | at(8)) & 0x7fffffff;
        return head;
    }

    static asio::awaitable<std::string> read(stream& peer, std::size_t size, std::error_code& code) {
        std::string bytes(size, '\0');
        co_await asio::async_read(peer, asio::buffer(bytes), asio::redirect_error(asio::use_awaitable, code));
        co_return bytes;
    }

    /// What to send for a frame of a stream; whether the connection ends then.
    std::pair<std::string, bool> react(const frame_head& head) {
        const bool begins = head.type == headers;
        if (begins) {
            ++posts;
            current_ = reaction::answers;
            if (!reactions.empty()) {
                current_ = reactions.front();
                reactions.erase(reactions.begin());
            }
        }
        const bool ends = (head.flags & 1) != 0;
        const std::uint32_t refused_stream = 7, internal_error = 2;
        switch (current_) {
            case reaction::answers:
                if (!ends) return {};
                ++answered;
                return {response(head.id), false};
            case reaction::refuses:
                if (begins) return {frame_of(rst_stream, 0, head.id, number(refused_stream)), false};
                return {};
            case reaction::refuses_late:
                if (ends) return {frame_of(rst_stream, 0, head.id, number(refused_stream)), false};
                return {};
            case reaction::goes_away:
            case reaction::goes_and_closes:
                if (!ends) return {};
                return {frame_of(goaway, 0, 0, number(head.id - 2 < head.id ? head.id - 2 : 0) + number(0)),
                        current_ == reaction::goes_and_closes};
            case reaction::fails:
                if (!ends) return {};
                ++answered;
                return {frame_of(rst_stream, 0, head.id, number(internal_error)), false};
            case reaction::closes_in_silence:
            case reaction::resets:
                if (!ends) return {};
                ++answered;
                return {std::string(), true};
        }
        return {};
    }

    asio::awaitable<void> serve(std::shared_ptr<stream> peer) {
        std::error_code code;
        co_await peer->async_handshake(stream::server, asio::redirect_error(asio::use_awaitable, code));
        if (!code) (void)co_await read(*peer, std::string_view("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").size(), code);
        std::string out = frame_of(settings, 0, 0, "");
        bool over = false;
        while (!code && !over) {
            co_await asio::async_write(*peer, asio::buffer(out), asio::redirect_error(asio::use_awaitable, code));
            out.clear();
            if (code) break;
            const frame_head head = parse(co_await read(*peer, 9, code));
            if (code) break;
            const std::string payload = co_await read(*peer, head.size, code);
            if (head.type == settings && head.flags == 0) out = frame_of(settings, 1, 0, "");
            if (head.type == ping && head.flags == 0) out = frame_of(ping, 1, 0, payload);
            if (head.type == headers || head.type == data) std::tie(out, over) = react(head);
        }
        co_await asio::async_write(*peer, asio::buffer(out), asio::redirect_error(asio::use_awaitable, code));
        if (current_ == reaction::resets) peer->lowest_layer().set_option(asio::socket_base::linger(true, 0), code);
        peer->lowest_layer().close(code);
    }

    void accept() {
        acceptor_.async_accept([this](std::error_code code, asio::ip::tcp::socket socket) {
            if (code) return;
            auto peer = std::make_shared<stream>(std::move(socket), context_);
            asio::co_spawn(acceptor_.get_executor(), serve(std::move(peer)), [](std::exception_ptr failure) {
                if (failure) std::rethrow_exception(failure);
            });
            accept();
        });
    }

    asio::ip::tcp::acceptor acceptor_;
    asio::ssl::context context_{asio::ssl::context::tls_server};
    std::string events_;
    reaction current_ = reaction::answers;
};

/// A client of an HTTP/2 server whose streams share a connection.
struct over_http2 {
    over_http2() {
        const raw_service words(protocol::responses);
        server.emplace(io, authority.issue(ca::statement("DNS:localhost")), words.text());
        client_options options = words.settings();
        options.proxy = "";
        options.ca_file = files.write("ca.pem", authority.certificate());
        options.multiplex_streams = true;
        options.retry.max_retries = 1;
        client service(io.get_executor(), server->url() + "/v1", credential::bearer("planted-secret-h2"), options);
        assistant.emplace(service.local_agent(prompt_agent_definition("m")));
    }

    asio::io_context io;
    ca::authority authority;
    temporary_directory files;
    std::optional<http2_server> server;
    std::optional<agent> assistant;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(connections)

// 500 runs in each protocol: half of the connections that were used before are closed as the next request arrives.
IN_EACH_PROTOCOL(no_run_goes_out_on_a_connection_that_is_being_closed) {
    constexpr std::size_t runs = 500;
    service.answer(whole_response(200, "text/event-stream", service.text()));
    std::minstd_rand random(14);
    int closed = 0;
    service.has_closed_idle = [&] {
        const bool closes = random() % 2 == 0;
        closed += closes ? 1 : 0;
        return closes;
    };
    client_options options = service.settings();
    options.retry.max_retries = 100;
    agent assistant = service.make_agent(options);
    std::size_t completed = 0;
    for (std::size_t i = 0; i != runs; ++i) {
        if (await(service.io, assistant.run("hi")).text() == "Row 3 is free.") ++completed;
        run_ready(service.io);
        // Reads go out on used connections, and are repeated.
        if (!service.is_responses()) await(service.io, assistant.refresh());
    }
    BOOST_TEST(completed == runs);
    BOOST_TEST(service.posts() == runs);
    if (!service.is_responses()) BOOST_TEST(closed > 100);
}

BOOST_FIXTURE_TEST_CASE(a_stream_that_http2_declares_unprocessed_is_sent_again, over_http2) {
    for (const reaction how :
         {reaction::refuses, reaction::refuses_late, reaction::goes_away, reaction::goes_and_closes})
        // On a new connection, and on one that has served before.
        for (const bool used : {false, true}) {
            BOOST_TEST_INFO_SCOPE("reaction " << static_cast<int>(how) << (used ? ", used" : ", new"));
            if (used) BOOST_TEST(await(io, assistant->run("hi")).text() == "Row 3 is free.");
            server->answered = server->posts = 0;
            server->reactions = {how};
            BOOST_TEST(await(io, assistant->run("hi")).text() == "Row 3 is free.");
            BOOST_TEST(server->answered == 1);
            BOOST_TEST(server->posts == 2);
        }
}

BOOST_FIXTURE_TEST_CASE(a_stream_that_is_refused_again_and_again_says_so, over_http2) {
    server->reactions = {reaction::refuses_late, reaction::refuses_late};
    const error failure = failure_of(io, assistant->run("hi"));
    BOOST_TEST(failure.code() == errc::connect_failed);
    BOOST_TEST(std::string(failure.what()).find("REFUSED_STREAM") != std::string::npos);
    BOOST_TEST(server->answered == 0);
}

BOOST_FIXTURE_TEST_CASE(a_stream_that_may_have_been_processed_is_not_sent_again, over_http2) {
    for (const reaction how : {reaction::fails, reaction::closes_in_silence, reaction::resets})
        for (const bool used : {false, true}) {
            BOOST_TEST_INFO_SCOPE("reaction " << static_cast<int>(how) << (used ? ", used" : ", new"));
            if (used) BOOST_TEST(await(io, assistant->run("hi")).text() == "Row 3 is free.");
            server->posts = 0;
            server->reactions = {how};
            const error failure = failure_of(io, assistant->run("hi"));
            BOOST_TEST((failure.code() == errc::connection_lost || failure.code() == errc::premature_eof));
            BOOST_TEST(server->posts == 1);
        }
}

BOOST_AUTO_TEST_SUITE_END()
