#pragma once
#include "async/notifier.hpp"
#include "mcp/answer_reader.hpp"
#include "mcp/rpc_message.hpp"
#include "mcp/tool_lists.hpp"
#include "net/clock.hpp"
#include "net/transport.hpp"
#include "redact/redact.hpp"
#include <corun/mcp/server.hpp>

#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace corun::mcp {

/// The generation of the protocol that a server speaks.
enum class era { unknown, legacy, modern };

/// What all users of a server share. Nothing in it is of a user, but lists of tools by their principals.
struct server::state {
    state(asio::any_io_executor executor, std::string url, server_options options);
    /// Over what other servers use too.
    state(asio::any_io_executor executor, std::shared_ptr<net::transport> transport, std::shared_ptr<net::clock> clock,
          detail::notifier hooks, std::string url, server_options options);

    asio::any_io_executor executor;
    std::shared_ptr<net::transport> transport;
    std::shared_ptr<net::clock> clock;
    detail::notifier hooks;
    std::string url, origin;
    bool may_carry_credentials = false;
    server_options options;
    mcp::era era = mcp::era::unknown;  ///< As the server has shown.
    tool_lists lists;
};

/// For functions of the library that take a server.
struct server_access {
    static const std::shared_ptr<server::state>& state_of(const server& handle) noexcept { return handle.state_; }
};

/// Throws `errc::invalid_header` and `errc::insecure_endpoint`.
void check_headers(const server::state& server, const headers& fields);

/// One HTTP request, which may have one answer.
struct outgoing {
    outgoing() = default;

    std::string http_method = "POST";
    std::string method;  ///< JSON-RPC, for messages.
    std::string body;
    headers fields;               ///< All of them.
    std::int64_t id = 0;          ///< 0: there is no answer.
    bool continues = false;       ///< A stream that breaks off can be continued (legacy).
    bool can_be_repeated = true;  ///< Sending it twice does no harm.
    std::chrono::milliseconds idle{0}, total{0};
    std::function<void(const progress&)> on_progress;
};

struct incoming {
    incoming() = default;

    net::response_head head;
    std::string body;  ///< Of a response with another status than 2xx; may be truncated.
    std::optional<message> answer;
    detail::redactor secrets;

    [[nodiscard]] bool is_success() const noexcept { return head.status >= 200 && head.status < 300; }
    /// The answer's error, if it is one.
    [[nodiscard]] const rpc_error* problem() const noexcept {
        return answer && answer->error ? &*answer->error : nullptr;
    }
};

/// Sends a request once, answers what the server asks meanwhile, and completes with the answer or with a response that
/// has another status than 2xx.
///
/// *Errors:* Those of the network; `errc::connection_lost` if the response ends without an answer.
asio::awaitable<incoming> exchange(std::shared_ptr<server::state> server, outgoing request);

/// The same, repeated after failures that show that the server has not carried the request out, as
/// `server_options::retry` allows.
asio::awaitable<incoming> send(std::shared_ptr<server::state> server, outgoing request);

/// Sends a notification in the background. Its outcome does not matter.
void send_in_background(std::shared_ptr<server::state> server, outgoing notification);

/// The error that a response stands for.
error error_of(const server::state& server, std::string_view method, const incoming& response);
/// The error of a JSON-RPC error.
error error_of(const server::state& server, std::string_view method, const rpc_error& problem);
/// A failure with the server and the method in its message.
error named(const server::state& server, std::string_view method, const error& failure);

}  // namespace corun::mcp
