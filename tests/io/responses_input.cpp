// The input of responses against the emulator: answers of each form, compaction, counts, items and files of containers.
#include "emulated.hpp"
#include "raw_http.hpp"
#include <corun/json.hpp>

#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>

#include <functional>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

namespace {

using namespace corun;
using namespace corun::test;
using emulator::step;
using nlohmann::json;

struct responding : emulated {
    responding() {
        client_options options;
        options.protocol = protocol::responses;
        client.emplace(io.get_executor(), service->endpoint(), credential::bearer(service->token()),
                       std::move(options));
        mcp->accept_token(planted_secret("fresh"));
    }

    agent make_local() { return client->local_agent(prompt_agent_definition("gpt-4o")); }

    /// The input of the latest request.
    json sent_input() const { return json::parse(service->requests().back().body).at("input"); }

    /// What is sent when `answers` answer a call of this type.
    json answer(const std::string& type, const std::string& members, const std::function<void(submission&)>& add) {
        service->script("go", {step::require_action(type, members)});
        event_stream stream = await(io, make_local().run_stream("go"));
        (void)await(io, collect(stream));
        BOOST_TEST(stream.waits_for_answers());
        submission answers;
        add(answers);
        await(io, stream.submit(std::move(answers)));
        return sent_input().at(0);
    }

