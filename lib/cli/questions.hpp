#pragma once

#include "output.hpp"
#include "terminal_input.hpp"
#include <corun/options.hpp>
#include <corun/resources.hpp>
#include <corun/submission.hpp>

#include <memory>
#include <string>

namespace corun::cli {

/// Lets the user at the terminal answer what a run waits for.
class questions {
public:
    /// Nothing where there is no user. Otherwise `options` leave all answers to the caller.
    [[nodiscard]] static std::unique_ptr<questions> make(const asio::any_io_executor& executor, output& out,
                                                         const std::string& approve, run_options& options);

    questions(const asio::any_io_executor& executor, output& out, bool denies);

    /// Asks one question after the other.
    ///
    /// *Errors:* `errc::action_required` for a call that a user cannot answer.
    ///
    /// *Cancellation:* Terminal, partial and total.
    [[nodiscard]] asio::awaitable<submission> answer(required_action action);

private:
    terminal_input keyboard_;
    output& out_;
    bool denies_;
};

}  // namespace corun::cli
