#pragma once
#include "stream/context.hpp"
#include <corun/resources.hpp>
#include <corun/submission.hpp>

#include <asio/awaitable.hpp>

#include <memory>

namespace corun::detail {

/// True when the handlers answer everything that is asked. Functions and approvals in one action
/// have no form that is known, and what is not known is not answered.
bool handlers_answer(const run_options& options, const required_action& asked, bool mixed) noexcept;

/// Asks the handlers, all at once; completes with their answers. Throws `errc::handler_failed` for
/// an approval handler that throws.
asio::awaitable<submission> ask_handlers(std::shared_ptr<run_context> run, pending_action action);

/// Gives approvals that have no headers those of the run: as given, or as its provider gives them
/// now. `report` says so. Throws what a run's start throws for headers.
asio::awaitable<submission> with_headers(std::shared_ptr<run_context> run, pending_action action, submission answers,
                                         reconcile_report& report);

/// True when a run failed because an MCP server refused the headers it was given.
bool is_rejected_token(const last_error& said) noexcept;

}  // namespace corun::detail
