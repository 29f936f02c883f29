#pragma once
#include "gateway/redis/reply.hpp"

#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>
#include <asio/generic/stream_protocol.hpp>
#include <asio/steady_timer.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace corun::gateway::redis {

/// Where Redis is, and who asks.
struct address {
    address() = default;
    /// `redis://[user@]host[:port][/database]` or `unix:/path[?db=database]`. Throws `std::invalid_argument`.
    explicit address(std::string_view url);

    std::string host, port = "6379";
    std::string path;  ///< Of a Unix socket, instead of a host.
    std::string user, password;
    int database = 0;
};

/// What `link::problem` begins with if Redis does not accept the sign-in.
inline constexpr std::string_view refused = "Redis refuses: ";

/// One connection to Redis, which is made again whenever it is lost.
class link : public std::enable_shared_from_this<link> {
public:
    struct events {
        events() = default;

        std::function<void()> opened;        ///< Signed in: commands can be sent.
        std::function<void(reply)> arrived;  ///< In the order of the commands.
        std::function<void()> lost;          ///< What was sent may have been carried out.
        std::function<void()> failed;        ///< There is no connection, for a reason of `problem`.
    };

    link(asio::any_io_executor executor, address where, events on);

    /// Begins to connect, and goes on until `stop`.
    void start();
    /// Sends what is queued, and ends. Nothing is called any more.
    void stop();
    /// Does nothing while there is no connection.
    void send(std::string bytes);
    /// Gives up a connection that does not respond.
    void reset();
    [[nodiscard]] bool is_open() const noexcept { return open_; }
    /// Why there is no connection, for people.
    [[nodiscard]] const std::string& problem() const noexcept { return problem_; }

private:
    using socket = asio::generic::stream_protocol::socket;

    static asio::awaitable<void> work(std::shared_ptr<link> self);
    asio::awaitable<void> connect();
    asio::awaitable<void> sign_in();
    asio::awaitable<reply> read();
    static asio::awaitable<void> write(std::shared_ptr<link> self);

    asio::any_io_executor executor_;
    const address where_;
    const events on_;
    socket socket_;
    asio::steady_timer pause_;
    reply_reader reader_;
    std::string out_;
    std::string problem_ = "not connected yet";
    bool open_ = false, writing_ = false, stopped_ = false;
};

}  // namespace corun::gateway::redis
