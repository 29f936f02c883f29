#pragma once
#include "c/last_failure.hpp"
#include <corun/event.hpp>
#include <corun/run_position.hpp>
#include <corun/run_result.hpp>

#include <string>

namespace corun::c {

/// The event as `corun_run_next` describes it.
[[nodiscard]] std::string json_of(const event& value);
/// `{"error": {"code": ..., "message": ...}}`
[[nodiscard]] std::string json_of(const failure& value);
/// The result as `corun_run_result` describes it.
[[nodiscard]] std::string json_of(const run_result& result, const run_position& position);

}  // namespace corun::c
