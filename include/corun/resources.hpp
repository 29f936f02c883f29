#pragma once
#include <corun/chrono.hpp>
#include <corun/export.hpp>
#include <corun/message.hpp>
#include <corun/response_format.hpp>
#include <corun/tools.hpp>

#include <cstdint>
#include <iosfwd>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace corun {

/// The service's objects as received. `raw` is the whole JSON of an object, including members that are not listed here.
/// Times are seconds since 1970.
///
/// These objects are not redacted. Like `event::raw`, they contain everything that the service echoes, such as MCP
/// headers in `tool_resources` or a token in an error message: redact them before logging. Errors are redacted, see
/// `diagnostics`.

/// The status of a run. `unknown`: a status that this version does not know; see `status_text`.
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

/// The name of the state in the protocol, such as `in_progress`.
CORUN_API std::string_view to_string(run_state state) noexcept;
/// The state of that name, or `unknown`.
CORUN_API run_state parse_run_state(std::string_view text) noexcept;
CORUN_API std::ostream& operator<<(std::ostream& out, run_state state);
/// True for cancelled, failed, completed, incomplete and expired.
CORUN_API bool is_terminal(run_state state) noexcept;

/// The tokens that a run or a step used.
struct CORUN_API usage {
    usage() = default;

    std::int64_t prompt_tokens = 0;       ///< Of the input.
    std::int64_t completion_tokens = 0;   ///< Of the output.
    std::int64_t total_tokens = 0;        ///< The sum of both.
    std::int64_t cached_tokens = 0;       ///< Prompt tokens that were read from a cache.
    std::int64_t cache_write_tokens = 0;  ///< Prompt tokens that were written to a cache.
    std::int64_t reasoning_tokens = 0;    ///< Completion tokens that are reasoning.
    std::optional<double> compute_units;  ///< For services that count them.
};

/// Why a run or a step failed, as received. The set of codes is open.
struct CORUN_API last_error {
    last_error() = default;

    std::string code;
    std::string message;
    /// For a rate limit or an overload: the delay that the message names ("Try again in 22 seconds").
    std::optional<std::chrono::milliseconds> retry_after;
};

/// A citation or a generated file in a text.
struct CORUN_API text_annotation {
    text_annotation() = default;

    std::string type;  ///< `url_citation`, `file_citation`, `container_file_citation`, `file_path`, or another.
    std::string text;  ///< The part of the text that it annotates.
    /// The position of `text` in the text of the part: its first character, and the one after its last.
    std::optional<std::int64_t> start_index, end_index;
    std::string file_id;
    std::string container_id;  ///< For `container_file_citation`: the container that has the file.
    std::string quote;         ///< The passage that is cited.
    std::string url;
    std::string title;  ///< Of the page or the file.
};

/// One part of a received message.
struct CORUN_API message_content {
    message_content() = default;

    /// `text`, `refusal`, `image_file`, `image_url`, `output_audio`, or another (see the message's `raw`).
    std::string type;
    std::string text;  ///< For `text` and `refusal`; the transcript of `output_audio`.
    std::vector<text_annotation> annotations;
    std::string file_id;  ///< For `image_file`.
    std::string url;      ///< For `image_url`.
    std::string detail;   ///< For images.
};

/// A message of a thread (object `thread.message`).
struct CORUN_API thread_message {
    thread_message();

    std::string id, thread_id, run_id, agent_id;
    std::string role;
    std::string status;  ///< `in_progress`, `incomplete`, `completed`.
    std::string phase;   ///< `commentary`, `final_answer`, or empty. Send it back with the message: `message::phase`.
    std::string incomplete_reason;
    std::vector<message_content> content;
    std::vector<attachment> attachments;
    corun::metadata metadata;
    std::optional<std::int64_t> created_at, completed_at;
    std::string raw;

    /// The concatenated texts of all content parts of type `text`.
    [[nodiscard]] std::string text() const;
};

/// A call of a function of the application.
struct CORUN_API function_call {
    function_call() = default;

    std::string id, name;
    std::string arguments;       ///< JSON text.
    std::string tool_namespace;  ///< The namespace of the function, or empty.
    std::string caller_id;       ///< The `call_id` of the program that calls the function; empty for the model.
    bool async = false;          ///< The model does not wait for the output.
};

/// A call to an MCP server that waits for approval.
struct CORUN_API mcp_approval_request {
    mcp_approval_request() = default;

    std::string id, name, server_label;
    std::string arguments;  ///< JSON text.
};

/// A pending call of a kind that this version does not know.
struct CORUN_API other_call {
    other_call() = default;

    std::string id, type;
    /// Of an `oauth_consent_request`: the page on which the user consents. Then continue with an empty `submission`.
    std::string link;
    std::string raw;  ///< The JSON of this call.
};

/// The calls that a run with status `requires_action` waits for. An action of a kind that this version does not know
/// has no calls: see `type` and `raw`.
struct CORUN_API required_action {
    required_action();

    std::string type;                                 ///< `submit_tool_outputs`, `submit_tool_approval`, or another.
    std::vector<function_call> function_calls;        ///< Calls of the application's functions.
    std::vector<mcp_approval_request> mcp_approvals;  ///< Calls that wait for approval.
    std::vector<other_call> other_calls;              ///< Calls of other kinds.
    std::string raw;                                  ///< The JSON of the action.
};

