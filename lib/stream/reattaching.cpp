#include "stream/reattaching.hpp"

#include "async/wait.hpp"
#include "protocol/synthetic_events.hpp"
#include "run/poll_schedule.hpp"
#include "stream/receiving.hpp"
#include "stream/sending.hpp"
#include "text/random.hpp"

#include <utility>
#include <vector>

namespace corun::detail {
namespace {

/// What one poll found out.
struct poll_outcome {
    poll_outcome() = default;

    std::vector<polled_event> events;
    std::optional<bool> found = true;  ///< Nothing: it cannot be determined whether there is such a run.
    std::optional<error> failure;
};

asio::awaitable<poll_outcome> poll_once(std::shared_ptr<stream_state> stream) {
    poll_outcome outcome;
    try {
        // A stream that was lost early has not even said which run it is.
        if (stream->run_id().empty()) outcome.found = co_await stream->protocol->find_run(stream->secrets);
        if (outcome.found.value_or(false)) outcome.events = co_await stream->protocol->poll(stream->secrets);
    } catch (const error& failure) {
        outcome.failure = failure;
    }
    if (!outcome.failure && !outcome.found.value_or(false)) {
        diagnostics details;
        details.message = "the run could not be found again: no run was created at that time";
        outcome.failure.emplace(stream->fsm.cause(), std::move(details));
    }
    co_return outcome;
}

void receive_polled(stream_state& stream, const std::vector<polled_event>& events) {
    if (stream.abandoned() || stream.fsm.over()) return;
    const net::time_point now = stream.now();
    if (stream.fsm.phase() == run::phase::lost) {
        report_reattached(stream);
        stream.fsm.polling_began(now);
        stream.watch();
    }
    stream.fsm.bytes_arrived(now);
    for (const polled_event& each : events) receive_event(stream, each.name, each.data);
    stream.events.all_recorded();
    stream.fsm.backlog_changed(stream.events.bytes(), now);
    stream.arrival.notify();
}

error not_found_again(stream_state& stream, const poll_outcome& outcome) {
    const error& failure = *outcome.failure;
    const bool lost = stream.fsm.phase() == run::phase::lost;
    if (lost && stream.fsm.cause())
        stream.observed.reattach_ended(stream.api(), failure.code(), stream.secrets, stream.protocol->identity());
    if (!lost || !stream.fsm.cause() || !outcome.found.value_or(false)) return failure;
    diagnostics details = failure.details();
    details.message = std::string("the run could not be found again: ") + failure.what();
    return error(stream.fsm.cause(), std::move(details));
}

/// Nothing when the rest of the run is streamed; else why it is not.
asio::awaitable<std::optional<error>> resume(std::shared_ptr<stream_state> stream, run_call call) {
    std::optional<error> failure;
    try {
        co_await send_once(stream, random_uuid(), 1, std::move(call));
    } catch (const error& problem) {
        failure = problem;
    }
    if (failure) stream->fsm.attempt_failed();
    if (failure) stream->watch();
    co_return failure;
}

}  // namespace

asio::awaitable<void> reattach(std::shared_ptr<stream_state> stream) {
    if (stream->fsm.cause())
        stream->observed.lost(stream->api(), stream->fsm.cause(), stream->events.count(),
                              stream->response ? stream->response->bytes() : 0);
    stream->events.disconnect(*stream->protocol);
    co_await poll(std::move(stream));
}

asio::awaitable<void> poll(std::shared_ptr<stream_state> stream) {
    const std::shared_ptr<net::clock> clock = stream->run->api->clock;
    run::poll_schedule schedule(options_of(*stream->run).reattach.give_up_after, clock->now());
    bool may_resume = true;
    while (stream->fsm.phase() == run::phase::polling || stream->fsm.phase() == run::phase::lost) {
        if (schedule.delay().count() > 0) co_await sleep_until(clock, clock->now() + schedule.delay());
        if (stream->fsm.paused()) {
            schedule.held_back();
            continue;
        }
        schedule.poll_begins();
        std::optional<run_call> resume_request;
        if (may_resume && stream->fsm.phase() == run::phase::lost) resume_request = stream->protocol->resume_request();
        poll_outcome outcome;
        if (resume_request) {
            outcome.failure = co_await resume(stream, std::move(*resume_request));
            if (!outcome.failure) co_return;
        } else {
            outcome = co_await poll_once(stream);
        }
        if (!outcome.failure) {
            schedule.succeeded(!outcome.events.empty(), clock->now());
            receive_polled(*stream, outcome.events);
            continue;
        }
        const bool retryable = is_retryable(*outcome.failure);
        if (resume_request && !retryable) {
            may_resume = false;
            schedule.resumption_refused();
            continue;
        }
        // A run that is not listed yet may still be.
        const bool may_pass = outcome.found && (retryable || !*outcome.found);
        if (!schedule.failed(*outcome.failure, may_pass, clock->now())) throw not_found_again(*stream, outcome);
    }
    stream->fsm.response_ended({});
}

void report_reattached(stream_state& stream) {
    if (!stream.fsm.cause()) return;
    events::reattached found;
    found.run_id = stream.run_id();
    found.thread_id = stream.thread_id();
    found.cause = stream.fsm.cause();
    stream.events.push(codec::reattached_name, codec::encode(found));
    stream.details.message.clear();
    stream.observed.reattach_ended(stream.api(), {}, stream.secrets, stream.protocol->identity());
}

}  // namespace corun::detail
