#include <corun/handlers.hpp>
#include <corun/json.hpp>
#include <corun/options.hpp>
#include <corun/submission.hpp>
#include <corun/token_provider.hpp>

#include <asio/co_spawn.hpp>
#include <asio/io_context.hpp>
#include <asio/post.hpp>
#include <asio/use_awaitable.hpp>
#include <boost/test/unit_test.hpp>

#include <exception>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>

using namespace corun;

namespace {

std::string output_of(local_function& function, function_call call) {
    asio::io_context io;
    std::string output;
    asio::co_spawn(io, function.handler(std::move(call)), [&output](std::exception_ptr failure, std::string text) {
        if (failure) std::rethrow_exception(failure);
        output = std::move(text);
    });
    io.run();
    return output;
}

// A handler is a coroutine, or returns its output directly.
using awaiting = decltype([](function_call) -> asio::awaitable<std::string> { co_return ""; });
using plain = decltype([](function_call) { return "text"; });
template <class From, class To>
inline constexpr bool fits = std::is_convertible_v<From, To>;
// A callable of another signature is a mistake with a message, of check_mistakes.py.
template <class Callable, class Result, class... Arguments>
inline constexpr bool fits<Callable, handler<Result, Arguments...>> = handler_callable<Callable, Result, Arguments...>;
template <class To, class... From>
inline constexpr bool takes = (fits<From, To> && ...) && (std::is_convertible_v<From, To> && ...);
template <class To, class... From>
inline constexpr bool takes_none = (!fits<From, To> && ...);
static_assert(takes<function_handler, plain, awaiting, std::string (*)(const function_call&)>);
static_assert(takes_none<function_handler, decltype([](int) { return "text"; }), decltype([](function_call) {}),
                         decltype([](function_call) { return 7; }), decltype([](function_call&) { return ""; })>);
static_assert(takes<approval_handler, decltype([](mcp_approval_request) { return true; }),
                    decltype([](const mcp_approval_request&) -> asio::awaitable<bool> { co_return true; }),
                    decltype([](mcp_approval_request) { return approval_decision::deny("no"); })>);
static_assert(takes<function_handler, decltype([](function_call) { return std::vector<content_block>(); })>);
// What only converts to bool is a mistake: any text would approve.
static_assert(takes_none<approval_handler, decltype([](mcp_approval_request) { return "no"; }),
                         decltype([](mcp_approval_request) { return 1; }), decltype([](mcp_approval_request) {}),
                         decltype([] { return true; })>);
static_assert(takes<mcp_header_provider, decltype([](mcp_header_request) { return mcp_headers(); })>);
static_assert(takes_none<mcp_header_provider, decltype([](mcp_header_request) { return 1; })>);
static_assert(takes<token_handler, decltype([] { return access_token("t"); }),
                    decltype([]() -> asio::awaitable<access_token> { co_return access_token("t"); })>);
static_assert(takes<handler<secret>, decltype([] { return "token"; }), decltype([] { return secret("token"); })>);
static_assert(takes_none<token_handler, decltype([](int) { return access_token("t"); })>);
static_assert(std::is_convertible_v<decltype([](mcp_header_request) { return mcp_headers(); }), mcp_header_source>);

using nlohmann::json;
// JSON is text where JSON is wanted, and a callable of JSON is one of a function call.
static_assert(takes<json_text, json, nlohmann::ordered_json, std::string, const char*, std::string_view>);
static_assert(takes_none<json_text, int, std::nullptr_t, secret>);
static_assert(takes<function_handler, decltype([](json) { return json(); }),
                    decltype([](const json&) -> asio::awaitable<json> { co_return json(); }),
                    decltype([](function_call) { return json(); })>);
static_assert(
    takes_none<function_handler, decltype([](std::string) { return ""; }), decltype([](bool) { return ""; })>);
static_assert(std::is_convertible_v<mcp_headers, mcp_header_source>);
static_assert(
    std::is_convertible_v<decltype([](mcp_header_request) -> asio::awaitable<mcp_headers> { co_return mcp_headers(); }),
                          mcp_header_source>);
// What is no callable at all is nothing that converts.
template <class... From>
inline constexpr bool no_handlers = (!std::is_convertible_v<From, function_handler> && ...);
static_assert(no_handlers<int, std::string, json, mcp_headers, std::string*, int function_call::*>);

}  // namespace

BOOST_AUTO_TEST_SUITE(handlers)

