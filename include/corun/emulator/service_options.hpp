#pragma once
#include <corun/chrono.hpp>
#include <corun/emulator/types.hpp>
#include <corun/export.hpp>

#include <cstddef>
#include <cstdint>
#include <string>

namespace corun::emulator {

/// What happens if a run and its agent or thread both have resources for MCP servers.
enum class precedence {
    conflict,   ///< The request is rejected; see `conflict_when`.
    narrowest,  ///< Run over thread over agent, per server, as documented.
    merge,      ///< The union of all header fields; the narrower level wins.
};
/// When resources conflict.
enum class conflict_when {
    any,             ///< Both have resources.
    headers_differ,  ///< Both have headers for the same server, and they differ.
};
/// What happens to a streaming run with both `tools` and `tool_resources.mcp`.
enum class tools_with_resources {
    reject_on_reuse,          ///< Rejected if the agent has had a run before.
    reject_duplicate_labels,  ///< Rejected if two of the `tools` have the same server label.
    accept,
};
/// How these runs are rejected.
enum class rejection { failed_run, http_error };
/// Whether agents, threads and runs contain their MCP headers when they are read.
enum class echo_headers { never, redacted, full };
/// The effect of an approval's headers on those of the run.
enum class approval_headers { replace, extend, ignore };
/// How a run fails if an MCP server rejects its headers.
enum class mcp_failure {
    named,      ///< `tool_server_error`, with the HTTP status.
    anonymous,  ///< `server_error`, "Sorry, something went wrong."
};

/// How an update of an agent or a thread clears the stored `tool_resources.mcp`. Entries always replace it.
enum class mcp_clearing {
    by_omission,    ///< `tool_resources` is replaced as a whole: omitting `mcp`, or `[]`, clears it.
    by_empty_list,  ///< Omitted kinds are kept: only `"mcp": []` clears it.
    never,          ///< Neither clears it; only deleting the agent or thread does.
};
/// The members of the deltas of MCP calls.
enum class mcp_deltas {
    whole,  ///< `id`, `name`, `server_label`, `arguments`, and finally `output`.
    bare,   ///< `id` and `arguments` only, as specified.
};

/// The member of a request that contains the name of the agent.
enum class agent_key {
    agent_reference,  ///< The current member.
    agent,            ///< The older member.
    either,
};
/// What happens to members that define an agent (`model`, `tools`, ...) in a request with the name of an agent.
enum class agent_overrides {
    refused,  ///< HTTP 400, `invalid_payload`.
    ignored,
};
/// Headers and `authorization` that may be secret, on an MCP tool of a stored agent.
enum class agent_headers {
    templates,  ///< Accepted only if the secret is a structured input: `Bearer {{token}}`.
    refused,
    accepted,
};
/// Which responses can be retrieved as a stream.
enum class stream_retrieval {
    background_streams,  ///< Responses created with `background` and `stream`, as documented.
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
/// What happens to a response if an MCP server fails to list its tools.
enum class listing_failure {
    fails_response,  ///< HTTP 424; in a stream, an `error` event and `response.failed`.
    goes_on,         ///< The item has an `error`, and the model continues without that server.
};
/// What happens to a stored foreground response if its client disconnects.
enum class client_leaves { goes_on, is_cancelled };

/// How the emulated service behaves. The types of the members say what each choice means.
struct CORUN_API service_options {
    service_options();

    std::string address = "127.0.0.1";
    std::uint16_t port = 0;          ///< 0: a free port.
    std::string token = "emulator";  ///< The bearer token to accept. If empty, requests need none.
    emulator::clock clock;           ///< By default, the system's clock.

