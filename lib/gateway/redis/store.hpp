#pragma once
#include "gateway/log_batch.hpp"
#include "gateway/redis/connection.hpp"
#include "gateway/redis/conversations.hpp"
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

/// A run's log, or the end of it.
struct stored_log {
    stored_log() = default;

    std::optional<run_record> record;  ///< If its first write was read.
    std::string question;              ///< Which the run answers, with the record.
    std::vector<log_batch> batches;    ///< The first of each epoch may have no entries.

    [[nodiscard]] bool is_complete() const noexcept {
        for (auto each = batches.rbegin(); each != batches.rend(); ++each)
            if (!each->entries.empty()) return is_last(each->entries.back().kind);
        return false;
    }
};

/// What gateways share in Redis. Each run has a stream, to which one gateway writes at a time: ids are
/// `<epoch>-<number of the last entry>`, and Redis refuses those that do not grow. Who begins a new epoch, therefore,
/// is the only one who writes.
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

    /// Begins a run's log, of this gateway.
    asio::awaitable<void> create(std::string run, run_record record, entry_id id, std::string question = {});
    /// False if the log is not there any more, or has this id or a later one.
    asio::awaitable<bool> append(std::string run, log_batch batch);
    /// Begins another epoch, which this gateway writes. False if something was written after `last`.
    asio::awaitable<bool> begin_epoch(std::string run, entry_id last);
    /// The last write, without its entries.
    asio::awaitable<std::optional<log_batch>> last(std::string run);
    /// What was written after this id; with `{0, 0}`, everything.
    asio::awaitable<stored_log> read(std::string run, entry_id after);
    /// The log is complete: it is kept for so long.
    asio::awaitable<void> finish(std::string run, std::chrono::milliseconds keep);
    /// The runs of this gateway are those that others take over. `release` is for one that it has not any more, or
    /// another gateway.
    asio::awaitable<void> claim(std::string run);
    asio::awaitable<void> release(std::string run, std::string gateway);

    /// Calls `rung` when a run's log may have grown, and when this begins.
    void listen(const std::string& run, std::function<void()> rung);
    void ignore(const std::string& run);

    [[nodiscard]] redis::conversations& conversations() noexcept { return conversations_; }

    /// Sends a command to a gateway; false if it is not there.
    asio::awaitable<bool> command(std::string gateway, json order);

    void check(std::chrono::steady_clock::time_point now);

private:
    static asio::awaitable<void> keep_lease(std::shared_ptr<store> self);
    asio::awaitable<void> renew();
    asio::awaitable<void> look_for_orphans();
    asio::awaitable<void> check_durability();
    [[nodiscard]] std::string key(std::string_view kind, std::string_view name = {}) const;

    asio::any_io_executor executor_;
    const redis_options options_;
    const events on_;
    const std::string gateway_;
    std::uint64_t connections_ = 0;
    connection commands_;
    subscriber bells_;
    redis::conversations conversations_;
    asio::steady_timer pause_;
    bool open_ = false, closed_ = false;
};

}  // namespace corun::gateway::redis
