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
    std::string body;

    /// The first header field of this name, in any case; empty when there is none.
    [[nodiscard]] std::string header(std::string_view name) const;
};

/// A request that the service sent to an MCP server.
struct CORUN_API recorded_mcp_request {
    recorded_mcp_request() = default;

    std::string run_id;
    std::string server_label;
    std::string method;     ///< `initialize`, `tools/list`, `tools/call`, ..., or `DELETE`.
    header_fields headers;  ///< The effective ones of the run or the approval, not those of the protocol.
    int status = 0;         ///< What the server answered; 0 when it could not be reached.

    [[nodiscard]] std::string header(std::string_view name) const;
};

/// What the model does in one turn. Neighbouring calls of one kind form one round of parallel calls.
class CORUN_API step {
public:
    enum class kind { reply, call_function, call_mcp, fail, incomplete, hold };

    /// Answers with this text, a delta a word. `{message}` stands for the user's message,
    /// `{output}` for the outputs of the latest calls.
    static step reply(std::string text);
    /// Answers with `count` deltas.
    static step tokens(std::size_t count);
    /// Calls a function of the application. `arguments` is JSON text; empty: made from the schema.
    static step call_function(std::string name, std::string arguments = {});
    /// Calls a tool of an MCP server. Without a label, of the first that lists it.
    static step call_mcp(std::string tool, std::string arguments = {}, std::string server_label = {});
    /// Fails the run.
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
    std::string name_;  // function, tool, error code
    std::string text_;  // reply, arguments, error message, reason
    std::string label_;
    std::size_t count_ = 0;
};

/// Something that goes wrong: what, on which requests, how often, and where in a stream.
///
///     service.inject(fault::respond(429, "", {{"Retry-After", "1"}}).on("POST", "/threads/runs"));
///     service.inject(fault::cut().after_bytes(700));
///     service.inject(fault::insert("event:
///     keepalive\ndata:\n\n").before("thread.message.delta").times(fault::always));
///
/// Faults are tried in the order of injection. Those of a stream apply together.
class CORUN_API fault {
public:
    enum class kind { respond, drop, cut, reset, stall, insert, omit, repeat, rewrite };
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

    /// Applies to requests of this method and path only; `*` in the path stands for one segment.
    /// Without it, a fault applies to the next request that it can apply to.
    fault& on(std::string method, std::string path);
    /// Applies to so many requests; 1 unless said.
    fault& times(std::size_t count);
    /// Where in the stream; the start unless said.
    fault& after_bytes(std::size_t count);
    fault& after_events(std::size_t count);
    fault& before(std::string event);
    fault& after(std::string event);

private:
    friend struct fault_access;
    enum class place { start, bytes, events, before, after };

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
    bool duplicate_events = false;         ///< `created`, `queued`, `in_progress` come twice.
    bool premature_step_completed = true;  ///< After an approval a step completes twice, first without output.
    bool role_in_deltas = false;           ///< Message deltas carry `role` and `annotations`.
    bool null_required_action = true;      ///< Else `required_action` is absent when there is none.

    std::chrono::seconds run_lifetime{1800};
    std::chrono::seconds mcp_timeout{50};
    std::chrono::milliseconds pace{0};       ///< Between two deltas; 0: as fast as the client reads.
    std::size_t recorded_requests = 10'000;  ///< When so many are recorded, the older half is forgotten.
};

/// The service. Runs from construction until `stop` or destruction.
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
    void load_scripts(std::string_view json);

    void inject(fault what);

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

    /// Accepts `Authorization: Bearer <token>` until then.
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
