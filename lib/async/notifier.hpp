#pragma once
#include <corun/observer.hpp>

#include <asio/any_io_executor.hpp>
#include <asio/post.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <utility>

namespace corun::detail {

/// Calls the hooks of an observer, each by a handler of its own on the executor. A cheap handle.
class notifier {
public:
    notifier() = default;
    notifier(asio::any_io_executor executor, const observer& hooks) {
        if (hooks.on_request || hooks.on_run || hooks.on_retry || hooks.on_reattach || hooks.on_event_problem ||
            hooks.on_submit || hooks.on_function_call || hooks.on_approval || hooks.on_wire)
            state_ = std::make_shared<state>(std::move(executor), hooks);
    }

    /// Whether any hook is set.
    explicit operator bool() const noexcept { return state_ != nullptr; }
    /// Whether a hook is set: `wants(&observer::on_retry)`.
    template <class Record>
    [[nodiscard]] bool wants(std::function<void(const Record&)> observer::*hook) const noexcept {
        return state_ && state_->hooks.*hook;
    }

    /// Calls a hook if it is set: `notify(&observer::on_retry, record)`.
    template <class Record>
    void notify(std::function<void(const Record&)> observer::*hook, Record record) const noexcept {
        if (!wants(hook)) return;
        try {
            asio::post(state_->executor, [state = state_, hook, record = std::move(record)] {
                try {
                    (state->hooks.*hook)(record);
                } catch (...) {
                    // As documented: exceptions of hooks are ignored.
                }
            });
        } catch (...) {
            // Out of memory. The work itself is more important.
        }
    }

    /// The number of the next request. Only if a hook is set.
    [[nodiscard]] std::uint64_t next_request() const noexcept { return ++state_->requests; }

private:
    struct state {
        state(asio::any_io_executor e, observer o) : executor(std::move(e)), hooks(std::move(o)) {}

        asio::any_io_executor executor;
        observer hooks;
        std::uint64_t requests = 0;
    };
    std::shared_ptr<state> state_;
};

}  // namespace corun::detail
