#pragma once

/// Includes what programs with agents and runs use. Beside it are json.hpp and sync_wait.hpp; prompt_tools.hpp, the
/// tools of the Responses protocol; `mcp/`, the client of MCP servers; `sse/`, the parser of event streams; and
/// `emulator/` and `gateway/`.
#include <corun/agent.hpp>
#include <corun/agent_thread.hpp>
#include <corun/asio.hpp>
#include <corun/call_output.hpp>
#include <corun/chrono.hpp>
#include <corun/client.hpp>
#include <corun/credential.hpp>
#include <corun/error.hpp>
#include <corun/event.hpp>
#include <corun/event_stream.hpp>
#include <corun/files.hpp>
#include <corun/former_names.hpp>
#include <corun/handlers.hpp>
#include <corun/headers.hpp>
#include <corun/json_text.hpp>
#include <corun/mcp_headers.hpp>
#include <corun/message.hpp>
#include <corun/model_input.hpp>
#include <corun/network_options.hpp>
#include <corun/observer.hpp>
#include <corun/options.hpp>
#include <corun/paged.hpp>
#include <corun/prompt_agent.hpp>
#include <corun/reconcile.hpp>
#include <corun/resources.hpp>
#include <corun/response_format.hpp>
#include <corun/response_options.hpp>
#include <corun/run_position.hpp>
#include <corun/run_result.hpp>
#include <corun/secret.hpp>
#include <corun/submission.hpp>
#include <corun/token_provider.hpp>
#include <corun/tools.hpp>
#include <corun/vector_store.hpp>
#include <corun/version.hpp>
