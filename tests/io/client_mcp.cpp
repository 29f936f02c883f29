// MCP servers that corun calls for a run, instead of the service: in all protocols.
#include "application.hpp"
#include "mcp_peer.hpp"
#include <corun/mcp/function.hpp>

#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>

#include <cstdlib>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace corun;
using namespace corun::test;
using emulator::step;
using json = nlohmann::json;
using names = std::vector<std::string>;
using namespace std::chrono_literals;

const std::string reserve = "bookings__reserve_seat";
const std::string seat = R"({"seat":"14A"})";

const way all_ways[] = {{protocol::threads, false}, {protocol::responses, false}, {protocol::responses, true}};

mcp_headers with_token(const std::string& value = planted_secret("fresh")) {
    mcp_headers headers;
    headers.set("bookings", "Authorization", "Bearer " + value);
    return headers;
}

struct desk_application : application {
    explicit desk_application(way what) : application(what) {
        service->script("", {step::call_function(reserve, seat), step::reply("Done: {output}")});
    }

    run_options by_corun() const {
        run_options options = unasked();
        options.mcp_callers["bookings"] = mcp_caller::client;
        return options;
    }
    std::vector<event> run(run_options options, mcp_header_source headers = with_token()) {
        return take(desk.run_stream("Book 14A", std::move(headers), std::move(options)));
    }

    /// What the MCP server has received, by methods.
    [[nodiscard]] names methods() const {
        names found;
        for (const auto& call : mcp->calls()) found.push_back(call.method);
        return found;
    }
    [[nodiscard]] std::size_t tool_calls() const {
        std::size_t count = 0;
        for (const auto& call : mcp->calls()) count += call.method == "tools/call" && call.status == 200 ? 1 : 0;
        return count;
    }

    /// Whether the service has received a text, in any request.
    [[nodiscard]] bool service_has(const std::string& text) const {
        for (const auto& request : service->requests()) {
            if ((request.body + request.path + request.query).find(text) != std::string::npos) return true;
            for (const auto& [name, value] : request.headers)
                if (value.find(text) != std::string::npos) return true;
        }
        return false;
    }
};

template <class Body>
std::vector<Body> bodies(const std::vector<event>& events) {
    std::vector<Body> found;
    for (const event& each : events)
        if (const auto* body = each.get_if<Body>()) found.push_back(*body);
    return found;
}

bool has_row(const reconcile_report& report, int row, const std::string& text = {}) {
    for (const auto& line : report.lines())
        if (line.row == row && line.text.find(text) != std::string::npos) return true;
    return false;
}

