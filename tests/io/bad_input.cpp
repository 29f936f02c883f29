// What a caller gets wrong is told before anything is sent.
#include "emulated.hpp"

#include <boost/test/unit_test.hpp>

#include <functional>
#include <string>

namespace {

using namespace corun;
using namespace corun::test;

struct refused : emulated {
    /// The failure of a run, having checked that no request was sent for it.
    error refusal(asio::awaitable<event_stream> started) {
        const std::size_t before = service->requests().size();
        error failure = failure_of(io, std::move(started));
        BOOST_TEST(service->requests().size() == before);
        BOOST_TEST(failure.status() == 0);
        return failure;
    }

    static bool says(const error& failure, std::string_view text) {
        return std::string_view(failure.what()).find(text) != std::string_view::npos;
    }
};

error endpoint_refusal(asio::io_context& io, std::string endpoint, credential token) {
    try {
        corun::client made(io.get_executor(), std::move(endpoint), std::move(token));
    } catch (const error& failure) {
        return failure;
    }
    throw std::logic_error("the endpoint was accepted");
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(bad_input, refused)

BOOST_AUTO_TEST_CASE(an_unknown_server_label_lists_the_known_ones) {
    agent a = make_agent();
    mcp_headers headers;
    headers.set("bookngs", "Authorization", "Bearer planted-secret-value");
    const error failure = refusal(a.run_stream("hi", headers));
    BOOST_TEST(failure.code() == errc::unknown_server_label);
    BOOST_TEST(says(failure, "bookngs"));
    BOOST_TEST(says(failure, "bookings"));
    BOOST_TEST(!says(failure, "planted-secret-value"));
}

BOOST_AUTO_TEST_CASE(a_header_that_http_does_not_allow_is_refused_without_showing_its_value) {
    agent a = make_agent();
    const std::pair<std::string, std::string> headers[] = {
        {"Authorization", "Bearer planted-secret-value\r\nX-Injected: 1"},
        {"Authorization", "Bearer planted-secret-value\n"},
        {"Authorization", std::string("Bearer planted-secret-value\0", 28)},
        {"Authorization", "planted-secret-value\x7f"},
        {"Author ization", "planted-secret-value"},
        {"Authorization\r\nX", "planted-secret-value"},
        {"Authorization:", "planted-secret-value"},
        {"", "planted-secret-value"},
        {"Authori\xc3\xa9", "planted-secret-value"},
    };
    for (const auto& [name, value] : headers) {
        mcp_headers given;
        given.set("bookings", name, value);
        const error failure = refusal(a.run_stream("hi", given));
        BOOST_TEST(failure.code() == errc::invalid_header);
        BOOST_TEST(says(failure, "bookings"));
        BOOST_TEST(!says(failure, "planted-secret-value"));
        BOOST_TEST(!says(failure, "\r"));
        BOOST_TEST(!says(failure, "\n"));
    }
}

BOOST_AUTO_TEST_CASE(an_empty_label_is_refused) {
    agent a = make_agent();
    mcp_headers headers;
    headers.set("", "Authorization", "Bearer x");
    BOOST_TEST(refusal(a.run_stream("hi", headers)).code() == errc::invalid_server_label);
}

BOOST_AUTO_TEST_CASE(a_malformed_endpoint_is_refused) {
    for (const char* endpoint :
         {"", "services.ai.azure.com", "ftp://host/api", "https://", "https://ho st", "https://host\r\nX: y",
          "https://user:pass@host", "https://host?x=y", "https://host/#f", "https://host:99999"})
        BOOST_TEST(
            endpoint_refusal(io, endpoint, credential::bearer("planted-secret-value")).code() == errc::invalid_endpoint,
            endpoint);
    BOOST_TEST(
        !says(endpoint_refusal(io, "https://user:planted-secret-value@host", credential()), "planted-secret-value"));
}

BOOST_AUTO_TEST_CASE(a_credential_goes_over_https_or_to_loopback_only) {
    for (const char* endpoint : {"http://service.example/api", "http://10.0.0.1", "http://127.0.0.1.example.com",
                                 "http://localhost.example.com"}) {
        const error failure = endpoint_refusal(io, endpoint, credential::bearer("planted-secret-value"));
        BOOST_TEST(failure.code() == errc::insecure_endpoint);
        BOOST_TEST(!says(failure, "planted-secret-value"));
        corun::client without(io.get_executor(), endpoint, credential());
        (void)without;
    }
    for (const char* endpoint :
         {"https://service.example/api", "http://127.0.0.1:1/x", "http://localhost:1", "http://[::1]:1"})
        corun::client fine(io.get_executor(), endpoint, credential::bearer("planted-secret-other"));
}

BOOST_AUTO_TEST_CASE(empty_ids_and_handles_are_refused) {
    const std::size_t before = service->requests().size();
    BOOST_TEST(failure_of(io, client->get_agent("")).code() == errc::invalid_argument);
    BOOST_TEST(failure_of(io, client->get_agent("..")).code() == errc::invalid_argument);
    BOOST_TEST(failure_of(io, client->delete_agent("")).code() == errc::invalid_argument);
    BOOST_TEST(failure_of(io, client->get_thread("")).code() == errc::invalid_argument);
    BOOST_TEST(failure_of(io, client->create_agent(agent_definition())).code() == errc::invalid_argument);
    agent nothing;
    BOOST_CHECK_EXCEPTION((void)nothing.run_stream("hi"), error,
                          [](const error& e) { return e.code() == errc::invalid_argument; });
    list_options options;
    options.page_size = 101;
    auto listing = client->list_agents(options);
    BOOST_TEST(failure_of(io, listing.next()).code() == errc::invalid_argument);
    BOOST_TEST(service->requests().size() == before);
}

BOOST_AUTO_TEST_CASE(an_id_cannot_leave_its_place_in_the_path) {
    const error failure = failure_of(io, client->get_agent("x/../../threads?y=z#"));
    BOOST_TEST(failure.code() == errc::not_found);
    BOOST_TEST(service->requests().back().path.starts_with("/assistants/"));
}

BOOST_AUTO_TEST_CASE(extra_json_that_is_no_object_or_says_again_what_corun_says_is_refused) {
    agent a = make_agent();
    for (const char* extra :
         {"{", "[]", "1", R"({"assistant_id":"asst_2"})", R"({"tool_resources":{}})", R"({"stream":false})",
          R"({"tools":[]})", R"({"thread":{}})", R"({"additional_messages":[]})", R"({"model":"gpt-4o"})"}) {
        run_options options;
        options.extra_json = extra;
        BOOST_TEST(refusal(a.run_stream("hi", token("planted-secret-other"), options)).code() == errc::invalid_argument,
                   extra);
        BOOST_TEST(refusal(a.run_stream("hi", mcp_headers(), options)).code() == errc::invalid_argument, extra);
    }
}

BOOST_AUTO_TEST_CASE(a_definition_that_would_store_mcp_headers_is_refused) {
    const std::size_t before = service->requests().size();
    agent_definition definition("gpt-4o");
    definition.tools.push_back(mcp_tool("bookings", mcp->url()));
    mcp_tool_resource resource("bookings");
    resource.headers.set("Authorization", "Bearer planted-secret-value");
    definition.tool_resources.mcp.push_back(resource);
    const error from_agent = failure_of(io, client->create_agent(definition));
    BOOST_TEST(from_agent.code() == errc::invalid_argument);
    BOOST_TEST(!says(from_agent, "planted-secret-value"));
    thread_definition conversation;
    conversation.tool_resources.mcp.push_back(resource);
    BOOST_TEST(failure_of(io, client->create_thread(conversation)).code() == errc::invalid_argument);
    BOOST_TEST(service->requests().size() == before);
}

BOOST_AUTO_TEST_CASE(a_definition_that_would_store_mcp_headers_as_bare_json_is_refused) {
    agent a = make_agent();
    corun::thread t = await(io, client->create_thread());
    const std::size_t before = service->requests().size();
    tool_resources bare;
    bare.other["mcp"] = R"([{"server_label":"bookings","headers":{"Authorization":"Bearer planted-secret-value"}}])";
    agent_definition definition("gpt-4o");
    definition.tool_resources = bare;
    thread_definition conversation;
    conversation.tool_resources = bare;
    agent_definition with_tool("gpt-4o");
    with_tool.tools.push_back(json_tool("mcp", R"({"type":"mcp","server_label":"bookings"})"));
    for (const error& failure :
         {failure_of(io, client->create_agent(definition)), failure_of(io, a.update(definition)),
          failure_of(io, client->create_thread(conversation)), failure_of(io, t.update(conversation)),
          failure_of(io, client->create_agent(with_tool)), failure_of(io, a.update(with_tool))}) {
        BOOST_TEST(failure.code() == errc::invalid_argument);
        BOOST_TEST(!says(failure, "planted-secret-value"));
    }
    BOOST_TEST(service->requests().size() == before);
}

BOOST_AUTO_TEST_CASE(headers_do_not_go_to_an_mcp_server_over_plain_http) {
    agent_definition definition("gpt-4o");
    definition.tools.push_back(mcp_tool("bookings", "http://mcp.example/mcp"));
    agent a = await(io, client->create_agent(definition));
    BOOST_TEST(refusal(a.run_stream("hi", token("planted-secret-value"))).code() == errc::insecure_endpoint);
}

BOOST_AUTO_TEST_CASE(a_credential_that_fails_or_gives_nonsense_is_named) {
    const std::pair<std::function<asio::awaitable<secret>()>, const char*> sources[] = {
        {[]() -> asio::awaitable<secret> {
             std::string why = "no identity here";
             throw std::runtime_error(why);
             co_return secret();
         },
         "no identity here"},
        {[]() -> asio::awaitable<secret> { co_return secret(); }, "empty"},
        {[]() -> asio::awaitable<secret> { co_return secret("planted-secret-value\r\nX: y"); }, "characters"},
    };
    const std::size_t before = service->requests().size();
    for (const auto& [source, why] : sources) {
        corun::client other(io.get_executor(), service->endpoint(), credential::callback(source));
        const error failure = failure_of(io, other.get_agent("asst_1"));
        BOOST_TEST(failure.code() == errc::credential_failed);
        BOOST_TEST(says(failure, why));
        BOOST_TEST(!says(failure, "planted-secret-value"));
    }
    BOOST_TEST(service->requests().size() == before);
}

BOOST_AUTO_TEST_SUITE_END()
