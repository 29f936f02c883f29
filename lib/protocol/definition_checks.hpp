#pragma once
#include <corun/resources.hpp>
#include <corun/tools.hpp>

#include <string>
#include <vector>

/// The checks of definitions that are stored at the service, in every protocol.
namespace corun::reconcile {

/// `errc::duplicate_server_label`; `where` names the tools in the error.
void refuse_duplicate_labels(const std::vector<tool>& tools, const std::string& where);

/// Rejects a definition that would store MCP headers or approvals: `errc::invalid_argument`. Stored headers would
/// outlive their run and their token; stored approvals do nothing on an agent; and stored entries of either kind make
/// the service fail every later run that brings its own. They may not be in `tool_resources.other["mcp"]` either. Also
/// rejects bad labels of an agent's MCP tools (`errc::invalid_server_label`, `errc::duplicate_server_label`), and an
/// MCP tool or a function given as `json_tool`, where label and name would not be seen (`errc::invalid_argument`).
void validate(const agent_definition& definition);
void validate(const thread_definition& definition);

}  // namespace corun::reconcile
