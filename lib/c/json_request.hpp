#pragma once
#include <corun/mcp_headers.hpp>
#include <corun/options.hpp>
#include <corun/prompt_agent.hpp>
#include <corun/run_position.hpp>
#include <corun/submission.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <variant>

/// The JSON texts of corun.h as values. *Errors:* `errc::invalid_argument`, which names the member.
namespace corun::c {

struct client_request {
    client_request() = default;
    client_options options;
    bool is_api_key = false;
};

struct run_request {
    run_request() = default;
    /// The id or name of a stored agent, or the definition of one that the application keeps.
    std::variant<std::string, prompt_agent_definition> agent;
    std::string message, thread;
    std::optional<run_position> position;
    mcp_headers headers;
    run_options options;
};

[[nodiscard]] client_request read_client(std::string_view json);
[[nodiscard]] run_request read_run(std::string_view json);
[[nodiscard]] submission read_answers(std::string_view json);

}  // namespace corun::c
