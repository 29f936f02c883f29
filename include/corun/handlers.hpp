#pragma once
#include <corun/asio.hpp>
#include <corun/export.hpp>
#include <corun/mcp_headers.hpp>
#include <corun/resources.hpp>
#include <corun/tools.hpp>

#include <concepts>
#include <functional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

/// Functions of the application that a run calls. Each call is reported when it has ended, with its
/// result, its error and its duration: by the events `function_called` and `approval_decided`, and
/// to `observer::on_function_call` and `on_approval`.
///
/// g++ 12 destroys a lambda with captures twice if it is created inside a `co_await` expression:
/// give it a name first.
///
/// *Lifetime:* If a stream ends early, running handlers are cancelled but not awaited. What they
/// refer to must live until they have ended.
///
/// *Threads:* Handlers are awaited on the client's executor.
namespace corun {

/// Returns the output of a function call, a text for the model. If it throws, the exception text is
/// sent to the model as the output, `{"error": "<text>"}`.
using function_handler = std::function<asio::awaitable<std::string>(function_call)>;

/// Returns whether a call to an MCP server is approved. If it throws, the stream fails with
/// `errc::handler_failed`; the run then waits at the service until its stream is destroyed
/// (`run_options::on_abandon`).
using approval_handler = std::function<asio::awaitable<bool>(mcp_approval_request)>;

/// A callable that returns the output of a function call directly, not as an awaitable.
template <class Callable>
concept plain_function_handler = std::invocable<Callable&, function_call> &&
    std::convertible_to<std::invoke_result_t<Callable&, function_call>, std::string>;

/// A function of the application that the model can call: its definition and its code.
///
///     options.functions.emplace_back("get_weather", "The weather in a city.",
///         R"({"type":"object","properties":{"city":{"type":"string"}},"required":["city"]})",
///         [](corun::function_call call) -> asio::awaitable<std::string> { ... });
struct CORUN_API local_function {
    /// `parameters` is a JSON schema.
    local_function(std::string name, std::string description, std::string parameters, function_handler handler);
    /// For a callable that returns its output directly: `std::string(corun::function_call)`.
    template <plain_function_handler Callable>
    local_function(std::string name, std::string description, std::string parameters, Callable callable)
        : local_function(std::move(name), std::move(description), std::move(parameters),
                         function_handler([callable = std::move(callable)](function_call call) mutable {
                             return to_awaitable(std::string(callable(std::move(call))));
                         })) {}

    function_tool definition;
    function_handler handler;

private:
    static asio::awaitable<std::string> to_awaitable(std::string output);
};

/// The argument of a provider of MCP headers.
struct CORUN_API mcp_header_request {
    enum class occasion {
        run_start,  ///< The run is about to be created.
        /// Calls are about to be approved. In the Responses protocol, where every request needs
        /// headers: any calls are about to be answered.
        approval,
        rejected_token,  ///< An MCP server rejected the headers of the run's start. Once per run.
    };

    mcp_header_request() = default;

    occasion why = occasion::run_start;
    std::vector<std::string> server_labels;       ///< The servers that need headers.
    std::vector<mcp_approval_request> approvals;  ///< The calls of an `approval`.
    std::string run_id, thread_id;                ///< Empty until the run exists.
};

/// Returns headers for MCP servers when they are needed, so that a run can outlive its tokens. It
/// can return headers for other servers too; each approval uses those of its own server.
///
/// *Errors:* If it throws, the caller's function fails with `errc::mcp_headers_failed`. After
/// `run_options::mcp_header_timeout` it is cancelled, and the function fails with
/// `errc::mcp_headers_timeout`. Nothing is sent in either case.
using mcp_header_provider = std::function<asio::awaitable<mcp_headers>(mcp_header_request)>;

class mcp_header_source;

/// A callable that is a provider of MCP headers.
template <class Callable>
concept mcp_header_callable = !std::same_as<std::remove_cvref_t<Callable>, mcp_header_source> &&
                              std::convertible_to<Callable, mcp_header_provider>;

/// The source of a run's MCP headers: fixed headers, or a provider.
class CORUN_API mcp_header_source {
public:
    mcp_header_source() = default;
    /// The same headers for the whole run, approvals included.
    mcp_header_source(mcp_headers fixed);
    /// Called at the start, for every round of approvals, and once more after a rejected token.
    mcp_header_source(mcp_header_provider provider);
    template <mcp_header_callable Callable>
    mcp_header_source(Callable&& provider) : mcp_header_source(mcp_header_provider(std::forward<Callable>(provider))) {}

    [[nodiscard]] const mcp_headers& fixed() const noexcept { return fixed_; }
    /// Empty for fixed headers.
    [[nodiscard]] const mcp_header_provider& provider() const noexcept { return provider_; }

private:
    mcp_headers fixed_;
    mcp_header_provider provider_;
};

}  // namespace corun
