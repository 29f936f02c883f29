#pragma once
#include "gateway/json.hpp"
#include "gateway/redis/connection.hpp"
#include "gateway/redis/conversations.hpp"
#include "gateway/redis/logs.hpp"
#include "gateway/redis/session_store.hpp"
#include <corun/gateway/gateway.hpp>

#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>
#include <asio/steady_timer.hpp>

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace corun::gateway::redis {

/// What gateways share in Redis, and how they know of each other.
///
/// Every function that asks Redis throws `unavailable` if it cannot be reached.
class store : public std::enable_shared_from_this<store> {
public:
    struct events {
        events() = default;

        std::function<void(json)> commanded;  ///< Another gateway, or this one, has sent this.
        /// A gateway has died that was writing to this run.
        std::function<void(std::string run, std::string gateway)> orphaned;
        std::function<void()> lapsed;  ///< Others may have taken over this gateway's runs, or Redis was not there.
    };

    store(asio::any_io_executor executor, redis_options options, events on);

    /// Completes when Redis can be used. Throws `error` for one that would lose logs, or refuses the sign-in.
    asio::awaitable<void> open();
    /// Lets other gateways take over this one's runs.
    void close();

    [[nodiscard]] const std::string& gateway() const noexcept { return gateway_; }
    [[nodiscard]] bool is_available() const noexcept { return open_ && commands_.is_open(); }
    /// How often the connection has been made.
    [[nodiscard]] std::uint64_t connections() const noexcept { return connections_; }
    [[nodiscard]] auto changed() { return commands_.changed(); }
    [[nodiscard]] bool is_closed() const noexcept { return closed_; }

    /// Calls `rung` when a run's log may have grown, and when this begins.
    void listen(const std::string& run, std::function<void()> rung);
    void ignore(const std::string& run);

    [[nodiscard]] redis::conversations& conversations() noexcept { return conversations_; }
    [[nodiscard]] redis::logs& logs() noexcept { return logs_; }
    [[nodiscard]] session_store& sessions() noexcept { return sessions_; }

    /// Sends a command to a gateway; false if it is not there.
    asio::awaitable<bool> command(std::string gateway, json order);

    void check(std::chrono::steady_clock::time_point now);

private:
    static asio::awaitable<void> keep_lease(std::shared_ptr<store> self);
    asio::awaitable<void> renew();
    asio::awaitable<void> look_for_orphans();
    asio::awaitable<void> check_durability();
    [[nodiscard]] std::string key(std::string_view kind, std::string_view name = {}) const {
        return key_of(options_.prefix, kind, name);
    }

    asio::any_io_executor executor_;
    const redis_options options_;
    const events on_;
    const std::string gateway_;
    std::uint64_t connections_ = 0;
    connection commands_;
    subscriber bells_;
    redis::conversations conversations_;
    redis::logs logs_;
    session_store sessions_;
    asio::steady_timer pause_;
    bool open_ = false, closed_ = false;
};

}  // namespace corun::gateway::redis
