// The life of a run, from its begin to its end.
//
//     begin ── send ──> streaming ──────────────────────────────────> over
//                       │  ^  an action:  the handlers answer, or the caller does: send
//                       │  │  a failure:  another run is begun in its place: send
//                       └──┘  lost:       the rest is streamed again, or polled
//
// While a run is streaming no coroutine works for it: `response_reader` receives its bytes, and starts `live` when an
// event, an error or the time has decided something. `begin` and `submit` send in the caller's coroutine, so that
// cancelling them drops the request.
#include "stream/life.hpp"

#include "async/attempt.hpp"
#include "async/cancellation.hpp"
#include "run/restart_policy.hpp"
#include "stream/answering.hpp"
#include "stream/reattaching.hpp"
#include "stream/restarting.hpp"
#include "stream/sending.hpp"

#include <asio/this_coro.hpp>

#include <utility>

namespace corun::detail {
namespace {

asio::awaitable<void> take_steps(std::shared_ptr<stream_state> stream) {
    for (bool goes_on = true; goes_on;) {
        switch (stream->fsm.phase()) {
            case run::phase::answering:
                co_await answer(stream);
                break;
            case run::phase::restarting:
                co_await restart(stream);
                break;
            case run::phase::lost:
                co_await reattach(stream);
                break;
            case run::phase::polling:
                co_await poll(stream);
                break;
            case run::phase::sending:    // in the caller's coroutine
            case run::phase::streaming:  // by the response's reader
            case run::phase::waiting:    // for the caller
            case run::phase::over:
                goes_on = false;
        }
    }
}

/// Whether the request was refused because an MCP server rejected the token in it.
bool asks_for_another_token(stream_state& stream, const std::exception_ptr& failure) {
    try {
        std::rethrow_exception(failure);
    } catch (const error& refusal) {
        last_error reason;
        reason.code = refusal.details().service_code;
        reason.message = refusal.details().service_message;
        return stream.fsm.existence() == run::existence::none &&
               run::is_rejected_token(reason, refusal.details().status) &&
               stream.restarts.token_rejected(stream.run->sends_headers);
    } catch (...) {
        return false;
    }
}

asio::awaitable<void> begin_with_another_token(std::shared_ptr<stream_state> stream) {
    mcp_header_request request;
    request.why = mcp_header_request::occasion::rejected_token;
    run_call again = co_await prepare_again(stream, std::move(request));
    co_await send(stream, std::move(again));
}

}  // namespace

asio::awaitable<void> begin(std::shared_ptr<stream_state> stream, run_call call) {
    try {
        asio::awaitable<void> sending = send(stream, std::move(call));
        const result<void> sent = co_await attempt(std::move(sending));
        if (sent.has_value()) co_return;
        if (!asks_for_another_token(*stream, sent.failure())) sent.take();
        co_await begin_with_another_token(stream);
    } catch (const std::system_error& failure) {
        stream->observe_end(failure.code());
        throw;
    }
}

asio::awaitable<void> begin_waiting(std::shared_ptr<stream_state> stream, submission answers) {
    stream->restarts.run_had_effect();
    stream->fsm.run_exists(run::existence::known);
    stream->fsm.response_accepted();
    (void)stream->fsm.event_arrived(codec::event_class::action);
    try {
        co_await submit(stream, std::move(answers));
    } catch (const std::system_error& failure) {
        stream->observe_end(failure.code());
        throw;
    }
}

void begin_attached(stream_state& stream) {
    stream.restarts.run_had_effect();
    stream.fsm.run_exists(run::existence::known);
    stream.fsm.enter(run::phase::lost);
    stream.settle();
    stream.watch();
}

asio::awaitable<void> submit(std::shared_ptr<stream_state> stream, submission answers) {
    stream->fsm.enter(run::phase::sending);
    stream->watch();
    asio::awaitable<void> sending = send_answers(stream, std::move(answers));
    const result<void> sent = co_await attempt(std::move(sending));
    if (sent.has_value()) co_return;
    stream->fsm.enter(run::phase::waiting);
    stream->watch();
    sent.take();
}

asio::awaitable<bool> live(std::shared_ptr<stream_state> stream) {
    asio::awaitable<void> steps = take_steps(stream);
    const result<void> taken = co_await attempt(std::move(steps));
    const bool cancelled = is_cancelled(co_await asio::this_coro::cancellation_state);
    // Whoever cancels it takes care of the stream.
    if (!taken.has_value() && !cancelled) stream->fail(taken.failure());
    co_return taken.has_value();
}

}  // namespace corun::detail
