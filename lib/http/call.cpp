#include "http/call.hpp"

#include "async/cancellation.hpp"
#include "async/wakeup.hpp"
#include <corun/error.hpp>

#include <asio/this_coro.hpp>

#include <algorithm>
#include <optional>
#include <utility>

namespace corun::detail {
namespace {

bool is_success(const net::response_head& head) noexcept {
    return head.status >= 200 && head.status < 300;
}

/// Whether the end of the body can be told from a broken connection (RFC 9112, 6.3).
bool has_body_length(const net::response_head& head) noexcept {
    return head.status == 204 || !head.field("content-length").empty() || !head.field("transfer-encoding").empty();
}

/// Gathers a response, and wakes the coroutine that waits for it.
class response_collector final : public net::sink {
public:
    response_collector(asio::any_io_executor executor, std::shared_ptr<net::clock> clock, call_limits limits,
                       const call_handlers& handlers)
        : changed_(std::move(executor)),
          clock_(std::move(clock)),
          limits_(limits),
          started_(clock_->now()),
          last_activity_(started_),
          streams_body_(handlers.on_body || handlers.on_part),
          ends_by_itself_(static_cast<bool>(handlers.on_part)) {}

    void on_sent(std::uint64_t bytes) noexcept override {
        last_activity_ = clock_->now();
        sent = bytes;
        changed_.notify();
    }

    void on_head(net::response_head head) noexcept override {
        last_activity_ = clock_->now();
        response.head = std::move(head);
        if (streams_body() && !ends_by_itself_ && !has_body_length(response.head))
            finish(errc::bad_response, "it has neither Content-Length nor Transfer-Encoding");
    }

    void on_bytes(std::string_view bytes) noexcept override {
        if (!ends_by_itself_) last_activity_ = clock_->now();
        if (finished) return;
        const std::size_t room = limits_.max_bytes - response.body.size();
        if (bytes.size() > room && !streams_body()) {
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
        if (!streams_body()) return;
        if (response.body.size() > limits_.high_water_bytes) transfer->pause();
        changed_.notify();
    }

    void on_done(std::error_code code, std::string detail) noexcept override { finish(code, std::move(detail)); }

    /// Moves the bytes that are to be passed on to `piece`, whose previous content is dropped.
    void take(std::string& piece) noexcept {
        piece.clear();
        if (streams_body()) piece.swap(response.body);
    }

    /// To be called when a piece has been processed, which may have taken a while.
    void resume(body_part processed) noexcept {
        if (processed != body_part::ignored) last_activity_ = clock_->now();
        transfer->resume();
    }

    /// Sets the timer for the nearest limit. It checks again when it expires, so that bytes do not set a timer.
    static void watch(const std::shared_ptr<response_collector>& self) {
        std::optional<net::time_point> deadline;
        if (self->limits_.idle.count() > 0) deadline = self->last_activity_ + self->limits_.idle;
        if (self->limits_.total.count() > 0) {
            const auto end = self->started_ + self->limits_.total;
            deadline = deadline ? std::min(*deadline, end) : end;
        }
        if (!deadline) return;
        const net::time_point now = self->clock_->now();
        if (now >= *deadline) {
            const bool total = self->limits_.total.count() > 0 && now >= self->started_ + self->limits_.total;
            self->finish(total ? errc::total_timeout : errc::idle_timeout, {});
            return;
        }
        if (!self->timer_) self->timer_ = self->clock_->make_timer();
        self->timer_->expires_at(*deadline, [weak = std::weak_ptr<response_collector>(self)] {
            if (auto alive = weak.lock(); alive && !alive->finished) watch(alive);
        });
    }

    /// Completes when something has changed.
    [[nodiscard]] auto wait() { return changed_.wait(); }

    net::transfer* transfer = nullptr;
    http_response response;
    std::optional<std::uint64_t> sent;
    std::error_code failure;
    std::string message;
    bool finished = false;

private:
    [[nodiscard]] bool streams_body() const noexcept { return streams_body_ && is_success(response.head); }

    void finish(std::error_code code, std::string detail) noexcept {
        if (finished) return;
        finished = true;
        failure = code;
        message = std::move(detail);
        changed_.notify();
    }

    wakeup changed_;
    std::unique_ptr<net::timer> timer_;
    std::shared_ptr<net::clock> clock_;
    call_limits limits_;
    net::time_point started_, last_activity_;
    bool streams_body_, ends_by_itself_;
};

body_part pass_on(const call_handlers& handlers, const net::response_head& head, std::string_view piece) {
    if (handlers.on_part) return handlers.on_part(head, piece);
    handlers.on_body(piece);
    return body_part::progress;
}

error failure_of(response_collector& receiver) {
    diagnostics details;
    details.message = std::move(receiver.message);
    details.status = receiver.response.head.status;
    // Only a run can end prematurely; a call has lost its connection.
    if (receiver.failure == errc::premature_eof) return error(errc::connection_lost, std::move(details));
    return error(receiver.failure, std::move(details));
}

}  // namespace

asio::awaitable<http_response> http_call(std::shared_ptr<net::transport> transport, std::shared_ptr<net::clock> clock,
                                         net::request request, call_limits limits, call_handlers handlers) {
    auto executor = co_await asio::this_coro::executor;
    auto receiver = std::make_shared<response_collector>(executor, std::move(clock), limits, handlers);
    std::unique_ptr<net::transfer> transfer = transport->start(std::move(request), *receiver);
    receiver->transfer = transfer.get();
    response_collector::watch(receiver);
    const asio::cancellation_state state = co_await asio::this_coro::cancellation_state;
    std::optional<std::uint64_t> reported;
    std::string piece;
    while (true) {
        if (is_cancelled(state)) throw std::system_error(asio::error::operation_aborted);
        if (handlers.on_sent && receiver->sent != reported) {
            reported = receiver->sent;
            handlers.on_sent(*reported);
        }
        receiver->take(piece);
        if (!piece.empty()) {
            const body_part processed = pass_on(handlers, receiver->response.head, piece);
            if (processed == body_part::last) co_return std::move(receiver->response);
            receiver->resume(processed);
            continue;
        }
        if (receiver->finished) break;
        co_await receiver->wait();
    }
    // Before `receiver` is destroyed: a response that a limit has cut short is still arriving.
    transfer.reset();
    if (receiver->failure) throw failure_of(*receiver);
    co_return std::move(receiver->response);
}

}  // namespace corun::detail
