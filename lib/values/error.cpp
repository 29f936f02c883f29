#include "text/escape.hpp"
#include <corun/error.hpp>

#include <utility>

namespace corun {

namespace {

const char* sentence(errc value) noexcept {
    switch (value) {
        case errc::invalid_argument:
            return "an argument is not valid";
        case errc::invalid_endpoint:
            return "the endpoint is not an absolute http or https URL";
        case errc::insecure_endpoint:
            return "a credential would travel unencrypted: it goes over https, or to a loopback host, only";
        case errc::invalid_header:
            return "a header is not valid";
        case errc::invalid_server_label:
            return "an MCP server label is empty or holds a control character";
        case errc::unknown_server_label:
            return "an MCP server label is known to neither the agent nor the run";
        case errc::duplicate_server_label:
            return "two MCP tools have the same server label";
        case errc::conflicting_tool_definition:
            return "an MCP tool of the run differs from the agent's tool with the same server label";

        case errc::agent_level_mcp_resources:
            return "the MCP resources stored with the agent clash with those of the run";
        case errc::thread_level_mcp_resources:
            return "the MCP resources stored with the thread clash with those of the run";
        case errc::tools_with_mcp_headers_streaming:
            return "a streaming run cannot bring both new tools and MCP headers or approvals";
        case errc::mcp_headers_with_stored_agent:
            return "the service takes no MCP headers for a stored agent";
        case errc::not_allowed_with_agent:
            return "the service does not allow this beside a stored agent";
        case errc::mcp_tool_not_on_agent:
            return "a streaming run cannot bring headers or approvals together with an MCP server that its agent does "
                   "not define";

        case errc::connect_failed:
            return "the connection could not be made";
        case errc::connect_timeout:
            return "the connection was not made in time";
        case errc::tls_failed:
            return "the TLS handshake failed or the certificate is not trusted";
        case errc::idle_timeout:
            return "the service was silent for too long";
        case errc::event_timeout:
            return "the service kept the connection alive, but told of nothing for too long";
        case errc::stop_timeout:
            return "the run could not be stopped in time";
        case errc::total_timeout:
            return "the call took too long";
        case errc::connection_lost:
            return "the connection was lost";
        case errc::response_too_large:
            return "the response is larger than allowed";
        case errc::credential_failed:
            return "the credential gave no token";

        case errc::mcp_headers_failed:
            return "the provider of MCP headers failed";
        case errc::mcp_headers_timeout:
            return "the provider of MCP headers took too long";
        case errc::handler_failed:
            return "a handler of the run failed";

        case errc::bad_request:
            return "the service refused the request";
        case errc::unauthorized:
            return "the service did not accept the credential";
        case errc::forbidden:
            return "the credential does not allow this";
        case errc::not_found:
            return "the service has no such object";
        case errc::conflict:
            return "the request conflicts with the state of the object";
        case errc::rate_limited:
            return "the service is throttling requests";
        case errc::server_failed:
            return "the service failed";
        case errc::unexpected_status:
            return "the service answered with a status that is not expected here";
        case errc::unexpected_content_type:
            return "the service answered with a content type that is not expected here";
        case errc::bad_response:
            return "the response cannot be understood";

        case errc::premature_eof:
            return "the stream ended before the run did";
        case errc::event_too_large:
            return "an event is larger than allowed";
        case errc::bad_event:
            return "an event cannot be understood";
        case errc::stream_failed:
            return "the service reported an error in the stream";

        case errc::run_failed:
            return "the run failed";
        case errc::run_incomplete:
            return "the run stopped before it was complete";
        case errc::run_cancelled:
            return "the run was cancelled";
        case errc::run_expired:
            return "the run expired";
        case errc::action_required:
            return "the run waits for tool outputs or approvals that nobody gives";
    }
    return "unknown error";
}

class category_type final : public std::error_category {
public:
    const char* name() const noexcept override { return "corun"; }

    std::string message(int value) const override { return sentence(static_cast<errc>(value)); }

    std::error_condition default_error_condition(int value) const noexcept override {
        switch (static_cast<errc>(value)) {
            case errc::connect_timeout:
            case errc::idle_timeout:
            case errc::event_timeout:
            case errc::stop_timeout:
            case errc::total_timeout:
            case errc::mcp_headers_timeout:
                return std::errc::timed_out;
            case errc::invalid_argument:
            case errc::invalid_endpoint:
            case errc::invalid_header:
            case errc::invalid_server_label:
                return std::errc::invalid_argument;
            case errc::unauthorized:
            case errc::forbidden:
                return std::errc::permission_denied;
            case errc::connection_lost:
                return std::errc::connection_reset;
            case errc::response_too_large:
            case errc::event_too_large:
                return std::errc::message_size;
            case errc::bad_response:
            case errc::bad_event:
                return std::errc::bad_message;
            default:
                return {value, *this};
        }
    }
};

std::string describe(const std::error_code& code, const diagnostics& details) {
    std::string text = code.message();
    if (!details.message.empty()) text += ": " + details.message;

    std::string answer;
    const auto append = [&answer](const std::string& part) { answer += (answer.empty() ? "" : ", ") + part; };
    if (details.status != 0) append("HTTP " + std::to_string(details.status));
    if (!details.service_code.empty()) append(details.service_code);
    if (!details.service_message.empty()) append('"' + details.service_message + '"');
    if (!details.request_id.empty()) append("request id " + details.request_id);
    if (details.attempts > 1) append(std::to_string(details.attempts) + " attempts");
    if (!answer.empty()) text += " (" + answer + ')';

    // What came from elsewhere must not break the line it is logged on.
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
    if (code.category() == category()) {
        switch (static_cast<errc>(code.value())) {
            case errc::connect_failed:
            case errc::connection_lost:
            case errc::rate_limited:
            case errc::server_failed:
                return true;
            default:
                return false;
        }
    }
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
    : details(std::move(d)), what(describe(code, details)) {}

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
