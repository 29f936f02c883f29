#pragma once
#include "stream/state.hpp"
#include <corun/submission.hpp>

#include <asio/awaitable.hpp>

#include <memory>

namespace corun::detail {

/// Sends answers to the run's action; completes when the response to them has begun. Throws what `send` throws, and
/// what a provider of headers fails with.
asio::awaitable<void> send_answers(std::shared_ptr<stream_state> stream, submission answers);

/// Answers the run's action by its handlers.
asio::awaitable<void> answer(std::shared_ptr<stream_state> stream);

}  // namespace corun::detail
