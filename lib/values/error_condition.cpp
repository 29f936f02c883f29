// The names of errors, and the groups that they are in.
#include "values/error_table.hpp"
#include <corun/error.hpp>

#include <ostream>

namespace corun {
namespace {

struct named_condition {
    condition group;
    const char* name;
    const char* sentence;
};

constexpr named_condition named_conditions[] = {
    {condition::invalid_use, "invalid_use", "the library was used incorrectly"},
    {condition::network, "network", "the service could not be reached or the connection broke"},
    {condition::timeout, "timeout", "the operation timed out"},
    {condition::credentials, "credentials", "the credential is missing, rejected or insufficient"},
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
            const detail::error_row* const entry = detail::find_error(code.value());
            return entry && find_condition(value) && (entry->groups & detail::in(static_cast<condition>(value))) != 0;
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
    const detail::error_row* const entry = detail::find_error(static_cast<int>(value));
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
