#pragma once
#include <corun/secret.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

/// What token endpoints, metadata services and the Azure CLI say.
namespace corun::codec::identity {

/// The members, whichever there are: numbers may be written as strings, and names in two ways.
struct token_response {
    token_response() = default;

    secret token;                            ///< `access_token` or `accessToken`.
    std::string type;                        ///< `token_type` or `tokenType`.
    std::optional<std::int64_t> expires_in;  ///< Seconds.
    std::string expires_on;                  ///< As it stands: seconds since 1970, or a date.
    std::string expires_on_local;            ///< `expiresOn` of the Azure CLI.
    std::string error, error_description;
};

/// Nothing when `json` is not a JSON object.
std::optional<token_response> decode_token(std::string_view json);

/// A point in time as these write it: seconds since 1970, `2026-01-05T12:00:00Z`,
/// `2026-01-05 12:00:00.000000` or `1/5/2026 12:00:00 PM +00:00`. Nothing when it is something else.
/// Without a zone it is UTC, or `local` time.
std::optional<std::chrono::system_clock::time_point> parse_time(std::string_view text, bool local = false);

/// When a JSON Web Token expires (RFC 7519, 4.1.4). Its signature is not looked at: that is for
/// whom it is meant. Nothing when `token` is none, or does not say.
std::optional<std::chrono::system_clock::time_point> expiry_of_jwt(std::string_view token);

}  // namespace corun::codec::identity
