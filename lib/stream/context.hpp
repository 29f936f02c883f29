#pragma once
#include "api/api_client.hpp"
#include "api/api_objects.hpp"
#include "redact/redact.hpp"
#include "values/copy_on_write.hpp"
#include <corun/handlers.hpp>
#include <corun/mcp_headers.hpp>
#include <corun/message.hpp>
#include <corun/options.hpp>
#include <corun/prompt_agent.hpp>
#include <corun/reconcile.hpp>
#include <corun/resources.hpp>
#include <corun/tools.hpp>

#include <asio/awaitable.hpp>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace corun::detail {

class client_servers;
class ephemeral_agent;

/// What only runs of the threads protocol have.
struct threads_details {
    threads_details() = default;

    std::string mark;                       ///< In the run's metadata, see `reattach_policy::mark_runs`.
    std::string former_thread;              ///< The thread of the failed run in whose place this one is begun.
    bool polls = false;                     ///< Asked to stream, it is polled.
    std::shared_ptr<ephemeral_agent> copy;  ///< The copy of the agent that runs in its place.
};

/// What a run is begun with, and keeps while it lasts: who gives its headers, who answers its
/// actions, and what is needed to begin it again.
struct run_context {
    run_context() = default;

    std::shared_ptr<api_client> api;
    std::shared_ptr<agent_object> agent;
    agent_definition definition;                     ///< The agent's, as it was when the run began.
    prompt_agent_definition prompt;                  ///< The same, of the Responses protocol.
    std::shared_ptr<thread_object> conversation;     ///< Null where the run creates its thread.
    std::optional<tool_resources> thread_resources;  ///< Those stored with its thread; absent when the run creates it.
    std::vector<message> messages;
    mcp_header_provider provider;  ///< Empty when the headers were given once.
    mcp_headers headers;           ///< As given last.
    copy_on_write<run_options> options;
    bool streams = true;

    // What came of it.
    threads_details threads;
    std::vector<mcp_tool> servers;           ///< All that the run may call.
    bool sends_headers = false;              ///< Its request carries headers for MCP servers.
    std::shared_ptr<client_servers> client;  ///< The MCP servers that corun calls; null without any.
};

/// The row of the report when a provider gave headers.
inline constexpr int provider_asked_row = 16;

/// The metadata that marks a run begun by this library, with a value of its own for each.
inline constexpr const char* run_mark = "corun_run";

/// The limits and policies of one stream: the run's, else the client's.
struct stream_options {
    stream_options() = default;

    std::chrono::milliseconds connect_timeout{0}, idle_timeout{0}, event_timeout{0}, total_timeout{0};
    retry_policy retry;
    reattach_policy reattach;
    bool strict_events = false;
};
stream_options options_of(const run_context& run) noexcept;

/// A request that begins a run, or continues one.
struct run_call {
    run_call() = default;

    std::string method = "POST", path, query;
    secret body;
};

/// The request that begins a run, and how that came about.
struct prepared_run {
    prepared_run() = default;

    run_call call;
    redactor secrets;  ///< Of the body.
    reconcile_report report;
};

/// Asks the run's provider for headers; those of servers that corun calls are taken out, and kept. Throws
/// `errc::mcp_headers_failed` and `errc::mcp_headers_timeout`.
asio::awaitable<mcp_headers> ask_for_headers(std::shared_ptr<run_context> run, mcp_header_request request);

}  // namespace corun::detail