/// A run (object `thread.run`). The service may echo MCP headers in `raw` and `last_error`: redact them before logging.
struct CORUN_API thread_run {
    thread_run();

    std::string id, thread_id, agent_id;
    run_state status = run_state::unknown;
    std::string status_text;  ///< The status as received.
    std::string model;
    std::optional<corun::required_action> required_action;
    std::optional<corun::last_error> last_error;
    std::optional<corun::usage> usage;
    std::string incomplete_reason;
    corun::metadata metadata;
    std::optional<std::int64_t> created_at, started_at, expires_at, completed_at, failed_at, cancelled_at;
    std::string raw;
};

/// One output of a code interpreter.
struct CORUN_API code_interpreter_output {
    code_interpreter_output() = default;

    std::string type;     ///< `logs`, `image`, or another (see the call's `raw`).
    std::string logs;     ///< For `logs`.
    std::string file_id;  ///< For `image`.
};

/// The result of one command of a shell.
struct CORUN_API command_result {
    command_result() = default;
    command_result(std::string standard_output, std::string standard_error, std::optional<int> exit_code);

    std::string standard_output, standard_error;  ///< What the command wrote.
    std::optional<int> exit_code;                 ///< Absent: the command ran out of time, or has not ended.
};

/// For `include`: the text of file search results (`file_search_result::content`).
inline constexpr const char* file_search_result_content = "step_details.tool_calls[*].file_search.results[*].content";

/// A passage that a file search found.
struct CORUN_API file_search_result {
    file_search_result() = default;

    std::string file_id, file_name;
    std::optional<double> score;  ///< 0 to 1.
    std::string content;          ///< Its text, if requested with `file_search_result_content`.
};

/// One step of a browser automation.
struct CORUN_API browser_automation_step {
    browser_automation_step() = default;

    std::string last_step_result, current_state, next_step;  ///< In the words of the model.
};

/// A tool call in a run step. Members for other types than its own are empty.
struct CORUN_API tool_call {
    tool_call();

    std::string id;
    std::string type;  ///< `mcp`, `function`, `code_interpreter`, `file_search`, ...
    std::string name;
    std::string server_label;           ///< For MCP calls.
    std::string arguments;              ///< JSON text, or the tool's input.
    std::optional<std::string> output;  ///< For a code interpreter and a shell: everything that it wrote.
    std::string tool_namespace;         ///< As in `function_call`.
    std::string caller_id;              ///< As in `function_call`.
    bool async = false;                 ///< As in `function_call`.

    std::vector<std::string> commands;                   ///< For a shell.
    std::vector<command_result> command_results;         ///< For a shell, by command.
    std::vector<code_interpreter_output> outputs;        ///< For a code interpreter.
    std::vector<file_search_result> results;             ///< For a file search.
    std::vector<browser_automation_step> browser_steps;  ///< For a browser automation.
    /// For a connected agent: the agent, and the thread and run in which it works. If that run waits for an action,
    /// answer it there; this run continues afterwards.
    std::string agent_id, thread_id, run_id;
    /// For `openapi`, `bing_grounding`, `bing_custom_search`, `azure_ai_search`, `sharepoint_grounding` and
    /// `fabric_dataagent`: all members by name, such as `input`, `output`, `requesturl`.
    std::map<std::string, std::string> properties;

    std::string raw;  ///< The JSON of this call.
};

/// A tool of an MCP server.
struct CORUN_API mcp_tool_info {
    mcp_tool_info() = default;

    std::string name, description;
    std::string parameters;  ///< JSON schema.
};

/// The tools that the service listed for one MCP server.
struct CORUN_API mcp_tool_list {
    mcp_tool_list() = default;

    std::string id, server_label;
    std::vector<mcp_tool_info> tools;
};

/// A step of a run (object `thread.run.step`).
struct CORUN_API run_step {
    run_step();

    std::string id, run_id, thread_id, agent_id;
    /// `message_creation`, `tool_calls`, `activities`. In the Responses protocol also the type of an item that is no
    /// call, such as `reasoning` or `compaction`; `raw` is the item.
    std::string type;
    std::string status;                    ///< `in_progress`, `cancelled`, `failed`, `completed`, `expired`.
    std::string message_id;                ///< For `message_creation`.
    std::vector<tool_call> tool_calls;     ///< For `tool_calls`.
    std::vector<mcp_tool_list> mcp_tools;  ///< For `activities`.
    std::optional<corun::last_error> last_error;
    std::optional<corun::usage> usage;
    std::optional<std::int64_t> created_at, expires_at, completed_at, failed_at, cancelled_at;
    std::string raw;
};

/// The definition of a classic agent, for `client::create_agent` and from `agent::definition`. For `agent::update`, it
/// contains the changes: absent and empty members stay unchanged. Values out of range fail with
/// `errc::invalid_argument`. The service may echo stored MCP headers in `tool_resources` and `raw`.
struct CORUN_API agent_definition {
    agent_definition();
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

/// The definition of a thread, for `client::create_thread` and from `agent_thread::definition`. For
/// `agent_thread::update`, it contains the changes: empty members stay unchanged. The service may echo stored MCP
/// headers in `tool_resources` and `raw`.
struct CORUN_API thread_definition {
    thread_definition();

    std::vector<message> messages;  ///< Sent only: the first messages.
    corun::tool_resources tool_resources;
    corun::metadata metadata;

    // Received only.
    std::string id;
    std::optional<std::int64_t> created_at;
    std::string raw;
};

}  // namespace corun
