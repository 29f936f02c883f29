#include "stream/ending.hpp"

#include "async/backoff.hpp"
#include "async/cancellation.hpp"
#include "async/wait.hpp"
#include "run/advice.hpp"
#include "run/run_search.hpp"
#include "stream/receiving.hpp"

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace corun::detail {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds first_delay{100};
constexpr milliseconds longest_delay{2000};

/// How long `stop` waits for the event that names the run, where nothing else can.
constexpr milliseconds patience{500};
/// A request whose connection was dropped before it was answered may arrive a little later.
constexpr int late_looks = 4;

bool expects_events(const stream_state& stream) noexcept {
    return stream.response && stream.response->open() && stream.fsm.reading();
}

asio::awaitable<void> wait_for_events(std::shared_ptr<stream_state> stream, std::optional<net::time_point> until) {
    const std::unique_ptr<net::timer> timer = stream->run->api->clock->make_timer();
    const std::weak_ptr<stream_state> weak = stream;
    if (until)
        timer->expires_at(*until, [weak] {
            if (const auto waiting = weak.lock()) waiting->arrival.notify();
        });
    co_await stream->arrival.wait();
    co_await throw_if_cancelled();
}

error not_found(const stream_state& stream) {
    std::string message = "no event has named it, and ";
    message += stream.protocol->identity().mark_would_help ? run::mark_advice : "responses cannot be listed";
    return error(errc::run_not_found, std::move(message));
}

error not_cancellable(const char* way_out) {
    std::string message = "only background responses can be cancelled (run_options::background); ";
    return error(errc::not_cancellable, message + way_out);
}

/// Whether the run is known: its first events tell, else the service does. Throws `errc::run_not_found`.
asio::awaitable<bool> identify(std::shared_ptr<stream_state> stream, run::run_search search) {
    using step = run::run_search::step;
    const run_identity& identity = stream->protocol->identity();
    while (!identity.is_known && stream->fsm.existence() != run::existence::none) {
        const bool listening = expects_events(*stream);
        const run::run_search::decision next = search.next(listening, stream->now());
        if (next.step == step::nothing) break;
        if (next.step == step::unknown) throw not_found(*stream);
        if (next.step == step::wait) {
            co_await wait_for_events(stream, next.until);
            continue;
        }
        const std::optional<bool> found = co_await stream->protocol->find_run(stream->secrets);
        if (found.value_or(false)) co_return true;
        search.looked(found, listening, stream->now());
    }
    co_return identity.is_known;
}

run::run_search search_for(const stream_state& stream, std::optional<milliseconds> limit) {
    // A response that has begun says that the request has arrived.
    const bool was_answered = stream.response && stream.response->accepted();
    return run::run_search(limit, was_answered ? 1 : late_looks, stream.now());
}

asio::awaitable<void> cancel(std::shared_ptr<stream_state> stream) {
    std::optional<error> failure;
    try {
        co_await stream->protocol->cancel(stream->secrets);
    } catch (const error& problem) {
        failure = problem;
    }
    if (!failure) co_return;
    // So the service answers for a run that has ended, or is not stored.
    const std::error_code code = failure->code();
    if (code != errc::bad_request && code != errc::conflict && code != errc::not_found) throw error(*failure);
}

}  // namespace

bool has_ended(const stream_state& stream) noexcept {
    return stream.fsm.phase() == run::phase::over && !stream.fsm.failure();
}

namespace {

asio::awaitable<bool> end_known_run(std::shared_ptr<stream_state> stream) {
    const std::shared_ptr<net::clock> clock = stream->run->api->clock;
    co_await cancel(stream);
    backoff delays(first_delay, longest_delay);
    bool ended = false;
    while (!ended) {
        ended = co_await stream->protocol->has_ended(stream->secrets);
        if (ended) break;
        const net::time_point when = clock->now() + delays.next();
        co_await sleep_until(clock, when);
    }
    co_return ended;
}

asio::awaitable<bool> end_run_once_known(std::shared_ptr<stream_state> stream, run::run_search search) {
    bool ended = has_ended(*stream) || stream->fsm.existence() == run::existence::none;
    const run_protocol::ending way = ended ? run_protocol::ending::by_leaving : stream->protocol->how_it_ends();
    stream->cancel_life();
    if (way == run_protocol::ending::by_request) {
        const bool known = co_await identify(stream, std::move(search));
        if (stream->response) stream->response->close();
        ended = !known || has_ended(*stream);
        if (!ended) ended = co_await end_known_run(stream);
    }
    if (stream->response) stream->response->close();
    stream->run->threads.copy.reset();
    stream->deadline.reset();
    if (way == run_protocol::ending::not_supported) throw not_cancellable("its connection was closed");
    co_return ended;
}

/// Whether the run still waits for the answers that its stream owes it: somebody else may have given them.
asio::awaitable<bool> still_waits(std::shared_ptr<stream_state> stream) {
    const std::optional<bool> answered = co_await stream->protocol->find_run(stream->secrets);
    co_return answered == false;
}

asio::awaitable<bool> end_silently(std::shared_ptr<stream_state> stream, run::abandonment fate) {
    bool ends = true;
    stream->cancel_life();
    if (fate == run::abandonment::cancel_if_waiting) ends = co_await still_waits(stream);
    // Nobody waits: also an event that comes late counts.
    if (ends) ends = co_await end_run_once_known(stream, search_for(*stream, std::nullopt));
    co_return ends;
}

}  // namespace

asio::awaitable<void> identify_to_cancel(std::shared_ptr<stream_state> stream) {
    using run::phase;
    const run_identity& identity = stream->protocol->identity();
    // The request on its way begins a response, whose events name it.
    while (!identity.is_known && (stream->fsm.phase() == phase::sending || stream->fsm.phase() == phase::answering))
        co_await wait_for_events(stream, std::nullopt);
    const run_protocol::ending way = stream->protocol->how_it_ends();
    const bool by_leaving = way == run_protocol::ending::by_leaving && stream->fsm.phase() == phase::streaming;
    if (by_leaving || way == run_protocol::ending::not_supported) throw not_cancellable("stop() closes its connection");
    if (identity.is_known) co_return;
    const milliseconds limit = stream->api().options.stop_timeout;
    auto search = task<bool>::start(stream->run->api->executor, identify(stream, search_for(*stream, patience)));
    const auto known = co_await task<bool>::outcome_within(std::move(search), stream->run->api->clock, limit);
    if (!known.value_or(false))
        throw error(errc::run_not_found, "no event has named it, and its thread has no such run");
}

asio::awaitable<bool> end_run(std::shared_ptr<stream_state> stream) {
    run::run_search search = search_for(*stream, patience);
    return end_run_once_known(std::move(stream), std::move(search));
}

asio::awaitable<bool> end_abandoned_run(std::shared_ptr<stream_state> stream, run::abandonment fate) {
    const milliseconds limit = stream->api().options.stop_timeout;
    bool ended = false;
    try {
        auto ending = task<bool>::start(stream->run->api->executor, end_silently(stream, fate));
        const auto outcome = co_await task<bool>::outcome_within(std::move(ending), stream->run->api->clock, limit);
        ended = outcome.value_or(false);
    } catch (const std::exception&) {
        // Nobody can be told.
    }
    stream->run->threads.copy.reset();
    if (stream->response) stream->response->close();
    stream->deadline.reset();
    co_return ended;
}

}  // namespace corun::detail
