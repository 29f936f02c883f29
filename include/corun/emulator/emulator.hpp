#pragma once
#include <corun/export.hpp>

#include <asio/io_context.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// A local Azure AI Agents service, in the process that uses it: for tests, demos and benchmarks.
///
/// It speaks two protocols below one endpoint: threads and runs, and their successor, OpenAI Responses
/// (`/openai/v1/responses`, `/openai/v1/conversations`) with agents of numbered versions (`/agents`).
/// Responses and conversations are reachable as `http://host:port/v1/...` too, with or without more in
/// front of `/v1`, as at servers that know nothing of projects and agents.
///
/// It runs on the application's io_context, keeps everything in memory, and is strict: what the
/// service refuses, it refuses. Nothing here is thread-safe; all of it belongs to the thread that
/// runs the io_context, which must outlive the objects.
namespace corun::emulator {

/// Tells the time. Everything that expires (runs, tokens) expires by it.
using clock = std::function<std::chrono::system_clock::time_point()>;

using header_fields = std::vector<std::pair<std::string, std::string>>;

/// A request as it came. Holds secrets in the clear, for tests to look at.
struct CORUN_API recorded_request {
    recorded_request() = default;

    std::string method;
    std::string path;   ///< Decoded, without the endpoint's own path: `/threads/runs`.
    std::string query;  ///< As it came, without the question mark.
    header_fields headers;
    std::string body;    ///< Of an upload, the first 64 KiB.
    std::string run_id;  ///< The run or response that it made, or the run it submitted to; empty for others.
    int status = 0;      ///< What was answered; 0 when an injected fault took the answer.

    /// The first header field of this name, in any case; empty when there is none.
    [[nodiscard]] std::string header(std::string_view name) const;
};

/// A request that the service sent to an MCP server.
struct CORUN_API recorded_mcp_request {
    recorded_mcp_request() = default;

    std::string run_id;  ///< Or the id of the response.
    std::string server_label;
    std::string tool_call_id;  ///< The call that it is part of; empty when tools are listed.
    std::string method;        ///< `initialize`, `tools/list`, `tools/call`, ..., or `DELETE`.
    header_fields headers;     ///< The effective ones of the run or the approval, not those of the protocol.
    int status = 0;            ///< What the server answered; 0 when it could not be reached.

    [[nodiscard]] std::string header(std::string_view name) const;
};

/// What the model does in one turn. Neighbouring calls of one kind (for `call_tool`: of one type)
/// form a round of parallel calls, unless the run does not want those. JSON that is given as text is
/// checked at once: what is not the JSON that it has to be throws `std::invalid_argument`.
///
/// One script drives both protocols. A response ends where a run would require an action, and the
/// request that answers goes on from there: where in its script the model stands, it reads from what
/// came after the user's latest message.
class CORUN_API step {
public:
    enum class kind {
        reply,
        message,
        refusal,
        reasoning,
        activity,
        call_function,
        call_mcp,
        call_tool,
        next_round,
        require_action,
        fail,
        incomplete,
        hold
    };

    /// Answers with this text, a delta a word. `{message}` stands for the user's message,
    /// `{output}` for the outputs of the latest calls.
    static step reply(std::string text);
    /// Answers with `count` deltas.
    static step tokens(std::size_t count);
    /// Answers with content as messages hold it, a JSON array of blocks: texts with annotations,
    /// images. `[{"type": "text", "text": {"value": "...", "annotations": [...]}}]`. Blocks of other
    /// types than `text` are shown as they are, in a response too: `output_text`, `refusal`.
    static step message(std::string content);
    /// Refuses to answer. A run says it as any text.
    static step refusal(std::string text);
    /// Thinks, and shows this summary of it, which may be empty. A run shows nothing.
    static step reasoning(std::string summary = {});
    /// Shows a step of type `activities` with this JSON object. A response shows it as an item of its
    /// output.
    static step activity(std::string object);
    /// Calls a function of the application. `arguments` is JSON text; empty: made from the schema.
    static step call_function(std::string name, std::string arguments = {});
    /// Calls a tool of an MCP server. Without a label, of the first that lists it.
    static step call_mcp(std::string tool, std::string arguments = {}, std::string server_label = {});
    /// Calls a tool that the service itself runs, such as `code_interpreter` or `bing_grounding`.
    /// `details` is the JSON object that the call shows under its type's name (of `mcp`: beside it).
    /// Members `output` and `outputs` stream after the others. A response shows an item of type
    /// `<type>_call` with these members (code interpreter, file search: also as runs spell them);
    /// of `image_generation`, each of `partial_images` is an event of its own.
    static step call_tool(std::string type, std::string details = "{}");
    /// Parts neighbouring calls that would else be one round.
    static step next_round();
    /// Waits for an action of a type of your own, which no submission answers: the run ends when it
    /// is cancelled or expires. `details` is the JSON object under the type's name. A response shows it as
    /// an item of that type, and completes.
    static step require_action(std::string type, std::string details = "{}");
    /// Fails the run. Code `rate_limit_exceeded`: see `rate_limits`.
    static step fail(std::string code, std::string message);
    /// Ends the run incomplete: `max_completion_tokens` or `max_prompt_tokens`.
    static step incomplete(std::string reason = "max_completion_tokens");
    /// Stays in progress until the run is cancelled or expires.
    static step hold();

