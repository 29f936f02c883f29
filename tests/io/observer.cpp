// What a client tells its observer: complete, in order, and without a secret.
#include "emulated.hpp"
#include "http/observed_transport.hpp"
#include "loopback_server.hpp"
#include "manual_clock.hpp"
#include "scripted_transport.hpp"

#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>

#include <sstream>
#include <string>
#include <vector>

namespace {

using namespace corun;
using namespace corun::test;
using namespace std::chrono_literals;
using emulator::fault;
using emulator::step;
using part = wire_message::part;

/// Keeps all that is told.
struct told {
    corun::observer observer() {
        corun::observer made;
        made.on_request = [this](const request_record& record) {
            check_hides_secrets(record);
            requests.push_back(record);
        };
        made.on_run = [this](const run_record& record) {
            check_hides_secrets(record);
            runs.push_back(record);
        };
        made.on_submit = [this](const submit_record& record) { submits.push_back(record); };
        made.on_wire = [this](const wire_message& message) {
            check_hides_secrets(message);
            messages.push_back(message);
            log << message;
        };
        return made;
    }

    /// All text of one kind, of one request or all.
    std::string text(part what, std::uint64_t request = 0) const {
        std::string all;
        for (const wire_message& each : messages)
            if (each.kind == what && (request == 0 || each.request == request)) all += each.text;
        return all;
    }

    std::vector<request_record> requests;
    std::vector<run_record> runs;
    std::vector<submit_record> submits;
    std::vector<wire_message> messages;
    std::ostringstream log;
};

bool says(std::string_view text, std::string_view wanted) {
    return text.find(wanted) != text.npos;
}

const std::string token_a = planted_secret("a/+=1");
const std::string token_b = planted_secret("b\"\\2");
const std::string tenant = planted_secret("tenant");

struct observed : emulated {
    observed() : observed(emulator::service_options()) {}
    explicit observed(emulator::service_options options) : emulated(std::move(options)) {
        mcp->accept_token(token_a);
        connect();
    }

    void connect() {
        client_options options;
        options.observer = seen.observer();
        // A failure is what these tests are about, not what may follow it.
        options.retry.max_retries = 0;
        options.reattach.enabled = false;
        client.emplace(io.get_executor(), service->endpoint(), credential::bearer(service->token()), options);
    }

    static mcp_headers headers_with(const std::string& value) {
        mcp_headers headers = token(value);
        headers.set("bookings", "X-Tenant", tenant);
        return headers;
    }

    /// A stream to its end; what has not been told by then is told.
    std::vector<event> all_of(asio::awaitable<event_stream> started) {
        std::vector<event> events = await(io, collect(std::move(started)));
        run_ready(io);
        return events;
    }

    told seen;
};

struct observed_echo : observed {
    static emulator::service_options echoing() {
        emulator::service_options options;
        options.echo_headers = emulator::echo_headers::full;
        return options;
    }
    observed_echo() : observed(echoing()) {}
};

/// The decorator over a transport that the test plays.
struct played {
    struct receiver final : net::sink {
        void on_head(net::response_head head) noexcept override { status = head.status; }
        void on_bytes(std::string_view bytes) noexcept override { body += bytes; }
        void on_sent(std::uint64_t bytes) noexcept override { sent = bytes; }
        void on_done(std::error_code code, std::string) noexcept override {
            over = true;
            failure = code;
        }
        int status = 0;
        std::string body;
        std::uint64_t sent = 0;
        std::error_code failure;
        bool over = false;
    };

    std::unique_ptr<net::transfer> start(net::request what) {
        if (!transport)
            transport = detail::observed_transport(scripted, clock, detail::notifier(io.get_executor(), hooks));
        return transport->start(std::move(what), sink);
    }
    static net::request request() {
        net::request what;
        what.method = "POST";
        what.url = "https://host.example:8443/api/projects/p/threads/thread_1/runs/run_1/steps?api-version=v1&sig=x";
        what.headers.set("Authorization", "Bearer " + planted_secret("played"));
        what.headers.set("X-Unheard-Of", planted_secret("field"));
        what.headers.set("Content-Type", "application/json");
        what.headers.set("x-ms-client-request-id", "mine-1");
        what.body = R"({"tools":[{"headers":{"a":")" + planted_secret("body") + R"("}}],"n":1})";
        return what;
    }

