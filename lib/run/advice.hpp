#pragma once
#include <corun/resources.hpp>

#include <string>

/// Sentences for errors that an option of the run would have avoided.
namespace corun::run {

/// For `errc::action_required`: the calls that wait, and how they can be answered. `mixed`: handlers answer functions
/// and approvals of one action together.
std::string unanswered_calls(const required_action& action, bool mixed);

/// What would have made it possible to find a run of which no event has told.
inline constexpr const char* mark_advice =
    "a run that creates its own thread can be found only with reattach_policy::mark_runs";

}  // namespace corun::run
