#include <corun/credential.hpp>

#include <utility>
#include <variant>

namespace corun {

struct credential::state {
    explicit state(secret token) : source(std::move(token)) {}
    explicit state(std::function<asio::awaitable<secret>()> get_token) : source(std::move(get_token)) {}

    std::variant<secret, std::function<asio::awaitable<secret>()>> source;
};

credential::credential() = default;

credential credential::bearer(secret token) {
    credential made;
    made.state_ = std::make_shared<const state>(std::move(token));
    return made;
}

credential credential::callback(std::function<asio::awaitable<secret>()> get_token) {
    credential made;
    made.state_ = std::make_shared<const state>(std::move(get_token));
    return made;
}

credential::operator bool() const noexcept {
    return state_ != nullptr;
}

asio::awaitable<secret> credential::token() const {
    // A coroutine of its own would have to outlive this object, which is often a temporary.
    return [](std::shared_ptr<const state> from) -> asio::awaitable<secret> {
        secret token;
        if (!from) co_return token;
        if (const auto* text = std::get_if<secret>(&from->source))
            token = *text;
        else
            token = co_await std::get<std::function<asio::awaitable<secret>()>>(from->source)();
        co_return token;
    }(state_);
}

}  // namespace corun
