#pragma once
#include "emulator/environment.hpp"
#include "emulator/json.hpp"
#include <corun/emulator/emulator.hpp>

#include <optional>
#include <string>
#include <vector>

namespace corun::emulator {

struct run;

struct tool_call {
    explicit tool_call(step::kind step_kind) : kind(step_kind) {}

    [[nodiscard]] bool is_function() const noexcept { return kind == step::kind::call_function; }
    [[nodiscard]] bool is_mcp() const noexcept { return kind == step::kind::call_mcp; }

    /// As steps and required actions show it.
    [[nodiscard]] json shown(bool in_step) const;
    /// The deltas that stream it, before it has an output.
    [[nodiscard]] std::vector<json> deltas(bool only_arguments) const;

    step::kind kind;
    std::string id, type, name, arguments;
    json details;            ///< Of a call that the service itself runs, as scripted.
    std::size_t server = 0;  ///< Index in `run::servers`, of an MCP call.
    std::string label;       ///< Of the server.
    bool waits = false;      ///< For an output or an approval.
    bool denied = false;
    header_fields headers;  ///< Of an MCP call.
    std::optional<std::string> output;
};

/// The call that a step scripts. Throws `run_failure`.
tool_call make_call(environment& shared, const run& run, const step& scripted);

/// The details of a step of type `tool_calls`.
json tool_calls_details(const std::vector<tool_call>& calls);

/// What the model gets to see of the calls of a round.
std::string outputs_of(const std::vector<tool_call>& calls);

}  // namespace corun::emulator
