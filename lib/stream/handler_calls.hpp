#pragma once
#include "stream/state.hpp"
#include <corun/handlers.hpp>
#include <corun/resources.hpp>

#include <asio/awaitable.hpp>

#include <memory>
#include <string>

namespace corun::detail {

/// Adds an event of corun to the stream. Nobody takes events of a stream that is over.
void deliver(stream_state& stream, std::string_view name, const std::string& data);

/// Calls a function of the application; completes with its output. What it throws is its output, and so is an error
/// where `handler` is empty: nobody registered the function. Reports the call to the caller, by an event, and to the
/// observer.
asio::awaitable<call_output> call_function(std::shared_ptr<stream_state> stream, function_handler handler,
                                           function_call call);

/// Asks a handler whether a call is approved, and reports its decision in the same ways. Throws
/// `errc::handler_failed`.
asio::awaitable<approval_decision> ask_for_approval(std::shared_ptr<stream_state> stream, approval_handler handler,
                                                    mcp_approval_request request);

}  // namespace corun::detail
