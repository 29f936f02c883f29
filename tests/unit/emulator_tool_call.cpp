// Tool calls of runs: as steps and required actions show them, as deltas, and their outputs.
#include "emulator/threads/thread_records.hpp"
#include "emulator/threads/tool_call.hpp"

#include <asio/io_context.hpp>
#include <boost/test/unit_test.hpp>

#include <string>
#include <vector>

namespace {

using namespace corun::emulator;
using kind = step::kind;

tool_call call_of(kind type, std::string type_name) {
    tool_call call(type);
    call.id = "c";
    call.type = std::move(type_name);
    call.name = "n";
    call.arguments = R"({"a":1})";
    call.label = "l";
    return call;
}

tool_call service_call(std::string type, const char* details) {
    tool_call call = call_of(kind::call_tool, std::move(type));
    call.details = json::parse(details);
    return call;
}

std::vector<std::string> deltas_of(const tool_call& call, bool only_arguments = false) {
    std::vector<std::string> texts;
    for (const auto& delta : call.deltas(only_arguments)) texts.push_back(delta.dump());
    return texts;
}

using texts = std::vector<std::string>;

BOOST_AUTO_TEST_CASE(shows_function_calls) {
    tool_call call = call_of(kind::call_function, "function");
    BOOST_TEST(call.shown(false).dump() ==
               R"({"id":"c","type":"function","function":{"name":"n","arguments":"{\"a\":1}"}})");
    BOOST_TEST(call.shown(true)["function"]["output"].is_null());
    BOOST_TEST(call.shown(true)["function"].contains("output"));
    call.output = "o";
    BOOST_TEST(call.shown(true)["function"]["output"] == "o");
    BOOST_TEST(!call.shown(false)["function"].contains("output"));
}

BOOST_AUTO_TEST_CASE(shows_mcp_calls) {
    tool_call call = call_of(kind::call_mcp, "mcp");
    BOOST_TEST(call.shown(true).dump() ==
               R"({"id":"c","type":"mcp","name":"n","arguments":"{\"a\":1}","server_label":"l"})");
    call.output = "o";
    BOOST_TEST(call.shown(true)["output"] == "o");
}

BOOST_AUTO_TEST_CASE(shows_calls_of_the_service) {
    BOOST_TEST(service_call("bing_grounding", R"({"q":1})").shown(true).dump() ==
               R"({"id":"c","type":"bing_grounding","bing_grounding":{"q":1}})");
    BOOST_TEST(service_call("mcp", R"({"q":1})").shown(true).dump() == R"({"id":"c","type":"mcp","q":1})");
}

BOOST_AUTO_TEST_CASE(streams_function_calls_in_pieces) {
    const texts expected{R"({"id":"c","type":"function","function":{"name":"n","arguments":"","output":null}})",
                         R"({"type":"function","function":{"arguments":"{\"a"}})",
                         R"({"type":"function","function":{"arguments":"\":1}"}})"};
    BOOST_TEST((deltas_of(call_of(kind::call_function, "function")) == expected));
    tool_call bare = call_of(kind::call_function, "function");
    bare.arguments.clear();
    BOOST_TEST(deltas_of(bare).size() == 1u);
}

BOOST_AUTO_TEST_CASE(streams_mcp_calls_in_one_piece) {
    const tool_call call = call_of(kind::call_mcp, "mcp");
    const texts whole{R"({"id":"c","type":"mcp","name":"n","server_label":"l","arguments":""})",
                      R"({"id":"c","type":"mcp","arguments":"{\"a\":1}"})"};
    const texts bare{R"({"id":"c","type":"mcp","arguments":""})", R"({"id":"c","type":"mcp","arguments":"{\"a\":1}"})"};
    BOOST_TEST((deltas_of(call) == whole));
    BOOST_TEST((deltas_of(call, true) == bare));
}

BOOST_AUTO_TEST_CASE(streams_the_outputs_of_the_service_last) {
    const texts code{
        R"({"id":"c","type":"code_interpreter","code_interpreter":{"input":"ab"}})",
        R"({"type":"code_interpreter","code_interpreter":{"input":"cd"}})",
        R"({"id":"c","type":"code_interpreter","code_interpreter":{"outputs":[{"index":0,"t":1},{"index":1}]}})"};
    BOOST_TEST((deltas_of(service_call("code_interpreter", R"({"outputs":[{"t":1},{}],"input":"abcd"})")) == code));
    const texts search{R"({"id":"c","type":"file_search"})",
                       R"({"id":"c","type":"file_search","file_search":{"results":[],"q":1}})"};
    BOOST_TEST((deltas_of(service_call("file_search", R"({"results":[],"q":1})")) == search));
    BOOST_TEST(deltas_of(service_call("bing_grounding", R"({"q":1})")).size() == 1u);
}

BOOST_AUTO_TEST_CASE(gives_outputs_to_the_model) {
    tool_call denied = call_of(kind::call_mcp, "mcp"), done = call_of(kind::call_function, "function");
    denied.denied = true;
    done.output = "o";
    BOOST_TEST(outputs_of({denied, done, service_call("x", R"({"output":"s"})"), service_call("x", R"({"q":1})")}) ==
               "The call of n was denied.\no\ns\n{\"q\":1}");
    BOOST_TEST(outputs_of({}) == "");
}

BOOST_AUTO_TEST_CASE(makes_calls_from_scripts) {
    asio::io_context io;
    environment shared(io, {});
    json object;
    object["id"] = "run";
    object["tools"] = json::parse(R"([{"type": "function", "function": {"name": "f", "parameters": {
        "required": ["m"], "properties": {"m": {"type": "string"}}}}}])");
    run origin(std::move(object));
    origin.user_message = "hi";
    mcp_binding server;
    server.label = "b";
    server.headers = {{"X", "y"}};
    server.tools["t"]["parameters"] = json::object();
    origin.servers = {mcp_binding(), server};

    const tool_call function = make_call(shared, origin, step::call_function("f"));
    BOOST_TEST(function.waits);
    BOOST_TEST(function.type == "function");
    BOOST_TEST(function.arguments == R"({"m":"hi"})");
    BOOST_TEST(function.id.starts_with("call_"));
    BOOST_TEST(make_call(shared, origin, step::call_function("f", "given")).arguments == "given");

    tool_call mcp = make_call(shared, origin, step::call_mcp("t"));
    BOOST_TEST(mcp.server == 1u);
    BOOST_TEST(mcp.label == "b");
    BOOST_TEST(mcp.waits);
    BOOST_TEST((mcp.headers == header_fields{{"X", "y"}}));
    origin.servers[1].approval = "never";
    BOOST_TEST(!make_call(shared, origin, step::call_mcp("t", {}, "b")).waits);
    BOOST_CHECK_THROW(make_call(shared, origin, step::call_mcp("t", {}, "other")), run_failure);
    BOOST_CHECK_THROW(make_call(shared, origin, step::call_mcp("unknown")), run_failure);

    const tool_call search = make_call(shared, origin, step::call_tool("file_search", R"({"q":1})"));
    BOOST_TEST(search.type == "file_search");
    BOOST_TEST(!search.waits);
    BOOST_TEST(search.details["q"] == 1);
}

}  // namespace
