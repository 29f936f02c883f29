#include "text/escape.hpp"
#include <corun/error.hpp>

#include <iterator>
#include <utility>

namespace corun {
namespace {

struct row {
    errc code;
    const char* sentence;
    /// The standard condition that means the same, if there is one.
    std::errc condition = {};
    /// Its messages say all that the sentence does, and more.
    bool has_whole_messages = false;
};
constexpr bool whole = true;
constexpr std::errc no_condition{};

/// In the order of `errc`.
constexpr row rows[] = {
    {errc::invalid_argument, "an argument is invalid", std::errc::invalid_argument, whole},
    {errc::invalid_endpoint, "the endpoint is not an absolute http or https URL", std::errc::invalid_argument, whole},
    {errc::insecure_endpoint, "the endpoint would send the credential unencrypted; use https or a loopback host",
     no_condition, whole},
    {errc::invalid_header, "a header is invalid", std::errc::invalid_argument, whole},
    {errc::invalid_server_label, "an MCP server label is empty or contains a control character",
     std::errc::invalid_argument, whole},
    {errc::unknown_server_label, "neither the agent nor the run has an MCP server with this label", no_condition,
     whole},
    {errc::duplicate_server_label, "two MCP tools have the same server label", no_condition, whole},
    {errc::conflicting_tool_definition,
     "an MCP tool of the run differs from the agent's tool with the same server label", no_condition, whole},

    {errc::agent_level_mcp_resources, "the MCP resources stored with the agent conflict with those of the run"},
    {errc::thread_level_mcp_resources, "the MCP resources stored with the thread conflict with those of the run"},
    {errc::tools_with_mcp_headers_streaming, "a streaming run cannot combine new tools with MCP headers or approvals"},
    {errc::mcp_tool_not_on_agent,
     "a streaming run cannot combine an MCP server that its agent does not define with MCP headers or approvals"},

    {errc::mcp_headers_with_stored_agent, "the service does not accept MCP headers for a stored agent"},
    {errc::not_allowed_with_agent, "the service does not accept this option with a stored agent"},

    {errc::connect_failed, "could not connect"},
    {errc::connect_timeout, "connecting timed out", std::errc::timed_out},
    {errc::tls_failed, "the TLS handshake failed or the certificate is not trusted", no_condition, whole},
    {errc::idle_timeout, "the service sent nothing for too long", std::errc::timed_out},
    {errc::event_timeout, "the service sent keep-alives but no event for too long", std::errc::timed_out},
    {errc::stop_timeout, "stopping the run timed out", std::errc::timed_out},
    {errc::total_timeout, "the call timed out", std::errc::timed_out},
    {errc::connection_lost, "the connection was lost", std::errc::connection_reset},
    {errc::response_too_large, "the response exceeds the size limit", std::errc::message_size, whole},
    {errc::credential_failed, "the credential failed to provide a token"},

    {errc::mcp_headers_failed, "the provider of MCP headers failed"},
    {errc::mcp_headers_timeout, "the provider of MCP headers timed out", std::errc::timed_out},
    {errc::handler_failed, "a handler of the run failed"},

    {errc::bad_request, "the service rejected the request"},
    {errc::unauthorized, "the service rejected the credential", std::errc::permission_denied},
    {errc::forbidden, "the credential does not permit this operation", std::errc::permission_denied},
    {errc::not_found, "the service has no such object"},
    {errc::conflict, "the request conflicts with the state of the object"},
    {errc::rate_limited, "the rate limit was exceeded"},
    {errc::server_failed, "the service failed"},
    {errc::unexpected_status, "the service returned an unexpected status"},
    {errc::unexpected_content_type, "the service returned an unexpected content type"},
    {errc::bad_response, "the response is malformed", std::errc::bad_message},

    {errc::premature_eof, "the stream ended before the run did"},
    {errc::event_too_large, "an event exceeds the size limit", std::errc::message_size, whole},
    {errc::bad_event, "an event is malformed", std::errc::bad_message},
    {errc::stream_failed, "the service reported an error in the stream"},
    {errc::run_not_found, "the run could not be found, and may continue"},
    {errc::not_cancellable, "the service cannot cancel the run, which may continue"},

    {errc::run_failed, "the run failed"},
    {errc::run_incomplete, "the run stopped before it was complete"},
    {errc::run_cancelled, "the run was cancelled"},
    {errc::run_expired, "the run expired"},
    {errc::action_required, "the run requires tool outputs or approvals that no handler provides"},
};

constexpr bool has_every_code() {
    int value = 0;
    for (const row& entry : rows)
        if (static_cast<int>(entry.code) != ++value) return false;
    return value == static_cast<int>(errc::action_required);
}
static_assert(has_every_code());

/// Null for a value that is not an `errc`.
const row* find(int value) noexcept {
    return value >= 1 && value <= static_cast<int>(std::size(rows)) ? &rows[value - 1] : nullptr;
}

class category_type final : public std::error_category {
public:
    const char* name() const noexcept override { return "corun"; }

