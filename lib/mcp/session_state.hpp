#pragma once
#include "async/task.hpp"
#include "mcp/exchange.hpp"
#include "mcp/results.hpp"
#include "mcp/rpc_message.hpp"
#include "mcp/tool_lists.hpp"

#include <asio/awaitable.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace corun::mcp {

/// What a session knows: how to speak to its server.
struct session::state {
    explicit state(std::shared_ptr<mcp::server::state> its_server, std::string its_principal = {})
        : server(std::move(its_server)), principal(std::move(its_principal)) {}

    std::shared_ptr<mcp::server::state> server;
    std::string principal;             ///< Empty: lists of tools are not used again.
    mcp::era era = mcp::era::unknown;  ///< Unknown until the session is open, and once it is lost.
    std::string version;
    secret id;  ///< Of a legacy session; may be empty.
    std::string instructions;
    bool has_tools = true;
    bool was_refused = false;  ///< The last request was answered with 401.
    int openings = 0;          ///< How often it has been opened.
    std::int64_t last_request = 0;
    std::shared_ptr<detail::task<bool>> opening;
    std::shared_ptr<const listed_tools> tools;  ///< Null until they are listed.
};

/// One request of a session.
struct rpc_call {
    rpc_call() = default;

    std::string method;
    std::string members;  ///< Of `params`, but `_meta`.
    std::string name;     ///< For `Mcp-Name`; empty for none.
    headers parameters;   ///< `Mcp-Param-*`
    bool can_be_repeated = true;
    std::chrono::milliseconds idle{0}, total{0};
    std::function<void(const progress&)> on_progress;
};

/// Opens the session if it is not: finds out which revision the server speaks, and initializes a legacy session.
asio::awaitable<void> ensure_open(std::shared_ptr<session::state> self, headers fields);

/// Sends a request in the session, opening it first, and again if the server has lost it. Completes with the answer,
/// which may be an error.
asio::awaitable<message> request(std::shared_ptr<session::state> self, rpc_call call, headers fields);

/// A request with the fields and the body that the session's revision demands.
outgoing prepare(session::state& self, const rpc_call& call, const headers& fields);

/// Whether a server that answers so has said which versions it supports, and this client has a later one than any.
bool supports_modern(const rpc_error& problem) noexcept;

inline constexpr std::string_view modern_version = "2026-07-28";

}  // namespace corun::mcp
