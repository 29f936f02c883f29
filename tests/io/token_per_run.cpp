// The request this library was made for: an agent lives long, its MCP server's tokens do not.
#include "async/asio_clock.hpp"
#include "curl/curl_transport.hpp"
#include "emulated.hpp"
#include "http/call.hpp"

#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>

#include <sstream>
#include <string>
#include <vector>

namespace {

using namespace corun;
using namespace corun::test;
using namespace std::chrono_literals;

const std::string token_a = "planted-secret-A";
const std::string token_b = "planted-secret-B";

struct story : emulated {
    story() {
        mcp->accept_token(token_a, now() + 1h);
        mcp->accept_token(token_b, now() + 3h);
    }

    /// Everything that a run says to its caller, as text.
    static std::string all_that_is_said(const std::vector<event>& events, const reconcile_report& report) {
        std::ostringstream said;
        said << report << report.body() << report.path();
        for (const auto& line : report.lines()) said << line.text << '\n';
        for (const event& each : events) said << each.name() << each.raw() << '\n';
        return said.str();
    }

    std::vector<std::string> authorizations() const {
        std::vector<std::string> seen;
        for (const auto& call : mcp->calls()) seen.push_back(call.authorization);
        return seen;
    }
};

bool leaks(const std::string& text) {
    return text.find(token_a) != std::string::npos || text.find(token_b) != std::string::npos;
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(token_per_run, story)

BOOST_AUTO_TEST_CASE(a_reused_agent_gets_a_token_of_its_own_in_every_run) {
    agent a = make_agent();
    agent_thread t = await(io, client->create_thread());
    std::string said;

    // Run 1, with token A.
    event_stream first = await(io, a.run_stream(t, "Book seat 14A", token(token_a), without_approvals()));
    const std::vector<event> events = await(io, collect(first));
    said += all_that_is_said(events, first.report());
    BOOST_REQUIRE(!events.empty());
    BOOST_TEST(events.back().get_if<events::run_completed>());
    BOOST_TEST(text_of(events).find("seat 14A is yours") != std::string::npos);
    BOOST_TEST(!mcp->calls().empty());
    for (const std::string& seen : authorizations()) BOOST_TEST(seen == "Bearer " + token_a);

    // A expires. Run 2 has no headers of its own: the failure is the service's, and readable.
    *moved += 2h;
    try {
        (void)await(io, a.run(t, "Book seat 14B", {}, without_approvals()));
        BOOST_FAIL("a run without a token must fail");
    } catch (const run_error& failure) {
        BOOST_TEST(failure.code() == errc::run_failed);
        BOOST_TEST(failure.service_code() == "tool_server_error");
        BOOST_TEST(failure.service_message().find("401") != std::string::npos);
        BOOST_TEST(std::string(failure.what()).find("bookings") != std::string::npos);
        BOOST_TEST(failure.result().run_id != "");
        said += failure.what();
        said += failure.details().body;
    }

    // Nor does the token that has expired get further.
    try {
        (void)await(io, a.run(t, "Book seat 14B", token(token_a), without_approvals()));
        BOOST_FAIL("a run with an expired token must fail");
    } catch (const run_error& failure) {
        BOOST_TEST(failure.code() == errc::run_failed);
        BOOST_TEST(failure.service_message().find("401") != std::string::npos);
        said += failure.what();
        said += all_that_is_said({}, failure.result().report);
    }

    // Run 3, with token B.
    const std::size_t before = mcp->calls().size();
    const run_result third = await(io, a.run(t, "Book seat 14C", token(token_b), without_approvals()));
    BOOST_TEST((third.status == run_state::completed));
    BOOST_TEST(third.text().find("seat 14A is yours") != std::string::npos);
    BOOST_REQUIRE(third.tool_calls().size() == 1u);
    BOOST_TEST(third.tool_calls()[0].output.value_or("") == "seat 14A is yours");
    const auto seen = authorizations();
    BOOST_TEST(seen.size() > before);
    for (std::size_t i = before; i < seen.size(); ++i) BOOST_TEST(seen[i] == "Bearer " + token_b);

    // Agent and thread, read back, hold no header.
    await(io, a.refresh());
    await(io, t.refresh());
    BOOST_TEST(a.definition().tool_resources.mcp.empty());
    BOOST_TEST(t.definition().tool_resources.mcp.empty());
    said += a.definition().raw + t.definition().raw;

    BOOST_TEST(!leaks(said));
}

BOOST_AUTO_TEST_CASE(headers_reach_the_service_in_the_run_alone) {
    agent a = make_agent();
    agent_thread t = await(io, client->create_thread());
    (void)await(io, a.run(t, "Book seat 14A", token(token_a), without_approvals()));
    (void)await(io, a.run("Book seat 14A", token(token_a), without_approvals()));
    int carrying = 0;
    for (const auto& request : service->requests()) {
        if (request.body.find(token_a) == std::string::npos) continue;
        ++carrying;
        const bool starts_run = request.path == "/threads/runs" || request.path == "/threads/" + t.id() + "/runs";
        BOOST_TEST(starts_run);
        const auto body = nlohmann::json::parse(request.body);
        BOOST_TEST(!body.contains("tools"));
        BOOST_TEST(body["tool_resources"]["mcp"][0]["headers"]["Authorization"] == "Bearer " + token_a);
        if (body.contains("thread")) BOOST_TEST(!body["thread"].contains("tool_resources"));
    }
    BOOST_TEST(carrying == 2);
}

BOOST_AUTO_TEST_CASE(the_naive_body_is_refused_where_ours_is_accepted) {
    agent a = make_agent();
    agent_thread t = await(io, client->create_thread());
    (void)await(io, a.run(t, "Book seat 14A", token(token_a), without_approvals()));

    // What clients did before: the agent's tools again, together with the resources of the run.
    nlohmann::json naive = {{"assistant_id", a.id()},
                            {"stream", true},
                            {"additional_messages", {{{"role", "user"}, {"content", "Book seat 14A"}}}},
                            {"tools", {{{"type", "mcp"}, {"server_label", "bookings"}, {"server_url", mcp->url()}}}},
                            {"tool_resources",
                             {{"mcp",
                               {{{"server_label", "bookings"},
                                 {"headers", {{"Authorization", "Bearer " + token_a}}},
                                 {"require_approval", "never"}}}}}}};
    net::request what;
    what.method = "POST";
    what.url = service->endpoint() + "/threads/" + t.id() + "/runs?api-version=v1";
    what.headers.set("Authorization", "Bearer " + service->token());
    what.headers.set("Content-Type", "application/json");
    what.body = naive.dump();
    auto transport = curl::make_transport(io.get_executor());
    const auto refused = await(io, detail::http_call(transport, detail::make_clock(io.get_executor()), std::move(what),
                                                     detail::call_limits()));
    BOOST_TEST(refused.head.status == 400);
    BOOST_TEST(refused.body.find("invalid_request_error") != std::string::npos);

    const run_result accepted = await(io, a.run(t, "Book seat 14A", token(token_a), without_approvals()));
    BOOST_TEST((accepted.status == run_state::completed));
}

BOOST_AUTO_TEST_CASE(two_users_at_once_never_mix) {
    mcp->accept_token("planted-secret-user-1", now() + 1h);
    mcp->accept_token("planted-secret-user-2", now() + 1h);
    agent a = make_agent();
    int done = 0;
    std::vector<std::string> run_of_user[2];
    const auto one = [&](int user) -> asio::awaitable<void> {
        const int n = user;
        const run_result result =
            co_await a.run("Book seat 14A", token("planted-secret-user-" + std::to_string(n + 1)), without_approvals());
        run_of_user[n].push_back(result.run_id);
        ++done;
    };
    for (int i = 0; i < 40; ++i)
        asio::co_spawn(io, one(i % 2), [](std::exception_ptr failure) {
            if (failure) std::rethrow_exception(failure);
        });
    run_until(io, [&] { return done == 40; });
    for (const auto& call : service->mcp_requests()) {
        const bool first = std::find(run_of_user[0].begin(), run_of_user[0].end(), call.run_id) != run_of_user[0].end();
        BOOST_TEST(call.header("authorization") ==
                   (first ? "Bearer planted-secret-user-1" : "Bearer planted-secret-user-2"));
    }
    BOOST_TEST(service->mcp_requests().size() >= 80u);
}

BOOST_AUTO_TEST_SUITE_END()
