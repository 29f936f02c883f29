// The items of the Responses protocol that are no messages: each is shown as what it is, and its content comes once.
#include "protocol/responses/codec.hpp"
#include "protocol/responses/replay.hpp"
#include "protocol/threads/codec.hpp"
#include "wire.hpp"
#include <corun/error.hpp>
#include <corun/event.hpp>
#include <corun/run_result.hpp>

#include <boost/test/unit_test.hpp>

#include <cstdint>
#include <map>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

using namespace corun;
using codec::responses::decoder;
using codec::responses::replay;

namespace {

/// Takes the events of a run, and refuses those that are not understood.
class run {
public:
    explicit run(const std::vector<std::string>& stream) {
        take(R"({"type":"response.created","response":{"id":"r","status":"in_progress","output":[]}})");
        for (const std::string& each : stream) take(each);
    }

    void take(const std::string& data, std::string_view name = {}) {
        test::decoded result = test::decode(*decoder_, name, data);
        if (result.code) throw std::runtime_error(result.problem);
        for (event& each : result.events) {
            BOOST_TEST(each.problem().empty(), data << " " << each.problem());
            BOOST_TEST(!each.get_if<events::unknown>(), data);
            replay_.delivered(each);
            gathered.apply(each);
            events.push_back(std::move(each));
        }
    }
    /// The connection is lost, and the response is read.
    run& read(const std::string& output) {
        const std::string response = R"({"id":"r","status":"completed","output":[)" + output + "]}";
        for (const codec::replayed_event& each : replay_.events_of(response, decoder_->items()))
            take(each.data, each.name);
        return *this;
    }
    run& complete(const std::string& output = {}) {
        take(R"({"type":"response.completed","response":{"id":"r","status":"completed","output":[)" + output + "]}}");
        return *this;
    }

    template <class Body>
    [[nodiscard]] std::vector<const Body*> all() const {
        std::vector<const Body*> found;
        for (const event& each : events)
            if (const auto* body = each.get_if<Body>()) found.push_back(body);
        return found;
    }
    template <class Body>
    [[nodiscard]] const Body& last() const {
        const std::vector<const Body*> found = all<Body>();
        if (found.empty()) throw std::runtime_error("no such event");
        return *found.back();
    }
    /// What the deltas of the shell brought, by command.
    [[nodiscard]] std::map<std::string, std::string> pieces() const {
        std::map<std::string, std::string> texts;
        const auto add = [&texts](const char* kind, std::int32_t command, std::string_view piece) {
            if (!piece.empty()) texts[kind + std::to_string(command)] += piece;
        };
        for (const auto* each : all<events::tool_call_delta>()) {
            add("command ", each->output_index, each->arguments);
            add("stdout ", each->output_index, each->output);
            add("stderr ", each->output_index, each->error_output);
            BOOST_TEST(each->type == "shell");
        }
        return texts;
    }

    std::vector<event> events;
    run_result gathered;

private:
    std::shared_ptr<decoder> decoder_ = std::make_shared<decoder>();
    replay replay_;
};

std::string say(std::string_view name, std::string_view members) {
    return R"({"type":"response.)" + std::string(name) + "\"," + std::string(members) + "}";
}
std::string item_event(std::string_view name, int index, std::string_view item) {
    return say(name, R"("output_index":)" + std::to_string(index) + R"(,"item":)" + std::string(item));
}
std::string added(int index, std::string_view item) {
    return item_event("output_item.added", index, item);
}
std::string done(int index, std::string_view item) {
    return item_event("output_item.done", index, item);
}

const std::string shell_begun =
    R"({"id":"sh","type":"shell_call","call_id":"c","status":"in_progress","action":{"commands":[]},"environment":{"type":"container_reference","container_id":"k"}})";
const std::string shell =
    R"({"id":"sh","type":"shell_call","call_id":"c","status":"completed","action":{"commands":["ls","cat gate"],"timeout_ms":null},"environment":{"type":"container_reference","container_id":"k"}})";
