#pragma once
#include <corun/mcp_headers.hpp>
#include <corun/options.hpp>
#include <corun/reconcile.hpp>
#include <corun/resources.hpp>
#include <corun/tools.hpp>

#include <optional>
#include <vector>

/// Where a run's MCP headers and tools go so that the service accepts them. Pure functions over
/// values: no I/O, no clock.
namespace corun::reconcile {

enum class mode { streaming, polling };

/// Everything the decision depends on.
struct input {
    input() = default;

    agent_definition agent;                       ///< As stored at the service.
    std::optional<tool_resources> thread;         ///< Stored resources of an existing thread; absent when the run creates it.
    mcp_headers headers;                          ///< Of this run.
    run_options options;                          ///< Its tools, approvals and policy.
    reconcile::mode mode = mode::streaming;
};

/// What to send.
struct plan {
    plan() = default;

    std::optional<std::vector<tool>> tools;  ///< Absent: no `tools` member.
    corun::tool_resources tool_resources;    ///< Empty: no `tool_resources` member.
    reconcile_report report;
};

/// Decides. Throws `corun::error` with the codes named in `agent::run_stream`.
plan make_plan(const input& what);

/// Refuses headers and labels that must not be sent: `errc::invalid_server_label`, `errc::invalid_header`.
void validate(const mcp_headers& headers);

}  // namespace corun::reconcile
