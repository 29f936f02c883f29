// What g++ 12 asks of types that pass through co_await, and what the documentation promises of moves and copies.
#include <corun/corun.hpp>

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace {

/// g++ 12 destroys an aggregate temporary in a co_await expression twice.
template <class... T>
inline constexpr bool none_is_an_aggregate = (!std::is_aggregate_v<T> && ...);

static_assert(
    none_is_an_aggregate<
        // given
        corun::secret, corun::header, corun::headers, corun::mcp_headers, corun::content_block, corun::attachment,
        corun::message, corun::mcp_tool, corun::function_tool, corun::json_tool, corun::tool, corun::mcp_approval,
        corun::mcp_tool_resource, corun::tool_resources, corun::client_options, corun::run_options, corun::list_options,
        corun::credential, corun::ranking_options, corun::bing_search, corun::openapi_auth, corun::storage_queue,
        corun::azure_ai_search_index, corun::tool_choice, corun::response_format, corun::truncation_strategy,
        corun::file_upload, corun::static_chunking, corun::vector_store_data_source, corun::vector_store_definition,
        corun::access_token, corun::token_provider, corun::identity_options, corun::oauth_client, corun::local_function,
        corun::mcp_header_request, corun::mcp_header_source, corun::observer, corun::json_text,
        corun::mcp_server_headers, corun::prompt_mcp_tool, corun::prompt_agent_definition, corun::structured_input,
        corun::tool_output, corun::tool_approval, corun::submission, corun::call_output, corun::safety_check,
        corun::computer_screenshot, corun::command_result, corun::shell_output, corun::patch_result,
        corun::approval_decision, corun::reasoning, corun::context_management, corun::prompt_cache_options,
        corun::moderation, corun::model_input, corun::prompt_tools::grammar, corun::prompt_tools::web_search_options>);
static_assert(none_is_an_aggregate<
              // received
              corun::usage, corun::last_error, corun::text_annotation, corun::message_content, corun::thread_message,
              corun::function_call, corun::mcp_approval_request, corun::required_action, corun::other_call,
              corun::events::run_restarted, corun::thread_run, corun::tool_call, corun::code_interpreter_output,
              corun::file_search_result, corun::browser_automation_step, corun::mcp_tool_info, corun::mcp_tool_list,
              corun::run_step, corun::agent_definition, corun::thread_definition, corun::run_result,
              corun::reconcile_report, corun::reconcile_report::line, corun::file_info, corun::file_counts,
              corun::vector_store_info, corun::vector_store_file, corun::vector_store_batch, corun::compacted_response,
              corun::response_item, corun::diagnostics, corun::error, corun::run_error,
              corun::paged<corun::agent>::page, corun::request_record, corun::run_record, corun::retry_record,
              corun::reattach_record, corun::submit_record, corun::wire_message, corun::events::reattached>);
static_assert(none_is_an_aggregate<corun::client, corun::agent, corun::agent_thread, corun::vector_store,
                                   corun::event_stream, corun::paged<corun::agent>, corun::event>);

/// Destroying these twice does nothing, so they can be aggregates.
template <class... T>
inline constexpr bool all_are_harmless_aggregates = ((std::is_aggregate_v<T> &&
                                                      std::is_trivially_destructible_v<T>)&&...);
static_assert(all_are_harmless_aggregates<corun::reconcile_policy, corun::retry_policy, corun::reattach_policy>);

template <class Variant>
inline constexpr bool no_alternative_is_an_aggregate = false;
template <class... T>
inline constexpr bool no_alternative_is_an_aggregate<std::variant<T...>> = none_is_an_aggregate<T...>;
template <class... T>
inline constexpr bool no_alternative_is_an_aggregate<corun::detail::body_list<T...>> = none_is_an_aggregate<T...>;
static_assert(no_alternative_is_an_aggregate<corun::event::body_types>);
static_assert(no_alternative_is_an_aggregate<corun::tool>);

/// Queues and containers hold them in thousands.
static_assert(sizeof(corun::event) <= 128);

/// Moving in queues and vectors must not fail, nor copy.
template <class... T>
inline constexpr bool all_move_without_throwing = ((std::is_nothrow_move_constructible_v<T> &&
                                                    std::is_nothrow_move_assignable_v<T>)&&...);

static_assert(all_move_without_throwing<corun::secret, corun::header, corun::headers, corun::event, corun::event_stream,
                                        corun::client, corun::agent, corun::agent_thread, corun::vector_store,
                                        corun::credential>);
static_assert(all_move_without_throwing<corun::message, corun::tool_resources, corun::diagnostics, corun::thread_run>);

// A stream has one reader. Handles and values are copied freely; events may be kept.
static_assert(!std::is_copy_constructible_v<corun::event_stream> && !std::is_copy_assignable_v<corun::event_stream>);
static_assert(std::is_copy_constructible_v<corun::client> && std::is_copy_constructible_v<corun::agent> &&
              std::is_copy_constructible_v<corun::agent_thread> && std::is_copy_constructible_v<corun::event> &&
              std::is_copy_constructible_v<corun::mcp_headers> && std::is_copy_constructible_v<corun::run_result>);

// Exceptions are copied while others are in flight.
static_assert(std::is_nothrow_copy_constructible_v<corun::error> &&
              std::is_nothrow_copy_constructible_v<corun::run_error>);
static_assert(std::is_base_of_v<std::system_error, corun::error> && std::is_base_of_v<corun::error, corun::run_error>);

// A secret comes in from any text, and goes out by reveal() alone.
static_assert(std::is_convertible_v<std::string, corun::secret> && std::is_convertible_v<const char*, corun::secret>);
static_assert(!std::is_convertible_v<corun::secret, std::string> &&
              !std::is_convertible_v<corun::secret, std::string_view>);

static_assert(std::string_view(CORUN_VERSION) == CORUN_VERSION_CHECK, "version.hpp says what meson.build says");

// Options without headers, and braces that mean no headers or headers, never options.
template <class... Arguments>
concept runs = requires(corun::agent a, corun::agent_thread t, Arguments... arguments) {
    a.run_stream("Hello", arguments...);
    a.run_stream(t, "Hello", arguments...);
    a.run("Hello", arguments...);
    a.run(t, "Hello", arguments...);
    a.create_run("Hello", arguments...);
    a.create_run(t, "Hello", arguments...);
};
static_assert(runs<corun::run_options> && runs<const corun::run_options&> && runs<corun::run_options&>);
static_assert(runs<corun::mcp_headers> && runs<corun::mcp_headers, corun::run_options> && runs<>);
static_assert(!runs<corun::client_options> && !runs<corun::run_options, corun::run_options> && !runs<int>);
template <class Agent>
concept reads_braces = requires(Agent a, corun::agent_thread t) {
    a.run_stream("Hello", {});
    a.run_stream("Hello", {}, {});
    a.run_stream(t, "Hello", {});
    a.run("Hello", {});
    a.create_run("Hello", {});
    a.run_stream("Hello", {{"bookings", {{"Authorization", "..."}}}});
    a.run_stream("Hello", {{"bookings", {{"Authorization", "..."}}}, {"weather", {{"X-Api-Key", "k"}, {"B", "2"}}}});
    a.run_stream(t, "Hello", {{"a", {{"A", "1"}}}, {"b", {{"B", "2"}}}, {"c", {{"C", "3"}}}}, corun::run_options());
    a.run("Hello", {{"a", {{"A", "1"}}}, {"b", {{"B", "2"}}}, {"c", {{"C", "3"}}}, {"d", {{"D", "4"}}}});
};
static_assert(reads_braces<corun::agent>);

// The calls of the README.
static_assert(std::is_constructible_v<corun::message, const char*> &&
              std::is_convertible_v<const char*, corun::message>);
using run_stream_type = asio::awaitable<corun::event_stream>;
static_assert(std::is_same_v<decltype(std::declval<corun::agent&>().run_stream("Hello")), run_stream_type>);
static_assert(std::is_same_v<decltype(std::declval<corun::agent&>().run_stream(
                                 "Hello", std::declval<corun::mcp_headers>(), std::declval<corun::run_options>())),
                             run_stream_type>);
static_assert(std::is_same_v<decltype(std::declval<corun::agent&>().run_stream(
                                 std::declval<corun::agent_thread>(), "Hello", std::declval<corun::mcp_headers>())),
                             run_stream_type>);
static_assert(std::is_same_v<decltype(std::declval<corun::event_stream&>().next()),
                             asio::awaitable<std::optional<corun::event>>>);

}  // namespace