const std::string shell_output_begun =
    R"({"id":"so","type":"shell_call_output","call_id":"c","status":"in_progress","output":[]})";
const std::string shell_result =
    R"({"id":"so","type":"shell_call_output","call_id":"c","status":"completed","output":[{"stdout":"gate\n","stderr":"","outcome":{"type":"exit","exit_code":0}},{"stdout":"B7","stderr":"late","outcome":{"type":"timeout"}}]})";

std::string command(std::string_view name, std::string_view member, int index, std::string_view text) {
    return say("shell_call_command." + std::string(name), R"("output_index":0,"command_index":)" +
                                                              std::to_string(index) + ",\"" + std::string(member) +
                                                              R"(":")" + std::string(text) + "\"");
}
std::string written(std::string_view where, int command, std::string_view delta) {
    return say("shell_call_output_content.delta", std::string(where) + R"("command_index":)" + std::to_string(command) +
                                                      R"(,"delta":)" + std::string(delta));
}
std::string all_written(std::string_view where, int command, std::string_view output) {
    return say("shell_call_output_content.done", std::string(where) + R"("command_index":)" + std::to_string(command) +
                                                     R"(,"output":[)" + std::string(output) + "]");
}

/// What every run with that shell call must come to.
void check_shell(const run& got) {
    BOOST_REQUIRE_EQUAL(got.gathered.steps.size(), 1u);
    BOOST_REQUIRE_EQUAL(got.gathered.tool_calls().size(), 1u);
    const tool_call call = got.gathered.tool_calls()[0];
    BOOST_TEST(call.id == "c");
    BOOST_TEST(call.type == "shell");
    BOOST_TEST((call.commands == std::vector<std::string>{"ls", "cat gate"}));
    BOOST_TEST(call.output.value() == "gate\nB7late");
    BOOST_REQUIRE_EQUAL(call.command_results.size(), 2u);
    BOOST_TEST(call.command_results[0].exit_code.value() == 0);
    BOOST_TEST(call.command_results[1].standard_output == "B7");
    BOOST_TEST(call.command_results[1].standard_error == "late");
    BOOST_TEST(!call.command_results[1].exit_code);
    const std::map<std::string, std::string> expected{{"command 0", "ls"},
                                                      {"command 1", "cat gate"},
                                                      {"stdout 0", "gate\n"},
                                                      {"stdout 1", "B7"},
                                                      {"stderr 1", "late"}};
    BOOST_TEST((got.pieces() == expected));
    BOOST_TEST(!got.all<events::action_required>().size());
    for (const auto* each : got.all<events::tool_call_delta>()) BOOST_TEST(each->step_id == got.gathered.steps[0].id);
}

constexpr const char* where_output = R"("item_id":"so","output_index":1,)";

}  // namespace

BOOST_AUTO_TEST_SUITE(responses_items)

BOOST_AUTO_TEST_CASE(a_shell_s_commands_and_what_they_write_come_as_they_are_written) {
    check_shell(
        run({added(0, shell_begun), command("added", "command", 0, ""), command("delta", "delta", 0, "l"),
             command("delta", "delta", 0, "s"), command("done", "command", 0, "ls"), command("added", "command", 1, ""),
             command("delta", "delta", 1, "cat gate"), command("done", "command", 1, "cat gate"), done(0, shell),
             added(1, shell_output_begun), written(where_output, 0, R"({"stdout":"gate\n"})"),
             all_written(where_output, 0, R"({"stdout":"gate\n","stderr":"","outcome":{"type":"exit","exit_code":0}})"),
             written(where_output, 1, R"({"stdout":"B7"})"), written(where_output, 1, R"({"stderr":"la"})"),
             written(where_output, 1, R"({"stderr":"te"})"), done(1, shell_result)})
            .complete(shell + "," + shell_result));
}

