#pragma once
#include "emulator/event_sink.hpp"
#include "emulator/http/api_call.hpp"
#include "emulator/http/http_server.hpp"
#include "emulator/responses/agent_versions.hpp"
#include "emulator/responses/conversations.hpp"
#include "emulator/responses/responses_schema.hpp"
#include "emulator/store.hpp"
#include "emulator/threads/core.hpp"

#include <asio/awaitable.hpp>
#include <asio/cancellation_signal.hpp>
#include <asio/steady_timer.hpp>

#include <cstdint>
#include <deque>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace corun::emulator {

/// A response fails: what its object says, and what a request gets that has no stream.
struct response_failure : std::runtime_error {
    response_failure(std::string what_code, const std::string& message)
        : std::runtime_error(message), code(std::move(what_code)) {}

    std::string code;
    /// Of the `error` event, and of an answer that is no response; empty: there is none.
    std::string type;
    int status = 200;
    json param;
};

/// An event as it was sent.
struct sent_event {
    sent_event(std::int64_t number, std::string event_name, std::string event_frame)
        : sequence_number(number), name(std::move(event_name)), frame(std::move(event_frame)) {}

    std::int64_t sequence_number;
    std::string name, frame;
};

/// An MCP server as a response uses it. Its tools are those of an `mcp_list_tools` item.
struct response_server : mcp_binding {
    response_server() = default;
    std::string connection;  ///< Instead of a URL.
    bool is_listed = false;

    [[nodiscard]] const json* tool(const std::string& name) const;
    [[nodiscard]] bool asks_for_approval(const std::string& name) const;
};

/// An approval that the request gives, and the call that it is for.
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

struct response : record {
    response(json value, asio::io_context& context)
        : record(std::move(value)), news(context, asio::steady_timer::time_point::max()) {}
    /// A chain of responses is let go of link by link: it may be longer than the stack is deep.
    ~response() {
        while (previous && previous.use_count() == 1) {
            auto older = std::move(previous->previous);
            previous = std::move(older);
        }
    }

    [[nodiscard]] std::string status() const { return get_string(object, "status"); }
    [[nodiscard]] bool ended() const;
    /// What a call of the round under way gave.
    void add_output(const std::string& text) {
        if (!outputs.empty()) outputs += '\n';
        outputs += text;
    }

    store<record> input;
    std::shared_ptr<response> previous;
    std::shared_ptr<conversation> in;
    bool stored = true, background = false, streaming = false;
    bool retrievable_as_stream = false;  ///< Its events are kept.
    bool obfuscated = true, with_results = false, with_encrypted_reasoning = false;

    std::vector<json> before;  ///< The context that came from a conversation.
    std::vector<json> recent;  ///< What came after the user's latest message.
    std::vector<response_server> servers;
    std::vector<approved_call> approvals;
    std::deque<step> plan;
    std::string user_message, outputs;
    std::size_t input_tokens = 0, output_tokens = 0, reasoning_tokens = 0;

    std::vector<sent_event> events;
    std::int64_t sequence_number = 0;
    bool all_sent = false;
    asio::steady_timer news;  ///< Cancelled whenever there is something new to send.

    std::shared_ptr<asio::cancellation_signal> interrupt;
    std::optional<asio::steady_timer> next_stage;
    bool was_read = false;
};

/// What a request gets, at once or later.
struct answering {
    answering() = default;
    std::shared_ptr<http::exchange> exchange;
    std::function<void(int status, const json& body, header_fields more)> answer;
    std::function<event_sink()> begin_stream;
    std::function<void(const std::string& id)> set_run_id;
};

/// OpenAI Responses, as far as the service has it: its routes, and the responses at work.
class responses : public std::enable_shared_from_this<responses> {
public:
    explicit responses(std::shared_ptr<core> of);

    [[nodiscard]] static bool owns(const call& what);
    /// Throws `refusal`.
    void serve(const call& what, answering to);
    void stop();

private:
    using items = std::vector<json>;

