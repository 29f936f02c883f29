#pragma once
#include "gateway/redis/connection.hpp"

#include <asio/awaitable.hpp>

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace corun::gateway::redis {

/// The sessions that gateways share. Redis has the SHA-256 digest of a session's secret: who reads it there cannot sign
/// in. Every function throws `unavailable` if Redis cannot be reached.
class session_store {
public:
    session_store(connection& to, std::string prefix) : commands_(to), prefix_(std::move(prefix)) {}

    /// Begins a session of a user, which ends by itself after this time. If the user has `most` already, the oldest
    /// ones end.
    asio::awaitable<void> begin(std::string secret, std::string user, std::chrono::milliseconds lifetime,
                                std::size_t most);
    /// The user of a session that has not ended.
    asio::awaitable<std::optional<std::string>> find(std::string secret);
    asio::awaitable<void> end(std::string secret);

private:
    [[nodiscard]] std::string key(std::string_view secret) const;
    /// What the key of all sessions of a user begins with.
    [[nodiscard]] std::string user_prefix() const { return key_of(prefix_, "sessions") + ":"; }

    connection& commands_;
    const std::string prefix_;
};

}  // namespace corun::gateway::redis
