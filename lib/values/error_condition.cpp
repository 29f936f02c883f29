// The names of errors, and the groups that they are in.
#include <corun/error.hpp>

#include <iterator>
#include <ostream>

namespace corun {
namespace {

constexpr unsigned in(condition group) noexcept {
    return 1u << static_cast<unsigned>(group);
}

struct named_code {
    errc code;
    const char* name;
    unsigned groups;
};

/// In the order of `errc`.
constexpr named_code named_codes[] = {
    {errc::invalid_argument, "invalid_argument", in(condition::invalid_use)},
    {errc::invalid_endpoint, "invalid_endpoint", in(condition::invalid_use)},
    {errc::insecure_endpoint, "insecure_endpoint", in(condition::invalid_use)},
    {errc::invalid_header, "invalid_header", in(condition::invalid_use)},
    {errc::invalid_server_label, "invalid_server_label", in(condition::invalid_use)},
    {errc::unknown_server_label, "unknown_server_label", in(condition::invalid_use)},
    {errc::duplicate_server_label, "duplicate_server_label", in(condition::invalid_use)},
    {errc::conflicting_tool_definition, "conflicting_tool_definition", in(condition::invalid_use)},
    {errc::agent_level_mcp_resources, "agent_level_mcp_resources", in(condition::invalid_use)},
    {errc::thread_level_mcp_resources, "thread_level_mcp_resources", in(condition::invalid_use)},
    {errc::tools_with_mcp_headers_streaming, "tools_with_mcp_headers_streaming", in(condition::invalid_use)},
    {errc::mcp_tool_not_on_agent, "mcp_tool_not_on_agent", in(condition::invalid_use)},
    {errc::mcp_headers_with_stored_agent, "mcp_headers_with_stored_agent", in(condition::invalid_use)},
    {errc::not_allowed_with_agent, "not_allowed_with_agent", in(condition::invalid_use)},
    {errc::connect_failed, "connect_failed", in(condition::network)},
    {errc::connect_timeout, "connect_timeout", in(condition::network) | in(condition::timeout)},
    {errc::tls_failed, "tls_failed", in(condition::network)},
    {errc::idle_timeout, "idle_timeout", in(condition::network) | in(condition::timeout)},
    {errc::event_timeout, "event_timeout", in(condition::network) | in(condition::timeout)},
    {errc::stop_timeout, "stop_timeout", in(condition::timeout)},
    {errc::total_timeout, "total_timeout", in(condition::network) | in(condition::timeout)},
    {errc::connection_lost, "connection_lost", in(condition::network)},
    {errc::response_too_large, "response_too_large", in(condition::service_failure)},
    {errc::credential_failed, "credential_failed", in(condition::credentials)},
    {errc::mcp_headers_failed, "mcp_headers_failed", in(condition::handler_failure)},
    {errc::mcp_headers_timeout, "mcp_headers_timeout", in(condition::timeout) | in(condition::handler_failure)},
    {errc::handler_failed, "handler_failed", in(condition::handler_failure)},
    {errc::bad_request, "bad_request", in(condition::rejected)},
    {errc::unauthorized, "unauthorized", in(condition::credentials) | in(condition::rejected)},
    {errc::forbidden, "forbidden", in(condition::credentials) | in(condition::rejected)},
    {errc::not_found, "not_found", in(condition::rejected)},
    {errc::conflict, "conflict", in(condition::rejected)},
    {errc::rate_limited, "rate_limited", in(condition::rejected)},
    {errc::server_failed, "server_failed", in(condition::service_failure)},
    {errc::unexpected_status, "unexpected_status", in(condition::service_failure)},
    {errc::unexpected_content_type, "unexpected_content_type", in(condition::service_failure)},
    {errc::bad_response, "bad_response", in(condition::service_failure)},
    {errc::premature_eof, "premature_eof", in(condition::network)},
    {errc::event_too_large, "event_too_large", in(condition::service_failure)},
    {errc::bad_event, "bad_event", in(condition::service_failure)},
    {errc::stream_failed, "stream_failed", in(condition::service_failure)},
    {errc::run_not_found, "run_not_found", in(condition::invalid_use)},
    {errc::not_cancellable, "not_cancellable", in(condition::invalid_use)},
    {errc::run_failed, "run_failed", in(condition::run_not_completed)},
    {errc::run_incomplete, "run_incomplete", in(condition::run_not_completed)},
    {errc::run_cancelled, "run_cancelled", in(condition::run_not_completed)},
    {errc::run_expired, "run_expired", in(condition::run_not_completed)},
    {errc::action_required, "action_required", in(condition::run_not_completed)},
};

constexpr bool names_every_code() {
    int value = 0;
    for (const named_code& entry : named_codes)
        if (static_cast<int>(entry.code) != ++value) return false;
    return value == static_cast<int>(errc::action_required);
}
static_assert(names_every_code());

const named_code* find_named(int value) noexcept {
    return value >= 1 && value <= static_cast<int>(std::size(named_codes)) ? &named_codes[value - 1] : nullptr;
}

struct named_condition {
    condition group;
    const char* name;
    const char* sentence;
};

constexpr named_condition named_conditions[] = {
    {condition::invalid_use, "invalid_use", "the library was used in a way that cannot work"},
    {condition::network, "network", "the service could not be reached or the connection broke"},
    {condition::timeout, "timeout", "the operation timed out"},
    {condition::credentials, "credentials", "the credential is missing, not accepted or not sufficient"},
    {condition::rejected, "rejected", "the service rejected the request"},
    {condition::service_failure, "service_failure", "the service failed"},
    {condition::handler_failure, "handler_failure", "a handler of the application failed"},
    {condition::run_not_completed, "run_not_completed", "the run did not complete"},
    {condition::cancelled, "cancelled", "the operation was cancelled"},
};

const named_condition* find_condition(int value) noexcept {
    for (const named_condition& entry : named_conditions)
        if (static_cast<int>(entry.group) == value) return &entry;
    return nullptr;
}

/// Codes of the system and of Asio, whose resolver and end of file have categories of their own.
bool is_of_network(const std::error_code& code) noexcept {
    for (const std::errc each :
         {std::errc::connection_refused, std::errc::connection_reset, std::errc::connection_aborted,
          std::errc::broken_pipe, std::errc::host_unreachable, std::errc::network_unreachable, std::errc::network_down,
          std::errc::network_reset, std::errc::not_connected, std::errc::timed_out})
        if (code == each) return true;
    constexpr int asio_eof = 2;
    const std::string_view category = code.category().name();
    return category == "asio.netdb" || category == "asio.addrinfo" ||
           (category == "asio.misc" && code.value() == asio_eof);
}

class condition_category final : public std::error_category {
public:
    const char* name() const noexcept override { return "corun.condition"; }

