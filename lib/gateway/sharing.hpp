#pragma once
#include "async/wakeup.hpp"
#include "gateway/mirrored_run.hpp"
#include "gateway/owned_run.hpp"
#include "gateway/redis/store.hpp"
#include <corun/gateway/gateway.hpp>

#include <asio/awaitable.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>

namespace corun::gateway {

class hub;
struct conversation;

/// What a gateway does together with others: it shows their runs, passes on what users want of them, and goes on with
/// those of a gateway that has died.
class sharing : public std::enable_shared_from_this<sharing> {
public:
    using steady = std::chrono::steady_clock;

    explicit sharing(hub& owner);

    /// Creates the store. To be called first.
    void connect();
    /// Completes when the store can be used, or throws why it cannot.
    asio::awaitable<void> open();
    /// Leaves all runs to other gateways.
    void close();

    [[nodiscard]] redis::store& store() noexcept { return *store_; }
    /// A run of another gateway, or null.
    asio::awaitable<std::shared_ptr<run>> find_run(std::string user, std::string id);
    /// Begins the log of a run of this gateway.
    asio::awaitable<void> begin(std::shared_ptr<owned_run> created);
    /// Removes the log of a run that has ended, at every gateway.
    asio::awaitable<void> remove(std::shared_ptr<run> ended);
    /// True if any gateway has removed a run that has ended. While Redis cannot be asked, nobody says so.
    asio::awaitable<bool> is_removed(std::shared_ptr<run> known);
    /// Tells others of a conversation's thread, in which a run is to begin. Completes when they know, whenever Redis is
    /// there again: nobody could go on with the run.
    asio::awaitable<void> save_thread(std::shared_ptr<conversation> where, std::string run);
    /// Runs of others that are watched here.
    [[nodiscard]] const std::map<std::string, std::shared_ptr<mirrored_run>>& mirrors() const noexcept {
        return mirrors_;
    }
    void tick(steady::time_point now);

private:
    /// A command that another gateway carries out.
    struct asked {
        std::optional<json> outcome;
    };

    void write(owned_run& by, std::uint64_t epoch);
    void take_command(const json& command);
    void take_outcome(const json& outcome);
    void verify_all();
    static asio::awaitable<void> ask(std::shared_ptr<sharing> self, std::shared_ptr<mirrored_run> about, json command);
    static asio::awaitable<void> serve(std::shared_ptr<sharing> self, std::shared_ptr<run> on, json command);
    void adopt(const std::string& id, const std::string& left_by);
    static asio::awaitable<void> take_over(std::shared_ptr<sharing> self, std::string id, std::string left_by);
    asio::awaitable<std::optional<redis::stored_log>> seize(std::string id, std::string left_by);

    hub& hub_;
    std::shared_ptr<redis::store> store_;
    std::map<std::string, std::shared_ptr<mirrored_run>> mirrors_;
    std::map<std::uint64_t, std::shared_ptr<asked>> asked_;
    std::set<std::string> adopting_;
    std::set<std::string> unfinished_;  ///< Taken over, but not begun: Redis went away.
    std::uint64_t last_number_ = 0;
    steady::time_point polled_ = steady::now();
    detail::wakeup progress_;
};

}  // namespace corun::gateway
