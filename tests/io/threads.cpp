// The routes below a thread, and waiting for a run in a time that the test moves.
#include "client/handle_access.hpp"
#include "client/protocols.hpp"
#include "curl/curl_transport.hpp"
#include "emulated.hpp"
#include "manual_clock.hpp"

#include <asio/bind_cancellation_slot.hpp>
#include <asio/cancellation_signal.hpp>
#include <asio/co_spawn.hpp>
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <string>

namespace {
using namespace corun;
using namespace corun::test;
using namespace std::chrono_literals;

/// A thread seen by a client whose time only `time` moves.
struct timed : emulated {
    timed() {
        client_options options;
        // Then the only timers are those of the waiting itself.
        options.idle_timeout = 0ms;
        const auto executor = io.get_executor();
        owner = detail::make_api_client(executor, service->endpoint(), credential::bearer(service->token()), options,
                                        curl::make_transport(executor, curl::options()), time);
        plain = make_plain_agent();
        conversation = await(io, client->create_thread());
        same = detail::handle_access::make<agent_thread>(owner, conversation.definition().raw);
    }

    thread_run start_run(std::vector<emulator::step> steps) {
        service->script("", std::move(steps));
        return await(io, plain.create_run(conversation, "hi"));
    }

    void start_waiting(std::string run_id, std::chrono::milliseconds timeout = 0ms) {
        asio::co_spawn(io, same.wait_for_run(std::move(run_id), timeout),
                       asio::bind_cancellation_slot(cancellation.slot(), [this](std::exception_ptr e, thread_run run) {
                           failure = e;
                           waited = std::move(run);
                           done = true;
                       }));
    }

    /// Until the next pause, or the end.
    void run_until_pause() {
        run_until(io, [this] { return done || time->pending() == 1; });
    }

    std::size_t polls(const std::string& run_id) const {
        const auto& all = service->requests();
        return static_cast<std::size_t>(std::count_if(
            all.begin(), all.end(), [path = "/threads/" + same.id() + "/runs/" + run_id](const auto& each) {
                return each.method == "GET" && each.path == path;
            }));
    }

    std::error_code code() const {
        try {
            if (failure) std::rethrow_exception(failure);
        } catch (const std::system_error& error) {
            return error.code();
        }
        return {};
    }

