#include "run_stream.hpp"

#include <asio/post.hpp>
#include <asio/redirect_error.hpp>
#include <asio/this_coro.hpp>
#include <asio/use_awaitable.hpp>

#include <algorithm>

namespace corun::detail {
namespace {

run::limits limits_of(const client_options& client, const stream_options& stream, bool polls) noexcept {
    run::limits bounds;
    // Between polls the service has nothing to say; each poll has the limit for itself.
    if (!polls) bounds.idle = stream.idle_timeout;
    bounds.total = stream.total_timeout;
    bounds.high_water_bytes = client.high_water_bytes;
    return bounds;
}

}  // namespace

run_stream::run_stream(std::shared_ptr<run_context> run, prepared_run& request, stream_options limits)
    : run_(std::move(run)),
      service_(run_->service),
      secrets_(std::move(request.secrets)),
      machine_(limits_of(service_->options, limits, run_->polls), service_->clock->now()),
      parser_(service_->options.max_event_bytes),
      report_(std::move(request.report)),
      observed_(*run_),
      arrival_(service_->executor, asio::steady_timer::time_point::max()),
      may_restart_(run_->provider != nullptr) {}

asio::awaitable<event_stream> run_stream::open(std::shared_ptr<run_context> run, prepared_run request,
                                               stream_options limits) {
    auto self = std::make_shared<run_stream>(std::move(run), request, limits);
    // Owns the transfer until the caller has the stream: if this coroutine is destroyed or cancelled, it stops.
    event_stream stream(self);
    try {
        co_await send(self, std::move(request.path), std::move(request.query), std::move(request.body));
    } catch (const std::system_error& failure) {
        self->observe_end(failure.code());
        throw;
    }
    co_return stream;
}

asio::awaitable<event_stream> run_stream::resume(std::shared_ptr<run_context> run, std::string run_id,
                                                 submission answers, stream_options limits) {
    std::string path = path_of("/threads", run->conversation->id(), "the thread's id");
    path += path_of("/runs", run_id, "the run's id");
    const std::string json = co_await service::call(run->service, "GET", std::move(path));
    thread_run waiting = codec::threads::decode_run(json);
    // A run shows its tools as an agent does.
    for (const tool& value : codec::threads::decode_agent(json).tools)
        if (const auto* server = std::get_if<mcp_tool>(&value)) run->servers.push_back(*server);

    prepared_run nothing_to_send;
    auto self = std::make_shared<run_stream>(std::move(run), nothing_to_send, limits);
    event_stream stream(self);
    self->run_id_ = self->action_.run_id = std::move(run_id);
    self->thread_id_ = self->action_.thread_id = self->run_->conversation->id();
    if (waiting.required_action) self->action_.asked = std::move(*waiting.required_action);
    self->may_restart_ = false;
    (void)self->machine_.event_arrived(codec::event_class::action);
    try {
        co_await submit(self, std::move(answers));
    } catch (const std::system_error& failure) {
        self->observe_end(failure.code());
        throw;
    }
    co_return stream;
}

/// Sends a request whose response tells of the run; completes when that has begun. After a 401 it
/// is sent once more if the credential can refresh its token.
asio::awaitable<void> run_stream::send(std::shared_ptr<run_stream> self, std::string path, std::string query,
                                       secret body) {
    if (self->run_->polls)
        co_return co_await send_and_poll(std::move(self), std::move(path), std::move(query), std::move(body));
    if (self->service_->can_refresh()) {
        const run::machine before = self->machine_;
        const diagnostics known = self->details_;
        try {
            co_return co_await send_once(self, path, query, body);
        } catch (const error& failure) {
            if (failure.code() != errc::unauthorized) throw;
        }
        // What is answered so was not carried out.
        self->machine_ = before;
        self->details_ = known;
    }
    co_await send_once(std::move(self), std::move(path), std::move(query), std::move(body));
}

asio::awaitable<void> run_stream::send_once(std::shared_ptr<run_stream> self, std::string path, std::string query,
                                            secret body) {
    outgoing what = co_await service::make_request(self->service_, "POST", std::move(path), std::move(query),
                                                   std::move(body), self->secrets_);
    if (self->abandoned_) throw std::system_error(asio::error::operation_aborted);
    what.request.streams = true;
    self->secrets_ = std::move(what.secrets);
    self->transfer_.reset();
    self->transfer_over_ = self->transfer_paused_ = false;
    self->transfer_failure_.clear();
    self->head_ = {};
    self->body_.clear();
    self->response_ = response::none;
    self->parser_ = sse::parser(self->service_->options.max_event_bytes);
    self->machine_.response_begins(self->service_->clock->now());
    // Not paused, whatever waits to be taken: it could not be before there is a connection.
    self->transfer_ = self->service_->transport->start(std::move(what.request), *self);
    self->watch();
    while (self->machine_.reading() && !self->machine_.over() && !self->abandoned_ &&
           self->response_ != response::events) {
        ++self->waiting_;
        std::error_code woken;
        co_await self->arrival_.async_wait(asio::redirect_error(asio::use_awaitable, woken));
        --self->waiting_;
        // What has been accepted is no more undone by a cancellation in the same turn.
        if (self->response_ == response::events) break;
        const auto state = co_await asio::this_coro::cancellation_state;
        if (state.cancelled() != asio::cancellation_type::none) {
            self->transfer_.reset();
            throw std::system_error(asio::error::operation_aborted);
        }
    }
    if (self->abandoned_) throw std::system_error(asio::error::operation_aborted);
    if (self->response_ == response::events) co_return;
    if (self->response_ == response::refusal && self->head_.status == 401) self->service_->refused(what.token);
    if (self->response_ == response::refusal && self->transfer_over_) throw self->refusal();
    self->transfer_.reset();
    const std::error_code failed = self->machine_.failure() ? self->machine_.failure() : self->transfer_failure_;
    throw error(failed ? failed : std::error_code(errc::idle_timeout), self->details_);
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
        settle();
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

std::string run_stream::path_of_run() const {
    return path_of("/threads", thread_id_, "the stream's thread id") + path_of("/runs", run_id_, "the stream's run id");
}

asio::awaitable<void> run_stream::cancel_run(std::shared_ptr<run_stream> self) {
    if (!self->rejected_.empty()) {
        // There is no run between one that has failed and the one that would take its place.
        self->cancel_work();
        co_return;
    }
    std::string path = self->path_of_run() + "/cancel";
    (void)co_await service::call(self->service_, "POST", std::move(path), {}, {}, self->secrets_);
    if (self->machine_.waiting()) self->machine_.answers_begin();
    if (!self->machine_.answering() || self->abandoned_) co_return;
    // Nobody needs the answers any more, and no response is open that would tell of the end.
    self->cancel_work();
    self->transfer_.reset();
    self->begin_work(&run_stream::read_to_the_end);
}

asio::awaitable<void> run_stream::submit(std::shared_ptr<run_stream> self, submission answers) {
    if (answers.empty()) throw error(errc::invalid_argument, "the submission is empty");
    if (!self->machine_.waiting())
        throw error(errc::invalid_argument, self->machine_.over() ? "the run has ended: it waits for no answers"
                                                                  : "the run does not wait for answers now");
    std::exception_ptr failure;
    self->machine_.answers_begin();
    self->watch();
    try {
        co_await send_answers(self, std::move(answers));
    } catch (...) {
        failure = std::current_exception();
    }
    if (!failure) co_return;
    self->machine_.answers_failed();
    self->watch();
    std::rethrow_exception(failure);
}

void run_stream::abandon() noexcept {
    if (abandoned_) return;
    abandoned_ = true;
    observe_end(machine_.failure() ? machine_.failure() : std::error_code(asio::error::operation_aborted));
    run_->copy.reset();
    cancel_work();
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

// What goes on beside the caller.

asio::awaitable<void> run_stream::send_answers(std::shared_ptr<run_stream> self, submission answers) {
    answers = co_await with_headers(self->run_, self->action_, std::move(answers), self->report_);
    self->replay_.answered();
    for (const tool_approval& approval : answers.approvals())
        for (const header& field : approval.headers) self->secrets_.add(field.value);
    secret body = codec::threads::encode_submission(answers, !self->run_->polls);
    std::string path = self->path_of_run() + "/submit_tool_outputs";
    self->observed_.submit_begins(*self->service_, answers);
    try {
        co_await send(self, std::move(path), {}, std::move(body));
    } catch (const std::system_error& failure) {
        self->observed_.submit_ended(*self->service_, failure.code(), self->run_id_, self->thread_id_);
        throw;
    }
    self->observed_.submit_ended(*self->service_, {}, self->run_id_, self->thread_id_);
}

/// Answers the action by the handlers, so that the stream goes on.
asio::awaitable<bool> run_stream::answer(std::shared_ptr<run_stream> self) {
    std::exception_ptr failure;
    try {
        submission answers = co_await ask_handlers(self->run_, self->action_);
        co_await send_answers(self, std::move(answers));
    } catch (...) {
        failure = std::current_exception();
    }
    const auto state = co_await asio::this_coro::cancellation_state;
    // Who cancels it takes care of the stream.
    if (failure && state.cancelled() == asio::cancellation_type::none) self->fail(failure);
    co_return !failure;
}

asio::awaitable<void> run_stream::begin_again(std::shared_ptr<run_stream> self) {
    mcp_header_request asked;
    asked.why = mcp_header_request::occasion::rejected_token;
    asked.run_id = self->action_.run_id;
    asked.thread_id = self->action_.thread_id;
    // The thread has the messages, or the run before would not have been created.
    run_context& run = *self->run_;
    run.begun_in = asked.thread_id;
    if (!run.given.thread) run.given.thread.emplace();
    run.messages.clear();
    run.given.options.additional_messages.clear();
    prepared_run request = co_await prepare(self->run_, std::move(asked));
    for (const reconcile_report::line& line : request.report.lines()) self->report_.add(line.row, line.text);
    self->report_.set_request(request.report.path(), request.report.body());
    self->secrets_.add(request.secrets);
    self->replay_ = {};
    self->run_id_.clear();
    self->queue_.push(codec::threads::run_restarted_name, self->rejected_);
    self->rejected_.clear();
    self->wake();
    co_await send(self, std::move(request.path), std::move(request.query), std::move(request.body));
}

/// Begins a run in place of one whose headers were refused.
asio::awaitable<bool> run_stream::restart(std::shared_ptr<run_stream> self) {
    std::exception_ptr failure;
    try {
        co_await begin_again(self);
    } catch (...) {
        failure = std::current_exception();
    }
    const auto state = co_await asio::this_coro::cancellation_state;
    const bool cancelled = state.cancelled() != asio::cancellation_type::none;
    if (failure && !self->rejected_.empty() && !self->machine_.over()) {
        // It was not begun again, so that is how it ended.
        self->queue_.push("thread.run.failed", self->rejected_);
        self->rejected_.clear();
        if (cancelled) {
            self->machine_.response_accepted();
            (void)self->machine_.event_arrived(codec::event_class::last);
            self->settle();
            self->wake();
        }
    }
    if (failure && !cancelled) self->fail(failure);
    co_return !failure;
}

/// Waits for the end of a run that has been cancelled between two responses.
asio::awaitable<bool> run_stream::read_to_the_end(std::shared_ptr<run_stream> self) {
    self->response_ = response::events;
    self->machine_.response_begins(self->service_->clock->now());
    self->machine_.response_accepted();
    self->replay_.tell_only_the_end();
    self->watch();
    co_return co_await poll(std::move(self));
}

// The transport's side.

void run_stream::on_head(net::response_head head) noexcept {
    machine_.bytes_arrived(service_->clock->now());
    head_ = std::move(head);
    details_.status = head_.status;
    const bool success = head_.status >= 200 && head_.status < 300;
    const bool events = success && equal_ignoring_case(head_.media_type(), "text/event-stream");
    response_ = events ? response::events : response::refusal;
    if (events) machine_.response_accepted();
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
    transfer_failure_ = code ? code : std::error_code(errc::premature_eof);
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
    settle();
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
    if (may_restart_ && take_rejection(arrived)) return;
    const bool wanted = machine_.event_arrived(what);
    if (wanted) {
        observed_.event(*service_, arrived.type, arrived.data);
        if (run_id_.empty()) learn_ids(arrived.type, arrived.data);
        queue_.push(arrived.type, arrived.data);
        if (what == codec::event_class::action) take_action(arrived.data);
    }
    if (what == codec::event_class::ordinary) return;
    // The deadline for the rest of the response is nearer than the one that was set.
    watch();
    settle();
}

/// Sets the handlers to work, if they are for what is asked.
void run_stream::take_action(std::string_view data) {
    action_ = {};
    try {
        thread_run run = codec::threads::decode_run(data);
        if (!run.required_action) return;
        action_.run_id = run_id_;
        action_.thread_id = thread_id_;
        action_.asked = std::move(*run.required_action);
    } catch (const error&) {
        return;  // Reported when the caller takes the event.
    }
    if (!handlers_answer(run_->given.options, action_.asked)) return;
    machine_.answers_begin();
    begin_work(&run_stream::answer);
}

/// True for an event of a run that has written or called something, which it would do again.
bool run_stream::has_done_something(const sse::event& arrived) noexcept {
    if (arrived.type.starts_with("thread.message.") || arrived.type == "thread.run.step.delta" ||
        arrived.type == "thread.run.requires_action")
        return true;
    if (!arrived.type.starts_with("thread.run.step.")) return false;
    try {
        const run_step step = codec::threads::decode_step(arrived.data);
        return !step.tool_calls.empty() || step.type == "message_creation";
    } catch (...) {
        return true;
    }
}

/// True when the run has failed because of its headers, has done nothing yet, and is begun again
/// with others.
bool run_stream::take_rejection(const sse::event& arrived) {
    if (arrived.type != "thread.run.failed") {
        may_restart_ = !has_done_something(arrived);
        return false;
    }
    may_restart_ = false;
    if (!run_->bears_headers) return false;
    try {
        const thread_run failed = codec::threads::decode_run(arrived.data);
        if (!failed.last_error || !is_rejected_token(*failed.last_error)) return false;
        action_.run_id = failed.id;
        action_.thread_id = failed.thread_id;
    } catch (const error&) {
        return false;
    }
    if (action_.thread_id.empty() || !machine_.event_arrived(codec::event_class::action)) return false;
    rejected_ = arrived.data;
    machine_.answers_begin();
    begin_work(&run_stream::restart);
    watch();
    return true;
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
    if (bytes.size() <= room) return;
    const error refused = refusal();
    details_ = refused.details();
    machine_.fail(refused.code());
}

void run_stream::fail(std::error_code code, std::string detail) noexcept {
    if (machine_.over()) return;
    details_.message = std::move(detail);
    machine_.fail(code);
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
    machine_.fail_earlier(code);
    settle();
    act();
    wake();
}

void run_stream::begin_work(asio::awaitable<bool> (*what)(std::shared_ptr<run_stream>)) {
    work_ = work::start(service_->executor, what(shared_from_this()));
}

/// Once the run has come to its end, or the stream to its own: nothing works for it any more.
void run_stream::settle() noexcept {
    if (!machine_.over() || machine_.waiting()) return;
    // Why a run was refused is known to who began it.
    if (response_ != response::refusal || !run_id_.empty()) observe_end(machine_.failure());
    run_->copy.reset();
    cancel_work();
}

void run_stream::observe_end(std::error_code failure) noexcept {
    observed_.end(*service_, failure, secrets_, run_id_, thread_id_);
}

void run_stream::cancel_work() noexcept {
    if (!work_) return;
    // Posted: the executor may be on its way out, and what works on it with it.
    try {
        asio::post(service_->executor, [ended = std::move(work_)] { ended->cancel(); });
    } catch (...) {
    }
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
        self->settle();
        if (self->machine_.over() || !self->machine_.reading()) self->wake();
        self->watch();
    });
}

void run_stream::wake() noexcept {
    if (waiting_ > 0) arrival_.cancel();
}

error run_stream::failure() const {
    diagnostics details = details_;
    return error(machine_.failure(), std::move(details));
}

error run_stream::refusal() const {
    return service::error_of(head_, body_, "text/event-stream", secrets_);
}

}  // namespace corun::detail
