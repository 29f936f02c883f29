// What the emulator does where the service is disputed or goes wrong, and how runs go on without a stream.
#include "emulated_http.hpp"

#include <asio/co_spawn.hpp>
#include <boost/test/unit_test.hpp>

#include <algorithm>

namespace {

using namespace corun;
using namespace corun::test;
using emulator::fault;
using emulator::mcp_clearing;
using emulator::step;
using names = std::vector<std::string>;
using std::chrono::milliseconds;
using std::chrono::seconds;

/// Listens and never answers.
struct silent_server {
    explicit silent_server(asio::io_context& io)
        : acceptor(io, asio::ip::tcp::endpoint(asio::ip::address_v4::loopback(), 0)) {}
    [[nodiscard]] std::string url() const {
        return "http://127.0.0.1:" + std::to_string(acceptor.local_endpoint().port()) + "/mcp";
    }
    asio::ip::tcp::acceptor acceptor;
};

struct switched : emulated_http {
    /// A run of functions that waits for their outputs.
    json waiting_run(const std::string& said = "get_weather") {
        return value_of(stream("/threads/runs", run_body(make_agent(list(function_tool())), said)),
                        "thread.run.requires_action");
    }
    static std::string submit_path(const json& run) { return path_of(run) + "/submit_tool_outputs"; }
    static json output_for(const json& run, const std::string& output = "-3") {
        json body;
        body["tool_outputs"] = list(json::object());
        body["tool_outputs"][0]["tool_call_id"] = run["required_action"]["submit_tool_outputs"]["tool_calls"][0]["id"];
        body["tool_outputs"][0]["output"] = output;
        return body;
    }
    /// The states that reading the run again and again shows, to the one that is waited for.
    names read_until(const json& run, const std::string& end) {
        names seen;
        for (int reads = 0; reads != 10'000; ++reads) {
            const json now_run = get(path_of(run));
            run_ready(io);
            const std::string status = now_run["status"];
            if (seen.empty() || seen.back() != status) seen.push_back(status);
            if (status == end) return seen;
        }
        throw std::logic_error("it does not end");
    }
    std::string last_message(const json& run) {
        const json content = get("/threads/" + run["thread_id"].get<std::string>() + "/messages")["data"][0]["content"];
        return content.empty() ? std::string{} : content[0]["text"]["value"].get<std::string>();
    }
    static std::string message_of(const raw_response& refused) { return json::parse(refused.body)["error"]["message"]; }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(emulator_polling, switched)

BOOST_AUTO_TEST_CASE(goes_on_by_itself_without_a_stream) {
    const json run = waiting_run();
    BOOST_TEST(post(submit_path(run), output_for(run))["status"] == "queued");
    run_ready(io);
    BOOST_TEST(get(path_of(run))["status"] == "completed");
    BOOST_TEST(last_message(run) == "-3");
}

BOOST_AUTO_TEST_CASE(goes_on_a_stage_each_time_that_it_is_read) {
    service->options().stage_a_read = true;
    const json run = post("/threads/runs", run_body(make_agent(), "Hi"));
    BOOST_TEST(run["status"] == "queued");
    const std::string thread = "/threads/" + run["thread_id"].get<std::string>();
    // What each reading shows: the run, its steps, its messages.
    BOOST_TEST(get(path_of(run))["status"] == "queued");
    BOOST_TEST(get(path_of(run))["status"] == "in_progress");
    json steps = get(path_of(run) + "/steps")["data"];
    BOOST_TEST(steps.size() == 1u);
    BOOST_TEST(steps[0]["status"] == "in_progress");
    const json messages = get(thread + "/messages")["data"];
    BOOST_TEST(messages[0]["status"] == "completed");
    BOOST_TEST(messages[0]["content"][0]["text"]["value"] == "You said: Hi");
    steps = get(path_of(run) + "/steps")["data"];
    BOOST_TEST(steps[0]["status"] == "completed");
    BOOST_TEST(get(path_of(run))["status"] == "completed");
}

BOOST_AUTO_TEST_CASE(stands_still_while_nobody_reads) {
    service->options().stage_a_read = true;
    const json run = post("/threads/runs", run_body(make_agent(), "Hi"));
    for (int i = 0; i != 5; ++i) {
        run_ready(io);
        get("/threads/" + run["thread_id"].get<std::string>());
    }
    BOOST_TEST(get(path_of(run))["status"] == "queued");
}

BOOST_AUTO_TEST_CASE(polls_through_functions_and_approvals) {
    service->options().stage_a_read = true;
    json tools = list(function_tool());
    tools.push_back(mcp_tool());
    service->script("", {step::call_function("get_weather"), step::call_mcp("reserve_seat"), step::reply("{output}")});
    json body = run_body(make_agent(tools), "go");
    body["tool_resources"] = resources("good", "always");
    json run = post("/threads/runs", body);
    BOOST_TEST(read_until(run, "requires_action") == (names{"queued", "in_progress", "requires_action"}),
               boost::test_tools::per_element());
    run = get(path_of(run));
    BOOST_TEST(post(submit_path(run), output_for(run))["status"] == "queued");
    BOOST_TEST(read_until(run, "requires_action") == (names{"queued", "in_progress", "requires_action"}),
               boost::test_tools::per_element());
    run = get(path_of(run));
    json approval;
    approval["tool_approvals"] = list(json::object());
    approval["tool_approvals"][0]["tool_call_id"] =
        run["required_action"]["submit_tool_approval"]["tool_calls"][0]["id"];
    approval["tool_approvals"][0]["approve"] = true;
    post(submit_path(run), approval);
    read_until(run, "completed");
    BOOST_TEST(last_message(run) == "reserved {\"seat\":\"go\"}");
}

BOOST_AUTO_TEST_CASE(goes_on_by_reads_when_the_client_of_a_stream_has_left) {
    service->options().stage_a_read = true;
    service->inject(fault::cut().after("thread.run.in_progress"));
    const json run = value_of(stream("/threads/runs", run_body(make_agent(), "Hi")), "thread.run.in_progress");
    run_ready(io);
    BOOST_TEST(read_until(run, "completed") == (names{"in_progress", "completed"}), boost::test_tools::per_element());
    BOOST_TEST(last_message(run) == "You said: Hi");
}

BOOST_AUTO_TEST_CASE(cancels_and_expires_between_stages) {
    service->options().stage_a_read = true;
    const auto agent = make_agent();
    for (int stages = 0; stages != 4; ++stages) {
        const json run = post("/threads/runs", run_body(agent, "Hi"));
        for (int i = 0; i != stages; ++i) get(path_of(run));
        BOOST_TEST(accepted(send("POST", path_of(run) + "/cancel"))["status"] == "cancelling");
        run_ready(io);
        BOOST_TEST(get(path_of(run))["status"] == "cancelled");
        const json steps = get(path_of(run) + "/steps");
        for (const json& one : steps["data"]) BOOST_TEST(one["status"] != "in_progress");
    }
    const json run = post("/threads/runs", run_body(agent, "Hi"));
    run_ready(io);
    pass(seconds(1800));
    BOOST_TEST(get(path_of(run))["status"] == "expired");
    run_ready(io);
    post("/threads/runs", run_body(agent, "Hi"));  // Stopping ends what waits for a reader.
    run_ready(io);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_FIXTURE_TEST_SUITE(emulator_actions, switched)

BOOST_AUTO_TEST_CASE(takes_answers_to_exactly_the_calls_that_wait) {
    const json run = waiting_run();
    const json right = output_for(run);
    json twice = right, other = right, both = right, nameless = right;
    twice["tool_outputs"].push_back(json(right["tool_outputs"][0]));
    other["tool_outputs"][0]["tool_call_id"] = "call_x";
    both["tool_approvals"] = json::parse(R"([{"tool_call_id":"call_x","approve":true}])");
    nameless["tool_outputs"][0].erase("tool_call_id");
    const std::string id = right["tool_outputs"][0]["tool_call_id"];
    for (const auto& [body, message] :
         {std::pair{twice,
                    "Expected 'tool_outputs' for call_ids [\"" + id + "\"], got [\"" + id + "\",\"" + id + "\"]."},
          std::pair{other, "Expected 'tool_outputs' for call_ids [\"" + id + "\"], got [\"call_x\"]."},
          std::pair{nameless, "Expected 'tool_outputs' for call_ids [\"" + id + "\"], got [\"\"]."},
          std::pair{both, std::string("The run does not wait for 'tool_approvals'.")}}) {
        const raw_response refused = send("POST", submit_path(run), body.dump());
        BOOST_TEST(refused.status == 400);
        BOOST_TEST(message_of(refused) == message);
        BOOST_TEST(get(path_of(run))["status"] == "requires_action");
    }
    BOOST_TEST(send("POST", submit_path(run), right.dump()).status == 200);
}

BOOST_AUTO_TEST_CASE(takes_answers_only_while_it_waits) {
    service->options().stage_a_read = true;
    const json waiting = waiting_run();
    const json outputs = output_for(waiting);
    const auto refused = [&](const json& run, const std::string& status) {
        const raw_response response = send("POST", submit_path(run), outputs.dump());
        BOOST_TEST(response.status == 400);
        BOOST_TEST(message_of(response) == "Runs in status \"" + status + "\" do not accept tool outputs.");
    };
    post(submit_path(waiting), outputs);
    refused(waiting, "queued");
    get(path_of(waiting));  // the step completes
    get(path_of(waiting));
    refused(waiting, "in_progress");
    BOOST_TEST(accepted(send("POST", path_of(waiting) + "/cancel"))["status"] == "cancelling");
    run_ready(io);
    refused(waiting, "cancelled");
    const raw_response late = send("POST", path_of(waiting) + "/cancel");
    BOOST_TEST(late.status == 400);
    BOOST_TEST(message_of(late) == "Cannot cancel run with status 'cancelled'.");
    BOOST_TEST(send("POST", "/threads/" + waiting["thread_id"].get<std::string>() + "/runs/run_x/submit_tool_outputs",
                    outputs.dump())
                   .status == 404);
}

BOOST_AUTO_TEST_CASE(expires_a_run_that_waits_for_an_approval) {
    json body = run_body(make_agent(list(mcp_tool())), "reserve_seat");
    body["tool_resources"] = resources("good", "always");
    service->options().run_lifetime = seconds(60);
    const json run = value_of(stream("/threads/runs", body), "thread.run.requires_action");
    BOOST_TEST(run["expires_at"].get<std::int64_t>() - run["created_at"].get<std::int64_t>() == 60);
    pass(seconds(60));
    json approval;
    approval["tool_approvals"] = list(json::object());
    approval["tool_approvals"][0]["tool_call_id"] =
        run["required_action"]["submit_tool_approval"]["tool_calls"][0]["id"];
    approval["tool_approvals"][0]["approve"] = true;
    const raw_response late = send("POST", submit_path(run), approval.dump());
    BOOST_TEST(late.status == 400);
    BOOST_TEST(message_of(late) == "Runs in status \"expired\" do not accept tool outputs.");
    BOOST_TEST(get(path_of(run) + "/steps")["data"][0]["expired_at"] == 1'766'000'060);
}

BOOST_AUTO_TEST_CASE(expires_a_stream_by_itself) {
    service->script("", {step::hold()});
    service->options().run_lifetime = seconds(0);
    const names all = names_of(stream("/threads/runs", run_body(make_agent(), "x")));
    BOOST_TEST(names(all.end() - 2, all.end()) == (names{"thread.run.expired", "done"}),
               boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(lets_an_agent_go_while_its_run_goes_on) {
    const json run = waiting_run();
    accepted(send("DELETE", "/assistants/" + run["assistant_id"].get<std::string>()));
    BOOST_TEST(text_of(stream(submit_path(run), output_for(run))) == "-3");
    BOOST_TEST(send("POST", "/threads/" + run["thread_id"].get<std::string>() + "/runs",
                    run_in_thread(run["assistant_id"], "x").dump())
                   .status == 404);
}

BOOST_AUTO_TEST_CASE(keeps_a_thread_while_its_run_goes_on) {
    const json run = waiting_run();
    const std::string thread = "/threads/" + run["thread_id"].get<std::string>();
    const raw_response refused = send("DELETE", thread);
    BOOST_TEST(refused.status == 400);
    stream(submit_path(run), output_for(run));
    BOOST_TEST(send("DELETE", thread).status == 200);
    BOOST_TEST(send("GET", path_of(run)).status == 404);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_FIXTURE_TEST_SUITE(emulator_switches, switched)

BOOST_AUTO_TEST_CASE(keeps_streams_alive_while_they_wait) {
    service->options().keepalive = milliseconds(1);
    service->options().pace = milliseconds(20);
    stream("/threads/runs", run_body(make_agent(), "Hi"));
    BOOST_TEST(last.complete);
    BOOST_TEST(last.body.find("event: keepalive\ndata:\n\n") != std::string::npos);

    service->options().keepalive_frame = ": ping\n\n";
    const auto events = stream("/threads/runs", run_body(make_agent(), "Hi"));
    BOOST_TEST(last.body.find("\n\n: ping\n\n") != std::string::npos);
    BOOST_TEST(text_of(events) == "You said: Hi");
    BOOST_TEST(events.back().name == "done");
}

BOOST_AUTO_TEST_CASE(keeps_a_stream_alive_until_it_is_cancelled) {
    service->options().keepalive = milliseconds(1);
    service->script("", {step::hold()});
    json body = run_body(make_agent(), "wait");
    body["stream"] = true;
    const auto socket = await(io, send_raw(request("POST", "/threads/runs", body.dump())));
    std::string bytes;
    const auto read = [&](const char* until) -> asio::awaitable<void> {
        std::string& into = bytes;
        co_await asio::async_read_until(*socket, asio::dynamic_buffer(into), until, asio::use_awaitable);
    };
    await(io, read("event: keepalive\ndata:\n\n"));
    const std::string thread = get("/threads")["data"][0]["id"];
    accepted(send("POST", path_of(get("/threads/" + thread + "/runs")["data"][0]) + "/cancel"));
    await(io, read("event: done"));
    const auto cancelled = bytes.find("event: thread.run.cancelled");
    BOOST_TEST(cancelled != std::string::npos);
    BOOST_TEST(bytes.find("keepalive", cancelled) == std::string::npos);
}

BOOST_AUTO_TEST_CASE(keeps_a_stream_alive_while_a_server_is_silent_and_gives_it_up_in_the_end) {
    const silent_server silent(io);
    service->options().keepalive = milliseconds(2);
    service->options().mcp_timeout = milliseconds(100);
    json tool = mcp_tool();
    tool["server_url"] = silent.url();
    const auto events = stream("/threads/runs", run_body(make_agent(list(tool)), "x"));
    BOOST_TEST(last.body.find("event: keepalive\ndata:\n\n") != std::string::npos);
    BOOST_TEST(value_of(events, "thread.run.failed")["last_error"]["code"] == "tool_server_error");
    BOOST_TEST(service->mcp_requests().back().status == 0);
}

BOOST_AUTO_TEST_CASE(puts_bytes_between_events_on_a_schedule) {
    service->inject(fault::insert("event: tick\ndata: 1\n\n").every_events(3));
    const names all = names_of(stream("/threads/runs", run_body(make_agent(), "Hi")));
    names expected;
    for (std::size_t i = 0; i != all.size(); ++i)
        if (all[i] == "tick") expected.push_back(std::to_string(i));
    BOOST_TEST(expected == (names{"3", "7", "11", "15"}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(cuts_streams_into_pieces_of_any_size) {
    const auto agent = make_agent();
    const auto whole = stream("/threads/runs", run_body(agent, "Łódź 👋"));
    for (const std::size_t size : {std::size_t{1}, std::size_t{7}, std::size_t{1000}}) {
        service->inject(fault::split(size));
        json body = run_body(agent, "Łódź 👋");
        body["stream"] = true;
        const auto socket = await(io, send_raw(request("POST", "/threads/runs", body.dump())));
        std::string bytes;
        const auto read = [&]() -> asio::awaitable<void> {
            std::string& into = bytes;
            co_await asio::async_read_until(*socket, asio::dynamic_buffer(into), "\r\n0\r\n\r\n", asio::use_awaitable);
        };
        await(io, read());
        char chunk_size[20];
        std::snprintf(chunk_size, sizeof chunk_size, "\r\n%zX\r\n", size);
        BOOST_TEST(bytes.find(chunk_size) != std::string::npos);
        const auto events = events_of(parse_response(bytes).body);
        BOOST_TEST(names_of(events) == names_of(whole), boost::test_tools::per_element());
        BOOST_TEST(text_of(events) == "You said: Łódź 👋");
    }
}

BOOST_AUTO_TEST_CASE(leaves_out_the_last_blank_line_or_sends_other_events) {
    service->inject(fault::rewrite([](const std::string& event, std::string frame) {
        if (event == "done") frame.pop_back();
        return frame;
    }));
    service->inject(fault::insert("event: thread.run.something_new\ndata: {}\n\n").after("thread.run.queued"));
    const auto events = stream("/threads/runs", run_body(make_agent(), "Hi"));
    BOOST_TEST(last.complete);
    BOOST_TEST(last.body.ends_with("data: [DONE]\n"));
    BOOST_TEST(!last.body.ends_with("\n\n"));
    BOOST_TEST(value_of(events, "thread.run.something_new").empty());
}

BOOST_AUTO_TEST_CASE(hints_at_retries_in_every_form) {
    for (const auto& [name, value] :
         {std::pair{"retry-after-ms", "150"}, std::pair{"x-ms-retry-after-ms", "1500"}, std::pair{"Retry-After", "2"},
          std::pair{"Retry-After", "Wed, 17 Dec 2025 19:33:22 GMT"}, std::pair{"x-should-retry", "false"}}) {
        service->inject(fault::respond(429, "", {{name, value}}));
        const raw_response refused = send("POST", "/threads/runs", "{}");
        BOOST_TEST(refused.status == 429);
        BOOST_TEST(refused.header(name) == value);
        BOOST_TEST(json::parse(refused.body)["error"]["code"] == "rate_limit_exceeded");
    }
}

BOOST_AUTO_TEST_CASE(reads_faults_from_json) {
    service->load_faults(R"([
        {"respond":503,"body":"busy","headers":{"Retry-After":"1"},"on":"GET /threads","times":2},
        {"drop":true,"on":"GET /assistants"},
        {"omit":"thread.run.queued","on":"POST /threads/runs"}, {"repeat":"thread.run.created"},
        {"insert":": c\n\n","before":"done"}, {"insert":": d\n\n","after":"done"}, {"crlf":true}, {"split":100}])");
    const auto agent = make_agent();
    for (const int status : {503, 503, 200}) BOOST_TEST(send("GET", "/threads").status == status);
    BOOST_TEST(send("GET", "/assistants").status == 0);
    const names all = names_of(stream("/threads/runs", run_body(agent, "Hi")));
    BOOST_TEST(std::count(all.begin(), all.end(), "thread.run.queued") == 0);
    BOOST_TEST(std::count(all.begin(), all.end(), "thread.run.created") == 2);
    BOOST_TEST(last.body.find("\r\n: c\n\nevent: done\r\ndata: [DONE]\r\n\r\n: d\n\n") != std::string::npos);

    service->load_faults(R"([{"cut":true,"after_bytes":10},{"reset":true,"after_events":2},{"stall":true,"after":"x"},
                             {"insert":"x","every_events":2,"times":"always"}])");
    stream("/threads/runs", run_body(agent, "Hi"));
    BOOST_TEST(last.body.size() == 10u);
    for (const char* wrong : {"{}", "[{}]", R"([{"dance":1}])", R"([{"respond":"x"}])", R"([{"cut":true,"on":"GET"}])",
                              R"([{"cut":true,"times":"often"}])", R"([{"omit":1}])"})
        BOOST_CHECK_THROW(service->load_faults(wrong), std::invalid_argument);
}

BOOST_AUTO_TEST_CASE(spells_members_as_it_is_told) {
    const auto agent = make_agent();
    auto events = stream("/threads/runs", run_body(agent, "Hi"));
    BOOST_TEST(value_of(events, "thread.run.created").contains("required_action"));
    BOOST_TEST(!value_of(events, "thread.message.delta")["delta"].contains("role"));

    service->options().null_required_action = false;
    service->options().role_in_deltas = true;
    service->options().expires_at_in_streamed_steps = false;
    events = stream("/threads/runs", run_body(agent, "Hi"));
    BOOST_TEST(!value_of(events, "thread.run.created").contains("required_action"));
    BOOST_TEST(!get(path_of(value_of(events, "thread.run.completed"))).contains("required_action"));
    const json delta = value_of(events, "thread.message.delta")["delta"];
    BOOST_TEST(delta["role"] == "assistant");
    BOOST_TEST(delta["content"][0]["text"]["annotations"].empty());
    const json made = value_of(events, "thread.run.step.created");
    BOOST_TEST(made["expired_at"].is_null());
    BOOST_TEST(!made.contains("expires_at"));
    BOOST_TEST(waiting_run().contains("required_action"));
}

BOOST_AUTO_TEST_CASE(clears_stored_resources_as_it_is_told) {
    struct row {
        mcp_clearing how;
        const char* update;
        bool stays, search_stays;
    };
    const row rows[] = {
        {mcp_clearing::by_omission, R"({"tool_resources":{"file_search":{"vector_store_ids":["v"]}}})", false, true},
        {mcp_clearing::by_omission, R"({"tool_resources":{}})", false, false},
        {mcp_clearing::by_omission, R"({"tool_resources":null})", false, false},
        {mcp_clearing::by_omission, R"({"tool_resources":{"mcp":[]}})", false, false},
        {mcp_clearing::by_omission, R"({"metadata":{}})", true, true},
        {mcp_clearing::by_empty_list, R"({"tool_resources":{"file_search":{"vector_store_ids":["v"]}}})", true, true},
        {mcp_clearing::by_empty_list, R"({"tool_resources":{}})", true, true},
        {mcp_clearing::by_empty_list, R"({"tool_resources":{"mcp":null}})", true, true},
        {mcp_clearing::by_empty_list, R"({"tool_resources":{"mcp":[]}})", false, true},
        {mcp_clearing::never, R"({"tool_resources":{}})", true, false},
        {mcp_clearing::never, R"({"tool_resources":{"mcp":[]}})", true, false},
    };
    json stored = resources("good");
    stored["file_search"] = json::parse(R"({"vector_store_ids":["v"]})");
    for (const row& one : rows)
        for (const std::string& path :
             {"/assistants/" + make_agent(list(mcp_tool()), stored), "/threads/" + make_thread(stored)}) {
            BOOST_TEST_CONTEXT(one.update << " " << path) {
                service->options().mcp_clearing = one.how;
                const json updated = post(path, json::parse(one.update));
                BOOST_TEST(get(path) == updated);
                BOOST_TEST(updated["tool_resources"].contains("mcp") == one.stays);
                BOOST_TEST(updated["tool_resources"].contains("file_search") == one.search_stays);
                json replaced;
                replaced["tool_resources"] = resources("other", "always", "elsewhere");
                BOOST_TEST(post(path, replaced)["tool_resources"]["mcp"][0]["server_label"] == "elsewhere");
            }
        }
}

BOOST_AUTO_TEST_CASE(gives_headers_of_runs_back_as_it_is_told) {
    json body = run_body(make_agent(list(mcp_tool())), "x");
    body["tool_resources"] = resources("good");
    const json run = value_of(stream("/threads/runs", body), "thread.run.completed");
    BOOST_TEST(run["tool_resources"].empty());
    service->options().echo_headers = emulator::echo_headers::redacted;
    BOOST_TEST(get(path_of(run))["tool_resources"]["mcp"][0]["headers"]["Authorization"] == "***");
    service->options().echo_headers = emulator::echo_headers::full;
    BOOST_TEST(get(path_of(run))["tool_resources"]["mcp"][0]["headers"]["Authorization"] == "Bearer good");
}

BOOST_AUTO_TEST_CASE(remembers_what_it_answered_and_to_which_run) {
    const json run = waiting_run();
    stream(submit_path(run), output_for(run));
    send("GET", "/threads/thread_x");
    service->inject(fault::respond(503));
    send("GET", "/threads");
    service->inject(fault::drop());
    send("GET", "/threads");
    const auto& seen = service->requests();
    BOOST_TEST(seen.size() == 6u);
    names answers;
    for (const auto& one : seen) answers.push_back(std::to_string(one.status) + " " + one.run_id);
    const std::string id = run["id"];
    BOOST_TEST(answers == (names{"200 ", "200 " + id, "200 " + id, "404 ", "503 ", "0 "}),
               boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(handles_a_delayed_request_later_and_others_meanwhile) {
    service->inject(fault::delay(std::chrono::hours(1)).on("GET", "/assistants"));
    bool answered = false;
    asio::co_spawn(io, exchange_raw(request("GET", "/assistants")),
                   [&](std::exception_ptr, const raw_response&) { answered = true; });
    run_until(io, [&] { return service->requests().size() == 1; });
    BOOST_TEST(get("/assistants")["data"].empty());
    BOOST_TEST(!answered);
    // Nothing of it keeps the service from stopping.
    service->stop();
    run_until(io, [&] { return answered; });

    service.emplace(io, emulator::service_options());
    service->load_faults(R"([{"delay": 20}, {"respond": 503}])");
    const auto began = std::chrono::steady_clock::now();
    BOOST_TEST(send("GET", "/assistants").status == 503);
    BOOST_TEST((std::chrono::steady_clock::now() - began >= milliseconds(20)));
}

BOOST_AUTO_TEST_CASE(has_the_agents_that_it_is_given) {
    const std::string id = service->add_agent(R"({"model":"gpt-4o","name":"desk"})");
    BOOST_TEST(get("/assistants/" + id)["name"] == "desk");
    BOOST_TEST(service->add_agent(R"({"name":"new","definition":{"kind":"prompt","model":"gpt-4o"}})") == "new");
    BOOST_TEST(get("/agents/new")["name"] == "new");
    for (const char* wrong : {"", "[]", "no JSON", R"({"model":"m","colour":"red"})"})
        BOOST_CHECK_THROW((void)service->add_agent(wrong), std::invalid_argument);
    // It is no request that a client has sent.
    BOOST_TEST(service->requests().size() == 2u);
}

BOOST_AUTO_TEST_SUITE_END()
