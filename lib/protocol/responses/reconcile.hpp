#pragma once
#include "protocol/reconcile_checks.hpp"
#include <corun/mcp_headers.hpp>
#include <corun/options.hpp>
#include <corun/prompt_agent.hpp>
#include <corun/reconcile.hpp>
#include <corun/secret.hpp>
#include <corun/tools.hpp>

#include <map>
#include <string>
#include <vector>

/// Where a run's MCP headers, tools and approvals go in the Responses protocol. Pure functions over
/// values: no I/O, no clock.
namespace corun::reconcile {

/// Everything the decision depends on.
struct response_input {
    response_input() = default;

    prompt_agent_definition agent;
    bool stored = false;  ///< At the service, under its name; else the application's own, sent whole.
    mcp_headers headers;  ///< Of this round of the run.
    run_options options;  ///< Its tools, functions, approvals and policy.
};

/// What to send.
struct response_plan {
    response_plan() = default;

    bool by_reference = false;                        ///< Send the agent's name; else `definition`, whole.
    prompt_agent_definition definition;               ///< With the run's tools, headers and approvals on them.
    std::map<std::string, secret> structured_inputs;  ///< JSON texts.
    run_options options;                              ///< The run's, without what is left out.
    std::vector<mcp_tool> servers;                    ///< All that the run may call.
    reconcile_report report;
};

/// Decides. A response's answers are given with a request that says all of it again, and approvals
/// have no headers here: make the plan again for each round, with fresh headers.
///
/// Throws `corun::error`: `errc::mcp_headers_with_stored_agent`, `errc::not_allowed_with_agent`,
/// `errc::conflicting_tool_definition`, `errc::duplicate_server_label`,
/// `errc::unknown_server_label`, `errc::invalid_server_label`, `errc::invalid_header`,
/// `errc::insecure_endpoint`, and `errc::invalid_argument` when the run brings one tool twice, or gives an
/// input that the stored agent does not declare.
response_plan make_plan(const response_input& run);

/// Refuses, before it is stored, a definition whose MCP tools have headers that are neither plain
/// nor templates of its structured inputs: `errc::invalid_argument` for `Authorization` and the like,
/// which the service refuses too. Bad and doubled labels as `validate(const agent_definition&)`.
void validate(const prompt_agent_definition& definition);

}  // namespace corun::reconcile
