// Lists of tools that sessions of one principal use again.
#include "application.hpp"
#include "emulated.hpp"
#include "mcp_peer.hpp"

#include <boost/test/unit_test.hpp>

namespace {

using namespace corun;
using namespace corun::test;
using emulator::step;
using json = mcp_peer::json;
using names = std::vector<std::string>;
using namespace std::chrono_literals;

const headers no_headers;

struct modern_server : mcp_peer {
    modern_server() : mcp_peer(mcp::era::modern) { lists_for(3'600'000); }

    /// Lists of tools from now on have this `ttlMs`.
    void lists_for(json ttl_ms) {
        on["tools/list"] = [this, ttl_ms](const raw_request& request) {
            return result(request, {{"tools", tools}, {"ttlMs", ttl_ms}, {"cacheScope", "private"}});
        };
    }
};
struct legacy_server : mcp_peer {
    legacy_server() : mcp_peer(mcp::era::legacy) {}
};

std::size_t listed(mcp_peer& peer, const mcp::server& server, const std::string& principal) {
    const std::size_t before = peer.count("tools/list");
    BOOST_TEST(peer.run(mcp::session(server, principal).list_tools(no_headers)).tools.size() == peer.tools.size());
    return peer.count("tools/list") - before;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(mcp_tool_lists)

BOOST_FIXTURE_TEST_CASE(sessions_of_one_principal_use_a_list_again, modern_server) {
    const mcp::server bookings = client();
    BOOST_TEST(listed(*this, bookings, "anna") == 1u);
    const std::size_t sent = requests.size();
    BOOST_TEST(listed(*this, bookings, "anna") == 0u);
    BOOST_TEST(requests.size() == sent);
    BOOST_TEST(listed(*this, bookings, "bert") == 1u);
    BOOST_TEST(listed(*this, bookings, "") == 1u);
    BOOST_TEST(listed(*this, bookings, "") == 1u);
    // Another client knows nothing of it.
    BOOST_TEST(listed(*this, client(), "anna") == 1u);
}

BOOST_FIXTURE_TEST_CASE(a_list_is_used_as_long_as_the_server_and_the_client_allow, modern_server) {
    mcp::server bookings = client();
    lists_for(60'000);
    BOOST_TEST(listed(*this, bookings, "anna") == 1u);
    clock->advance(60s - 1ms);
    BOOST_TEST(listed(*this, bookings, "anna") == 0u);
    clock->advance(1ms);
    lists_for(86'400'000);
    BOOST_TEST(listed(*this, bookings, "anna") == 1u);
    clock->advance(5min - 1ms);
    BOOST_TEST(listed(*this, bookings, "anna") == 0u);
    clock->advance(1ms);
    BOOST_TEST(listed(*this, bookings, "anna") == 1u);

    mcp::server_options options = settings();
    options.max_list_age = 0ms;
    bookings = client(options);
    BOOST_TEST(listed(*this, bookings, "anna") == 1u);
    BOOST_TEST(listed(*this, bookings, "anna") == 1u);
}

BOOST_FIXTURE_TEST_CASE(a_modern_server_that_does_not_allow_it_is_asked_again, modern_server) {
    for (const json& ttl : {json(nullptr), json(0), json(-5), json("60000"), json::object()}) {
        lists_for(ttl);
        const mcp::server bookings = client();
        BOOST_TEST(listed(*this, bookings, "anna") == 1u);
        BOOST_TEST(listed(*this, bookings, "anna") == 1u);
    }
    for (const json& ttl : {json(60'000.5), json(1e300), json(std::uint64_t(-1))}) {
        lists_for(ttl);
        const mcp::server bookings = client();
        BOOST_TEST(listed(*this, bookings, "anna") == 1u);
        BOOST_TEST(listed(*this, bookings, "anna") == 0u);
    }
}

BOOST_FIXTURE_TEST_CASE(the_shortest_of_all_pages_counts, modern_server) {
    on["tools/list"] = [this](const raw_request& request) {
        const bool is_first = !message_of(request)["params"].contains("cursor");
        json page{{"tools", is_first ? tools : json::array()}, {"ttlMs", is_first ? 1'000 : 60'000}};
        if (is_first) page["nextCursor"] = "2";
        return result(request, page);
    };
    const mcp::server bookings = client();
    const mcp::tool_list list = run(mcp::session(bookings, "anna").list_tools(no_headers));
    BOOST_TEST((list.ttl == 1s));
    clock->advance(1s);
    BOOST_TEST(listed(*this, bookings, "anna") == 2u);
}

BOOST_FIXTURE_TEST_CASE(servers_of_the_legacy_revisions_do_not_say_how_long, legacy_server) {
    const mcp::server bookings = client();
    BOOST_TEST(listed(*this, bookings, "anna") == 1u);
    clock->advance(5min - 1ms);
    BOOST_TEST(listed(*this, bookings, "anna") == 0u);
    clock->advance(1ms);
    BOOST_TEST(listed(*this, bookings, "anna") == 1u);
    BOOST_TEST(!run(mcp::session(bookings, "anna").list_tools(no_headers)).ttl.has_value());
}

BOOST_FIXTURE_TEST_CASE(calls_by_a_list_that_is_used_again_have_their_header_fields, modern_server) {
    tools = json::parse(R"([{"name":"reserve_seat","inputSchema":{"type":"object","properties":{
        "seat":{"type":"string","x-mcp-header":"Seat"}}}}])");
    const mcp::server bookings = client();
    BOOST_TEST(listed(*this, bookings, "anna") == 1u);
    const mcp::session second(bookings, "anna");
    (void)run(second.list_tools(no_headers));
    (void)run(second.call_tool("reserve_seat", R"({"seat":"14A"})", no_headers));
    BOOST_TEST(count("tools/list") == 1u);
    BOOST_TEST(last("tools/call").field("mcp-param-seat") == "14A");
}

BOOST_FIXTURE_TEST_CASE(a_list_that_proves_wrong_is_not_used_again, modern_server) {
    const mcp::server bookings = client();
    const mcp::session one(bookings, "anna");
    for (const int code : {-32602, -32020}) {
        (void)run(one.list_tools(no_headers));
        on["tools/call"] = [code](const raw_request& r) { return failure(r, 400, code, "No such tool."); };
        const std::size_t lists = count("tools/list");
        BOOST_TEST(run(one.call_tool("reserve_seat", "{}", no_headers)).error_code.value() == code);
        // A mismatch of header fields is looked into at once; an unknown tool is for the next list.
        BOOST_TEST(count("tools/list") - lists == (code == -32020 ? 1u : 0u));
        BOOST_TEST(listed(*this, bookings, "anna") == (code == -32020 ? 0u : 1u));
    }
}

BOOST_FIXTURE_TEST_CASE(a_list_that_failed_is_not_kept, modern_server) {
    const mcp::server bookings = client();
    on["tools/list"] = [](const raw_request& r) { return failure(r, 200, -32603, "Not now."); };
    BOOST_CHECK_THROW(run(mcp::session(bookings, "anna").list_tools(no_headers)), error);
    lists_for(60'000);
    BOOST_TEST(listed(*this, bookings, "anna") == 1u);
}

BOOST_AUTO_TEST_CASE(of_too_many_principals_the_one_that_expires_first_is_dropped) {
    mcp::tool_lists lists;
    const net::time_point now{};
    const auto some = std::make_shared<mcp::listed_tools>();
    const auto name = [](std::size_t number) { return "user " + std::to_string(number); };
    for (std::size_t each = 0; each != mcp::tool_lists::max_principals; ++each)
        lists.store(name(each), some, now + 1h - std::chrono::seconds(each));
    const std::size_t last = mcp::tool_lists::max_principals - 1;
    lists.store(name(0), some, now + 1h);
    BOOST_TEST((lists.find(name(last), now) == some));
    lists.store("one more", some, now + 1h);
    BOOST_TEST(!lists.find(name(last), now));
    BOOST_TEST((lists.find(name(last - 1), now) == some));
    BOOST_TEST((lists.find("one more", now) == some));
    BOOST_TEST(!lists.find("one more", now + 1h));
}

BOOST_AUTO_TEST_CASE(runs_of_one_principal_use_a_list_again) {
    for (const protocol spoken : {protocol::threads, protocol::responses}) {
        application app({spoken, false});
        app.service->script(
            "", {step::call_function("bookings__reserve_seat", R"({"seat":"14A"})"), step::reply("Done: {output}")});
        const auto lists_of = [&app](const std::string& principal) {
            const auto count = [&app] {
                const auto& calls = app.mcp->calls();
                return std::count_if(calls.begin(), calls.end(),
                                     [](const auto& each) { return each.method == "tools/list"; });
            };
            const auto before = count();
            mcp_headers headers;
            headers.set("bookings", "Authorization", "Bearer " + planted_secret("fresh"));
            run_options options = app.unasked();
            options.mcp_callers["bookings"] = mcp_caller::client;
            options.mcp_principal = principal;
            BOOST_TEST(text_of(app.take(app.desk.run_stream("Book 14A", std::move(headers), std::move(options)))) ==
                       "Done: seat 14A is yours");
            return count() - before;
        };
        BOOST_TEST(lists_of("anna") == 1);
        BOOST_TEST(lists_of("anna") == 0);
        BOOST_TEST(lists_of("bert") == 1);
        BOOST_TEST(lists_of("") == 1);
    }
}

BOOST_AUTO_TEST_SUITE_END()
