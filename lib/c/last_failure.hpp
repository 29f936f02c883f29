#pragma once
#include <corun/error.hpp>

#include <exception>
#include <string>
#include <utility>

namespace corun::c {

/// The last failure in a thread, as `corun_error_name` and `corun_error_message` return it. Thrown where an operation
/// in another thread has failed.
struct failure {
    std::string name, message;
};
[[nodiscard]] const failure& last_failure() noexcept;
void remember(failure occurred) noexcept;
[[nodiscard]] failure failure_of(const std::exception_ptr& error);

/// Calls `function`; a failure is remembered, and becomes `failed`.
template <class Result, class Function>
Result guarded(Result failed, Function function) noexcept {
    try {
        return function();
    } catch (failure& occurred) {
        remember(std::move(occurred));
    } catch (...) {
        remember(failure_of(std::current_exception()));
    }
    return failed;
}

}  // namespace corun::c