BOOST_AUTO_TEST_CASE(what_only_a_whole_shows_of_a_shell_is_delivered) {
    const std::string both = shell + "," + shell_result;
    // The commands and outputs as wholes, the items as wholes, the last list alone, a response that is read again.
    check_shell(run({added(0, shell_begun), command("added", "command", 0, "ls"), command("done", "command", 0, "ls"),
                     command("done", "command", 1, "cat gate"), done(0, shell),
                     all_written(where_output, 0, R"({"stdout":"gate\n","stderr":""})"),
                     all_written(where_output, 1, R"({"stdout":"B7","stderr":"late"})"), done(1, shell_result)})
                    .complete(both));
    check_shell(run({added(0, shell_begun), done(0, shell), added(1, shell_output_begun), done(1, shell_result)})
                    .complete(both));
    check_shell(run({added(0, shell_begun), done(0, shell), done(1, shell_result)}).complete());
    check_shell(run({}).complete(both));
    check_shell(run({}).read(both));
    check_shell(run({added(0, shell_begun), command("delta", "delta", 0, "ls"), command("delta", "delta", 1, "cat")})
                    .read(both));
    check_shell(
        run({done(0, shell), added(1, shell_output_begun), written(where_output, 0, R"({"stdout":"ga"})")}).read(both));
}

BOOST_AUTO_TEST_CASE(an_output_finds_its_call_whatever_names_it) {
    // No id; nothing; the call's id and place, or one of them; a new id.
    for (const std::string_view where :
         {R"("output_index":1,)", "", R"("item_id":"sh","output_index":0,)", R"("item_id":"sh",)",
          R"("output_index":0,)", R"("item_id":"new","output_index":1,)"})
        for (const bool announced : {true, false}) {
            BOOST_TEST_INFO_SCOPE(where << " " << announced);
            std::vector<std::string> stream{done(0, shell)};
            if (announced) stream.push_back(added(1, shell_output_begun));
            for (const std::string& each :
                 {written(where, 0, R"({"stdout":"gate\n","stderr":""})"), written(where, 1, R"({"stdout":"B7"})"),
                  written(where, 1, R"({"stderr":"late"})"), done(1, shell_result)})
                stream.push_back(each);
            check_shell(run(stream).complete(shell + "," + shell_result));
        }
}

BOOST_AUTO_TEST_CASE(an_output_is_shown_with_its_call) {
    struct {
        std::string_view call, output, type, arguments, shown;
    } const rows[] = {
        {R"({"id":"a","type":"function_call","call_id":"c","name":"f","arguments":"{}"})",
         R"({"id":"b","type":"function_call_output","call_id":"c","output":"12"})", "function", "{}", "12"},
        {R"({"id":"a","type":"bing_grounding_call","call_id":"c","name":"f","arguments":"{\"q\":1}"})",
         R"({"id":"b","type":"bing_grounding_call_output","call_id":"c","output":{"hits":1}})", "bing_grounding",
         R"({"q":1})", R"({"hits":1})"},
        {R"({"id":"a","type":"azure_ai_search_call","call_id":"c","name":"f","arguments":"x"})",
         R"({"id":"b","type":"azure_ai_search_call_output","call_id":"c","output":"found"})", "azure_ai_search", "x",
         "found"},
        {R"({"id":"a","type":"program","call_id":"c","code":"f;","fingerprint":"p","name":"f"})",
         R"({"id":"b","type":"program_output","call_id":"c","result":"3","status":"completed"})", "program", "f;", "3"},
        {R"({"id":"a","type":"tool_search_call","call_id":"c","execution":"server","arguments":{"q":1},"name":"f"})",
         R"({"id":"b","type":"tool_search_output","call_id":"c","execution":"server","tools":[{"type":"function"}]})",
         "tool_search", R"({"q":1})", R"([{"type":"function"}])"},
        {R"({"id":"a","type":"apply_patch_call","call_id":"c","operation":{"type":"delete_file"},"name":"f"})",
         R"({"id":"b","type":"apply_patch_call_output","call_id":"c","status":"completed","output":"gone"})",
         "apply_patch", R"({"type":"delete_file"})", "gone"},
        {R"({"id":"a","type":"new_thing_call","call_id":"c","name":"f","arguments":"x"})",
         R"({"id":"b","type":"new_thing_call_output","call_id":"c","output":"y"})", "new_thing", "x", "y"},
    };
    for (const auto& row : rows) {
        BOOST_TEST_INFO_SCOPE(row.call);
        const std::string both = std::string(row.call) + "," + std::string(row.output);
        for (const run& got :
             {run({added(0, row.call), done(0, row.call), added(1, row.output), done(1, row.output)}).complete(both),
              run({done(0, row.call), done(1, row.output)}).complete(), run({}).complete(both)}) {
            BOOST_TEST(got.gathered.steps.size() == 1u);
            const run_step& step = got.last<events::step_completed>().step;
            BOOST_TEST(step.id == "a");
            BOOST_TEST(step.status == "completed");
            BOOST_REQUIRE_EQUAL(step.tool_calls.size(), 1u);
            BOOST_TEST(step.tool_calls[0].id == "c");
            BOOST_TEST(step.tool_calls[0].type == row.type);
            BOOST_TEST(step.tool_calls[0].name == "f");
            BOOST_TEST(step.tool_calls[0].arguments == row.arguments);
            BOOST_TEST(step.tool_calls[0].output.value() == row.shown);
            BOOST_TEST(!got.all<events::action_required>().size());
        }
        // The call was in an earlier response.
        const run alone = run({done(0, row.output)}).complete();
        BOOST_TEST(alone.gathered.tool_calls().at(0).id == "c");
        BOOST_TEST(alone.gathered.tool_calls()[0].type == row.type);
        BOOST_TEST(alone.gathered.tool_calls()[0].output.value() == row.shown);
    }
}

