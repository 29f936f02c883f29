// libcurl runs out of memory, at each of its allocations in turn.
#include "curl/curl_transport.hpp"
#include "drive.hpp"
#include "loopback_server.hpp"
#include "recording_sink.hpp"
#include "temporary_directory.hpp"
#include "test_ca.hpp"
#include "tls_server.hpp"

#include <asio/io_context.hpp>
#include <boost/test/unit_test.hpp>
#include <curl/curl.h>

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <memory>
#include <new>
#include <string>
#include <utility>

namespace {

using namespace corun;
using namespace corun::test;
using namespace std::chrono_literals;

/// What libcurl allocates with. libcurl has a thread of its own only for looking up names, which none of these tests
/// needs.
struct allocator {
    // libcurl resolves names on threads of its own.
    static inline std::atomic<long> made = 0, fails_at = 0, held = 0;

    static bool refuses() { return ++made == fails_at; }
    static void* counted(void* memory) {
        if (memory) ++held;
        return memory;
    }
    static void* allocate(std::size_t size) { return refuses() ? nullptr : counted(std::malloc(size)); }
    static void* allocate_zeroed(std::size_t count, std::size_t size) {
        return refuses() ? nullptr : counted(std::calloc(count, size));
    }
    static char* copy(const char* text) { return refuses() ? nullptr : static_cast<char*>(counted(::strdup(text))); }
    static void* grow(void* memory, std::size_t size) {
        if (refuses()) return nullptr;
        void* const grown = std::realloc(memory, size);
        return memory ? grown : counted(grown);
    }
    static void release(void* memory) {
        if (memory) --held;
        std::free(memory);
    }
};

/// Before the library does it, in its own way, which then changes nothing.
struct counted_libcurl {
    counted_libcurl() {
        if (curl_global_init_mem(CURL_GLOBAL_DEFAULT, allocator::allocate, allocator::release, allocator::grow,
                                 allocator::copy, allocator::allocate_zeroed) != CURLE_OK)
            throw std::runtime_error("curl_global_init_mem");
    }
};
const counted_libcurl counted;

struct fixture {
    /// A transport of its own and one request: whether the response came. Anything but that, or an error, fails the
    /// test; so does a request of which nothing is heard.
    bool request(const curl::options& settings, const std::string& url, const std::string& expected) {
        recording_sink sink;
        try {
            const auto transport = curl::make_transport(io.get_executor(), settings);
            net::request what;
            what.url = url;
            what.connect_timeout = 30s;
            what.method = "POST";
            what.headers.set("Authorization", "Bearer token");
            what.headers.set("Content-Type", "application/json");
            what.body = "{}";
            const auto transfer = transport->start(std::move(what), sink);
            run_until(io, [&] { return sink.done; });
        } catch (const std::bad_alloc&) {
            BOOST_TEST(sink.dones == 0);
            return false;
        }
        BOOST_TEST(sink.dones == 1);
        BOOST_TEST((!sink.code || !sink.detail.empty() || sink.code == std::errc::not_enough_memory));
        if (sink.code) return false;
        BOOST_TEST(sink.head.status == 200);
        BOOST_TEST(sink.bytes == expected);
        return true;
    }

    void fail_each_allocation(const curl::options& settings, const std::string& url, const std::string& expected) {
        // What libcurl keeps for good it has got by then.
        BOOST_REQUIRE(request(settings, url, expected));
        run_ready(io);
        const long held = allocator::held;
        long tried = 0, survived = 0;
        while (true) {
            allocator::made = 0;
            allocator::fails_at = tried + 1;
            bool right = false;
            BOOST_TEST_CONTEXT("allocation " << allocator::fails_at) {
                right = request(settings, url, expected);
            }
            const bool reached = allocator::made >= allocator::fails_at;
            allocator::fails_at = 0;
            if (!reached) {
                BOOST_TEST(right);
                break;
            }
            ++tried;
            if (right) ++survived;
        }
        BOOST_TEST_MESSAGE("of " << tried << " allocations, " << survived << " were not missed");
        BOOST_TEST(tried > 50);
        BOOST_TEST(survived < tried);
        // The process is as good as before.
        BOOST_TEST(request(settings, url, expected));
        // A transport's own handlers keep it until they have heard that they are cancelled.
        run_ready(io);
        run_ready(io);
        BOOST_TEST(allocator::held == held);
    }

    asio::io_context io;
    const std::string body = R"({"id":"asst_1"})";
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(allocation, fixture)

BOOST_AUTO_TEST_CASE(a_request_that_cannot_get_memory_ends_cleanly) {
    loopback_server server(io, [&](std::shared_ptr<raw_connection> connection) -> asio::awaitable<void> {
        raw_request request = co_await connection->read();
        if (request.head.empty()) co_return;
        co_await connection->write(response_head(200, "application/json", "Transfer-Encoding: chunked\r\n\r\n"));
        co_await connection->write_chunk(body);
        co_await connection->write("0\r\n\r\n");
    });
    fail_each_allocation(curl::options(), server.url(), body);
}

BOOST_AUTO_TEST_CASE(so_does_one_over_tls_with_every_option) {
    const ca::authority authority;
    const temporary_directory files;
    const ca::identity mine = authority.issue(ca::statement("DNS:client"), "letmein");
    tls_server server(io, authority.issue(ca::statement("DNS:service.test")), whole_response(200, "text/plain", body),
                      [](asio::ssl::context& context) {
                          // libcurl 7.88 itself frees twice what it cannot keep of a session.
                          SSL_CTX_set_options(context.native_handle(), SSL_OP_NO_TICKET);
                          SSL_CTX_set_num_tickets(context.native_handle(), 0);
                      });
    curl::options settings;
    settings.proxy = "";
    settings.ca_file = files.write("ca.pem", authority.certificate());
    settings.client_certificate_file = files.write("client.pem", mine.certificate);
    settings.client_key_file = files.write("client.key", mine.key);
    settings.client_key_passphrase = "letmein";
    settings.resolve = {{"service.test:" + std::to_string(server.port()), {"127.0.0.1"}}};
    fail_each_allocation(settings, server.url("service.test"), body);
}

BOOST_AUTO_TEST_SUITE_END()
