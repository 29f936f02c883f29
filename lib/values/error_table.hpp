#pragma once
#include <corun/error.hpp>

#include <iterator>
#include <system_error>

namespace corun::detail {

constexpr unsigned in(condition group) noexcept {
    return 1u << static_cast<unsigned>(group);
}

/// Everything that is known of one `errc`.
struct error_row {
    errc code;
    const char* name;
    unsigned groups;  ///< The conditions that it belongs to, as of `in`.
    const char* sentence;
    /// The standard condition that means the same, if there is one.
    std::errc condition = {};
    /// Its messages say all that the sentence does, and more.
    bool has_whole_messages = false;
};

constexpr bool whole = true;
constexpr std::errc no_condition{};

/// In the order of `errc`.
inline constexpr error_row error_rows[] = {
    {errc::invalid_argument, "invalid_argument", in(condition::invalid_use), "an argument is invalid",
     std::errc::invalid_argument, whole},
    {errc::invalid_endpoint, "invalid_endpoint", in(condition::invalid_use),
     "the endpoint is not an absolute http or https URL", std::errc::invalid_argument, whole},
    {errc::insecure_endpoint, "insecure_endpoint", in(condition::invalid_use),
     "the endpoint would send the credential unencrypted; use https or a loopback host", no_condition, whole},
    {errc::invalid_header, "invalid_header", in(condition::invalid_use), "a header is invalid",
     std::errc::invalid_argument, whole},
    {errc::invalid_server_label, "invalid_server_label", in(condition::invalid_use),
     "an MCP server label is empty or contains a control character", std::errc::invalid_argument, whole},
    {errc::unknown_server_label, "unknown_server_label", in(condition::invalid_use),
     "neither the agent nor the run has an MCP server with this label", no_condition, whole},
    {errc::duplicate_server_label, "duplicate_server_label", in(condition::invalid_use),
     "two MCP tools have the same server label", no_condition, whole},
    {errc::conflicting_tool_definition, "conflicting_tool_definition", in(condition::invalid_use),
     "an MCP tool of the run differs from the agent's tool with the same server label", no_condition, whole},

    {errc::agent_level_mcp_resources, "agent_level_mcp_resources", in(condition::invalid_use),
     "the MCP resources stored with the agent conflict with those of the run"},
    {errc::thread_level_mcp_resources, "thread_level_mcp_resources", in(condition::invalid_use),
     "the MCP resources stored with the thread conflict with those of the run"},
    {errc::tools_with_mcp_headers_streaming, "tools_with_mcp_headers_streaming", in(condition::invalid_use),
     "a streaming run cannot combine new tools with MCP headers or approvals"},
    {errc::mcp_tool_not_on_agent, "mcp_tool_not_on_agent", in(condition::invalid_use),
     "a streaming run cannot combine an MCP server that its agent does not define with MCP headers or approvals"},

    {errc::mcp_headers_with_stored_agent, "mcp_headers_with_stored_agent", in(condition::invalid_use),
     "the service does not accept MCP headers for a stored agent"},
    {errc::not_allowed_with_agent, "not_allowed_with_agent", in(condition::invalid_use),
     "the service does not accept this option with a stored agent"},

    {errc::connect_failed, "connect_failed", in(condition::network), "could not connect"},
    {errc::connect_timeout, "connect_timeout", in(condition::network) | in(condition::timeout), "connecting timed out",
     std::errc::timed_out},
    {errc::tls_failed, "tls_failed", in(condition::network),
     "the TLS handshake failed or the certificate is not trusted", no_condition, whole},
    {errc::idle_timeout, "idle_timeout", in(condition::network) | in(condition::timeout),
     "the service sent nothing for too long", std::errc::timed_out},
    {errc::event_timeout, "event_timeout", in(condition::network) | in(condition::timeout),
     "the service sent keep-alives but no event for too long", std::errc::timed_out},
    {errc::stop_timeout, "stop_timeout", in(condition::timeout), "stopping the run timed out", std::errc::timed_out},
    {errc::total_timeout, "total_timeout", in(condition::network) | in(condition::timeout), "the call timed out",
     std::errc::timed_out},
    {errc::connection_lost, "connection_lost", in(condition::network), "the connection was lost",
     std::errc::connection_reset},
    {errc::response_too_large, "response_too_large", in(condition::service_failure),
     "the response exceeds the size limit", std::errc::message_size, whole},
    {errc::credential_failed, "credential_failed", in(condition::credentials),
     "the credential failed to provide a token"},

    {errc::mcp_headers_failed, "mcp_headers_failed", in(condition::handler_failure),
     "the provider of MCP headers failed"},
    {errc::mcp_headers_timeout, "mcp_headers_timeout", in(condition::timeout) | in(condition::handler_failure),
     "the provider of MCP headers timed out", std::errc::timed_out},
    {errc::handler_failed, "handler_failed", in(condition::handler_failure), "a handler of the run failed"},

    {errc::bad_request, "bad_request", in(condition::rejected), "the service rejected the request"},
    {errc::unauthorized, "unauthorized", in(condition::credentials) | in(condition::rejected),
     "the service rejected the credential", std::errc::permission_denied},
    {errc::forbidden, "forbidden", in(condition::credentials) | in(condition::rejected),
     "the credential does not permit this operation", std::errc::permission_denied},
    {errc::not_found, "not_found", in(condition::rejected), "the service has no such object"},
    {errc::conflict, "conflict", in(condition::rejected), "the request conflicts with the state of the object"},
    {errc::rate_limited, "rate_limited", in(condition::rejected), "the rate limit was exceeded"},
    {errc::server_failed, "server_failed", in(condition::service_failure), "the service failed"},
    {errc::unexpected_status, "unexpected_status", in(condition::service_failure),
     "the service returned an unexpected status"},
    {errc::unexpected_content_type, "unexpected_content_type", in(condition::service_failure),
     "the service returned an unexpected content type"},
    {errc::bad_response, "bad_response", in(condition::service_failure), "the response is malformed",
     std::errc::bad_message},
    {errc::mcp_error, "mcp_error", in(condition::rejected), "the MCP server answered with an error"},

    {errc::premature_eof, "premature_eof", in(condition::network), "the stream ended before the run did"},
    {errc::event_too_large, "event_too_large", in(condition::service_failure), "an event exceeds the size limit",
     std::errc::message_size, whole},
    {errc::bad_event, "bad_event", in(condition::service_failure), "an event is malformed", std::errc::bad_message},
    {errc::stream_failed, "stream_failed", in(condition::service_failure),
     "the service reported an error in the stream"},
    {errc::run_not_found, "run_not_found", in(condition::invalid_use), "the run could not be found, and may continue"},
    {errc::not_cancellable, "not_cancellable", in(condition::invalid_use),
     "the service cannot cancel the run, which may continue"},

    {errc::run_failed, "run_failed", in(condition::run_not_completed), "the run failed"},
    {errc::run_incomplete, "run_incomplete", in(condition::run_not_completed),
     "the run stopped before it was complete"},
    {errc::run_cancelled, "run_cancelled", in(condition::run_not_completed), "the run was cancelled"},
    {errc::run_expired, "run_expired", in(condition::run_not_completed), "the run expired"},
    {errc::action_required, "action_required", in(condition::run_not_completed),
     "the run requires tool outputs or approvals that no handler provides"},
};

constexpr bool has_every_code() {
    int value = 0;
    for (const error_row& row : error_rows)
        if (static_cast<int>(row.code) != ++value) return false;
    return value == static_cast<int>(errc::action_required);
}
static_assert(has_every_code());

/// Null for a value that is not an `errc`.
constexpr const error_row* find_error(int value) noexcept {
    return value >= 1 && value <= static_cast<int>(std::size(error_rows)) ? &error_rows[value - 1] : nullptr;
}

}  // namespace corun::detail
