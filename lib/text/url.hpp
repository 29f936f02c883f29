#pragma once
#include <optional>
#include <string>
#include <string_view>

namespace corun::detail {

/// The parts of an absolute http or https URL that decide whether it is trusted. Views into the
/// parsed text.
struct url_parts {
    url_parts() = default;

    std::string_view scheme;  ///< `http` or `https`, in its original case.
    std::string_view host;    ///< Without the brackets of an IPv6 address.
    std::string_view port;    ///< Empty if the URL has none.
    std::string_view rest;    ///< Path, query and fragment.
    bool secure = false;      ///< The scheme is https.
    bool loopback = false;    ///< localhost, *.localhost, 127.0.0.0/8 or ::1.
    bool user_info = false;   ///< The URL has `user:password@`.
};

/// Returns nothing if `text` is not an absolute http(s) URL with a host, or contains a space or a
/// control character.
std::optional<url_parts> parse_url(std::string_view text) noexcept;

/// True if credentials may be sent to `url`.
inline bool may_carry_credentials(const url_parts& url) noexcept {
    return url.secure || url.loopback;
}

/// The port as a number, by default that of the scheme.
int port_of(const url_parts& url) noexcept;

/// Scheme, host and port. The other parts of a URL may contain secrets.
std::string origin_of(const url_parts& url);

/// What a message shows of a text that should be a URL: no user, no password, no query, and only its
/// beginning. Quoted and escaped.
std::string quote_url(std::string_view text);

/// Percent-encodes all but the unreserved characters (RFC 3986, 2.3).
std::string percent_encoded(std::string_view text);

}  // namespace corun::detail
