#pragma once
#include <corun/agent.hpp>

#include <asio/awaitable.hpp>

#include <string>
#include <string_view>
#include <utility>

namespace corun::gateway {

/// Where a run is at the service, as text that another process goes on from. Empty until the run is known there.
std::string position_text(const event_stream& stream);

/// True if texts come again from their beginnings.
bool texts_come_again(std::string_view position);

/// Goes on with a run of another process.
asio::awaitable<event_stream> attach(agent runner, std::string position, mcp_header_source headers,
                                     run_options options);

}  // namespace corun::gateway
