#include "protocol/threads/codec.hpp"
#include <corun/error.hpp>

#include <boost/test/unit_test.hpp>

#include <limits>
#include <string>

using namespace corun;
using namespace corun::codec::threads;

namespace {

std::string text_of(const secret& body);
std::string text_of(const codec::encoded_request& request) {
    return text_of(request.body);
}
std::string text_of(const secret& body) {
    return std::string(body.reveal());
}

/// A run of an agent with one message on an existing thread.
run_request simple_request() {
    run_request request;
    request.agent_id = "asst_1";
    request.messages.emplace_back("Hi");
    return request;
}

template <class Call>
void require_invalid(Call call, std::string_view named) {
    BOOST_CHECK_EXCEPTION(call(), error, [named](const error& problem) {
        return problem.code() == errc::invalid_argument &&
               std::string_view(problem.what()).find(named) != std::string_view::npos;
    });
}

}  // namespace

BOOST_AUTO_TEST_SUITE(threads_requests)

BOOST_AUTO_TEST_CASE(writes_the_known_good_run_with_mcp_headers) {
    run_request request;
    request.agent_id = "asst_1";
    mcp_tool_resource bookings("bookings");
    bookings.headers.set("Authorization", "Bearer \"t\"");
    bookings.require_approval = mcp_approval::never();
    request.tool_resources.mcp.push_back(bookings);
    BOOST_TEST(
        text_of(encode_run(request)) ==
        R"({"assistant_id":"asst_1","stream":true,"tool_resources":{"mcp":[{"server_label":"bookings","headers":{"Authorization":"Bearer \"t\""},"require_approval":"never"}]}})");
}

BOOST_AUTO_TEST_CASE(puts_messages_into_the_new_thread_or_beside_the_old_one) {
    run_request request = simple_request();
    BOOST_TEST(text_of(encode_run(request)) ==
               R"({"assistant_id":"asst_1","stream":true,"thread":{"messages":[{"role":"user","content":"Hi"}]}})");
    request.creates_thread = false;
    request.stream = false;
    request.options.additional_messages.emplace_back("Before");
    BOOST_TEST(
        text_of(encode_run(request)) ==
        R"({"assistant_id":"asst_1","stream":false,"additional_messages":[{"role":"user","content":"Before"},{"role":"user","content":"Hi"}]})");
    run_request bare;
    bare.agent_id = "a";
    BOOST_TEST(text_of(encode_run(bare)) == R"({"assistant_id":"a","stream":true})");
}

BOOST_AUTO_TEST_CASE(writes_every_option) {
    run_request request = simple_request();
    request.creates_thread = false;
    request.messages.clear();
    request.options.model = "gpt-4o";
    request.options.instructions = "";
    request.options.additional_instructions = "more";
    request.options.temperature = 0.5;
    request.options.top_p = 1;
    request.options.max_prompt_tokens = 256;
    request.options.max_completion_tokens = 512;
    request.options.parallel_tool_calls = false;
    request.options.metadata["k"] = "v";
    request.options.response_format = response_format::text();
    request.options.truncation_strategy = truncation_strategy::last_messages(3);
    request.options.tool_choice = tool_choice::automatic();
    request.options.include.push_back(file_search_result_content);
    request.options.extra_json = R"({"reasoning_effort":"low"})";
    BOOST_TEST(
        text_of(encode_run(request)) ==
        R"({"assistant_id":"asst_1","stream":true,"model":"gpt-4o","instructions":"","additional_instructions":"more","temperature":0.5,"top_p":1.0,"max_prompt_tokens":256,"max_completion_tokens":512,"parallel_tool_calls":false,"response_format":{"type":"text"},"truncation_strategy":{"type":"last_messages","last_messages":3},"tool_choice":"auto","metadata":{"k":"v"},"reasoning_effort":"low"})");
}

