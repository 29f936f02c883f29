#include "identity/sources.hpp"
#include <corun/credential.hpp>

#include <utility>
#include <variant>

namespace corun {

struct credential::state {
    using function = handler<secret>;
    using any_source = std::variant<secret, function, token_provider>;

    explicit state(any_source s, bool key = false) : source(std::move(s)), is_api_key(key) {}

    any_source source;
    bool is_api_key;
};

credential::credential() = default;

credential::credential(token_provider tokens) : state_(std::make_shared<const state>(std::move(tokens))) {}

credential credential::bearer(secret token) {
    credential result;
    result.state_ = std::make_shared<const state>(std::move(token));
    return result;
}

credential credential::api_key(secret key) {
    credential result;
    result.state_ = std::make_shared<const state>(std::move(key), true);
    return result;
}

credential credential::callback(handler<secret> get_token) {
    credential result;
    result.state_ = std::make_shared<const state>(std::move(get_token));
    return result;
}

credential::operator bool() const noexcept {
    return state_ != nullptr;
}

asio::awaitable<secret> credential::token() const {
    // A member coroutine would have to outlive this object, which is often a temporary.
    return [](std::shared_ptr<const credential::state> self) -> asio::awaitable<secret> {
        secret token;
        if (!self) co_return token;
        if (const auto* fixed = std::get_if<secret>(&self->source))
            token = *fixed;
        else if (const auto* provider = std::get_if<token_provider>(&self->source))
            token = co_await provider->token();
        else
            token = co_await std::get<state::function>(self->source)();
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

credential environment_credential(asio::any_io_executor executor, identity_options options) {
    const auto context = identity::make_context(std::move(executor), std::move(options));
    return identity::make_provider(context, identity::environment(context));
}

credential workload_identity_credential(asio::any_io_executor executor, identity_options options) {
    const auto context = identity::make_context(std::move(executor), std::move(options));
    return identity::make_provider(context, identity::workload_identity(context));
}

credential managed_identity_credential(asio::any_io_executor executor, identity_options options) {
    const auto context = identity::make_context(std::move(executor), std::move(options));
    return identity::make_provider(context, identity::managed_identity(context, context->options.client_id, false));
}

credential azure_cli_credential(asio::any_io_executor executor, identity_options options) {
    const auto context = identity::make_context(std::move(executor), std::move(options));
    return identity::make_provider(context, identity::azure_cli(context));
}

credential default_credential(asio::any_io_executor executor, identity_options options) {
    const auto context = identity::make_context(std::move(executor), std::move(options));
    return identity::make_provider(context, identity::azure_default(context));
}

}  // namespace corun