    [[nodiscard]] kind type() const noexcept { return kind_; }
    [[nodiscard]] const std::string& name() const noexcept { return name_; }
    [[nodiscard]] const std::string& text() const noexcept { return text_; }
    [[nodiscard]] const std::string& label() const noexcept { return label_; }
    [[nodiscard]] std::size_t count() const noexcept { return count_; }

private:
    explicit step(kind type) : kind_(type) {}

    kind kind_;
    std::string name_;  // function, tool, type, error code
    std::string text_;  // reply, arguments, JSON, error message, reason
    std::string label_;
    std::size_t count_ = 0;
};

/// Something that goes wrong: what, on which requests, how often, and where in a stream.
///
///     service.inject(fault::respond(429, "", {{"Retry-After", "1"}}).on("POST", "/threads/runs"));
///     service.inject(fault::cut().after_bytes(700));
///     service.inject(fault::insert(": a comment\n\n").every_events(10).times(fault::always));
///
/// Faults are tried in the order of injection. Those of a stream apply together.
class CORUN_API fault {
public:
    enum class kind { respond, drop, cut, reset, stall, insert, omit, repeat, rewrite, split };
    static constexpr std::size_t always = static_cast<std::size_t>(-1);

    /// Answers with this instead of doing anything. An empty body gives the service's error
    /// envelope; a body that begins with `<` goes as HTML.
    static fault respond(int status, std::string body = {}, header_fields fields = {});
    /// Does what is asked, and then resets the connection instead of answering.
    static fault drop();
    /// Closes the connection in the middle of a stream: FIN without a last chunk.
    static fault cut();
    /// Resets the connection in the middle of a stream.
    static fault reset();
    /// Writes no more, and keeps the connection open.
    static fault stall();
    /// Puts bytes into a stream: keep-alives, comments, unknown events, garbage.
    static fault insert(std::string bytes);
    /// Leaves out the events of this name (`done`: the end of the stream).
    static fault omit(std::string event);
    /// Sends the events of this name twice.
    static fault repeat(std::string event);
    /// Changes each frame: is given the event's name and the frame, gives the bytes to send.
    static fault rewrite(std::function<std::string(const std::string& event, std::string frame)> function);
    /// Ends lines by CR LF.
    static fault crlf();
    /// Sends the stream in pieces of so many bytes, wherever that cuts it.
    static fault split(std::size_t bytes);

    /// Applies to requests of this method and path only; `*` in the path stands for one segment.
    /// Without it, a fault applies to the next request that it can apply to.
    fault& on(std::string method, std::string path);
    /// Applies to so many requests; 1 unless said.
    fault& times(std::size_t count);
    /// Where in the stream; the start unless said.
    fault& after_bytes(std::size_t count);
    fault& after_events(std::size_t count);
    /// After each `count` events.
    fault& every_events(std::size_t count);
    fault& before(std::string event);
    fault& after(std::string event);

private:
    friend struct fault_access;
    enum class place { start, bytes, events, every, before, after };

    explicit fault(kind type) : kind_(type) {}

