// The Responses protocol end to end: the same client, agents, threads and streams as with runs.
#include "application.hpp"
#include <corun/json.hpp>

#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

namespace {

using namespace corun;
using namespace corun::test;
using namespace std::chrono_literals;
using emulator::fault;
using emulator::step;
using names = std::vector<std::string>;

const std::string responses_path = "/openai/v1/responses";

client_options of_responses(client_options options = {}) {
    options.protocol = protocol::responses;
    return options;
}

struct responding : emulated {
    responding() {
        client.emplace(io.get_executor(), service->endpoint(), credential::bearer(service->token()),
                       searched(of_responses()));
        mcp->accept_token(planted_secret("fresh"));
    }

    static prompt_agent_definition plain_definition(std::string name = "travel-desk") {
        prompt_agent_definition definition("gpt-4o");
        definition.name = std::move(name);
        definition.instructions = "Answer travel questions.";
        return definition;
    }
    prompt_agent_definition definition(std::optional<mcp_approval> approval = std::nullopt) const {
        prompt_agent_definition made = plain_definition();
        prompt_mcp_tool server("bookings", mcp->url());
        server.require_approval = std::move(approval);
        made.tools.emplace_back(std::move(server));
        return made;
    }

    /// Gives `get_weather`, which counts its calls.
    run_options with_function() {
        run_options options;
        options.functions.emplace_back("get_weather", "The weather.", R"({"type":"object","properties":{}})",
                                       [this](function_call) -> asio::awaitable<std::string> {
                                           ++calls;
                                           std::string cold = "cold";
                                           co_return cold;
                                       });
        return options;
    }
    run_options with_approval(bool answer = true) {
        run_options options;
        options.on_mcp_approval = [this, answer](mcp_approval_request) -> asio::awaitable<bool> {
            ++approvals;
            bool yes = answer;
            co_return yes;
        };
        return options;
    }

    std::size_t count(const std::string& method, const std::string& end) const {
        return static_cast<std::size_t>(
            std::count_if(service->requests().begin(), service->requests().end(),
                          [&](const auto& each) { return each.method == method && each.path.ends_with(end); }));
    }
    names authorizations_of_calls() const {
        names seen;
        for (const auto& request : service->mcp_requests())
            if (request.method == "tools/call") seen.push_back(request.header("authorization"));
        return seen;
    }

    /// A response that has begun to answer, and does not go on.
    event_stream held(run_options options = {}) {
        service->script("", {step::reply("Well"), step::hold()});
        return await(io, client->local_agent(plain_definition()).run_stream("Hi", {}, std::move(options)));
    }

    int calls = 0, approvals = 0;
};

/// A provider whose every token is another, and the one before expired.
struct changing_tokens {
    explicit changing_tokens(emulator::mcp_server& of) : server(of) {}

    asio::awaitable<mcp_headers> give(mcp_header_request asked) {
        reasons.push_back(asked.why);
        labels = asked.server_labels;
        approved += asked.approvals.size();
        const std::string token = planted_secret("token-" + std::to_string(reasons.size()));
        if (!latest.empty()) server.revoke_token(latest);
        server.accept_token(token);
        latest = token;
        mcp_headers headers;
        headers.set("bookings", "Authorization", "Bearer " + token);
        co_return headers;
    }