    // Behavior of the service that is disputed. The defaults have been observed.
    emulator::precedence precedence = precedence::conflict;      ///< Of agent and run.
    emulator::conflict_when conflict_when = conflict_when::any;  ///< For `precedence::conflict`.
    rejection conflict_rejection = rejection::failed_run;        ///< How such a run is rejected.
    emulator::tools_with_resources tools_with_resources =
        tools_with_resources::reject_on_reuse;          ///< A run with tools and MCP headers.
    rejection tools_rejection = rejection::http_error;  ///< How such a run is rejected.
    bool agent_level_approval_effective = false;        ///< If false, only the run's own `require_approval` applies.
    bool stored_headers_effective = true;               ///< MCP headers of agent and thread are used.
    emulator::echo_headers echo_headers = echo_headers::never;                ///< Whether responses show MCP headers.
    emulator::approval_headers approval_headers = approval_headers::replace;  ///< What the headers of an approval do.
    emulator::mcp_failure mcp_failure = mcp_failure::named;           ///< The error of a run whose MCP server fails.
    emulator::mcp_clearing mcp_clearing = mcp_clearing::by_omission;  ///< How stored MCP resources are removed.
    emulator::mcp_deltas mcp_deltas = mcp_deltas::whole;              ///< The deltas of an MCP call.
    bool mcp_delta_type = false;               ///< Step deltas of MCP calls have type `mcp`, otherwise `tool_calls`.
    bool mixed_rounds = false;                 ///< Adjacent calls of functions and MCP tools form one round.
    bool duplicate_events = false;             ///< `created`, `queued`, `in_progress` are sent twice.
    bool premature_step_completed = true;      ///< After an approval, a step completes twice, first without output.
    bool role_in_deltas = false;               ///< Message deltas have `role` and `annotations`.
    bool null_required_action = true;          ///< If false, `required_action` is absent instead of null.
    bool expires_at_in_streamed_steps = true;  ///< Steps have `expires_at` in streams and `expired_at` in listings;
                                               ///< otherwise `expired_at` in both.

    // Responses only.
    /// `/v1`, as used by OpenAI and local servers, also accepts the token as `api-key`. `/openai/v1`, as used by Azure,
    /// and any other path that ends in `/v1` always accept it.
    bool api_key_at_v1 = false;
    emulator::agent_key agent_key = agent_key::agent_reference;            ///< The member with the name of the agent.
    emulator::agent_overrides agent_overrides = agent_overrides::refused;  ///< Options that a stored agent has, too.
    emulator::agent_headers agent_headers = agent_headers::templates;      ///< Headers in a stored agent.
    bool templated_server_url = false;   ///< An agent's `server_url` may contain `{{name}}`, otherwise HTTP 400.
    bool listed_tools_as_input = false;  ///< Items `mcp_list_tools` may be sent as input, otherwise HTTP 400.
    bool lists_tools_each_time = false;  ///< Even if the context has an `mcp_list_tools` item of the server.
    emulator::listing_failure listing_failure =
        listing_failure::fails_response;  ///< An MCP server that does not list its tools.
    emulator::stream_retrieval stream_retrieval =
        stream_retrieval::background_streams;                             ///< Which responses can be streamed again.
    emulator::error_events error_events = error_events::nested;           ///< The form of `error` events.
    emulator::rate_limits rate_limits = rate_limits::error_after_failed;  ///< How a rate limit shows.
    std::chrono::seconds retry_after{0};                                  ///< Sent with rate limit errors; 0: not sent.
    emulator::client_leaves client_leaves = client_leaves::goes_on;       ///< When the client disconnects.
    bool event_lines = true;       ///< Events have an `event:` line; otherwise only `data:`.
    bool obfuscation = true;       ///< Deltas have `obfuscation`, unless the request disables it.
    bool whole_output = true;      ///< `response.completed` and similar events contain the output; otherwise `[]`.
    bool done_marker = false;      ///< Streams end with `data: [DONE]`.
    bool cancelled_event = false;  ///< Streams of cancelled responses end with `response.cancelled`.

    std::chrono::seconds run_lifetime{1800};        ///< After which a run expires.
    std::chrono::milliseconds mcp_timeout{50'000};  ///< For a request to an MCP server.
    std::chrono::milliseconds pace{0};              ///< The time between two deltas; 0: as fast as the client reads.

    /// While a stream waits (for an MCP server, for the pace, in `hold`), it sends `keepalive_frame` at this interval;
    /// 0: never. A response sends an event `keepalive` with a sequence number instead, unless the frame is a comment.
    std::chrono::milliseconds keepalive{0};
    /// What `keepalive` sends.
    std::string keepalive_frame = "event: keepalive\ndata:\n\n";
    /// A run without a stream, or whose client has disconnected, advances by one stage each time that the run, its
    /// steps or the messages of its thread are read. The stages are `queued`, `in_progress`, the start and the
    /// completion of each step and message, and the end. If false, the run advances by itself, as fast as possible.
    /// Background responses behave the same; their stages are the items of the output.
    bool stage_a_read = false;
    /// The number of reads of a vector store, or of anything in it, during which a new file is `in_progress`.
    std::size_t ingestion_reads = 0;
    std::size_t max_file_bytes = std::size_t{512} << 20;  ///< The size limit of one upload.
    bool uploads_downloadable = true;        ///< If false, only files created by the service can be downloaded.
    std::size_t recorded_requests = 10'000;  ///< The number of requests at which the older half is discarded.
};

}  // namespace corun::emulator
