#include "stream/ending.hpp"

#include "async/backoff.hpp"
#include "async/cancellation.hpp"
#include "async/wait.hpp"
#include "stream/receiving.hpp"

#include <algorithm>
#include <utility>

namespace corun::detail {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds first_delay{100};
constexpr milliseconds longest_delay{2000};

/// Whether the run is known: its first events tell, else the service does.
asio::awaitable<bool> identify(std::shared_ptr<stream_state> stream) {
    const auto expects_events = [](const stream_state& state) {
        return state.run_id().empty() && state.response && state.response->open() && state.fsm.reading();
    };
    while (expects_events(*stream)) {
        co_await stream->arrival.wait();
        co_await throw_if_cancelled();
    }
    bool known = !stream->run_id().empty();
    if (!known && stream->fsm.existence() != run::existence::none) {
        const std::optional<bool> found = co_await stream->protocol->find_run(stream->secrets);
        known = found.value_or(false);
    }
    co_return known;
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

asio::awaitable<bool> end_run(std::shared_ptr<stream_state> stream) {
    const std::shared_ptr<net::clock> clock = stream->run->api->clock;
    stream->cancel_life();
    const bool known = co_await identify(stream);
    if (stream->response) stream->response->close();
    bool ended = !known || has_ended(*stream);
    if (!ended) co_await cancel(stream);
    backoff delays(first_delay, longest_delay);
    while (!ended) {
        ended = co_await stream->protocol->has_ended(stream->secrets);
        if (ended) break;
        const net::time_point when = clock->now() + delays.next();
        co_await sleep_until(clock, when);
    }
    stream->run->copy.reset();
    stream->deadline.reset();
    co_return ended;
}

asio::awaitable<bool> end_abandoned_run(std::shared_ptr<stream_state> stream) {
    const milliseconds limit = stream->api().options.stop_timeout;
    bool ended = false;
    try {
        auto ending = task<bool>::start(stream->run->api->executor, end_run(stream));
        const auto outcome = co_await task<bool>::outcome_within(std::move(ending), stream->run->api->clock, limit);
        ended = outcome.value_or(false);
    } catch (const std::exception&) {
        // Nobody can be told.
    }
    stream->run->copy.reset();
    if (stream->response) stream->response->close();
    stream->deadline.reset();
    co_return ended;
}

}  // namespace corun::detail
