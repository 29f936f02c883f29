// The ways to the service: proxies, Unix sockets, IPv6, addresses given by hand; and redirects, which are none.
#include "connect_proxy.hpp"
#include "curl/curl_transport.hpp"
#include "drive.hpp"
#include "loopback_server.hpp"
#include "recording_sink.hpp"
#include "temporary_directory.hpp"
#include "test_ca.hpp"
#include "tls_server.hpp"
#include <corun/corun.hpp>

#include <asio/io_context.hpp>
#include <asio/local/stream_protocol.hpp>
#include <boost/test/unit_test.hpp>

#include <functional>
#include <optional>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

namespace {

using namespace corun;
using namespace corun::test;
using namespace std::chrono_literals;

const std::string agent_json = R"({"id":"asst_1","object":"assistant","model":"gpt-4o"})";
const std::string agent_response = whole_response(200, "application/json", agent_json);
/// Base64 of user:hunter2.
const std::string credentials = "Basic dXNlcjpodW50ZXIy";

/// Nothing of the machine's own environment, and afterwards nothing of the test's.
struct environment {
    environment() { clear(); }
    ~environment() { clear(); }
    void clear() {
        for (const char* name : {"http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY",
                                 "no_proxy", "NO_PROXY"})
            ::unsetenv(name);
    }
    void set(const char* name, const std::string& value) { ::setenv(name, value.c_str(), 1); }
};

struct fixture : environment {
    fixture() { options.ca_file = files.write("ca.pem", authority.certificate()); }

    corun::client client_of(const std::string& endpoint) {
        return corun::client(io.get_executor(), endpoint, credential::bearer(secret("token")), options);
    }
    std::string model_from(const std::string& endpoint) {
        corun::client service = client_of(endpoint);
        const agent found = await(io, service.get_agent("asst_1"));
        return found.definition().model;
    }

    /// What getting an agent fails with. Never is it a place where the proxy's password shows.
    error failure_from(const std::string& endpoint) {
        try {
            (void)model_from(endpoint);
        } catch (const error& failure) {
            const std::string shown = std::string(failure.what()) + failure.details().message + failure.details().body;
            BOOST_TEST(shown.find("hunter2") == shown.npos, shown);
            BOOST_TEST(shown.find("dXNlcjpodW50ZXIy") == shown.npos, shown);
            return failure;
        }
        throw std::logic_error("it did not fail");
    }

    /// service.test, with a certificate to show for it.
    void serve_https() {
        server.emplace(io, authority.issue(ca::statement("DNS:service.test,DNS:localhost")), agent_response);
        options.resolve = {{"service.test:" + std::to_string(server->port()), {"127.0.0.1"}}};
    }

