#pragma once
#include <optional>
#include <string>
#include <string_view>

namespace corun::detail {

/// The parts of an absolute http or https URL that matter for deciding whether to trust it. Views
/// into the text it was made from.
struct url_parts {
    url_parts() = default;

    std::string_view scheme;  ///< `http` or `https`, in the case it was written in.
    std::string_view host;    ///< Without the brackets of an IPv6 address.
    std::string_view port;    ///< Empty when the URL has none.
    std::string_view rest;    ///< Path, query and fragment.
    bool secure = false;      ///< The scheme is https.
    bool loopback = false;    ///< localhost, *.localhost, 127.0.0.0/8 or ::1.
    bool user_info = false;   ///< It has `user:password@`.
};

/// Nothing when `text` is not an absolute http(s) URL with a host, or holds a space or a control
/// character.
std::optional<url_parts> parse_url(std::string_view text) noexcept;

/// True when credentials may be sent to `url`.
inline bool may_carry_credentials(const url_parts& url) noexcept {
    return url.secure || url.loopback;
}

/// As a number; that of the scheme when the URL has none.
int port_of(const url_parts& url) noexcept;

/// Scheme, host and port: what may be shown of a URL whose other parts may hold secrets.
std::string origin_of(const url_parts& url);

/// Percent-encodes everything but unreserved characters (RFC 3986, 2.3).
std::string percent_encoded(std::string_view text);

}  // namespace corun::detail
