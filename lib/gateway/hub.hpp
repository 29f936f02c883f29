#pragma once
#include "gateway/metrics.hpp"
#include "gateway/pages.hpp"
#include "gateway/run.hpp"
#include "gateway/sessions.hpp"
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

/// A conversation of a user: the runs of one thread.
struct conversation {
    std::string user, name;
    std::optional<agent_thread> thread;
    std::shared_ptr<run> last;  ///< Null until a run has started, and when its log is gone.
    bool starting = false;
    std::chrono::steady_clock::time_point used = std::chrono::steady_clock::now();
};

/// A message of a user, with what precedes it in a conversation that the gateway does not know any more.
struct question {
    explicit question(message its_text) : text(std::move(its_text)) {}

    message text;
    std::vector<message> history;
    bool starts_anew = false;  ///< The conversation's thread does not fit the history.
};

/// All runs and conversations, and the limits of users. Requests and runs that are under way keep it.
class hub : public std::enable_shared_from_this<hub> {
public:
    using steady = std::chrono::steady_clock;

    hub(asio::any_io_executor executor, client client, agent agent, gateway_options options);

    /// Starts a run. A run of the conversation that waits for answers is cancelled; while one is active, there is no
    /// other: throws `refusal`, also for limits.
    asio::awaitable<std::shared_ptr<run>> start(user by, std::string name, question asked);
    /// A name for a conversation, which nobody can guess.
    [[nodiscard]] static std::string new_name();
    /// The conversation, or null.
    [[nodiscard]] std::shared_ptr<conversation> find_conversation(const std::string& user, const std::string& name);
    /// The conversation whose latest run this is, or null.
    [[nodiscard]] std::shared_ptr<conversation> find_conversation_of(const run& latest);
    /// The run of this user, or null: other users' runs do not exist.
    [[nodiscard]] std::shared_ptr<run> find_run(const std::string& user, const std::string& id);
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

    std::shared_ptr<conversation> admit(const std::string& user, const std::string& name);
    void forget_old_logs();
    std::size_t log_bytes() const;

    asio::any_io_executor executor_;
    client client_;
    agent agent_;
    gateway_options options_;
    std::map<std::string, std::shared_ptr<run>> runs_;
    std::map<conversation_key, std::shared_ptr<conversation>> conversations_;
    gateway::sessions sessions_;
    gateway::pages pages_;
    bool draining_ = false;
};

}  // namespace corun::gateway
