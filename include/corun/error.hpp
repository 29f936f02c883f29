#pragma once
#include <corun/chrono.hpp>
#include <corun/export.hpp>

#include <iosfwd>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

namespace corun {

/// The errors of this library. Compare them with any `std::error_code`.
///
/// Cancellation is not one of them: a cancelled operation fails with `asio::error::operation_aborted`, as everywhere in
/// Asio.
enum class errc {
    // Invalid input, rejected before anything is sent.
    invalid_argument = 1,  ///< An argument is empty or out of range; the message names it.
    invalid_endpoint,      ///< The endpoint is not an absolute http(s) URL.
    insecure_endpoint,     ///< A credential would be sent over plain http to a host that is not loopback.
    invalid_header,  ///< A header name is not a token, or a value contains a control character such as CR, LF or NUL.
    invalid_server_label,  ///< An MCP server label is empty or contains a control character.
    unknown_server_label,  ///< Headers or approvals are for a server that neither agent nor run has; the message lists
                           ///< the known ones.
    duplicate_server_label,       ///< Two MCP tools of one level share a server label.
    conflicting_tool_definition,  ///< An MCP tool of the run has the label of one of the agent's, but another URL or
                                  ///< other allowed tools.

    // Reconciliation: the service would reject the request, and `reconcile_policy` allows no alternative.
    agent_level_mcp_resources,         ///< The agent stores `tool_resources.mcp`, which conflict with the run's.
    thread_level_mcp_resources,        ///< The thread stores `tool_resources.mcp`, which conflict with the run's.
    tools_with_mcp_headers_streaming,  ///< A streaming run on a stored agent combines new tools and MCP headers.
    mcp_tool_not_on_agent,             ///< A streaming run adds an MCP server that the agent does not define.

    mcp_headers_with_stored_agent,  ///< MCP headers for a stored agent of the Responses protocol, which accepts none.
    not_allowed_with_agent,  ///< The Responses protocol accepts this option only without a stored agent; the message
                             ///< names it.

    // Network errors.
    connect_failed,      ///< The connection was refused, the host is unreachable, or its name is unknown.
    connect_timeout,     ///< No connection within `client_options::connect_timeout`.
    tls_failed,          ///< The TLS handshake failed, or the certificate was not trusted.
    idle_timeout,        ///< No byte arrived for `idle_timeout` while reading.
    event_timeout,       ///< No event arrived for `event_timeout`; keep-alives do not count.
    stop_timeout,        ///< `event_stream::stop` could not end the run within `client_options::stop_timeout`.
    total_timeout,       ///< The call or the run took longer than `total_timeout`.
    connection_lost,     ///< The connection broke while reading a response.
    response_too_large,  ///< A JSON response exceeds `client_options::max_response_bytes`.
    credential_failed,   ///< The credential failed to provide a token; the message says why.

    // The caller's handlers.
    mcp_headers_failed,   ///< The provider of MCP headers threw; the message contains its text.
    mcp_headers_timeout,  ///< The provider took longer than `run_options::mcp_header_timeout`.
    handler_failed,       ///< `run_options::on_mcp_approval` threw; the message contains its text.

    // Service errors.
    bad_request,              ///< HTTP 400, or another 4xx that is not listed here.
    unauthorized,             ///< HTTP 401.
    forbidden,                ///< HTTP 403.
    not_found,                ///< HTTP 404.
    conflict,                 ///< HTTP 409.
    rate_limited,             ///< HTTP 429; `error::retry_after()` has the delay if the service gave one.
    server_failed,            ///< HTTP 5xx.
    unexpected_status,        ///< A status that is neither success nor an error, such as a redirect.
    unexpected_content_type,  ///< A success with another content type than requested, such as an HTML page.
    bad_response,             ///< A JSON response that cannot be parsed or lacks a required member.
    mcp_error,                ///< An MCP server answered with a JSON-RPC error; `error::service_code()` has its code.

    // The stream.
    premature_eof,    ///< The response broke off, or the stream ended before the run did.
    event_too_large,  ///< An event exceeds `client_options::max_event_bytes`.
    bad_event,        ///< With `strict_events`: the data of an event is malformed; the message names the event.
    stream_failed,    ///< The service reported an error in the stream.
    run_not_found,    ///< `event_stream::stop` or `cancel_run` cannot identify the run: no event has named it, and it
                      ///< has neither a known thread nor a mark (`reattach_policy::mark_runs`). The run may continue.
    not_cancellable,  ///< `event_stream::stop` or `cancel_run`: the service cannot cancel this run, a response that is
                      ///< not in the background. `stop` has closed the connection; the run may continue.

