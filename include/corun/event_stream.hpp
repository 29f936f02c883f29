#pragma once
#include <corun/error.hpp>
#include <corun/event.hpp>
#include <corun/export.hpp>
#include <corun/reconcile.hpp>
#include <corun/submission.hpp>

#include <asio/awaitable.hpp>

#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace corun {

namespace detail {
class run_stream;
struct handle_access;
}  // namespace detail

/// The events of one run, as they arrive. Move-only; destroying it abandons the transfer (the run
/// itself goes on at the service unless `run_options::on_abandon` says otherwise; `stop` ends both).
///
/// Not thread-safe: use it on the client's executor. One `next` at a time.
class CORUN_API event_stream {
public:
    event_stream() noexcept;
    event_stream(event_stream&&) noexcept;
    event_stream& operator=(event_stream&&) noexcept;
    ~event_stream();

    /// The next event, or nothing when the run has ended, or waits for answers to an action that was
    /// delivered and that no handler is for.
    ///
    /// Completes at once while events are waiting (in a coroutine that can be cancelled: in the next
    /// turn of the executor; `try_next` is the way round). Events that arrived before a failure are
    /// delivered first; then each call throws the failure as `corun::error`: `errc::premature_eof`,
    /// `connection_lost`, `idle_timeout`, `event_timeout` where the run could not be found again (see
    /// `reattach_policy`), `total_timeout`, `event_too_large`, `bad_event`, `stream_failed`; and what failed while the
    /// stream went on by itself: `mcp_headers_failed`, `mcp_headers_timeout`, `handler_failed`, and the errors of
    /// `submit`.
    ///
    /// Cancellation: terminal, partial and total, as far as the coroutine's cancellation state lets
    /// them through. The call ends with `asio::error::operation_aborted`, no event is lost, and
    /// `next` may be called again: so `stream.next() || timer.async_wait(...)` works.
    [[nodiscard]] asio::awaitable<std::optional<event>> next();
    /// The same; a failure sets `code`, which must live until then, and gives nothing. `details()` says more.
    [[nodiscard]] asio::awaitable<std::optional<event>> next(std::error_code& code);

    /// An event that has already arrived, without waiting; nothing when there is none. A failure is
    /// left for `next`.
    [[nodiscard]] std::optional<event> try_next();

    /// Answers the `action_required` that `next` delivered, and goes on with the run: completes when
    /// the service has accepted the answers; `next` then gives what comes of them. All calls that
    /// the action names are answered at once.
    ///
    /// Errors: `errc::invalid_argument` when nothing is answered or the run waits for nothing; those
    /// of headers and their provider, as at the start of a run; then those of the network and of the
    /// service, such as `errc::bad_request` for a call that is not pending, or for a run that has
    /// expired meanwhile. The run then waits as before, as far as is known, and `submit` may be called
    /// again. Cancellation: terminal, partial and total; the service may have taken the answers.
    [[nodiscard]] asio::awaitable<void> submit(submission answers);

    /// True when the run waits for answers that `submit` must give: `action_required` has arrived, and
    /// no handler is for all of it.
    [[nodiscard]] bool waits_for_answers() const noexcept;

    /// Asks the service to cancel the run. Completes when the service has answered; the stream then
    /// goes on to its end, usually with `run_cancelled`, also where the run waited for answers. Errors are those of any
    /// call; `errc::invalid_argument` when no event has told the run's id yet.
    [[nodiscard]] asio::awaitable<void> cancel_run();

    /// Stops reading, and ends the run at the service: cancels it, and completes when it has ended there, so that its
    /// thread takes another run. Also right after the start, when no event has told the run's id yet. Events that wait
    /// to be taken are dropped, and `next` ends with `asio::error::operation_aborted` from here on.
    ///
    /// Errors: `errc::stop_timeout` when that takes longer than `client_options::stop_timeout`; those of the network
    /// and of the service. The run may then go on. Does nothing when the run has ended. Cancellation: terminal, partial
    /// and total.
    [[nodiscard]] asio::awaitable<void> stop();

    /// Stops reading now; what becomes of the run is for `run_options::on_abandon` to say. A pending `next` ends with
    /// `asio::error::operation_aborted`.
    void abandon() noexcept;

    /// Ids of the run and its thread, empty until an event has told them.
    [[nodiscard]] const std::string& run_id() const noexcept;
    [[nodiscard]] const std::string& thread_id() const noexcept;
    /// The HTTP response of this stream.
    [[nodiscard]] int status() const noexcept;
    [[nodiscard]] std::string_view header(std::string_view name) const noexcept;
    [[nodiscard]] std::string_view request_id() const noexcept;
    /// What reconciliation did, and the request as sent, redacted. Grows when approvals are given headers.
    [[nodiscard]] const reconcile_report& report() const noexcept;
    /// Details of the failure that `next` reported last.
    [[nodiscard]] const diagnostics& details() const noexcept;

    [[nodiscard]] explicit operator bool() const noexcept { return impl_ != nullptr; }

private:
    friend struct detail::handle_access;
    explicit event_stream(std::shared_ptr<detail::run_stream> impl) noexcept;
    std::shared_ptr<detail::run_stream> impl_;
};

}  // namespace corun
