#pragma once
#include <corun/export.hpp>
#include <corun/message.hpp>
#include <corun/tools.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace corun {

/// The service's objects as they were received. Each keeps its whole JSON in `raw`: what has no
/// member here is there. Times are seconds since 1970, absent when the service gave none.
///
/// They are the service's words: whatever it echoes is in them, MCP headers of `tool_resources` and
/// a token quoted by an error message included. The same holds for `event::raw`. Errors are kept
/// free of what was sent (see `diagnostics`); these are not, so redact them before you log them.

/// Where a run stands. `unknown` is a status this version does not know; the text is kept beside it.
enum class run_state {
    queued,
    in_progress,
    requires_action,
    cancelling,
    cancelled,
    failed,
    completed,
    incomplete,
    expired,
    unknown,
};

CORUN_API std::string_view to_string(run_state state) noexcept;
CORUN_API run_state parse_run_state(std::string_view text) noexcept;
/// True for cancelled, failed, completed, incomplete and expired.
CORUN_API bool is_terminal(run_state state) noexcept;

/// Tokens used by a run or a step.
struct CORUN_API usage {
    usage() = default;

    std::int64_t prompt_tokens = 0;
    std::int64_t completion_tokens = 0;
    std::int64_t total_tokens = 0;
    std::int64_t cached_tokens = 0;
};

/// Why a run or a step failed, in the service's words. The set of codes is open.
struct CORUN_API last_error {
    last_error() = default;

    std::string code;
    std::string message;
};

/// A citation or a generated file, inside a text.
struct CORUN_API text_annotation {
    text_annotation() = default;

    std::string type;  ///< `url_citation`, `file_citation`, `file_path`, or another.
    std::string text;  ///< The part of the text that it stands for.
    std::optional<std::int64_t> start_index, end_index;
    std::string file_id;
    std::string quote;
    std::string url;
    std::string title;
};

/// One piece of a message that came in.
struct CORUN_API message_content {
    message_content() = default;

    std::string type;  ///< `text`, `image_file`, or another (then see the message's `raw`).
    std::string text;
    std::vector<text_annotation> annotations;
    std::string file_id;  ///< Of an `image_file`.
};

/// A message of a thread (wire object `thread.message`).
struct CORUN_API thread_message {
    thread_message() = default;

    std::string id, thread_id, run_id, agent_id;
    std::string role;
    std::string status;  ///< `in_progress`, `incomplete`, `completed`.
    std::string incomplete_reason;
    std::vector<message_content> content;
    corun::metadata metadata;
    std::optional<std::int64_t> created_at, completed_at;
    std::string raw;

    /// The texts of all content pieces, one after the other.
    [[nodiscard]] std::string text() const;
};

/// A call of a function that the application must run.
struct CORUN_API function_call {
    function_call() = default;

    std::string id, name;
    std::string arguments;  ///< JSON text.
};

/// A call to an MCP server that waits for approval.
struct CORUN_API mcp_approval_request {
    mcp_approval_request() = default;

    std::string id, name, server_label;
    std::string arguments;  ///< JSON text.
};

/// What a run with status `requires_action` waits for. An action of a kind that this version does
/// not know has neither calls nor approvals: look at `type` and `raw`.
struct CORUN_API required_action {
    required_action() = default;

    std::string type;  ///< `submit_tool_outputs`, `submit_tool_approval`, or another.
    std::vector<function_call> function_calls;
    std::vector<mcp_approval_request> mcp_approvals;
    std::string raw;  ///< The JSON of the action.
};

/// A run (wire object `thread.run`). `raw` and `last_error` may hold what the service echoes of the
/// run's MCP headers: redact them before you log them.
struct CORUN_API thread_run {
    thread_run() = default;

    std::string id, thread_id, agent_id;
    run_state status = run_state::unknown;
    std::string status_text;  ///< The status as the service wrote it.
    std::string model;
    std::optional<corun::required_action> required_action;
    std::optional<corun::last_error> last_error;
    std::optional<corun::usage> usage;
    std::string incomplete_reason;
    corun::metadata metadata;
    std::optional<std::int64_t> created_at, started_at, expires_at, completed_at, failed_at, cancelled_at;
    std::string raw;
};

/// A tool call inside a run step. Calls of other types have their fields in `raw`.
struct CORUN_API tool_call {
    tool_call() = default;

    std::string id;
    std::string type;  ///< `mcp`, `function`, `code_interpreter`, `file_search`, ...
    std::string name;
    std::string server_label;  ///< Of an MCP call.
    std::string arguments;     ///< JSON text, or the input of a code interpreter.
    std::optional<std::string> output;
    std::string raw;  ///< The JSON of this call.
};

/// A tool that an MCP server offers.
struct CORUN_API mcp_tool_info {
    mcp_tool_info() = default;

    std::string name, description;
    std::string parameters;  ///< JSON schema text.
};

/// The tools that the service listed on one MCP server.
struct CORUN_API mcp_tool_list {
    mcp_tool_list() = default;

    std::string id, server_label;
    std::vector<mcp_tool_info> tools;
};

/// A step of a run (wire object `thread.run.step`).
struct CORUN_API run_step {
    run_step() = default;

    std::string id, run_id, thread_id, agent_id;
    std::string type;                      ///< `message_creation`, `tool_calls`, `activities`.
    std::string status;                    ///< `in_progress`, `cancelled`, `failed`, `completed`, `expired`.
    std::string message_id;                ///< Of a message_creation.
    std::vector<tool_call> tool_calls;     ///< Of tool_calls.
    std::vector<mcp_tool_list> mcp_tools;  ///< Of activities.
    std::optional<corun::last_error> last_error;
    std::optional<corun::usage> usage;
    std::optional<std::int64_t> created_at, expires_at, completed_at, failed_at, cancelled_at;
    std::string raw;
};

/// What an agent is made of: given to `client::create_agent`, received with `agent::definition`.
/// Given to `agent::update`, it is what changes: absent and empty members stay as they are.
/// `tool_resources` and `raw` may hold what the service echoes of MCP headers that others stored.
struct CORUN_API agent_definition {
    agent_definition() = default;
    explicit agent_definition(std::string model);

    std::string model;  ///< The name of a model deployment.
    std::string name, description, instructions;
    std::vector<tool> tools;
    corun::tool_resources tool_resources;
    std::optional<double> temperature, top_p;
    std::string response_format;  ///< JSON value as text; empty leaves it to the service.
    corun::metadata metadata;

    // Received only.
    std::string id;
    std::optional<std::int64_t> created_at;
    std::string raw;
};

/// What a thread is made of: given to `client::create_thread`, received with `thread::definition`.
/// Given to `thread::update`, it is what changes: empty members stay as they are.
/// `tool_resources` and `raw` may hold what the service echoes of MCP headers that others stored.
struct CORUN_API thread_definition {
    thread_definition() = default;

    std::vector<message> messages;  ///< Sent only: the first messages.
    corun::tool_resources tool_resources;
    corun::metadata metadata;

    // Received only.
    std::string id;
    std::optional<std::int64_t> created_at;
    std::string raw;
};

}  // namespace corun
