#pragma once
#include "stream/context.hpp"
#include <corun/handlers.hpp>

#include <asio/awaitable.hpp>

#include <memory>

namespace corun::detail {

/// The request that begins a run of the threads protocol: asks the provider for headers, reconciles, and takes the
/// steps that come before it. Throws what `agent::run_stream` names.
asio::awaitable<prepared_run> prepare_threads_run(std::shared_ptr<run_context> run, mcp_header_request request);

}  // namespace corun::detail