/// A test in each protocol.
void in_all_ways(const std::function<void(desk_application&)>& test) {
    for (const way& each : all_ways) {
        desk_application app(each);
        BOOST_TEST_CONTEXT((each.spoken == protocol::threads ? "threads" : "responses")
                           << (each.in_background ? " in the background" : ""))
        test(app);
    }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(client_mcp)

BOOST_AUTO_TEST_CASE(corun_calls_the_tool_with_the_runs_headers_and_the_service_sees_none_of_them) {
    in_all_ways([](desk_application& app) {
        event_stream stream = app.wait(app.desk.run_stream("Book 14A", with_token(), app.by_corun()));
        const std::vector<event> events = app.take(stream);
        BOOST_TEST(text_of(events) == "Done: seat 14A is yours");
        const auto listed = bodies<events::mcp_tools_listed>(events);
        BOOST_REQUIRE(listed.size() == 1u);
        BOOST_TEST(listed[0].list.server_label == "bookings");
        BOOST_TEST(listed[0].list.tools.at(0).name == "reserve_seat");
        const auto calls = bodies<events::mcp_call>(events);
        BOOST_REQUIRE(calls.size() == 1u);
        BOOST_TEST(calls[0].call.server_label == "bookings");
        BOOST_TEST(calls[0].call.name == "reserve_seat");
        BOOST_TEST(calls[0].call.arguments == seat);
        BOOST_TEST(calls[0].call.output.value() == "seat 14A is yours");
        BOOST_TEST(!calls[0].error.has_value());
        BOOST_TEST(bodies<events::function_called>(events).empty());

        BOOST_TEST(app.service->mcp_requests().empty());
        for (const std::string& hidden : {planted_secret("fresh"), app.mcp->url()})
            BOOST_TEST(!app.service_has(hidden));
        BOOST_TEST(has_row(stream.report(), 41, "Authorization"));
        for (const auto& call : app.mcp->calls()) BOOST_TEST(call.authorization == "Bearer " + planted_secret("fresh"));
        stream = event_stream();
        run_until(app.io, [&app] { return app.methods().back() == "DELETE"; });
        BOOST_TEST(app.mcp->calls().back().authorization == "Bearer " + planted_secret("fresh"));
        BOOST_TEST(app.tool_calls() == 1u);
    });
}

BOOST_AUTO_TEST_CASE(one_option_moves_an_application_and_its_handlers_see_the_same) {
    in_all_ways([](desk_application& app) {
        std::vector<std::string> seen[2];
        for (const mcp_caller caller : {mcp_caller::service, mcp_caller::client}) {
            if (caller == mcp_caller::service)
                app.service->script("", {step::call_mcp("reserve_seat", seat), step::reply("Done: {output}")});
            else
                app.service->script("", {step::call_function(reserve, seat), step::reply("Done: {output}")});
            std::vector<std::string>& said = seen[caller == mcp_caller::client];
            run_options options = app.usual();
            options.default_mcp_caller = caller;
            options.on_mcp_approval = [&said](const mcp_approval_request& request) {
                said.push_back("approve " + request.server_label + " " + request.name + " " + request.arguments);
                return true;
            };
            const std::vector<event> events = app.run(options);
            for (const auto& listed : bodies<events::mcp_tools_listed>(events))
                said.push_back("listed " + listed.list.server_label + " " + listed.list.tools.at(0).name);
            for (const auto& call : bodies<events::mcp_call>(events))
                said.push_back("called " + call.call.name + " " + call.call.output.value_or("?"));
            for (const auto& decided : bodies<events::approval_decided>(events))
                said.push_back("decided " + decided.name + (decided.approved ? " yes" : " no"));
            said.push_back(text_of(events));
            std::sort(said.begin(), said.end());
            said.erase(std::unique(said.begin(), said.end()), said.end());
        }
        BOOST_TEST(seen[0] == seen[1], boost::test_tools::per_element());
    });
}

BOOST_AUTO_TEST_CASE(a_denied_call_is_not_made_and_the_model_is_told) {
    in_all_ways([](desk_application& app) {
        run_options options = app.by_corun();
        options.default_approval.reset();
        options.on_mcp_approval = [](const mcp_approval_request&) { return false; };
        const std::vector<event> events = app.run(options);
        BOOST_TEST(text_of(events) == R"(Done: {"error":"The user denied the call."})");
        BOOST_TEST(app.tool_calls() == 0u);
        BOOST_TEST(bodies<events::approval_decided>(events).size() == 1u);
        BOOST_TEST(bodies<events::mcp_call>(events).empty());
    });
}

BOOST_AUTO_TEST_CASE(approvals_are_those_of_the_label_then_of_the_run) {
    in_all_ways([](desk_application& app) {
        int asked = 0;
        const auto run = [&](std::optional<mcp_approval> own, std::optional<mcp_approval> common) {
            run_options options = app.by_corun();
            options.default_approval = common;
            if (own) options.require_approval.insert_or_assign("bookings", *own);
            options.on_mcp_approval = [&asked](const mcp_approval_request&) { return ++asked > 0; };
            asked = 0;
            (void)app.run(options);
            return asked;
        };
        BOOST_TEST(run({}, {}) == 1);
        BOOST_TEST(run({}, mcp_approval::never()) == 0);
        BOOST_TEST(run(mcp_approval::never(), {}) == 0);
        BOOST_TEST(run(mcp_approval::always(), mcp_approval::never()) == 1);
        BOOST_TEST(run(mcp_approval::by_tool({}, {"reserve_seat"}), {}) == 0);
        BOOST_TEST(run(mcp_approval::by_tool({"reserve_seat"}, {"other"}), {}) == 1);
    });
}

BOOST_AUTO_TEST_CASE(without_a_handler_the_caller_answers_the_call_by_hand) {
    in_all_ways([](desk_application& app) {
        run_options options = app.by_corun();
        options.default_approval.reset();
        BOOST_TEST(app.failure(app.desk.run("Book 14A", with_token(), options)).code() == errc::action_required);
        options.answers_by_hand = true;
        event_stream stream = app.wait(app.desk.run_stream("Book 14A", with_token(), options));
        const auto asked = bodies<events::action_required>(app.take(stream));
        BOOST_REQUIRE(asked.size() == 1u);
        submission answers;
        answers.output(asked[0].action.function_calls.at(0).id, "by hand");
        app.wait(stream.submit(answers));
        BOOST_TEST(text_of(app.take(stream)) == "Done: by hand");
        BOOST_TEST(app.tool_calls() == 0u);
    });
}

BOOST_AUTO_TEST_CASE(each_round_has_fresh_headers_and_a_refused_token_is_replaced_once) {
    in_all_ways([](desk_application& app) {
        app.service->script("", {step::call_function(reserve, seat), step::next_round(),
                                 step::call_function(reserve, seat), step::reply("Done: {output}")});
        std::vector<mcp_header_request::occasion> asked;
        const auto provider = [&](mcp_header_request request) {
            BOOST_TEST(request.server_labels == names{"bookings"});
            asked.push_back(request.why);
            const std::string value = planted_secret(std::to_string(asked.size()));
            // The token of the second round is refused.
            if (asked.size() != 3) app.mcp->accept_token(value);
            return with_token(value);
        };
        const std::vector<event> events = app.run(app.by_corun(), provider);
        using occasion = mcp_header_request::occasion;
        BOOST_TEST((asked == std::vector<occasion>{occasion::run_start, occasion::call, occasion::call,
                                                   occasion::rejected_token}));
        BOOST_TEST(text_of(events) == "Done: seat 14A is yours");
        BOOST_TEST(app.tool_calls() == 2u);
    });
}

BOOST_AUTO_TEST_CASE(a_token_refused_twice_is_an_output_and_an_event_with_the_challenge) {
    in_all_ways([](desk_application& app) {
        int asked = 0;
        const auto provider = [&](const mcp_header_request&) {
            return ++asked == 1 ? with_token() : with_token(planted_secret("bad"));
        };
        const std::vector<event> events = app.run(app.by_corun(), provider);
        BOOST_TEST(asked == 3);
        BOOST_TEST(text_of(events) == R"(Done: {"error":"The MCP server rejected the credentials."})");
        const auto calls = bodies<events::mcp_call>(events);
        BOOST_REQUIRE(calls.size() == 1u);
        BOOST_TEST(calls[0].error->find("401") != std::string::npos);
        BOOST_TEST(mcp::parse_challenge(calls[0].challenge)->error == "invalid_token");
        BOOST_TEST(!calls[0].call.output.has_value());
        BOOST_TEST(events.back().get_if<events::run_completed>());
    });
}

BOOST_AUTO_TEST_CASE(a_server_that_refuses_the_list_fails_the_run_before_anything_is_sent) {
    in_all_ways([](desk_application& app) {
        const error failure =
            app.failure(app.desk.run_stream("Book 14A", with_token(planted_secret("bad")), app.by_corun()));
        BOOST_TEST(failure.code() == errc::unauthorized);
        BOOST_TEST(std::string(failure.what()).find("'bookings'") != std::string::npos);
        BOOST_TEST(app.service->requests().empty());
        int asked = 0;
        const auto provider = [&](const mcp_header_request&) {
            return ++asked == 1 ? with_token(planted_secret("bad")) : with_token();
        };
        BOOST_TEST(text_of(app.run(app.by_corun(), provider)) == "Done: seat 14A is yours");
    });
}

BOOST_AUTO_TEST_CASE(a_tools_own_failure_and_unknown_functions_are_outputs) {
    in_all_ways([](desk_application& app) {
        app.mcp->add_tool("break", "Fails.", "{}",
                          [](std::string_view) -> std::string { throw std::runtime_error("no such seat"); });
        app.service->script("", {step::call_function("bookings__break", "{}"), step::reply("Done: {output}")});
        BOOST_TEST(text_of(app.run(app.by_corun())) == R"(Done: {"error":"no such seat"})");
        app.mcp->add_tool("big", "Much.", "{}", [](std::string_view) { return std::string(1000, 'x'); });
        app.service->script("", {step::call_function("bookings__big", "{}"), step::reply("Done: {output}")});
        run_options options = app.by_corun();
        options.max_mcp_output_bytes = 10;
        BOOST_TEST(text_of(app.run(options)) == "Done: xxxxxxxxxx\n[990 more bytes]");
    });
}

/// The output that the service has received for the only call of a run.
json received_output(const desk_application& app) {
    for (const auto& request : app.service->requests()) {
        const json body = json::parse(request.body, nullptr, false);
        const json input = body.is_object() ? body.value("input", json()) : json();
        if (!input.is_array()) continue;
        for (const json& item : input)
            if (item.value("type", "") == "function_call_output") return item.at("output");
    }
    return nullptr;
}

BOOST_AUTO_TEST_CASE(images_and_files_of_a_result_reach_the_model_where_the_run_allows_it) {
    const json blocks = {
        {{"type", "text"}, {"text", "The seats."}},
        {{"type", "image"}, {"data", "iVBORw0KGgo="}, {"mimeType", "image/png"}},
        {{"type", "resource"},
         {"resource", {{"uri", "file:///plan.pdf"}, {"mimeType", "application/pdf"}, {"blob", "JVBERi0="}}}},
        {{"type", "audio"}, {"data", "UklGRg=="}, {"mimeType", "audio/wav"}},
        {{"type", "image"}, {"data", "not base64"}, {"mimeType", "image/png"}},
        {{"type", "image"}, {"data", "iVBORw0KGgo="}, {"mimeType", "image/png;\"x"}},
    };
    struct expectation {
        bool media;
        std::size_t most;
        std::size_t images, files;
    };
    for (const way& each : all_ways) {
        for (const expectation& expected : std::initializer_list<expectation>{
                 {true, 1000, 1, 1}, {false, 1000, 0, 0}, {true, 35, 1, 0}, {true, 10, 0, 0}}) {
            desk_application app(each);
            app.mcp->add_content_tool("plan", "The plan.", "{}",
                                      [&](std::string_view) { return json_text(blocks.dump()); });
            app.service->script("", {step::call_function("bookings__plan", "{}"), step::reply("Done.")});
            run_options options = app.by_corun();
            options.mcp_media = expected.media;
            options.max_mcp_output_bytes = expected.most;
            const std::vector<event> events = app.run(options);
            BOOST_TEST(text_of(events) == "Done.");
            // The caller's event has a line for each block, whatever the model receives.
            const std::string shown = bodies<events::mcp_call>(events).at(0).call.output.value_or("");
            BOOST_TEST(shown.starts_with("The seats."));
            if (each.spoken == protocol::threads) continue;
            const json output = received_output(app);
            if (expected.images + expected.files == 0) {
                BOOST_TEST(output.get<std::string>() == shown);
                continue;
            }
            std::size_t images = 0, files = 0;
            for (const json& part : output) {
                images += part["type"] == "input_image" && part["image_url"] == "data:image/png;base64,iVBORw0KGgo=";
                files += part["type"] == "input_file" && part["filename"] == "plan.pdf" &&
                         part["file_data"] == "data:application/pdf;base64,JVBERi0=";
            }
            BOOST_TEST(images == expected.images);
            BOOST_TEST(files == expected.files);
            BOOST_TEST(output.size() == 1 + images + files);
        }
    }
}

BOOST_AUTO_TEST_CASE(only_allowed_tools_are_offered) {
    in_all_ways([](desk_application& app) {
        app.mcp->add_tool("pay", "Pays.", "{}", [](std::string_view) { return std::string(); });
        agent narrow = app.make("narrow", {mcp_tool("bookings", app.mcp->url(), {"reserve_seat"})});
        event_stream stream = app.wait(narrow.run_stream("Book 14A", with_token(), app.by_corun()));
        const auto listed = bodies<events::mcp_tools_listed>(app.take(stream));
        BOOST_TEST(listed.at(0).list.tools.size() == 1u);
        BOOST_TEST(!app.service_has("bookings__pay"));
        agent wrong = app.make("wrong", {mcp_tool("bookings", app.mcp->url(), {"fly"})});
        BOOST_TEST(app.failure(wrong.run_stream("Book 14A", with_token(), app.by_corun())).code() ==
                   errc::invalid_argument);
    });
}

BOOST_AUTO_TEST_CASE(a_server_of_the_run_alone_can_be_called) {
    in_all_ways([](desk_application& app) {
        run_options options = app.by_corun();
        options.tools.emplace_back(mcp_tool("bookings", app.mcp->url()));
        event_stream stream = app.wait(app.plain.run_stream("Book 14A", with_token(), options));
        BOOST_TEST(text_of(app.take(stream)) == "Done: seat 14A is yours");
    });
}

BOOST_AUTO_TEST_CASE(mistakes_are_errors_before_anything_is_sent) {
    in_all_ways([](desk_application& app) {
        run_options options = app.by_corun();
        options.mcp_callers["hotels"] = mcp_caller::client;
        BOOST_TEST(app.failure(app.desk.run_stream("hi", with_token(), options)).code() == errc::unknown_server_label);
        options = app.by_corun();
        options.max_mcp_calls = 0;
        BOOST_TEST(app.failure(app.desk.run_stream("hi", with_token(), options)).code() == errc::invalid_argument);
        options = app.by_corun();
        options.functions.emplace_back(reserve, "", "{}", [](const function_call&) { return std::string(); });
        BOOST_TEST(app.failure(app.desk.run_stream("hi", with_token(), options)).code() == errc::invalid_argument);
        if (app.has_runs) BOOST_CHECK_THROW(app.wait(app.desk.create_run("hi", with_token(), app.by_corun())), error);
        BOOST_TEST(app.service->requests().empty());
    });
}

BOOST_AUTO_TEST_CASE(two_users_at_once_never_get_each_others_tokens) {
    in_all_ways([](desk_application& app) {
        constexpr int users = 20;
        std::size_t done = 0;
        for (int i = 0; i != users; ++i) app.mcp->accept_token(planted_secret("user" + std::to_string(i)));
        for (int i = 0; i != users; ++i) {
            run_options options = app.by_corun();
            auto running = app.desk.run("Book 14A", with_token(planted_secret("user" + std::to_string(i))), options);
            asio::co_spawn(app.io, std::move(running), [&done](std::exception_ptr failure, run_result) {
                if (failure) std::rethrow_exception(failure);
                ++done;
            });
        }
        run_in_virtual_time(app.io, *app.clock, [&done] { return done == users; });
        std::map<std::string, std::set<std::string>> tokens_of_sessions;
        for (const auto& call : app.mcp->calls())
            if (!call.session.empty()) tokens_of_sessions[call.session].insert(call.authorization);
        BOOST_TEST(tokens_of_sessions.size() == static_cast<std::size_t>(users));
        for (const auto& [session, tokens] : tokens_of_sessions) BOOST_TEST(tokens.size() == 1u);
        BOOST_TEST(app.tool_calls() == static_cast<std::size_t>(users));
    });
}

BOOST_AUTO_TEST_CASE(automatic_leaves_a_server_to_the_service_where_that_accepts_it) {
    in_all_ways([](desk_application& app) {
        app.service->script("", {step::call_mcp("reserve_seat", seat), step::reply("Done: {output}")});
        run_options options = app.unasked();
        options.default_mcp_caller = mcp_caller::automatic;
        event_stream stream = app.wait(app.desk.run_stream("Book 14A", with_token(), options));
        BOOST_TEST(text_of(app.take(stream)) == "Done: seat 14A is yours");
        BOOST_TEST(!app.service->mcp_requests().empty());
        BOOST_TEST(has_row(stream.report(), 42));
    });
}

BOOST_AUTO_TEST_CASE(automatic_calls_what_a_stored_agent_cannot) {
    desk_application app({protocol::responses, false});
    prompt_agent_definition definition("gpt-4o");
    definition.name = "stored";
    const mcp::server bookings = app.owner->mcp_servers->at(app.mcp->url());
    const mcp::tool_list list = app.wait(bookings.list_tools(*with_token().find("bookings")));
    definition.tools.emplace_back(mcp::to_function("bookings", list.tools.at(0)).definition);
    definition.tools.emplace_back(function_tool("bookings__gone", "Was a tool.", "{}"));
    agent stored = app.by_proxy(await(app.io, app.client->create_agent(definition)));
    app.mcp->add_tool("new", "Is not in the agent.", "{}", [](std::string_view) { return std::string(); });
    app.service->forget_requests();
    run_options options;
    options.default_approval = mcp_approval::never();
    options.default_mcp_caller = mcp_caller::automatic;
    options.tools.emplace_back(mcp_tool("bookings", app.mcp->url()));
    event_stream stream = app.wait(stored.run_stream("Book 14A", with_token(), options));
    BOOST_TEST(text_of(app.take(stream)) == "Done: seat 14A is yours");
    BOOST_TEST(!app.service_has(planted_secret("fresh")));
    const auto& requests = app.service->requests();
    BOOST_TEST(json::parse(requests.front().body).contains("agent_reference"));
    BOOST_TEST(!json::parse(requests.front().body).contains("tools"));
    BOOST_TEST(has_row(stream.report(), 43));
    BOOST_TEST(has_row(stream.report(), 45, "'new'"));
    BOOST_TEST(has_row(stream.report(), 45, "'bookings__gone'"));

    prompt_agent_definition without("gpt-4o");
    without.name = "without";
    agent bare = app.by_proxy(await(app.io, app.client->create_agent(without)));
    BOOST_TEST(app.failure(bare.run_stream("Book 14A", with_token(), options)).code() == errc::not_allowed_with_agent);
}

BOOST_AUTO_TEST_CASE(a_run_answered_by_hand_or_attached_to_goes_on_with_its_servers) {
    for (const way& each : {all_ways[0], all_ways[2]}) {
        desk_application app(each);
        app.service->script("", {step::call_function(reserve, seat), step::next_round(),
                                 step::call_function(reserve, seat), step::reply("Done: {output}")});
        run_options options = app.by_corun();
        options.on_abandon = abandoned_run::goes_on;
        run_options by_hand = options;
        by_hand.default_approval.reset();
        by_hand.answers_by_hand = true;
        agent_thread thread = app.new_thread();
        event_stream first = app.wait(app.desk.run_stream(thread, "Book 14A", with_token(), by_hand));
        const auto asked = bodies<events::action_required>(app.take(first));
        const run_position position = first.position();
        first = event_stream();
        event_stream second = app.wait(app.desk.attach_stream(position, with_token(), options));
        BOOST_TEST(text_of(app.take(second)) == "Done: seat 14A is yours");
        BOOST_TEST(app.tool_calls() == 2u);
        if (!app.has_runs) continue;
        // The same with an answer.
        event_stream third = app.wait(app.desk.run_stream(thread, "Book 14A", with_token(), by_hand));
        const auto again = bodies<events::action_required>(app.take(third));
        const std::string run_id = third.run_id();
        third = event_stream();
        submission answers;
        answers.output(again.at(0).action.function_calls.at(0).id, "by hand");
        run_options with_server = options;
        with_server.tools.emplace_back(mcp_tool("bookings", app.mcp->url()));
        event_stream fourth = app.wait(thread.submit_stream(run_id, answers, with_token(), with_server));
        BOOST_TEST(text_of(app.take(fourth)) == "Done: seat 14A is yours");
        BOOST_TEST(app.tool_calls() == 3u);
    }
}

BOOST_AUTO_TEST_CASE(calls_of_a_round_are_made_at_once_and_no_more_than_allowed) {
    in_all_ways([](desk_application& app) {
        mcp_peer peer(mcp::era::modern, &app.io);
        std::vector<step> steps(6, step::call_function("hotels__reserve_seat", seat));
        steps.push_back(step::reply("Done"));
        app.service->script("", steps);
        std::size_t open = 0, most = 0;
        peer.play["tools/call"] = [&](std::shared_ptr<raw_connection> to, raw_request r) -> asio::awaitable<bool> {
            const auto connection = to;
            most = std::max(most, ++open);
            // The first ones wait for as many as can come.
            while (most < 3) co_await asio::post(app.io, asio::use_awaitable);
            for (int turn = 0; turn != 50; ++turn) co_await asio::post(app.io, asio::use_awaitable);
            std::string answer = mcp_peer::result(r, mcp_peer::text_result("done"));
            --open;
            co_await connection->write(std::move(answer));
            co_return true;
        };
        run_options options = app.unasked();
        options.mcp_callers["hotels"] = mcp_caller::client;
        options.max_mcp_calls = 3;
        options.tools.emplace_back(mcp_tool("hotels", peer.url()));
        const std::vector<event> events = app.take(app.plain.run_stream("Book", {}, options));
        BOOST_TEST(text_of(events) == "Done");
        BOOST_TEST(most == 3u);
        BOOST_TEST(peer.count("tools/call") == 6u);
    });
}

BOOST_AUTO_TEST_CASE(an_answer_that_is_lost_is_not_asked_for_again) {
    in_all_ways([](desk_application& app) {
        mcp_peer peer(mcp::era::legacy, &app.io);
        app.service->script("", {step::call_function("hotels__reserve_seat", seat), step::reply("Done: {output}")});
        peer.on["tools/call"] = [](const raw_request&) { return std::string("Connection: close"); };
        run_options options = app.unasked();
        options.mcp_callers["hotels"] = mcp_caller::client;
        options.tools.emplace_back(mcp_tool("hotels", peer.url()));
        const std::vector<event> events = app.take(app.plain.run_stream("Book", {}, options));
        const std::string told = text_of(events);
        BOOST_TEST((told.find("may have been called") != told.npos || told.find("failed") != told.npos), told);
        BOOST_TEST(peer.count("tools/call") == 1u);
        BOOST_TEST(bodies<events::mcp_call>(events).at(0).error.has_value());
    });
}

// Whatever of the server's answers is lost, in any of the steps that a run takes with it.
BOOST_AUTO_TEST_CASE(a_run_makes_each_call_once_wherever_the_servers_answers_are_cut) {
    const std::size_t step_size = std::getenv("CORUN_EVERY_OFFSET") ? 1 : 41;
    for (const mcp::era era : {mcp::era::modern, mcp::era::legacy})
        for (const way& each : {all_ways[0], all_ways[1]})
            for (const char* method : {"server/discover", "initialize", "tools/list", "tools/call"}) {
                desk_application app(each);
                app.service->script("",
                                    {step::call_function("hotels__reserve_seat", seat), step::reply("Done: {output}")});
                std::size_t size = 1, completed = 0;
                for (std::size_t bytes = 0; bytes < size; bytes += step_size) {
                    mcp_peer peer(era, &app.io);
                    peer.play[method] = [&](std::shared_ptr<raw_connection> open,
                                            raw_request request) -> asio::awaitable<bool> {
                        const std::string whole = peer.response_to(method, request);
                        size = whole.size();
                        std::string part = whole.substr(0, bytes);
                        co_await open->write(std::move(part));
                        co_return false;
                    };
                    run_options options = app.unasked();
                    options.mcp_callers["hotels"] = mcp_caller::client;
                    options.tools.emplace_back(mcp_tool("hotels", peer.url()));
                    const bool in_call = std::string_view(method) == "tools/call";
                    try {
                        const std::vector<event> events = app.take(app.plain.run_stream("Book", {}, options));
                        const auto calls = bodies<events::mcp_call>(events);
                        BOOST_REQUIRE(calls.size() == 1u);
                        BOOST_TEST(calls[0].error.has_value() == in_call);
                        BOOST_TEST(peer.count("tools/call") == 1u);
                        ++completed;
                    } catch (const error& failure) {
                        // Before the run exists.
                        BOOST_TEST(!in_call);
                        BOOST_TEST((failure.code() == errc::connection_lost || failure.code() == errc::bad_response ||
                                    failure.code() == errc::stream_failed),
                                   failure.what());
                        BOOST_TEST(peer.count("tools/call") == 0u);
                    }
                }
                if (std::string_view(method) == "tools/call") BOOST_TEST(completed > 1u);
            }
}

// The request this library was made for, with an agent that accepts no headers at all.
BOOST_AUTO_TEST_CASE(a_stored_agent_outlives_its_users_tokens_and_the_service_never_sees_one) {
    desk_application app({protocol::responses, false});
    const std::string a = planted_secret("A"), b = planted_secret("B");
    app.mcp->accept_token(a, app.now() + 1h);
    app.mcp->accept_token(b, app.now() + 3h);
    prompt_agent_definition definition("gpt-4o");
    definition.name = "stored";
    const mcp::server bookings = app.owner->mcp_servers->at(app.mcp->url());
    for (const mcp::tool& tool : app.wait(bookings.list_tools(*with_token(a).find("bookings"))).tools)
        definition.tools.emplace_back(mcp::to_function("bookings", tool).definition);
    agent stored = app.by_proxy(await(app.io, app.client->create_agent(definition)));
    agent_thread thread = app.new_thread();
    run_options options;
    options.default_approval = mcp_approval::never();
    options.tools.emplace_back(mcp_tool("bookings", app.mcp->url()));
    options.mcp_callers["bookings"] = mcp_caller::client;

    BOOST_TEST(app.wait(stored.run(thread, "Book 14A", with_token(a), options)).text() == "Done: seat 14A is yours");
    *app.moved += 2h;
    const error expired = app.failure(stored.run(thread, "Book 14B", with_token(a), options));
    BOOST_TEST(expired.code() == errc::unauthorized);
    BOOST_TEST(mcp::parse_challenge(expired.details().challenge)->error == "invalid_token");
    BOOST_TEST(app.wait(stored.run(thread, "Book 14B", with_token(b), options)).text() == "Done: seat 14A is yours");

    // Two users at once.
    const std::string users[] = {planted_secret("anna"), planted_secret("ben")};
    std::size_t done = 0;
    for (const std::string& user : users) {
        app.mcp->accept_token(user);
        auto running = stored.run("Book", with_token(user), options);
        asio::co_spawn(app.io, std::move(running), [&done](std::exception_ptr failure, run_result) {
            if (failure) std::rethrow_exception(failure);
            ++done;
        });
    }
    run_in_virtual_time(app.io, *app.clock, [&done] { return done == 2; });
    for (const std::string& user : users)
        BOOST_TEST(std::count_if(app.mcp->calls().begin(), app.mcp->calls().end(), [&user](const auto& call) {
                       return call.method == "tools/call" && call.authorization == "Bearer " + user;
                   }) == 1);
    for (const std::string& token : {a, b, users[0], users[1]}) BOOST_TEST(!app.service_has(token));
    BOOST_TEST(!app.service_has(app.mcp->url()));
}

BOOST_AUTO_TEST_SUITE_END()
