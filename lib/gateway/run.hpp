#pragma once
#include "async/wakeup.hpp"
#include "gateway/recorder.hpp"
#include "gateway/run_log.hpp"
#include <corun/agent.hpp>
#include <corun/submission.hpp>

#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace corun::gateway {

struct viewer;

/// What a run is called, and by whom and when it was started.
struct run_identity {
    run_identity(std::string its_id, std::string its_user) : id(std::move(its_id)), user(std::move(its_user)) {}

    std::string id;  ///< The gateway's; nobody can guess it.
    std::string user;
    std::chrono::system_clock::time_point started_at = std::chrono::system_clock::now();
};

/// One run: reads its events and writes its log, whoever watches.
class run : public std::enable_shared_from_this<run> {
public:
    using steady = std::chrono::steady_clock;
    /// Starts the run at the service, or goes on with one.
    using opener = std::function<asio::awaitable<event_stream>()>;

    run(asio::any_io_executor executor, run_identity identity, std::size_t max_log_bytes,
        std::function<bool(std::string_view)> is_own_function);

    /// Begins to work. Calls `on_change` after each change of `state`.
    void start(asio::any_io_executor executor, opener open, std::function<void(run&)> on_change);

    enum class state { running, waiting, ended };
    [[nodiscard]] state current() const noexcept { return state_; }
    [[nodiscard]] const std::string& id() const noexcept { return identity_.id; }
    [[nodiscard]] const std::string& user() const noexcept { return identity_.user; }
    [[nodiscard]] run_log& log() noexcept { return log_; }
    /// What a run in state `waiting` waits for.
    [[nodiscard]] const required_action& pending() const noexcept { return recorder_.pending(); }
    /// When the run was started.
    [[nodiscard]] std::chrono::system_clock::time_point started_at() const noexcept { return identity_.started_at; }
    /// When the state changed last.
    [[nodiscard]] steady::time_point changed_at() const noexcept { return changed_at_; }
    /// Positions at which the answers of a segment begin: 0, and behind each wait.
    [[nodiscard]] const std::vector<std::size_t>& segments() const noexcept { return segments_; }

    /// Answers a run that waits. Completes when the service has accepted the answers, or throws why it has not.
    asio::awaitable<void> answer(submission answers);
    /// Cancels the run at the service. Completes when the service has been asked; the log then ends. `code` says why if
    /// no user wanted it.
    asio::awaitable<void> stop(std::string_view code = {});
    /// Leaves the run to the service, and breaks the log off.
    void abandon();

    std::vector<viewer*> viewers;

private:
    static asio::awaitable<void> work(std::shared_ptr<run> self, opener open);
    asio::awaitable<void> follow(opener open);
    asio::awaitable<void> read();
    asio::awaitable<void> cancel();
    void fail(const std::error_code& code);
    void flush();
    void change(state next);

    const run_identity identity_;
    const std::size_t max_log_bytes_;
    run_log log_;
    std::vector<entry> recorded_;  ///< Not in the log yet.
    recorder recorder_;
    std::function<void(run&)> on_change_;
    std::optional<event_stream> stream_;
    detail::wakeup answered_;
    state state_ = state::running;
    steady::time_point changed_at_ = steady::now();
    std::vector<std::size_t> segments_{0};
    bool stopping_ = false, answering_ = false;
};

}  // namespace corun::gateway