BOOST_AUTO_TEST_CASE(two_calls_of_one_type_keep_their_outputs_apart) {
    const auto call = [](std::string_view id) {
        return R"({"id":"f)" + std::string(id) + R"(","type":"openapi_call","call_id":")" + std::string(id) +
               R"(","name":"f","arguments":"{}"})";
    };
    const auto output = [](std::string_view id) {
        return R"({"id":"o)" + std::string(id) + R"(","type":"openapi_call_output","call_id":")" + std::string(id) +
               R"(","output":"for )" + std::string(id) + "\"}";
    };
    const run got = run({done(0, call("1")), done(1, call("2")), done(2, output("1")), done(3, output("2"))});
    BOOST_REQUIRE_EQUAL(got.gathered.tool_calls().size(), 2u);
    BOOST_TEST(got.gathered.tool_calls()[0].output.value() == "for 1");
    BOOST_TEST(got.gathered.tool_calls()[1].output.value() == "for 2");
}

BOOST_AUTO_TEST_CASE(every_other_item_is_a_step_of_its_own_type) {
    for (const std::string_view type : {"reasoning", "compaction", "structured_outputs", "workflow_action",
                                        "additional_tools", "configuration_update", "agent_message", "of_tomorrow"}) {
        BOOST_TEST_INFO_SCOPE(type);
        const std::string source = R"({"id":"i","type":")" + std::string(type) + R"(","encrypted_content":"e"})";
        for (const run& got : {run({added(0, source), done(0, source)}).complete(source), run({}).complete(source)}) {
            BOOST_REQUIRE_EQUAL(got.gathered.steps.size(), 1u);
            BOOST_TEST(got.gathered.steps[0].id == "i");
            BOOST_TEST(got.gathered.steps[0].type == type);
            BOOST_TEST(got.gathered.steps[0].status == "completed");
            BOOST_TEST(got.gathered.steps[0].raw == source);
            BOOST_TEST(got.gathered.steps[0].tool_calls.empty());
            BOOST_TEST(got.all<events::step_completed>().size() == 1u);
        }
    }
    const run compacts({say("compaction.compacting", R"("item_id":"i","output_index":0)")});
    BOOST_TEST(compacts.last<events::step_in_progress>().step.type == "compaction");
    BOOST_TEST(compacts.last<events::step_in_progress>().step.id == "i");
}

