#pragma once
#include "gateway/redis/session_store.hpp"
#include <corun/gateway/gateway.hpp>

#include <asio/awaitable.hpp>

#include <chrono>
#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace corun::gateway {

/// The users who have a session's cookie. Its value is the session's secret.
class sessions {
public:
    using steady = std::chrono::steady_clock;
    static constexpr std::string_view cookie_name = "corun_session";
    static constexpr std::size_t max_per_user = 20;

    sessions(std::chrono::milliseconds lifetime, bool secure) : lifetime_(lifetime), secure_(secure) {}

    /// From now on, sessions are those of all gateways. `lookup` knows the users, whose headers are in no store. The
    /// functions then throw `redis::unavailable` while Redis cannot be reached.
    void share(redis::session_store& with, user_lookup lookup);

    /// Begins a session; the value of the header field that sets its cookie. A user's oldest one ends if there are
    /// many.
    asio::awaitable<std::string> begin(user of, steady::time_point now);
    asio::awaitable<std::optional<user>> find(std::string secret, steady::time_point now);
    /// Ends a session; the value of the header field that removes its cookie.
    asio::awaitable<std::string> end(std::string secret);
    void forget_expired(steady::time_point now);

private:
    struct session {
        user of;
        steady::time_point expires;
    };

    void make_room_for(const std::string& user);
    [[nodiscard]] std::string cookie(std::string_view value, std::chrono::seconds age) const;

    std::map<std::string, session, std::less<>> all_;
    redis::session_store* shared_ = nullptr;  ///< Null: they are in memory.
    user_lookup lookup_;
    std::chrono::milliseconds lifetime_;
    bool secure_;
};

}  // namespace corun::gateway
