#pragma once
#include <corun/agent_thread.hpp>
#include <corun/event.hpp>

namespace corun {

/// Former names. Version 0.2 removes them.

using thread [[deprecated("use corun::agent_thread")]] = agent_thread;

using unknown [[deprecated("use corun::events::unknown")]] = events::unknown;
using text_delta [[deprecated("use corun::events::text_delta")]] = events::text_delta;
using tool_call_delta [[deprecated("use corun::events::tool_call_delta")]] = events::tool_call_delta;
using refusal_delta [[deprecated("use corun::events::refusal_delta")]] = events::refusal_delta;
using reasoning_delta [[deprecated("use corun::events::reasoning_delta")]] = events::reasoning_delta;
using annotation [[deprecated("use corun::events::annotation")]] = events::annotation;
using image_delta [[deprecated("use corun::events::image_delta")]] = events::image_delta;
using thread_created [[deprecated("use corun::events::thread_created")]] = events::thread_created;
using run_created [[deprecated("use corun::events::run_created")]] = events::run_created;
using run_status [[deprecated("use corun::events::run_status")]] = events::run_status;
using message_created [[deprecated("use corun::events::message_created")]] = events::message_created;
using message_in_progress [[deprecated("use corun::events::message_in_progress")]] = events::message_in_progress;
using message_completed [[deprecated("use corun::events::message_completed")]] = events::message_completed;
using step_created [[deprecated("use corun::events::step_created")]] = events::step_created;
using step_in_progress [[deprecated("use corun::events::step_in_progress")]] = events::step_in_progress;
using step_completed [[deprecated("use corun::events::step_completed")]] = events::step_completed;
using mcp_tools_listed [[deprecated("use corun::events::mcp_tools_listed")]] = events::mcp_tools_listed;
using mcp_call [[deprecated("use corun::events::mcp_call")]] = events::mcp_call;
using action_required [[deprecated("use corun::events::action_required")]] = events::action_required;
using run_completed [[deprecated("use corun::events::run_completed")]] = events::run_completed;
using run_failed [[deprecated("use corun::events::run_failed")]] = events::run_failed;
using run_incomplete [[deprecated("use corun::events::run_incomplete")]] = events::run_incomplete;
using run_cancelled [[deprecated("use corun::events::run_cancelled")]] = events::run_cancelled;
using run_expired [[deprecated("use corun::events::run_expired")]] = events::run_expired;
using run_restarted [[deprecated("use corun::events::run_restarted")]] = events::run_restarted;
using reattached [[deprecated("use corun::events::reattached")]] = events::reattached;
using stream_error [[deprecated("use corun::events::stream_error")]] = events::stream_error;
using image_partial [[deprecated("use corun::events::image_partial")]] = events::image_partial;
using function_called [[deprecated("use corun::events::function_called")]] = events::function_called;
using approval_decided [[deprecated("use corun::events::approval_decided")]] = events::approval_decided;

}  // namespace corun
