#pragma once
#include "emulator/event_sink.hpp"
#include "emulator/faults.hpp"
#include "emulator/json.hpp"
#include "emulator/mcp/mcp_client.hpp"
#include "emulator/model.hpp"
#include "emulator/store.hpp"
#include <corun/emulator/emulator.hpp>

#include <asio/awaitable.hpp>
#include <asio/cancellation_signal.hpp>
#include <asio/io_context.hpp>
#include <asio/steady_timer.hpp>

#include <chrono>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace corun::emulator {

/// The run fails, and says so.
struct run_failure : std::runtime_error {
    run_failure(std::string what_code, const std::string& message)
        : std::runtime_error(message), code(std::move(what_code)) {}
    std::string code;
};

/// The run was cancelled or has expired, or the service stops.
struct interrupted {};

inline constexpr const char* went_wrong = "Sorry, something went wrong.";

/// An MCP server as a run uses it.
struct mcp_binding {
    mcp_binding() = default;

    std::string label, url;
    json allowed;  ///< `allowed_tools`, null: all.
    header_fields headers;
    json approval;  ///< `require_approval`, null: the default.
    json tools;     ///< As listed: name -> {description, parameters}.

    /// `read_only`: the tool says of itself that it changes nothing.
    [[nodiscard]] bool needs_approval(const std::string& tool, bool read_only = false) const;
};

struct tool_call {
    explicit tool_call(step::kind what) : kind(what) {}

    [[nodiscard]] bool is_function() const noexcept { return kind == step::kind::call_function; }
    [[nodiscard]] bool is_mcp() const noexcept { return kind == step::kind::call_mcp; }

    /// As it stands in steps and required actions.
    [[nodiscard]] json shown(bool in_step) const;
    /// The pieces in which streams tell of it, before it has an output.
    [[nodiscard]] std::vector<json> deltas(bool only_arguments) const;

    step::kind kind;
    std::string id, type, name, arguments;
    json details;            ///< Of a call that the service itself answers, as scripted.
    std::size_t server = 0;  ///< Index in `run::servers`, of an MCP call.
    std::string label;       ///< The server's.
    bool waits = false;      ///< For an output or an approval.
    bool denied = false;
    header_fields headers;  ///< Of an MCP call.
    std::optional<std::string> output;
};

struct run : record {
    explicit run(json value) : record(std::move(value)) {}

    [[nodiscard]] std::string status() const { return get_string(object, "status"); }
    [[nodiscard]] bool ended() const;

    store<record> steps;
    std::vector<mcp_binding> servers;
    std::deque<step> plan;
    std::vector<tool_call> calls;  ///< Of the round under way.
    std::shared_ptr<record> step_under_way, message_under_way;
    std::string user_message, outputs;
    std::optional<std::pair<std::string, std::string>> fails_at_once;  ///< Code and message.
    std::size_t prompt_tokens = 0, completion_tokens = 0;
    bool created_thread = false;
    bool with_results = false;  ///< Its stream shows the content of search results, as `include[]` asked.
    /// Of the coroutine that works on it; null when there is none. One that only has its stream to end
    /// works on it no more.
    std::shared_ptr<asio::cancellation_signal> interrupt;
    std::optional<asio::steady_timer> next_stage;  ///< See `service_options::stage_a_read`.
    bool was_read = false;
};

struct agent : record {
    using record::record;
    std::size_t runs = 0;
};

struct thread : record {
    using record::record;
    store<record> messages;
    store<run> runs;

    [[nodiscard]] std::shared_ptr<run> active_run() const;
};

/// The state of a service and its runs at work.
class core : public std::enable_shared_from_this<core> {
public:
    core(asio::io_context& context, service_options options);

    asio::io_context& context;
    service_options options;
    store<agent> agents;
    store<thread> threads;
    std::vector<script> scripts;
    fault_list faults;
    mcp_client mcp;
    std::vector<recorded_mcp_request> mcp_requests;
    bool stopped = false;

    [[nodiscard]] std::int64_t now() const;
    std::string make_id(const std::string& prefix);

