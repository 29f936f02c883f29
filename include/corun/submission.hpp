#pragma once
#include <corun/call_output.hpp>
#include <corun/export.hpp>
#include <corun/headers.hpp>

#include <string>
#include <vector>

namespace corun {

/// The output of a call.
struct CORUN_API tool_output {
    tool_output(std::string tool_call_id, call_output output);

    std::string tool_call_id;
    call_output output;
};

/// Whether a call to an MCP server is approved, and its headers.
struct CORUN_API tool_approval {
    tool_approval(std::string tool_call_id, bool approve, corun::headers headers = {});

    std::string tool_call_id;
    bool approve = false;  ///< Whether the call is approved.
    corun::headers headers;
    std::string reason;  ///< Why it is denied, for the model. Responses protocol only.
};

/// The answers to an `events::action_required`: one for each of its calls.
///
///     corun::submission answers;
///     for (const auto& call : action.function_calls) answers.output(call.id, "sunny");
///     for (const auto& call : action.mcp_approvals) answers.approve(call.id);
///     co_await stream.submit(answers);
class CORUN_API submission {
public:
    submission() = default;

    /// Adds the output of a call: for functions a text for the model, JSON or not; see `call_output`.
    submission& output(std::string tool_call_id, call_output output);
    /// Approves an MCP call. Without `fields`, it is sent with the run's headers for its server, fresh from their
    /// provider if there is one.
    submission& approve(std::string tool_call_id, headers fields = {});
    /// Denies an MCP call. The model is informed, and continues. A `reason` is for the model; it fails with
    /// `errc::invalid_argument` in the threads protocol.
    submission& deny(std::string tool_call_id, std::string reason = {});

    /// The outputs added so far.
    [[nodiscard]] const std::vector<tool_output>& outputs() const noexcept { return outputs_; }
    /// The decisions added so far.
    [[nodiscard]] const std::vector<tool_approval>& approvals() const noexcept { return approvals_; }
    [[nodiscard]] std::vector<tool_approval>& approvals() noexcept { return approvals_; }
    [[nodiscard]] bool empty() const noexcept { return outputs_.empty() && approvals_.empty(); }

private:
    std::vector<tool_output> outputs_;
    std::vector<tool_approval> approvals_;
};

}  // namespace corun
