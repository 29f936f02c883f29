#include "emulated.hpp"
#include "loopback_server.hpp"

#include <boost/test/unit_test.hpp>

#include <set>
#include <string>

namespace {
using namespace corun;
using namespace corun::test;
}  // namespace

BOOST_FIXTURE_TEST_SUITE(agents, emulated)

BOOST_AUTO_TEST_CASE(an_agent_is_created_read_updated_and_deleted) {
    agent_definition definition("gpt-4o");
    definition.name = "desk";
    definition.description = "answers";
    definition.instructions = "Be brief.";
    definition.temperature = 0.5;
    definition.top_p = 0.9;
    definition.metadata["team"] = "travel";
    definition.tools.push_back(function_tool("get_weather", "Weather", R"({"type":"object","properties":{}})"));
    definition.tools.push_back(code_interpreter());
    definition.tools.push_back(mcp_tool("bookings", mcp->url(), {"reserve_seat"}));
    agent made = await(io, client->create_agent(definition));
    BOOST_TEST(made.id().starts_with("asst_"));

    agent read = await(io, client->get_agent(made.id()));
    BOOST_TEST(read.definition().name == "desk");
    BOOST_TEST(read.definition().instructions == "Be brief.");
    BOOST_TEST((read.definition().temperature == 0.5));
    BOOST_TEST(read.definition().metadata.at("team") == "travel");
    BOOST_REQUIRE(read.definition().tools.size() == 3u);
    BOOST_TEST(std::get<function_tool>(read.definition().tools[0]).name == "get_weather");
    BOOST_TEST(type_of(read.definition().tools[1]) == "code_interpreter");
    BOOST_TEST((std::get<mcp_tool>(read.definition().tools[2]) == mcp_tool("bookings", mcp->url(), {"reserve_seat"})));

    agent_definition changes;
    changes.instructions = "Be polite.";
    await(io, read.update(changes));
    BOOST_TEST(read.definition().instructions == "Be polite.");
    BOOST_TEST(read.definition().name == "desk");
    await(io, made.refresh());
    BOOST_TEST(made.definition().instructions == "Be polite.");

    await(io, made.remove());
    BOOST_TEST(failure_of(io, client->get_agent(made.id())).code() == errc::not_found);
}

BOOST_AUTO_TEST_CASE(a_listing_goes_over_pages_without_gaps_or_repeats) {
    std::set<std::string> made;
    for (int i = 0; i < 25; ++i) made.insert(make_plain_agent().id());
    for (const int size : {1, 7, 25, 100}) {
        list_options options;
        options.page_size = size;
        options.oldest_first = size == 7;
        auto listing = client->list_agents(options);
        std::set<std::string> seen;
        const auto all = [&]() -> asio::awaitable<int> {
            int count = 0;
            while (auto each = co_await listing.next()) {
                seen.insert(each->id());
                ++count;
            }
            co_return count;
        };
        BOOST_TEST(await(io, all()) == 25);
        BOOST_TEST((seen == made));
    }
}

BOOST_AUTO_TEST_CASE(a_failed_page_can_be_asked_for_again) {
    for (int i = 0; i < 5; ++i) (void)make_plain_agent();
    list_options options;
    options.page_size = 2;
    auto listing = client->list_agents(options);
    int count = 0;
    for (int i = 0; i < 2; ++i) count += await(io, listing.next()).has_value();
    service->inject(emulator::fault::respond(403).on("GET", "/assistants"));
    BOOST_TEST(failure_of(io, listing.next()).code() == errc::forbidden);
    while (await(io, listing.next())) ++count;
    BOOST_TEST(count == 5);
}

