// The handles' calls that are refused before anything is sent.
#include "client/handle_access.hpp"
#include "client/protocols.hpp"
#include <corun/client.hpp>

#include <asio/io_context.hpp>
#include <boost/test/unit_test.hpp>

#include <functional>
#include <memory>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

using namespace corun;
using detail::handle_access;

/// Clients of one protocol. Nothing is sent.
struct fixture {
    explicit fixture(protocol spoken)
        : client(io.get_executor(), "https://service.example/p", credential::bearer("token"), of(spoken)),
          api(detail::make_api_client(io.get_executor(), "https://service.example/p", credential::bearer("token"),
                                      of(spoken), nullptr, nullptr)),
          conversation(handle_access::make<agent_thread>(api, R"({"id":"thread_1"})")) {}

    static client_options of(protocol spoken) {
        client_options options;
        options.protocol = spoken;
        return options;
    }

    /// Each call is refused, and the error names it.
    using calls = std::vector<std::pair<std::string, std::function<void()>>>;
    void check_unavailable(const calls& table) {
        for (const auto& [name, call] : table)
            BOOST_TEST_CONTEXT(name) BOOST_TEST(refusal_of(call) == name + std::string(api->resources.unavailable));
    }
    static std::string refusal_of(const std::function<void()>& call) {
        try {
            call();
        } catch (const error& failure) {
            BOOST_TEST(failure.code() == errc::invalid_argument);
            return failure.details().message;
        }
        return "nothing was thrown";
    }

    asio::io_context io;
    corun::client client;
    std::shared_ptr<detail::api_client> api;
    agent_thread conversation;
    std::ostringstream out;
};

struct classic : fixture {
    classic() : fixture(protocol::threads) {}
};

struct responses : fixture {
    responses() : fixture(protocol::responses) {}
};

void ignore(std::string_view) {}

}  // namespace

BOOST_AUTO_TEST_SUITE(client_calls)

BOOST_FIXTURE_TEST_CASE(what_the_threads_protocol_does_not_have_is_named, classic) {
    agent stored = handle_access::make<agent>(api, R"({"id":"asst_1","model":"m"})");
    prompt_agent_definition prompt;
    prompt.model = "m";
    check_unavailable({
        {"client::create_agent with a prompt_agent_definition", [&] { (void)client.create_agent(prompt); }},
        {"client::local_agent", [&] { (void)client.local_agent(prompt); }},
        {"client::get_agent_version", [&] { (void)client.get_agent_version("a", "1"); }},
        {"client::list_agent_versions", [&] { (void)client.list_agent_versions("a"); }},
        {"agent::update with a prompt_agent_definition", [&] { (void)stored.update(prompt); }},
        {"client::list_input_items", [&] { (void)client.list_input_items("resp_1"); }},
        {"client::compact", [&] { (void)client.compact(model_input("m")); }},
        {"client::count_input_tokens", [&] { (void)client.count_input_tokens(model_input("m")); }},
        {"client::download_container_file", [&] { (void)client.download_container_file("c", "f", ignore); }},
        {"client::download_container_file", [&] { (void)client.download_container_file("c", "f", out); }},
        {"client::download_container_file", [&] { (void)client.download_container_file("c", "f", "path"); }},
    });
}

BOOST_FIXTURE_TEST_CASE(what_the_responses_protocol_does_not_have_is_named, responses) {
    agent stored = handle_access::make<agent>(api, R"({"id":"a","name":"a","versions":{"latest":{"version":"1"}}})");
    agent_definition definition;
    definition.model = "m";
    list_options of_run;
    of_run.run_id = "run_1";
    submission answers;
    answers.output("call_1", "{}");
    check_unavailable({
        {"agent::create_run", [&] { (void)stored.create_run("hello"); }},
        {"agent::create_run", [&] { (void)stored.create_run(conversation, "hello"); }},
        {"agent::update with an agent_definition", [&] { (void)stored.update(definition); }},
        {"agent_thread::get_run", [&] { (void)conversation.get_run("run_1"); }},
        {"agent_thread::list_runs", [&] { (void)conversation.list_runs(); }},
        {"agent_thread::update_run", [&] { (void)conversation.update_run("run_1", {}); }},
        {"agent_thread::cancel_run", [&] { (void)conversation.cancel_run("run_1"); }},
        {"agent_thread::wait_for_run", [&] { (void)conversation.wait_for_run("run_1"); }},
        {"agent_thread::submit", [&] { (void)conversation.submit("run_1", answers); }},
        {"agent_thread::submit_stream", [&] { (void)conversation.submit_stream("run_1", answers); }},
        {"agent_thread::get_step", [&] { (void)conversation.get_step("run_1", "step_1"); }},
        {"agent_thread::list_steps", [&] { (void)conversation.list_steps("run_1"); }},
        {"agent_thread::update_message", [&] { (void)conversation.update_message("msg_1", {}); }},
        {"list_options::run_id", [&] { (void)conversation.list_messages(of_run); }},
        {"client::list_threads", [&] { (void)client.list_threads(); }},
        {"client::create_vector_store", [&] { (void)client.create_vector_store({}); }},
        {"client::get_vector_store", [&] { (void)client.get_vector_store("vs_1"); }},
        {"client::list_vector_stores", [&] { (void)client.list_vector_stores(); }},
        {"client::delete_vector_store", [&] { (void)client.delete_vector_store("vs_1"); }},
        {"client::upload_file", [&] { (void)client.upload_file(file_upload::from_bytes("name", "bytes")); }},
        {"client::get_file", [&] { (void)client.get_file("file_1"); }},
        {"client::list_files", [&] { (void)client.list_files(); }},
        {"client::delete_file", [&] { (void)client.delete_file("file_1"); }},
        {"client::download_file", [&] { (void)client.download_file("file_1", ignore); }},
        {"client::download_file", [&] { (void)client.download_file("file_1", out); }},
        {"client::download_file", [&] { (void)client.download_file("file_1", "path"); }},
    });
}

BOOST_FIXTURE_TEST_CASE(what_needs_a_stored_agent_is_named, responses) {
    prompt_agent_definition definition;
    definition.model = "m";
    agent local = client.local_agent(definition);
    const std::string why = " requires a stored agent; this agent is local";
    BOOST_TEST(refusal_of([&] { (void)local.refresh(); }) == "agent::refresh" + why);
    BOOST_TEST(refusal_of([&] { (void)local.update(definition); }) == "agent::update" + why);
    BOOST_TEST(refusal_of([&] { (void)local.remove(); }) == "agent::remove" + why);
    definition.model.clear();
    BOOST_TEST(refusal_of([&] { (void)client.local_agent(definition); }) == "prompt_agent_definition::model is empty");
}

BOOST_FIXTURE_TEST_CASE(a_run_without_a_stream_has_no_mcp_servers_of_the_client, classic) {
    agent stored = handle_access::make<agent>(api, R"({"id":"asst_1","model":"m"})");
    run_options options;
    options.default_mcp_caller = mcp_caller::client;
    const std::string message = refusal_of([&] { (void)stored.create_run("hello", {}, options); });
    BOOST_TEST(message.starts_with("run_options::mcp_callers: agent::create_run"));
    BOOST_TEST(refusal_of([&] { (void)client.create_agent(agent_definition()); }) ==
               "agent_definition::model is empty");
}

BOOST_AUTO_TEST_SUITE_END()
