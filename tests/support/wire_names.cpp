// Prints the names on the wire that corun's tables, encoders and makers know: one a line, with its kind and its form,
// separated by tabs. tests/interop/drift.mjs compares them with what other packages declare.
#include "protocol/responses/codec.hpp"
#include "protocol/responses/event_names.hpp"
#include "protocol/responses/item_types.hpp"
#include "protocol/threads/codec.hpp"
#include <corun/corun.hpp>

#include <nlohmann/json.hpp>

#include <initializer_list>
#include <iostream>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace corun;
namespace responses = codec::responses;
using json = nlohmann::ordered_json;

void print(std::string_view kind, std::string_view name, std::string_view form) {
    std::cout << kind << '\t' << name << '\t' << form << '\n';
}

/// An event that the library sends itself is on no wire.
bool is_own(std::string_view name) {
    return name.starts_with("corun.");
}

void print_events() {
    for (const responses::known_event& known : responses::all_known_events())
        if (!is_own(known.name)) print("responses.event", known.name, known.read == nullptr ? "raw" : "typed");
    for (const std::string_view name : codec::threads::known_event_names())
        if (!is_own(name)) print("threads.event", name, "typed");
}

std::string_view form_of(const responses::item_type& type) {
    if (type.name == "message") return "message";
    if (type.name == responses::oauth_consent_request) return "`oauth_consent_requested`, action";
    if (!responses::is_call(type.name)) return type.by == responses::performer::service ? "step" : "action";
    return type.by == responses::performer::service ? "step" : "step, action";
}

void print_items() {
    for (const responses::item_type& type : responses::known_item_types()) {
        print("responses.item", type.name, form_of(type));
        if (type.answer == responses::approval_response)
            print("responses.item", type.answer, "sent by `submission`");
        else if (!type.answer.empty())
            print("responses.item", type.answer, "step, with its call");
    }
}

void print_members(std::string_view kind, const json& object) {
    for (const auto& [name, value] : object.items()) print(kind, name, "typed");
}

run_options all_options() {
    run_options options;
    options.instructions = "i";
    options.temperature = options.top_p = 1;
    options.max_completion_tokens = 256;
    options.parallel_tool_calls = true;
    options.response_format = response_format::text();
    options.truncation_strategy = truncation_strategy::automatic();
    options.tool_choice = tool_choice::automatic();
    options.include = {"reasoning.encrypted_content"};
    options.metadata = {{"a", "b"}};
    options.reasoning.emplace().effort = "low";
    options.verbosity = "low";
    options.context_management.push_back(context_management::compaction(1000));
    options.prompt_cache_key = options.service_tier = options.safety_identifier = "x";
    options.prompt_cache_options.emplace().mode = "explicit";
    options.max_tool_calls = 1;
    options.moderation.emplace("m");
    options.include_obfuscation = false;
    options.top_logprobs = 1;
    options.access_programs = {{"a", "b"}};
    return options;
}

/// A request with everything that it can have, and an agent with everything.
void print_requests() {
    responses::response_request request;
    request.definition.model = "m";
    request.definition.tools.emplace_back(prompt_tools::shell());
    request.options = all_options();
    request.background = request.store = true;
    request.messages.emplace_back("Hi");
    json members = json::parse(responses::encode_response(request).body.reveal());
    responses::response_request next;
    next.definition.model = "m";
    next.previous_response_id = "r";
    next.messages.emplace_back("Hi");
    members.update(json::parse(responses::encode_response(next).body.reveal()));
    responses::response_request of_agent;
    of_agent.agent.emplace("desk");
    of_agent.conversation = "c";
    of_agent.messages.emplace_back("Hi");
    of_agent.options.structured_inputs["a"] = "1";
    members.update(json::parse(responses::encode_response(of_agent).body.reveal()));
    print_members("responses.request", members);

    prompt_agent_definition agent("m");
    agent.name = "desk";
    agent.instructions = "i";
    agent.temperature = agent.top_p = 1;
    agent.tools.emplace_back(prompt_tools::shell());
    agent.response_format = response_format::text();
    agent.tool_choice = tool_choice::automatic();
    agent.reasoning = R"({"effort":"low"})";
    agent.structured_inputs["a"].required = true;
    print_members("responses.agent", json::parse(responses::encode_agent_version(agent).reveal())["definition"]);
}

/// The parts that messages have when they are sent.
void print_content() {
    message sent(std::vector<content_block>{content_block::text("t"), content_block::image_url("u"),
                                            content_block::file("f"), content_block::audio("AA==", "wav"),
                                            content_block::video("https://a.example/v")});
    message of_model("t");
    of_model.role = "assistant";
    const json items = json::parse(responses::encode_items({sent, of_model}).reveal())["items"];
    for (const json& item : items)
        for (const json& part : item["content"])
            print("responses.content", part["type"].get<std::string>(), "`content_block`");
}

void print_tools() {
    namespace make = prompt_tools;
    const std::string id = "c", any = R"({"type":"object"})";
    const std::vector<prompt_tool> of_responses{
        prompt_mcp_tool("label", "https://a.example"),
        function_tool("f", "d", any),
        make::computer(),
        make::computer_use_preview(1, 1, "browser"),
        make::apply_patch(),
        make::shell(),
        make::local_shell(),
        make::custom("n", "d"),
        make::tool_namespace("n", "d", {}),
        make::tool_search(),
        make::programmatic_tool_calling(),
        make::web_search(),
        make::file_search({id}),
        make::code_interpreter(),
        make::image_generation(),
        make::browser_automation(id),
        make::a2a(id),
        make::memory_search_preview("s", "u"),
        make::work_iq_preview(id),
        make::fabric_iq_preview(id),
        make::web_iq_preview(id),
        make::toolbox_search_preview(),
        make::github_copilot_toolset_preview(),
        make::microsoft_copilot_toolset_preview(),
        make::capture_structured_outputs("n", "d", any),
    };
    for (const prompt_tool& each : of_responses) print("responses.tool", type_of(each), "typed");

    bing_search search(id);
    const std::vector<tool> of_threads{
        mcp_tool("label", "https://a.example"),
        function_tool("f", "d", any),
        code_interpreter(),
        file_search(),
        azure_ai_search(),
        bing_grounding(search),
        bing_custom_search(search, "i"),
        openapi("n", "d", any, openapi_auth::anonymous()),
        azure_function(function_tool("f", "d", any), storage_queue("e", "q"), storage_queue("e", "q")),
        connected_agent("a", "n", "d"),
        fabric_dataagent(id),
        sharepoint_grounding(id),
        deep_research("m", id),
        browser_automation(id),
    };
    for (const tool& each : of_threads) print("threads.tool", type_of(each), "typed");
}

void print_statuses() {
    for (const run_state each :
         {run_state::queued, run_state::in_progress, run_state::requires_action, run_state::cancelling,
          run_state::cancelled, run_state::failed, run_state::completed, run_state::incomplete, run_state::expired})
        for (const std::string_view kind : {"responses.status", "threads.status"})
            print(kind, to_string(each), "typed");
}

}  // namespace

int main() {
    print_events();
    print_items();
    print_requests();
    print_content();
    print_tools();
    print_statuses();
}
