#include "exit_code.hpp"

#include <system_error>

namespace corun::cli {

exit_code exit_code_of(run_outcome outcome) noexcept {
    switch (outcome) {
        case run_outcome::completed:
            return exit_code::completed;
        case run_outcome::failed:
            return exit_code::run_failed;
        case run_outcome::incomplete:
            return exit_code::run_incomplete;
        case run_outcome::cancelled:
            return exit_code::run_cancelled;
        case run_outcome::expired:
            return exit_code::run_expired;
    }
    return exit_code::failed;
}

exit_code exit_code_of(const std::exception& failure) noexcept {
    if (dynamic_cast<const usage_error*>(&failure) != nullptr) return exit_code::usage;
    const auto* const error = dynamic_cast<const std::system_error*>(&failure);
    if (error == nullptr) return exit_code::failed;
    const std::error_code code = error->code();
    if (code == errc::action_required) return exit_code::run_waits;
    if (code == condition::cancelled) return exit_code::interrupted;
    if (code == condition::invalid_use) return exit_code::usage;
    if (code == condition::credentials) return exit_code::credentials;
    if (code == condition::rejected) return exit_code::rejected;
    if (code == condition::network || code == condition::timeout) return exit_code::network;
    if (code == condition::service_failure) return exit_code::service_failed;
    return exit_code::failed;
}

}  // namespace corun::cli
