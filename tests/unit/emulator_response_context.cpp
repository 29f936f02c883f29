// What a response takes from its context: answers to calls, approvals, the user's message, and where the script stands.
#include "emulator/http/api_error.hpp"
#include "emulator/responses/response_context.hpp"

#include <asio/io_context.hpp>
#include <boost/test/unit_test.hpp>

#include <memory>
#include <string>
#include <vector>

namespace {

using namespace corun::emulator;

json item(const char* text) {
    return json::parse(text);
}

const json user = item(R"({"id": "u", "type": "message", "role": "user", "content": "one two"})");
const json call = item(R"({"id": "c", "type": "function_call", "call_id": "x", "name": "f"})");
const json custom = item(R"({"id": "d", "type": "custom_tool_call", "call_id": "y", "name": "g"})");
const json output = item(R"({"id": "o", "type": "function_call_output", "call_id": "x", "output": "sunny"})");
const json request =
    item(R"({"id": "r", "type": "mcp_approval_request", "name": "t", "arguments": "{}", "server_label": "l"})");
const json approval =
    item(R"({"id": "a", "type": "mcp_approval_response", "approval_request_id": "r", "approve": true})");
const json listing =
    item(R"({"id": "s", "type": "mcp_list_tools", "server_label": "l", "error": null, "tools": [{"name": "t"}]})");
const json reply = item(R"({"id": "m", "type": "message", "role": "assistant", "content": [{"text": "hello"}]})");

struct fixture {
    asio::io_context io;
    response made{item(R"({"id": "resp", "status": "in_progress", "instructions": "be brief", "output": [],
                           "tool_choice": "auto", "tools": [{"type": "function", "name": "f"}]})"),
                  io};

    fixture() {
        response_server server;
        server.label = "l";
        made.servers.push_back(server);
    }
    void add(const json& one) { made.input.add(std::make_shared<record>(one)); }
    /// The message of the error that the input gives; empty for none.
    std::string problem(const std::vector<json>& context = {}) {
        try {
            check_input(made, context);
            return {};
        } catch (const api_error& error) {
            return error.body()["error"]["message"];
        }
    }
};

BOOST_FIXTURE_TEST_CASE(accepts_outputs_of_open_calls, fixture) {
    add(output);
    BOOST_TEST(problem({user, call}) == "");
}

BOOST_FIXTURE_TEST_CASE(accepts_calls_and_outputs_in_the_input, fixture) {
    for (const auto& one : {user, call, output}) add(one);
    BOOST_TEST(problem() == "");
}

BOOST_FIXTURE_TEST_CASE(rejects_outputs_without_a_call, fixture) {
    add(output);
    BOOST_TEST(problem({user}) == "No tool call found for function call output with call_id x.");
}

BOOST_FIXTURE_TEST_CASE(rejects_calls_without_an_output, fixture) {
    add(user);
    BOOST_TEST(problem({call, custom, output}) == "No tool output found for function call y.");
}

BOOST_FIXTURE_TEST_CASE(gathers_approvals, fixture) {
    add(approval);
    BOOST_TEST(problem({user, request}) == "");
    BOOST_REQUIRE(made.approvals.size() == 1u);
    BOOST_TEST(made.approvals[0].approval == "r");
    BOOST_TEST(made.approvals[0].name == "t");
    BOOST_TEST(made.approvals[0].label == "l");
    BOOST_TEST(made.approvals[0].approved);
}

BOOST_FIXTURE_TEST_CASE(rejects_approvals_that_fit_no_request, fixture) {
    add(approval);
    BOOST_TEST(problem({user}) == "No approval request found for approval response with id 'r'.");
    BOOST_TEST(problem({request, approval}) == "The approval request with id 'r' has been answered before.");
    made.servers.clear();
    BOOST_TEST(problem({request}) ==
               "No MCP server with label 'l' is among the tools of the request that approves its call.");
}

BOOST_FIXTURE_TEST_CASE(reads_the_message_and_what_came_after_it, fixture) {
    for (const auto& one : {call, output}) add(one);
    read_context(made, {reply, user}, false);
    BOOST_TEST(made.user_message == "one two");
    BOOST_TEST(made.outputs == "sunny");
    BOOST_TEST(made.recent.size() == 2u);
    BOOST_TEST(made.input_tokens == 5u);  // instructions, reply, message
}

