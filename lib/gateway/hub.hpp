#pragma once
#include "gateway/conversation.hpp"
#include "gateway/metrics.hpp"
#include "gateway/own_runs.hpp"
#include "gateway/pages.hpp"
#include "gateway/sessions.hpp"
#include "gateway/sharing.hpp"
#include <corun/gateway/gateway.hpp>

#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>

#include <chrono>
#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace corun::gateway {

/// A name for a conversation, which nobody can guess.
[[nodiscard]] std::string new_conversation_name();

/// All runs and conversations, and the limits of users. Requests and runs that are under way keep it.
class hub : public std::enable_shared_from_this<hub> {
public:
    using steady = std::chrono::steady_clock;

    hub(asio::any_io_executor executor, client client, agent agent, gateway_options options);

    /// Completes when runs can be started, or throws why they cannot.
    asio::awaitable<void> open();
    /// Starts a run. A run of the conversation that waits for answers is cancelled; while one is active, there is no
    /// other: throws `refusal`, also for limits.
    asio::awaitable<std::shared_ptr<run>> start(user by, std::string name, question asked);
    /// A conversation in fewer tokens. Throws `refusal` if the service cannot do that, or rejects the items.
    asio::awaitable<compacted_response> compact(user by, json items);
    /// The conversation, or null.
    asio::awaitable<std::shared_ptr<conversation>> find_conversation(std::string user, std::string name);
    /// The run of this user, or null: other users' runs do not exist.
    asio::awaitable<std::shared_ptr<run>> find_run(std::string user, std::string id);
    /// Removes a run that has ended, with its log: no gateway shows it any more. One that waits for answers is
    /// cancelled first; throws `refusal` for one that is still at work.
    asio::awaitable<void> remove(std::shared_ptr<run> unwanted);

    /// For `sharing`: a run of this gateway's that has not begun, and one that another gateway had begun.
    [[nodiscard]] std::shared_ptr<owned_run> make_run(run_identity identity) const;
    /// A run for which no request has been sent is begun now.
    asio::awaitable<void> go_on(std::shared_ptr<owned_run> recalled, std::optional<user> by);
    [[nodiscard]] gateway::own_runs& own_runs() noexcept { return runs_; }

    /// Throws `refusal` if the user has too many viewers.
    void check_viewers_of(const std::string& user);

    /// Heartbeats, stalls, answers that do not come, logs that are not needed any more.
    void tick(steady::time_point now);
    void drain() noexcept { draining_ = true; }
    /// Breaks off every run's log.
    void stop();

    [[nodiscard]] const asio::any_io_executor& executor() const noexcept { return executor_; }
    [[nodiscard]] bool draining() const noexcept { return draining_; }
    [[nodiscard]] bool is_idle() const noexcept;
    [[nodiscard]] gauges current() const;
    [[nodiscard]] const gateway_options& options() const noexcept { return options_; }
    [[nodiscard]] gateway::sessions& sessions() noexcept { return sessions_; }
    [[nodiscard]] const gateway::pages& pages() const noexcept { return pages_; }
    counters counted;

private:
    using conversation_key = std::pair<std::string, std::string>;

    void admit(const std::string& user, const std::string& name);
    std::shared_ptr<conversation> enter(const std::string& user, const std::string& name);
    asio::awaitable<void> refresh(std::shared_ptr<conversation> one);
    void begin(const std::shared_ptr<owned_run>& begun, owned_run::opener open);

    asio::any_io_executor executor_;
    client client_;
    agent agent_;
    gateway_options options_;
    gateway::own_runs runs_;
    std::map<conversation_key, std::shared_ptr<conversation>> conversations_;
    gateway::sessions sessions_;
    gateway::pages pages_;
    std::shared_ptr<sharing> shared_;  ///< Null if logs are in memory.
    bool draining_ = false;
};

}  // namespace corun::gateway
