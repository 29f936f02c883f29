// The proxy that the fault tests trust: each fault does what it says, wherever in a response.
#include "fault_proxy.hpp"

#include "emulated.hpp"
#include "loopback_server.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

namespace {

using namespace corun::test;
namespace ip = asio::ip;

const std::string frames[] = {"event: one\ndata: 1\n\n", ": keep-alive\n\n", "event: two\r\ndata: 2\r\n\r\n",
                              "data: [DONE]\n\n"};

std::string chunk_of(const std::string& body) {
    char size[20];
    return std::string(size, std::to_chars(size, size + sizeof size, body.size(), 16).ptr) + "\r\n" + body + "\r\n";
}

std::string stream_head() {
    return response_head(200, "text/event-stream", "Transfer-Encoding: chunked\r\n\r\n");
}

/// The frames in chunks that have nothing to do with them.
std::string stream_response() {
    std::string body;
    for (const std::string& each : frames) body += each;
    return stream_head() + chunk_of(body.substr(0, 5)) + chunk_of(body.substr(5, 40)) + chunk_of(body.substr(45)) +
           "0\r\n\r\n";
}

std::string json_response() {
    return whole_response(200, "application/json", R"({"a":1})");
}

/// The body of a chunked response; what follows a last chunk is an error.
std::string body_of(std::string_view response) {
    std::string body;
    response.remove_prefix(response.find("\r\n\r\n") + 4);
    while (true) {
        const std::size_t line = response.find("\r\n");
        const std::size_t size = std::stoul(std::string(response.substr(0, line)), nullptr, 16);
        response.remove_prefix(line + 2);
        body += response.substr(0, size);
        response.remove_prefix(size + 2);
        if (size == 0) break;
    }
    if (!response.empty()) throw std::runtime_error("something follows the last chunk");
    return body;
}

/// A connection of a client: what it was sent, read by read, and how it ended.
struct connection {
    explicit connection(asio::io_context& io) : socket(io) {}

    ip::tcp::socket socket;
    std::string bytes;
    std::vector<std::size_t> reads;
    std::error_code end;

    [[nodiscard]] bool was_reset() const { return end == asio::error::connection_reset; }
    [[nodiscard]] bool was_closed() const { return end == asio::error::eof; }
};

asio::awaitable<void> talk(std::shared_ptr<connection> with, ip::tcp::endpoint server, std::string request) {
    std::string block(1 << 16, '\0');
    std::error_code ignored;
    co_await with->socket.async_connect(server, asio::redirect_error(asio::use_awaitable, ignored));
    co_await asio::async_write(with->socket, asio::buffer(request), asio::redirect_error(asio::use_awaitable, ignored));
    while (!with->end) {
        const std::size_t size = co_await with->socket.async_read_some(
            asio::buffer(block), asio::redirect_error(asio::use_awaitable, with->end));
        if (size == 0) continue;
        with->bytes += block.substr(0, size);
        with->reads.push_back(size);
    }
}

struct proxied {
    proxied() {
        server.emplace(io, [this](std::shared_ptr<raw_connection> c) { return serve(std::move(c)); });
        proxy.emplace(io, server->url() + "/base");
    }

    asio::awaitable<void> serve(std::shared_ptr<raw_connection> with) {
        ++open;
        while (true) {
            const raw_request request = co_await with->read();
            if (request.head.empty()) break;
            targets.push_back(request.target());
            bodies.push_back(request.body);
            std::string answer = request.target().starts_with("/base/json") ? json_response() : stream_response();
            co_await with->write(std::move(answer));
        }
        --open;
    }

    static std::string request(std::string path, std::string method = "POST") {
        return method + " /base" + path + " HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello";
    }
    std::shared_ptr<connection> send(std::string requests) {
        auto made = std::make_shared<connection>(io);
        const std::string url = proxy->endpoint();
        const auto port = static_cast<std::uint16_t>(std::stoul(url.substr(url.rfind(':') + 1)));
        asio::co_spawn(io, talk(made, {ip::address_v4::loopback(), port}, std::move(requests)),
                       [](std::exception_ptr failure) {
                           if (failure) std::rethrow_exception(failure);
                       });
        return made;
    }
    void until_ended(const connection& one) {
        run_until(io, [&] { return static_cast<bool>(one.end); });
    }
    /// Until so many bytes have come, and nothing more is on its way.
    void until_bytes(const connection& one, std::size_t size) {
        run_until(io, [&] { return one.bytes.size() >= size || one.end; });
        run_ready(io);
    }
    /// Where a fault may be: nothing, the first byte, inside the head, its end, inside chunks, the last
    /// byte, and after it.
    static std::vector<std::size_t> places() {
        const std::size_t head = stream_head().size(), all = stream_response().size();
        return {0, 1, head / 2, head - 1, head, head + 1, head + 3, (head + all) / 2, all - 1, all};
    }

