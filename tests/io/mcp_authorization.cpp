// Where a program without a user gets tokens for an MCP server.
#include "emulated.hpp"
#include "mcp_peer.hpp"
#include <corun/mcp/authorization.hpp>

#include <boost/test/unit_test.hpp>

#include <map>
#include <string>
#include <vector>

namespace {

using namespace corun;
using namespace corun::test;
using json = mcp_peer::json;

/// The MCP server and its authorization server: documents by paths.
struct metadata_servers : mcp_peer {
    metadata_servers() : mcp_peer(mcp::era::modern) {
        on["GET"] = [this](const raw_request& request) {
            const auto found = documents.find(request.target());
            if (found == documents.end()) return whole_response(404, "text/plain", "");
            return whole_response(200, "application/json", found->second.dump());
        };
        documents["/.well-known/oauth-protected-resource/mcp"] = resource();
        documents["/.well-known/oauth-authorization-server/tenant"] = issuer();
    }

    [[nodiscard]] std::string origin() const { return url().substr(0, url().size() - 4); }
    [[nodiscard]] json resource() const {
        return {
            {"resource", url()}, {"authorization_servers", {origin() + "/tenant"}}, {"scopes_supported", {"a", "b"}}};
    }
    [[nodiscard]] json issuer() const {
        return {{"issuer", origin() + "/tenant"},
                {"token_endpoint", origin() + "/token"},
                {"token_endpoint_auth_methods_supported", {"client_secret_basic"}}};
    }
    mcp::authorization_server discover(std::optional<mcp::challenge> refused = {}) {
        return run(mcp::discover_authorization(client(), std::move(refused)));
    }
    std::error_code failure_of_discovery() {
        try {
            (void)discover();
        } catch (const error& failure) {
            return failure.code();
        }
        return {};
    }
    [[nodiscard]] std::vector<std::string> targets() const {
        std::vector<std::string> all;
        for (const raw_request& each : requests) all.push_back(each.target());
        return all;
    }

    std::map<std::string, json> documents;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(mcp_authorization)

BOOST_FIXTURE_TEST_CASE(the_metadata_of_the_server_and_of_its_issuer_are_read, metadata_servers) {
    const mcp::authorization_server found = discover();
    BOOST_TEST(found.resource == url());
    BOOST_TEST(found.issuer == origin() + "/tenant");
    BOOST_TEST(found.token_endpoint == origin() + "/token");
    BOOST_TEST(found.scope == "a b");
    BOOST_TEST((found.token_endpoint_auth_methods == std::vector<std::string>{"client_secret_basic"}));
    for (const raw_request& each : requests) BOOST_TEST(each.field("authorization").empty());
}

BOOST_FIXTURE_TEST_CASE(a_challenge_names_the_metadata_and_the_scope, metadata_servers) {
    documents["/elsewhere"] = resource();
    mcp::challenge refused;
    refused.resource_metadata = origin() + "/elsewhere";
    refused.scope = "seats";
    BOOST_TEST(discover(refused).scope == "seats");
    BOOST_TEST(targets().front() == "/elsewhere");
    refused.resource_metadata = "http://mcp.example/metadata";
    BOOST_CHECK_EXCEPTION(discover(refused), error,
                          [](const error& failure) { return failure.code() == errc::insecure_endpoint; });
}

BOOST_FIXTURE_TEST_CASE(each_place_of_metadata_is_tried_in_its_order, metadata_servers) {
    documents.erase("/.well-known/oauth-protected-resource/mcp");
    documents["/.well-known/oauth-protected-resource"] = resource();
    documents.erase("/.well-known/oauth-authorization-server/tenant");
    documents["/tenant/.well-known/openid-configuration"] = issuer();
    (void)discover();
    BOOST_TEST((targets() == std::vector<std::string>{"/.well-known/oauth-protected-resource/mcp",
                                                      "/.well-known/oauth-protected-resource",
                                                      "/.well-known/oauth-authorization-server/tenant",
                                                      "/.well-known/openid-configuration/tenant",
                                                      "/tenant/.well-known/openid-configuration"}));
}

BOOST_FIXTURE_TEST_CASE(metadata_of_others_is_refused, metadata_servers) {
    json& of_server = documents["/.well-known/oauth-protected-resource/mcp"];
    json& of_issuer = documents["/.well-known/oauth-authorization-server/tenant"];
    for (const std::string& wrong : {std::string("https://evil.example/mcp"), url() + "2", std::string()}) {
        of_server["resource"] = wrong;
        BOOST_TEST(failure_of_discovery() == errc::bad_response, wrong);
    }
    of_server = resource();
    of_issuer["issuer"] = "https://evil.example";
    BOOST_TEST(failure_of_discovery() == errc::bad_response);
    of_issuer = issuer();
    of_issuer["token_endpoint"] = "http://mcp.example/token";
    BOOST_TEST(failure_of_discovery() == errc::insecure_endpoint);
    of_issuer["token_endpoint"] = 7;
    BOOST_TEST(failure_of_discovery() == errc::bad_response);
    of_server["authorization_servers"] = json::array();
    BOOST_TEST(failure_of_discovery() == errc::bad_response);
    documents.clear();
    BOOST_TEST(failure_of_discovery() == errc::not_found);
}

BOOST_AUTO_TEST_SUITE_END()
