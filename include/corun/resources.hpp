#pragma once
#include <corun/export.hpp>
#include <corun/message.hpp>
#include <corun/response_format.hpp>
#include <corun/tools.hpp>

#include <chrono>
#include <cstdint>
#include <map>
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
    /// Of a `rate_limit_exceeded`: after how long to try again, as the message says ("Try again in 22 seconds").
    std::optional<std::chrono::milliseconds> retry_after;
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

    std::string type;  ///< `text`, `refusal`, `image_file`, `image_url`, or another (then see the message's `raw`).
    std::string text;  ///< Of a `text` or a `refusal`.
    std::vector<text_annotation> annotations;
    std::string file_id;  ///< Of an `image_file`.
    std::string url;      ///< Of an `image_url`.
    std::string detail;   ///< Of an image.
};

/// A message of a thread (wire object `thread.message`).
struct CORUN_API thread_message {
    thread_message() = default;

    std::string id, thread_id, run_id, agent_id;
    std::string role;
    std::string status;  ///< `in_progress`, `incomplete`, `completed`.
    std::string incomplete_reason;
    std::vector<message_content> content;
    std::vector<attachment> attachments;
    corun::metadata metadata;
    std::optional<std::int64_t> created_at, completed_at;
    std::string raw;

    /// The texts of all content pieces of type `text`, one after the other.
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

/// A call of a kind that this version does not know, which waits for something.
struct CORUN_API other_call {
    other_call() = default;

    std::string id, type;
    std::string raw;  ///< The JSON of this call.
};

/// What a run with status `requires_action` waits for. An action of a kind that this version does
/// not know has no calls of any kind: look at `type` and `raw`.
struct CORUN_API required_action {
    required_action() = default;

    std::string type;  ///< `submit_tool_outputs`, `submit_tool_approval`, or another.
    std::vector<function_call> function_calls;
    std::vector<mcp_approval_request> mcp_approvals;
    std::vector<other_call> other_calls;
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

/// Something that a code interpreter put out.
struct CORUN_API code_interpreter_output {
    code_interpreter_output() = default;

    std::string type;  ///< `logs`, `image`, or another (then see the call's `raw`).
    std::string logs;
    std::string file_id;  ///< Of an `image`.
};

/// In an `include`: what the passages that a file search found say (`file_search_result::content`).
inline constexpr const char* file_search_result_content = "step_details.tool_calls[*].file_search.results[*].content";

/// A passage that a file search found.
struct CORUN_API file_search_result {
    file_search_result() = default;

    std::string file_id, file_name;
    std::optional<double> score;  ///< 0 to 1.
    std::string content;          ///< Its text, where it was asked for: `file_search_result_content`.
};

/// What a browser automation did in one go.
struct CORUN_API browser_automation_step {
    browser_automation_step() = default;

    std::string last_step_result, current_state, next_step;
};

/// A tool call inside a run step. Members of other types than its own are empty.
struct CORUN_API tool_call {
    tool_call() = default;

    std::string id;
    std::string type;  ///< `mcp`, `function`, `code_interpreter`, `file_search`, ...
    std::string name;
    std::string server_label;           ///< Of an MCP call.
    std::string arguments;              ///< JSON text, or the input of a tool that has one.
    std::optional<std::string> output;  ///< Of a code interpreter: its logs, one after the other.

    std::vector<code_interpreter_output> outputs;        ///< Of a code interpreter.
    std::vector<file_search_result> results;             ///< Of a file search.
    std::vector<browser_automation_step> browser_steps;  ///< Of a browser automation.
    /// Of a connected agent: which one, and the thread and run that it works in. When that run
    /// waits for an action, this one goes on only after it was taken there.
    std::string agent_id, thread_id, run_id;
    /// Of `openapi`, `bing_grounding`, `bing_custom_search`, `azure_ai_search`,
    /// `sharepoint_grounding` and `fabric_dataagent`: all that the service says by name, such as
    /// `input`, `output`, `requesturl`.
    std::map<std::string, std::string> properties;

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
/// Given to `agent::update`, it is what changes: absent and empty members stay as they are. What is
/// out of its range is `errc::invalid_argument` in both.
/// `tool_resources` and `raw` may hold what the service echoes of MCP headers that others stored.
struct CORUN_API agent_definition {
    agent_definition() = default;
    explicit agent_definition(std::string model);

    std::string model;  ///< The name of a model deployment.
    std::string name, description, instructions;
    std::vector<tool> tools;  ///< At most 128.
    corun::tool_resources tool_resources;
    std::optional<double> temperature;  ///< 0 to 2.
    std::optional<double> top_p;        ///< 0 to 1.
    std::optional<corun::response_format> response_format;
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
