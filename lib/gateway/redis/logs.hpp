#pragma once
#include "gateway/log_batch.hpp"
#include "gateway/redis/connection.hpp"

#include <asio/awaitable.hpp>

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace corun::gateway::redis {

/// A run's log, or the end of it.
struct stored_log {
    stored_log() = default;

    std::optional<run_record> record;  ///< If its first write was read.
    std::string question;              ///< Which the run answers, with the record.
    std::vector<log_batch> batches;    ///< The first of each epoch may have no entries.
    bool is_removed = false;           ///< By `logs::remove`.

    [[nodiscard]] bool is_complete() const noexcept {
        for (auto each = batches.rbegin(); each != batches.rend(); ++each)
            if (!each->entries.empty()) return is_last(each->entries.back().kind);
        return false;
    }
};

/// The logs of runs. Each run has a stream, to which one gateway writes at a time: ids are
/// `<epoch>-<number of the last entry>`, and Redis refuses those that do not grow. Who begins a new epoch, therefore,
/// is the only one who writes.
///
/// Every function that asks Redis throws `unavailable` if it cannot be reached.
class logs {
public:
    logs(connection& to, std::string prefix, std::string gateway)
        : commands_(to), prefix_(std::move(prefix)), gateway_(std::move(gateway)) {}

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
    /// The log is complete: it is kept for so long, or for ever with 0.
    asio::awaitable<void> finish(std::string run, std::chrono::milliseconds keep);
    /// Removes a log that is complete: nothing is left of it, and nobody writes to it or begins it any more while
    /// gateways have it in memory, which they do for `keep`.
    asio::awaitable<void> remove(std::string run, std::chrono::milliseconds keep);
    /// True after `remove`.
    asio::awaitable<bool> is_removed(std::string run);
    /// The runs of this gateway are those that others take over. `release` is for one that it has not any more, or
    /// another gateway.
    asio::awaitable<void> claim(std::string run);
    asio::awaitable<void> release(std::string run, std::string gateway);

private:
    [[nodiscard]] std::string key(std::string_view kind, std::string_view name) const {
        return key_of(prefix_, kind, name);
    }

    connection& commands_;
    const std::string prefix_, gateway_;
};

}  // namespace corun::gateway::redis
