#pragma once
#include <corun/event_stream.hpp>
#include <corun/run_position.hpp>

#include <string>
#include <string_view>

namespace corun::gateway {

/// Where a run is at the service, as text that another process goes on from. Empty until the run is known there.
std::string position_text(const event_stream& stream);
/// Where a run is of which nothing is known but its thread: the request that begins it may have been sent.
std::string position_in(const std::string& thread_id);
/// The reverse of both.
///
/// *Errors:* `errc::invalid_argument` for any other text.
run_position position_of(std::string_view text);

/// True if texts come again from their beginnings.
bool texts_come_again(std::string_view position);

}  // namespace corun::gateway