    raw_response post(const std::string& path, std::string type, std::string body) {
        http_request request(service->endpoint() + "/openai/v1" + path);
        request.method = "POST";
        request.headers.emplace_back("Authorization", "Bearer " + service->token());
        request.headers.emplace_back("Content-Type", std::move(type));
        request.body = std::move(body);
        return await(io, exchange_raw(std::move(request)));
    }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(responses_input, responding)

BOOST_AUTO_TEST_CASE(a_call_is_answered_in_its_own_form) {
    const json shell =
        answer("shell_call", R"({"call_id":"c1","action":{"commands":["ls"],"max_output_length":64}})",
               [](submission& answers) { answers.output("c1", shell_output({command_result("a.txt\n", "", 0)})); });
    BOOST_TEST(shell == json::parse(R"({"type":"shell_call_output","call_id":"c1","max_output_length":64,
        "output":[{"stdout":"a.txt\n","stderr":"","outcome":{"type":"exit","exit_code":0}}]})"));
    const json patch =
        answer("apply_patch_call", R"({"call_id":"c2","operation":{"type":"delete_file","path":"a.txt"}})",
               [](submission& answers) { answers.output("c2", patch_result::failed("no such file")); });
    BOOST_TEST(patch == json::parse(R"({"type":"apply_patch_call_output","call_id":"c2","status":"failed",
                                        "output":"no such file"})"));
    const json local = answer("local_shell_call", R"({"call_id":"c3","action":{"type":"exec","command":["ls"]}})",
                              [](submission& answers) { answers.output("c3", "a.txt"); });
    BOOST_TEST(local == json::parse(R"({"type":"local_shell_call_output","id":"c3","output":"a.txt"})"));
}

BOOST_AUTO_TEST_CASE(an_output_of_another_form_is_refused_and_can_be_sent_again) {
    service->script("go", {step::require_action("shell_call", R"({"call_id":"c1","action":{"commands":["ls"]}})")});
    event_stream stream = await(io, make_local().run_stream("go"));
    (void)await(io, collect(stream));
    const std::size_t before = service->requests().size();
    submission wrong, right;
    wrong.output("c1", "a.txt");
    BOOST_CHECK(failure_of(io, stream.submit(wrong)).code() == errc::invalid_argument);
    BOOST_TEST(service->requests().size() == before);
    BOOST_TEST(stream.waits_for_answers());
    right.output("c1", shell_output({command_result("", "", std::nullopt)}));
    await(io, stream.submit(right));
    BOOST_TEST(sent_input().at(0).at("output").at(0).at("outcome") == (json{{"type", "timeout"}}));
}

BOOST_AUTO_TEST_CASE(a_denial_says_why) {
    service->script("book", {step::call_mcp("reserve_seat", R"({"seat":"14A"})"), step::reply("So be it.")});
    prompt_agent_definition definition("gpt-4o");
    definition.tools.emplace_back(prompt_mcp_tool("bookings", mcp->url()));
    agent agent = client->local_agent(definition);
    event_stream stream = await(io, agent.run_stream("book", token(planted_secret("fresh"))));
    std::string id;
    for (const event& each : await(io, collect(stream)))
        if (const auto* asked = each.get_if<events::action_required>()) id = asked->action.mcp_approvals.at(0).id;
    submission answers;
    answers.deny(id, "too expensive");
    await(io, stream.submit(answers));
    BOOST_TEST(sent_input().at(0).at("reason") == "too expensive");
    BOOST_TEST(text_of(await(io, collect(stream))) == "So be it.");
}

BOOST_AUTO_TEST_CASE(a_handler_denies_and_says_why) {
    service->script("book", {step::call_mcp("reserve_seat", R"({"seat":"14A"})"), step::reply("So be it.")});
    prompt_agent_definition definition("gpt-4o");
    definition.tools.emplace_back(prompt_mcp_tool("bookings", mcp->url()));
    run_options options;
    options.on_mcp_approval = [](const mcp_approval_request&) { return approval_decision::deny("too expensive"); };
    agent agent = client->local_agent(definition);
    std::string reported;
    for (const event& each : await(io, collect(agent.run_stream("book", token(planted_secret("fresh")), options))))
        if (const auto* decided = each.get_if<events::approval_decided>()) reported = decided->reason;
    BOOST_TEST(sent_input().at(0).at("reason") == "too expensive");
    BOOST_TEST(reported == "too expensive");
}

BOOST_AUTO_TEST_CASE(a_conversation_is_counted_listed_and_compacted) {
    const run_result first = await(io, make_local().run("My seat is 14A."));
    model_input input("gpt-4o");
    input.previous_response_id = first.run_id;
    input.messages.emplace_back("Which seat is mine?");
    model_input shorter("gpt-4o");
    shorter.messages = input.messages;
    const std::int64_t tokens = await(io, client->count_input_tokens(input));
    BOOST_TEST(await(io, client->count_input_tokens(shorter)) > 0);
    BOOST_TEST(tokens > await(io, client->count_input_tokens(shorter)));

    std::vector<std::string> texts;
    auto items = client->list_input_items(first.run_id);
    while (auto item = await(io, items.next()))
        if (item->message) texts.push_back(item->message->text());
    BOOST_TEST(texts == std::vector<std::string>{"My seat is 14A."}, boost::test_tools::per_element());

    const compacted_response compacted = await(io, client->compact(input));
    BOOST_TEST(compacted.usage.has_value());
    run_options options;
    options.input_items = compacted.items;
    BOOST_TEST(await(io, make_local().run("And now?", options)).text() == "You said: And now?");
    json wanted = json::parse(compacted.items.text());
    wanted.push_back(json::parse(R"({"type":"message","role":"user","content":"And now?"})"));
    BOOST_TEST(sent_input() == wanted);
}

BOOST_AUTO_TEST_CASE(options_and_content_are_accepted) {
    run_options options;
    options.reasoning = reasoning("low", "auto");
    options.verbosity = "low";
    options.context_management.push_back(context_management::compaction(100'000));
    options.prompt_cache_key = "user-7";
    options.prompt_cache_options.emplace().ttl = "30m";
    options.max_tool_calls = 3;
    options.service_tier = "flex";
    options.moderation = moderation("omni", "score");
    options.safety_identifier = "user-7";
    options.include_obfuscation = false;
    options.top_logprobs = 2;
    options.access_programs["cyber"] = "standard";
    message question("Hi");
    question.add(content_block::file_data("a.pdf", "data:application/pdf;base64,AA=="))
        .add(content_block::image_url("https://x/y.png"));
    BOOST_TEST(await(io, make_local().run(question, options)).status == run_state::completed);
    const json body = json::parse(service->requests().back().body);
    BOOST_TEST(body.at("stream_options") == (json{{"include_obfuscation", false}}));
    BOOST_TEST(body.at("service_tier") == "flex");
}

BOOST_AUTO_TEST_CASE(a_file_of_a_container_is_uploaded_and_downloaded) {
    const std::string container =
        json::parse(post("/containers", "application/json", R"({"name":"work"})").body).at("id");
    const std::string form =
        "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.csv\"\r\n"
        "Content-Type: text/csv\r\n\r\n1,2\n\r\n--b--\r\n";
    const json file =
        json::parse(post("/containers/" + container + "/files", "multipart/form-data; boundary=b", form).body);
    BOOST_TEST(file.at("object") == "container.file");
    BOOST_TEST(file.at("container_id") == container);
    BOOST_TEST(file.at("bytes") == 4);
    std::ostringstream out;
    BOOST_TEST(await(io, client->download_container_file(container, file.at("id"), out)) == 4u);
    BOOST_TEST(out.str() == "1,2\n");
    BOOST_CHECK(failure_of(io, client->download_container_file(container, "cfile_0", out)).code() == errc::not_found);
    BOOST_CHECK(failure_of(io, client->download_container_file("cntr_0", file.at("id"), out)).code() ==
                errc::not_found);
    out.str("");
    const auto [other, chart] = service->add_container_file("chart.svg", "<svg/>");
    BOOST_TEST(await(io, client->download_container_file(other, chart, out)) == 6u);
    BOOST_TEST(out.str() == "<svg/>");
    BOOST_TEST(post("/containers", "application/json", "{}").status == 400);
    BOOST_TEST(post("/containers/" + container + "/files", "multipart/form-data; boundary=b", "--b--\r\n").status ==
               400);
}

BOOST_AUTO_TEST_SUITE_END()
