#pragma once
#include "stream/state.hpp"

#include <asio/awaitable.hpp>

#include <memory>

namespace corun::detail {

/// Sends a request that begins a run or answers its action; completes when its response has begun, or when the run has
/// been found without one. It is sent again as `retry_policy` says, and what may have been carried out only after it is
/// known that it was not.
///
/// *Errors:* those of the network and of the service's answer.
/// *Cancellation:* drops the request.
asio::awaitable<void> send(std::shared_ptr<stream_state> stream, run_call call);

/// Sends a request once; completes when its response has begun and is an event stream.
asio::awaitable<void> send_once(std::shared_ptr<stream_state> stream, std::string request_id, int attempt,
                                run_call call);

}  // namespace corun::detail
