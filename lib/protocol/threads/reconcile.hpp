#pragma once
#include "protocol/definition_checks.hpp"
#include "protocol/reconcile_checks.hpp"
#include <corun/mcp_headers.hpp>
#include <corun/options.hpp>
#include <corun/reconcile.hpp>
#include <corun/resources.hpp>
#include <corun/tools.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// Where a run's MCP headers and tools go so that the service accepts them. Pure functions over
/// values: no I/O, no clock.
namespace corun::reconcile {

enum class mode { streaming, polling };

/// Everything the decision depends on.
struct input {
    input() = default;

    agent_definition agent;                ///< As stored at the service.
    std::optional<tool_resources> thread;  ///< Stored resources of an existing thread; absent when the run creates it.
    mcp_headers headers;                   ///< Of this run.
    run_options options;                   ///< Its tools, functions, approvals and policy.
    reconcile::mode mode = mode::streaming;
};

/// What to do first, and what to send then.
struct plan {
    plan() = default;

    // First, in this order. Only what the run's policy allows.
    bool detach_from_agent = false;                   ///< Remove `tool_resources.mcp` from the stored agent.
    bool detach_from_thread = false;                  ///< The same from the stored thread.
    std::optional<agent_definition> ephemeral_agent;  ///< Create it, run it instead, and delete it afterwards.

    bool polls = false;                      ///< Asked to stream, the run is polled instead.
    std::optional<std::vector<tool>> tools;  ///< Absent: no `tools` member.
    corun::tool_resources tool_resources;    ///< Empty: no `tool_resources` member.

    std::vector<mcp_tool> servers;  ///< All that the run may call.
    reconcile_report report;
};

/// All MCP servers that the run may call, the agent's first.
std::vector<mcp_tool> servers_of(const input& run);

/// Decides. Throws `corun::error` with the codes named in `agent::run_stream`, and
/// `errc::insecure_endpoint` when headers would go to an MCP server over plain http that is not on
/// a loopback host, or `errc::invalid_argument` when the run brings one tool twice.
plan make_plan(const input& run);

}  // namespace corun::reconcile
