#include "http_call.hpp"

#include <asio/redirect_error.hpp>
#include <asio/steady_timer.hpp>
#include <asio/this_coro.hpp>
#include <asio/use_awaitable.hpp>

#include <algorithm>
#include <optional>
#include <utility>

namespace corun::detail {
namespace {

/// Gathers a response and wakes who waits for it.
class collector final : public net::sink {
public:
    collector(asio::any_io_executor executor, std::shared_ptr<net::clock> clock, call_limits limits)
        : done_(std::move(executor)),
          clock_(std::move(clock)),
          limits_(limits),
          started_(clock_->now()),
          last_activity_(started_) {
        done_.expires_at(asio::steady_timer::time_point::max());
    }

    void on_head(net::response_head head) noexcept override {
        last_activity_ = clock_->now();
        response.head = std::move(head);
    }

    void on_bytes(std::string_view bytes) noexcept override {
        last_activity_ = clock_->now();
        if (response.truncated) return;
        const std::size_t room = limits_.max_bytes - response.body.size();
        if (bytes.size() > room) {
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
    }

    void on_done(std::error_code code, std::string text) noexcept override { finish(code, std::move(text)); }

    void finish(std::error_code code, std::string text) noexcept {
        if (finished) return;
        finished = true;
        failure = code;
        detail = std::move(text);
        done_.cancel();
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

    asio::steady_timer& done() noexcept { return done_; }

    http_response response;
    std::error_code failure;
    std::string detail;
    bool finished = false;

private:
    asio::steady_timer done_;
    std::unique_ptr<net::timer> deadline_;
    std::shared_ptr<net::clock> clock_;
    call_limits limits_;
    net::time_point started_, last_activity_;
};

}  // namespace

asio::awaitable<http_response> http_call(std::shared_ptr<net::transport> transport, std::shared_ptr<net::clock> clock,
                                         net::request what, call_limits limits) {
    auto executor = co_await asio::this_coro::executor;
    auto receiver = std::make_shared<collector>(executor, std::move(clock), limits);
    std::unique_ptr<net::transfer> transfer = transport->start(std::move(what), *receiver);
    collector::watch(receiver);
    while (!receiver->finished) {
        std::error_code woken;
        co_await receiver->done().async_wait(asio::redirect_error(asio::use_awaitable, woken));
        const auto state = co_await asio::this_coro::cancellation_state;
        if (state.cancelled() != asio::cancellation_type::none) throw std::system_error(asio::error::operation_aborted);
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
