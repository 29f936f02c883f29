#pragma once
#include <corun/options.hpp>

#include <string_view>

namespace corun::detail {

/// A member of `run_options` that the Responses protocol takes only without a stored agent.
struct agent_member {
    std::string_view name;
    bool (*is_set)(const run_options&);
    void (*clear)(run_options&);
};

template <auto Member>
constexpr agent_member agent_member_of(std::string_view name) {
    return {name, [](const run_options& options) { return (options.*Member).has_value(); },
            [](run_options& options) { (options.*Member).reset(); }};
}

inline constexpr agent_member agent_members[] = {
    agent_member_of<&run_options::model>("model"),
    agent_member_of<&run_options::instructions>("instructions"),
    agent_member_of<&run_options::additional_instructions>("additional_instructions"),
    agent_member_of<&run_options::temperature>("temperature"),
    agent_member_of<&run_options::top_p>("top_p"),
    agent_member_of<&run_options::max_completion_tokens>("max_completion_tokens"),
    agent_member_of<&run_options::parallel_tool_calls>("parallel_tool_calls"),
    agent_member_of<&run_options::response_format>("response_format"),
    agent_member_of<&run_options::truncation_strategy>("truncation_strategy"),
    agent_member_of<&run_options::tool_choice>("tool_choice"),
    agent_member_of<&run_options::reasoning>("reasoning"),
    agent_member_of<&run_options::verbosity>("verbosity"),
};

}  // namespace corun::detail
