#include "stream/restarting.hpp"

#include "async/attempt.hpp"
#include "async/cancellation.hpp"
#include "async/wait.hpp"
#include "protocol/synthetic_events.hpp"
#include "stream/sending.hpp"

#include <asio/this_coro.hpp>

#include <utility>

namespace corun::detail {
namespace {

asio::awaitable<void> begin_another_run(std::shared_ptr<stream_state> stream) {
    const run::restart_policy::decision restart = stream->failed->restart;
    if (restart.delay.count() > 0) {
        const net::time_point when = stream->now() + restart.delay;
        co_await sleep_until(stream->run->api->clock, when);
    }
    mcp_header_request request;
    if (restart.reason == run::restart_policy::reason::rejected_token)
        request.why = mcp_header_request::occasion::rejected_token;
    request.run_id = stream->run_id();
    request.thread_id = stream->thread_id();
    run_call call = co_await prepare_again(stream, std::move(request));
    stream->events.push(codec::run_restarted_name, stream->failed->data);
    stream->events.all_recorded();
    stream->failed.reset();
    stream->fsm.run_exists(run::existence::possible);
    stream->restarts.run_restarted();
    stream->arrival.notify();
    co_await send(stream, std::move(call));
}

/// No other run was begun, so that is how the run ended.
void deliver_failure(stream_state& stream, bool cancelled) {
    const failed_run failed = std::move(*stream.failed);
    stream.failed.reset();
    if (!stream.abandoned()) stream.events.push(failed.event, failed.data);
    if (!cancelled) return;
    stream.fsm.response_accepted();
    (void)stream.fsm.event_arrived(codec::event_class::last);
    stream.settle();
    stream.arrival.notify();
}

}  // namespace

asio::awaitable<run_call> prepare_again(std::shared_ptr<stream_state> stream, mcp_header_request request) {
    prepared_run prepared = co_await stream->protocol->prepare(std::move(request), run_protocol::start::restart);
    for (const reconcile_report::line& line : prepared.report.lines()) stream->report.add(line.row, line.text);
    stream->report.set_request(prepared.report.path(), prepared.report.body());
    stream->secrets.add(prepared.secrets);
    co_return std::move(prepared.call);
}

asio::awaitable<void> restart(std::shared_ptr<stream_state> stream) {
    asio::awaitable<void> beginning = begin_another_run(stream);
    result<void> begun = co_await attempt(std::move(beginning));
    const bool cancelled = is_cancelled(co_await asio::this_coro::cancellation_state);
    if (!begun.has_value() && stream->failed && stream->fsm.phase() != run::phase::over)
        deliver_failure(*stream, cancelled);
    begun.take();
}

}  // namespace corun::detail
