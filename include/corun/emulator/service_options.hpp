#pragma once
#include <corun/emulator/types.hpp>
#include <corun/export.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

namespace corun::emulator {

/// What happens when a run and its agent or thread both have resources for MCP servers.
enum class precedence {
    conflict,   ///< The request is rejected, see `conflict_when`.
    narrowest,  ///< Run over thread over agent, per server, as documented.
    merge,      ///< The union of all header fields; the narrower level wins.
};
/// What counts as a conflict.
enum class conflict_when {
    any,             ///< Both have any.
    headers_differ,  ///< Both have headers for the same server, and they differ.
};
/// What happens to a streaming run with both `tools` and `tool_resources.mcp`.
enum class tools_with_resources {
    reject_on_reuse,          ///< Rejected when the agent has had a run before.
    reject_duplicate_labels,  ///< Rejected when two of the `tools` have the same server label.
    accept,
};
/// How those two are rejected.
enum class rejection { failed_run, http_error };
/// Whether agents, threads and runs show their MCP headers when they are read.
enum class echo_headers { never, redacted, full };
/// What headers on an approval do to those of the run.
enum class approval_headers { replace, extend, ignore };
/// How a run fails when an MCP server rejects its headers.
enum class mcp_failure {
    named,      ///< `tool_server_error`, which names the HTTP status.
    anonymous,  ///< `server_error`, "Sorry, something went wrong."
};

/// How an update of an agent or a thread clears the stored `tool_resources.mcp`. Entries always replace it.
enum class mcp_clearing {
    by_omission,    ///< `tool_resources` is replaced as a whole: without `mcp`, or with `[]`, nothing is left.
    by_empty_list,  ///< Kinds that are not named stay: only `"mcp": []` clears.
    never,          ///< Neither clears; only deleting the agent or thread does.
};
/// What deltas of MCP calls contain.
enum class mcp_deltas {
    whole,  ///< `id`, `name`, `server_label`, `arguments`, and finally `output`.
    bare,   ///< `id` and `arguments` only, as specified.
};

/// Which member of a request for a response names its agent.
enum class agent_key {
    agent_reference,  ///< The current one.
    agent,            ///< The older one.
    either,
};
/// What happens to members that define an agent (`model`, `tools`, ...) beside the name of an agent.
enum class agent_overrides {
    refused,  ///< HTTP 400, `invalid_payload`.
    ignored,
};
/// Headers and `authorization` that may be secret, on an MCP tool of a stored agent.
enum class agent_headers {
    templates,  ///< Only those that take the secret from a structured input: `Bearer {{token}}`.
    refused,
    accepted,
};
/// Which responses can be retrieved as a stream.
enum class stream_retrieval {
    background_streams,  ///< Those created with `background` and `stream`, as documented.
    any,
};
/// The shape of `error` events.
enum class error_events {
    nested,  ///< `{"type": "error", "error": {"code": ...}}`, as observed.
    flat,    ///< `{"type": "error", "code": ...}`, as documented.
};
/// How a streamed response ends that exceeds its rate limit.
enum class rate_limits {
    error_after_failed,  ///< `response.failed` without an error, then an `error` event, as observed.
    failed,              ///< `response.failed` with the error.
};
/// What happens to a response when an MCP server fails to list its tools.
enum class listing_failure {
    fails_response,  ///< HTTP 424; in a stream, an `error` event and `response.failed`.
    goes_on,         ///< The item has an `error`, and the model continues without that server.
};
/// What happens to a stored response in the foreground when its client disconnects.
enum class client_leaves { goes_on, is_cancelled };

struct CORUN_API service_options {
    service_options();

    std::string address = "127.0.0.1";
    std::uint16_t port = 0;          ///< 0 for a free one.
    std::string token = "emulator";  ///< The bearer token to accept. If empty, none is needed.
    emulator::clock clock;           ///< By default the system's.

