// What goes on beside the caller of a stream: sending, answering, beginning again, reading what was missed, ending.
#include "async/wait.hpp"
#include "protocol/synthetic_events.hpp"
#include "stream/stream.hpp"
#include "text/random.hpp"

#include <asio/redirect_error.hpp>
#include <asio/this_coro.hpp>
#include <asio/use_awaitable.hpp>

#include <algorithm>
#include <utility>

namespace corun::detail {
namespace {

/// A run is read again after such a time: the longer, the longer nothing happens.
constexpr std::chrono::milliseconds first_reading_delay{250};
constexpr std::chrono::milliseconds longest_reading_delay{2000};

}  // namespace

// Sending.

/// Sends a request whose response tells of the run; completes when that has begun. It is sent again as `retry_policy`
/// says: what may have been carried out, only after a look whether it was.
asio::awaitable<void> run_stream::send(std::shared_ptr<run_stream> self, run_call call) {
    const std::string id = random_uuid();
    const run::run_fsm before = self->fsm_;
    const diagnostics known = self->details_;
    run::retry_schedule schedule(self->options_.retry);
    bool refreshed = false, may_be_late = false;
    for (int attempts = 1;; ++attempts) {
        std::optional<error> failure;
        self->protocol_->sends();
        // Another response, of which nothing is known yet.
        if (!self->protocol_->can_be_found()) self->fsm_.run_known(false);
        self->may_exist_ = true;
        try {
            if (self->run_->polls)
                co_await post_once(self, id, attempts, call);
            else
                co_await send_once(self, id, attempts, call);
            co_return;
        } catch (const error& met) {
            failure = met;
        }
        const run::retry_class done = run::classify(*failure);
        const bool may_be_done = run::is_ambiguous(done);
        const bool again = failure->code() == errc::unauthorized && self->api_->can_refresh() && !refreshed;
        // A try that was given up may have arrived since, and be why this one is refused.
        const bool is_in_the_way =
            may_be_late && (failure->code() == errc::bad_request || failure->code() == errc::conflict);
        may_be_late = may_be_late || may_be_done;
        self->may_exist_ = may_be_late;
        const bool looks = (may_be_done || is_in_the_way) && self->options_.reattach.enabled;
        std::optional<std::chrono::milliseconds> delay;
        if (again)
            delay.emplace(0);
        else if (done == run::retry_class::safe || (looks && may_be_done))
            delay = schedule.next(failure->retry_after(), random_fraction());
        refreshed = refreshed || again;
        diagnostics details = failure->details();
        details.attempts = attempts;
        if (!delay && !looks) throw error(failure->code(), std::move(details));
        self->fsm_ = before;
        self->fsm_.response_awaits_another_try();
        self->details_ = known;
        self->watch();
        if (delay && done != run::retry_class::server_error)
            self->api_->notify_retry(*failure, id, attempts, *delay, self->run_id(), self->thread_id());
        if (delay && delay->count() > 0) {
            std::shared_ptr<net::clock> clock = self->api_->clock;
            const net::time_point when = clock->now() + *delay;
            co_await sleep_until(std::move(clock), when);
        }
        std::optional<bool> found = false;
        if (looks && !self->abandoned_ && !self->fsm_.failure())
            found = co_await find_lost_answer(self, failure->code());
        if (self->abandoned_) throw std::system_error(asio::error::operation_aborted);
        if (self->fsm_.failure()) throw error(self->fsm_.failure(), std::move(details));
        if (found.value_or(false)) co_return;
        if (delay && found && done != run::retry_class::server_error) continue;
        // Where it cannot be told whether it was carried out, it is not sent again.
        if (!found) {
            if (!details.message.empty()) details.message += "; ";
            details.message += "it may have been carried out, which cannot be told";
        }
        throw error(failure->code(), std::move(details));
    }
}

/// The run is found if the request was carried out, and the stream goes on from there.
asio::awaitable<std::optional<bool>> run_stream::find_lost_answer(std::shared_ptr<run_stream> self,
                                                                  std::error_code cause) {
    std::optional<bool> found;
    try {
        found = co_await self->protocol_->look(self->secrets_);
    } catch (const error&) {
        // Out of reach, so nothing is known.
    }
    if (!found.value_or(false) || self->fsm_.failure()) co_return found;
    self->fsm_.run_known(true);
    self->fsm_.answer_lost(cause);
    self->response_ = response::events;
    self->settle();
    self->watch();
    co_return found;
}

asio::awaitable<void> run_stream::send_once(std::shared_ptr<run_stream> self, std::string request_id, int attempt,
                                            run_call call) {
    prepared_request what = co_await api_client::make_request(self->api_, std::move(request_id), std::move(call.method),
                                                              std::move(call.path), std::move(call.query),
                                                              std::move(call.body), self->secrets_);
    if (self->abandoned_) throw std::system_error(asio::error::operation_aborted);
    what.request.context.attempt = attempt;
    what.request.streams = true;
    what.request.connect_timeout = self->options_.connect_timeout;
    self->secrets_ = std::move(what.secrets);
    self->transfer_.reset();
    self->transfer_over_ = self->transfer_paused_ = false;
    self->transfer_failure_.clear();
    self->head_ = {};
    self->body_.clear();
    self->bytes_ = 0;
    self->response_ = response::none;
    self->parser_ = sse::parser(self->api_->options.max_event_bytes);
    self->fsm_.response_begins(self->api_->clock->now());
    const std::uint64_t sent = ++self->sent_;
    // Not paused, whatever waits to be taken: it could not be before there is a connection.
    self->transfer_ = self->api_->transport->start(std::move(what.request), *self);
    self->watch();
    while (self->fsm_.reading() && !self->fsm_.over() && !self->abandoned_ && self->response_ != response::events) {
        co_await wait_for_arrival(self);
        // What has been accepted is no more undone by a cancellation in the same turn.
        if (self->response_ == response::events) break;
        // It was accepted, and has broken off since.
        if (self->sent_ != sent) co_return;
        const auto state = co_await asio::this_coro::cancellation_state;
        if (state.cancelled() != asio::cancellation_type::none) {
            // Who ends the run needs to know which one it is.
            if (self->run_->given.options.on_abandon != abandoned_run::cancelled) self->transfer_.reset();
            throw std::system_error(asio::error::operation_aborted);
        }
    }
    if (self->abandoned_) throw std::system_error(asio::error::operation_aborted);
    if (self->response_ == response::events) co_return;
    if (self->response_ == response::refusal && self->head_.status == 401) self->api_->reject_token(what.token);
    if (self->response_ == response::refusal && self->transfer_over_) throw self->refusal();
    self->transfer_.reset();
    const std::error_code failed = self->fsm_.failure() ? self->fsm_.failure() : self->transfer_failure_;
    throw error(failed ? failed : std::error_code(errc::idle_timeout), self->details_);
}

/// As `send_once`, for a run that is polled.
asio::awaitable<void> run_stream::post_once(std::shared_ptr<run_stream> self, std::string request_id, int attempt,
                                            run_call call) {
    prepared_request what = co_await api_client::make_request(self->api_, std::move(request_id), std::move(call.method),
                                                              std::move(call.path), std::move(call.query),
                                                              std::move(call.body), self->secrets_);
    what.request.context.attempt = attempt;
    const std::string json = co_await api_client::send(self->api_, std::move(what));
    if (self->abandoned_) throw std::system_error(asio::error::operation_aborted);
    self->response_ = response::events;
    self->protocol_->accepted(json);
    self->fsm_.run_known(true);
    self->fsm_.readings_begin(self->api_->clock->now());
    self->begin_work(&run_stream::read_on);
    self->watch();
}

asio::awaitable<void> run_stream::wait_for_arrival(std::shared_ptr<run_stream> self) {
    std::error_code woken;
    ++self->waiting_;
    co_await self->arrival_.async_wait(asio::redirect_error(asio::use_awaitable, woken));
    --self->waiting_;
}

// Answering.

asio::awaitable<void> run_stream::send_answers(std::shared_ptr<run_stream> self, submission answers) {
    const submission given = answers;
    run_call call = co_await self->protocol_->answer(std::move(answers), self->report_, self->secrets_);
    self->observed_.submit_begins(*self->api_, given);
    try {
        co_await send(self, std::move(call));
    } catch (const std::system_error& failure) {
        self->observed_.submit_ended(*self->api_, failure.code(), self->run_id(), self->thread_id());
        throw;
    }
    self->observed_.submit_ended(*self->api_, {}, self->run_id(), self->thread_id());
}

/// Answers the action by the handlers, so that the stream goes on.
asio::awaitable<bool> run_stream::answer(std::shared_ptr<run_stream> self) {
    std::exception_ptr failure;
    try {
        submission answers = co_await ask_handlers(self->run_, self->protocol_->action());
        co_await send_answers(self, std::move(answers));
    } catch (...) {
        failure = std::current_exception();
    }
    const auto state = co_await asio::this_coro::cancellation_state;
    // Who cancels it takes care of the stream.
    if (failure && state.cancelled() == asio::cancellation_type::none) self->fail(failure);
    co_return !failure;
}

// Beginning again.

asio::awaitable<void> run_stream::begin_again(std::shared_ptr<run_stream> self) {
    if (self->restart_delay_.count() > 0) {
        std::shared_ptr<net::clock> clock = self->api_->clock;
        const net::time_point when = clock->now() + self->restart_delay_;
        co_await sleep_until(std::move(clock), when);
    }
    mcp_header_request asked;
    if (self->token_rejected_) asked.why = mcp_header_request::occasion::rejected_token;
    asked.run_id = self->run_id();
    asked.thread_id = self->thread_id();
    self->protocol_->begins_again();
    prepared_run request = co_await self->protocol_->prepare(std::move(asked));
    for (const reconcile_report::line& line : request.report.lines()) self->report_.add(line.row, line.text);
    self->report_.set_request(request.report.path(), request.report.body());
    self->secrets_.add(request.secrets);
    self->queue_.push(codec::run_restarted_name, self->failed_);
    self->told_ = self->queue_.pushed();
    self->failed_name_.clear();
    self->failed_.clear();
    self->fsm_.run_known(false);
    self->untouched_ = true;
    self->wake();
    co_await send(self, std::move(request.call));
}

/// Begins a run in place of one that failed.
asio::awaitable<bool> run_stream::restart(std::shared_ptr<run_stream> self) {
    std::exception_ptr failure;
    try {
        co_await begin_again(self);
    } catch (...) {
        failure = std::current_exception();
    }
    const auto state = co_await asio::this_coro::cancellation_state;
    const bool cancelled = state.cancelled() != asio::cancellation_type::none;
    if (failure && !self->failed_name_.empty() && !self->fsm_.over()) {
        // It was not begun again, so that is how it ended.
        if (!self->abandoned_) self->queue_.push(self->failed_name_, self->failed_);
        self->failed_name_.clear();
        self->failed_.clear();
        if (cancelled) {
            self->fsm_.response_accepted();
            (void)self->fsm_.event_arrived(codec::event_class::last);
            self->settle();
            self->wake();
        }
    }
    if (failure && !cancelled) self->fail(failure);
    co_return !failure;
}

// Reading a run that is not streamed, or no more.

/// Reads the run until it has ended or waits for answers, and takes what is new as events; or no longer than until it
/// is streamed again.
asio::awaitable<bool> run_stream::read_on(std::shared_ptr<run_stream> self) {
    std::exception_ptr failure;
    bool is_read = true;
    try {
        is_read = co_await read_until_over(self);
    } catch (...) {
        failure = std::current_exception();
    }
    if (!is_read) co_return true;
    const auto state = co_await asio::this_coro::cancellation_state;
    self->finding_ = false;
    if (!failure)
        self->fsm_.response_ended({});
    else if (state.cancelled() == asio::cancellation_type::none)
        self->fail(failure);
    co_return !failure;
}

/// False when it is streamed again.
asio::awaitable<bool> run_stream::read_until_over(std::shared_ptr<run_stream> self) {
    const std::shared_ptr<net::clock> clock = self->api_->clock;
    std::chrono::milliseconds delay{0};
    net::time_point reached = clock->now();
    bool may_stream = true;
    while (self->fsm_.going() || self->fsm_.lost()) {
        if (delay.count() > 0) co_await sleep_until(clock, clock->now() + delay);
        if (self->fsm_.paused()) {
            delay = std::max(delay, first_reading_delay);
            continue;
        }
        delay = std::clamp(2 * delay, first_reading_delay, longest_reading_delay);
        std::vector<read_event> news;
        std::optional<error> problem;
        std::optional<bool> found = true;
        std::optional<run_call> resumption;
        if (may_stream && self->fsm_.lost()) resumption = self->protocol_->resumption();
        try {
            if (resumption) {
                co_await stream_on(self, std::move(*resumption));
                co_return false;
            }
            // Its stream has not even said which run it is.
            if (self->run_id().empty()) found = co_await self->protocol_->look(self->secrets_);
            if (found.value_or(false)) news = co_await self->protocol_->read(self->secrets_);
        } catch (const error& met) {
            problem = met;
        }
        if (!found.value_or(false)) {
            diagnostics details;
            details.message = "the run could not be found again: there is none that was begun then";
            problem.emplace(self->fsm_.cause(), std::move(details));
        }
        if (!problem) {
            reached = clock->now();
            self->take_reading(news);
            if (!news.empty()) delay = first_reading_delay;
            continue;
        }
        if (resumption && !is_retryable(*problem)) {
            may_stream = false;
            delay = std::chrono::milliseconds(0);
            continue;
        }
        const bool in_reach = found && clock->now() - reached < self->options_.reattach.give_up_after;
        if (in_reach && (is_retryable(*problem) || !*found)) {
            delay = std::max(delay, problem->retry_after().value_or(delay));
            continue;
        }
        if (self->fsm_.lost()) self->observe_reattach(problem->code());
        if (!self->fsm_.lost() || !found.value_or(false)) throw error(*problem);
        diagnostics details = problem->details();
        details.message = "the run could not be found again: " + std::string(problem->what());
        throw error(self->fsm_.cause(), std::move(details));
    }
    co_return true;
}

/// Completes when a lost run is streamed again.
asio::awaitable<void> run_stream::stream_on(std::shared_ptr<run_stream> self, run_call call) {
    const run::run_fsm before = self->fsm_;
    const diagnostics known = self->details_;
    std::optional<error> failure;
    try {
        co_await send_once(self, random_uuid(), 1, std::move(call));
    } catch (const error& met) {
        failure = met;
    }
    if (!failure) co_return;
    self->fsm_ = before;
    self->response_ = response::events;
    self->details_ = known;
    self->watch();
    throw error(*failure);
}

void run_stream::observe_reattach(std::error_code failure) noexcept {
    if (!api_->notifier.wants(&observer::on_reattach)) return;
    try {
        reattach_record told = reattaching_;
        told.run_id = secrets_.redacted(run_id());
        told.thread_id = secrets_.redacted(thread_id());
        told.duration = api_->clock->now() - reattaching_since_;
        told.error = failure;
        api_->notifier.tell(&observer::on_reattach, std::move(told));
    } catch (...) {
        // No memory: the work itself is more important.
    }
}

void run_stream::tell_reattached() {
    reattached found;
    found.run_id = run_id();
    found.thread_id = thread_id();
    found.cause = fsm_.cause();
    queue_.push(codec::reattached_name, codec::encode_reattached(found));
    details_.message.clear();
    observe_reattach({});
    finding_ = false;
}

void run_stream::take_reading(const std::vector<read_event>& events) {
    if (abandoned_ || fsm_.over()) return;
    const net::time_point now = api_->clock->now();
    if (fsm_.lost()) {
        tell_reattached();
        fsm_.readings_begin(now);
        watch();
    }
    fsm_.bytes_arrived(now);
    for (const read_event& each : events) {
        sse::event shown;
        shown.type = each.name;
        shown.data = each.data;
        take(shown);
    }
    told_ = queue_.pushed();
    fsm_.backlog_changed(queue_.bytes(), now);
    wake();
}

// Ending a run that nobody reads any more.

/// Completes when the run has ended at the service.
asio::awaitable<bool> run_stream::end_run(std::shared_ptr<run_stream> self) {
    const std::shared_ptr<net::clock> clock = self->api_->clock;
    // Whatever answers or reads it: not any more.
    self->cancel_work();
    const auto has_ended = [&stream = *self] {
        return stream.fsm_.over() && !stream.fsm_.waiting() && !stream.fsm_.failure();
    };
    // Which run it is, the first events tell.
    while (self->run_id().empty() && self->transfer_ && !self->transfer_over_ && self->fsm_.reading()) {
        co_await wait_for_arrival(self);
        const auto state = co_await asio::this_coro::cancellation_state;
        if (state.cancelled() != asio::cancellation_type::none) throw std::system_error(asio::error::operation_aborted);
    }
    bool known = !self->run_id().empty();
    if (!known && self->may_exist_) {
        const std::optional<bool> found = co_await self->protocol_->look(self->secrets_);
        known = found.value_or(false);
    }
    self->transfer_.reset();
    bool ended = !known || has_ended();
    if (!ended) {
        try {
            co_await self->protocol_->cancel(self->secrets_);
        } catch (const error& refused) {
            // So the service says of a run that has ended, or is not kept.
            if (refused.code() != errc::bad_request && refused.code() != errc::conflict &&
                refused.code() != errc::not_found)
                throw;
        }
    }
    std::chrono::milliseconds delay{100};
    while (!ended) {
        ended = co_await self->protocol_->has_ended(self->secrets_);
        if (ended) break;
        const net::time_point when = clock->now() + delay;
        co_await sleep_until(clock, when);
        delay = std::min(2 * delay, longest_reading_delay);
    }
    self->run_->copy.reset();
    self->deadline_.reset();
    co_return ended;
}

/// The same for a stream that was abandoned: nobody can be told how it went.
asio::awaitable<bool> run_stream::end_run_in_time(std::shared_ptr<run_stream> self) {
    const std::chrono::milliseconds limit = self->api_->options.stop_timeout;
    bool ended = false;
    try {
        auto ending = work::start(self->api_->executor, end_run(self));
        const auto outcome = co_await work::outcome_within(std::move(ending), self->api_->clock, limit);
        ended = outcome.value_or(false);
    } catch (const std::exception&) {
    }
    self->run_->copy.reset();
    self->transfer_.reset();
    self->deadline_.reset();
    co_return ended;
}

}  // namespace corun::detail
