// Fuzzes what decides whether something may be sent, and where to: URLs, which must mean to libcurl what
// they mean here, header fields, and what is escaped. The input is a text that is taken for each of these.
#include "fuzz.hpp"
#include "text/escape.hpp"
#include "text/url.hpp"
#include <corun/headers.hpp>

#include <arpa/inet.h>
#include <curl/curl.h>

#include <algorithm>
#include <cctype>
#include <memory>
#include <string>
#include <string_view>

namespace {

using namespace corun;
using corun::fuzz::require;

bool is_alphanumeric(char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

std::string lower(std::string_view text) {
    std::string made(text);
    std::transform(made.begin(), made.end(), made.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
    return made;
}

/// The host that libcurl would ask; empty when it takes the text for no URL.
std::string host_of(const std::string& text) {
    const std::unique_ptr<CURLU, decltype(&curl_url_cleanup)> parsed(curl_url(), curl_url_cleanup);
    char* host = nullptr;
    if (curl_url_set(parsed.get(), CURLUPART_URL, text.c_str(), CURLU_NON_SUPPORT_SCHEME) != CURLUE_OK ||
        curl_url_get(parsed.get(), CURLUPART_HOST, &host, 0) != CURLUE_OK)
        return {};
    const std::unique_ptr<char, decltype(&curl_free)> owned(host, curl_free);
    return host;
}

/// As addresses are read everywhere, which is in more ways than one.
bool is_this_machine(const std::string& host) {
    const std::string name = lower(host);
    if (name == "localhost" || name.ends_with(".localhost") || name == "[::1]") return true;
    in_addr address{};
    return ::inet_aton(name.c_str(), &address) != 0 && ntohl(address.s_addr) >> 24 == 127;
}

void check_url(const std::string& text) {
    const auto url = detail::parse_url(text);
    if (!url) return;
    require(text.find_first_of(std::string("\r\n\0 \\", 5)) == text.npos, "no URL holds what ends a line");
    require(!url->host.empty(), "a URL has a host");
    require(url->secure == (lower(url->scheme) == "https"), "https alone is secure");
    const std::string host = host_of(text);
    if (!host.empty() && url->loopback) require(is_this_machine(host), "loopback is this machine to libcurl too");
    if (url->loopback)
        require(is_this_machine(url->host.find(':') == url->host.npos ? std::string(url->host)
                                                                      : "[" + std::string(url->host) + "]"),
                "loopback is this machine to a resolver too");

    const std::string origin = detail::origin_of(*url);
    const auto again = detail::parse_url(origin);
    require(again && again->host == url->host && again->port == url->port && again->secure == url->secure &&
                again->loopback == url->loopback && !again->user_info && again->rest.empty(),
            "an origin is the URL without what may be secret");
}

void check_header(std::string_view text) {
    const bool name = !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
        return is_alphanumeric(c) ||
               (c != '\0' && std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos);
    });
    require(is_header_name(text) == name, "header names are tokens");
    const bool sendable = std::none_of(
        text.begin(), text.end(), [](char c) { return c != '\t' && std::iscntrl(static_cast<unsigned char>(c)) != 0; });
    const bool trimmed = text.empty() || (std::string_view(" \t").find(text.front()) == std::string_view::npos &&
                                          std::string_view(" \t").find(text.back()) == std::string_view::npos);
    require(is_header_value(text) == (sendable && trimmed), "header values hold no control character");
}

void check_encoding(std::string_view text) {
    const std::string encoded = detail::percent_encoded(text);
    std::string decoded;
    for (std::size_t i = 0; i < encoded.size(); ++i) {
        if (encoded[i] != '%') {
            require(is_alphanumeric(encoded[i]) || std::string_view("-._~").find(encoded[i]) != std::string_view::npos,
                    "what is not encoded is unreserved");
            decoded += encoded[i];
            continue;
        }
        require(i + 2 < encoded.size(), "two digits follow a percent sign");
        decoded += static_cast<char>(std::stoi(encoded.substr(i + 1, 2), nullptr, 16));
        i += 2;
    }
    require(decoded == text, "what is percent-encoded can be decoded");

    const std::string escaped = detail::quote(text);
    require(std::none_of(escaped.begin(), escaped.end(),
                         [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }),
            "what is quoted holds no control character");
    require(equal_ignoring_case(text, lower(text)), "names compare without regard to case");
}

}  // namespace

void fuzz_one(std::string_view input) {
    const std::string text(input);
    check_url(text);
    check_url("http://" + text);
    check_header(input);
    check_encoding(input);
}
