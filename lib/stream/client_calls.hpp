#pragma once
#include "stream/client_servers.hpp"
#include "stream/state.hpp"
#include <corun/call_output.hpp>
#include <corun/resources.hpp>

#include <asio/awaitable.hpp>

#include <memory>
#include <vector>

namespace corun::detail {

/// The calls among `calls` that are tools of MCP servers which corun calls, and need an approval: as requests for it.
std::vector<mcp_approval_request> approvals_of(const run_context& run, const std::vector<function_call>& calls);

/// To be called before a round of calls: fresh headers from the run's provider, if it has one and the round needs them.
asio::awaitable<void> prepare_client_calls(std::shared_ptr<stream_state> stream, std::vector<function_call> calls);

/// Calls a tool; completes with the output for the model, whatever happens. Reports the call to the caller, by an
/// event, and to the observer.
asio::awaitable<call_output> call_tool(std::shared_ptr<stream_state> stream, client_servers::function tool,
                                       function_call call);

/// Reports which servers corun calls, and delivers the lists of their tools to the caller.
void announce_client_servers(stream_state& stream);

}  // namespace corun::detail
