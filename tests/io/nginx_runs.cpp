// Runs through a real nginx, over TLS and HTTP/2, whose network breaks on either side of it.
#include "application.hpp"
#include "byte_relay.hpp"
#include "nginx.hpp"

#include <boost/test/unit_test.hpp>

#include <charconv>
#include <optional>
#include <set>
#include <string>

namespace {

using namespace corun;
using namespace corun::test;

/// An application that speaks TLS to nginx, by a relay that may cut that; between nginx and the service stands the
/// proxy that may break single responses.
struct behind_nginx : application {
    behind_nginx(way what, bool multiplexed) : application(what) {
        const std::string upstream = proxy.endpoint().substr(0, proxy.endpoint().find('/', 7));
        front.emplace(upstream, authority.issue(ca::statement("DNS:localhost")));
        const std::string url = front->url();
        std::uint16_t port = 0;
        const std::size_t colon = url.rfind(':');
        std::from_chars(url.data() + colon + 1, url.data() + url.size(), port);
        relay.emplace(io, port);
        endpoint = "https://localhost:" + std::to_string(relay->port()) + proxy.endpoint().substr(upstream.size());
        network.proxy = "";
        network.ca_file = files.write("ca.pem", authority.certificate());
        network.multiplex_streams = multiplexed;
        // What time it is, nginx says itself, and a run that was lost early is looked for by it.
        service->options().clock = [] { return std::chrono::system_clock::now(); };
        start_afresh();
    }

    /// nginx is a process of its own, so that virtual time may run ahead of it: nothing here may depend on time.
    void start_afresh() {
        client_options settings;
        settings.idle_timeout = settings.event_timeout = std::chrono::milliseconds(0);
        settings.reattach.give_up_after = std::chrono::hours(24 * 365);
        settings.retry.max_total_delay = std::chrono::hours(24 * 365);
        use(settings);
    }

    ca::authority authority;
    temporary_directory files;
    std::optional<nginx> front;
    std::optional<byte_relay> relay;
};

struct totals {
    std::size_t tried = 0, found = 0, unknown = 0;
};

void check(behind_nginx& of, const flow& what, const outcome& seen, const outcome& whole, totals& sum,
           const std::string& about) {
    ++sum.tried;
    sum.found += seen.reattached;
    const bool unknown = of.is_known_to_nobody(seen);
    sum.unknown += unknown;
    const std::string difference = of.difference(what, seen, whole);
    if (!unknown) BOOST_TEST(difference == "", about << ": " << difference);
}

const way ways[] = {{protocol::threads, false}, {protocol::responses, false}, {protocol::responses, true}};

}  // namespace

BOOST_AUTO_TEST_SUITE(runs_through_nginx)

BOOST_AUTO_TEST_CASE(what_breaks_behind_nginx_is_found_again) {
    totals sum;
    for (const way each : ways)
        for (const bool multiplexed : {false, true}) {
            behind_nginx of(each, multiplexed);
            for (const flow& what : flows()) {
                const std::size_t before = of.proxy.responses().size();
                const outcome whole = of.play(what);
                BOOST_REQUIRE(of.difference(what, whole, whole) == "");
                const std::vector<fault_proxy::response> streams = of.streams_since(before);
                BOOST_REQUIRE(streams.size() == what.streams);
                for (std::size_t nth = 0; nth != streams.size(); ++nth)
                    for (const auto make : {&network_fault::cut, &network_fault::reset})
                        for (std::size_t at = streams[nth].head_size + 1; at < streams[nth].size; at += 2999) {
                            of.proxy.inject(make().at(at).nth(nth + 1));
                            const outcome seen = of.play(what);
                            of.proxy.forgive();
                            check(of, what, seen, whole, sum,
                                  std::string(what.name) + ", stream " + std::to_string(nth) + " at byte " +
                                      std::to_string(at));
                        }
            }
        }
    BOOST_TEST_MESSAGE("broken behind nginx: " << sum.tried << ", found again " << sum.found << ", not known yet "
                                               << sum.unknown);
    BOOST_TEST(sum.found > sum.tried / 2);
}

BOOST_AUTO_TEST_CASE(a_tls_connection_that_is_cut_anywhere_loses_nothing) {
    totals sum;
    for (const way each : ways)
        for (const bool multiplexed : {false, true}) {
            behind_nginx of(each, multiplexed);
            for (const flow& what : flows()) {
                of.start_afresh();
                const outcome whole = of.play(what);
                BOOST_REQUIRE(of.difference(what, whole, whole) == "");
                const std::size_t size = of.relay->passed();
                BOOST_REQUIRE(size > 5000u);
                for (const auto how : {byte_relay::end::closed, byte_relay::end::reset})
                    for (std::size_t at = 0; at < size; at += 2221) {
                        // A connection of its own, from the handshake on.
                        of.start_afresh();
                        of.relay->cut_next(at, how);
                        const outcome seen = of.play(what);
                        of.relay->spare();
                        check(of, what, seen, whole, sum, std::string(what.name) + " at byte " + std::to_string(at));
                    }
            }
        }
    BOOST_TEST_MESSAGE("TLS connections cut: " << sum.tried << ", found again " << sum.found << ", not known yet "
                                               << sum.unknown);
    BOOST_TEST(sum.found > sum.tried / 3);
}

BOOST_AUTO_TEST_SUITE_END()
