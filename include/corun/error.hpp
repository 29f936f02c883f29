#pragma once
#include <corun/export.hpp>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

namespace corun {

/// What went wrong, by name. Compares with any `std::error_code` of `corun::category()`.
///
/// Cancellation is not among them: a cancelled operation ends with
/// `asio::error::operation_aborted`, as everywhere in Asio.
enum class errc {
    // The caller's input, refused before anything is sent.
    invalid_argument = 1,  ///< An argument is empty or out of range; the message names it.
    invalid_endpoint,      ///< The endpoint is not an absolute http(s) URL.
    insecure_endpoint,     ///< A credential would go over plain http to a host that is not loopback.
    invalid_header,        ///< A header name is not a token, or a value holds CR, LF, NUL or another control character.
    invalid_server_label,  ///< An MCP server label is empty or holds a control character.
    unknown_server_label,  ///< Headers or approval name a server that neither agent nor run has; the message lists the
                           ///< known ones.
    duplicate_server_label,       ///< Two MCP tools of one level share a server label.
    conflicting_tool_definition,  ///< A run's MCP tool has the label of an agent's but another URL or other allowed
                                  ///< tools.

    // Reconciliation: the service would not take the request, and the policy allows no way round.
    agent_level_mcp_resources,         ///< The agent stores `tool_resources.mcp`, which clash with a run's own.
    thread_level_mcp_resources,        ///< The thread stores `tool_resources.mcp`, which clash with a run's own.
    tools_with_mcp_headers_streaming,  ///< New tools together with MCP headers in a streaming run on a stored agent.
    mcp_tool_not_on_agent,             ///< A streaming run brings an MCP server that the agent does not define.

    mcp_headers_with_stored_agent,  ///< MCP headers for a stored agent of the Responses protocol, which takes none.
    not_allowed_with_agent,         ///< The Responses protocol takes this only without a stored agent; the message
                                    ///< names it.

    // The network.
    connect_failed,      ///< No connection: refused, unreachable, or the host name is unknown.
    connect_timeout,     ///< No connection within `client_options::connect_timeout`.
    tls_failed,          ///< The TLS handshake failed, or the certificate was not trusted.
    idle_timeout,        ///< Not one byte for `idle_timeout` while we were reading.
    event_timeout,       ///< Bytes came, but no event for `event_timeout`: keep-alives do not count.
    stop_timeout,        ///< `event_stream::stop` could not end the run within `client_options::stop_timeout`.
    total_timeout,       ///< The call or the run took longer than `total_timeout`.
    connection_lost,     ///< The connection broke while a response was being read.
    response_too_large,  ///< A JSON response is larger than `client_options::max_response_bytes`.
    credential_failed,   ///< The credential could not give a token; the message says why.

    // The caller's handlers.
    mcp_headers_failed,   ///< The provider of MCP headers threw; the message says what.
    mcp_headers_timeout,  ///< The provider took longer than `run_options::mcp_header_timeout`.
    handler_failed,       ///< `run_options::on_mcp_approval` threw; the message says what.

    // The service's answer.
    bad_request,              ///< HTTP 400 or another 4xx without a name of its own here.
    unauthorized,             ///< HTTP 401.
    forbidden,                ///< HTTP 403.
    not_found,                ///< HTTP 404.
    conflict,                 ///< HTTP 409.
    rate_limited,             ///< HTTP 429; `error::retry_after()` carries the delay when the service gave one.
    server_failed,            ///< HTTP 5xx.
    unexpected_status,        ///< A status that is neither success nor an error, such as a redirect.
    unexpected_content_type,  ///< A success whose body is not what was asked for, such as an HTML page.
    bad_response,             ///< A JSON response that does not parse or lacks what it must have.

    // The stream.
    premature_eof,    ///< The response broke off, or the stream ended before the run did.
    event_too_large,  ///< One event is larger than `client_options::max_event_bytes`.
    bad_event,        ///< An event's data is not the JSON it should be; the message names the event.
    stream_failed,    ///< The service reported an error in the stream.