    asio::io_context io;
    ca::authority authority;
    temporary_directory files;
    client_options options;
    std::optional<tls_server> server;
};

bool is_invalid(const error& failure) {
    return failure.code() == errc::invalid_argument;
}

/// Answers every request with what `response` is then; keeps the heads.
asio::awaitable<void> answer_all(std::shared_ptr<raw_connection> peer, const std::string* response,
                                 std::vector<std::string>* heads) {
    raw_request request = co_await peer->read();
    while (!request.head.empty()) {
        heads->push_back(request.head);
        co_await peer->write(*response);
        request = co_await peer->read();
    }
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(network, fixture)

BOOST_AUTO_TEST_CASE(a_proxy_gets_its_own_credentials_and_nothing_else) {
    serve_https();
    options.resolve.clear();  // the proxy finds the host
    const connect_proxy proxy(io, credentials);
    options.proxy = proxy.url("user:hunter2@");
    BOOST_TEST(model_from(server->url("service.test")) == "gpt-4o");
    BOOST_REQUIRE(proxy.heads().size() == 1u);
    const std::string& head = proxy.heads().front();
    BOOST_TEST(head.starts_with("CONNECT service.test:" + std::to_string(server->port()) + " HTTP/1.1\r\n"));
    BOOST_TEST(head.find("Proxy-Authorization: " + credentials) != head.npos);
    BOOST_TEST(head.find("token") == head.npos);
    BOOST_TEST(head.find("api-version") == head.npos);
    BOOST_TEST(server->received().find("Authorization: Bearer token") != std::string::npos);
    BOOST_TEST(server->received().find("Proxy-") == std::string::npos);
    BOOST_TEST(server->received().find("dXNlcjpodW50ZXIy") == std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_proxy_that_wants_other_credentials_is_named_with_what_it_wants) {
    serve_https();
    const connect_proxy proxy(io, "Basic b3RoZXI6b3RoZXI=");
    for (const char* user : {"", "user:hunter2@"}) {
        options.proxy = proxy.url(user);
        const error failure = failure_from(server->url("service.test"));
        BOOST_TEST(failure.code() == errc::connect_failed);
        BOOST_TEST(std::string(failure.what()).find("407") != std::string::npos);
        BOOST_TEST(failure.status() == 0);

        // Asked for a resource instead of a tunnel it answers in the same way.
        curl::options settings;
        settings.proxy = options.proxy;
        const auto transport = curl::make_transport(io.get_executor(), settings);
        net::request what;
        what.url = "http://service.test/x";
        recording_sink sink;
        const auto transfer = transport->start(std::move(what), sink);
        run_until(io, [&] { return sink.done; });
        BOOST_TEST(sink.code == errc::connect_failed);
        BOOST_TEST(sink.heads == 0);
        BOOST_TEST(sink.detail.find("407") != std::string::npos);
        BOOST_TEST(sink.detail.find("hunter2") == std::string::npos);
    }
    BOOST_TEST(server->received() == "");
}

BOOST_AUTO_TEST_CASE(a_proxy_that_cannot_be_used_is_a_typed_error_without_its_password) {
    serve_https();
    std::vector<std::string> heads;
    const std::string endpoint = server->url("service.test");
    for (const std::string& answer : {whole_response(403, "text/plain", "no"), whole_response(502, "text/plain", "no"),
                                      std::string("this is no proxy\r\n\r\n"), std::string()}) {
        BOOST_TEST_CONTEXT(answer) {
            loopback_server proxy(io, [&](std::shared_ptr<raw_connection> peer) -> asio::awaitable<void> {
                return [](std::shared_ptr<raw_connection> to, std::string bytes) -> asio::awaitable<void> {
                    (void)co_await to->read();
                    co_await to->write(bytes);
                    to->close();
                }(std::move(peer), answer);
            });
            options.proxy = "http://user:hunter2@" + proxy.url().substr(7);
            const error failure = failure_from(endpoint);
            if (!answer.starts_with("HTTP/1.1 ")) continue;
            BOOST_TEST(failure.code() == errc::connect_failed);
            BOOST_TEST(failure.details().message.find(answer.substr(9, 3)) != std::string::npos);
        }
    }
    std::string nowhere;
    {
        loopback_server gone(
            io, [&](std::shared_ptr<raw_connection> peer) { return answer_all(peer, &agent_response, &heads); });
        nowhere = gone.url().substr(7);
    }
    for (const char* scheme : {"http", "socks5h", "gopher"}) {
        const std::string proxy = std::string(scheme) + "://user:hunter2@" + nowhere;
        options.proxy = proxy;
        BOOST_TEST(failure_from(endpoint).code() == errc::connect_failed, proxy);
    }
    BOOST_TEST(server->received() == "");
}

BOOST_AUTO_TEST_CASE(an_https_proxy_is_verified_by_the_same_authorities) {
    serve_https();
    const std::string refusal = whole_response(403, "text/plain", "no");
    tls_server trusted(io, authority.issue(ca::statement("DNS:localhost")), refusal);
    options.proxy = trusted.url("user:hunter2@localhost");
    error failure = failure_from(server->url("service.test"));
    BOOST_TEST(failure.code() == errc::connect_failed);
    BOOST_TEST(trusted.received().starts_with("CONNECT "));

    tls_server stranger(io, ca::authority("another").issue(ca::statement("DNS:localhost")), refusal);
    options.proxy = stranger.url("user:hunter2@localhost");
    failure = failure_from(server->url("service.test"));
    BOOST_TEST(failure.code() == errc::tls_failed);
    BOOST_TEST(std::string(failure.what()).find("TLS with the proxy") != std::string::npos, failure.what());
    BOOST_TEST(stranger.received() == "");
}

BOOST_AUTO_TEST_CASE(the_environment_names_proxies_as_libcurl_reads_it) {
    serve_https();
    const connect_proxy proxy(io);
    struct row {
        const char* variable;
        const char* exceptions;  ///< no_proxy
        const char* scheme;
        bool used;
    };
    for (const row& each : {row{"https_proxy", "", "https", true}, row{"HTTPS_PROXY", "", "https", true},
                            row{"all_proxy", "", "https", true}, row{"ALL_PROXY", "", "https", true},
                            row{"http_proxy", "", "https", false}, row{"http_proxy", "", "http", true},
                            row{"HTTP_PROXY", "", "http", false}, row{"https_proxy", "service.test", "https", false},
                            row{"https_proxy", "other.test,.test", "https", false},
                            row{"all_proxy", "*", "https", false}, row{"https_proxy", "other.test", "https", true}}) {
        BOOST_TEST_CONTEXT(each.variable << " for " << each.scheme << " but " << each.exceptions) {
            clear();
            set(each.variable, proxy.url());
            if (*each.exceptions) set("no_proxy", each.exceptions);
            const std::size_t had = proxy.heads().size();
            if (std::string(each.scheme) == "https") {
                BOOST_TEST(model_from(server->url("service.test")) == "gpt-4o");
            } else {
                std::vector<std::string> heads;
                loopback_server plain(io, [&](std::shared_ptr<raw_connection> peer) {
                    return answer_all(peer, &agent_response, &heads);
                });
                const std::string port = plain.url().substr(plain.url().rfind(':'));
                curl::options settings;
                settings.resolve = {{"service.test" + port, {"127.0.0.1"}}};
                const auto transport = curl::make_transport(io.get_executor(), settings);
                net::request what;
                what.url = "http://service.test" + port + "/x";
                recording_sink sink;
                const auto transfer = transport->start(std::move(what), sink);
                run_until(io, [&] { return sink.done; });
                BOOST_TEST(sink.bytes == (each.used ? "by proxy" : agent_json));
            }
            BOOST_TEST(proxy.heads().size() == had + (each.used ? 1 : 0));
        }
    }
    // The option stands over the environment, and this machine is never asked for through another.
    clear();
    set("all_proxy", proxy.url());
    const std::size_t had = proxy.heads().size();
    BOOST_TEST(model_from(server->url("localhost")) == "gpt-4o");
    options.proxy = "";
    BOOST_TEST(model_from(server->url("service.test")) == "gpt-4o");
    BOOST_TEST(proxy.heads().size() == had);
}

BOOST_AUTO_TEST_CASE(an_address_given_for_a_host_changes_where_and_not_who_it_is) {
    serve_https();
    BOOST_TEST(model_from(server->url("service.test")) == "gpt-4o");
    BOOST_TEST(server->received().find("Host: service.test:") != std::string::npos);

    // Another host at that address has no certificate to show.
    options.resolve = {{"other.test:" + std::to_string(server->port()), {"127.0.0.1"}}};
    BOOST_TEST(failure_from(server->url("other.test")).code() == errc::tls_failed);

    // One that does not answer is passed over for the next.
    tls_server more(io, authority.issue(ca::statement("DNS:service.test")), agent_response);
    options.resolve = {{"service.test:" + std::to_string(more.port()), {"127.0.0.9", "127.0.0.1"}}};
    BOOST_TEST(model_from(more.url("service.test")) == "gpt-4o");
}

BOOST_AUTO_TEST_CASE(an_address_given_for_a_host_lets_no_credential_go_in_the_clear) {
    options.resolve = {{"service.test:80", {"127.0.0.1"}}};
    BOOST_CHECK_EXCEPTION((void)client_of("http://service.test/api"), error,
                          [](const error& failure) { return failure.code() == errc::insecure_endpoint; });
    for (const char* host : {"localhost:80", "LOCALHOST:80", "app.localhost:80", "127.0.0.1:80", "[::1]:80", "*:80"}) {
        options.resolve = {{host, {"10.0.0.1"}}};
        BOOST_CHECK_EXCEPTION((void)client_of("http://localhost/api"), error, is_invalid);
    }
}

BOOST_AUTO_TEST_CASE(refuses_what_is_no_host_and_no_address) {
    using addresses = std::vector<std::string>;
    const std::vector<std::pair<std::string, addresses>> rows{
        {"", {"10.0.0.1"}},
        {"service.test", {"10.0.0.1"}},
        {"service.test:0", {"10.0.0.1"}},
        {"-service.test:1", {"::"}},
        {"+service.test:1", {"::"}},
        {"u@service.test:1", {"10.0.0.1"}},
        {"service.test:1/x", {"::"}},
        {"service.test:1", {}},
        {"service.test:1", {""}},
        {"service.test:1", {"10.0.0"}},
        {"service.test:1", {"other.test"}},
        {"service.test:1", {"10.0.0.1,10.0.0.2"}},
    };
    for (const auto& [host, given] : rows) {
        options.resolve = {{host, given}};
        BOOST_CHECK_EXCEPTION((void)client_of("https://service.test:1"), error, is_invalid);
    }
    options.resolve = {{"service.test:1", {"10.0.0.1", "fd00::7"}}};
    BOOST_CHECK_NO_THROW((void)client_of("https://service.test:1"));
}

BOOST_AUTO_TEST_CASE(connects_to_a_unix_socket_instead_of_the_host) {
    const std::string path = files.path("service.sock");
    asio::local::stream_protocol::acceptor acceptor(io, asio::local::stream_protocol::endpoint(path));
    asio::local::stream_protocol::socket peer(io);
    std::string head;
    const auto serve = [&]() -> asio::awaitable<void> {
        std::string response = agent_response;
        co_await acceptor.async_accept(peer, asio::use_awaitable);
        co_await asio::async_read_until(peer, asio::dynamic_buffer(head), "\r\n\r\n", asio::use_awaitable);
        co_await asio::async_write(peer, asio::buffer(response), asio::use_awaitable);
    };
    asio::co_spawn(io, serve(), [](std::exception_ptr failure) {
        if (failure) std::rethrow_exception(failure);
    });
    set("all_proxy", "http://127.0.0.1:1");
    set("http_proxy", "http://127.0.0.1:1");
    options.unix_socket = path;
    BOOST_TEST(model_from("http://localhost/api") == "gpt-4o");
    BOOST_TEST(head.starts_with("GET /api/assistants/asst_1?"));
    BOOST_TEST(head.find("Host: localhost\r\n") != std::string::npos);
    BOOST_TEST(head.find("Authorization: Bearer token\r\n") != std::string::npos);

    // The rule for credentials is that of the endpoint.
    BOOST_CHECK_EXCEPTION((void)client_of("http://service.test"), error,
                          [](const error& failure) { return failure.code() == errc::insecure_endpoint; });
    options.unix_socket = files.path("nobody.sock");
    BOOST_TEST(failure_from("http://localhost/api").code() == errc::connect_failed);
    options.unix_socket = std::string(200, 'x');
    BOOST_CHECK_EXCEPTION((void)client_of("http://localhost"), error, is_invalid);
    options.unix_socket = path;
    options.proxy = "http://proxy.test:1";
    BOOST_CHECK_EXCEPTION((void)client_of("http://localhost"), error, is_invalid);
}

BOOST_AUTO_TEST_CASE(reaches_this_machine_by_its_ipv6_address) {
    asio::ip::tcp::acceptor acceptor(io);
    std::error_code code;
    acceptor.open(asio::ip::tcp::v6(), code);
    if (!code) acceptor.bind({asio::ip::address_v6::loopback(), 0}, code);
    if (code) {
        BOOST_TEST_MESSAGE("skipped: this machine has no IPv6: " << code.message());
        return;
    }
    acceptor.listen();
    std::vector<std::string> heads;
    acceptor.async_accept([&](std::error_code failure, asio::ip::tcp::socket socket) {
        if (failure) return;
        auto peer = std::make_shared<raw_connection>(std::move(socket));
        asio::co_spawn(io, answer_all(peer, &agent_response, &heads), [](std::exception_ptr) {});
    });
    set("all_proxy", "http://127.0.0.1:1");
    const std::string authority_part = "[::1]:" + std::to_string(acceptor.local_endpoint().port());
    BOOST_TEST(model_from("http://" + authority_part) == "gpt-4o");
    BOOST_REQUIRE(heads.size() == 1u);
    BOOST_TEST(heads.front().find("Host: " + authority_part + "\r\n") != std::string::npos);
    BOOST_TEST(heads.front().find("Authorization: Bearer token\r\n") != std::string::npos);

    const auto v6 = asio::ip::address_v6::loopback();
    tls_server secure(io, authority.issue(ca::statement("IP:::1")), agent_response, {}, v6);
    BOOST_TEST(model_from(secure.url("[::1]")) == "gpt-4o");
    tls_server other(io, authority.issue(ca::statement("IP:127.0.0.1")), agent_response, {}, v6);
    BOOST_TEST(failure_from(other.url("[::1]")).code() == errc::tls_failed);
    BOOST_TEST(other.received() == "");
}

BOOST_AUTO_TEST_CASE(follows_no_redirect_whatever_the_call_and_shows_nothing_of_where_it_leads) {
    std::vector<std::string> elsewhere_heads;
    loopback_server elsewhere(
        io, [&](std::shared_ptr<raw_connection> peer) { return answer_all(peer, &agent_response, &elsewhere_heads); });
    std::string response = agent_response;
    std::vector<std::string> heads;
    loopback_server plain(io,
                          [&](std::shared_ptr<raw_connection> peer) { return answer_all(peer, &response, &heads); });
    options.proxy = "";
    corun::client service = client_of(plain.url());
    const std::vector<std::pair<const char*, std::function<void(agent)>>> calls{
        {"call", [&](agent) { (void)await(io, service.get_agent("asst_1")); }},
        {"creation", [&](agent) { (void)await(io, service.create_thread()); }},
        {"deletion", [&](agent) { await(io, service.delete_agent("asst_1")); }},
        {"stream",
         [&](agent a) {
             event_stream stream = await(io, a.run_stream("hello"));
             (void)await(io, stream.next());
         }},
        {"upload", [&](agent) { (void)await(io, service.upload_file(file_upload::from_bytes("a.txt", "text"))); }},
        {"download",
         [&](agent) {
             std::ostringstream out;
             (void)await(io, service.download_file("file_1", out));
         }},
    };
    for (const int status : {301, 302, 303, 307, 308}) {
        for (const auto& [name, call] : calls) {
            BOOST_TEST_CONTEXT(name << " with " << status) {
                response = agent_response;
                const agent a = await(io, service.get_agent("asst_1"));
                response = whole_response(status, "text/html", "<a href='?sig=private'>there</a>",
                                          "Location: " + elsewhere.url() + "/there?sig=private\r\n");
                const std::size_t had = heads.size();
                try {
                    call(a);
                    BOOST_ERROR("it did not fail");
                } catch (const error& failure) {
                    BOOST_TEST(failure.code() == errc::unexpected_status);
                    BOOST_TEST(failure.status() == status);
                    BOOST_TEST(std::string(failure.what()).find("private") == std::string::npos, failure.what());
                    BOOST_TEST(failure.details().message.find("private") == std::string::npos);
                }
                BOOST_TEST(heads.size() == had + 1);
            }
        }
    }
    BOOST_TEST(elsewhere.connections() == 0u);
}

BOOST_AUTO_TEST_SUITE_END()
