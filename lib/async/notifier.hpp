#pragma once
#include <corun/observer.hpp>

#include <asio/any_io_executor.hpp>
#include <asio/post.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <utility>

namespace corun::detail {

/// Tells an observer, each thing in a turn of its own. A cheap handle.
class notifier {
public:
    notifier() = default;
    notifier(asio::any_io_executor executor, const observer& told) {
        if (told.on_request || told.on_run || told.on_retry || told.on_reattach || told.on_submit || told.on_wire)
            state_ = std::make_shared<state>(std::move(executor), told);
    }

    /// Whether anybody is to be told: `wants(&observer::on_retry)`.
    template <class Record>
    [[nodiscard]] bool wants(std::function<void(const Record&)> observer::*hook) const noexcept {
        return state_ && state_->told.*hook;
    }

    /// Tells it, if somebody wants to know: `tell(&observer::on_retry, record)`.
    template <class Record>
    void tell(std::function<void(const Record&)> observer::*hook, Record what) const noexcept {
        if (!wants(hook)) return;
        try {
            asio::post(state_->executor, [state = state_, hook, what = std::move(what)] {
                try {
                    (state->told.*hook)(what);
                } catch (...) {
                    // As documented: a run does not fail because of who looks on.
                }
            });
        } catch (...) {
            // No memory: the work itself is more important.
        }
    }

    /// The number of a request. To be called when somebody wants to know.
    [[nodiscard]] std::uint64_t next_request() const noexcept { return ++state_->requests; }

private:
    struct state {
        state(asio::any_io_executor e, observer o) : executor(std::move(e)), told(std::move(o)) {}

        asio::any_io_executor executor;
        observer told;
        std::uint64_t requests = 0;
    };
    std::shared_ptr<state> state_;
};

}  // namespace corun::detail
