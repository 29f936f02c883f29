#include "gateway/owned_run.hpp"

#include "gateway/position.hpp"
#include "gateway/viewer.hpp"
#include <corun/error.hpp>

#include <asio/co_spawn.hpp>
#include <asio/error.hpp>

#include <exception>
#include <map>
#include <span>
#include <system_error>
#include <utility>

namespace corun::gateway {
namespace {

/// A code for the viewers of an error of the library.
std::string_view code_for(const std::error_code& code) noexcept {
    if (code == errc::mcp_headers_failed || code == errc::mcp_headers_timeout) return "mcp_headers_failed";
    if (code == errc::rate_limited) return "rate_limit_exceeded";
    if (code == condition::rejected || code == condition::invalid_use) return "not_accepted";
    return "unavailable";
}

}  // namespace

owned_run::owned_run(asio::any_io_executor executor, run_identity identity, std::size_t max_log_bytes,
                     std::function<bool(std::string_view)> is_own_function)
    : run(executor, std::move(identity)),
      max_log_bytes_(max_log_bytes),
      writer_(std::make_shared<memory_writer>(log())),
      recorder_(recorded_, std::move(is_own_function)),
      remembered_(memory::object()),
      answered_(executor) {}

void owned_run::recall(const std::vector<log_batch>& written) {
    std::map<std::uint32_t, std::string> texts;
    for (const log_batch& each : written) {
        for (const entry& one : each.entries) {
            if (one.kind == entry_kind::part_delta) texts[one.part] += one.text;
            if (one.kind == entry_kind::part_ended) texts.erase(one.part);
        }
        log().append(each.entries, each.id.epoch);
        if (each.is_fresh) remembered_ = memory::object();
        if (each.after.changes.is_object()) apply(remembered_, each.after.changes);
        if (!each.after.position.empty()) position_ = each.after.position;
    }
    was_sent_ = !position_.empty();
    if (!was_sent_) return;
    const auto text_of = [&](std::uint32_t part) { return texts[part]; };
    recorder_memory::recall(recorder_, remembered_, text_of, texts_come_again(position_));
}

asio::awaitable<void> owned_run::will_be_sent_to(std::string thread_id) {
    const auto kept = shared_from_this();
    recorded_.emplace_back(entry_kind::run_started);
    position_ = position_in(thread_id);
    flush();
    co_await writer_->stored();
    if (has_left()) throw error(errc::conflict, "another gateway has taken over the run");
}

void owned_run::start(asio::any_io_executor executor, opener open, std::function<void(run&)> on_change) {
    on_change_ = std::move(on_change);
    auto self = std::static_pointer_cast<owned_run>(shared_from_this());
    asio::co_spawn(std::move(executor), work(std::move(self), std::move(open)), [](std::exception_ptr) {
        // `work` catches everything.
    });
}

asio::awaitable<void> owned_run::work(std::shared_ptr<owned_run> self, opener open) {
    const std::shared_ptr<owned_run> kept = std::move(self);
    std::error_code failure;
    try {
        co_await kept->follow(std::move(open));
    } catch (const std::system_error& error) {
        failure = error.code();
    } catch (const std::exception&) {
        failure = make_error_code(std::errc::io_error);
    }
    if (!kept->has_left() && !kept->recorder_.ended()) kept->fail(failure);
    kept->flush();
    kept->stream_.reset();
    co_await kept->writer_->drained();
    kept->change(state::ended);
}

asio::awaitable<void> owned_run::follow(opener open) {
    opener opened = std::move(open);
    event_stream stream = co_await opened();
    stream_.emplace(std::move(stream));
    opened = nullptr;
    if (stopping_) co_await cancel();
    while (!recorder_.ended()) {
        co_await read();
        if (recorder_.ended() || !stream_->waits_for_answers() || stopping_) co_return;
        // Only when those who are asked have the question.
        co_await writer_->drained();
        if (has_left()) co_return;
        change(state::waiting);
        while (stream_->waits_for_answers() && !stopping_ && !recorder_.ended()) co_await answered_.wait();
        change(state::running);
    }
}

asio::awaitable<void> owned_run::read() {
    while (true) {
        const std::span<const event> batch = co_await stream_->next_batch();
        if (batch.empty()) co_return;
        for (const event& each : batch) recorder_.take(each);
        if (writer_->is_shared()) position_ = position_text(*stream_);
        flush();
        const std::size_t bytes = log().bytes() + writer_->waiting_bytes();
        if (bytes > max_log_bytes_ && !stopping_ && !recorder_.ended()) co_await stop("log_full");
    }
}

void owned_run::fail(const std::error_code& code) {
    if (stopping_)
        recorder_.end("cancelled", {});
    else if (code == errc::run_not_found)
        recorder_.end("failed", "interrupted");
    else if (!stream_ && !was_sent_)
        recorder_.end("failed", code_for(code));
    else
        // The run may go on at the service, and what it says is lost: this is no end.
        recorder_.break_off("connection_lost");
}

asio::awaitable<void> owned_run::answer(submission answers) {
    const auto kept = shared_from_this();
    const submission sent = std::move(answers);
    if (state_ != state::waiting || answering_ || stopping_)
        throw error(errc::conflict, "the run waits for no answers");
    answering_ = true;
    try {
        co_await stream_->submit(sent);
    } catch (...) {
        answering_ = false;
        throw;
    }
    answering_ = false;
    recorder_.resume(sent);
    if (writer_->is_shared()) position_ = position_text(*stream_);
    flush();
    co_await writer_->drained();
    answered_.notify();
}

asio::awaitable<void> owned_run::stop(std::string_view code) {
    const auto kept = shared_from_this();
    if (state_ == state::ended || stopping_) co_return;
    stopping_ = true;
    if (!code.empty()) recorder_.warn(code);
    if (stream_) co_await cancel();
    answered_.notify();
}

asio::awaitable<void> owned_run::cancel() {
    bool cancelled = false;
    try {
        co_await stream_->cancel_run();
        cancelled = true;
    } catch (const std::exception&) {
        // A response that is not in the background ends with its connection.
    }
    if (!cancelled && stream_) stream_->abandon();
}

void owned_run::abandon() {
    if (state_ == state::ended) return;
    if (stream_) stream_->abandon();
    recorder_.break_off("unavailable");
    flush();
    answered_.notify();
}

void owned_run::leave() {
    if (state_ == state::ended) return;
    writer_->leave();
    if (stream_) stream_->abandon();
    disconnect_viewers(*this);
    answered_.notify();
}

void owned_run::warn(std::string_view code) {
    if (recorder_.ended()) return;
    recorder_.warn(code);
    flush();
}

void owned_run::flush() {
    checkpoint after;
    if (writer_->is_shared()) {
        after.position = position_;
        if (recorder_memory::has_changed(recorder_)) {
            memory now = recorder_memory::remember(recorder_);
            after.changes = difference(remembered_, now);
            remembered_ = std::move(now);
        }
    }
    writer_->write(std::exchange(recorded_, {}), std::move(after));
}

checkpoint owned_run::whole_checkpoint() const {
    checkpoint whole;
    whole.position = position_;
    whole.question = question();
    whole.changes = recorder_memory::remember(recorder_);
    return whole;
}

void owned_run::change(state next) {
    if (state_ == next) return;
    state_ = next;
    note_change();
    if (on_change_) on_change_(*this);
    log().notify();
}

}  // namespace corun::gateway
