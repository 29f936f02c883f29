#pragma once
#include "async/wakeup.hpp"
#include "gateway/log_writer.hpp"
#include "gateway/recorder.hpp"
#include "gateway/run.hpp"
#include <corun/event_stream.hpp>

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace corun::gateway {

/// A run of this gateway's: reads its events and writes its log, whoever watches.
class owned_run final : public run {
public:
    /// Starts the run at the service, or goes on with one.
    using opener = std::function<asio::awaitable<event_stream>()>;

    /// The log is in memory, unless `write_with` says otherwise.
    owned_run(asio::any_io_executor executor, run_identity identity, std::size_t max_log_bytes,
              std::function<bool(std::string_view)> is_own_function);

    /// Goes on with what another gateway has written. To be called first.
    void recall(const std::vector<log_batch>& written);
    void write_with(std::shared_ptr<log_writer> other) { writer_ = std::move(other); }
    /// The request that begins the run is about to be sent to this thread. Completes when all gateways know.
    ///
    /// *Errors:* `errc::conflict` if another one has taken over the run: this one must not send it.
    asio::awaitable<void> will_be_sent_to(std::string thread_id);
    /// Where the run is at the service (`position_of`). Empty if no request for it has been sent.
    [[nodiscard]] const std::string& position() const noexcept { return position_; }
    /// Begins to work. Calls `on_change` after each change of `state`.
    void start(asio::any_io_executor executor, opener open, std::function<void(run&)> on_change);

    [[nodiscard]] state current() const noexcept override { return state_; }
    [[nodiscard]] const required_action& pending() const noexcept override { return recorder_.pending(); }
    asio::awaitable<void> answer(submission answers) override;
    asio::awaitable<void> stop(std::string_view code = {}) override;
    /// Leaves the run to the service, and breaks the log off.
    void abandon();
    /// Leaves the run to another gateway. Its viewers here have to come back.
    void leave();
    /// True if another gateway has the run.
    [[nodiscard]] bool has_left() const noexcept { return writer_->has_left(); }
    void warn(std::string_view code);
    [[nodiscard]] const std::shared_ptr<log_writer>& writer() const noexcept { return writer_; }
    /// All that another gateway needs to go on with the run.
    [[nodiscard]] checkpoint whole_checkpoint() const;

private:
    static asio::awaitable<void> work(std::shared_ptr<owned_run> self, opener open);
    asio::awaitable<void> follow(opener open);
    asio::awaitable<void> read();
    asio::awaitable<void> cancel();
    void fail(const std::error_code& code);
    void flush();
    void change(state next);

    const std::size_t max_log_bytes_;
    std::shared_ptr<log_writer> writer_;
    std::vector<entry> recorded_;  ///< Not written yet.
    recorder recorder_;
    memory remembered_;     ///< What has been written of the recorder's memory.
    std::string position_;  ///< Behind what has been recorded.
    std::function<void(run&)> on_change_;
    std::optional<event_stream> stream_;
    detail::wakeup answered_;
    state state_ = state::running;
    bool stopping_ = false, answering_ = false, was_sent_ = false;
};

}  // namespace corun::gateway
