#pragma once
#include <corun/export.hpp>
#include <corun/handlers.hpp>
#include <corun/message.hpp>
#include <corun/observer.hpp>
#include <corun/response_format.hpp>
#include <corun/secret.hpp>
#include <corun/tools.hpp>

#include <chrono>
#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace corun {

/// When a request that failed is sent again before the first byte of its answer has come.
///
/// Sent again are: what never reached the service (`errc::connect_failed`, `connect_timeout`); what it answered with
/// 408, 429 or 503, which says that it was not carried out; and, where a second time does no harm (reading, deleting,
/// cancelling), also after a lost connection, a timeout and other 5xx but 501 and 505. The service's own word,
/// `x-should-retry`, stands over the status.
///
/// Between two tries passes what the service asks for (`retry-after-ms`, `x-ms-retry-after-ms`, `Retry-After`), else
/// `first_delay`, doubled each time up to `longest_delay`, less a random part. What creates a run, answers an action or
/// adds a message may have been carried out though its answer was lost: corun then looks first, see `reattach_policy`.
struct CORUN_API retry_policy {
    retry_policy() = default;

    int max_retries = 3;  ///< Of one request; 0: none.
    std::chrono::milliseconds first_delay{500};
    std::chrono::milliseconds longest_delay = std::chrono::seconds{30};
    double jitter = 0.5;  ///< Each delay is shortened by up to this part of it, at random: 0 to 1.
    /// All delays of one request taken together. A service that asks for more gets no further try: its answer is the
    /// error, with `error::retry_after()`.
    std::chrono::milliseconds max_total_delay = std::chrono::minutes{2};
};

/// What a stream does when its connection breaks, falls silent or ends before the run does: it finds the run again,
/// says so by the event `reattached`, and gives what was missing as ordinary events, text from the character where it
/// stopped. The run is read until it has ended or waits for answers; its text then comes in larger pieces.
///
/// The same when the answer to the request that creates the run, or that answers its action, was lost: corun looks
/// whether it was carried out before it sends it again. A run in an existing thread is found by its agent and time. One
/// that was to create its own thread can be found only by a mark, see `mark_runs`; without it such a loss is the error
/// that it is.
struct CORUN_API reattach_policy {
    reattach_policy() = default;

    bool enabled = true;
    int max_reattachments = 8;  ///< Of one stream; the next loss ends it.
    /// How long the run may be out of reach; then the stream ends with what it was lost to.
    std::chrono::milliseconds give_up_after = std::chrono::minutes{2};
    /// Puts `corun_run` with a random value into the run's metadata (and into that of the thread it creates), by which
    /// it is found for certain. Off: the metadata are yours alone. No use in the Responses protocol, which lists no
    /// responses.
    bool mark_runs = false;
};

/// What becomes of a run whose stream is abandoned: destroyed, or left by `event_stream::abandon`.
enum class abandoned_run {
    goes_on,    ///< At the service, to its end.
    cancelled,  ///< In the background: as by `event_stream::stop`, while the executor runs.
};

/// What a client speaks to its service.
enum class protocol {
    /// Threads and runs of the Agents service (classic).
    threads,
    /// OpenAI Responses: a run is a response (and one more after each of its actions), a thread a conversation, an
    /// agent a definition under a name (Foundry agents v2), or one that the application keeps: `client::local_agent`.
    responses,
};

/// The member of a request for a response that names a stored agent.
enum class agent_key {
    agent_reference,  ///< Of the service as it is now.
    agent,            ///< Of older ones.
};

/// How a client speaks to the service. Times of 0 mean: no limit.
struct CORUN_API client_options {
    client_options() = default;

    corun::protocol protocol = corun::protocol::threads;
    /// The `api-version` of every call. MCP tools need `2025-05-15-preview` or `v1`. Responses and conversations have
    /// none.
    std::string api_version = "v1";
    /// Responses protocol only: no use in the other.
    corun::agent_key agent_key = corun::agent_key::agent_reference;

    std::chrono::milliseconds connect_timeout = std::chrono::seconds{10};
    /// Longest silence while reading, in bytes: a keep-alive counts as a sign of life. Time in which
    /// the caller does not take events, so that reading is paused, does not count.
    std::chrono::milliseconds idle_timeout = std::chrono::seconds{60};
    /// Longest time without an event, in a stream: keep-alives and comments do not count, so that they cannot hide a
    /// run that is dead. Long tool calls are silent, too: what it ends is looked after by `reattach`.
    std::chrono::milliseconds event_timeout = std::chrono::minutes{5};
    /// Longest duration of a whole run or call, from the time it is sent.
    std::chrono::milliseconds total_timeout{0};
    /// Longest duration of `event_stream::stop`.
    std::chrono::milliseconds stop_timeout = std::chrono::seconds{10};

    retry_policy retry;
    reattach_policy reattach;

    /// Largest single event; a larger one ends the stream with `errc::event_too_large`.
    std::size_t max_event_bytes = std::size_t{16} << 20;
    /// Largest JSON response; a larger one is `errc::response_too_large`.
    std::size_t max_response_bytes = std::size_t{64} << 20;
    /// Above this many bytes of events not yet taken, reading pauses; it goes on below half of it.
    std::size_t high_water_bytes = std::size_t{256} << 10;