    kind kind_;
    place place_ = place::start;
    int status_ = 0;
    std::size_t times_ = 1;
    std::size_t count_ = 0;
    std::string body_, event_, method_, path_;
    header_fields fields_;
    std::function<std::string(const std::string&, std::string)> function_;
};

/// What happens when a run and its agent or thread both have resources for MCP servers.
enum class precedence {
    conflict,   ///< The request is rejected, see `conflict_when`.
    narrowest,  ///< Run over thread over agent, server by server, as the documentation says.
    merge,      ///< All of them: header fields are united, those of the narrower level win.
};
enum class conflict_when {
    any,             ///< Both have any.
    headers_differ,  ///< Both have headers for one server, and they differ.
};
/// What happens to a streaming run with both `tools` and `tool_resources.mcp`.
enum class tools_with_resources {
    reject_on_reuse,          ///< Rejected when the agent has had a run before.
    reject_duplicate_labels,  ///< Rejected when two of the `tools` have one server label.
    accept,
};
/// How those two are rejected.
enum class rejection { failed_run, http_error };
/// Whether reading an agent, thread or run gives the MCP headers back.
enum class echo_headers { never, redacted, full };
/// What headers on an approval do to those of the run.
enum class approval_headers { replace, extend, ignore };
/// What a run fails with when an MCP server refuses its headers.
enum class mcp_failure {
    named,      ///< `tool_server_error`, which tells the HTTP status.
    anonymous,  ///< `server_error`, "Sorry, something went wrong."
};

/// How an update of an agent or a thread takes the stored `tool_resources.mcp` away. Giving entries
/// replaces them always.
enum class mcp_clearing {
    by_omission,    ///< `tool_resources` is replaced as a whole: without `mcp`, or with `[]`, there is none.
    by_empty_list,  ///< Kinds that are not named stay: only `"mcp": []` clears.
    never,          ///< Neither clears; only deleting the agent or thread does.
};
/// What deltas of MCP calls hold.
enum class mcp_deltas {
    whole,  ///< `id`, `name`, `server_label`, `arguments`, and in the end `output`.
    bare,   ///< `id` and `arguments` alone, as specified.
};

/// Which member of a request for a response names its agent.
enum class agent_key {
    agent_reference,  ///< The current one.
    agent,            ///< The older one.
    either,
};
/// What comes of members that define an agent (`model`, `tools`, ...) beside an agent's name.
enum class agent_overrides {
    refused,  ///< HTTP 400, `invalid_payload`.
    ignored,
};
/// Headers and `authorization` that can hold secrets, on an MCP tool of an agent that is stored.
enum class agent_headers {
    templates,  ///< Only such as get the secret from a structured input: `Bearer {{token}}`.
    refused,
    accepted,
};
/// Which responses can be retrieved as a stream.
enum class stream_retrieval {
    background_streams,  ///< Those that were made with `background` and `stream`, as documented.
    any,
};
/// The shape of `error` events.
enum class error_events {
    nested,  ///< `{"type": "error", "error": {"code": ...}}`, as seen.
    flat,    ///< `{"type": "error", "code": ...}`, as documented.
};
/// How a streamed response ends that is over its rate limit.
enum class rate_limits {
    error_after_failed,  ///< `response.failed` without an error, then an `error` event, as seen.
    failed,              ///< `response.failed` with the error.
};
/// What comes of an MCP server that does not list its tools to a response.
enum class listing_failure {
    fails_response,  ///< HTTP 424, in a stream an `error` event and `response.failed`.
    goes_on,         ///< The item has an `error`, and the model goes on without that server.
};
/// What comes of a stored response in the foreground whose client leaves.
enum class client_leaves { goes_on, is_cancelled };

struct CORUN_API service_options {
    service_options();

    std::string address = "127.0.0.1";
    std::uint16_t port = 0;          ///< 0: a free one.
    std::string token = "emulator";  ///< The bearer token that is accepted; empty: any, also none.
    emulator::clock clock;           ///< The system's unless set.

    // Where real behaviour is disputed. The defaults are what has been seen.
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
    bool mixed_rounds = false;                 ///< Neighbouring calls of functions and MCP tools are one round.
    bool duplicate_events = false;             ///< `created`, `queued`, `in_progress` come twice.
    bool premature_step_completed = true;      ///< After an approval a step completes twice, first without output.
    bool role_in_deltas = false;               ///< Message deltas carry `role` and `annotations`.
    bool null_required_action = true;          ///< Else `required_action` is absent when there is none.
    bool expires_at_in_streamed_steps = true;  ///< Steps in streams say `expires_at`, in listings `expired_at`;
                                               ///< else `expired_at` in both.

