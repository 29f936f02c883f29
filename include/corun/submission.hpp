#pragma once
#include <corun/export.hpp>
#include <corun/headers.hpp>

#include <string>
#include <vector>

namespace corun {

/// What a function of the application gave.
struct CORUN_API tool_output {
    tool_output(std::string tool_call_id, std::string output);

    std::string tool_call_id;
    std::string output;
};

/// Whether a call to an MCP server may go ahead, and with which headers.
struct CORUN_API tool_approval {
    tool_approval(std::string tool_call_id, bool approve, corun::headers headers = {});

    std::string tool_call_id;
    bool approve = false;
    corun::headers headers;
};

/// The answers to an `action_required`: one for each call it names, all at once.
///
///     corun::submission answers;
///     for (const auto& call : action.function_calls) answers.output(call.id, "sunny");
///     for (const auto& call : action.mcp_approvals) answers.approve(call.id);
///     co_await stream.submit(answers);
class CORUN_API submission {
public:
    submission() = default;

    /// What a function call gave.
    submission& output(std::string tool_call_id, std::string output);
    /// Lets an MCP call go ahead. Without headers it carries the run's for its server: those that
    /// the run was given, or what its provider gives now.
    submission& approve(std::string tool_call_id, headers fields = {});
    /// Refuses an MCP call; the model is told, and goes on.
    submission& deny(std::string tool_call_id);

    [[nodiscard]] const std::vector<tool_output>& outputs() const noexcept { return outputs_; }
    [[nodiscard]] const std::vector<tool_approval>& approvals() const noexcept { return approvals_; }
    [[nodiscard]] std::vector<tool_approval>& approvals() noexcept { return approvals_; }
    [[nodiscard]] bool empty() const noexcept { return outputs_.empty() && approvals_.empty(); }

private:
    std::vector<tool_output> outputs_;
    std::vector<tool_approval> approvals_;
};

}  // namespace corun
