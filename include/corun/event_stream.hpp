#pragma once
#include <corun/asio.hpp>
#include <corun/error.hpp>
#include <corun/event.hpp>
#include <corun/export.hpp>
#include <corun/reconcile.hpp>
#include <corun/run_position.hpp>
#include <corun/submission.hpp>

#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace corun {

namespace detail {
class run_stream;
struct handle_access;
}  // namespace detail

/// The events of one run, as they arrive.
///
/// *Lifetime:* Move-only. Destroying it abandons the stream: the run continues at the service, or is
/// cancelled if it waits for answers, unless `run_options::on_abandon` says otherwise. `stop` ends
/// both.
///
/// *Threads:* Not thread-safe. Use it on the client's executor, with one `next` at a time.
class CORUN_API event_stream {
public:
    event_stream() noexcept;
    event_stream(event_stream&&) noexcept;
    event_stream& operator=(event_stream&&) noexcept;
    ~event_stream();

    /// Completes with the next event, or with nothing once the run has ended.
    ///
    /// A run that waits for answers has not ended. If the handlers of `run_options` cannot give all
    /// of them, answer with `submit` when `events::action_required` arrives. Called before that, `next`
    /// fails with `errc::action_required`, which names the pending calls; `submit` still works, and
    /// `next` then continues. With `run_options::answers_by_hand`, it completes with nothing
    /// instead.
    ///
    /// Completes immediately while events are queued. (In a coroutine that can be cancelled, it
    /// completes in the executor's next turn; `try_next` avoids that.)
    ///
    /// *Errors:* Events that arrived before a failure are delivered first; then every call fails
    /// with it: `errc::premature_eof`, `connection_lost`, `idle_timeout` or `event_timeout` if the
    /// run could not be found again (see `reattach_policy`), `total_timeout`, `event_too_large`,
    /// `bad_event`, `stream_failed`. If the stream continues by itself, also `mcp_headers_failed`,
    /// `mcp_headers_timeout`, `handler_failed` and the errors of `submit`.
    /// `errc::action_required`, which is not final, for a run that waits for answers.
    ///
    /// *Cancellation:* Terminal, partial and total, as far as the coroutine's cancellation state
    /// permits. Fails with `asio::error::operation_aborted`. No event is lost, and `next` can be
    /// called again, so `stream.next() || timer.async_wait(...)` works.
    [[nodiscard]] asio::awaitable<std::optional<event>> next();
    /// Reports a failure in `code`, which must live until completion, instead of throwing. See
    /// `details` for more.
    [[nodiscard]] asio::awaitable<std::optional<event>> next(std::error_code& code);

    /// Returns a queued event without waiting, or nothing if there is none. A failure is left for
    /// `next`.
    [[nodiscard]] std::optional<event> try_next();

    /// Answers all calls of the `events::action_required` that `next` delivered. Completes when the service
    /// has accepted the answers; `next` then delivers the events that follow.
    ///
    /// *Errors:* `errc::invalid_argument` if `answers` is empty or the run waits for nothing; the
    /// errors of headers and their provider, as for `agent::run_stream`; then the network errors
    /// and the service errors, such as `errc::bad_request` for a call that is not pending or a run
    /// that has expired. As far as is known the run still waits, so `submit` can be called again.
    ///
    /// *Cancellation:* Terminal, partial and total. The service may have accepted the answers.
    [[nodiscard]] asio::awaitable<void> submit(submission answers);

    /// True if the run waits for `submit`: `events::action_required` has arrived, and the handlers cannot
    /// answer all of it.
    [[nodiscard]] bool waits_for_answers() const noexcept;

    /// Asks the service to cancel the run, even if it waits for answers. Completes when the service
    /// has responded. The stream then continues to its end, usually `events::run_cancelled`.
    ///
    /// *Errors:* `errc::invalid_argument` if the run id is not known yet; the network errors and
    /// the service errors.
    [[nodiscard]] asio::awaitable<void> cancel_run();

    /// Stops reading and cancels the run. Completes when the run has ended at the service, so that
    /// its thread accepts another one. Works right after the start too, when no event has named the
    /// run yet: it is looked for in its thread, or by its mark (`reattach_policy::mark_runs`).
    /// Discards queued events; `next` fails with `asio::error::operation_aborted` from then on. Does
    /// nothing if the run has ended.
    ///
    /// The service cancels responses of the Responses protocol only in the background. Of any other
    /// response this closes the connection, and fails immediately; one that is not stored
    /// (`run_options::store`) has ended then.
    ///
    /// *Errors:* `errc::not_cancellable` for a stored response that is not in the background.
    /// `errc::run_not_found`, after half a second, for a run that no event has named and that cannot
    /// be looked for. `errc::stop_timeout` after `client_options::stop_timeout`; the network errors
    /// and the service errors. After any of them, the run may continue.
    ///
    /// *Cancellation:* Terminal, partial and total.
    [[nodiscard]] asio::awaitable<void> stop();

    /// Stops reading immediately. `run_options::on_abandon` decides what happens to the run. A
    /// pending `next` fails with `asio::error::operation_aborted`.
    void abandon() noexcept;

    /// The ids of the run and its thread; empty until an event has carried them.
    [[nodiscard]] const std::string& run_id() const noexcept;
    [[nodiscard]] const std::string& thread_id() const noexcept;
    /// The run, and the last event that `next` or `try_next` has returned completely. See `agent::attach_stream`.
    [[nodiscard]] run_position position() const;
    /// The HTTP response of this stream.
    [[nodiscard]] int status() const noexcept;
    [[nodiscard]] std::string_view header(std::string_view name) const noexcept;
    [[nodiscard]] std::string_view request_id() const noexcept;
    /// What reconciliation did, and the redacted request. Grows when approvals are sent with
    /// headers.
    [[nodiscard]] const reconcile_report& report() const noexcept;
    /// The details of the failure that `next` reported last.
    [[nodiscard]] const diagnostics& details() const noexcept;

    [[nodiscard]] explicit operator bool() const noexcept { return impl_ != nullptr; }

private:
    friend struct detail::handle_access;
    explicit event_stream(std::shared_ptr<detail::run_stream> impl) noexcept;
    std::shared_ptr<detail::run_stream> impl_;
};

}  // namespace corun
