#include "async/attempt.hpp"
#include "async/cancellation.hpp"
#include "async/task.hpp"
#include <corun/error.hpp>
#include <corun/token_provider.hpp>

#include <asio/this_coro.hpp>

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

namespace corun {
namespace {

using time_point = std::chrono::system_clock::time_point;

constexpr std::chrono::minutes margin{5};
/// After a fetch that failed while the token kept is good.
constexpr std::chrono::seconds pause_after_failure{30};

/// Counts who waits, also those that are destroyed while they do.
class waiter {
public:
    explicit waiter(std::shared_ptr<int> count) : count_(std::move(count)) { ++*count_; }
    waiter(const waiter&) = delete;
    waiter& operator=(const waiter&) = delete;
    ~waiter() { --*count_; }

private:
    std::shared_ptr<int> count_;
};

asio::awaitable<mcp_headers> bearer_headers(std::shared_ptr<const std::map<std::string, token_provider>> by_label,
                                            mcp_header_request asked) {
    mcp_headers given;
    for (const std::string& label : asked.server_labels) {
        const auto found = by_label->find(label);
        if (found == by_label->end()) continue;
        if (asked.why == mcp_header_request::occasion::rejected_token) found->second.invalidate();
        const secret token = co_await found->second.token();
        std::string value = "Bearer ";
        value.reserve(value.size() + token.size());
        value.append(token.reveal());
        given.set(label, "Authorization", secret(std::move(value)));
    }
    co_return given;
}

}  // namespace

access_token::access_token(secret v, time_point e) : value(std::move(v)), expires_at(e) {}

struct token_provider::state {
    state(asio::any_io_executor e, std::function<asio::awaitable<access_token>()> f, clock c)
        : executor(std::move(e)), fetch(std::move(f)), now(std::move(c)) {
        if (!now) now = [] { return std::chrono::system_clock::now(); };
    }

    using refreshing = detail::task<bool>;

    static asio::awaitable<secret> token(std::shared_ptr<state> self);
    static asio::awaitable<access_token> fetch_valid(std::shared_ptr<state> self);
    static asio::awaitable<bool> refresh(std::shared_ptr<state> self, std::uint64_t mine);

    [[nodiscard]] bool is_good(time_point at) const noexcept { return !kept.value.empty() && at < kept.expires_at; }

    asio::any_io_executor executor;
    std::function<asio::awaitable<access_token>()> fetch;
    clock now;
    access_token kept;
    time_point refresh_at;
    std::shared_ptr<refreshing> refresh_under_way;
    std::uint64_t generation = 0;  ///< Of the refresh that counts.
    std::shared_ptr<int> waiters = std::make_shared<int>(0);
};

asio::awaitable<secret> token_provider::state::token(std::shared_ptr<state> self) {
    const time_point at = self->now();
    if (self->is_good(at) && at < self->refresh_at) co_return self->kept.value;
    if (!self->refresh_under_way)
        self->refresh_under_way = refreshing::start(self->executor, refresh(self, ++self->generation));
    const std::shared_ptr<refreshing> awaited = self->refresh_under_way;
    const waiter counted(self->waiters);
    detail::result<bool> refreshed = co_await detail::attempt(refreshing::outcome_of_shielded(awaited));
    const asio::cancellation_state state = co_await asio::this_coro::cancellation_state;
    if (detail::is_cancelled(state)) {
        if (*self->waiters == 1 && self->refresh_under_way == awaited) {
            ++self->generation;
            self->refresh_under_way.reset();
            awaited->cancel();
        }
        throw std::system_error(asio::error::operation_aborted);
    }
    if (!self->is_good(self->now())) (void)refreshed.take();
    co_return self->kept.value;
}

asio::awaitable<access_token> token_provider::state::fetch_valid(std::shared_ptr<state> self) {
    access_token fresh = co_await self->fetch();
    if (fresh.value.empty()) throw error(errc::credential_failed, "an empty token came");
    if (fresh.expires_at <= self->now())
        throw error(errc::credential_failed, "the token that came has expired already, by this machine's clock");
    co_return fresh;
}

asio::awaitable<bool> token_provider::state::refresh(std::shared_ptr<state> self, std::uint64_t mine) {
    detail::result<access_token> fetched = co_await detail::attempt(fetch_valid(self));
    const time_point now = self->now();
    // Nobody waits for one that does not count.
    if (self->generation != mine) co_return false;
    self->refresh_under_way.reset();
    if (!fetched.has_value()) self->refresh_at = now + pause_after_failure;
    access_token fresh = fetched.take();
    const time_point::duration left = fresh.expires_at - now;
    self->refresh_at = fresh.expires_at - std::min<time_point::duration>(margin, left / 2);
    self->kept = std::move(fresh);
    co_return true;
}

token_provider::token_provider() = default;

token_provider::token_provider(asio::any_io_executor executor, std::function<asio::awaitable<access_token>()> fetch,
                               clock now)
    : state_(std::make_shared<state>(std::move(executor), std::move(fetch), std::move(now))) {}

asio::awaitable<secret> token_provider::token() const {
    if (!state_) throw error(errc::credential_failed, "the token provider is empty");
    return state::token(state_);
}

void token_provider::invalidate() const noexcept {
    if (state_) state_->kept = access_token();
}

void token_provider::invalidate(const secret& rejected) const noexcept {
    if (state_ && state_->kept.value == rejected) invalidate();
}

mcp_header_provider mcp_bearer_tokens(std::map<std::string, token_provider> by_label) {
    auto shared = std::make_shared<const std::map<std::string, token_provider>>(std::move(by_label));
    return [shared = std::move(shared)](mcp_header_request asked) { return bearer_headers(shared, std::move(asked)); };
}

}  // namespace corun
