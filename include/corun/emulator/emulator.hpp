#pragma once
#include <corun/asio.hpp>
#include <corun/emulator/fault.hpp>
#include <corun/emulator/mcp_server.hpp>
#include <corun/emulator/service_options.hpp>
#include <corun/emulator/step.hpp>
#include <corun/emulator/types.hpp>
#include <corun/export.hpp>

#include <asio/io_context.hpp>

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// A local Azure AI Agents service in the application's process, for tests, demos and benchmarks.
///
/// It supports two protocols at one endpoint: threads and runs, and their successor, OpenAI Responses
/// (`/openai/v1/responses`, `/openai/v1/conversations`) with versioned agents (`/agents`). Responses and conversations
/// are also available as `http://host:port/v1/...`, with or without a prefix before `/v1`, as on servers without
/// projects and agents.
///
/// It runs on the application's io_context, keeps everything in memory, and is strict: it rejects all requests that the
/// service rejects.
///
/// *Lifetime:* The io_context must outlive all objects.
///
/// *Threads:* Not thread-safe. Use all objects in the thread that runs the io_context.
namespace corun::emulator {

/// A request that the service received. Secrets are not redacted, so that tests can check them.
struct CORUN_API recorded_request {
    recorded_request() = default;

    std::string method;
    std::string path;   ///< Decoded, without the path of the endpoint: `/threads/runs`.
    std::string query;  ///< As received, without the question mark.
    header_fields headers;
    std::string body;    ///< For an upload, the first 64 KiB.
    std::string run_id;  ///< The run or response that it created, or the run that it answered; otherwise empty.
    int status = 0;      ///< The status of the response; 0 if an injected fault dropped it.

    /// The first header field of this name, compared case-insensitively; empty if there is none.
    [[nodiscard]] std::string header(std::string_view name) const;
};

/// A request that the service sent to an MCP server.
struct CORUN_API recorded_mcp_request {
    recorded_mcp_request() = default;

    std::string run_id;  ///< Or the id of the response.
    std::string server_label;
    std::string tool_call_id;  ///< The call that it is part of; empty if it lists tools.
    std::string method;        ///< `initialize`, `tools/list`, `tools/call`, ..., or `DELETE`.
    header_fields headers;     ///< The effective headers of the run or the approval, without those of the protocol.
    int status = 0;            ///< The status of the response; 0 without a response.

    [[nodiscard]] std::string header(std::string_view name) const;
};

/// The service. It runs from construction until `stop` or destruction.
///
/// A run uses its agent and thread as they were when it began: changing or deleting the agent later does not affect it.
/// A thread cannot be deleted while one of its runs is active (HTTP 400); deleting it later deletes its runs. A mixed
/// round of calls (see `mixed_rounds`) requires `submit_tool_outputs`, and also contains the approvals as
/// `submit_tool_approval`; one submission answers both.
///
/// The headers and `authorization` of an MCP tool apply only to the response that they were sent with, even if an
/// approval answers an earlier response. Input and output are added to the conversation when the response completes or
/// ends incomplete; until then, the conversation accepts no other response (HTTP 400, `conversation_locked`). Only
/// background responses can be cancelled.
class CORUN_API service {
public:
    /// *Errors:* Throws `std::system_error` if it cannot listen.
    explicit service(asio::io_context& context, service_options options = {});
    ~service();
    service(service&&) noexcept;
    service& operator=(service&&) noexcept;

    /// The project endpoint for clients: `http://127.0.0.1:<port>/api/projects/emulator`.
    [[nodiscard]] std::string endpoint() const;
    /// The bearer token that it accepts.
    [[nodiscard]] const std::string& token() const noexcept;
    /// The options. They can be changed between requests, except address, port and token.
    [[nodiscard]] service_options& options() noexcept;

    /// Scripts the model's behavior for user messages that contain `match` (if empty: all messages). If several scripts
    /// match, the latest applies.
    ///
    /// Without a script, `tokens(n)` in the message produces n deltas; the name of a tool in it calls that tool, or
    /// else the last word of a function's name that function (`weather`: `get_weather`); a run with MCP servers calls
    /// the first tool that they list; otherwise the reply is the message, or JSON of the schema that the request has.
    void script(std::string match, std::vector<step> steps);
    /// Adds scripts from JSON: `[{"match": "weather", "steps": [{"call_function": "get_weather", "arguments": {}},
    /// {"reply": "{output}"}]}]`.
    ///
    /// Steps: `reply`, `tokens` (a number), `message` (an array), `refusal`, `reasoning`, `activity` (an object),
    /// `call_function` with `arguments`, `call_mcp` with `arguments` and `server_label`, `call_tool` with `details`,
    /// `next_round` (true), `require_action` with `details`, `fail` with `message`, `incomplete`, `hold` (true).
    ///
    /// *Errors:* Throws `std::invalid_argument`.
    void load_scripts(std::string_view json);

    /// Adds an agent, and returns its id (Responses: its name). `definition` is the JSON body of the request that
    /// creates an agent: `{"model": "gpt-4o", "tools": [...]}`, or, with versions, `{"name": "desk", "definition":
    /// {...}}`.
    ///
    /// *Errors:* Throws `std::invalid_argument` if the service rejects it.
    std::string add_agent(std::string definition);

    /// Adds a file as if a run had created it, and returns its id.
    std::string add_file(std::string filename, std::string bytes, std::string purpose = "assistants_output");
    /// Adds a file as if the code interpreter of a response had written it. Returns the ids of its container and of the
    /// file, for annotations of type `container_file_citation`.
    std::pair<std::string, std::string> add_container_file(std::string filename, std::string bytes);

    /// Adds a fault.
    void inject(emulator::fault fault);
    /// Adds faults from JSON: `[{"respond": 429, "headers": {"Retry-After": "3"}, "on": "POST /threads/runs", "times":
    /// 2}, {"cut": true, "after_bytes": 700}]`.
    ///
    /// Faults: `respond` (a status) with `body` and `headers`, `drop`, `delay` (milliseconds), `cut`, `reset`, `stall`,
    /// `crlf` (true), `insert` (bytes), `omit`, `repeat` (an event), `split` (a number); with `on`, `times` (`"always"`
    /// or a number) and one of `after_bytes`, `after_events`, `every_events`, `before`, `after`.
    ///
    /// *Errors:* Throws `std::invalid_argument`.
    void load_faults(std::string_view json);

    /// The requests so far, in order; the older half is discarded at `service_options::recorded_requests`.
    [[nodiscard]] const std::vector<recorded_request>& requests() const noexcept;
    /// The requests to MCP servers so far, in order.
    [[nodiscard]] const std::vector<recorded_mcp_request>& mcp_requests() const noexcept;
    /// Clears `requests()` and `mcp_requests()`.
    void forget_requests() noexcept;

    /// Stops listening, closes every connection and ends every run. Idempotent.
    void stop();

private:
    struct impl;
    std::shared_ptr<impl> impl_;
};

}  // namespace corun::emulator
