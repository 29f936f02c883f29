#pragma once
#include <corun/error.hpp>

#include <exception>
#include <string>
#include <utility>

namespace corun::c {

/// The last failure in a thread, as `corun_error_name` and `corun_error_message` return it.
struct failure {
    std::string name, message;
};
[[nodiscard]] const failure& last_failure() noexcept;
void remember(const std::exception_ptr& error) noexcept;

/// Calls `function`; a failure is remembered, and becomes `failed`.
template <class Result, class Function>
Result guarded(Result failed, Function function) noexcept {
    try {
        return function();
    } catch (...) {
        remember(std::current_exception());
        return failed;
    }
}

}  // namespace corun::c
