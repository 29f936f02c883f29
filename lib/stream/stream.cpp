#include "stream/stream.hpp"

#include "http/retry_after.hpp"
#include "text/escape.hpp"
#include "text/random.hpp"

#include <asio/post.hpp>
#include <asio/redirect_error.hpp>
#include <asio/this_coro.hpp>
#include <asio/use_awaitable.hpp>

#include <algorithm>
#include <utility>

namespace corun::detail {
namespace {

run::limits limits_of(const client_options& client, const stream_options& stream) noexcept {
    run::limits bounds;
    bounds.idle = stream.idle_timeout;
    bounds.event = stream.event_timeout;
    bounds.total = stream.total_timeout;
    bounds.high_water_bytes = client.high_water_bytes;
    bounds.reattachments = stream.reattach.enabled ? stream.reattach.max_reattachments : 0;
    return bounds;
}

}  // namespace

stream_owner::stream_owner(std::shared_ptr<run_stream> stream) noexcept : stream_(std::move(stream)) {}

stream_owner::~stream_owner() {
    if (stream_) stream_->abandon();
}

run_stream::run_stream(std::shared_ptr<run_context> run, std::unique_ptr<run_protocol> protocol, prepared_run& request)
    : run_(std::move(run)),
      api_(run_->api),
      options_(detail::limits_of(*run_)),
      protocol_(std::move(protocol)),
      secrets_(std::move(request.secrets)),
      fsm_(limits_of(api_->options, options_), api_->clock->now()),
      parser_(api_->options.max_event_bytes),
      queue_(api_->event_blocks),
      report_(std::move(request.report)),
      observed_(*run_),
      arrival_(api_->executor, asio::steady_timer::time_point::max()),
      token_restarts_(run_->provider ? 1 : 0),
      rate_limit_restarts_(run_->given.options.rate_limit_restarts),
      rate_limit_delays_(options_.retry) {
    reattaching_.attempt = 0;
}

asio::awaitable<stream_owner> run_stream::open(std::shared_ptr<run_context> run, std::unique_ptr<run_protocol> protocol,
                                               prepared_run request) {
    auto self = std::make_shared<run_stream>(std::move(run), std::move(protocol), request);
    stream_owner stream(self);
    try {
        co_await send(self, std::move(request.call));
    } catch (const std::system_error& failure) {
        self->observe_end(failure.code());
        throw;
    }
    co_return stream;
}

asio::awaitable<stream_owner> run_stream::resume(std::shared_ptr<run_context> run,
                                                 std::unique_ptr<run_protocol> protocol, submission answers) {
    prepared_run nothing_to_send;
    auto self = std::make_shared<run_stream>(std::move(run), std::move(protocol), nothing_to_send);
    stream_owner stream(self);
    self->untouched_ = false;
    self->fsm_.run_known(true);
    (void)self->fsm_.event_arrived(codec::event_class::action);
    try {
        co_await submit(self, std::move(answers));
    } catch (const std::system_error& failure) {
        self->observe_end(failure.code());
        throw;
    }
    co_return stream;
}

// The caller's side.

bool run_stream::ready() const noexcept {
    return abandoned_ || !more_.empty() || !queue_.empty() || fsm_.over();
}

asio::awaitable<std::optional<event>> run_stream::next(std::shared_ptr<run_stream> self, std::error_code* code) {
    std::optional<event> taken;
    if (code) code->clear();
    const auto state = co_await asio::this_coro::cancellation_state;
    bool switched = false;
    while (!self->ready() && state.cancelled() == asio::cancellation_type::none) {
        ++self->waiting_;
        std::error_code woken;
        co_await self->arrival_.async_wait(asio::redirect_error(asio::use_awaitable, woken));
        --self->waiting_;
        switched = true;
    }
    // Whoever may cancel this call may also drop what it gave, if it completes in another turn of
    // the executor than the one in which the event was taken: `stream.next() || timer` would lose
    // events. So let that turn come first.
    if (!switched && state.slot().is_connected() && state.cancelled() == asio::cancellation_type::none)
        co_await asio::post(self->api_->executor, asio::use_awaitable);
    std::error_code failed;
    if (state.cancelled() != asio::cancellation_type::none) {
        failed = asio::error::operation_aborted;
    } else {
        taken = self->pop();
        if (taken) co_return taken;
        failed = self->abandoned_ ? std::error_code(asio::error::operation_aborted) : self->fsm_.failure();
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
    const bool is_news = queue_.taken() >= told_;
    const std::error_code code = protocol_->decode(queue_.pop(), *taken, more_, problem);
    if (code) {
        // What came before it has been delivered; what came after it cannot be trusted.
        taken.reset();
        drop_events();
        details_.message = secrets_.redacted(problem);
        fsm_.fail_earlier(code);
        settle();
        act();
        return taken;
    }
    if (is_news && options_.reattach.enabled) {
        protocol_->delivered(*taken);
        for (const event& each : more_) protocol_->delivered(each);
    }
    if (!more_.empty()) std::reverse(more_.begin(), more_.end());
    if (const auto* said = taken->get_if<stream_error>()) {
        details_.service_code = said->code.empty() ? said->type : said->code;
        details_.service_message = said->message;
        secrets_.redact(details_);
    }
    if (fsm_.paused()) {
        fsm_.backlog_changed(queue_.bytes(), api_->clock->now());
        act();
    }
    return taken;
}

/// Tells the protocol of the events that wait to be taken: they will be.
void run_stream::tell_waiting() {
    protocol_->look_ahead();
    std::uint64_t number = queue_.taken();
    for (codec::raw_event& waiting : queue_.waiting()) {
        event said;
        std::vector<event> more;
        std::string problem;
        // What cannot be read ends the stream when it is its turn.
        if (protocol_->decode_ahead(std::move(waiting), said, more, problem)) break;
        if (number++ < told_) continue;
        protocol_->delivered(said);
        for (const event& each : more) protocol_->delivered(each);
    }
    told_ = queue_.pushed();
}

void run_stream::drop_events() {
    more_.clear();
    while (!queue_.empty()) (void)queue_.pop();
    fsm_.backlog_changed(0, api_->clock->now());
}

asio::awaitable<void> run_stream::cancel_run(std::shared_ptr<run_stream> self) {
    if (!self->failed_name_.empty()) {
        // There is no run between one that has failed and the one that would take its place.
        self->cancel_work();
        co_return;
    }
    if (self->run_id().empty()) throw error(errc::invalid_argument, "no event has told the run's id yet");
    co_await self->protocol_->cancel(self->secrets_);
    if (self->fsm_.waiting()) self->fsm_.answers_begin();
    if (!self->fsm_.answering() || self->abandoned_) co_return;
    // Nobody needs the answers any more, and no response is open that would tell of the end.
    self->cancel_work();
    self->transfer_.reset();
    self->protocol_->read_only_the_end();
    self->fsm_.readings_begin(self->api_->clock->now());
    self->begin_work(&run_stream::read_on);
    self->watch();
}

asio::awaitable<void> run_stream::stop(std::shared_ptr<run_stream> self) {
    const std::chrono::milliseconds limit = self->api_->options.stop_timeout;
    self->abandoned_ = true;
    self->observe_end(asio::error::operation_aborted);
    self->drop_events();
    self->act();
    self->wake();
    if (!self->ending_) self->ending_ = work::start(self->api_->executor, end_run(self));
    const std::optional<bool> ended = co_await work::outcome_within(self->ending_, self->api_->clock, limit);
    if (ended) co_return;
    self->transfer_.reset();
    const std::string& id = self->run_id();
    throw error(errc::stop_timeout, id.empty() ? "the run is not known yet, and may go on"
                                               : "run " + escape(id) + " did not end in time, and may go on");
}

asio::awaitable<void> run_stream::submit(std::shared_ptr<run_stream> self, submission answers) {
    if (answers.empty()) throw error(errc::invalid_argument, "the submission is empty");
    if (!self->fsm_.waiting())
        throw error(errc::invalid_argument, self->fsm_.over() ? "the run has ended: it waits for no answers"
                                                              : "the run does not wait for answers now");
    std::exception_ptr failure;
    self->fsm_.answers_begin();
    self->watch();
    try {
        co_await send_answers(self, std::move(answers));
    } catch (...) {
        failure = std::current_exception();
    }
    if (!failure) co_return;
    self->fsm_.answers_failed();
    self->watch();
    std::rethrow_exception(failure);
}

void run_stream::abandon() noexcept {
    if (abandoned_) return;
    abandoned_ = true;
    observe_end(fsm_.failure() ? fsm_.failure() : std::error_code(asio::error::operation_aborted));
    const bool has_ended = fsm_.over() && !fsm_.waiting() && !fsm_.failure();
    const bool exists = may_exist_ || !run_id().empty();
    if (run_->given.options.on_abandon == abandoned_run::cancelled && exists && !has_ended) {
        try {
            ending_ = work::start(api_->executor, end_run_in_time(shared_from_this()));
            drop_events();
            act();
            wake();
            return;
        } catch (...) {
        }
    }
    run_->copy.reset();
    cancel_work();
    if (transfer_ && !transfer_over_ && fsm_.over() && fsm_.reading() && !fsm_.paused()) {
        // The run has ended and the end of its response is on its way: once that is read, the
        // connection can be used again. The timer's call keeps this object until then.
        deadline_->expires_at(*fsm_.deadline(), [self = shared_from_this()] { self->transfer_.reset(); });
    } else {
        transfer_.reset();
        deadline_.reset();
    }
    wake();
}

// The transport's side.

void run_stream::on_head(net::response_head head) noexcept {
    fsm_.bytes_arrived(api_->clock->now());
    head_ = std::move(head);
    api_->note_time(head_);
    details_.status = head_.status;
    const bool success = head_.status >= 200 && head_.status < 300;
    const bool events = success && equal_ignoring_case(head_.media_type(), "text/event-stream");
    response_ = events ? response::events : response::refusal;
    const bool found = events && fsm_.lost() && !abandoned_;
    if (events) fsm_.response_accepted();
    if (events && protocol_->can_be_found()) fsm_.run_known(true);
    try {
        if (found) tell_reattached();
        details_.request_id = secrets_.redacted(request_id_of(head_));
    } catch (...) {
        fail(std::make_error_code(std::errc::not_enough_memory), {});
    }
    if (events) wake();
}

void run_stream::on_bytes(std::string_view bytes) noexcept {
    if (fsm_.over()) return;
    const net::time_point now = api_->clock->now();
    fsm_.bytes_arrived(now);
    bytes_ += bytes.size();
    try {
        if (response_ == response::refusal)
            gather(bytes);
        else
            take_events(bytes);
    } catch (...) {
        fail(std::make_error_code(std::errc::not_enough_memory), {});
    }
    fsm_.backlog_changed(queue_.bytes(), now);
    act();
    if (ready()) wake();
}

void run_stream::on_done(std::error_code code, std::string detail) noexcept {
    transfer_over_ = true;
    transfer_failure_ = code ? code : std::error_code(errc::premature_eof);
    if (abandoned_ && !ending_) {
        // The timer's call is what keeps this object, and the transfer must not go in the middle of its work.
        asio::post(api_->executor, [last = std::move(deadline_)] {});
        return;
    }
    try {
        if (response_ == response::events && !fsm_.over()) {
            // The standard drops an event that no blank line has ended. Services have been seen to
            // leave that line out at the very end, so a whole event is still taken.
            if (const sse::event* last = parser_.finish(); last && !code) {
                run::event_queue scratch;
                scratch.push(last->type, last->data);
                event decoded;
                std::vector<event> more;
                std::string problem;
                protocol_->look_ahead();
                const bool whole = !protocol_->decode_ahead(scratch.pop(), decoded, more, problem);
                // Data of an event that is not known is not looked at: it may be half of it.
                if (whole && !decoded.get_if<unknown>()) take(*last);
            }
        }
        if (code && !fsm_.over()) details_.message = secrets_.redacted(detail);
    } catch (...) {
        code = std::make_error_code(std::errc::not_enough_memory);
    }
    fsm_.response_ended(code);
    settle();
    watch();
    wake();
}

void run_stream::take_events(std::string_view bytes) {
    parser_.feed(bytes);
    while (const sse::event* arrived = parser_.next()) take(*arrived);
    if (parser_.error() == sse::parser_error::event_too_large)
        fail(errc::event_too_large,
             "an event is larger than " + std::to_string(api_->options.max_event_bytes) + " bytes");
}

void run_stream::take(const sse::event& arrived) {
    const codec::event_class what = protocol_->arrived(arrived.type, arrived.data);
    if (!fsm_.knows_run() && protocol_->can_be_found()) fsm_.run_known(true);
    if (untouched_ && (token_restarts_ > 0 || rate_limit_restarts_ > 0) && take_failure(arrived, what)) return;
    const bool wanted = fsm_.event_arrived(what);
    if (wanted) observed_.event(*api_, *protocol_, arrived.type, arrived.data);
    if (wanted && !abandoned_) queue_.push(arrived.type, arrived.data);
    if (what == codec::event_class::ordinary || what == codec::event_class::keepalive ||
        what == codec::event_class::repeated)
        return;
    if (wanted && what == codec::event_class::action && !abandoned_ &&
        handlers_answer(run_->given.options, protocol_->action().asked, protocol_->takes_mixed_answers())) {
        fsm_.answers_begin();
        begin_work(&run_stream::answer);
    }
    // The deadline for the rest of the response is nearer than the one that was set.
    watch();
    settle();
}

/// True when the run has failed for a reason that may pass, has done nothing yet, and is begun again.
bool run_stream::take_failure(const sse::event& arrived, codec::event_class what) {
    if (what != codec::event_class::last) {
        untouched_ = !protocol_->has_done_something(arrived.type, arrived.data);
        return false;
    }
    const std::optional<thread_run> failed = protocol_->run_in(arrived.type, arrived.data);
    if (!failed || failed->status != run_state::failed || !failed->last_error || run_id().empty()) return false;
    const last_error& said = *failed->last_error;
    std::optional<std::chrono::milliseconds> delay;
    if (token_restarts_ > 0 && run_->bears_headers && is_rejected_token(said)) {
        delay.emplace(0);
        token_rejected_ = true;
        --token_restarts_;
    } else if (rate_limit_restarts_ > 0 && said.code == "rate_limit_exceeded") {
        delay = rate_limit_delays_.next(said.retry_after ? said.retry_after : retry_hint(head_), random_fraction());
        token_rejected_ = false;
        --rate_limit_restarts_;
    }
    if (!delay || !fsm_.event_arrived(codec::event_class::action)) return false;
    restart_delay_ = *delay;
    failed_name_ = arrived.type;
    failed_ = arrived.data;
    fsm_.answers_begin();
    begin_work(&run_stream::restart);
    watch();
    return true;
}

void run_stream::gather(std::string_view bytes) {
    const std::size_t room = max_error_body - body_.size();
    body_.append(bytes.substr(0, room));
    if (bytes.size() <= room) return;
    const error refused = refusal();
    details_ = refused.details();
    fsm_.fail(refused.code());
}

void run_stream::fail(std::error_code code, std::string detail) noexcept {
    if (fsm_.over()) return;
    details_.message = std::move(detail);
    fsm_.fail(code);
    settle();
    act();
    wake();
}

/// The same for what went wrong beside the caller: it stands over what came of the response.
void run_stream::fail(const std::exception_ptr& failure) noexcept {
    std::error_code code;
    try {
        std::rethrow_exception(failure);
    } catch (const error& said) {
        code = said.code();
        details_ = said.details();
        secrets_.redact(details_);
    } catch (const std::system_error& said) {
        code = said.code();
    } catch (...) {
        code = std::make_error_code(std::errc::not_enough_memory);
    }
    fsm_.fail_earlier(code);
    settle();
    act();
    wake();
}

void run_stream::begin_work(asio::awaitable<bool> (*what)(std::shared_ptr<run_stream>)) {
    work_ = work::start(api_->executor, what(shared_from_this()));
}

/// Once the run has come to its end, or the stream to its own: nothing works for it any more. Once it
/// is lost: it is looked for.
void run_stream::settle() noexcept {
    if (fsm_.lost() && !finding_ && !abandoned_) {
        finding_ = true;
        try {
            reattaching_.why = fsm_.cause();
            ++reattaching_.attempt;
            reattaching_.events = queue_.pushed();
            reattaching_.bytes = bytes_;
            reattaching_.began = std::chrono::system_clock::now();
            reattaching_since_ = api_->clock->now();
            tell_waiting();
            protocol_->lost();
            begin_work(&run_stream::read_on);
        } catch (...) {
            fsm_.fail_earlier(std::make_error_code(std::errc::not_enough_memory));
        }
    }
    if (!fsm_.over() || fsm_.waiting()) return;
    // Why a run was refused is known to who began it.
    if (response_ != response::refusal || !run_id().empty()) observe_end(fsm_.failure());
    if (!ending_) run_->copy.reset();
    cancel_work();
}

void run_stream::observe_end(std::error_code failure) noexcept {
    observed_.end(*api_, failure, secrets_, run_id(), thread_id());
}

void run_stream::cancel_work() noexcept {
    if (!work_) return;
    // Posted: the executor may be on its way out, and what works on it with it.
    try {
        asio::post(api_->executor, [ended = std::move(work_)] { ended->cancel(); });
    } catch (...) {
    }
}

/// Does what the machine says.
void run_stream::act() noexcept {
    if (!transfer_ || transfer_over_) return;
    const bool pause = fsm_.paused() || !fsm_.reading();
    if (pause != transfer_paused_) {
        transfer_paused_ = pause;
        if (pause) {
            transfer_->pause();
        } else {
            transfer_->resume();
            watch();
        }
    }
    if (fsm_.reading()) return;
    // The transfer must not be destroyed here, in the middle of the transport's work.
    asio::post(api_->executor, [weak = weak_from_this()] {
        if (auto self = weak.lock()) self->transfer_.reset();
    });
}

/// Arms the timer for the machine's deadline. When it fires it looks again, so that bytes cost no timer.
void run_stream::watch() {
    const auto when = fsm_.deadline();
    if (!when || abandoned_) {
        if (deadline_) deadline_->cancel();
        return;
    }
    if (!deadline_) deadline_ = api_->clock->make_timer();
    deadline_->expires_at(*when, [weak = weak_from_this()] {
        auto self = weak.lock();
        if (!self || self->abandoned_) return;
        self->fsm_.time_passed(self->api_->clock->now());
        if (!self->fsm_.reading()) self->transfer_.reset();
        self->settle();
        if (self->fsm_.over() || !self->fsm_.reading()) self->wake();
        self->watch();
    });
}

void run_stream::wake() noexcept {
    if (waiting_ > 0) arrival_.cancel();
}

error run_stream::failure() const {
    diagnostics details = details_;
    return error(fsm_.failure(), std::move(details));
}

error run_stream::refusal() const {
    return service_error(head_, body_, "text/event-stream", secrets_);
}

}  // namespace corun::detail
