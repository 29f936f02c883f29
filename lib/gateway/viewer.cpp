#include "gateway/viewer.hpp"

#include <algorithm>
#include <string_view>
#include <system_error>
#include <utility>

namespace corun::gateway {
namespace {

/// What is encoded before it is written: no viewer holds more of a log.
constexpr std::size_t max_write = std::size_t{32} << 10;

constexpr std::pair<const char*, const char*> stream_head[] = {
    {"Content-Type", "text/event-stream"}, {"Cache-Control", "no-cache, no-transform"}, {"X-Accel-Buffering", "no"},
    {"X-Content-Type-Options", "nosniff"}, {"X-Vercel-AI-UI-Message-Stream", "v1"},     {"X-Should-Retry", "false"},
};

void encode_more(viewer& self, encoder& as, std::string& out) {
    const run_log& log = self.watched->log();
    while (self.position < log.size() && out.size() < max_write && !as.is_done()) {
        as.encode(log[self.position], log.id_of(self.position), out);
        ++self.position;
    }
}

asio::awaitable<void> write(std::shared_ptr<viewer> self, std::string bytes) {
    const std::shared_ptr<viewer> kept = std::move(self);
    const std::size_t size = bytes.size();
    kept->writing = true;
    kept->last_write = viewer::steady::now();
    co_await kept->exchange->write(std::move(bytes));
    kept->writing = false;
    kept->sent_bytes += size;
    kept->counted.sent_bytes += size;
}

/// Returns whether the stream has come to an end of its own.
asio::awaitable<bool> send_all(std::shared_ptr<viewer> self, std::shared_ptr<encoder> as) {
    const std::shared_ptr<viewer> kept = std::move(self);
    run& watched = *kept->watched;
    std::string out;
    while (!kept->exchange->is_closed()) {
        out.clear();
        encode_more(*kept, *as, out);
        const bool at_end = kept->position == watched.log().size();
        const bool ended = as->is_done() || (at_end && watched.log().is_complete());
        const bool waits = watched.log().waits() && watched.current() == run::state::waiting;
        const bool paused = at_end && !ended && waits && as->ends_at_wait();
        const bool broken = ended && at_end && watched.log()[watched.log().size() - 1].kind == entry_kind::run_broken;
        if (ended && !broken) as->finish(out);
        if (paused) as->pause(out);
        if (out.empty() && kept->wants_heartbeat) out = watched.is_up_to_date() ? keep_alive : keep_alive_unsure;
        kept->wants_heartbeat = false;
        if (!out.empty()) co_await write(kept, std::move(out));
        if (ended || paused) co_return !broken;
        if (kept->position == watched.log().size() && !kept->exchange->is_closed()) co_await watched.log().wait();
    }
    co_return false;
}

}  // namespace

viewer::viewer(std::shared_ptr<run> its_run, std::shared_ptr<http::exchange> its_exchange, counters& its_counters,
               std::size_t its_position)
    : watched(std::move(its_run)), exchange(std::move(its_exchange)), counted(its_counters), position(its_position) {
    watched->viewers.push_back(this);
    ++counted.viewers_started;
}

viewer::~viewer() {
    std::erase(watched->viewers, this);
}

asio::awaitable<void> serve(std::shared_ptr<viewer> self, std::shared_ptr<encoder> as, http::fields head) {
    const std::shared_ptr<viewer> kept = std::move(self);
    const std::shared_ptr<encoder> encoding = std::move(as);
    http::exchange& exchange = *kept->exchange;
    std::string skipped;
    const std::size_t from = std::exchange(kept->position, 0);
    while (kept->position < from) {
        encoding->encode(kept->watched->log()[kept->position], kept->watched->log().id_of(kept->position), skipped);
        ++kept->position;
        skipped.clear();
    }
    if (from > 0) encoding->begin_stream();
    // What the request was is of no use any more.
    exchange.request = {};
    exchange.on_close([weak = std::weak_ptr<run>(kept->watched)] {
        if (const auto watched = weak.lock()) watched->log().notify();
    });
    for (const auto& [name, value] : stream_head) head.emplace_back(name, value);
    exchange.begin(200, std::move(head));
    bool ended = false;
    try {
        std::string opening = ": open\n\n";
        encoding->open(opening);
        co_await write(kept, std::move(opening));
        ended = co_await send_all(kept, encoding);
    } catch (const std::system_error&) {
        // The viewer has gone, or did not read.
    }
    kept->complete = ended;
    if (ended) {
        exchange.finish();
        co_return;
    }
    if (!exchange.is_closed()) ++kept->counted.viewers_cut;
    exchange.abort(false);
}

void check_viewers(run& watched, std::chrono::steady_clock::time_point now, std::chrono::milliseconds heartbeat,
                   std::chrono::milliseconds stall_timeout) {
    bool wake = false;
    for (viewer* each : watched.viewers) {
        const auto quiet = now - each->last_write;
        if (each->writing && stall_timeout.count() > 0 && quiet >= stall_timeout && !each->exchange->is_closed()) {
            ++each->counted.viewers_stalled;
            each->exchange->abort(true);
        } else if (!each->writing && heartbeat.count() > 0 && quiet >= heartbeat) {
            wake = each->wants_heartbeat = true;
        }
    }
    if (wake) watched.log().notify();
}

void disconnect_viewers(run& watched) {
    for (viewer* each : watched.viewers) each->exchange->abort(false);
    watched.log().notify();
}

}  // namespace corun::gateway
