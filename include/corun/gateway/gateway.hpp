#pragma once
#include <corun/agent.hpp>
#include <corun/asio.hpp>
#include <corun/chrono.hpp>
#include <corun/client.hpp>
#include <corun/export.hpp>
#include <corun/handlers.hpp>
#include <corun/options.hpp>

#include <asio/io_context.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// A server between AI agents and the browsers that watch them: it starts runs for signed-in users, keeps one log of
/// each, and serves any number of viewers from it, in several protocols. See docs/gateway.md.
namespace corun::gateway {

/// The head of an HTTP request, for those who sign users in.
struct CORUN_API request_head {
    request_head() = default;

    std::string method;
    std::string path;  ///< Decoded, without the query.
    std::vector<std::pair<std::string, std::string>> fields;

    /// The first header field of this name, compared case-insensitively; empty if there is none.
    [[nodiscard]] std::string_view header(std::string_view name) const noexcept;
    /// The cookie of this name; empty if there is none.
    [[nodiscard]] std::string_view cookie(std::string_view name) const noexcept;
};

/// A user who is signed in.
struct CORUN_API user {
    user() = default;
    explicit user(std::string its_id, mcp_header_source headers = {});

    /// Identifies the user: runs and conversations belong to it. Appears in the access log.
    std::string id;
    /// The headers of the user's runs for MCP servers. A provider is called whenever they are needed. They are sent to
    /// the AI service or the servers only: no log, page or entry has them.
    mcp_header_source mcp_headers;
};

/// Who sends a request: a coroutine or a function. Nothing means nobody: the response is then 401.
using sign_in = handler<std::optional<user>, request_head>;

/// The user of this id: a coroutine or a function. Nothing means that there is no such user any more.
using user_lookup = handler<std::optional<user>, std::string>;

/// Redis, in which several gateways keep the logs of their runs. See docs/gateway.md.
struct CORUN_API redis_options {
    redis_options() = default;

    /// `redis://[USER@]HOST[:PORT][/DATABASE]` or `unix:/PATH[?db=DATABASE]`. Empty: logs are in memory.
    std::string url;
    std::string password;  ///< Empty: none.
    /// Gateways with the same prefix share their runs.
    std::string prefix = "corun";
    /// A gateway that does not renew its lease for so long is taken for dead: others go on with its runs.
    std::chrono::milliseconds lease = std::chrono::seconds{10};
    /// If Redis does not accept an entry for so long, viewers see it nevertheless. A connection to Redis that is silent
    /// for so long is made again.
    std::chrono::milliseconds patience = std::chrono::seconds{5};
    /// Starts even if Redis forgets logs when it crashes or its memory is full.
    bool may_forget = false;
};

/// One request, when its response has ended. Has no query, no header and no body.
struct CORUN_API access_record {
    access_record() = default;

    std::string method, path, user;
    int status = 0;
    bool complete = true;     ///< False if the connection ended before the response.
    std::uint64_t bytes = 0;  ///< Of the response's body.
    std::chrono::microseconds duration{0};
};

/// How a gateway works. A time of 0 is no limit.
struct CORUN_API gateway_options {
    gateway_options() = default;

    std::string address = "127.0.0.1";
    std::uint16_t port = 0;    ///< 0 chooses a free one.
    gateway::sign_in sign_in;  ///< Without it, every request is answered 401.
    /// Asked when this gateway goes on with a run that another one has left, and, with Redis, when a session signs in.
    /// Without it, such runs go on without headers for MCP servers, and each gateway knows its own sessions only.
    user_lookup find_user;
    /// Other origins whose pages may use the gateway, such as `https://chat.example.com`.
    std::vector<std::string> allowed_origins;

    /// A folder whose files are served to everybody, such as a page that uses the gateway. They are read once.
    std::string pages;
    /// How long a session lasts: `POST /session` of a signed-in user sets a cookie that signs in, too.
    std::chrono::milliseconds session_lifetime = std::chrono::hours{12};
    /// Sends the cookie over https only.
    bool secure_cookie = true;

    /// Where logs are.
    redis_options redis;

    /// Of every run. `answers_by_hand` and `on_abandon` are the gateway's.
    run_options run;

    /// A comment is sent to viewers that have been sent nothing else for so long.
    std::chrono::milliseconds heartbeat = std::chrono::seconds{15};
    /// A viewer that has not read for so long is disconnected.
    std::chrono::milliseconds stall_timeout = std::chrono::seconds{60};
    /// How long a client may take to send a request.
    std::chrono::milliseconds request_timeout = std::chrono::seconds{30};
    /// How long the log of a run that has ended is kept.
    std::chrono::milliseconds keep_ended = std::chrono::minutes{10};
    /// How long a run may wait for answers until it is cancelled.
    std::chrono::milliseconds answer_timeout = std::chrono::minutes{30};
    /// How long a conversation is remembered after its last run.
    std::chrono::milliseconds keep_conversation = std::chrono::hours{24};

    std::size_t max_runs_per_user = 8;                       ///< Running at once; more are answered 429.
    std::size_t max_viewers_per_user = 64;                   ///< Streams open at once; more are answered 429.
    std::size_t max_conversations_per_user = 1000;           ///< Remembered at once.
    std::size_t max_connections = 20'000;                    ///< Open at once.
    std::size_t max_body_bytes = std::size_t{4} << 20;       ///< The largest body of a request.
    std::size_t max_log_bytes = std::size_t{8} << 20;        ///< Of one run, which is cancelled if it has more.
    std::size_t max_total_log_bytes = std::size_t{1} << 30;  ///< Of all runs. Logs of ended runs go first.

    /// Called for every request, when its response has ended.
    std::function<void(const access_record&)> on_access;
};

/// The gateway. It runs from construction until `stop` or destruction.
///
/// *Lifetime:* The io_context must outlive it.
///
/// *Threads:* Not thread-safe. Use it in the thread that runs the io_context, which is also the client's executor.
class CORUN_API gateway_server {
public:
    /// Runs are those of `agent`, each in a thread of `client`, which is created for its conversation.
    ///
    /// *Errors:* Throws `std::system_error` if it cannot listen, and `errc::invalid_argument` without a sign-in.
    gateway_server(asio::io_context& context, client client, agent agent, gateway_options options);
    ~gateway_server();
    gateway_server(gateway_server&&) noexcept;
    gateway_server& operator=(gateway_server&&) noexcept;

    /// `http://127.0.0.1:<port>`
    [[nodiscard]] std::string url() const;
    /// Completes when runs can be started: without Redis, at once.
    ///
    /// *Errors:* `errc::invalid_argument` if Redis does not accept the password, or would lose logs. While it cannot be
    /// reached, this waits.
    ///
    /// *Cancellation:* Terminal, partial and total.
    [[nodiscard]] asio::awaitable<void> ready();
    /// The metrics, in the text format of Prometheus, as at `/metrics`.
    [[nodiscard]] std::string metrics() const;

    /// Accepts no more runs, and completes when those that exist have ended or wait for answers, or after `limit`. The
    /// health check fails from now on. Then call `stop`.
    [[nodiscard]] asio::awaitable<void> drain(std::chrono::milliseconds limit);
    /// Stops listening and breaks off every connection. Runs that have not ended continue at the service; with Redis,
    /// other gateways go on with them. Idempotent.
    void stop();

private:
    struct impl;
    std::shared_ptr<impl> impl_;
};

}  // namespace corun::gateway
