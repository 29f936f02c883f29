#pragma once
#include "async/wakeup.hpp"
#include "gateway/redis/link.hpp"

#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>

#include <chrono>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace corun::gateway::redis {

/// Redis cannot be reached, or does not do what it is asked for.
class unavailable : public std::system_error {
public:
    using std::system_error::system_error;
};

using command_line = std::vector<std::string>;

/// A command of these words.
template <class... Words>
command_line line(Words&&... words) {
    command_line made;
    made.reserve(sizeof...(words));
    (made.emplace_back(std::forward<Words>(words)), ...);
    return made;
}

/// The reply, if Redis has accepted the command; otherwise throws `unavailable`: the gateway's commands are right.
const reply& accepted(const reply& response);
/// `<prefix>:<kind>:<name>`, or without the name.
std::string key_of(std::string_view prefix, std::string_view kind, std::string_view name = {});
/// A time as Redis takes it.
std::string in_milliseconds(std::chrono::milliseconds time);

/// Sends commands, of any number of coroutines at once: they share a connection, and nobody waits for another.
class connection {
public:
    /// `opened` is called whenever there is a connection, before anything is sent.
    connection(asio::any_io_executor executor, address where, std::function<void()> opened);
    ~connection();
    connection(const connection&) = delete;
    connection& operator=(const connection&) = delete;

    /// What Redis replies to each command, also if that is an error. Throws `unavailable` if there is no
    /// connection, or it is lost: then the commands may have been carried out.
    asio::awaitable<std::vector<reply>> call(std::vector<command_line> commands);
    asio::awaitable<reply> ask(command_line one);
    /// Sends commands whose outcome is of no interest.
    void tell(std::vector<command_line> commands);

    /// Completes when the connection exists, is lost, or `stop` has been called.
    [[nodiscard]] auto changed() { return changed_.wait(); }
    [[nodiscard]] bool is_open() const noexcept { return link_->is_open(); }
    [[nodiscard]] const std::string& problem() const noexcept { return link_->problem(); }
    /// Gives up a connection on which a reply has been due for so long.
    void check(std::chrono::steady_clock::time_point now, std::chrono::milliseconds limit);
    void stop();

private:
    /// A call whose replies are awaited.
    struct waiting {
        explicit waiting(asio::any_io_executor executor) : done(std::move(executor)) {}

        std::vector<reply> replies;
        std::size_t expected = 0;
        bool lost = false;
        std::chrono::steady_clock::time_point since = std::chrono::steady_clock::now();
        detail::wakeup done;
    };

    /// Sends commands; their replies are those that come next.
    std::shared_ptr<waiting> send(const std::vector<command_line>& commands);
    void take(reply next);
    void lose();

    asio::any_io_executor executor_;
    detail::wakeup changed_;
    std::deque<std::shared_ptr<waiting>> waiting_;
    std::shared_ptr<link> link_;
};

/// Hears channels. What is published while there is no connection is lost: `opened` says that this may have been.
class subscriber {
public:
    using listener = std::function<void(std::string_view message)>;

    subscriber(asio::any_io_executor executor, address where, std::function<void()> opened);
    ~subscriber();
    subscriber(const subscriber&) = delete;
    subscriber& operator=(const subscriber&) = delete;

    /// One listener for each channel. `heard` is called once when Redis has accepted the subscription, with an empty
    /// message, and then with each message.
    void subscribe(const std::string& channel, listener heard);
    void unsubscribe(const std::string& channel);
    [[nodiscard]] bool is_open() const noexcept { return link_->is_open(); }
    void stop();

private:
    void take(reply next);

    std::map<std::string, listener, std::less<>> channels_;
    std::shared_ptr<link> link_;
};

}  // namespace corun::gateway::redis
