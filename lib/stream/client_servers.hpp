#pragma once
#include "async/wakeup.hpp"
#include "stream/context.hpp"
#include <corun/headers.hpp>
#include <corun/mcp/server.hpp>
#include <corun/resources.hpp>
#include <corun/tools.hpp>

#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace corun::detail {

/// An MCP server that corun calls for one run.
struct client_server {
    client_server(mcp_tool tool, mcp::session its_session, asio::any_io_executor executor)
        : definition(std::move(tool)), session(std::move(its_session)), call_ended(std::move(executor)) {}

    mcp_tool definition;
    mcp::session session;
    headers fields;                        ///< As given last.
    int times_given = 0;                   ///< How often.
    bool token_rejected = false;           ///< Another has been asked for since the last round of calls.
    std::optional<mcp_approval> approval;  ///< Absent: as `always`.
    mcp_tool_list list;                    ///< With the tools' own names.
    int calls = 0;                         ///< Under way.
    wakeup call_ended;

    [[nodiscard]] bool needs_approval(std::string_view tool) const;
};

/// The MCP servers that corun calls for one run: their tools are functions for the model. Sessions are the run's own.
///
/// *Lifetime:* Belongs to the run. When it is destroyed, the sessions are closed in the background.
class client_servers {
public:
    explicit client_servers(asio::any_io_executor executor) : executor_(std::move(executor)) {}
    client_servers(const client_servers&) = delete;
    client_servers& operator=(const client_servers&) = delete;
    ~client_servers();

    /// A tool, as the model knows it.
    struct function {
        std::shared_ptr<client_server> server;
        std::string tool;
    };
    /// Null for functions that are no tools.
    [[nodiscard]] const function* find(std::string_view name) const noexcept;

    /// Takes the headers of these servers out of `all`.
    void take(mcp_headers& all);

    std::vector<std::shared_ptr<client_server>> servers;
    std::map<std::string, function, std::less<>> functions;  ///< By the names that the model knows.
    reconcile_report report;

private:
    asio::any_io_executor executor_;
};

/// What decides who calls the MCP servers of a run, in its protocol. Pure.
class server_rules {
public:
    virtual ~server_rules() = default;
    /// All servers that the run may call.
    [[nodiscard]] virtual std::vector<mcp_tool> servers(const run_context& run) const = 0;
    /// Throws what beginning the run would throw because of the service's rules.
    virtual void check(const run_context& run) const = 0;
    /// Whether the run may bring functions that its agent does not have.
    [[nodiscard]] virtual bool takes_new_functions(const run_context& run) const noexcept = 0;
};
const server_rules& threads_server_rules() noexcept;
const server_rules& responses_server_rules() noexcept;

/// Takes over the servers that `run_options::mcp_callers` assigns to corun: lists their tools, which become functions
/// of the run, and takes the servers themselves out of what is sent to the service. Does nothing if there are none.
///
/// *Errors:* Those of `mcp::session`; `errc::unknown_server_label`, `invalid_argument`; for a stored agent without
/// their functions, `not_allowed_with_agent`.
asio::awaitable<void> open_client_servers(std::shared_ptr<run_context> run, const server_rules* rules);

/// `errc::invalid_argument` if corun is to call servers, for a run without a stream.
void refuse_client_servers(const run_options& options, const char* call);

/// Asks the run's provider for the headers of these servers.
asio::awaitable<void> refresh_headers(std::shared_ptr<run_context> run, mcp_header_request request);

}  // namespace corun::detail