BOOST_AUTO_TEST_CASE(the_marks_of_work_say_what_has_become_of_it) {
    struct {
        std::string_view item, state, status;
    } const rows[] = {
        {"code_interpreter_call", "interpreting", "in_progress"},
        {"code_interpreter_call", "completed", "completed"},
        {"file_search_call", "searching", "in_progress"},
        {"file_search_call", "completed", "completed"},
        {"web_search_call", "in_progress", "in_progress"},
        {"web_search_call", "completed", "completed"},
        {"image_generation_call", "generating", "in_progress"},
        {"image_generation_call", "completed", "completed"},
        {"mcp_call", "completed", "completed"},
        {"mcp_call", "failed", "failed"},
        {"mcp_list_tools", "completed", "completed"},
        {"mcp_list_tools", "failed", "failed"},
    };
    for (const auto& row : rows)
        for (const std::string_view where : {R"("item_id":"i","output_index":0)", R"("output_index":0)"}) {
            BOOST_TEST_INFO_SCOPE(row.item << " " << row.state);
            const std::string source = R"({"id":"i","type":")" + std::string(row.item) + "\"}";
            const run got({added(0, source), say(std::string(row.item) + "." + std::string(row.state), where)});
            const run_step& step = got.last<events::step_in_progress>().step;
            BOOST_TEST(step.id == "i");
            BOOST_TEST(step.status == row.status);
            BOOST_TEST(step.type == (row.item == "mcp_list_tools" ? "activities" : "tool_calls"));
        }
}

BOOST_AUTO_TEST_CASE(parts_end_with_a_mark) {
    struct {
        std::string_view event, members, type, id;
        int index;
    } const rows[] = {
        {"content_part.done", R"("item_id":"m","content_index":1,"part":{"type":"output_text","text":""})", "text", "m",
         1},
        {"content_part.done", R"("item_id":"m","content_index":2,"part":{"type":"of_tomorrow"})", "of_tomorrow", "m",
         2},
        {"content_part.done", R"("item_id":"rs","content_index":0,"part":{"type":"reasoning_text"})", "reasoning", "rs",
         0},
        {"reasoning_summary_part.done", R"("item_id":"rs","summary_index":3,"part":{"type":"summary_text"})", "summary",
         "rs", 3},
        {"output_text.done", R"("item_id":"m","content_index":1,"text":"")", "text", "m", 1},
        {"function_call_arguments.done", R"("item_id":"f","arguments":"")", "arguments", "f", 0},
        {"shell_call_command.done", R"("item_id":"f","command_index":2,"command":"")", "arguments", "f", 2},
        {"audio.done", R"("item_id":"m")", "audio", "m", 0},
        {"audio.transcript.done", R"("item_id":"m")", "transcript", "m", 0},
    };
    for (const auto& row : rows) {
        BOOST_TEST_INFO_SCOPE(row.event << " " << row.members);
        const run got({say(row.event, row.members)});
        const auto& mark = got.last<events::part_completed>();
        BOOST_TEST(mark.type == row.type);
        BOOST_TEST(mark.item_id == row.id);
        BOOST_TEST(mark.index == row.index);
    }
}

BOOST_AUTO_TEST_CASE(reasoning_is_one_step_in_every_spelling) {
    const std::string whole =
        R"({"id":"rs","type":"reasoning","summary":[{"type":"summary_text","text":"short"}],"content":[{"type":"reasoning_text","text":"long"}]})";
    const std::string where = R"("item_id":"rs","output_index":0,)";
    for (const run& got : {
             run({added(0, R"({"id":"rs","type":"reasoning","summary":[]})"),
                  say("reasoning_summary_part.added", where + R"("summary_index":0,"part":{"type":"summary_text"})"),
                  say("reasoning_summary_text.delta", where + R"("summary_index":0,"delta":"short")"),
                  say("reasoning_text.delta", where + R"("content_index":0,"delta":"long")"), done(0, whole)}),
             run({added(0, R"({"id":"rs","type":"reasoning","summary":[]})"),
                  say("reasoning.delta", where + R"("content_index":0,"delta":"lo")"),
                  say("reasoning.delta", where + R"("content_index":0,"delta":"ng")"),
                  say("reasoning.done", where + R"("content_index":0,"text":"long")"), done(0, whole)}),
             run({say("reasoning.done", R"("text":"long")"), done(0, whole)}),
             run({say("reasoning_summary_part.done",
                      where + R"("summary_index":0,"part":{"type":"summary_text","text":"short"})"),
                  done(0, whole)}),
             run({}).complete(whole),
         }) {
        std::string summary, reasoning;
        for (const auto* each : got.all<events::reasoning_delta>()) (each->summary ? summary : reasoning) += each->text;
        BOOST_TEST(summary == "short");
        BOOST_TEST(reasoning == "long");
        BOOST_REQUIRE_EQUAL(got.gathered.steps.size(), 1u);
        BOOST_TEST(got.gathered.steps[0].type == "reasoning");
        for (const auto* each : got.all<events::reasoning_delta>())
            BOOST_TEST(each->item_id == got.gathered.steps[0].id);
    }
}

