// Who must answer a call of a response: its caller, or the service, which has done so.
#include "protocol/responses/codec.hpp"
#include "wire.hpp"
#include <corun/event.hpp>
#include <corun/run_result.hpp>

#include <boost/test/unit_test.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

using namespace corun;
using codec::event_class;
using codec::responses::classify;
using codec::responses::decoder;
using codec::responses::pending_calls;

namespace {

std::string event_of(std::string_view name, std::string_view members) {
    return R"({"type":"response.)" + std::string(name) + "\"," + std::string(members) + "}";
}
std::string created() {
    return event_of("created", R"("response":{"id":"r","status":"in_progress","output":[]})");
}
std::string done(std::string_view item) {
    return event_of("output_item.done", R"("item":)" + std::string(item));
}
std::string ended(std::string_view status, std::string_view output, std::string_view more = {}) {
    return event_of(status, R"("response":{"id":"r","status":")" + std::string(status) + R"(","output":[)" +
                                std::string(output) + "]" + std::string(more) + "}");
}

/// Whom a stream leaves to answer what.
struct outcome {
    std::optional<required_action> action;
    run_result gathered;

    [[nodiscard]] std::string calls() const {
        std::string ids;
        if (!action) return ids;
        for (const auto& each : action->function_calls) ids += each.id + " ";
        for (const auto& each : action->mcp_approvals) ids += each.id + " ";
        for (const auto& each : action->other_calls) ids += each.id + " ";
        return ids;
    }
};

/// All that decide must agree: the class of the last event, the event, and the action that the run learns of.
outcome run(const std::vector<std::string>& stream) {
    outcome got;
    decoder of_run;
    pending_calls seen;
    for (const std::string& data : stream) {
        seen.observe({}, data);
        const event_class kind = classify({}, data, seen);
        const test::decoded result = test::decode(of_run, {}, data);
        BOOST_REQUIRE(!result.code);
        for (const event& each : result.events) got.gathered.apply(each);
        if (&data != &stream.back()) {
            BOOST_TEST((kind == event_class::ordinary));
            continue;
        }
        const auto* waits = result.events.back().get_if<events::action_required>();
        BOOST_TEST((kind == (waits != nullptr ? event_class::action : event_class::last)));
        const auto left = codec::responses::action_left_by({}, data, seen);
        BOOST_TEST(left.has_value() == (waits != nullptr));
        if (waits == nullptr) continue;
        got.action = waits->action;
        BOOST_TEST(left->raw == got.action->raw);
    }
    return got;
}

/// The ids of the calls that a completed response with these items leaves; the same if the items come in the stream
/// alone.
std::string left(const std::vector<std::string>& items, std::string_view more = {}) {
    std::string output;
    std::vector<std::string> listed{created()}, streamed{created()};
    for (const std::string& each : items) {
        output += (output.empty() ? "" : ",") + each;
        streamed.push_back(done(each));
    }
    listed.push_back(ended("completed", output, more));
    streamed.push_back(ended("completed", "", more));
    const std::string by_list = run(listed).calls();
    BOOST_TEST_INFO_SCOPE(output);
    BOOST_TEST(run(streamed).calls() == by_list);
    return by_list;
}

const std::string function = R"({"id":"f","type":"function_call","call_id":"c1","name":"book","arguments":"{}"})";
const std::string custom = R"({"id":"x","type":"custom_tool_call","call_id":"c2","name":"seat_search","input":"14A"})";
const std::string approval = R"({"id":"a","type":"mcp_approval_request","name":"book","server_label":"s"})";
const std::string consent =
    R"({"id":"o","type":"oauth_consent_request","consent_link":"https://login.example/1","server_label":"s"})";
const std::string spoken =
    R"({"id":"m","type":"message","role":"assistant","content":[{"type":"output_text","text":"Seat 14A is free."}]})";
const std::string silent = R"({"id":"m","type":"message","role":"assistant","content":[]})";
const std::string thought = R"({"id":"t","type":"reasoning","summary":[]})";

std::string call(std::string_view type, std::string_view more = {}) {
    return R"({"id":"i","type":")" + std::string(type) + R"(","call_id":"c","status":"completed")" + std::string(more) +
           "}";
}

}  // namespace

BOOST_AUTO_TEST_SUITE(responses_pending)

BOOST_AUTO_TEST_CASE(each_type_has_its_own_who_answers_it) {
    for (const char* type :
         {"function_call", "custom_tool_call", "computer_call", "local_shell_call", "shell_call", "apply_patch_call"})
        BOOST_TEST(left({call(type)}) == "c ", type);
    BOOST_TEST(left({approval}) == "a ");
    BOOST_TEST(left({consent}) == "o ");
    for (const char* type :
         {"web_search_call", "file_search_call", "code_interpreter_call", "image_generation_call", "mcp_call",
          "tool_search_call", "memory_search_call", "azure_function_call", "a2a_preview_call", "some_future_call"})
        BOOST_TEST(left({call(type)}) == "", type);
    for (const char* type : {"message", "reasoning", "mcp_list_tools", "compaction", "structured_outputs"})
        BOOST_TEST(left({call(type)}) == "", type);
}