BOOST_AUTO_TEST_CASE(a_thread_holds_a_conversation) {
    agent a = make_plain_agent();
    thread_definition definition;
    definition.metadata["user"] = "u1";
    definition.messages.push_back("Earlier question");
    agent_thread t = await(io, client->create_thread(definition));
    BOOST_TEST(await(io, client->get_thread(t.id())).definition().metadata.at("user") == "u1");

    const thread_message added = await(io, t.add_message("A remark"));
    BOOST_TEST(added.role == "user");
    BOOST_TEST(added.text() == "A remark");
    BOOST_TEST(await(io, t.get_message(added.id)).text() == "A remark");

    const run_result result = await(io, a.run(t, "A question"));
    BOOST_TEST(result.thread_id == t.id());
    BOOST_TEST((result.status == run_state::completed));
    BOOST_TEST(result.usage.has_value());
    BOOST_REQUIRE(result.messages.size() == 1u);

    list_options oldest;
    oldest.oldest_first = true;
    auto messages = t.list_messages(oldest);
    std::vector<std::string> texts;
    while (auto each = await(io, messages.next())) texts.push_back(each->text());
    BOOST_REQUIRE(texts.size() == 4u);
    BOOST_TEST(texts[0] == "Earlier question");
    BOOST_TEST(texts[1] == "A remark");
    BOOST_TEST(texts[2] == "A question");
    BOOST_TEST(texts[3] == result.text());

    list_options of_run;
    of_run.run_id = result.run_id;
    auto answers = t.list_messages(of_run);
    BOOST_TEST(await(io, answers.next())->text() == result.text());

    const thread_run read = await(io, t.get_run(result.run_id));
    BOOST_TEST((read.status == run_state::completed));
    BOOST_TEST(read.agent_id == a.id());
    auto runs = t.list_runs();
    BOOST_TEST(await(io, runs.next())->id == result.run_id);
    BOOST_TEST(!await(io, runs.next()).has_value());
    auto steps = t.list_steps(result.run_id);
    BOOST_TEST(await(io, steps.next())->type == "message_creation");

    thread_definition changes;
    changes.metadata["user"] = "u2";
    await(io, t.update(changes));
    BOOST_TEST(t.definition().metadata.at("user") == "u2");
    await(io, t.remove());
    BOOST_TEST(failure_of(io, client->get_thread(t.id())).code() == errc::not_found);
}

BOOST_AUTO_TEST_CASE(a_run_without_streaming_is_polled_to_its_end) {
    mcp->accept_token("planted-secret-agents", now() + std::chrono::hours(1));
    agent a = make_agent();
    agent_thread t = await(io, client->create_thread());
    thread_run r = await(io, a.create_run(t, "Book seat 14A", token("planted-secret-agents"), without_approvals()));
    for (int polls = 0; !is_terminal(r.status) && polls < 1000; ++polls) r = await(io, t.get_run(r.id));
    BOOST_TEST((r.status == run_state::completed));
    BOOST_TEST(r.usage.has_value());
}

BOOST_AUTO_TEST_CASE(a_run_has_a_new_connection_and_a_read_a_used_one) {
    const std::string created =
        "event: thread.run.created\ndata: {\"id\":\"run_1\",\"thread_id\":\"thread_1\",\"status\":\"queued\"}\n\n";
    const std::string completed =
        "event: thread.run.completed\ndata: {\"id\":\"run_1\",\"thread_id\":\"thread_1\",\"status\":\"completed\"}\n\n";
    loopback_server server(io, [&](std::shared_ptr<raw_connection> connection) -> asio::awaitable<void> {
        raw_request request = co_await connection->read();
        while (!request.head.empty()) {
            if (request.head.starts_with("GET")) {
                co_await connection->write(
                    whole_response(200, "application/json", "{\"id\":\"asst_1\",\"model\":\"m\"}"));
            } else {
                co_await connection->write(
                    response_head(200, "text/event-stream", "Transfer-Encoding: chunked\r\n\r\n"));
                co_await connection->write_chunk(created + completed);
                // The caller has its last event before the response ends.
                co_await asio::post(io, asio::use_awaitable);
                co_await connection->write_chunk("event: done\ndata: [DONE]\n\n");
                co_await connection->write("0\r\n\r\n");
            }
            request = co_await connection->read();
        }
    });
    corun::client other(io.get_executor(), server.url(), credential::bearer("planted-secret-other"), searched());
    agent a = await(io, other.get_agent("asst_1"));
    for (int i = 0; i < 5; ++i) {
        BOOST_TEST(await(io, collect(a.run_stream("hi"))).size() == 2u);
        // What is left of the response is read meanwhile.
        run_ready(io);
        await(io, other.get_agent("asst_1"));
    }
    BOOST_TEST(server.connections() == 6u);
}

