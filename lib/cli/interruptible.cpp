#include "interruptible.hpp"

#include "interrupt_flag.hpp"

#include <asio/bind_cancellation_slot.hpp>
#include <asio/cancellation_signal.hpp>
#include <asio/co_spawn.hpp>
#include <asio/signal_set.hpp>

#include <chrono>
#include <csignal>
#include <memory>
#include <optional>
#include <utility>

namespace corun::cli {
namespace {

/// Shared with the coroutine, which may outlive the call.
struct outcome {
    asio::cancellation_signal cancellation;
    std::exception_ptr failure;
    std::optional<exit_code> result;
    int interrupts = 0;
};

void count_interrupts(asio::signal_set& signals, const std::shared_ptr<outcome>& state) {
    signals.async_wait([&signals, state](std::error_code code, int) {
        if (code) return;
        if (++state->interrupts > 1) throw left_by_user();
        state->cancellation.emit(asio::cancellation_type::terminal);
        count_interrupts(signals, state);
    });
}

void finish_background(asio::io_context& context) {
    const interrupt_flag guard;
    while (!interrupt_flag::is_set() && !context.stopped()) context.run_one_for(std::chrono::milliseconds(100));
}

}  // namespace

exit_code run_interruptible(asio::io_context& context, asio::awaitable<exit_code> work) {
    const auto state = std::make_shared<outcome>();
    context.restart();
    {
        asio::signal_set signals(context, SIGINT, SIGTERM);
        count_interrupts(signals, state);
        asio::co_spawn(context, std::move(work),
                       asio::bind_cancellation_slot(state->cancellation.slot(),
                                                    [state](std::exception_ptr failure, exit_code result) {
                                                        state->failure = failure;
                                                        state->result = result;
                                                    }));
        while (!state->result) context.run_one();
    }
    finish_background(context);
    if (state->failure) std::rethrow_exception(state->failure);
    return *state->result;
}

}  // namespace corun::cli