    // Where the behavior of the service is disputed. The defaults are what has been observed.
    emulator::precedence precedence = precedence::conflict;
    emulator::conflict_when conflict_when = conflict_when::any;
    rejection conflict_rejection = rejection::failed_run;
    emulator::tools_with_resources tools_with_resources = tools_with_resources::reject_on_reuse;
    rejection tools_rejection = rejection::http_error;
    bool agent_level_approval_effective = false;  ///< Else only the run's own `require_approval` counts.
    bool stored_headers_effective = true;         ///< MCP headers of agent and thread are used.
    emulator::echo_headers echo_headers = echo_headers::never;
    emulator::approval_headers approval_headers = approval_headers::replace;
    emulator::mcp_failure mcp_failure = mcp_failure::named;
    emulator::mcp_clearing mcp_clearing = mcp_clearing::by_omission;
    emulator::mcp_deltas mcp_deltas = mcp_deltas::whole;
    bool mcp_delta_type = false;               ///< Step deltas of MCP calls have type `mcp`, else `tool_calls`.
    bool mixed_rounds = false;                 ///< Adjacent calls of functions and MCP tools form one round.
    bool duplicate_events = false;             ///< `created`, `queued`, `in_progress` are sent twice.
    bool premature_step_completed = true;      ///< After an approval a step completes twice, first without output.
    bool role_in_deltas = false;               ///< Message deltas have `role` and `annotations`.
    bool null_required_action = true;          ///< Else `required_action` is absent when there is none.
    bool expires_at_in_streamed_steps = true;  ///< Steps have `expires_at` in streams and `expired_at` in listings;
                                               ///< else `expired_at` in both.

    // Responses only.
    /// `/v1`, as of OpenAI and of local servers, also accepts the token as `api-key`. `/openai/v1`, as
    /// of Azure, and any other path that ends in `/v1` always do.
    bool api_key_at_v1 = false;
    emulator::agent_key agent_key = agent_key::agent_reference;
    emulator::agent_overrides agent_overrides = agent_overrides::refused;
    emulator::agent_headers agent_headers = agent_headers::templates;
    bool templated_server_url = false;   ///< An agent's `server_url` may contain `{{name}}`, else HTTP 400.
    bool listed_tools_as_input = false;  ///< Items `mcp_list_tools` may be sent as input, else HTTP 400.
    bool lists_tools_each_time = false;  ///< Also where the context has an `mcp_list_tools` item of the server.
    emulator::listing_failure listing_failure = listing_failure::fails_response;
    emulator::stream_retrieval stream_retrieval = stream_retrieval::background_streams;
    emulator::error_events error_events = error_events::nested;
    emulator::rate_limits rate_limits = rate_limits::error_after_failed;
    std::chrono::seconds retry_after{0};  ///< Sent with rate limit errors; 0 to send none.
    emulator::client_leaves client_leaves = client_leaves::goes_on;
    bool event_lines = true;       ///< Events have an `event:` line; else only `data:`.
    bool obfuscation = true;       ///< Deltas have `obfuscation`, unless the request disables it.
    bool whole_output = true;      ///< `response.completed` and the like contain the output; else `[]`.
    bool done_marker = false;      ///< Streams end with `data: [DONE]`.
    bool cancelled_event = false;  ///< Streams of cancelled responses end with `response.cancelled`; else with nothing.

    std::chrono::seconds run_lifetime{1800};
    std::chrono::milliseconds mcp_timeout{50'000};
    std::chrono::milliseconds pace{0};  ///< Between two deltas; 0 for as fast as the client reads.
    /// While a stream waits (for an MCP server, for the pace, in `hold`), it sends `keepalive_frame` in this
    /// interval; 0 for never. A response sends an event `keepalive` with a sequence number instead, unless the
    /// frame is a comment.
    std::chrono::milliseconds keepalive{0};
    std::string keepalive_frame = "event: keepalive\ndata:\n\n";
    /// A run without a stream, or whose client has disconnected, advances by one stage each time that the run,
    /// its steps or the messages of its thread are read. The stages are `queued`, `in_progress`, the begin and the
    /// completion of each step and message, and the end. Otherwise it advances by itself, as fast as it can. A
    /// response in the background behaves the same; its stages are the items of its output.
    bool stage_a_read = false;
    /// How many reads of a vector store, or of anything in it, the ingestion of a file takes. The file is
    /// `in_progress` until the read after those.
    std::size_t ingestion_reads = 0;
    std::size_t max_file_bytes = std::size_t{512} << 20;  ///< Of one upload.
    bool uploads_downloadable = true;                     ///< Else only files created by the service are.
    std::size_t recorded_requests = 10'000;               ///< When so many are recorded, the older half is discarded.
};

}  // namespace corun::emulator
