#pragma once
#include <corun/asio.hpp>
#include <corun/call_output.hpp>
#include <corun/export.hpp>
#include <corun/json_text.hpp>
#include <corun/mcp_headers.hpp>
#include <corun/resources.hpp>
#include <corun/tools.hpp>

#include <concepts>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

/// Functions of the application that corun calls. When a call for a run has ended, its result, error and duration are
/// reported by `events::function_called` and `events::approval_decided`, and to `observer::on_function_call` and
/// `on_approval`.
///
/// A handler is a coroutine, or a function that returns its result directly. Parameters can be references: the
/// arguments live until the handler has completed.
///
/// g++ 12 destroys a lambda with captures twice if it is created inside a `co_await` expression: store it in a variable
/// first.
///
/// *Lifetime:* If a stream ends early, running handlers are cancelled but not awaited. Objects that they use must live
/// until they have ended.
///
/// *Threads:* Handlers are awaited on the client's executor.
namespace corun {

/// How a handler calls a `Callable`. json.hpp adds callables that accept a `nlohmann::json`.
template <class Callable, class... Arguments>
struct handler_call {
    /// The arguments as the callable accepts them.
    using values = std::tuple<Arguments...>;
    /// Converts the arguments of the handler.
    static values convert(Arguments... arguments) { return values(std::move(arguments)...); }
    /// Calls the callable once.
    static auto call(Callable& callable, values& arguments) requires std::invocable<Callable&, Arguments...> {
        return std::apply(callable, std::move(arguments));
    }
};

namespace detail {

template <class T>
struct awaited {
    using type = T;
    static constexpr bool awaits = false;
};
template <class T, class Executor>
struct awaited<asio::awaitable<T, Executor>> {
    using type = T;
    static constexpr bool awaits = true;
};

template <class Callable, class... Arguments>
using call_result = decltype(handler_call<Callable, Arguments...>::call(
    std::declval<Callable&>(), std::declval<typename handler_call<Callable, Arguments...>::values&>()));

// Even of a generic lambda: the name of its operator is ambiguous beside another one.
struct with_call {
    void operator()();
};
template <class T>
struct beside_call : T, with_call {};
template <class T>
inline constexpr bool has_call = std::is_function_v<std::remove_pointer_t<T>>;
template <class T>
requires(std::is_class_v<T> && !std::is_final_v<T>) inline constexpr bool has_call<T> = !requires {
    &beside_call<T>::operator();
};

}  // namespace detail

/// What a handler can return as its `Result`: for `bool`, only `bool` itself; for `std::string`, any text, or
/// `nlohmann::json` with json.hpp; otherwise anything that converts.
template <class Value, class Result>
concept handler_result = std::same_as<Value, Result> ||
    (!std::same_as<Result, bool> &&
     std::convertible_to<Value, std::conditional_t<std::same_as<Result, std::string>, json_text, Result>>);

/// A callable with the parameters of a handler.
template <class Callable, class... Arguments>
concept handler_invocable = requires {
    typename detail::call_result<Callable, Arguments...>;
};

/// A callable with the parameters and the result of a handler; the result can be an `asio::awaitable`.
template <class Callable, class Result, class... Arguments>
concept handler_callable = handler_invocable<Callable, Arguments...> &&
    handler_result<typename detail::awaited<detail::call_result<Callable, Arguments...>>::type, Result>;

/// A function of the application, or none. Anything converts to it that can be called with `Arguments` and returns
/// `Result` or `asio::awaitable<Result>`; for another callable, a `static_assert` says what is wrong. Copies share the
/// callable.
template <class Result, class... Arguments>
class handler {
public:
    handler() noexcept = default;
    handler(std::nullptr_t) noexcept {}
    /// An empty function is none.
    template <handler_result<Result> Value>
    handler(std::function<asio::awaitable<Value>(Arguments...)> function) {
        if (function) wrap(std::move(function));
    }
    /// A callable.
    template <class Callable>
    requires(!std::same_as<std::remove_cvref_t<Callable>, handler> &&
             handler_callable<std::decay_t<Callable>, Result, Arguments...>) handler(Callable&& callable) {
        wrap(std::decay_t<Callable>(std::forward<Callable>(callable)));
    }
    /// Fails to compile, with the reason.
    template <class Callable>
    requires(!std::same_as<std::remove_cvref_t<Callable>, handler> && detail::has_call<std::decay_t<Callable>> &&
             !handler_callable<std::decay_t<Callable>, Result, Arguments...>) handler(Callable&&) {
        constexpr bool accepts_arguments = handler_invocable<std::decay_t<Callable>, Arguments...>;
        constexpr bool returns_result = !accepts_arguments;
        static_assert(accepts_arguments,
                      "the callable does not accept the Arguments of this corun::handler<Result, Arguments...>; to "
                      "accept nlohmann::json, include <corun/json.hpp>");
        static_assert(returns_result,
                      "the callable returns neither the Result of this corun::handler<Result, "
                      "Arguments...> nor an asio::awaitable of it");
    }

