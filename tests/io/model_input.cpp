// Calls about the input of responses, and the files of containers.
#include "drive.hpp"
#include "emulated.hpp"
#include "frame.hpp"
#include "loopback_server.hpp"
#include <corun/corun.hpp>

#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>

#include <deque>
#include <memory>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

namespace {

using namespace corun;
using namespace corun::test;
using nlohmann::json;

/// A server that answers each request with the next text.
struct service {
    asio::io_context io;
    std::vector<raw_request> requests;
    std::deque<std::string> answers;
    loopback_server server{io, [this](std::shared_ptr<raw_connection> peer) { return serve(std::move(peer)); }};

    asio::awaitable<void> serve(std::shared_ptr<raw_connection> peer) {
        for (;;) {
            raw_request request = co_await peer->read();
            if (request.head.empty()) break;
            requests.push_back(std::move(request));
            std::string answer = answers.empty() ? whole_response(500, "text/plain", "nothing left") : answers.front();
            if (!answers.empty()) answers.pop_front();
            co_await peer->write(std::move(answer));
        }
        peer->close();
    }

    client connect(const std::string& path) {
        client_options options;
        options.protocol = protocol::responses;
        options.retry.max_retries = 0;
        return client(io.get_executor(), server.url() + path, credential::bearer("key"), std::move(options));
    }
    void answer(const json& body) { answers.push_back(whole_response(200, "application/json", body.dump())); }

    [[nodiscard]] json body() const { return json::parse(requests.back().body); }
    [[nodiscard]] std::string line() const {
        return requests.back().head.substr(0, requests.back().head.find(" HTTP/"));
    }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(model_input_calls)

BOOST_AUTO_TEST_CASE(a_conversation_is_compacted_and_goes_on) {
    service service;
    client client = service.connect("/v1");
    const json output = json::parse(R"([{"type":"message","id":"msg_1","role":"user","content":[]},
                                        {"type":"compaction","id":"cmp_1","encrypted_content":"gAAA"}])");
    service.answer({{"id", "resp_c"},
                    {"object", "response.compaction"},
                    {"created_at", 1764967971},
                    {"output", output},
                    {"usage", {{"input_tokens", 139}, {"output_tokens", 438}, {"total_tokens", 577}}}});
    model_input input("gpt");
    input.instructions = "Be brief.";
    input.previous_response_id = "resp_1";
    input.items = R"([{"type":"item_reference","id":"x"}])";
    input.messages.emplace_back("Hi");
    input.extra_json = R"({"prompt_cache_key":"k"})";
    const compacted_response compacted = await(service.io, client.compact(input));
    BOOST_TEST(service.line() == "POST /v1/responses/compact");
    BOOST_TEST(service.body() == json::parse(R"({"model":"gpt","instructions":"Be brief.",
        "previous_response_id":"resp_1","input":[{"type":"item_reference","id":"x"},
        {"type":"message","role":"user","content":"Hi"}],"prompt_cache_key":"k"})"));
    BOOST_TEST(compacted.id == "resp_c");
    BOOST_TEST(json::parse(compacted.items.text()) == output);
    BOOST_TEST(compacted.usage.value().total_tokens == 577);
    BOOST_TEST(compacted.created_at.value() == 1764967971);
    BOOST_TEST(!compacted.raw.empty());

