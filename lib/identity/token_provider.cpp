#include "async/attempt.hpp"
#include "async/cancellation.hpp"
#include "async/task.hpp"
#include "identity/bearer.hpp"
#include <corun/error.hpp>
#include <corun/token_provider.hpp>

#include <asio/this_coro.hpp>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <utility>
#include <vector>

namespace corun {
namespace {

using time_point = std::chrono::system_clock::time_point;

/// How long before a token expires it is refreshed.
constexpr std::chrono::minutes refresh_margin{5};
/// The delay after a fetch that failed while the cached token is valid.
constexpr std::chrono::seconds retry_delay{30};

/// Counts the coroutines that wait, including those that are destroyed while waiting.
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
                                            mcp_header_request request) {
    mcp_headers headers;
    for (const std::string& label : request.server_labels) {
        const auto found = by_label->find(label);
        if (found == by_label->end()) continue;
        if (request.why == mcp_header_request::occasion::rejected_token) found->second.invalidate();
        const secret token = co_await found->second.token();
        headers.set(label, "Authorization", identity::bearer_authorization(token));
    }
    co_return headers;
}

}  // namespace

identity_options::identity_options()
    : environment([](const std::string& name) {
          const char* value = std::getenv(name.c_str());
          return std::string(value ? value : "");
      }),
      clock([] { return std::chrono::system_clock::now(); }) {}

access_token::access_token(secret v, time_point e) : value(std::move(v)), expires_at(e) {}

struct token_provider::state {
    state(asio::any_io_executor e, token_handler f, clock c)
        : executor(std::move(e)), fetch(std::move(f)), now(std::move(c)) {
        if (!now) now = [] { return std::chrono::system_clock::now(); };
    }

    using refreshing = detail::task<bool>;

    static asio::awaitable<secret> token(std::shared_ptr<state> self);
    static asio::awaitable<access_token> fetch_valid(std::shared_ptr<state> self);
    static asio::awaitable<bool> refresh(std::shared_ptr<state> self, std::uint64_t generation);

    [[nodiscard]] bool is_valid(time_point time) const noexcept {
        return !cached.value.empty() && time < cached.expires_at;
    }

    asio::any_io_executor executor;
    token_handler fetch;
    clock now;
    access_token cached;
    time_point refresh_at;
    std::shared_ptr<refreshing> refresh_task;
    std::uint64_t generation = 0;  ///< Of the current refresh.
    std::shared_ptr<int> waiters = std::make_shared<int>(0);
};

asio::awaitable<secret> token_provider::state::token(std::shared_ptr<state> self) {
    const time_point now = self->now();
    if (self->is_valid(now) && now < self->refresh_at) co_return self->cached.value;
    if (!self->refresh_task) self->refresh_task = refreshing::start(self->executor, refresh(self, ++self->generation));
    const std::shared_ptr<refreshing> awaited = self->refresh_task;
    const waiter counted(self->waiters);
    detail::result<bool> refreshed = co_await detail::attempt(refreshing::outcome_of_shielded(awaited));
    const asio::cancellation_state state = co_await asio::this_coro::cancellation_state;
    if (detail::is_cancelled(state)) {
        if (*self->waiters == 1 && self->refresh_task == awaited) {
            ++self->generation;
            self->refresh_task.reset();
            awaited->cancel();
        }
        throw std::system_error(asio::error::operation_aborted);
    }
    if (!self->is_valid(self->now())) (void)refreshed.take();
    co_return self->cached.value;
}

asio::awaitable<access_token> token_provider::state::fetch_valid(std::shared_ptr<state> self) {
    access_token fresh = co_await self->fetch();
    if (fresh.value.empty()) throw error(errc::credential_failed, "the fetched token is empty");
    if (fresh.expires_at <= self->now())
        throw error(errc::credential_failed, "the fetched token has expired already; check this machine's clock");
    co_return fresh;
}

asio::awaitable<bool> token_provider::state::refresh(std::shared_ptr<state> self, std::uint64_t generation) {
    detail::result<access_token> fetched = co_await detail::attempt(fetch_valid(self));
    const time_point now = self->now();
    // Abandoned meanwhile: nobody waits for its token.
    if (self->generation != generation) co_return false;
    self->refresh_task.reset();
    if (!fetched.has_value()) self->refresh_at = now + retry_delay;
    access_token fresh = fetched.take();
    const time_point::duration left = fresh.expires_at - now;
    self->refresh_at = fresh.expires_at - std::min<time_point::duration>(refresh_margin, left / 2);
    self->cached = std::move(fresh);
    co_return true;
}

token_provider::token_provider() = default;

token_provider::token_provider(asio::any_io_executor executor, token_handler fetch, clock now)
    : state_(std::make_shared<state>(std::move(executor), std::move(fetch), std::move(now))) {}

asio::awaitable<secret> token_provider::token() const {
    if (!state_) throw error(errc::credential_failed, "the token provider is empty");
    return state::token(state_);
}

void token_provider::invalidate() const noexcept {
    if (state_) state_->cached = access_token();
}

void token_provider::invalidate(const secret& rejected) const noexcept {
    if (state_ && state_->cached.value == rejected) invalidate();
}

mcp_header_provider mcp_bearer_tokens(std::map<std::string, token_provider> by_label) {
    auto shared = std::make_shared<const std::map<std::string, token_provider>>(std::move(by_label));
    return
        [shared = std::move(shared)](mcp_header_request request) { return bearer_headers(shared, std::move(request)); };
}

}  // namespace corun
