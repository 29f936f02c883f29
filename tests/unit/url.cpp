#include "text/url.hpp"

#include <boost/test/unit_test.hpp>

#include <string>
#include <utility>

namespace {
using corun::detail::parse_url;
}

BOOST_AUTO_TEST_SUITE(url)

BOOST_AUTO_TEST_CASE(splits_an_absolute_url) {
    const auto url = parse_url("https://one.services.ai.azure.com:8443/api/projects/two?x=y");
    BOOST_REQUIRE(url.has_value());
    BOOST_TEST(url->scheme == "https");
    BOOST_TEST(url->host == "one.services.ai.azure.com");
    BOOST_TEST(url->port == "8443");
    BOOST_TEST(url->rest == "/api/projects/two?x=y");
    BOOST_TEST(url->secure);
    BOOST_TEST(!url->loopback);
    BOOST_TEST(!url->user_info);
}

BOOST_AUTO_TEST_CASE(refuses_what_is_not_an_absolute_http_url) {
    for (const char* text : {"",
                             "host",
                             "host/path",
                             "//host",
                             "ftp://host",
                             "https:/host",
                             "https://",
                             "https:///path",
                             "http://:80",
                             "https://ho st",
                             "https://host\r\n",
                             "https://ho\\st",
                             "https://host:",
                             "https://host:0",
                             "https://host:65536",
                             "https://host:8a",
                             "https://[::1",
                             "https://[::1]x",
                             "https://[g::1]",
                             "https://[`::1]",
                             "https://[G::1]",
                             "https://[@::1]",
                             "https://[/::1]",
                             "https://[]",
                             "https://[::1]:",
                             "https://host:-1",
                             "https://host\x7f",
                             "https://ho\x01st",
                             "http:///",
                             "https://host:99999999999",
                             "https://ho^st",
                             "https://%6cocalhost",
                             "javascript://x",
                             "https://ho<st",
                             "http://evil.example\\@localhost/"})
        BOOST_TEST(!parse_url(text).has_value(), text << " was taken for a URL");
}

BOOST_AUTO_TEST_CASE(knows_loopback_from_what_looks_like_it) {
    for (const char* text : {"http://localhost", "http://LOCALHOST:80/", "http://app.localhost", "http://127.0.0.1",
                             "http://127.255.1.2:9/x", "http://127.0.0.0", "http://127.255.255.255",
                             "http://x.LOCALHOST", "http://[::1]:8080"})
        BOOST_TEST(parse_url(text).value().loopback, text);
    for (const char* text : {"http://localhost.example.com",
                             "http://notlocalhost",
                             "http://.localhost.com",
                             "http://128.0.0.1",
                             "http://127.0.0.1.example.com",
                             "http://127.1",
                             "http://0127.0.0.1",
                             "http://127.0.0.01",
                             "http://127.0.0.256",
                             "http://127.0.0",
                             "http://127.0.0.",
                             "http://127.0.0.1.",
                             "http://127.0.0.1.2",
                             "http://126.0.0.1",
                             "http://127.0.0.x",
                             "http://127,0.0.1",
                             "http://127.0.00.1",
                             "http://.localhost",
                             "http://127.0.0.1x",
                             "http://0.0.0.0",
                             "http://[::2]",
                             "http://10.0.0.1",
                             "http://localhost@example.com",
                             "http://localhost:80@evil.example/",
                             "http://evil.example#@localhost",
                             "http://evil.example?@localhost"})
        BOOST_TEST(!parse_url(text).value().loopback, text);
}

BOOST_AUTO_TEST_CASE(takes_addresses_and_ports_up_to_their_limits) {
    for (const auto& [text, host] :
         {std::pair("http://[0:9:a:f:A:F::]/", "0:9:a:f:A:F::"), {"http://[::192.0.2.1]", "::192.0.2.1"}}) {
        const auto url = parse_url(text);
        BOOST_REQUIRE(url.has_value());
        BOOST_TEST(url->host == host);
        BOOST_TEST(!url->loopback);
    }
    BOOST_TEST(parse_url("http://host:1").value().port == "1");
    BOOST_TEST(parse_url("http://host:65535").value().port == "65535");
    BOOST_TEST(parse_url("http://host?query").value().rest == "?query");
    BOOST_TEST(parse_url("http://host#part").value().rest == "#part");
    BOOST_TEST(parse_url("http://host:1/a:2").value().rest == "/a:2");
}

BOOST_AUTO_TEST_CASE(gives_the_port_of_the_scheme_where_there_is_none) {
    BOOST_TEST(corun::detail::port_of(parse_url("http://host").value()) == 80);
    BOOST_TEST(corun::detail::port_of(parse_url("HTTPS://host").value()) == 443);
    BOOST_TEST(corun::detail::port_of(parse_url("https://host:8443").value()) == 8443);
}

BOOST_AUTO_TEST_CASE(sends_credentials_over_https_or_to_loopback_alone) {
    BOOST_TEST(corun::detail::may_carry_credentials(parse_url("https://host").value()));
    BOOST_TEST(corun::detail::may_carry_credentials(parse_url("http://localhost").value()));
    BOOST_TEST(!corun::detail::may_carry_credentials(parse_url("http://host").value()));
}

BOOST_AUTO_TEST_CASE(percent_encodes_everything_but_unreserved_characters) {
    BOOST_TEST(corun::detail::percent_encoded("azAZ09-._~") == "azAZ09-._~");
    BOOST_TEST(corun::detail::percent_encoded("a b/?&=%+\xc3\xbc\x0f") == "a%20b%2F%3F%26%3D%25%2B%C3%BC%0F");
}

BOOST_AUTO_TEST_CASE(shows_the_origin_alone) {
    for (const auto& [text, origin] :
         {std::pair("https://u:p@host:8443/path?key=secret#f", "https://host:8443"),
          std::pair("http://[::1]/x", "http://[::1]"), std::pair("https://host", "https://host")})
        BOOST_TEST(corun::detail::origin_of(parse_url(text).value()) == origin);
}

BOOST_AUTO_TEST_CASE(a_message_shows_what_should_be_a_url_without_its_secrets) {
    using corun::detail::quote_url;
    BOOST_TEST(quote_url("host/path") == "'host/path'");
    BOOST_TEST(quote_url("") == "''");
    BOOST_TEST(quote_url("https://user:p@ss@host/x?sig=secret") == "'https://***@host/x'");
    BOOST_TEST(quote_url("user:pass@host") == "'***@host'");
    BOOST_TEST(quote_url("https://host#secret") == "'https://host'");
    BOOST_TEST(quote_url("a\nb") == "'a\\nb'");
    BOOST_TEST(quote_url(std::string(101, 'x')) == "'" + std::string(100, 'x') + "...'");
}

BOOST_AUTO_TEST_CASE(sees_user_info_and_takes_the_host_behind_it) {
    const auto url = parse_url("https://user:p@ss@host/x");
    BOOST_REQUIRE(url.has_value());
    BOOST_TEST(url->user_info);
    BOOST_TEST(url->host == "host");
}

BOOST_AUTO_TEST_SUITE_END()
