#include "stream/stream.hpp"

#include "async/cancellation.hpp"
#include "async/executor_checks.hpp"
#include "http/retry_after.hpp"
#include "protocol/error_body.hpp"
#include "run/advice.hpp"
#include "stream/client_calls.hpp"
#include "stream/ending.hpp"
#include "stream/life.hpp"
#include "stream/receiving.hpp"
#include "stream/state.hpp"
#include "text/escape.hpp"

#include <asio/post.hpp>
#include <asio/this_coro.hpp>
#include <asio/use_awaitable.hpp>

#include <algorithm>
#include <utility>

namespace corun::detail {
namespace {

/// A consent is given elsewhere, and has no answer.
bool waits_for_consent(const required_action& action) {
    const auto has_link = [](const other_call& call) { return !call.link.empty(); };
    return !action.other_calls.empty() && action.function_calls.empty() && action.mcp_approvals.empty() &&
           std::all_of(action.other_calls.begin(), action.other_calls.end(), has_link);
}

}  // namespace

stream_owner::stream_owner(std::shared_ptr<run_stream> stream) noexcept : stream_(std::move(stream)) {}

stream_owner::~stream_owner() {
    if (stream_) stream_->abandon();
}

run_stream::run_stream(std::shared_ptr<stream_state> state)
    : state_(std::move(state)), progress_(state_->protocol->past()) {
    progress_.spoken = state_->run->api->options.protocol;
}

asio::awaitable<stream_owner> run_stream::open(std::shared_ptr<run_context> run, std::unique_ptr<run_protocol> protocol,
                                               prepared_run request) {
    auto state = std::make_shared<stream_state>(std::move(run), std::move(protocol), request);
    stream_owner stream(std::make_shared<run_stream>(state));
    announce_client_servers(*state);
    co_await begin(state, std::move(request.call));
    co_return stream;
}

asio::awaitable<stream_owner> run_stream::resume(std::shared_ptr<run_context> run,
                                                 std::unique_ptr<run_protocol> protocol, submission answers) {
    if (answers.empty()) throw error(errc::invalid_argument, "the submission is empty");
    prepared_run nothing_to_send;
    auto state = std::make_shared<stream_state>(std::move(run), std::move(protocol), nothing_to_send);
    stream_owner stream(std::make_shared<run_stream>(state));
    announce_client_servers(*state);
    co_await begin_waiting(state, std::move(answers));
    co_return stream;
}

stream_owner run_stream::attach(std::shared_ptr<run_context> run, std::unique_ptr<run_protocol> protocol) {
    prepared_run nothing_to_send;
    auto state = std::make_shared<stream_state>(std::move(run), std::move(protocol), nothing_to_send);
    stream_owner stream(std::make_shared<run_stream>(state));
    announce_client_servers(*state);
    begin_attached(*state);
    return stream;
}

asio::awaitable<std::optional<event>> run_stream::next(std::shared_ptr<run_stream> self, std::error_code* code) {
    stream_state& stream = *self->state_;
    if (code) code->clear();
    self->reported_.reset();
#ifndef NDEBUG
    const asio::any_io_executor caller = co_await asio::this_coro::executor;
    check_caller(stream.run->api->executor, caller);
#endif
    const auto state = co_await asio::this_coro::cancellation_state;
    bool switched = false;
    while (!stream.has_news() && !is_cancelled(state)) {
        co_await stream.arrival.wait();
        switched = true;
    }
    // Whoever may cancel this call may also drop what it gave, if it completes in another turn of
    // the executor than the one in which the event was taken: `stream.next() || timer` would lose
    // events. So let that turn come first.
    if (!switched && state.slot().is_connected() && !is_cancelled(state))
        co_await asio::post(stream.run->api->executor, asio::use_awaitable);
    std::error_code failed = asio::error::operation_aborted;
    if (!is_cancelled(state)) {
        std::optional<event> taken = self->try_next();
        if (taken) co_return taken;
        failed = self->report_failure();
        if (!failed) co_return taken;
    }
    if (!code) {
        if (failed == asio::error::operation_aborted) throw std::system_error(failed);
        throw error(failed, self->details());
    }
    *code = failed;
    co_return std::nullopt;
}

std::error_code run_stream::report_failure() {
    const stream_state& stream = *state_;
    if (stream.abandoned()) return asio::error::operation_aborted;
    const run_protocol& protocol = *stream.protocol;
    const std::error_code failure = stream.fsm.failure();
    if (run::is_loss(failure) && protocol.identity().mark_would_help && options_of(*stream.run).reattach.enabled) {
        reported_ = stream.details;
        reported_->message += (reported_->message.empty() ? "" : "; ") + std::string(run::mark_advice);
    }
    if (!waits_for_answers() || stream.run->options->answers_by_hand) return failure;
    reported_ = stream.details;
    reported_->message =
        stream.secrets.redacted(run::unanswered_calls(protocol.identity().action, protocol.takes_mixed_answers()));
    return errc::action_required;
}

asio::awaitable<std::span<const event>> run_stream::next_batch(std::shared_ptr<run_stream> self, std::size_t max,
                                                               std::error_code* code) {
    std::vector<event>& batch = self->batch_;
    // Events that are kept would keep the memory that the next ones need.
    batch.clear();
    std::optional<event> first = co_await next(self, code);
    if (first) batch.push_back(std::move(*first));
    while (!batch.empty() && batch.size() < max) {
        if (self->take(batch.emplace_back())) continue;
        batch.pop_back();
        break;
    }
    co_return std::span<const event>(batch);
}

std::optional<event> run_stream::try_next() {
    // The event is filled in where the caller gets it.
    std::optional<event> taken(std::in_place);
    if (!take(*taken)) taken.reset();
    return taken;
}

/// Fills in a new event. False if none waits, or if it cannot be decoded: then the stream has failed.
bool run_stream::take(event& taken) {
    stream_state& stream = *state_;
    std::error_code failure;
    std::string problem;
    if (stream.abandoned() || !stream.events.take(*stream.protocol, taken, failure, problem)) {
        if (!failure) return false;
        stream.details.message = stream.secrets.redacted(problem);
        stream.fsm.backlog_changed(0, stream.now());
        stream.fsm.fail_earlier(failure);
        stream.settle();
        stream.update_transfer();
        return false;
    }
    note_taken(taken);
    if (stream.fsm.paused(stream.events.bytes())) {
        stream.fsm.backlog_changed(stream.events.bytes(), stream.now());
        stream.update_transfer();
    }
    return true;
}

/// Keeps what the caller may ask for later.
inline void run_stream::note_taken(const event& taken) {
    stream_state& stream = *state_;
    if (!taken.problem().empty() && !taken.continues())
        stream.observed.event_problem(stream.api(), taken, stream.secrets, stream.protocol->identity());
    const bool tells_progress = progress_.observe(taken);
    const auto number = stream.protocol->sequence_number_of(taken);
    if (tells_progress || number) {
        if (stream.events.is_between_events())
            progress_.event_ended(number);
        else
            ++progress_.taken;
    }
    const auto* const reported = taken.get_if<events::stream_error>();
    if (!reported) return;
    stream.details.service_code = codec::best_code(reported->code, reported->type);
    stream.details.service_message = reported->message;
    stream.details.retry_after = reported->retry_after;
    if (!reported->retry_after && stream.response) stream.details.retry_after = retry_hint(stream.response->head());
    stream.secrets.redact(stream.details);
}

asio::awaitable<void> run_stream::submit(std::shared_ptr<run_stream> self, submission answers) {
    std::shared_ptr<stream_state> stream = self->state_;
    if (answers.empty() && !waits_for_consent(stream->protocol->identity().action))
        throw error(errc::invalid_argument, "the submission is empty");
    if (stream->fsm.phase() == run::phase::over)
        throw error(errc::invalid_argument, "the run has ended and does not wait for answers");
    if (stream->fsm.phase() != run::phase::waiting)
        throw error(errc::invalid_argument, "the run does not wait for answers");
    co_await detail::submit(std::move(stream), std::move(answers));
}

asio::awaitable<void> run_stream::cancel_run(std::shared_ptr<run_stream> self) {
    const std::shared_ptr<stream_state> stream = self->state_;
    if (stream->failed) {
        // There is no run between one that has failed and the one that would take its place.
        stream->cancel_life();
        co_return;
    }
    co_await identify_to_cancel(stream);
    co_await stream->protocol->cancel(stream->secrets);
    stream->fsm.enter(run::phase::sending);
    const bool answers = stream->fsm.phase() == run::phase::sending || stream->fsm.phase() == run::phase::answering;
    if (!answers || stream->abandoned()) co_return;
    // Nobody needs the answers any more, and no response is open that would report the end.
    stream->cancel_life();
    if (stream->response) stream->response->close();
    stream->protocol->poll_only_the_end();
    stream->fsm.polling_began(stream->now());
    stream->settle();
    stream->watch();
}

asio::awaitable<void> run_stream::stop(std::shared_ptr<run_stream> self) {
    const std::shared_ptr<stream_state> stream = self->state_;
    const std::chrono::milliseconds limit = stream->api().options.stop_timeout;
    stream->user = stream_state::caller::stopping;
    stream->observe_end(asio::error::operation_aborted);
    stream->drop_events();
    if (!self->ending_) self->ending_ = task<bool>::start(stream->run->api->executor, end_run(stream));
    const std::optional<bool> ended =
        co_await task<bool>::outcome_within(self->ending_, stream->run->api->clock, limit);
    if (ended) co_return;
    if (stream->response) stream->response->close();
    const std::string& id = stream->run_id();
    throw error(errc::stop_timeout, id.empty() ? "no event has named it, and it was not found; it may continue"
                                               : "run " + escape(id) + " did not end in time, and may continue");
}

void run_stream::abandon() noexcept {
    stream_state& stream = *state_;
    if (stream.abandoned()) return;
    const std::error_code failure = stream.fsm.failure();
    stream.observe_end(failure ? failure : std::error_code(asio::error::operation_aborted));
    const run::abandonment fate = run::abandon(stream.run->options->on_abandon, stream.fsm);
    if (fate != run::abandonment::leave) {
        try {
            stream.user = stream_state::caller::stopping;
            auto cleaning = task<bool>::start(stream.run->api->executor, end_abandoned_run(state_, fate));
            if (stream.run->conversation) stream.run->conversation->cleaning = std::move(cleaning);
            stream.drop_events();
            return;
        } catch (...) {
        }
    }
    stream.user = stream_state::caller::gone;
    stream.run->threads.copy.reset();
    stream.cancel_life();
    stream.drain();
    stream.arrival.notify();
}

const std::string& run_stream::run_id() const noexcept {
    return state_->run_id();
}

const std::string& run_stream::thread_id() const noexcept {
    return state_->thread_id();
}

run_position run_stream::position() const {
    // An answer may begin a run of its own, of which nothing has been taken yet.
    const bool was_answered = progress_.action != 0 && state_->protocol->identity().is_known;
    if (!progress_.status.created || (was_answered && run_id() != progress_.run_id))
        return run_position(run_id(), thread_id(), was_answered ? std::nullopt : progress_.number);
    const std::string& thread = progress_.thread_id.empty() ? thread_id() : progress_.thread_id;
    run_position position(progress_.run_id, thread, progress_.number);
    position.progress = std::make_shared<const run_progress>(progress_);
    return position;
}

const net::response_head& run_stream::head() const noexcept {
    static const net::response_head none;
    return state_->response ? state_->response->head() : none;
}

const reconcile_report& run_stream::report() const noexcept {
    return state_->report;
}

const diagnostics& run_stream::details() const noexcept {
    return reported_ ? *reported_ : state_->details;
}

bool run_stream::waits_for_answers() const noexcept {
    return state_->fsm.phase() == run::phase::waiting;
}

const redactor& run_stream::secrets() const noexcept {
    return state_->secrets;
}

}  // namespace corun::detail