BOOST_AUTO_TEST_CASE(a_call_may_say_who_carries_it_out) {
    for (const char* type : {"tool_search_call", "some_future_call", "custom_tool_call", "function_call"}) {
        BOOST_TEST(left({call(type, R"(,"execution":"client")")}) == "c ", type);
        BOOST_TEST(left({call(type, R"(,"execution":"server")")}) == "", type);
    }
    // As who runs the shell.
    BOOST_TEST(left({call("shell_call", R"(,"environment":{"type":"local"})")}) == "c ");
    BOOST_TEST(left({call("shell_call", R"(,"environment":null)")}) == "c ");
    BOOST_TEST(left({call("shell_call", R"(,"environment":{"type":"container_reference","container_id":"k"})")}) == "");
    // A message does not answer what is the caller's by its own word.
    BOOST_TEST(left({call("custom_tool_call", R"(,"execution":"client")"), spoken}) == "c ");
    // One that carries its output has been carried out.
    BOOST_TEST(left({call("custom_tool_call", R"(,"output":"14A")")}) == "");
    BOOST_TEST(left({call("shell_call", R"(,"output":[{"stdout":"14A"}])")}) == "");
    BOOST_TEST(left({call("function_call", R"(,"output":null)")}) == "c ");
    BOOST_TEST(left({call("function_call", R"(,"output":"")")}) == "c ");
}

BOOST_AUTO_TEST_CASE(an_output_in_the_same_response_answers_its_call) {
    for (const char* type :
         {"function_call", "custom_tool_call", "computer_call", "local_shell_call", "shell_call", "apply_patch_call"}) {
        const std::string output = std::string(type) + "_output";
        BOOST_TEST(left({call(type), call(output)}) == "", type);
        BOOST_TEST(left({call(output), call(type)}) == "", type);
        BOOST_TEST(left({call(type), R"({"type":")" + output + R"(","call_id":"other"})"}) == "c ", type);
        // By the item's id, or by nothing.
        BOOST_TEST(left({call(type), R"({"type":")" + output + R"(","call_id":"i"})"}) == "", type);
        BOOST_TEST(left({call(type), R"({"type":")" + output + R"(","output":"14A"})"}) == "", type);
    }
    BOOST_TEST(left({call("tool_search_call", R"(,"execution":"client")"), call("tool_search_output")}) == "");
    BOOST_TEST(left({approval, R"({"type":"mcp_approval_response","approval_request_id":"a","approve":true})"}) == "");
    BOOST_TEST(left({approval, R"({"type":"mcp_call","id":"k","approval_request_id":"a"})"}) == "");
    BOOST_TEST(left({function, custom, R"({"type":"custom_tool_call_output","call_id":"c2"})"}) == "c1 ");
}

BOOST_AUTO_TEST_CASE(a_later_item_for_the_same_call_shows_that_it_was_carried_out) {
    BOOST_TEST(left({call("custom_tool_call"), call("web_search_call")}) == "");
    BOOST_TEST(left({call("function_call"), call("function_result")}) == "");
    BOOST_TEST(left({call("function_call"), call("web_search_call", R"(,"x":1)")}) == "");
    // The same call twice is one call.
    BOOST_TEST(left({call("function_call"), call("function_call")}) == "c ");
}

BOOST_AUTO_TEST_CASE(a_message_shows_that_the_service_has_carried_out_a_tool_of_its_own) {
    BOOST_TEST(left({custom, spoken}) == "");
    BOOST_TEST(left({custom, thought, spoken}) == "");
    BOOST_TEST(left({custom, call("custom_tool_call"), spoken}) == "");
    BOOST_TEST(left({spoken, custom}) == "c2 ");
    BOOST_TEST(left({custom, spoken, call("custom_tool_call")}) == "c ");
    BOOST_TEST(left({custom, silent}) == "c2 ");
    BOOST_TEST(left({custom, thought}) == "c2 ");
    // What the caller has declared is the caller's: some services put the message last.
    BOOST_TEST(left({custom, spoken}, R"(,"tools":[{"type":"custom","name":"seat_search"}])") == "c2 ");
    BOOST_TEST(left({custom, spoken}, R"(,"tools":[{"type":"x_search"},{"type":"custom","name":"other"}])") == "");
    BOOST_TEST(left({function, spoken}) == "c1 ");
    BOOST_TEST(left({approval, spoken}) == "a ");
    BOOST_TEST(left({call("shell_call"), spoken}) == "c ");
    const outcome got = run({created(), done(custom), done(spoken), ended("completed", custom + "," + spoken)});
    BOOST_TEST(got.gathered.text() == "Seat 14A is free.");
    BOOST_TEST((got.gathered.status == run_state::completed));
    BOOST_TEST(got.gathered.tool_calls().size() == 1u);
}

