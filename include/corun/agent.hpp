#pragma once
#include <corun/agent_thread.hpp>
#include <corun/asio.hpp>
#include <corun/event_stream.hpp>
#include <corun/export.hpp>
#include <corun/handlers.hpp>
#include <corun/mcp_headers.hpp>
#include <corun/message.hpp>
#include <corun/options.hpp>
#include <corun/prompt_agent.hpp>
#include <corun/resources.hpp>
#include <corun/run_position.hpp>
#include <corun/run_result.hpp>

#include <concepts>
#include <memory>
#include <string>
#include <utility>

namespace corun {

namespace detail {
class api_client;
struct agent_object;
struct handle_access;
}  // namespace detail

/// `run_options`, in an overload that braces never select: `{}` always means no headers.
template <class T>
concept run_options_only = std::same_as<T, run_options>;

/// An agent of the service, or one that the application keeps (`client::local_agent`).
///
/// Every function but `run_stream` and `run` completes when the service has responded. A local agent supports only
/// `run_stream` and `run`; its other functions fail with `errc::invalid_argument`.
///
/// *Errors:* An empty handle and other invalid arguments throw `errc::invalid_argument`, most of them when the function
/// is called: before its awaitable is awaited. Every function can fail with the network errors and the service errors
/// of `errc`.
///
/// *Cancellation:* Terminal, partial and total. The request is dropped; the service may still have carried it out.
///
/// *Lifetime:* A cheap handle; copies refer to the same agent. It keeps the client's connections alive.
///
/// *Threads:* Not thread-safe. Use it on the client's executor.
class CORUN_API agent {
public:
    agent() = default;

    [[nodiscard]] const std::string& id() const noexcept;
    /// The definition as last received through this handle or a copy: when the agent was created, fetched, refreshed or
    /// updated. Runs are reconciled with it, so call `refresh` after somebody else changed the agent.
    [[nodiscard]] const agent_definition& definition() const noexcept;
    /// The definition in the Responses protocol; empty in the threads protocol. In the Responses protocol, `definition`
    /// contains the part of it that both protocols share.
    [[nodiscard]] const prompt_agent_definition& prompt_definition() const noexcept;

    /// Starts a run and streams its events. Completes when the service has accepted the run and the event stream
    /// begins.
    ///
    /// `headers` are sent to MCP servers for this run only. They override the headers of the agent and the thread, and
    /// are not stored. Pass `mcp_headers`, or a provider that is called at the start, for every round of approvals, and
    /// once more if a server rejects the first headers before the run has done anything (see `events::run_restarted`).
    /// `event_stream::report` explains where reconciliation put the headers.
    ///
    /// In the Responses protocol, headers are sent with the tools of each request, so a provider is called for every
    /// request. An approval cannot have headers of its own (`errc::invalid_argument`).
    ///
    /// *Errors:* Before anything is sent: `errc::invalid_argument` (for example for
    /// `run_options::additional_instructions` without a thread), `invalid_header`, `invalid_server_label`,
    /// `unknown_server_label`, `duplicate_server_label`, `conflicting_tool_definition`, `insecure_endpoint` (headers
    /// for an MCP server over plain http), `mcp_headers_failed`, `mcp_headers_timeout`, `credential_failed`. In the
    /// threads protocol also `agent_level_mcp_resources`, `thread_level_mcp_resources`,
    /// `tools_with_mcp_headers_streaming` and `mcp_tool_not_on_agent`; in the Responses protocol
    /// `mcp_headers_with_stored_agent` and `not_allowed_with_agent`. Then the network errors and the service errors.
    ///
    /// *Cancellation:* Terminal, partial and total. The request is dropped; a run that it created continues at the
    /// service, or is found and cancelled with `abandoned_run::cancelled`.
    [[nodiscard]] asio::awaitable<event_stream> run_stream(message text, mcp_header_source headers = {});
    [[nodiscard]] asio::awaitable<event_stream> run_stream(message text, mcp_header_source headers,
                                                           run_options options);
    /// Starts a run in an existing thread, and reconciles it with `agent_thread::definition` as last received. Without
    /// a thread, the run creates one.
    [[nodiscard]] asio::awaitable<event_stream> run_stream(agent_thread conversation, message text,
                                                           mcp_header_source headers = {});
    [[nodiscard]] asio::awaitable<event_stream> run_stream(agent_thread conversation, message text,
                                                           mcp_header_source headers, run_options options);
    /// Without headers: `run_stream("Hello", options)`.
    template <run_options_only Options>
    [[nodiscard]] asio::awaitable<event_stream> run_stream(message text, Options options) {
        return run_stream(std::move(text), mcp_header_source(), std::move(options));
    }
    template <run_options_only Options>
    [[nodiscard]] asio::awaitable<event_stream> run_stream(agent_thread conversation, message text, Options options) {
        return run_stream(std::move(conversation), std::move(text), mcp_header_source(), std::move(options));
    }

