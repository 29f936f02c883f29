#pragma once
#include "stream/state.hpp"

#include <asio/awaitable.hpp>

#include <memory>

namespace corun::detail {

/// Begins another run in place of the one that failed; completes when its response has begun. Where that is impossible
/// the failure of the first run is delivered, and the reason is thrown.
asio::awaitable<void> restart(std::shared_ptr<stream_state> stream);

}  // namespace corun::detail
