#pragma once
#include <corun/chrono.hpp>
#include <corun/export.hpp>
#include <corun/handlers.hpp>
#include <corun/headers.hpp>
#include <corun/json_text.hpp>
#include <corun/message.hpp>
#include <corun/network_options.hpp>
#include <corun/observer.hpp>
#include <corun/response_format.hpp>
#include <corun/response_options.hpp>
#include <corun/secret.hpp>
#include <corun/tools.hpp>

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace corun {

/// When a failed request is retried, before its response begins.
///
/// corun retries requests that did not reach the service (`errc::connect_failed`, `connect_timeout`), and responses
/// with 408, 429 or 503, which mean that the request was not carried out. Idempotent requests (read, delete, cancel)
/// are also retried after a lost connection, a timeout, and any 5xx except 501 and 505. `x-should-retry` of the
/// response overrides the status.
///
/// The delay is the one that the service requests (`retry-after-ms`, `x-ms-retry-after-ms`, `Retry-After`), otherwise
/// `first_delay`, doubled each time up to `longest_delay`, minus a random part. A request that creates a run, answers
/// an action or adds a message may have been carried out even if its response was lost: corun checks that first, see
/// `reattach_policy`.
struct CORUN_API retry_policy {
    int max_retries = 3;                                                 ///< Per request; 0 disables retries.
    std::chrono::milliseconds first_delay{500};                          ///< Of the first retry.
    std::chrono::milliseconds longest_delay = std::chrono::seconds{30};  ///< Of any retry.
    double jitter = 0.5;  ///< The largest random fraction by which a delay is shortened: 0 to 1.
    /// The limit for the sum of all delays of one request. If the service requests a longer delay, the request is not
    /// retried; its error has `error::retry_after()`.
    std::chrono::milliseconds max_total_delay = std::chrono::minutes{2};
};

/// How a stream continues if its connection breaks, times out or ends before the run does. corun finds the run again,
/// reports `events::reattached`, and delivers the missed events; text continues where it stopped. It polls the run
/// until the run has ended or waits for answers, so text then arrives in larger parts.
///
/// If the response to a request that creates a run or answers an action is lost, corun checks whether the request was
/// carried out, before it sends the request again. A run in an existing thread is found by its agent and time. A run
/// that creates its own thread can be found once an event has named the thread, and before that only by a mark
/// (`mark_runs`); otherwise the stream fails.
struct CORUN_API reattach_policy {
    bool enabled = true;        ///< If false, a broken stream fails.
    int max_reattachments = 8;  ///< In succession, without a new event; the next loss ends the stream.
    /// How long the run can be unreachable before the stream fails with the original error.
    std::chrono::milliseconds give_up_after = std::chrono::minutes{2};
    /// Adds `corun_run` with a random value to the metadata of the run and of the thread that it creates, so that the
    /// run can always be found, also by `event_stream::stop`. Independent of `enabled`. No effect in the Responses
    /// protocol, which cannot list responses.
    bool mark_runs = false;
};

/// What happens to a run when its stream is destroyed, or abandoned by `event_stream::abandon`.
///
/// Runs are cancelled in the background, as by `event_stream::stop`, while the executor runs, and for at most
/// `client_options::stop_timeout`. The next run with the same `agent_thread` handle waits for this.
enum class abandoned_run {
    /// A run that waits for answers is cancelled, so that its thread accepts the next run. Any other run continues at
    /// the service, including one that was answered by other means in the meantime.
    cancelled_if_waiting,
    /// The run continues. If it waits for answers, answer it with `agent_thread::submit_stream`; until then, its thread
    /// accepts no other run.
    goes_on,
    /// The run is cancelled. If `run_stream` was cancelled or failed but may have created a run, corun looks for it as
    /// `event_stream::stop` does.
    cancelled,
};

/// The protocol between a client and its service.
enum class protocol {
    /// Threads and runs of the Azure AI Agents service (classic).
    threads,
    /// OpenAI Responses. A run is a response, and another one after each of its actions. A thread is a conversation. An
    /// agent is a definition stored under a name (Foundry agents v2), or one that the application keeps
    /// (`client::local_agent`).
    responses,
};

/// The member of a request that contains the name of a stored agent, in the Responses protocol.
enum class agent_key {
    agent_reference,  ///< For current services.
    agent,            ///< For older services.
};

/// Client-wide settings. A duration of 0 disables the limit.
struct CORUN_API client_options : network_options {
    client_options();

    corun::protocol protocol = corun::protocol::threads;  ///< Of the service.
    /// The `api-version` of every request. MCP tools need `2025-05-15-preview` or `v1`. Not sent with responses and
    /// conversations.
    std::string api_version = "v1";
    /// No effect in the threads protocol.
    corun::agent_key agent_key = corun::agent_key::agent_reference;

    /// How long a connection may take, with its TLS handshake.
    std::chrono::milliseconds connect_timeout = std::chrono::seconds{10};
    /// The longest time without a byte while reading a response. Keep-alives count as bytes. Time during which reading
    /// is paused, because events are queued, does not count.
    std::chrono::milliseconds idle_timeout = std::chrono::seconds{60};
    /// The longest time without an event in a stream. Keep-alives and comments do not count, so they cannot hide a dead
    /// run. Long tool calls send no events either, so `reattach` finds the run again after this timeout.
    std::chrono::milliseconds event_timeout = std::chrono::minutes{5};
    /// The longest duration of a run or a request, from the time it is sent.
    std::chrono::milliseconds total_timeout{0};
    /// The longest duration of `event_stream::stop`.
    std::chrono::milliseconds stop_timeout = std::chrono::seconds{10};

    retry_policy retry;
    reattach_policy reattach;

    /// An event whose data is malformed ends its stream with `errc::bad_event`, to test a server. By
    /// default it is read as far as it can be, and the run continues: see `event::problem`.
    bool strict_events = false;
    /// The largest event, in bytes. A larger one ends the stream with `errc::event_too_large`.
    std::size_t max_event_bytes = std::size_t{16} << 20;
    /// The largest JSON response, in bytes. A larger one fails with `errc::response_too_large`.
    std::size_t max_response_bytes = std::size_t{64} << 20;
    /// Reading pauses while more than this many bytes of events are queued, and resumes below half of it.
    std::size_t high_water_bytes = std::size_t{256} << 10;

    /// Reads a success as an event stream, or as JSON, whatever its `Content-Type` is, even if it has none. Otherwise
    /// it fails with `errc::unexpected_content_type`, which contains the beginning of its body.
    bool any_content_type = false;

    /// Additional header fields of every request to the endpoint, such as `Foundry-Features`, `OpenAI-Beta` or a
    /// gateway's subscription key. They are not sent to the servers that issue tokens. Fields that corun sets itself,
    /// such as `Authorization`, and malformed fields fail with `errc::invalid_header` when the client is created.
    ///
    /// Values are secrets: records, errors and `observer::on_wire` show them as `***`, except for those of
    /// `traceparent`, `tracestate`, `Foundry-Features` and `OpenAI-Beta`.
    headers request_headers;
    /// Precedes `corun/<version>` in `User-Agent`.
    std::string application_id;
    /// Hooks for logging, metrics and traces.
    corun::observer observer;
};

/// How much of a long thread the model sees. A JSON value of the protocol.
class CORUN_API truncation_strategy {
public:
    /// The service decides. This is the default.
    static truncation_strategy automatic();
    /// The latest `count` messages. Throws `errc::invalid_argument` if `count` is less than 1.
    static truncation_strategy last_messages(int count);

    [[nodiscard]] const std::string& json() const noexcept { return json_; }

    friend bool operator==(const truncation_strategy&, const truncation_strategy&) = default;

private:
    explicit truncation_strategy(std::string json);
    std::string json_;
};

/// What reconciliation may do if the service would reject a run. If nothing that is allowed helps, the run fails with
/// the error in its row of docs/reconciliation.md. If several permissions apply, the first one in this order is used.
struct CORUN_API reconcile_policy {
    /// For a streaming run with both new tools and MCP headers (rows 11 and 12): create a copy of the agent with these
    /// tools, and delete it when the stream has ended, is abandoned or is destroyed.
    bool ephemeral_agent = false;
    /// For the same case: create the run without streaming, poll it, and deliver the events of a stream, except for
    /// deltas.
    bool polling = false;
    /// For the same case: send the tools without headers, and the headers with the approval of each MCP call. Only for
    /// servers that list their tools without authentication, if every call waits for approval and neither agent nor
    /// thread stores MCP resources.
    bool approval_headers = false;
    /// If the agent stores MCP resources (row 5): remove them from the stored agent.
    bool detach_from_agent = false;
    /// If the thread stores MCP resources (row 6): remove them from the stored thread.
    bool detach_from_thread = false;

    // Stored agents of the Responses protocol, whose requests accept no tools.
    /// For MCP headers that the agent's tool takes from structured inputs: send them as those inputs. The service may
    /// log them, so allow this only for values that are not confidential.
    bool structured_inputs = false;
    /// For MCP headers of a server that the agent reaches through a connection of the project: omit them, and use the
    /// connection's credential.
    bool project_connection = false;
    /// Send the agent's whole definition instead of its name, with the headers and with all options that the service
    /// does not accept with a name.
    bool inline_definition = false;
    /// Omit options that the service does not accept with an agent's name (`model`, `temperature`, ...). The agent's
    /// own values apply; the report lists the omitted options.
    bool drop_not_allowed = false;
};

/// Who calls an MCP server during a run.
enum class mcp_caller {
    /// The AI service. corun sends it the run's headers.
    service,
    /// corun. The service receives the server's tools as functions, and neither its URL nor its headers.
    client,
    /// The service if it accepts the run's headers and approvals for the server, otherwise corun.
    automatic,
};

/// The options of one run. Absent members mean the agent's values. Values out of range fail with
/// `errc::invalid_argument`.
struct CORUN_API run_options {
    run_options();

    std::optional<std::string> model;
    std::optional<std::string> instructions;  ///< Replaces the agent's instructions.
    /// Appended to the instructions. Fails with `errc::invalid_argument` unless the run is in an existing thread.
    std::optional<std::string> additional_instructions;
    std::vector<message> additional_messages;                     ///< Added to the thread before the message.
    std::vector<tool> tools;                                      ///< In addition to the agent's.
    std::optional<double> temperature;                            ///< 0 to 2.
    std::optional<double> top_p;                                  ///< 0 to 1.
    std::optional<int> max_prompt_tokens, max_completion_tokens;  ///< At least 256.
    std::optional<bool> parallel_tool_calls;                      ///< Whether the model may call several tools at once.
    std::optional<corun::response_format> response_format;
    std::optional<corun::truncation_strategy> truncation_strategy;
    std::optional<corun::tool_choice> tool_choice;
    /// Additional members of steps, such as `file_search_result_content`. Fails with `errc::invalid_argument` unless
    /// the run is in an existing thread.
    std::vector<std::string> include;
    corun::metadata metadata;

    /// Which MCP calls need approval, by server label. The service ignores the agent's own setting, so set
    /// `mcp_approval::never()` here for a run without approvals.
    std::map<std::string, mcp_approval> require_approval;
    /// The approval for all other MCP servers.
    std::optional<mcp_approval> default_approval;

    /// Who calls MCP servers, by server label, and all others. Whoever does, the run's headers, approvals, allowed
    /// tools and events are the same; see docs/mcp.md. corun only calls servers of runs that it streams.
    std::map<std::string, mcp_caller> mcp_callers;
    mcp_caller default_mcp_caller = mcp_caller::service;  ///< For servers that are not in `mcp_callers`.
    /// The user for whom corun calls MCP servers, such as the id of an account; never a token. Runs with the same name
    /// use the servers' lists of tools again, as `mcp::session` does. Without a name, each run asks the servers.
    std::string mcp_principal;
    /// How many calls of one server corun makes concurrently; at least 1.
    int max_mcp_calls = 8;
    /// How much of a result of a server that corun calls it sends to the model.
    std::size_t max_mcp_output_bytes = std::size_t{256} << 10;
    /// Sends images and files in the results of tools to the model, in the Responses protocol. Without it, in the
    /// threads protocol, and where they exceed `max_mcp_output_bytes`, the model receives a line of text for each. Not
    /// all servers of the protocol accept them.
    bool mcp_media = false;

    /// Functions that the model can call, several concurrently. Their definitions are added to `tools`. corun sends
    /// their outputs, and the stream continues. A call of a function that is not listed here, because the model
    /// invented it or the agent defines it, is answered with `{"error": "there is no function '<name>'"}`, unless
    /// `on_function_call` or `answers_by_hand` is set.
    std::vector<local_function> functions;
    /// Called for functions that are not in `functions`, such as those of the agent.
    function_handler on_function_call;
    /// Called for approval requests, several concurrently. Approved calls are sent with the run's MCP headers, fresh
    /// from their provider if there is one. The stream then continues by itself.
    approval_handler on_mcp_approval;
    /// Calls `on_mcp_approval` for one request after the other, in their order, for example if it asks at a terminal.
    /// If it throws, it is not called for the remaining ones.
    bool approvals_one_by_one = false;
    /// The caller answers everything that the handlers do not, with `event_stream::submit`, including calls of unknown
    /// functions. While the run waits for that, `event_stream::next` completes with nothing instead of failing with
    /// `errc::action_required`; `event_stream::waits_for_answers` distinguishes this from the end. No effect on
    /// `agent::run`, which only handlers can answer.
    bool answers_by_hand = false;
    /// The longest duration of a call of the provider of MCP headers; 0 means no limit.
    std::chrono::milliseconds mcp_header_timeout = std::chrono::seconds{30};

    /// What reconciliation may do if the service would reject this run.
    reconcile_policy reconcile;

    /// A JSON object with additional members of the request body, for options that have no member here.
    ///
    /// Fails with `errc::invalid_argument` for options that have one, even if it is not set: `model`, `instructions`,
    /// `additional_instructions`, `additional_messages`, `tools`, `temperature`, `top_p`, `max_prompt_tokens`,
    /// `max_completion_tokens`, `parallel_tool_calls`, `response_format`, `truncation_strategy`, `tool_choice`,
    /// `metadata`; and for members that the library sets: `assistant_id`, `stream`, `thread`, `tool_resources`. In the
    /// Responses protocol, likewise for the members of its request, such as `input`, `text`, `max_output_tokens` and
    /// `structured_inputs`; for those after `input_items` below only if they are set.
    json_text extra_json;

    /// Additional header fields of all requests of this run, such as `traceparent` (W3C Trace Context) or the key of a
    /// user. They replace fields of the same name in `client_options::request_headers`, and have the same rules. For
    /// the headers of MCP servers, pass `mcp_headers`.
    headers request_headers;

    /// A text of the application, such as the id of its user. Copied into the observer's records of the run, and not
    /// sent.
    std::string tag;

    /// Override the client's options for this run.
    std::optional<std::chrono::milliseconds> connect_timeout, idle_timeout, event_timeout, total_timeout;
    std::optional<retry_policy> retry;
    std::optional<reattach_policy> reattach;
    std::optional<bool> strict_events;
    /// How many times the run is restarted in the same stream if it fails for a rate limit or an overload before it has
    /// written or called anything. The delay is the one that the service specifies, otherwise
    /// `retry_policy::first_delay`, doubled each time. The run is not restarted if the delay exceeds
    /// `retry_policy::max_total_delay`. The stream reports `events::run_restarted`.
    int rate_limit_restarts = 0;
    /// What happens to the run when its stream is destroyed.
    abandoned_run on_abandon = abandoned_run::cancelled_if_waiting;

    // Responses protocol only; fail with `errc::invalid_argument` in the threads protocol.

    /// Values of the agent's structured inputs: JSON texts by name, such as `options.structured_inputs["city"] =
    /// R"("Oslo")"`. A stored agent must declare them. For a local agent, they are sent unchanged: the Azure service
    /// inserts them into the instructions, other servers reject them. The service may log them, so do not pass secrets.
    /// For the headers of an MCP server, see `reconcile_policy::structured_inputs`.
    std::map<std::string, json_text> structured_inputs;
    /// The id of the response (`run_result::run_id`) that this run continues, for servers without stored conversations.
    /// Not for a run in a thread.
    std::string previous_response_id;
    /// Lets the service continue the response without its client. Only background responses can be cancelled.
    std::optional<bool> background;
    /// Whether the service stores the response. By default it does (OpenAI: for 30 days). A response that is not stored
    /// cannot be found again if its stream breaks, cannot run in the background, and its calls can be answered only in
    /// a thread. Otherwise, the run fails with `errc::invalid_argument`, before anything is sent if it has handlers.
    std::optional<bool> store;
    /// Input items before the messages: a JSON array, such as `compacted_response::items`, or empty.
    json_text input_items;

    /// Replaces the agent's.
    std::optional<corun::reasoning> reasoning;
    std::optional<std::string> verbosity;  ///< Of the text: `low`, `medium`, `high`.
    /// What the service does when the context grows too long.
    std::vector<corun::context_management> context_management;
    /// A text that requests with the same beginning share, so that the service caches it.
    std::string prompt_cache_key;
    /// How the service caches the prompt.
    std::optional<corun::prompt_cache_options> prompt_cache_options;
    std::optional<int> max_tool_calls;            ///< Of the service's tools, in one response; at least 1.
    std::string service_tier;                     ///< `auto`, `default`, `flex`, `priority`, ...
    std::optional<corun::moderation> moderation;  ///< By the service.
    /// A stable id of the application's user, hashed, by which the service detects abuse.
    std::string safety_identifier;
    /// Whether the service adds characters to deltas, to hide their lengths from those who see the encrypted traffic.
    std::optional<bool> include_obfuscation;
    /// How many of the most likely tokens have their logarithmic probabilities in `event::raw`: 0 to 20.
    std::optional<int> top_logprobs;
    /// Access programs by domain, such as `{"cyber", "standard"}`.
    std::map<std::string, std::string> access_programs;
};

}  // namespace corun
