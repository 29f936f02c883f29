#pragma once
#include "emulator/json.hpp"
#include "emulator/script.hpp"

#include <deque>
#include <string>
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
    std::string chosen_function;  ///< It has to call this one; empty: as it likes.
};

/// What the model will do, in answer to the message.
std::deque<step> plan_for(const std::vector<script>& scripts, const model_view& view);
/// What the model says: `{message}` and `{output}` filled in.
std::string filled_in(std::string text, const std::string& message, const std::string& outputs);
/// `text` with every `what` in it replaced.
std::string replace_all(std::string text, std::string_view what, std::string_view by);
/// Arguments that a schema accepts: every required member, strings out of the message.
json arguments_for(const json& schema, const std::string& message);
/// Words with the space before them, as models give them.
std::vector<std::string> tokens_of(const std::string& text);
/// A text in two halves, as it comes in pieces. Characters stay whole.
std::pair<std::string, std::string> halves_of(const std::string& text);
/// Tokens of a text, about as models count them.
std::size_t words(const std::string& text);

}  // namespace corun::emulator
