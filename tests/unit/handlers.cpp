#include <corun/handlers.hpp>

#include <asio/co_spawn.hpp>
#include <asio/io_context.hpp>
#include <boost/test/unit_test.hpp>

#include <exception>
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
static_assert(plain_function_handler<plain> && !plain_function_handler<awaiting>);
static_assert(!plain_function_handler<decltype([](int) { return "text"; })>);
static_assert(!plain_function_handler<decltype([](function_call) { return 7; })>);
static_assert(std::is_convertible_v<mcp_headers, mcp_header_source>);
static_assert(
    std::is_convertible_v<decltype([](mcp_header_request) -> asio::awaitable<mcp_headers> { co_return mcp_headers(); }),
                          mcp_header_source>);
static_assert(!std::is_convertible_v<decltype([](int) { return 7; }), mcp_header_source>);

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
