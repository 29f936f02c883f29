#pragma once
#include "emulator/faults.hpp"
#include "emulator/http_server.hpp"
#include "emulator/json.hpp"
#include "emulator/mcp_client.hpp"
#include "emulator/store.hpp"
#include <corun/emulator/emulator.hpp>

#include <asio/awaitable.hpp>
#include <asio/cancellation_signal.hpp>
#include <asio/io_context.hpp>

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace corun::emulator {

/// An MCP server as a run uses it.
struct mcp_binding {
    mcp_binding() = default;

    std::string label, url;
    json allowed;  ///< `allowed_tools`, null: all.
    header_fields headers;
    json approval;  ///< `require_approval`, null: the default.
    json tools;     ///< As listed: name -> {description, parameters}.

    [[nodiscard]] bool needs_approval(const std::string& tool) const;
};

struct tool_call {
    tool_call() = default;

    std::string id, name, arguments;
    bool is_function = true;
    std::size_t server = 0;  ///< Index in `run::servers`, of an MCP call.
    bool waits = false;      ///< For an output or an approval.
    bool denied = false;
    header_fields headers;  ///< Of an MCP call.
    std::optional<std::string> output;

    /// As it stands in steps and required actions.
    [[nodiscard]] json shown(const std::string& label, bool in_step) const;
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
    bool under_way = false;  ///< A coroutine works on it.
    asio::cancellation_signal interrupt;
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

/// Where the events of a run go: an SSE response, or nowhere.
class event_sink {
public:
    event_sink() = default;
    event_sink(asio::io_context& context, std::shared_ptr<http::exchange> exchange, std::vector<fault> faults)
        : context_(&context), exchange_(std::move(exchange)), faults_(std::move(faults)) {}

    [[nodiscard]] bool is_open() const noexcept { return exchange_ != nullptr; }
    /// Adds a frame. True when `flush` is due.
    bool put(const std::string& event, const std::string& data);
    /// Completes when the socket has taken what was added. A client that has gone is no error:
    /// the run goes on without it.
    asio::awaitable<void> flush();
    asio::awaitable<void> finish();

private:
    asio::io_context* context_ = nullptr;
    std::shared_ptr<http::exchange> exchange_;
    stream_faults faults_;
    std::string buffer_;
    stream_faults::end end_ = stream_faults::end::none;
};

/// The state of a service and its runs at work.
class core : public std::enable_shared_from_this<core> {
public:
    core(asio::io_context& context, service_options options);

    asio::io_context& context;
    service_options options;
    store<agent> agents;
    store<thread> threads;
    std::vector<std::pair<std::string, std::vector<step>>> scripts;
    fault_list faults;
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
    void stop();

    /// Objects as the service shows them.
    [[nodiscard]] json shown(const record& what) const;
    [[nodiscard]] json shown(const run& what) const;
    [[nodiscard]] json shown_in_stream(const run& what, const record& of) const;

private:
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
    asio::awaitable<bool> call_round(run& what, event_sink& sink);
    asio::awaitable<void> call_servers(run& what, event_sink& sink);
    asio::awaitable<void> complete_calls(run& what, event_sink& sink);
    asio::awaitable<void> end(run& what, event_sink& sink, std::string status);

    asio::awaitable<void> emit(run& what, event_sink& sink, std::string event, json data);
    asio::awaitable<void> emit_run(run& what, event_sink& sink, std::string status);
    asio::awaitable<void> emit_step(run& what, event_sink& sink, std::string event, const record& of);
    asio::awaitable<void> emit_call_delta(run& what, event_sink& sink, std::size_t index, json call);
    mcp_client::target target_of(run& what, const mcp_binding& server, header_fields headers);

    mcp_client mcp_;
    std::uint64_t ids_ = 0;
};

}  // namespace corun::emulator
