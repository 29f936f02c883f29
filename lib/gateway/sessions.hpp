#pragma once
#include <corun/gateway/gateway.hpp>

#include <chrono>
#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace corun::gateway {

/// The users who have a session's cookie.
class sessions {
public:
    using steady = std::chrono::steady_clock;
    static constexpr std::string_view cookie_name = "corun_session";
    static constexpr std::size_t max_per_user = 20;

    sessions(std::chrono::milliseconds lifetime, bool secure) : lifetime_(lifetime), secure_(secure) {}

    /// Begins a session; the value of the header field that sets its cookie. A user's oldest one ends if there are
    /// many.
    std::string begin(user of, steady::time_point now);
    [[nodiscard]] std::optional<user> find(std::string_view id, steady::time_point now) const;
    /// Ends a session; the value of the header field that removes its cookie.
    std::string end(std::string_view id);
    void forget_expired(steady::time_point now);

private:
    struct session {
        user of;
        steady::time_point expires;
    };

    [[nodiscard]] std::string cookie(std::string_view value, std::chrono::seconds age) const;

    std::map<std::string, session, std::less<>> all_;
    std::chrono::milliseconds lifetime_;
    bool secure_;
};

}  // namespace corun::gateway
