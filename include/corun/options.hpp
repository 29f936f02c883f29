#pragma once
#include <corun/export.hpp>
#include <corun/handlers.hpp>
#include <corun/message.hpp>
#include <corun/observer.hpp>
#include <corun/response_format.hpp>
#include <corun/tools.hpp>

#include <chrono>
#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace corun {

/// How a client speaks to the service. Times of 0 mean: no limit.
struct CORUN_API client_options {
    client_options() = default;

    /// The `api-version` of every call. MCP tools need `2025-05-15-preview` or `v1`.
    std::string api_version = "v1";

    std::chrono::milliseconds connect_timeout = std::chrono::seconds{10};
    /// Longest silence while reading, in bytes: a keep-alive counts as a sign of life. Time in which
    /// the caller does not take events, so that reading is paused, does not count.
    std::chrono::milliseconds idle_timeout = std::chrono::seconds{60};
    /// Longest duration of a whole run or call, from the time it is sent.
    std::chrono::milliseconds total_timeout{0};

    /// Largest single event; a larger one ends the stream with `errc::event_too_large`.
    std::size_t max_event_bytes = std::size_t{16} << 20;
    /// Largest JSON response; a larger one is `errc::response_too_large`.
    std::size_t max_response_bytes = std::size_t{64} << 20;
    /// Above this many bytes of events not yet taken, reading pauses; it goes on below half of it.
    std::size_t high_water_bytes = std::size_t{256} << 10;

    /// File of trusted CA certificates (PEM) instead of the system's. Certificates are always verified.
    std::string ca_file;
    /// Proxy URL. Absent: taken from the environment. Empty: none. Never used for this machine's own
    /// (loopback) addresses.
    std::optional<std::string> proxy;
    /// Put before `corun/<version>` in `User-Agent`.
    std::string application_id;
    /// Who is told what the client does.
    corun::observer observer;
};

/// How much of a long thread the model sees. A JSON value as it goes on the wire.
class CORUN_API truncation_strategy {
public:
    /// As the service likes; its default.
    static truncation_strategy automatic();
    /// The latest `count` messages, at least 1; fewer is `errc::invalid_argument`, thrown here.
    static truncation_strategy last_messages(int count);

    [[nodiscard]] const std::string& json() const noexcept { return json_; }

    friend bool operator==(const truncation_strategy&, const truncation_strategy&) = default;

private:
    explicit truncation_strategy(std::string json);
    std::string json_;
};

/// What reconciliation may do where the service would refuse a run as it was asked for. Without
/// permission it fails with the error that the row of the table names; it never guesses. Given
/// several that serve, it takes the first in this order.
struct CORUN_API reconcile_policy {
    reconcile_policy() = default;

    /// A streaming run that brings both new tools and MCP headers (rows 11 and 12): run a copy of
    /// the agent that has these tools, made for this run and deleted when its stream has ended or is
    /// destroyed. A stream abandoned in the middle takes its agent with it.
    bool ephemeral_agent = false;
    /// The same: create the run without streaming, poll it, and give what the polls show as the
    /// events that a stream would have brought, but for the deltas.
    bool polling = false;
    /// The same: send the tools without headers, and give each MCP call its headers with its
    /// approval. For servers that list their tools without authentication, where every call waits
    /// for an approval and neither agent nor thread stores MCP resources.
    bool approval_headers = false;
    /// MCP resources that the agent stores (row 5): remove them from the stored agent.
    bool detach_from_agent = false;
    /// MCP resources that the thread stores (row 6): remove them from the stored thread.
    bool detach_from_thread = false;
};

/// What one run asks for beyond its message. Absent members leave the choice to the agent; what is
/// out of its range is `errc::invalid_argument`.
struct CORUN_API run_options {
    run_options() = default;

    std::optional<std::string> model;
    std::optional<std::string> instructions;  ///< Replaces the agent's instructions.
    /// Appended to them. Only for a run in an existing thread, else `errc::invalid_argument`: the
    /// request that creates the thread too has no such member.
    std::optional<std::string> additional_instructions;
    std::vector<message> additional_messages;                     ///< Put into the thread before the message.
    std::vector<tool> tools;                                      ///< Beside the agent's own.
    std::optional<double> temperature;                            ///< 0 to 2.
    std::optional<double> top_p;                                  ///< 0 to 1.
    std::optional<int> max_prompt_tokens, max_completion_tokens;  ///< At least 256.
    std::optional<bool> parallel_tool_calls;
    std::optional<corun::response_format> response_format;
    std::optional<corun::truncation_strategy> truncation_strategy;
    std::optional<corun::tool_choice> tool_choice;
    /// What steps carry beyond the usual: `file_search_result_content`. Only for a run in an existing
    /// thread, else `errc::invalid_argument`.
    std::vector<std::string> include;
    corun::metadata metadata;

    /// Which MCP calls wait for approval, by server label. The service ignores what the agent says
    /// about it, so a run that wants no approvals says `mcp_approval::never()` here.
    std::map<std::string, mcp_approval> require_approval;
    /// The same for every MCP server not named in `require_approval`.
    std::optional<mcp_approval> default_approval;

    /// Functions of the application: the model is told of them, and calls are answered by them,
    /// several at once. Their definitions count among `tools`. The stream goes on by itself when
    /// every call of an `action_required` finds a function here or `on_function_call`.
    std::vector<local_function> functions;
    /// Answers calls of functions that are not in `functions`, such as those that the agent defines.
    function_handler on_function_call;
    /// Answers approval requests, several at once; approved calls carry the run's MCP headers, fresh from their
    /// provider if there is one. The stream then goes on by itself.
    approval_handler on_mcp_approval;
    /// Longest time that a provider of MCP headers may take; 0: no limit.
    std::chrono::milliseconds mcp_header_timeout = std::chrono::seconds{30};

    /// What may be done where the service refuses what this run asks for.
    reconcile_policy reconcile;

    /// JSON object whose members are added to the request body: the way out for what has no member
    /// here. What has one is `errc::invalid_argument` here, whether that member is set or not:
    /// `model`, `instructions`, `additional_instructions`, `additional_messages`, `tools`,
    /// `temperature`, `top_p`, `max_prompt_tokens`, `max_completion_tokens`, `parallel_tool_calls`,
    /// `response_format`, `truncation_strategy`, `tool_choice`, `metadata`. So is what the library
    /// itself decides: `assistant_id`, `stream`, `thread`, `tool_resources`.
    std::string extra_json;

    /// Override the client's timeouts for this run.
    std::optional<std::chrono::milliseconds> idle_timeout, total_timeout;
};

}  // namespace corun
