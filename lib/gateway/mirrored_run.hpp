#pragma once
#include "gateway/redis/store.hpp"
#include "gateway/run.hpp"

#include <asio/awaitable.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace corun::gateway {

/// A run of another gateway's: follows its log, and passes on what users want of it.
class mirrored_run final : public run {
public:
    /// Sends a command to the gateway that has the run.
    using ask_owner = std::function<asio::awaitable<void>(std::shared_ptr<mirrored_run> from, json command)>;

    mirrored_run(asio::any_io_executor executor, run_identity identity, std::shared_ptr<redis::store> where,
                 ask_owner ask);
    ~mirrored_run() override;

    /// Shows what has been read. False if it does not follow what this has.
    bool add(redis::stored_log more);
    /// Follows the log from now on.
    void follow();
    /// Another object follows it.
    void hand_over() noexcept { following_ = false; }
    /// Reads what has been written since.
    void refresh();

    [[nodiscard]] state current() const noexcept override;
    [[nodiscard]] const required_action& pending() const noexcept override { return pending_; }
    [[nodiscard]] bool is_up_to_date() const noexcept override { return store_->is_available(); }
    asio::awaitable<void> answer(submission answers) override;
    asio::awaitable<void> stop(std::string_view code = {}) override;
    /// The gateway that has the run, as far as the log says.
    [[nodiscard]] const std::string& owner() const noexcept { return owner_; }
    /// True if it can be followed no more.
    [[nodiscard]] bool is_broken() const noexcept { return broken_; }

private:
    static asio::awaitable<void> read_more(std::shared_ptr<mirrored_run> self);

    asio::any_io_executor executor_;
    const std::shared_ptr<redis::store> store_;
    const ask_owner ask_;
    std::string owner_;
    entry_id read_ = entry_id::before_all();
    required_action pending_;
    bool reading_ = false, again_ = false, broken_ = false, following_ = false;
};

}  // namespace corun::gateway