BOOST_AUTO_TEST_CASE(writes_every_kind_of_message) {
    message plain("Hi \"you\"\n");
    BOOST_TEST(text_of(encode_message(plain)) == R"({"role":"user","content":"Hi \"you\"\n"})");
    message rich = message("Look").add(content_block::image_url("https://e.example/a.png", "low"));
    rich.add(content_block::image_file("file_1"));
    rich.role = "assistant";
    rich.attachments.emplace_back("file_2", std::vector<std::string>{"code_interpreter", "file_search"});
    rich.attachments.emplace_back(vector_store_data_source("https://s.example/a.pdf", "uri_asset"),
                                  std::vector<std::string>{"file_search"});
    rich.metadata["k"] = "v";
    BOOST_TEST(
        text_of(encode_message(rich)) ==
        R"({"role":"assistant","content":[{"type":"text","text":"Look"},{"type":"image_url","image_url":{"url":"https://e.example/a.png","detail":"low"}},{"type":"image_file","image_file":{"file_id":"file_1"}}],"attachments":[{"file_id":"file_2","tools":[{"type":"code_interpreter"},{"type":"file_search"}]},{"data_source":{"uri":"https://s.example/a.pdf","type":"uri_asset"},"tools":[{"type":"file_search"}]}],"metadata":{"k":"v"}})");
}

