#pragma once
#include "gateway/log_batch.hpp"
#include "gateway/run_log.hpp"

#include <asio/awaitable.hpp>

#include <cstddef>
#include <utility>
#include <vector>

namespace corun::gateway {

/// Writes the log of one run: in memory, or where other gateways read it, too. Viewers see what `run_log` has.
class log_writer {
public:
    virtual ~log_writer() = default;

    /// True if checkpoints are wanted.
    [[nodiscard]] virtual bool is_shared() const noexcept { return false; }
    /// Entries come into the log in this order, at once or when they have been written.
    virtual void write(std::vector<entry> entries, checkpoint after) = 0;
    /// Completes when all that was written is in the log, or nothing comes into it any more.
    virtual asio::awaitable<void> drained() { co_return; }
    /// Completes when all that was written is where other gateways read it, or after `leave`.
    virtual asio::awaitable<void> stored() { co_return; }
    /// Writes nothing any more: the run is another gateway's.
    virtual void leave() {}
    /// True after `leave`, and if another gateway has taken over the run.
    [[nodiscard]] virtual bool has_left() const noexcept { return false; }
    /// What has not come into the log.
    [[nodiscard]] virtual std::size_t waiting_bytes() const noexcept { return 0; }
};

/// The log is in memory only.
class memory_writer final : public log_writer {
public:
    explicit memory_writer(run_log& log) : log_(log) {}
    void write(std::vector<entry> entries, checkpoint) override { log_.append(std::move(entries)); }

private:
    run_log& log_;
};

}  // namespace corun::gateway