    service.answers.push_back(
        response_head(200, "text/event-stream", "Connection: close\r\n\r\n") +
        frame("response.completed", R"({"response":{"id":"resp_2","status":"completed","output":[]}})"));
    run_options options;
    options.input_items = compacted.items;
    agent agent = client.local_agent(prompt_agent_definition("gpt"));
    (void)await(service.io, agent.run("And now?", options));
    json wanted = output;
    wanted.push_back(json::parse(R"({"type":"message","role":"user","content":"And now?"})"));
    BOOST_TEST(service.body()["input"] == wanted);
}

BOOST_AUTO_TEST_CASE(the_tokens_of_an_input_are_counted) {
    service service;
    client client = service.connect("/api/projects/one");
    service.answer({{"object", "response.input_tokens"}, {"input_tokens", 11}});
    model_input input("gpt");
    input.conversation = "conv_1";
    input.tools.emplace_back(function_tool("f", "", "{}"));
    BOOST_TEST(await(service.io, client.count_input_tokens(input)) == 11);
    BOOST_TEST(service.line() == "POST /api/projects/one/openai/v1/responses/input_tokens");
    BOOST_TEST(service.body() == json::parse(R"({"model":"gpt","conversation":"conv_1",
                                                 "tools":[{"type":"function","name":"f","parameters":{}}]})"));
    service.answer({{"object", "response.input_tokens"}});
    BOOST_CHECK(failure_of(service.io, client.count_input_tokens(input)).code() == errc::bad_response);
    service.answer({{"id", "resp_c"}, {"output", "none"}});
    input = model_input("gpt");
    input.messages.emplace_back("Hi");
    BOOST_CHECK(failure_of(service.io, client.compact(input)).code() == errc::bad_response);
}

BOOST_AUTO_TEST_CASE(an_input_that_cannot_be_sent_is_refused) {
    service service;
    client client = service.connect("/v1");
    const auto refused = [](auto call) {
        try {
            call();
        } catch (const error& failure) {
            return failure.code() == errc::invalid_argument;
        }
        return false;
    };
    model_input nothing("gpt"), no_model(""), both("gpt"), with_tools("gpt"), bad_items("gpt");
    no_model.messages.emplace_back("Hi");
    both.conversation = both.previous_response_id = "x";
    with_tools.messages.emplace_back("Hi");
    with_tools.tools.emplace_back(function_tool("f", "", "{}"));
    bad_items.items = "{}";
    for (const model_input& input : {nothing, no_model, both, bad_items}) {
        BOOST_TEST(refused([&] { (void)client.compact(input); }));
        BOOST_TEST(refused([&] { (void)client.count_input_tokens(input); }));
    }
    BOOST_TEST(refused([&] { (void)client.compact(with_tools); }));
    BOOST_TEST(refused([&] { (void)client.list_input_items(""); }));
    BOOST_TEST(refused([&] { (void)client.download_container_file("", "f", [](std::string_view) {}); }));
    BOOST_TEST(refused([&] { (void)client.download_container_file("c", "", [](std::string_view) {}); }));
    BOOST_TEST(
        refused([&] { (void)client.download_container_file("c", "f", std::function<void(std::string_view)>()); }));
    BOOST_TEST(service.requests.empty());
}

BOOST_AUTO_TEST_CASE(the_input_items_of_a_response_are_listed) {
    service service;
    client client = service.connect("/v1");
    service.answer(json::parse(R"({"object":"list","has_more":true,"first_id":"msg_1","last_id":"msg_1","data":[
        {"id":"msg_1","type":"message","role":"user","content":[{"type":"input_text","text":"Hi"}]}]})"));
    service.answer(json::parse(R"({"object":"list","has_more":false,"first_id":"fc_1","last_id":"fc_1","data":[
        {"id":"fc_1","type":"function_call_output","call_id":"c","output":"x"}]})"));
    list_options options;
    options.page_size = 1;
    options.oldest_first = true;
    paged<response_item> items = client.list_input_items("resp_1", options);
    const auto first = await(service.io, items.next());
    BOOST_REQUIRE(first);
    BOOST_TEST(service.line() == "GET /v1/responses/resp_1/input_items?limit=1&order=asc");
    BOOST_TEST(first->id == "msg_1");
    BOOST_TEST(first->type == "message");
    BOOST_REQUIRE(first->message);
    BOOST_TEST(first->message->text() == "Hi");
    const auto second = await(service.io, items.next());
    BOOST_REQUIRE(second);
    BOOST_TEST(service.line() == "GET /v1/responses/resp_1/input_items?limit=1&order=asc&after=msg_1");
    BOOST_TEST(second->type == "function_call_output");
    BOOST_TEST(!second->message);
    BOOST_TEST(json::parse(second->raw)["call_id"] == "c");
    BOOST_TEST(!await(service.io, items.next()));
}

BOOST_AUTO_TEST_CASE(a_file_of_a_container_is_downloaded) {
    service service;
    client client = service.connect("/v1");
    const std::string bytes("\0\1PNG\xff", 6);
    const std::string answer = whole_response(200, "application/binary", bytes);
    service.answers = {answer, answer, whole_response(404, "application/json", R"({"error":{"message":"gone"}})")};
    std::string sunk;
    BOOST_TEST(await(service.io, client.download_container_file("cntr_1", "cfile_1", [&sunk](std::string_view part) {
                   sunk += part;
               })) == bytes.size());
    BOOST_TEST(sunk == bytes);
    BOOST_TEST(service.line() == "GET /v1/containers/cntr_1/files/cfile_1/content");
    std::ostringstream out;
    BOOST_TEST(await(service.io, client.download_container_file("cntr_1", "cfile_1", out)) == bytes.size());
    BOOST_TEST(out.str() == bytes);
    BOOST_CHECK(failure_of(service.io, client.download_container_file("cntr_1", "a/b", out)).code() == errc::not_found);
    BOOST_TEST(service.line() == "GET /v1/containers/cntr_1/files/a%2Fb/content");
}

BOOST_AUTO_TEST_CASE(a_function_may_return_an_image) {
    service service;
    client client = service.connect("/v1");
    const auto stream = [](const std::string& output) {
        return response_head(200, "text/event-stream", "Connection: close\r\n\r\n") +
               frame("response.created", R"({"response":{"id":"resp_1","status":"in_progress","output":[]}})") +
               frame("response.completed",
                     R"({"response":{"id":"resp_1","status":"completed","output":)" + output + "}}");
    };
    service.answers = {
        stream(R"([{"id":"fc_1","type":"function_call","call_id":"c1","name":"plot","arguments":"{}"}])"),
        stream("[]")};
    run_options options;
    options.functions.emplace_back("plot", "Plots.", "{}", [](const function_call&) {
        return std::vector{content_block::text("Here:"), content_block::image_url("data:image/png;base64,AA==")};
    });
    agent agent = client.local_agent(prompt_agent_definition("gpt"));
    auto events = await(service.io, agent.run_stream("Plot it", options));
    std::string reported;
    while (auto event = await(service.io, events.next()))
        if (const auto* called = event->get_if<events::function_called>()) reported = called->output;
    BOOST_TEST(reported == "Here:");
    BOOST_TEST(service.body()["input"] == json::parse(R"([{"type":"function_call_output","call_id":"c1","output":[
        {"type":"input_text","text":"Here:"},{"type":"input_image","image_url":"data:image/png;base64,AA=="}]}])"));
}

BOOST_AUTO_TEST_SUITE_END()