    /// Streams the events of a run that this process or another one started. Completes when the service has returned
    /// the run; the stream then continues exactly after `position`.
    ///
    /// After a position of `event_stream::position`, only what it has not returned is delivered, and texts continue
    /// where they stopped; how the run ended, or what it waits for, is delivered in any case. With the ids of the run
    /// alone, its events begin with the first one. A response in the background is streamed. Any other run is read
    /// again and again, which shows its items, texts and states, but not how they came about: docs/resilience.md has
    /// the list.
    ///
    /// Handlers, headers for approvals and answers work as for `run_stream`; of `options`, only the handlers,
    /// `answers_by_hand`, `on_abandon`, the policies and the timeouts apply, and in the Responses protocol what an
    /// answer contains.
    ///
    /// *Errors:* `errc::invalid_argument` for an empty run id, a position of the other protocol, and in the threads
    /// protocol for an empty thread id; `errc::not_found`; the other network errors and service errors. Then
    /// `event_stream::next` fails with `errc::bad_response` if the service lists other items than the position counts.
    ///
    /// *Cancellation:* Terminal, partial and total. The run is not changed.
    [[nodiscard]] asio::awaitable<event_stream> attach_stream(run_position position, mcp_header_source headers = {},
                                                              run_options options = {});
    template <run_options_only Options>
    [[nodiscard]] asio::awaitable<event_stream> attach_stream(run_position position, Options options) {
        return attach_stream(std::move(position), mcp_header_source(), std::move(options));
    }

    /// Starts a run as `run_stream` does, and gathers its events. Completes when the run has ended.
    ///
    /// *Errors:* Those of `run_stream` and `event_stream::next`. If the run does not complete, or its stream breaks,
    /// the error is a `run_error` with the partial result.
    ///
    /// *Cancellation:* As for `run_stream` and `event_stream::next`.
    [[nodiscard]] asio::awaitable<run_result> run(message text, mcp_header_source headers = {},
                                                  run_options options = {});
    [[nodiscard]] asio::awaitable<run_result> run(agent_thread conversation, message text,
                                                  mcp_header_source headers = {}, run_options options = {});
    template <run_options_only Options>
    [[nodiscard]] asio::awaitable<run_result> run(message text, Options options) {
        return run(std::move(text), mcp_header_source(), std::move(options));
    }
    template <run_options_only Options>
    [[nodiscard]] asio::awaitable<run_result> run(agent_thread conversation, message text, Options options) {
        return run(std::move(conversation), std::move(text), mcp_header_source(), std::move(options));
    }

    /// Creates a run without streaming it. Completes with the run as the service returns it, usually queued. Threads
    /// protocol only.
    ///
    /// Poll the run with `agent_thread::get_run` or `agent_thread::wait_for_run`, and answer its actions with
    /// `agent_thread::submit`: the handlers of `options` are not called.
    ///
    /// *Errors:* Those of `run_stream`, except that new tools and MCP headers can be combined. `errc::invalid_argument`
    /// in the Responses protocol.
    [[nodiscard]] asio::awaitable<thread_run> create_run(message text, mcp_header_source headers = {},
                                                         run_options options = {});
    [[nodiscard]] asio::awaitable<thread_run> create_run(agent_thread conversation, message text,
                                                         mcp_header_source headers = {}, run_options options = {});
    template <run_options_only Options>
    [[nodiscard]] asio::awaitable<thread_run> create_run(message text, Options options) {
        return create_run(std::move(text), mcp_header_source(), std::move(options));
    }
    template <run_options_only Options>
    [[nodiscard]] asio::awaitable<thread_run> create_run(agent_thread conversation, message text, Options options) {
        return create_run(std::move(conversation), std::move(text), mcp_header_source(), std::move(options));
    }

    /// Fetches the agent, and updates `definition`.
    [[nodiscard]] asio::awaitable<void> refresh();
    /// Changes the agent: sends the members of `changes` that are neither absent nor empty. Threads protocol only.
    ///
    /// *Errors:* `errc::invalid_argument` if `changes` would store MCP headers or approvals.
    [[nodiscard]] asio::awaitable<void> update(agent_definition changes);
    /// Stores `whole` as the agent's next version. Its name is ignored. Responses protocol only.
    [[nodiscard]] asio::awaitable<void> update(prompt_agent_definition whole);
    /// Deletes the agent at the service. A handle from `client::get_agent_version` deletes only its version.
    [[nodiscard]] asio::awaitable<void> remove();

    [[nodiscard]] explicit operator bool() const noexcept { return object_ != nullptr; }

private:
    friend struct detail::handle_access;
    using object = detail::agent_object;
    std::shared_ptr<object> object_;
};

}  // namespace corun
