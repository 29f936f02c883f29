#pragma once
#include "async/wakeup.hpp"
#include "gateway/log_writer.hpp"
#include "gateway/redis/store.hpp"

#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>
#include <asio/steady_timer.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace corun::gateway::redis {

/// Writes a run's log to Redis. Viewers see entries when Redis has them, so that another gateway that goes on with the
/// run has all that anybody has seen. If Redis is away for long, they see what there is, and it is written later.
class writer final : public log_writer, public std::enable_shared_from_this<writer> {
public:
    using steady = std::chrono::steady_clock;

    struct settings {
        settings() = default;

        std::string run;
        run_record record;
        std::uint64_t epoch = 1;
        std::chrono::milliseconds patience{0};
        std::chrono::milliseconds keep{0};  ///< A log that is complete.
        std::weak_ptr<void> owner;          ///< Of the log; lives as long as there is something to write.
        /// All that a checkpoint would say now.
        std::function<checkpoint()> whole;
        /// Another gateway has taken over the run.
        std::function<void()> deposed;
    };

    /// Goes on behind what `log` has.
    writer(asio::any_io_executor executor, std::shared_ptr<store> where, run_log& log, settings how);

    [[nodiscard]] bool is_shared() const noexcept override { return true; }
    void write(std::vector<entry> entries, checkpoint after) override;
    asio::awaitable<void> drained() override;
    asio::awaitable<void> stored() override;
    void leave() override;
    [[nodiscard]] bool has_left() const noexcept override { return is_.left; }
    [[nodiscard]] std::size_t waiting_bytes() const noexcept override { return waiting_bytes_; }

    /// To be called often. True if a write has taken too long just now: then viewers see what Redis has not got.
    bool check(steady::time_point now);
    /// Asks whether another gateway has taken over the run.
    void verify();

private:
    /// Entries that are written at once.
    struct part {
        std::vector<entry> entries;
        checkpoint after;
        std::size_t bytes = 0;
        steady::time_point since = steady::now();
    };

    struct flags {
        bool working = false, left = false;
        bool in_doubt = false;  ///< What Redis has is not known.
        bool ahead = false;     ///< Viewers have seen what Redis has not got.
    };

    static asio::awaitable<void> work(std::shared_ptr<writer> self);
    asio::awaitable<bool> put(log_batch& batch);
    asio::awaitable<bool> find_out(log_batch& batch);
    void rewrite(log_batch& batch, std::uint64_t from);
    void wake();
    void show(const std::vector<entry>& entries, std::uint64_t last);
    void depose();
    asio::awaitable<void> pause();
    asio::awaitable<void> finish();

    asio::any_io_executor executor_;
    const std::shared_ptr<store> store_;
    run_log& log_;
    const settings how_;
    std::deque<part> queue_;
    checkpoint later_;                    ///< That goes with the next entries.
    const log_batch* current_ = nullptr;  ///< What is being written.
    steady::time_point current_since_, checked_ = steady::now();
    std::uint64_t written_;     ///< The number of the last entry that Redis has.
    std::uint64_t connection_;  ///< On which that is known.
    std::size_t waiting_bytes_ = 0;
    flags is_;
    asio::steady_timer retry_;
    detail::wakeup progress_;
};

}  // namespace corun::gateway::redis
