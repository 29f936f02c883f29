#include "run/restart_policy.hpp"

#include "values/failure_kind.hpp"

#include <string_view>

namespace corun::run {

std::optional<restart_policy::decision> restart_policy::failed(const last_error& failure, bool sends_headers,
                                                               std::optional<std::chrono::milliseconds> hint,
                                                               double random) noexcept {
    if (token_restarts_ > 0 && sends_headers && is_rejected_token(failure)) {
        --token_restarts_;
        return decision{reason::rejected_token, std::chrono::milliseconds(0)};
    }
    if (rate_limit_restarts_ > 0 &&
        detail::is_refused_for_now(detail::failure_kind_of(failure.code, failure.message))) {
        --rate_limit_restarts_;
        const auto delay = delays_.next(failure.retry_after ? failure.retry_after : hint, random);
        if (delay) return decision{reason::rate_limit, *delay};
    }
    return std::nullopt;
}

bool is_rejected_token(const last_error& failure) noexcept {
    const auto contains = [&failure](std::string_view part) { return failure.message.find(part) != std::string::npos; };
    // As the service has been seen to put it when it lists the tools, before anything is called; an
    // anonymous `server_error` may be anything.
    const bool is_tool_error = failure.code == "tool_server_error" || failure.code == "http_error";
    return is_tool_error && contains("retrieving tool list from MCP server") && contains("401");
}

}  // namespace corun::run