BOOST_AUTO_TEST_SUITE(public_types)

BOOST_AUTO_TEST_CASE(headers_are_written_in_braces_without_an_initializer_list) {
    const corun::headers two{{"A", "1"}, {"B", "2"}};
    const corun::mcp_headers servers("label", {{"A", "1"}, {"B", "2"}, {"C", "3"}});
    BOOST_TEST(two.size() == 2u);
    BOOST_TEST(servers.find("label")->size() == 3u);
}

BOOST_AUTO_TEST_CASE(headers_of_several_servers_are_one_expression) {
    const corun::mcp_headers two{{"a", {{"A", "1"}}}, {"b", {{"B", "2"}, {"C", "3"}}}};
    BOOST_TEST(two.size() == 2u);
    BOOST_TEST(two.find("b")->size() == 2u);
    const corun::mcp_headers three{{"a", {{"A", "1"}}}, {"b", {{"B", "2"}}}, {"c", {{"C", "3"}}}};
    BOOST_TEST((three.labels() == std::vector<std::string>{"a", "b", "c"}));
    const corun::mcp_header_source four{
        {"a", {{"A", "1"}}}, {"b", {{"B", "2"}}}, {"c", {{"C", "3"}}}, {"d", {{"D", "4"}}}};
    BOOST_TEST((four.fixed().labels() == std::vector<std::string>{"a", "b", "c", "d"}));
    BOOST_TEST(four.fixed().find("d")->find("D")->reveal() == "4");
}

BOOST_AUTO_TEST_CASE(policies_take_designated_initializers) {
    corun::run_options options;
    options.retry = {.max_retries = 0};
    options.reattach = {.mark_runs = true};
    options.reconcile = {.ephemeral_agent = true, .polling = true};
    BOOST_TEST(options.retry->max_retries == 0);
    BOOST_TEST((options.retry->first_delay == std::chrono::milliseconds(500)));
    BOOST_TEST(options.reattach->mark_runs);
    BOOST_TEST(options.reattach->enabled);
    BOOST_TEST(options.reconcile.ephemeral_agent);
    BOOST_TEST(options.reconcile.polling);
    BOOST_TEST(!options.reconcile.approval_headers);
}

BOOST_AUTO_TEST_SUITE_END()
