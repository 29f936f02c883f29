#pragma once
#include <corun/chrono.hpp>
#include <corun/export.hpp>
#include <corun/resources.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <iosfwd>
#include <optional>
#include <string>
#include <system_error>

/// Records of a client's operations for metrics and traces, and its traffic for debugging.
///
/// The comments of members give the attributes of OpenTelemetry's semantic conventions (HTTP, and GenAI as of 1.41).
/// These specify durations in seconds.
namespace corun {

/// One HTTP request and its response, when it is over: an HTTP client span.
struct CORUN_API request_record {
    request_record() = default;

    std::string tag;           ///< `run_options::tag`, of the requests of a run.
    std::uint64_t number = 0;  ///< Counts the client's requests from 1; `wire_message::request`.
    std::string method;        ///< `http.request.method`
    /// `url.template`: the path with placeholders such as `{thread_id}`, without the query.
    std::string path_template;
    std::string rpc_method;         ///< `rpc.method`: the JSON-RPC method of a message to an MCP server.
    std::string server_address;     ///< `server.address`
    int server_port = 0;            ///< `server.port`
    int attempt = 1;                ///< `http.request.resend_count` plus 1.
    int status = 0;                 ///< `http.response.status_code`; 0 without a response.
    std::string request_id;         ///< As in `diagnostics`.
    std::string client_request_id;  ///< `x-ms-client-request-id`, as sent.
    std::string traceparent;        ///< As sent (`run_options::request_headers`); empty if not sent.
    std::chrono::system_clock::time_point began{};
    std::chrono::nanoseconds duration{0};                      ///< `http.client.request.duration`
    std::optional<std::chrono::nanoseconds> time_to_response;  ///< Until the response's header fields arrived.
    std::uint64_t bytes_sent = 0;                              ///< `http.request.body.size`
    std::uint64_t bytes_received = 0;                          ///< `http.response.body.size`: the bytes that were read.
    /// Set if the response is incomplete. `std::errc::operation_canceled`: the request was dropped by its caller, by a
    /// timeout, or because no more of the response was needed.
    std::error_code error;
};

/// One streamed run, when its stream is over: a CLIENT span with `gen_ai.operation.name` `invoke_agent` and
/// `gen_ai.provider.name` `azure.ai.agents`.
struct CORUN_API run_record {
    run_record() = default;

    std::string tag;             ///< `run_options::tag`
    std::string run_id;          ///< `gen_ai.response.id`; empty if never received.
    std::string thread_id;       ///< `gen_ai.conversation.id`
    std::string agent_id;        ///< `gen_ai.agent.id`
    std::string agent_name;      ///< `gen_ai.agent.name`
    std::string model;           ///< `gen_ai.request.model`
    std::string server_address;  ///< `server.address`
    int server_port = 0;         ///< `server.port`
    std::chrono::system_clock::time_point began{};
    std::chrono::nanoseconds duration{0};                         ///< `gen_ai.client.operation.duration`
    std::optional<std::chrono::nanoseconds> time_to_first_event;  ///< From `began`.
    std::optional<std::chrono::nanoseconds> time_to_first_text;   ///< `gen_ai.response.time_to_first_chunk`
    std::uint64_t events = 0;                                     ///< Server-sent events received.
    std::optional<corun::usage> usage;  ///< `gen_ai.usage.input_tokens`, `gen_ai.usage.output_tokens`
    /// The last known state of the run.
    run_state status = run_state::unknown;
    std::string service_code;  ///< `last_error.code` of a failed run, for `error.type`.
    /// Set if the stream ended before the run. `std::errc::operation_canceled`: it was abandoned.
    std::error_code error;
};

/// A request that will be retried.
struct CORUN_API retry_record {
    retry_record() = default;

    std::string tag;                    ///< `run_options::tag`, of the requests of a run.
    std::string client_request_id;      ///< Of the failed attempt.
    std::string run_id, thread_id;      ///< Of the run's own requests, if known.
    int attempt = 1;                    ///< The failed attempt, from 1.
    std::error_code why;                ///< `error.type`
    int status = 0;                     ///< `http.response.status_code`; 0 without a response.
    std::chrono::nanoseconds delay{0};  ///< Until the retry.
    bool delay_from_service = false;    ///< The service specified the delay, for example in `Retry-After`.
};

/// A broken stream, and the result of an attempt to resume its run.
struct CORUN_API reattach_record {
    reattach_record() = default;

    std::string tag;  ///< `run_options::tag`
    std::string run_id, thread_id;
    int attempt = 1;           ///< Consecutive, from 1.
    std::error_code why;       ///< The error that broke the stream.
    std::uint64_t events = 0;  ///< Events of the run received before.
    std::uint64_t bytes = 0;   ///< Bytes of the broken response received.
    std::chrono::system_clock::time_point began{};
    std::chrono::nanoseconds duration{0};
    std::error_code error;  ///< Set if the attempt failed.
};

/// An event of a run whose data is malformed, when the caller takes it: see `event::problem`.
struct CORUN_API event_problem_record {
    event_problem_record() = default;

