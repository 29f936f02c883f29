#pragma once
#include "gateway/run_log.hpp"
#include <corun/resources.hpp>
#include <corun/submission.hpp>

#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace corun::gateway {

class viewer;

/// What a run is called, and where, by whom and when it was started.
struct run_identity {
    run_identity(std::string its_id, std::string its_user, std::string its_conversation)
        : id(std::move(its_id)), user(std::move(its_user)), conversation(std::move(its_conversation)) {}

    std::string id;  ///< The gateway's; nobody can guess it.
    std::string user, conversation;
    std::string question;  ///< Which the run answers (`encode`); empty if it is not known.
    std::chrono::system_clock::time_point started_at = std::chrono::system_clock::now();
};

/// A run, as those see it who watch, answer and stop it: this gateway's, or another's.
class run : public std::enable_shared_from_this<run> {
public:
    using steady = std::chrono::steady_clock;

    virtual ~run() = default;
    run(const run&) = delete;
    run& operator=(const run&) = delete;

    enum class state { running, waiting, ended };
    [[nodiscard]] virtual state current() const noexcept = 0;
    [[nodiscard]] const std::string& id() const noexcept { return identity_.id; }
    [[nodiscard]] const std::string& user() const noexcept { return identity_.user; }
    [[nodiscard]] const std::string& conversation() const noexcept { return identity_.conversation; }
    [[nodiscard]] const std::string& question() const noexcept { return identity_.question; }
    [[nodiscard]] run_log& log() noexcept { return log_; }
    [[nodiscard]] const run_log& log() const noexcept { return log_; }
    /// What a run in state `waiting` waits for.
    [[nodiscard]] virtual const required_action& pending() const noexcept = 0;
    /// When the run was started.
    [[nodiscard]] std::chrono::system_clock::time_point started_at() const noexcept { return identity_.started_at; }
    /// When the state changed last.
    [[nodiscard]] steady::time_point changed_at() const noexcept { return changed_at_; }

    /// False while there may be entries that the log does not have, and cannot get.
    [[nodiscard]] virtual bool is_up_to_date() const noexcept { return true; }

    /// Answers a run that waits. Completes when the service has accepted the answers and the log says so, or throws why
    /// it has not.
    virtual asio::awaitable<void> answer(submission answers) = 0;
    /// Cancels the run at the service. Completes when the service has been asked; the log then ends. `code` says why if
    /// no user wanted it.
    virtual asio::awaitable<void> stop(std::string_view code = {}) = 0;

    std::vector<viewer*> viewers;  ///< Each is resumed when the log has grown.

protected:
    run(asio::any_io_executor executor, run_identity identity)
        : identity_(std::move(identity)),
          executor_(executor),
          log_(std::move(executor), [this] { resume_viewers(); }) {}

    void note_change() noexcept { changed_at_ = steady::now(); }

private:
    void resume_viewers();

    const run_identity identity_;
    const asio::any_io_executor executor_;
    bool resuming_ = false;
    run_log log_;
    steady::time_point changed_at_ = steady::now();
};

}  // namespace corun::gateway
