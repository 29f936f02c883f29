#include "run_stream.hpp"

#include <asio/post.hpp>
#include <asio/redirect_error.hpp>
#include <asio/this_coro.hpp>
#include <asio/use_awaitable.hpp>

#include <algorithm>

namespace corun::detail {
namespace {

run::limits limits_of(const client_options& client, const stream_options& stream) noexcept {
    run::limits bounds;
    bounds.idle = stream.idle_timeout;
    bounds.total = stream.total_timeout;
    bounds.high_water_bytes = client.high_water_bytes;
    return bounds;
}

}  // namespace

run_stream::run_stream(std::shared_ptr<service> owner, redactor secrets, reconcile_report report, stream_options limits)
    : service_(std::move(owner)),
      secrets_(std::move(secrets)),
      machine_(limits_of(service_->options, limits), service_->clock->now()),
      parser_(service_->options.max_event_bytes),
      report_(std::move(report)),
      arrival_(service_->executor, asio::steady_timer::time_point::max()) {}

asio::awaitable<event_stream> run_stream::open(std::shared_ptr<service> owner, std::string path, secret body,
                                               redactor secrets, reconcile_report report, stream_options limits) {
    outgoing what =
        co_await service::make_request(owner, "POST", std::move(path), {}, std::move(body), std::move(secrets));
    what.request.streams = true;
    auto self = std::make_shared<run_stream>(std::move(owner), std::move(what.secrets), std::move(report), limits);
    // Owns the transfer until the caller has the stream: if this coroutine is destroyed or cancelled, it stops.
    event_stream stream(self);
    self->transfer_ = self->service_->transport->start(std::move(what.request), *self);
    self->watch();
    while (!self->machine_.over() && self->response_ != response::events) {
        self->waiting_ = true;
        std::error_code woken;
        co_await self->arrival_.async_wait(asio::redirect_error(asio::use_awaitable, woken));
        self->waiting_ = false;
        const auto state = co_await asio::this_coro::cancellation_state;
        if (state.cancelled() != asio::cancellation_type::none) throw std::system_error(asio::error::operation_aborted);
    }
    if (self->response_ == response::refusal) throw self->refusal();
    if (self->response_ == response::none) throw self->failure();
    co_return stream;
}

// The caller's side.

bool run_stream::ready() const noexcept {
    return abandoned_ || !more_.empty() || !queue_.empty() || machine_.over();
}

asio::awaitable<std::optional<event>> run_stream::next(std::shared_ptr<run_stream> self, std::error_code* code) {
    std::optional<event> taken;
    if (code) code->clear();
    const auto state = co_await asio::this_coro::cancellation_state;
    bool switched = false;
    while (!self->ready() && state.cancelled() == asio::cancellation_type::none) {
        self->waiting_ = true;
        std::error_code woken;
        co_await self->arrival_.async_wait(asio::redirect_error(asio::use_awaitable, woken));
        self->waiting_ = false;
        switched = true;
    }
    // Whoever may cancel this call may also drop what it gave, if it completes in another turn of
    // the executor than the one in which the event was taken: `stream.next() || timer` would lose
    // events. So let that turn come first.
    if (!switched && state.slot().is_connected() && state.cancelled() == asio::cancellation_type::none)
        co_await asio::post(self->service_->executor, asio::use_awaitable);
    std::error_code failed;
    if (state.cancelled() != asio::cancellation_type::none) {
        failed = asio::error::operation_aborted;
    } else {
        taken = self->pop();
        if (taken) co_return taken;
        failed = self->abandoned_ ? std::error_code(asio::error::operation_aborted) : self->machine_.failure();
    }
    if (!failed) co_return taken;
    if (!code) {
        if (failed == asio::error::operation_aborted) throw std::system_error(failed);
        throw self->failure();
    }
    *code = failed;
    co_return taken;
}

std::optional<event> run_stream::try_next() {
    return pop();
}

std::optional<event> run_stream::pop() {
    std::optional<event> taken;
    if (abandoned_) return taken;
    if (!more_.empty()) {
        taken = std::move(more_.back());
        more_.pop_back();
        return taken;
    }
    if (queue_.empty()) return taken;
    taken.emplace();
    std::string problem;
    const std::error_code code = service_->decoder.decode(queue_.pop(), *taken, more_, problem);
    if (code) {
        // What came before it has been delivered; what came after it cannot be trusted.
        taken.reset();
        while (!queue_.empty()) (void)queue_.pop();
        details_.message = secrets_.redacted(problem);
        machine_.fail_earlier(code);
        act();
        return taken;
    }
    if (!more_.empty()) std::reverse(more_.begin(), more_.end());
    if (const auto* said = taken->get_if<stream_error>()) {
        details_.service_code = said->code.empty() ? said->type : said->code;
        details_.service_message = said->message;
        secrets_.redact(details_);
    }
    if (machine_.paused()) {
        machine_.backlog_changed(queue_.bytes(), service_->clock->now());
        act();
    }
    return taken;
}

asio::awaitable<void> run_stream::cancel_run(std::shared_ptr<run_stream> self) {
    std::string path = path_of("/threads", self->thread_id_, "the stream's thread id");
    path += path_of("/runs", self->run_id_, "the stream's run id");
    path += "/cancel";
    (void)co_await service::call(self->service_, "POST", std::move(path), {}, {}, self->secrets_);
}

void run_stream::abandon() noexcept {
    if (abandoned_) return;
    abandoned_ = true;
    if (transfer_ && !transfer_over_ && machine_.over() && machine_.reading() && !machine_.paused()) {
        // The run has ended and the end of its response is on its way: once that is read, the
        // connection can be used again. The timer's call keeps this object until then.
        deadline_->expires_at(*machine_.deadline(), [self = shared_from_this()] { self->transfer_.reset(); });
    } else {
        transfer_.reset();
        deadline_.reset();
    }
    wake();
}

// The transport's side.

void run_stream::on_head(net::response_head head) noexcept {
    machine_.bytes_arrived(service_->clock->now());
    head_ = std::move(head);
    details_.status = head_.status;
    const bool success = head_.status >= 200 && head_.status < 300;
    const bool events = success && equal_ignoring_case(head_.media_type(), "text/event-stream");
    response_ = events ? response::events : response::refusal;
    try {
        details_.request_id = secrets_.redacted(request_id_of(head_));
    } catch (...) {
        fail(std::make_error_code(std::errc::not_enough_memory), {});
    }
    if (events) wake();
}

void run_stream::on_bytes(std::string_view bytes) noexcept {
    if (machine_.over()) return;
    const net::time_point now = service_->clock->now();
    machine_.bytes_arrived(now);
    try {
        if (response_ == response::refusal)
            gather(bytes);
        else
            take_events(bytes);
    } catch (...) {
        fail(std::make_error_code(std::errc::not_enough_memory), {});
    }
    machine_.backlog_changed(queue_.bytes(), now);
    act();
    if (ready()) wake();
}

void run_stream::on_done(std::error_code code, std::string detail) noexcept {
    transfer_over_ = true;
    if (abandoned_) {
        // The timer's call is what keeps this object, and the transfer must not go in the middle of its work.
        asio::post(service_->executor, [last = std::move(deadline_)] {});
        return;
    }
    try {
        if (response_ == response::events && !machine_.over()) {
            // The standard drops an event that no blank line has ended. Services have been seen to
            // leave that line out at the very end, so a whole event is still taken.
            if (const sse::event* last = parser_.finish(); last && !code) {
                run::event_queue scratch;
                scratch.push(last->type, last->data);
                event decoded;
                std::vector<event> more;
                std::string problem;
                const bool whole = !service_->decoder.decode(scratch.pop(), decoded, more, problem);
                // Data of an event that is not known is not looked at: it may be half of it.
                if (whole && !decoded.get_if<unknown>()) take(*last);
            }
        }
        if (code && !machine_.over()) details_.message = secrets_.redacted(detail);
    } catch (...) {
        code = std::make_error_code(std::errc::not_enough_memory);
    }
    machine_.response_ended(code);
    watch();
    wake();
}

void run_stream::take_events(std::string_view bytes) {
    parser_.feed(bytes);
    while (const sse::event* arrived = parser_.next()) take(*arrived);
    if (parser_.error() == sse::parser_error::event_too_large)
        fail(errc::event_too_large,
             "an event is larger than " + std::to_string(service_->options.max_event_bytes) + " bytes");
}

void run_stream::take(const sse::event& arrived) {
    const codec::event_class what = codec::threads::classify(arrived.type, arrived.data);
    const bool wanted = machine_.event_arrived(what);
    // The deadline for the rest of the response is nearer than the one that was set.
    if (what != codec::event_class::ordinary) watch();
    if (!wanted) return;
    if (run_id_.empty()) learn_ids(arrived.type, arrived.data);
    queue_.push(arrived.type, arrived.data);
}

/// So that the run can be cancelled before its first event has been taken.
void run_stream::learn_ids(std::string_view name, std::string_view data) {
    if (!name.starts_with("thread.run.") || name.starts_with("thread.run.step.")) return;
    try {
        const thread_run run = codec::threads::decode_run(data);
        run_id_ = run.id;
        thread_id_ = run.thread_id;
    } catch (const error&) {
        // The event itself is reported when the caller takes it.
    }
}

void run_stream::gather(std::string_view bytes) {
    const std::size_t room = error_body_read - body_.size();
    body_.append(bytes.substr(0, room));
    if (bytes.size() > room) machine_.fail(refusal().code());
}

void run_stream::fail(std::error_code code, std::string detail) noexcept {
    if (machine_.over()) return;
    details_.message = std::move(detail);
    machine_.fail(code);
    act();
    wake();
}

/// Does what the machine says.
void run_stream::act() noexcept {
    if (!transfer_ || transfer_over_) return;
    const bool pause = machine_.paused() || !machine_.reading();
    if (pause != transfer_paused_) {
        transfer_paused_ = pause;
        if (pause) {
            transfer_->pause();
        } else {
            transfer_->resume();
            watch();
        }
    }
    if (machine_.reading()) return;
    // The transfer must not be destroyed here, in the middle of the transport's work.
    asio::post(service_->executor, [weak = weak_from_this()] {
        if (auto self = weak.lock()) self->transfer_.reset();
    });
}

/// Arms the timer for the machine's deadline. When it fires it looks again, so that bytes cost no timer.
void run_stream::watch() {
    const auto when = machine_.deadline();
    if (!when || abandoned_) {
        if (deadline_) deadline_->cancel();
        return;
    }
    if (!deadline_) deadline_ = service_->clock->make_timer();
    deadline_->expires_at(*when, [weak = weak_from_this()] {
        auto self = weak.lock();
        if (!self || self->abandoned_) return;
        self->machine_.time_passed(self->service_->clock->now());
        if (!self->machine_.reading()) self->transfer_.reset();
        if (self->machine_.over()) self->wake();
        self->watch();
    });
}

void run_stream::wake() noexcept {
    if (waiting_) arrival_.cancel();
}

error run_stream::failure() const {
    diagnostics details = details_;
    return error(machine_.failure(), std::move(details));
}

error run_stream::refusal() const {
    return service::error_of(head_, body_, "text/event-stream", secrets_);
}

}  // namespace corun::detail
