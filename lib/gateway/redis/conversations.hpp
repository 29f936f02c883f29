#pragma once
#include "gateway/redis/connection.hpp"

#include <asio/awaitable.hpp>

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace corun::gateway::redis {

/// A conversation, as all gateways know it.
struct conversation_record {
    conversation_record() = default;

    std::string thread_id;  ///< Empty until there is a thread.
    std::string run_id;     ///< Of the latest run.
};

/// The conversations that gateways share. Every function that asks Redis throws `unavailable` if it cannot be reached.
class conversations {
public:
    /// `lock_time` is how long a gateway that dies keeps a lock.
    conversations(connection& to, std::string prefix, std::chrono::milliseconds lock_time)
        : commands_(to), prefix_(std::move(prefix)), lock_time_(lock_time) {}

    asio::awaitable<conversation_record> find(std::string user, std::string name);
    asio::awaitable<void> save(std::string user, std::string name, conversation_record record,
                               std::chrono::milliseconds keep);
    /// The right to start a run in a conversation: a token, or nothing if another request has it.
    asio::awaitable<std::optional<std::string>> lock(std::string user, std::string name);
    void unlock(const std::string& user, const std::string& name, const std::string& token);

private:
    [[nodiscard]] std::string key(std::string_view kind, const std::string& user, const std::string& name) const;

    connection& commands_;
    const std::string prefix_;
    const std::chrono::milliseconds lock_time_;
};

}  // namespace corun::gateway::redis