    std::shared_ptr<record> add_message(thread& where, const json& body);
    /// Decides what the run works with. Throws `refusal`.
    std::shared_ptr<run> create_run(agent& who, thread& where, const json& body, bool streaming);
    /// Starts to work on a run, or goes on after an action.
    void work(std::shared_ptr<run> what, event_sink sink);
    void cancel(std::shared_ptr<run> what);
    /// What time has done to a run. To be called before looking at it.
    void expire(run& what);
    /// Somebody looks at a run: it may go on to its next stage, if it waits for that.
    void was_read(run& what);
    void stop();

    /// An MCP server as `seen` says who asks it, and with which headers; what is asked is recorded.
    mcp_client::target mcp_target(std::string url, recorded_mcp_request seen);

    /// Objects as the service shows them.
    [[nodiscard]] json shown(const record& what) const;
    [[nodiscard]] json shown(const run& what) const;
    [[nodiscard]] json shown_step(const record& what, bool with_results) const;

private:
    [[nodiscard]] json shown_in_stream(const run& what, const record& of) const;
    std::shared_ptr<record> new_step(run& what, const std::string& type, json details);
    std::shared_ptr<record> new_message(run& what);
    void bind_servers(run& what, const agent& who, const thread& where, const json& body, bool streaming);
    void set_status(run& what, const std::string& status);
    void end_step(record& what, const std::string& status);
    void make_plan(run& what);

    asio::awaitable<void> drive(std::shared_ptr<run> what, event_sink sink);
    asio::awaitable<void> begin(run& what, event_sink& sink);
    asio::awaitable<void> resume(run& what, event_sink& sink);
    asio::awaitable<void> list_tools(run& what, event_sink& sink);
    asio::awaitable<void> follow_plan(run& what, event_sink& sink);
    asio::awaitable<void> say(run& what, event_sink& sink, step what_to_say);
    asio::awaitable<bool> say_text(run& what, event_sink& sink, record& message, std::size_t index, json block,
                                   std::size_t count);
    asio::awaitable<void> emit_content_delta(event_sink& sink, const record& message, json block);
    asio::awaitable<void> show_activity(run& what, event_sink& sink, json activity);
    asio::awaitable<bool> call_round(run& what, event_sink& sink);
    tool_call make_call(run& what, const step& scripted);
    asio::awaitable<void> call_servers(run& what, event_sink& sink);
    asio::awaitable<void> complete_calls(run& what, event_sink& sink);
    asio::awaitable<void> require_action(run& what, event_sink& sink, json action);
    /// Ends a run, and gives what is then shown of it.
    json end(run& what, const std::string& status);
    asio::awaitable<void> emit_end(run& what, event_sink& sink, std::string status);

    /// Waits for a reader of the run, where runs go on with those.
    asio::awaitable<void> stage(run& what, event_sink& sink);
    /// Does something that takes time, with keep-alives in the stream meanwhile.
    asio::awaitable<void> meanwhile(event_sink& sink, asio::awaitable<void> what);
    asio::awaitable<void> keep_alive(event_sink& sink);
    asio::awaitable<void> wait_until_expired(run& what);

    asio::awaitable<void> emit(event_sink& sink, std::string event, json data);
    asio::awaitable<void> emit_run(run& what, event_sink& sink, std::string status);
    asio::awaitable<void> emit_step(run& what, event_sink& sink, std::string event, const record& of);
    asio::awaitable<void> emit_message(event_sink& sink, std::string event, const record& of);
    asio::awaitable<void> emit_call_delta(run& what, event_sink& sink, std::size_t index, json call);
    mcp_client::target target_of(const run& what, const mcp_binding& server, const tool_call* call);

    std::uint64_t ids_ = 0;
};

asio::awaitable<void> wait_for(asio::io_context& context, std::chrono::milliseconds time);
/// Does the one thing, and the other until the one is done; what the one throws, it throws.
asio::awaitable<void> alongside(asio::awaitable<void> what, asio::awaitable<void> other);

/// Tokens as a step and a run count them.
inline json usage_of(std::size_t prompt, std::size_t completion) {
    json usage;
    usage["prompt_tokens"] = prompt;
    usage["completion_tokens"] = completion;
    usage["total_tokens"] = prompt + completion;
    return usage;
}
/// Takes from an MCP tool what is secret in it, where that is not to be told.
void redact(json& tool, echo_headers how);
/// Drops the content of search results, which is shown to those who ask for it.
void drop_results(json& step_details);

}  // namespace corun::emulator
