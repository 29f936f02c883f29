#pragma once
#include "stream/context.hpp"
#include "stream/protocol.hpp"
#include <corun/resources.hpp>
#include <corun/submission.hpp>

#include <asio/awaitable.hpp>

#include <memory>

namespace corun::detail {

struct stream_state;

/// True when the handlers answer all that an action asks for. `mixed`: the protocol takes outputs of
/// functions and approvals in one submission.
bool handlers_answer(const run_context& run, const required_action& action, bool mixed);

/// Calls the handlers, all at once unless the run's options say otherwise; completes with their
/// answers. Throws `errc::handler_failed` for an approval handler that throws.
asio::awaitable<submission> ask_handlers(std::shared_ptr<stream_state> stream, required_action action);

/// Adds the run's headers to approvals that have none: those that it was begun with, or those that its
/// provider returns now. `report` says so. Throws what a run's start throws for headers.
asio::awaitable<submission> with_headers(std::shared_ptr<run_context> run, run_identity identity, submission answers,
                                         reconcile_report& report);

}  // namespace corun::detail
