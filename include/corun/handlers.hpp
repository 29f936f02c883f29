#pragma once
#include <corun/export.hpp>
#include <corun/mcp_headers.hpp>
#include <corun/resources.hpp>
#include <corun/tools.hpp>

#include <asio/awaitable.hpp>

#include <concepts>
#include <functional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

/// Functions of the application that a run calls back. All are awaited on the client's executor.
///
/// A compiler as old as g++ 12 destroys a lambda with captures twice when it is made inside a
/// `co_await` expression: give it a name first.
///
/// When a stream ends early, those under way are cancelled and not waited for: what they refer to
/// has to live until they have ended.
namespace corun {

/// Gives a function call's output, a text for the model. What it throws becomes the output:
/// `{"error": "<what>"}`, so the model is told.
using function_handler = std::function<asio::awaitable<std::string>(function_call)>;

/// Decides whether a call to an MCP server may go ahead. What it throws ends the run's stream with
/// `errc::handler_failed`; the run then waits at the service until it expires or is cancelled.
using approval_handler = std::function<asio::awaitable<bool>(mcp_approval_request)>;

/// A function of the application that the model may call: what the model is told of it, and the
/// code behind it.
///
///     options.functions.emplace_back("get_weather", "The weather in a city.",
///         R"({"type":"object","properties":{"city":{"type":"string"}},"required":["city"]})",
///         [](corun::function_call call) -> asio::awaitable<std::string> { ... });
struct CORUN_API local_function {
    /// `parameters` is a JSON schema as text.
    local_function(std::string name, std::string description, std::string parameters, function_handler handler);
    /// The same for a callable that gives its output at once: `std::string(corun::function_call)`.
    template <class Callable>
    requires std::convertible_to<std::invoke_result_t<Callable&, function_call>, std::string> local_function(
        std::string name, std::string description, std::string parameters, Callable callable)
        : local_function(std::move(name), std::move(description), std::move(parameters),
                         function_handler([call = std::move(callable)](function_call asked) mutable {
                             return at_once(std::string(call(std::move(asked))));
                         })) {}

    function_tool definition;
    function_handler handler;

private:
    static asio::awaitable<std::string> at_once(std::string output);
};

/// What a provider of MCP headers is asked for.
struct CORUN_API mcp_header_request {
    enum class occasion {
        run_start,  ///< The run is about to be created.
        /// Calls that wait for approval are about to be approved; in the Responses protocol, whose every request needs
        /// headers, any calls are about to be answered.
        approval,
        rejected_token,  ///< An MCP server refused the headers given at the start; asked once.
    };

    mcp_header_request() = default;

    occasion why = occasion::run_start;
    std::vector<std::string> server_labels;       ///< The servers in question.
    std::vector<mcp_approval_request> approvals;  ///< Of `approval`: the calls.
    std::string run_id, thread_id;                ///< Empty until the run exists.
};

/// Gives headers for MCP servers when they are needed, so that a run outlives its tokens. It may
/// give headers for servers that were not asked for; each approval takes those of its own server.
/// What it throws reaches the caller as `errc::mcp_headers_failed`, and if it takes longer than
/// `run_options::mcp_header_timeout`, it is cancelled: `errc::mcp_headers_timeout`. Nothing is sent
/// then.
using mcp_header_provider = std::function<asio::awaitable<mcp_headers>(mcp_header_request)>;

/// Where a run's MCP headers come from: given once, or asked for.
class CORUN_API mcp_header_source {
public:
    mcp_header_source() = default;
    /// The same headers for the whole run, approvals included.
    mcp_header_source(mcp_headers fixed);
    /// Asked at the start, for every round of approvals, and once more after a rejected token.
    mcp_header_source(mcp_header_provider provider);
    template <class Callable>
    requires(!std::same_as<std::remove_cvref_t<Callable>, mcp_header_source> &&
             std::convertible_to<Callable, mcp_header_provider>) mcp_header_source(Callable&& provider)
        : mcp_header_source(mcp_header_provider(std::forward<Callable>(provider))) {}

    [[nodiscard]] const mcp_headers& fixed() const noexcept { return fixed_; }
    /// Empty unless headers are asked for.
    [[nodiscard]] const mcp_header_provider& provider() const noexcept { return provider_; }

private:
    mcp_headers fixed_;
    mcp_header_provider provider_;
};

}  // namespace corun