BOOST_AUTO_TEST_CASE(speech_comes_as_sound_and_transcript) {
    const std::string whole =
        R"({"id":"m","type":"message","role":"assistant","content":[{"type":"output_audio","data":"AAAA","transcript":"Gate B7."}]})";
    const std::string begun = added(0, R"({"id":"m","type":"message","role":"assistant","content":[]})");
    const std::string where = R"("item_id":"m","output_index":0,"content_index":0,)";
    for (const std::string& place : {where, std::string()})
        for (const run& got : {
                 run({begun, say("audio.delta", place + R"("delta":"AA==")"),
                      say("audio.transcript.delta", place + R"("delta":"Gate ")"),
                      say("audio.transcript.delta", place + R"("delta":"B7.")"), say("audio.done", R"("x":0)"),
                      say("audio.transcript.done", R"("x":0)"), done(0, whole)}),
                 run({begun, say("output_audio.delta", place + R"("delta":"AA==")"),
                      say("output_audio_transcript.done", place + R"("transcript":"Gate B7.")"), done(0, whole)}),
                 run({begun, say("audio.delta", place + R"("delta":"AA==")"), done(0, whole)}),
             }) {
            std::string sound, transcript;
            for (const auto* each : got.all<events::audio_delta>()) {
                sound += each->base64;
                transcript += each->transcript;
                BOOST_TEST(each->message_id == "m");
            }
            BOOST_TEST(sound == "AA==");
            BOOST_TEST(transcript == "Gate B7.");
            BOOST_REQUIRE_EQUAL(got.gathered.messages.size(), 1u);
            BOOST_TEST(got.gathered.messages[0].content.at(0).type == "output_audio");
            BOOST_TEST(got.gathered.messages[0].content[0].text == "Gate B7.");
            BOOST_TEST(got.gathered.text().empty());
        }
    // A run that breaks off keeps what was said, beside what was written.
    const run broken({begun, say("output_text.delta", where + R"("delta":"Hello")"),
                      say("audio.transcript.delta", R"("item_id":"m","content_index":1,"delta":"Gate")")});
    BOOST_TEST(broken.gathered.text() == "Hello");
    BOOST_TEST(broken.gathered.messages.at(0).content.at(1).text == "Gate");
}

