#include "gateway/sessions.hpp"

#include "text/random.hpp"

#include <utility>

namespace corun::gateway {

void sessions::share(redis::session_store& with, user_lookup lookup) {
    shared_ = &with;
    lookup_ = std::move(lookup);
}

asio::awaitable<std::string> sessions::begin(user of, steady::time_point now) {
    user owner = std::move(of);
    const std::string secret = detail::random_hex(48);
    if (shared_ != nullptr) {
        co_await shared_->begin(secret, owner.id, lifetime_, max_per_user);
    } else {
        make_room_for(owner.id);
        all_.emplace(secret, session{std::move(owner), now + lifetime_});
    }
    co_return cookie(secret, std::chrono::duration_cast<std::chrono::seconds>(lifetime_));
}

asio::awaitable<std::optional<user>> sessions::find(std::string secret, steady::time_point now) {
    const std::string looked_up = std::move(secret);
    if (looked_up.empty()) co_return std::nullopt;
    if (shared_ == nullptr) {
        const auto found = all_.find(looked_up);
        if (found == all_.end() || found->second.expires <= now) co_return std::nullopt;
        co_return found->second.of;
    }
    const std::optional<std::string> id = co_await shared_->find(looked_up);
    if (!id) co_return std::nullopt;
    std::optional<user> found = co_await lookup_(*id);
    co_return found;
}

asio::awaitable<std::string> sessions::end(std::string secret) {
    const std::string ended = std::move(secret);
    if (shared_ == nullptr)
        all_.erase(ended);
    else if (!ended.empty())
        co_await shared_->end(ended);
    co_return cookie({}, std::chrono::seconds(0));
}

void sessions::make_room_for(const std::string& user) {
    std::size_t count = 0;
    auto oldest = all_.end();
    for (auto i = all_.begin(); i != all_.end(); ++i) {
        if (i->second.of.id != user) continue;
        ++count;
        if (oldest == all_.end() || i->second.expires < oldest->second.expires) oldest = i;
    }
    if (count >= max_per_user) all_.erase(oldest);
}

void sessions::forget_expired(steady::time_point now) {
    std::erase_if(all_, [now](const auto& each) { return each.second.expires <= now; });
}

std::string sessions::cookie(std::string_view value, std::chrono::seconds age) const {
    std::string text(cookie_name);
    text.append("=").append(value).append("; Path=/; HttpOnly; SameSite=Strict; Max-Age=");
    text += std::to_string(age.count());
    if (secure_) text += "; Secure";
    return text;
}

}  // namespace corun::gateway