BOOST_AUTO_TEST_CASE(an_io_context_may_go_with_streams_under_way) {
    auto context = std::make_unique<asio::io_context>();
    auto local = std::make_unique<emulator::service>(*context);
    local->script("", {emulator::step::reply("One moment."), emulator::step::hold()});
    int open = 0;
    {
        corun::client here(context->get_executor(), local->endpoint(), credential::bearer(local->token()), searched());
        const auto hold = [&](corun::client c) -> asio::awaitable<void> {
            agent a = co_await c.create_agent(agent_definition("gpt-4o"));
            event_stream stream = co_await a.run_stream("hi");
            while (auto arrived = co_await stream.next())
                if (arrived->get_if<events::message_completed>()) ++open;
        };
        for (int i = 0; i < 5; ++i) asio::co_spawn(*context, hold(here), [](std::exception_ptr) {});
        run_until(*context, [&] { return open == 5; });
    }
    local.reset();
    context.reset();
    BOOST_TEST(open == 5);
}

BOOST_AUTO_TEST_CASE(a_running_run_is_cancelled_through_its_stream) {
    service->script("wait", {emulator::step::reply("One moment."), emulator::step::hold()});
    agent a = make_plain_agent();
    const auto cancel_half_way = [](agent on) -> asio::awaitable<std::string> {
        std::string ended;
        event_stream stream = co_await on.run_stream("wait");
        while (auto arrived = co_await stream.next()) {
            if (arrived->get_if<events::message_completed>()) co_await stream.cancel_run();
            ended = arrived->name();
        }
        co_return ended;
    };
    BOOST_TEST(await(io, cancel_half_way(a)) == "thread.run.cancelled");
}

BOOST_AUTO_TEST_CASE(the_options_of_a_run_reach_the_service) {
    agent a = make_plain_agent();
    run_options options;
    options.model = "gpt-4.1";
    options.instructions = "Speak Norwegian.";
    options.additional_instructions = "Be brief.";
    options.temperature = 0.25;
    options.top_p = 0.5;
    options.max_prompt_tokens = 1000;
    options.max_completion_tokens = 2000;
    options.parallel_tool_calls = false;
    options.metadata["k"] = "v";
    options.additional_messages.push_back("before");
    options.response_format = response_format::json_object();
    options.truncation_strategy = truncation_strategy::last_messages(10);
    options.tool_choice = tool_choice::none();
    agent_thread t = await(io, client->create_thread());
    (void)await(io, a.run(t, "hello", mcp_headers(), options));
    const std::string body = service->requests().back().body;
    for (const char* part :
         {R"("model":"gpt-4.1")", R"("instructions":"Speak Norwegian.")", R"("additional_instructions":"Be brief.")",
          R"("temperature":0.25)", R"("top_p":0.5)", R"("max_prompt_tokens":1000)", R"("max_completion_tokens":2000)",
          R"("parallel_tool_calls":false)", R"("metadata":{"k":"v"})", R"("tool_choice":"none")",
          R"("response_format":{"type":"json_object"})",
          R"("truncation_strategy":{"type":"last_messages","last_messages":10})"})
        BOOST_TEST(body.find(part) != std::string::npos, part << " is missing in " << body);
    BOOST_TEST(body.find("before") < body.find("hello"));
}

BOOST_AUTO_TEST_SUITE_END()