BOOST_AUTO_TEST_CASE(a_consent_is_asked_for_once) {
    const std::string source =
        R"({"id":"o","type":"oauth_consent_request","consent_link":"https://login.example/1","server_label":"crm"})";
    const std::string by_event =
        say("oauth_consent_requested",
            R"("id":"o","output_index":0,"consent_link":"https://login.example/1","server_label":"crm")");
    for (const std::vector<std::string>& stream :
         {std::vector<std::string>{added(0, source), by_event, done(0, source)},
          {by_event, done(0, source)},
          {by_event},
          {done(0, source)},
          {}}) {
        std::size_t asked = 0;
        decoder of_run;
        for (const std::string& data : stream)
            for (const event& each : test::decode(of_run, "", data).events)
                if (const auto* consent = each.get_if<events::oauth_consent_requested>()) {
                    ++asked;
                    BOOST_TEST(consent->link == "https://login.example/1");
                    BOOST_TEST(consent->server_label == "crm");
                    BOOST_TEST(consent->item_id == "o");
                }
        const std::string end =
            R"({"type":"response.incomplete","response":{"id":"r","status":"incomplete","output":[)" + source + "]}}";
        bool waits = false;
        for (const event& each : test::decode(of_run, "", end).events) {
            asked += each.get_if<events::oauth_consent_requested>() != nullptr;
            waits |= each.get_if<events::action_required>() != nullptr;
        }
        BOOST_TEST(asked == 1u);
        BOOST_TEST(waits);
    }
}

BOOST_AUTO_TEST_CASE(keeps_what_a_later_request_has_to_repeat) {
    const std::string call =
        R"({"id":"f","type":"function_call","call_id":"c","name":"reserve","namespace":"seats","arguments":"{}","async":true,"caller":{"type":"program","caller_id":"p"}})";
    const run got = run({done(0, call)}).complete(call);
    const function_call& asked = got.last<events::action_required>().action.function_calls.at(0);
    BOOST_TEST(asked.tool_namespace == "seats");
    BOOST_TEST(asked.caller_id == "p");
    BOOST_TEST(asked.async);
    BOOST_TEST(got.gathered.tool_calls().at(0).tool_namespace == "seats");
    BOOST_TEST(got.gathered.tool_calls()[0].caller_id == "p");
    BOOST_TEST(got.gathered.tool_calls()[0].async);
    const std::string plain =
        R"({"id":"f","type":"function_call","call_id":"c","name":"reserve","arguments":"{}","caller":{"type":"direct"}})";
    const run direct = run({}).complete(plain);
    BOOST_TEST(direct.last<events::action_required>().action.function_calls.at(0).caller_id.empty());
    BOOST_TEST(!direct.last<events::action_required>().action.function_calls[0].async);

    const std::string comment =
        R"({"id":"m","type":"message","role":"assistant","phase":"commentary","content":[{"type":"output_text","text":"One moment."}]})";
    const run commented = run({added(0, comment), done(0, comment)}).complete(comment);
    BOOST_TEST(commented.gathered.messages.at(0).phase == "commentary");
    message again("One moment.");
    again.role = "assistant";
    again.phase = commented.gathered.messages[0].phase;
    BOOST_TEST(codec::responses::encode_items({again}).reveal().find(R"("phase":"commentary")") != std::string::npos);
    BOOST_TEST(codec::responses::encode_items({message("Hi")}).reveal().find("phase") == std::string::npos);
    // The threads protocol has no place for it.
    BOOST_CHECK_EXCEPTION(codec::threads::encode_message(again), error,
                          [](const error& refused) { return refused.code() == errc::invalid_argument; });
}

BOOST_AUTO_TEST_CASE(reads_the_details_of_usage_and_of_citations) {
    run got({});
    got.take(
        R"({"type":"response.completed","response":{"id":"r","status":"completed","output":[{"id":"m","type":"message","role":"assistant","content":[{"type":"output_text","text":"plot","annotations":[{"type":"container_file_citation","container_id":"k","file_id":"f","filename":"plot.png","start_index":0,"end_index":4}]}]}],"usage":{"input_tokens":9,"input_tokens_details":{"cached_tokens":4,"cache_write_tokens":2},"output_tokens":7,"output_tokens_details":{"reasoning_tokens":5},"total_tokens":16,"compute_units":1.5}}})");
    BOOST_REQUIRE(got.gathered.usage);
    BOOST_TEST(got.gathered.usage->cached_tokens == 4);
    BOOST_TEST(got.gathered.usage->cache_write_tokens == 2);
    BOOST_TEST(got.gathered.usage->reasoning_tokens == 5);
    BOOST_TEST(got.gathered.usage->compute_units.value() == 1.5);
    BOOST_TEST(got.gathered.citations().at(0).container_id == "k");
    BOOST_TEST(got.gathered.citations()[0].title == "plot.png");
}

BOOST_AUTO_TEST_SUITE_END()