    // Responses only.
    emulator::agent_key agent_key = agent_key::agent_reference;
    emulator::agent_overrides agent_overrides = agent_overrides::refused;
    emulator::agent_headers agent_headers = agent_headers::templates;
    bool templated_server_url = false;   ///< An agent's `server_url` may hold `{{name}}`, else HTTP 400.
    bool listed_tools_as_input = false;  ///< Items `mcp_list_tools` may be sent as input, else HTTP 400.
    bool lists_tools_each_time = false;  ///< Else not where the context has an `mcp_list_tools` item of the server.
    emulator::listing_failure listing_failure = listing_failure::fails_response;
    emulator::stream_retrieval stream_retrieval = stream_retrieval::background_streams;
    emulator::error_events error_events = error_events::nested;
    emulator::rate_limits rate_limits = rate_limits::error_after_failed;
    std::chrono::seconds retry_after{0};  ///< What `error` events and answers of rate limits tell; 0: nothing.
    emulator::client_leaves client_leaves = client_leaves::goes_on;
    bool event_lines = true;       ///< Events have an `event:` line; else only `data:`.
    bool obfuscation = true;       ///< Deltas have `obfuscation`, unless the request wants none.
    bool whole_output = true;      ///< `response.completed` and the like have the output; else `[]`.
    bool done_marker = false;      ///< Streams end with `data: [DONE]`.
    bool cancelled_event = false;  ///< Streams of cancelled responses end with `response.cancelled`; else with nothing.

    std::chrono::seconds run_lifetime{1800};
    std::chrono::milliseconds mcp_timeout{50'000};
    std::chrono::milliseconds pace{0};  ///< Between two deltas; 0: as fast as the client reads.
    /// A stream that waits (for an MCP server, for the pace, in `hold`) sends `keepalive_frame` each
    /// time that so much time has gone by; 0: never. A response sends an event `keepalive` with a sequence
    /// number instead, unless the frame is a comment.
    std::chrono::milliseconds keepalive{0};
    std::string keepalive_frame = "event: keepalive\ndata:\n\n";
    /// A run without a stream, or whose client has left, goes on by one stage each time that the run,
    /// its steps or its thread's messages are read: `queued`, `in_progress`, each step and message
    /// begun and completed, the end. Else it goes on by itself, as fast as it can. So does a response in
    /// the background, an item of its output at a time.
    bool stage_a_read = false;
    /// How many times a vector store, or anything in it, is read before the files that were put into it
    /// are taken in. They are `in_progress` until the read after that.
    std::size_t ingestion_reads = 0;
    std::size_t max_file_bytes = std::size_t{512} << 20;  ///< Of one upload.
    bool uploads_downloadable = true;                     ///< Else only files that the service made are.
    std::size_t recorded_requests = 10'000;               ///< When so many are recorded, the older half is forgotten.
};

/// The service. Runs from construction until `stop` or destruction.
///
/// A run works with what its agent and thread held when it began: changing or deleting its agent
/// meanwhile is allowed and changes nothing for it. A thread cannot be deleted while a run of it is
/// active (HTTP 400); deleting it afterwards deletes its runs. A mixed round of calls (see
/// `mixed_rounds`) requires `submit_tool_outputs`, with the approvals beside it as
/// `submit_tool_approval`; one submission answers both.
///
/// Of responses: headers and `authorization` of an MCP tool are those of the request and are kept for no
/// other, also when an approval answers an earlier one. Input and output join the conversation when the
/// response completes or ends incomplete; until then the conversation takes no other response (HTTP 400,
/// `conversation_locked`). Only responses in the background can be cancelled.
class CORUN_API service {
public:
    /// Throws `std::system_error` when it cannot listen.
    explicit service(asio::io_context& context, service_options options = {});
    ~service();
    service(service&&) noexcept;
    service& operator=(service&&) noexcept;

    /// What a client takes as project endpoint: `http://127.0.0.1:<port>/api/projects/emulator`.
    [[nodiscard]] std::string endpoint() const;
    [[nodiscard]] const std::string& token() const noexcept;
    /// The options, to be changed between requests. Address, port and token stay as they were.
    [[nodiscard]] service_options& options() noexcept;