    asio::io_context io;
    std::shared_ptr<scripted_transport> scripted = std::make_shared<scripted_transport>();
    std::shared_ptr<manual_clock> clock = std::make_shared<manual_clock>();
    std::shared_ptr<net::transport> transport;
    told seen;
    corun::observer hooks = seen.observer();
    receiver sink;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(observer)

BOOST_FIXTURE_TEST_CASE(costs_nothing_unless_somebody_wants_to_know, played) {
    hooks = corun::observer();
    hooks.on_run = [](const run_record&) {};
    transport = detail::observed_transport(scripted, clock, detail::notifier(io.get_executor(), hooks));
    BOOST_TEST((transport == scripted));
    BOOST_TEST((detail::observed_transport(scripted, clock, detail::notifier()) == scripted));
}

BOOST_FIXTURE_TEST_CASE(tells_of_a_request_when_it_is_over, played) {
    net::request what = request();
    what.context.attempt = 2;
    const auto transfer = start(std::move(what));
    clock->advance(5ms);
    scripted->current()->head(200, "application/json");
    scripted->current()->bytes("{\"id\":");
    clock->advance(10ms);
    scripted->current()->bytes("7}");
    run_ready(io);
    BOOST_TEST(seen.requests.empty());
    scripted->current()->done();
    BOOST_TEST(sink.over);
    // In a turn of its own, not in the middle of the transport's work.
    BOOST_TEST(seen.requests.empty());
    run_ready(io);

    BOOST_REQUIRE(seen.requests.size() == 1u);
    const request_record& told = seen.requests.front();
    BOOST_TEST(told.number == 1u);
    BOOST_TEST(told.method == "POST");
    BOOST_TEST(told.path_template == "/api/projects/p/threads/{thread_id}/runs/{run_id}/steps");
    BOOST_TEST(told.server_address == "host.example");
    BOOST_TEST(told.server_port == 8443);
    BOOST_TEST(told.attempt == 2);
    BOOST_TEST(told.status == 200);
    BOOST_TEST(told.request_id == "request-1");
    BOOST_TEST(told.client_request_id == "mine-1");
    BOOST_TEST((told.duration == 15ms));
    BOOST_TEST((told.time_to_response == 5ms));
    BOOST_TEST(told.bytes_sent == request().body.size());
    BOOST_TEST(told.bytes_received == 8u);
    BOOST_TEST(!told.error);
    BOOST_TEST(sink.body == "{\"id\":7}");
}

BOOST_FIXTURE_TEST_CASE(replaces_the_ids_of_a_path, played) {
    const std::pair<const char*, const char*> rows[] = {
        {"/threads/runs", "/threads/runs"},
        {"/assistants/asst_1", "/assistants/{assistant_id}"},
        {"/threads/t/runs/r/submit_tool_outputs", "/threads/{thread_id}/runs/{run_id}/submit_tool_outputs"},
        {"/vector_stores/v/file_batches/b/files", "/vector_stores/{vector_store_id}/file_batches/{batch_id}/files"},
        {"/files/f/content", "/files/{file_id}/content"},
        {"/tenant-1/oauth2/v2.0/token", "/tenant-1/oauth2/v2.0/token"},
        {"/threads/", "/threads/"},
        {"", "/"},
    };
    for (const auto& [path, expected] : rows) {
        net::request what;
        what.url = std::string("http://127.0.0.1") + path;
        (void)start(std::move(what));
        run_ready(io);
        BOOST_TEST(seen.requests.back().path_template == expected);
        BOOST_TEST(seen.requests.back().server_port == 80);
    }
}

BOOST_FIXTURE_TEST_CASE(tells_what_a_request_failed_with, played) {
    auto failed = start(request());
    scripted->current()->done(errc::connect_failed);
    auto dropped = start(request());
    scripted->current()->head(200, "text/event-stream");
    dropped.reset();
    run_ready(io);
    BOOST_REQUIRE(seen.requests.size() == 2u);
    BOOST_TEST(seen.requests[0].error == errc::connect_failed);
    BOOST_TEST(seen.requests[0].status == 0);
    BOOST_TEST(!seen.requests[0].time_to_response.has_value());
    BOOST_TEST((seen.requests[1].error == std::errc::operation_canceled));
    BOOST_TEST(seen.requests[1].status == 200);
    BOOST_TEST(seen.requests[1].number == 2u);
    BOOST_TEST(says(seen.text(part::end, 1), "played by the test"));
}

BOOST_FIXTURE_TEST_CASE(shows_the_traffic_of_a_request_in_order, played) {
    const auto transfer = start(request());
    net::response_head head;
    head.status = 200;
    head.fields.emplace_back("Content-Type", "text/event-stream");
    head.fields.emplace_back("Set-Cookie", planted_secret("cookie"));
    head.fields.emplace_back("X-Echo", "you sent " + planted_secret("field"));
    head.fields.emplace_back("x-ratelimit-remaining-tokens", "42");
    scripted->current()->head(std::move(head));
    // The secret lies across two reads: an event is shown when it is whole.
    const std::string echo = "data: {\"said\":\"" + planted_secret("played") + "\"}\n\n";
    scripted->current()->bytes(echo.substr(0, 25));
    scripted->current()->bytes(echo.substr(25));
    scripted->current()->done();
    run_ready(io);
    BOOST_TEST(
        seen.log.str() ==
        "1 > POST https://host.example:8443/api/projects/p/threads/thread_1/runs/run_1/steps?api-version=v1&sig=***\n"
        "1 > Authorization: ***\n"
        "1 > X-Unheard-Of: ***\n"
        "1 > Content-Type: application/json\n"
        "1 > x-ms-client-request-id: mine-1\n"
        "1 > {\"tools\":[{\"headers\":{\"a\":\"***\"}}],\"n\":1}\n"
        "1 < 200\n"
        "1 < Content-Type: text/event-stream\n"
        "1 < Set-Cookie: ***\n"
        "1 < X-Echo: you sent ***\n"
        "1 < x-ratelimit-remaining-tokens: 42\n"
        "1 < data: {\"said\":\"***\"}\n"
        "1 < \n"
        "1 < complete, 40 bytes in 0 ms\n");
}

BOOST_FIXTURE_TEST_CASE(counts_bodies_that_are_no_text, played) {
    net::request what = request();
    what.headers.set("Content-Type", "application/octet-stream");
    const auto transfer = start(std::move(what));
    scripted->current()->head(200, "image/png");
    scripted->current()->bytes("\x89PNG" + planted_secret("pixels"));
    scripted->current()->done();
    run_ready(io);
    BOOST_TEST(says(seen.text(part::request_body), "bytes of application/octet-stream]"));
    BOOST_TEST(seen.text(part::response_body) == "[25 bytes of image/png]");
}

BOOST_FIXTURE_TEST_CASE(shows_nothing_of_a_token_that_is_the_answer, played) {
    net::request what = request();
    what.headers.set("Content-Type", "application/x-www-form-urlencoded");
    what.body = "client_id=me&client_secret=" + planted_secret("form");
    what.context.response_is_token = true;
    const auto transfer = start(std::move(what));
    scripted->current()->head(200, "text/html");
    scripted->current()->bytes(planted_secret("token"));
    scripted->current()->done();
    run_ready(io);
    BOOST_TEST(seen.text(part::request_body) == "client_id=me&client_secret=***");
    BOOST_TEST(seen.text(part::response_body) == "[20 bytes of a token response]");
}

BOOST_FIXTURE_TEST_CASE(stands_above_what_hooks_throw, played) {
    int calls = 0;
    hooks.on_request = [&calls](const request_record&) {
        ++calls;
        throw std::runtime_error("the log is full");
    };
    hooks.on_wire = [&calls](const wire_message&) {
        ++calls;
        throw 7;
    };
    const auto transfer = start(request());
    scripted->current()->head(200, "application/json");
    scripted->current()->bytes("{}");
    scripted->current()->done();
    run_ready(io);
    BOOST_TEST(calls == 6);
    BOOST_TEST(sink.over);
    BOOST_TEST(!sink.failure);
}

BOOST_FIXTURE_TEST_CASE(tells_of_a_run_with_its_usage, observed) {
    agent a = make_agent();
    service->script("seat", {step::call_mcp("reserve_seat", R"({"seat":"14A"})"), step::reply("{output}")});
    const std::vector<event> events = all_of(a.run_stream("Book a seat", headers_with(token_a), without_approvals()));
    BOOST_REQUIRE(seen.runs.size() == 1u);
    const run_record& run = seen.runs.front();
    BOOST_TEST(run.agent_id == a.id());
    BOOST_TEST(run.agent_name == "travel-desk");
    BOOST_TEST(run.model == "gpt-4o");
    BOOST_TEST(run.server_address == "127.0.0.1");
    BOOST_TEST((run.status == run_state::completed));
    BOOST_TEST(!run.error);
    BOOST_TEST(run.run_id.starts_with("run_"));
    BOOST_TEST(run.thread_id.starts_with("thread_"));
    BOOST_REQUIRE(run.usage.has_value());
    BOOST_TEST(run.usage->total_tokens > 0);
    BOOST_TEST(run.events >= names_of(events).size());
    BOOST_REQUIRE(run.time_to_first_event.has_value());
    BOOST_REQUIRE(run.time_to_first_text.has_value());
    BOOST_TEST((*run.time_to_first_event <= *run.time_to_first_text));
    BOOST_TEST((*run.time_to_first_text <= run.duration));
    // What is no secret can be read.
    BOOST_TEST(says(seen.log.str(), "Book a seat"));
    BOOST_TEST(says(seen.log.str(), "\"headers\":{\"Authorization\":\"***\",\"X-Tenant\":\"***\"}"));
    BOOST_TEST(says(seen.log.str(), "seat 14A is yours"));
    BOOST_TEST(says(seen.log.str(), "event: thread.run.completed"));
}

BOOST_FIXTURE_TEST_CASE(tells_how_runs_end, observed) {
    agent a = make_plain_agent();
    service->script("fail now", {step::fail("tool_server_error", "It says Bearer " + token_a)});
    (void)all_of(a.run_stream("fail now"));
    BOOST_TEST((seen.runs.back().status == run_state::failed));
    BOOST_TEST(seen.runs.back().service_code == "tool_server_error");
    BOOST_TEST(!seen.runs.back().error);

    service->inject(fault::cut().after("thread.run.in_progress"));
    (void)failure_of(io, collect(a.run_stream("hello")));
    run_ready(io);
    BOOST_TEST(seen.runs.size() == 2u);
    BOOST_TEST(seen.runs.back().error == errc::premature_eof);
    BOOST_TEST((seen.runs.back().status == run_state::in_progress));

    service->inject(fault::respond(429, "{}").on("POST", "/threads/runs"));
    (void)failure_of(io, a.run_stream("hello"));
    run_ready(io);
    BOOST_TEST(seen.runs.size() == 3u);
    BOOST_TEST(seen.runs.back().error == errc::rate_limited);
    BOOST_TEST(seen.runs.back().run_id == "");

    service->inject(fault::stall().after("thread.run.queued"));
    {
        event_stream left = await(io, a.run_stream("hello"));
        left.abandon();
    }
    run_ready(io);
    BOOST_TEST(seen.runs.size() == 4u);
    BOOST_TEST((seen.runs.back().error == std::errc::operation_canceled));

    // Refused before anything is sent.
    run_options wrong;
    wrong.temperature = 7;
    (void)failure_of(io, a.run_stream("hello", {}, wrong));
    run_ready(io);
    BOOST_TEST(seen.runs.size() == 4u);
}

BOOST_FIXTURE_TEST_CASE(shows_no_secret_of_functions_approvals_and_providers, observed) {
    agent a = make_agent();
    mcp->accept_token(token_b);
    service->script("trip", {step::call_function("find", R"({"row":14})"),
                             step::call_mcp("reserve_seat", R"({"seat":"14A"})"), step::reply("{output}")});
    run_options options;
    options.functions.emplace_back("find", "Finds.", R"({"type":"object","properties":{"row":{"type":"integer"}}})",
                                   [](const function_call&) { return "14A and 14C"; });
    options.on_mcp_approval = [](const mcp_approval_request&) -> asio::awaitable<bool> { co_return true; };
    int asked = 0;
    const mcp_header_provider provider = [&asked](mcp_header_request) -> asio::awaitable<mcp_headers> {
        co_return headers_with(++asked == 1 ? token_a : token_b);
    };
    agent_definition changes;
    changes.tools = a.definition().tools;
    changes.tools.push_back(options.functions.front().definition);
    await(io, a.update(changes));
    (void)all_of(a.run_stream("a trip", provider, options));
    BOOST_REQUIRE(seen.runs.size() == 1u);
    BOOST_TEST((seen.runs.back().status == run_state::completed));
    BOOST_TEST(asked >= 2);
    BOOST_REQUIRE(seen.submits.size() == 2u);
    BOOST_TEST(seen.submits[0].round == 1);
    BOOST_TEST(seen.submits[0].outputs == 1u);
    BOOST_TEST(seen.submits[0].approved == 0u);
    BOOST_TEST(seen.submits[1].round == 2);
    BOOST_TEST(seen.submits[1].approved == 1u);
    BOOST_TEST(seen.submits[1].denied == 0u);
    BOOST_TEST(seen.submits[1].run_id == seen.runs.back().run_id);
    BOOST_TEST(!seen.submits[1].error);
    BOOST_TEST(says(seen.log.str(), "14A and 14C"));
    BOOST_TEST(says(seen.log.str(), "\"tool_approvals\":[{"));
    BOOST_TEST(says(seen.text(part::request), "/submit_tool_outputs?"));
}

BOOST_FIXTURE_TEST_CASE(shows_no_secret_that_only_the_service_knew, observed_echo) {
    // Stored by somebody else: this client has never seen them.
    corun::client other(io.get_executor(), service->endpoint(), credential::bearer(service->token()));
    agent a = make_agent();
    agent_thread t = await(io, client->create_thread());
    thread_run run = await(io, await(io, other.get_agent(a.id())).create_run(t, "hello", headers_with(token_a)));
    seen.messages.clear();
    seen.log.str("");
    const thread_run read = await(io, await(io, client->get_thread(t.id())).get_run(run.id));
    run_ready(io);
    BOOST_TEST(says(read.raw, tenant));
    BOOST_TEST(says(seen.log.str(), "\"X-Tenant\":\"***\""));
    BOOST_TEST(says(seen.log.str(), run.id));
}

BOOST_FIXTURE_TEST_CASE(shows_no_secret_that_a_refusal_or_an_event_repeats, observed) {
    agent a = make_agent();
    const mcp_headers headers = headers_with(token_b);
    const std::string in_json = nlohmann::json(token_b).dump();
    const std::string said = R"({"error":{"code":")" + tenant + R"(","message":"Bearer )" + in_json.substr(1) +
                             R"(,"param":"eyJhbGciOiJub25lIn0.)" + service->token() + R"("}})";
    const std::size_t searched_before = texts_searched;
    for (const int status : {400, 401, 403, 404, 409, 429, 500, 503}) {
        service->inject(fault::respond(status, said, {{"x-request-id", tenant}, {"WWW-Authenticate", token_b}})
                            .on("POST", "/threads/runs"));
        (void)failure_of(io, a.run_stream("hi", headers));
        service->inject(fault::respond(status, "<p>" + service->token()).on("GET", "/assistants/*"));
        (void)failure_of(io, client->get_agent(a.id()));
    }
    service->inject(fault::insert("event: error\ndata: " + said + "\n\n").after("thread.run.created"));
    service->inject(fault::cut().after("thread.run.queued"));
    (void)failure_of(io, collect(a.run_stream("hi", headers)));
    service->inject(fault::insert("data: " + service->token() + " is not JSON\n\n").after("thread.run.created"));
    BOOST_CHECK_NO_THROW((void)all_of(a.run_stream("hi", headers_with(token_a), without_approvals())));
    run_ready(io);
    BOOST_TEST(texts_searched > searched_before + 100);
    BOOST_TEST(says(seen.log.str(), "< 429\n"));
    BOOST_TEST(says(seen.log.str(), R"({"error":{"code":"***","message":"***)"));
    BOOST_TEST(says(seen.log.str(), " is not JSON"));
}

BOOST_FIXTURE_TEST_CASE(tells_the_second_attempt_after_a_refused_token, observed) {
    int fetches = 0;
    token_provider tokens(io.get_executor(), [&]() -> asio::awaitable<access_token> {
        co_return access_token(++fetches == 1 ? secret(planted_secret("stale")) : secret(service->token()));
    });
    client_options options;
    options.observer = seen.observer();
    corun::client refreshing(io.get_executor(), service->endpoint(), tokens, options);
    (void)await(io, refreshing.create_agent(agent_definition("gpt-4o")));
    run_ready(io);
    BOOST_REQUIRE(seen.requests.size() == 2u);
    BOOST_TEST(seen.requests[0].status == 401);
    BOOST_TEST(seen.requests[0].attempt == 1);
    BOOST_TEST(seen.requests[1].status == 200);
    BOOST_TEST(seen.requests[1].attempt == 2);
    BOOST_TEST(seen.requests[0].client_request_id == seen.requests[1].client_request_id);  // one operation
}

BOOST_FIXTURE_TEST_CASE(lets_hooks_do_what_they_like, observed) {
    agent a = make_plain_agent();
    std::optional<event_stream> stream;
    client_options options;
    options.observer.on_wire = [&stream](const wire_message& message) {
        // Destroys the transfer that it is told of.
        if (message.kind == part::response_body) stream.reset();
    };
    corun::client other(io.get_executor(), service->endpoint(), credential::bearer(service->token()), options);
    agent same = await(io, other.get_agent(a.id()));
    stream = await(io, same.run_stream("tokens(20)"));
    run_until(io, [&] { return !stream.has_value(); });
    run_ready(io);
    BOOST_TEST(!stream.has_value());
}

BOOST_AUTO_TEST_CASE(is_told_of_requests_for_tokens) {
    asio::io_context io;
    loopback_server server(io, [](std::shared_ptr<raw_connection> connection) -> asio::awaitable<void> {
        (void)co_await connection->read();
        const std::string body = R"({"access_token":")" + planted_secret("fetched") + R"(","expires_in":9})";
        co_await connection->write(whole_response(200, "application/json", body));
    });
    told seen;
    identity_options options;
    options.observer = seen.observer();
    oauth_client from(server.url() + "/token", "me", planted_secret("oauth"));
    from.method = oauth_client::authentication::client_secret_post;
    const token_provider tokens = oauth_client_credentials(io.get_executor(), from, options);
    BOOST_TEST(await(io, tokens.token()).reveal() == planted_secret("fetched"));
    run_ready(io);
    BOOST_REQUIRE(seen.requests.size() == 1u);
    BOOST_TEST(seen.requests.front().path_template == "/token");
    BOOST_TEST(says(seen.text(part::request_body), "client_id=me&client_secret=***"));
    BOOST_TEST(says(seen.text(part::response_body), "bytes of a token"));
    BOOST_TEST(says(seen.text(part::end), "complete"));
}

BOOST_AUTO_TEST_SUITE_END()
