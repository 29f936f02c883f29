#pragma once
#include "emulator/json.hpp"
#include "emulator/script.hpp"

#include <deque>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace corun::emulator {

/// What the model sees of a run or a response.
struct model_view {
    model_view() = default;

    std::string message;  ///< The user's latest.
    bool tools_allowed = true;
    std::vector<std::string> functions;
    std::vector<std::pair<std::string, std::vector<std::string>>> servers;  ///< Label and tools of MCP servers.
    std::string chosen_function;  ///< The one that it has to call; empty for any or none.
    json reply_schema;            ///< The schema of its reply; null for free text.
};

/// What the model will do in response to the message.
std::deque<step> plan_for(const std::vector<script>& scripts, const model_view& view);
/// Replaces `{message}` and `{output}`.
std::string filled_in(std::string text, const std::string& message, const std::string& outputs);
/// Replaces every occurrence of `search`.
std::string replace_all(std::string text, std::string_view search, std::string_view replacement);
/// Arguments that match a schema: all required members; strings are the message.
json arguments_for(const json& schema, const std::string& message);
/// Splits a text into words, each with the space before it.
std::vector<std::string> tokens_of(const std::string& text);
/// Splits a text into two halves, between characters.
std::pair<std::string, std::string> halves_of(const std::string& text);
/// The number of words, about that of tokens.
std::size_t words(const std::string& text);

}  // namespace corun::emulator