BOOST_FIXTURE_TEST_CASE(joins_the_outputs_of_one_round, fixture) {
    json second = output;
    second["output"] = json::parse(R"([{"type": "input_text", "text": "cold"}])");
    read_context(made, {user, call, call, output, second}, false);
    BOOST_TEST(made.outputs == "sunny\ncold");
    made.outputs.clear();
    read_context(made, {user, call, output, call, second}, false);
    BOOST_TEST(made.outputs == "cold");
    const json failed = item(R"({"type": "mcp_call", "output": null, "error": "no seat"})");
    read_context(made, {user, failed}, false);
    BOOST_TEST(made.outputs == "no seat");
}

BOOST_FIXTURE_TEST_CASE(takes_listed_tools_from_the_context, fixture) {
    read_context(made, {listing, user}, true);
    BOOST_TEST(!made.servers[0].is_listed);
    json failed = listing;
    failed["error"] = "no";
    read_context(made, {failed, user}, false);
    BOOST_TEST(!made.servers[0].is_listed);
    read_context(made, {listing, user}, false);
    BOOST_TEST(made.servers[0].is_listed);
    BOOST_TEST(made.servers[0].tool("t") != nullptr);
    BOOST_TEST(made.servers[0].tool("other") == nullptr);
}

BOOST_FIXTURE_TEST_CASE(continues_the_script_after_what_was_done, fixture) {
    const std::vector<script> scripts{
        {"", {step::call_function("f"), step::reply("between"), step::call_function("f"), step::reply("end")}}};
    const auto planned = [&](const std::vector<json>& context) {
        read_context(made, context, false);
        make_plan(made, scripts);
        return made.plan.size();
    };
    BOOST_TEST(planned({user}) == 4u);
    BOOST_TEST(planned({user, call, output}) == 3u);
    BOOST_TEST(planned({user, call, output, reply}) == 2u);
    BOOST_TEST(planned({user, call, output, reply, call, output}) == 1u);
    BOOST_TEST(planned({call, output, user}) == 4u);
}

BOOST_FIXTURE_TEST_CASE(gives_the_context_of_a_chain_or_a_conversation, fixture) {
    const auto older = std::make_shared<response>(item(R"({"id": "old", "status": "completed", "output": []})"), io);
    older->input.add(std::make_shared<record>(user));
    older->object["output"].push_back(call);
    made.previous = older;
    const auto chained = context_of(made);
    BOOST_REQUIRE(chained.size() == 2u);
    BOOST_TEST(chained[0]["id"] == "u");
    BOOST_TEST(chained[1]["id"] == "c");
    made.conversation = std::make_shared<conversation>(item(R"({"id": "conv"})"));
    made.conversation->items.add(std::make_shared<record>(reply));
    BOOST_TEST(context_of(made)[0]["id"] == "m");
}

BOOST_FIXTURE_TEST_CASE(ends_with_usage_and_joins_the_conversation, fixture) {
    made.conversation = std::make_shared<conversation>(item(R"({"id": "conv"})"));
    made.conversation->locked = true;
    made.input.add(std::make_shared<record>(user));
    made.object["output"] = json::array();
    made.object["output"].push_back(item(R"({"id": "x", "status": "in_progress"})"));
    made.input_tokens = 1;
    made.output_tokens = 2;
    made.reasoning_tokens = 4;
    made.end("completed", 9);
    BOOST_TEST(made.has_ended());
    BOOST_TEST(!made.conversation->locked);
    BOOST_TEST(made.conversation->items.items().size() == 2u);
    BOOST_TEST(made.object["completed_at"] == 9);
    BOOST_TEST(made.object["usage"]["output_tokens"] == 6);
    BOOST_TEST(made.object["usage"]["total_tokens"] == 7);
    BOOST_TEST(made.object["output"][0]["status"] == "incomplete");
}

BOOST_FIXTURE_TEST_CASE(leaves_the_conversation_alone_when_it_fails, fixture) {
    made.conversation = std::make_shared<conversation>(item(R"({"id": "conv"})"));
    made.conversation->locked = true;
    made.input.add(std::make_shared<record>(user));
    made.end("failed", 9);
    BOOST_TEST(!made.conversation->locked);
    BOOST_TEST(made.conversation->items.items().empty());
    BOOST_TEST(!made.object.contains("usage"));
}

}  // namespace