    /// File of trusted CA certificates (PEM) instead of the system's. Certificates are always verified, those of the
    /// service and of an https proxy; TLS 1.2 is the oldest version spoken.
    std::string ca_file;
    /// Files (PEM) of the certificate by which this client shows who it is, and of its private key, for a service or
    /// gateway that asks for one. The key may stand in the certificate's file. What cannot be read, or does not fit
    /// together, is `errc::tls_failed` when it is needed; so is a server that takes no client without one.
    std::string client_certificate_file, client_key_file;
    /// Passphrase of the private key, if it is encrypted.
    secret client_key_passphrase;

    /// Proxy URL: `http://`, `https://`, `socks5h://` and what else libcurl knows, with `user:password@` if the proxy
    /// wants them; https endpoints are reached through it by a tunnel. A proxy that refuses, or wants other
    /// credentials, is `errc::connect_failed`. Empty: none. Absent: from the environment, as libcurl reads it:
    /// `https_proxy` or `HTTPS_PROXY` for https endpoints, `http_proxy` (in lower case alone) for http, else
    /// `all_proxy` or `ALL_PROXY`; not for the hosts, domains and networks in `no_proxy` or `NO_PROXY`. Never used for
    /// this machine's own (loopback) addresses.
    std::optional<std::string> proxy;
    /// Path of a Unix socket to connect to instead of the endpoint's host. The endpoint says the rest, such as
    /// `http://localhost/api/projects/one`: a credential may go over http there, as to this machine, which it does not
    /// leave. The environment's proxy is not used; a `proxy` given as well is `errc::invalid_argument`.
    std::string unix_socket;
    /// Addresses of hosts, instead of asking the resolver: `{"service.example:443", {"10.0.0.7", "fd00::7"}}`. Not for
    /// loopback hosts, which are this machine. Certificates are still those of the host, and credentials go where they
    /// may go by the endpoint's host, wherever it lies. What is no host with port or no address is
    /// `errc::invalid_argument`.
    std::map<std::string, std::vector<std::string>> resolve;

    /// Lets streams share HTTP/2 connections, up to 100 each, where the service speaks HTTP/2. A stream whose events
    /// are not taken then cannot hold its sender back: what comes is kept, and beyond `max_backlog_bytes` ends that
    /// stream alone with `std::errc::no_buffer_space`, after the events that came before. Without it every stream has a
    /// connection of its own.
    bool multiplex_streams = false;
    /// Most that is kept, beside `high_water_bytes`, of one multiplexed stream whose reading pauses.
    std::size_t max_backlog_bytes = std::size_t{4} << 20;
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

    // A stored agent of the Responses protocol, whose requests take no tools.
    /// MCP headers whose values the agent's tool takes from structured inputs: send them as those
    /// inputs. The service may log them: allow it only for values that may be seen there.
    bool structured_inputs = false;
    /// MCP headers for a server that the agent reaches through a connection of the project: leave
    /// them out, the connection's credential is used.
    bool project_connection = false;
    /// Send the stored agent's whole definition in place of its name, with headers on its tools and
    /// with whatever the run asks for that the service refuses beside a name.
    bool inline_definition = false;
    /// Leave out what the service refuses beside an agent's name (`model`, `temperature`, ...): the
    /// agent's own is in force, and the report says so.
    bool drop_not_allowed = false;
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
    /// itself decides: `assistant_id`, `stream`, `thread`, `tool_resources`. In the Responses protocol the same holds
    /// for the members of its request, such as `input`, `text`, `max_output_tokens` and `structured_inputs`.
    std::string extra_json;

    /// Override the client's for this run.
    std::optional<std::chrono::milliseconds> connect_timeout, idle_timeout, event_timeout, total_timeout;
    std::optional<retry_policy> retry;
    std::optional<reattach_policy> reattach;
    /// How often the run is begun again in the same stream when it fails with `rate_limit_exceeded` before it has
    /// written or called anything; each time after the delay that the service names, or `retry_policy::first_delay`,
    /// doubled each time. `run_restarted` says so. A delay beyond `retry_policy::max_total_delay` is not waited for.
    int rate_limit_restarts = 0;
    abandoned_run on_abandon = abandoned_run::goes_on;

    /// Responses protocol only, else `errc::invalid_argument`: values of the agent's structured inputs, JSON texts by
    /// name: `options.structured_inputs["city"] = R"("Oslo")"`. A stored agent must declare them; which of them it
    /// needs, the service says. With a definition of the application they go as they are: the service fills in the
    /// instructions, other servers refuse them. The service may log them: secrets do not belong here. Headers of an MCP
    /// server that its tool takes from inputs are better given as headers, see `reconcile_policy::structured_inputs`.
    std::map<std::string, std::string> structured_inputs;
    /// Responses protocol only, else `errc::invalid_argument`: the id of a response (`run_result::run_id`) that this
    /// run goes on after, for conversations that nobody stores as one. Not for a run in a thread.
    std::string previous_response_id;
    /// Responses protocol only, else `errc::invalid_argument`: lets the service work on without its client. Only such a
    /// response can be cancelled there.
    std::optional<bool> background;
    /// Responses protocol only, else `errc::invalid_argument`: whether the service keeps the response; unless given, it
    /// does (OpenAI: 30 days). One that is not kept cannot be found again when its stream breaks, cannot work in the
    /// background, and its calls are answered in a thread only: else `errc::invalid_argument`, before anything is sent
    /// where the run has handlers.
    std::optional<bool> store;
};

}  // namespace corun
