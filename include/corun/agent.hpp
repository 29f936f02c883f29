#pragma once
#include <corun/event_stream.hpp>
#include <corun/export.hpp>
#include <corun/handlers.hpp>
#include <corun/mcp_headers.hpp>
#include <corun/message.hpp>
#include <corun/options.hpp>
#include <corun/prompt_agent.hpp>
#include <corun/resources.hpp>
#include <corun/run_result.hpp>
#include <corun/thread.hpp>

#include <asio/awaitable.hpp>

#include <memory>
#include <string>

namespace corun {

namespace detail {
class api_client;
struct agent_object;
struct handle_access;
}  // namespace detail

/// An agent at the service. A cheap handle: copies mean the same agent.
///
/// Not thread-safe: everything runs on the client's executor. All calls but `run_stream` and `run`
/// complete when the service has answered. Errors: an empty handle is `errc::invalid_argument`,
/// thrown by the call itself; then what a call names, and those of the network and of the service's
/// answer. Cancellation: terminal, partial and total; the request is dropped, and the service may
/// have carried it out. Of an agent that lives in the application (`client::local_agent`) only runs
/// can be had; other calls are `errc::invalid_argument`.
class CORUN_API agent {
public:
    agent() = default;

    [[nodiscard]] const std::string& id() const noexcept;
    /// The agent as last received: created, fetched, refreshed or updated through this handle or a
    /// copy. Runs are reconciled with it, so after a change from elsewhere call `refresh` first.
    [[nodiscard]] const agent_definition& definition() const noexcept;
    /// The same as the Responses protocol has it; empty in the threads protocol. `definition` is then made of it: what
    /// both protocols know.
    [[nodiscard]] const prompt_agent_definition& prompt_definition() const noexcept;

    /// Starts a run and streams its events. Completes when the service has accepted the run and its
    /// event stream begins.
    ///
    /// `headers` go to MCP servers for this run only: they override what agent and thread carry, and
    /// are stored nowhere. They are given as `mcp_headers`, or as a provider, which is asked now, at
    /// every round of approvals, and once more if a server refuses what it gave now before the run
    /// has done anything (`run_restarted`). How they reach the service is the work of reconciliation;
    /// `event_stream::report` tells.
    ///
    /// Errors, before anything is sent: `errc::invalid_argument` (among others for
    /// `run_options::additional_instructions` without a thread), `invalid_header`,
    /// `invalid_server_label`, `unknown_server_label`, `duplicate_server_label`,
    /// `conflicting_tool_definition`, `insecure_endpoint` (headers for an MCP server over plain
    /// http), `agent_level_mcp_resources`, `thread_level_mcp_resources`,
    /// `tools_with_mcp_headers_streaming`, `mcp_tool_not_on_agent`, `mcp_headers_failed`,
    /// `mcp_headers_timeout`, `credential_failed`. Then those of the network and of the service's answer.
    ///
    /// In the Responses protocol: `mcp_headers_with_stored_agent` and `not_allowed_with_agent` instead of those of
    /// agent, thread and tools. Headers then go on the tools of the request, each round's anew: a provider is asked at
    /// every round. An approval cannot have headers of its own (`errc::invalid_argument`).
    ///
    /// Cancellation: terminal, partial and total; the request is then dropped, and a run it may
    /// have created goes on at the service.
    [[nodiscard]] asio::awaitable<event_stream> run_stream(message text, mcp_header_source headers = {},
                                                           run_options options = {});
    /// The same in an existing thread, reconciled with `thread::definition` as last received.
    /// Without a thread, one is created with the run.
    [[nodiscard]] asio::awaitable<event_stream> run_stream(thread conversation, message text,
                                                           mcp_header_source headers = {}, run_options options = {});

    /// `run_stream`, gathered. Completes when the run has ended. Errors and cancellation are those
    /// of `run_stream` and of `event_stream::next`; a run that does not complete, or whose stream
    /// breaks, is a `run_error`, which carries what had arrived.
    [[nodiscard]] asio::awaitable<run_result> run(message text, mcp_header_source headers = {},
                                                  run_options options = {});
    [[nodiscard]] asio::awaitable<run_result> run(thread conversation, message text, mcp_header_source headers = {},
                                                  run_options options = {});

    /// Creates a run without streaming it. Completes with the run as the service answers, usually
    /// queued; `thread::get_run` tells how it goes on. The handlers of `options` are not asked: what
    /// the run requires is answered with `thread::submit`. Errors are those of `run_stream`, except
    /// that new tools may come together with MCP headers. Threads protocol only, else `errc::invalid_argument`.
    [[nodiscard]] asio::awaitable<thread_run> create_run(message text, mcp_header_source headers = {},
                                                         run_options options = {});
    [[nodiscard]] asio::awaitable<thread_run> create_run(thread conversation, message text,
                                                         mcp_header_source headers = {}, run_options options = {});

    /// Reads the agent again, so that `definition` is what the service has now.
    [[nodiscard]] asio::awaitable<void> refresh();
    /// Sends the members of `changes` that are set; absent and empty ones stay as they are. What
    /// would store MCP headers or approvals is `errc::invalid_argument`, as with
    /// `client::create_agent`. Threads protocol only.
    [[nodiscard]] asio::awaitable<void> update(agent_definition changes);
    /// Responses protocol only: stores `whole` as the agent's next version. Its name does not count.
    [[nodiscard]] asio::awaitable<void> update(prompt_agent_definition whole);
    /// Deletes the agent at the service; of a handle for one version (`client::get_agent_version`), that version.
    [[nodiscard]] asio::awaitable<void> remove();

    [[nodiscard]] explicit operator bool() const noexcept { return object_ != nullptr; }

private:
    friend struct detail::handle_access;
    using object = detail::agent_object;
    std::shared_ptr<object> object_;
};

}  // namespace corun
