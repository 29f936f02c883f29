#pragma once

#include "output.hpp"
#include "terminal_input.hpp"
#include <corun/options.hpp>
#include <corun/resources.hpp>
#include <corun/submission.hpp>

#include <asio/steady_timer.hpp>

#include <memory>
#include <string>

namespace corun::cli {

/// Lets the user at the terminal answer what a run waits for.
class questions {
public:
    /// Nothing where there is no user. Otherwise `options` leave to the caller what their handlers do not answer.
    [[nodiscard]] static std::shared_ptr<questions> make(const asio::any_io_executor& executor, run_options& options);

    explicit questions(const asio::any_io_executor& executor);

    /// Asks one question after the other.
    ///
    /// *Errors:* `errc::action_required` for a call that a user cannot answer.
    ///
    /// *Cancellation:* Terminal, partial and total.
    [[nodiscard]] asio::awaitable<submission> answer(required_action action);

    /// Call this for each event that is shown: a handler's question comes below the events before it.
    void on_shown(bool is_action);

private:
    static asio::awaitable<bool> approve(std::shared_ptr<questions> self, mcp_approval_request call);

    terminal_input keyboard_;
    asio::steady_timer shown_;
    bool is_action_shown_ = false;
};

}  // namespace corun::cli
