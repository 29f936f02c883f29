#pragma once

#include "event_view.hpp"
#include "program.hpp"
#include "questions.hpp"
#include <corun/event_stream.hpp>

namespace corun::cli {

/// `corun run`: asks one question.
[[nodiscard]] asio::awaitable<exit_code> run_question(program& self);

/// Shows the events of a run until it has ended. `user` answers what it waits for, or is null. If the coroutine is
/// cancelled, cancels the run at the service.
///
/// *Errors:* Those of `event_stream::next`.
[[nodiscard]] asio::awaitable<exit_code> show_run(event_stream& stream, event_view& view, output& out, questions* user);

}  // namespace corun::cli
