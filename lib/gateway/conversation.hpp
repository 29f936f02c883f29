#pragma once
#include "gateway/run.hpp"
#include <corun/agent_thread.hpp>
#include <corun/message.hpp>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace corun::gateway {

/// A conversation of a user: the runs of one thread.
struct conversation {
    std::string user, name;
    std::optional<agent_thread> thread;
    std::string thread_id;      ///< Of a thread that another gateway has created.
    std::shared_ptr<run> last;  ///< Null until a run has started, and when its log is gone.
    bool starting = false;
    std::chrono::steady_clock::time_point used = std::chrono::steady_clock::now();
};

/// A message of a user, with what precedes it in a conversation that the gateway does not know any more.
struct question {
    explicit question(message its_text) : text(std::move(its_text)) {}

    message text;
    std::vector<message> history;
    std::string items;         ///< Other items before the message, as a JSON array: Responses protocol only.
    bool starts_anew = false;  ///< The conversation's thread does not fit the history.
};

/// A question as text, so that another gateway can ask it, and back. Nothing for a text that is none.
std::string encode(const question& asked);
std::optional<question> decode_question(std::string_view text);

}  // namespace corun::gateway
