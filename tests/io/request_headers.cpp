// Header fields of the application's own, for all requests of a client or of one run.
#include "emulated.hpp"
#include "raw_service.hpp"

#include <boost/test/unit_test.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace {

using namespace corun;
using namespace corun::test;

const std::string parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

client_options settings_of(const raw_service& service) {
    client_options options = service.settings();
    options.request_headers.set("Foundry-Features", "AgentEndpoints=V1Preview");
    options.request_headers.set("Ocp-Apim-Subscription-Key", "planted-secret-subscription");
    return options;
}

run_options run_of(std::string subscription) {
    run_options options;
    options.request_headers.set("ocp-apim-subscription-key", secret(std::move(subscription)));
    options.request_headers.set("traceparent", parent);
    return options;
}

/// The code and message with which a client and a run refuse this field; they must agree.
error refusal_of(raw_service& service, const header& field) {
    client_options options = service.settings();
    options.request_headers.add(field);
    const error of_client = [&] {
        try {
            (void)service.make_agent(options);
        } catch (const error& failure) {
            return failure;
        }
        throw std::runtime_error("the client accepts " + field.name);
    }();
    run_options of_one_run;
    of_one_run.request_headers.add(field);
    agent assistant = service.make_agent();
    const std::size_t before = service.requests.size();
    const error of_run = [&] {
        try {
            (void)await(service.io, assistant.run("hi", mcp_headers(), of_one_run));
        } catch (const error& failure) {
            return failure;
        }
        throw std::runtime_error("the run accepts " + field.name);
    }();
    BOOST_TEST(service.requests.size() == before);
    BOOST_TEST(of_client.code() == of_run.code());
    BOOST_TEST(of_run.details().message.starts_with("run_options::request_headers: "));
    return of_client;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(request_headers)

IN_EACH_PROTOCOL(the_fields_of_a_run_replace_those_of_its_client) {
    service.stream(service.text());
    agent assistant = service.make_agent(settings_of(service));
    (void)await(service.io, assistant.run("hi", mcp_headers(), run_of("planted-secret-user")));
    const raw_request of_run = service.requests.back();
    BOOST_TEST(of_run.field("Foundry-Features") == "AgentEndpoints=V1Preview");
    BOOST_TEST(of_run.field("Ocp-Apim-Subscription-Key") == "planted-secret-user");
    BOOST_TEST(of_run.head.find("planted-secret-subscription") == std::string::npos);
    BOOST_TEST(of_run.field("traceparent") == parent);
    BOOST_TEST(of_run.field("Authorization") == "Bearer planted-secret-key");
    // They are of that run alone.
    (void)await(service.io, assistant.run("hi"));
    BOOST_TEST(service.requests.back().field("Ocp-Apim-Subscription-Key") == "planted-secret-subscription");
    BOOST_TEST(service.requests.back().field("traceparent") == "");
}

IN_EACH_PROTOCOL(every_request_of_a_run_has_its_fields) {
    // The stream breaks, and the run is looked for.
    service.stream(service.begun());
    client_options options = settings_of(service);
    options.reattach = reattach_policy();
    agent assistant = service.make_agent(options);
    const std::size_t before = service.requests.size();
    service.answer_to_reads = whole_response(404, "application/json", R"({"error":{"message":"no such run"}})");
    (void)failure_of(service.io, assistant.run("hi", mcp_headers(), run_of("planted-secret-user")));
    BOOST_TEST(service.requests.size() > before + 1);
    for (std::size_t i = before; i != service.requests.size(); ++i)
        BOOST_TEST(service.requests[i].field("Ocp-Apim-Subscription-Key") == "planted-secret-user",
                   service.requests[i].head);
}

IN_EACH_PROTOCOL(their_values_are_not_shown) {
    service.answer(whole_response(
        400, "application/json", R"({"error":{"code":"bad","message":"key planted-secret-subscription is unknown"}})"));
    std::string traffic;
    std::optional<request_record> record;
    client_options options = settings_of(service);
    options.observer.on_wire = [&](const wire_message& message) { traffic += message.text + '\n'; };
    options.observer.on_request = [&](const request_record& each) { record = each; };
    agent assistant = service.make_agent(options);
    run_options of_run;
    of_run.request_headers.set("traceparent", parent);
    const error failure = failure_of(service.io, assistant.run("hi", mcp_headers(), of_run));
    run_ready(service.io);
    BOOST_TEST(std::string(failure.what()).find("key *** is unknown") != std::string::npos);
    BOOST_TEST(traffic.find("planted-secret") == std::string::npos);
    BOOST_TEST(traffic.find("Ocp-Apim-Subscription-Key: ***") != std::string::npos);
    BOOST_TEST(traffic.find("Foundry-Features: AgentEndpoints=V1Preview") != std::string::npos);
    BOOST_TEST(traffic.find("traceparent: " + parent) != std::string::npos);
    BOOST_TEST(record.value().traceparent == parent);
}

IN_EACH_PROTOCOL(records_of_the_requests_of_a_run_have_its_tag) {
    service.answer(whole_response(503, "application/json", R"({"error":{"message":"busy"}})"));
    service.stream(service.text());
    std::vector<std::string> requests, retries;
    client_options options = service.settings();
    options.retry.max_retries = 1;
    options.observer.on_request = [&](const request_record& each) { requests.push_back(each.tag); };
    options.observer.on_retry = [&](const retry_record& each) { retries.push_back(each.tag); };
    agent assistant = service.make_agent(options);
    run_ready(service.io);
    const std::vector<std::string> of_others(requests.size());
    BOOST_TEST(requests == of_others, boost::test_tools::per_element());
    requests.clear();
    run_options of_run;
    of_run.tag = "user 7";
    (void)await(service.io, assistant.run("hi", mcp_headers(), of_run));
    run_ready(service.io);
    BOOST_TEST(requests == std::vector<std::string>(2, "user 7"), boost::test_tools::per_element());
    BOOST_TEST(retries == std::vector<std::string>(1, "user 7"), boost::test_tools::per_element());
}

IN_EACH_PROTOCOL(fields_that_the_library_sets_are_refused) {
    for (const char* name : {"Authorization", "authorization", "api-key", "Host", "Content-Type", "Content-Length",
                             "Transfer-Encoding", "User-Agent", "x-ms-client-request-id", "Accept", "Connection"}) {
        const error refusal = refusal_of(service, header(name, "planted-secret"));
        BOOST_TEST(refusal.code() == errc::invalid_header);
        BOOST_TEST(refusal.details().message.starts_with("client_options::request_headers: '" + std::string(name) +
                                                         "' must not be set: "));
    }
}

IN_EACH_PROTOCOL(malformed_fields_are_refused_and_not_shown) {
    const std::vector<std::pair<std::string, std::string>> fields{
        {"", "planted-secret"},
        {"X Y", "planted-secret"},
        {"X:Y", "planted-secret"},
        {"X\r\nY", "planted-secret"},
        {"X-A", "planted-secret\r\nX-B: 1"},
        {"X-A", std::string("planted-secret\0", 15)},
        {"X-A", " planted-secret"},
        {"traceparent", "planted-secret"},
        {"traceparent", "00-00000000000000000000000000000000-b7ad6b7169203331-01"},
        {"traceparent", "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01"},
        {"traceparent", parent + "-more"},
    };
    for (const auto& [name, value] : fields) {
        const error refusal = refusal_of(service, header(name, secret(value)));
        BOOST_TEST(refusal.code() == errc::invalid_header);
        BOOST_TEST(std::string(refusal.what()).find("planted-secret") == std::string::npos);
    }
}

// Another origin must not see them, and corun follows no redirect.
IN_EACH_PROTOCOL(a_redirect_takes_them_nowhere) {
    raw_service other(protocol::threads);
    service.answer("HTTP/1.1 307 Temporary Redirect\r\nLocation: " + other.url() + "/\r\nContent-Length: 0\r\n\r\n");
    agent assistant = service.make_agent(settings_of(service));
    const error failure = failure_of(service.io, assistant.run("hi"));
    BOOST_TEST(failure.code() == errc::unexpected_status);
    run_ready(other.io);
    BOOST_TEST(other.requests.empty());
}

BOOST_AUTO_TEST_SUITE_END()
