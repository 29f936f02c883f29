#pragma once
#include <corun/asio.hpp>
#include <corun/error.hpp>
#include <corun/event.hpp>
#include <corun/export.hpp>
#include <corun/reconcile.hpp>
#include <corun/run_position.hpp>
#include <corun/submission.hpp>

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace corun {

namespace detail {
class run_stream;
struct handle_access;
}  // namespace detail

/// The events of one run, as they arrive.
///
/// *Lifetime:* Move-only. Destroying it abandons the stream. By default, the run then continues at the service, or is
/// cancelled if it waits for answers; see `run_options::on_abandon`. `stop` ends both.
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
    /// A run that waits for answers has not ended. If the handlers of `run_options` cannot give all of them, call
    /// `submit` when `events::action_required` arrives. Until then, `next` fails with `errc::action_required`, which
    /// lists the pending calls, or completes with nothing if `run_options::answers_by_hand` is set. After `submit`,
    /// `next` continues.
    ///
    /// Completes immediately while events are queued. (In a coroutine that can be cancelled, it completes in the
    /// executor's next turn; `try_next` avoids that.)
    ///
    /// *Errors:* Events that arrived before a failure are delivered first. Then every call fails with it:
    /// `errc::premature_eof`, `connection_lost`, `idle_timeout` or `event_timeout` if the run could not be found again
    /// (see `reattach_policy`), `total_timeout`, `event_too_large`, `bad_event`, `stream_failed`. If handlers answer
    /// the run, also `mcp_headers_failed`, `mcp_headers_timeout`, `handler_failed` and the errors of `submit`.
    /// `errc::action_required` is not final.
    ///
    /// *Cancellation:* Terminal, partial and total, as far as the coroutine's cancellation state permits. Fails with
    /// `asio::error::operation_aborted`. No event is lost, and `next` can be called again, so `stream.next() ||
    /// timer.async_wait(...)` works.
    [[nodiscard]] asio::awaitable<std::optional<event>> next();
    /// Reports a failure in `code` instead of throwing; `details` has more. `code` must live until completion.
    [[nodiscard]] asio::awaitable<std::optional<event>> next(std::error_code& code);

    /// How many events `next_batch` returns at most.
    static constexpr std::size_t max_batch = 64;

    /// Waits as `next` does, then returns that event and those queued behind it, at least one and at most `max_batch`;
    /// none once the run has ended. The cheapest way to read a busy stream: it waits once for many events.
    ///
    /// *Errors:* As `next`. Events that arrived before a failure are returned first.
    ///
    /// *Cancellation:* As `next`.
    ///
    /// *Lifetime:* The events are valid until the next call of `next_batch`, and while the stream lives. Copies of them
    /// are values.
    [[nodiscard]] asio::awaitable<std::span<const event>> next_batch();
    /// Reports a failure in `code` instead of throwing. `code` must live until completion.
    [[nodiscard]] asio::awaitable<std::span<const event>> next_batch(std::error_code& code);

    /// Returns a queued event without waiting, or nothing if there is none. A failure is left for `next`.
    [[nodiscard]] std::optional<event> try_next();

    /// Answers all calls of the `events::action_required` that `next` delivered. Completes when the service has
    /// accepted the answers; `next` then delivers the events that follow.
    ///
    /// *Errors:* `errc::invalid_argument` if `answers` is empty or the run waits for nothing; the errors of headers and
    /// their provider, as for `agent::run_stream`; then the network errors and the service errors, such as
    /// `errc::bad_request` for a call that is not pending or a run that has expired. As far as is known the run still
    /// waits, so `submit` can be called again.
    ///
    /// *Cancellation:* Terminal, partial and total. The service may have accepted the answers.
    [[nodiscard]] asio::awaitable<void> submit(submission answers);

    /// True if the run waits for `submit`: `events::action_required` has arrived, and the handlers cannot answer all of
    /// it.
    [[nodiscard]] bool waits_for_answers() const noexcept;

    /// Asks the service to cancel the run, even if it waits for answers. Completes when the service has responded. The
    /// stream then continues to its end, usually `events::run_cancelled`. A run that no event has named yet is looked
    /// for, as by `stop`.
    ///
    /// *Errors:* `errc::not_cancellable` for a response that is not in the background. `errc::run_not_found` for a run
    /// that no event has named, after half a second if it cannot be looked for, otherwise after
    /// `client_options::stop_timeout`. The network errors and the service errors.
    ///
    /// *Cancellation:* Terminal, partial and total. The service may have cancelled the run.
    [[nodiscard]] asio::awaitable<void> cancel_run();

    /// Stops reading and cancels the run. Completes when the run has ended at the service, so that its thread accepts
    /// another one. If no event has named the run yet, `stop` looks for it in its thread, or by its mark
    /// (`reattach_policy::mark_runs`). Discards queued events; afterwards, `next` fails with
    /// `asio::error::operation_aborted`. Does nothing if the run has ended.
    ///
    /// In the Responses protocol, the service can cancel only background responses. For any other response, `stop`
    /// closes the connection and fails immediately. That ends a response that is not stored (`run_options::store`).
    ///
    /// *Errors:* `errc::not_cancellable` for a stored response that is not in the background. `errc::run_not_found`,
    /// after half a second, for a run that no event has named and that cannot be looked for. `errc::stop_timeout` after
    /// `client_options::stop_timeout`. The network errors and the service errors. After any of these, the run may
    /// continue.
    ///
    /// *Cancellation:* Terminal, partial and total.
    [[nodiscard]] asio::awaitable<void> stop();

    /// Stops reading immediately. `run_options::on_abandon` specifies what happens to the run. A pending `next` fails
    /// with `asio::error::operation_aborted`.
    void abandon() noexcept;

    /// The ids of the run and its thread; empty until an event contains them.
    [[nodiscard]] const std::string& run_id() const noexcept;
    [[nodiscard]] const std::string& thread_id() const noexcept;
    /// The run, and exactly what `next`, `next_batch` and `try_next` have returned of it: another process continues
    /// there with `agent::attach_stream`. Cheap: it can be taken after each event. `run_position::to_string` stores it.
    /// Its `run_id` is empty until an event contains it.
    [[nodiscard]] run_position position() const;
    /// The HTTP response of this stream.
    [[nodiscard]] int status() const noexcept;
    [[nodiscard]] std::string_view header(std::string_view name) const noexcept;
    [[nodiscard]] std::string_view request_id() const noexcept;
    /// The decisions of reconciliation, and the redacted request. Approvals that are sent with headers add to it.
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
