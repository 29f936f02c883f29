#pragma once
#include <corun/secret.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

/// The responses of token endpoints, metadata services and the Azure CLI.
namespace corun::identity {

/// The members that are present. Numbers may be written as strings, and names in two ways.
struct token_response {
    token_response() = default;

    secret token;                            ///< `access_token` or `accessToken`.
    std::string type;                        ///< `token_type` or `tokenType`.
    std::optional<std::int64_t> expires_in;  ///< Seconds.
    std::string expires_on;                  ///< Unchanged: seconds since 1970, or a date.
    std::string expires_on_local;            ///< `expiresOn` of the Azure CLI, in local time.
    std::string error, error_description;
};

/// Nothing if `json` is not a JSON object.
std::optional<token_response> decode_token(std::string_view json);

/// Parses the forms of time in such responses: seconds since 1970, `2026-01-05T12:00:00Z`, `2026-01-05 12:00:00.000000`
/// and `1/5/2026 12:00:00 PM +00:00`. A time without a zone is in UTC, or in `local` time.
std::optional<std::chrono::system_clock::time_point> parse_time(std::string_view text, bool local = false);

/// When a JSON Web Token expires (RFC 7519, 4.1.4). Nothing if `token` is malformed or has no `exp`. The signature is
/// not verified: that is up to the token's recipient.
std::optional<std::chrono::system_clock::time_point> expiry_of_jwt(std::string_view token);

}  // namespace corun::identity
