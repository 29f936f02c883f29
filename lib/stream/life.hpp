#pragma once
#include "stream/state.hpp"
#include <corun/submission.hpp>

#include <asio/awaitable.hpp>

#include <memory>

namespace corun::detail {

/// Begins a run: sends its first request, and completes when the response has begun.
asio::awaitable<void> begin(std::shared_ptr<stream_state> stream, run_call call);

/// Takes a run that waits for answers, whoever began it, and answers it.
asio::awaitable<void> begin_waiting(std::shared_ptr<stream_state> stream, submission answers);

/// Takes a run that was begun elsewhere, and streams or polls its events.
void begin_attached(stream_state& stream);

/// The caller answers a run that waits.
asio::awaitable<void> submit(std::shared_ptr<stream_state> stream, submission answers);

/// Goes on with the run's life until only the network or the caller can: see life.cpp.
asio::awaitable<bool> live(std::shared_ptr<stream_state> stream);

}  // namespace corun::detail
