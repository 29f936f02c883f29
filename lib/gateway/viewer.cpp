#include "gateway/viewer.hpp"

#include <asio/post.hpp>

#include <utility>
#include <vector>

namespace corun::gateway {
namespace {

/// What is encoded before it is written: no viewer holds more of a log.
constexpr std::size_t max_write = std::size_t{32} << 10;

constexpr std::pair<const char*, const char*> stream_head[] = {
    {"Content-Type", "text/event-stream"}, {"Cache-Control", "no-cache, no-transform"}, {"X-Accel-Buffering", "no"},
    {"X-Content-Type-Options", "nosniff"}, {"X-Vercel-AI-UI-Message-Stream", "v1"},     {"X-Should-Retry", "false"},
};

/// Viewers may end meanwhile: each by itself.
std::vector<viewer*> all_of(const run& watched) {
    return watched.viewers;
}

}  // namespace

viewer::viewer(std::shared_ptr<run> its_run, std::shared_ptr<http::exchange> its_exchange, std::shared_ptr<encoder> as,
               counters& its_counters, std::shared_ptr<access_record> record)
    : watched_(std::move(its_run)),
      exchange_(std::move(its_exchange)),
      encoder_(std::move(as)),
      counted_(its_counters),
      record_(std::move(record)) {
    watched_->viewers.push_back(this);
    ++counted_.viewers_started;
}

viewer::~viewer() {
    std::erase(watched_->viewers, this);
}

void viewer::begin(http::fields head, std::size_t position) {
    std::string skipped;
    for (; position_ < position; ++position_) {
        encoder_->encode(watched_->log()[position_], watched_->log().id_of(position_), skipped);
        skipped.clear();
    }
    if (position > 0) encoder_->begin_stream();
    // What the request was is of no use any more.
    exchange_->request = {};
    exchange_->on_close([self = shared_from_this()] { self->resume(); });
    for (const auto& [name, value] : stream_head) head.emplace_back(name, value);
    exchange_->begin(200, std::move(head));
    record_->complete = false;
    std::string opening = ": open\n\n";
    encoder_->open(opening);
    write(std::move(opening));
}

void viewer::encode_more(std::string& out) {
    const run_log& log = watched_->log();
    while (position_ < log.size() && out.size() < max_write && !encoder_->is_done()) {
        encoder_->encode(log[position_], log.id_of(position_), out);
        ++position_;
    }
}

void viewer::resume() {
    if (writing_ || ended_) return;
    if (exchange_->is_closed()) return end(false);
    const run_log& log = watched_->log();
    std::string out;
    encode_more(out);
    const bool at_end = position_ == log.size();
    const bool is_over = encoder_->is_done() || (at_end && log.is_complete());
    const bool waits = log.waits() && watched_->current() == run::state::waiting;
    const bool paused = at_end && !is_over && waits && encoder_->ends_at_wait();
    const bool broken = is_over && at_end && log[log.size() - 1].kind == entry_kind::run_broken;
    if (is_over && !broken) encoder_->finish(out);
    if (paused) encoder_->pause(out);
    if (out.empty() && wants_heartbeat_) out = watched_->is_up_to_date() ? keep_alive : keep_alive_unsure;
    wants_heartbeat_ = false;
    if (is_over || paused) ending_ = broken ? ending::broken : ending::orderly;
    if (!out.empty()) return write(std::move(out));
    if (ending_ != ending::none) end(ending_ == ending::orderly);
}

void viewer::write(std::string bytes) {
    const std::size_t size = bytes.size();
    writing_ = true;
    last_write_ = steady::now();
    exchange_->start_write(std::move(bytes),
                           [self = shared_from_this(), size](std::error_code code) { self->written(size, code); });
}

void viewer::written(std::size_t size, std::error_code code) {
    writing_ = false;
    // The viewer has gone, or did not read.
    if (code) return end(false);
    record_->bytes += size;
    counted_.sent_bytes += size;
    if (ending_ != ending::none) return end(ending_ == ending::orderly);
    resume();
}

void viewer::end(bool complete) {
    if (std::exchange(ended_, true)) return;
    const auto kept = shared_from_this();
    record_->complete = complete;
    if (complete) {
        exchange_->finish();
    } else {
        if (!exchange_->is_closed()) ++counted_.viewers_cut;
        exchange_->abort(false);
    }
    exchange_->on_close(nullptr);
}

void viewer::check(steady::time_point now, std::chrono::milliseconds heartbeat,
                   std::chrono::milliseconds stall_timeout) {
    const auto quiet = now - last_write_;
    if (writing_ && stall_timeout.count() > 0 && quiet >= stall_timeout && !exchange_->is_closed()) {
        ++counted_.viewers_stalled;
        exchange_->abort(true);
    } else if (!writing_ && heartbeat.count() > 0 && quiet >= heartbeat) {
        wants_heartbeat_ = true;
        resume();
    }
}

void run::resume_viewers() {
    if (viewers.empty() || std::exchange(resuming_, true)) return;
    // In a turn of its own: whoever appends to the log is not done yet.
    asio::post(executor_, [weak = weak_from_this()] {
        const auto self = weak.lock();
        if (!self) return;
        self->resuming_ = false;
        for (viewer* each : all_of(*self)) each->resume();
    });
}

void check_viewers(run& watched, std::chrono::steady_clock::time_point now, std::chrono::milliseconds heartbeat,
                   std::chrono::milliseconds stall_timeout) {
    for (viewer* each : all_of(watched)) each->check(now, heartbeat, stall_timeout);
}

void disconnect_viewers(run& watched) {
    for (viewer* each : all_of(watched)) each->disconnect();
    watched.log().notify();
}

}  // namespace corun::gateway
