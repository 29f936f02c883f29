#pragma once

#include "program.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace corun::cli {

/// `corun doctor`: checks the endpoint, the proxy, the credential, the connection, the clock, the agent and its MCP
/// servers, and says what to do. The exit status is that of the first failure.
[[nodiscard]] asio::awaitable<exit_code> check_everything(program& self);

/// The seconds by which the clock of this machine is ahead of the `Date` field in the head of a response; nothing
/// without one.
[[nodiscard]] std::optional<long> clock_difference(std::string_view response_head, long now);

/// What to do about a failure.
[[nodiscard]] std::string advice_for(const std::exception& failure);

}  // namespace corun::cli
