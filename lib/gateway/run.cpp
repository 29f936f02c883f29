#include "gateway/run.hpp"

#include <corun/error.hpp>

#include <asio/co_spawn.hpp>
#include <asio/error.hpp>

#include <exception>
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

run::run(asio::any_io_executor executor, run_identity identity, std::size_t max_log_bytes,
         std::function<bool(std::string_view)> is_own_function)
    : identity_(std::move(identity)),
      max_log_bytes_(max_log_bytes),
      log_(executor),
      recorder_(recorded_, std::move(is_own_function)),
      answered_(executor) {}

void run::start(asio::any_io_executor executor, opener open, std::function<void(run&)> on_change) {
    on_change_ = std::move(on_change);
    asio::co_spawn(std::move(executor), work(shared_from_this(), std::move(open)), [](std::exception_ptr) {
        // `work` catches everything.
    });
}

asio::awaitable<void> run::work(std::shared_ptr<run> self, opener open) {
    const std::shared_ptr<run> kept = std::move(self);
    std::error_code failure;
    try {
        co_await kept->follow(std::move(open));
    } catch (const std::system_error& error) {
        failure = error.code();
    } catch (const std::exception&) {
        failure = make_error_code(std::errc::io_error);
    }
    if (!kept->recorder_.ended()) kept->fail(failure);
    kept->stream_.reset();
    kept->flush();
    kept->change(state::ended);
}

asio::awaitable<void> run::follow(opener open) {
    const opener opened = std::move(open);
    event_stream stream = co_await opened();
    stream_.emplace(std::move(stream));
    if (stopping_) co_await cancel();
    while (!recorder_.ended()) {
        co_await read();
        if (recorder_.ended() || !stream_->waits_for_answers() || stopping_) co_return;
        change(state::waiting);
        while (stream_->waits_for_answers() && !stopping_ && !recorder_.ended()) co_await answered_.wait();
        change(state::running);
    }
}

asio::awaitable<void> run::read() {
    while (true) {
        const std::span<const event> batch = co_await stream_->next_batch();
        if (batch.empty()) co_return;
        for (const event& each : batch) recorder_.take(each);
        flush();
        if (log_.bytes() > max_log_bytes_ && !stopping_ && !recorder_.ended()) co_await stop("log_full");
    }
}

void run::fail(const std::error_code& code) {
    if (stopping_)
        recorder_.end("cancelled", {});
    else if (!stream_)
        recorder_.end("failed", code_for(code));
    else
        // The run may go on at the service, and what it says is lost: this is no end.
        recorder_.break_off("connection_lost");
}

asio::awaitable<void> run::answer(submission answers) {
    const std::shared_ptr<run> kept = shared_from_this();
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
    segments_.push_back(log_.size());
    recorder_.resume(sent);
    flush();
    answered_.notify();
}

asio::awaitable<void> run::stop(std::string_view code) {
    const std::shared_ptr<run> kept = shared_from_this();
    if (state_ == state::ended || stopping_) co_return;
    stopping_ = true;
    if (!code.empty()) recorder_.warn(code);
    if (stream_) co_await cancel();
    answered_.notify();
}

asio::awaitable<void> run::cancel() {
    bool cancelled = false;
    try {
        co_await stream_->cancel_run();
        cancelled = true;
    } catch (const std::exception&) {
        // A response that is not in the background ends with its connection.
    }
    if (!cancelled && stream_) stream_->abandon();
}

void run::abandon() {
    if (state_ == state::ended) return;
    if (stream_) stream_->abandon();
    recorder_.break_off("unavailable");
    flush();
    answered_.notify();
}

void run::flush() {
    log_.append(std::exchange(recorded_, {}));
}

void run::change(state next) {
    if (state_ == next) return;
    state_ = next;
    changed_at_ = steady::now();
    if (on_change_) on_change_(*this);
    log_.notify();
}

}  // namespace corun::gateway