    std::string message(int value) const override {
        const named_condition* const entry = find_condition(value);
        return entry ? entry->sentence : "unknown condition";
    }

    bool equivalent(const std::error_code& code, int value) const noexcept override {
        if (code.category() == category()) {
            const named_code* const entry = find_named(code.value());
            return entry && find_condition(value) && (entry->groups & in(static_cast<condition>(value))) != 0;
        }
        // Older Asio has a category of its own for the system's errors, which it does not map to conditions.
        const bool is_asio = code.category().name() == std::string_view("asio.system");
        return is_in(is_asio ? std::error_code(code.value(), std::generic_category()) : code,
                     static_cast<condition>(value));
    }

private:
    static bool is_in(const std::error_code& code, condition group) noexcept {
        switch (group) {
            case condition::network:
                return is_of_network(code);
            case condition::timeout:
                return code == std::errc::timed_out;
            case condition::cancelled:
                return code == std::errc::operation_canceled;
            default:
                return false;
        }
    }
};

}  // namespace

std::error_condition make_error_condition(condition value) noexcept {
    static const condition_category instance;
    return {static_cast<int>(value), instance};
}

std::string_view to_string(errc value) noexcept {
    const named_code* const entry = find_named(static_cast<int>(value));
    return entry ? entry->name : "unknown";
}

std::string_view to_string(condition value) noexcept {
    const named_condition* const entry = find_condition(static_cast<int>(value));
    return entry ? entry->name : "unknown";
}

std::ostream& operator<<(std::ostream& out, errc value) {
    return out << to_string(value);
}

std::ostream& operator<<(std::ostream& out, condition value) {
    return out << to_string(value);
}

std::ostream& operator<<(std::ostream& out, const error& failure) {
    return out << failure.what();
}

}  // namespace corun
