#include "stream/sending.hpp"

#include "async/cancellation.hpp"
#include "async/wait.hpp"
#include "run/advice.hpp"
#include "run/send_attempts.hpp"
#include "stream/receiving.hpp"
#include "text/random.hpp"

#include <asio/this_coro.hpp>

#include <algorithm>
#include <utility>

namespace corun::detail {
namespace {

[[noreturn]] void throw_aborted() {
    throw std::system_error(asio::error::operation_aborted);
}

/// As `send_once`, for a run that is polled.
asio::awaitable<void> create_once(std::shared_ptr<stream_state> stream, std::string request_id, int attempt,
                                  run_call call) {
    const std::shared_ptr<api_client> api = stream->run->api;
    prepared_request request =
        co_await api_client::make_request(api, std::move(request_id), std::move(call.method), std::move(call.path),
                                          std::move(call.query), std::move(call.body), stream->secrets);
    request.request.context.attempt = attempt;
    const std::string json = co_await api_client::send(api, std::move(request));
    if (stream->abandoned()) throw_aborted();
    stream->protocol->on_created(json);
    stream->fsm.run_exists(run::existence::known);
    stream->fsm.polling_began(stream->now());
    stream->settle();
    stream->watch();
}

/// Whether the request was carried out though its response was lost; the run goes on from there. Nothing where that
/// cannot be determined.
asio::awaitable<std::optional<bool>> find_run(std::shared_ptr<stream_state> stream, std::error_code cause) {
    std::optional<bool> found;
    try {
        found = co_await stream->protocol->find_run(stream->secrets);
    } catch (const error&) {
        // The service is out of reach.
    }
    if (!found.value_or(false) || stream->fsm.failure()) co_return found;
    stream->fsm.answer_lost(cause);
    stream->settle();
    stream->watch();
    co_return found;
}

error with_attempts(const error& failure, int attempts) {
    diagnostics details = failure.details();
    details.attempts = attempts;
    return error(failure.code(), std::move(details));
}

error possibly_carried_out(const error& failure, const run_identity& identity) {
    diagnostics details = failure.details();
    if (!details.message.empty()) details.message += "; ";
    details.message += "it is unknown whether the request was carried out";
    if (identity.mark_would_help) details.message += std::string(": ") + run::mark_advice;
    return error(failure.code(), std::move(details));
}

/// Why the latest request has no event stream, as far as that is known.
error failure_of(const stream_state& stream, const response_reader& response) {
    if (response.refused()) return response.failure();
    const error failure = response.failure();
    std::error_code code = stream.fsm.failure();
    if (!code) code = failure.code();
    if (!code) code = stream.fsm.response_failure();
    return error(code ? code : std::error_code(errc::idle_timeout), failure.details());
}

run::send_attempts attempts_of(const run_context& run) {
    const stream_options options = options_of(run);
    return run::send_attempts(options.retry, options.reattach.enabled);
}

void attempt_begins(stream_state& stream) {
    stream.protocol->before_send();
    // Another response, which has not told of its run yet.
    if (!stream.protocol->identity().can_be_found || stream.fsm.existence() != run::existence::known)
        stream.fsm.run_exists(run::existence::possible);
}

/// Decides on a request whose attempt has failed; completes with whether to send it again, after the delay. Otherwise
/// the run has been found.
///
/// *Errors:* the failure, where neither is possible.
asio::awaitable<bool> recover(std::shared_ptr<stream_state> stream, run::send_attempts& attempts, error failure,
                              std::string request_id) {
    const std::shared_ptr<api_client> api = stream->run->api;
    const int attempt = attempts.number();
    const run::send_attempts::decision next = attempts.failed(failure, api->can_refresh(), random_fraction());
    stream->fsm.attempt_failed();
    if (stream->fsm.existence() != run::existence::known)
        stream->fsm.run_exists(attempts.may_have_arrived() ? run::existence::possible : run::existence::none);
    if (!next.delay && !next.find_run) throw error(failure);
    stream->watch();
    if (next.send_again)
        api->notify_retry(failure, request_id, attempt, *next.delay, stream->run_id(), stream->thread_id());
    if (next.delay && next.delay->count() > 0) {
        const net::time_point when = stream->now() + *next.delay;
        co_await sleep_until(api->clock, when);
    }
    std::optional<bool> carried_out = false;
    if (next.find_run && !stream->abandoned() && !stream->fsm.failure())
        carried_out = co_await find_run(stream, failure.code());
    if (stream->abandoned()) throw_aborted();
    if (stream->fsm.failure()) throw error(stream->fsm.failure(), failure.details());
    if (carried_out.value_or(false)) co_return false;
    if (!carried_out) throw possibly_carried_out(failure, stream->protocol->identity());
    if (!next.send_again) throw error(failure);
    co_return true;
}

/// A request that has been sent.
struct sent_request {
    sent_request(std::shared_ptr<response_reader> reader, secret from_credential)
        : response(std::move(reader)), token(std::move(from_credential)) {}

