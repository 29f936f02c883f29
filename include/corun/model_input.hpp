#pragma once
#include <corun/export.hpp>
#include <corun/json_text.hpp>
#include <corun/message.hpp>
#include <corun/prompt_agent.hpp>
#include <corun/resources.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

/// The input of responses, apart from runs.
namespace corun {

/// What the model of a response would see: for `client::compact` and `client::count_input_tokens`.
struct CORUN_API model_input {
    explicit model_input(std::string model);

    std::string model;
    std::string instructions;
    std::string previous_response_id;  ///< The response that it continues, or empty.
    json_text items;                   ///< A JSON array of input items, before `messages`; or empty.
    std::vector<message> messages;

    // For `client::count_input_tokens` only; `client::compact` fails with `errc::invalid_argument`.
    std::string conversation;  ///< The id of a thread, or empty.
    std::vector<prompt_tool> tools;

    /// A JSON object with the request's other members, or empty.
    json_text extra_json;
};

/// A conversation in fewer tokens.
struct CORUN_API compacted_response {
    compacted_response() = default;

    std::string id;
    json_text items;  ///< A JSON array, for `run_options::input_items` of the next run.
    std::optional<corun::usage> usage;
    std::optional<std::int64_t> created_at;
    std::string raw;
};

/// An input item of a response.
struct CORUN_API response_item {
    response_item() = default;

    std::string id, type;
    std::optional<thread_message> message;  ///< If it is one.
    std::string raw;
};

}  // namespace corun
