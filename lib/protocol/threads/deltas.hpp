#pragma once
#include "json/reader.hpp"
#include "protocol/event_output.hpp"

namespace corun::codec::threads {

/// The pieces of a message, and of the calls of a step.
void decode_message_delta(json::object source, output& out);
void decode_step_delta(json::object source, output& out);

}  // namespace corun::codec::threads