    std::shared_ptr<response_reader> response;
    secret token;
};

asio::awaitable<sent_request> start(std::shared_ptr<stream_state> stream, std::string request_id, int attempt,
                                    run_call call) {
    const std::shared_ptr<api_client> api = stream->run->api;
    prepared_request request =
        co_await api_client::make_request(api, std::move(request_id), std::move(call.method), std::move(call.path),
                                          std::move(call.query), std::move(call.body), stream->secrets);
    if (stream->abandoned()) throw_aborted();
    request.request.context.attempt = attempt;
    request.request.streams = true;
    request.request.connect_timeout = options_of(*stream->run).connect_timeout;
    stream->secrets = std::move(request.secrets);
    if (stream->response) stream->response->close();
    auto response = std::make_shared<response_reader>(*stream);
    stream->response = response;
    stream->fsm.response_begins(stream->now());
    // Not paused, whatever waits to be taken: it could not be before there is a connection.
    response->start(std::move(request.request));
    stream->watch();
    co_return sent_request(std::move(response), std::move(request.token));
}

}  // namespace

// While a response is awaited, the frames of these coroutines exist in each stream that begins: what is not needed then
// belongs into one that has completed.

asio::awaitable<void> send(std::shared_ptr<stream_state> stream, run_call call) {
    const std::string id = random_uuid();
    run::send_attempts attempts = attempts_of(*stream->run);
    while (true) {
        std::optional<error> failure;
        attempt_begins(*stream);
        try {
            if (stream->run->threads.polls)
                co_await create_once(stream, id, attempts.number(), call);
            else
                co_await send_once(stream, id, attempts.number(), call);
            co_return;
        } catch (const error& problem) {
            failure = with_attempts(problem, attempts.number());
        }
        const bool again = co_await recover(stream, attempts, std::move(*failure), id);
        if (!again) co_return;
    }
}

asio::awaitable<void> send_once(std::shared_ptr<stream_state> stream, std::string request_id, int attempt,
                                run_call call) {
    const sent_request sent = co_await start(stream, std::move(request_id), attempt, std::move(call));
    const std::shared_ptr<response_reader>& response = sent.response;
    // A response that was accepted is not undone by a cancellation in the same turn; it may have broken off since.
    while (!response->accepted()) {
        const bool current = stream->response == response && stream->fsm.reading() && !stream->fsm.over();
        if (!current || response->over() || stream->abandoned()) break;
        co_await stream->arrival.wait();
        const auto state = co_await asio::this_coro::cancellation_state;
        if (response->accepted() || !is_cancelled(state)) continue;
        // Who ends the run needs to know which one it is.
        const bool ends = stream->run->options->on_abandon == abandoned_run::cancelled || stream->abandoned();
        if (!ends) response->close();
        throw_aborted();
    }
    if (stream->abandoned()) throw_aborted();
    if (response->accepted()) co_return;
    // The run was cancelled meanwhile, and is polled until it ends.
    if (stream->response != response) throw_aborted();
    const error failure = failure_of(*stream, *response);
    if (failure.code() == errc::unauthorized) stream->run->api->reject_token(sent.token);
    response->close();
    throw error(failure);
}

}  // namespace corun::detail