    emulator::mcp_server& server;
    std::vector<mcp_header_request::occasion> reasons;
    names labels;
    std::size_t approved = 0;
    std::string latest;
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(responses, responding)

BOOST_AUTO_TEST_CASE(streams_a_text) {
    agent a = client->local_agent(plain_definition());
    const auto events = await(io, collect(a.run_stream("Hi there")));
    BOOST_TEST(text_of(events) == "You said: Hi there");
    BOOST_REQUIRE(find<events::run_created>(events));
    BOOST_TEST(find<events::run_created>(events)->run_id.starts_with("resp_"));
    BOOST_REQUIRE(find<events::run_completed>(events));
    BOOST_TEST((find<events::run_completed>(events)->run.status == run_state::completed));
    BOOST_TEST(count("POST", responses_path) == 1u);
    // Versions are a matter of agents.
    BOOST_TEST(service->requests().back().query.empty());
}

BOOST_AUTO_TEST_CASE(functions_are_answered_by_hand) {
    service->script("", {step::call_function("get_weather", "{}"), step::reply("It is {output}.")});
    run_options options;
    options.tools.emplace_back(function_tool("get_weather", "The weather.", ""));
    agent a = client->local_agent(plain_definition());
    event_stream stream = await(io, a.run_stream("weather?", {}, options));
    const auto first = await(io, collect(stream));
    const auto* asked = find<events::action_required>(first);
    BOOST_REQUIRE(asked);
    BOOST_REQUIRE(asked->action.function_calls.size() == 1u);
    const std::string before = stream.run_id();
    submission answers;
    answers.output(asked->action.function_calls[0].id, "warm");
    await(io, stream.submit(std::move(answers)));
    const auto second = await(io, collect(stream));
    BOOST_TEST(text_of(second) == "It is warm.");
    BOOST_TEST(stream.run_id() != before);
    BOOST_TEST(service->requests().back().run_id == stream.run_id());
}

BOOST_AUTO_TEST_CASE(streams_as_other_servers_write_them_are_understood) {
    auto& options = service->options();
    options.event_lines = options.whole_output = options.obfuscation = false;
    options.done_marker = true;
    service->script("", {step::call_function("get_weather", "{}"), step::reply("It is {output}.")});
    agent a = client->local_agent(plain_definition());
    const run_result result = await(io, a.run("weather?", {}, with_function()));
    BOOST_TEST(calls == 1);
    BOOST_TEST(result.text() == "It is cold.");
    BOOST_TEST((result.status == run_state::completed));
}

BOOST_AUTO_TEST_CASE(an_mcp_server_gets_the_headers_of_each_run) {
    mcp->accept_token(planted_secret("second"));
    agent a = client->local_agent(definition(mcp_approval::never()));
    for (const char* which : {"fresh", "second"}) {
        service->forget_requests();
        const run_result result = await(io, a.run("reserve_seat", token(planted_secret(which))));
        BOOST_TEST(result.text() == "seat 14A is yours");
        BOOST_TEST(authorizations_of_calls() == names{"Bearer " + planted_secret(which)},
                   boost::test_tools::per_element());
    }
    const run_result result = await(io, a.run("Hi", token(planted_secret("fresh"))));
    BOOST_TEST(result.report.body().find("***") != std::string::npos);
    BOOST_TEST(result.report.path() == responses_path);
}

BOOST_AUTO_TEST_CASE(a_provider_is_asked_again_before_an_approval) {
    service->script("", {step::call_mcp("reserve_seat", R"({"seat":"14A"})"), step::reply("Done: {output}")});
    auto tokens = std::make_shared<changing_tokens>(*mcp);
    const mcp_header_provider provider = [tokens](mcp_header_request asked) { return tokens->give(std::move(asked)); };
    agent a = client->local_agent(definition());
    const auto events = await(io, collect(a.run_stream("book", provider, with_approval())));
    BOOST_TEST(text_of(events) == "Done: seat 14A is yours");
    BOOST_TEST(approvals == 1);
    using occasion = mcp_header_request::occasion;
    BOOST_REQUIRE(tokens->reasons.size() == 2u);
    BOOST_TEST((tokens->reasons[0] == occasion::run_start));
    BOOST_TEST((tokens->reasons[1] == occasion::approval));
    BOOST_TEST(tokens->approved == 1u);
    BOOST_TEST(tokens->labels == names{"bookings"}, boost::test_tools::per_element());
    BOOST_TEST(authorizations_of_calls() == names{"Bearer " + planted_secret("token-2")},
               boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(an_approval_has_no_headers_of_its_own) {
    service->script("", {step::call_mcp("reserve_seat", R"({"seat":"14A"})"), step::reply("{output}")});
    agent a = client->local_agent(definition());
    event_stream stream = await(io, a.run_stream("book", token(planted_secret("fresh"))));
    const auto first = await(io, collect(stream));
    const auto* asked = find<events::action_required>(first);
    BOOST_REQUIRE(asked);
    const std::string id = asked->action.mcp_approvals.at(0).id;
    submission wrong;
    headers own;
    own.set("Authorization", "Bearer " + planted_secret("own"));
    wrong.approve(id, own);
    BOOST_TEST(failure_of(io, stream.submit(std::move(wrong))).code() == errc::invalid_argument);
    submission right;
    right.approve(id);
    await(io, stream.submit(std::move(right)));
    BOOST_TEST(text_of(await(io, collect(stream))) == "seat 14A is yours");
}

BOOST_AUTO_TEST_CASE(a_stored_agent_takes_no_headers_unless_it_is_sent_whole) {
    agent a = await(io, client->create_agent(definition(mcp_approval::never())));
    const std::size_t before = count("POST", responses_path);
    const mcp_headers headers = token(planted_secret("fresh"));
    BOOST_TEST(failure_of(io, a.run("reserve_seat", headers)).code() == errc::mcp_headers_with_stored_agent);
    run_options hotter;
    hotter.temperature = 1.5;
    BOOST_TEST(failure_of(io, a.run("Hi", {}, hotter)).code() == errc::not_allowed_with_agent);
    BOOST_TEST(count("POST", responses_path) == before);

    run_options options;
    options.reconcile.inline_definition = true;
    BOOST_TEST(await(io, a.run("reserve_seat", headers, options)).text() == "seat 14A is yours");
    BOOST_TEST(authorizations_of_calls() == names{"Bearer " + planted_secret("fresh")},
               boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_stored_agent_takes_headers_by_its_structured_inputs) {
    // What the service does not show of the agent cannot be known.
    service->options().echo_headers = emulator::echo_headers::full;
    prompt_agent_definition with_input = definition(mcp_approval::never());
    std::get<prompt_mcp_tool>(with_input.tools[0]).headers.set("Authorization", "Bearer {{token}}");
    with_input.structured_inputs["token"].required = true;
    agent a = await(io, client->create_agent(std::move(with_input)));
    run_options options;
    options.reconcile.structured_inputs = true;
    BOOST_TEST(await(io, a.run("reserve_seat", token(planted_secret("fresh")), options)).text() == "seat 14A is yours");
}

BOOST_AUTO_TEST_CASE(a_run_gives_structured_inputs_of_its_own) {
    prompt_agent_definition templated = plain_definition();
    templated.instructions = "Be a guide to {{city}}.";
    templated.structured_inputs["city"].required = true;
    agent a = await(io, client->create_agent(std::move(templated)));
    service->script("weather", {step::call_function("get_weather", "{}"), step::reply("It is {output}.")});
    run_options options;
    options.on_function_call = [](function_call) -> asio::awaitable<std::string> {
        std::string cold = "cold";
        co_return cold;
    };
    options.structured_inputs["city"] = R"("Oslo")";
    const auto events = await(io, collect(a.run_stream("weather?", {}, options)));
    BOOST_TEST(text_of(events) == "It is cold.");
    // Each request of the run adds them: the answer's, too.
    std::size_t instructed = 0;
    for (const event& each : events)
        if (each.get_if<events::run_created>())
            instructed += to_json(each)["response"]["instructions"] == "Be a guide to Oslo." ? 1 : 0;
    BOOST_TEST(instructed == 2u);
    BOOST_TEST(count("POST", responses_path) == 2u);

    // What the service needs, it says itself; what it does not know is not sent.
    options.structured_inputs.clear();
    const error refusal = failure_of(io, a.run("weather?", {}, options));
    BOOST_TEST(refusal.status() == 400);
    BOOST_TEST(std::string(refusal.what()).find("'city'") != std::string::npos);
    const std::size_t before = service->requests().size();
    options.structured_inputs["town"] = "1";
    BOOST_TEST(failure_of(io, a.run("weather?", {}, options)).code() == errc::invalid_argument);
    options.structured_inputs = {{"city", "Oslo"}};
    BOOST_TEST(failure_of(io, a.run("weather?", {}, options)).code() == errc::invalid_argument);
    BOOST_TEST(service->requests().size() == before);
}

BOOST_AUTO_TEST_CASE(an_older_service_gets_the_agent_by_its_older_key) {
    service->options().agent_key = emulator::agent_key::agent;
    agent a = await(io, client->create_agent(plain_definition()));
    BOOST_TEST(failure_of(io, a.run("Hi")).status() == 400);
    client_options older;
    older.agent_key = agent_key::agent;
    client.emplace(io.get_executor(), service->endpoint(), credential::bearer(service->token()),
                   searched(of_responses(std::move(older))));
    a = await(io, client->get_agent(a.id()));
    const auto events = await(io, collect(a.run_stream("Hi")));
    BOOST_TEST(text_of(events) == "You said: Hi");
    BOOST_REQUIRE(find<events::run_completed>(events));
    BOOST_TEST(find<events::run_completed>(events)->run.agent_id == "travel-desk");
}

BOOST_AUTO_TEST_CASE(a_conversation_remembers) {
    agent a = await(io, client->create_agent(plain_definition()));
    agent_thread conversation = await(io, client->create_thread());
    BOOST_TEST(conversation.id().starts_with("conv_"));
    for (const char* text : {"one", "two"}) {
        const auto events = await(io, collect(a.run_stream(conversation, text)));
        BOOST_TEST(text_of(events) == "You said: " + std::string(text));
        BOOST_TEST(find<events::run_completed>(events)->run.thread_id == conversation.id());
    }
    // Each answer of a run is in the conversation, too.
    service->script("", {step::call_function("get_weather", "{}"), step::reply("It is {output}.")});
    agent local = client->local_agent(plain_definition());
    BOOST_TEST(await(io, local.run(conversation, "weather?", {}, with_function())).text() == "It is cold.");
    const auto& body = service->requests().back().body;
    BOOST_TEST(body.find(conversation.id()) != std::string::npos);
    BOOST_TEST(body.find("previous_response_id") == std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_response_goes_on_after_another) {
    agent a = client->local_agent(plain_definition());
    const run_result first = await(io, a.run("one"));
    run_options options;
    options.previous_response_id = first.run_id;
    BOOST_TEST(await(io, a.run("two", {}, options)).text() == "You said: two");
    BOOST_TEST(nlohmann::json::parse(service->requests().back().body).at("previous_response_id") == first.run_id);
    const std::size_t before = service->requests().size();
    agent_thread conversation = await(io, client->create_thread());
    BOOST_TEST(failure_of(io, a.run(conversation, "two", {}, options)).code() == errc::invalid_argument);
    BOOST_TEST(service->requests().size() == before + 1);
    options.previous_response_id = "resp_unknown";
    BOOST_TEST(failure_of(io, a.run("two", {}, options)).status() >= 400);

    // Its answers go on after itself.
    service->script("", {step::call_function("get_weather", "{}"), step::reply("It is {output}.")});
    options = with_function();
    options.previous_response_id = first.run_id;
    const run_result last = await(io, a.run("weather?", {}, options));
    BOOST_TEST(last.text() == "It is cold.");
    BOOST_TEST(nlohmann::json::parse(service->requests().back().body).at("previous_response_id") != first.run_id);
}

BOOST_AUTO_TEST_CASE(conversations_are_changed_and_removed) {
    thread_definition first;
    first.metadata["trip"] = "oslo";
    agent_thread conversation = await(io, client->create_thread(first));
    BOOST_TEST(conversation.definition().metadata.at("trip") == "oslo");
    thread_definition changes;
    changes.metadata["trip"] = "rome";
    await(io, conversation.update(changes));
    agent_thread same = await(io, client->get_thread(conversation.id()));
    BOOST_TEST(same.definition().metadata.at("trip") == "rome");
    await(io, same.remove());
    BOOST_TEST(failure_of(io, conversation.refresh()).code() == errc::not_found);
    BOOST_TEST(failure_of(io, client->delete_thread(conversation.id())).code() == errc::not_found);
}

BOOST_AUTO_TEST_CASE(agents_are_stored_in_versions) {
    prompt_agent_definition whole = definition(mcp_approval::never());
    agent made = await(io, client->create_agent(whole));
    BOOST_TEST(made.id() == "travel-desk");
    BOOST_TEST(made.prompt_definition().version == "1");
    BOOST_TEST(made.definition().model == "gpt-4o");
    BOOST_TEST(std::get<mcp_tool>(made.definition().tools.at(0)).server_url == mcp->url());
    whole.instructions = "Be brief.";
    await(io, made.update(whole));
    BOOST_TEST(made.prompt_definition().version == "2");
    agent same = await(io, client->get_agent("travel-desk"));
    BOOST_TEST(same.prompt_definition().version == "2");
    BOOST_TEST(same.definition().instructions == "Be brief.");
    BOOST_TEST(service->requests().back().query == "api-version=v1");

    (void)await(io, client->create_agent(plain_definition("other")));
    std::set<std::string> found;
    auto all = client->list_agents();
    while (auto each = await(io, all.next())) found.insert(each->id());
    BOOST_TEST(found == (std::set<std::string>{"other", "travel-desk"}), boost::test_tools::per_element());
    await(io, made.remove());
    await(io, client->delete_agent("other"));
    BOOST_TEST(failure_of(io, client->get_agent("travel-desk")).code() == errc::not_found);
}

BOOST_AUTO_TEST_CASE(a_version_of_an_agent_is_run_and_removed_by_itself) {
    const auto instructions_of = [this](agent& a) {
        const auto events = await(io, collect(a.run_stream("Hi")));
        BOOST_REQUIRE(find<events::run_created>(events));
        return to_json(events.front())["response"]["instructions"].get<std::string>();
    };
    prompt_agent_definition whole = plain_definition();
    agent latest = await(io, client->create_agent(whole));
    agent first = await(io, client->get_agent_version("travel-desk", "1"));
    BOOST_TEST(first.id() == "travel-desk");
    whole.instructions = "Be brief.";
    await(io, latest.update(whole));
    BOOST_TEST(instructions_of(latest) == "Be brief.");
    BOOST_TEST(instructions_of(first) == "Answer travel questions.");
    await(io, first.refresh());
    BOOST_TEST(first.prompt_definition().version == "1");
    BOOST_TEST(first.definition().instructions == "Answer travel questions.");

    std::vector<std::string> versions;
    auto all = client->list_agent_versions("travel-desk");
    while (auto each = await(io, all.next())) versions.push_back(each->prompt_definition().version);
    BOOST_TEST(versions == (std::vector<std::string>{"2", "1"}), boost::test_tools::per_element());

    // An update is the next version, and what the handle is for then.
    whole.instructions = "Be polite.";
    agent second = await(io, client->get_agent_version("travel-desk", "2"));
    await(io, second.update(whole));
    BOOST_TEST(second.prompt_definition().version == "3");
    BOOST_TEST(instructions_of(second) == "Be polite.");

    await(io, first.remove());
    BOOST_TEST(failure_of(io, first.run("Hi")).status() == 404);
    BOOST_TEST(failure_of(io, first.refresh()).code() == errc::not_found);
    BOOST_TEST(failure_of(io, client->get_agent_version("travel-desk", "1")).code() == errc::not_found);
    BOOST_TEST(instructions_of(latest) == "Be polite.");
    BOOST_TEST(failure_of(io, [&] { return client->get_agent_version("travel-desk", ""); }).code() ==
               errc::invalid_argument);
    BOOST_TEST(failure_of(io, [&] { return client->get_agent_version("", "1"); }).code() == errc::invalid_argument);
}

BOOST_AUTO_TEST_CASE(a_classic_definition_is_carried_over_or_refused) {
    agent_definition classic("gpt-4o");
    classic.name = "travel-desk";
    classic.tools.emplace_back(mcp_tool("bookings", mcp->url()));
    agent made = await(io, client->create_agent(classic));
    BOOST_TEST(made.id() == "travel-desk");
    BOOST_TEST(made.prompt_definition().tools.size() == 1u);
    classic.tools.push_back(connected_agent("asst_1", "helper", "Helps."));
    const error refused = failure_of(io, [&] { return client->create_agent(classic); });
    BOOST_TEST(refused.code() == errc::invalid_argument);
    BOOST_TEST(std::string(refused.what()).find("helper") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(what_the_protocol_does_not_have_is_refused_by_name) {
    agent a = client->local_agent(plain_definition());
    agent_thread conversation = await(io, client->create_thread());
    service->forget_requests();
    const auto refused = [&](auto call, const std::string& name) {
        BOOST_TEST_CONTEXT(name) {
            try {
                call();
                BOOST_ERROR("it was not refused");
            } catch (const error& failure) {
                BOOST_TEST(failure.code() == errc::invalid_argument);
                BOOST_TEST(std::string(failure.what()).find(name) != std::string::npos, failure.what());
            }
        }
    };
    refused([&] { await(io, a.create_run("Hi")); }, "agent::create_run");
    refused([&] { await(io, a.refresh()); }, "agent::refresh");
    refused([&] { await(io, a.remove()); }, "agent::remove");
    refused([&] { await(io, a.update(plain_definition())); }, "agent::update");
    refused([&] { await(io, a.update(agent_definition("m"))); }, "agent::update");
    refused([&] { (void)client->list_threads(); }, "client::list_threads");
    refused([&] { (void)client->list_files(); }, "client::list_files");
    refused([&] { await(io, client->create_vector_store()); }, "client::create_vector_store");
    list_options of_a_run;
    of_a_run.run_id = "resp_1";
    refused([&] { (void)conversation.list_messages(of_a_run); }, "list_options::run_id");
    refused([&] { await(io, conversation.update_message("msg_1", {})); }, "agent_thread::update_message");
    refused([&] { await(io, conversation.get_run("r")); }, "agent_thread::get_run");
    refused([&] { (void)conversation.list_steps("r"); }, "agent_thread::list_steps");
    submission answers;
    answers.output("c", "x");
    refused([&] { await(io, conversation.submit_stream("r", answers)); }, "agent_thread::submit_stream");
    run_options limited;
    limited.max_prompt_tokens = 300;
    refused([&] { await(io, a.run("Hi", {}, limited)); }, "max_prompt_tokens");
    BOOST_TEST(service->requests().empty());

    corun::client classic(io.get_executor(), service->endpoint(), credential::bearer(service->token()));
    refused([&] { (void)classic.local_agent(plain_definition()); }, "client::local_agent");
    refused([&] { await(io, classic.create_agent(plain_definition())); }, "client::create_agent");
    agent plain = await(io, classic.create_agent(agent_definition("gpt-4o")));
    run_options in_background;
    in_background.background = true;
    refused([&] { await(io, plain.run("Hi", {}, in_background)); }, "background");
}

BOOST_AUTO_TEST_CASE(an_endpoint_of_openai_has_responses_and_no_agents) {
    const std::string project = service->endpoint();
    const std::string root = project.substr(0, project.find('/', 8));
    corun::client openai(io.get_executor(), root + "/v1", credential::bearer(service->token()), of_responses());
    agent a = openai.local_agent(plain_definition());
    BOOST_TEST(await(io, a.run("Hi")).text() == "You said: Hi");
    agent_thread conversation = await(io, openai.create_thread());
    BOOST_TEST(await(io, a.run(conversation, "Hi again")).text() == "You said: Hi again");
    for (const auto& request : service->requests()) BOOST_TEST(request.query.empty());
    BOOST_TEST(failure_of(io, [&] { return openai.get_agent("travel-desk"); }).code() == errc::invalid_argument);
    BOOST_TEST(failure_of(io, [&] { return openai.create_agent(plain_definition()); }).code() ==
               errc::invalid_argument);
}

BOOST_AUTO_TEST_CASE(a_refused_request_is_its_error) {
    service->inject(fault::respond(400, R"({"error":{"code":"invalid_payload","message":"No.","param":"tools"}})")
                        .on("POST", responses_path));
    agent a = client->local_agent(definition());
    const error refused = failure_of(io, a.run("Hi", token(planted_secret("fresh"))));
    BOOST_TEST(refused.code() == errc::bad_request);
    BOOST_TEST(refused.details().service_code == "invalid_payload");
    BOOST_TEST(refused.details().service_message == "No.");
    // What the service repeats of the request is not shown.
    service->inject(fault::respond(400, R"({"error":{"message":"Bad value ')" + planted_secret("fresh") + R"('."}})")
                        .on("POST", responses_path));
    check_hides_secrets(failure_of(io, a.run("Hi", token(planted_secret("fresh")))).details());
}

BOOST_AUTO_TEST_CASE(a_rate_limit_in_the_middle_is_how_the_run_failed) {
    agent a = client->local_agent(plain_definition());
    for (const auto form : {emulator::rate_limits::error_after_failed, emulator::rate_limits::failed}) {
        service->options().rate_limits = form;
        service->script("", {step::reply("Well"), step::fail("rate_limit_exceeded", "Try again in 7 seconds.")});
        try {
            (void)await(io, a.run("Hi"));
            BOOST_ERROR("it did not fail");
        } catch (const run_error& failure) {
            BOOST_TEST(failure.code() == errc::run_failed);
            BOOST_TEST(failure.result().text() == "Well");
            BOOST_REQUIRE(failure.result().last_error.has_value());
            BOOST_TEST(failure.result().last_error->code == "rate_limit_exceeded");
        }
    }
}

BOOST_AUTO_TEST_CASE(a_run_is_begun_again_after_a_rate_limit) {
    agent a = client->local_agent(plain_definition());
    run_options options;
    options.rate_limit_restarts = 1;
    options.retry.emplace().first_delay = 0ms;
    for (const auto form : {emulator::rate_limits::error_after_failed, emulator::rate_limits::failed}) {
        service->options().rate_limits = form;
        service->script("", {step::fail("rate_limit_exceeded", "Too many.")});
        event_stream stream = await(io, a.run_stream("Hi", {}, options));
        std::vector<event> events;
        while (auto arrived = await(io, stream.next())) {
            if (arrived->get_if<events::run_created>()) service->script("", {step::reply("There.")});
            events.push_back(*arrived);
        }
        BOOST_TEST(text_of(events) == "There.");
        const auto* again = find<events::run_restarted>(events);
        BOOST_REQUIRE(again);
        BOOST_REQUIRE(again->run.last_error.has_value());
        BOOST_TEST(again->run.last_error->code == "rate_limit_exceeded");
    }
}

BOOST_AUTO_TEST_CASE(a_response_in_the_foreground_cannot_be_cancelled_but_left) {
    service->options().client_leaves = emulator::client_leaves::is_cancelled;
    event_stream stream = held();
    (void)await(io, stream.next());
    const std::size_t before = service->requests().size();
    BOOST_TEST(failure_of(io, stream.cancel_run()).code() == errc::not_cancellable);
    const error met = failure_of(io, stream.stop());
    BOOST_TEST(met.code() == errc::not_cancellable);
    BOOST_TEST(std::string(met.what()).find("run_options::background") != std::string::npos);
    BOOST_TEST(service->requests().size() == before);
    BOOST_TEST(!stream.try_next().has_value());
}

BOOST_AUTO_TEST_CASE(a_response_need_not_be_stored) {
    agent a = client->local_agent(plain_definition());
    run_options options;
    options.store = false;
    event_stream stream = await(io, a.run_stream("Hi", {}, options));
    BOOST_TEST(text_of(await(io, collect(stream))) == "You said: Hi");
    const auto body = nlohmann::json::parse(service->requests().back().body);
    BOOST_TEST(body.at("store") == false);

    // Its calls are answered in a thread.
    service->script("", {step::call_function("get_weather", "{}"), step::reply("It is {output}.")});
    run_options answered = with_function();
    answered.store = false;
    agent_thread conversation = await(io, client->create_thread());
    BOOST_TEST(await(io, a.run(conversation, "weather?", {}, answered)).text() == "It is cold.");
    const std::size_t before = service->requests().size();
    const error refused = failure_of(io, a.run("weather?", {}, answered));
    BOOST_TEST(refused.code() == errc::invalid_argument);
    BOOST_TEST(std::string(refused.what()).find("run_options::store") != std::string::npos);
    options.background = true;
    BOOST_TEST(failure_of(io, a.run("Hi", {}, options)).code() == errc::invalid_argument);
    BOOST_TEST(service->requests().size() == before);

    // By hand, it shows only once it was asked.
    run_options by_hand;
    by_hand.store = false;
    by_hand.tools.emplace_back(function_tool("get_weather", "The weather.", ""));
    event_stream waiting = await(io, a.run_stream("weather?", {}, by_hand));
    const auto first = await(io, collect(waiting));
    const auto* asked = find<events::action_required>(first);
    BOOST_REQUIRE(asked);
    submission answers;
    answers.output(asked->action.function_calls.at(0).id, "warm");
    BOOST_TEST(failure_of(io, waiting.submit(std::move(answers))).code() == errc::invalid_argument);
}

BOOST_AUTO_TEST_CASE(a_response_that_is_not_stored_can_be_stopped) {
    run_options options;
    options.store = false;
    event_stream stream = held(options);
    (void)await(io, stream.next());
    BOOST_TEST(failure_of(io, stream.cancel_run()).code() == errc::not_cancellable);
    await(io, stream.stop());
    BOOST_TEST(!stream.try_next().has_value());
}

BOOST_AUTO_TEST_CASE(a_run_that_waits_is_given_up_without_a_request) {
    service->script("", {step::call_function("get_weather", "{}"), step::reply("{output}")});
    run_options options;
    options.tools.emplace_back(function_tool("get_weather", "The weather.", ""));
    agent a = client->local_agent(plain_definition());
    event_stream stream = await(io, a.run_stream("weather?", {}, options));
    BOOST_REQUIRE(find<events::action_required>(await(io, collect(stream))));
    const std::size_t before = service->requests().size();
    await(io, stream.cancel_run());
    const auto rest = await(io, collect(stream));
    BOOST_TEST(find<events::run_cancelled>(rest) != nullptr);
    BOOST_TEST(service->requests().size() == before);
}

BOOST_AUTO_TEST_CASE(a_run_shows_itself_to_an_observer) {
    std::optional<run_record> told;
    client_options options = of_responses();
    options.observer.on_run = [&told](const run_record& record) { told = record; };
    corun::client watched(io.get_executor(), service->endpoint(), credential::bearer(service->token()), options);
    agent a = watched.local_agent(plain_definition());
    const std::string id = await(io, a.run("Hi")).run_id;
    run_until(io, [&] { return told.has_value(); });
    BOOST_TEST(told->run_id == id);
    BOOST_TEST((told->status == run_state::completed));
    BOOST_TEST(told->time_to_first_text.has_value());
    BOOST_TEST(told->usage.has_value());
}

BOOST_AUTO_TEST_SUITE_END()

namespace {

const std::string one_response = "/openai/v1/responses/*";

/// A response in the background, whose stream breaks once its id has come.
struct broken : behind_proxy {
    broken() {
        // Only what breaks ends a stream here, however long a request takes.
        client_options settings = of_responses();
        settings.event_timeout = settings.idle_timeout = 0ms;
        connect(std::move(settings));
        service->script("", {step::reply("one two three")});
        proxy.inject(network_fault::reset().at(2500));
    }

    asio::awaitable<event_stream> begin() {
        run_options options;
        options.background = true;
        prompt_agent_definition definition("gpt-4o");
        return detail::handle_access::make_local(owner, std::move(definition)).run_stream("Hi", {}, options);
    }
    outcome play() { return await(io, *clock, take_all(begin())); }

    /// How often the response was asked for as a stream, or else read.
    std::size_t streamed() const { return asked("stream=true&starting_after="); }
    std::size_t read() const { return asked("") - streamed(); }

private:
    std::size_t asked(const std::string& how) const {
        return static_cast<std::size_t>(std::count_if(
            service->requests().begin(), service->requests().end(),
            [&](const auto& each) { return each.method == "GET" && each.query.find(how) != std::string::npos; }));
    }
};

void check_whole(const outcome& seen, std::size_t reattached) {
    BOOST_TEST(!seen.failure, seen.failure.message());
    BOOST_TEST(seen.text == "one two three");
    BOOST_TEST(seen.reattached == reattached);
    BOOST_TEST(std::count(seen.names.begin(), seen.names.end(), "response.completed") == 1);
    BOOST_TEST(std::count(seen.names.begin(), seen.names.end(), "response.output_item.done") == 1);
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(a_stream_in_the_background, broken)

BOOST_AUTO_TEST_CASE(goes_on_with_the_event_after_the_last) {
    const outcome seen = play();
    check_whole(seen, 1);
    BOOST_TEST(seen.tokens == 3u);
    BOOST_TEST(streamed() == 1u);
    BOOST_TEST(read() == 0u);
}

BOOST_AUTO_TEST_CASE(goes_on_while_the_response_is_at_work) {
    service->script("", {step::reply("one two three"), step::hold()});
    event_stream stream = await(io, *clock, begin());
    std::string text;
    while (text != "one two three") {
        const auto arrived = await(io, *clock, stream.next());
        BOOST_REQUIRE(arrived.has_value());
        if (const auto* delta = arrived->get_if<events::text_delta>()) text += delta->text;
    }
    BOOST_TEST(streamed() == 1u);
    BOOST_TEST(read() == 0u);
    await(io, *clock, stream.cancel_run());
    std::vector<event> rest;
    while (auto arrived = await(io, *clock, stream.next())) rest.push_back(std::move(*arrived));
    BOOST_TEST(find<events::run_cancelled>(rest) != nullptr);
}

BOOST_AUTO_TEST_CASE(goes_on_as_often_as_it_breaks) {
    proxy.inject(network_fault::reset().on("GET", one_response).at(1800).times(2));
    check_whole(play(), 3);
    BOOST_TEST(streamed() == 3u);
    BOOST_TEST(read() == 0u);
}

BOOST_AUTO_TEST_CASE(outlasts_any_number_of_connections_that_each_bring_something_new) {
    service->script("", {step::tokens(60)});
    proxy.inject(network_fault::reset().on("GET", one_response).at(1800).times(12));
    const outcome seen = play();
    BOOST_TEST(!seen.failure, seen.failure.message());
    BOOST_TEST(seen.tokens == 60u);
    BOOST_TEST(seen.reattached == 13u);
    BOOST_TEST(read() == 0u);
}

BOOST_AUTO_TEST_CASE(outlives_an_outage) {
    proxy.inject(network_fault::lose_request().on("GET", one_response).times(3));
    service->inject(fault::respond(503).on("GET", one_response).times(2));
    check_whole(play(), 1);
    BOOST_TEST(streamed() == 3u);
    BOOST_TEST(read() == 0u);
}

BOOST_AUTO_TEST_CASE(is_read_where_the_service_does_not_stream_it_again) {
    service->inject(fault::respond(400).on("GET", one_response));
    check_whole(play(), 1);
    BOOST_TEST(streamed() == 1u);
    BOOST_TEST(read() >= 1u);
}

BOOST_AUTO_TEST_CASE(is_read_where_the_service_says_something_else_than_a_stream) {
    service->inject(fault::respond(200, "<html>busy</html>").on("GET", one_response));
    check_whole(play(), 1);
    BOOST_TEST(read() >= 1u);
}

BOOST_AUTO_TEST_CASE(is_read_where_the_stream_brings_nothing_new) {
    proxy.inject(network_fault::cut().on("GET", one_response).at(400));
    check_whole(play(), 2);
    BOOST_TEST(streamed() == 1u);
    BOOST_TEST(read() >= 1u);
}

BOOST_AUTO_TEST_CASE(is_read_where_an_event_is_missing) {
    service->inject(fault::omit("response.output_text.delta").on("GET", one_response));
    const outcome seen = play();
    BOOST_TEST(!seen.failure);
    BOOST_TEST(seen.text == "one two three");
    BOOST_TEST(seen.reattached == 2u);
    BOOST_TEST(read() >= 1u);
}

BOOST_AUTO_TEST_CASE(gives_an_event_that_comes_twice_once) {
    for (const std::size_t first : {0u, 1u, 4u}) {
        proxy.forgive();
        proxy.inject(network_fault::reset().at(2500));
        proxy.inject(network_fault::duplicate(first, 3).on("GET", one_response));
        const outcome seen = play();
        check_whole(seen, 1);
        BOOST_TEST(seen.tokens == 3u);
    }
}

BOOST_AUTO_TEST_CASE(is_read_where_its_events_are_not_numbered) {
    const auto unnumbered = [](const std::string&, std::string frame) {
        const std::size_t at = frame.find("\"sequence_number\":");
        if (at == frame.npos) return frame;
        const std::size_t number = at + 18;
        return frame.replace(number, frame.find_first_not_of("0123456789", number) - number, "0");
    };
    service->inject(fault::rewrite(unnumbered));
    const outcome seen = play();
    BOOST_TEST(!seen.failure);
    BOOST_TEST(seen.text == "one two three");
    BOOST_TEST(streamed() == 0u);
    BOOST_TEST(read() >= 1u);
}

BOOST_AUTO_TEST_SUITE_END()
