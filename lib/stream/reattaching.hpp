#pragma once
#include "stream/state.hpp"

#include <asio/awaitable.hpp>

#include <memory>

namespace corun::detail {

/// Finds a lost run again: streams the rest of it where the service can, else polls it. Completes when it is streamed
/// again, has ended, or waits for answers.
///
/// *Errors:* what the run was lost to, when the service is out of reach for `reattach_policy::give_up_after`.
asio::awaitable<void> reattach(std::shared_ptr<stream_state> stream);

/// Polls a run until it has ended or waits for answers.
asio::awaitable<void> poll(std::shared_ptr<stream_state> stream);

/// The run has been found: queues `reattached` for the caller.
void report_reattached(stream_state& stream);

}  // namespace corun::detail