    /// Calls the function when the awaitable is awaited, and completes with its result.
    [[nodiscard]] asio::awaitable<Result> operator()(Arguments... arguments) const {
        return function_(std::move(arguments)...);
    }
    [[nodiscard]] explicit operator bool() const noexcept { return static_cast<bool>(function_); }

private:
    template <class Callable>
    void wrap(Callable callable) {
        function_ = [shared = std::make_shared<Callable>(std::move(callable))](Arguments... arguments) {
            return run(shared, std::move(arguments)...);
        };
    }

    /// Keeps the callable and its arguments alive while they are used.
    template <class Callable>
    static asio::awaitable<Result> run(std::shared_ptr<Callable> callable, Arguments... arguments) {
        using call = handler_call<Callable, Arguments...>;
        using result = std::conditional_t<std::same_as<Result, std::string>, json_text, Result>;
        typename call::values values = call::convert(std::move(arguments)...);
        if constexpr (detail::awaited<detail::call_result<Callable, Arguments...>>::awaits) {
            auto value = co_await call::call(*callable, values);
            result converted(std::move(value));
            co_return std::move(converted);
        } else {
            result converted(call::call(*callable, values));
            co_return std::move(converted);
        }
    }

    std::function<asio::awaitable<Result>(Arguments...)> function_;
};

/// Returns the output of a function call: a text for the model, or, in the Responses protocol, a list of texts, images
/// and files (`std::vector<content_block>`). If it throws, the exception text is sent to the model as the output,
/// `{"error": "<text>"}`.
using function_handler = handler<call_output, function_call>;

/// Whether a call to an MCP server is approved. `bool` converts to it, and nothing else.
class CORUN_API approval_decision {
public:
    /// A denial.
    approval_decision() = default;
    /// An approval, or a denial without a reason.
    template <std::same_as<bool> Bool>
    approval_decision(Bool approve) : approves_(approve) {}
    /// Denies the call, and tells the model why. Responses protocol only: in the threads protocol, the stream fails
    /// with `errc::invalid_argument`.
    static approval_decision deny(std::string reason);

    /// Whether the call is approved.
    [[nodiscard]] bool approves() const noexcept { return approves_; }
    [[nodiscard]] const std::string& reason() const noexcept { return reason_; }

private:
    bool approves_ = false;
    std::string reason_;
};

/// Returns whether a call to an MCP server is approved: a `bool`, or a denial with a reason. If it throws, the stream
/// fails with `errc::handler_failed`. The run then waits at the service until its stream is destroyed; see
/// `run_options::on_abandon`.
using approval_handler = handler<approval_decision, mcp_approval_request>;

/// A function of the application that the model can call: its definition and its code.
///
///     options.functions.emplace_back("get_weather", "The weather in a city.",
///         R"({"type":"object","properties":{"city":{"type":"string"}},"required":["city"]})",
///         [](corun::function_call call) -> asio::awaitable<std::string> { ... });
struct CORUN_API local_function {
    /// `parameters` is a JSON schema.
    local_function(std::string name, std::string description, json_text parameters, function_handler handler);

    function_tool definition;
    function_handler handler;
};

/// The argument of a provider of MCP headers.
struct CORUN_API mcp_header_request {
    /// Why headers are needed.
    enum class occasion {
        run_start,  ///< The run is about to be created.
        /// Calls are about to be approved. In the Responses protocol, where every request needs headers: any calls are
        /// about to be answered.
        approval,
        call,            ///< corun is about to call tools (`run_options::mcp_callers`). Once for each round of calls.
        rejected_token,  ///< An MCP server rejected the headers. At most once per run; of a server that corun calls,
                         ///< once for each round of calls.
    };

    mcp_header_request() = default;

    occasion why = occasion::run_start;           ///< Why headers are needed.
    std::vector<std::string> server_labels;       ///< The servers that need headers.
    std::vector<mcp_approval_request> approvals;  ///< The calls of an `approval`.
    std::string run_id, thread_id;                ///< Empty until the run exists.
};

/// Returns headers for MCP servers when they are needed, so that a run can outlive its tokens. It can also return
/// headers of servers that were not requested; each approval uses those of its own server.
///
/// *Errors:* If it throws, the calling function fails with `errc::mcp_headers_failed`. After
/// `run_options::mcp_header_timeout`, it is cancelled, and the calling function fails with `errc::mcp_headers_timeout`.
/// In both cases, nothing is sent.
using mcp_header_provider = handler<mcp_headers, mcp_header_request>;

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
    /// The same, for several servers.
    mcp_header_source(mcp_server_headers first, mcp_server_headers second);
    mcp_header_source(mcp_server_headers first, mcp_server_headers second, mcp_server_headers third);
    mcp_header_source(mcp_server_headers first, mcp_server_headers second, mcp_server_headers third,
                      mcp_server_headers fourth);
    /// Called at the start, for every round of approvals, and once more after a rejected token.
    mcp_header_source(mcp_header_provider provider);
    /// The same, of any callable.
    template <mcp_header_callable Callable>
    mcp_header_source(Callable&& provider) : mcp_header_source(mcp_header_provider(std::forward<Callable>(provider))) {}

    /// The fixed headers; empty for a provider.
    [[nodiscard]] const mcp_headers& fixed() const noexcept { return fixed_; }
    /// Empty for fixed headers.
    [[nodiscard]] const mcp_header_provider& provider() const noexcept { return provider_; }

private:
    mcp_headers fixed_;
    mcp_header_provider provider_;
};

}  // namespace corun
