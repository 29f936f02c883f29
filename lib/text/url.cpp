#include "text/url.hpp"

#include "text/ascii.hpp"
#include "text/escape.hpp"

#include <algorithm>
#include <charconv>

namespace corun::detail {
namespace {

/// Four decimal numbers, the first of them 127. Resolvers disagree about shorter forms, and most read a
/// leading zero as octal, so neither counts as loopback.
bool is_loopback_ipv4(std::string_view host) noexcept {
    int parts = 0;
    const char* at = host.data();
    const char* const end = host.data() + host.size();
    while (parts < 4) {
        unsigned value = 0;
        if (at == end || !ascii::is_digit(*at)) return false;
        if (*at == '0' && at + 1 != end && ascii::is_digit(at[1])) return false;
        const auto [stop, code] = std::from_chars(at, end, value);
        if (code != std::errc() || value > 255 || (parts == 0 && value != 127)) return false;
        ++parts;
        at = stop;
        if (parts < 4) {
            if (at == end || *at != '.') return false;
            ++at;
        }
    }
    return at == end;
}

bool is_loopback(std::string_view host) noexcept {
    constexpr std::string_view domain = ".localhost";
    if (ascii::equal_ignoring_case(host, "localhost") || host == "::1") return true;
    if (host.size() > domain.size() && ascii::equal_ignoring_case(host.substr(host.size() - domain.size()), domain))
        return true;
    return is_loopback_ipv4(host);
}

}  // namespace

std::optional<url_parts> parse_url(std::string_view text) noexcept {
    const auto unfit = [](unsigned char c) { return c <= 0x20 || c == 0x7f || c == '\\'; };
    if (std::any_of(text.begin(), text.end(), unfit)) return std::nullopt;

    url_parts url;
    const std::size_t colon = text.find("://");
    if (colon == text.npos) return std::nullopt;
    url.scheme = text.substr(0, colon);
    url.secure = ascii::equal_ignoring_case(url.scheme, "https");
    if (!url.secure && !ascii::equal_ignoring_case(url.scheme, "http")) return std::nullopt;

    std::string_view authority = text.substr(colon + 3);
    const std::size_t end = std::min(authority.find_first_of("/?#"), authority.size());
    url.rest = authority.substr(end);
    authority = authority.substr(0, end);
    if (const std::size_t at = authority.rfind('@'); at != authority.npos) {
        url.user_info = true;
        authority.remove_prefix(at + 1);
    }
    if (authority.starts_with('[')) {
        const std::size_t close = authority.find(']');
        if (close == authority.npos) return std::nullopt;
        url.host = authority.substr(1, close - 1);
        authority.remove_prefix(close + 1);
        const auto in_address = [](char c) { return ascii::hex_value(c) >= 0 || c == ':' || c == '.'; };
        if (!std::all_of(url.host.begin(), url.host.end(), in_address)) return std::nullopt;
    } else {
        const std::size_t port = std::min(authority.find(':'), authority.size());
        url.host = authority.substr(0, port);
        authority.remove_prefix(port);
        if (url.host.find_first_of("[]<>^`{|}\"%") != url.host.npos) return std::nullopt;
    }
    if (url.host.empty()) return std::nullopt;
    if (!authority.empty()) {
        if (authority.front() != ':') return std::nullopt;
        url.port = authority.substr(1);
        unsigned number = 0;
        const auto [stop, code] = std::from_chars(url.port.data(), url.port.data() + url.port.size(), number);
        if (code != std::errc() || stop != url.port.data() + url.port.size() || number == 0 || number > 65535)
            return std::nullopt;
    }
    url.loopback = is_loopback(url.host);
    return url;
}

int port_of(const url_parts& url) noexcept {
    int port = url.secure ? 443 : 80;
    std::from_chars(url.port.data(), url.port.data() + url.port.size(), port);
    return port;
}

std::string origin_of(const url_parts& url) {
    const bool ipv6 = url.host.find(':') != url.host.npos;
    std::string origin(url.scheme);
    origin.append("://").append(ipv6 ? "[" : "").append(url.host).append(ipv6 ? "]" : "");
    if (!url.port.empty()) origin.append(":").append(url.port);
    return origin;
}

std::string quote_url(std::string_view text) {
    constexpr std::size_t longest = 100;
    text = text.substr(0, text.find_first_of("?#"));
    std::string shown;
    if (const std::size_t at = text.rfind('@'); at != text.npos) {
        const std::size_t scheme = text.substr(0, at).find("://");
        if (scheme != text.npos) shown = text.substr(0, scheme + 3);
        shown += "***";
        text.remove_prefix(at);
    }
    shown += text;
    if (shown.size() > longest) shown = shown.substr(0, longest) + "...";
    return quote(shown);
}

std::string percent_encoded(std::string_view text) {
    static constexpr char digits[] = "0123456789ABCDEF";
    std::string encoded;
    for (const char c : text) {
        const bool unreserved = ascii::is_alphanumeric(c) || c == '-' || c == '.' || c == '_' || c == '~';
        if (unreserved) {
            encoded += c;
        } else {
            const auto byte = static_cast<unsigned char>(c);
            encoded.append({'%', digits[byte >> 4], digits[byte & 15]});
        }
    }
    return encoded;
}

}  // namespace corun::detail