    // The run did not complete (`agent::run`).
    run_failed,       ///< The run failed; the service code and message say why.
    run_incomplete,   ///< The run stopped at a token limit or a content filter.
    run_cancelled,    ///< The run was cancelled.
    run_expired,      ///< The run expired, usually while waiting for an action.
    action_required,  ///< The run requires tool outputs or approvals that no handler provides; the message lists the
                      ///< calls and how to answer them.
};

/// The category of `errc`. Codes also compare equal to the `std::errc` with the same meaning: timeouts to `timed_out`,
/// invalid input to `invalid_argument`, `unauthorized` and `forbidden` to `permission_denied`, `connection_lost` to
/// `connection_reset`, responses and events that are too large to `message_size`, and malformed ones to `bad_message`.
CORUN_API const std::error_category& category() noexcept;
CORUN_API std::error_code make_error_code(errc value) noexcept;

/// Groups of errors: `if (code == corun::condition::network)`. A code can be in several groups. They include the codes
/// of the system and of Asio.
enum class condition {
    invalid_use = 1,    ///< A mistake of the caller: invalid input, or a run that the service would reject.
    network,            ///< The service could not be reached, or the connection broke or timed out.
    timeout,            ///< As `is_timeout`.
    credentials,        ///< No token or key is available, or the service rejects it or does not permit the operation.
    rejected,           ///< The service rejected the request: HTTP 4xx.
    service_failure,    ///< The service failed, or its response is invalid: HTTP 5xx, malformed data.
    handler_failure,    ///< A handler of the caller failed or took too long.
    run_not_completed,  ///< The run failed, was cancelled, expired, reached a limit, or waits for answers.
    cancelled,          ///< The caller cancelled the operation: `asio::error::operation_aborted`.
};

CORUN_API std::error_condition make_error_condition(condition value) noexcept;

/// The name of the enumerator, such as `connect_timeout`.
CORUN_API std::string_view to_string(errc value) noexcept;
CORUN_API std::string_view to_string(condition value) noexcept;

/// Print the name of the enumerator.
CORUN_API std::ostream& operator<<(std::ostream& out, errc value);
CORUN_API std::ostream& operator<<(std::ostream& out, condition value);

/// True for the timeouts of `errc` and any other code equal to `std::errc::timed_out`.
CORUN_API bool is_timeout(const std::error_code& code) noexcept;
/// True if the same request may succeed later: timeouts, connection errors, 429 and 5xx. Creating a run is not
/// idempotent: check whether the run exists before you send the request again.
CORUN_API bool is_retryable(const std::error_code& code) noexcept;

/// The details of a failure. Contains no credential and no value of an MCP header: `***` replaces those of at least
/// three characters that the response repeats.
struct CORUN_API diagnostics {
    diagnostics() = default;

    std::string message;          ///< One sentence of this library, safe to log.
    int status = 0;               ///< HTTP status; 0 without a response.
    std::string request_id;       ///< `apim-request-id` or `x-request-id` of the response.
    std::string service_code;     ///< `error.code` (or `type`) of the response.
    std::string service_message;  ///< `error.message` of the response; may contain user data.
    std::string body;             ///< The first 4 KiB of the response body; may contain user data.
    std::string challenge;        ///< `WWW-Authenticate` of the response; see `mcp::parse_challenge`.
    /// The delay that the service asked for, in the response or in the message of a failed run.
    std::optional<std::chrono::milliseconds> retry_after;
    std::optional<bool> should_retry;  ///< `x-should-retry` of the response.
    int attempts = 1;                  ///< How many times the request was sent.
};

/// The exception of this library: an `errc` or a system error, with its diagnostics.
///
/// `what()` is one line: the sentence of the code and the message, or only a message that is enough; status, error and
/// request id of the service; the `errc` in brackets (see docs/errors.md). Escaped. Copying does not throw.
class CORUN_API error : public std::system_error {
public:
    error(std::error_code code, diagnostics details);
    error(errc code, std::string message);
    ~error() override;

    [[nodiscard]] const char* what() const noexcept override { return state_->text.c_str(); }

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
        std::string text;
    };
    std::shared_ptr<const state> state_;
};

/// Prints `what()`.
CORUN_API std::ostream& operator<<(std::ostream& out, const error& failure);

/// True if the same request may succeed later. `x-should-retry` of the response overrides the code. A run that failed
/// for a rate limit or an overload can be retried after `retry_after()`; a lack of quota cannot.
CORUN_API bool is_retryable(const error& failure) noexcept;

}  // namespace corun

template <>
struct std::is_error_code_enum<corun::errc> : std::true_type {};
template <>
struct std::is_error_condition_enum<corun::condition> : std::true_type {};
