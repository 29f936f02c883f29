#include "http/service_error.hpp"

#include "http/retry_after.hpp"
#include "protocol/common.hpp"
#include "protocol/error_body.hpp"
#include "text/ascii.hpp"
#include "text/url.hpp"
#include "text/utf8.hpp"

#include <optional>
#include <string>
#include <utility>

namespace corun::detail {
namespace {

/// How much of an error response's body the error keeps.
constexpr std::size_t kept_error_body = std::size_t{4} << 10;
/// How much of its message.
constexpr std::size_t kept_message = std::size_t{4} << 10;

errc errc_of(int status) noexcept {
    switch (status) {
        case 401:
            return errc::unauthorized;
        case 403:
            return errc::forbidden;
        case 404:
            return errc::not_found;
        case 409:
            return errc::conflict;
        case 429:
            return errc::rate_limited;
        default:
            break;
    }
    if (status >= 400 && status < 500) return errc::bad_request;
    if (status >= 500 && status < 600) return errc::server_failed;
    return errc::unexpected_status;
}

/// What the status line and the header fields alone say; may be empty.
std::string error_message_of(const net::response_head& head, std::string_view body, std::string_view expected_type) {
    const std::string_view encoding = head.field("content-encoding");
    if (body.empty() && !encoding.empty() && !ascii::equal_ignoring_case(encoding, "identity"))
        return "its Content-Encoding " + std::string(encoding) + " cannot be decoded";
    if (head.status >= 200 && head.status < 300) {
        const std::string_view type = head.media_type();
        return (type.empty() ? "none" : std::string(type)) + " instead of " + std::string(expected_type) +
               "; client_options::any_content_type accepts it";
    }
    if (head.status >= 300 && head.status < 400)
        if (const auto target = parse_url(head.field("location")))
            return "redirected to " + origin_of(*target) + "; redirects are not followed";
    return {};
}

/// What nothing is known of, as it is: JSON of another shape, or a beginning of JSON.
std::string whole_text(std::string_view body) {
    body = ascii::trim(body, " \t\r\n");
    for (const std::string_view nothing : {"{}", "[]", "null", "\"\""})
        if (body == nothing) return {};
    return codec::is_text(body) && !body.starts_with('<') ? std::string(body) : std::string();
}

}  // namespace

error service_error(const net::response_head& head, std::string_view body, std::string_view expected_type,
                    const redactor& secrets) {
    body = body.substr(0, max_error_body);
    codec::error_body reported = codec::decode_error(body);
    diagnostics details;
    details.status = head.status;
    details.message = error_message_of(head, body, expected_type);
    details.request_id = request_id_of(head);
    if (details.request_id.empty()) details.request_id = std::move(reported.request_id);
    details.service_code = codec::best_code(reported.code, reported.type);
    details.service_message = std::move(reported.message);
    if (details.service_message.empty()) details.service_message = whole_text(body);
    details.retry_after = retry_hint(head);
    if (!details.retry_after) details.retry_after = reported.retry_after;
    details.should_retry = should_retry(head);
    details.challenge = head.field("www-authenticate");
    secrets.redact(details);
    details.service_message.resize(utf8::prefix(details.service_message, kept_message).size());
    details.body = secrets.redacted(body, kept_error_body);
    const bool success = head.status >= 200 && head.status < 300;
    return error(success ? errc::unexpected_content_type : errc_of(head.status), std::move(details));
}

std::string_view request_id_of(const net::response_head& head) noexcept {
    for (const char* name : {"apim-request-id", "x-request-id", "x-ms-request-id"})
        if (const std::string_view id = head.field(name); !id.empty()) return id;
    return {};
}

}  // namespace corun::detail
