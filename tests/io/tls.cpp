// Certificates are verified: nobody but the service gets to see a request.
#include "async/asio_clock.hpp"
#include "curl/curl_transport.hpp"
#include "drive.hpp"
#include "http/call.hpp"
#include "loopback_server.hpp"
#include "temporary_directory.hpp"
#include "test_ca.hpp"
#include "tls_server.hpp"
#include <corun/client.hpp>
#include <corun/error.hpp>

#include <asio/io_context.hpp>
#include <boost/test/unit_test.hpp>
#include <stdlib.h>

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace {

using namespace corun;
using namespace corun::test;

const std::string body = R"({"id":"asst_1","object":"assistant","model":"gpt-4o"})";

/// Lets OpenSSL speak TLS 1.0, whatever the machine's own configuration says: what refuses it is corun.
struct permissive_openssl {
    permissive_openssl() {
        ::setenv("OPENSSL_CONF",
                 files
                     .write("openssl.cnf",
                            "openssl_conf = all\n[all]\nssl_conf = ssl\n[ssl]\nsystem_default = system\n"
                            "[system]\nMinProtocol = TLSv1\nCipherString = DEFAULT@SECLEVEL=0\n")
                     .c_str(),
                 1);
    }
    temporary_directory files;
};
const permissive_openssl permissive;

/// Both ways to the service with a token: the transport by itself, and the public client.
struct fixture {
    void serve(const ca::identity& identity, const std::function<void(asio::ssl::context&)>& configure = {}) {
        server.emplace(io, identity, whole_response(200, "application/json", body), configure);
    }

    detail::http_response call(const std::string& host) {
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
        options.ca_file = settings.ca_file;
        options.client_certificate_file = settings.client_certificate_file;
        options.client_key_file = settings.client_key_file;
        options.client_key_passphrase = settings.client_key_passphrase;
        client service(io.get_executor(), server->url(host), credential::bearer(secret("planted-secret-tls")), options);
        return await(io, service.get_agent("asst_1"));
    }

    /// Neither way gets through, and both say why and with whom.
    void check_failed(const std::string& host, const std::string& reason) {
        const auto tells = [&](const error& failure) {
            const std::string what = failure.what();
            BOOST_TEST_INFO(what);
            BOOST_CHECK(what.find(reason) != what.npos);
            BOOST_TEST_INFO(what);
            BOOST_CHECK(what.find("TLS with https://" + host) != what.npos);
            BOOST_CHECK(what.find("letmein") == what.npos);
            return failure.code() == errc::tls_failed;
        };
        BOOST_CHECK_EXCEPTION((void)call(host), error, tells);
        BOOST_CHECK_EXCEPTION((void)get_agent(host), error, tells);
    }
    /// The same, and not a word of HTTP was said.
    void check_refused(const std::string& host, const std::string& reason) {
        check_failed(host, reason);
        run_until(io, [&] { return server->ended() == 2; });
        BOOST_TEST(server->received() == "");
    }

    void present(const ca::identity& identity) {
        settings.client_certificate_file = files.write("client.pem", identity.certificate);
        settings.client_key_file = files.write("client.key", identity.key);
    }

    /// Of every peer a certificate of the authority.
    std::function<void(asio::ssl::context&)> certified_peers() const {
        return [trusted = authority.certificate()](asio::ssl::context& context) {
            context.set_verify_mode(asio::ssl::verify_peer | asio::ssl::verify_fail_if_no_peer_cert);
            context.add_certificate_authority(asio::buffer(trusted));
        };
    }

    asio::io_context io;
    ca::authority authority;
    ca::statement this_machine{"DNS:localhost,IP:127.0.0.1"};
    temporary_directory files;
    curl::options settings = [this] {
        curl::options made;
        made.proxy = "";
        made.ca_file = files.write("ca.pem", authority.certificate());
        return made;
    }();
    std::optional<tls_server> server;
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(tls, fixture)

BOOST_AUTO_TEST_CASE(reaches_a_server_of_the_given_authority) {
    for (const std::string host : {"localhost", "127.0.0.1"}) {
        BOOST_TEST_CONTEXT(host) {
            serve(authority.issue(this_machine));
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

BOOST_AUTO_TEST_CASE(refuses_a_certificate_that_is_not_to_be_trusted_and_says_why) {
    const ca::authority other("another CA");
    struct row {
        const char* host;
        ca::identity identity;
        const char* reason;
    };
    const std::vector<row> rows{
        {"localhost", other.issue(this_machine), "unable to get local issuer certificate"},
        {"localhost", ca::authority::self_signed(this_machine), "self-signed certificate"},
        {"localhost", authority.issue(ca::statement(this_machine).lasts(-7200, -3600)), "certificate has expired"},
        {"localhost", authority.issue(ca::statement(this_machine).lasts(3600, 7200)), "certificate is not yet valid"},
        {"localhost", authority.issue(ca::statement("DNS:other.example")), "matches target host name 'localhost'"},
        {"127.0.0.1", authority.issue(ca::statement("DNS:localhost")), "matches target host name '127.0.0.1'"},
    };
    for (const row& each : rows) {
        BOOST_TEST_CONTEXT(each.reason) {
            serve(each.identity);
            check_refused(each.host, each.reason);
        }
    }
}

BOOST_AUTO_TEST_CASE(refuses_what_the_systems_authorities_have_not_issued) {
    settings.ca_file.clear();
    serve(authority.issue(this_machine));
    check_refused("localhost", "certificate");
}

BOOST_AUTO_TEST_CASE(trusts_nobody_when_the_file_of_authorities_is_missing) {
    settings.ca_file += ".missing";
    serve(authority.issue(this_machine));
    check_failed("localhost", "ca.pem.missing");
    run_ready(io);
    BOOST_TEST(server->received() == "");
}

BOOST_AUTO_TEST_CASE(speaks_no_version_before_1_2) {
    serve(authority.issue(this_machine),
          [](asio::ssl::context& context) { SSL_CTX_set_max_proto_version(context.native_handle(), TLS1_1_VERSION); });
    check_refused("localhost", "version");
    serve(authority.issue(this_machine),
          [](asio::ssl::context& context) { SSL_CTX_set_max_proto_version(context.native_handle(), TLS1_2_VERSION); });
    BOOST_TEST(call("localhost").body == body);
}

BOOST_AUTO_TEST_CASE(shows_its_certificate_to_a_server_that_asks_for_one) {
    present(authority.issue(ca::statement("DNS:client")));
    serve(authority.issue(this_machine), certified_peers());
    BOOST_TEST(call("localhost").body == body);
    BOOST_TEST(get_agent("localhost").definition().model == "gpt-4o");

    // Certificate and key in one file, and an encrypted key.
    const ca::identity encrypted = authority.issue(ca::statement("DNS:client"), "letmein");
    settings.client_certificate_file = files.write("both.pem", encrypted.certificate + encrypted.key);
    settings.client_key_file.clear();
    settings.client_key_passphrase = "letmein";
    BOOST_TEST(call("localhost").body == body);
    BOOST_TEST(get_agent("localhost").definition().model == "gpt-4o");
}

BOOST_AUTO_TEST_CASE(says_when_a_server_wants_a_certificate) {
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
        serve(authority.issue(this_machine), [&](asio::ssl::context& context) {
            certified_peers()(context);
            SSL_CTX_set_max_proto_version(context.native_handle(), version);
        });
        check_refused("localhost", version == TLS1_3_VERSION ? "certificate required" : "handshake failure");
    }
    // One that it does not trust is not enough.
    present(ca::authority::self_signed(ca::statement("DNS:client")));
    serve(authority.issue(this_machine), certified_peers());
    check_refused("localhost", "alert");
}

BOOST_AUTO_TEST_CASE(says_when_its_own_certificate_cannot_be_used) {
    serve(authority.issue(this_machine), certified_peers());
    const ca::identity mine = authority.issue(ca::statement("DNS:client"), "letmein");
    const ca::identity other = authority.issue(ca::statement("DNS:client"));
    present(mine);
    settings.client_key_passphrase = "letmein not";
    check_failed("localhost", "client.key");
    present(other);
    settings.client_key_file = files.write("client.key", authority.issue(ca::statement("DNS:client")).key);
    check_failed("localhost", "client.key");
    settings.client_certificate_file += ".missing";
    check_failed("localhost", "client.pem.missing");
    settings.client_certificate_file.clear();
    BOOST_CHECK_EXCEPTION((void)call("localhost"), error,
                          [](const error& failure) { return failure.code() == errc::invalid_argument; });
    run_ready(io);
    BOOST_TEST(server->received() == "");
}

BOOST_AUTO_TEST_SUITE_END()
