#include "gateway/sessions.hpp"

#include "text/random.hpp"

#include <utility>

namespace corun::gateway {

std::string sessions::begin(user of, steady::time_point now) {
    std::size_t count = 0;
    auto oldest = all_.end();
    for (auto i = all_.begin(); i != all_.end(); ++i) {
        if (i->second.of.id != of.id) continue;
        ++count;
        if (oldest == all_.end() || i->second.expires < oldest->second.expires) oldest = i;
    }
    if (count >= max_per_user) all_.erase(oldest);
    std::string id = detail::random_hex(48);
    all_.emplace(id, session{std::move(of), now + lifetime_});
    return cookie(id, std::chrono::duration_cast<std::chrono::seconds>(lifetime_));
}

std::optional<user> sessions::find(std::string_view id, steady::time_point now) const {
    const auto found = all_.find(id);
    if (id.empty() || found == all_.end() || found->second.expires <= now) return {};
    return found->second.of;
}

std::string sessions::end(std::string_view id) {
    if (const auto found = all_.find(id); found != all_.end()) all_.erase(found);
    return cookie({}, std::chrono::seconds(0));
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
