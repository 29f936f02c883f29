#pragma once

/// Everything but the opt-in headers json.hpp and emulator/emulator.hpp.
#include <corun/agent.hpp>
#include <corun/client.hpp>
#include <corun/credential.hpp>
#include <corun/error.hpp>
#include <corun/event.hpp>
#include <corun/event_stream.hpp>
#include <corun/files.hpp>
#include <corun/handlers.hpp>
#include <corun/headers.hpp>
#include <corun/mcp_headers.hpp>
#include <corun/message.hpp>
#include <corun/options.hpp>
#include <corun/paged.hpp>
#include <corun/reconcile.hpp>
#include <corun/resources.hpp>
#include <corun/response_format.hpp>
#include <corun/run_result.hpp>
#include <corun/secret.hpp>
#include <corun/sse/parser.hpp>
#include <corun/submission.hpp>
#include <corun/thread.hpp>
#include <corun/token_provider.hpp>
#include <corun/tools.hpp>
#include <corun/vector_store.hpp>
#include <corun/version.hpp>