BOOST_AUTO_TEST_CASE(a_list_that_leaves_out_a_call_does_not_answer_it) {
    BOOST_TEST(run({created(), done(spoken), done(function), ended("completed", spoken)}).calls() == "c1 ");
    BOOST_TEST(run({created(), done(approval), ended("completed", spoken)}).calls() == "a ");
    BOOST_TEST(run({created(), done(custom), done(spoken), ended("completed", spoken)}).calls() == "");
    BOOST_TEST(
        run({created(), done(function), done(call("function_call_output")), ended("completed", spoken)}).calls() ==
        "c1 ");
    BOOST_TEST(
        run({created(), done(call("function_call")), done(call("function_call_output")), ended("completed", spoken)})
            .calls() == "");
    BOOST_TEST(
        run({created(), done(call("function_call")), ended("completed", call("function_call_output"))}).calls() == "");
    // Of a type that it has, the list counts.
    BOOST_TEST(run({created(), done(call("function_call")), ended("completed", function)}).calls() == "c1 ");
}

/// Its arguments come in pieces, or it is whole when it begins.
BOOST_AUTO_TEST_CASE(an_item_without_a_text_counts_from_its_announcement) {
    const auto announced = [](std::string_view item) {
        return event_of("output_item.added", R"("item":)" + std::string(item));
    };
    BOOST_TEST(run({created(), announced(approval), ended("completed", "")}).calls() == "a ");
    BOOST_TEST(run({created(), announced(approval), done(approval), ended("completed", "")}).calls() == "a ");
    BOOST_TEST(run({created(), announced(call("computer_call")), ended("completed", "")}).calls() == "c ");
    BOOST_TEST(run({created(), announced(function), ended("completed", "")}).calls() == "");
    BOOST_TEST(
        run({created(), announced(R"({"type":"mcp_approval_request","name":"n"})"), ended("completed", "")}).calls() ==
        "");
    const outcome got = run({created(), announced(R"({"id":"i","type":"computer_call","call_id":"c"})"),
                             done(call("computer_call", R"(,"action":"click")")), ended("completed", "")});
    BOOST_REQUIRE(got.action);
    BOOST_TEST(got.action->raw.find("click") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_search_for_tools_may_be_the_callers) {
    const outcome got = run({created(), ended("completed", call("tool_search_call", R"(,"execution":"client")"))});
    BOOST_REQUIRE(got.action);
    BOOST_TEST(got.action->type == "tool_search_call");
    BOOST_TEST(got.action->other_calls.at(0).type == "tool_search_call");
    BOOST_TEST(got.action->other_calls.at(0).link == "");
}

BOOST_AUTO_TEST_CASE(a_consent_is_an_action_with_its_link_however_the_response_ends) {
    const std::string asked =
        event_of("oauth_consent_requested", R"("id":"o","consent_link":"https://login.example/1","server_label":"s")");
    const std::string announced = event_of("output_item.added", R"("output_index":0,"item":)" + consent);
    const std::vector<std::vector<std::string>> streams{
        {created(), announced, asked, done(consent), ended("incomplete", consent)},
        {created(), ended("incomplete", consent)},
        {created(), done(consent), ended("incomplete", "")},
        {created(), asked, ended("incomplete", "")},
        {created(), asked, ended("incomplete", spoken, R"(,"incomplete_details":{"reason":"consent"})")},
        {created(), asked, event_of("incomplete", R"("response":{"id":"r","output":[]})")},
        {created(), asked, event_of("incomplete", R"("response":null)")},
        {created(), announced, asked, done(consent), ended("completed", consent)},
        {created(), asked, ended("completed", spoken)},
        {created(), done(consent), ended("completed", "")},
    };
    for (const auto& stream : streams) {
        std::string shown;
        for (const std::string& each : stream) shown += each + "\n";
        BOOST_TEST_INFO_SCOPE(shown);
        const outcome got = run(stream);
        BOOST_REQUIRE(got.action);
        BOOST_TEST(got.action->type == "oauth_consent_request");
        BOOST_REQUIRE_EQUAL(got.action->other_calls.size(), 1u);
        BOOST_TEST(got.action->other_calls[0].id == "o");
        BOOST_TEST(got.action->other_calls[0].link == "https://login.example/1");
        BOOST_TEST((got.gathered.status == run_state::requires_action));
    }
    // What stopped short otherwise waits for nobody.
    BOOST_TEST(run({created(), done(function), ended("incomplete", function)}).calls() == "");
    BOOST_TEST(run({created(), done(consent), ended("failed", consent, R"(,"error":{"code":"c"})")}).calls() == "");
    BOOST_TEST(
        (codec::responses::decode_response(R"({"id":"r","status":"incomplete","output":[)" + consent + "]}").status ==
         run_state::requires_action));
}

BOOST_AUTO_TEST_SUITE_END()
