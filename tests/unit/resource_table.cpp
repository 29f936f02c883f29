// What the two protocols have of each kind of object, and where. What their JSON means: threads_objects.cpp and others.
#include "protocol/responses/resource_table.hpp"

#include "protocol/threads/resource_table.hpp"
#include <corun/error.hpp>

#include <boost/test/unit_test.hpp>

#include <stdexcept>
#include <string>
#include <string_view>

namespace {

using namespace corun;
using codec::endpoint_kind;

const codec::resource_codec& threads = codec::threads::resources;
const codec::resource_codec& responses = codec::responses::resources;

template <class Call>
error failure_of(Call call) {
    try {
        (void)call();
    } catch (const error& failure) {
        return failure;
    }
    throw std::logic_error("nothing was thrown");
}

bool says(const error& failure, std::string_view text) {
    return std::string_view(failure.what()).find(text) != std::string_view::npos;
}

bool has(const secret& body, std::string_view text) {
    return body.reveal().find(text) != std::string_view::npos;
}

agent_definition classic_agent() {
    agent_definition definition("gpt-4o");
    definition.name = "travel";
    return definition;
}

prompt_agent_definition prompt_agent() {
    prompt_agent_definition definition;
    definition.name = "travel";
    definition.model = "gpt-4o";
    return definition;
}

template <class Definition>
Definition with_stored_headers(Definition definition) {
    definition.tool_resources.mcp.emplace_back("bookings");
    return definition;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(resource_codecs)

BOOST_AUTO_TEST_CASE(each_protocol_has_its_collections) {
    BOOST_TEST(threads.agents.collection(endpoint_kind::project) == "/assistants");
    BOOST_TEST(threads.threads.collection(endpoint_kind::project) == "/threads");
    BOOST_TEST(threads.messages.collection == "/messages");
    BOOST_TEST(responses.agents.collection(endpoint_kind::project) == "/agents");
    BOOST_TEST(responses.threads.collection(endpoint_kind::project) == "/openai/v1/conversations");
    BOOST_TEST(responses.threads.collection(endpoint_kind::openai) == "/conversations");
    BOOST_TEST(responses.messages.collection == "/items");
}

BOOST_AUTO_TEST_CASE(an_endpoint_of_openai_stores_no_agents) {
    const error failure = failure_of([] { return responses.agents.collection(endpoint_kind::openai); });
    BOOST_CHECK(failure.code() == errc::invalid_argument);
    BOOST_TEST(says(failure, "client::local_agent"));
}

BOOST_AUTO_TEST_CASE(requests_have_a_version_but_those_of_the_openai_api) {
    BOOST_TEST(threads.has_api_version(endpoint_kind::project, "/threads"));
    BOOST_TEST(threads.has_api_version(endpoint_kind::openai, "/threads"));
    BOOST_TEST(responses.has_api_version(endpoint_kind::project, "/agents"));
    BOOST_TEST(!responses.has_api_version(endpoint_kind::project, "/openai/v1/responses"));
    BOOST_TEST(!responses.has_api_version(endpoint_kind::openai, "/responses"));
}

BOOST_AUTO_TEST_CASE(each_protocol_lacks_what_only_the_other_has) {
    BOOST_TEST(!threads.prompt_agents);
    BOOST_TEST(threads.agents.encode_changes);
    BOOST_TEST(threads.threads.can_be_listed);
    BOOST_TEST(threads.messages.has_runs);
    BOOST_TEST(threads.messages.encode_changes);
    BOOST_TEST(threads.runs);
    BOOST_TEST(threads.decode_file);
    BOOST_TEST(threads.vector_stores);

    BOOST_TEST(responses.prompt_agents);
    BOOST_TEST(!responses.agents.encode_changes);
    BOOST_TEST(!responses.threads.can_be_listed);
    BOOST_TEST(!responses.messages.has_runs);
    BOOST_TEST(!responses.messages.encode_changes);
    BOOST_TEST(!responses.runs);
    BOOST_TEST(!responses.decode_file);
    BOOST_TEST(!responses.vector_stores);
}

BOOST_AUTO_TEST_CASE(an_agent_is_decoded_with_its_prompt_definition_if_it_has_one) {
    const codec::stored_agent classic = threads.agents.decode(R"({"id":"asst_1","model":"m"})");
    BOOST_TEST(classic.definition.id == "asst_1");
    BOOST_TEST(classic.prompt.name.empty());
    const codec::stored_agent prompt =
        responses.agents.decode(R"({"id":"travel","name":"travel","versions":{"latest":{"version":"3"}}})");
    BOOST_TEST(prompt.prompt.version == "3");
    BOOST_TEST(prompt.definition.name == "travel");
}

BOOST_AUTO_TEST_CASE(what_would_store_mcp_headers_is_rejected) {
    for (const codec::resource_codec* each : {&threads, &responses}) {
        const auto agent = [each] { return each->agents.encode(with_stored_headers(classic_agent())); };
        BOOST_CHECK(failure_of(agent).code() == errc::invalid_argument);
        const auto thread = [each] { return each->threads.encode(with_stored_headers(thread_definition())); };
        BOOST_TEST(says(failure_of(thread), "tool_resources.mcp"));
        const auto changes = [each] { return each->threads.encode_changes(with_stored_headers(thread_definition())); };
        BOOST_TEST(says(failure_of(changes), "tool_resources.mcp"));
    }
    const auto changes = [] { return threads.agents.encode_changes(with_stored_headers(classic_agent())); };
    BOOST_TEST(says(failure_of(changes), "tool_resources.mcp"));
    BOOST_TEST(has(threads.agents.encode(classic_agent()), R"("model":"gpt-4o")"));
    BOOST_TEST(has(threads.agents.encode_changes(classic_agent()), R"("model":"gpt-4o")"));
}

BOOST_AUTO_TEST_CASE(a_classic_agent_is_converted_if_nothing_changes) {
    BOOST_TEST(has(responses.agents.encode(classic_agent()), R"("model":"gpt-4o")"));
    agent_definition lossy = classic_agent();
    lossy.tools.push_back(json_tool("azure_function", R"({"type":"azure_function"})"));
    lossy.tool_resources.other["file_search"] = R"({"vector_store_ids":["vs_1"]})";
    const error failure = failure_of([&] { return responses.agents.encode(lossy); });
    BOOST_CHECK(failure.code() == errc::invalid_argument);
    BOOST_TEST(says(failure, "migrate()"));
    agent_definition unnamed = classic_agent();
    unnamed.name.clear();
    BOOST_CHECK(failure_of([&] { return responses.agents.encode(unnamed); }).code() == errc::invalid_argument);
}

BOOST_AUTO_TEST_CASE(a_prompt_agent_needs_a_name_and_a_version_none) {
    prompt_agent_definition definition = prompt_agent();
    BOOST_TEST(has(responses.prompt_agents->encode(definition), R"("name":"travel")"));
    definition.name.clear();
    const error failure = failure_of([&] { return responses.prompt_agents->encode(definition); });
    BOOST_TEST(says(failure, "name is empty"));
    BOOST_TEST(has(responses.prompt_agents->encode_version(definition), R"("model":"gpt-4o")"));
    definition.tools.push_back(prompt_mcp_tool("", "https://mcp.example"));
    const auto version = [&] { return responses.prompt_agents->encode_version(definition); };
    BOOST_CHECK(failure_of(version).code() == errc::invalid_server_label);
    definition.name = "travel";
    const auto agent = [&] { return responses.prompt_agents->encode(definition); };
    BOOST_CHECK(failure_of(agent).code() == errc::invalid_server_label);
    BOOST_TEST(responses.prompt_agents->to_classic(prompt_agent()).name == "travel");
}

BOOST_AUTO_TEST_CASE(an_added_item_is_the_only_one_of_its_page) {
    const std::string item = R"({"id":"msg_1","type":"message","role":"user","content":[]})";
    const auto page = [](const std::string& items) { return R"({"object":"list","data":[)" + items + "]}"; };
    BOOST_TEST(responses.messages.decode_added(page(item)).id == "msg_1");
    for (const std::string& items : {std::string(), item + ',' + item}) {
        const error failure = failure_of([&] { return responses.messages.decode_added(page(items)); });
        BOOST_CHECK(failure.code() == errc::bad_response);
    }
    BOOST_TEST(has(responses.messages.encode(message("hi")), R"("items":[)"));
    BOOST_TEST(!responses.messages.decode_listed(R"({"id":"fc_1","type":"function_call"})"));
    BOOST_TEST(threads.messages.decode_listed(R"({"id":"msg_1"})")->id == "msg_1");
}

BOOST_AUTO_TEST_CASE(changes_of_runs_and_messages_are_metadata_of_their_own) {
    metadata pairs;
    pairs["a"] = "b";
    for (const auto encode : {threads.runs->encode_changes, threads.messages.encode_changes})
        BOOST_TEST(encode(pairs).reveal() == R"({"metadata":{"a":"b"}})");
    pairs[std::string(65, 'k')] = "b";
    BOOST_TEST(says(failure_of([&] { return threads.runs->encode_changes(pairs); }), "the run"));
    BOOST_TEST(says(failure_of([&] { return threads.messages.encode_changes(pairs); }), "the message"));
}

BOOST_AUTO_TEST_CASE(answers_without_a_stream_do_not_ask_for_one) {
    submission answers;
    answers.output("call_1", "cold");
    BOOST_TEST(has(threads.runs->encode_submission(answers), "call_1"));
    BOOST_TEST(!has(threads.runs->encode_submission(answers), R"("stream":true)"));
}

BOOST_AUTO_TEST_SUITE_END()
