#include "reconcile/url.hpp"

#include <corun/headers.hpp>

#include <algorithm>

namespace corun::reconcile {

namespace {

struct url_parts {
    std::string_view scheme, userinfo, host_and_port, path;
};

url_parts split(std::string_view url) noexcept {
    url_parts parts;
    const auto scheme_end = url.find("://");
    if (scheme_end == std::string_view::npos) return parts;
    parts.scheme = url.substr(0, scheme_end);
    url.remove_prefix(scheme_end + 3);
    // A backslash ends the authority for those who read URLs as browsers do.
    const auto authority_end = std::min(url.find_first_of("/\\?#"), url.size());
    std::string_view authority = url.substr(0, authority_end);
    parts.path = url.substr(authority_end);
    parts.path = parts.path.substr(0, parts.path.find_first_of("?#"));
    if (const auto at = authority.rfind('@'); at != std::string_view::npos) {
        parts.userinfo = authority.substr(0, at);
        authority.remove_prefix(at + 1);
    }
    parts.host_and_port = authority;
    return parts;
}

std::string_view host_of(const url_parts& parts) noexcept {
    const std::string_view authority = parts.host_and_port;
    if (authority.starts_with('[')) return authority.substr(0, authority.find(']') + 1);
    return authority.substr(0, authority.find(':'));
}

/// A dotted quad of 127.0.0.0/8; a name such as 127.example is none.
bool is_loopback_v4(std::string_view host) noexcept {
    if (!host.starts_with("127.")) return false;
    int dots = 0, digits = 0, value = 0;
    for (const char c : host) {
        if (c == '.') {
            if (digits == 0) return false;
            ++dots;
            digits = value = 0;
        } else if ('0' <= c && c <= '9' && digits < 3) {
            ++digits;
            value = value * 10 + (c - '0');
            if (value > 255) return false;
        } else {
            return false;
        }
    }
    return dots == 3 && digits > 0;
}

}  // namespace

bool is_insecure(std::string_view url) noexcept {
    const url_parts parts = split(url);
    if (!equal_ignoring_case(parts.scheme, "http")) return false;
    const std::string_view host = host_of(parts);
    return !equal_ignoring_case(host, "localhost") && host != "[::1]" && !is_loopback_v4(host);
}

std::string without_userinfo_and_query(std::string_view url) {
    const url_parts parts = split(url);
    return std::string(parts.scheme) + "://" + std::string(parts.host_and_port) + std::string(parts.path);
}

}  // namespace corun::reconcile
