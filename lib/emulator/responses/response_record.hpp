#pragma once
#include "async/wakeup.hpp"
#include "emulator/execution.hpp"
#include "emulator/mcp/mcp_binding.hpp"
#include "emulator/responses/conversations.hpp"
#include "emulator/store.hpp"

#include <asio/io_context.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace corun::emulator {

/// An event as it was sent.
struct sent_event {
    sent_event(std::int64_t number, std::string event_name, std::string event_frame)
        : sequence_number(number), name(std::move(event_name)), frame(std::move(event_frame)) {}

    std::int64_t sequence_number;
    std::string name, frame;
};

/// The events of a response, for those who follow its stream.
struct event_log {
    explicit event_log(asio::io_context& context) : changed(context.get_executor()) {}

    void add(sent_event event) {
        events.push_back(std::move(event));
        changed.notify();
    }
    void end() {
        has_ended = true;
        changed.notify();
    }

    std::vector<sent_event> events;
    bool has_ended = false;
    detail::wakeup changed;  ///< Notified when there is something new to send.
};

/// An MCP server as a response uses it. Its tools are those of an `mcp_list_tools` item.
struct response_server : mcp_binding {
    response_server() = default;
    std::string connection;  ///< Instead of a URL.
    bool is_listed = false;

    /// Null when there is no such tool, or it is not allowed.
    [[nodiscard]] const json* tool(const std::string& name) const;
    [[nodiscard]] bool asks_for_approval(const std::string& name) const;
};

/// An approval in the request, and the call that it answers.
struct approved_call {
    approved_call(std::string approval_id, const json& request, bool is_approved)
        : approval(std::move(approval_id)),
          name(get_string(request, "name")),
          arguments(get_string(request, "arguments")),
          label(get_string(request, "server_label")),
          approved(is_approved) {}

    std::string approval, name, arguments, label;
    bool approved;
};

/// What a request for a response asks for beside the response itself.
struct response_options {
    response_options() = default;

    bool stored = true, background = false, streaming = false;
    bool retrievable_as_stream = false;  ///< Its events are logged.
    bool obfuscated = true, with_results = false, with_encrypted_reasoning = false;
    std::optional<std::size_t> compact_threshold;  ///< The context is compacted when it has more tokens.
};

struct response : runnable {
    response(json value, asio::io_context& context) : runnable(std::move(value)), log(context) {}
    /// Releases a chain of responses link by link: it may be longer than the stack is deep.
    ~response();

    [[nodiscard]] bool has_ended() const;
    /// Sets the last status, unlocks the conversation, and adds to it what belongs there.
    void end(const std::string& status, std::int64_t now);

    response_options options;
    store<record> input;
    std::shared_ptr<response> previous;
    std::shared_ptr<emulator::conversation> conversation;
    std::vector<json> inherited;  ///< The context that came from a conversation.
    std::vector<json> recent;     ///< What came after the user's latest message.
    std::vector<response_server> servers;
    std::vector<approved_call> approvals;
    std::size_t reasoning_tokens = 0;
    std::int64_t sequence_number = 0;
    event_log log;
};

/// A response as the service shows it.
json shown(const response& response, echo_headers echo);
/// Removes the secrets of an MCP tool, as far as they are not echoed.
void redact(json& tool, echo_headers echo);

/// The usage so far.
json usage_of(const response& response);
/// A new item that stands for what was said before.
json compaction_item(environment& shared);

/// A message of the user.
bool is_user_message(const json& item);
/// Function calls and their outputs, also of custom tools.
bool is_function_call(const json& item);
bool is_function_output(const json& item);

}  // namespace corun::emulator
