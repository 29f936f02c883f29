// Objects of the API: their paths, and the JSON they are read from. Nothing is sent.
#include "api/api_objects.hpp"

#include "client/protocols.hpp"

#include <asio/io_context.hpp>
#include <boost/test/unit_test.hpp>

#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>

namespace {

using namespace corun;
using namespace corun::detail;

struct fixture {
    std::shared_ptr<api_client> make_client(corun::protocol protocol, const char* endpoint = "https://host/p") {
        client_options options;
        options.protocol = protocol;
        return make_api_client(io.get_executor(), endpoint, credential(), std::move(options), nullptr, nullptr);
    }

    asio::io_context io;
    std::shared_ptr<api_client> classic = make_client(protocol::threads);
    std::shared_ptr<api_client> responses = make_client(protocol::responses);
    std::shared_ptr<api_client> openai = make_client(protocol::responses, "https://host/v1/");
};

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

}  // namespace

BOOST_FIXTURE_TEST_SUITE(api_objects, fixture)

BOOST_AUTO_TEST_CASE(paths_follow_the_protocol_and_the_endpoint) {
    BOOST_TEST(path_of_agents(*classic) == "/assistants");
    BOOST_TEST(path_of_agent(*classic, "a b") == "/assistants/a%20b");
    BOOST_TEST(path_of_agent(*responses, "travel") == "/agents/travel");
    BOOST_TEST(path_of_versions(*responses, "travel") == "/agents/travel/versions");
    BOOST_TEST(path_of_version(*responses, "travel", "3") == "/agents/travel/versions/3");
    BOOST_TEST(path_of_threads(*classic) == "/threads");
    BOOST_TEST(path_of_thread(*classic, "t") == "/threads/t");
    BOOST_TEST(path_of_thread(*responses, "c") == "/openai/v1/conversations/c");
    BOOST_TEST(path_of_thread(*openai, "c") == "/conversations/c");
    BOOST_TEST(path_of_vector_store("vs") == "/vector_stores/vs");
    BOOST_TEST(path_of_file("f") == "/files/f");
    BOOST_TEST(responses->openai_path() == "/openai/v1");
    BOOST_TEST(openai->openai_path().empty());
}

BOOST_AUTO_TEST_CASE(an_empty_id_is_named) {
    BOOST_TEST(says(failure_of([&] { return path_of_agent(*classic, ""); }), "the agent's id is empty"));
    BOOST_TEST(says(failure_of([&] { return path_of_version(*responses, "a", ""); }), "the agent's version is empty"));
    BOOST_TEST(says(failure_of([&] { return path_of_thread(*classic, ""); }), "the thread's id is empty"));
    BOOST_TEST(says(failure_of([&] { return path_of_vector_store(""); }), "the vector store's id is empty"));
    BOOST_TEST(says(failure_of([&] { return path_of_file(""); }), "the file's id is empty"));
}

BOOST_AUTO_TEST_CASE(an_agent_is_read_in_its_protocol) {
    agent_object agent(classic);
    agent.read(R"({"id":"asst_1","model":"m","name":"n"})");
    BOOST_TEST(agent.value.name == "n");
    BOOST_TEST(agent.path() == "/assistants/asst_1");
    agent_object prompt(responses);
    prompt.read(R"({"id":"travel","name":"travel","versions":{"latest":{"version":"3"}}})");
    BOOST_TEST(prompt.value.id == "travel");
    BOOST_TEST(prompt.prompt.version == "3");
    BOOST_TEST(prompt.path() == "/agents/travel");
    prompt.is_one_version = true;
    BOOST_TEST(prompt.path() == "/agents/travel/versions/3");
}

BOOST_AUTO_TEST_CASE(a_local_agent_has_both_definitions) {
    prompt_agent_definition definition;
    definition.name = "travel";
    definition.model = "gpt-4o";
    agent_object agent(responses);
    BOOST_TEST(!agent.local);
    agent.set_local(definition);
    BOOST_TEST(agent.local);
    BOOST_TEST(agent.prompt.name == "travel");
    BOOST_TEST(agent.value.model == "gpt-4o");
}

BOOST_AUTO_TEST_CASE(threads_and_vector_stores_are_read) {
    thread_object thread(classic);
    thread.read(R"({"id":"thread_1"})");
    BOOST_TEST(thread.path() == "/threads/thread_1");
    BOOST_TEST(thread.path_of_messages() == "/threads/thread_1/messages");
    thread_object conversation(responses);
    conversation.read(R"({"id":"conv_1"})");
    BOOST_TEST(conversation.path_of_messages() == "/openai/v1/conversations/conv_1/items");
    vector_store_object store(classic);
    store.read(R"({"id":"vs_1","status":"completed"})");
    BOOST_TEST(store.value.status == "completed");
    BOOST_TEST(store.path() == "/vector_stores/vs_1");
}

BOOST_AUTO_TEST_CASE(what_a_protocol_lacks_is_an_error_that_names_the_call) {
    BOOST_TEST(require(*classic, classic->resources.runs, "agent_thread::get_run") == classic->resources.runs);
    const error missing =
        failure_of([&] { return require(*responses, responses->resources.runs, "agent_thread::get_run"); });
    BOOST_CHECK(missing.code() == errc::invalid_argument);
    BOOST_TEST(says(missing, "agent_thread::get_run is not available in the Responses protocol"));
    const error reverse =
        failure_of([&] { return require(*classic, classic->resources.prompt_agents, "client::local_agent"); });
    BOOST_TEST(says(reverse, "client::local_agent is available in the Responses protocol only"));
}

BOOST_AUTO_TEST_CASE(client_options_are_checked) {
    const auto connect = [&](auto change) {
        client_options options;
        change(options);
        return failure_of([&] {
            return make_api_client(io.get_executor(), "https://host", credential(), options, nullptr, nullptr);
        });
    };
    BOOST_TEST(says(connect([](client_options& o) { o.api_version.clear(); }), "api_version is empty"));
    BOOST_TEST(says(connect([](client_options& o) { o.application_id = "a\nb"; }), "application_id"));
    using std::chrono::milliseconds;
    const std::pair<const char*, milliseconds client_options::*> timeouts[] = {
        {"connect_timeout", &client_options::connect_timeout}, {"idle_timeout", &client_options::idle_timeout},
        {"event_timeout", &client_options::event_timeout},     {"total_timeout", &client_options::total_timeout},
        {"stop_timeout", &client_options::stop_timeout},
    };
    for (const auto& [name, timeout] : timeouts) {
        const auto member = timeout;
        const error failure = connect([member](client_options& o) { o.*member = milliseconds(-1); });
        BOOST_CHECK(failure.code() == errc::invalid_argument);
        BOOST_TEST(says(failure, name));
        client_options options;
        options.*member = milliseconds(0);
        (void)make_api_client(io.get_executor(), "https://host", credential(), options, nullptr, nullptr);
    }
}

BOOST_AUTO_TEST_SUITE_END()