    std::string message(int value) const override {
        const row* const entry = find(value);
        return entry ? entry->sentence : "unknown error";
    }

    std::error_condition default_error_condition(int value) const noexcept override {
        const row* const entry = find(value);
        if (entry && entry->condition != std::errc()) return entry->condition;
        return {value, *this};
    }
};

std::string describe(const std::error_code& code, const diagnostics& details) {
    const row* const entry = code.category() == category() ? find(code.value()) : nullptr;
    std::string text;
    if (details.message.empty())
        text = code.message();
    else if (entry && entry->has_whole_messages)
        text = details.message;
    else
        text = code.message() + ": " + details.message;

    std::string response;
    const auto append = [&response](const std::string& part) { response += (response.empty() ? "" : ", ") + part; };
    const std::string status = std::to_string(details.status);
    if (details.status != 0) append("HTTP " + status);
    if (!details.service_code.empty() && details.service_code != status) append(details.service_code);
    if (!details.service_message.empty()) append('"' + details.service_message + '"');
    if (!details.request_id.empty()) append("request id " + details.request_id);
    if (details.attempts > 1) append(std::to_string(details.attempts) + " attempts");
    if (!response.empty()) text += " (" + response + ')';

    // A text of the service must not break the log line.
    return detail::escape(text);
}

}  // namespace

const std::error_category& category() noexcept {
    static const category_type instance;
    return instance;
}

std::error_code make_error_code(errc value) noexcept {
    return {static_cast<int>(value), category()};
}

bool is_timeout(const std::error_code& code) noexcept {
    return code == std::errc::timed_out;
}

bool is_retryable(const std::error_code& code) noexcept {
    if (is_timeout(code)) return true;
    for (const errc each : {errc::connect_failed, errc::connection_lost, errc::rate_limited, errc::server_failed})
        if (code == each) return true;
    return code == std::errc::connection_refused || code == std::errc::connection_reset ||
           code == std::errc::connection_aborted || code == std::errc::broken_pipe ||
           code == std::errc::host_unreachable || code == std::errc::network_unreachable ||
           code == std::errc::network_down;
}

bool is_retryable(const error& failure) noexcept {
    if (failure.details().should_retry) return *failure.details().should_retry;
    if (failure.code() == errc::run_failed) return failure.service_code() == "rate_limit_exceeded";
    return is_retryable(failure.code());
}

error::state::state(const std::error_code& code, diagnostics d)
    : details(std::move(d)), text(describe(code, details)) {}

error::error(std::error_code code, diagnostics details)
    : std::system_error(code), state_(std::make_shared<const state>(code, std::move(details))) {}

error::error(errc code, std::string message)
    : error(make_error_code(code), [&message] {
          diagnostics details;
          details.message = std::move(message);
          return details;
      }()) {}

error::~error() = default;

}  // namespace corun
