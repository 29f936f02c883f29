#pragma once
#include <corun/export.hpp>
#include <corun/resources.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <iosfwd>
#include <optional>
#include <string>
#include <system_error>

/// What a client tells of its work: figures for metrics and traces, and its traffic for debugging.
///
/// The members that OpenTelemetry's semantic conventions (GenAI as of 1.41, HTTP) have a name for
/// bear it in their comment. Times that have passed are to be given there in seconds.
namespace corun {

/// One HTTP request and its response, when that is over: an HTTP client span.
struct CORUN_API request_record {
    request_record() = default;

    std::uint64_t number = 0;  ///< Counts the requests of a client, from 1; also in its wire messages.
    std::string method;        ///< `http.request.method`
    /// `url.template`: the path with `{thread_id}` and the like for ids, without the query.
    std::string path_template;
    std::string server_address;     ///< `server.address`
    int server_port = 0;            ///< `server.port`
    int attempt = 1;                ///< `http.request.resend_count`, if above 1, is one less.
    int status = 0;                 ///< `http.response.status_code`; 0: there was no response.
    std::string request_id;         ///< The service's, as in `diagnostics`.
    std::string client_request_id;  ///< `x-ms-client-request-id`, as sent.
    std::chrono::system_clock::time_point began{};
    std::chrono::nanoseconds duration{0};                      ///< `http.client.request.duration`
    std::optional<std::chrono::nanoseconds> time_to_response;  ///< Until the head of the response had come.
    std::uint64_t bytes_sent = 0;                              ///< `http.request.body.size`
    std::uint64_t bytes_received = 0;                          ///< `http.response.body.size`, as far as it was read.
    /// Set when the response did not come to its end. `std::errc::operation_canceled`: the request
    /// was dropped, by its caller, by a time limit, or because no more of it was wanted.
    std::error_code error;
};

/// One streamed run, when its stream is over: an `invoke_agent` span of kind CLIENT
/// (`gen_ai.operation.name`), with `gen_ai.provider.name` `azure.ai.agents`.
struct CORUN_API run_record {
    run_record() = default;

    std::string run_id;          ///< `gen_ai.response.id`; empty when the service never told it.
    std::string thread_id;       ///< `gen_ai.conversation.id`
    std::string agent_id;        ///< `gen_ai.agent.id`
    std::string agent_name;      ///< `gen_ai.agent.name`
    std::string model;           ///< `gen_ai.request.model`
    std::string server_address;  ///< `server.address`
    int server_port = 0;         ///< `server.port`
    std::chrono::system_clock::time_point began{};
    std::chrono::nanoseconds duration{0};  ///< `gen_ai.client.operation.duration`
    std::optional<std::chrono::nanoseconds> time_to_first_event;
    std::optional<std::chrono::nanoseconds> time_to_first_text;  ///< `gen_ai.response.time_to_first_chunk`
    std::uint64_t events = 0;                                    ///< On the wire.
    std::optional<corun::usage> usage;  ///< `gen_ai.usage.input_tokens`, `gen_ai.usage.output_tokens`
    /// How the run stood when it was last heard of.
    run_state status = run_state::unknown;
    std::string service_code;  ///< Of a run that failed: `last_error.code`, for `error.type`.
    /// What the stream ended with before the run did. `std::errc::operation_canceled`: it was abandoned.
    std::error_code error;
};

/// A request that is about to be sent again.
struct CORUN_API retry_record {
    retry_record() = default;

    std::string client_request_id;      ///< Of the attempt that failed.
    std::string run_id, thread_id;      ///< Of a run's own requests, as far as they are known.
    int attempt = 1;                    ///< That failed; the first is 1.
    std::error_code why;                ///< `error.type`
    int status = 0;                     ///< `http.response.status_code`; 0: there was no response.
    std::chrono::nanoseconds delay{0};  ///< Until it is sent again.
    bool delay_was_told = false;        ///< By the service, as `Retry-After` does.
};

/// A stream that broke off, and what became of the attempt to go on with its run.
struct CORUN_API reattach_record {
    reattach_record() = default;

    std::string run_id, thread_id;
    int attempt = 1;           ///< In a row; the first is 1.
    std::error_code why;       ///< What the stream broke off with.
    std::uint64_t events = 0;  ///< That had arrived of the run before.
    std::uint64_t bytes = 0;   ///< That had arrived of the response that broke off.
    std::chrono::system_clock::time_point began{};
    std::chrono::nanoseconds duration{0};
    std::error_code error;  ///< Set when it failed.
};

/// One round of answers to what a run asked for.
struct CORUN_API submit_record {
    submit_record() = default;

    std::string run_id, thread_id;
    int round = 0;                         ///< Of the stream's; the first is 1.
    std::size_t outputs = 0;               ///< Of functions.
    std::size_t approved = 0, denied = 0;  ///< Calls to MCP servers.
    std::chrono::system_clock::time_point began{};
    std::chrono::nanoseconds duration{0};  ///< Until the service had accepted them.
    std::error_code error;                 ///< Set when it did not.
};

/// A piece of the traffic, without its secrets.
///
/// `***` stands for the values of a request's header fields, but for harmless ones, and of those of
/// a response that bear the name of a secret; in JSON, forms and queries for what stands under
/// `headers`, `authorization`, `api_key`, `access_token`, `client_secret`, `password` and the like, also
/// in JSON inside a string of JSON; for what follows `Bearer`; for JSON Web Tokens; and for every secret
/// that went out with the request, wherever it stands and however the bytes are cut. What a token
/// endpoint answers is only counted.
///
/// All else is shown as it is: it is what your users and the model say.
struct CORUN_API wire_message {
    enum class part {
        request,        ///< The request line and the header fields, a line each.
        request_body,   ///< All of it, at once.
        response,       ///< The status and the header fields.
        response_body,  ///< Some of it, as it arrives. The end of one that might be a secret's beginning comes later.
        end,            ///< One sentence that says how it ended.
    };

    wire_message(part what, std::uint64_t request);

    part what;
    std::uint64_t request;  ///< `request_record::number`
    /// Bodies that are neither text nor JSON are only counted: `[4096 bytes of image/png]`.
    std::string text;
    std::uint64_t bytes = 0;  ///< Of a body: how many on the wire.
};

/// A line for each line of the text, with its request and direction: `3 > POST ...`, `3 < 200`.
/// Control characters come out escaped.
CORUN_API std::ostream& operator<<(std::ostream& out, const wire_message& message);

/// Functions that are told what a client does. Those that are not set cost nothing; `on_wire` costs
/// a copy of the traffic, and a look at each byte.
///
/// They are called on the client's executor, one after the other in the order in which things
/// happened, each in a turn of its own: never from inside another call of the library, so they may do
/// what they like, such as cancelling the run they are told of. They hold nothing up, and come soon after
/// what they tell, perhaps after the call that it was part of has completed, or after the client has
/// gone: what they use must live until the executor has nothing left to do. An executor that is
/// stopped for good drops what has not been told.
///
/// What they throw is dropped: nobody is there to be told, and a run must not fail for it.
struct CORUN_API observer {
    observer() = default;

    std::function<void(const request_record&)> on_request;
    /// Once for each stream of a run, `thread::submit_stream` included, that sent its first request.
    std::function<void(const run_record&)> on_run;
    std::function<void(const retry_record&)> on_retry;
    std::function<void(const reattach_record&)> on_reattach;
    std::function<void(const submit_record&)> on_submit;
    /// Debugging: all traffic.
    std::function<void(const wire_message&)> on_wire;
};

}  // namespace corun
