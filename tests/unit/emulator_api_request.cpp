// Parsed requests: paths, queries, routes and bodies.
#include "emulator/http/api_request.hpp"

#include <boost/test/unit_test.hpp>

#include <string>
#include <vector>

namespace {

using namespace corun::emulator;

constexpr const char* base = "/api/projects/emulator";

struct parsed {
    explicit parsed(std::string target, std::string body = {}, std::string type = "application/json") {
        http.method = "POST";
        http.target = std::move(target);
        http.body = std::move(body);
        http.fields.emplace_back("Content-Type", std::move(type));
    }
    [[nodiscard]] api_request request() const { return {http, base}; }
    corun::http::request http;
};

using names = std::vector<std::string>;

BOOST_AUTO_TEST_CASE(takes_the_path_of_the_project_off) {
    const parsed inside(std::string(base) + "/threads/th%72ead%201?x=1"), outside("/api/projects/emulators/threads"),
        root(base);
    BOOST_TEST(inside.request().in_project);
    BOOST_TEST(!inside.request().at_openai);
    BOOST_TEST(inside.request().path == "/threads/thread 1");
    BOOST_TEST((inside.request().segments == names{"threads", "thread 1"}));
    BOOST_TEST(inside.request().raw_query == "x=1");
    BOOST_TEST(!outside.request().in_project);
    BOOST_TEST(root.request().in_project);
    BOOST_TEST(root.request().segments.empty());
}

BOOST_AUTO_TEST_CASE(finds_the_paths_of_openai_below_any_prefix) {
    for (const char* path : {"/v1/responses/x", "/openai/v1/responses/x", "/any/thing/v1/responses/x"}) {
        const parsed one(path);
        BOOST_TEST(one.request().at_openai);
        BOOST_TEST((one.request().segments == names{"openai", "v1", "responses", "x"}));
    }
    for (const char* name : {"files", "vector_stores", "models", "conversations", "containers"})
        BOOST_TEST((parsed(std::string("/v1/") + name).request().segments == names{"openai", "v1", name}));
    for (const char* path : {"/v1/other", "/v2/responses", "/responses", "/v1"})
        BOOST_TEST(!parsed(path).request().at_openai);
    BOOST_TEST(!parsed(std::string(base) + "/openai/v1/responses").request().at_openai);
}

BOOST_AUTO_TEST_CASE(knows_the_endpoint_of_an_agent) {
    const std::string endpoint = std::string(base) + "/agents/clerk/endpoint/protocols/openai";
    const parsed own(endpoint + "/responses/x"), empty(endpoint), other(std::string(base) + "/agents/clerk/versions/1"),
        outside("/agents/clerk/endpoint/protocols/openai/responses");
    BOOST_TEST(own.request().agent == "clerk");
    BOOST_TEST((own.request().segments == names{"openai", "v1", "responses", "x"}));
    BOOST_TEST(empty.request().segments.size() == 5u);
    for (const auto& request : {empty.request(), other.request(), outside.request()}) BOOST_TEST(request.agent == "");
}

BOOST_AUTO_TEST_CASE(decodes_queries) {
    const parsed one("/x?a=1%202+3&include%5B%5D=i&flag&a=second&bad=%zz%4");
    const auto request = one.request();
    BOOST_TEST(request.parameter("a") == "1 2 3");
    BOOST_TEST(request.parameter("include[]") == "i");
    BOOST_TEST(request.parameter("flag") == "");
    BOOST_TEST(request.parameter("missing") == "");
    BOOST_TEST(request.parameter("bad") == "%zz%4");
    BOOST_TEST(request.query.size() == 5u);
}

BOOST_AUTO_TEST_CASE(compares_paths_with_patterns) {
    const parsed one(std::string(base) + "/threads/t/runs");
    const auto request = one.request();
    for (const char* pattern : {"threads/t/runs", "threads/*/runs", "*/*/*"}) BOOST_TEST(request.has_path(pattern));
    for (const char* pattern : {"threads/*", "threads/*/runs/*", "threads/*/steps", "threads", "", "runs"})
        BOOST_TEST(!request.has_path(pattern));
    BOOST_TEST(!parsed(std::string(base) + "/threads/").request().has_path("threads/*"));
    BOOST_TEST(!parsed(std::string(base) + "/threads/").request().has_path("threads"));
}

BOOST_AUTO_TEST_CASE(finds_the_first_route_that_matches) {
    constexpr route<const char*> routes[] = {
        {"GET", "threads/runs", "wrong method"}, {"POST", "threads/runs", "first"}, {"POST", "threads/*", "second"}};
    const parsed runs(std::string(base) + "/threads/runs"), thread(std::string(base) + "/threads/t"),
        none(std::string(base) + "/agents");
    BOOST_TEST(find_route(routes, runs.request()) == std::string("first"));
    BOOST_TEST(find_route(routes, thread.request()) == std::string("second"));
    BOOST_TEST(find_route(routes, none.request()) == nullptr);
}

int status_of(const parsed& one, bool required = true) {
    try {
        (void)body_of(one.request(), schema::object({schema::required("a", schema::any())}), required);
        return 200;
    } catch (const api_error& error) {
        return error.status();
    }
}

BOOST_AUTO_TEST_CASE(checks_bodies) {
    BOOST_TEST(status_of(parsed("/x", R"({"a": 1})")) == 200);
    BOOST_TEST(status_of(parsed("/x", R"({"a": 1})", "application/json; charset=utf-8")) == 200);
    BOOST_TEST(status_of(parsed("/x", R"({"b": 1})")) == 400);
    BOOST_TEST(status_of(parsed("/x", "{")) == 400);
    BOOST_TEST(status_of(parsed("/x", "")) == 400);
    BOOST_TEST(status_of(parsed("/x", ""), false) == 200);
    BOOST_TEST(status_of(parsed("/x", R"({"a": 1})", "text/plain")) == 415);
}

BOOST_AUTO_TEST_CASE(reads_the_page_that_a_listing_asks_for) {
    const auto page = page_of(parsed("/x?limit=5&order=asc&after=a&before=b").request());
    BOOST_TEST(page.limit == 5u);
    BOOST_TEST(page.ascending);
    BOOST_TEST(page.after == "a");
    BOOST_TEST(page.before == "b");
    const auto standard = page_of(parsed("/x").request());
    BOOST_TEST(standard.limit == 20u);
    BOOST_TEST(!standard.ascending);
    for (const char* query : {"limit=0", "limit=101", "limit=x", "limit=1x", "order=up"})
        BOOST_CHECK_THROW(page_of(parsed(std::string("/x?") + query).request()), api_error);
    for (const char* query : {"limit=1", "limit=100", "order=desc"})
        BOOST_CHECK_NO_THROW(page_of(parsed(std::string("/x?") + query).request()));
}

}  // namespace
