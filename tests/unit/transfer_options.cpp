#include "curl/transfer_options.hpp"

#include <boost/test/unit_test.hpp>

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace {

using namespace corun;
using curl::connection_use;
using curl::connection_use_of;
using curl::transport_state;

struct empty_source final : net::body_source {
    std::uint64_t size() const noexcept override { return 0; }
    std::size_t read(char*, std::size_t) override { return 0; }
};

std::vector<std::string> lines_of(const curl_slist* list) {
    std::vector<std::string> lines;
    for (; list; list = list->next) lines.emplace_back(list->data);
    return lines;
}

/// The message with which these options are rejected; empty if they are not.
std::string rejection_of(curl::options settings) {
    try {
        const transport_state state(std::move(settings));
    } catch (const error& failure) {
        BOOST_TEST(failure.code() == errc::invalid_argument);
        return failure.details().message;
    }
    return {};
}

std::string rejection_of_mapping(std::string host, std::vector<std::string> addresses) {
    curl::options settings;
    settings.resolve = {{std::move(host), std::move(addresses)}};
    return rejection_of(std::move(settings));
}

}  // namespace

BOOST_AUTO_TEST_SUITE(transfer_options)

BOOST_AUTO_TEST_CASE(requests_share_a_connection_where_they_may) {
    for (const bool multiplex : {false, true}) {
        curl::options settings;
        settings.multiplex_streams = multiplex;
        net::request request;
        BOOST_CHECK(connection_use_of(request, settings) == connection_use::shared);
        request.streams = true;
        BOOST_CHECK(connection_use_of(request, settings) ==
                    (multiplex ? connection_use::shared_stream : connection_use::exclusive));
        request.unshared = true;
        BOOST_CHECK(connection_use_of(request, settings) == connection_use::exclusive);
        request.streams = false;
        BOOST_CHECK(connection_use_of(request, settings) == connection_use::shared);
        request.source = std::make_unique<empty_source>();
        BOOST_CHECK(connection_use_of(request, settings) == connection_use::exclusive);
    }
}

BOOST_AUTO_TEST_CASE(maps_hosts_to_addresses) {
    BOOST_CHECK(!transport_state(curl::options()).resolve);
    curl::options settings;
    settings.resolve = {{"one.test:443", {"10.0.0.1"}}, {"two.test:8443", {"10.0.0.2", "fd00::7"}}};
    const transport_state state(settings);
    const std::vector<std::string> expected{"one.test:443:10.0.0.1", "two.test:8443:10.0.0.2,fd00::7"};
    BOOST_TEST(lines_of(state.resolve.get()) == expected, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(rejects_what_is_no_host_and_port) {
    for (const char* host : {"", "service.test", "service.test:0", "-service.test:1", "+service.test:1",
                             "*.service.test:1", "[fd00::7]:1", "u@service.test:1", "service.test:1/x"})
        BOOST_TEST(rejection_of_mapping(host, {"10.0.0.1"}) ==
                   "resolve: '" + std::string(host) + "' is not a host and port, as in 'host:443'");
    BOOST_TEST(rejection_of_mapping("localhost:1", {"10.0.0.1"}) ==
               "resolve: 'localhost:1' is a loopback host and cannot be resolved to other addresses");
}

BOOST_AUTO_TEST_CASE(rejects_what_is_no_address) {
    BOOST_TEST(rejection_of_mapping("service.test:1", {}) == "resolve: 'service.test:1' has no addresses");
    for (const char* address : {"", "10.0.0", "other.test", "10.0.0.1,10.0.0.2", "fe80::1%lo"})
        BOOST_TEST(rejection_of_mapping("service.test:1", {address}) ==
                   "resolve: '" + std::string(address) + "' is not an IP address");
}

BOOST_AUTO_TEST_CASE(rejects_options_that_exclude_each_other) {
    curl::options key_alone;
    key_alone.client_key_file = "key.pem";
    BOOST_TEST(rejection_of(key_alone) == "client_key_file is set without client_certificate_file; set both");
    key_alone.client_certificate_file = "certificate.pem";
    BOOST_TEST(rejection_of(key_alone) == "");

    curl::options socket;
    socket.unix_socket = "/run/service.sock";
    BOOST_TEST(rejection_of(socket) == "");
    socket.proxy = "";
    BOOST_TEST(rejection_of(socket) == "");
    socket.proxy = "http://proxy.test:1";
    BOOST_TEST(rejection_of(socket) == "unix_socket and proxy are both set; set one");
    socket.proxy.reset();
    socket.unix_socket = std::string(107, 'x');
    BOOST_TEST(rejection_of(socket) == "");
    socket.unix_socket += 'x';
    BOOST_TEST(rejection_of(socket) == "the path unix_socket is too long");
}

BOOST_AUTO_TEST_SUITE_END()
