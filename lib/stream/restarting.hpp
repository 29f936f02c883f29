#pragma once
#include "stream/state.hpp"

#include <asio/awaitable.hpp>

#include <memory>

namespace corun::detail {

/// Begins another run in place of the one that failed; completes when its response has begun. Where that is impossible
/// the failure of the first run is delivered, and the reason is thrown.
asio::awaitable<void> restart(std::shared_ptr<stream_state> stream);

/// Asks the header provider again, and prepares the request anew.
asio::awaitable<run_call> prepare_again(std::shared_ptr<stream_state> stream, mcp_header_request request);

}  // namespace corun::detail
