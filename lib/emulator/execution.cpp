#include "emulator/execution.hpp"

#include "emulator/http/api_error.hpp"

#include <asio/bind_cancellation_slot.hpp>
#include <asio/co_spawn.hpp>
#include <asio/error.hpp>
#include <asio/experimental/awaitable_operators.hpp>
#include <asio/multiple_exceptions.hpp>
#include <asio/post.hpp>
#include <asio/steady_timer.hpp>
#include <asio/this_coro.hpp>
#include <asio/use_awaitable.hpp>

#include <exception>
#include <system_error>
#include <utility>

namespace corun::emulator {
namespace {

/// Runs `work`, and `other` beside it until then. Throws what `work` throws.
asio::awaitable<void> alongside(asio::awaitable<void> work, asio::awaitable<void> other) {
    using namespace asio::experimental::awaitable_operators;
    try {
        co_await (std::move(work) || std::move(other));
    } catch (const asio::multiple_exceptions& both) {
        std::rethrow_exception(both.first_exception());
    }
}

}  // namespace

asio::awaitable<void> wait_for(asio::io_context& context, std::chrono::milliseconds time) {
    asio::steady_timer timer(context, time);
    co_await timer.async_wait(asio::use_awaitable);
}

void runnable::add_output(const std::string& output) {
    if (!outputs.empty()) outputs += '\n';
    outputs += output;
}

void runnable::note_read() {
    was_read = true;
    if (next_stage) next_stage->notify();
}

void runnable::interrupt() {
    if (const auto execution = worker.lock()) execution->interrupt();
}

execution::execution(std::shared_ptr<environment> shared, std::shared_ptr<runnable> target, event_sink sink)
    : environment_(std::move(shared)), target_(std::move(target)), sink_(std::move(sink)) {
    environment_->executions.insert(this);
}

execution::~execution() {
    environment_->executions.erase(this);
}

void execution::start() {
    const auto self = shared_from_this();
    target_->worker = self;
    target_->was_read = false;
    asio::co_spawn(environment_->context, work(self),
                   asio::bind_cancellation_slot(cancellation_.slot(), [self](std::exception_ptr) {}));
}

asio::awaitable<void> execution::work(std::shared_ptr<execution> self) {
    std::optional<run_failure> failure;
    bool was_interrupted = false;
    try {
        // Whoever asked for the work gets the answer first.
        co_await asio::post(self->environment_->context, asio::use_awaitable);
        co_await self->perform();
    } catch (const run_failure& problem) {
        failure = problem;
    } catch (const interrupted&) {
        was_interrupted = true;
    } catch (const std::system_error& problem) {
        was_interrupted = problem.code() == asio::error::operation_aborted;
        if (!was_interrupted) failure.emplace("server_error", went_wrong);
    } catch (const std::exception&) {
        failure.emplace("server_error", went_wrong);
    }
    if (self->environment_->stopped) co_return;
    co_await asio::this_coro::reset_cancellation_state();
    co_await self->conclude(std::move(failure), was_interrupted);
    co_await self->sink_.finish();
}

void execution::throw_if_interrupted() const {
    if (is_interrupted() || environment_->stopped) throw interrupted{};
}

asio::awaitable<void> execution::enter_stage() {
    const bool waits = environment_->options.stage_a_read && waits_for_reader() && !target_->was_read;
    if (waits && !is_interrupted()) {
        target_->next_stage.emplace(environment_->context.get_executor());
        co_await target_->next_stage->wait();
        target_->next_stage.reset();
    }
    target_->was_read = false;
    throw_if_interrupted();
}

asio::awaitable<void> execution::meanwhile(asio::awaitable<void> work) {
    co_await sink_.flush();
    const bool silent = environment_->options.keepalive.count() == 0 || !has_stream();
    if (silent)
        co_await std::move(work);
    else
        co_await alongside(std::move(work), keep_alive());
    throw_if_interrupted();
}

asio::awaitable<void> execution::keep_alive() {
    for (;;) {
        co_await wait_for(environment_->context, environment_->options.keepalive);
        co_await send_keepalive();
        co_await sink_.flush();
    }
}

}  // namespace corun::emulator
