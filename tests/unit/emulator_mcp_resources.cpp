// Which MCP servers a run uses, with which headers and approvals.
#include "emulator/http/api_error.hpp"
#include "emulator/threads/mcp_resources.hpp"

#include <boost/test/unit_test.hpp>

#include <string>

namespace {

using namespace corun::emulator;

json entry(std::string label, std::string token, json approval = nullptr) {
    json one;
    one["server_label"] = std::move(label);
    one["headers"]["Authorization"] = std::move(token);
    one["require_approval"] = std::move(approval);
    return one;
}

json level(json entries = json::array()) {
    json object;
    object["id"] = "x";
    object["tool_resources"]["mcp"] = std::move(entries);
    return object;
}

/// A run of an agent with MCP tools `a` and `b`, and the resources of each level.
struct bound {
    json body = level(), agent_object = level(), thread_object = level();
    service_options options;
    bool streaming = false;
    std::size_t agent_runs = 0;
    json choice = "auto";

    [[nodiscard]] run bind() const {
        json object;
        object["id"] = "run";
        object["tool_choice"] = choice;
        object["tools"] = json::array();
        for (const char* label : {"a", "b"}) {
            json tool;
            tool["type"] = "mcp";
            tool["server_label"] = label;
            tool["server_url"] = std::string("http://") + label;
            tool["allowed_tools"] = nullptr;
            object["tools"].push_back(std::move(tool));
        }
        run made(std::move(object));
        corun::emulator::agent agent(agent_object);
        agent.runs = agent_runs;
        const corun::emulator::thread thread(thread_object);
        bind_mcp_servers(made, run_origin(agent, thread, body, streaming), options);
        return made;
    }
    [[nodiscard]] std::string failure() const {
        const auto fails = bind().fails_at_once;
        return fails ? fails->first : "";
    }
    [[nodiscard]] int status() const {
        try {
            (void)bind();
            return 200;
        } catch (const api_error& error) {
            return error.status();
        }
    }
};

json list(std::initializer_list<json> entries) {
    json all = json::array();
    for (const auto& one : entries) all.push_back(one);
    return all;
}

BOOST_AUTO_TEST_CASE(binds_each_mcp_tool) {
    bound resources;
    resources.body = level(list({entry("b", "run", "never")}));
    const run made = resources.bind();
    BOOST_REQUIRE(made.servers.size() == 2u);
    BOOST_TEST(made.servers[0].label == "a");
    BOOST_TEST(made.servers[0].url == "http://a");
    BOOST_TEST(made.servers[0].headers.empty());
    BOOST_TEST(made.servers[0].approval.is_null());
    BOOST_TEST((made.servers[1].headers == header_fields{{"Authorization", "run"}}));
    BOOST_TEST(made.servers[1].approval == "never");
    BOOST_TEST(!made.fails_at_once);
    resources.choice = "none";
    BOOST_TEST(resources.bind().servers.empty());
}

BOOST_AUTO_TEST_CASE(rejects_resources_of_unknown_servers) {
    bound resources;
    resources.body = level(list({entry("c", "run")}));
    BOOST_TEST(resources.status() == 400);
}

BOOST_AUTO_TEST_CASE(uses_headers_by_precedence) {
    bound resources;
    resources.options.precedence = precedence::narrowest;
    resources.agent_object = level(list({entry("a", "agent", "never"), entry("b", "agent")}));
    resources.thread_object = level(list({entry("a", "thread")}));
    BOOST_TEST(resources.bind().servers[0].headers[0].second == "thread");
    BOOST_TEST(resources.bind().servers[1].headers[0].second == "agent");
    BOOST_TEST(resources.bind().servers[0].approval.is_null());
    resources.options.agent_level_approval_effective = true;
    BOOST_TEST(resources.bind().servers[0].approval == "never");
    resources.options.stored_headers_effective = false;
    BOOST_TEST(resources.bind().servers[0].headers.empty());
}

BOOST_AUTO_TEST_CASE(merges_headers) {
    bound resources;
    resources.options.precedence = precedence::merge;
    json wide = entry("a", "agent");
    wide["headers"]["X-Wide"] = "w";
    json narrow = entry("a", "run");
    narrow["headers"] = {{"authorization", "run"}};
    resources.agent_object = level(list({wide}));
    resources.body = level(list({narrow}));
    BOOST_TEST((resources.bind().servers[0].headers == header_fields{{"Authorization", "run"}, {"X-Wide", "w"}}));
}

BOOST_AUTO_TEST_CASE(detects_conflicts) {
    bound resources;
    resources.body = level(list({entry("a", "1")}));
    BOOST_TEST(resources.failure() == "");
    resources.thread_object = level(list({entry("b", "2")}));
    BOOST_TEST(resources.failure() == "server_error");
    resources.options.conflict_when = conflict_when::headers_differ;
    BOOST_TEST(resources.failure() == "");
    resources.agent_object = level(list({entry("a", "1")}));
    BOOST_TEST(resources.failure() == "");
    resources.agent_object = level(list({entry("a", "2")}));
    BOOST_TEST(resources.failure() == "server_error");
    resources.options.conflict_rejection = rejection::http_error;
    BOOST_TEST(resources.status() == 500);
    resources.options.precedence = precedence::narrowest;
    BOOST_TEST(resources.status() == 200);
}

BOOST_AUTO_TEST_CASE(rejects_tools_beside_resources) {
    bound resources;
    resources.body = level(list({entry("a", "1")}));
    resources.body["tools"] = list({json::object()});
    resources.streaming = true;
    BOOST_TEST(resources.status() == 200);
    resources.agent_runs = 1;
    BOOST_TEST(resources.status() == 400);
    resources.streaming = false;
    BOOST_TEST(resources.status() == 200);
    resources.streaming = true;
    resources.options.tools_rejection = rejection::failed_run;
    BOOST_TEST(resources.failure() == "server_error");
    resources.options.tools_with_resources = tools_with_resources::reject_duplicate_labels;
    BOOST_TEST(resources.failure() == "");
    resources.options.tools_with_resources = tools_with_resources::accept;
    BOOST_TEST(resources.failure() == "");
}

BOOST_AUTO_TEST_CASE(allows_one_search_index) {
    const json index = json::object();
    bound resources;
    resources.agent_object["tool_resources"]["azure_ai_search"]["indexes"] = list({index});
    BOOST_TEST(resources.failure() == "");
    resources.thread_object["tool_resources"]["azure_ai_search"]["indexes"] = list({index});
    BOOST_TEST(resources.failure() == "tool_user_error");
    resources.options.precedence = precedence::narrowest;
    BOOST_TEST(resources.failure() == "");
}

BOOST_AUTO_TEST_CASE(needs_approval_unless_it_is_waived) {
    mcp_binding server;
    BOOST_TEST(server.needs_approval("t"));
    server.approval = "always";
    BOOST_TEST(server.needs_approval("t", true));
    server.approval = "never";
    BOOST_TEST(!server.needs_approval("t"));
    server.approval = json::parse(R"({"never": ["t"]})");
    BOOST_TEST(!server.needs_approval("t"));
    BOOST_TEST(server.needs_approval("u"));
    server.approval = json::parse(R"({"never": {"tool_names": ["t"]}})");
    BOOST_TEST(!server.needs_approval("t"));
    BOOST_TEST(server.needs_approval("u", true));
    server.approval = json::parse(R"({"never": {"read_only": true}})");
    BOOST_TEST(!server.needs_approval("t", true));
    BOOST_TEST(server.needs_approval("t", false));
}

}  // namespace