    std::shared_ptr<manual_clock> time = std::make_shared<manual_clock>();
    std::shared_ptr<detail::api_client> owner;
    agent plain;
    agent_thread conversation, same;
    asio::cancellation_signal cancellation;
    std::exception_ptr failure;
    thread_run waited;
    bool done = false;
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(threads, timed)

BOOST_AUTO_TEST_CASE(a_run_that_has_ended_is_not_waited_for) {
    const thread_run run = start_run({emulator::step::reply("Hello.")});
    for (int polls = 0; !is_terminal(await(io, conversation.get_run(run.id)).status) && polls != 1000; ++polls) {
    }
    start_waiting(run.id);
    run_until_pause();
    BOOST_TEST(done);
    BOOST_TEST((waited.status == run_state::completed));
    BOOST_TEST(time->pending() == 0u);
}

BOOST_AUTO_TEST_CASE(the_pauses_between_polls_grow_to_eight_seconds) {
    const thread_run run = start_run({emulator::step::hold()});
    start_waiting(run.id);
    std::size_t count = 0;
    for (const auto pause : {500ms, 1000ms, 2000ms, 4000ms, 8000ms, 8000ms}) {
        run_until_pause();
        BOOST_TEST(polls(run.id) == ++count);
        time->advance(pause - 1ms);
        run_ready(io);
        BOOST_TEST(time->pending() == 1u);
        time->advance(1ms);
    }
    run_until_pause();
    (void)await(io, conversation.cancel_run(run.id));
    time->advance(8s);
    run_until_pause();
    for (int more = 0; !done && more != 10; ++more) {
        time->advance(8s);
        run_until_pause();
    }
    BOOST_REQUIRE(done);
    BOOST_TEST((waited.status == run_state::cancelled));
    BOOST_TEST(waited.id == run.id);
}

BOOST_AUTO_TEST_CASE(a_run_that_needs_an_action_ends_the_waiting) {
    agent_definition definition("gpt-4o");
    definition.tools.push_back(function_tool("get_weather", "Weather", R"({"type":"object","properties":{}})"));
    plain = await(io, client->create_agent(definition));
    const thread_run run = start_run({emulator::step::call_function("get_weather", "{}")});
    start_waiting(run.id);
    for (int more = 0; !done && more != 10; ++more) {
        run_until_pause();
        time->advance(8s);
    }
    BOOST_REQUIRE(done);
    BOOST_TEST((waited.status == run_state::requires_action));
    BOOST_REQUIRE(waited.required_action);
    BOOST_TEST(waited.required_action->function_calls.at(0).name == "get_weather");
}

BOOST_AUTO_TEST_CASE(a_timeout_ends_the_waiting_while_a_poll_is_not_answered) {
    const thread_run run = start_run({emulator::step::hold()});
    service->inject(emulator::fault::stall().on("GET", "/threads/*/runs/*"));
    start_waiting(run.id, 1200ms);
    run_until(io, [&] { return polls(run.id) == 1; });
    time->advance(1199ms);
    run_ready(io);
    BOOST_TEST(!done);
    time->advance(1ms);
    run_until(io, [&] { return done; });
    BOOST_TEST(code() == errc::total_timeout);
    BOOST_TEST(time->pending() == 0u);
    BOOST_TEST((await(io, conversation.get_run(run.id)).status == run_state::in_progress));
}

BOOST_AUTO_TEST_CASE(failures_that_may_pass_are_looked_past) {
    const thread_run run = start_run({emulator::step::hold()});
    service->inject(emulator::fault::respond(500).on("GET", "/threads/*/runs/*").times(2));
    start_waiting(run.id);
    for (int failures = 0; failures != 3; ++failures) {
        run_until_pause();
        BOOST_TEST(!done);
        time->advance(8s);
    }
    run_until_pause();
    BOOST_TEST(polls(run.id) == 4u);
    service->inject(emulator::fault::respond(403).on("GET", "/threads/*/runs/*"));
    time->advance(8s);
    run_until_pause();
    BOOST_REQUIRE(done);
    BOOST_TEST(code() == errc::forbidden);
}

BOOST_AUTO_TEST_CASE(waiting_is_cancelled_in_a_pause) {
    const thread_run run = start_run({emulator::step::hold()});
    start_waiting(run.id);
    run_until_pause();
    cancellation.emit(asio::cancellation_type::terminal);
    run_until(io, [this] { return done; });
    BOOST_TEST(code() == std::error_code(asio::error::operation_aborted));
    BOOST_TEST(time->pending() == 0u);
}

BOOST_AUTO_TEST_CASE(waiting_for_no_run_is_refused) {
    BOOST_TEST(failure_of(io, [&] { return same.wait_for_run(""); }).code() == errc::invalid_argument);
    BOOST_TEST(failure_of(io, same.wait_for_run("run_none")).code() == errc::not_found);
    BOOST_CHECK_THROW((void)agent_thread().wait_for_run("run_1"), error);
}

BOOST_AUTO_TEST_CASE(messages_are_changed_and_deleted) {
    message text("A remark");
    text.metadata["k"] = "v";
    const thread_message added = await(io, conversation.add_message(text));
    metadata pairs;
    pairs["other"] = "w";
    const thread_message changed = await(io, conversation.update_message(added.id, pairs));
    BOOST_TEST(changed.id == added.id);
    BOOST_TEST(changed.metadata.size() == 1u);
    BOOST_TEST(changed.metadata.at("other") == "w");
    BOOST_TEST(await(io, conversation.get_message(added.id)).metadata.at("other") == "w");

    await(io, conversation.delete_message(added.id));
    BOOST_TEST(failure_of(io, conversation.get_message(added.id)).code() == errc::not_found);
    BOOST_TEST(failure_of(io, conversation.delete_message(added.id)).code() == errc::not_found);
    BOOST_TEST(failure_of(io, [&] { return conversation.delete_message(""); }).code() == errc::invalid_argument);
    pairs[std::string(65, 'k')] = "v";
    BOOST_TEST(failure_of(io, [&] { return conversation.update_message("msg_1", pairs); }).code() ==
               errc::invalid_argument);
}

BOOST_AUTO_TEST_CASE(runs_and_steps_are_read_and_changed) {
    const run_result result = await(io, plain.run(conversation, "hi"));
    metadata pairs;
    pairs["k"] = "v";
    const thread_run changed = await(io, conversation.update_run(result.run_id, pairs));
    BOOST_TEST(changed.id == result.run_id);
    BOOST_TEST(changed.metadata.at("k") == "v");
    BOOST_TEST(await(io, conversation.get_run(result.run_id)).metadata.at("k") == "v");

    BOOST_REQUIRE_EQUAL(result.steps.size(), 1u);
    const std::string step_id = result.steps[0].id;
    const run_step step = await(io, conversation.get_step(result.run_id, step_id));
    BOOST_TEST(step.id == step_id);
    BOOST_TEST(step.message_id == result.messages.at(0).id);
    BOOST_TEST(service->requests().back().query.find("include") == std::string::npos);
    BOOST_TEST(failure_of(io, [&] { return conversation.get_step(result.run_id, ""); }).code() ==
               errc::invalid_argument);
    BOOST_TEST(failure_of(io, conversation.get_step(result.run_id, "step_none")).code() == errc::not_found);
}

BOOST_AUTO_TEST_CASE(steps_are_asked_for_more_than_the_usual) {
    const run_result result = await(io, plain.run(conversation, "hi"));
    const std::vector<std::string> include(1, file_search_result_content);
    const std::string expected = "include%5B%5D=step_details.tool_calls%5B%2A%5D.file_search.results%5B%2A%5D.content";
    (void)await(io, conversation.get_step(result.run_id, result.steps.at(0).id, include));
    BOOST_TEST(service->requests().back().query.find(expected) != std::string::npos);

    list_options options;
    options.include = include;
    auto steps = conversation.list_steps(result.run_id, options);
    BOOST_TEST(await(io, steps.next()).has_value());
    BOOST_TEST(service->requests().back().query.find("&" + expected) != std::string::npos);

    const std::vector<std::string> unknown(1, "everything");
    BOOST_TEST(failure_of(io, conversation.get_step(result.run_id, result.steps.at(0).id, unknown)).code() ==
               errc::bad_request);
}

BOOST_AUTO_TEST_CASE(a_run_in_a_thread_is_asked_to_carry_more_than_the_usual) {
    run_options options;
    options.include.emplace_back(file_search_result_content);
    const std::string expected = "include%5B%5D=step_details.tool_calls%5B%2A%5D.file_search.results%5B%2A%5D.content";
    (void)await(io, plain.run(conversation, "Hello", {}, options));
    BOOST_TEST(service->requests().back().query.find(expected) != std::string::npos);
    service->forget_requests();
    BOOST_TEST(failure_of(io, plain.run("Hello", {}, options)).code() == errc::invalid_argument);
    BOOST_TEST(service->requests().empty());
}

BOOST_AUTO_TEST_CASE(a_listing_begins_behind_an_object) {
    std::vector<std::string> ids;
    for (const char* text : {"a", "b", "c"}) ids.push_back(await(io, conversation.add_message(text)).id);
    list_options options;
    options.page_size = 1;
    options.oldest_first = true;
    options.after = ids[0];
    auto newer = conversation.list_messages(options);
    BOOST_TEST(await(io, newer.next())->text() == "b");
    BOOST_TEST(await(io, newer.next())->text() == "c");
    BOOST_TEST(!await(io, newer.next()).has_value());
}

BOOST_AUTO_TEST_CASE(a_message_brings_files_of_both_kinds_and_images) {
    message text("Look");
    text.add(content_block::image_url("https://e.example/a.png", "low")).add(content_block::image_file("assistant-1"));
    text.attachments.emplace_back("assistant-2", std::vector<std::string>{"code_interpreter", "file_search"});
    text.attachments.emplace_back(vector_store_data_source("https://s.example/a.pdf", "uri_asset"),
                                  std::vector<std::string>{"file_search"});
    const thread_message added = await(io, conversation.add_message(text));
    const thread_message read = await(io, conversation.get_message(added.id));
    BOOST_REQUIRE_EQUAL(read.content.size(), 3u);
    BOOST_TEST(read.content[1].url == "https://e.example/a.png");
    BOOST_TEST(read.content[1].detail == "low");
    BOOST_TEST(read.content[2].file_id == "assistant-1");
    BOOST_REQUIRE_EQUAL(read.attachments.size(), 2u);
    BOOST_TEST(read.attachments[0].file_id == "assistant-2");
    BOOST_TEST(!read.attachments[0].data_source);
    BOOST_TEST(read.attachments[0].tools.size() == 2u);
    BOOST_REQUIRE(read.attachments[1].data_source);
    BOOST_TEST(read.attachments[1].data_source->uri == "https://s.example/a.pdf");
    BOOST_TEST(read.attachments[1].data_source->type == "uri_asset");
    BOOST_TEST(read.attachments[1].file_id.empty());
}

BOOST_AUTO_TEST_CASE(the_service_takes_every_tool_and_resource_that_can_be_made) {
    const function_tool function("f", "does", R"({"type":"object","properties":{}})");
    const storage_queue queue("https://q.example", "q");
    agent_definition definition("gpt-4o");
    definition.tools = {code_interpreter(),
                        file_search(7, ranking_options("auto", 0.5)),
                        azure_ai_search(),
                        bing_grounding("c"),
                        bing_custom_search("c", "i"),
                        openapi("o", "d", R"({"openapi":"3.1.0"})", openapi_auth::managed_identity("a"), {"p"}),
                        azure_function(function, queue, queue),
                        connected_agent("asst_2", "n", "d"),
                        fabric_dataagent("c"),
                        sharepoint_grounding("c"),
                        deep_research("o3", "c"),
                        browser_automation("c"),
                        function,
                        mcp_tool("bookings", mcp->url())};
    definition.tool_resources.set_code_interpreter({"assistant-1"})
        .set_file_search({"vs_1"})
        .set_azure_ai_search(azure_ai_search_index("c", "flights"));
    definition.response_format = response_format::json_schema("seat", R"({"type":"object"})");
    const agent made = await(io, client->create_agent(definition));
    BOOST_REQUIRE_EQUAL(made.definition().tools.size(), definition.tools.size());
    for (std::size_t i = 0; i != definition.tools.size(); ++i)
        BOOST_TEST(type_of(made.definition().tools[i]) == type_of(definition.tools[i]));
    BOOST_TEST(made.definition().tool_resources.other.size() == 3u);
    BOOST_REQUIRE(made.definition().response_format);
    BOOST_TEST(made.definition().response_format->json().find("json_schema") != std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()