    asio::io_context io;
    std::optional<loopback_server> server;
    std::optional<fault_proxy> proxy;
    std::vector<std::string> targets, bodies;
    int open = 0;
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(the_fault_proxy, proxied)

BOOST_AUTO_TEST_CASE(passes_many_requests_of_one_connection_untouched) {
    const auto client = send(request("/json?q=1") + request("/stream") + request("/json", "PUT"));
    const std::string expected = json_response() + stream_response() + json_response();
    until_bytes(*client, expected.size());
    BOOST_TEST(client->bytes == expected);
    BOOST_TEST(!client->end);
    BOOST_TEST(targets == (std::vector<std::string>{"/base/json?q=1", "/base/stream", "/base/json"}),
               boost::test_tools::per_element());
    BOOST_TEST(bodies == (std::vector<std::string>{"hello", "hello", "hello"}), boost::test_tools::per_element());
    BOOST_TEST(proxy->endpoint().ends_with("/base"));
    BOOST_TEST(proxy->connections() == 1u);
    BOOST_TEST(proxy->struck() == 0u);

    BOOST_REQUIRE(proxy->responses().size() == 3u);
    const auto& stream = proxy->responses()[1];
    BOOST_TEST(&stream == proxy->last_stream());
    BOOST_TEST(stream.method == "POST");
    BOOST_TEST(stream.path == "/base/stream");
    BOOST_TEST(stream.status == 200);
    BOOST_TEST(stream.stream);
    BOOST_TEST(stream.complete);
    BOOST_TEST(stream.head_size == stream_head().size());
    BOOST_TEST(stream.size == stream_response().size());
    BOOST_TEST(stream.delivered == stream.size);
    BOOST_TEST(!proxy->responses()[2].stream);

    // When the client goes, so does the connection to the service.
    client->socket.close();
    run_until(io, [&] { return open == 0; });
}

BOOST_AUTO_TEST_CASE(cuts_at_any_byte) {
    for (const std::size_t at : places()) {
        proxy->inject(network_fault::cut().at(at));
        const auto client = send(request("/stream"));
        until_ended(*client);
        BOOST_TEST(client->bytes == stream_response().substr(0, at));
        BOOST_TEST(client->was_closed());
        BOOST_TEST(proxy->last_stream()->delivered == at);
    }
    BOOST_TEST(proxy->struck() == places().size());
    run_until(io, [&] { return open == 0; });
}

BOOST_AUTO_TEST_CASE(resets_at_any_byte) {
    for (const std::size_t at : places()) {
        proxy->inject(network_fault::reset().at(at));
        const auto client = send(request("/stream"));
        until_ended(*client);
        BOOST_TEST(client->bytes == stream_response().substr(0, at));
        BOOST_TEST(client->was_reset());
    }
    BOOST_TEST(proxy->struck() == places().size());
}

BOOST_AUTO_TEST_CASE(stalls_at_any_byte_with_the_connection_open) {
    for (const std::size_t at : places()) {
        const std::size_t seen = proxy->responses().size();
        proxy->inject(network_fault::stall().at(at));
        const auto client = send(request("/stream"));
        run_until(io, [&] { return proxy->responses().size() == seen + 1 && proxy->responses().back().complete; });
        run_ready(io);
        BOOST_TEST(client->bytes == stream_response().substr(0, at));
        BOOST_TEST(!client->end);
        client->socket.close();
        run_until(io, [&] { return open == 0; });
    }
    BOOST_TEST(proxy->struck() == places().size());
}

BOOST_AUTO_TEST_CASE(delays_at_any_byte_until_it_is_released) {
    for (const std::size_t at : places()) {
        proxy->inject(network_fault::delay().at(at));
        const auto client = send(request("/stream"));
        run_until(io, [&] { return proxy->held() == 1; });
        run_ready(io);
        BOOST_TEST(client->bytes == stream_response().substr(0, at));
        proxy->release();
        until_bytes(*client, stream_response().size());
        BOOST_TEST(client->bytes == stream_response());
        BOOST_TEST(!client->end);
        BOOST_TEST(proxy->held() == 0u);
    }
    BOOST_TEST(proxy->struck() == places().size());
}

BOOST_AUTO_TEST_CASE(a_fault_past_the_end_never_happens) {
    const std::size_t past = stream_response().size() + 1;
    for (const network_fault& each : {network_fault::cut().at(past), network_fault::reset().at(past),
                                      network_fault::stall().at(past), network_fault::delay().at(past)}) {
        proxy->inject(each);
        const auto client = send(request("/stream") + request("/json"));
        until_bytes(*client, (stream_response() + json_response()).size());
        BOOST_TEST(client->bytes == stream_response() + json_response());
        BOOST_TEST(!client->end);
    }
    BOOST_TEST(proxy->struck() == 0u);
}

BOOST_AUTO_TEST_CASE(truncates_to_a_clean_end) {
    const std::string whole = stream_response();
    std::string body;
    for (const std::string& each : frames) body += each;
    const std::size_t head = stream_head().size();
    // The offset in the service's bytes, and how much of the body these hold.
    const std::pair<std::size_t, std::size_t> expected[] = {
        {0, 0},
        {head, 0},
        {head + 3, 0},
        {head + 4, 1},
        {head + 8, 5},
        {head + 10, 5},
        {head + 15, 6},
        {whole.size() - 7 - 1, body.size() - 1},
        {whole.size() - 7, body.size()},
        {whole.size(), body.size()},
    };
    for (const auto& [at, size] : expected) {
        proxy->inject(network_fault::truncate().at(at));
        const auto client = send(request("/stream"));
        until_ended(*client);
        BOOST_TEST(body_of(client->bytes) == body.substr(0, size));
        BOOST_TEST(client->bytes.find("\r\nConnection: close\r\n\r\n") == head - 4);
        BOOST_TEST(client->was_closed());
    }
    BOOST_TEST(proxy->struck() == std::size(expected));

    proxy->inject(network_fault::truncate().at(whole.size() + 1));
    const auto client = send(request("/stream"));
    until_bytes(*client, whole.size());
    BOOST_TEST(body_of(client->bytes) == body);
    BOOST_TEST(proxy->struck() == std::size(expected));
}

BOOST_AUTO_TEST_CASE(sends_whole_frames_twice) {
    const auto& [one, comment, two, done] = frames;
    const std::pair<network_fault, std::string> expected[] = {
        {network_fault::duplicate(0), one + one + comment + two + done},
        {network_fault::duplicate(1, 2), one + comment + two + comment + two + done},
        {network_fault::duplicate(0, 4), one + comment + two + done + one + comment + two + done},
        {network_fault::duplicate(3), one + comment + two + done + done},
        {network_fault::duplicate(4), one + comment + two + done},
    };
    for (const auto& [fault, body] : expected) {
        proxy->inject(fault);
        const auto client = send(request("/stream") + request("/json"));
        run_until(io, [&] { return client->bytes.ends_with(json_response()) || client->end; });
        BOOST_TEST(body_of(client->bytes.substr(0, client->bytes.size() - json_response().size())) == body);
        BOOST_TEST(!client->end);
    }
    BOOST_TEST(proxy->struck() == std::size(expected) - 1);
}

BOOST_AUTO_TEST_CASE(splits_into_pieces_that_are_read_one_by_one) {
    for (const std::size_t size : {1u, 2u, 7u, 64u, 10'000u}) {
        proxy->inject(network_fault::split(size));
        const auto client = send(request("/stream"));
        until_bytes(*client, stream_response().size());
        BOOST_TEST(client->bytes == stream_response());
        // The last of a write may be shorter.
        BOOST_TEST(*std::max_element(client->reads.begin(), client->reads.end()) <= size);
    }
}

BOOST_AUTO_TEST_CASE(splits_by_a_seed_the_same_way_again) {
    std::vector<std::vector<std::size_t>> reads;
    for (const std::uint32_t seed : {1u, 1u, 2u}) {
        proxy->inject(network_fault::split_randomly(seed, 9));
        const auto client = send(request("/stream"));
        until_bytes(*client, stream_response().size());
        BOOST_TEST(client->bytes == stream_response());
        reads.push_back(client->reads);
    }
    BOOST_TEST((reads[0] == reads[1]));
    BOOST_TEST((reads[0] != reads[2]));
    BOOST_TEST(*std::max_element(reads[0].begin(), reads[0].end()) <= 9u);
}

BOOST_AUTO_TEST_CASE(loses_the_response_of_what_was_carried_out) {
    proxy->inject(network_fault::lose_response().on("POST", "/json"));
    const auto client = send(request("/json"));
    until_ended(*client);
    BOOST_TEST(client->bytes.empty());
    BOOST_TEST(client->was_reset());
    BOOST_TEST(targets.size() == 1u);
    BOOST_TEST(bodies.back() == "hello");
}

BOOST_AUTO_TEST_CASE(loses_a_request_before_anybody_hears_of_it) {
    proxy->inject(network_fault::lose_request().on("POST", "/json"));
    const auto client = send(request("/stream") + request("/json"));
    until_ended(*client);
    BOOST_TEST(client->was_reset());
    BOOST_TEST(std::count(targets.begin(), targets.end(), "/base/json") == 0);
    BOOST_TEST(proxy->struck() == 1u);
}

BOOST_AUTO_TEST_CASE(refuses_connections) {
    proxy->inject(network_fault::refuse().nth(2).times(2));
    std::vector<bool> refused;
    for (int i = 0; i < 4; ++i) {
        const auto client = send(request("/json"));
        until_bytes(*client, json_response().size());
        refused.push_back(client->bytes.empty() && client->end);
    }
    BOOST_TEST(refused == (std::vector<bool>{false, true, true, false}), boost::test_tools::per_element());
    BOOST_TEST(proxy->connections() == 4u);
    BOOST_TEST(targets.size() == 2u);
}

BOOST_AUTO_TEST_CASE(a_fault_is_for_the_nth_request_that_it_is_about) {
    int happened = 0;
    proxy->inject(network_fault::cut().at(10).on("PUT", "/*/stream").nth(2).then([&] { ++happened; }));
    for (int i = 0; i < 3; ++i) {
        const auto client = send(request("/json", "PUT") + request("/a/stream") + request("/b/stream", "PUT"));
        const std::string before = json_response() + stream_response();
        if (i == 1)
            until_ended(*client);
        else
            until_bytes(*client, before.size() + stream_response().size());
        BOOST_TEST(client->bytes == before + stream_response().substr(0, i == 1 ? 10 : std::string::npos));
        BOOST_TEST(happened == (i >= 1 ? 1 : 0));
    }
}

BOOST_AUTO_TEST_CASE(faults_of_one_response_apply_together) {
    const std::size_t at = stream_head().size() + 20;
    proxy->inject(network_fault::split(3));
    proxy->inject(network_fault::delay().at(5));
    proxy->inject(network_fault::cut().at(at));
    const auto client = send(request("/stream"));
    run_until(io, [&] { return proxy->held() == 1; });
    run_ready(io);
    BOOST_TEST(client->bytes == stream_response().substr(0, 5));
    proxy->release();
    until_ended(*client);
    BOOST_TEST(client->bytes == stream_response().substr(0, at));
    BOOST_TEST(*std::max_element(client->reads.begin(), client->reads.end()) <= 3u);
    BOOST_TEST(proxy->struck() == 3u);
}

BOOST_AUTO_TEST_CASE(faults_can_be_taken_back) {
    proxy->inject(network_fault::cut().times(network_fault::always));
    until_ended(*send(request("/stream")));
    proxy->forgive();
    const auto client = send(request("/stream"));
    until_bytes(*client, stream_response().size());
    BOOST_TEST(client->bytes == stream_response());
}

BOOST_AUTO_TEST_CASE(what_the_service_breaks_off_is_broken_off) {
    loopback_server half(io, [](std::shared_ptr<raw_connection> c) -> asio::awaitable<void> {
        const std::shared_ptr<raw_connection> with = c;
        for (int i = 0; i < 2; ++i) co_await with->read();
        std::string answers = json_response() + stream_response().substr(0, 150);
        co_await with->write(std::move(answers));
        with->reset();
    });
    proxy.emplace(io, half.url() + "/base");
    const auto client = send(request("/json") + request("/stream"));
    until_ended(*client);
    BOOST_TEST(client->was_reset());
    BOOST_TEST(!proxy->last_stream()->complete);
}

BOOST_AUTO_TEST_CASE(a_run_tells_how_many_offsets_it_has) {
    emulated one;
    fault_proxy between(one.io, one.service->endpoint());
    corun::client client(one.io.get_executor(), between.endpoint(), corun::credential::bearer(one.service->token()));
    corun::agent agent = await(one.io, client.create_agent(corun::agent_definition("gpt-4o")));
    std::vector<std::size_t> sizes;
    for (const std::size_t split : {0u, 0u, 5u}) {
        if (split != 0) between.inject(network_fault::split(split));
        BOOST_TEST(text_of(await(one.io, collect(agent.run_stream("tokens(3)")))) != "");
        BOOST_TEST(between.last_stream()->path == "/api/projects/emulator/threads/runs");
        sizes.push_back(between.last_stream()->size);
    }
    BOOST_TEST(sizes[0] == sizes[1]);
    BOOST_TEST(sizes[0] == sizes[2]);
}

BOOST_AUTO_TEST_SUITE_END()
