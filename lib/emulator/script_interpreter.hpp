#pragma once
#include "emulator/execution.hpp"

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

namespace corun::emulator {

/// A text to stream, one token a delta.
class token_stream {
public:
    /// The words of `text`; or `count` made-up tokens, unless it is 0.
    token_stream(const std::string& text, std::size_t count);

    /// Cuts the text off where `used` tokens more would exceed `limit` (null for none). True when it still is whole.
    bool limit(const json& limit, std::size_t used);
    [[nodiscard]] std::size_t size() const noexcept { return count_; }
    [[nodiscard]] std::string operator[](std::size_t index) const;

private:
    std::vector<std::string> tokens_;
    std::size_t count_;
};

/// Follows the script of a run or response. The protocols decide how each step looks.
class script_interpreter : public execution {
protected:
    /// Writes a delta. True when the sink has to be flushed.
    using delta_writer = std::function<bool(const std::string& token)>;

    using execution::execution;

    /// Follows the plan until it ends, or the application has to act.
    asio::awaitable<void> follow_plan();
    /// Streams a text and adds it to `text` as it goes.
    asio::awaitable<void> stream_tokens(token_stream tokens, delta_writer write, std::string& text);

    // The steps. Those with a result return whether the plan goes on. Reasoning is not shown unless overridden.
    virtual asio::awaitable<bool> say(step scripted) = 0;
    virtual asio::awaitable<void> think(std::string summary);
    virtual asio::awaitable<void> show_activity(json activity) = 0;
    virtual asio::awaitable<bool> call_round(std::vector<step> round) = 0;
    virtual asio::awaitable<bool> require_action(std::string type, json details) = 0;
    virtual asio::awaitable<void> hold() = 0;
    virtual asio::awaitable<void> end_incomplete(std::string reason) = 0;
    virtual asio::awaitable<void> complete() = 0;

private:
    /// Takes the calls off the plan that are made in parallel.
    std::vector<step> take_round();
};

}  // namespace corun::emulator