    // The run, where a call needs it to have completed (`agent::run`).
    run_failed,       ///< The run failed; service code and message say why.
    run_incomplete,   ///< The run stopped at a token limit or a content filter.
    run_cancelled,    ///< The run was cancelled.
    run_expired,      ///< The run expired, usually while it waited for an action.
    action_required,  ///< The run waits for tool outputs or approvals that nobody gives.
};

/// The category of `errc`. Its codes also compare equal to the `std::errc` that means the same, where
/// there is one: all timeouts to `timed_out`, invalid arguments to `invalid_argument`,
/// `unauthorized` and `forbidden` to `permission_denied`, `connection_lost` to `connection_reset`,
/// too large responses and events to `message_size`, unreadable ones to `bad_message`.
CORUN_API const std::error_category& category() noexcept;
CORUN_API std::error_code make_error_code(errc value) noexcept;

/// True for the timeouts: connect, idle, event, total, that of `stop`, that of MCP headers, and any code equal to
/// `std::errc::timed_out`.
CORUN_API bool is_timeout(const std::error_code& code) noexcept;
/// True when the same request may succeed later: timeouts, connection errors, 429 and 5xx. Creating
/// a run is not idempotent: look whether it exists before you post it again.
CORUN_API bool is_retryable(const std::error_code& code) noexcept;

/// What is known about a failure beside its code. Holds no credential and no value of an MCP header
/// that was sent: where the service's answer repeats one of three characters or more, `***` stands
/// in its place.
struct CORUN_API diagnostics {
    diagnostics() = default;

    std::string message;          ///< Ours: one sentence, safe to log.
    int status = 0;               ///< HTTP status, 0 when there was no response.
    std::string request_id;       ///< `apim-request-id` or `x-request-id` of the response.
    std::string service_code;     ///< `error.code` (or `type`) as the service gave it.
    std::string service_message;  ///< `error.message` as the service gave it; may hold user data.
    std::string body;             ///< The start of the response body, at most 4 KiB; may hold user data.
    /// The service's retry hint: of the response, or in the words of a run that failed.
    std::optional<std::chrono::milliseconds> retry_after;
    std::optional<bool> should_retry;  ///< `x-should-retry` of the response.
    int attempts = 1;                  ///< How often the request was sent.
};

/// The exception of this library: an `errc` (or a system error) and its diagnostics.
///
/// `what()` says it all in one line: the code's sentence, our message, what the service answered,
/// status and request id. Control characters in it are escaped. Copies share what they hold, so
/// copying does not throw.
class CORUN_API error : public std::system_error {
public:
    error(std::error_code code, diagnostics details);
    error(errc code, std::string message);
    ~error() override;

    [[nodiscard]] const char* what() const noexcept override { return state_->what.c_str(); }

    [[nodiscard]] const diagnostics& details() const noexcept { return state_->details; }
    [[nodiscard]] int status() const noexcept { return details().status; }
    [[nodiscard]] const std::string& request_id() const noexcept { return details().request_id; }
    [[nodiscard]] const std::string& service_code() const noexcept { return details().service_code; }
    [[nodiscard]] const std::string& service_message() const noexcept { return details().service_message; }
    [[nodiscard]] std::optional<std::chrono::milliseconds> retry_after() const noexcept {
        return details().retry_after;
    }

private:
    struct state {
        state(const std::error_code& code, diagnostics details);
        diagnostics details;
        std::string what;
    };
    std::shared_ptr<const state> state_;
};

/// The same for an error: the service's own word stands over its code, and a run that failed with `rate_limit_exceeded`
/// may be tried again after `retry_after()`.
CORUN_API bool is_retryable(const error& failure) noexcept;

}  // namespace corun

template <>
struct std::is_error_code_enum<corun::errc> : std::true_type {};
