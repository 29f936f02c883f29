#include "http/call.hpp"

#include <asio/redirect_error.hpp>
#include <asio/steady_timer.hpp>
#include <asio/this_coro.hpp>
#include <asio/use_awaitable.hpp>

#include <algorithm>
#include <optional>
#include <utility>

namespace corun::detail {
namespace {

bool is_success(const net::response_head& head) noexcept {
    return head.status >= 200 && head.status < 300;
}

/// Whether the end of a body can be told from a connection that broke (RFC 9112, 6.3).
bool says_where_it_ends(const net::response_head& head) noexcept {
    return head.status == 204 || !head.field("content-length").empty() || !head.field("transfer-encoding").empty();
}

/// Gathers a response and wakes who waits for it.
class collector final : public net::sink {
public:
    collector(asio::any_io_executor executor, std::shared_ptr<net::clock> clock, call_limits limits, bool hands_on)
        : wake_up_(std::move(executor)),
          clock_(std::move(clock)),
          limits_(limits),
          started_(clock_->now()),
          last_activity_(started_),
          hands_on_(hands_on) {
        wake_up_.expires_at(asio::steady_timer::time_point::max());
    }

    void on_sent(std::uint64_t bytes) noexcept override {
        last_activity_ = clock_->now();
        sent = bytes;
        wake_up_.cancel();
    }

    void on_head(net::response_head head) noexcept override {
        last_activity_ = clock_->now();
        response.head = std::move(head);
        if (handing_on() && !says_where_it_ends(response.head))
            finish(errc::bad_response, "the response does not say where it ends");
    }

    void on_bytes(std::string_view bytes) noexcept override {
        last_activity_ = clock_->now();
        if (response.truncated || finished) return;
        const std::size_t room = limits_.max_bytes - response.body.size();
        if (bytes.size() > room && !handing_on()) {
            bytes = bytes.substr(0, room);
            response.truncated = true;
        }
        try {
            response.body.append(bytes);
        } catch (...) {
            finish(std::make_error_code(std::errc::not_enough_memory), {});
            return;
        }
        if (response.truncated) finish({}, {});
        if (!handing_on()) return;
        if (response.body.size() > limits_.high_water_bytes) transfer->pause();
        wake_up_.cancel();
    }

    void on_done(std::error_code code, std::string text) noexcept override { finish(code, std::move(text)); }

    void finish(std::error_code code, std::string text) noexcept {
        if (finished) return;
        finished = true;
        failure = code;
        detail = std::move(text);
        wake_up_.cancel();
    }

    [[nodiscard]] bool handing_on() const noexcept { return hands_on_ && is_success(response.head); }

    /// What has come of a body that is handed on, swapped for an empty `piece`.
    void take(std::string& piece) noexcept {
        piece.clear();
        if (handing_on()) piece.swap(response.body);
    }

    /// To be called when a piece has been dealt with, which may have taken its time.
    void go_on() noexcept {
        last_activity_ = clock_->now();
        transfer->resume();
    }

    /// Arms `deadline` for the nearest limit; each time it fires it looks again, so that bytes cost no timer.
    static void watch(const std::shared_ptr<collector>& self) {
        std::optional<net::time_point> when;
        if (self->limits_.idle.count() > 0) when = self->last_activity_ + self->limits_.idle;
        if (self->limits_.total.count() > 0) {
            const auto end = self->started_ + self->limits_.total;
            when = when ? std::min(*when, end) : end;
        }
        if (!when) return;
        const net::time_point now = self->clock_->now();
        if (now >= *when) {
            const bool total = self->limits_.total.count() > 0 && now >= self->started_ + self->limits_.total;
            self->finish(total ? errc::total_timeout : errc::idle_timeout, {});
            return;
        }
        if (!self->deadline_) self->deadline_ = self->clock_->make_timer();
        self->deadline_->expires_at(*when, [weak = std::weak_ptr<collector>(self)] {
            if (auto alive = weak.lock(); alive && !alive->finished) watch(alive);
        });
    }

    asio::steady_timer& wake_up() noexcept { return wake_up_; }

    net::transfer* transfer = nullptr;
    http_response response;
    std::optional<std::uint64_t> sent;
    std::error_code failure;
    std::string detail;
    bool finished = false;

private:
    asio::steady_timer wake_up_;
    std::unique_ptr<net::timer> deadline_;
    std::shared_ptr<net::clock> clock_;
    call_limits limits_;
    net::time_point started_, last_activity_;
    bool hands_on_;
};

}  // namespace

asio::awaitable<http_response> http_call(std::shared_ptr<net::transport> transport, std::shared_ptr<net::clock> clock,
                                         net::request what, call_limits limits, call_handlers handlers) {
    auto executor = co_await asio::this_coro::executor;
    const bool hands_on = static_cast<bool>(handlers.on_body);
    auto receiver = std::make_shared<collector>(executor, std::move(clock), limits, hands_on);
    std::unique_ptr<net::transfer> transfer = transport->start(std::move(what), *receiver);
    receiver->transfer = transfer.get();
    collector::watch(receiver);
    const auto state = co_await asio::this_coro::cancellation_state;
    std::optional<std::uint64_t> told;
    std::string piece;
    while (true) {
        if (state.cancelled() != asio::cancellation_type::none) throw std::system_error(asio::error::operation_aborted);
        if (handlers.on_sent && receiver->sent != told) {
            told = receiver->sent;
            handlers.on_sent(*told);
        }
        receiver->take(piece);
        if (!piece.empty()) {
            handlers.on_body(piece);
            receiver->go_on();
            continue;
        }
        if (receiver->finished) break;
        std::error_code woken;
        co_await receiver->wake_up().async_wait(asio::redirect_error(asio::use_awaitable, woken));
    }
    // Before `receiver`, and whatever happened: a response cut short by a limit is still coming in.
    transfer.reset();
    if (receiver->failure) {
        diagnostics details;
        details.message = std::move(receiver->detail);
        details.status = receiver->response.head.status;
        // A call has no run that could have ended early.
        const bool cut = receiver->failure == errc::premature_eof;
        throw error(cut ? std::error_code(errc::connection_lost) : receiver->failure, std::move(details));
    }
    co_return std::move(receiver->response);
}

}  // namespace corun::detail