BOOST_AUTO_TEST_CASE(a_function_may_return_its_output_directly) {
    local_function function("f", "d", "{}", [](const function_call& call) { return call.arguments + "!"; });
    BOOST_TEST(function.definition.name == "f");
    BOOST_TEST(function.definition.description == "d");
    BOOST_TEST(function.definition.parameters == "{}");
    function_call call;
    call.arguments = "[1]";
    BOOST_TEST(output_of(function, call) == "[1]!");
}

BOOST_AUTO_TEST_CASE(a_function_may_be_a_coroutine) {
    local_function function("f", "d", "{}",
                            [](function_call call) -> asio::awaitable<std::string> { co_return call.name; });
    function_call call;
    call.name = "f";
    BOOST_TEST(output_of(function, call) == "f");
}

BOOST_AUTO_TEST_CASE(a_function_takes_and_returns_json) {
    const json schema = {{"type", "object"}};
    local_function now("f", "d", schema, [](const json& arguments) { return json{{"sum", arguments.at("a")}}; });
    BOOST_TEST(now.definition.parameters.text() == R"({"type":"object"})");
    function_call call;
    call.arguments = R"({"a": [1, 2]})";
    BOOST_TEST(output_of(now, call) == R"({"sum":[1,2]})");
    local_function later("f", "d", schema, [](const json& arguments) -> asio::awaitable<json> {
        co_await asio::post(co_await asio::this_coro::executor, asio::use_awaitable);
        co_return arguments.at("a");
    });
    BOOST_TEST(output_of(later, call) == "[1,2]");
    local_function whole("f", "d", schema, [](json arguments) { return arguments; });
    BOOST_TEST(output_of(whole, function_call()) == "{}");
    call.arguments = "[1";
    BOOST_CHECK_EXCEPTION(output_of(whole, call), error, [](const error& e) {
        return e.code() == errc::invalid_argument && std::string(e.what()).find("not JSON") != std::string::npos;
    });
}

BOOST_AUTO_TEST_CASE(json_is_sent_as_its_text) {
    submission answers;
    answers.output("c", json{{"a", 1}}).output("d", "plain");
    BOOST_TEST(answers.outputs()[0].output == R"({"a":1})");
    BOOST_TEST(answers.outputs()[1].output == "plain");
    run_options options;
    options.extra_json = json{{"seed", 7}};
    options.structured_inputs["city"] = json("Oslo");
    BOOST_TEST(options.extra_json.text() == R"({"seed":7})");
    BOOST_TEST(options.structured_inputs["city"].text() == R"("Oslo")");
    BOOST_TEST(tool_choice::from_json(json("none")).json() == R"("none")");
    BOOST_CHECK_EXCEPTION(json_text(json("\xff")), error,
                          [](const error& e) { return e.code() == errc::invalid_argument; });
}

BOOST_AUTO_TEST_CASE(arguments_live_until_a_handler_has_completed) {
    auto state = std::make_shared<std::string>("captured");
    const std::weak_ptr<std::string> observed = state;
    auto lambda = [state = std::move(state)](const function_call& call) -> asio::awaitable<std::string> {
        co_await asio::post(co_await asio::this_coro::executor, asio::use_awaitable);
        co_return *state + call.arguments;
    };
    function_handler handler(std::move(lambda));
    function_call call;
    call.arguments = std::string(100, 'x');
    asio::awaitable<call_output> started = handler(call);
    handler = nullptr;
    BOOST_TEST(!handler);
    asio::io_context io;
    std::string output;
    asio::co_spawn(io, std::move(started), [&output](std::exception_ptr, std::string text) { output = text; });
    io.run();
    BOOST_TEST(output == "captured" + call.arguments);
    BOOST_TEST(observed.expired());
}

BOOST_AUTO_TEST_CASE(an_empty_function_is_no_handler) {
    BOOST_TEST(!function_handler());
    BOOST_TEST(!function_handler(nullptr));
    BOOST_TEST(!function_handler(std::function<asio::awaitable<std::string>(function_call)>()));
}

BOOST_AUTO_TEST_CASE(headers_are_fixed_or_have_a_provider) {
    const mcp_header_source none;
    BOOST_TEST(none.fixed().empty());
    BOOST_TEST(!none.provider());
    const mcp_header_source fixed(mcp_headers("label", header("A", "1")));
    BOOST_TEST(fixed.fixed().size() == 1u);
    BOOST_TEST(!fixed.provider());
    const mcp_header_source provided(
        [](mcp_header_request) -> asio::awaitable<mcp_headers> { co_return mcp_headers(); });
    BOOST_TEST(provided.fixed().empty());
    BOOST_TEST(static_cast<bool>(provided.provider()));
}

BOOST_AUTO_TEST_SUITE_END()