BOOST_AUTO_TEST_CASE(writes_every_kind_of_tool) {
    run_request request;
    request.agent_id = "a";
    request.tools.emplace();
    BOOST_TEST(text_of(encode_run(request)) == R"({"assistant_id":"a","stream":true,"tools":[]})");
    request.tools->push_back(mcp_tool("b", "https://b.example/mcp"));
    request.tools->push_back(mcp_tool("c", "https://c.example/mcp", {"x", "y"}));
    request.tools->push_back(function_tool("f", "", R"({"type":"object","properties":{}})"));
    request.tools->push_back(function_tool("g", "does", "{}"));
    request.tools->push_back(code_interpreter());
    request.tools->push_back(json_tool("openapi", R"({"type":"openapi","openapi":{"name":"n"}})"));
    BOOST_TEST(
        text_of(encode_run(request)) ==
        R"({"assistant_id":"a","stream":true,"tools":[{"type":"mcp","server_label":"b","server_url":"https://b.example/mcp"},{"type":"mcp","server_label":"c","server_url":"https://c.example/mcp","allowed_tools":["x","y"]},{"type":"function","function":{"name":"f","parameters":{"type":"object","properties":{}}}},{"type":"function","function":{"name":"g","description":"does","parameters":{}}},{"type":"code_interpreter"},{"type":"openapi","openapi":{"name":"n"}}]})");
}

BOOST_AUTO_TEST_CASE(writes_every_form_of_approval_and_headers_always) {
    struct row {
        std::optional<mcp_approval> approval;
        std::string_view expected;
    };
    const std::vector<row> rows{
        {std::nullopt, R"({"server_label":"b","headers":{}})"},
        {mcp_approval::always(), R"({"server_label":"b","headers":{},"require_approval":"always"})"},
        {mcp_approval::never(), R"({"server_label":"b","headers":{},"require_approval":"never"})"},
        {mcp_approval::by_tool({"x"}, {"y", "z"}),
         R"({"server_label":"b","headers":{},"require_approval":{"always":{"tool_names":["x"]},"never":{"tool_names":["y","z"]}}})"},
        {mcp_approval::by_tool({}, {"y"}),
         R"({"server_label":"b","headers":{},"require_approval":{"never":{"tool_names":["y"]}}})"},
        {mcp_approval::by_tool({"x"}, {}),
         R"({"server_label":"b","headers":{},"require_approval":{"always":{"tool_names":["x"]}}})"},
        {mcp_approval::by_tool({}, {}), R"({"server_label":"b","headers":{},"require_approval":"always"})"},
    };
    for (const row& each : rows) {
        thread_definition thread;
        mcp_tool_resource resource("b");
        resource.require_approval = each.approval;
        thread.tool_resources.mcp.push_back(resource);
        BOOST_TEST(text_of(encode_thread(thread)) ==
                   R"({"tool_resources":{"mcp":[)" + std::string(each.expected) + "]}}");
    }
}

BOOST_AUTO_TEST_CASE(writes_agents_and_threads_and_their_changes) {
    agent_definition agent("gpt-4o");
    agent.name = "desk";
    agent.description = "d";
    agent.instructions = "i";
    agent.tools.push_back(mcp_tool("b", "https://b.example/mcp"));
    agent.tool_resources.other["file_search"] = R"({"vector_store_ids":["vs"]})";
    agent.temperature = 1.5;
    agent.response_format = response_format::automatic();
    agent.metadata["k"] = "v";
    agent.id = "received";
    agent.raw = "received";
    const std::string expected =
        R"({"model":"gpt-4o","name":"desk","description":"d","instructions":"i","tools":[{"type":"mcp","server_label":"b","server_url":"https://b.example/mcp"}],"tool_resources":{"file_search":{"vector_store_ids":["vs"]}},"temperature":1.5,"response_format":"auto","metadata":{"k":"v"}})";
    BOOST_TEST(text_of(encode_agent(agent)) == expected);
    BOOST_TEST(text_of(encode_agent_changes(agent)) == expected);
    BOOST_TEST(text_of(encode_agent_changes(agent_definition{})) == "{}");
    require_invalid([] { encode_agent(agent_definition{}); }, "model");

    thread_definition thread;
    BOOST_TEST(text_of(encode_thread(thread)) == "{}");
    BOOST_TEST(text_of(encode_thread_changes(thread)) == "{}");
    thread.messages.emplace_back("Hi");
    thread.metadata["k"] = "v";
    BOOST_TEST(text_of(encode_thread(thread)) ==
               R"({"messages":[{"role":"user","content":"Hi"}],"metadata":{"k":"v"}})");
    BOOST_TEST(text_of(encode_thread_changes(thread)) == R"({"metadata":{"k":"v"}})");
}

BOOST_AUTO_TEST_CASE(shows_no_header_value_when_redacted) {
    run_request request = simple_request();
    mcp_tool_resource bookings("bookings");
    bookings.headers.set("Authorization", "Bearer hunter2");
    bookings.headers.add(header("X-Tenant", "hunter3"));
    request.tool_resources.mcp.push_back(bookings);
    const std::string shown = encode_run(request).shown;
    BOOST_TEST(shown.find("hunter") == std::string::npos);
    BOOST_TEST(shown.find(R"("Authorization": "***")") != std::string::npos);
    BOOST_TEST(shown.find(R"("X-Tenant": "***")") != std::string::npos);
    BOOST_TEST(shown.find("\n  \"assistant_id\": \"asst_1\"") != std::string::npos);

    run_request own = simple_request();
    own.options.extra_json =
        R"({"other":[{"headers":{"Authorization":"hunter4"}},{"headers":"hunter5"},{"headers":[{"x":"hunter6"}]}]})";
    BOOST_TEST(encode_run(own).shown.find("hunter") == std::string::npos);
    BOOST_TEST(text_of(encode_run(own)).find("hunter4") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(names_what_it_refuses) {
    const auto with_extra = [](std::string extra) {
        run_request request = simple_request();
        request.options.extra_json = std::move(extra);
        return request;
    };
    for (const std::string_view extra : {"[]", "{", "7", R"({"a":1,})"})
        require_invalid([&] { encode_run(with_extra(std::string(extra))); }, "extra_json");
    require_invalid([&] { encode_run(with_extra(R"({"assistant_id":"x"})")); }, "\"assistant_id\"");

    const auto with_tool = [](tool bad) {
        run_request request = simple_request();
        request.tools.emplace().push_back(std::move(bad));
        return request;
    };
    require_invalid([&] { encode_run(with_tool(function_tool("f", "", "{"))); }, "function_tool::parameters of f");
    require_invalid([&] { encode_run(with_tool(function_tool("f", "", "[]"))); }, "function_tool::parameters of f");
    require_invalid([&] { encode_run(with_tool(json_tool("x", "nope"))); }, "json_tool::json of type x");
    require_invalid([&] { encode_run(with_tool(json_tool("x", R"({"type":"y"})"))); }, "json_tool::json of type x");
    require_invalid([&] { encode_run(with_tool(json_tool("x", "{}"))); }, "json_tool::json of type x");

    agent_definition agent("m");
    agent.response_format = response_format::from_json("auto");
    require_invalid([&] { encode_agent(agent); }, "response_format");
    thread_definition thread;
    thread.tool_resources.other["file_search"] = "[";
    require_invalid([&] { encode_thread(thread); }, "file_search");

    run_request chosen = simple_request();
    chosen.options.tool_choice = tool_choice::from_json("none");
    require_invalid([&] { encode_run(chosen); }, "run_options::tool_choice");
    run_request formatted = simple_request();
    formatted.options.response_format = response_format::from_json("{");
    require_invalid([&] { encode_run(formatted); }, "run_options::response_format");

    run_request instructed = simple_request();
    instructed.options.additional_instructions = "more";
    require_invalid([&] { encode_run(instructed); }, "additional_instructions");
}

BOOST_AUTO_TEST_CASE(refuses_numbers_out_of_range_and_takes_those_at_its_ends) {
    const auto run_with = [](auto member, auto value) {
        run_request request = simple_request();
        request.options.*member = value;
        return encode_run(request).body;
    };
    const auto agent_with = [](auto member, auto value) {
        agent_definition agent("m");
        agent.*member = value;
        return encode_agent(agent);
    };
    const double nan = std::numeric_limits<double>::quiet_NaN(), infinity = std::numeric_limits<double>::infinity();
    for (const double bad : {-0.01, 2.01, nan, infinity}) {
        require_invalid([&] { run_with(&run_options::temperature, bad); }, "run_options::temperature");
        require_invalid([&] { agent_with(&agent_definition::temperature, bad); }, "agent_definition::temperature");
    }
    for (const double bad : {-0.01, 1.01, nan, infinity}) {
        require_invalid([&] { run_with(&run_options::top_p, bad); }, "run_options::top_p");
        require_invalid([&] { agent_with(&agent_definition::top_p, bad); }, "agent_definition::top_p");
    }
    for (const int bad : {-1, 0, 255}) {
        require_invalid([&] { run_with(&run_options::max_prompt_tokens, bad); }, "run_options::max_prompt_tokens");
        require_invalid([&] { run_with(&run_options::max_completion_tokens, bad); },
                        "run_options::max_completion_tokens");
    }
    for (const double good : {0.0, 2.0}) {
        BOOST_CHECK_NO_THROW(run_with(&run_options::temperature, good));
        BOOST_CHECK_NO_THROW(agent_with(&agent_definition::temperature, good));
    }
    for (const double good : {0.0, 1.0}) BOOST_CHECK_NO_THROW(run_with(&run_options::top_p, good));
    BOOST_CHECK_NO_THROW(run_with(&run_options::max_prompt_tokens, 256));
}

BOOST_AUTO_TEST_CASE(refuses_too_much_metadata_and_too_many_tools) {
    const auto repeat = [](std::string_view text, int times) {
        std::string all;
        for (int i = 0; i != times; ++i) all += text;
        return all;
    };
    metadata most;
    for (int i = 0; i != 16; ++i) most["key" + std::to_string(i)] = "v";
    metadata longest;
    // Characters, not bytes.
    longest[repeat("é", 64)] = repeat("日", 512);
    for (const metadata& good : {most, longest}) BOOST_CHECK_NO_THROW(encode_metadata(good, "it"));

    metadata too_many = most;
    too_many["one more"] = "v";
    metadata long_key, long_value;
    long_key[repeat("é", 65)] = "v";
    long_value["k"] = repeat("日", 513);
    for (const metadata& bad : {too_many, long_key, long_value}) {
        require_invalid([&] { encode_metadata(bad, "it"); }, "it::metadata");
        run_request request = simple_request();
        request.options.metadata = bad;
        require_invalid([&] { encode_run(request); }, "run_options::metadata");
        agent_definition agent("m");
        agent.metadata = bad;
        require_invalid([&] { encode_agent(agent); }, "agent_definition::metadata");
        thread_definition thread;
        thread.metadata = bad;
        require_invalid([&] { encode_thread(thread); }, "thread_definition::metadata");
        require_invalid([&] { encode_thread_changes(thread); }, "thread_definition::metadata");
        message text("Hi");
        text.metadata = bad;
        require_invalid([&] { encode_message(text); }, "message::metadata");
    }

    agent_definition agent("m");
    agent.tools.assign(128, code_interpreter());
    BOOST_CHECK_NO_THROW(encode_agent(agent));
    agent.tools.push_back(code_interpreter());
    require_invalid([&] { encode_agent(agent); }, "128");
}

BOOST_AUTO_TEST_CASE(writes_metadata_alone) {
    BOOST_TEST(text_of(encode_metadata({}, "it")) == R"({"metadata":{}})");
    metadata pairs;
    pairs["a"] = "\"";
    BOOST_TEST(text_of(encode_metadata(pairs, "it")) == R"({"metadata":{"a":"\""}})");
}

BOOST_AUTO_TEST_CASE(refuses_in_extra_json_what_is_said_elsewhere_be_it_said_or_not) {
    // A member of the request, and what its message names beside it.
    const std::pair<std::string, std::string_view> rows[] = {
        {"assistant_id", "the agent"},
        {"stream", "agent::run_stream"},
        {"thread", "the message"},
        {"additional_messages", "run_options::additional_messages"},
        {"model", "run_options::model"},
        {"instructions", "run_options::instructions"},
        {"additional_instructions", "run_options::additional_instructions"},
        {"tools", "run_options::tools"},
        {"tool_resources", "mcp_headers"},
        {"temperature", "run_options::temperature"},
        {"top_p", "run_options::top_p"},
        {"max_prompt_tokens", "run_options::max_prompt_tokens"},
        {"max_completion_tokens", "run_options::max_completion_tokens"},
        {"parallel_tool_calls", "run_options::parallel_tool_calls"},
        {"response_format", "run_options::response_format"},
        {"truncation_strategy", "run_options::truncation_strategy"},
        {"tool_choice", "run_options::tool_choice"},
        {"metadata", "run_options::metadata"},
    };
    for (const auto& [member, owner] : rows) {
        for (const bool creates_thread : {true, false}) {
            run_request bare;
            bare.agent_id = "a";
            bare.creates_thread = creates_thread;
            bare.options.extra_json = R"({"reasoning_effort":"low",")" + member + R"(":null})";
            require_invalid([&] { encode_run(bare); }, '"' + member + '"');
            require_invalid([&] { encode_run(bare); }, owner);
        }
    }
}

BOOST_AUTO_TEST_CASE(refuses_text_that_is_not_utf8_without_quoting_it) {
    run_request request = simple_request();
    mcp_tool_resource bookings("bookings");
    bookings.headers.set("Authorization", "hunter2\xff");
    request.tool_resources.mcp.push_back(bookings);
    require_invalid([&] { encode_run(request); }, "UTF-8");
    BOOST_CHECK_EXCEPTION(encode_run(request), error, [](const error& problem) {
        return std::string_view(problem.what()).find("hunter") == std::string_view::npos;
    });
}

BOOST_AUTO_TEST_SUITE_END()
