#include "run/advice.hpp"

#include <boost/test/unit_test.hpp>

#include <string>

namespace {

using namespace corun;

function_call function(std::string name, std::string id) {
    function_call call;
    call.name = std::move(name);
    call.id = std::move(id);
    return call;
}

mcp_approval_request approval(std::string server, std::string tool, std::string id) {
    mcp_approval_request request;
    request.server_label = std::move(server);
    request.name = std::move(tool);
    request.id = std::move(id);
    return request;
}

bool has(const std::string& text, const char* part) {
    return text.find(part) != std::string::npos;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(advice)

BOOST_AUTO_TEST_CASE(functions_are_named_and_how_to_answer_them) {
    required_action action;
    action.function_calls.push_back(function("get_weather", "call_1"));
    action.function_calls.push_back(function("evil\n", ""));
    BOOST_TEST(run::unanswered_calls(action, false) ==
               "function 'get_weather' (call_1), function 'evil\\n'; answer functions with run_options::functions or "
               "on_function_call; answer by hand with event_stream::submit (see run_options::answers_by_hand)");
}

BOOST_AUTO_TEST_CASE(approvals_are_named_and_how_to_answer_them) {
    required_action action;
    action.mcp_approvals.push_back(approval("bookings", "reserve", "call_2"));
    BOOST_TEST(
        run::unanswered_calls(action, false) ==
        "tool 'reserve' of MCP server 'bookings' (call_2); decide with run_options::on_mcp_approval, or let this "
        "run call its MCP servers without approval: run_options::require_approval, or default_approval = "
        "mcp_approval::never(); answer by hand with event_stream::submit (see run_options::answers_by_hand)");
}

BOOST_AUTO_TEST_CASE(only_what_helps_is_named) {
    required_action mixed;
    mixed.function_calls.push_back(function("f", "call_1"));
    mixed.mcp_approvals.push_back(approval("bookings", "reserve", "call_2"));
    const std::string together = run::unanswered_calls(mixed, true);
    BOOST_TEST(has(together, "on_function_call"));
    BOOST_TEST(has(together, "on_mcp_approval"));
    const std::string apart = run::unanswered_calls(mixed, false);
    BOOST_TEST(!has(apart, "on_function_call"));
    BOOST_TEST(!has(apart, "on_mcp_approval"));
    BOOST_TEST(has(apart, "function 'f' (call_1), tool 'reserve' of MCP server 'bookings' (call_2)"));

    required_action strange;
    strange.type = "submit_signature";
    BOOST_TEST(
        run::unanswered_calls(strange, true).starts_with("an action of type 'submit_signature'; answer by hand"));
    strange.function_calls.push_back(function("f", "call_1"));
    strange.other_calls.emplace_back();
    strange.other_calls.back().type = "sign";
    strange.other_calls.emplace_back();
    strange.other_calls.back().type = "oauth_consent_request";
    strange.other_calls.back().id = "o";
    strange.other_calls.back().link = "https://login.example/planted-secret";
    const std::string other = run::unanswered_calls(strange, true);
    BOOST_TEST(other.find("the consent of the user (see other_call::link) (o)") != std::string::npos);
    BOOST_TEST(other.find("planted-secret") == std::string::npos);
    BOOST_TEST(has(other, "a call of type 'sign'"));
    BOOST_TEST(!has(other, "on_function_call"));
}

BOOST_AUTO_TEST_SUITE_END()