    std::string tag;  ///< `run_options::tag`
    std::string run_id, thread_id;
    std::string event;      ///< Its name.
    std::string problem;    ///< `event::problem`
    std::size_t bytes = 0;  ///< The size of its data.
};

/// One submission of tool outputs and approvals.
struct CORUN_API submit_record {
    submit_record() = default;

    std::string tag;  ///< `run_options::tag`
    std::string run_id, thread_id;
    int round = 0;                         ///< Of this stream, from 1.
    std::size_t outputs = 0;               ///< Function outputs.
    std::size_t approved = 0, denied = 0;  ///< MCP calls.
    std::chrono::system_clock::time_point began{};
    std::chrono::nanoseconds duration{0};  ///< Until the service accepted it.
    std::error_code error;                 ///< Set if the service did not accept it.
};

/// One call of a function of the application: an INTERNAL span with `gen_ai.operation.name` `execute_tool`. Its texts
/// are redacted like those of a `wire_message`.
struct CORUN_API function_call_record {
    function_call_record() = default;

    std::string tag;  ///< `run_options::tag`
    std::string run_id, thread_id;
    std::string call_id;    ///< `gen_ai.tool.call.id`
    std::string name;       ///< `gen_ai.tool.name`
    std::string arguments;  ///< `gen_ai.tool.call.arguments`
    std::string output;     ///< `gen_ai.tool.call.result`: the text for the model.
    std::chrono::system_clock::time_point began{};
    std::chrono::nanoseconds duration{0};
    std::optional<std::string> error;  ///< The text of the exception; absent if the handler returned an output.
};

/// One decision of `run_options::on_mcp_approval`. Its texts are redacted like those of a `wire_message`.
struct CORUN_API approval_record {
    approval_record() = default;

    std::string tag;  ///< `run_options::tag`
    std::string run_id, thread_id;
    std::string call_id;       ///< `gen_ai.tool.call.id`
    std::string name;          ///< `gen_ai.tool.name`
    std::string server_label;  ///< Of the MCP server.
    std::string arguments;     ///< `gen_ai.tool.call.arguments`
    bool approved = false;     ///< The decision.
    std::chrono::system_clock::time_point began{};
    std::chrono::nanoseconds duration{0};
    std::optional<std::string> error;  ///< The text of the exception; absent if the handler decided.
};

/// A part of the traffic, with `***` for its secrets:
///
/// - the values of a request's header fields, except for known harmless ones, and of a response's header fields with
///   the name of a secret;
/// - in JSON, forms and queries, the values of `headers`, `authorization`, `api_key`, `access_token`, `client_secret`,
///   `password` and the like, also in strings that contain JSON;
/// - credentials after `Bearer` or `Basic`, and JSON Web Tokens;
/// - every secret that was sent with the request.
///
/// Texts of users and the model are shown. JSON is shown without whitespace. Bodies that are neither JSON, a form nor
/// an event stream are shown as their size, `[4096 bytes of image/png]`. So are responses that contain a token, and
/// documents and events above 1 MiB. Comments of an event stream are not shown.
struct CORUN_API wire_message {
    /// The parts of the traffic.
    enum class part {
        request,        ///< The request line and the header fields, one per line.
        request_body,   ///< The whole body.
        response,       ///< The status and the header fields, one per line.
        response_body,  ///< One event of a stream, or the whole body at its end.
        end,            ///< The result, in one sentence.
    };

    wire_message(part kind, std::uint64_t request);

    part kind;
    std::uint64_t request;  ///< `request_record::number`
    std::string text;
    std::uint64_t bytes = 0;  ///< Bytes of the body since the last message.
};

/// Prints each line of the text with its request and direction: `3 > POST ...`, `3 < 200`. Control characters are
/// escaped.
CORUN_API std::ostream& operator<<(std::ostream& out, const wire_message& message);

/// Hooks for logging, metrics and traces. Unset hooks cost nothing; `on_wire` copies and parses all traffic.
///
/// Hooks are posted to the client's executor in the order of the reported operations, so they can call back into corun,
/// for example to cancel a run. They never block the library. They run shortly after the fact, possibly after the
/// operation has completed or the client is gone. If the executor stops for good, pending reports are lost.
///
/// *Errors:* Exceptions that hooks throw are ignored.
///
/// *Lifetime:* Objects that hooks use must live until the executor has run out of work.
///
/// *Threads:* Hooks run on the client's executor, one at a time.
struct CORUN_API observer {
    observer() = default;

    /// Called for each HTTP request.
    std::function<void(const request_record&)> on_request;
    /// Called once for each stream of a run that has sent its first request, including those of
    /// `agent_thread::submit_stream`.
    std::function<void(const run_record&)> on_run;
    /// Called before each retry.
    std::function<void(const retry_record&)> on_retry;
    /// Called after each attempt to find a run again.
    std::function<void(const reattach_record&)> on_reattach;
    /// Called for each event with malformed data.
    std::function<void(const event_problem_record&)> on_event_problem;
    /// Called when answers have been sent.
    std::function<void(const submit_record&)> on_submit;
    /// Called when a function has ended.
    std::function<void(const function_call_record&)> on_function_call;
    /// Called when an approval has been decided.
    std::function<void(const approval_record&)> on_approval;
    /// All traffic, for debugging.
    std::function<void(const wire_message&)> on_wire;
};

}  // namespace corun
