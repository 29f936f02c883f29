#include "gateway/redis/writer.hpp"

#include <asio/co_spawn.hpp>
#include <asio/redirect_error.hpp>
#include <asio/use_awaitable.hpp>

#include <algorithm>
#include <exception>
#include <system_error>
#include <utility>

namespace corun::gateway::redis {
namespace {

/// What waits is joined up to this size.
constexpr std::size_t max_part_bytes = std::size_t{64} << 10;

/// Appends an entry; pieces of one text become one.
void join(std::vector<entry>& to, entry next) {
    const bool is_piece = next.kind == entry_kind::part_delta || next.kind == entry_kind::call_delta;
    if (is_piece && !to.empty() && to.back().kind == next.kind && to.back().part == next.part)
        to.back().text += next.text;
    else
        to.push_back(std::move(next));
}

}  // namespace

writer::writer(asio::any_io_executor executor, std::shared_ptr<store> where, run_log& log, settings how)
    : executor_(executor),
      store_(std::move(where)),
      log_(log),
      how_(std::move(how)),
      written_(log.size()),
      connection_(store_->connections()),
      retry_(executor),
      progress_(executor) {}

void writer::write(std::vector<entry> entries, checkpoint after) {
    if (is_.left) return;
    later_.update(std::move(after));
    if (entries.empty()) return;
    std::size_t bytes = 0;
    for (const entry& each : entries) bytes += each.bytes();
    // Not where viewers have seen it already.
    const bool joins = !queue_.empty() && queue_.back().bytes + bytes <= max_part_bytes && !is_.ahead;
    if (!joins) queue_.emplace_back();
    part& last = queue_.back();
    for (entry& each : entries) join(last.entries, std::move(each));
    last.after.update(std::exchange(later_, {}));
    last.bytes += bytes;
    if (is_.ahead)
        log_.append(last.entries, how_.epoch);
    else
        waiting_bytes_ += bytes;
    wake();
}

void writer::wake() {
    if (std::exchange(is_.working, true)) return;
    asio::co_spawn(executor_, work(shared_from_this()), [](std::exception_ptr) {
        // `work` catches everything.
    });
}

asio::awaitable<void> writer::drained() {
    const auto kept = shared_from_this();
    // What viewers have seen early counts.
    while (!is_.left && is_.working && waiting_bytes_ > 0) co_await progress_.wait();
}

asio::awaitable<void> writer::stored() {
    const auto kept = shared_from_this();
    while (!is_.left && is_.working) co_await progress_.wait();
}

void writer::leave() {
    is_.left = true;
    queue_.clear();
    progress_.notify();
}

void writer::depose() {
    if (is_.left) return;
    leave();
    how_.deposed();
}

asio::awaitable<void> writer::work(std::shared_ptr<writer> self) {
    const auto kept = std::move(self);
    const auto owner = kept->how_.owner.lock();
    while (!kept->is_.left && (!kept->queue_.empty() || kept->is_.in_doubt)) {
        log_batch batch;
        batch.writer = kept->store_->gateway();
        kept->current_since_ = steady::now();
        if (!kept->queue_.empty()) {
            part& next = kept->queue_.front();
            batch.entries = std::move(next.entries);
            batch.after = std::move(next.after);
            kept->current_since_ = next.since;
            kept->queue_.pop_front();
        }
        batch.id = {kept->how_.epoch, kept->written_ + batch.entries.size()};
        kept->current_ = &batch;
        const bool written = co_await kept->put(batch);
        kept->current_ = nullptr;
        if (kept->is_.left) break;
        if (!written) {
            kept->depose();
            break;
        }
        kept->written_ = batch.id.number;
        kept->show(batch.entries, batch.id.number);
        kept->progress_.notify();
        if (!batch.entries.empty() && is_last(batch.entries.back().kind)) co_await kept->finish();
    }
    kept->is_.working = false;
    kept->progress_.notify();
}

/// False if another gateway writes.
asio::awaitable<bool> writer::put(log_batch& batch) {
    while (!is_.left) {
        if (!store_->is_available()) {
            if (store_->is_closed()) co_return false;
            co_await store_->changed();
            continue;
        }
        try {
            if (connection_ != store_->connections() || is_.in_doubt) {
                const std::uint64_t now = store_->connections();
                const bool is_own = co_await find_out(batch);
                if (!is_own) co_return false;
                connection_ = now;
                is_.in_doubt = false;
                if (batch.id.number <= written_) co_return true;
            }
            log_batch copy = batch;
            const bool written = co_await store_->logs().append(how_.run, std::move(copy));
            if (written) co_return true;
        } catch (const std::system_error&) {
            // It may have been written.
        }
        is_.in_doubt = true;
        if (store_->is_available()) co_await pause();
    }
    co_return true;
}

/// The log is complete.
asio::awaitable<void> writer::finish() {
    while (!is_.left && !store_->is_closed()) {
        try {
            co_await store_->logs().finish(how_.run, how_.keep);
            co_return;
        } catch (const std::system_error&) {
            // Below.
        }
        co_await pause();
    }
}

/// Redis refuses for now, such as one whose disk is full.
asio::awaitable<void> writer::pause() {
    retry_.expires_after(std::chrono::milliseconds(50));
    std::error_code code;
    co_await retry_.async_wait(asio::redirect_error(asio::use_awaitable, code));
}

/// What Redis has, after its reply was lost or it has come back. False if another gateway has taken over the run.
asio::awaitable<bool> writer::find_out(log_batch& batch) {
    const auto last = co_await store_->logs().last(how_.run);
    if (last && (last->id.epoch > how_.epoch || (last->id.epoch == how_.epoch && last->writer != store_->gateway())))
        co_return false;
    const entry_id start{how_.epoch, 0};
    if (!last) co_await store_->logs().create(how_.run, how_.record, start);
    const std::uint64_t has = last ? last->id.number : 0;
    if (last && last->id.epoch == how_.epoch && has >= batch.id.number && has > written_) {
        // This write is there.
        written_ = has;
    } else if (!last || has < written_) {
        // Redis has lost the end of the log.
        rewrite(batch, has);
    }
    co_return true;
}

/// Makes one write of all that Redis has not got.
void writer::rewrite(log_batch& batch, std::uint64_t from) {
    std::vector<entry> rest;
    for (std::uint64_t i = from; i < log_.size(); ++i) rest.push_back(log_[static_cast<std::size_t>(i)]);
    auto add = [&, number = written_](std::vector<entry>& entries) mutable {
        for (entry& each : entries)
            if (++number > log_.size()) rest.push_back(std::move(each));
    };
    add(batch.entries);
    for (part& each : queue_) add(each.entries);
    queue_.clear();
    batch.entries = std::move(rest);
    batch.after = how_.whole();
    batch.is_fresh = true;
    batch.id.number = from + batch.entries.size();
    written_ = from;
}

/// Viewers see entries, the last of which has this number, unless they have already.
void writer::show(const std::vector<entry>& entries, std::uint64_t last) {
    std::vector<entry> fresh;
    std::uint64_t number = last - entries.size();
    for (const entry& each : entries)
        if (++number > log_.size()) fresh.push_back(each);
    std::size_t bytes = 0;
    for (const entry& each : fresh) bytes += each.bytes();
    waiting_bytes_ -= std::min(bytes, waiting_bytes_);
    log_.append(std::move(fresh), how_.epoch);
    if (!queue_.empty()) return;
    waiting_bytes_ = 0;
    is_.ahead = false;
}

bool writer::check(steady::time_point now) {
    // A process that was stopped has waited for itself.
    if (now - std::exchange(checked_, now) > how_.patience / 2) current_since_ = now;
    if (is_.left || is_.ahead || current_ == nullptr || now - current_since_ < how_.patience) return false;
    std::uint64_t last = current_->id.number;
    show(current_->entries, last);
    for (const part& each : queue_) {
        last += each.entries.size();
        show(each.entries, last);
    }
    waiting_bytes_ = 0;
    is_.ahead = true;
    progress_.notify();
    return true;
}

void writer::verify() {
    if (is_.left) return;
    is_.in_doubt = true;
    wake();
}

}  // namespace corun::gateway::redis
