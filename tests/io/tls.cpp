// Certificates are verified: nobody but the service gets to see a request.
#include "clock.hpp"
#include "curl/transport.hpp"
#include "drive.hpp"
#include "http_call.hpp"
#include "loopback_server.hpp"
#include "test_ca.hpp"
#include "tls_server.hpp"
#include <corun/client.hpp>
#include <corun/error.hpp>

#include <asio/io_context.hpp>
#include <boost/test/unit_test.hpp>
#include <stdlib.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <string>
#include <system_error>
#include <utility>

namespace {

using namespace corun;
using namespace corun::test;

const std::string body = R"({"id":"asst_1","object":"assistant","model":"gpt-4o"})";

struct temporary_file {
    explicit temporary_file(const char* content) {
        const int descriptor = ::mkstemp(name.data());
        if (descriptor < 0) throw std::system_error(errno, std::generic_category(), "mkstemp");
        ::close(descriptor);
        std::ofstream(name) << content;
    }
    ~temporary_file() { ::unlink(name.c_str()); }
    temporary_file(const temporary_file&) = delete;
    temporary_file& operator=(const temporary_file&) = delete;

    std::string name = "/tmp/corun-test-XXXXXX";
};

/// Both ways to the service with a token: the transport by itself, and the public client.
struct fixture {
    void serve(const char* certificate) {
        server.emplace(io, certificate, ca::server_key, whole_response(200, "application/json", body));
    }

    detail::http_response call(const std::string& host) {
        curl::options settings;
        settings.proxy = "";
        settings.ca_file = ca_file;
        net::request what;
        what.url = server->url(host);
        what.headers.set("Authorization", "Bearer planted-secret-tls");
        return await(io,
                     detail::http_call(curl::make_transport(io.get_executor(), settings),
                                       detail::make_clock(io.get_executor()), std::move(what), detail::call_limits()));
    }

    agent get_agent(const std::string& host) {
        client_options options;
        options.proxy = "";
        options.ca_file = ca_file;
        client service(io.get_executor(), server->url(host), credential::bearer(secret("planted-secret-tls")), options);
        return await(io, service.get_agent("asst_1"));
    }

    /// Neither way gets through, and neither says a word of HTTP.
    void check_refused(const std::string& host) {
        const auto is_tls_failed = [](const error& failure) { return failure.code() == errc::tls_failed; };
        BOOST_CHECK_EXCEPTION((void)call(host), error, is_tls_failed);
        BOOST_CHECK_EXCEPTION((void)get_agent(host), error, is_tls_failed);
        run_until(io, [&] { return server->ended() == 2; });
        BOOST_TEST(server->received() == "");
    }

    asio::io_context io;
    temporary_file authority{ca::authority};
    std::string ca_file = authority.name;
    std::optional<tls_server> server;
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(tls, fixture)

BOOST_AUTO_TEST_CASE(reaches_a_server_of_the_given_authority) {
    for (const std::string host : {"localhost", "127.0.0.1"}) {
        BOOST_TEST_CONTEXT(host) {
            serve(ca::localhost_certificate);
            const detail::http_response response = call(host);
            BOOST_TEST(response.head.status == 200);
            BOOST_TEST(response.body == body);
            BOOST_TEST(get_agent(host).definition().model == "gpt-4o");
            // What the refused ones must not give away.
            const auto first = server->received().find("Authorization: Bearer planted-secret-tls\r\n");
            BOOST_TEST(first != std::string::npos);
            BOOST_TEST(server->received().find("Authorization: Bearer planted-secret-tls\r\n", first + 1) !=
                       std::string::npos);
        }
    }
}

BOOST_AUTO_TEST_CASE(refuses_a_server_of_an_unknown_authority) {
    ca_file.clear();
    serve(ca::localhost_certificate);
    check_refused("localhost");
}

BOOST_AUTO_TEST_CASE(refuses_the_certificate_of_another_host) {
    serve(ca::wrong_host_certificate);
    check_refused("localhost");
}

BOOST_AUTO_TEST_CASE(refuses_an_address_that_the_certificate_does_not_name) {
    serve(ca::wrong_host_certificate);
    check_refused("127.0.0.1");
}

BOOST_AUTO_TEST_CASE(refuses_a_certificate_that_has_expired) {
    serve(ca::expired_certificate);
    check_refused("localhost");
}

BOOST_AUTO_TEST_CASE(trusts_nobody_when_the_file_of_authorities_is_missing) {
    ca_file += ".missing";
    serve(ca::localhost_certificate);
    const auto is_tls_failed = [](const error& failure) { return failure.code() == errc::tls_failed; };
    BOOST_CHECK_EXCEPTION((void)get_agent("localhost"), error, is_tls_failed);
    run_ready(io);
    BOOST_TEST(server->received() == "");
}

BOOST_AUTO_TEST_SUITE_END()