    json plain(const call& what);
    void create(const call& what, answering to);
    void retrieve(const call& what, answering to);
    json cancel(response& what);
    std::shared_ptr<response> find(const std::string& id) const;
    [[nodiscard]] json shown(const response& what) const;

    // What a request says.
    void check_body(const call& what, const json& body) const;
    json definition_of(const json& body, json& agent) const;
    std::shared_ptr<response> make(const call& what, const json& body);
    void bind_servers(response& what, const json& tools) const;
    items context_of(const response& what) const;
    json input_item(const json& given) const;
    void check_input(response& what, const items& before) const;
    /// What the model has to know of the context.
    void look_back(response& what, const items& context) const;
    void make_plan(response& what) const;

    // A response at work.
    void work(std::shared_ptr<response> what, event_sink sink, answering to);
    asio::awaitable<void> drive(std::shared_ptr<response> what, event_sink sink, answering to);
    asio::awaitable<void> follow(std::shared_ptr<response> what, std::int64_t after, event_sink sink);
    void send_events(std::shared_ptr<response> what, std::int64_t after, event_sink sink);
    void watch(const std::shared_ptr<response>& what, const std::shared_ptr<http::exchange>& exchange);
    void interrupt(response& what, const std::string& status);
    void end(response& what, const std::string& status);

    asio::awaitable<void> begin(response& what, event_sink& sink);
    asio::awaitable<void> list_tools(response& what, event_sink& sink);
    asio::awaitable<void> use_approvals(response& what, event_sink& sink);
    asio::awaitable<void> follow_plan(response& what, event_sink& sink);
    asio::awaitable<bool> call_round(response& what, event_sink& sink);
    asio::awaitable<void> call_function(response& what, event_sink& sink, step scripted);
    asio::awaitable<bool> call_mcp(response& what, event_sink& sink, step scripted);
    asio::awaitable<void> call_server(response& what, event_sink& sink, response_server& server, std::string name,
                                      std::string arguments, json approval);
    asio::awaitable<void> call_tool(response& what, event_sink& sink, step scripted);
    asio::awaitable<void> think(response& what, event_sink& sink, std::string summary);
    asio::awaitable<void> show_item(response& what, event_sink& sink, json item);
    asio::awaitable<bool> say(response& what, event_sink& sink, step scripted);
    asio::awaitable<bool> say_part(response& what, event_sink& sink, std::size_t item, std::size_t index, json part,
                                   std::size_t count);

    /// Waits for a reader of the response, where responses go on with those.
    asio::awaitable<void> stage(response& what);
    asio::awaitable<void> meanwhile(response& what, event_sink& sink, asio::awaitable<void> that);
    asio::awaitable<void> keep_alive(response& what, event_sink& sink);

    /// Adds an item to the output, and gives its index.
    asio::awaitable<std::size_t> add_item(response& what, event_sink& sink, json item);
    asio::awaitable<void> finish_item(response& what, event_sink& sink, std::size_t index);
    asio::awaitable<void> emit(response& what, event_sink& sink, std::string event, json data);
    asio::awaitable<void> emit_response(response& what, event_sink& sink, std::string event);
    asio::awaitable<void> emit_of_item(response& what, event_sink& sink, std::string event, std::size_t index,
                                       json more = json::object());
    asio::awaitable<void> emit_deltas(response& what, event_sink& sink, std::string event, json place,
                                      std::vector<std::string> texts);
    asio::awaitable<void> emit_error(response& what, event_sink& sink, response_failure problem);
    /// Keeps a frame and sends it. True when `flush` is due.
    static bool put(response& what, event_sink& sink, const std::string& event, std::string frame, std::int64_t number);
    [[nodiscard]] std::string frame_of(const std::string& event, const std::string& data) const;

    std::shared_ptr<core> core_;
    agent_versions agents_;
    conversations conversations_;
    store<response> responses_;
    std::set<std::shared_ptr<response>> at_work_;
    schema::responses_bodies bodies_{true}, plain_bodies_{false};
};

/// The context after the user's latest message.
std::vector<json>::const_iterator after_user_message(const std::vector<json>& context);

}  // namespace corun::emulator
