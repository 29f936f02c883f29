#pragma once
#include "api/api_client.hpp"
#include "api/objects.hpp"
#include "protocol/threads/reconcile.hpp"
#include "redact/redact.hpp"
#include <corun/handlers.hpp>
#include <corun/resources.hpp>

#include <asio/awaitable.hpp>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace corun::detail {

/// An agent made for one run. Deleted at the service, in the background, when this goes: also when
/// whoever waits for `create` is cancelled.
class ephemeral_agent {
public:
    static asio::awaitable<std::shared_ptr<ephemeral_agent>> create(std::shared_ptr<api_client> api,
                                                                    agent_definition definition);

    ephemeral_agent(std::shared_ptr<api_client> api, std::string id);
    ephemeral_agent(const ephemeral_agent&) = delete;
    ephemeral_agent& operator=(const ephemeral_agent&) = delete;
    ~ephemeral_agent();

    [[nodiscard]] const std::string& id() const noexcept { return id_; }

private:
    std::shared_ptr<api_client> api_;
    std::string id_;
};

/// What a run is begun with, and keeps while it lasts: who gives its headers, who answers its
/// actions, and what is needed to begin it again.
struct run_context {
    run_context() = default;

    std::shared_ptr<api_client> api;
    std::shared_ptr<agent_object> agent;
    std::shared_ptr<thread_object> conversation;  ///< Null where the run creates its thread.
    std::vector<message> messages;
    mcp_header_provider provider;  ///< Empty when the headers were given once.
    reconcile::input given;        ///< With the headers as last given.

    // What came of it.
    std::string mark;                       ///< In its metadata, see `reattach_policy::mark_runs`.
    std::string begun_in;                   ///< The thread of the run before, when this is begun again.
    std::vector<mcp_tool> servers;          ///< That the run may call.
    bool polls = false;                     ///< Asked to stream, it is polled.
    bool bears_headers = false;             ///< Its request carries headers for MCP servers.
    std::shared_ptr<ephemeral_agent> copy;  ///< That the run is of.
};

/// The row of the report when a provider gave headers.
inline constexpr int provider_asked_row = 16;

/// The metadata that tells a run made by this library, with a value of its own for each.
inline constexpr const char* run_mark = "corun_run";

/// What holds for one stream: what the run asks for, or else its client.
struct stream_options {
    stream_options() = default;

    std::chrono::milliseconds connect_timeout{0}, idle_timeout{0}, event_timeout{0}, total_timeout{0};
    retry_policy retry;
    reattach_policy reattach;
};
stream_options limits_of(const run_context& run) noexcept;

/// A request that begins a run, or goes on with one.
struct run_call {
    run_call() = default;

    std::string method = "POST", path, query;
    secret body;
};

/// A run's request, and how that came about.
struct prepared_run {
    prepared_run() = default;

    run_call call;
    redactor secrets;  ///< Of the body.
    reconcile_report report;
};

/// An action as the run's handlers and header provider see it.
struct pending_action {
    pending_action() = default;

    std::string run_id, thread_id;
    required_action asked;
};

/// Asks for headers where there is a provider, reconciles, does what must be done first, and
/// completes with the request. Throws what `agent::run_stream` names.
asio::awaitable<prepared_run> prepare(std::shared_ptr<run_context> run, mcp_header_request asked);

/// What the run's provider gives now: `errc::mcp_headers_failed`, `mcp_headers_timeout`.
asio::awaitable<mcp_headers> ask_for_headers(std::shared_ptr<run_context> run, mcp_header_request asked);

}  // namespace corun::detail
