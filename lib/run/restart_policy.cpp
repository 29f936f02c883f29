#include "run/restart_policy.hpp"

#include "text/ascii.hpp"
#include "values/failure_kind.hpp"

#include <string_view>

namespace corun::run {
namespace {

bool contains(std::string_view text, std::string_view part) noexcept {
    return ascii::find_ignoring_case(text, part) != text.npos;
}

/// Whether the text has this HTTP status: as a number of its own.
bool has_status(std::string_view text, std::string_view status) noexcept {
    const auto is_digit_at = [text](std::size_t at) { return at < text.size() && ascii::is_digit(text[at]); };
    for (std::size_t at = text.find(status); at != text.npos; at = text.find(status, at + 1))
        if ((at == 0 || !is_digit_at(at - 1)) && !is_digit_at(at + status.size())) return true;
    return false;
}

bool is_unauthorized(std::string_view text) noexcept {
    for (const std::string_view words :
         {"unauthorized", "forbidden", "invalid_token", "invalid token", "expired token", "token has expired",
          "token expired", "authentication failed", "authentication required", "www-authenticate"})
        if (contains(text, words)) return true;
    return has_status(text, "401") || has_status(text, "403");
}

/// Whether the failure is that of an MCP server, and not of the service.
bool is_of_server(const last_error& failure) noexcept {
    for (const std::string_view code :
         {"tool_server_error", "http_error", "external_connector_error", "tool_user_error", "failed_dependency", "424"})
        if (contains(failure.code, code)) return true;
    return contains(failure.code, "mcp") || contains(failure.message, "mcp") ||
           contains(failure.message, "tool list") || contains(failure.message, "tool server");
}

/// A service that says no more than that something it depends on has failed.
bool is_bare_dependency(const last_error& failure) noexcept {
    if (has_status(failure.message, "500") || has_status(failure.message, "502") ||
        has_status(failure.message, "503") || has_status(failure.message, "404"))
        return false;
    return contains(failure.message, "tool list") &&
           (has_status(failure.message, "424") || contains(failure.message, "failed dependency"));
}

}  // namespace

std::optional<restart_policy::decision> restart_policy::token_rejected(bool sends_headers) noexcept {
    if (token_restarts_ == 0 || !sends_headers) return std::nullopt;
    --token_restarts_;
    return decision{reason::rejected_token, std::chrono::milliseconds(0)};
}

std::optional<restart_policy::decision> restart_policy::failed(const last_error& failure, bool sends_headers,
                                                               std::optional<std::chrono::milliseconds> hint,
                                                               double random) noexcept {
    if (is_rejected_token(failure))
        if (const auto restart = token_rejected(sends_headers)) return restart;
    if (rate_limit_restarts_ > 0 &&
        detail::is_refused_for_now(detail::failure_kind_of(failure.code, failure.message))) {
        --rate_limit_restarts_;
        const auto delay = delays_.next(failure.retry_after ? failure.retry_after : hint, random);
        if (delay) return decision{reason::rate_limit, *delay};
    }
    return std::nullopt;
}

bool is_unauthorized(const last_error& failure) noexcept {
    return is_unauthorized(std::string_view(failure.code)) || is_unauthorized(std::string_view(failure.message));
}

bool is_rejected_token(const last_error& failure, int status) noexcept {
    constexpr int failed_dependency = 424;
    if (status != failed_dependency && !is_of_server(failure)) return false;
    return is_unauthorized(failure) || is_bare_dependency(failure);
}

}  // namespace corun::run