    /// What the model does when the user's message contains `match` (empty: always). The latest
    /// script that matches counts.
    ///
    /// Without one: `tokens(n)` in the message gives n deltas; a tool named in it is called; a run
    /// with MCP servers calls the first tool they list; then the message is echoed.
    void script(std::string match, std::vector<step> steps);
    /// Scripts as JSON: `[{"match": "weather", "steps": [{"call_function": "get_weather",
    /// "arguments": {}}, {"reply": "{output}"}]}]`. Throws `std::invalid_argument`.
    ///
    /// Steps: `reply`, `tokens` (a number), `message` (an array), `refusal`, `reasoning`, `activity` (an object),
    /// `call_function` with `arguments`, `call_mcp` with `arguments` and `server_label`, `call_tool`
    /// with `details`, `next_round` (true), `require_action` with `details`, `fail` with `message`,
    /// `incomplete`, `hold` (true).
    void load_scripts(std::string_view json);

    /// Keeps a file as if a run had made it, and gives its id.
    std::string add_file(std::string filename, std::string bytes, std::string purpose = "assistants_output");

    void inject(fault what);
    /// Faults as JSON: `[{"respond": 429, "headers": {"Retry-After": "3"}, "on": "POST
    /// /threads/runs", "times": 2}, {"cut": true, "after_bytes": 700}]`. Throws
    /// `std::invalid_argument`.
    ///
    /// Faults: `respond` (a status) with `body` and `headers`, `drop`, `cut`, `reset`, `stall`, `crlf`
    /// (true), `insert` (bytes), `omit`, `repeat` (an event), `split` (a number); with `on`, `times`
    /// (`"always"` or a number) and one of `after_bytes`, `after_events`, `every_events`, `before`,
    /// `after`.
    void load_faults(std::string_view json);

    [[nodiscard]] const std::vector<recorded_request>& requests() const noexcept;
    [[nodiscard]] const std::vector<recorded_mcp_request>& mcp_requests() const noexcept;
    void forget_requests() noexcept;

    /// Stops listening, closes every connection and ends every run. Idempotent.
    void stop();

private:
    struct impl;
    std::shared_ptr<impl> impl_;
};

struct CORUN_API mcp_server_options {
    mcp_server_options();

    std::string address = "127.0.0.1";
    std::uint16_t port = 0;  ///< 0: a free one.
    std::string name = "corun-mcp";
    emulator::clock clock;       ///< The system's unless set.
    bool require_token = true;   ///< Else no `Authorization` is needed.
    bool sessions = true;        ///< Gives out `Mcp-Session-Id` and insists on it.
    bool event_streams = false;  ///< Answers as `text/event-stream` instead of JSON.
    std::size_t page_size = 0;   ///< Tools a page of `tools/list`; 0: all.
    /// When so many calls are recorded, the older half is forgotten; so are sessions that nobody ended.
    std::size_t recorded_requests = 10'000;
};

/// A call as an MCP server saw it.
struct CORUN_API mcp_call_record {
    mcp_call_record() = default;

    std::string method;         ///< JSON-RPC method, or `DELETE`.
    std::string authorization;  ///< The `Authorization` field, empty when there was none.
    header_fields headers;
    std::string session;
    std::string body;
    int status = 0;  ///< What was answered.
};

/// A small MCP server (Streamable HTTP), guarded by bearer tokens that expire.
class CORUN_API mcp_server {
public:
    /// Given the arguments as JSON text, returns the tool's text. What it throws is the tool's error.
    using tool_handler = std::function<std::string(std::string_view arguments)>;

    explicit mcp_server(asio::io_context& context, mcp_server_options options = {});
    ~mcp_server();
    mcp_server(mcp_server&&) noexcept;
    mcp_server& operator=(mcp_server&&) noexcept;

    /// `http://127.0.0.1:<port>/mcp`.
    [[nodiscard]] std::string url() const;

    /// Accepts `Authorization: Bearer <token>` until then. A JWT is not accepted past its `exp`, either;
    /// its signature is not looked at.
    void accept_token(std::string token,
                      std::chrono::system_clock::time_point until = std::chrono::system_clock::time_point::max());
    void revoke_token(std::string_view token);

    /// `schema` is the JSON schema of the arguments, as text. Throws `std::invalid_argument`.
    void add_tool(std::string name, std::string description, std::string_view schema, tool_handler handler);

    [[nodiscard]] const std::vector<mcp_call_record>& calls() const noexcept;
    void stop();

private:
    struct impl;
    std::shared_ptr<impl> impl_;
};

}  // namespace corun::emulator
