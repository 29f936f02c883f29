#include <corun/credential.hpp>

#include <utility>
#include <variant>

namespace corun {

struct credential::state {
    using function = std::function<asio::awaitable<secret>()>;
    using any_source = std::variant<secret, function, token_provider>;

    explicit state(any_source from, bool key = false) : source(std::move(from)), is_api_key(key) {}

    any_source source;
    bool is_api_key;
};

credential::credential() = default;

credential::credential(token_provider tokens) : state_(std::make_shared<const state>(std::move(tokens))) {}

credential credential::bearer(secret token) {
    credential made;
    made.state_ = std::make_shared<const state>(std::move(token));
    return made;
}

credential credential::api_key(secret key) {
    credential made;
    made.state_ = std::make_shared<const state>(std::move(key), true);
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
        else if (const auto* provider = std::get_if<token_provider>(&from->source))
            token = co_await provider->token();
        else
            token = co_await std::get<state::function>(from->source)();
        co_return token;
    }(state_);
}

bool credential::is_api_key() const noexcept {
    return state_ && state_->is_api_key;
}

bool credential::can_refresh() const noexcept {
    return state_ && std::holds_alternative<token_provider>(state_->source);
}

void credential::invalidate(const secret& rejected) const noexcept {
    if (can_refresh()) std::get<token_provider>(state_->source).invalidate(rejected);
}

}  // namespace corun
